/* SPDX-License-Identifier: MIT */
/* StoaSink: what we send on one m-line, and the route from a track to it. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "base/id.h"
#include "sdp/fmtp.h"

#include <stoa/error.h>

#include <string.h>

#include "base/poison.h"

enum {
    MAX_LAYER = 2,
    MAX_PAIRS = 1000, /* of SSRCs of one sink: the worker remembers each */
};

/* -- making ------------------------------------------------------------------------------- */

static bool ssrc_is_taken(const StoaConnection *connection, uint32_t ssrc)
{
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (sink->ssrc == ssrc || sink->rtx_ssrc == ssrc)
            return true;
    }
    return false;
}

static uint32_t new_ssrc(const StoaConnection *connection)
{
    uint32_t ssrc;

    do
        ssrc = stoa_id_random32();
    while (ssrc_is_taken(connection, ssrc));
    return ssrc;
}

static void take_ssrcs(StoaSink *sink)
{
    sink->n_taken++;
    if (sink->kind != STOA_DATA)
        sink->ssrc = new_ssrc(sink->connection);
    if (sink->kind == STOA_VIDEO)
        sink->rtx_ssrc = new_ssrc(sink->connection);
}

StoaSink *stoa_sink_new(StoaConnection *connection, StoaKind kind)
{
    StoaSink *sink = g_new0(StoaSink, 1);

    sink->connection = connection;
    sink->number = ++connection->last_sink;
    sink->kind = kind;
    sink->substream = sink->temporal = sink->spatial = -1;
    sink->delay = STOA_DELAY_NONE;
    g_ptr_array_add(connection->sinks, sink);
    take_ssrcs(sink);
    return sink;
}

void stoa_sink_show(StoaSink *sink, StoaTrack *track)
{
    if (sink->track == track)
        return;
    if (sink->track)
        g_ptr_array_remove_fast(sink->track->sinks, sink);
    sink->track = track;
    if (!track)
        return;
    g_ptr_array_add(track->sinks, sink);
    stoa_sink_post_delay(sink);
}

void stoa_sink_free(StoaSink *sink)
{
    stoa_sink_show(sink, NULL);
    stoa_sink_place(sink, NULL);
    stoa_sink_set_data(sink, NULL, NULL);
    g_free(sink->fmtp);
    g_free(sink);
}

void stoa_sink_place(StoaSink *sink, StoaLine *line)
{
    if (sink->line && sink->line->sink == sink)
        sink->line->sink = NULL;
    sink->line = line;
    if (line)
        line->sink = sink;
}

/* The extensions that a subscriber is offered: those that say nothing about the media, and what the sender has. Players are
 * told to wait for repairs whoever sends. */
static uint32_t wanted_exts(const StoaTrack *track)
{
    const uint32_t of_sender = STOA_SDP_EXT_BIT(STOA_SDP_EXT_AUDIO_LEVEL) |
                               STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_ORIENTATION) |
                               STOA_SDP_EXT_BIT(STOA_SDP_EXT_PLAYOUT_DELAY) |
                               STOA_SDP_EXT_BIT(STOA_SDP_EXT_ABS_CAPTURE_TIME) |
                               STOA_SDP_EXT_BIT(STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR);

    uint32_t exts = STOA_SDP_EXT_BIT(STOA_SDP_EXT_MID) | STOA_SDP_EXT_BIT(STOA_SDP_EXT_TWCC) |
                    STOA_SDP_EXT_BIT(STOA_SDP_EXT_ABS_SEND_TIME) | (track->exts & of_sender);

    if (track->info.kind == STOA_VIDEO && !track->connection->no_playout_delay)
        exts |= STOA_SDP_EXT_BIT(STOA_SDP_EXT_PLAYOUT_DELAY);
    return exts;
}

static void name_track(StoaSink *sink, unsigned number)
{
    g_snprintf(sink->track_id, sizeof sink->track_id, "%s-%u-%u", sink->stream, number,
               sink->number);
}

static bool has_wishes(const StoaSink *sink)
{
    return sink->paused || sink->substream >= 0 || sink->temporal >= 0 || sink->spatial >= 0 ||
           sink->fallback_us > 0;
}

static void post_defaults(const StoaSink *sink)
{
    StoaMedia *media = sink->connection->media;
    StoaPeerId peer = sink->connection->peer;

    stoa_peer_pause(media, peer, sink->number, false);
    stoa_peer_limit(media, peer, sink->number, MAX_LAYER, MAX_LAYER);
    stoa_peer_limit_spatial(media, peer, sink->number, MAX_LAYER);
    stoa_peer_fallback(media, peer, sink->number, 0);
}

