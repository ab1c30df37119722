/* SPDX-License-Identifier: MIT */
#pragma once /* The row of a room, of a host "h", for tests whose subject is something else. */

#include "store/store.h"

/** Make both, where they are not there yet. Thread: the store's, within a job. */
static inline bool room_row(StoaDb *db, const char *id, GError **error)
{
    return stoa_db_exec(
               db, error,
               "INSERT INTO host VALUES('h', 'h@x.example', 'H', 1) ON CONFLICT DO NOTHING", "") &&
           stoa_db_exec(db, error,
                        "INSERT INTO room(id, host_id, title, access, lobby, locked, e2ee, modules,"
                        " retention_days, state, created_at) VALUES(?1, 'h', 'T', 'public', 0, 0,"
                        " 'off', '[]', 1, 'open', 1) ON CONFLICT DO NOTHING",
                        "s", id);
}
