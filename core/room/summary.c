/* SPDX-License-Identifier: MIT */
/* What a meeting leaves in the mail. */
#include "config.h"

#include "mail/mail.h"
#include "room/attendance.h"
#include "room/summary.h"
#include "store/token.h"

static json_t *people_json(const GPtrArray *stays)
{
    json_t *list = json_array();

    for (guint i = 0; i < stays->len; i++) {
        const StoaStay *stay = stays->pdata[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "name",
                                              stay->name ? stay->name : "erased", "role",
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

static json_t *items_json(const json_t *items, const char *link)
{
    json_t *list = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        const char *id = json_string_value(json_object_get(item, "id"));
        g_autofree char *to = link && id ? g_strdup_printf("%s&item=%s", link, id) : NULL;
        json_array_append_new(list,
                              json_pack("{s:s*, s:s*, s:s*, s:s*}", "title", title_of(item, kind),
                                        "kind", kind, "by", author_of(item), "link", to));
    }
    return list;
}

/* A link of one's own to the history; NULL without `error`: there will be nothing to see. */
static char *make_link(StoaDb *db, const StoaSummary *summary, const char *person, GError **error)
{
    char text[STOA_TOKEN_LEN + 1];
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    if (summary->erase_ms <= summary->ended_ms)
        return NULL;
    stoa_token_new(text, hash);
    if (!stoa_db_exec(db, error,
                      "INSERT INTO participant_token (token, participant_id, kind, expires_at)"
                      " VALUES (?1, ?2, 'link', ?3)",
                      "bsi", hash, sizeof hash, person, summary->erase_ms))
        return NULL;
    return g_strdup_printf("%s/history.html#h=%s", summary->base_url ? summary->base_url : "",
                           text);
}

static bool put_one(StoaDb *db, const StoaSummary *summary, const StoaStay *stay, json_t *people,
                    GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *link = make_link(db, summary, stay->person, &why);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    json_t *payload =
        json_pack("{s:s*, s:s, s:s*, s:s*, s:I, s:I, s:O, s:o}", "name", stay->name, "title",
                  summary->title, "host", summary->host, "link", link, "started_at",
                  (json_int_t)summary->started_ms, "ended_at", (json_int_t)summary->ended_ms,
                  "people", people, "items", items_json(summary->items, link));
    return stoa_mail_put(db, STOA_MAIL_SUMMARY, stay->email, summary->room, payload, error);
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
