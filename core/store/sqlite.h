/* SPDX-License-Identifier: MIT */
/* What the files of SQLite know of the connection. Nobody else includes this. */
#pragma once

#include "base/log.h"
#include "store/db.h"

#include <sqlite3.h>

struct StoaDb {
    StoaLogTag log;
    sqlite3 *handle;
    GHashTable *statements; /* SQL → sqlite3_stmt, prepared once */
    char *folder;           /* NULL: in memory */
    int64_t min_free_bytes;
    int busy_ms;
    int64_t wal_pages; /* after the last commit */
    bool is_low;       /* the disk is nearly full: nothing may be inserted */
};

/** What the connection's last failure is to a stranger; logs the rest. Always returns false. */
bool stoa_sqlite_fail(StoaDb *db, GError **error);
