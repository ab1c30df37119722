/* SPDX-License-Identifier: MIT */
/* A person is an address, in all rooms, for who has shown that it is theirs (StoaWebCaller.proven). Of who came by a link that a host
 * was given it is that address in the rooms of that host, who could have kept the link; of a guest, the one seat. */
#include "config.h"

#include "base/task.h"
#include "room/host.h"
#include "room/summary.h"
#include "web/erase.h"
#include "web/live.h"
#include "web/me.h"
#include "web/web-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define WHO (STOA_WEB_HOST | STOA_WEB_PARTICIPANT | STOA_WEB_HISTORY)

/* -- GET /me/export ----------------------------------------------------------------------------- */

/* One member of the export: rows as objects, with the columns' names. ?1 is the address, ?2 the participant (NULL of a host), ?3 the
 * room whose host's rooms are the caller's reach (NULL: all). */
typedef struct {
    const char *name;
    const char *const *columns; /* "at:" a time, "json:" JSON, "n:" a number, else text */
    const char *sql;
} Part;

#define IN_REACH(room)                                                                \
    "(?3 IS NULL OR " room " IN (SELECT id FROM room WHERE host_id = (SELECT host_id" \
    " FROM room WHERE id = ?3)))"
#define MINE \
    "(SELECT id FROM participant WHERE (email = ?1 AND " IN_REACH("room_id") ") OR id = ?2)"

static const Part parts[] = {
    { "host", (const char *const[]){ "id", "email", "name", "at:created_at", NULL },
      "SELECT id, email, name, created_at FROM host WHERE email = ?1 AND ?3 IS NULL" },
    { "rooms", (const char *const[]){ "id", "title", "at:created_at", NULL },
      "SELECT id, title, created_at FROM room WHERE ?3 IS NULL AND host_id IN (SELECT id FROM host"
      " WHERE email = ?1)" },
    { "invitations",
      (const char *const[]){ "id", "room", "title", "email", "name", "role", "state",
                             "at:created_at", NULL },
      "SELECT i.id, i.room_id, r.title, i.email, i.name, i.role, i.state, i.created_at FROM "
      "invitation i"
      " JOIN room r ON r.id = i.room_id WHERE i.email = ?1 AND " IN_REACH("i.room_id") },
    { "participants",
      (const char *const[]){ "id", "room", "title", "email", "name", "role", "n:banned",
                             "at:created_at", NULL },
      "SELECT p.id, p.room_id, r.title, p.email, p.name, p.role, p.banned, p.created_at FROM "
      "participant p"
      " JOIN room r ON r.id = p.room_id WHERE p.id IN " MINE },
    { "attendance",
      (const char *const[]){ "meeting", "participant", "at:joined_at", "at:left_at", NULL },
      "SELECT meeting_id, participant_id, joined_at, left_at FROM attendance WHERE participant_id "
      "IN " MINE " ORDER BY joined_at" },
    { "records",
      (const char *const[]){ "room", "n:seq", "meeting", "module", "kind", "author", "to", "at:at",
                             "json:body", NULL },
      "SELECT room_id, seq, meeting_id, module, kind, author, recipient, at, body FROM record"
      " WHERE body IS NOT NULL AND (author IN " MINE " OR recipient IN " MINE
      ") ORDER BY room_id, seq" },
    { "files",
      (const char *const[]){ "id", "room", "name", "type", "n:size", "at:created_at", NULL },
      "SELECT id, room_id, name, type, size, created_at FROM file WHERE participant_id IN " MINE },
    { "mails_waiting", (const char *const[]){ "kind", "room", "at:created_at", NULL },
      "SELECT kind, room_id, created_at FROM mail WHERE recipient = ?1 AND " IN_REACH("room_id") },
    { "mails_written", (const char *const[]){ "name", "room", NULL },
      "SELECT name, room_id FROM mail_file WHERE recipient = ?1 AND " IN_REACH("room_id") },
};

static void add_column(json_t *object, const StoaRows *rows, int column, const char *name)
{
    if (g_str_has_prefix(name, "at:"))
        json_object_set_new(object, name + 3, stoa_store_time_json(stoa_rows_int(rows, column)));
    else if (g_str_has_prefix(name, "n:"))
        json_object_set_new(object, name + 2, json_integer(stoa_rows_int(rows, column)));
    else if (g_str_has_prefix(name, "json:"))
        json_object_set_new(object, name + 5, stoa_rows_json(rows, column));
    else if (!stoa_rows_is_null(rows, column))
        json_object_set_new(object, name, json_string(stoa_rows_text(rows, column)));
}

