/* SPDX-License-Identifier: MIT */
/* One encoding of one incoming track on one worker: its ring, its numbers, its requests upstream.
 *
 * On the worker that receives it, it counts, asks for what is missing and for keyframes; on another worker it is a
 * mirror: the same packets in a ring of their own, and requests go to the first by message. */
#pragma once

#include "media/flow.h"
#include "media/ring.h"
#include "media/worker.h"
#include "rtp/nack.h"
#include "rtp/report.h"

enum {
    STOA_KEYFRAME_US = 300000, /* one request upstream in this time at most (SECURITY R16) */
    STOA_FLOWING_US = 250000,  /* an encoding silent for this long does not flow */
    STOA_FALLBACK_US =
        250000, /* what is missing for this long is replaced, unless asked otherwise */
};

typedef struct StoaSource {
    StoaFeed *feed;
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet; not of a mirror */
    StoaRing ring;
    uint8_t encoding; /* index into the feed's, the highest first */
    bool has_begun;
    bool is_restarted;    /* the next packet begins a new range */
    bool is_receiving;    /* as last told by the `media` event, or soon */
    bool tells_beginning; /* soon */
    bool has_dd;          /* what came last had a dependency descriptor */
    bool is_red;          /* what came last was redundant audio */
    bool wants_keyframe;  /* a request waits for its turn */
    uint8_t fir_seq;
    uint8_t sids, tids;               /* layers that came, a bit each: in this second */
    uint8_t sids_before, tids_before; /* and in the one before */
    uint32_t bad_seq;                 /* the number that would prove a jump; above 16 bits: none */
    uint64_t highest;                 /* newest index */
    int64_t first_us, last_us, since_us; /* `since`: no silence from then on */
    int64_t layers_us;                   /* when the second of `sids` began */

    int64_t asked_us;    /* last request for a keyframe; 0: never */
    int64_t keyframe_us; /* when one began; 0: none that may be shown again */
    uint64_t keyframe_index;

    StoaReportRx rx;
    StoaNackGen *nack;   /* NULL: not negotiated, or nothing came yet */
    StoaDdStructure *dd; /* NULL: no dependency descriptor came */
    uint64_t lost_told;  /* of `rx`, at the last slowlink check */
    uint64_t n_packets, n_bytes;
    uint32_t n_recovered, n_keyframes, n_asked;
    uint32_t bps;          /* of the last second */
    uint64_t bytes_before; /* at the last second's end */
    StoaFlow flow;         /* how much comes, from moment to moment */
} StoaSource;

StoaSource *stoa_source_new(StoaFeed *feed, uint8_t encoding);
/** Gives its packets back to `here`. NULL is fine. */
void stoa_source_free(StoaSource *source, StoaPool *here);

/**
 * The index of a sequence number as received. A far jump begins a new range of indices, once a second packet proves it.
 *
 * Returns false for a packet that is too far away: drop it.
 */
bool stoa_source_index(StoaSource *source, uint16_t seq, bool is_rtx, uint64_t *index);

/** The sender began anew (another SSRC): the next packet begins a new range. */
void stoa_source_restart(StoaSource *source);

/** File a packet in the ring and note its time. False: it was there before; drop it. */
bool stoa_source_file(StoaSource *source, StoaPacket *packet, StoaPool *here);

/** Count a new packet for receiver reports and the missing list. @is_rtx  it came as a retransmission */
void stoa_source_count(StoaSource *source, const StoaPacket *packet, bool is_rtx);

/** Somebody needs a keyframe. Coalesced; goes to the publisher, by message if that is on another worker. */
void stoa_source_want_keyframe(StoaSource *source);

/** Whether packets came lately. */
static inline bool stoa_source_is_flowing(const StoaSource *source, int64_t now_us)
{
    return source->has_begun && now_us - source->last_us < STOA_FLOWING_US;
}

static inline int stoa_source_top(uint8_t layers, uint8_t before)
{
    return 31 - __builtin_clz((unsigned)(layers | before) | 1);
}

/** The highest layers that came lately; 0 where there are none. */
static inline int stoa_source_top_spatial(const StoaSource *source)
{
    return stoa_source_top(source->sids, source->sids_before);
}

static inline int stoa_source_top_temporal(const StoaSource *source)
{
    return stoa_source_top(source->tids, source->tids_before);
}

/** The round trip to its publisher; 0: not known. */
int64_t stoa_source_rtt_us(const StoaSource *source);

/** How long one waits for a keyframe that was asked for before asking again. */
int64_t stoa_source_patience_us(const StoaSource *source);

/** Everything that time brings: requests that waited, the ring. */
void stoa_source_tend(StoaSource *source, int64_t now_us);
