/* SPDX-License-Identifier: MIT */
/* A chained hash table whose nodes live inside what they find. Only its bucket array is ever allocated. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct StoaTableNode {
    struct StoaTableNode *next;
    uint64_t hash;
} StoaTableNode;

typedef struct {
    StoaTableNode **buckets;
    size_t n_buckets; /* a power of two */
    size_t n;
} StoaTable;

#define STOA_TABLE_ENTRY(node, Type, member) \
    ((Type *)(void *)((char *)(node)-offsetof(Type, member)))

/** Make it empty. Thread: its owner's, as all below. */
void stoa_table_init(StoaTable *table);

/** Free the buckets, not what is in them. */
void stoa_table_clear(StoaTable *table);

/** Put a node in under a hash; nodes of equal hash live side by side. */
void stoa_table_insert(StoaTable *table, StoaTableNode *node, uint64_t hash);

/** Take a node out that is in. */
void stoa_table_remove(StoaTable *table, StoaTableNode *node);

/** The first node of a hash, or NULL; go on with stoa_table_next(). Allocates nothing. */
static inline StoaTableNode *stoa_table_skip(StoaTableNode *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

static inline StoaTableNode *stoa_table_first(const StoaTable *table, uint64_t hash)
{
    return stoa_table_skip(table->buckets[hash & (table->n_buckets - 1)], hash);
}

static inline StoaTableNode *stoa_table_next(const StoaTableNode *node)
{
    return stoa_table_skip(node->next, node->hash);
}
