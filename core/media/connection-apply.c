/* SPDX-License-Identifier: MIT */
/* What was agreed becomes m-lines, tracks, and the tables that the worker goes by. */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include <string.h>

#include "base/poison.h"

static const StoaCodec codecs[STOA_SDP_N_CODECS] = {
    [STOA_SDP_OPUS] = STOA_CODEC_OPUS, [STOA_SDP_PCMU] = STOA_CODEC_PCMU,
    [STOA_SDP_PCMA] = STOA_CODEC_PCMA, [STOA_SDP_G722] = STOA_CODEC_G722,
    [STOA_SDP_VP8] = STOA_CODEC_VP8,   [STOA_SDP_VP9] = STOA_CODEC_VP9,
    [STOA_SDP_H264] = STOA_CODEC_H264, [STOA_SDP_AV1] = STOA_CODEC_AV1,
};

StoaCodec stoa_connection_codec(StoaSdpCodec codec)
{
    return codecs[codec];
}

static const StoaRtpExtKind ext_kinds[STOA_SDP_N_EXTS] = {
    [STOA_SDP_EXT_MID] = STOA_RTP_EXT_MID,
    [STOA_SDP_EXT_RID] = STOA_RTP_EXT_RID,
    [STOA_SDP_EXT_REPAIRED_RID] = STOA_RTP_EXT_REPAIRED_RID,
    [STOA_SDP_EXT_AUDIO_LEVEL] = STOA_RTP_EXT_AUDIO_LEVEL,
    [STOA_SDP_EXT_TWCC] = STOA_RTP_EXT_TWCC,
    [STOA_SDP_EXT_ABS_SEND_TIME] = STOA_RTP_EXT_ABS_SEND_TIME,
    [STOA_SDP_EXT_VIDEO_ORIENTATION] = STOA_RTP_EXT_VIDEO_ORIENTATION,
    [STOA_SDP_EXT_PLAYOUT_DELAY] = STOA_RTP_EXT_PLAYOUT_DELAY,
    [STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR] = STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR,
    [STOA_SDP_EXT_TOFFSET] = STOA_RTP_EXT_TOFFSET,
    [STOA_SDP_EXT_COLOR_SPACE] = STOA_RTP_EXT_COLOR_SPACE,
    [STOA_SDP_EXT_ABS_CAPTURE_TIME] = STOA_RTP_EXT_ABS_CAPTURE_TIME,
};

StoaRtpExtKind stoa_connection_ext_kind(StoaSdpExt ext)
{
    return ext_kinds[ext];
}

/* -- m-lines ------------------------------------------------------------------------------ */

/* The client stopped what was there and began something else in its place. */
static void reuse_line(StoaLine *line)
{
    StoaSink *sink = line->sink;

    if (!sink)
        return;
    stoa_sink_remove(sink);
    stoa_sink_place(sink, NULL);
}

void stoa_connection_sync_lines(StoaConnection *connection, const StoaSdpPlan *plan)
{
    for (unsigned i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *described = stoa_sdp_plan_line(plan, i);
        StoaLine *line = stoa_connection_line(connection, i);

        if (!line) {
            line = g_new0(StoaLine, 1);
            line->index = i;
            g_ptr_array_add(connection->lines, line);
        } else if (line->kind != described->kind || strcmp(line->mid, described->mid) != 0) {
            reuse_line(line);
        }
        line->kind = described->kind;
        g_strlcpy(line->mid, described->mid, sizeof line->mid);
    }
}

void stoa_connection_adopt(StoaConnection *connection, StoaSdpPlan *plan)
{
    stoa_sdp_plan_free(connection->plan);
    connection->plan = plan;
    stoa_connection_sync_lines(connection, plan);
}

/* -- tracks ------------------------------------------------------------------------------- */

bool stoa_connection_drop_tracks(StoaConnection *connection)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);

        if (!line->track || stoa_track_fits(line->track, stoa_connection_agreed(connection, i)))
            continue;
        stoa_track_end(line->track);
        if (connection->closed)
            return false;
    }
    return true;
}

