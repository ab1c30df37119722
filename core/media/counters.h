/* SPDX-License-Identifier: MIT */
/* What a worker counts: plain numbers on the packet path, added to the process's metrics once a second. */
#pragma once

#include <stdint.h>

typedef enum {
    STOA_COUNT_IN_PACKETS,
    STOA_COUNT_IN_BYTES,
    STOA_COUNT_OUT_PACKETS,
    STOA_COUNT_OUT_BYTES,
    STOA_COUNT_RTX_SERVED,
    STOA_COUNT_RTX_MISSED,
    STOA_COUNT_NACK_IN,
    STOA_COUNT_NACK_OUT,
    STOA_COUNT_PLI_IN,
    STOA_COUNT_PLI_OUT,
    STOA_COUNT_RELAYED,
    STOA_COUNT_RECOVERED,
    /* reasons why a packet was dropped */
    STOA_DROP_STRANGER,  /* from an address that ICE has not validated */
    STOA_DROP_JUNK,      /* not STUN, DTLS or RTP, or cut short */
    STOA_DROP_EARLY,     /* RTP before the keys */
    STOA_DROP_AUTH,      /* SRTP authentication failed */
    STOA_DROP_REPLAY,    /* seen before */
    STOA_DROP_UNKNOWN,   /* no m-line for this SSRC */
    STOA_DROP_PAYLOAD,   /* a payload type that was not negotiated */
    STOA_DROP_DUPLICATE, /* came twice, or later than the ring reaches */
    STOA_DROP_LATE,      /* older than the piece of the stream that a sink relays */
    STOA_DROP_POOL,      /* no memory for it */
    STOA_DROP_SEND,      /* not sealed, or a TCP connection or a relay did not take it */
    STOA_DROP_FULL,      /* the kernel's buffer for what leaves by UDP stayed full */
    STOA_DROP_REFUSED,   /* the kernel had no way to where it was to go */
    STOA_DROP_OVERFLOW,  /* came, and the kernel's buffer for what arrives was full */
    STOA_COUNT_N
} StoaCount;

typedef struct {
    uint64_t now[STOA_COUNT_N];
    uint64_t told[STOA_COUNT_N]; /* what the metrics have */
} StoaCounters;

static inline void stoa_count(StoaCounters *counters, StoaCount what, uint64_t n)
{
    counters->now[what] += n;
}

/* What was counted as sent, and not told yet, did not leave. */
static inline void stoa_uncount(StoaCounters *counters, StoaCount what, uint64_t n)
{
    counters->now[what] -= n;
}

/** Make the metrics, so that they are printed from the start with 0. Thread: any. */
void stoa_counters_init(unsigned n_workers);

/** Add what is new to the metrics. Thread: the worker's whose they are. */
void stoa_counters_flush(StoaCounters *counters, unsigned worker);