/* ?3 of the statements. */
static const char *reach_of(const StoaWebCaller *caller)
{
    return caller->proven ? NULL : caller->room_id;
}

static json_t *read_part(StoaDb *db, const Part *part, const StoaWebCaller *caller, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, part->sql, "sss", caller->email,
                                             caller->participant_id, reach_of(caller));
    json_auto_t *list = json_array();
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why)) {
        json_t *object = json_object();
        for (int i = 0; part->columns[i]; i++)
            add_column(object, rows, i, part->columns[i]);
        json_array_append_new(list, object);
    }
    if (!why)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static bool export_me(StoaDb *db, StoaWebCall *call, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    json_t *export =
        json_pack("{s:{s:s?, s:s?}}", "person", "email", caller->email, "name", caller->name);

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        json_t *list = read_part(db, &parts[i], caller, error);
        if (!list) {
            json_decref(export);
            return false;
        }
        json_object_set_new(export, parts[i].name, list);
    }
    stoa_web_set_reply(call, 200, export);
    stoa_web_set_header(call, "Content-Disposition", "attachment; filename=\"me.json\"");
    return true;
}

/* -- DELETE /me: a host's rooms, then what was written in others' rooms, then the rows, then the bytes ------ */

typedef struct {
    StoaWebCall *call;
    char *host;        /* NULL: no host */
    GPtrArray *people; /* pairs of room and participant */
    guint at;
    GPtrArray *files; /* pairs of room and file */
    GPtrArray *mails;
} Leaving;

static void leaving_free(void *data)
{
    Leaving *leaving = data;

    g_free(leaving->host);
    g_ptr_array_unref(leaving->people);
    g_ptr_array_unref(leaving->files);
    g_ptr_array_unref(leaving->mails);
    g_free(leaving);
}

static bool read_pairs(StoaRows *rows, GPtrArray *pairs, GError **error)
{
    g_autoptr(GError) why = NULL;

    while (rows && stoa_rows_next(rows, &why)) {
        g_ptr_array_add(pairs, g_strdup(stoa_rows_text(rows, 0)));
        g_ptr_array_add(pairs, g_strdup(stoa_rows_text(rows, 1)));
    }
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !(error && *error);
}

static bool find_me(StoaDb *db, StoaWebCall *call, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(call);
    Leaving *leaving = g_new0(Leaving, 1);
    g_autoptr(GError) why = NULL;

    leaving->call = call;
    leaving->people = g_ptr_array_new_with_free_func(g_free);
    leaving->files = g_ptr_array_new_with_free_func(g_free);
    leaving->mails = g_ptr_array_new_with_free_func(g_free);
    stoa_web_set_data(call, leaving, leaving_free);
    leaving->host =
        caller->email && caller->proven ? stoa_host_find(db, caller->email, &why) : NULL;
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT p.room_id, p.id FROM participant p JOIN room r ON r.id = p.room_id"
        " WHERE p.id IN " MINE " AND (?4 IS NULL OR r.host_id <> ?4)",
        "ssss", caller->email, caller->participant_id, reach_of(caller), leaving->host);
    return read_pairs(rows, leaving->people, error);
}

static bool erase_person(StoaDb *db, Leaving *leaving, const char *person, GError **error)
{
    g_autoptr(StoaRows) files = stoa_db_query(
        db, error, "SELECT room_id, id FROM file WHERE participant_id = ?1", "s", person);

    if (!read_pairs(files, leaving->files, error))
        return false;
    g_clear_pointer(&files, stoa_rows_free);
    return stoa_db_exec(db, error, "DELETE FROM file WHERE participant_id = ?1", "s", person) &&
           stoa_db_exec(db, error, "DELETE FROM participant_token WHERE participant_id = ?1", "s",
                        person) &&
           stoa_db_exec(db, error, "DELETE FROM key_box WHERE recipient = ?1 OR sender = ?1", "s",
                        person) &&
           stoa_db_exec(db, error, "DELETE FROM bar WHERE participant_id = ?1", "s", person) &&
           stoa_db_exec(db, error,
                        "UPDATE participant SET email = NULL, name = NULL, invitation_id = NULL, "
                        "host_id = NULL,"
                        " erased_at = ?2 WHERE id = ?1",
                        "si", person, stoa_store_now_ms());
}

