/* SPDX-License-Identifier: MIT */
/* What we say by RTCP: reports once a second while media flows, feedback to publishers in between. */
#include "media/cap.h"
#include "media/downlink.h"
#include "media/event.h"
#include "media/media-private.h"
#include "media/peer-private.h"
#include "rtp/rtcp-feedback.h"

#include "base/poison.h"

enum {
    DATAGRAM = 1100, /* a compound is sent before it grows longer */
    MAX_BLOCKS = 31,
    MAX_ASKED = 256,         /* packets asked for in one NACK */
    HURRY_US = 200000,       /* between two limits */
    GENEROUS_BPS = 10000000, /* REMB where nothing else tells the sender how much it may send */
};

/* A compound that is being written; it begins with a receiver report. */
typedef struct {
    StoaPeer *peer;
    size_t len;
    uint8_t buf[DATAGRAM + 300];
} Compound;

static void compound_flush(Compound *compound)
{
    if (compound->len > 0)
        stoa_peer_send_rtcp(compound->peer, compound->buf, compound->len);
    compound->len = 0;
}

/* Where the next packet goes; a full compound leaves first. */
static uint8_t *compound_room(Compound *compound, size_t need)
{
    if (compound->len + need > DATAGRAM)
        compound_flush(compound);
    return compound->buf + compound->len;
}

static size_t compound_left(const Compound *compound)
{
    return sizeof(compound->buf) - compound->len;
}

/* Feedback follows an empty receiver report, as RFC 4585, 3.1 wants it without reduced size. */
static uint8_t *feedback_room(Compound *compound, size_t need)
{
    uint8_t *at = compound_room(compound, need + 8);

    if (compound->len == 0) {
        compound->len =
            stoa_rtcp_rr_write(compound->peer->ssrc, NULL, 0, at, compound_left(compound));
        at = compound->buf + compound->len;
    }
    return at;
}

/* -- to publishers ------------------------------------------------------------------------- */

static void write_blocks(Compound *compound, const StoaRtcpBlock *blocks, unsigned n)
{
    uint8_t *at = compound_room(compound, 8 + n * 24);

    compound->len +=
        stoa_rtcp_rr_write(compound->peer->ssrc, blocks, n, at, compound_left(compound));
}

static void slow_uplink(StoaPeer *peer, StoaSource *source)
{
    uint64_t lost = stoa_report_rx_lost(&source->rx);
    uint64_t news = lost > source->lost_told ? lost - source->lost_told : 0;
    unsigned threshold = peer->worker->media->slowlink_threshold;

    source->lost_told = lost;
    if (threshold > 0 && news > threshold)
        stoa_event_slowlink(peer->worker, peer->id, source->feed->ref.track, true, (unsigned)news);
}

static bool is_recent(const StoaSource *source, int64_t now_us)
{
    return source && source->has_begun && source->ssrc &&
           now_us - source->last_us < 3 * STOA_REPORT_US;
}

static unsigned report_sources(Compound *compound, int64_t now_us)
{
    StoaPeer *peer = compound->peer;
    StoaRtcpBlock blocks[MAX_BLOCKS];
    unsigned n = 0, n_all = 0;

    for (unsigned i = 0; i < peer->n_feeds; i++)
        for (unsigned j = 0; j < peer->feeds[i]->n_encodings; j++) {
            StoaSource *source = peer->feeds[i]->sources[j];

            if (!is_recent(source, now_us))
                continue;
            source->bps = (uint32_t)((source->n_bytes - source->bytes_before) * 8);
            source->bytes_before = source->n_bytes;
            slow_uplink(peer, source);
            stoa_report_rx_block(&source->rx, source->ssrc, now_us, &blocks[n++]);
            n_all++;
            if (n == MAX_BLOCKS) {
                write_blocks(compound, blocks, n);
                n = 0;
            }
        }
    if (n > 0)
        write_blocks(compound, blocks, n);
    return n_all;
}

/* A publisher reports on nothing and so tells no round trip: it is asked for one, and answers in its next report. Who
 * does not know this packet passes over it. (RFC 3611, 4.4) */
static void write_rrtr(Compound *compound)
{
    uint8_t *at = feedback_room(compound, 20);

    compound->len += stoa_rtcp_rrtr_write(compound->peer->ssrc, stoa_report_ntp(g_get_real_time()),
                                          at, compound_left(compound));
}

static bool is_publishing(const StoaPeer *peer)
{
    for (unsigned i = 0; i < peer->n_feeds; i++)
        for (unsigned j = 0; j < peer->feeds[i]->n_encodings; j++)
            if (is_recent(peer->feeds[i]->sources[j], peer->worker->now_us))
                return true;
    return false;
}

