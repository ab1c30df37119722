/* SPDX-License-Identifier: MIT */
/* How much a source brings, bits a second on the wire, and in which layers. Pure: the clock is an argument.
 *
 * Smoothed over a second; where pictures are rare (a shared screen: one to five a second) over five of them, or it would be
 * cheap just before each. */
#pragma once

#include <stdint.h>

enum {
    STOA_FLOW_SIDS = 3,
    STOA_FLOW_TIDS = 4,
    STOA_PACKET_OVERHEAD = 60, /* bytes of IP, UDP, RTP, extensions and SRTP tag around a payload */
};

/* All zero is a good start. */
typedef struct {
    uint32_t bps;      /* smoothed; since it began, if that is shorter */
    uint32_t peak_bps; /* the most of that, forgotten over eight seconds */
    uint32_t layer_bps[STOA_FLOW_SIDS][STOA_FLOW_TIDS]; /* of each layer alone */
    int64_t begun_us, since_us;
    int64_t came_us; /* when something came last: the end of that step */
    uint32_t gap_us; /* between such steps, smoothed; 0: not known */
    uint32_t bytes[STOA_FLOW_SIDS][STOA_FLOW_TIDS]; /* since `since_us` */
} StoaFlow;

/** A packet came. The packet path. */
static inline void stoa_flow_input(StoaFlow *flow, unsigned payload_len, unsigned sid, unsigned tid)
{
    flow->bytes[sid < STOA_FLOW_SIDS ? sid : STOA_FLOW_SIDS - 1]
               [tid < STOA_FLOW_TIDS ? tid : STOA_FLOW_TIDS - 1] +=
        payload_len + STOA_PACKET_OVERHEAD;
}

/** Call it about ten times a second while something comes. */
void stoa_flow_tend(StoaFlow *flow, int64_t now_us);

/** The rate of all layers up to a spatial and a temporal one. */
uint32_t stoa_flow_bps(const StoaFlow *flow, unsigned sid, unsigned tid);
