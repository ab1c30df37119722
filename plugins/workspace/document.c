/* SPDX-License-Identifier: MIT */
/* Notes and boards: CRDT updates that the server keeps and hands on without knowing what is in them. */
#include "workspace.h"

#include <inttypes.h>
#include <string.h>

enum {
    PAGE = 200,
    LIST_BYTES = 3 * 512 * 1024, /* of updates in one list: what a connection can take at once */
};

Item *workspace_item_of(StoaRequest *req, GError **error)
{
    const char *id = stoa_request_id(req, "id");
    Item *item = workspace_find(stoa_request_room(req), stoa_record_id_seq(id));

    if (!item)
        stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no item %s", id);
    return item;
}

static Item *document_of(StoaRequest *req, GError **error)
{
    Item *item = workspace_item_of(req, error);

    if (!item || workspace_is_document(item))
        return item;
    stoa_fail(error, STOA_ERROR_CONFLICT, "a %s is not edited together: use update", item->kind);
    return NULL;
}

/* -- updates ---------------------------------------------------------------------------------------- */

static int64_t bytes_of(StoaRequest *req)
{
    return (int64_t)strlen(stoa_request_string(req, "update")) / 4 * 3;
}

static bool check_bytes(int64_t bytes, int64_t max, GError **error)
{
    return bytes <= max + 2 /* of padding */ ||
           stoa_fail(error, STOA_ERROR_INVALID,
                     "\"update\" has %" PRId64 " bytes: at most %" PRId64 " are taken", bytes, max);
}

static json_t *id_and_update(StoaRequest *req, const Item *item)
{
    return json_pack("{s:o, s:O}", "id", stoa_record_id(item->id), "update",
                     stoa_request_json(req, "update"));
}

/* Whoever edits just now is there, and can make one. Asked again every so often until it comes. */
static void want_snapshot(StoaRequest *req, Item *item)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    int64_t again = MAX(conf->snapshot_updates / 5, 1);

    if (item->n_updates < conf->snapshot_updates && item->bytes < conf->snapshot_log_bytes)
        return;
    if (item->wanted_at && item->n_updates < item->wanted_at + again)
        return;
    item->wanted_at = item->n_updates;
    stoa_participant_send(stoa_request_from(req), "snapshot_wanted",
                          json_pack("{s:o, s:I}", "id", stoa_record_id(item->id), "upto",
                                    (json_int_t)item->last_sync));
}

bool workspace_on_sync(StoaRequest *req, GError **error)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    WorkspaceSeat *seat = stoa_participant_state(stoa_request_from(req));
    Item *item = document_of(req, error);

    if (!item || !check_bytes(bytes_of(req), conf->update_bytes, error) ||
        !stoa_rate_take(&seat->updates, conf->updates_per_second, error))
        return false;
    if (item->bytes + bytes_of(req) > conf->item_bytes)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "this %s has %" PRId64 " bytes of updates: send a snapshot first",
                         item->kind, item->bytes);
    if (!stoa_request_record(req, "sync", id_and_update(req, item), error))
        return false;
    stoa_request_reply(req, json_pack("{s:o}", "id", stoa_record_id(item->id)));
    want_snapshot(req, item);
    return true;
}

/* -- snapshots -------------------------------------------------------------------------------------- */

