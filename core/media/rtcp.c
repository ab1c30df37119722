/* SPDX-License-Identifier: MIT */
/* What clients say by RTCP: sender reports of publishers; losses, requests and reports of subscribers. */
#include "media/downlink.h"
#include "media/event.h"
#include "media/peer-private.h"
#include "media/relay.h"
#include "rtp/rtcp-feedback.h"

#include "base/poison.h"

enum { MAX_NACKS = 1024 };

static StoaSource *source_of(StoaPeer *peer, uint32_t ssrc)
{
    const StoaSsrcEntry *entry = stoa_peer_ssrc(peer, ssrc);

    return entry && !entry->is_rtx ? stoa_feed_source(entry->feed, entry->encoding) : NULL;
}

static void on_sr(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaSource *source;
    StoaRtcpSr sr;

    if (!stoa_rtcp_sr_read(packet, &sr))
        return;
    source = source_of(peer, sr.ssrc);
    if (!source)
        return;
    stoa_report_rx_sr(&source->rx, &sr, peer->worker->now_us);
    stoa_report_clock_input(&peer->clock, sr.ntp, g_get_real_time());
    if (source->feed->mirrors)
        stoa_relay_report(source->feed, source, &sr);
}

static void note_rtt(StoaPeer *peer, const StoaRtcpBlock *block)
{
    int64_t rtt_us;

    if (stoa_report_rtt_us(block, stoa_report_ntp(g_get_real_time()), &rtt_us))
        peer->rtt_us = MAX(rtt_us, 1);
}

/* Losses in a jam are no reason to wait for repairs; nor can the bytes of a repeat in the same stream change. */
static void plan_repairs(StoaOutlet *outlet)
{
    StoaPeer *peer = outlet->peer;
    int64_t now_us = peer->worker->now_us;

    if (outlet->row.kind == STOA_VIDEO && outlet->row.rtx_ssrc && outlet->row.nack &&
        !stoa_downlink_is_jammed(peer->downlink, now_us))
        stoa_cushion_report(&outlet->cushion, outlet->fraction_lost, peer->rtt_us, now_us);
}

static void on_blocks(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaRtcpBlock block;

    for (size_t i = 0; stoa_rtcp_block_read(packet, i, &block); i++) {
        StoaOutlet *outlet = stoa_peer_outlet_by_ssrc(peer, block.ssrc);

        note_rtt(peer, &block);
        if (!outlet)
            continue;
        outlet->lost = block.total_lost;
        outlet->fraction_lost = block.fraction_lost;
        plan_repairs(outlet);
        outlet->jitter = block.jitter;
    }
}

static void on_nack(StoaPeer *peer, const StoaRtcpFeedback *feedback)
{
    StoaOutlet *outlet = stoa_peer_outlet_by_ssrc(peer, feedback->media_ssrc);
    uint16_t seqs[MAX_NACKS];
    size_t n;

    stoa_count(&peer->worker->counters, STOA_COUNT_NACK_IN, 1);
    if (!outlet)
        return;
    n = stoa_nack_fci_read(feedback->fci, feedback->fci_len, seqs, MAX_NACKS);
    stoa_outlet_resend(outlet, seqs, n, peer->worker->now_us);
}

/* Asked before the last one could be there: another would only be in its way. */
static bool is_on_its_way(const StoaOutlet *outlet)
{
    return outlet->is_relaying && outlet->keyframe_us &&
           outlet->peer->worker->now_us - outlet->keyframe_us <
               stoa_downlink_round_us(outlet->peer);
}

static void on_keyframe_request(StoaPeer *peer, uint32_t ssrc)
{
    StoaOutlet *outlet = stoa_peer_outlet_by_ssrc(peer, ssrc);

    stoa_count(&peer->worker->counters, STOA_COUNT_PLI_IN, 1);
    if (outlet && outlet->feed && outlet->target >= 0 && !is_on_its_way(outlet))
        stoa_feed_want_keyframe(outlet->feed,
                                outlet->is_relaying ? outlet->encoding : outlet->target);
}

static void on_fir(StoaPeer *peer, const StoaRtcpFeedback *feedback)
{
    StoaRtcpFir fir;

    for (size_t i = 0; stoa_rtcp_fir_read(feedback, i, &fir); i++)
        on_keyframe_request(peer, fir.ssrc);
}

static void on_feedback(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaRtcpFeedback feedback;
    StoaRtcpRemb remb;

    if (!stoa_rtcp_feedback_read(packet, &feedback))
        return;
    switch (feedback.kind) {
    case STOA_RTCP_FEEDBACK_NACK: on_nack(peer, &feedback); break;
    case STOA_RTCP_FEEDBACK_PLI: on_keyframe_request(peer, feedback.media_ssrc); break;
    case STOA_RTCP_FEEDBACK_FIR: on_fir(peer, &feedback); break;
    case STOA_RTCP_FEEDBACK_REMB:
        if (stoa_rtcp_remb_read(&feedback, &remb))
            stoa_downlink_remb(peer, remb.bitrate_bps);
        break;
    case STOA_RTCP_FEEDBACK_TWCC: stoa_downlink_feedback(peer, &feedback); break;
    default: break;
    }
}

static void on_packet(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    switch (packet->type) {
    case STOA_RTCP_SR:
        on_sr(peer, packet);
        on_blocks(peer, packet);
        break;
    case STOA_RTCP_RR: on_blocks(peer, packet); break;
    case STOA_RTCP_RTPFB:
    case STOA_RTCP_PSFB: on_feedback(peer, packet); break;
    default: break;
    }
}

void stoa_peer_rtcp(StoaPeer *peer, uint8_t *buf, size_t len)
{
    StoaRtcpIter iter;
    StoaRtcpPacket packet;

    if (!peer->open || !stoa_peer_is_ready(peer)) {
        stoa_count(&peer->worker->counters, STOA_DROP_EARLY, 1);
        return;
    }
    if (stoa_srtp_open_rtcp(peer->open, buf, &len) != STOA_SRTP_OPEN_OK) {
        stoa_count(&peer->worker->counters, STOA_DROP_AUTH, 1);
        return;
    }
    stoa_rtcp_iter_init(&iter, buf, len);
    while (stoa_rtcp_iter_next(&iter, &packet))
        on_packet(peer, &packet);
}
