/* SPDX-License-Identifier: MIT */
/* What must survive a restart: one database, which one thread writes and another reads, asked from the control loop by jobs.
 *
 * A job is a function that runs on the store thread inside a transaction and speaks SQL; when it is on disk, its other half
 * runs on control. All jobs that wait when the thread wakes share one transaction (one fsync), each within a savepoint of its
 * own: one that fails is rolled back alone. Jobs are done in the order they were given.
 * A job that only reads may be a question, stoa_store_ask(): it sees all that was given before it (and maybe some of what was
 * given after it), runs beside the writing, and its answer may come after the end of a job that was given later.
 * SQLite stands behind it (sqlite.c); SQL is kept to what PostgreSQL speaks too: ?1 parameters, ON CONFLICT, RETURNING. */
#pragma once

#include "base/conf.h"

#include <stoa/error.h>

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StoaStore StoaStore; /* control owns it */
typedef struct StoaDb StoaDb;       /* a connection; lives on the thread of the job */
typedef struct StoaRows StoaRows;   /* an answer being read; the same thread's */

/* conf/store.conf */
typedef struct {
    int64_t busy_ms; /* how long to wait for another program that holds the database */
    int64_t
        min_free_bytes; /* below so much free disk nothing is inserted, before it fails half-way */
} StoaStoreConf;

/** The table of store.conf. Static. */
const StoaConfTable *stoa_store_conf_table(void);

/**
 * Open (or make) DIR/stoa.db, mode 0600, WAL, synchronous=FULL, secure_delete=ON, foreign keys on; bring its schema to ours.
 *
 * @dir  the data folder; NULL: a database in memory, jobs run on the calling thread at stoa_store_run() and are done at the
 *       next turn of the loop (tests)
 *
 * NULL with `error`: cannot be opened, is no database of ours, or is newer than this program (says both versions). Thread: control.
 */
StoaStore *stoa_store_new(const char *dir, const StoaStoreConf *conf, GError **error);

/** Finish the jobs that wait (their `done` is called), close. Thread: control. */
void stoa_store_free(StoaStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaStore, stoa_store_free)

/* The half of a job on the store thread. False with `error`: what it wrote is undone. Touches nothing but `db` and `data`. */
typedef bool StoaStoreWork(StoaDb *db, void *data, GError **error);
/* Its half on control: `error` NULL: it is on disk. Also called with the error of the whole transaction (disk full). */
typedef void StoaStoreDone(void *data, const GError *error);

/**
 * Run a job.
 *
 * @done       may be NULL
 * @data       taken; belongs to `work`, then to `done`, then freed by `free_data` (may be NULL) on control
 * Thread: control.
 */
void stoa_store_run(StoaStore *store, StoaStoreWork *work, StoaStoreDone *done, void *data,
                    GDestroyNotify free_data);

/** A question: a job that only reads (what it tries to write fails), on the thread that reads. All it asks is of one moment.
 * Questions are answered in the order they were given. The rest is as of stoa_store_run(). Thread: control. */
void stoa_store_ask(StoaStore *store, StoaStoreWork *work, StoaStoreDone *done, void *data,
                    GDestroyNotify free_data);

/**
 * Let go of every byte that was deleted before: it goes from the WAL, and no page of the database has it.
 *
 * @done  may be NULL; called once that is so, or when another program has read the database for `busy_ms`: then it is so when
 *        that has ended, and the log says so
 *
 * Nobody else waits for it: jobs go on being done. Thread: control.
 */
void stoa_store_scrub(StoaStore *store, StoaStoreDone *done, void *data, GDestroyNotify free_data);

/** How many jobs were given and are not done. Thread: control. */
unsigned stoa_store_pending(const StoaStore *store);

/** Copy the running database to `path` (SQLite's online backup), 0600, safe while a gateway runs. Opens its own connection.
 * Thread: any; blocks. */
bool stoa_store_backup(const char *dir, const char *path, GError **error);

/* -- inside a job ------------------------------------------------------------------------- */

/*
 * Parameters come by a string of types, one character each:
 *   s  const char *      NULL is SQL's NULL          i  int64_t
 *   n  (nothing)         SQL's NULL                  b  const void *, size_t: a blob
 *   j  const json_t *    its text, NULL is NULL      t  int64_t, 0 is NULL: a time
 * Texts and blobs are copied by the call. `sql` must be a literal: statements are kept by its address.
 */

/** Carry out a statement that gives no rows. `*changes` of the last one: stoa_db_changes(). */
bool stoa_db_exec(StoaDb *db, GError **error, const char *sql, const char *types, ...);
/** How many rows the last stoa_db_exec() changed. */
int64_t stoa_db_changes(const StoaDb *db);

/** Ask. Read with stoa_rows_next(); free (or let g_autoptr) when done. NULL with `error`. */
StoaRows *stoa_db_query(StoaDb *db, GError **error, const char *sql, const char *types, ...);
/** On to the next row; false: there is none (or `error` is set). */
bool stoa_rows_next(StoaRows *rows, GError **error);
/** The columns of this row, from 0. Text and blob are borrowed until the next step; NULL: SQL's NULL. */
const char *stoa_rows_text(const StoaRows *rows, int column);
int64_t stoa_rows_int(const StoaRows *rows, int column);
bool stoa_rows_is_null(const StoaRows *rows, int column);
const void *stoa_rows_blob(const StoaRows *rows, int column, size_t *len);
/** A column that holds JSON; new reference, NULL when it is NULL or no JSON. */
json_t *stoa_rows_json(const StoaRows *rows, int column);
void stoa_rows_free(StoaRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaRows, stoa_rows_free)

/** Ask for the one number of the first row (COUNT, MAX, EXISTS); `fallback` when there is no row. Errors: `error` set. */
int64_t stoa_db_int(StoaDb *db, GError **error, int64_t fallback, const char *sql,
                    const char *types, ...);

/** A new opaque id, 20 characters of [0-9A-Za-z], sorted by nothing. Free with g_free(). Thread: any. */
char *stoa_store_id(void);
/** Milliseconds since 1970, as every time column has them. Thread: any. */
int64_t stoa_store_now_ms(void);
/** RFC 3339 UTC text of such a time; NULL for 0. Free with g_free(). */
char *stoa_store_time(int64_t ms);
/** A new JSON string of it, or json_null() for 0. */
json_t *stoa_store_time_json(int64_t ms);
