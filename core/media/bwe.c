/* SPDX-License-Identifier: MIT */
#include "media/bwe.h"

#include <glib.h>
#include <stdlib.h>

#include "base/poison.h"

#define REFERENCE_WRAP_US (INT64_C(64000) << 24)
#define PROOF_US          1000000 /* no trouble for so long: what arrives is no limit */
#define AGAIN_US          3000000 /* a second over-use in this time: the first cut was too small */
#define SILENCE_US        2000000 /* without feedback: the path may be gone */
#define SILENCE_N         20      /* packets that should have brought some */
#define REFUTE_US         1000000
#define REFUTE_QUEUE_US   100000
#define REFUTE            1.5    /* of the capacity that was believed */
#define REFUTE_FALL       2.5    /* the same, of what was measured in a hurry */
#define EFFECT_US         300000 /* and a round trip: until a cut shows in the trend */
#define CUT               0.85   /* of what arrived, on over-use (GCC, 5.5) */
#define GROWTH            0.08   /* a second */
#define LIMIT             1.5    /* of what arrives: more was never tried */
#define HIGH_LOSS         0.10
#define LOW_LOSS          0.02
#define PROBE_WAIT_US     1000000
#define PROBE_WAIT_MAX_US 4000000
#define PROBE_FELL_US     3000000 /* nothing more is tried so soon after a fall */
#define PROBE_SUCCESS     0.90    /* of what was tried: there may be still more */
#define PROBE_AGAIN_US    250000  /* after one that we were too slow to send */
#define PROBE_CREDIT      0.90    /* of what came through where it was not all */
#define PROBE_STEP        2
#define DRAIN_US          2000000 /* at most */
#define DRAINED_US        80000
#define FEEDBACK_US       150000
#define FRESH_US          250000 /* so old is no news of the queue */
#define OFFERED_US        500000 /* over which it is reckoned what was sent lately */
#define STALE_US          500000
#define PROBE_QUEUE_US    100000 /* no probe into a queue longer than this */
#define CREDIT \
    16 /* times that a packet may be spoken of: whoever hears one late tells all after it again */

void stoa_bwe_init(StoaBwe *bwe)
{
    *bwe = (StoaBwe){ .probe_wait_us = PROBE_WAIT_US, .credit = STOA_SENT_MAX };
    stoa_sent_init(&bwe->sent);
    stoa_bwe_trend_init(&bwe->trend);
}

void stoa_bwe_clear(StoaBwe *bwe)
{
    stoa_sent_clear(&bwe->sent);
}

void stoa_bwe_sent(StoaBwe *bwe, uint16_t seq, unsigned size, int64_t now_us)
{
    uint8_t cluster = stoa_bwe_probe_cluster(&bwe->probe);

    stoa_sent_add(&bwe->sent, seq, (uint16_t)size, cluster, now_us);
    if (cluster)
        stoa_bwe_probe_sent(&bwe->probe, size, now_us);
    stoa_bwe_acked_input(&bwe->offered, now_us, size);
    bwe->credit = MIN(bwe->credit + CREDIT, CREDIT * STOA_SENT_MAX);
    bwe->n_silent++;
}

/* -- up and down --------------------------------------------------------------------------- */

static void set(StoaBwe *bwe, double bps)
{
    bwe->estimate_bps = (uint32_t)CLAMP(bps, STOA_BWE_MIN_BPS, STOA_BWE_MAX_BPS);
}

static void lower(StoaBwe *bwe, double bps, int64_t now_us)
{
    if (bwe->estimate_bps && bps > bwe->estimate_bps)
        return;
    set(bwe, bps);
    bwe->lowered_us = bwe->grown_us = now_us;
    bwe->lowered_mark = stoa_bwe_acked_mark(&bwe->acked);
    bwe->next_probe_us = MAX(bwe->next_probe_us, now_us + bwe->probe_wait_us);
    bwe->n_lowered++;
    stoa_bwe_loss_restart(&bwe->loss, now_us);
}