static bool carries_track(const StoaSdpLine *agreed, bool with_data)
{
    if (!agreed->accepted)
        return false;
    if (agreed->kind == STOA_SDP_APPLICATION)
        return with_data;
    return (agreed->direction & STOA_SDP_RECVONLY) && agreed->n_encodings > 0;
}

GPtrArray *stoa_connection_make_tracks(StoaConnection *connection, bool with_data)
{
    GPtrArray *made = g_ptr_array_new();

    for (unsigned i = 0; i < connection->lines->len; i++) {
        StoaLine *line = g_ptr_array_index(connection->lines, i);
        const StoaSdpLine *agreed = stoa_connection_agreed(connection, i);

        if (line->track)
            stoa_track_refresh(line->track, agreed);
        else if (agreed && carries_track(agreed, with_data))
            g_ptr_array_add(made, stoa_track_new(connection, line, agreed));
    }
    return made;
}

bool stoa_connection_tell_tracks(StoaConnection *connection, GPtrArray *tracks)
{
    for (unsigned i = 0; i < tracks->len && !connection->closed; i++) {
        StoaTrack *track = g_ptr_array_index(tracks, i);

        track->is_told = true;
        if (connection->events->track_added)
            connection->events->track_added(connection->user, track);
    }
    g_ptr_array_unref(tracks);
    return !connection->closed;
}

/* -- what comes in ------------------------------------------------------------------------ */

static bool remote_is_known(const StoaConnection *connection, const StoaSdpPlan *plan)
{
    return g_strcmp0(connection->remote_ufrag, plan->remote.ufrag) == 0 &&
           g_strcmp0(connection->remote_pwd, plan->remote.pwd) == 0 &&
           g_strcmp0(connection->remote_fingerprint, plan->remote.fingerprint) == 0 &&
           connection->remote_data == stoa_sdp_plan_has_data(plan);
}

static void keep_remote(StoaConnection *connection, const StoaSdpPlan *plan)
{
    g_free(connection->remote_ufrag);
    g_free(connection->remote_pwd);
    g_free(connection->remote_fingerprint);
    connection->remote_ufrag = g_strdup(plan->remote.ufrag);
    connection->remote_pwd = g_strdup(plan->remote.pwd);
    connection->remote_fingerprint = g_strdup(plan->remote.fingerprint);
    connection->remote_data = stoa_sdp_plan_has_data(plan);
}

static void post_candidates(StoaConnection *connection)
{
    const StoaSdpPlan *plan = connection->plan;

    for (unsigned i = 0; i < plan->remote_candidates->len; i++)
        stoa_peer_add_candidate(connection->media, connection->peer,
                                g_ptr_array_index(plan->remote_candidates, i));
    for (unsigned i = 0; i < connection->early_candidates->len; i++)
        stoa_peer_add_candidate(connection->media, connection->peer,
                                g_ptr_array_index(connection->early_candidates, i));
    if (plan->remote_end_of_candidates || connection->early_end)
        stoa_peer_add_candidate(connection->media, connection->peer, NULL);
    g_ptr_array_set_size(connection->early_candidates, 0);
    connection->early_end = false;
}

/* Zeroed whole: the worker compares rows byte by byte to see which ones changed. */
static void fill_receive(StoaReceive *row, const StoaTrack *track, const StoaSdpLine *agreed)
{
    unsigned feedback = agreed->feedback;

    memset(row, 0, sizeof *row);
    row->track = track->number;
    row->kind = track->info.kind;
    row->codec = track->codec;
    row->payload_type = (uint8_t)agreed->pt;
    row->rtx_payload_type = (uint8_t)MAX(agreed->rtx_pt, 0);
    row->red_payload_type = agreed->red ? (uint8_t)MAX(agreed->red_pt, 0) : 0;
    row->clock_hz = agreed->clock_hz;
    row->nack = feedback & STOA_SDP_FB_NACK;
    row->pli = feedback & STOA_SDP_FB_PLI;
    row->fir = feedback & STOA_SDP_FB_FIR;
    row->remb = feedback & STOA_SDP_FB_REMB;
    row->twcc = feedback & STOA_SDP_FB_TWCC;
    row->n_encodings = MIN(agreed->n_encodings, STOA_MAX_ENCODINGS);
    g_strlcpy(row->mid, agreed->mid, sizeof row->mid);
    for (unsigned i = 0; i < row->n_encodings; i++) {
        const StoaSdpEncoding *encoding = &agreed->encodings[i];

        g_strlcpy(row->encodings[i].rid, encoding->rid ? encoding->rid : "",
                  sizeof row->encodings[i].rid);
        row->encodings[i].ssrc = encoding->ssrc;
        row->encodings[i].rtx_ssrc = encoding->rtx_ssrc;
    }
}

