/* SPDX-License-Identifier: MIT */
/* Free lists of two sizes, and a stack on which other workers lay what they are done with. */
#include "media/packet.h"

#include <string.h>

#include "base/poison.h"

typedef struct {
    StoaPacket *free;
    unsigned n_free, n_made, max;
    unsigned least_free; /* since the last trim */
    unsigned wanted;     /* free ones, at the latest refill */
    size_t room;
} Size;

enum { TABLES = 32 /* kept ready: more are rarely needed within one batch */ };

typedef union Table {
    union Table *next; /* while it is free */
    uint8_t bytes[STOA_POOL_TABLE];
} Table;

struct StoaPool {
    Size large, small;
    Table *tables;
    unsigned n_tables;
    _Alignas(64) _Atomic(StoaPacket *) returned; /* by other workers */
};

StoaPool *stoa_pool_new(unsigned max_large, unsigned max_small)
{
    StoaPool *pool = g_aligned_alloc0(1, sizeof(*pool), 64);

    pool->large = (Size){ .max = max_large, .room = STOA_PACKET_LARGE };
    pool->small = (Size){ .max = max_small, .room = STOA_PACKET_SMALL };
    return pool;
}

static void push(Size *size, StoaPacket *packet)
{
    packet->next = size->free;
    size->free = packet;
    size->n_free++;
}

static Size *size_of(StoaPool *pool, const StoaPacket *packet)
{
    return packet->is_large ? &pool->large : &pool->small;
}

static void collect(StoaPool *pool)
{
    StoaPacket *packet = NULL;

    if (!atomic_load_explicit(&pool->returned, memory_order_relaxed))
        return;
    packet = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (packet) {
        StoaPacket *next = packet->next;

        push(size_of(pool, packet), packet);
        packet = next;
    }
}

static void drop_free(Size *size, unsigned n)
{
    while (n-- > 0 && size->free) {
        StoaPacket *packet = size->free;

        size->free = packet->next;
        size->n_free--;
        size->n_made--;
        g_free(packet);
    }
}

static void drop_tables(StoaPool *pool)
{
    while (pool->tables) {
        Table *table = pool->tables;

        pool->tables = table->next;
        g_free(table);
    }
}

void stoa_pool_free(StoaPool *pool)
{
    if (!pool)
        return;
    collect(pool);
    drop_tables(pool);
    drop_free(&pool->large, pool->large.n_free);
    drop_free(&pool->small, pool->small.n_free);
    g_aligned_free(pool);
}

static void fill(StoaPool *pool, Size *size, unsigned wanted)
{
    size->wanted = wanted;
    while (size->n_free < wanted && size->n_made < size->max) {
        StoaPacket *packet = g_malloc(sizeof(*packet) + size->room);

        packet->pool = pool;
        packet->is_large = size == &pool->large;
        size->n_made++;
        push(size, packet);
    }
}

void stoa_pool_refill(StoaPool *pool, unsigned n_large, unsigned n_small)
{
    collect(pool);
    fill(pool, &pool->large, n_large);
    fill(pool, &pool->small, n_small);
    while (pool->n_tables < TABLES)
        stoa_pool_keep_table(pool, g_new(Table, 1));
}

void *stoa_pool_table(StoaPool *pool)
{
    Table *table = pool->tables;

    if (!table)
        return NULL;
    pool->tables = table->next;
    pool->n_tables--;
    return memset(table, 0, sizeof(*table));
}

void stoa_pool_keep_table(StoaPool *pool, void *memory)
{
    Table *table = memory;

    if (!table)
        return;
    if (pool->n_tables >= TABLES) {
        g_free(table);
        return;
    }
    table->next = pool->tables;
    pool->tables = table;
    pool->n_tables++;
}

static unsigned trim(Size *size)
{
    unsigned unused = MIN(size->least_free, size->n_free);
    unsigned spare = size->n_free > size->wanted ? size->n_free - size->wanted : 0;
    unsigned n = MIN((unused + 1) / 2, spare);

    drop_free(size, n);
    size->least_free = size->n_free;
    return n;
}

unsigned stoa_pool_trim(StoaPool *pool)
{
    collect(pool);
    return trim(&pool->large) + trim(&pool->small);
}

bool stoa_pool_has_large(const StoaPool *pool)
{
    return pool->large.free != NULL;
}

unsigned stoa_pool_size(const StoaPool *pool)
{
    return pool->large.n_made + pool->small.n_made;
}

StoaPacket *stoa_packet_new(StoaPool *pool, bool is_large)
{
    Size *size = is_large ? &pool->large : &pool->small;
    StoaPacket *packet = size->free;

    if (!packet)
        return NULL;
    size->free = packet->next;
    if (--size->n_free < size->least_free)
        size->least_free = size->n_free;
    packet->next = NULL;
    packet->data = packet->room;
    packet->len = 0;
    atomic_store_explicit(&packet->refs, 1, memory_order_relaxed);
    return packet;
}

StoaPacket *stoa_packet_shrink(StoaPool *pool, const StoaPacket *packet)
{
    StoaPacket *small;

    if (packet->len > STOA_PACKET_SMALL)
        return NULL;
    small = stoa_packet_new(pool, false);
    if (!small)
        return NULL;
    small->len = packet->len;
    small->index = packet->index;
    small->arrived_us = packet->arrived_us;
    small->header = packet->header;
    small->exts = packet->exts;
    small->info = packet->info;
    memcpy(small->data, packet->data, packet->len);
    return small;
}

static void give_back(StoaPool *pool, StoaPacket *packet)
{
    StoaPacket *first = atomic_load_explicit(&pool->returned, memory_order_relaxed);

    do
        packet->next = first;
    while (!atomic_compare_exchange_weak_explicit(&pool->returned, &first, packet,
                                                  memory_order_release, memory_order_relaxed));
}

void stoa_packet_unref(StoaPacket *packet, StoaPool *here)
{
    if (atomic_fetch_sub_explicit(&packet->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (packet->pool == here)
        push(size_of(here, packet), packet);
    else
        give_back(packet->pool, packet);
}

/* -- the SDK's view of a tapped packet ------------------------------------------------------ */

const uint8_t *stoa_packet_payload(const StoaPacket *packet, size_t *len)
{
    *len = packet->header.payload_len - packet->info.red.primary_at;
    return packet->data + packet->header.payload_at + packet->info.red.primary_at;
}

uint32_t stoa_packet_timestamp(const StoaPacket *packet)
{
    return packet->header.timestamp;
}

uint16_t stoa_packet_seq(const StoaPacket *packet)
{
    return packet->header.seq;
}
