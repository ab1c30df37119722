/* SPDX-License-Identifier: MIT */
/* What a host wants a room to be. */
#include "config.h"

#include "web/room-draft.h"

#include <stoa/error.h>
#include <string.h>

enum {
    MAX_TITLE = 200,
    MAX_MODULES = 16,
    MAX_MODULE_NAME = 32,
    MAX_PLACE = 64,
    MAX_MINUTES = 7 * 24 * 60
};

static const char *const accesses[] = { "invited", "public", NULL };
static const char *const sealings[] = { "off", "media", "all", NULL };
static const char *const states[] = { "scheduled", NULL };

#define COMMON                                                                                \
    { "access", STOA_ENUM, .choices = accesses, .help = "who may join" },                     \
        { "lobby", STOA_BOOL, .help = "whether people wait until they are let in" },          \
        { "e2ee", STOA_ENUM, .choices = sealings, .help = "what is sealed in the browsers" }, \
        { "modules",          STOA_ARRAY,           .min = 0,                                 \
          .max = MAX_MODULES, .items = STOA_STRING, .help = "names of modules" },             \
        { "starts_at", STOA_STRING, STOA_NULLABLE, .min = 1, .max = 64, .help = "RFC 3339" }, \
        { "duration_min", STOA_INT,           STOA_NULLABLE,                                  \
          .min = 1,       .max = MAX_MINUTES, .help = "how long it is planned to be" },       \
        { "max_people", STOA_INT,       STOA_NULLABLE,                                        \
          .min = 1,     .max = 1000000, .help = "how many may be in" },                       \
        { "region", STOA_STRING,      STOA_NULLABLE,                                          \
          .min = 1, .max = MAX_PLACE, .help = "where it is best held" },                      \
        { "residency", STOA_STRING,      STOA_NULLABLE,                                       \
          .min = 1,    .max = MAX_PLACE, .help = "where its data must stay" },                \
        { "retention_days", STOA_INT, .min = 0, .max = 36500,                                 \
          .help = "how long a meeting's history is kept" },                                   \
    {                                                                                         \
        NULL                                                                                  \
    }

const StoaParam *stoa_draft_post_params(void)
{
    static const StoaParam params[] = {
        { "title", STOA_STRING, STOA_REQUIRED, .min = 0, .max = 4 * MAX_TITLE,
          .help = "what it is called" },
        { "host_email", STOA_STRING, .min = 0, .max = 1024,
          .help = "with an API key: whose room it is" },
        COMMON,
    };

    return params;
}

const StoaParam *stoa_draft_patch_params(void)
{
    static const StoaParam params[] = {
        { "title", STOA_STRING, .min = 0, .max = 4 * MAX_TITLE, .help = "what it is called" },
        { "locked", STOA_BOOL, .help = "whether nobody else may join" },
        { "state", STOA_ENUM, .choices = states, .help = "scheduled: an ended room opens again" },
        COMMON,
    };

    return params;
}

StoaRoomInfo *stoa_draft_new(const StoaRoomsConf *conf)
{
    StoaRoomInfo *room = g_new0(StoaRoomInfo, 1);

    room->access = g_strdup("invited");
    room->e2ee = g_strdup("off");
    room->state = g_strdup("scheduled");
    room->retention_days = conf->retention_days;
    room->modules = json_array();
    for (char **name = conf->modules; name && *name; name++)
        json_array_append_new(room->modules, json_string(*name));
    return room;
}

/* -- members ----------------------------------------------------------------------------------- */

typedef bool Take(StoaRoomInfo *room, const json_t *value, const StoaDraftRules *rules,
                  GError **error);

static void take_text(char **to, const json_t *value)
{
    g_free(*to);
    *to = g_strdup(json_string_value(value)); /* null: not set any more */
}

static bool take_title(StoaRoomInfo *room, const json_t *value,
                       const StoaDraftRules *rules G_GNUC_UNUSED, GError **error)
{
    g_autofree char *title = g_strstrip(g_strdup(json_string_value(value)));
    glong n = g_utf8_strlen(title, -1);

    if (n < 1 || n > MAX_TITLE)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"title\" must have 1 to %d characters that are no blanks, not %ld",
                         MAX_TITLE, n);
    for (const char *at = title; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (g_unichar_iscntrl(c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
            c == 0x2028 || c == 0x2029)
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "\"title\" may hold no control or text-direction characters");
    }
    g_free(room->title);
    room->title = g_steal_pointer(&title);
    return true;
}

static bool take_access(StoaRoomInfo *room, const json_t *value,
                        const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    take_text(&room->access, value);
    return true;
}

static bool take_e2ee(StoaRoomInfo *room, const json_t *value,
                      const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    take_text(&room->e2ee, value);
    return true;
}

static bool take_state(StoaRoomInfo *room, const json_t *value,
                       const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    if (strcmp(room->state, "ended") == 0)
        take_text(&room->state, value);
    return true;
}

static bool take_lobby(StoaRoomInfo *room, const json_t *value,
                       const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    room->lobby = json_is_true(value);
    return true;
}

static bool take_locked(StoaRoomInfo *room, const json_t *value,
                        const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    room->locked = json_is_true(value);
    return true;
}

