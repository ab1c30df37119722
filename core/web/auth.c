/* SPDX-License-Identifier: MIT */
/* Who asks, and whether this route is for them: on control what memory knows, on the store thread the rest. (SECURITY R18, R20)
 *
 * What a caller may not see is not there (404); what is there but not theirs to do is forbidden (403). */
#include "config.h"

#include "base/id.h"
#include "store/token.h"
#include "web/web-private.h"

#include <string.h>

static bool no_such_thing(GError **error)
{
    return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such room");
}

static bool unauthenticated(GError **error, const char *message)
{
    return stoa_refuse(error, "unauthenticated", "%s", message);
}

/* Every key is compared, so that the time does not tell which. */
static bool is_api_key(const StoaRoomsConf *conf, const char *token)
{
    bool found = false;

    for (char **key = conf->api_keys; key && *key; key++)
        found |= **key && stoa_id_constant_time_equal(*key, token);
    return found;
}

bool stoa_web_identify(StoaWebCall *call, GError **error)
{
    const StoaWebSpec *spec = &call->web->spec;
    StoaWebCaller *caller = &call->caller;

    if (caller->kind) /* an upload whose head was admitted: the token may have died meanwhile */
        return !(caller->kind & STOA_WEB_PARTICIPANT) || !call->token ||
               spec->seat(spec->user, call->token, NULL) ||
               unauthenticated(error, "the token has expired, or was replaced or revoked");
    caller->kind = STOA_WEB_ANYONE;
    if (call->route->who == STOA_WEB_ANYONE ||
        (call->route->proof && json_object_get(call->body, call->route->proof)))
        return true;
    if (!call->token)
        return (call->route->who & STOA_WEB_ANYONE) ||
               unauthenticated(error, "a token is needed: Authorization: Bearer TOKEN");
    if (is_api_key(call->conf, call->token))
        caller->kind = STOA_WEB_KEY;
    else if (spec->seat && spec->seat(spec->user, call->token, caller))
        caller->kind = STOA_WEB_PARTICIPANT;
    else
        call->in_store = true;
    return true;
}

bool stoa_web_needs_store(const StoaWebCall *call)
{
    return call->in_store || call->route->store || call->route->upload ||
           (stoa_web_arg(call, "room") && call->caller.kind != STOA_WEB_PARTICIPANT);
}

/* -- on the store thread ----------------------------------------------------------------------- */

static const char host_session[] =
    "SELECT h.id, h.email, h.name FROM host_session s JOIN host h ON h.id = s.host_id"
    " WHERE s.token = ?1 AND s.expires_at > ?2";
static const char history_token[] =
    "SELECT p.id, p.room_id, p.email, p.name, p.role, t.proven FROM participant_token t"
    " JOIN participant p ON p.id = t.participant_id"
    " WHERE t.token = ?1 AND t.kind = 'history' AND t.expires_at > ?2";

/* False without an error: it is not one of these. */
static bool find_host(StoaDb *db, StoaWebCaller *caller, const uint8_t *hash, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, host_session, "bi", hash,
                                             (size_t)STOA_TOKEN_HASH_LEN, stoa_store_now_ms());

    if (!rows || !stoa_rows_next(rows, error))
        return false;
    caller->kind = STOA_WEB_HOST;
    caller->proven = true;
    caller->host_id = g_strdup(stoa_rows_text(rows, 0));
    caller->email = g_strdup(stoa_rows_text(rows, 1));
    caller->name = g_strdup(stoa_rows_text(rows, 2));
    return true;
}

static bool find_history(StoaDb *db, StoaWebCaller *caller, const uint8_t *hash, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, history_token, "bi", hash,
                                             (size_t)STOA_TOKEN_HASH_LEN, stoa_store_now_ms());

    if (!rows || !stoa_rows_next(rows, error))
        return false;
    caller->kind = STOA_WEB_HISTORY;
    caller->participant_id = g_strdup(stoa_rows_text(rows, 0));
    caller->room_id = g_strdup(stoa_rows_text(rows, 1));
    caller->email = g_strdup(stoa_rows_text(rows, 2));
    caller->name = g_strdup(stoa_rows_text(rows, 3));
    caller->role = g_strdup(stoa_rows_text(rows, 4));
    caller->proven = stoa_rows_int(rows, 5);
    return true;
}

static bool look_up(StoaDb *db, StoaWebCall *call, GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    g_autoptr(GError) why = NULL;

    stoa_token_hash(call->token, hash);
    if (find_host(db, &call->caller, hash, &why) ||
        (!why && find_history(db, &call->caller, hash, &why)))
        return true;
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    call->attempt = true;
    return unauthenticated(error, "the token is wrong, has expired, or was replaced or revoked");
}

/* Whether the room of the path is there for this caller. Participants were bound to theirs by their token. */
static bool check_room(StoaDb *db, StoaWebCall *call, const char *room, GError **error)
{
    const StoaWebCaller *caller = &call->caller;

    if (caller->kind & (STOA_WEB_PARTICIPANT | STOA_WEB_HISTORY))
        return strcmp(caller->room_id, room) == 0 || no_such_thing(error);
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT host_id FROM room WHERE id = ?1", "s", room);
    g_autoptr(GError) why = NULL;
    if (!rows)
        return false;
    if (!stoa_rows_next(rows, &why)) {
        if (!why)
            return no_such_thing(error);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (caller->kind == STOA_WEB_HOST && g_strcmp0(stoa_rows_text(rows, 0), caller->host_id) != 0)
        return no_such_thing(error);
    return true;
}

/* What a guest of a room that ended still has: see end_tokens() in room/meeting.c. */
static bool is_left_over(const StoaWebCaller *caller)
{
    return caller->kind == STOA_WEB_HISTORY && !caller->email;
}

bool stoa_web_authorize(StoaDb *db, StoaWebCall *call, GError **error)
{
    const StoaWebRoute *route = call->route;
    const char *room = stoa_web_arg(call, "room");

    if (call->in_store && !look_up(db, call, error))
        return false;
    call->in_store = false;
    if (room && !check_room(db, call, room, error))
        return false;
    if (call->caller.waiting && !route->waiting)
        return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                         "you are in the lobby: wait until the host lets you in");
    if (is_left_over(&call->caller) && !(route->who & (STOA_WEB_HISTORY | STOA_WEB_ANYONE)))
        return unauthenticated(error, "the room has ended: your token only reads what it left");
    if (!(route->who & call->caller.kind) && !(route->who & STOA_WEB_ANYONE))
        return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                         "your token is not for this: it needs another role");
    return true;
}
