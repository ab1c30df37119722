/* SPDX-License-Identifier: MIT */
/* How long a subscriber's player should hold pictures back: as long as somebody asks for, or else on a lossy line so long that
 * what is repaired comes in time.
 *
 * A receiver that sends nothing knows no round trip: browsers then plan for none, and a picture whose packet is asked for
 * again comes too late to be shown smoothly. We know it, and say so by the playout delay extension. Pure: the clock is an
 * argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All zero is a good start. */
typedef struct {
    float loss;     /* smoothed share */
    uint16_t ms;    /* the least delay to ask for; 0: none */
    bool is_asked;  /* by the room, the sender or the subscriber: `asked` holds, whatever is lost */
    uint32_t asked; /* the extension's 24 bits */
    int64_t lossy_us;   /* when there were losses last */
    int64_t changed_us; /* when `ms` changed last; 0: never */
} StoaCushion;

/** The subscriber reports its losses. @fraction_lost  of 256, since its last report */
void stoa_cushion_report(StoaCushion *cushion, uint8_t fraction_lost, int64_t rtt_us,
                         int64_t now_us);

/* Bounds that were asked for, in steps of 10 ms up to STOA_DELAY_MAX; `least` -1: none. */
typedef struct {
    int16_t least, most;
} StoaDelay;

enum { STOA_DELAY_MAX = 4095 };
#define STOA_DELAY_NONE ((StoaDelay){ -1, -1 })

/** Ask for bounds, or for none any more. Returns whether that changes what the player is told. */
bool stoa_cushion_ask(StoaCushion *cushion, StoaDelay delay, int64_t now_us);

/** Say nothing any more that is not asked for: where each repeat must be the same, what is told may not change by itself. */
void stoa_cushion_settle(StoaCushion *cushion);

/** Whether to tell the player; it keeps what it was told last. @delay  written then: the extension's 24 bits */
bool stoa_cushion_tells(const StoaCushion *cushion, int64_t now_us, uint32_t *delay);
