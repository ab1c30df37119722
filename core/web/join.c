/* SPDX-License-Identifier: MIT */
/* POST /join: an invitation, the host's own token, or the name of a guest of a public room becomes a seat.
 * POST /join/look: what one would come into by it. */
#include "config.h"

#include "base/clock.h"
#include "room/capability.h"
#include "room/check.h"
#include "room/ice-servers.h"
#include "room/invitation.h"
#include "room/rooms.h"
#include "store/token.h"
#include "web/join.h"
#include "web/web-private.h"

#include <string.h>

/* However long it is: what nobody has is not there, and looks no other than what somebody had. */
enum { MAX_LOOKED_UP = 65536 };

const StoaParam stoa_web_join_params[] = {
    { "invitation", STOA_STRING, 0, 1, MAX_LOOKED_UP, .help = "the token of an invitation" },
    { "room", STOA_STRING, 0, 1, MAX_LOOKED_UP,
      .help = "a public room, or one of your own as its host" },
    { "name", STOA_STRING, 0, 0, 256, .help = "your name, 1 to 64 characters, as a guest" },
    { NULL },
};

/* Who comes. Strings owned. */
typedef struct {
    char *id, *room, *invitation, *host, *email, *name, *role;
    bool is_named; /* by whoever invited them */
    bool proven;   /* the address is theirs: see StoaSeatToken */
} Comer;

static void comer_free(void *data)
{
    Comer *comer = data;

    g_free(comer->id);
    g_free(comer->room);
    g_free(comer->invitation);
    g_free(comer->host);
    g_free(comer->email);
    g_free(comer->name);
    g_free(comer->role);
    g_free(comer);
}

/* An unknown invitation and an unknown room look alike, to the byte. (SECURITY R18) */
static bool nothing_there(StoaWebCall *call, GError **error)
{
    stoa_web_count_attempt(call);
    return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such room");
}

/* As people write a name: one form, no blanks around it. NULL: none, or none that could be shown. */
static char *clean_name(const char *name)
{
    g_autofree char *form = name ? g_utf8_normalize(name, -1, G_NORMALIZE_NFC) : NULL;

    if (!form || !*g_strstrip(form) || !stoa_check_name(form, NULL))
        return NULL;
    return g_steal_pointer(&form);
}

static const char *body_text(const StoaWebCall *call, const char *name)
{
    return json_string_value(json_object_get(stoa_web_body(call), name));
}

/* Who was here before keeps id, role and, where none is given now, name; the role of an invitation may have changed since. */
static bool find_person(StoaDb *db, Comer *comer, const char *sql, const char *first,
                        const char *second, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, sql, second ? "ss" : "s", first, second);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return false;
    if (stoa_rows_next(rows, &why)) {
        if (stoa_rows_int(rows, 1))
            return stoa_refuse(error, "gone", "this invitation is not valid any more");
        comer->id = g_strdup(stoa_rows_text(rows, 0));
        g_free(comer->role);
        comer->role = g_strdup(stoa_rows_text(rows, 2));
        if (!comer->name)
            comer->name = g_strdup(stoa_rows_text(rows, 3));
    } else if (!why) {
        comer->id = stoa_store_id();
    }
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* -- by invitation ---------------------------------------------------------------------------- */

static const char by_token[] =
    "SELECT i.id, i.room_id, i.email, i.name, i.role, i.state, i.created_at,"
    " r.starts_at, r.duration_min, r.state, i.proven FROM invitation i JOIN room r ON r.id = "
    "i.room_id"
    " WHERE i.token = ?1";

static bool has_expired(const StoaRoomsConf *conf, const StoaRows *rows)
{
    return stoa_invitation_expires_ms(stoa_rows_int(rows, 6), stoa_rows_int(rows, 7),
                                      stoa_rows_int(rows, 8), conf) <= stoa_store_now_ms();
}

/* Of an address, for who has given no name. */
static char *name_of_address(const char *email)
{
    g_autofree char *local = g_strndup(email, strcspn(email, "@"));
    char *name = clean_name(local);

    return name ? name : g_strdup("guest");
}