/* What arrives while the path is full is its capacity. */
static void note_capacity(StoaBwe *bwe, uint32_t bps)
{
    bwe->capacity_bps =
        bwe->capacity_bps && abs((int)bps - (int)bwe->capacity_bps) < (int)bwe->capacity_bps / 2
            ? (uint32_t)((7 * (uint64_t)bwe->capacity_bps + 3 * (uint64_t)bps) / 10)
            : bps;
}

/* What arrives says what the path can carry only if more was offered. A server that holds back most of what there is
 * offers little, and must not take that for the limit. */
static uint32_t carried_bps(const StoaBwe *bwe)
{
    uint32_t acked = stoa_bwe_acked_bps(&bwe->acked);
    uint32_t offered = stoa_bwe_acked_bps(&bwe->offered);

    if (!bwe->estimate_bps || offered > 0.8 * bwe->estimate_bps || acked < 0.85 * offered)
        return acked;
    return MAX(acked, bwe->estimate_bps);
}

/* What comes out of a queue that is there for longer than that is looked at is the capacity; before it more may have
 * arrived. */
static uint32_t capacity_bps(const StoaBwe *bwe)
{
    uint32_t bps = carried_bps(bwe), lately_bps = stoa_bwe_acked_lately_bps(&bwe->acked);
    bool is_full =
        bwe->trend.is_flooded || stoa_bwe_trend_latest_us(&bwe->trend) >= STOA_BWE_LATELY_US;

    return is_full && lately_bps > 0 ? MIN(bps, lately_bps) : bps;
}

static void on_overuse(StoaBwe *bwe, int64_t rtt_us, int64_t now_us)
{
    uint32_t bps = capacity_bps(bwe);

    if (bwe->lowered_us && (now_us - bwe->lowered_us < EFFECT_US + rtt_us ||
                            stoa_bwe_trend_since_us(&bwe->trend) < bwe->lowered_us))
        return; /* what is seen was sent before the last cut */
    if (bps > 0)
        note_capacity(bwe, bps);
    else
        bps = bwe->estimate_bps ? bwe->estimate_bps : STOA_BWE_START_BPS;
    if (bwe->lowered_us && now_us - bwe->lowered_us < AGAIN_US)
        bps = MIN(bps, bwe->estimate_bps);
    bwe->before_bps = bwe->estimate_bps;
    lower(bwe, CUT * bps, now_us);
}

/* What was sent before a cut still shows what the path carries: the next measure may be the better one. */
static bool falls(StoaBwe *bwe, int64_t rtt_us, int64_t now_us)
{
    bool is_again = bwe->lowered_us && now_us - bwe->lowered_us < EFFECT_US + rtt_us;
    uint32_t bps;

    if (!stoa_bwe_cliff_fell(&bwe->cliff, stoa_bwe_acked_bps(&bwe->offered), &bps) ||
        (bwe->estimate_bps && CUT * bps >= bwe->estimate_bps))
        return false;
    note_capacity(bwe, bps);
    if (is_again) {
        set(bwe, CUT * bps);
    } else {
        bwe->before_bps = bwe->estimate_bps;
        lower(bwe, CUT * bps, now_us);
    }
    bwe->fell_us = bwe->lowered_us;
    bwe->fell_queue_us = stoa_bwe_trend_latest_us(&bwe->trend);
    bwe->next_probe_us = MAX(bwe->next_probe_us, now_us + PROBE_FELL_US);
    return true;
}

/* Who has no voice sends nothing meanwhile, and hears nothing: then it takes as long as the last packets waited, about. */
bool stoa_bwe_is_draining(const StoaBwe *bwe, int64_t rtt_us, int64_t now_us)
{
    int64_t since_us = now_us - bwe->fell_us, answer_us = rtt_us + FEEDBACK_US;

    if (!bwe->fell_us || since_us >= DRAIN_US)
        return false;
    if (since_us < answer_us)
        return true;
    return now_us - bwe->feedback_us < FRESH_US ? stoa_bwe_trend_latest_us(&bwe->trend) > DRAINED_US
                                                : since_us < answer_us + bwe->fell_queue_us;
}

