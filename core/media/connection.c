/* SPDX-License-Identifier: MIT */
/* The life of a connection, what can be asked of it, and the candidates of the client. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include <gio/gio.h>

#include "base/id.h"
#include "sdp/read.h"
#include "sdp/write.h"

#include <stoa/error.h>

#include <string.h>

#include "base/poison.h"

enum { PACK_BYTES = 4096 };

/* The moves of a negotiation; NONE: not now. (RFC 8829, 3.2) An offer of ours may be replaced by another of ours. */
static const StoaNegotiation moves[STOA_NEGOTIATION_N_STATES][STOA_NEGOTIATION_N_EVENTS] = {
    [STOA_NEGOTIATION_STABLE][STOA_NEGOTIATION_TAKE_OFFER] = STOA_NEGOTIATION_HAVE_REMOTE_OFFER,
    [STOA_NEGOTIATION_HAVE_REMOTE_OFFER][STOA_NEGOTIATION_GIVE_ANSWER] = STOA_NEGOTIATION_STABLE,
    [STOA_NEGOTIATION_STABLE][STOA_NEGOTIATION_GIVE_OFFER] = STOA_NEGOTIATION_HAVE_LOCAL_OFFER,
    [STOA_NEGOTIATION_HAVE_LOCAL_OFFER][STOA_NEGOTIATION_GIVE_OFFER] =
        STOA_NEGOTIATION_HAVE_LOCAL_OFFER,
    [STOA_NEGOTIATION_HAVE_LOCAL_OFFER][STOA_NEGOTIATION_TAKE_ANSWER] = STOA_NEGOTIATION_STABLE,
};

bool stoa_connection_may(const StoaConnection *connection, StoaNegotiationEvent event)
{
    return moves[connection->negotiation][event] != STOA_NEGOTIATION_NONE;
}

void stoa_connection_step(StoaConnection *connection, StoaNegotiationEvent event)
{
    g_assert(stoa_connection_may(connection, event));
    connection->negotiation = moves[connection->negotiation][event];
}

/* -- life --------------------------------------------------------------------------------- */

static void line_free(gpointer line)
{
    g_free(line);
}

StoaConnection *stoa_connection_new(const StoaConnectionSpec *spec)
{
    StoaConnection *connection = g_new0(StoaConnection, 1);

    stoa_log_tag_set(&connection->log, "%s", spec->log_ids ? spec->log_ids : "");
    connection->media = spec->media;
    connection->handle = spec->handle;
    connection->room = spec->room;
    connection->sdp_bytes = spec->sdp_bytes;
    connection->sdp_media = spec->sdp_media;
    connection->events = spec->events;
    connection->user = spec->user;
    connection->negotiation = STOA_NEGOTIATION_STABLE;
    connection->session_id = stoa_id_random53();
    connection->lines = g_ptr_array_new_with_free_func(line_free);
    connection->sinks = g_ptr_array_new();
    connection->early_candidates = g_ptr_array_new_with_free_func(g_free);
    stoa_id_text(connection->cname, STOA_CONNECTION_NAME_LEN);
    stoa_id_text(connection->stream, STOA_CONNECTION_NAME_LEN);
    return connection;
}

static void release(StoaConnection *connection)
{
    stoa_sdp_plan_free(connection->plan);
    stoa_sdp_plan_free(connection->offered);
    g_clear_pointer(&connection->remote_sdp, g_bytes_unref);
    g_free(connection->remote_ufrag);
    g_free(connection->remote_pwd);
    g_free(connection->remote_fingerprint);
    g_ptr_array_unref(connection->early_candidates);
    g_ptr_array_unref(connection->sinks);
    g_ptr_array_unref(connection->lines);
    g_free(connection);
}

void stoa_connection_enter(StoaConnection *connection)
{
    connection->depth++;
}

void stoa_connection_leave(StoaConnection *connection)
{
    if (--connection->depth == 0 && connection->closed)
        release(connection);
}

static void close_peer(StoaConnection *connection)
{
    StoaPeerId peer = connection->peer;

    if (!peer)
        return;
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->track)
            stoa_track_untap(line->track);
    }
    connection->peer = 0;
    connection->local = NULL;
    connection->up = false;
    stoa_peer_close(connection->media, peer);
}

void stoa_connection_free(StoaConnection *connection)
{
    if (!connection || connection->closed)
        return;
    stoa_connection_enter(connection);
    connection->closed = true;
    close_peer(connection);
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->track)
            stoa_track_end(line->track);
    }
    while (connection->sinks->len > 0)
        stoa_sink_free(g_ptr_array_steal_index(connection->sinks, connection->sinks->len - 1));
    stoa_connection_leave(connection);
}

bool stoa_connection_is_alive(const StoaConnection *connection, GError **error)
{
    if (connection->closed || connection->down)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "this PeerConnection has ended: begin a new one");
    return true;
}

