/* SPDX-License-Identifier: MIT */
#include "media/climb.h"

#include <glib.h>

#include "base/poison.h"

enum {
    PATIENCE_US = 4000000, /* a client that says nothing better for so long cannot take more */
    FIRST_WAIT_US = 10000000,
    LAST_WAIT_US = 40000000,
    BURST_US = 50000, /* what was missed is not made up for */
};

static void give_up(StoaClimb *climb, int64_t now_us)
{
    climb->pad_bps = 0;
    climb->end_bps = climb->best_bps;
    climb->wait_us = MAX(climb->wait_us, FIRST_WAIT_US);
    climb->next_us = now_us + climb->wait_us;
    climb->wait_us = MIN(2 * climb->wait_us, LAST_WAIT_US);
}

static void note(StoaClimb *climb, uint64_t said_bps, int64_t now_us)
{
    climb->best_bps = said_bps;
    climb->best_us = now_us;
}

/* False: it is in vain. */
static bool goes_on(StoaClimb *climb, uint64_t said_bps, int64_t now_us)
{
    if (said_bps < climb->best_bps - climb->best_bps / 8)
        return false; /* a jam */
    if (said_bps <= climb->best_bps + climb->best_bps / 20)
        return now_us - climb->best_us < PATIENCE_US;
    note(climb, said_bps, now_us);
    if (said_bps > climb->end_bps + climb->end_bps / 8)
        climb->wait_us = FIRST_WAIT_US; /* farther than ever */
    return true;
}

void stoa_climb_tend(StoaClimb *climb, uint64_t said_bps, uint64_t sending_bps, uint64_t wanted_bps,
                     int64_t now_us)
{
    uint64_t goal = MIN(said_bps, wanted_bps);

    if (said_bps == 0 || said_bps >= wanted_bps || goal <= sending_bps) {
        climb->pad_bps = 0;
        return;
    }
    if (!stoa_climb_is_running(climb)) {
        if (now_us < climb->next_us)
            return;
        note(climb, said_bps, now_us);
        climb->padded_us = now_us;
        climb->owed = 0;
    } else if (!goes_on(climb, said_bps, now_us)) {
        give_up(climb, now_us);
        return;
    }
    climb->pad_bps = (uint32_t)MIN(goal - sending_bps, UINT32_MAX);
}

size_t stoa_climb_due(StoaClimb *climb, int64_t now_us)
{
    int64_t us = CLAMP(now_us - climb->padded_us, 0, BURST_US);

    if (!stoa_climb_is_running(climb))
        return 0;
    climb->padded_us = now_us;
    climb->owed = MIN(climb->owed, 0) + us * climb->pad_bps / 8000000;
    return (size_t)MAX(climb->owed, 0);
}
