/* SPDX-License-Identifier: MIT */
/* What clients say by RTCP: sender reports of publishers; losses, requests and reports of subscribers. */
#include "media/downlink.h"
#include "media/event.h"
#include "media/peer-private.h"
#include "media/relay.h"
#include "rtp/rtcp-feedback.h"

#include "base/poison.h"

enum {
    MAX_NACKS = 1024,  /* numbers of one NACK: who misses more needs a keyframe */
    TOLD_US = 5000000, /* a report's round trip is worth more than a repair's for so long */
    SR_US = 20000,     /* sender reports that come closer together tell nothing more */
    NACKS_US =
        100000, /* in so long a peer has so many numbers looked up: all of thirty pictures and voices for a second */
    NACKS = 4096,
};

static StoaSource *source_of(StoaPeer *peer, uint32_t ssrc)
{
    const StoaSsrcEntry *entry = stoa_peer_ssrc(peer, ssrc);

    return entry && !entry->is_rtx ? stoa_feed_source(entry->feed, entry->encoding) : NULL;
}

/* Each is passed on to all workers that show the source: many at once would keep those busy. */
static bool is_too_soon(const StoaSource *source, int64_t now_us)
{
    return source->rx.has_sr && now_us - source->rx.sr_us < SR_US;
}

static void on_sr(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaSource *source;
    StoaRtcpSr sr;

    if (!stoa_rtcp_sr_read(packet, &sr))
        return;
    source = source_of(peer, sr.ssrc);
    if (!source || is_too_soon(source, peer->worker->now_us))
        return;
    stoa_report_rx_sr(&source->rx, &sr, peer->worker->now_us);
    stoa_report_clock_input(&peer->clock, sr.ntp, g_get_real_time());
    if (source->feed->mirrors)
        stoa_relay_report(source->feed, source, &sr);
}

/* -- the round trip ------------------------------------------------------------------------ */

static void each_nack(StoaPeer *peer, void (*fn)(StoaNackGen *nack, int64_t us), int64_t us)
{
    for (unsigned i = 0; i < peer->n_feeds; i++)
        for (unsigned j = 0; j < peer->feeds[i]->n_encodings; j++) {
            const StoaSource *source = peer->feeds[i]->sources[j];

            if (source && source->nack)
                fn(source->nack, us);
        }
}

static void note_rtt(StoaPeer *peer, const StoaRtcpBlock *block)
{
    int64_t rtt_us;

    if (!stoa_report_rtt_us(block, stoa_report_ntp(g_get_real_time()), &rtt_us))
        return;
    peer->rtt_us = MAX(rtt_us, 1);
    peer->rtt_told_us = peer->worker->now_us;
    each_nack(peer, stoa_nack_gen_note_rtt, rtt_us);
}

void stoa_peer_note_repair(StoaPeer *peer, int64_t rtt_us)
{
    if (!peer->rtt_told_us || peer->worker->now_us - peer->rtt_told_us > TOLD_US)
        peer->rtt_us = MAX(rtt_us, 1);
}

static void doubt(StoaNackGen *nack, int64_t us G_GNUC_UNUSED)
{
    stoa_nack_gen_doubt_rtt(nack);
}

void stoa_peer_doubt_rtt(StoaPeer *peer)
{
    peer->rtt_told_us = 0;
    each_nack(peer, doubt, 0);
    stoa_peer_ask_rtt(peer);
}

/* It answers our question in the last report. */
static void on_xr(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaRtcpDlrr dlrr;
    StoaRtcpXr xr;

    if (!stoa_rtcp_xr_read(packet, &xr))
        return;
    for (size_t i = 0; stoa_rtcp_dlrr_read(&xr, i, &dlrr); i++)
        if (dlrr.ssrc == peer->ssrc)
            note_rtt(peer, &(StoaRtcpBlock){ .lsr = dlrr.lrr, .dlsr = dlrr.dlrr });
}

/* -- reports ------------------------------------------------------------------------------- */

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

/* A datagram of NACKs costs a hundred times what it costs to send: who floods with them is not heard out. */
static size_t take_nacks(StoaPeer *peer, size_t n)
{
    int64_t now_us = peer->worker->now_us;
    size_t taken;

    if (now_us - peer->nacks_us >= NACKS_US) {
        peer->nacks_us = now_us;
        peer->nacks_left = NACKS;
    }
    taken = MIN(n, peer->nacks_left);
    peer->nacks_left -= (unsigned)taken;
    return taken;
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
    stoa_outlet_resend(outlet, seqs, take_nacks(peer, n), peer->worker->now_us);
}

/* Asked before the last one could be there: another would only be in its way. */
static bool is_on_its_way(const StoaOutlet *outlet)
{
    return outlet->is_relaying && outlet->keyframe_us &&
           outlet->peer->worker->now_us - outlet->keyframe_us <
               stoa_downlink_round_us(outlet->peer);
}

/* One that is waited for was asked for by us. */
static void on_keyframe_request(StoaOutlet *outlet)
{
    int64_t now_us = outlet->peer->worker->now_us;

    if (!outlet->feed || outlet->target < 0 || is_on_its_way(outlet))
        return;
    if (!outlet->is_relaying)
        stoa_feed_want_keyframe(outlet->feed, outlet->target);
    else if (stoa_plea_input(&outlet->plea, outlet->keyframe_us, now_us))
        stoa_feed_want_keyframe(outlet->feed, outlet->encoding);
}

static void on_pli(StoaPeer *peer, const StoaRtcpFeedback *feedback)
{
    StoaOutlet *outlet = stoa_peer_outlet_by_ssrc(peer, feedback->media_ssrc);

    stoa_count(&peer->worker->counters, STOA_COUNT_PLI_IN, 1);
    if (outlet)
        on_keyframe_request(outlet);
}

static void on_fir(StoaPeer *peer, const StoaRtcpFeedback *feedback)
{
    StoaRtcpFir fir;

    for (size_t i = 0; stoa_rtcp_fir_read(feedback, i, &fir); i++) {
        StoaOutlet *outlet = stoa_peer_outlet_by_ssrc(peer, fir.ssrc);

        stoa_count(&peer->worker->counters, STOA_COUNT_PLI_IN, 1);
        if (outlet && stoa_plea_fir(&outlet->plea, fir.seq, outlet->keyframe_us))
            on_keyframe_request(outlet);
    }
}

static void on_feedback(StoaPeer *peer, const StoaRtcpPacket *packet)
{
    StoaRtcpFeedback feedback;
    StoaRtcpRemb remb;

    if (!stoa_rtcp_feedback_read(packet, &feedback))
        return;
    switch (feedback.kind) {
    case STOA_RTCP_FEEDBACK_NACK: on_nack(peer, &feedback); break;
    case STOA_RTCP_FEEDBACK_PLI: on_pli(peer, &feedback); break;
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
    case STOA_RTCP_XR: on_xr(peer, packet); break;
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
