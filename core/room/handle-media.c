/* SPDX-License-Identifier: MIT */
/* The PeerConnection of a handle: made with the first description, ended by either side, told to plugin and client. */
#include "config.h"

#define LOG_AREA "handle"

#include "room/kept-room.h"
#include "room/room-private.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KEPT_CANDIDATES = 64 };

static void tell(StoaHandle *handle, const char *name, json_t *fields)
{
    if (handle->outlet)
        handle->outlet->core_event(handle, name, fields);
    else
        json_decref(fields);
}

static const char *kind_name(StoaKind kind)
{
    return kind == STOA_AUDIO ? "audio" : kind == STOA_VIDEO ? "video" : "data";
}

static void on_up(void *user)
{
    StoaHandle *handle = user;

    log_info(handle, "PeerConnection is up");
    tell(handle, "webrtcup", NULL);
    if (handle->module->plugin.connected)
        handle->module->plugin.connected(handle);
}

/* Before the connection is freed: what the plugin hears of its end, then what the client hears. */
static void say_goodbye(StoaHandle *handle, const char *reason)
{
    log_info(handle, "PeerConnection is gone: %s", reason);
    handle->bitrate = 0;
    if (handle->module->plugin.disconnected)
        handle->module->plugin.disconnected(handle, reason);
    tell(handle, "hangup", json_pack("{s:s}", "reason", reason));
}

static void reap_later(void *data)
{
    StoaHandle *handle = data;

    handle->reaper = NULL;
    stoa_handle_reap(handle);
}

void stoa_handle_reap(StoaHandle *handle)
{
    stoa_timer_clear(&handle->reaper);
    g_clear_pointer(&handle->dying, stoa_connection_free);
}

static void on_down(void *user, const char *reason, bool ice_failed)
{
    StoaHandle *handle = user;

    if (ice_failed)
        tell(handle, "ice-failed", NULL);
    stoa_handle_reap(handle);
    handle->dying = g_steal_pointer(&handle->connection);
    handle->reaper = stoa_timer_after(0, reap_later, handle);
    g_clear_pointer(&handle->candidates, g_ptr_array_unref);
    say_goodbye(handle, reason);
}

static void on_media(void *user, const char *mid, StoaKind kind, bool receiving, int substream,
                     double seconds)
{
    json_t *fields =
        json_pack("{s:s, s:s, s:b}", "mid", mid, "type", kind_name(kind), "receiving", receiving);

    if (substream >= 0)
        json_object_set_new(fields, "substream", json_integer(substream));
    if (!receiving)
        json_object_set_new(fields, "seconds", json_integer((json_int_t)(seconds + 0.5)));
    tell(user, "media", fields);
}

static void on_slowlink(void *user, const char *mid, StoaKind kind, bool uplink, unsigned lost)
{
    StoaHandle *handle = user;

    tell(handle, "slowlink",
         json_pack("{s:s, s:s, s:b, s:i}", "mid", mid, "media", kind_name(kind), "uplink", uplink,
                   "lost", (int)lost));
    if (handle->module->plugin.slow_link)
        handle->module->plugin.slow_link(handle, mid, kind, uplink, lost);
}

static void on_candidate(void *user, const char *candidate, const char *mid, unsigned mindex)
{
    json_t *body = candidate ? json_pack("{s:s, s:i, s:s}", "sdpMid", mid ? mid : "0",
                                         "sdpMLineIndex", (int)mindex, "candidate", candidate)
                             : json_pack("{s:b}", "completed", 1);

    tell(user, "trickle", json_pack("{s:o}", "candidate", body));
}

/* Whose audio goes on again is not muted any more. */
static void on_unmuted(void *user, StoaTrack *track)
{
    const StoaHandle *handle = user;

    if (handle->member && stoa_track_info(track)->kind == STOA_AUDIO)
        stoa_member_unmuted(handle->member);
}

static void on_track_added(void *user, StoaTrack *track)
{
    StoaHandle *handle = user;

    on_unmuted(handle, track);
    if (handle->module->plugin.track_added)
        handle->module->plugin.track_added(handle, track);
}

static void on_track_removed(void *user, StoaTrack *track)
{
    StoaHandle *handle = user;

    stoa_room_forget_voice(handle->room, track);
    if (handle->module->plugin.track_removed)
        handle->module->plugin.track_removed(handle, track);
}

static void on_layer(void *user, StoaSink *sink, int substream, int temporal)
{
    StoaHandle *handle = user;

    if (handle->module->plugin.layer_changed)
        handle->module->plugin.layer_changed(sink, substream, temporal);
}

static void on_talking(void *user, StoaTrack *track, bool talking, double average_dbov)
{
    StoaHandle *handle = user;

    if (handle->module->plugin.talking)
        handle->module->plugin.talking(track, talking, average_dbov);
}

