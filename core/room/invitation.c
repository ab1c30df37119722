/* SPDX-License-Identifier: MIT */
/* Invitations. Their columns: created_at is when the token was made, sent_at when one was last given to the mail, mailed how many
 * mails there were for the calendar (web/schedule.c), proven whether whoever brings the token reads the address's mail. */
#include "config.h"

#include "room/invitation.h"

#include <string.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS    ((int64_t)24 * 60 * MINUTE_MS)

void stoa_invitation_free(StoaInvitation *invitation)
{
    if (!invitation)
        return;
    g_free(invitation->id);
    g_free(invitation->email);
    g_free(invitation->name);
    g_free(invitation->role);
    g_free(invitation->state);
    g_free(invitation);
}

static void free_one(gpointer invitation)
{
    stoa_invitation_free(invitation);
}

int64_t stoa_invitation_expires_ms(int64_t issued_ms, int64_t starts_ms, int64_t duration_min,
                                   const StoaRoomsConf *conf)
{
    if (starts_ms)
        return starts_ms + duration_min * MINUTE_MS + conf->invitation_after_s * 1000;
    return issued_ms + conf->invitation_days * DAY_MS;
}

static StoaInvitation *read_row(const StoaRows *rows, const StoaRoomsConf *conf)
{
    StoaInvitation *invitation = g_new0(StoaInvitation, 1);

    invitation->id = g_strdup(stoa_rows_text(rows, 0));
    invitation->email = g_strdup(stoa_rows_text(rows, 1));
    invitation->name = g_strdup(stoa_rows_text(rows, 2));
    invitation->role = g_strdup(stoa_rows_text(rows, 3));
    invitation->state = g_strdup(stoa_rows_text(rows, 4));
    invitation->issued_ms = stoa_rows_int(rows, 5);
    int64_t ends_ms = stoa_invitation_expires_ms(invitation->issued_ms, stoa_rows_int(rows, 6),
                                                 stoa_rows_int(rows, 7), conf);
    invitation->accepted = strcmp(invitation->state, "accepted") == 0;
    if (strcmp(invitation->state, "revoked") != 0 && ends_ms <= stoa_store_now_ms()) {
        g_free(invitation->state);
        invitation->state = g_strdup("expired");
    }
    return invitation;
}

GPtrArray *stoa_invitation_list(StoaDb *db, const char *room, const char *id,
                                const StoaRoomsConf *conf, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT i.id, i.email, i.name, i.role, i.state, i.created_at, r.starts_at, r.duration_min"
        " FROM invitation i JOIN room r ON r.id = i.room_id"
        " WHERE i.room_id = ?1 AND (?2 IS NULL OR i.id = ?2) ORDER BY i.rowid",
        "ss", room, id);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_one);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(list, read_row(rows, conf));
    if (!why)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

StoaInvitation *stoa_invitation_of(StoaDb *db, const char *room, const char *email,
                                   const StoaRoomsConf *conf, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT i.id, i.email, i.name, i.role, i.state, i.created_at, r.starts_at, r.duration_min"
        " FROM invitation i JOIN room r ON r.id = i.room_id WHERE i.room_id = ?1 AND i.email = ?2",
        "ss", room, email);

    return rows && stoa_rows_next(rows, error) ? read_row(rows, conf) : NULL;
}

StoaInvitation *stoa_invitation_new(StoaDb *db, const char *room, const char *email,
                                    const char *name, const char *role, StoaInvitationWay way,
                                    char token[STOA_TOKEN_LEN + 1], GError **error)
{
    g_autoptr(StoaInvitation) made = g_new0(StoaInvitation, 1);
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    made->id = stoa_store_id();
    made->email = g_strdup(email);
    made->name = g_strdup(name);
    made->role = g_strdup(role);
    made->state = g_strdup("sent");
    made->issued_ms = stoa_store_now_ms();
    stoa_token_new(token, hash);
    if (!stoa_db_exec(db, error,
                      "INSERT INTO invitation (id, room_id, email, name, role, token, state, "
                      "created_at, sent_at, proven)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sent', ?7, ?8, ?9)",
                      "sssssbiti", made->id, room, email, name, role, hash, sizeof hash,
                      made->issued_ms, way == STOA_INVITATION_MAILED ? made->issued_ms : (int64_t)0,
                      (int64_t)(way != STOA_INVITATION_HANDED)))
        return NULL;
    return g_steal_pointer(&made);
}

bool stoa_invitation_renew(StoaDb *db, StoaInvitation *invitation, StoaInvitationWay way,
                           char token[STOA_TOKEN_LEN + 1], GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    int64_t now_ms = stoa_store_now_ms();
    const char *state = invitation->accepted ? "accepted" : "sent";

    stoa_token_new(token, hash);
    if (!stoa_db_exec(
            db, error,
            "UPDATE invitation SET replaced = token, token = ?2, state = ?3, created_at = ?4,"
            " sent_at = CASE WHEN ?5 = 1 THEN ?4 ELSE sent_at END, proven = ?6 WHERE id = ?1",
            "sbsiii", invitation->id, hash, sizeof hash, state, now_ms,
            (int64_t)(way == STOA_INVITATION_MAILED), (int64_t)(way != STOA_INVITATION_HANDED)))
        return false;
    g_free(invitation->state);
    invitation->state = g_strdup(state);
    invitation->issued_ms = now_ms;
    return true;
}

bool stoa_invitation_revoke(StoaDb *db, const char *id, char **participant, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id FROM participant WHERE invitation_id = ?1", "s", id);

    if (!rows)
        return false;
    if (stoa_rows_next(rows, &why))
        *participant = g_strdup(stoa_rows_text(rows, 0));
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    /* Its token stays known, so that who comes with it is told that it was revoked; so do links to what they were part of. */
    return stoa_db_exec(db, error, "UPDATE invitation SET state = 'revoked' WHERE id = ?1", "s",
                        id) &&
           (!*participant ||
            stoa_db_exec(
                db, error,
                "DELETE FROM participant_token WHERE participant_id = ?1 AND kind <> 'link'", "s",
                *participant));
}

json_t *stoa_invitation_json(const StoaInvitation *invitation)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:s}", "id", invitation->id, "email", invitation->email,
                     "name", invitation->name, "role", invitation->role, "state",
                     invitation->state);
}
