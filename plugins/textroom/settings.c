/* SPDX-License-Identifier: MIT */
/* What a room is set to, and the rooms of conf/textroom.conf: opened at start, followed at every reload. */
#include "textroom.h"

enum { MAX_HISTORY = 10000 };

/* clang-format off */
#define SECRET(member, help) \
    { #member, STOA_STRING, STOA_LIVE | STOA_SECRET, offsetof(TrSettings, member), "", 0, 0, help }
/* clang-format on */

const StoaOption tr_room_options[] = {
    { "description", STOA_STRING, STOA_LIVE, offsetof(TrSettings, description), "", 0, 0,
      "What the room is called; empty: Room NUMBER" },
    { "is_private", STOA_BOOL, STOA_LIVE, offsetof(TrSettings, is_private), "false", 0, 0,
      "Whether list leaves it out" },
    SECRET(secret, "Needed to edit it, kick and announce; empty: anybody may"),
    SECRET(pin, "Needed to come in; empty: anybody may"),
    { "history", STOA_INT, STOA_LIVE, offsetof(TrSettings, history), "0", 0, MAX_HISTORY,
      "Public messages that are kept in memory and shown to who comes in" },
    { NULL },
};

void tr_settings_copy(TrSettings *to, const TrSettings *from)
{
    *to = *from;
    to->name = g_strdup(from->name);
    to->description = g_strdup(from->description);
    to->secret = g_strdup(from->secret);
    to->pin = g_strdup(from->pin);
}

void tr_settings_clear(TrSettings *settings)
{
    g_clear_pointer(&settings->name, g_free);
    g_clear_pointer(&settings->description, g_free);
    g_clear_pointer(&settings->secret, g_free);
    g_clear_pointer(&settings->pin, g_free);
}

static bool is_equal(const TrSettings *a, const TrSettings *b)
{
    return g_strcmp0(a->description, b->description) == 0 && g_strcmp0(a->secret, b->secret) == 0 &&
           g_strcmp0(a->pin, b->pin) == 0 && a->history == b->history &&
           a->is_private == b->is_private;
}

/* -- rooms of conf ------------------------------------------------------------------------------------ */

static bool check_rooms(const TrConf *conf, GError **error)
{
    for (size_t i = 0; i < conf->n_rooms; i++) {
        const char *name = conf->rooms[i].name;
        gint64 number = 0;

        if (name[0] == '0' ||
            !g_ascii_string_to_signed(name, 10, 1, ((gint64)1 << 53) - 1, &number, NULL))
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "[room-%s]: a room is named by a number of 1 to 9007199254740991",
                             name);
    }
    return true;
}

static void follow(StoaRoom *room, const TrSettings *settings)
{
    TrRoom *state = stoa_room_state(room);

    tr_settings_clear(&state->as_conf);
    tr_settings_copy(&state->as_conf, settings);
    state->from_conf = true;
    tr_room_apply(room, settings);
}

static bool open_room(StoaModule *module, const TrSettings *settings, GError **error)
{
    StoaRoom *room = tr_room_open(module, settings, settings->name, error);

    if (!room)
        return false;
    follow(room, settings);
    return true;
}

bool tr_start(StoaModule *module, GError **error)
{
    const TrConf *conf = stoa_module_conf(module);

    if (!check_rooms(conf, error))
        return false;
    for (size_t i = 0; i < conf->n_rooms; i++) {
        if (!open_room(module, &conf->rooms[i], error))
            return false;
    }
    return true;
}

static void close_if_gone(StoaRoom *room, void *data)
{
    const TrRoom *state = stoa_room_state(room);
    const TrConf *conf = data;

    if (!state->from_conf)
        return;
    for (size_t i = 0; i < conf->n_rooms; i++) {
        if (g_str_equal(conf->rooms[i].name, stoa_room_id(room)))
            return;
    }
    stoa_room_close(room);
}

static void open_or_follow(StoaModule *module, const TrSettings *settings)
{
    StoaRoom *room = stoa_module_room(module, settings->name);
    const TrRoom *state = room ? stoa_room_state(room) : NULL;
    g_autoptr(GError) error = NULL;

    if (!room && !open_room(module, settings, &error))
        stoa_module_log(module, G_LOG_LEVEL_WARNING, "room %s: %s", settings->name, error->message);
    else if (room && !state->from_conf)
        stoa_module_log(module, G_LOG_LEVEL_WARNING,
                        "room %s was made by a request: [room-%s] waits until it is destroyed",
                        settings->name, settings->name);
    else if (room && !is_equal(&state->as_conf, settings))
        follow(room, settings);
}

bool tr_conf_changed(StoaModule *module, GError **error)
{
    const TrConf *conf = stoa_module_conf(module);

    if (!check_rooms(conf, error))
        return false;
    stoa_module_foreach_room(module, close_if_gone, (void *)conf);
    for (size_t i = 0; i < conf->n_rooms; i++)
        open_or_follow(module, &conf->rooms[i]);
    return true;
}
