/* SPDX-License-Identifier: MIT */
/* How fast packets arrive at a receiver: bytes over the last half second of its clock. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    STOA_BWE_ACKED_SLOTS = 16,
    STOA_BWE_LATELY_US = 250000, /* what counts as lately is not older */
};

/* All zero is a good start. */
typedef struct {
    bool has_begun;
    int64_t first_us; /* the first arrival since the start or a silence */
    int64_t slot;     /* the newest slot's number */
    uint32_t bytes[STOA_BWE_ACKED_SLOTS];
} StoaBweAcked;

/** A packet arrived. @arrival_us  of the receiver's clock, in any order */
void stoa_bwe_acked_input(StoaBweAcked *acked, int64_t arrival_us, unsigned size);

/** The rate; 0: too little came to say. */
uint32_t stoa_bwe_acked_bps(const StoaBweAcked *acked);

/** The rate of the last fifth of a second; restless. 0: too little came to say. */
uint32_t stoa_bwe_acked_lately_bps(const StoaBweAcked *acked);

/** Where it stands now: for stoa_bwe_acked_lately_is_after(). */
static inline int64_t stoa_bwe_acked_mark(const StoaBweAcked *acked)
{
    return acked->slot;
}

/** Whether all that stoa_bwe_acked_lately_bps() counts arrived after a mark. */
bool stoa_bwe_acked_lately_is_after(const StoaBweAcked *acked, int64_t mark);
