/* SPDX-License-Identifier: MIT */
/* A store in memory with one host and one room, for tests of what is written there. */
#pragma once

#include "base/clock.h"
#include "base/loop.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static StoaStore *bed_store_new(void)
{
    static const StoaStoreConf conf = { .busy_ms = 1000 };

    return stoa_store_new(NULL, &conf, NULL);
}

static bool bed_sql_work(StoaDb *db, void *sql, GError **error)
{
    return stoa_db_exec(db, error, sql, "");
}

static void bed_sql_done(void *data G_GNUC_UNUSED, const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

/* Literals only: statements are kept by their address. */
static void bed_sql(StoaStore *store, const char *sql)
{
    stoa_store_run(store, bed_sql_work, bed_sql_done, (void *)sql, NULL);
    stoa_control_settle();
}

typedef struct {
    const char *sql;
    int64_t number;
} BedNumber;

static bool bed_number_work(StoaDb *db, void *data, GError **error)
{
    BedNumber *number = data;

    number->number = stoa_db_int(db, error, -1, number->sql, "");
    return true;
}

static inline int64_t bed_number(StoaStore *store, const char *sql)
{
    BedNumber number = { sql, -2 };

    stoa_store_run(store, bed_number_work, bed_sql_done, &number, NULL);
    stoa_control_settle();
    return number.number;
}

/* Host "h", room "r", invited "ana" and "ben". */
static void bed_fill(StoaStore *store)
{
    bed_sql(store, "INSERT INTO host (id, email, name, created_at)"
                   " VALUES ('h', 'host@x.example', 'Hana', 1)");
    bed_sql(store,
            "INSERT INTO room (id, host_id, title, access, lobby, locked, e2ee, modules,"
            " retention_days, state, created_at) VALUES ('r', 'h', 'Algebra', 'invited', 0, 0,"
            " 'off', '[\"chat\"]', 365, 'scheduled', 1)");
    bed_sql(store, "INSERT INTO participant (id, room_id, email, name, role, created_at)"
                   " VALUES ('ana', 'r', 'ana@x.example', 'Ana', 'participant', 1),"
                   " ('ben', 'r', 'ben@x.example', 'Ben', 'cohost', 2)");
}