/* What came after `upto` counts on: it is read back to be sure. */
static bool got_rest(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                     GError **error)
{
    Item *item = document_of(req, error);
    uint64_t upto = (uint64_t)stoa_request_int(req, "upto");
    int64_t n_after = 0, bytes_after = 0;

    if (!item)
        return false;
    if (upto <= item->upto || more)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "a newer snapshot than %" PRIu64 " is wanted: %" PRIu64 " is the newest "
                         "update",
                         upto, item->last_sync);
    for (size_t i = 0; i < n; i++) {
        const json_t *body = stoa_record_body(records[i]);
        const char *update = json_string_value(json_object_get(body, "update"));
        if (stoa_record_id_seq(json_string_value(json_object_get(body, "id"))) != item->id ||
            json_object_get(body, "upto"))
            continue;
        n_after++;
        bytes_after += update ? (int64_t)strlen(update) / 4 * 3 : 0;
    }
    json_t *body = id_and_update(req, item);
    json_object_set_new(body, "upto", json_integer((json_int_t)upto));
    json_object_set_new(body, "n_after", json_integer(n_after));
    json_object_set_new(body, "bytes_after", json_integer(bytes_after));
    json_object_set_new(body, "writers", workspace_writers_json(item));
    if (!stoa_request_record(req, "sync", body, error))
        return false;
    workspace_sweep_soon(stoa_request_room(req));
    stoa_request_reply(req, json_pack("{s:o}", "id", stoa_record_id(item->id)));
    return true;
}

bool workspace_on_snapshot(StoaRequest *req, GError **error)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    StoaRecordQuery rest = { .kind = "sync", .limit = 1000 };
    Item *item = document_of(req, error);

    if (!item || !check_bytes(bytes_of(req), conf->snapshot_bytes, error))
        return false;
    rest.after = (uint64_t)stoa_request_int(req, "upto");
    if (rest.after > item->last_sync)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"upto\" is the number of an update of this %s: %" PRIu64
                         " is the newest",
                         item->kind, item->last_sync);
    stoa_request_read(req, &rest, got_rest);
    return true;
}

/* -- presence --------------------------------------------------------------------------------------- */

bool workspace_on_presence(StoaRequest *req, GError **error)
{
    const WorkspaceConf *conf = stoa_module_conf(stoa_request_module(req));
    StoaParticipant *from = stoa_request_from(req);
    WorkspaceSeat *seat = stoa_participant_state(from);
    StoaRoom *room = stoa_request_room(req);
    const json_t *data = stoa_request_json(req, "data");
    const Item *item = workspace_item_of(req, error);

    if (!item || !stoa_rate_take(&seat->presences, conf->presence_per_second, error))
        return false;
    size_t size = json_dumpb(data, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    if (size > (size_t)conf->presence_bytes)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"data\" has %zu bytes: at most %" PRId64 " are handed on", size,
                         conf->presence_bytes);
    stoa_room_broadcast_except(room, from, "presence",
                               json_pack("{s:o, s:o, s:O}", "id", stoa_record_id(item->id), "from",
                                         stoa_room_who(room, stoa_participant_id(from)), "data",
                                         data));
    return true;
}

/* -- the list --------------------------------------------------------------------------------------- */

static json_t *find_in(const json_t *items, const char *id)
{
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (g_strcmp0(json_string_value(json_object_get(item, "id")), id) == 0)
            return item;
    }
    return NULL;
}

/* A snapshot takes the place of all up to its `upto`; the item says which one is right. Whether it went into one. */
static bool fill_in(const json_t *items, const StoaRecord *record)
{
    const json_t *body = stoa_record_body(record);
    json_t *item = find_in(items, json_string_value(json_object_get(body, "id")));
    uint64_t upto = (uint64_t)json_integer_value(json_object_get(item, "upto"));

    if (!item)
        return false;
    if (json_object_get(body, "upto")) {
        return (uint64_t)json_integer_value(json_object_get(body, "upto")) == upto &&
               json_object_set(item, "snapshot", json_object_get(body, "update")) == 0;
    }
    return stoa_record_seq(record) > upto &&
           json_array_append(json_object_get(item, "updates"), json_object_get(body, "update")) ==
               0;
}

static size_t size_of(const StoaRecord *record)
{
    const char *update = json_string_value(json_object_get(stoa_record_body(record), "update"));

    return update ? strlen(update) : 0;
}

