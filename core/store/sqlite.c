/* SPDX-License-Identifier: MIT */
/* SQLite behind the store: the file, its settings, its schema, transactions. Statements and rows are in sqlite-rows.c. */
#include "config.h"

#define LOG_AREA "store"

#include "base/log.h"
#include "store/schema.h"
#include "store/sqlite-page.h"
#include "store/sqlite-vfs.h"
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x53746f61, /* "Stoa": whose file this is */
    CLEAN_SINCE =
        2, /* the schema: what was written before has leftovers in its pages, and is written anew once */
};

/* What a stranger may know of a failure; the log knows more. */
static const struct {
    int primary;
    StoaErrorCode code;
    const char *text;
} failures[] = {
    { SQLITE_FULL, STOA_ERROR_UNAVAILABLE, "the server's disk is full: nothing can be kept now" },
    { SQLITE_IOERR, STOA_ERROR_UNAVAILABLE, "the server's disk fails: nothing can be kept now" },
    { SQLITE_READONLY, STOA_ERROR_UNAVAILABLE, "the server's database cannot be written" },
    { SQLITE_CANTOPEN, STOA_ERROR_UNAVAILABLE, "the server's database cannot be opened" },
    { SQLITE_BUSY, STOA_ERROR_UNAVAILABLE, "the server's database is held by another program" },
    { SQLITE_LOCKED, STOA_ERROR_UNAVAILABLE, "the server's database is held by another program" },
    { SQLITE_NOMEM, STOA_ERROR_UNAVAILABLE, "the server is out of memory" },
    { SQLITE_CORRUPT, STOA_ERROR_INTERNAL, "the server's database is damaged" },
    { SQLITE_NOTADB, STOA_ERROR_INTERNAL, "the server's database is no database" },
    { SQLITE_CONSTRAINT, STOA_ERROR_CONFLICT,
      "the store holds something that does not go with it" },
};

bool stoa_sqlite_fail(StoaDb *db, GError **error)
{
    int code = sqlite3_errcode(db->handle);

    log_warn(db, "%s (%d)", sqlite3_errmsg(db->handle), sqlite3_extended_errcode(db->handle));
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        if (failures[i].primary == (code & 0xff))
            return stoa_fail(error, failures[i].code, "%s", failures[i].text);
    }
    return stoa_fail(error, STOA_ERROR_INTERNAL, "the store failed (%d)", code);
}

/* Texts of our own, without parameters. */
static bool run(StoaDb *db, const char *sql, GError **error)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           stoa_sqlite_fail(db, error);
}

/* -- opening ------------------------------------------------------------------------------ */

/* The file is ours alone before SQLite writes into it; its WAL gets the same mode from it. */
static bool make_file(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s cannot be opened: %s", path,
                         g_strerror(errno));
    bool ok = fchmod(fd, 0600) == 0;
    if (!ok)
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s cannot be made private: %s", path,
                  g_strerror(errno));
    close(fd);
    return ok;
}

static int64_t pragma(StoaDb *db, const char *sql, GError **error)
{
    return stoa_db_int(db, error, -1, sql, "");
}

static bool is_ours(StoaDb *db, GError **error)
{
    g_autoptr(GError) why = NULL;
    int64_t tables = pragma(db, "SELECT count(*) FROM sqlite_schema", &why);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (tables > 0 && pragma(db, "PRAGMA application_id", NULL) != APPLICATION_ID)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it is a database, but none of Stoa's: move it away, or choose another "
                         "data folder");
    return true;
}

static bool migrate(StoaDb *db, GError **error)
{
    int64_t version = pragma(db, "PRAGMA user_version", error);
    const char *const *steps = stoa_schema_migrations();
    int newest = stoa_schema_version();

    if (version < 0)
        return false;
    if (version > newest)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it was written by a newer Stoa (schema %" G_GINT64_FORMAT
                         ", this program knows %d): run that version, or restore a backup",
                         version, newest);
    if (version == newest)
        return true;
    if (version > 0 && version < CLEAN_SINCE && !run(db, "VACUUM", error))
        return false;
    g_autofree char *mark = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                            APPLICATION_ID, newest);
    if (!stoa_db_begin(db, error))
        return false;
    for (int64_t i = version; i < newest; i++) {
        if (!run(db, steps[i], error)) {
            stoa_db_rollback(db);
            g_prefix_error(error, "migration to schema %d: ", (int)i + 1);
            return false;
        }
    }
    if (!run(db, mark, error) || !stoa_db_commit(db, error)) {
        stoa_db_rollback(db);
        return false;
    }
    if (version > 0)
        log_info(db, "schema %d is now %d", (int)version, newest);
    return true;
}

