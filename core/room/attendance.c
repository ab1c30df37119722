/* SPDX-License-Identifier: MIT */
/* Who was in a meeting, and when. */
#include "config.h"

#include "room/attendance.h"

enum { GAP_MS = 60000 };

static const char all_stays[] =
    "SELECT p.id, p.name, p.email, p.role, a.joined_at, a.left_at FROM attendance a"
    " JOIN participant p ON p.id = a.participant_id WHERE a.meeting_id = ?1"
    " ORDER BY a.joined_at, p.id";

static void stay_free(gpointer data)
{
    StoaStay *stay = data;

    g_free(stay->person);
    g_free(stay->name);
    g_free(stay->email);
    g_free(stay->role);
    g_free(stay);
}

/* Whether this row goes on with the last stay of that person. */
static bool goes_on(StoaStay *last, int64_t joined_ms, int64_t left_ms)
{
    if (!last || last->left_ms == 0 || joined_ms - last->left_ms >= GAP_MS)
        return false;
    last->left_ms = left_ms ? MAX(left_ms, last->left_ms) : 0;
    return true;
}

static StoaStay *read_stay(const StoaRows *rows)
{
    StoaStay *stay = g_new0(StoaStay, 1);

    stay->person = g_strdup(stoa_rows_text(rows, 0));
    stay->name = g_strdup(stoa_rows_text(rows, 1));
    stay->email = g_strdup(stoa_rows_text(rows, 2));
    stay->role = g_strdup(stoa_rows_text(rows, 3));
    stay->joined_ms = stoa_rows_int(rows, 4);
    stay->left_ms = stoa_rows_int(rows, 5);
    return stay;
}

GPtrArray *stoa_attendance_read(StoaDb *db, const char *meeting, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, all_stays, "s", meeting);
    g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    g_autoptr(GPtrArray) stays = g_ptr_array_new_with_free_func(stay_free);
    while (stoa_rows_next(rows, &why)) {
        const char *person = stoa_rows_text(rows, 0);
        if (goes_on(g_hash_table_lookup(last, person), stoa_rows_int(rows, 4),
                    stoa_rows_int(rows, 5)))
            continue;
        StoaStay *stay = read_stay(rows);
        g_ptr_array_add(stays, stay);
        g_hash_table_insert(last, stay->person, stay);
    }
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return g_steal_pointer(&stays);
}
