/* SPDX-License-Identifier: MIT */
/* The last second of one source: packets by index, shared by all its subscribers on a worker.
 *
 * It also knows, exactly and for ever, which packets were there already: what is below its floor, or in it, never
 * passes again. That is what keeps a sequence number from being sealed twice (DESIGN section 3). */
#pragma once

#include "media/packet.h"

enum {
    STOA_RING_FIRST = STOA_POOL_TABLE / sizeof(StoaPacket *), /* slots at the start */
    STOA_RING_BATCH = 64,   /* packets that may come before it can grow */
    STOA_RING_EVEN = 16,    /* the same, where they come evenly */
    STOA_RING_MAX = 2048,   /* slots at most */
    STOA_RING_US = 1200000, /* how long packets are kept */
};

/* All zero is an empty ring without memory. */
typedef struct {
    StoaPacket **slots; /* NULL: given back */
    uint32_t n_slots;   /* a power of two */
    bool is_even;       /* no lumps come, as keyframes are: a voice */
    bool has_begun;
    bool is_tight;    /* a packet had to go before its time */
    uint64_t highest; /* index of the newest packet; meaningless before the first */
    uint64_t floor;   /* no packet below this is taken any more */
} StoaRing;

/**
 * File a packet by its `index`; the ring takes a reference of its own.
 *
 * Returns false if it was there already, or is older than the ring reaches.
 * Thread: the worker's, as all below. The packet path: its first slots are a table of the pool.
 */
bool stoa_ring_put(StoaRing *ring, StoaPacket *packet, StoaPool *here);

/** The packet of an index, borrowed; NULL: not here. */
StoaPacket *stoa_ring_get(const StoaRing *ring, uint64_t index);

/**
 * Whether the next batch, a keyframe that comes at once, might push out what is asked for again: call stoa_ring_grow()
 * before it.
 */
static inline bool stoa_ring_must_grow(const StoaRing *ring)
{
    uint32_t spare = ring->is_even ? STOA_RING_EVEN : STOA_RING_BATCH;

    return ring->slots && ring->n_slots < STOA_RING_MAX &&
           (ring->is_tight || ring->highest - ring->floor + 1 > ring->n_slots - spare);
}

/** Double the slots. Not the packet path. */
void stoa_ring_grow(StoaRing *ring, StoaPool *here);

/** Let go of what is older than STOA_RING_US; grow if it must; give the memory back once it is empty. */
void stoa_ring_tend(StoaRing *ring, int64_t now_us, StoaPool *here);

/** Let go of everything; the floor stays. */
void stoa_ring_clear(StoaRing *ring, StoaPool *here);

/** How many packets it holds (for tests and statistics: walks over it). */
unsigned stoa_ring_count(const StoaRing *ring);
