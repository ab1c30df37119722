/* SPDX-License-Identifier: MIT */
/* Who may see a room's history, how it is asked for, and in which form it goes out. */
#include "config.h"

#include "base/task.h"
#include "room/invitation.h"
#include "room/room-info.h"
#include "web/export.h"
#include "web/history.h"
#include "web/web-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define READERS (STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT | STOA_WEB_HISTORY)
enum { PAGE = 200, MAX_PAGE = 1000 };

/* -- who looks ---------------------------------------------------------------------------------- */

typedef struct {
    char *viewer;
    bool zip;
} Asked;

static void asked_free(void *data)
{
    g_free(((Asked *)data)->viewer);
    g_free(data);
}

/* A host sees private messages only as the person that they are in the room. */
static bool find_viewer(StoaDb *db, StoaWebCall *call, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    Asked *asked = g_new0(Asked, 1);

    stoa_web_set_data(call, asked, asked_free);
    asked->viewer = g_strdup(caller->participant_id);
    if (caller->kind != STOA_WEB_HOST)
        return true;
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id FROM participant WHERE room_id = ?1 AND host_id = ?2",
                      "ss", stoa_web_arg(call, "room"), caller->host_id);
    if (!rows)
        return false;
    if (stoa_rows_next(rows, &why))
        asked->viewer = g_strdup(stoa_rows_text(rows, 0));
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* -- GET /rooms/ID/history ---------------------------------------------------------------------- */

static bool read_number(const StoaWebCall *call, const char *name, guint64 most, guint64 *value,
                        GError **error)
{
    const char *text = stoa_web_query(call, name);

    return !text || g_ascii_string_to_unsigned(text, 10, 1, most, value, NULL) ||
           stoa_fail(error, STOA_ERROR_INVALID,
                     "\"%s\" must be a number from 1 to %" G_GUINT64_FORMAT, name, most);
}

static bool read_query(const StoaWebCall *call, StoaHistoryQuery *query, GError **error)
{
    guint64 limit = PAGE, before = 0;

    if (!read_number(call, "limit", MAX_PAGE, &limit, error) ||
        !read_number(call, "before", INT64_MAX, &before, error))
        return false;
    *query = (StoaHistoryQuery){ .room = stoa_web_arg(call, "room"),
                                 .meeting = stoa_web_query(call, "meeting"),
                                 .limit = (unsigned)limit,
                                 .before = before };
    return true;
}

static bool see(StoaDb *db, StoaWebCall *call, GError **error)
{
    StoaHistoryQuery query;

    return read_query(call, &query, error) && find_viewer(db, call, error);
}

static void seen(json_t *history, const GError *error, void *data)
{
    StoaWebCall *call = data;

    if (error) {
        stoa_web_fail(call, error);
        return;
    }
    stoa_web_set_reply(call, 200, history);
    stoa_web_send(call);
}

static void see_live(StoaWebCall *call)
{
    StoaHistoryQuery query;

    read_query(call, &query, NULL);
    query.viewer = ((const Asked *)stoa_web_data(call))->viewer;
    stoa_history_read(call->web, &query, seen, call);
}

/* -- GET /rooms/ID/history/export ---------------------------------------------------------------- */

static bool ask_export(StoaDb *db, StoaWebCall *call, GError **error)
{
    const char *format = stoa_web_query(call, "format");
    bool zip = g_strcmp0(format, "zip") == 0;

    if (!zip && format && strcmp(format, "json") != 0)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"format\" must be one of: json, zip");
    if (!find_viewer(db, call, error))
        return false;
    ((Asked *)stoa_web_data(call))->zip = zip;
    return true;
}

/* A long history takes a while to be written, and to be freed. */
typedef struct {
    StoaWebCall *call;
    json_t *history;
} Writing;

static void write_work(void *data)
{
    Writing *writing = data;

    stoa_export_settle(writing->history);
    stoa_web_set_reply(writing->call, 200, g_steal_pointer(&writing->history));
}

static void write_done(void *data)
{
    Writing *writing = data;

    stoa_web_set_header(writing->call, "Content-Disposition",
                        "attachment; filename=\"history.json\"");
    stoa_web_send(writing->call);
}

