/* SPDX-License-Identifier: MIT */
/* Items as people see them: in events, in `list` and `state`, in the history. */
#include "workspace.h"

#include <string.h>

/* A file is fetched by a ticket that is made anew each time somebody looks. */
static json_t *url_json(StoaRoom *room, const Item *item)
{
    if (!item->file)
        return json_incref(item->url);
    g_autofree char *url = stoa_room_file_url(room, item->file);
    return url ? json_string(url) : NULL;
}

json_t *workspace_item_json(StoaRoom *room, const Item *item)
{
    const char *titled = json_string_value(json_object_get(item->by, "title"));
    json_t *body =
        json_pack("{s:o, s:s, s:O, s:o, s:s, s:o*, s:O*, s:s*, s:s*}", "id",
                  stoa_record_id(item->id), "kind", item->kind, "title", item->title, "by",
                  stoa_room_who(room, item->author), "at", item->at, "url", url_json(room, item),
                  "text", item->text, "type", item->type, "updated_at", item->updated_at);

    if (titled)
        json_object_set_new(body, "title_by", stoa_room_who(room, titled));
    if (item->file)
        json_object_set_new(body, "size", json_integer(item->size));
    return body;
}

json_t *workspace_document_json(StoaRoom *room, const Item *item)
{
    json_t *body = workspace_item_json(room, item);

    if (workspace_is_document(item))
        json_object_set_new(body, "updates", json_array());
    if (item->snapshot)
        json_object_set_new(body, "upto", json_integer((json_int_t)item->upto));
    return body;
}

json_t *workspace_describe(StoaRoom *room, StoaParticipant *viewer G_GNUC_UNUSED)
{
    const Workspace *state = stoa_room_state(room);
    json_t *items = json_array();

    for (guint i = 0; i < state->items->len; i++)
        json_array_append_new(items, workspace_item_json(room, state->items->pdata[i]));
    return json_pack("{s:o}", "items", items);
}

json_t *workspace_history(StoaRoom *room, const char *meeting,
                          StoaParticipant *viewer G_GNUC_UNUSED)
{
    const Workspace *state = stoa_room_state(room);
    json_t *items = json_array();

    for (guint i = 0; i < state->items->len; i++) {
        const Item *item = state->items->pdata[i];
        if (g_strcmp0(item->meeting, meeting) == 0)
            json_array_append_new(items, workspace_document_json(room, item));
    }
    return items;
}

/* A snapshot says nothing new to those who are here. */
static json_t *present_sync(StoaRoom *room, const StoaRecord *record)
{
    const json_t *body = stoa_record_body(record);

    if (json_object_get(body, "upto"))
        return NULL;
    return json_pack("{s:O, s:O, s:o}", "id", json_object_get(body, "id"), "update",
                     json_object_get(body, "update"), "from",
                     stoa_room_who(room, stoa_record_author(record)));
}

json_t *workspace_present(StoaRoom *room, const StoaRecord *record,
                          StoaParticipant *viewer G_GNUC_UNUSED)
{
    const json_t *body = stoa_record_body(record);
    const char *kind = stoa_record_kind(record);
    bool added = g_str_equal(kind, "added");
    const Item *item = workspace_find(
        room, added ? stoa_record_seq(record)
                    : stoa_record_id_seq(json_string_value(json_object_get(body, "id"))));

    if (!body)
        return NULL;
    if (g_str_equal(kind, "removed"))
        return json_pack("{s:O}", "id", json_object_get(body, "id"));
    if (!item) /* removed meanwhile */
        return NULL;
    return g_str_equal(kind, "sync") ? present_sync(room, record) : workspace_item_json(room, item);
}
