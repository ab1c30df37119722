/* SPDX-License-Identifier: MIT */
#include "media/source.h"

#include "media/feed.h"
#include "media/peer.h"
#include "media/relay.h"
#include "rtp/seq.h"

#include "base/poison.h"

enum {
    FAR = 3000, /* a jump, not loss */
    LAYERS_US = 1000000,
    NO_SEQ = 1 << 16,
};

StoaSource *stoa_source_new(StoaFeed *feed, uint8_t encoding)
{
    StoaSource *source = g_new0(StoaSource, 1);

    source->feed = feed;
    source->encoding = encoding;
    source->bad_seq = NO_SEQ;
    source->ring.is_even = feed->kind == STOA_AUDIO;
    /* no two sources of a worker share an index: a number of an older one never finds a newer one's packet */
    source->highest = ++feed->worker->n_sources << 32;
    stoa_report_rx_init(&source->rx, feed->clock_hz);
    return source;
}

void stoa_source_free(StoaSource *source, StoaPool *here)
{
    if (!source)
        return;
    stoa_ring_clear(&source->ring, here);
    g_free(source->nack);
    g_free(source->dd);
    g_free(source);
}

static uint64_t next_range(const StoaSource *source, uint16_t seq)
{
    return ((source->highest >> 16) + 16) << 16 | seq;
}

void stoa_source_restart(StoaSource *source)
{
    source->is_restarted = source->has_begun;
    stoa_report_rx_init(&source->rx, source->feed->clock_hz);
    source->lost_told = 0;
    if (source->nack)
        stoa_nack_gen_restart(source->nack);
}

bool stoa_source_index(StoaSource *source, uint16_t seq, bool is_rtx, uint64_t *index)
{
    int far = stoa_seq_diff(seq, (uint16_t)source->highest);

    if (is_rtx && (!source->has_begun || source->is_restarted || abs(far) > FAR))
        return false; /* nothing to repair */
    if (!source->has_begun || source->is_restarted) {
        *index = next_range(source, seq);
    } else if (abs(far) <= FAR) {
        *index = stoa_seq_extend(source->highest, seq);
    } else if (source->bad_seq == seq) {
        *index = next_range(source, seq);
        if (source->nack)
            stoa_nack_gen_restart(source->nack);
    } else {
        source->bad_seq = (uint16_t)(seq + 1);
        return false;
    }
    return true;
}

bool stoa_source_file(StoaSource *source, StoaPacket *packet, StoaPool *here)
{
    if (!stoa_ring_put(&source->ring, packet, here))
        return false;
    if (stoa_ring_must_grow(&source->ring))
        stoa_feed_note(source->feed);
    if (!source->has_begun)
        source->first_us = source->layers_us = packet->arrived_us;
    if (!stoa_source_is_flowing(source, packet->arrived_us))
        source->since_us = packet->arrived_us;
    if (!source->has_begun || packet->index > source->highest)
        source->highest = packet->index;
    source->has_begun = true;
    source->is_restarted = false;
    source->bad_seq = NO_SEQ;
    source->last_us = packet->arrived_us;
    source->has_dd = packet->info.has_dd;
    source->is_red = packet->info.red.heads_len > 0;
    source->n_packets++;
    source->n_bytes += packet->header.payload_len;
    source->sids |= (uint8_t)(1u << packet->info.sid);
    source->tids |= (uint8_t)(1u << packet->info.tid);
    stoa_flow_input(&source->flow, packet->header.payload_len, packet->info.sid, packet->info.tid);
    if (packet->info.is_keyframe) {
        source->keyframe_us = packet->arrived_us;
        source->keyframe_index = packet->index;
        source->n_keyframes++;
        source->wants_keyframe = false;
    }
    return true;
}

static void begin_nack(StoaSource *source)
{
    source->nack = g_new(StoaNackGen, 1);
    stoa_nack_gen_init(source->nack, source->feed->peer->rtt_us);
}

/* Also one that nobody waits for any more tells how long the way is. */
static void feed_nack(StoaSource *source, const StoaPacket *packet, bool is_rtx)
{
    StoaNackGen *nack = source->nack;
    uint64_t n_repaired = nack->n_repaired;
    uint16_t seq = packet->header.seq;

    if (stoa_nack_gen_repaired(nack, seq, is_rtx, packet->arrived_us))
        stoa_peer_note_repair(source->feed->peer, nack->rtt_us);
    stoa_nack_gen_input(nack, seq, packet->arrived_us);
    source->n_recovered += is_rtx || nack->n_repaired > n_repaired;
}

void stoa_source_count(StoaSource *source, const StoaPacket *packet, bool is_rtx)
{
    const StoaRtpHeader *header = &packet->header;

    if (!is_rtx)
        stoa_report_rx_packet(&source->rx, header->seq, header->timestamp, header->payload_len,
                              packet->arrived_us);
    if (!source->feed->row.nack)
        return;
    if (!source->nack)
        begin_nack(source);
    feed_nack(source, packet, is_rtx);
    /* Only a keyframe that comes in time makes the past worthless; a late one is part of that past. */
    if (packet->info.is_keyframe && !is_rtx && packet->index == source->highest)
        stoa_nack_gen_forget_before(source->nack, header->seq);
}

static void ask(StoaSource *source, int64_t now_us)
{
    StoaFeed *feed = source->feed;

    if (feed->peer && !source->ssrc) {
        source->wants_keyframe = true; /* until its first packet tells whom to ask */
        return;
    }
    source->asked_us = now_us;
    source->wants_keyframe = false;
    source->n_asked++;
    if (feed->peer)
        stoa_peer_ask_keyframe(feed->peer, source);
    else
        stoa_relay_want_keyframe(feed, source->encoding);
}

void stoa_source_want_keyframe(StoaSource *source)
{
    int64_t now_us = source->feed->worker->now_us;

    if (source->feed->kind != STOA_VIDEO)
        return;
    if (!source->asked_us || now_us - source->asked_us >= STOA_KEYFRAME_US)
        ask(source, now_us);
    else
        source->wants_keyframe = true;
    if (source->has_begun)
        stoa_feed_wake(source->feed);
}

int64_t stoa_source_rtt_us(const StoaSource *source)
{
    if (source->nack)
        return source->nack->rtt_us;
    return source->feed->peer ? source->feed->peer->rtt_us : 0;
}

/* Not sooner than it can be here, or a slow line gets two. */
int64_t stoa_source_patience_us(const StoaSource *source)
{
    return MAX(STOA_KEYFRAME_US, stoa_source_rtt_us(source) + STOA_KEYFRAME_US / 2);
}

/* What did not come for a second or two is not there. */
static void forget_layers(StoaSource *source, int64_t now_us)
{
    if (now_us - source->layers_us < LAYERS_US)
        return;
    source->layers_us = now_us;
    source->sids_before = source->sids;
    source->tids_before = source->tids;
    source->sids = source->tids = 0;
}

void stoa_source_tend(StoaSource *source, int64_t now_us)
{
    forget_layers(source, now_us);
    stoa_ring_tend(&source->ring, now_us, source->feed->worker->pool);
    stoa_flow_tend(&source->flow, now_us);
    if (source->wants_keyframe && now_us - source->asked_us >= STOA_KEYFRAME_US)
        ask(source, now_us);
}