static int note_wal(void *data, sqlite3 *handle G_GNUC_UNUSED, const char *name G_GNUC_UNUSED,
                    int n_pages)
{
    ((StoaDb *)data)->wal_pages = n_pages;
    return SQLITE_OK;
}

/* WAL with FULL: a commit is one fsync, and what was acknowledged survives a power cut. Leftovers of rows are zeroed. */
static bool set_up(StoaDb *db, GError **error)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_wal_hook(db->handle, note_wal, db); /* and no checkpoint by itself: see checkpoint.c */
    sqlite3_busy_timeout(db->handle, db->busy_ms);
    return is_ours(db, error) &&
           run(db,
               "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
               "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
               "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;"
               "PRAGMA mmap_size = 0;"
               "PRAGMA max_page_count = " G_STRINGIFY(STOA_SQLITE_MOST_PAGES),
               error) &&
           migrate(db, error);
}

StoaDb *stoa_db_open_again(const char *path, const StoaStoreConf *conf, GError **error)
{
    g_autoptr(StoaDb) db = g_new0(StoaDb, 1);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

    stoa_log_tag_set(&db->log, "store");
    db->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    db->folder = path ? g_path_get_dirname(path) : NULL;
    db->min_free_bytes = conf ? conf->min_free_bytes : 0;
    db->busy_ms = conf ? (int)conf->busy_ms : 5000;
    if (sqlite3_open_v2(path ? path : ":memory:", &db->handle, flags,
                        path ? stoa_sqlite_vfs() : NULL) != SQLITE_OK) {
        stoa_sqlite_fail(db, error);
        return NULL;
    }
    if (!set_up(db, error)) {
        g_prefix_error(error, "%s: ", path ? path : "the database in memory");
        return NULL;
    }
    return g_steal_pointer(&db);
}

StoaDb *stoa_db_open(const char *path, const StoaStoreConf *conf, GError **error)
{
    return !path || make_file(path, error) ? stoa_db_open_again(path, conf, error) : NULL;
}

void stoa_db_close(StoaDb *db)
{
    GHashTableIter iter;
    gpointer statement;

    if (!db)
        return;
    g_hash_table_iter_init(&iter, db->statements);
    while (g_hash_table_iter_next(&iter, NULL, &statement))
        sqlite3_finalize(statement);
    g_hash_table_unref(db->statements);
    if (sqlite3_close(db->handle) != SQLITE_OK)
        log_error(db, "an answer was not freed: %s", sqlite3_errmsg(db->handle));
    g_free(db->folder);
    g_free(db);
}

/* -- transactions ------------------------------------------------------------------------- */

static void look_at_the_disk(StoaDb *db)
{
    struct statvfs disk;
    bool was_low = db->is_low;

    if (!db->folder || db->min_free_bytes <= 0 || statvfs(db->folder, &disk) != 0)
        return;
    db->is_low = (int64_t)(disk.f_bavail * disk.f_frsize) < db->min_free_bytes;
    if (db->is_low != was_low && db->is_low)
        log_error(db, "the disk is nearly full: nothing new is kept until there is room");
    else if (db->is_low != was_low)
        log_info(db, "there is room on the disk again");
}

bool stoa_db_forbid_writing(StoaDb *db, GError **error)
{
    return run(db, "PRAGMA query_only = ON", error);
}

bool stoa_db_begin_reading(StoaDb *db, GError **error)
{
    return run(db, "BEGIN", error);
}

void stoa_db_end_reading(StoaDb *db)
{
    stoa_db_rollback(db);
}

