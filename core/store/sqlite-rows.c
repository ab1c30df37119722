/* SPDX-License-Identifier: MIT */
/* Statements and rows of SQLite: what jobs say and hear. */
#include "config.h"

#define LOG_AREA "store"

#include "store/sqlite.h"

#include <stdarg.h>
#include <string.h>

struct StoaRows {
    StoaDb *db;
    sqlite3_stmt *statement;
    bool is_spare; /* not among those that are kept */
};

/* A statement is prepared once; one that is being read gets a twin. */
static sqlite3_stmt *prepare(StoaDb *db, const char *sql, bool *is_spare, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(db->statements, sql);

    *is_spare = statement && sqlite3_stmt_busy(statement);
    if (statement && !*is_spare)
        return statement;
    if (sqlite3_prepare_v3(db->handle, sql, -1, *is_spare ? 0 : SQLITE_PREPARE_PERSISTENT,
                           &statement, NULL) != SQLITE_OK) {
        stoa_sqlite_fail(db, error);
        return NULL;
    }
    if (!*is_spare)
        g_hash_table_insert(db->statements, g_strdup(sql), statement);
    return statement;
}

static void release(sqlite3_stmt *statement, bool is_spare)
{
    if (is_spare) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static int bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    return text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT)
                : sqlite3_bind_null(statement, at);
}

static int bind_json(sqlite3_stmt *statement, int at, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    return text ? sqlite3_bind_text(statement, at, text, -1, free)
                : sqlite3_bind_null(statement, at);
}

static int bind_one(sqlite3_stmt *statement, int at, char type, va_list *args)
{
    int64_t number;
    const void *blob;

    switch (type) {
    case 's': return bind_text(statement, at, va_arg(*args, const char *));
    case 'i': return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
    case 'j': return bind_json(statement, at, va_arg(*args, const json_t *));
    case 'n': return sqlite3_bind_null(statement, at);
    case 't':
        number = va_arg(*args, int64_t);
        return number ? sqlite3_bind_int64(statement, at, number)
                      : sqlite3_bind_null(statement, at);
    case 'b':
        blob = va_arg(*args, const void *);
        return sqlite3_bind_blob64(statement, at, blob, va_arg(*args, size_t), SQLITE_TRANSIENT);
    default: g_error("no parameter is of type '%c'", type);
    }
}

static sqlite3_stmt *prepare_and_bind(StoaDb *db, const char *sql, const char *types, va_list *args,
                                      bool *is_spare, GError **error)
{
    sqlite3_stmt *statement = prepare(db, sql, is_spare, error);
    int code = SQLITE_OK;

    for (int i = 0; statement && types[i] && code == SQLITE_OK; i++)
        code = bind_one(statement, i + 1, types[i], args);
    if (statement && code != SQLITE_OK) {
        stoa_sqlite_fail(db, error);
        release(statement, *is_spare);
        return NULL;
    }
    return statement;
}

static bool is_insert(const char *sql)
{
    return g_ascii_strncasecmp(sql, "INSERT", 6) == 0;
}

bool stoa_db_exec(StoaDb *db, GError **error, const char *sql, const char *types, ...)
{
    bool is_spare;
    va_list args;

    if (db->is_low && is_insert(sql))
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "the server's disk is full: nothing can be kept now");
    va_start(args, types);
    sqlite3_stmt *statement = prepare_and_bind(db, sql, types, &args, &is_spare, error);
    va_end(args);
    if (!statement)
        return false;
    int code = sqlite3_step(statement);
    bool ok = code == SQLITE_DONE || code == SQLITE_ROW || stoa_sqlite_fail(db, error);
    release(statement, is_spare);
    return ok;
}

int64_t stoa_db_changes(const StoaDb *db)
{
    return sqlite3_changes64(db->handle);
}

static StoaRows *query(StoaDb *db, GError **error, const char *sql, const char *types,
                       va_list *args)
{
    bool is_spare;
    sqlite3_stmt *statement = prepare_and_bind(db, sql, types, args, &is_spare, error);

    if (!statement)
        return NULL;
    StoaRows *rows = g_new(StoaRows, 1);
    *rows = (StoaRows){ db, statement, is_spare };
    return rows;
}

StoaRows *stoa_db_query(StoaDb *db, GError **error, const char *sql, const char *types, ...)
{
    va_list args;

    va_start(args, types);
    StoaRows *rows = query(db, error, sql, types, &args);
    va_end(args);
    return rows;
}

bool stoa_rows_next(StoaRows *rows, GError **error)
{
    int code = sqlite3_step(rows->statement);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        stoa_sqlite_fail(rows->db, error);
    return code == SQLITE_ROW;
}

const char *stoa_rows_text(const StoaRows *rows, int column)
{
    return (const char *)sqlite3_column_text(rows->statement, column);
}

int64_t stoa_rows_int(const StoaRows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

bool stoa_rows_is_null(const StoaRows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

const void *stoa_rows_blob(const StoaRows *rows, int column, size_t *len)
{
    const void *blob = sqlite3_column_blob(rows->statement, column);

    *len = (size_t)sqlite3_column_bytes(rows->statement, column);
    return blob;
}

json_t *stoa_rows_json(const StoaRows *rows, int column)
{
    const char *text = stoa_rows_text(rows, column);

    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

void stoa_rows_free(StoaRows *rows)
{
    if (!rows)
        return;
    release(rows->statement, rows->is_spare);
    g_free(rows);
}

int64_t stoa_db_int(StoaDb *db, GError **error, int64_t fallback, const char *sql,
                    const char *types, ...)
{
    va_list args;

    va_start(args, types);
    g_autoptr(StoaRows) rows = query(db, error, sql, types, &args);
    va_end(args);
    if (!rows || !stoa_rows_next(rows, error) || stoa_rows_is_null(rows, 0))
        return fallback;
    return stoa_rows_int(rows, 0);
}
