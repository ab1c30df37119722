/* SPDX-License-Identifier: MIT */
/* Rooms: made, listed, changed, deleted. */
#include "config.h"

#include "room/address.h"
#include "room/capability.h"
#include "room/host.h"
#include "web/erase.h"
#include "web/live.h"
#include "web/room-draft.h"
#include "web/rooms.h"
#include "web/schedule.h"
#include "web/web-private.h"

#include <string.h>

enum { PAGE = 50, MAX_PAGE = 200 };
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

bool stoa_web_is_host(const StoaWebCall *call)
{
    const StoaWebCaller *caller = stoa_web_caller(call);

    return caller->kind == STOA_WEB_HOST || caller->kind == STOA_WEB_KEY ||
           (caller->kind == STOA_WEB_PARTICIPANT && g_strcmp0(caller->role, "host") == 0);
}

bool stoa_web_must_be_host(const StoaWebCall *call, GError **error)
{
    return stoa_web_is_host(call) ||
           stoa_fail(error, STOA_ERROR_FORBIDDEN, "only the room's host may do this");
}

static StoaDraftRules rules_of(const StoaWebCall *call)
{
    const StoaWebSpec *spec = &call->web->spec;

    return (StoaDraftRules){ .conf = call->conf,
                             .residency = call->residency,
                             .module_known = spec->module_known,
                             .user = spec->user };
}

/* A room's JSON as the answer. */
static bool reply_room(StoaDb *db, StoaWebCall *call, unsigned status, const char *id,
                       GError **error)
{
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, id, error);

    if (!room)
        return false;
    stoa_web_set_reply(call, status, stoa_room_info_json(room));
    return true;
}

/* -- POST /rooms ------------------------------------------------------------------------------- */

/* Whose room it is going to be. */
static char *host_of(StoaDb *db, StoaWebCall *call, GError **error)
{
    const char *text = json_string_value(json_object_get(stoa_web_body(call), "host_email"));
    g_autoptr(GError) why = NULL;

    if (stoa_web_caller(call)->kind == STOA_WEB_HOST)
        return g_strdup(stoa_web_caller(call)->host_id);
    if (!text) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"host_email\" is missing: an API key says whose room it is");
        return NULL;
    }
    g_autofree char *email = stoa_address_read(text, NULL);
    g_autofree char *host = email ? stoa_host_find(db, email, &why) : NULL;
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    else if (!host)
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"host_email\" is no host's address: stoa --add-host makes one");
    return g_steal_pointer(&host);
}

static bool has_too_many(StoaDb *db, StoaWebCall *call, const char *host, GError **error)
{
    int64_t most = stoa_web_conf(call)->rooms_per_host;

    return most > 0 && stoa_db_int(db, error, 0, "SELECT COUNT(*) FROM room WHERE host_id = ?1",
                                   "s", host) >= most;
}

static bool create(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(StoaRoomInfo) room = stoa_draft_new(stoa_web_conf(call));
    const StoaDraftRules rules = rules_of(call);

    room->host_id = host_of(db, call, error);
    if (!room->host_id || !stoa_draft_apply(room, stoa_web_body(call), &rules, error))
        return false;
    if (has_too_many(db, call, room->host_id, error))
        return stoa_fail(
            error, STOA_ERROR_CONFLICT,
            "this host has as many rooms as may be: delete some (limits.rooms_per_host)");
    room->id = stoa_store_id();
    room->created_ms = stoa_store_now_ms();
    return stoa_draft_insert(db, room, error) && reply_room(db, call, 201, room->id, error);
}

/* -- GET --------------------------------------------------------------------------------------- */

static bool read_limit(const StoaWebCall *call, int64_t *limit, GError **error)
{
    const char *text = stoa_web_query(call, "limit");
    guint64 value = PAGE;

    if (text && !g_ascii_string_to_unsigned(text, 10, 1, MAX_PAGE, &value, NULL))
        return stoa_fail(error, STOA_ERROR_INVALID, "\"limit\" must be a number from 1 to %d",
                         MAX_PAGE);
    *limit = (int64_t)value;
    return true;
}

/* The room that a page comes before, by what pages are sorted by. */
static bool read_before(StoaDb *db, const StoaWebCall *call, int64_t *created_ms, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    const char *before = stoa_web_query(call, "before");

    *created_ms = INT64_MAX;
    if (!before)
        return true;
    *created_ms = stoa_db_int(db, error, -1,
                              "SELECT created_at FROM room WHERE id = ?1"
                              " AND (?2 IS NULL OR host_id = ?2) AND (?3 IS NULL OR id = ?3)",
                              "sss", before, caller->host_id, caller->room_id);
    return *created_ms >= 0 ||
           stoa_fail(error, STOA_ERROR_INVALID, "\"before\" must be the id of a room of yours");
}

static StoaRows *page_of(StoaDb *db, const StoaWebCall *call, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    const char *before = stoa_web_query(call, "before");
    int64_t limit, created_ms;

    if (!read_limit(call, &limit, error) || !read_before(db, call, &created_ms, error))
        return NULL;
    return stoa_db_query(
        db, error,
        "SELECT id FROM room WHERE (?1 IS NULL OR host_id = ?1) AND (?2 IS NULL OR id = ?2)"
        " AND (created_at < ?3 OR (created_at = ?3 AND id < ?4))"
        " ORDER BY created_at DESC, id DESC LIMIT ?5",
        "ssisi", caller->host_id, caller->room_id, created_ms, before ? before : "", limit);
}