/* The invitations of the address, and the mails to it. */
static bool forget_address(StoaDb *db, Leaving *leaving, GError **error)
{
    const StoaWebCaller *caller = stoa_web_caller(leaving->call);
    g_autoptr(GPtrArray) rooms = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) why = NULL;

    if (!caller->email)
        return true;
    if (!stoa_db_exec(db, error, "DELETE FROM invitation WHERE email = ?1 AND " IN_REACH("room_id"),
                      "sss", caller->email, NULL, reach_of(caller)))
        return false;
    if (caller->proven)
        return stoa_mail_forget(db, caller->email, NULL, leaving->mails, error);
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, "SELECT id FROM room WHERE " IN_REACH("id"),
                                             "sss", NULL, NULL, caller->room_id);
    while (rows && stoa_rows_next(rows, &why))
        g_ptr_array_add(rooms, g_strdup(stoa_rows_text(rows, 0)));
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    if (!rows || (error && *error))
        return false;
    for (guint i = 0; i < rooms->len; i++)
        if (!stoa_mail_forget(db, caller->email, rooms->pdata[i], leaving->mails, error))
            return false;
    return true;
}

static bool erase_rows(StoaDb *db, void *data, GError **error)
{
    Leaving *leaving = data;

    for (guint i = 0; i + 1 < leaving->people->len; i += 2)
        if (!erase_person(db, leaving, leaving->people->pdata[i + 1], error))
            return false;
    if (!forget_address(db, leaving, error))
        return false;
    for (guint i = 0; i + 1 < leaving->people->len; i += 2) /* in others' mails */
        if (!stoa_summary_forget(db, leaving->people->pdata[i], leaving->people->pdata[i + 1],
                                 leaving->mails, error))
            return false;
    return true;
}

static void fail(Leaving *leaving, const GError *error)
{
    stoa_web_fail(leaving->call, error);
}

static void scrubbed(void *data, const GError *error)
{
    Leaving *leaving = data;

    if (error) {
        fail(leaving, error);
        return;
    }
    stoa_web_set_reply(leaving->call, 204, NULL);
    stoa_web_send(leaving->call);
}

static void files_gone(void *data)
{
    stoa_store_scrub(stoa_web_store(((Leaving *)data)->call), scrubbed, data, NULL);
}

static void remove_files(void *data)
{
    Leaving *leaving = data;
    const char *dir = stoa_web_data_dir(leaving->call);

    for (guint i = 0; i + 1 < leaving->files->len; i += 2) {
        g_autofree char *path =
            stoa_upload_path(dir, leaving->files->pdata[i], leaving->files->pdata[i + 1]);
        g_unlink(path);
    }
    stoa_mail_unlink(dir, leaving->mails);
}

static void mails_settled(void *data)
{
    stoa_task_run(remove_files, files_gone, data, NULL);
}

static void rows_erased(void *data, const GError *error)
{
    Leaving *leaving = data;
    StoaMail *mail = leaving->call->web->spec.mail;

    if (error) {
        fail(leaving, error);
        return;
    }
    stoa_mail_settle(mail, mails_settled, leaving);
    stoa_mail_wake(mail);
}

static void next_room(Leaving *leaving);

static void redacted(const GError *error, void *data)
{
    Leaving *leaving = data;

    if (error && !g_error_matches(error, STOA_ERROR, STOA_ERROR_NOT_FOUND)) {
        fail(leaving, error);
        return;
    }
    stoa_live_erased(leaving->call->web, leaving->people->pdata[leaving->at - 2],
                     leaving->people->pdata[leaving->at - 1]);
    next_room(leaving);
}

/* In each room: out of it, then what was written there goes. */
static void next_room(Leaving *leaving)
{
    StoaWeb *web = leaving->call->web;

    if (leaving->at + 1 >= leaving->people->len) {
        stoa_store_run(web->spec.store, erase_rows, rows_erased, leaving, NULL);
        return;
    }
    const char *room = leaving->people->pdata[leaving->at],
               *person = leaving->people->pdata[leaving->at + 1];
    leaving->at += 2;
    stoa_live_removed(web, room, person, "erased");
    stoa_live_redact(web, room, person, redacted, leaving);
}

static void host_gone(void *data, const GError *error)
{
    if (error)
        fail(data, error);
    else
        next_room(data);
}

static void forget_me(StoaWebCall *call)
{
    Leaving *leaving = stoa_web_data(call);

    if (leaving->host)
        stoa_erase_host(call->web, leaving->host, host_gone, leaving);
    else
        next_room(leaving);
}

const StoaWebRoute *stoa_web_me_routes(void)
{
    static const StoaWebRoute routes[] = {
        { "GET", "/me/export", WHO, NULL, export_me, .help = "everything held about the caller" },
        { "DELETE", "/me", WHO, NULL, find_me, forget_me, "erases it" },
        { NULL },
    };

    return routes;
}
