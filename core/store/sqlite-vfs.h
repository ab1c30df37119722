/* SPDX-License-Identifier: MIT */
/* How SQLite reaches the file of the database: as ever, but what a page holds beside its rows never gets there. So nothing is
 * left of what was deleted once the WAL is in the database and empty, and no page has to be written anew for that. */
#pragma once

/** The name of it, for sqlite3_open_v2(); NULL: it could not be made. Thread: any. */
const char *stoa_sqlite_vfs(void);
