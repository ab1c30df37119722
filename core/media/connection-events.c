/* SPDX-License-Identifier: MIT */
/* What the media engine tells of a peer, in the words of the session: mids, reasons, layers as on the wire. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "base/poison.h"

static StoaTrack *track_of_number(const StoaConnection *connection, uint32_t number)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->track && line->track->number == number)
            return line->track;
    }
    return NULL;
}

static StoaSink *sink_of_number(const StoaConnection *connection, uint32_t number)
{
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (sink->number == number)
            return sink;
    }
    return NULL;
}

/* Whoever waited for pictures sees nothing before the next keyframe. */
static void want_keyframes(StoaConnection *connection)
{
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (sink->track && sink->routed.peer && !sink->paused)
            stoa_track_keyframe(sink->track);
    }
}

static void on_up(void *user)
{
    StoaConnection *connection = user;

    connection->up = true;
    log_debug(connection, "the PeerConnection is up");
    want_keyframes(connection);
    stoa_connection_enter(connection);
    if (connection->events->up)
        connection->events->up(connection->user);
    stoa_connection_leave(connection);
}

static const char *reason_of(StoaPeerDown why)
{
    switch (why) {
    case STOA_DOWN_ICE: return "ICE failed";
    case STOA_DOWN_DTLS_ALERT: return "DTLS alert"; /* the browser closed its PeerConnection */
    case STOA_DOWN_DTLS_FAILED: return "DTLS failed";
    case STOA_DOWN_CONSENT: return "Consent expired";
    }
    return "Unknown";
}

static void on_down(void *user, StoaPeerDown why)
{
    StoaConnection *connection = user;

    connection->up = false;
    connection->down = true;
    log_debug(connection, "the PeerConnection is down: %s", reason_of(why));
    stoa_connection_enter(connection);
    if (connection->events->down)
        connection->events->down(connection->user, reason_of(why), why == STOA_DOWN_ICE);
    stoa_connection_leave(connection);
}

/* Encodings come from SDP with the highest first; on the wire substream 0 is the lowest. */
static int substream_of(const StoaConnection *connection, const StoaTrack *track, int encoding)
{
    const StoaSdpLine *agreed = stoa_connection_agreed(connection, track->line->index);

    if (encoding < 0 || !agreed || encoding >= (int)agreed->n_encodings)
        return -1;
    return (int)agreed->n_encodings - 1 - encoding;
}

static void on_media(void *user, uint32_t number, bool receiving, int encoding, int64_t silent_ms)
{
    StoaConnection *connection = user;
    StoaTrack *track = track_of_number(connection, number);

    if (!track || !connection->events->media)
        return;
    stoa_connection_enter(connection);
    connection->events->media(connection->user, track->mid, track->info.kind, receiving,
                              substream_of(connection, track, encoding),
                              (double)silent_ms / 1000.0);
    stoa_connection_leave(connection);
}

static void on_slowlink(void *user, uint32_t number, bool uplink, unsigned lost)
{
    StoaConnection *connection = user;
    StoaTrack *track = uplink ? track_of_number(connection, number) : NULL;
    StoaSink *sink = uplink ? NULL : sink_of_number(connection, number);
    const char *mid = track ? track->mid : sink ? stoa_sink_mid(sink) : NULL;

    if (!mid || !connection->events->slowlink)
        return;
    stoa_connection_enter(connection);
    connection->events->slowlink(connection->user, mid, track ? track->info.kind : sink->kind,
                                 uplink, lost);
    stoa_connection_leave(connection);
}

static void on_layer(void *user, uint32_t number, int substream, int temporal)
{
    StoaConnection *connection = user;
    StoaSink *sink = sink_of_number(connection, number);

    if (!sink || !connection->events->layer)
        return;
    stoa_connection_enter(connection);
    connection->events->layer(connection->user, sink, substream, temporal);
    stoa_connection_leave(connection);
}

static void on_layers(void *user, uint32_t number, unsigned spatial, unsigned temporal)
{
    StoaTrack *track = track_of_number(user, number);

    if (!track)
        return;
    track->info.spatial_layers = spatial;
    track->info.temporal_layers = temporal;
    track->info.svc = spatial > 1;
}

static void on_talking(void *user, uint32_t number, bool talking, double average_dbov)
{
    StoaConnection *connection = user;
    StoaTrack *track = track_of_number(connection, number);

    if (!track || !connection->events->talking)
        return;
    stoa_connection_enter(connection);
    connection->events->talking(connection->user, track, talking, average_dbov);
    stoa_connection_leave(connection);
}

static void on_voice(void *user, uint32_t number, double loudness)
{
    StoaConnection *connection = user;
    StoaTrack *track = track_of_number(connection, number);

    if (!track || !connection->events->voice)
        return;
    stoa_connection_enter(connection);
    connection->events->voice(connection->user, track, loudness);
    stoa_connection_leave(connection);
}

/* All m-lines share one transport: a candidate belongs to the first that is in use. */
static void on_candidate(void *user, const char *candidate)
{
    StoaConnection *connection = user;
    const StoaSdpPlan *plan = connection->offered ? connection->offered : connection->plan;

    if (!plan || !connection->events->candidate)
        return;
    for (unsigned i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);

        if (!line->accepted)
            continue;
        stoa_connection_enter(connection);
        connection->events->candidate(connection->user, candidate, line->mid, i);
        stoa_connection_leave(connection);
        return;
    }
}

static void on_data_open(void *user, const char *label, const char *protocol)
{
    StoaConnection *connection = user;

    stoa_connection_enter(connection);
    if (connection->events->data_open)
        connection->events->data_open(connection->user, label, protocol);
    stoa_connection_leave(connection);
}

static void on_data_closed(void *user, const char *label)
{
    StoaConnection *connection = user;

    stoa_connection_enter(connection);
    if (connection->events->data_closed)
        connection->events->data_closed(connection->user, label);
    stoa_connection_leave(connection);
}

static void on_data(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                    bool text)
{
    StoaConnection *connection = user;

    stoa_connection_enter(connection);
    if (connection->events->data)
        connection->events->data(connection->user, channel, buf, len, text);
    stoa_connection_leave(connection);
}

const StoaPeerEvents stoa_connection_peer_events = {
    .up = on_up,
    .down = on_down,
    .media = on_media,
    .slowlink = on_slowlink,
    .layer = on_layer,
    .layers = on_layers,
    .talking = on_talking,
    .voice = on_voice,
    .candidate = on_candidate,
    .data_open = on_data_open,
    .data_closed = on_data_closed,
    .data = on_data,
};
