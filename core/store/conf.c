/* SPDX-License-Identifier: MIT */
/* conf/store.conf: every key, its default and its range. conf/store.conf is compared with this by a test. */
#include "config.h"

#include "store/store.h"

#define AT(member) offsetof(StoaStoreConf, member)

static const StoaOption options[] = {
    { "sqlite.busy_ms", STOA_INT, 0, AT(busy_ms), "5000", 0, 600000,
      "how long to wait for another program that holds the database" },
    { "limits.min_free_bytes", STOA_INT, 0, AT(min_free_bytes), "67108864", 0, INT64_MAX,
      "with less room on the disk nothing new is kept, before a write fails half-way; 0: try" },
    { NULL },
};

const StoaConfTable *stoa_store_conf_table(void)
{
    static const StoaConfTable table = { .file = "store",
                                         .options = options,
                                         .size = sizeof(StoaStoreConf),
                                         .option_size = sizeof(StoaOption) };

    return &table;
}
