/* SPDX-License-Identifier: MIT */
/* Rooms that a module's conf lists. One that a request made is left alone until it is destroyed. */
#include "config.h"

#include "room/conf-rooms.h"
#include "room/room-private.h"

/* The sections of one conf. */
typedef struct {
    StoaModule *module;
    const StoaConfValues *conf;
    char *items;
    size_t n, item_size;
} Listed;

static Listed listed(StoaModule *module, const StoaConfValues *conf)
{
    StoaConfTable table = stoa_module_conf_table(&module->plugin);
    const char *values = stoa_conf_values(conf);
    StoaGroup group;

    for (unsigned i = 0; module->plugin.conf_rooms && stoa_conf_group(&table, i, &group); i++) {
        if (!g_str_equal(group.prefix, module->plugin.conf_rooms))
            continue;
        return (Listed){ module, conf, *(char *const *)(const void *)(values + group.items_at),
                         *(const size_t *)(const void *)(values + group.n_at), group.item_size };
    }
    return (Listed){ module };
}

static const void *item_at(const Listed *rooms, size_t i)
{
    return rooms->items + i * rooms->item_size;
}

/* An item begins with its name. */
static const char *name_of(const void *item)
{
    return *(const char *const *)item;
}

static bool is_listed(const Listed *rooms, const char *name)
{
    for (size_t i = 0; i < rooms->n; i++) {
        if (g_str_equal(name_of(item_at(rooms, i)), name))
            return true;
    }
    return false;
}

static bool check(const Listed *rooms, const void *item, GError **error)
{
    const StoaPlugin *plugin = &rooms->module->plugin;
    const char *name = name_of(item);
    gint64 number = 0;

    if (name[0] == '0' ||
        !g_ascii_string_to_signed(name, 10, 1, ((gint64)1 << 53) - 1, &number, NULL))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "[%s%s]: a room is named by a number of 1 to 9007199254740991",
                         plugin->conf_rooms, name);
    if (!plugin->conf_room_check || plugin->conf_room_check(item, error))
        return true;
    g_prefix_error(error, "[%s%s]: ", plugin->conf_rooms, name);
    return false;
}

static void set(StoaRoom *room, const void *item)
{
    room->from_conf = true;
    room->module->plugin.conf_room_set(room, item);
}

static bool open_one(StoaModule *module, const void *item, GError **error)
{
    StoaRoomSpec spec = { .id = name_of(item) };
    StoaRoom *room = stoa_module_create_room(module, &spec, error);

    if (room)
        set(room, item);
    return room != NULL;
}

static void close_if_gone(StoaRoom *room, void *data)
{
    const Listed *now = data;

    if (!room->from_conf || is_listed(now, stoa_room_id(room)))
        return;
    if (room->module->plugin.conf_room_gone)
        room->module->plugin.conf_room_gone(room);
    else
        stoa_room_close(room);
}

static bool has_changed(const Listed *now, const StoaConfValues *old, const char *name)
{
    g_autofree char *section = g_strconcat(now->module->plugin.conf_rooms, name, NULL);

    return !stoa_conf_section_equal(now->conf, old, section);
}

static void open_or_set(const Listed *now, const StoaConfValues *old, const void *item)
{
    const char *name = name_of(item), *prefix = now->module->plugin.conf_rooms;
    StoaRoom *room = stoa_module_room(now->module, name);
    g_autoptr(GError) error = NULL;

    if (!room && !open_one(now->module, item, &error))
        stoa_module_log(now->module, G_LOG_LEVEL_WARNING, "room %s: %s", name, error->message);
    else if (room && !room->from_conf)
        stoa_module_log(now->module, G_LOG_LEVEL_WARNING,
                        "room %s was made by a request: [%s%s] waits until it is destroyed", name,
                        prefix, name);
    else if (room && has_changed(now, old, name))
        set(room, item);
}

bool stoa_conf_rooms_check(StoaModule *module, const StoaConfValues *conf, GError **error)
{
    Listed rooms = listed(module, conf);

    for (size_t i = 0; i < rooms.n; i++) {
        if (!check(&rooms, item_at(&rooms, i), error))
            return false;
    }
    return true;
}

bool stoa_conf_rooms_open(StoaModule *module, GError **error)
{
    Listed rooms = listed(module, module->conf);

    for (size_t i = 0; i < rooms.n; i++) {
        if (!open_one(module, item_at(&rooms, i), error))
            return false;
    }
    return true;
}

void stoa_conf_rooms_follow(StoaModule *module, const StoaConfValues *old)
{
    Listed now = listed(module, module->conf);

    if (!module->plugin.conf_rooms)
        return;
    stoa_module_foreach_room(module, close_if_gone, &now);
    for (size_t i = 0; i < now.n; i++)
        open_or_set(&now, old, item_at(&now, i));
}