/* The queue was gone at once, and much more came through than it could have carried: somebody was held up for a moment,
 * the path was not too narrow. */
static bool is_refuted(const StoaBwe *bwe, int64_t now_us)
{
    return bwe->before_bps > bwe->estimate_bps && now_us - bwe->lowered_us < REFUTE_US &&
           stoa_bwe_acked_lately_is_after(&bwe->acked, bwe->lowered_mark) &&
           stoa_bwe_trend_latest_us(&bwe->trend) < REFUTE_QUEUE_US &&
           stoa_bwe_acked_lately_bps(&bwe->acked) >
               (bwe->fell_us ? REFUTE_FALL : REFUTE) * bwe->capacity_bps;
}

static void take_back(StoaBwe *bwe, int64_t now_us)
{
    set(bwe, bwe->before_bps);
    bwe->before_bps = bwe->capacity_bps = 0;
    bwe->grown_us = now_us;
    bwe->lowered_us = bwe->fell_us = 0;
    bwe->n_lowered--;
}

/* By a share; near what was the capacity by half a packet a round trip, which brings flows that share it together.
 * (GCC, 5.5) */
static double growth_bps(const StoaBwe *bwe, int64_t rtt_us)
{
    bool is_near =
        bwe->estimate_bps > 0.7 * bwe->capacity_bps && bwe->estimate_bps < 1.2 * bwe->capacity_bps;

    return is_near ? 8.0 * 600 * 1000000 / (double)(rtt_us + 100000) : GROWTH * bwe->estimate_bps;
}

static void grow(StoaBwe *bwe, int64_t rtt_us, int64_t now_us)
{
    double seconds = (double)MIN(now_us - bwe->grown_us, 1000000) / 1000000;
    double limit = LIMIT * stoa_bwe_acked_bps(&bwe->acked) + 10000;
    double bps = bwe->estimate_bps + growth_bps(bwe, rtt_us) * seconds;

    bwe->grown_us = now_us;
    if (bps > limit)
        bps = MAX(limit, bwe->estimate_bps);
    if (bwe->wanted_bps && bps > PROBE_STEP * (double)bwe->wanted_bps)
        bps = MAX(PROBE_STEP * (double)bwe->wanted_bps, bwe->estimate_bps);
    set(bwe, bps);
}

static void judge_losses(StoaBwe *bwe, int64_t now_us)
{
    double acked = carried_bps(bwe);

    if (!stoa_bwe_loss_ended(&bwe->loss, now_us) || acked == 0)
        return;
    if (bwe->loss.loss > HIGH_LOSS && bwe->loss.latest > HIGH_LOSS)
        lower(bwe, acked * (1 - bwe->loss.loss / 2), now_us);
}

/* Nothing went wrong so far. */
static void begin_estimate(StoaBwe *bwe)
{
    double bps = LIMIT * stoa_bwe_acked_bps(&bwe->acked);

    set(bwe, MAX(MAX(STOA_BWE_START_BPS, bps), bwe->proven_bps));
}

static void judge(StoaBwe *bwe, int64_t rtt_us, int64_t now_us)
{
    judge_losses(bwe, now_us);
    if (falls(bwe, rtt_us, now_us))
        return;
    if (is_refuted(bwe, now_us))
        take_back(bwe, now_us);
    else if (bwe->trend.usage == STOA_BWE_OVERUSE || bwe->trend.is_flooded)
        on_overuse(bwe, rtt_us, now_us);
    else if (!bwe->estimate_bps && now_us - bwe->begun_us > PROOF_US)
        begin_estimate(bwe);
    else if (bwe->estimate_bps && bwe->trend.usage == STOA_BWE_NORMAL && bwe->loss.loss < LOW_LOSS)
        grow(bwe, rtt_us, now_us);
    else
        bwe->grown_us = now_us;
}

/* -- probes -------------------------------------------------------------------------------- */