/* The newest snapshot of those that the viewer sees: it may be another than the newest of all. */
static void choose_snapshots(const json_t *items, const StoaRecord *const *records, size_t n)
{
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item) json_object_del(item, "upto");
    for (i = 0; i < n; i++) {
        const json_t *body = stoa_record_body(records[i]);
        json_t *upto = json_object_get(body, "upto");
        item = upto ? find_in(items, json_string_value(json_object_get(body, "id"))) : NULL;
        if (item)
            json_object_set(item, "upto", upto);
    }
}

void workspace_fill(StoaRoom *room G_GNUC_UNUSED, json_t *items, const StoaRecord *const *records,
                    size_t n)
{
    choose_snapshots(items, records, n);
    for (size_t i = 0; i < n; i++)
        fill_in(items, records[i]);
}

/* A list that is being put together. */
typedef struct {
    json_t *items;   /* owned */
    size_t bytes;    /* of updates in it */
    bool is_further; /* the first had all the items: of these only those with more in them */
} Listing;

static void listing_free(gpointer data)
{
    Listing *listing = data;

    json_decref(listing->items);
    g_free(listing);
}

static void leave_out_empty(json_t *items)
{
    for (size_t i = json_array_size(items); i > 0; i--) {
        const json_t *item = json_array_get(items, i - 1);
        if (!json_object_get(item, "snapshot") &&
            json_array_size(json_object_get(item, "updates")) == 0)
            json_array_remove(items, i - 1);
    }
}

static void reply_with(StoaRequest *req, const Listing *listing, uint64_t after)
{
    json_t *body = json_pack("{s:O}", "items", listing->items);

    if (listing->is_further)
        leave_out_empty(listing->items);
    if (after) {
        json_object_set_new(body, "more", json_true());
        json_object_set_new(body, "after", json_integer((json_int_t)after));
    }
    stoa_request_reply(req, body);
}

/* The items as they were when it was asked for, filled page by page; with `more`, those after the number `after` are to be asked for. */
static bool got_updates(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                        GError **error G_GNUC_UNUSED)
{
    Listing *listing = stoa_request_data(req);
    StoaRecordQuery next = { .kind = "sync", .limit = PAGE };
    size_t i = 0;

    for (; i < n && listing->bytes < LIST_BYTES; i++) {
        if (fill_in(listing->items, records[i]))
            listing->bytes += size_of(records[i]);
        next.after = stoa_record_seq(records[i]);
    }
    if (i < n || (more && listing->bytes >= LIST_BYTES))
        reply_with(req, listing, next.after);
    else if (!more || n == 0)
        reply_with(req, listing, 0);
    else
        stoa_request_read(req, &next, got_updates);
    return true;
}

/* `after` comes down to the first update that is needed. */
static json_t *items_for(StoaRoom *room, uint64_t id, uint64_t *after)
{
    const Workspace *state = stoa_room_state(room);
    json_t *items = json_array();

    *after = INT64_MAX;
    for (guint i = 0; i < state->items->len; i++) {
        const Item *item = state->items->pdata[i];
        if (id != 0 && item->id != id)
            continue;
        json_array_append_new(items, workspace_document_json(room, item));
        if (item->last_sync)
            *after = MIN(*after, MAX(item->upto, item->id));
    }
    return items;
}

bool workspace_on_list(StoaRequest *req, GError **error)
{
    StoaRecordQuery first = { .kind = "sync", .limit = PAGE };
    uint64_t id = 0;

    if (stoa_request_has(req, "id")) {
        const Item *item = workspace_item_of(req, error);
        if (!item)
            return false;
        id = item->id;
    }
    Listing *listing = g_new0(Listing, 1);
    listing->items = items_for(stoa_request_room(req), id, &first.after);
    stoa_request_set_data(req, listing, listing_free);
    if (first.after == INT64_MAX) {
        reply_with(req, listing, 0);
        return true;
    }
    listing->is_further = stoa_request_int(req, "after") > 0;
    first.after = MAX(first.after, (uint64_t)stoa_request_int(req, "after"));
    stoa_request_read(req, &first, got_updates);
    return true;
}
