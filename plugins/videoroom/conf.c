/* SPDX-License-Identifier: MIT */
/* Rooms of conf/videoroom.conf: opened at start, and followed at every reload. */
#include "videoroom.h"

#include <inttypes.h>

/* The room's number, or NULL with `error`. */
static bool is_number(const VrSettings *room, GError **error)
{
    gint64 number = 0;

    if (room->name[0] != '0' &&
        g_ascii_string_to_signed(room->name, 10, 1, ((gint64)1 << 53) - 1, &number, NULL))
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "[room-%s]: a room is named by a number of 1 to 9007199254740991", room->name);
}

/* All rooms are looked at before any is touched: a reload is taken whole or not at all. */
static bool check_rooms(const VrConf *conf, GError **error)
{
    for (size_t i = 0; i < conf->n_rooms; i++) {
        g_auto(VrSettings) copy = { 0 };

        if (!is_number(&conf->rooms[i], error))
            return false;
        vr_settings_copy(&copy, &conf->rooms[i]);
        if (!vr_settings_check(&copy, error)) {
            g_prefix_error(error, "[room-%s]: ", conf->rooms[i].name);
            return false;
        }
    }
    return true;
}

static void follow(StoaRoom *room, const VrSettings *settings)
{
    VrRoom *state = stoa_room_state(room);
    g_auto(VrSettings) copy = { 0 };

    vr_settings_clear(&state->as_conf);
    vr_settings_copy(&state->as_conf, settings);
    state->from_conf = true;
    vr_settings_copy(&copy, settings);
    if (vr_settings_check(&copy, NULL))
        vr_room_apply(room, &copy);
}

static bool open_room(StoaModule *module, const VrSettings *settings, GError **error)
{
    StoaRoom *room = vr_room_open(module, settings, settings->name, error);

    if (!room)
        return false;
    follow(room, settings);
    return true;
}

bool vr_start(StoaModule *module, GError **error)
{
    const VrConf *conf = stoa_module_conf(module);

    if (!check_rooms(conf, error))
        return false;
    for (size_t i = 0; i < conf->n_rooms; i++) {
        if (!open_room(module, &conf->rooms[i], error))
            return false;
    }
    return true;
}

static void destroy_if_gone(StoaRoom *room, void *data)
{
    const VrRoom *state = stoa_room_state(room);
    const VrConf *conf = data;

    if (!state->from_conf)
        return;
    for (size_t i = 0; i < conf->n_rooms; i++) {
        if (g_str_equal(conf->rooms[i].name, stoa_room_id(room)))
            return;
    }
    vr_room_destroy(room);
}

static void open_or_follow(StoaModule *module, const VrSettings *settings)
{
    StoaRoom *room = stoa_module_room(module, settings->name);
    const VrRoom *state = room ? stoa_room_state(room) : NULL;
    g_autoptr(GError) error = NULL;

    if (!room && !open_room(module, settings, &error))
        stoa_module_log(module, G_LOG_LEVEL_WARNING, "room %s: %s", settings->name, error->message);
    else if (room && !state->from_conf)
        stoa_module_log(module, G_LOG_LEVEL_WARNING,
                        "room %s was made by a request: [room-%s] waits until it is destroyed",
                        settings->name, settings->name);
    else if (room && !vr_settings_equal(&state->as_conf, settings))
        follow(room, settings);
}

bool vr_conf_changed(StoaModule *module, GError **error)
{
    const VrConf *conf = stoa_module_conf(module);

    if (!check_rooms(conf, error))
        return false;
    stoa_module_foreach_room(module, destroy_if_gone, (void *)conf);
    for (size_t i = 0; i < conf->n_rooms; i++)
        open_or_follow(module, &conf->rooms[i]);
    return true;
}
