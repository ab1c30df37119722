/* SPDX-License-Identifier: MIT */
/* The items of a room, folded from its records. Kinds: added, updated, removed, sync (with "upto": a snapshot). */
#include "workspace.h"

#include <string.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void item_free(gpointer data)
{
    Item *item = data;

    json_decref(item->title);
    json_decref(item->url);
    json_decref(item->text);
    json_decref(item->by);
    g_clear_pointer(&item->writers, g_ptr_array_unref);
    g_free(item->kind);
    g_free(item->file);
    g_free(item->type);
    g_free(item->author);
    g_free(item->at);
    g_free(item->updated_at);
    g_free(item->meeting);
    g_free(item);
}

void workspace_room_opened(StoaRoom *room)
{
    Workspace *state = stoa_room_state(room);

    state->items = g_ptr_array_new_with_free_func(item_free);
    state->sweeps = g_array_new(FALSE, FALSE, sizeof(Sweep));
    workspace_sweep_soon(room);
}

void workspace_room_closed(StoaRoom *room)
{
    Workspace *state = stoa_room_state(room);

    g_clear_pointer(&state->items, g_ptr_array_unref);
    g_clear_pointer(&state->sweeps, g_array_unref);
}

/* -- finding ---------------------------------------------------------------------------------------- */

Item *workspace_find(StoaRoom *room, uint64_t id)
{
    const Workspace *state = stoa_room_state(room);

    for (guint i = 0; i < state->items->len; i++) {
        Item *item = state->items->pdata[i];
        if (item->id == id)
            return item;
    }
    return NULL;
}

bool workspace_is_document(const Item *item)
{
    return g_str_equal(item->kind, "note") || g_str_equal(item->kind, "board");
}

/* -- the records ------------------------------------------------------------------------------------ */

static char *text_of(const json_t *body, const char *name)
{
    return g_strdup(json_string_value(json_object_get(body, name)));
}

static int64_t number_of(const json_t *body, const char *name)
{
    return json_integer_value(json_object_get(body, name));
}

static void set_text(json_t **place, const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);

    if (!value)
        return;
    json_decref(*place);
    *place = json_deep_copy(value);
}

static Item *item_new(StoaRoom *room, uint64_t id, const json_t *body)
{
    Workspace *state = stoa_room_state(room);
    Item *item = g_new0(Item, 1);

    item->id = id;
    item->kind = text_of(body, "kind");
    item->file = text_of(body, "file");
    item->type = text_of(body, "type");
    item->size = number_of(body, "size");
    set_text(&item->title, body, "title");
    set_text(&item->url, body, "url");
    set_text(&item->text, body, "text");
    g_ptr_array_add(state->items, item);
    return item;
}

static void apply_added(StoaRoom *room, const StoaRecord *record)
{
    Item *item = item_new(room, stoa_record_seq(record), stoa_record_body(record));

    item->author = g_strdup(stoa_record_author(record));
    item->at = g_strdup(stoa_record_at(record));
    item->meeting = g_strdup(stoa_record_meeting(record));
}

static void apply_updated(Item *item, const StoaRecord *record)
{
    const json_t *body = stoa_record_body(record);

    set_text(&item->title, body, "title");
    set_text(&item->url, body, "url");
    set_text(&item->text, body, "text");
    g_clear_pointer(&item->by, json_decref);
    set_text(&item->by, body, "by");
    item->edited = stoa_record_seq(record);
    g_free(item->updated_at);
    item->updated_at = g_strdup(stoa_record_at(record));
}

static void note_writer(Item *item, const char *who)
{
    if (!item->writers)
        item->writers = g_ptr_array_new_with_free_func(g_free);
    if (who && !g_ptr_array_find_with_equal_func(item->writers, who, g_str_equal, NULL))
        g_ptr_array_add(item->writers, g_strdup(who));
}

static void note_writers(Item *item, const json_t *writers)
{
    json_t *writer;
    size_t i;

    json_array_foreach(writers, i, writer) note_writer(item, json_string_value(writer));
}

static void apply_update(Item *item, const StoaRecord *record)
{
    const char *update = json_string_value(json_object_get(stoa_record_body(record), "update"));

    note_writer(item, stoa_record_author(record));
    item->last_sync = stoa_record_seq(record);
    item->n_updates++;
    item->bytes += update ? (int64_t)strlen(update) / 4 * 3 : 0;
}

/* What it replaces goes after some days, an earlier snapshot too: until then a bad one can be undone. Who wrote that must then be
 * known from it. */
static void apply_snapshot(StoaRoom *room, Item *item, const StoaRecord *record)
{
    const WorkspaceConf *conf = stoa_room_conf(room);
    Workspace *state = stoa_room_state(room);
    const json_t *body = stoa_record_body(record);
    Sweep sweep = { .item = item->id,
                    .upto = (uint64_t)number_of(body, "upto"),
                    .before = stoa_record_seq(record),
                    .due_ms = stoa_record_at_ms(record) + conf->keep_days * DAY_MS };

    note_writers(item, json_object_get(body, "writers"));
    if (!json_object_get(body, "writers")) /* of an older version */
        note_writer(item, "");
    item->upto = sweep.upto;
    item->last_sync = MAX(item->last_sync, sweep.upto); /* which may be erased by now */
    item->snapshot = sweep.before;
    item->n_updates = number_of(body, "n_after");
    item->bytes = number_of(body, "bytes_after");
    item->wanted_at = 0;
    g_array_append_val(state->sweeps, sweep);
}

