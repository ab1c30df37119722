/* SPDX-License-Identifier: MIT */
/* Files, links, notes and boards, kept with the room. (rooms API, workspace; SECURITY R24) */
#include "workspace.h"

#include <inttypes.h>
#include <string.h>

enum { ADDED };
static const StoaMetric metrics[] = {
    { "added_total", "Items added, files included" },
    { NULL },
};

/* -- what may be added ------------------------------------------------------------------------------ */

static bool has_blanks(const char *text)
{
    for (; *text; text++) {
        if (g_ascii_isspace(*text) || g_ascii_iscntrl(*text))
            return true;
    }
    return false;
}

/* A page makes a link of it, so nothing that a browser would run: http and https with a host. A sealed one is the pages' to check. */
static bool check_url(const json_t *url, GError **error)
{
    const char *text = json_string_value(url);
    g_autoptr(GUri) uri = NULL;

    if (!text)
        return true;
    if (!has_blanks(text))
        uri = g_uri_parse(text, G_URI_FLAGS_ENCODED, NULL);
    if (uri && g_uri_get_host(uri) && *g_uri_get_host(uri) &&
        (g_str_equal(g_uri_get_scheme(uri), "http") || g_str_equal(g_uri_get_scheme(uri), "https")))
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "\"url\" must be a link that begins with http:// or https://");
}

static bool check_room_for_one(StoaRequest *req, GError **error)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    const Workspace *state = stoa_room_state(stoa_request_room(req));

    return state->items->len < conf->items ||
           stoa_fail(error, STOA_ERROR_CONFLICT,
                     "a workspace has %" PRId64 " items at most: remove one", conf->items);
}

static size_t size_of(const json_t *text)
{
    return text ? json_dumpb(text, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) : 0;
}

/* Everyone who comes in is sent all of them at once. @except  an item whose texts these take the place of; NULL: none */
static bool check_texts(StoaRequest *req, const Item *except, const json_t *title,
                        const json_t *url, const json_t *text, GError **error)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    const Workspace *state = stoa_room_state(stoa_request_room(req));
    size_t others = 0, these = size_of(title) + size_of(url) + size_of(text);

    for (guint i = 0; i < state->items->len; i++) {
        const Item *item = state->items->pdata[i];
        size_t size = size_of(item->title) + size_of(item->url) + size_of(item->text);
        if (item == except && these <= size) /* it gets no longer */
            return true;
        others += item == except ? 0 : size;
    }
    return others + these <= (size_t)conf->text_bytes ||
           stoa_fail(
               error, STOA_ERROR_CONFLICT,
               "the titles, links and texts of this workspace have %zu bytes, with this one %zu, "
               "and %" PRId64 " at most: remove or shorten some",
               others, others + these, conf->text_bytes);
}

/* The item is recorded: show it to who asked. */
static void reply_with_item(StoaRequest *req, uint64_t id)
{
    StoaRoom *room = stoa_request_room(req);

    stoa_request_reply(req, workspace_item_json(room, workspace_find(room, id)));
}

static bool add(StoaRequest *req, json_t *body, GError **error)
{
    if (!stoa_request_record(req, "added", body, error))
        return false;
    reply_with_item(req, stoa_request_seq(req));
    stoa_room_count(stoa_request_room(req), ADDED, 1);
    return true;
}

/* NULL for a field that is not there. */
static const json_t *field(StoaRequest *req, const char *name)
{
    return stoa_request_has(req, name) ? stoa_request_json(req, name) : NULL;
}

static bool on_add(StoaRequest *req, GError **error)
{
    const char *kind = stoa_request_string(req, "kind");
    const json_t *url = field(req, "url");
    bool is_link = g_str_equal(kind, "link");

    if (is_link && !url)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"url\" is missing: where the link goes");
    if (!is_link && url)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"url\": a %s has none", kind);
    if (!check_url(url, error) || !check_room_for_one(req, error) ||
        !check_texts(req, NULL, field(req, "title"), url, field(req, "text"), error))
        return false;
    return add(req,
               json_pack("{s:s, s:O, s:O*, s:O*}", "kind", kind, "title", field(req, "title"),
                         "url", url, "text", field(req, "text")),
               error);
}

/* In a sealed room the name came as a sealed text, written out as JSON. */
static json_t *title_of(StoaRequest *req, const StoaFile *file)
{
    json_t *sealed = stoa_room_is_sealed(stoa_request_room(req))
                         ? json_loads(stoa_file_name(file), JSON_REJECT_DUPLICATES, NULL)
                         : NULL;

    if (json_is_string(json_object_get(sealed, "sealed")))
        return sealed;
    json_decref(sealed);
    return json_string(stoa_file_name(file));
}

