/* SPDX-License-Identifier: MIT */
/* The shared object of a module. */
#include "config.h"

#include "host/object.h"
#include "room/module.h"

#include <errno.h>
#include <gmodule.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct StoaObject {
    GModule *module;
    char *path;
    struct stat st; /* of the file that was opened */
    const StoaPlugin *plugin;
    StoaTransport transport; /* a copy: what an older module's descriptor lacks is NULL */
};

static char *existing(char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return path;
    g_free(path);
    return NULL;
}

char *stoa_object_find(char *const *dirs, const char *name)
{
    g_autofree char *file = g_strdup_printf("%s.so", name);

    for (; dirs && *dirs; dirs++) {
        char *path = existing(g_build_filename(*dirs, file, NULL));
        if (!path)
            path = existing(g_build_filename(*dirs, ".libs", file, NULL));
        if (!path)
            path = existing(g_build_filename(*dirs, name, ".libs", file, NULL));
        if (path)
            return path;
    }
    return NULL;
}

static void add_names(const char *dir, GPtrArray *names)
{
    g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
    const char *file;

    while (open && (file = g_dir_read_name(open))) {
        g_autofree char *name =
            g_str_has_suffix(file, ".so") ? g_strndup(file, strlen(file) - strlen(".so")) : NULL;
        if (name && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names,
                            g_steal_pointer(&name)); /* the first folder that has it counts */
    }
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **stoa_object_names(char *const *plugin_dirs, char *const *transport_dirs)
{
    GPtrArray *names = g_ptr_array_new();

    for (; plugin_dirs && *plugin_dirs; plugin_dirs++)
        add_names(*plugin_dirs, names);
    for (; transport_dirs && *transport_dirs; transport_dirs++)
        add_names(*transport_dirs, names);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

/* What others can write, others can run with our rights. */
static bool check_writers(const char *path, GError **error)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "%s: %s", path, g_strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                         "%s belongs to another user: it must be root's or the gateway's own",
                         path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                         "%s can be written by others than its owner: chmod go-w it", path);
    return true;
}

static bool check_file(const char *path, GError **error)
{
    g_autofree char *dir = g_path_get_dirname(path);

    return check_writers(path, error) && check_writers(dir, error);
}

static bool check_name(const char *declared, const char *name, GError **error)
{
    if (g_strcmp0(declared, name) == 0)
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID,
                     "it calls itself \"%s\": the file and its conf must have that name",
                     declared ? declared : "");
}

static bool read_plugin(StoaObject *object, const char *name, GError **error)
{
    const StoaPlugin *(*entry)(void);
    gpointer symbol;

    if (!g_module_symbol(object->module, "stoa_plugin", &symbol))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it has no symbol stoa_plugin: declare the plugin with STOA_PLUGIN()");
    memcpy(&entry, &symbol, sizeof entry);
    object->plugin = entry();
    return stoa_module_check(object->plugin, error) &&
           check_name(object->plugin->name, name, error);
}

static bool read_transport(StoaObject *object, const char *name, GError **error)
{
    const StoaTransport *(*entry)(void);
    gpointer symbol;

    if (!g_module_symbol(object->module, "stoa_transport", &symbol))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it has no symbol stoa_transport: declare it with STOA_TRANSPORT()");
    memcpy(&entry, &symbol, sizeof entry);
    const StoaTransport *theirs = entry();
    if (theirs->abi >> 16 != STOA_ABI_MAJOR)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it was built for ABI %u, this gateway speaks ABI %d: build it again",
                         theirs->abi >> 16, STOA_ABI_MAJOR);
    memcpy(&object->transport, theirs, MIN((size_t)theirs->struct_size, sizeof object->transport));
    return check_name(object->transport.name, name, error);
}

StoaObject *stoa_object_open(const char *path, const char *name, StoaObjectKind kind,
                             GError **error)
{
    g_autoptr(StoaObject) object = g_new0(StoaObject, 1);

    if (!check_file(path, error))
        return NULL;
    object->module = g_module_open(path, G_MODULE_BIND_LOCAL);
    if (!object->module) {
        stoa_fail(error, STOA_ERROR_INVALID, "it cannot be loaded: %s", g_module_error());
        return NULL;
    }
    object->path = g_strdup(path);
    if (stat(path, &object->st) != 0)
        memset(&object->st, 0, sizeof object->st);
    if (kind == STOA_OBJECT_PLUGIN ? !read_plugin(object, name, error)
                                   : !read_transport(object, name, error))
        return NULL;
    return g_steal_pointer(&object);
}

void stoa_object_close(StoaObject *object)
{
    if (!object)
        return;
    if (object->module)
        g_module_close(object->module);
    g_free(object->path);
    g_free(object);
}

bool stoa_object_is_outdated(const StoaObject *object)
{
    struct stat now;

    return stat(object->path, &now) == 0 &&
           (now.st_ino != object->st.st_ino || now.st_mtim.tv_sec != object->st.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != object->st.st_mtim.tv_nsec);
}

const StoaPlugin *stoa_object_plugin(const StoaObject *object)
{
    return object->plugin;
}

const StoaTransport *stoa_object_transport(const StoaObject *object)
{
    return &object->transport;
}
