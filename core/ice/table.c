/* SPDX-License-Identifier: MIT */
/* The table of ice/lite.c: local ufrags and validated paths. */
#include "ice/table.h"

#include <glib.h>

#include "base/poison.h"

enum { FIRST_BUCKETS = 64 };

void stoa_table_init(StoaTable *table)
{
    table->n = 0;
    table->n_buckets = FIRST_BUCKETS;
    table->buckets = g_new0(StoaTableNode *, FIRST_BUCKETS);
}

void stoa_table_clear(StoaTable *table)
{
    g_clear_pointer(&table->buckets, g_free);
    table->n = table->n_buckets = 0;
}

static void link_node(StoaTable *table, StoaTableNode *node)
{
    StoaTableNode **bucket = &table->buckets[node->hash & (table->n_buckets - 1)];

    node->next = *bucket;
    *bucket = node;
}

static void grow(StoaTable *table)
{
    StoaTableNode **old = table->buckets;
    size_t n_old = table->n_buckets;

    table->n_buckets *= 2;
    table->buckets = g_new0(StoaTableNode *, table->n_buckets);
    for (size_t i = 0; i < n_old; i++) {
        while (old[i]) {
            StoaTableNode *node = old[i];

            old[i] = node->next;
            link_node(table, node);
        }
    }
    g_free(old);
}

void stoa_table_insert(StoaTable *table, StoaTableNode *node, uint64_t hash)
{
    if (table->n >= table->n_buckets)
        grow(table);
    node->hash = hash;
    link_node(table, node);
    table->n++;
}

void stoa_table_remove(StoaTable *table, StoaTableNode *node)
{
    StoaTableNode **at = &table->buckets[node->hash & (table->n_buckets - 1)];

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    table->n--;
}
