/* SPDX-License-Identifier: MIT */
/* StoaTrack: what a client sends on one m-line. It lives as long as the m-line carries the same codec. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "sdp/fmtp.h"

#include <stoa/error.h>

#include <string.h>

#include "base/poison.h"

static StoaKind kind_of(StoaSdpKind kind)
{
    switch (kind) {
    case STOA_SDP_AUDIO: return STOA_AUDIO;
    case STOA_SDP_VIDEO: return STOA_VIDEO;
    default: return STOA_DATA;
    }
}

/* Extensions that the sender may put into its packets. */
static uint32_t received_exts(const StoaSdpLine *agreed)
{
    uint32_t exts = 0;

    for (unsigned ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
        if (agreed->ext_id[ext] && (agreed->ext_direction[ext] & STOA_SDP_RECVONLY))
            exts |= STOA_SDP_EXT_BIT(ext);
    }
    return exts;
}

static int ext_id(const StoaTrack *track, const StoaSdpLine *agreed, StoaSdpExt ext)
{
    return track->exts & STOA_SDP_EXT_BIT(ext) ? agreed->ext_id[ext] : 0;
}

static char *parameter_dup(const char *fmtp, const char *key, const char *missing)
{
    char value[32];

    return g_strdup(stoa_sdp_fmtp_get(fmtp, key, value, sizeof value) ? value : missing);
}

void stoa_track_refresh(StoaTrack *track, const StoaSdpLine *agreed)
{
    StoaTrackInfo *info = &track->info;

    if (info->kind == STOA_DATA)
        return;
    track->exts = received_exts(agreed);
    track->red = agreed->red;
    g_free(track->fmtp);
    track->fmtp = g_strdup(agreed->fmtp);
    info->simulcast = agreed->n_encodings > 1;
    info->opus_fec = track->sdp_codec == STOA_SDP_OPUS &&
                     stoa_sdp_fmtp_number(agreed->fmtp, "useinbandfec", 0) == 1;
    info->audio_level_id = ext_id(track, agreed, STOA_SDP_EXT_AUDIO_LEVEL);
    info->orientation_id = ext_id(track, agreed, STOA_SDP_EXT_VIDEO_ORIENTATION);
    info->playout_delay_id = ext_id(track, agreed, STOA_SDP_EXT_PLAYOUT_DELAY);
}

StoaTrack *stoa_track_new(StoaConnection *connection, StoaLine *line, const StoaSdpLine *agreed)
{
    StoaTrack *track = g_new0(StoaTrack, 1);

    track->connection = connection;
    track->line = line;
    track->number = ++connection->last_track;
    track->sinks = g_ptr_array_new();
    track->delay = STOA_DELAY_NONE;
    g_strlcpy(track->mid, agreed->mid, sizeof track->mid);
    track->info.kind = kind_of(agreed->kind);
    track->info.mid = track->mid;
    track->info.mindex = agreed->index;
    if (track->info.kind != STOA_DATA) {
        track->sdp_codec = agreed->codec;
        track->codec = stoa_connection_codec(agreed->codec);
        track->info.codec = stoa_sdp_codec_name(agreed->codec);
    }
    if (track->sdp_codec == STOA_SDP_H264)
        track->h264_profile = parameter_dup(agreed->fmtp, "profile-level-id", NULL);
    if (track->sdp_codec == STOA_SDP_VP9)
        track->vp9_profile = parameter_dup(agreed->fmtp, "profile-id", "0");
    track->info.h264_profile = track->h264_profile;
    track->info.vp9_profile = track->vp9_profile;
    stoa_track_refresh(track, agreed);
    line->track = track;
    return track;
}

bool stoa_track_fits(const StoaTrack *track, const StoaSdpLine *agreed)
{
    if (!agreed || !agreed->accepted || kind_of(agreed->kind) != track->info.kind ||
        strcmp(agreed->mid, track->mid) != 0)
        return false;
    if (track->info.kind == STOA_DATA)
        return true;
    return (agreed->direction & STOA_SDP_RECVONLY) && agreed->n_encodings > 0 &&
           agreed->codec == track->sdp_codec &&
           stoa_sdp_fmtp_same(agreed->codec, agreed->fmtp, track->fmtp);
}

void stoa_track_end(StoaTrack *track)
{
    StoaConnection *connection = track->connection;

    track->line->track = NULL;
    while (track->sinks->len > 0)
        stoa_sink_lose_track(g_ptr_array_index(track->sinks, track->sinks->len - 1));
    stoa_track_untap(track);

    stoa_connection_enter(connection);
    if (track->is_told && connection->events->track_removed)
        connection->events->track_removed(connection->user, track);
    stoa_connection_leave(connection);

    stoa_track_set_data(track, NULL, NULL);
    g_ptr_array_unref(track->sinks);
    g_free(track->fmtp);
    g_free(track->h264_profile);
    g_free(track->vp9_profile);
    g_free(track);
}

/* -- for plugins: see stoa/media.h -------------------------------------------------------- */

const StoaTrackInfo *stoa_track_info(const StoaTrack *track)
{
    return &track->info;
}

StoaHandle *stoa_track_handle(const StoaTrack *track)
{
    return track->connection->handle;
}

void stoa_track_set_data(StoaTrack *track, void *data, GDestroyNotify free_data)
{
    void *old = track->data;
    GDestroyNotify free_old = track->free_data;

    track->data = data;
    track->free_data = free_data;
    if (old && free_old)
        free_old(old);
}

void *stoa_track_data(const StoaTrack *track)
{
    return track->data;
}

void stoa_track_mute(StoaTrack *track, bool muted)
{
    StoaConnection *connection = track->connection;

    if (!connection->peer || track->info.kind == STOA_DATA)
        return;
    stoa_peer_mute(connection->media, connection->peer, track->number, muted);
    if (muted)
        return;
    stoa_track_keyframe(track);
    if (connection->events->unmuted)
        connection->events->unmuted(connection->user, track);
}

void stoa_track_keyframe(StoaTrack *track)
{
    StoaConnection *connection = track->connection;

    if (connection->peer && track->info.kind == STOA_VIDEO)
        stoa_peer_keyframe(connection->media, connection->peer, track->number);
}

void stoa_track_watch_level(StoaTrack *track, unsigned packets, unsigned level)
{
    StoaConnection *connection = track->connection;

    if (connection->peer && track->info.kind == STOA_AUDIO)
        stoa_peer_watch_level(connection->media, connection->peer, track->number, packets, level);
}

void stoa_track_watch_voice(StoaTrack *track, bool on)
{
    StoaConnection *connection = track->connection;

    if (connection->peer && track->info.kind == STOA_AUDIO)
        stoa_peer_watch_voice(connection->media, connection->peer, track->number, on);
}

bool stoa_track_tap(StoaTrack *track, StoaTapFunc *fn, void *data, GDestroyNotify done,
                    GError **error)
{
    StoaConnection *connection = track->connection;

    if (track->info.kind == STOA_DATA)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "track \"%s\" carries data channels, which have no packets to tap",
                         track->mid);
    if (track->tapped)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "track \"%s\" has a tap already: take it off first", track->mid);
    if (!connection->peer)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "track \"%s\" has ended", track->mid);
    track->tapped = true;
    stoa_peer_tap(connection->media, connection->peer, track->number, fn, data, done);
    return true;
}

void stoa_track_untap(StoaTrack *track)
{
    StoaConnection *connection = track->connection;

    if (track->tapped && connection->peer)
        stoa_peer_tap(connection->media, connection->peer, track->number, NULL, NULL, NULL);
    track->tapped = false;
}
