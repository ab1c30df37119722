/* SPDX-License-Identifier: MIT */
/* An array indexed by the low bits of the packet's index; `floor` to `highest` is what it speaks for. */
#include "media/ring.h"

#include "base/poison.h"

enum { EARLY = 16 /* packets of before the first that may still come */ };

static StoaPacket **slot_of(const StoaRing *ring, uint64_t index)
{
    return &ring->slots[index & (ring->n_slots - 1)];
}

static void empty_slot(StoaRing *ring, uint64_t index, StoaPool *here)
{
    StoaPacket **slot = slot_of(ring, index);

    if (*slot && (*slot)->index == index) {
        stoa_packet_unref(*slot, here);
        *slot = NULL;
    }
}

/* Everything below `floor` goes. */
static void raise_floor(StoaRing *ring, uint64_t floor, StoaPool *here)
{
    uint64_t end = MIN(floor, ring->highest + 1);

    for (uint64_t i = ring->floor; ring->slots && i < end; i++)
        empty_slot(ring, i, here);
    if (floor > ring->floor)
        ring->floor = floor;
}

static uint64_t lowest(const StoaPacket *packet, uint32_t n)
{
    return packet->index >= n ? packet->index - n + 1 : 0;
}

static void begin(StoaRing *ring, const StoaPacket *packet, StoaPool *here)
{
    if (!ring->slots) {
        ring->n_slots = STOA_RING_FIRST;
        ring->slots = stoa_pool_table(here);
        if (!ring->slots) /* never were so many begun at once */
            ring->slots = g_new0(StoaPacket *, ring->n_slots);
    }
    if (!ring->has_begun) {
        ring->has_begun = true;
        ring->floor = lowest(packet, EARLY);
        ring->highest = packet->index;
    }
}

/* The newest packet pushes the oldest out. After a jump it is as at the beginning. */
static void advance(StoaRing *ring, const StoaPacket *packet, StoaPool *here)
{
    bool is_far = packet->index - ring->highest >= STOA_RING_MAX;
    uint64_t floor = lowest(packet, is_far ? EARLY : ring->n_slots);

    if (floor > ring->floor) {
        StoaPacket *oldest = stoa_ring_get(ring, ring->floor);

        if (oldest && packet->arrived_us - oldest->arrived_us < STOA_RING_US)
            ring->is_tight = true;
        raise_floor(ring, floor, here);
    }
    ring->highest = packet->index;
}

bool stoa_ring_put(StoaRing *ring, StoaPacket *packet, StoaPool *here)
{
    begin(ring, packet, here);
    if (packet->index < ring->floor || stoa_ring_get(ring, packet->index))
        return false;
    if (packet->index > ring->highest)
        advance(ring, packet, here);
    *slot_of(ring, packet->index) = stoa_packet_ref(packet);
    return true;
}

StoaPacket *stoa_ring_get(const StoaRing *ring, uint64_t index)
{
    StoaPacket *packet;

    if (!ring->slots)
        return NULL;
    packet = *slot_of(ring, index);
    return packet && packet->index == index ? packet : NULL;
}

static void free_slots(StoaPacket **slots, uint32_t n_slots, StoaPool *here)
{
    if (n_slots == STOA_RING_FIRST)
        stoa_pool_keep_table(here, slots);
    else
        g_free(slots);
}

void stoa_ring_grow(StoaRing *ring, StoaPool *here)
{
    StoaPacket **old = ring->slots;
    uint32_t n_old = ring->n_slots;

    ring->is_tight = false;
    if (!old || n_old >= STOA_RING_MAX)
        return;
    ring->n_slots = 2 * n_old;
    ring->slots = g_new0(StoaPacket *, ring->n_slots);
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i])
            *slot_of(ring, old[i]->index) = old[i];
    free_slots(old, n_old, here);
}

/* One past the newest packet that is out of date; gaps after it may still be filled. */
static uint64_t stale_end(const StoaRing *ring, int64_t now_us)
{
    uint64_t end = ring->floor;

    for (uint64_t i = ring->floor; i <= ring->highest; i++) {
        const StoaPacket *packet = stoa_ring_get(ring, i);

        if (packet && now_us - packet->arrived_us < STOA_RING_US)
            break;
        if (packet)
            end = i + 1;
    }
    return end;
}

void stoa_ring_tend(StoaRing *ring, int64_t now_us, StoaPool *here)
{
    uint64_t end;

    if (!ring->slots)
        return;
    end = stale_end(ring, now_us);
    if (end > ring->highest)
        stoa_ring_clear(ring, here);
    else
        raise_floor(ring, end, here);
    if (stoa_ring_must_grow(ring))
        stoa_ring_grow(ring, here);
}

void stoa_ring_clear(StoaRing *ring, StoaPool *here)
{
    if (!ring->slots)
        return;
    raise_floor(ring, ring->highest + 1, here);
    free_slots(ring->slots, ring->n_slots, here);
    ring->slots = NULL;
    ring->n_slots = 0;
    ring->is_tight = false;
}

unsigned stoa_ring_count(const StoaRing *ring)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < ring->n_slots; i++)
        n += ring->slots[i] != NULL;
    return n;
}