/* Name and stream stay through a switch, so that the client's <video> stays too. The name has the sink's number
 * in it: Chromium refuses an offer that names two m-lines alike, as after a switch away and subscribing again. */
void stoa_sink_take(StoaSink *sink, StoaTrack *track)
{
    const StoaConnection *from = track->connection;
    bool had_wishes = has_wishes(sink);

    sink->delay = STOA_DELAY_NONE;
    if (!sink->active && sink->has_row &&
        sink->n_taken < MAX_PAIRS) /* Chromium decodes the old ones on, and shows nothing */
        take_ssrcs(sink);
    stoa_sink_show(sink, track);
    sink->active = true;
    sink->negotiated = false;
    sink->codec = track->sdp_codec;
    g_free(sink->fmtp);
    sink->fmtp = stoa_sdp_fmtp_forward_dup(track->sdp_codec, track->fmtp);
    sink->exts = wanted_exts(track);
    sink->red = track->red;
    g_strlcpy(sink->cname, from->cname, sizeof sink->cname);
    g_strlcpy(sink->stream, from->stream, sizeof sink->stream);
    name_track(sink, track->number);
    sink->paused = false;
    sink->substream = sink->temporal = sink->spatial = -1;
    sink->fallback_us = 0;
    if (had_wishes && sink->has_row && sink->connection->peer)
        post_defaults(sink);
}

/* The stream that the others of the connection are of, so that a player has all in one. */
void stoa_sink_reserve(StoaSink *sink, const StoaSdpLine *agreed)
{
    const StoaConnection *connection = sink->connection;
    const char *cname = connection->cname, *stream = connection->stream;

    for (unsigned i = 0; i < connection->sinks->len; i++) {
        const StoaSink *other = g_ptr_array_index(connection->sinks, i);

        if (other == sink || !other->active || !*other->stream)
            continue;
        cname = other->cname;
        stream = other->stream;
        break;
    }
    sink->active = true;
    sink->codec = agreed->codec;
    sink->fmtp = stoa_sdp_fmtp_forward_dup(agreed->codec, agreed->fmtp);
    g_strlcpy(sink->cname, cname, sizeof sink->cname);
    g_strlcpy(sink->stream, stream, sizeof sink->stream);
    name_track(sink, 0);
}

/* -- what the worker is told -------------------------------------------------------------- */

bool stoa_sink_is_of_kind(StoaKind kind, StoaSdpKind sdp)
{
    return (sdp == STOA_SDP_AUDIO && kind == STOA_AUDIO) ||
           (sdp == STOA_SDP_VIDEO && kind == STOA_VIDEO) ||
           (sdp == STOA_SDP_APPLICATION && kind == STOA_DATA);
}

bool stoa_sink_fits(const StoaSink *sink, const StoaSdpLine *agreed)
{
    if (!agreed || !agreed->accepted || !stoa_sink_is_of_kind(sink->kind, agreed->kind))
        return false;
    StoaSdpFormat format;

    return sink->kind == STOA_DATA ||
           stoa_sdp_plan_format(agreed, sink->codec, sink->fmtp, &format);
}

static bool is_same_codec(const StoaSink *sink, const StoaTrack *track)
{
    return track->sdp_codec == sink->codec &&
           stoa_sdp_fmtp_same(sink->codec, sink->fmtp, track->fmtp);
}

bool stoa_sink_suits(const StoaSink *sink, const StoaTrack *track)
{
    const StoaSdpLine *agreed =
        sink->line ? stoa_connection_agreed(sink->connection, sink->line->index) : NULL;
    StoaSdpFormat format;

    return is_same_codec(sink, track) ||
           (agreed && agreed->n_others > 0 &&
            stoa_sdp_plan_format(agreed, track->sdp_codec, track->fmtp, &format));
}

/* To another that was agreed on its m-line. */
static void change_codec(StoaSink *sink, const StoaTrack *track)
{
    if (is_same_codec(sink, track))
        return;
    sink->codec = track->sdp_codec;
    g_free(sink->fmtp);
    sink->fmtp = stoa_sdp_fmtp_forward_dup(track->sdp_codec, track->fmtp);
    if (sink->connection->peer)
        stoa_connection_post_sends(sink->connection);
}

StoaSdpSend stoa_sink_send(const StoaSink *sink)
{
    return (StoaSdpSend){ .ssrc = sink->ssrc,
                          .rtx_ssrc = sink->rtx_ssrc,
                          .cname = sink->cname,
                          .stream = sink->stream,
                          .track = sink->track_id };
}

