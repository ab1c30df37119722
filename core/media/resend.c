/* SPDX-License-Identifier: MIT */
/* What a subscriber asks for again, out of the ring of its source. */
#include "media/downlink.h"
#include "media/outlet.h"
#include "media/peer.h"

#include "base/poison.h"

G_STATIC_ASSERT(STOA_RESENT * sizeof(StoaResent) <= STOA_POOL_TABLE);

/* Most need none ever. NULL: too many began to ask at once; it goes without for a moment. */
static StoaResent *resent_of(StoaOutlet *outlet, uint16_t seq)
{
    if (!outlet->resent)
        outlet->resent = stoa_pool_table(outlet->peer->worker->pool);
    return outlet->resent ? &outlet->resent[seq % STOA_RESENT] : NULL;
}

static uint16_t clock_ms(int64_t now_us)
{
    uint16_t ms = (uint16_t)(now_us / 1000);

    return ms ? ms : 1;
}

/* Not twice within a short time: the first may still be on its way. */
static bool was_just_resent(StoaOutlet *outlet, uint16_t seq, int64_t now_us)
{
    int64_t wait_ms = CLAMP(outlet->peer->rtt_us * 7 / 8000, 10, 500); /* they ask once in an RTT */
    const StoaResent *resent = resent_of(outlet, seq);

    return resent && resent->ms && resent->seq == seq &&
           (uint16_t)(clock_ms(now_us) - resent->ms) < wait_ms;
}

static StoaPacket *find_sent(const StoaOutlet *outlet, const StoaSpan *span, uint64_t index)
{
    StoaTrackRef ref = { span->source.peer, span->source.track };
    const StoaFeed *feed = stoa_feed_find(outlet->peer->worker, ref);
    const StoaSource *source = feed ? feed->sources[span->source.encoding] : NULL;

    return source ? stoa_ring_get(&source->ring, index) : NULL;
}

/* What came before the keyframe of the present piece only keeps that from getting through, where there is a jam. */
static bool is_outdated(const StoaOutlet *outlet, const StoaSpan *span, int64_t now_us)
{
    return outlet->row.kind == STOA_VIDEO && span->cut != outlet->splice.cut &&
           stoa_downlink_is_jammed(outlet->peer->downlink, now_us);
}

static bool resend(StoaOutlet *outlet, uint16_t seq, int64_t now_us)
{
    StoaResent *resent;
    uint64_t index, out;
    const StoaSpan *span = stoa_splice_find(&outlet->splice, seq, &index, &out);
    const StoaPacket *packet = span ? find_sent(outlet, span, index) : NULL;

    if (!packet || is_outdated(outlet, span, now_us))
        return false;
    if (was_just_resent(outlet, seq, now_us))
        return true;
    if (outlet->resend_budget == 0 ||
        (outlet->peer->downlink && !stoa_downlink_may_resend(outlet->peer->downlink)))
        return false;
    outlet->resend_budget--;
    if (!stoa_outlet_seal(outlet, packet, span, out,
                          stoa_outlet_has_rtx(outlet) ? STOA_SEAL_RTX : STOA_SEAL_AGAIN))
        return false;
    resent = resent_of(outlet, seq);
    if (resent)
        *resent = (StoaResent){ seq, clock_ms(now_us) };
    outlet->n_resent++;
    stoa_count(&outlet->peer->worker->counters, STOA_COUNT_RTX_SERVED, 1);
    return true;
}

void stoa_outlet_resend(StoaOutlet *outlet, const uint16_t *seqs, size_t n, int64_t now_us)
{
    if (!outlet->has_row || !outlet->row.nack || !stoa_peer_is_ready(outlet->peer))
        return;
    outlet->n_nacked += n;
    for (size_t i = 0; i < n; i++)
        if (!resend(outlet, seqs[i], now_us))
            stoa_count(&outlet->peer->worker->counters, STOA_COUNT_RTX_MISSED, 1);
}
