/* SPDX-License-Identifier: MIT */
/* How much can be sent to one peer? An estimate from its transport-cc feedback, in the manner of GCC
 * (draft-ietf-rmcat-gcc-02): trend of the delay, losses, what arrives, and probes where more is wanted than is sent.
 *
 * A server sends what layers there are, mostly less than it could: what it does not try it can know by probing only.
 * At first there is no estimate, and no limit: it begins with the first trouble, a probe, or after a second. Pure: the
 * clock is an argument. */
#pragma once

#include "media/bwe-acked.h"
#include "media/bwe-cliff.h"
#include "media/bwe-loss.h"
#include "media/bwe-probe.h"
#include "media/bwe-trend.h"
#include "media/sent.h"
#include "rtp/twcc.h"

enum {
    STOA_BWE_MIN_BPS = 30000,
    STOA_BWE_START_BPS = 600000,
    STOA_BWE_MAX_BPS = 100000000,
};

/* stoa_bwe_init() first. Readable for tests and statistics, private otherwise. */
typedef struct {
    StoaSentLog sent;
    StoaBweTrend trend;
    StoaBweAcked acked;
    StoaBweAcked offered; /* what was sent, by our clock */
    StoaBweLoss loss;
    StoaBweCliff cliff;
    StoaBweProbe probe;
    uint32_t estimate_bps; /* 0: none yet */
    uint32_t wanted_bps;   /* more than this is of no use */
    uint32_t proven_bps;   /* what a probe brought through last */
    uint32_t before_bps; /* the estimate before the last cut, which may be refuted; 0: it may not */
    uint32_t capacity_bps; /* what arrived when the path was full; 0: it never was */
    int64_t begun_us;      /* the first feedback; 0: none came */
    int64_t feedback_us;   /* the last one */
    int64_t grown_us;      /* until when the estimate has grown */
    int64_t lowered_us;    /* when it was lowered last */
    int64_t lowered_mark;  /* what had arrived then */
    int64_t fell_us;       /* when the path became many times narrower; 0: never */
    int64_t fell_queue_us; /* how long packets waited then */
    int64_t next_probe_us, probe_wait_us;
    int64_t reference_us; /* of the last feedback, without wrapping */
    unsigned n_silent;    /* packets sent since the last feedback */
    unsigned credit; /* packets that feedback may still speak of: some for each that was sent */
    unsigned n_lowered, n_probes;
} StoaBwe;

void stoa_bwe_init(StoaBwe *bwe);
void stoa_bwe_clear(StoaBwe *bwe);

/** A packet left. @size  bytes on the wire. The packet path: allocates nothing. */
void stoa_bwe_sent(StoaBwe *bwe, uint16_t seq, unsigned size, int64_t now_us);

/** Feedback came. @rtt_us  as far as known. Returns false for one that cannot be read, or that speaks
 * of far more packets than were sent: a few bytes of it could cost us much time. */
bool stoa_bwe_feedback(StoaBwe *bwe, const StoaRtcpFeedback *feedback, int64_t rtt_us,
                       int64_t now_us);

/** Call it once a second or so: without feedback the estimate falls. */
void stoa_bwe_tend(StoaBwe *bwe, int64_t now_us);

/** What may be sent; 0: nothing is known, there is no limit. */
static inline uint32_t stoa_bwe_estimate_bps(const StoaBwe *bwe)
{
    return bwe->estimate_bps;
}

/** What was sent lately, bits a second; 0: too little to say. */
static inline uint32_t stoa_bwe_offered_bps(const StoaBwe *bwe)
{
    return stoa_bwe_acked_bps(&bwe->offered);
}

/** Whether the path became many times narrower and what was sent before still stands in its way: no pictures now. */
bool stoa_bwe_is_draining(const StoaBwe *bwe, int64_t rtt_us, int64_t now_us);

/** How much could be used. More than the estimate: probes are wanted. */
static inline void stoa_bwe_want(StoaBwe *bwe, uint32_t wanted_bps)
{
    bwe->wanted_bps = wanted_bps;
}

/** Whether a probe began: ask for padding now, and every ten milliseconds until none is due. */
bool stoa_bwe_may_probe(StoaBwe *bwe, int64_t now_us);

/** Bytes of padding to send now. */
static inline size_t stoa_bwe_padding(StoaBwe *bwe, int64_t now_us)
{
    return stoa_bwe_probe_due(&bwe->probe, now_us);
}

/** Whether a probe is being sent. */
static inline bool stoa_bwe_is_probing(const StoaBwe *bwe)
{
    return bwe->probe.is_running && !bwe->probe.is_sent;
}
