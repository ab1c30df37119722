/* SPDX-License-Identifier: MIT */
/* The client offers, we answer. (RFC 8829, 5.3) */
#define LOG_AREA "media"
#include "media/connection-private.h"

#include "sdp/negotiate.h"

#include <stoa/error.h>

#include "base/poison.h"

static const char default_audio[] = "opus,pcmu,pcma,g722";

static void apply_kind(StoaSdpKindRules *kind, const StoaMediaRules *rules)
{
    kind->accept = true;
    kind->can_receive = rules->receive;
    kind->can_send = rules->send;
    if (rules->no_transport_cc) {
        kind->exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_TWCC);
        kind->feedback &= ~(unsigned)STOA_SDP_FB_TWCC;
    }
}

/* Extensions that we neither use nor pass on. */
static const uint32_t useless = STOA_SDP_EXT_BIT(STOA_SDP_EXT_TOFFSET) |
                                STOA_SDP_EXT_BIT(STOA_SDP_EXT_COLOR_SPACE) |
                                STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_LAYERS);

static StoaSdpRules sdp_rules(const StoaMediaRules *rules)
{
    StoaSdpRules sdp;

    stoa_sdp_rules_init(&sdp);
    apply_kind(&sdp.audio, rules);
    apply_kind(&sdp.video, rules);
    sdp.audio.codecs = rules->audio_codecs ? rules->audio_codecs : default_audio;
    sdp.video.codecs = rules->video_codecs;
    sdp.audio.exts &= ~useless;
    sdp.video.exts &= ~useless;
    if (rules->no_audio_level)
        sdp.audio.exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_AUDIO_LEVEL);
    if (rules->no_orientation)
        sdp.video.exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_VIDEO_ORIENTATION);
    if (rules->no_playout_delay)
        sdp.video.exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_PLAYOUT_DELAY);
    sdp.h264_profile = rules->h264_profile;
    sdp.vp9_profile = rules->vp9_profile;
    sdp.opus_fec = rules->opus_fec ? STOA_SDP_YES : STOA_SDP_AS_OFFERED;
    sdp.opus_dtx = rules->opus_dtx ? STOA_SDP_YES : STOA_SDP_AS_OFFERED;
    sdp.audio.red = rules->opus_red;
    sdp.video.every = rules->every_video_codec;
    sdp.data = rules->data;
    return sdp;
}

static StoaSdpPlan *plan_answer(const StoaConnection *connection, const char *sdp,
                                const StoaMediaRules *rules, GError **error)
{
    StoaSdpRules wanted = sdp_rules(rules);
    g_autoptr(StoaSdp) offer = stoa_connection_read(connection, sdp, "offer", error);
    g_autoptr(StoaSdpPlan) plan = NULL;

    if (!offer)
        return NULL;
    plan = stoa_sdp_answer(offer, &wanted, connection->plan, error);
    if (!plan || !stoa_connection_same_peer(connection, plan, error))
        return NULL;
    return g_steal_pointer(&plan);
}

/* Say on each m-line what we send there, or that we send nothing. */
static void fill_sends(StoaConnection *connection)
{
    for (unsigned i = 0; i < connection->lines->len; i++) {
        const StoaSdpLine *agreed = stoa_connection_agreed(connection, i);
        const StoaSink *sink = stoa_connection_line(connection, i)->sink;
        StoaSdpSend send;

        if (!agreed || !agreed->accepted || agreed->kind == STOA_SDP_APPLICATION)
            continue;
        if (!sink || !sink->active || !stoa_sink_fits(sink, agreed)) {
            stoa_sdp_plan_send(connection->plan, i, NULL);
            continue;
        }
        send = stoa_sink_send(sink);
        if (agreed->rtx_pt <= 0)
            send.rtx_ssrc = 0;
        stoa_sdp_plan_send(connection->plan, i, &send);
    }
}

/* A sink that took another codec since our last offer waits for our next one. */
static bool has_misfits(const StoaConnection *connection)
{
    for (unsigned i = 0; i < connection->sinks->len; i++) {
        const StoaSink *sink = g_ptr_array_index(connection->sinks, i);
        const StoaSdpLine *agreed =
            sink->line ? stoa_connection_agreed(connection, sink->line->index) : NULL;

        if (sink->active && agreed && agreed->accepted && !stoa_sink_fits(sink, agreed))
            return true;
    }
    return false;
}

/* The new plan is in force: tell what changed, let sinks find their m-lines, make the answer. */
static char *answer(StoaConnection *connection, GError **error)
{
    GPtrArray *added = NULL;
    char *text = NULL;
    bool alive = stoa_connection_drop_tracks(connection);

    if (alive) {
        added = stoa_connection_make_tracks(connection, true);
        stoa_connection_post_remote(connection);
        alive = stoa_connection_tell_tracks(connection, added);
        if (alive && connection->wire)
            connection->wire(connection->wire_data);
        alive = alive && !connection->closed;
    }
    if (!alive) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                  "the PeerConnection was closed while its offer was answered");
        return NULL;
    }
    fill_sends(connection);
    text = stoa_connection_write(connection, connection->plan, error);
    stoa_connection_step(connection, STOA_NEGOTIATION_GIVE_ANSWER);
    stoa_connection_post_sends(connection);
    connection->lines_changed = has_misfits(connection);
    return text;
}

void stoa_connection_wire(StoaConnection *connection, void (*wire)(void *data), void *data)
{
    connection->wire = wire;
    connection->wire_data = data;
}

char *stoa_connection_set_offer(StoaConnection *connection, const char *sdp,
                                const StoaMediaRules *rules, GError **error)
{
    g_autoptr(StoaSdpPlan) plan = NULL;
    char *text = NULL;

    if (!stoa_connection_may(connection, STOA_NEGOTIATION_TAKE_OFFER)) {
        stoa_fail(error, STOA_ERROR_CONFLICT,
                  "an offer of ours waits for its answer: answer it before you make your own");
        return NULL;
    }
    plan = plan_answer(connection, sdp, rules, error);
    if (!plan || !stoa_connection_open(connection, plan->remote_ice_lite, error))
        return NULL;
    if (plan->ice_restart)
        stoa_peer_restart(connection->media, connection->peer, &connection->local);

    stoa_connection_enter(connection);
    connection->no_playout_delay = rules->no_playout_delay;
    stoa_connection_step(connection, STOA_NEGOTIATION_TAKE_OFFER);
    stoa_connection_adopt(connection, g_steal_pointer(&plan));
    text = answer(connection, error);
    if (text) {
        stoa_connection_keep_remote(connection, sdp);
    }
    connection->wire = NULL;
    stoa_connection_leave(connection);
    return text;
}