static bool is_module_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= MAX_MODULE_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool take_modules(StoaRoomInfo *room, const json_t *value, const StoaDraftRules *rules,
                         GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const json_t *one;
    size_t i;

    json_array_foreach(value, i, one)
    {
        const char *name = json_string_value(one);
        if (!name || !is_module_name(name) ||
            (rules->module_known && !rules->module_known(rules->user, name)))
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "\"modules\" names a module that this server does not have");
        if (!g_hash_table_add(seen, (gpointer)name))
            return stoa_fail(error, STOA_ERROR_INVALID, "\"modules\" names \"%s\" twice", name);
    }
    json_decref(room->modules);
    room->modules = json_deep_copy(value);
    return true;
}

/* ISO 8601 has weeks, days of a year and times without colons, too. (RFC 3339, 5.6) */
static bool is_rfc3339(const char *text)
{
    return g_regex_match_simple(
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
        "([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        text, 0, 0);
}

static bool take_starts_at(StoaRoomInfo *room, const json_t *value,
                           const StoaDraftRules *rules G_GNUC_UNUSED, GError **error)
{
    const char *text = json_string_value(value);
    g_autofree char *large = text && is_rfc3339(text) ? g_ascii_strup(text, -1) : NULL;
    g_autoptr(GDateTime) time = large ? g_date_time_new_from_iso8601(large, NULL) : NULL;

    if (text && (!time || g_date_time_to_unix(time) <= 0))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"starts_at\" must be a time of RFC 3339, like 2027-02-03T09:00:00Z");
    room->starts_ms = time ? g_date_time_to_unix(time) * 1000 : 0;
    return true;
}

static bool take_duration(StoaRoomInfo *room, const json_t *value,
                          const StoaDraftRules *rules G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    room->duration_min = json_integer_value(value);
    return true;
}

static bool take_max_people(StoaRoomInfo *room, const json_t *value, const StoaDraftRules *rules,
                            GError **error)
{
    if (json_integer_value(value) > rules->conf->people_per_room)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"max_people\" must be at most %" G_GINT64_FORMAT,
                         rules->conf->people_per_room);
    room->max_people = json_integer_value(value);
    return true;
}

static bool take_region(StoaRoomInfo *room, const json_t *value,
                        const StoaDraftRules *rules G_GNUC_UNUSED, GError **error)
{
    const char *text = json_string_value(value);

    if (text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
                    strlen(text))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"region\" must be made of letters, digits and -_.");
    take_text(&room->region, value);
    return true;
}

static bool take_residency(StoaRoomInfo *room, const json_t *value, const StoaDraftRules *rules,
                           GError **error)
{
    const char *text = json_string_value(value);

    if (text && g_strcmp0(text, rules->residency) != 0)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"residency\" is not this server's: its data stays %s%s",
                         rules->residency ? "in " : "where its operator keeps it",
                         rules->residency ? rules->residency : "");
    take_text(&room->residency, value);
    return true;
}

static bool take_retention(StoaRoomInfo *room, const json_t *value, const StoaDraftRules *rules,
                           GError **error)
{
    if (json_integer_value(value) > rules->conf->retention_max_days)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"retention_days\" must be at most %" G_GINT64_FORMAT,
                         rules->conf->retention_max_days);
    room->retention_days = json_integer_value(value);
    return true;
}

static const struct {
    const char *name;
    Take *take;
} members[] = {
    { "title", take_title },
    { "access", take_access },
    { "e2ee", take_e2ee },
    { "state", take_state },
    { "lobby", take_lobby },
    { "locked", take_locked },
    { "modules", take_modules },
    { "starts_at", take_starts_at },
    { "duration_min", take_duration },
    { "max_people", take_max_people },
    { "region", take_region },
    { "residency", take_residency },
    { "retention_days", take_retention },
};

bool stoa_draft_apply(StoaRoomInfo *room, const json_t *body, const StoaDraftRules *rules,
                      GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        const json_t *value = json_object_get(body, members[i].name);
        if (value && !members[i].take(room, value, rules, error))
            return false;
    }
    return true;
}

/* -- the row ----------------------------------------------------------------------------------- */

bool stoa_draft_insert(StoaDb *db, const StoaRoomInfo *room, GError **error)
{
    return stoa_db_exec(
        db, error,
        "INSERT INTO room (id, host_id, title, access, lobby, locked, e2ee, modules, starts_at,"
        " duration_min, max_people, region, residency, retention_days, state, created_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        "ssssiisjtttssisi", room->id, room->host_id, room->title, room->access,
        (int64_t)room->lobby, (int64_t)room->locked, room->e2ee, room->modules, room->starts_ms,
        room->duration_min, room->max_people, room->region, room->residency, room->retention_days,
        room->state, room->created_ms);
}

bool stoa_draft_update(StoaDb *db, const StoaRoomInfo *room, GError **error)
{
    return stoa_db_exec(
        db, error,
        "UPDATE room SET title = ?2, access = ?3, lobby = ?4, locked = ?5, e2ee = ?6,"
        " modules = ?7, starts_at = ?8, duration_min = ?9, max_people = ?10, region = ?11,"
        " residency = ?12, retention_days = ?13, state = ?14 WHERE id = ?1",
        "sssiisjtttssis", room->id, room->title, room->access, (int64_t)room->lobby,
        (int64_t)room->locked, room->e2ee, room->modules, room->starts_ms, room->duration_min,
        room->max_people, room->region, room->residency, room->retention_days, room->state);
}
