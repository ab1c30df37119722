/* SPDX-License-Identifier: MIT */
/* An invitation's calendar entry: mailed with it, moved with the class, taken away at the end. A link is in none but the first mail,
 * for only its hash is known here. */
#include "config.h"

#include "mail/mail.h"
#include "web/schedule.h"

#include <string.h>

/* Whoever has the class in a calendar: invited by mail, and not revoked. Strings owned. */
typedef struct {
    char *id, *email, *name, *role;
} Invited;

static void invited_free(gpointer data)
{
    Invited *one = data;

    g_free(one->id);
    g_free(one->email);
    g_free(one->name);
    g_free(one->role);
    g_free(one);
}

static GPtrArray *read_invited(StoaDb *db, const char *room, const char *invitation, bool banned,
                               GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT i.id, i.email, i.name, i.role FROM invitation i"
        " LEFT JOIN participant p ON p.invitation_id = i.id"
        " WHERE i.room_id = ?1 AND (?2 IS NULL OR i.id = ?2) AND i.mailed > 0"
        " AND i.state <> 'revoked' AND (?3 <> 0 OR COALESCE(p.banned, 0) = 0) ORDER BY i.rowid",
        "ssi", room, invitation, (int64_t)banned);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(invited_free);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why)) {
        Invited *one = g_new(Invited, 1);
        *one = (Invited){ g_strdup(stoa_rows_text(rows, 0)), g_strdup(stoa_rows_text(rows, 1)),
                          g_strdup(stoa_rows_text(rows, 2)), g_strdup(stoa_rows_text(rows, 3)) };
        g_ptr_array_add(found, one);
    }
    if (!why)
        return g_steal_pointer(&found);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static bool is_over(const StoaRoomInfo *room)
{
    return room->starts_ms && stoa_room_info_end_ms(room) <= stoa_store_now_ms();
}

bool stoa_schedule_number(StoaDb *db, const char *invitation, json_t *payload, GError **error)
{
    g_autoptr(GError) why = NULL;
    int64_t mailed =
        stoa_db_int(db, &why, 0, "SELECT mailed FROM invitation WHERE id = ?1", "s", invitation);

    json_object_set_new(payload, "uid", json_sprintf("%s@stoa", invitation));
    json_object_set_new(payload, "sequence", json_integer(mailed));
    if (!why)
        return stoa_db_exec(db, error, "UPDATE invitation SET mailed = ?2 WHERE id = ?1", "si",
                            invitation, mailed + 1);
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool put(StoaDb *db, StoaMailKind kind, const Invited *one, const char *room,
                json_t *payload, GError **error)
{
    if (stoa_schedule_number(db, one->id, payload, error))
        return stoa_mail_put(db, kind, one->email, room, payload, error);
    json_decref(payload);
    return false;
}

bool stoa_schedule_move(StoaDb *db, const StoaRoomInfo *room, GError **error)
{
    if (is_over(room) || strcmp(room->state, "ended") == 0)
        return true;
    g_autoptr(GPtrArray) invited = read_invited(db, room->id, NULL, false, error);
    for (guint i = 0; invited && i < invited->len; i++) {
        const Invited *one = invited->pdata[i];
        json_t *payload = json_pack("{s:s, s:s?, s:s?, s:s?}", "title", room->title, "name",
                                    one->name, "host", room->host_name, "role", one->role);
        if (room->starts_ms)
            json_object_set_new(payload, "starts_at", json_integer(room->starts_ms));
        if (room->duration_min)
            json_object_set_new(payload, "duration_min", json_integer(room->duration_min));
        if (!put(db, STOA_MAIL_MOVED, one, room->id, payload, error))
            return false;
    }
    return invited != NULL;
}

bool stoa_schedule_cancel(StoaDb *db, const char *id, const char *invitation, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, id, &why);

    if (!room && !g_error_matches(why, STOA_ERROR, STOA_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (!room || is_over(room))
        return true;
    g_autoptr(GPtrArray) invited = read_invited(db, id, invitation, true, error);
    for (guint i = 0; invited && i < invited->len; i++) {
        json_t *payload = json_pack("{s:b}", "is_task", !room->starts_ms);
        if (invitation)
            json_object_set_new(payload, "revoked", json_true());
        /* of a room that goes nothing else is said, and the mail outlives it */
        if (!put(db, STOA_MAIL_CANCELLED, invited->pdata[i], invitation ? id : NULL, payload,
                 error))
            return false;
    }
    return invited != NULL;
}