/* A repeat without RTX says the same again, byte for byte. The send time alone is not worth keeping for each packet. */
static void drop_send_time(StoaSend *row)
{
    uint8_t *id = row->ext.id_of_kind;

    if (row->nack && !row->rtx_payload_type && !id[STOA_RTP_EXT_TWCC])
        id[STOA_RTP_EXT_ABS_SEND_TIME] = 0;
}

static void fill_row(StoaSink *sink, const StoaSdpLine *agreed)
{
    StoaSend *row = &sink->row;
    StoaSdpFormat format;

    if (!stoa_sdp_plan_format(agreed, sink->codec, sink->fmtp, &format))
        stoa_sdp_plan_format(agreed, agreed->codec, agreed->fmtp, &format);
    memset(row, 0, sizeof *row); /* the worker compares bytes */
    row->sink = sink->number;
    row->kind = sink->kind;
    row->codec = stoa_connection_codec(format.codec);
    row->payload_type = (uint8_t)format.pt;
    row->rtx_payload_type = (uint8_t)MAX(format.rtx_pt, 0);
    row->red_payload_type = agreed->red ? (uint8_t)MAX(agreed->red_pt, 0) : 0;
    row->clock_hz = format.clock_hz;
    row->ssrc = sink->ssrc;
    row->rtx_ssrc = format.rtx_pt > 0 ? sink->rtx_ssrc : 0;
    row->nack = format.feedback & STOA_SDP_FB_NACK;
    row->pli = format.feedback & STOA_SDP_FB_PLI;
    g_strlcpy(row->mid, agreed->mid, sizeof row->mid);
    for (unsigned ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
        StoaRtpExtKind kind = stoa_connection_ext_kind(ext);

        if (kind != STOA_RTP_EXT_NONE && (agreed->ext_direction[ext] & STOA_SDP_SENDONLY))
            row->ext.id_of_kind[kind] = agreed->ext_id[ext];
    }
    drop_send_time(row);
    sink->has_row = true;
}

void stoa_sink_negotiate(StoaSink *sink, const StoaSdpLine *agreed)
{
    bool sends = agreed && agreed->accepted && stoa_sink_is_of_kind(sink->kind, agreed->kind);
    const char *track_id = sends ? agreed->send.track : NULL;

    if (sink->kind == STOA_DATA) {
        sink->negotiated = sends && sink->active;
        return;
    }
    sends = sends && (agreed->direction & STOA_SDP_SENDONLY);
    if (sends)
        fill_row(sink, agreed);
    sink->negotiated = sends && sink->active && stoa_sink_fits(sink, agreed) &&
                       (!track_id || strcmp(track_id, sink->track_id) == 0);
}

void stoa_sink_route(StoaSink *sink)
{
    StoaConnection *connection = sink->connection;
    StoaTrackRef wanted = { 0 };

    if (sink->kind == STOA_DATA)
        return;
    if (sink->active && sink->negotiated && sink->track && sink->track->connection->peer)
        wanted = (StoaTrackRef){ sink->track->connection->peer, sink->track->number };
    if (wanted.peer == sink->routed.peer && wanted.track == sink->routed.track)
        return;
    sink->routed = wanted;
    if (!connection->peer)
        return;
    stoa_peer_route(connection->media, connection->peer, sink->number, wanted);
    if (wanted.peer && connection->up && !sink->paused)
        stoa_track_keyframe(sink->track);
}

void stoa_sink_post_wishes(StoaSink *sink)
{
    StoaConnection *connection = sink->connection;

    stoa_sink_post_delay(sink);
    if (sink->paused)
        stoa_peer_pause(connection->media, connection->peer, sink->number, true);
    if (sink->substream >= 0 || sink->temporal >= 0)
        stoa_peer_limit(connection->media, connection->peer, sink->number, sink->substream,
                        sink->temporal);
    if (sink->priority > 0)
        stoa_peer_priority(connection->media, connection->peer, sink->number, sink->priority);
    if (sink->spatial >= 0)
        stoa_peer_limit_spatial(connection->media, connection->peer, sink->number, sink->spatial);
    if (sink->fallback_us > 0)
        stoa_peer_fallback(connection->media, connection->peer, sink->number, sink->fallback_us);
}

void stoa_sink_lose_track(StoaSink *sink)
{
    stoa_sink_show(sink, NULL);
    stoa_sink_route(sink);
}

/* -- for plugins: see stoa/media.h -------------------------------------------------------- */

const char *stoa_sink_mid(const StoaSink *sink)
{
    return sink->line ? sink->line->mid : NULL;
}