static bool file_added(StoaRequest *req, const StoaFile *file, GError **error)
{
    json_t *title = title_of(req, file);

    if (!check_room_for_one(req, error) || !check_texts(req, NULL, title, NULL, NULL, error)) {
        json_decref(title);
        return false;
    }
    return add(req,
               json_pack("{s:s, s:o, s:s, s:s, s:I}", "kind", "file", "title", title, "file",
                         stoa_file_id(file), "type", stoa_file_type(file), "size",
                         (json_int_t)stoa_file_size(file)),
               error);
}

/* -- changing and removing -------------------------------------------------------------------------- */

static Item *item_to_change(StoaRequest *req, GError **error)
{
    StoaParticipant *from = stoa_request_from(req);
    Item *item = workspace_item_of(req, error);

    if (!item || stoa_participant_role(from) >= STOA_ROLE_COHOST ||
        g_strcmp0(item->author, stoa_participant_id(from)) == 0)
        return item;
    stoa_fail(error, STOA_ERROR_FORBIDDEN, "this %s is not yours to change", item->kind);
    return NULL;
}

/* A change takes along what it leaves as it was: so it says which of the words are another's than the item's. */
static json_t *whose(StoaRequest *req, const Item *item)
{
    static const char *const texts[] = { "title", "url", "text" };
    const char *me = stoa_participant_id(stoa_request_from(req));
    json_t *by = item->by ? json_copy(item->by) : json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!stoa_request_has(req, texts[i]))
            continue;
        if (g_strcmp0(item->author, me) == 0)
            json_object_del(by, texts[i]);
        else
            json_object_set_new(by, texts[i], json_string(me));
    }
    return by;
}

/* What a change replaced is erased; the first words go with the item. */
static bool on_update(StoaRequest *req, GError **error)
{
    const json_t *title = field(req, "title"), *url = field(req, "url"), *text = field(req, "text");
    const Item *item = item_to_change(req, error);

    if (!item)
        return false;
    if (!title && !url && !text)
        return stoa_fail(error, STOA_ERROR_INVALID, "nothing to change: give title, url or text");
    if (url && !item->url)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"url\": a %s has none", item->kind);
    if (!check_url(url, error) ||
        !check_texts(req, item, title ? title : item->title, url ? url : item->url,
                     text ? text : item->text, error))
        return false;
    uint64_t id = item->id, replaced = item->edited;
    json_t *body = json_pack("{s:o, s:O, s:O*, s:O*, s:o}", "id", stoa_record_id(id), "title",
                             title ? title : item->title, "url", url ? url : item->url, "text",
                             text ? text : item->text, "by", whose(req, item));
    if (!stoa_request_record(req, "updated", body, error))
        return false;
    if (replaced)
        stoa_room_erase(stoa_request_room(req), replaced);
    reply_with_item(req, id);
    return true;
}

static bool on_remove(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    const Item *item = item_to_change(req, error);

    if (!item)
        return false;
    uint64_t id = item->id, edited = item->edited;
    g_autofree char *file = g_strdup(item->file);
    json_t *body =
        json_pack("{s:o, s:b}", "id", stoa_record_id(id), "document", workspace_is_document(item));
    if (!stoa_request_record(req, "removed", body, error))
        return false;
    stoa_room_erase(room, id);
    if (edited)
        stoa_room_erase(room, edited);
    if (file)
        stoa_room_remove_file(room, file);
    workspace_sweep_soon(room);
    stoa_request_reply(req, json_pack("{s:o}", "id", stoa_record_id(id)));
    return true;
}

/* -- tables ----------------------------------------------------------------------------------------- */

static const char *const kinds[] = { "link", "note", "board", NULL };

