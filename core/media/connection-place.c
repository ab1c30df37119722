/* SPDX-License-Identifier: MIT */
/* Which m-line a track is sent on: one of the client's offer, one that is free again, or a new one. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "sdp/fmtp.h"

#include <stoa/error.h>

#include <string.h>

#include "base/poison.h"

static bool same_codec(const StoaTrack *a, const StoaTrack *b)
{
    return a->sdp_codec == b->sdp_codec && stoa_sdp_fmtp_same(a->sdp_codec, a->fmtp, b->fmtp);
}

/* The line of an offer as agreed, if something of that kind may be sent on it. */
static const StoaSdpLine *sending_line(const StoaConnection *connection, const StoaLine *line,
                                       StoaKind kind)
{
    const StoaSdpLine *agreed = stoa_connection_agreed(connection, line->index);
    bool sends = agreed && agreed->accepted && stoa_sink_is_of_kind(kind, agreed->kind) &&
                 (agreed->direction & STOA_SDP_SENDONLY);

    return sends ? agreed : NULL;
}

/* Whether a line of the offer that is just being answered can carry the track. */
static bool offered_line_fits(const StoaConnection *connection, const StoaLine *line,
                              const StoaTrack *track)
{
    const StoaSdpLine *agreed = sending_line(connection, line, track->info.kind);
    const StoaSink *sink = line->sink;
    bool is_own = track->connection == connection;

    if (sink && sink->active && !(is_own && !sink->track))
        return false;
    return agreed && agreed->codec == track->sdp_codec &&
           stoa_sdp_fmtp_same(agreed->codec, agreed->fmtp, track->fmtp);
}

static StoaLine *find_offered_line(const StoaConnection *connection, const StoaTrack *track)
{
    StoaLine *found = NULL;

    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (!offered_line_fits(connection, line, track))
            continue;
        if (strcmp(line->mid, track->mid) == 0)
            return line;
        if (!found)
            found = line;
    }
    return found;
}

/* An m-line on which the client sends is bound to the codec of that. */
static bool can_be_reused(const StoaSink *sink, const StoaTrack *track)
{
    return !sink->active && sink->kind == track->info.kind &&
           (!sink->line || !sink->line->track || same_codec(track, sink->line->track));
}

/* A sink that was removed: one with an m-line first, since that m-line is there for good. */
static StoaSink *find_free_sink(const StoaConnection *connection, const StoaTrack *track)
{
    StoaSink *found = NULL;

    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (!can_be_reused(sink, track))
            continue;
        if (sink->line && !stoa_connection_line_is_spare(connection, sink->line->index))
            return sink;
        if (!found)
            found = sink;
    }
    return found;
}

static bool has_room(const StoaConnection *connection, GError **error)
{
    unsigned n = 0;
    int64_t most = connection->sdp_media > 0 ? connection->sdp_media : STOA_CONNECTION_MAX_LINES;

    for (unsigned i = 0; i < connection->lines->len; i++)
        n += !stoa_connection_line_is_spare(connection, i);
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        n += sink->active && !sink->line;
    }
    if (n < MIN(most, STOA_CONNECTION_MAX_LINES))
        return true;
    return stoa_fail(error, STOA_ERROR_LIMIT,
                     "this PeerConnection has %u m-lines, and no more are allowed: use another "
                     "handle, or raise limits.sdp_media",
                     n);
}

static StoaSink *add_data_sink(StoaConnection *connection, StoaTrack *track)
{
    StoaSink *sink = NULL;

    for (unsigned i = 0; i < connection->sinks->len && !sink; i++) {
        StoaSink *other = g_ptr_array_index(connection->sinks, i);

        if (other->kind == STOA_DATA)
            sink = other;
    }
    if (!sink)
        sink = stoa_sink_new(connection, STOA_DATA);
    sink->active = true;
    if (!sink->track)
        stoa_sink_show(sink, track);
    for (unsigned i = 0; i < connection->lines->len && !sink->line; i++) {
        const StoaSdpLine *agreed = stoa_connection_agreed(connection, i);

        if (agreed && agreed->accepted && agreed->kind == STOA_SDP_APPLICATION)
            stoa_sink_place(sink, stoa_connection_line(connection, i));
    }
    sink->negotiated = sink->line != NULL && stoa_connection_has_data(connection);
    if (!sink->line)
        stoa_connection_want_data(connection);
    return sink;
}

static StoaSink *add_offered(StoaConnection *connection, StoaTrack *track)
{
    StoaLine *line = NULL;
    StoaSink *sink;

    if (connection->negotiation != STOA_NEGOTIATION_HAVE_REMOTE_OFFER)
        return NULL;
    line = find_offered_line(connection, track);
    if (!line)
        return NULL;
    sink = line->sink ? line->sink : stoa_sink_new(connection, track->info.kind);
    stoa_sink_place(sink, line);
    stoa_sink_take(sink, track);
    return sink;
}

StoaSink *stoa_connection_add_sink(StoaConnection *connection, StoaTrack *track, GError **error)
{
    StoaSink *sink;

    if (!stoa_connection_is_alive(connection, error))
        return NULL;
    if (track->info.kind == STOA_DATA)
        return add_data_sink(connection, track);
    sink = add_offered(connection, track);
    if (sink)
        return sink;
    sink = find_free_sink(connection, track);
    if (sink && sink->line && stoa_connection_line_is_spare(connection, sink->line->index))
        stoa_sink_place(sink,
                        NULL); /* the client refused that m-line: another one has to be offered */
    if ((!sink || !sink->line) && !has_room(connection, error))
        return NULL;
    if (!sink)
        sink = stoa_sink_new(connection, track->info.kind);
    stoa_sink_take(sink, track);
    if (sink->line)
        connection->lines_changed = true;
    return sink;
}

StoaSink *stoa_connection_reserve_sink(StoaConnection *connection, StoaKind kind)
{
    if (connection->negotiation != STOA_NEGOTIATION_HAVE_REMOTE_OFFER || kind == STOA_DATA)
        return NULL;
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);
        const StoaSdpLine *agreed = sending_line(connection, line, kind);

        if (!agreed || line->sink)
            continue;
        StoaSink *sink = stoa_sink_new(connection, kind);
        stoa_sink_place(sink, line);
        stoa_sink_reserve(sink, agreed);
        return sink;
    }
    return NULL;
}
