/* SPDX-License-Identifier: MIT */
/* All modules: which are wanted, loaded, draining or failed; toggled at run time without disturbing each other. */
#pragma once

#include "base/conf.h"
#include "host/transport.h"
#include "room/module.h"

typedef struct StoaModules StoaModules;

typedef struct {
    const StoaRoomEnv *env;
    const StoaTransportSettings *settings;
    StoaTransportHub *hub;
    /* A module runs from now on. */
    void (*loaded)(void *user, StoaModule *module);
    /* Detach all handles of a module that is about to go. */
    void (*drain)(void *user, StoaModule *module);
    void *user;
    char **plugin_dirs, **transport_dirs; /* borrowed, NULL-terminated */
} StoaModulesSpec;

StoaModules *stoa_modules_new(const StoaModulesSpec *spec);

/**
 * Look at the conf: which modules it wants, and their values. Nothing changes yet; what does not fit is noted in `conf`.
 * @dry  also open the modules that are switched off, to check their files
 */
void stoa_modules_prepare(StoaModules *modules, StoaConf *conf, bool dry);
/** Do what was prepared: load, unload, reconfigure. Each failure is one line in the log. */
void stoa_modules_commit(StoaModules *modules);
/** Forget what was prepared. */
void stoa_modules_discard(StoaModules *modules);
/** Each module that was prepared and cannot be opened, one a line; NULL: none. For --check. */
char *stoa_modules_prepared_failures(StoaModules *modules);

/** The loaded plugin of a name, "stoa.plugin.NAME" or NAME; NULL: none. */
StoaModule *stoa_modules_find(StoaModules *modules, const char *package);

/** Toggle one now, whatever its conf file says; a reload of the conf decides anew. */
bool stoa_modules_enable(StoaModules *modules, const char *name, StoaConf *conf, GError **error);
bool stoa_modules_disable(StoaModules *modules, const char *name, GError **error);
/** Unload and load again: a newer build takes the place of the old one. */
bool stoa_modules_reload(StoaModules *modules, const char *name, StoaConf *conf, GError **error);

/** [{name, kind, state, version?, summary?, error?, handles?, rooms?}] */
json_t *stoa_modules_list(StoaModules *modules);
/** One of those, of a plugin that is built in: it has no slot. */
json_t *stoa_modules_list_builtin(StoaModule *module);
/** What the next says of one. */
json_t *stoa_modules_describe_plugin(const StoaPlugin *plugin);
/** {package: {name, author, description, version_string, version}} of the loaded ones. */
json_t *stoa_modules_describe(StoaModules *modules, StoaObjectKind kind);

/** Every loaded plugin. */
void stoa_modules_foreach(StoaModules *modules, void (*fn)(StoaModule *module));
unsigned stoa_modules_n_loaded(StoaModules *modules, StoaObjectKind kind);
/** Tell the transports that the settings changed. */
void stoa_modules_settings_changed(StoaModules *modules);
/** Let transports take no new connections. */
void stoa_modules_quiesce(StoaModules *modules);
/** Stop the transports; then unload everything. */
void stoa_modules_stop_transports(StoaModules *modules);
void stoa_modules_free(StoaModules *modules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaModules, stoa_modules_free)