static const StoaParam list_params[] = {
    { "id", STOA_ID, STOA_NULLABLE, .help = "that item only" },
    { "after", STOA_INT, 0, .max = INT64_MAX,
      .help = "updates after this number only: the `after` of a list that had `more`" },
    { NULL },
};
static const StoaParam add_params[] = {
    { "kind", STOA_ENUM, STOA_REQUIRED, .choices = kinds, .help = "files are uploaded by HTTP" },
    { "title", STOA_TEXT, STOA_REQUIRED, 1, ITEM_TITLE_MAX, .help = "what it is called" },
    { "url", STOA_TEXT, STOA_NULLABLE, 1, ITEM_URL_MAX, .help = "of a link: http or https" },
    { "text", STOA_TEXT, STOA_NULLABLE, 0, ITEM_TEXT_MAX, .help = "a few words about it" },
    { NULL },
};
static const StoaParam update_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the item" },
    { "title", STOA_TEXT, STOA_NULLABLE, 1, ITEM_TITLE_MAX, .help = "what it is called from now" },
    { "url", STOA_TEXT, STOA_NULLABLE, 1, ITEM_URL_MAX, .help = "of a link: http or https" },
    { "text", STOA_TEXT, STOA_NULLABLE, 0, ITEM_TEXT_MAX, .help = "a few words about it" },
    { NULL },
};
static const StoaParam id_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the item" },
    { NULL },
};
static const StoaParam sync_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the note or board" },
    { "update", STOA_BYTES, STOA_REQUIRED, 1, UPDATE_BYTES_MAX, .help = "a CRDT update" },
    { NULL },
};
static const StoaParam snapshot_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the note or board" },
    { "upto", STOA_INT, STOA_REQUIRED, 1, INT64_MAX,
      .help = "the number of the last update that is in it" },
    { "update", STOA_BYTES, STOA_REQUIRED, 1, UPDATE_BYTES_MAX,
      .help = "all updates up to there, as one" },
    { NULL },
};
static const StoaParam presence_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the item" },
    { "data", STOA_ANY, STOA_REQUIRED, .help = "a cursor, a selection: handed on and forgotten" },
    { NULL },
};
static const StoaMethod methods[] = {
    { "list", workspace_on_list, STOA_ROLE_PARTICIPANT, list_params,
      "All items; notes and boards with their snapshot and the updates after it" },
    { "add", on_add, STOA_ROLE_PARTICIPANT, add_params, "Share a link, begin a note or a board" },
    { "update", on_update, STOA_ROLE_PARTICIPANT, update_params,
      "Change what is said of an item of yours; cohosts: of any" },
    { "remove", on_remove, STOA_ROLE_PARTICIPANT, id_params,
      "Erase an item of yours, with its bytes; cohosts: any" },
    { "sync", workspace_on_sync, STOA_ROLE_PARTICIPANT, sync_params, "Edit a note or a board" },
    { "snapshot", workspace_on_snapshot, STOA_ROLE_PARTICIPANT, snapshot_params,
      "Replace many updates by one" },
    { "presence", workspace_on_presence, STOA_ROLE_PARTICIPANT, presence_params,
      "Show the others where you are" },
    { NULL },
};

#define AT(field) offsetof(WorkspaceConf, field)
static const StoaOption options[] = {
    { "limits.file_bytes", STOA_INT, STOA_LIVE, AT(file_bytes), "104857600", 1, INT64_C(1) << 40,
      "Bytes of one uploaded file" },
    { "limits.room_bytes", STOA_INT, STOA_LIVE, AT(room_bytes), "1073741824", 1, INT64_C(1) << 50,
      "Bytes of all files in one room" },
    { "limits.items", STOA_INT, STOA_LIVE, AT(items), "500", 1, 100000, "Items in one room" },
    { "limits.text_bytes", STOA_INT, STOA_LIVE, AT(text_bytes), "524288", 1000, INT64_C(1) << 30,
      "Bytes of all titles, links and texts in one room; everyone who comes in is sent them" },
    { "limits.update_bytes", STOA_INT, STOA_LIVE, AT(update_bytes), "65536", 1, UPDATE_BYTES_MAX,
      "Bytes of one edit of a note or board" },
    { "limits.snapshot_bytes", STOA_INT, STOA_LIVE, AT(snapshot_bytes), "524288", 1,
      UPDATE_BYTES_MAX, "Bytes of a note or board as a whole" },
    { "limits.item_bytes", STOA_INT, STOA_LIVE, AT(item_bytes), "8388608", 1, INT64_C(1) << 40,
      "Bytes of edits of one note or board since its last snapshot" },
    { "limits.presence_bytes", STOA_INT, STOA_LIVE, AT(presence_bytes), "4096", 1, 65536,
      "Bytes of one cursor or selection" },
    { "limits.updates_per_second", STOA_INT, STOA_LIVE, AT(updates_per_second), "50", 0, 100000,
      "Edits a second of one person; 0: no limit" },
    { "limits.presence_per_second", STOA_INT, STOA_LIVE, AT(presence_per_second), "50", 0, 100000,
      "Cursor moves a second of one person; 0: no limit" },
    { "snapshot.updates", STOA_INT, STOA_LIVE, AT(snapshot_updates), "500", 1, 1000000,
      "After so many edits a page is asked for a snapshot" },
    { "snapshot.log_bytes", STOA_INT, STOA_LIVE, AT(snapshot_log_bytes), "262144", 1,
      INT64_C(1) << 40, "Or after so many bytes of them" },
    { "snapshot.keep_days", STOA_INT, STOA_LIVE, AT(keep_days), "7", 0, 3650,
      "How many days what a snapshot replaced is kept" },
    { NULL },
};

STOA_PLUGIN(.name = "workspace", .version = "1.0",
            .summary = "Files, links, notes and boards, kept with the room",
            .caps = STOA_CAP_HISTORY, .methods = methods, .options = options, .metrics = metrics,
            .conf_size = sizeof(WorkspaceConf), .room_size = sizeof(Workspace),
            .participant_size = sizeof(WorkspaceSeat), .room_opened = workspace_room_opened,
            .room_closed = workspace_room_closed, .apply = workspace_apply, .save = workspace_save,
            .load = workspace_load, .describe = workspace_describe, .present = workspace_present,
            .present_alike = true, .redact = workspace_redact,
            .redact_other = workspace_redact_other, .history_name = "workspace",
            .history_kind = "sync", .history = workspace_history, .history_fill = workspace_fill,
            .file_added = file_added)
