/* SPDX-License-Identifier: MIT */
/* What a meeting leaves in the mail. */
#include "config.h"

#include "mail/mail.h"
#include "room/attendance.h"
#include "room/summary.h"
#include "store/token.h"

static const char erased[] = "erased";

static json_t *people_json(const GPtrArray *stays)
{
    json_t *list = json_array();

    for (guint i = 0; i < stays->len; i++) {
        const StoaStay *stay = stays->pdata[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", stay->person,
                                              "name", stay->name ? stay->name : erased, "role",
                                              stay->role, "joined_at", (json_int_t)stay->joined_ms,
                                              "left_at", (json_int_t)stay->left_ms));
    }
    return list;
}

/* A sealed title is readable in the room alone: the mail names the kind. */
static const char *title_of(const json_t *item, const char *kind)
{
    const char *title = json_string_value(json_object_get(item, "title"));

    return title ? title : kind;
}

static const char *author_of(const json_t *item)
{
    const json_t *by = json_object_get(item, "by");
    const char *name = json_string_value(json_object_get(by, "name"));

    return name ? name : json_string_value(by);
}

static const char *id_in(const json_t *item, const char *name)
{
    return json_string_value(json_object_get(json_object_get(item, name), "id"));
}

static void put_item_link(json_t *item, const char *link)
{
    const char *id = json_string_value(json_object_get(item, "id"));

    if (link && id)
        json_object_set_new(item, "link", json_sprintf("%s&item=%s", link, id));
}

static json_t *items_json(const json_t *items)
{
    json_t *list = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        json_t *made = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "id",
                                 json_string_value(json_object_get(item, "id")), "title",
                                 title_of(item, kind), "kind", kind, "by", author_of(item), "by_id",
                                 id_in(item, "by"), "title_by_id", id_in(item, "title_by"));
        json_array_append_new(list, made);
    }
    return list;
}

/* The host may have changed it since; 0: the meeting is gone. */
static int64_t erased_at(StoaDb *db, const json_t *payload, GError **error)
{
    return stoa_db_int(
        db, error, 0,
        "SELECT m.erase_at FROM meeting m JOIN participant p ON p.room_id = m.room_id"
        " WHERE p.id = ?1 AND m.ended_at = ?2",
        "si", json_string_value(json_object_get(payload, "person")),
        json_integer_value(json_object_get(payload, "ended_at")));
}

/* A link of one's own to the history, put into the payload and each item; none where there will be nothing to see. */
static bool put_links(StoaDb *db, json_t *payload, GError **error)
{
    const char *base = json_string_value(json_object_get(payload, "base_url"));
    g_autoptr(GError) why = NULL;
    int64_t erase_ms = erased_at(db, payload, &why);
    char text[STOA_TOKEN_LEN + 1];
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    json_t *item;
    size_t i;

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (erase_ms <= json_integer_value(json_object_get(payload, "ended_at")))
        return true;
    json_object_set_new(payload, "erase_at", json_integer(erase_ms));
    stoa_token_new(text, hash);
    if (!stoa_db_exec(db, error,
                      "INSERT INTO participant_token (token, participant_id, kind, expires_at,"
                      " proven) VALUES (?1, ?2, 'link', ?3, 1)",
                      "bsi", hash, sizeof hash,
                      json_string_value(json_object_get(payload, "person")), erase_ms))
        return false;
    g_autofree char *link = g_strdup_printf("%s/history.html#h=%s", base ? base : "", text);
    json_object_set_new(payload, "link", json_string(link));
    json_array_foreach(json_object_get(payload, "items"), i, item) put_item_link(item, link);
    return true;
}

static bool put_one(StoaDb *db, const StoaSummary *summary, const StoaStay *stay, json_t *people,
                    GError **error)
{
    json_t *payload =
        json_pack("{s:s, s:s*, s:s, s:s*, s:s*, s:I, s:I, s:I, s:O, s:o}", "person", stay->person,
                  "name", stay->name, "title", summary->title, "host", summary->host, "base_url",
                  summary->base_url, "started_at", (json_int_t)summary->started_ms, "ended_at",
                  (json_int_t)summary->ended_ms, "erase_at", (json_int_t)summary->erase_ms,
                  "people", people, "items", items_json(summary->items));

    if (put_links(db, payload, error))
        return stoa_mail_put(db, STOA_MAIL_SUMMARY, stay->email, summary->room, payload, error);
    json_decref(payload);
    return false;
}

bool stoa_summary_put(StoaDb *db, const StoaSummary *summary, GError **error)
{
    g_autoptr(GPtrArray) stays = stoa_attendance_read(db, summary->meeting, error);
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    bool ok = stays != NULL;

    if (!ok)
        return false;
    json_t *people = people_json(stays);
    for (guint i = 0; ok && i < stays->len; i++) {
        const StoaStay *stay = stays->pdata[i];
        if (stay->email && g_hash_table_add(done, stay->email))
            ok = put_one(db, summary, stay, people, error);
    }
    json_decref(people);
    return ok;
}

/* -- somebody is erased --------------------------------------------------------------------------- */

static bool forget_person(json_t *people, const char *id)
{
    bool changed = false;
    json_t *person;
    size_t i;

    json_array_foreach(people, i, person)
    {
        if (g_strcmp0(json_string_value(json_object_get(person, "id")), id) != 0)
            continue;
        json_object_set_new(person, "name", json_string(erased));
        changed = true;
    }
    return changed;
}

/* What they shared goes, notes and boards too, of which the mail cannot tell whether others wrote in them: the history does. What
 * others shared under a title of theirs is called by its kind. */
static bool forget_items(json_t *items, const char *person)
{
    bool changed = false;

    for (size_t i = json_array_size(items); i > 0; i--) {
        json_t *item = json_array_get(items, i - 1);
        bool is_theirs = g_strcmp0(json_string_value(json_object_get(item, "by_id")), person) == 0;
        if (is_theirs) {
            json_array_remove(items, i - 1);
        } else if (g_strcmp0(json_string_value(json_object_get(item, "title_by_id")), person) ==
                   0) {
            json_object_set(item, "title", json_object_get(item, "kind"));
            json_object_del(item, "title_by_id");
        } else {
            continue;
        }
        changed = true;
    }
    return changed;
}

static bool forget(StoaDb *db, json_t *payload, bool is_file, bool *changed, void *data,
                   GError **error)
{
    const char *person = data;

    bool was_there = forget_person(json_object_get(payload, "people"), person);
    *changed = forget_items(json_object_get(payload, "items"), person) || was_there;
    return !*changed || !is_file || put_links(db, payload, error);
}

bool stoa_summary_forget(StoaDb *db, const char *room, const char *person, GPtrArray *files,
                         GError **error)
{
    g_autofree char *id = g_strdup(person);

    return stoa_mail_edit_summaries(db, room, forget, id, files, error);
}