unsigned stoa_sink_mindex(const StoaSink *sink)
{
    return sink->line ? sink->line->index : 0;
}

StoaKind stoa_sink_kind(const StoaSink *sink)
{
    return sink->kind;
}

const char *stoa_sink_codec(const StoaSink *sink)
{
    return sink->kind == STOA_DATA ? NULL : stoa_sdp_codec_name(sink->codec);
}

StoaTrack *stoa_sink_track(const StoaSink *sink)
{
    return sink->track;
}

bool stoa_sink_ready(const StoaSink *sink)
{
    return sink->negotiated && sink->connection->up;
}

bool stoa_sink_active(const StoaSink *sink)
{
    return sink->active;
}

void stoa_sink_set_data(StoaSink *sink, void *data, GDestroyNotify free_data)
{
    void *old = sink->data;
    GDestroyNotify free_old = sink->free_data;

    sink->data = data;
    sink->free_data = free_data;
    if (old && free_old)
        free_old(old);
}

void *stoa_sink_data(const StoaSink *sink)
{
    return sink->data;
}

void stoa_sink_pause(StoaSink *sink, bool paused)
{
    StoaConnection *connection = sink->connection;

    if (sink->paused == paused || sink->kind == STOA_DATA)
        return;
    sink->paused = paused;
    if (!sink->has_row || !connection->peer)
        return;
    stoa_peer_pause(connection->media, connection->peer, sink->number, paused);
    if (!paused && sink->track)
        stoa_track_keyframe(sink->track);
}

static bool can_show(const StoaSink *sink, const StoaTrack *track, GError **error)
{
    const char *name = stoa_sink_mid(sink) ? stoa_sink_mid(sink) : "(new)";

    if (!sink->active)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "m-line \"%s\" was removed: subscribe anew instead of switching", name);
    if (track->info.kind != sink->kind)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line \"%s\" carries another kind of media than track \"%s\"", name,
                         track->mid);
    if (sink->kind == STOA_DATA)
        return true;
    if (!stoa_sink_suits(sink, track))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "m-line \"%s\" carries %s and track \"%s\" is %s of another kind or "
                         "profile: subscribe to it on an m-line of its own",
                         name, stoa_sink_codec(sink), track->mid, track->info.codec);
    return true;
}

bool stoa_sink_switch(StoaSink *sink, StoaTrack *track, GError **error)
{
    if (track && !can_show(sink, track, error))
        return false;
    stoa_sink_show(sink, track);
    if (track && sink->kind != STOA_DATA)
        change_codec(sink, track);
    stoa_sink_route(sink);
    return true;
}

void stoa_sink_remove(StoaSink *sink)
{
    if (!sink->active)
        return;
    sink->active = false;
    sink->negotiated = false;
    stoa_sink_show(sink, NULL);
    stoa_sink_route(sink);
    if (sink->line && sink->kind != STOA_DATA)
        sink->connection->lines_changed = true;
}

void stoa_sink_limit(StoaSink *sink, int substream, int temporal)
{
    StoaConnection *connection = sink->connection;

    if (substream >= 0)
        sink->substream = (int8_t)MIN(substream, MAX_LAYER);
    if (temporal >= 0)
        sink->temporal = (int8_t)MIN(temporal, MAX_LAYER);
    if (sink->has_row && connection->peer)
        stoa_peer_limit(connection->media, connection->peer, sink->number, sink->substream,
                        sink->temporal);
}

void stoa_sink_priority(StoaSink *sink, unsigned priority)
{
    StoaConnection *connection = sink->connection;

    priority = MIN(priority, UINT8_MAX);
    if (sink->priority == priority || sink->kind == STOA_DATA)
        return;
    sink->priority = (uint8_t)priority;
    if (sink->has_row && connection->peer)
        stoa_peer_priority(connection->media, connection->peer, sink->number, priority);
}

void stoa_sink_limit_spatial(StoaSink *sink, int spatial)
{
    StoaConnection *connection = sink->connection;

    if (spatial < 0)
        return;
    sink->spatial = (int8_t)MIN(spatial, MAX_LAYER);
    if (sink->has_row && connection->peer)
        stoa_peer_limit_spatial(connection->media, connection->peer, sink->number, sink->spatial);
}

void stoa_sink_fallback(StoaSink *sink, int64_t us)
{
    StoaConnection *connection = sink->connection;

    sink->fallback_us = (uint32_t)CLAMP(us, 0, UINT32_MAX);
    if (sink->has_row && connection->peer)
        stoa_peer_fallback(connection->media, connection->peer, sink->number, sink->fallback_us);
}