/* Whether it is the token that an invitation had before it was sent anew. */
static bool was_replaced(StoaDb *db, const uint8_t *hash, GError **error)
{
    return stoa_db_int(db, error, 0, "SELECT COUNT(*) FROM invitation WHERE replaced = ?1", "b",
                       hash, (size_t)STOA_TOKEN_HASH_LEN) > 0;
}

static bool by_invitation(StoaDb *db, StoaWebCall *call, Comer *comer, GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    if (!stoa_token_hash(body_text(call, "invitation"), hash))
        return nothing_there(call, error);
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, by_token, "b", hash, sizeof hash);
    if (!rows)
        return false;
    if (!stoa_rows_next(rows, &why)) {
        bool is_old = !why && was_replaced(db, hash, &why);
        if (is_old)
            return stoa_refuse(error, "gone", "this link was replaced: take the newer one");
        if (!why)
            return nothing_there(call, error);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (g_strcmp0(stoa_rows_text(rows, 5), "revoked") == 0)
        return stoa_refuse(error, "gone",
                           "this invitation was withdrawn: ask the host for a new one");
    if (g_strcmp0(stoa_rows_text(rows, 9), "ended") == 0)
        return stoa_refuse(error, "gone", "this room has ended");
    if (has_expired(stoa_web_conf(call), rows))
        return stoa_refuse(error, "gone",
                           "this invitation has expired: ask the host for a new one");
    comer->invitation = g_strdup(stoa_rows_text(rows, 0));
    comer->room = g_strdup(stoa_rows_text(rows, 1));
    comer->email = g_strdup(stoa_rows_text(rows, 2));
    comer->name = clean_name(stoa_rows_text(rows, 3));
    comer->is_named = comer->name != NULL;
    if (!comer->name)
        comer->name = clean_name(body_text(call, "name"));
    comer->role = g_strdup(stoa_rows_text(rows, 4));
    comer->proven = stoa_rows_int(rows, 10);
    if (!find_person(db, comer,
                     "SELECT id, banned, role, name FROM participant WHERE invitation_id = ?1",
                     comer->invitation, NULL, error))
        return false;
    if (!comer->name)
        comer->name = name_of_address(comer->email);
    return true;
}

/* -- by room ---------------------------------------------------------------------------------- */

static bool as_host(StoaDb *db, StoaWebCall *call, Comer *comer, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);

    comer->host = g_strdup(caller->host_id);
    comer->proven = true;
    comer->email = g_strdup(caller->email);
    comer->name = clean_name(caller->name);
    if (!comer->name)
        comer->name = g_strdup("host");
    comer->role = g_strdup("host");
    return find_person(db, comer,
                       "SELECT id, banned, role, name FROM participant WHERE room_id = ?1"
                       " AND host_id = ?2 AND erased_at IS NULL",
                       comer->room, comer->host, error);
}

/* The room and whose it is; a guest is nobody yet. */
static bool by_room(StoaDb *db, StoaWebCall *call, Comer *comer, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRoomInfo) info = stoa_room_info_read(db, body_text(call, "room"), &why);

    if (!info && !g_error_matches(why, STOA_ERROR, STOA_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    bool is_host =
        info && caller->kind == STOA_WEB_HOST && g_strcmp0(caller->host_id, info->host_id) == 0;
    if (!info || (!is_host && !g_str_equal(info->access, "public")))
        return nothing_there(call, error);
    if (g_str_equal(info->state, "ended"))
        return stoa_refuse(error, "gone", "this room has ended");
    comer->room = g_strdup(info->id);
    return !is_host || as_host(db, call, comer, error);
}

static bool as_guest(StoaWebCall *call, Comer *comer, GError **error)
{
    comer->name = clean_name(body_text(call, "name"));
    if (!comer->name)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"name\" must be 1 to 64 characters, without control characters");
    comer->id = stoa_store_id();
    comer->role = g_strdup("participant");
    return true;
}

static bool find_comer(StoaDb *db, StoaWebCall *call, Comer *comer, GError **error)
{
    if (body_text(call, "invitation"))
        return by_invitation(db, call, comer, error);
    if (body_text(call, "room"))
        return by_room(db, call, comer, error);
    return stoa_fail(error, STOA_ERROR_INVALID, "\"invitation\" or \"room\" is missing");
}

