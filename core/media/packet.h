/* SPDX-License-Identifier: MIT */
/* One opened RTP packet, shared by all who forward it, and the pool that its memory comes from.
 *
 * A packet is filled once by the worker that received it and read-only from then on: rings of several workers may hold
 * it. A worker has one pool; others give packets back to it without a lock. */
#pragma once

#include "rtp/extension.h"
#include "rtp/header.h"
#include "rtp/payload.h"

#include <stoa/media.h>

#include <glib.h>
#include <stdatomic.h>

enum {
    STOA_PACKET_LARGE = 1600, /* bytes of room in a packet fresh from the socket */
    STOA_PACKET_SMALL = 288,  /* what is kept of a short one: audio does not hold 1.6 KB each */
    STOA_POOL_TABLE = 1024,   /* bytes of what a stream needs at once, and nobody foresaw */
};

typedef struct StoaPool StoaPool;

struct StoaPacket {
    StoaPacket *next; /* while it is free */
    StoaPool *pool;
    _Atomic(uint32_t) refs;
    bool is_large;
    uint16_t len;   /* bytes at `data` */
    uint8_t *data;  /* plain RTP, inside `room`; offsets below count from here */
    uint64_t index; /* extended sequence number within its source, never given twice */
    int64_t arrived_us;
    StoaRtpHeader header;
    StoaRtpExts exts;
    StoaRtpFrameInfo info;
    uint8_t room[];
};

/** A pool that grows to `max_large` and `max_small` packets at most. Thread: any. */
StoaPool *stoa_pool_new(unsigned max_large, unsigned max_small);

/** Free it with all its packets: nobody may hold one. */
void stoa_pool_free(StoaPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaPool, stoa_pool_free)

/**
 * Take back what other workers returned, and make sure that `n_large` and `n_small` packets are free, if the limits
 * allow it, and some tables. The only place that allocates: call it between batches.   Thread: the pool's worker.
 */
void stoa_pool_refill(StoaPool *pool, unsigned n_large, unsigned n_small);

/** Zeroed memory of STOA_POOL_TABLE bytes, of those that a refill keeps ready; NULL: none is left for now. */
void *stoa_pool_table(StoaPool *pool);
/** Take one back. NULL is fine. */
void stoa_pool_keep_table(StoaPool *pool, void *table);

/** Free half of what lay unused since the last call, but not what a refill would make again at once. Call it every second or
 * so. Returns how many packets were freed. */
unsigned stoa_pool_trim(StoaPool *pool);

/** Is there a free large packet? Keep the last ones for receiving: drop instead. */
bool stoa_pool_has_large(const StoaPool *pool);

/** Packets that exist, free ones among them. */
unsigned stoa_pool_size(const StoaPool *pool);

/** A packet with one reference and `data` at the start of its room; NULL: the pool is exhausted, drop. */
StoaPacket *stoa_packet_new(StoaPool *pool, bool is_large);

/** Copy a packet that fits into a small one. NULL: it does not fit, or the pool is exhausted. */
StoaPacket *stoa_packet_shrink(StoaPool *pool, const StoaPacket *packet);

static inline StoaPacket *stoa_packet_ref(StoaPacket *packet)
{
    atomic_fetch_add_explicit(&packet->refs, 1, memory_order_relaxed);
    return packet;
}

/** Let go. @here  the calling worker's own pool */
void stoa_packet_unref(StoaPacket *packet, StoaPool *here);