bool stoa_connection_open(StoaConnection *connection, bool controlling, GError **error)
{
    StoaPeerSpec spec = { .room = connection->room,
                          .controlling = controlling,
                          .events = &stoa_connection_peer_events,
                          .user = connection,
                          .log_ids = connection->log.ids };

    if (!stoa_connection_is_alive(connection, error))
        return false;
    if (connection->peer)
        return true;
    connection->peer = stoa_peer_open(connection->media, &spec, &connection->local, error);
    if (!connection->peer)
        return false;
    if (connection->bitrate_bps)
        stoa_peer_bitrate(connection->media, connection->peer, connection->bitrate_bps);
    return true;
}

/* -- descriptions ------------------------------------------------------------------------- */

StoaSdp *stoa_connection_read(const StoaConnection *connection, const char *sdp, const char *what,
                              GError **error)
{
    StoaSdpLimits limits = { .max_bytes = (size_t)MAX(connection->sdp_bytes, 0),
                             .max_media = (unsigned)CLAMP(connection->sdp_media, 0, G_MAXINT) };
    StoaSdp *tree = NULL;

    if (!sdp) {
        stoa_fail(error, STOA_ERROR_INVALID, "the %s has no sdp", what);
        return NULL;
    }
    tree = stoa_sdp_read(sdp, strlen(sdp), &limits, error);
    if (!tree)
        g_prefix_error(error, "%s: ", what);
    return tree;
}

bool stoa_connection_same_peer(const StoaConnection *connection, const StoaSdpPlan *plan,
                               GError **error)
{
    if (!connection->remote_fingerprint ||
        g_strcmp0(connection->remote_fingerprint, plan->remote.fingerprint) == 0)
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "the sdp comes from another PeerConnection (its fingerprint is not the one "
                     "of before): hang up first");
}

StoaSdpLocal stoa_connection_ours(const StoaConnection *connection)
{
    const StoaPeerLocal *local = connection->local;
    StoaSdpLocal ours = { .session_id = connection->session_id,
                          .ufrag = local->ufrag,
                          .pwd = local->pwd,
                          .fingerprint = local->fingerprint,
                          .ice_lite = local->lite,
                          .trickle = true,
                          .end_of_candidates = !local->gathering };

    if (local->candidates) {
        ours.candidates = (const char *const *)local->candidates->pdata;
        ours.n_candidates = local->candidates->len;
    }
    return ours;
}

char *stoa_connection_write(const StoaConnection *connection, const StoaSdpPlan *plan,
                            GError **error)
{
    StoaSdpLocal ours = stoa_connection_ours(connection);

    return stoa_sdp_write(plan, &ours, error);
}

/* -- candidates of the client ------------------------------------------------------------- */

void stoa_connection_add_candidate(StoaConnection *connection, const char *candidate)
{
    if (connection->closed || connection->down)
        return;
    if (candidate && strlen(candidate) > STOA_CONNECTION_MAX_CANDIDATE_LEN)
        return;
    if (candidate && g_str_has_prefix(candidate, "a="))
        candidate += 2;
    if (connection->peer && connection->remote_ufrag)
        stoa_peer_add_candidate(connection->media, connection->peer, candidate);
    else if (!candidate)
        connection->early_end = true;
    else if (connection->early_candidates->len < STOA_CONNECTION_MAX_CANDIDATES)
        g_ptr_array_add(connection->early_candidates, g_strdup(candidate));
}

/* -- questions ---------------------------------------------------------------------------- */

const StoaSdpPlan *stoa_connection_last_plan(const StoaConnection *connection)
{
    return connection->offered ? connection->offered : connection->plan;
}

bool stoa_connection_needs_offer(const StoaConnection *connection)
{
    const StoaSdpPlan *last = stoa_connection_last_plan(connection);

    if (connection->lines_changed)
        return true;
    if (connection->wants_data && !(last && stoa_sdp_plan_has_data(last)))
        return true;
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        const StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (sink->active && !sink->line && sink->kind != STOA_DATA)
            return true;
    }
    return false;
}

bool stoa_connection_offer_pending(const StoaConnection *connection)
{
    return connection->negotiation == STOA_NEGOTIATION_HAVE_LOCAL_OFFER;
}

bool stoa_connection_is_up(const StoaConnection *connection)
{
    return connection->up;
}

bool stoa_connection_has_data(const StoaConnection *connection)
{
    return connection->plan && stoa_sdp_plan_has_data(connection->plan);
}

/* Written anew: for a subscriber of many streams it is the longest text that there is, and seldom asked for. */
char *stoa_connection_local_sdp(const StoaConnection *connection)
{
    const StoaSdpPlan *plan = stoa_connection_last_plan(connection);

    return plan && connection->local ? stoa_connection_write(connection, plan, NULL) : NULL;
}

/* A client's text is seldom asked for again, and long where it answers many streams. */
static GBytes *convert(GConverter *how, const void *buf, size_t len)
{
    g_autoptr(GInputStream) from = g_memory_input_stream_new_from_data(buf, (gssize)len, NULL);
    g_autoptr(GInputStream) packed = g_converter_input_stream_new(from, how);
    g_autoptr(GOutputStream) to = g_memory_output_stream_new_resizable();

    if (g_output_stream_splice(to, packed, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, NULL) < 0)
        return NULL;
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(to));
}

