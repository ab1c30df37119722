/* SPDX-License-Identifier: MIT */
/* A loaded plugin: its descriptor, conf, state, rooms and handles. The host loads the object, this runs what is in it. */
#pragma once

#include "base/conf.h"
#include "media/media.h"

#include <stoa/plugin.h>

/* What every module needs of the gateway. Owned by the host, outlives the modules; values change on a reload. */
typedef struct {
    StoaMedia *media;
    int64_t sdp_bytes, sdp_media; /* limits; 0: none */
    bool adhoc;                   /* whether rooms may be made by requests */
    const char *data_dir;         /* where files/ is; NULL: nothing is kept */
    /* For bridges: a loaded module by its name, the rooms that are kept (NULL: none). May be NULL. */
    StoaModule *(*module)(void *user, const char *name);
    struct StoaRooms *(*rooms)(void *user);
    void *user;
    /* Where a file of a room can be fetched for ten minutes; NULL: there is no web. Free with g_free(). */
    char *(*file_url)(const char *room, const char *file);
} StoaRoomEnv;

/**
 * Make a module of a descriptor.
 *
 * @plugin  borrowed: must stay loaded until stoa_module_free(); tables of an older build are brought to today's rows
 * @conf    taken: filled from stoa_module_conf_table()
 *
 * Returns NULL with `error` when the descriptor is of another ABI major or lacks its name. Nothing was started.
 */
StoaModule *stoa_module_new(const StoaPlugin *plugin, const StoaRoomEnv *env, StoaConfValues *conf,
                            GError **error);

/** Whether a descriptor can be used: ABI major, name, tables in order. */
bool stoa_module_check(const StoaPlugin *plugin, GError **error);

/** The table of a plugin's conf file. The strings and rows are the plugin's. */
StoaConfTable stoa_module_conf_table(const StoaPlugin *plugin);

/** Call the plugin's `start`. */
bool stoa_module_start(StoaModule *module, GError **error);

/** Take new conf values (taken) and tell the plugin. */
bool stoa_module_reconfigure(StoaModule *module, StoaConfValues *conf, GError **error);
const StoaConfValues *stoa_module_conf_values(const StoaModule *module);
/** The value of a key of its conf ("limits.file_bytes"); false: it has no such key that is an integer. */
bool stoa_module_option_int(const StoaModule *module, const char *key, int64_t *value);

/** Whether work of the module is still under way on other threads: it must not be unloaded yet. */
bool stoa_module_is_busy(const StoaModule *module);
/** Count up and down what keeps the module's code in use elsewhere. */
void stoa_module_hold(StoaModule *module);
void stoa_module_release(StoaModule *module);

/** Close its rooms, call `stop`, forget it. Its handles must be gone and it must not be busy. */
void stoa_module_free(StoaModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaModule, stoa_module_free)

const StoaPlugin *stoa_module_plugin(const StoaModule *module);
/** "stoa.plugin.NAME" */
const char *stoa_module_package(const StoaModule *module);
unsigned stoa_module_n_handles(const StoaModule *module);
unsigned stoa_module_n_rooms(const StoaModule *module);
/** Every handle attached to it; `fn` may detach any of them. */
void stoa_module_foreach_handle(StoaModule *module, void (*fn)(StoaHandle *handle, void *data),
                                void *data);
