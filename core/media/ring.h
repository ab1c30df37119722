/* SPDX-License-Identifier: MIT */
/* The last second of one source: packets by index, shared by all its subscribers on a worker.
 *
 * It also knows, exactly and for ever, which packets were there already: what is below its floor, or in it, never
 * passes again. That is what keeps a sequence number from being sealed twice (DESIGN section 3). */
#pragma once

#include "media/packet.h"

enum {
    STOA_RING_FIRST = 64,   /* slots at the start */
    STOA_RING_MAX = 2048,   /* slots at most */
    STOA_RING_US = 1200000, /* how long packets are kept */
};

/* All zero is an empty ring without memory. */
typedef struct {
    StoaPacket **slots; /* NULL: given back */
    uint32_t n_slots;   /* a power of two */
    bool has_begun;
    bool is_tight;    /* a packet had to go before its time: grow at the next chance */
    uint64_t highest; /* index of the newest packet; meaningless before the first */
    uint64_t floor;   /* no packet below this is taken any more */
} StoaRing;

/**
 * File a packet by its `index`; the ring takes a reference of its own.
 *
 * Returns false if it was there already, or is older than the ring reaches.
 * Thread: the worker's, as all below. Allocates only for the very first packet.
 */
bool stoa_ring_put(StoaRing *ring, StoaPacket *packet, StoaPool *here);

/** The packet of an index, borrowed; NULL: not here. */
StoaPacket *stoa_ring_get(const StoaRing *ring, uint64_t index);

/** Whether it lets packets go before their time, and stoa_ring_tend() would make it larger. */
static inline bool stoa_ring_must_grow(const StoaRing *ring)
{
    return ring->is_tight && ring->n_slots < STOA_RING_MAX;
}

/** Let go of what is older than STOA_RING_US; grow if it is tight; give the memory back once it is empty. */
void stoa_ring_tend(StoaRing *ring, int64_t now_us, StoaPool *here);

/** Let go of everything; the floor stays. */
void stoa_ring_clear(StoaRing *ring, StoaPool *here);

/** How many packets it holds (for tests and statistics: walks over it). */
unsigned stoa_ring_count(const StoaRing *ring);