/* Its own records are erased with it, so that it need not be there; its updates follow soon. */
static void apply_removed(StoaRoom *room, Item *item, const StoaRecord *record)
{
    Workspace *state = stoa_room_state(room);
    const json_t *body = stoa_record_body(record);
    uint64_t seq = stoa_record_seq(record);
    Sweep sweep = { .item = stoa_record_id_seq(json_string_value(json_object_get(body, "id"))),
                    .upto = seq,
                    .before = seq,
                    .due_ms = stoa_record_at_ms(record) };

    if (json_is_true(json_object_get(body, "document")))
        g_array_append_val(state->sweeps, sweep);
    if (item)
        g_ptr_array_remove(state->items, item);
}

void workspace_apply(StoaRoom *room, StoaParticipant *author G_GNUC_UNUSED,
                     const StoaRecord *record)
{
    const json_t *body = stoa_record_body(record);
    const char *kind = stoa_record_kind(record);
    Item *item =
        workspace_find(room, stoa_record_id_seq(json_string_value(json_object_get(body, "id"))));

    if (g_str_equal(kind, "added"))
        apply_added(room, record);
    else if (g_str_equal(kind, "removed"))
        apply_removed(room, item, record);
    else if (!item) /* its records were erased */
        return;
    else if (g_str_equal(kind, "updated"))
        apply_updated(item, record);
    else if (g_str_equal(kind, "sync") && json_object_get(body, "upto"))
        apply_snapshot(room, item, record);
    else if (g_str_equal(kind, "sync"))
        apply_update(item, record);
}

/* -- the snapshot ----------------------------------------------------------------------------------- */

json_t *workspace_writers_json(const Item *item)
{
    json_t *list = json_array();

    for (guint i = 0; item->writers && i < item->writers->len; i++)
        json_array_append_new(list, json_string(item->writers->pdata[i]));
    return list;
}

static json_t *save_item(const Item *item)
{
    return json_pack(
        "{s:I, s:s, s:O, s:O*, s:O*, s:s*, s:s*, s:I, s:s*, s:s*, s:s*, s:s*, s:I, s:I,"
        " s:I, s:I, s:I, s:I, s:o*, s:O*}",
        "id", (json_int_t)item->id, "kind", item->kind, "title", item->title, "url", item->url,
        "text", item->text, "file", item->file, "type", item->type, "size", (json_int_t)item->size,
        "author", item->author, "at", item->at, "updated_at", item->updated_at, "meeting",
        item->meeting, "edited", (json_int_t)item->edited, "last_sync", (json_int_t)item->last_sync,
        "snapshot", (json_int_t)item->snapshot, "upto", (json_int_t)item->upto, "n_updates",
        (json_int_t)item->n_updates, "bytes", (json_int_t)item->bytes, "writers",
        workspace_writers_json(item), "by", item->by);
}

json_t *workspace_save(StoaRoom *room)
{
    const Workspace *state = stoa_room_state(room);
    json_t *items = json_array(), *sweeps = json_array();

    for (guint i = 0; i < state->items->len; i++)
        json_array_append_new(items, save_item(state->items->pdata[i]));
    for (guint i = 0; i < state->sweeps->len; i++) {
        const Sweep *sweep = &g_array_index(state->sweeps, Sweep, i);
        json_array_append_new(sweeps, json_pack("[I, I, I, I]", (json_int_t)sweep->item,
                                                (json_int_t)sweep->upto, (json_int_t)sweep->before,
                                                (json_int_t)sweep->due_ms));
    }
    return json_pack("{s:i, s:o, s:o}", "version", 3, "items", items, "sweeps", sweeps);
}

static void load_item(StoaRoom *room, const json_t *one)
{
    Item *item = item_new(room, (uint64_t)number_of(one, "id"), one);

    item->author = text_of(one, "author");
    item->at = text_of(one, "at");
    item->updated_at = text_of(one, "updated_at");
    item->meeting = text_of(one, "meeting");
    item->edited = (uint64_t)number_of(one, "edited");
    item->last_sync = (uint64_t)number_of(one, "last_sync");
    item->snapshot = (uint64_t)number_of(one, "snapshot");
    item->upto = (uint64_t)number_of(one, "upto");
    item->n_updates = number_of(one, "n_updates");
    item->bytes = number_of(one, "bytes");
    note_writers(item, json_object_get(one, "writers"));
    set_text(&item->by, one, "by");
}

bool workspace_load(StoaRoom *room, const json_t *snapshot)
{
    Workspace *state = stoa_room_state(room);
    json_t *one;
    size_t i;

    if (number_of(snapshot, "version") != 3) /* before, it was not known who wrote what */
        return false;
    json_array_foreach(json_object_get(snapshot, "items"), i, one) load_item(room, one);
    json_array_foreach(json_object_get(snapshot, "sweeps"), i, one)
    {
        Sweep sweep = { (uint64_t)json_integer_value(json_array_get(one, 0)),
                        (uint64_t)json_integer_value(json_array_get(one, 1)),
                        (uint64_t)json_integer_value(json_array_get(one, 2)),
                        json_integer_value(json_array_get(one, 3)) };
        g_array_append_val(state->sweeps, sweep);
    }
    return true;
}