static void gather_remb(const StoaPeer *peer, StoaRtcpRemb *remb, bool *has_twcc)
{
    for (unsigned i = 0; i < peer->n_feeds; i++) {
        const StoaFeed *feed = peer->feeds[i];

        for (unsigned j = 0; j < feed->n_encodings && feed->row.remb; j++)
            if (feed->sources[j] && feed->sources[j]->ssrc &&
                remb->n_ssrcs < STOA_RTCP_REMB_MAX_SSRCS)
                remb->ssrcs[remb->n_ssrcs++] = feed->sources[j]->ssrc;
        *has_twcc |= feed->row.twcc;
    }
}

/* The lower of what control asked for and what can be used; 0: no limit. */
static uint32_t limit_bps(StoaPeer *peer)
{
    uint32_t cap = stoa_cap_bps(peer);

    peer->had_limit |= cap > 0;
    return cap > 0 && (peer->max_bps == 0 || cap < peer->max_bps) ? cap : peer->max_bps;
}

/* A limit; where neither that nor transport-cc guides the sender, a generous one. */
static void write_remb(Compound *compound)
{
    StoaPeer *peer = compound->peer;
    StoaRtcpRemb remb = { .bitrate_bps = limit_bps(peer) };
    bool has_twcc = false;

    gather_remb(peer, &remb, &has_twcc);
    if (remb.n_ssrcs == 0 || (remb.bitrate_bps == 0 && has_twcc && peer->twcc && !peer->had_limit))
        return;
    if (remb.bitrate_bps == 0)
        remb.bitrate_bps = GENEROUS_BPS;
    peer->remb_us = peer->worker->now_us;
    peer->wants_remb = false;
    compound->len += stoa_rtcp_remb_write(peer->ssrc, &remb, feedback_room(compound, 100),
                                          compound_left(compound));
}

/* -- to subscribers ------------------------------------------------------------------------ */

static void slow_downlink(StoaPeer *peer, StoaOutlet *outlet)
{
    int32_t news = outlet->lost - outlet->lost_told;
    unsigned threshold = peer->worker->media->slowlink_threshold;

    outlet->lost_told = outlet->lost;
    if (threshold > 0 && news > (int32_t)threshold)
        stoa_event_slowlink(peer->worker, peer->id, outlet->number, false, (unsigned)news);
}

static void report_outlet(Compound *compound, StoaOutlet *outlet, int64_t now_us, int64_t real_us)
{
    uint32_t timestamp;
    StoaRtcpSr sr;

    if (!stoa_outlet_timestamp(outlet, real_us, now_us, &timestamp))
        return;
    compound_room(compound, 80);
    stoa_report_tx_sr(&outlet->tx, real_us, timestamp, &sr);
    compound->len +=
        stoa_rtcp_sr_write(&sr, NULL, 0, compound->buf + compound->len, compound_left(compound));
    compound->len += stoa_rtcp_sdes_write(outlet->row.ssrc, compound->peer->cname,
                                          compound->buf + compound->len, compound_left(compound));
}

static bool has_sent(const StoaOutlet *outlet)
{
    return (uint32_t)outlet->n_packets != outlet->n_packets_before;
}

static void tally(StoaOutlet *outlet, int64_t now_us)
{
    int64_t past_us = now_us - outlet->tallied_us;

    if (past_us > 0 && past_us < 2 * STOA_REPORT_US)
        outlet->bps = (uint32_t)((uint64_t)((uint32_t)outlet->n_bytes - outlet->bytes_before) *
                                 8000000 / (uint64_t)past_us);
    outlet->bytes_before = (uint32_t)outlet->n_bytes;
    outlet->tallied_us = now_us;
}

static unsigned report_outlets(Compound *compound, int64_t now_us)
{
    StoaPeer *peer = compound->peer;
    int64_t real_us = g_get_real_time();
    unsigned n = 0;

    for (unsigned i = 0; i < peer->n_outlets; i++) {
        StoaOutlet *outlet = peer->outlets[i];

        if (!outlet->has_row || !has_sent(outlet))
            continue;
        outlet->resend_budget =
            STOA_RESEND_BUDGET + 2 * ((uint32_t)outlet->n_packets - outlet->n_packets_before);
        outlet->n_packets_before = (uint32_t)outlet->n_packets;
        tally(outlet, now_us);
        slow_downlink(peer, outlet);
        report_outlet(compound, outlet, now_us, real_us);
        n++;
    }
    return n;
}