typedef struct {
    StoaWebCall *call;
    json_t *history;
    StoaExport *export;
    GError *error;
} Zipping;

static void zip_work(void *data)
{
    Zipping *zipping = data;

    stoa_export_settle(zipping->history);
    zipping->export = stoa_export_new(stoa_web_data_dir(zipping->call),
                                      stoa_web_arg(zipping->call, "room"), zipping->history);
    g_clear_pointer(&zipping->history, json_decref);
    stoa_export_write(zipping->export, &zipping->error);
}

static void zip_done(void *data)
{
    Zipping *zipping = data;

    if (zipping->error) {
        stoa_web_fail(zipping->call, zipping->error);
        return;
    }
    stoa_web_set_file(zipping->call, stoa_export_path(zipping->export), "application/zip",
                      "history.zip");
    g_unlink(
        stoa_export_path(zipping->export)); /* it is open: its bytes stay until they are sent */
    stoa_web_send(zipping->call);
}

static void zipping_free(void *data)
{
    Zipping *zipping = data;

    stoa_export_free(zipping->export);
    g_clear_error(&zipping->error);
    g_free(zipping);
}

static void exported(json_t *history, const GError *error, void *data)
{
    StoaWebCall *call = data;
    const Asked *asked = stoa_web_data(call);

    if (error) {
        stoa_web_fail(call, error);
        return;
    }
    if (asked->zip) {
        Zipping *zipping = g_new0(Zipping, 1);
        zipping->call = call;
        zipping->history = history;
        stoa_task_run(zip_work, zip_done, zipping, zipping_free);
        return;
    }
    Writing *writing = g_new(Writing, 1);
    *writing = (Writing){ call, history };
    stoa_task_run(write_work, write_done, writing, g_free);
}

static void export_live(StoaWebCall *call)
{
    const StoaHistoryQuery query = { .room = stoa_web_arg(call, "room"),
                                     .viewer = ((const Asked *)stoa_web_data(call))->viewer };

    stoa_history_read(call->web, &query, exported, call);
}

/* -- POST /history/session ----------------------------------------------------------------------- */

static bool has_ended_meeting(StoaDb *db, const char *room, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool ended =
        stoa_db_int(db, &why, 0,
                    "SELECT COUNT(*) FROM meeting WHERE room_id = ?1 AND ended_at IS NOT NULL", "s",
                    room) > 0;

    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    else if (!ended)
        stoa_fail(error, STOA_ERROR_CONFLICT,
                  "there is no history yet: come back when a meeting has ended");
    return ended;
}

/* The participant of a link out of a summary mail. NULL without `error`: it is no such link. */
static char *find_by_link(StoaDb *db, const uint8_t *hash, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error,
                                             "SELECT participant_id, expires_at FROM "
                                             "participant_token WHERE token = ?1 AND kind = 'link'",
                                             "b", hash, (size_t)STOA_TOKEN_HASH_LEN);

    if (!rows || !stoa_rows_next(rows, error))
        return NULL;
    if (stoa_rows_int(rows, 1) > stoa_store_now_ms())
        return g_strdup(stoa_rows_text(rows, 0));
    stoa_refuse(error, "gone", "this link has expired");
    return NULL;
}

/* Who was invited and never came gets a seat's row, as who came has one. A ban ends an invitation in every way; what that person
 * was part of is theirs by the link in the summary. */
static char *seat_of(StoaDb *db, const char *room, const StoaInvitation *invitation, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id, banned FROM participant WHERE invitation_id = ?1", "s",
                      invitation->id);

    if (!rows)
        return NULL;
    if (stoa_rows_next(rows, &why)) {
        if (!stoa_rows_int(rows, 1))
            return g_strdup(stoa_rows_text(rows, 0));
        stoa_refuse(error, "gone", "this invitation is not valid any more");
        return NULL;
    }
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    g_autofree char *id = stoa_store_id();
    g_autofree char *name = invitation->name
                                ? g_strdup(invitation->name)
                                : g_strndup(invitation->email, strcspn(invitation->email, "@"));
    if (!stoa_db_exec(
            db, error,
            "INSERT INTO participant (id, room_id, invitation_id, email, name, role, created_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            "ssssssi", id, room, invitation->id, invitation->email, name, invitation->role,
            stoa_store_now_ms()))
        return NULL;
    return g_steal_pointer(&id);
}

