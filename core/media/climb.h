/* SPDX-License-Identifier: MIT */
/* How a client that speaks by REMB alone learns that its way is wider than what it is sent.
 *
 * Such an estimate follows what arrives, and goes about half as far beyond: who is sent little never says much. So where
 * more is wanted, padding fills what the client said it can take, for as long as it says more and more. Never more is
 * sent than it said. (draft-alvestrand-rmcat-remb-03) Pure: the clock is an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at first. Readable for tests. */
typedef struct {
    uint32_t pad_bps;  /* 0: no attempt is made now */
    uint64_t best_bps; /* that the client said during the attempt */
    int64_t best_us;   /* when */
    uint64_t end_bps;  /* the best of the last attempt that was in vain */
    int64_t next_us;   /* no attempt before */
    int64_t wait_us;   /* after the next one that is in vain */
    int64_t padded_us; /* until when padding was asked for */
    int64_t owed; /* bytes of it not sent yet; below 0: a packet was longer than what was due */
} StoaClimb;

/**
 * The client said something, or some time passed.
 *
 * @said_bps     what it can take; 0: it says nothing, or there is better feedback
 * @sending_bps  media, as allotted
 * @wanted_bps   at which it would have all that is wanted; 0: it has
 */
void stoa_climb_tend(StoaClimb *climb, uint64_t said_bps, uint64_t sending_bps, uint64_t wanted_bps,
                     int64_t now_us);

static inline bool stoa_climb_is_running(const StoaClimb *climb)
{
    return climb->pad_bps > 0;
}

/** Bytes of padding to send now. Ask every ten milliseconds or so while it is running, and say what was sent. */
size_t stoa_climb_due(StoaClimb *climb, int64_t now_us);
static inline void stoa_climb_sent(StoaClimb *climb, size_t bytes)
{
    climb->owed -= (int64_t)bytes;
}