bool stoa_db_begin(StoaDb *db, GError **error)
{
    look_at_the_disk(db);
    return run(db, "BEGIN IMMEDIATE", error);
}

bool stoa_db_commit(StoaDb *db, GError **error)
{
    return run(db, "COMMIT", error);
}

void stoa_db_rollback(StoaDb *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        run(db, "ROLLBACK", NULL);
}

bool stoa_db_mark(StoaDb *db, GError **error)
{
    return stoa_db_exec(db, error, "SAVEPOINT job", "");
}

bool stoa_db_keep(StoaDb *db, GError **error)
{
    return stoa_db_exec(db, error, "RELEASE job", "");
}

/* Some failures (a full disk) make SQLite roll the whole transaction back. */
bool stoa_db_undo(StoaDb *db)
{
    return !sqlite3_get_autocommit(db->handle) && stoa_db_exec(db, NULL, "ROLLBACK TO job", "") &&
           stoa_db_exec(db, NULL, "RELEASE job", "");
}

/* -- upkeep ------------------------------------------------------------------------------- */

int64_t stoa_db_wal_pages(const StoaDb *db)
{
    return db->wal_pages;
}

void stoa_db_checkpoint(StoaDb *db)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code != SQLITE_OK && code != SQLITE_BUSY)
        stoa_sqlite_fail(db, NULL);
}

/* Who reads the WAL just now may take long, and who waits here would hold up all who write. A page in memory may hold what its
 * twin in the file does not: written again, it would bring it back. */
bool stoa_db_empty_wal(StoaDb *db)
{
    sqlite3_busy_timeout(db->handle, 0);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, db->busy_ms);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
        stoa_sqlite_fail(db, NULL);
    if (code == SQLITE_OK)
        sqlite3_db_release_memory(db->handle);
    return code == SQLITE_OK;
}

void stoa_db_give_back(StoaDb *db, int64_t most)
{
    int64_t pages = pragma(db, "PRAGMA page_count", NULL);
    int64_t unused = pragma(db, "PRAGMA freelist_count", NULL);

    if (unused * 2 > pages && (pages - unused) * pragma(db, "PRAGMA page_size", NULL) <= most &&
        run(db, "VACUUM", NULL))
        stoa_db_empty_wal(db);
}

static bool copy(sqlite3 *from, sqlite3 *to, GError **error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int code = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(to);

    if (backup)
        sqlite3_backup_finish(backup);
    return code == SQLITE_DONE ||
           stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the copy failed: %s", sqlite3_errstr(code));
}

/* The copy is whole before it has its name. */
static bool copy_to(sqlite3 *from, const char *path, GError **error)
{
    g_autofree char *part = g_strconcat(path, ".part", NULL);
    sqlite3 *to = NULL;

    unlink(part);
    if (!make_file(part, error))
        return false;
    bool ok = sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, stoa_sqlite_vfs()) == SQLITE_OK ||
              stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s cannot be written", part);
    ok = ok && copy(from, to, error);
    if (sqlite3_close(to) != SQLITE_OK)
        ok = ok && stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s cannot be closed", part);
    if (ok && rename(part, path) != 0)
        ok = stoa_fail(error, STOA_ERROR_UNAVAILABLE, "%s cannot be written: %s", path,
                       g_strerror(errno));
    if (!ok)
        unlink(part);
    return ok;
}

bool stoa_store_backup(const char *dir, const char *path, GError **error)
{
    g_autofree char *name = g_build_filename(dir, "stoa.db", NULL);
    sqlite3 *from = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return stoa_fail(error, STOA_ERROR_CONFLICT, "%s exists already: name a new file", path);
    /* The last to close it brings its WAL into the file, and may be this one. */
    bool ok = sqlite3_open_v2(name, &from, SQLITE_OPEN_READWRITE, stoa_sqlite_vfs()) == SQLITE_OK ||
              stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no database %s", name);
    if (ok)
        sqlite3_busy_timeout(from, 10000);
    ok = ok && copy_to(from, path, error);
    sqlite3_close(from);
    return ok;
}