/* @proven  gets what StoaWebCaller has */
static char *find_by_invitation(StoaDb *db, StoaWebCall *call, const uint8_t *hash, bool *proven,
                                GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id, room_id, proven FROM invitation WHERE token = ?1", "b",
                      hash, (size_t)STOA_TOKEN_HASH_LEN);
    g_autoptr(GPtrArray) found = NULL;
    g_autofree char *room = NULL;

    if (!rows || !stoa_rows_next(rows, error))
        return NULL;
    room = g_strdup(stoa_rows_text(rows, 1));
    *proven = stoa_rows_int(rows, 2);
    found = stoa_invitation_list(db, room, stoa_rows_text(rows, 0), stoa_web_conf(call), error);
    if (!found || found->len == 0)
        return NULL;
    const StoaInvitation *invitation = found->pdata[0];
    if (strcmp(invitation->state, "revoked") == 0 || strcmp(invitation->state, "expired") == 0) {
        stoa_refuse(error, "gone", "this invitation %s",
                    strcmp(invitation->state, "revoked") == 0 ? "was revoked" : "has expired");
        return NULL;
    }
    return has_ended_meeting(db, room, error) ? seat_of(db, room, invitation, error) : NULL;
}

static bool reply_session(StoaDb *db, StoaWebCall *call, const char *who, bool proven,
                          const char *token, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error, "SELECT name, role, room_id FROM participant WHERE id = ?1", "s", who);
    g_autoptr(StoaRoomInfo) room = NULL;

    if (!rows || !stoa_rows_next(rows, error))
        return false;
    room = stoa_room_info_read(db, stoa_rows_text(rows, 2), error);
    if (!room)
        return false;
    stoa_web_set_reply(call, 201,
                       json_pack("{s:s, s:{s:s, s:s?, s:s}, s:o, s:b}", "token", token,
                                 "participant", "id", who, "name", stoa_rows_text(rows, 0), "role",
                                 stoa_rows_text(rows, 1), "room", stoa_room_info_json(room),
                                 "proven", proven));
    return true;
}

static bool open_session(StoaDb *db, StoaWebCall *call, GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    char token[STOA_TOKEN_LEN + 1];
    g_autoptr(GError) why = NULL;

    stoa_token_hash(json_string_value(json_object_get(stoa_web_body(call), "token")), hash);
    bool proven = true;
    g_autofree char *who = find_by_link(db, hash, &why);
    if (!who && !why)
        who = find_by_invitation(db, call, hash, &proven, &why);
    if (!who) {
        if (!why || g_error_matches(why, STOA_ERROR, STOA_ERROR_REFUSED))
            stoa_web_count_attempt(call);
        if (!why)
            return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such room");
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    stoa_token_new(token, hash);
    return stoa_db_exec(db, error,
                        "INSERT INTO participant_token (token, participant_id, kind, expires_at,"
                        " proven) VALUES (?1, ?2, 'history', ?3, ?4)",
                        "bsii", hash, sizeof hash, who,
                        stoa_store_now_ms() + stoa_web_conf(call)->history_s * 1000,
                        (int64_t)proven) &&
           reply_session(db, call, who, proven, token, error);
}

const StoaWebRoute *stoa_web_history_routes(void)
{
    static const StoaParam params[] = {
        { "token", STOA_STRING, STOA_REQUIRED, 0, 256,
          .help = "of a history link, or of an invitation" },
        { NULL },
    };
    static const StoaWebRoute routes[] = {
        { "POST", "/history/session", STOA_WEB_ANYONE, params, open_session,
          .help = "a token that reads one room's history and files" },
        { "GET", "/rooms/:room/history", READERS, NULL, see, see_live,
          "what the room's meetings left behind" },
        { "GET", "/rooms/:room/history/export", READERS, NULL, ask_export, export_live,
          "all of it as one document, or as a zip with the files" },
        { NULL },
    };

    return routes;
}
