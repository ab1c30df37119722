/* SPDX-License-Identifier: MIT */
/* The connection as the store thread drives it: open, transactions, upkeep. The SQL half is in store.h.
 * Another database stands beside sqlite.c by implementing this and the "inside a job" part of store.h. */
#pragma once

#include "store/store.h"

#include <glib.h>

/**
 * Open or make a database and bring its schema to ours.
 *
 * @path  NULL: in memory
 *
 * NULL with `error`: see stoa_store_new(). Thread: any, from then on one at a time.
 */
StoaDb *stoa_db_open(const char *path, const StoaStoreConf *conf, GError **error);
/** One more connection to a database that this process has open. The file itself must not be opened and closed now: with any
 * descriptor that is closed a process loses all its locks on the file, and the next program to leave removes the WAL. */
StoaDb *stoa_db_open_again(const char *path, const StoaStoreConf *conf, GError **error);
void stoa_db_close(StoaDb *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaDb, stoa_db_close)

/** From now on what would write fails. */
bool stoa_db_forbid_writing(StoaDb *db, GError **error);
/** Between the two all is of one moment. */
bool stoa_db_begin_reading(StoaDb *db, GError **error);
void stoa_db_end_reading(StoaDb *db);

/** Begin a transaction that may write. */
bool stoa_db_begin(StoaDb *db, GError **error);
/** On to the disk. False: nothing of it is there. */
bool stoa_db_commit(StoaDb *db, GError **error);
void stoa_db_rollback(StoaDb *db);

/** One job's part of the transaction: begin, keep, or undo it. */
bool stoa_db_mark(StoaDb *db, GError **error);
bool stoa_db_keep(StoaDb *db, GError **error);
/** False: the whole transaction is gone, not only this part (the database gave up on it). */
bool stoa_db_undo(StoaDb *db);

/** Pages that the WAL has since it began anew. */
int64_t stoa_db_wal_pages(const StoaDb *db);
/** Move what the WAL holds into the database, as far as nobody reads or writes it just now. */
void stoa_db_checkpoint(StoaDb *db);
/** Empty the WAL into the database, and forget what memory holds of its pages: nothing is left then of what was deleted. Never
 * waits. False: another connection reads it just now; try again. */
bool stoa_db_empty_wal(StoaDb *db);
/** Give free pages back to the disk if they are more than half, and what must be copied for it is at most `most` bytes. */
void stoa_db_give_back(StoaDb *db, int64_t most);
