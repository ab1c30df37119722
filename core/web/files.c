/* SPDX-License-Identifier: MIT */
/* Files of a room. An upload is admitted by its head, streamed to the disk, then told to the workspace as that participant.
 * (SECURITY R24) */
#include "config.h"

#include "room/file.h"
#include "room/request.h"
#include "room/room-info.h"
#include "web/files.h"
#include "web/history.h"
#include "web/live.h"
#include "web/multipart.h"
#include "web/rooms.h"
#include "web/sniff.h"
#include "web/ticket.h"
#include "web/web-private.h"

#include <string.h>

enum { MULTIPART_SLACK = 64 * 1024 };
#define READERS (STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT | STOA_WEB_HISTORY)

char *stoa_web_file_url(const char *base_url, const char *room, const char *file, int64_t ticket_s)
{
    g_autofree char *ticket = stoa_ticket_new(room, file, stoa_store_now_ms() + ticket_s * 1000);

    return g_strdup_printf("%s/api/v1/rooms/%s/files/%s?ticket=%s", base_url ? base_url : "", room,
                           file, ticket);
}

/* Control only. */
static struct {
    char *base_url;
    int64_t ticket_s;
} urls;

void stoa_web_file_url_configure(const char *base_url, int64_t ticket_s)
{
    g_free(urls.base_url);
    urls.base_url = g_strdup(base_url);
    urls.ticket_s = ticket_s;
}

char *stoa_web_file_url_of(const char *room, const char *file)
{
    return stoa_web_file_url(urls.base_url, room, file, urls.ticket_s);
}

/* -- POST: the head ---------------------------------------------------------------------------- */

static bool too_large(const StoaWebCall *call, GError **error)
{
    return stoa_refuse(error, "too_large",
                       "the file is longer than %" G_GINT64_FORMAT
                       " bytes (workspace:limits.file_bytes)",
                       call->file_bytes);
}

static bool room_is_full(GError **error)
{
    return stoa_refuse(
        error, "too_large",
        "the room's files are as much as may be (workspace:limits.room_bytes): remove some");
}

/* How much the room's files may still grow; 0: there is no limit. */
static bool read_space(StoaDb *db, StoaWebCall *call, int64_t *left, GError **error)
{
    g_autoptr(GError) why = NULL;
    int64_t used =
        stoa_db_int(db, &why, 0, "SELECT COALESCE(SUM(size), 0) FROM file WHERE room_id = ?1", "s",
                    stoa_web_arg(call, "room"));

    *left = call->room_bytes > 0 ? call->room_bytes - used : INT64_MAX;
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static int64_t announced(const StoaWebCall *call)
{
    const char *length = stoa_web_header(call, "Content-Length");

    return length ? (int64_t)MIN(g_ascii_strtoull(length, NULL, 10), (uint64_t)INT64_MAX) : 0;
}

/* Whether the room has a workspace, and whether it is sealed. */
static bool read_room(StoaDb *db, StoaWebCall *call, bool *sealed, GError **error)
{
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, stoa_web_arg(call, "room"), error);

    if (!room)
        return false;
    *sealed = strcmp(room->e2ee, "all") == 0;
    return stoa_room_info_has_module(room, "workspace") ||
           stoa_fail(error, STOA_ERROR_CONFLICT, "the room has no workspace to put files into");
}

static bool admit(StoaDb *db, StoaWebCall *call, GError **error)
{
    int64_t left,
        slack = stoa_multipart_is(stoa_web_header(call, "Content-Type")) ? MULTIPART_SLACK : 0;
    bool sealed;

    if (!read_room(db, call, &sealed, error) || !read_space(db, call, &left, error))
        return false;
    int64_t most = call->file_bytes > 0 ? call->file_bytes : INT64_MAX;
    if (announced(call) - slack > most)
        return too_large(call, error);
    if (left <= 0 || announced(call) - slack > left)
        return room_is_full(error);
    if (!stoa_upload_fits_disk(stoa_web_data_dir(call), announced(call)))
        return stoa_refuse(error, "disk_full", "the server's disk is full: nothing was kept");
    const StoaUploadSpec spec = { .data_dir = stoa_web_data_dir(call),
                                  .content_type = stoa_web_header(call, "Content-Type"),
                                  .file_name = stoa_web_header(call, "X-Filename"),
                                  .max_bytes = MIN(most, left),
                                  .sealed = sealed };
    call->upload = stoa_upload_new(&spec, error);
    return call->upload != NULL;
}

/* -- POST: the end ----------------------------------------------------------------------------- */