bool stoa_web_join_store(StoaDb *db, StoaWebCall *call, GError **error)
{
    Comer *comer = g_new0(Comer, 1);

    stoa_web_set_data(call, comer, comer_free);
    return find_comer(db, call, comer, error) && (comer->id || as_guest(call, comer, error));
}

/* -- a look before coming in ------------------------------------------------------------------ */

bool stoa_web_join_look(StoaDb *db, StoaWebCall *call, GError **error)
{
    Comer *comer = g_new0(Comer, 1);

    stoa_web_set_data(call, comer, comer_free);
    if (!find_comer(db, call, comer, error))
        return false;
    g_autoptr(StoaRoomInfo) info = stoa_room_info_read(db, comer->room, error);
    if (!info)
        return false;
    json_t *body = json_pack("{s:s, s:{s:s?}, s:s, s:b, s:b, s:s*}", "title", info->title, "host",
                             "name", info->host_name, "state", info->state, "lobby", info->lobby,
                             "locked", info->locked, "name", comer->name);
    if (comer->invitation)
        json_object_set_new(body, "named", json_boolean(comer->is_named));
    if (info->starts_ms)
        json_object_set_new(body, "starts_at", stoa_store_time_json(info->starts_ms));
    if (info->duration_min)
        json_object_set_new(body, "duration_min", json_integer(info->duration_min));
    stoa_web_set_reply(call, 200, body);
    return true;
}

/* -- live -------------------------------------------------------------------------------------- */

static void joined(const StoaJoined *joined, const GError *error, void *data)
{
    StoaWebCall *call = data;

    if (error) {
        stoa_web_fail(call, error);
        return;
    }
    json_t *body =
        json_pack("{s:s, s:{s:s, s:s?, s:s}, s:o, s:s, s:{s:s?, s:s}, s:o}", "token", joined->token,
                  "participant", "id", joined->id, "name", joined->name, "role",
                  stoa_role_name(joined->role), "room", stoa_room_info_json(joined->room), "state",
                  joined->waiting ? "waiting" : "in", "signaling", "websocket",
                  stoa_web_websocket_url(call), "http", stoa_web_signaling_url(call), "ice_servers",
                  stoa_ice_servers(stoa_web_conf(call), joined->id, stoa_store_now_ms()));
    stoa_web_set_reply(call, 200, body);
    stoa_web_send(call);
}

enum { WINDOW_S = 60 };

/* A public room's link is open to everybody: so many come through it from one address. */
static bool may_knock(StoaWebCall *call, const Comer *comer, GError **error)
{
    if (comer->invitation || comer->host)
        return true;
    g_autofree char *what = g_strconcat("join ", comer->room, NULL);
    call->wait_s =
        stoa_attempts_count(call->web->attempts, what, stoa_web_address(call),
                            stoa_web_conf(call)->joins_per_minute, WINDOW_S, stoa_clock_now_us());
    return !call->wait_s ||
           stoa_refuse(error, "slow_down",
                       "too many guests came into this room from your address: wait %u s",
                       call->wait_s);
}

void stoa_web_join_live(StoaWebCall *call)
{
    const Comer *comer = stoa_web_data(call);
    bool is_guest = !comer->invitation && !comer->host;
    g_autofree char *home =
        is_guest ? stoa_home_mark(call->web->home_key, comer->room, stoa_web_address(call)) : NULL;
    g_autoptr(GError) error = NULL;
    const StoaJoin join = { .person = { .id = comer->id,
                                        .room = comer->room,
                                        .invitation = comer->invitation,
                                        .host = comer->host,
                                        .email = comer->email,
                                        .name = comer->name,
                                        .role = comer->role },
                            .base_url = stoa_web_safe_url(call),
                            .home = home,
                            .proven = comer->proven };

    if (may_knock(call, comer, &error))
        stoa_rooms_join(stoa_web_rooms(call), &join, joined, call);
    else
        stoa_web_fail(call, error);
}
