/* SPDX-License-Identifier: MIT */
/* Has the way to a subscriber become many times narrower? Then pictures must stop at once, or they push voices out.
 *
 * The trend of the delay needs a queue that grows, and losses are counted over half a second. Here what came of some
 * packets is laid beside what is sent: where less than half comes through, and that late or with holes, what comes is what
 * the path carries now. After a stall all comes at once: the longest silence alone proves nothing. Pure: the clocks are arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STOA_BWE_CLIFF_LAST = 6 };

/* Private; all zero is an empty one. */
typedef struct {
    int64_t first_sent_us, last_sent_us;
    int64_t first_arrival_us, last_arrival_us;
    int64_t silence_us;     /* the longest between two that arrived */
    uint32_t received;      /* bytes, without the first packet */
    uint32_t after_silence; /* of them, those of the one that ended the longest silence */
    unsigned n_sent, n_received;
    struct {
        int64_t at_us;
        uint32_t size;
    } last
        [STOA_BWE_CLIFF_LAST]; /* that arrived, a circle: those before the fall are not to count */
} StoaBweCliff;

/** What is known of a packet that was sent. @size  bytes on the wire @arrival_us  of the receiver's clock, whose origin does not matter; of one that was received */
void stoa_bwe_cliff_input(StoaBweCliff *cliff, unsigned size, int64_t sent_us, bool is_received,
                          int64_t arrival_us);

/** Begin anew: the packets so far are no measure. */
void stoa_bwe_cliff_restart(StoaBweCliff *cliff);

/**
 * A feedback was read to its end.
 *
 * @offered_bps  what was sent lately
 * @bps          set to what the path carries now, bits a second, if it fell
 *
 * Returns whether it fell by more than half.
 */
bool stoa_bwe_cliff_fell(StoaBweCliff *cliff, uint32_t offered_bps, uint32_t *bps);