static void on_voice(void *user, StoaTrack *track, double loudness)
{
    stoa_room_heard(user, track, loudness);
}

static void on_data_open(void *user, const char *label, const char *protocol)
{
    StoaHandle *handle = user;

    if (handle->module->plugin.data_opened)
        handle->module->plugin.data_opened(handle, label, protocol);
}

static void on_data_closed(void *user, const char *label)
{
    StoaHandle *handle = user;

    if (handle->module->plugin.data_closed)
        handle->module->plugin.data_closed(handle, label);
}

static void on_data(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                    bool text)
{
    StoaHandle *handle = user;

    if (!handle->module->plugin.data_received)
        return;
    handle->channel = channel;
    handle->module->plugin.data_received(handle, channel->label, buf, len, text);
    handle->channel = NULL;
}

static const StoaConnectionEvents events = {
    .up = on_up,
    .down = on_down,
    .media = on_media,
    .slowlink = on_slowlink,
    .candidate = on_candidate,
    .track_added = on_track_added,
    .track_removed = on_track_removed,
    .unmuted = on_unmuted,
    .layer = on_layer,
    .talking = on_talking,
    .voice = on_voice,
    .data_open = on_data_open,
    .data_closed = on_data_closed,
    .data = on_data,
};

/* Rooms are told apart by the address of their core; a room of one is its own. */
static uint64_t room_key(const StoaHandle *handle)
{
    if (!handle->room)
        return 0;
    return (uint64_t)(uintptr_t)(handle->room->core ? (void *)handle->room->core
                                                    : (void *)handle->room);
}

StoaConnection *stoa_handle_connection(StoaHandle *handle)
{
    const StoaRoomEnv *env = handle->module->env;
    StoaConnectionSpec spec = { .media = env->media,
                                .handle = handle,
                                .room = room_key(handle),
                                .log_ids = handle->log.ids,
                                .sdp_bytes = env->sdp_bytes,
                                .sdp_media = env->sdp_media,
                                .events = &events,
                                .user = handle };

    if (handle->connection)
        return handle->connection;
    stoa_handle_reap(handle);
    handle->connection = stoa_connection_new(&spec);
    if (handle->bitrate)
        stoa_connection_bitrate(handle->connection, handle->bitrate);
    for (guint i = 0; handle->candidates && i < handle->candidates->len; i++) {
        const char *text = handle->candidates->pdata[i];
        stoa_connection_add_candidate(handle->connection, *text ? text : NULL);
    }
    g_clear_pointer(&handle->candidates, g_ptr_array_unref);
    return handle->connection;
}

bool stoa_handle_end_media(StoaHandle *handle, const char *reason)
{
    StoaConnection *connection = handle->connection;

    g_clear_pointer(&handle->candidates, g_ptr_array_unref);
    if (!connection)
        return false;
    handle->connection = NULL;
    say_goodbye(handle, reason);
    stoa_connection_free(connection);
    return true;
}

void stoa_handle_candidate(StoaHandle *handle, const char *candidate)
{
    if (handle->connection) {
        stoa_connection_add_candidate(handle->connection, candidate);
        return;
    }
    if (!handle->candidates)
        handle->candidates = g_ptr_array_new_with_free_func(g_free);
    if (handle->candidates->len < MAX_KEPT_CANDIDATES)
        g_ptr_array_add(handle->candidates, g_strdup(candidate ? candidate : ""));
}

/* -- the SDK's side ----------------------------------------------------------------------- */

void stoa_handle_foreach_track(StoaHandle *handle, void (*fn)(StoaTrack *track, void *data),
                               void *data)
{
    if (handle->connection)
        stoa_connection_foreach_track(handle->connection, fn, data);
}

void stoa_handle_foreach_sink(StoaHandle *handle, void (*fn)(StoaSink *sink, void *data),
                              void *data)
{
    if (handle->connection)
        stoa_connection_foreach_sink(handle->connection, fn, data);
}

StoaTrack *stoa_handle_track(StoaHandle *handle, const char *mid)
{
    return handle->connection ? stoa_connection_track(handle->connection, mid) : NULL;
}

StoaSink *stoa_handle_sink(StoaHandle *handle, const char *mid)
{
    return handle->connection ? stoa_connection_sink(handle->connection, mid) : NULL;
}

StoaSink *stoa_track_send(StoaTrack *track, StoaHandle *to, GError **error)
{
    if (!(to->module->plugin.caps & STOA_CAP_MEDIA)) {
        stoa_fail(error, STOA_ERROR_FORBIDDEN, "%s does not declare STOA_CAP_MEDIA",
                  to->module->plugin.name);
        return NULL;
    }
    return stoa_connection_add_sink(stoa_handle_connection(to), track, error);
}

StoaSink *stoa_handle_reserve(StoaHandle *handle, StoaKind kind)
{
    return handle->connection ? stoa_connection_reserve_sink(handle->connection, kind) : NULL;
}

