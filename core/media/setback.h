/* SPDX-License-Identifier: MIT */
/* After a jam nobody gets more for a while, and ever longer if each attempt ends in one.
 *
 * Estimates are restless, and an encoding that looks cheap (a sender that leaves out pictures) is not, once it is relayed:
 * without a memory of what went wrong, a subscriber on a narrow way would see its picture change every few seconds. Only a
 * way that proves much wider than it was is free at once. Pure: the clock is an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. Readable for tests. */
typedef struct {
    uint32_t at_bps; /* what the last jam carried, about */
    int64_t wait_us; /* after it */
    int64_t wait_before_us;
    int64_t jammed_us; /* when it was; 0: never */
    int64_t until_us;
} StoaSetback;

/** The estimate was lowered. @risen_us  when somebody was given more the last time, 0: never @at_bps  what comes through */
void stoa_setback_note(StoaSetback *setback, int64_t risen_us, uint32_t at_bps, int64_t now_us);

/** That was refuted: it does not count. */
void stoa_setback_revoke(StoaSetback *setback);

/** Whether an attempt after a jam was in vain. */
bool stoa_setback_is_repeated(const StoaSetback *setback);

/** Whether nobody shall get more now. */
bool stoa_setback_holds(const StoaSetback *setback, uint32_t estimate_bps, int64_t now_us);
