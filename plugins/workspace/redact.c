/* SPDX-License-Identifier: MIT */
/* What stays of the records when a person is erased. Links and files go with who shared them, notes and boards with the last of
 * those who wrote in them: what is the work of many stays as long as one of them is there. A title, address or text goes with who
 * wrote it, whoever's record it is in. */
#include "workspace.h"

static const char *const texts[] = { "title", "url", "text" };

static const Item *item_of(StoaRoom *room, const StoaRecord *record)
{
    const json_t *id = json_object_get(stoa_record_body(record), "id");

    if (g_str_equal(stoa_record_kind(record), "added"))
        return workspace_find(room, stoa_record_seq(record));
    return workspace_find(room, stoa_record_id_seq(json_string_value(id)));
}

static bool is_known(StoaRoom *room, const char *person)
{
    json_t *who = stoa_room_who(room, person);
    bool known = json_is_string(json_object_get(who, "name"));

    json_decref(who);
    return known;
}

/* Whether there is work of others in it, erased ones aside. */
static bool is_of_others(StoaRoom *room, const Item *item, const char *person)
{
    for (guint i = 0; item->writers && i < item->writers->len; i++) {
        const char *writer = item->writers->pdata[i];
        if (!*writer || (!g_str_equal(writer, person) && is_known(room, writer)))
            return true;
    }
    return false;
}

static bool has_written(const Item *item, const char *person)
{
    return item->writers &&
           g_ptr_array_find_with_equal_func(item->writers, person, g_str_equal, NULL);
}

/* A record of before it was noted whose words are in it is taken for anybody's. */
static bool is_by(const Item *item, const StoaRecord *record, const char *text, const char *person)
{
    const json_t *by = json_object_get(stoa_record_body(record), "by");
    const char *writer = json_string_value(json_object_get(by, text));

    if (!by && g_strcmp0(stoa_record_author(record), item->author) != 0)
        return true;
    return g_strcmp0(writer ? writer : item->author, person) == 0;
}

/* An earlier title comes back, if it is another person's. */
static json_t *redact_update(const Item *item, const StoaRecord *record, const char *person)
{
    json_t *body = json_deep_copy(stoa_record_body(record));

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!is_by(item, record, texts[i], person))
            continue;
        json_object_del(body, texts[i]);
        json_object_del(json_object_get(body, "by"), texts[i]);
    }
    return body;
}

/* The item stays, for others wrote in it. */
static json_t *redact_added(const StoaRecord *record)
{
    json_t *body = json_deep_copy(stoa_record_body(record));

    json_object_del(body, "url");
    json_object_del(body, "text");
    json_object_set_new(body, "title", json_string("erased"));
    return body;
}

json_t *workspace_redact(StoaRoom *room, const StoaRecord *record)
{
    const char *person = stoa_record_author(record), *kind = stoa_record_kind(record);
    const Item *item = item_of(room, record);
    bool stays = item && workspace_is_document(item) && is_of_others(room, item, person);

    if (g_str_equal(kind, "added"))
        return stays ? redact_added(record) : NULL;
    if (g_str_equal(kind, "sync"))
        return stays ? json_deep_copy(stoa_record_body(record)) : NULL;
    if (g_str_equal(kind, "updated"))
        return item ? redact_update(item, record, person) : NULL;
    return json_deep_copy(stoa_record_body(record)); /* removed */
}

/* Whether nobody is left of those whose work it is. Somebody who is there began it, or wrote in it. */
static bool is_forsaken(StoaRoom *room, const Item *item, const char *person)
{
    return has_written(item, person) && !is_of_others(room, item, person);
}

/* Of an item that is not there nothing is needed. */
json_t *workspace_redact_other(StoaRoom *room, const StoaRecord *record, const char *person)
{
    const Item *item = item_of(room, record);
    const char *kind = stoa_record_kind(record);
    bool goes = false;

    if (g_str_equal(kind, "updated"))
        return item ? redact_update(item, record, person) : NULL;
    if (g_str_equal(kind, "sync"))
        goes = !item || is_forsaken(room, item, person);
    else if (g_str_equal(kind, "added") && item && workspace_is_document(item))
        goes = is_forsaken(room, item, person) && !is_known(room, item->author);
    return goes ? NULL : json_incref((json_t *)stoa_record_body(record));
}
