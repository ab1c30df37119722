/* SPDX-License-Identifier: MIT */
#pragma once /* Serial arithmetic of 16-bit sequence numbers, and their 64-bit index. Pure. */

#include <stdbool.h>
#include <stdint.h>

/** How far `a` is after `b`: negative if it is before. Source: RFC 1982. */
static inline int stoa_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

/** Is `a` after `b`? Numbers exactly half a turn apart are not. */
static inline bool stoa_seq_is_newer(uint16_t a, uint16_t b)
{
    return stoa_seq_diff(a, b) > 0;
}

/** The same for 32-bit timestamps. */
static inline bool stoa_seq_is_newer32(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/** The index (roll-over counter * 65536 + seq) that is nearest to `near` and ends in `seq`. */
static inline uint64_t stoa_seq_extend(uint64_t near, uint16_t seq)
{
    return near + (uint64_t)(int64_t)stoa_seq_diff(seq, (uint16_t)near);
}

/** The SRTP roll-over counter of an index that began at its first sequence number. RFC 3711, 3.3.1 */
static inline uint32_t stoa_seq_roc(uint64_t index)
{
    return (uint32_t)(index >> 16);
}

/* Follows one stream of received sequence numbers. All zero is a good start. */
typedef struct {
    uint64_t highest; /* index of the newest packet; meaningless before the first */
    bool has_begun;
} StoaSeqTracker;

/**
 * Turn a received sequence number into an index that never wraps, and remember the highest.
 * The first packet gets 65536 + seq, so that packets from before it have an index too.
 */
static inline uint64_t stoa_seq_track(StoaSeqTracker *tracker, uint16_t seq)
{
    uint64_t index;

    if (!tracker->has_begun) {
        tracker->has_begun = true;
        tracker->highest = 65536u + (uint64_t)seq;
        return tracker->highest;
    }
    index = stoa_seq_extend(tracker->highest, seq);
    if (index > tracker->highest && index - tracker->highest < 32768)
        tracker->highest = index;
    return index;
}