static void on_success(StoaBwe *bwe, uint32_t bps, int64_t now_us)
{
    bool is_whole = stoa_bwe_probe_tried_bps(&bwe->probe) >= PROBE_SUCCESS * bwe->probe.target_bps;

    bwe->probe_wait_us = PROBE_WAIT_US;
    bwe->next_probe_us = is_whole ? now_us : now_us + PROBE_AGAIN_US;
    bwe->proven_bps = MAX(bps, stoa_bwe_acked_bps(&bwe->acked));
    if (bwe->capacity_bps && bps > bwe->capacity_bps * 1.2)
        bwe->capacity_bps = 0;
}

static void on_failure(StoaBwe *bwe, uint32_t bps, int64_t now_us)
{
    bwe->next_probe_us = now_us + bwe->probe_wait_us;
    bwe->probe_wait_us = MIN(bwe->probe_wait_us * 3 / 2, PROBE_WAIT_MAX_US);
    bwe->proven_bps = (uint32_t)(PROBE_CREDIT * bps);
}

/* A probe never limits: who is short of breath for a moment reports late. What it brought through lifts an estimate. */
static void take_result(StoaBwe *bwe, uint32_t bps, int64_t now_us)
{
    bool is_success = bps > 0 && bps >= PROBE_SUCCESS * stoa_bwe_probe_tried_bps(&bwe->probe);

    if (is_success)
        on_success(bwe, bps, now_us);
    else
        on_failure(bwe, bps, now_us);
    if (!bwe->estimate_bps && bps < bwe->wanted_bps)
        return;
    if (bwe->proven_bps > bwe->estimate_bps &&
        (!bwe->lowered_us || now_us - bwe->lowered_us > EFFECT_US)) {
        set(bwe, bwe->estimate_bps ? bwe->proven_bps : MAX(bwe->proven_bps, STOA_BWE_START_BPS));
        bwe->grown_us = now_us;
    }
}

static void read_probe(StoaBwe *bwe, int64_t now_us)
{
    uint32_t bps;

    if (stoa_bwe_probe_result(&bwe->probe, now_us, &bps))
        take_result(bwe, bps, now_us);
}

/* What was heard long ago, because little is sent, says nothing of now. */
static bool is_calm(const StoaBwe *bwe, int64_t now_us)
{
    bool is_clear = now_us - bwe->feedback_us > STALE_US ||
                    (bwe->trend.usage != STOA_BWE_OVERUSE &&
                     stoa_bwe_trend_queue_us(&bwe->trend) < PROBE_QUEUE_US);

    return is_clear && bwe->loss.loss <= HIGH_LOSS &&
           (!bwe->lowered_us || now_us - bwe->lowered_us > PROBE_WAIT_US);
}

static uint32_t probe_target(const StoaBwe *bwe)
{
    uint32_t base = bwe->estimate_bps ? bwe->estimate_bps
                                      : MAX(bwe->proven_bps, stoa_bwe_acked_bps(&bwe->acked));

    return MIN(MAX(PROBE_STEP * base, STOA_BWE_START_BPS / 2), bwe->wanted_bps);
}

bool stoa_bwe_may_probe(StoaBwe *bwe, int64_t now_us)
{
    if (bwe->probe.is_running || !bwe->begun_us || now_us < bwe->next_probe_us ||
        !is_calm(bwe, now_us) || (double)bwe->wanted_bps < 1.05 * bwe->estimate_bps)
        return false;
    if (bwe->wanted_bps == 0)
        return false;
    stoa_bwe_probe_begin(&bwe->probe, probe_target(bwe), bwe->n_lowered > 0, now_us);
    bwe->n_probes++;
    return true;
}

/* -- feedback ------------------------------------------------------------------------------ */

/* The receiver's clock comes in 24 bits. */
static int64_t unwrap(StoaBwe *bwe, int64_t reference_us)
{
    int64_t step_us = (reference_us - bwe->reference_us) % REFERENCE_WRAP_US;

    if (step_us >= REFERENCE_WRAP_US / 2)
        step_us -= REFERENCE_WRAP_US;
    else if (step_us < -REFERENCE_WRAP_US / 2)
        step_us += REFERENCE_WRAP_US;
    return bwe->reference_us += step_us;
}