bool stoa_handle_has_media(const StoaHandle *handle)
{
    return handle->connection != NULL;
}

bool stoa_handle_is_up(const StoaHandle *handle)
{
    return handle->connection && stoa_connection_is_up(handle->connection);
}

bool stoa_handle_offer_pending(const StoaHandle *handle)
{
    return handle->connection && stoa_connection_offer_pending(handle->connection);
}

bool stoa_handle_needs_offer(const StoaHandle *handle)
{
    return handle->connection && stoa_connection_needs_offer(handle->connection);
}

void stoa_handle_bitrate(StoaHandle *handle, uint32_t bps)
{
    handle->bitrate = bps;
    if (handle->connection)
        stoa_connection_bitrate(handle->connection, bps);
}

void stoa_handle_hangup(StoaHandle *handle)
{
    stoa_handle_end_media(handle, "Close PC");
}

bool stoa_handle_send_data(StoaHandle *handle, const char *label, const void *buf, size_t len,
                           bool text)
{
    return handle->connection && (handle->module->plugin.caps & STOA_CAP_DATA) &&
           stoa_connection_send_data(handle->connection, label, buf, len, text);
}

size_t stoa_handle_data_waiting(const StoaHandle *handle)
{
    return handle->connection ? stoa_connection_data_waiting(handle->connection) : 0;
}

const StoaDataChannel *stoa_handle_channel(const StoaHandle *handle)
{
    return handle->channel;
}

bool stoa_handle_relay_data(StoaHandle *handle, const StoaDataChannel *channel, const void *buf,
                            size_t len, bool text)
{
    return handle->connection && (handle->module->plugin.caps & STOA_CAP_DATA) &&
           stoa_connection_relay_data(handle->connection, channel, buf, len, text);
}

void stoa_handle_want_data(StoaHandle *handle)
{
    stoa_connection_want_data(stoa_handle_connection(handle));
}

enum { MAX_LABEL = 255, MAX_STREAM = 399 };

static bool check_channel(const StoaDataChannel *channel, GError **error)
{
    if (!channel->label || strlen(channel->label) > MAX_LABEL ||
        (channel->protocol && strlen(channel->protocol) > MAX_LABEL))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "a data channel has a label and a protocol of at most %d bytes",
                         MAX_LABEL);
    if (channel->limit_retransmits && channel->max_life_ms > 0)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "a data channel is limited by retransmissions or by time, not by both");
    if (channel->negotiated && channel->id > MAX_STREAM)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "the id of a negotiated data channel is 0 to %d, not %u", MAX_STREAM,
                         channel->id);
    return true;
}

bool stoa_handle_open_data(StoaHandle *handle, const StoaDataChannel *channel, GError **error)
{
    if (!check_channel(channel, error))
        return false;
    if (!handle->connection || !(handle->module->plugin.caps & STOA_CAP_DATA) ||
        !stoa_connection_open_data(handle->connection, channel))
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "the connection has no data channels yet: wait for `connected`");
    return true;
}

void stoa_handle_close_data(StoaHandle *handle, const char *label)
{
    if (handle->connection)
        stoa_connection_close_data(handle->connection, label);
}

/* -- the admin API's side ----------------------------------------------------------------- */

/* Whether an SDP has a line of this kind that was not refused: refused ones have port 0. */
static bool has_media(const char *sdp, const char *line)
{
    for (const char *at = sdp; at && (at = strstr(at, line)); at++) {
        if (at[strlen(line)] != '0')
            return true;
    }
    return false;
}

json_t *stoa_handle_info(StoaHandle *handle)
{
    StoaConnection *connection = handle->connection;
    json_t *specific = handle->module->plugin.info ? handle->module->plugin.info(handle) : NULL;
    g_autofree char *local = connection ? stoa_connection_local_sdp(connection) : NULL;
    g_autofree char *remote = connection ? stoa_connection_remote_sdp(connection) : NULL;
    bool pending = stoa_handle_offer_pending(handle);

    return json_pack("{s:o, s:{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b}, s:{s:s*, s:s*}}",
                     "plugin_specific", specific ? specific : json_object(), "flags", "got-offer",
                     remote && !pending, "got-answer", local && remote, "negotiated",
                     local && remote && !pending, "ready", stoa_handle_is_up(handle), "trickle",
                     remote && strstr(remote, "a=ice-options:trickle"), "has-audio",
                     has_media(local, "\nm=audio "), "has-video", has_media(local, "\nm=video "),
                     "data-channels", connection && stoa_connection_has_data(connection), "sdps",
                     "local", local, "remote", remote);
}

void stoa_handle_stats(StoaHandle *handle, void (*got)(json_t *stats, void *data), void *data)
{
    if (handle->connection)
        stoa_connection_stats(handle->connection, got, data);
    else
        got(NULL, data);
}