void stoa_peer_report(StoaWheelTimer *timer, int64_t now_us)
{
    StoaPeer *peer = STOA_WHEEL_OWNER(timer, StoaPeer, report);
    Compound compound = { .peer = peer };
    unsigned n_sources, n;

    if (!stoa_peer_is_ready(peer))
        return;
    n = report_outlets(&compound, now_us);
    n_sources = report_sources(&compound, now_us);
    n += n_sources;
    if (n_sources > 0)
        write_rrtr(&compound);
    if (peer->downlink)
        stoa_downlink_tend(peer->downlink, now_us);
    if (compound.len > 0)
        write_remb(&compound);
    compound_flush(&compound);
    if (n > 0)
        stoa_wheel_set(&peer->worker->wheel, timer, now_us + STOA_REPORT_US);
}

/* -- in between ---------------------------------------------------------------------------- */

static void write_twcc(Compound *compound)
{
    StoaPeer *peer = compound->peer;
    uint32_t media_ssrc = peer->n_ssrcs > 0 ? peer->ssrcs[0].ssrc : 0;

    for (unsigned i = 0; peer->twcc && i < 8; i++) {
        uint8_t *at = feedback_room(compound, 900);
        size_t len = stoa_twcc_recorder_output(peer->twcc, peer->ssrc, media_ssrc, at, 900);

        if (len == 0)
            break;
        compound->len += len;
    }
    if (compound->len == 8)
        compound->len = 0; /* nothing followed the empty report */
}

static int64_t ask_again(Compound *compound, StoaSource *source, int64_t now_us)
{
    uint16_t seqs[MAX_ASKED];
    bool wants_keyframe = false;
    size_t n = stoa_nack_gen_output(source->nack, now_us, seqs, MAX_ASKED, &wants_keyframe);

    if (n > 0 && source->ssrc) {
        uint8_t *at = feedback_room(compound, 16 + n * 4);

        compound->len += stoa_rtcp_nack_write(compound->peer->ssrc, source->ssrc, seqs, n, at,
                                              compound_left(compound));
        stoa_count(&compound->peer->worker->counters, STOA_COUNT_NACK_OUT, 1);
    }
    if (wants_keyframe)
        stoa_source_want_keyframe(source);
    return stoa_nack_gen_deadline_us(source->nack);
}

void stoa_peer_feedback(StoaWheelTimer *timer, int64_t now_us)
{
    StoaPeer *peer = STOA_WHEEL_OWNER(timer, StoaPeer, feedback);
    Compound compound = { .peer = peer };
    int64_t due_us = INT64_MAX;

    if (!stoa_peer_is_ready(peer))
        return;
    for (unsigned i = 0; i < peer->n_feeds; i++)
        for (unsigned j = 0; j < peer->feeds[i]->n_encodings; j++) {
            StoaSource *source = peer->feeds[i]->sources[j];

            if (source && source->nack)
                due_us = MIN(due_us, ask_again(&compound, source, now_us));
        }
    if (peer->twcc && now_us - peer->twcc_us >= STOA_FEEDBACK_US - 2 * STOA_WHEEL_SLOT_US) {
        peer->twcc_us = now_us;
        write_twcc(&compound);
    } else if (peer->twcc) {
        due_us = MIN(due_us, peer->twcc_us + STOA_FEEDBACK_US);
    }
    if (peer->wants_remb && now_us - peer->remb_us >= HURRY_US)
        write_remb(&compound);
    else if (peer->wants_remb)
        due_us = MIN(due_us, peer->remb_us + HURRY_US);
    compound_flush(&compound);
    if (due_us != INT64_MAX)
        stoa_wheel_set_by(&peer->worker->wheel, timer, due_us);
}

void stoa_peer_hurry_remb(StoaPeer *peer)
{
    peer->wants_remb = true;
    stoa_wheel_set_by(&peer->worker->wheel, &peer->feedback,
                      MAX(peer->worker->now_us, peer->remb_us + HURRY_US));
}

void stoa_peer_ask_rtt(StoaPeer *peer)
{
    Compound compound = { .peer = peer };

    if (!stoa_peer_is_ready(peer) || !is_publishing(peer))
        return;
    write_rrtr(&compound);
    compound_flush(&compound);
}

void stoa_peer_ask_keyframe(StoaPeer *peer, StoaSource *source)
{
    const StoaReceive *row = &source->feed->row;
    Compound compound = { .peer = peer };
    uint8_t *at;

    if (!source->ssrc || !stoa_peer_is_ready(peer))
        return;
    at = feedback_room(&compound, 100);
    if (!row->pli && row->fir)
        compound.len +=
            stoa_rtcp_fir_write(peer->ssrc, (StoaRtcpFir){ source->ssrc, source->fir_seq++ }, at,
                                compound_left(&compound));
    else
        compound.len += stoa_rtcp_pli_write(peer->ssrc, source->ssrc, at, compound_left(&compound));
    stoa_count(&peer->worker->counters, STOA_COUNT_PLI_OUT, 1);
    compound_flush(&compound);
}
