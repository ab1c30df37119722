/* SPDX-License-Identifier: MIT */
/* How an estimate is shared among the video tracks of one subscriber. Pure: no clock, no I/O.
 *
 * Every track has steps, from little to much. All get their lowest one first, the more important tracks before the
 * others, then they rise, again the important ones first. A choice that stands is kept while it nearly fits, and left
 * upwards only with room to spare: nothing flaps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    STOA_SHARE_STEPS = 8,
    STOA_SHARE_TRACKS = 64, /* more of one subscriber are looked at in the order of their m-lines */
    STOA_SHARE_PAUSED = -1,
};

/* What can be relayed of a track. */
typedef struct {
    uint32_t bps;
    int8_t substream, temporal; /* temporal -1: all */
} StoaShareStep;

typedef struct {
    uint8_t priority; /* more comes first */
    bool
        is_patient; /* nothing smaller than its first step can be had, but its sender may be slowed down */
    uint8_t n_steps;                       /* 0: nothing flows */
    StoaShareStep steps[STOA_SHARE_STEPS]; /* the lowest first */
    int now;                               /* the step relayed now; STOA_SHARE_PAUSED: none */
    int chosen;                            /* result */
} StoaShareTrack;

/**
 * Choose a step for each track.
 *
 * @budget_bps  for all of them
 * @rise_bps    for all of them, where any would get more than it has; 0: none may
 *
 * Returns what is left of the budget, 0 if it is overdrawn.
 */
uint32_t stoa_share(StoaShareTrack *tracks, unsigned n, uint32_t budget_bps, uint32_t rise_bps);