static bool list(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(StoaRows) rows = page_of(db, call, error);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) why = NULL;
    json_t *array;

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(ids, g_strdup(stoa_rows_text(rows, 0)));
    array = json_array();
    for (guint i = 0; i < ids->len && !why; i++) {
        g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, ids->pdata[i], &why);
        if (room)
            json_array_append_new(array, stoa_room_info_json(room));
    }
    stoa_web_set_reply(call, 200, array);
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool get(StoaDb *db, StoaWebCall *call, GError **error)
{
    return reply_room(db, call, 200, stoa_web_arg(call, "room"), error);
}

/* -- PATCH ------------------------------------------------------------------------------------- */

/* A cohost may lock, and nothing else. */
static bool may_patch(const StoaWebCall *call, GError **error)
{
    const json_t *body = stoa_web_body(call);

    if (stoa_web_is_host(call))
        return true;
    if (stoa_capability_allows(stoa_role_from_name(stoa_web_caller(call)->role), "lock") &&
        json_object_size(body) == 1 && json_object_get(body, "locked"))
        return true;
    return stoa_web_must_be_host(call, error);
}

/* What was kept before is kept as long as the host now wants, and the links to it in summaries are good for that long. */
static bool move_retention(StoaDb *db, const StoaRoomInfo *room, GError **error)
{
    static const char move_links[] =
        "UPDATE participant_token SET expires_at = (SELECT MAX(m.erase_at) FROM meeting m"
        " WHERE m.room_id = ?1 AND m.ended_at IS NOT NULL) WHERE kind = 'link' AND participant_id "
        "IN"
        " (SELECT id FROM participant WHERE room_id = ?1) AND EXISTS"
        " (SELECT 1 FROM meeting m WHERE m.room_id = ?1 AND m.ended_at IS NOT NULL)";

    return stoa_db_exec(db, error,
                        "UPDATE meeting SET erase_at = ended_at + ?2 WHERE room_id = ?1"
                        " AND ended_at IS NOT NULL",
                        "si", room->id, room->retention_days * DAY_MS) &&
           stoa_db_exec(db, error, move_links, "s", room->id);
}

/* Pages read at joining what is sealed: they would go on as it was. */
static bool may_seal(const StoaRoomInfo *room, const json_t *body, GError **error)
{
    const char *e2ee = json_string_value(json_object_get(body, "e2ee"));

    return !e2ee || !room->meeting || strcmp(e2ee, room->e2ee) == 0 ||
           stoa_fail(error, STOA_ERROR_CONFLICT,
                     "\"e2ee\" cannot change while a meeting runs: end it first");
}

static bool patch(StoaDb *db, StoaWebCall *call, GError **error)
{
    const char *id = stoa_web_arg(call, "room");
    const StoaDraftRules rules = rules_of(call);

    if (!may_patch(call, error))
        return false;
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, id, error);
    if (!room)
        return false;
    int64_t starts_ms = room->starts_ms, duration_min = room->duration_min;
    return may_seal(room, stoa_web_body(call), error) &&
           stoa_draft_apply(room, stoa_web_body(call), &rules, error) &&
           stoa_draft_update(db, room, error) && move_retention(db, room, error) &&
           ((room->starts_ms == starts_ms && room->duration_min == duration_min) ||
            stoa_schedule_move(db, room, error)) &&
           reply_room(db, call, 200, id, error);
}

/* It is on disk, whatever the room makes of it. */
static void taken_over(const GError *error G_GNUC_UNUSED, void *data)
{
    stoa_web_send(data);
}

static void patched(StoaWebCall *call)
{
    stoa_mail_wake(stoa_web_mail(call));
    stoa_live_changed(call->web, stoa_web_arg(call, "room"), taken_over, call);
}

/* -- DELETE ------------------------------------------------------------------------------------ */

static bool may_delete(StoaDb *db G_GNUC_UNUSED, StoaWebCall *call, GError **error)
{
    return stoa_web_must_be_host(call, error);
}

static void delete_done(void *data, const GError *error)
{
    StoaWebCall *call = data;

    if (error) {
        stoa_web_fail(call, error);
        return;
    }
    stoa_web_set_reply(call, 204, NULL);
    stoa_web_send(call);
}

static void delete_now(StoaWebCall *call)
{
    const char *rooms[] = { stoa_web_arg(call, "room"), NULL };

    stoa_erase_rooms(call->web, rooms, delete_done, call);
}

const StoaWebRoute *stoa_web_room_routes(void)
{
    static StoaWebRoute routes[] = {
        { "POST", "/rooms", STOA_WEB_HOST | STOA_WEB_KEY, NULL, create, .help = "makes a room" },
        { "GET", "/rooms", STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT, NULL, list,
          .help = "the caller's rooms, newest first" },
        { "GET", "/rooms/:room", STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT, NULL, get,
          .help = "one room" },
        { "PATCH", "/rooms/:room", STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT, NULL, patch,
          patched, "changes a room" },
        { "DELETE", "/rooms/:room", STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT, NULL,
          may_delete, delete_now, "erases a room and all of it" },
        { NULL },
    };

    routes[0].params = stoa_draft_post_params();
    routes[3].params = stoa_draft_patch_params();
    return routes;
}