void stoa_connection_keep_remote(StoaConnection *connection, const char *sdp)
{
    size_t len = strlen(sdp);
    GBytes *kept = NULL;

    if (len >= PACK_BYTES) {
        g_autoptr(GZlibCompressor) pack = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_RAW, 1);

        kept = convert(G_CONVERTER(pack), sdp, len);
    }
    g_clear_pointer(&connection->remote_sdp, g_bytes_unref);
    connection->remote_sdp = kept ? kept : g_bytes_new(sdp, len);
    connection->is_remote_packed = kept != NULL;
}

static char *text_of(GBytes *bytes)
{
    size_t len = 0;
    const char *text = g_bytes_get_data(bytes, &len);

    return g_strndup(text, len);
}

char *stoa_connection_remote_sdp(const StoaConnection *connection)
{
    g_autoptr(GZlibDecompressor) unpack = NULL;
    g_autoptr(GBytes) text = NULL;

    if (!connection->remote_sdp || !connection->is_remote_packed)
        return connection->remote_sdp ? text_of(connection->remote_sdp) : NULL;
    unpack = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_RAW);
    text = convert(G_CONVERTER(unpack), g_bytes_get_data(connection->remote_sdp, NULL),
                   g_bytes_get_size(connection->remote_sdp));
    return text ? text_of(text) : NULL;
}

StoaSdpLine *stoa_connection_agreed(const StoaConnection *connection, unsigned index)
{
    return connection->plan ? stoa_sdp_plan_line(connection->plan, index) : NULL;
}

bool stoa_connection_line_is_spare(const StoaConnection *connection, unsigned index)
{
    const StoaSdpPlan *last = stoa_connection_last_plan(connection);
    const StoaSdpLine *described = last ? stoa_sdp_plan_line(last, index) : NULL;
    const StoaLine *line = stoa_connection_line(connection, index);

    return described && !described->accepted && !(line->sink && line->sink->active);
}

StoaLine *stoa_connection_line(const StoaConnection *connection, unsigned index)
{
    return index < connection->lines->len ? g_ptr_array_index(connection->lines, index) : NULL;
}

void stoa_connection_foreach_track(StoaConnection *connection,
                                   void (*fn)(StoaTrack *track, void *data), void *data)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->track)
            fn(line->track, data);
    }
}

void stoa_connection_foreach_sink(StoaConnection *connection,
                                  void (*fn)(StoaSink *sink, void *data), void *data)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->sink)
            fn(line->sink, data);
    }
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);

        if (!sink->line)
            fn(sink, data);
    }
}

StoaTrack *stoa_connection_track(StoaConnection *connection, const char *mid)
{
    for (unsigned i = 0; mid && i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->track && strcmp(line->mid, mid) == 0)
            return line->track;
    }
    return NULL;
}

StoaSink *stoa_connection_sink(StoaConnection *connection, const char *mid)
{
    for (unsigned i = 0; mid && i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (line->sink && strcmp(line->mid, mid) == 0)
            return line->sink;
    }
    return NULL;
}

/* -- wishes ------------------------------------------------------------------------------- */

void stoa_connection_bitrate(StoaConnection *connection, uint32_t bps)
{
    connection->bitrate_bps = bps;
    if (connection->peer)
        stoa_peer_bitrate(connection->media, connection->peer, bps);
}

bool stoa_connection_send_data(StoaConnection *connection, const char *label, const void *buf,
                               size_t len, bool text)
{
    return connection->peer && stoa_connection_has_data(connection) &&
           stoa_peer_send_data(connection->media, connection->peer, label, buf, len, text);
}

size_t stoa_connection_data_waiting(const StoaConnection *connection)
{
    return connection->peer ? stoa_peer_data_waiting(connection->media, connection->peer) : 0;
}

bool stoa_connection_relay_data(StoaConnection *connection, const StoaDataChannel *channel,
                                const void *buf, size_t len, bool text)
{
    return connection->peer && stoa_connection_has_data(connection) &&
           stoa_peer_relay_data(connection->media, connection->peer, channel, buf, len, text);
}

bool stoa_connection_open_data(StoaConnection *connection, const StoaDataChannel *channel)
{
    return connection->peer && stoa_connection_has_data(connection) &&
           stoa_peer_open_channel(connection->media, connection->peer, channel);
}

void stoa_connection_close_data(StoaConnection *connection, const char *label)
{
    if (connection->peer)
        stoa_peer_close_channel(connection->media, connection->peer, label);
}

void stoa_connection_want_data(StoaConnection *connection)
{
    connection->wants_data = true;
}

void stoa_connection_stats(StoaConnection *connection, void (*got)(json_t *stats, void *data),
                           void *data)
{
    if (connection->peer)
        stoa_peer_stats(connection->media, connection->peer, got, data);
    else
        got(NULL, data);
}

void stoa_connection_figures(StoaConnection *connection,
                             void (*got)(const struct StoaFigures *figures, void *data), void *data,
                             GDestroyNotify free_data)
{
    StoaPeerId peer = connection ? connection->peer : 0;

    if (peer) {
        stoa_peer_figures(connection->media, peer, got, data, free_data);
        return;
    }
    got(NULL, data);
    if (free_data)
        free_data(data);
}