/* A probe may well go too far; and what was offered lately was not offered yet after a cut. */
static void weigh(StoaBwe *bwe, const StoaSentPacket *packet, int64_t sent_us, bool is_received,
                  int64_t arrival_us)
{
    bool is_new = bwe->lowered_us && sent_us >= bwe->lowered_us;

    if (packet->cluster || (is_new && sent_us - bwe->lowered_us < OFFERED_US))
        stoa_bwe_cliff_restart(&bwe->cliff);
    else
        stoa_bwe_cliff_input(&bwe->cliff, packet->size, sent_us, is_received, arrival_us);
}

static void on_missing(StoaBwe *bwe, StoaSentPacket *packet, int64_t sent_us)
{
    if (packet->state != STOA_SENT_WAITING)
        return;
    packet->state = STOA_SENT_LOST;
    if (!packet->cluster) /* a probe may well go too far */
        stoa_bwe_loss_input(&bwe->loss, sent_us, false);
    weigh(bwe, packet, sent_us, false, 0);
    stoa_bwe_probe_lost(&bwe->probe, packet->cluster);
}

static void on_arrival(StoaBwe *bwe, StoaSentPacket *packet, int64_t sent_us, int64_t arrival_us)
{
    if (packet->state == STOA_SENT_RECEIVED)
        return;
    if (packet->state == STOA_SENT_LOST && !packet->cluster)
        stoa_bwe_loss_revoke(&bwe->loss);
    else if (!packet->cluster)
        stoa_bwe_loss_input(&bwe->loss, sent_us, true);
    packet->state = STOA_SENT_RECEIVED;
    weigh(bwe, packet, sent_us, true, arrival_us);
    stoa_bwe_acked_input(&bwe->acked, arrival_us, packet->size);
    stoa_bwe_probe_received(&bwe->probe, packet->cluster, packet->size, sent_us, arrival_us);
    stoa_bwe_trend_input(&bwe->trend, sent_us, arrival_us);
}

bool stoa_bwe_feedback(StoaBwe *bwe, const StoaRtcpFeedback *feedback, int64_t rtt_us,
                       int64_t now_us)
{
    StoaTwccArrival arrival;
    StoaTwccIter iter;
    int64_t shift_us;

    if (!stoa_twcc_iter_init(&iter, feedback) || iter.n_packets > bwe->credit)
        return false;
    bwe->credit -= iter.n_packets;
    shift_us = unwrap(bwe, iter.reference_time_us) - iter.reference_time_us;
    if (!bwe->begun_us)
        bwe->begun_us = bwe->grown_us = now_us;
    while (stoa_twcc_iter_next(&iter, &arrival)) {
        StoaSentPacket *packet = stoa_sent_find(&bwe->sent, arrival.seq);
        int64_t sent_us = packet ? stoa_sent_time_us(packet, now_us) : 0;

        if (packet && arrival.is_received)
            on_arrival(bwe, packet, sent_us, arrival.arrival_us + shift_us);
        else if (packet)
            on_missing(bwe, packet, sent_us);
    }
    bwe->feedback_us = now_us;
    bwe->n_silent = 0;
    judge(bwe, rtt_us, now_us);
    if (bwe->n_lowered > 0 && stoa_bwe_trend_latest_us(&bwe->trend) > PROBE_QUEUE_US)
        stoa_bwe_probe_stop(&bwe->probe, now_us);
    read_probe(bwe, now_us);
    stoa_sent_tend(&bwe->sent);
    return true;
}

void stoa_bwe_tend(StoaBwe *bwe, int64_t now_us)
{
    read_probe(bwe, now_us);
    if (!bwe->begun_us || now_us - bwe->feedback_us < SILENCE_US || bwe->n_silent < SILENCE_N)
        return;
    bwe->n_silent = 0;
    lower(bwe, 0.5 * (bwe->estimate_bps ? bwe->estimate_bps : STOA_BWE_START_BPS), now_us);
}