static void fill_ext_ids(StoaRtpExtIds *ids, const StoaSdpLine *agreed)
{
    if (!agreed->accepted)
        return;
    for (unsigned ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
        if (agreed->ext_id[ext])
            ids->kind_of_id[agreed->ext_id[ext]] = (uint8_t)ext_kinds[ext];
    }
}

static void post_receives(StoaConnection *connection)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(StoaReceive));
    StoaRtpExtIds ids = { 0 };

    for (unsigned i = 0; i < connection->lines->len; i++) {
        const StoaLine *line = g_ptr_array_index(connection->lines, i);
        const StoaSdpLine *agreed = stoa_connection_agreed(connection, i);
        StoaReceive row;

        if (agreed)
            fill_ext_ids(&ids, agreed);
        if (!agreed || !line->track || line->track->info.kind == STOA_DATA)
            continue;
        fill_receive(&row, line->track, agreed);
        g_array_append_val(rows, row);
    }
    stoa_peer_set_receives(connection->media, connection->peer, (const StoaReceive *)rows->data,
                           rows->len, &ids);
}

static void post_data_section(StoaConnection *connection, const StoaSdpPlan *plan)
{
    for (unsigned i = 0; i < plan->lines->len; i++) {
        const StoaSdpLine *line = stoa_sdp_plan_line(plan, i);

        if (line->accepted && line->kind == STOA_SDP_APPLICATION)
            stoa_peer_set_data(connection->media, connection->peer, line->remote_sctp_port,
                               line->remote_max_message_size);
    }
}

void stoa_connection_post_remote(StoaConnection *connection)
{
    const StoaSdpPlan *plan = connection->plan;

    if (plan->remote.ufrag && !remote_is_known(connection, plan)) {
        keep_remote(connection, plan);
        post_data_section(connection, plan);
        stoa_peer_set_remote(connection->media, connection->peer, plan->remote.ufrag,
                             plan->remote.pwd, plan->remote.fingerprint,
                             plan->setup == STOA_SDP_ACTIVE, connection->remote_data);
    }
    if (connection->remote_ufrag)
        post_candidates(connection);
    post_receives(connection);
}

/* -- what goes out ------------------------------------------------------------------------ */

/* Rows stay when their m-line is put to rest: the worker goes on counting where an SSRC stopped, and remembers one that a
 * sink gives up for another after a rest, so that no sequence number is ever sealed twice under one key. */
void stoa_connection_post_sends(StoaConnection *connection)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(StoaSend));
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();

    for (unsigned i = 0; i < connection->sinks->len; i++) {
        StoaSink *sink = g_ptr_array_index(connection->sinks, i);
        bool had_row = sink->has_row;

        if (sink->line)
            stoa_sink_negotiate(sink, stoa_connection_agreed(connection, sink->line->index));
        if (!sink->has_row)
            continue;
        g_array_append_val(rows, sink->row);
        if (!had_row)
            g_ptr_array_add(fresh, sink);
    }
    stoa_peer_set_sends(connection->media, connection->peer, (const StoaSend *)rows->data,
                        rows->len);
    for (unsigned i = 0; i < fresh->len; i++)
        stoa_sink_post_wishes(g_ptr_array_index(fresh, i));
    for (unsigned i = 0; i < connection->sinks->len; i++)
        stoa_sink_route(g_ptr_array_index(connection->sinks, i));
}
