/* SPDX-License-Identifier: MIT */
/* The shared object of a module: found, checked, opened, closed. (SECURITY R35) */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stoa/plugin.h>
#include <stoa/transport.h>

typedef enum { STOA_OBJECT_PLUGIN, STOA_OBJECT_TRANSPORT } StoaObjectKind;

typedef struct StoaObject StoaObject;

/** The file of a module in one of the folders (NAME.so, .libs/NAME.so, NAME/.libs/NAME.so); NULL: none. */
char *stoa_object_find(char *const *dirs, const char *name);

/** The names of all modules in the folders, sorted. Free with g_strfreev(). */
char **stoa_object_names(char *const *plugin_dirs, char *const *transport_dirs);

/**
 * Open it and call its entry. The descriptor is checked for the ABI and for its name.
 *
 * NULL with `error`: others than its owner can write it, it is no module, of another ABI major, or named otherwise.
 */
StoaObject *stoa_object_open(const char *path, const char *name, StoaObjectKind kind,
                             GError **error);
/** Unload it: nothing of it may be in use. */
void stoa_object_close(StoaObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaObject, stoa_object_close)

/** Whether another file is there now than the one that was opened. */
bool stoa_object_is_outdated(const StoaObject *object);

const StoaPlugin *stoa_object_plugin(const StoaObject *object);
const StoaTransport *stoa_object_transport(const StoaObject *object);