static bool keep(StoaDb *db, StoaWebCall *call, GError **error)
{
    StoaUpload *upload = call->upload;
    const char *room = stoa_web_arg(call, "room");
    int64_t left;
    bool sealed;

    if (!read_room(db, call, &sealed, error) || !read_space(db, call, &left, error))
        return false;
    if (stoa_upload_size(upload) > left) /* others came meanwhile */
        return room_is_full(error);
    if (!sealed && !stoa_sniff_is_allowed(stoa_upload_type(upload), call->conf->file_types))
        return stoa_fail(
            error, STOA_ERROR_INVALID,
            "\"file\" is of a type that may not be shared here: %s (rooms:files.types)",
            stoa_upload_type(upload));
    return stoa_db_exec(db, error,
                        "INSERT INTO file (id, room_id, participant_id, meeting_id, name, type, "
                        "size, created_at)"
                        " VALUES (?1, ?2, ?3, (SELECT id FROM meeting WHERE room_id = ?2 AND "
                        "ended_at IS NULL),"
                        " ?4, ?5, ?6, ?7)",
                        "sssssii", stoa_upload_id(upload), room, call->caller.participant_id,
                        stoa_upload_name(upload), stoa_upload_type(upload),
                        stoa_upload_size(upload), stoa_store_now_ms());
}

static bool upload_store(StoaDb *db, StoaWebCall *call, GError **error)
{
    return call->admitting ? admit(db, call, error) : keep(db, call, error);
}

static bool forget_row(StoaDb *db, void *data, GError **error)
{
    return stoa_db_exec(db, error, "DELETE FROM file WHERE id = ?1", "s",
                        stoa_upload_id(((StoaWebCall *)data)->upload));
}

static void row_gone(void *data, const GError *error G_GNUC_UNUSED)
{
    stoa_web_fail(data, stoa_web_data(data)); /* the bytes go with the call */
}

static void free_error(void *error)
{
    g_error_free(error);
}

static void give_back(StoaWebCall *call, const GError *error)
{
    stoa_web_set_data(call, g_error_copy(error), free_error);
    stoa_store_run(stoa_web_store(call), forget_row, row_gone, call, NULL);
}

static void told(const json_t *reply, const GError *error, void *data)
{
    StoaWebCall *call = data;

    if (error) {
        give_back(call, error);
        return;
    }
    stoa_upload_commit(call->upload);
    json_t *item = json_deep_copy(reply);
    json_object_del(item, "reply");
    stoa_web_set_reply(call, 201, item);
    stoa_web_send(call);
}

static void view_ready(StoaRoom *view, const GError *error, void *data)
{
    StoaWebCall *call = data;
    StoaParticipant *who = view ? stoa_room_member(view, call->caller.participant_id) : NULL;
    g_autoptr(GError) gone = NULL;

    if (!who) {
        stoa_refuse(&gone, "gone", "you are not in the room any more");
        give_back(call, error ? error : gone);
        return;
    }
    const StoaFile file = { (char *)stoa_upload_id(call->upload),
                            (char *)stoa_upload_name(call->upload),
                            (char *)stoa_upload_type(call->upload),
                            stoa_upload_size(call->upload) };
    stoa_request_run_file(view, who, &file, told, call);
}

static void upload_live(StoaWebCall *call)
{
    stoa_live_view(call->web, stoa_web_arg(call, "room"), "workspace", view_ready, call);
}

/* -- GET --------------------------------------------------------------------------------------- */

static bool may_read(StoaWebCall *call, const char *room, const char *file, GError **error)
{
    const char *ticket = stoa_web_query(call, "ticket");

    if (call->caller.kind != STOA_WEB_ANYONE)
        return true;
    if (ticket && stoa_ticket_is_good(ticket, room, file, stoa_store_now_ms()))
        return true;
    return stoa_refuse(error, "unauthenticated",
                       "the link to this file has expired: open the room or its history again");
}

static bool get(StoaDb *db, StoaWebCall *call, GError **error)
{
    const char *room = stoa_web_arg(call, "room"), *file = stoa_web_arg(call, "file");
    g_autoptr(GError) why = NULL;

    if (!may_read(call, room, file, error))
        return false;
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT name, type FROM file WHERE id = ?1 AND room_id = ?2 AND " STOA_HISTORY_SHOWS(
            "file.meeting_id", "?3"),
        "sss", file, room, call->caller.participant_id);
    if (!rows)
        return false;
    if (!stoa_rows_next(rows, &why)) {
        if (!why)
            return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such file");
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    const char *name = stoa_rows_text(rows, 0), *type = stoa_rows_text(rows, 1);
    g_autofree char *path = stoa_upload_path(stoa_web_data_dir(call), room, file);
    stoa_web_set_file(call, path, stoa_sniff_is_active(type) ? STOA_SNIFF_UNKNOWN : type,
                      name[0] == '{' ? "file" : name); /* a sealed name says nothing */
    return true;
}

const StoaWebRoute *stoa_web_file_routes(void)
{
    static const StoaWebRoute routes[] = {
        { "POST", "/rooms/:room/files", STOA_WEB_PARTICIPANT, NULL, upload_store, upload_live,
          "brings a file into the workspace", .upload = true },
        { "GET", "/rooms/:room/files/:file", STOA_WEB_ANYONE | READERS, NULL, get,
          .help = "a file, or a part of it" },
        { NULL },
    };

    return routes;
}
