/* SPDX-License-Identifier: MIT */
/* A loaded plugin: its descriptor, conf, state, rooms and handles. */
#include "config.h"

#define LOG_AREA "module"

#include "base/error.h"
#include "base/loop.h"
#include "base/task.h"
#include "room/bridge.h"
#include "room/conf-rooms.h"
#include "room/room-private.h"
#include "room/table.h"

#include <stdarg.h>
#include <string.h>

bool stoa_module_check(const StoaPlugin *plugin, GError **error)
{
    unsigned major = plugin->abi >> 16;

    if (major != STOA_ABI_MAJOR)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "it was built for ABI %u, this gateway speaks ABI %d: build it again with "
                         "the installed headers",
                         major, STOA_ABI_MAJOR);
    if (plugin->struct_size < offsetof(StoaPlugin, start) || !plugin->name || !plugin->version)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "its descriptor has no name or version: declare it with STOA_PLUGIN()");
    return true;
}

StoaConfTable stoa_module_conf_table(const StoaPlugin *plugin)
{
    return (StoaConfTable){ .file = plugin->name,
                            .options = plugin->options,
                            .groups = plugin->groups,
                            .size = plugin->conf_size,
                            .option_size = plugin->option_size,
                            .group_size = plugin->group_size,
                            .is_module = true };
}

static void make_cells(StoaModule *module)
{
    size_t n = 0;

    for (const StoaMetric *row = module->plugin.metrics; row && row->name; row++)
        n++;
    module->cells = g_new0(StoaMetricCell *, n + 1);
    for (size_t i = 0; i < n; i++) {
        g_autofree char *name =
            g_strdup_printf("stoa_%s_%s", module->plugin.name, module->plugin.metrics[i].name);
        module->cells[i] = stoa_metric_counter(name, module->plugin.metrics[i].help, "module",
                                               module->plugin.name, NULL);
    }
}

StoaModule *stoa_module_new(const StoaPlugin *plugin, const StoaRoomEnv *env, StoaConfValues *conf,
                            GError **error)
{
    if (!stoa_module_check(plugin, error)) {
        stoa_conf_values_free(conf);
        return NULL;
    }
    StoaModule *module = g_new0(StoaModule, 1);
    memcpy(&module->plugin, plugin, MIN((size_t)plugin->struct_size, sizeof module->plugin));
    module->original = plugin;
    module->tables = g_ptr_array_new_with_free_func(g_free);
    stoa_table_normalise(&module->plugin, module->tables);
    stoa_log_tag_set(&module->log, "module=%s", plugin->name);
    module->package = g_strdup_printf("stoa.plugin.%s", plugin->name);
    module->env = env;
    module->conf = conf;
    module->state = g_malloc0(MAX(module->plugin.module_size, 1));
    module->rooms = g_hash_table_new(g_str_hash, g_str_equal);
    module->handles = g_ptr_array_new();
    module->bridges = g_ptr_array_new_with_free_func(stoa_bridge_unref);
    make_cells(module);
    return module;
}

bool stoa_module_start(StoaModule *module, GError **error)
{
    if (!stoa_conf_rooms_check(module, module->conf, error))
        return false;
    if (module->plugin.start && !module->plugin.start(module, error)) {
        if (error && !*error)
            stoa_fail(error, STOA_ERROR_INTERNAL, "its start failed without saying why");
        return false;
    }
    module->started = true;
    return stoa_conf_rooms_open(module, error);
}

bool stoa_module_reconfigure(StoaModule *module, StoaConfValues *conf, GError **error)
{
    StoaConfValues *old = module->conf;

    if (!stoa_conf_rooms_check(module, conf, error)) {
        stoa_conf_values_free(conf);
        return false;
    }
    module->conf = conf;
    bool ok = !module->plugin.conf_changed || module->plugin.conf_changed(module, error);
    stoa_conf_rooms_follow(module, old);
    stoa_conf_values_free(old);
    return ok;
}

const StoaConfValues *stoa_module_conf_values(const StoaModule *module)
{
    return module->conf;
}

bool stoa_module_option_int(const StoaModule *module, const char *key, int64_t *value)
{
    size_t row_size = module->plugin.option_size ? module->plugin.option_size : sizeof(StoaOption);
    const char *row = (const char *)module->plugin.options;

    for (; row && *(const char *const *)row; row += row_size) {
        const StoaOption *option = (const StoaOption *)(const void *)row;
        if (option->type != STOA_INT || !g_str_equal(option->key, key))
            continue;
        *value = *(const int64_t *)(const void *)((const char *)stoa_conf_values(module->conf) +
                                                  option->offset);
        return true;
    }
    return false;
}

bool stoa_module_is_busy(const StoaModule *module)
{
    return module->busy > 0;
}

void stoa_module_hold(StoaModule *module)
{
    module->busy++;
}

void stoa_module_release(StoaModule *module)
{
    g_assert(module->busy > 0);
    module->busy--;
}

static void close_all_rooms(StoaModule *module)
{
    GHashTableIter iter;
    gpointer room;

    for (;;) {
        g_hash_table_iter_init(&iter, module->rooms);
        if (!g_hash_table_iter_next(&iter, NULL, &room))
            return;
        stoa_room_close(room);
    }
}

void stoa_module_free(StoaModule *module)
{
    if (!module)
        return;
    g_assert(module->handles->len == 0 && module->busy == 0);
    close_all_rooms(module);
    if (module->started && module->plugin.stop)
        module->plugin.stop(module);
    stoa_metric_retire("module", module->plugin.name);
    g_free(module->cells);
    g_free(module->state);
    g_hash_table_unref(module->rooms);
    g_ptr_array_unref(module->handles);
    g_ptr_array_unref(module->bridges);
    g_ptr_array_unref(module->tables);
    stoa_conf_values_free(module->conf);
    g_free(module->package);
    g_free(module);
}

const StoaPlugin *stoa_module_plugin(const StoaModule *module)
{
    return &module->plugin;
}

const char *stoa_module_package(const StoaModule *module)
{
    return module->package;
}

unsigned stoa_module_n_handles(const StoaModule *module)
{
    return module->handles->len;
}

unsigned stoa_module_n_rooms(const StoaModule *module)
{
    return g_hash_table_size(module->rooms);
}

void stoa_module_foreach_handle(StoaModule *module, void (*fn)(StoaHandle *handle, void *data),
                                void *data)
{
    g_autoptr(GPtrArray) now = g_ptr_array_copy(module->handles, NULL, NULL);

    for (guint i = 0; i < now->len; i++) {
        if (g_ptr_array_find(module->handles, now->pdata[i], NULL))
            fn(now->pdata[i], data);
    }
}

/* -- the SDK's side ----------------------------------------------------------------------- */

const void *stoa_module_conf(StoaModule *module)
{
    return stoa_conf_values(module->conf);
}

void *stoa_module_state(StoaModule *module)
{
    return module->state;
}

void stoa_module_count(StoaModule *module, unsigned metric, uint64_t n)
{
    stoa_metric_add(module->cells[metric], (int64_t)n);
}

static void log_line(const StoaLogTag *tag, GLogLevelFlags level, const char *fmt, va_list args)
    G_GNUC_PRINTF(3, 0);

static void log_line(const StoaLogTag *tag, GLogLevelFlags level, const char *fmt, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    int ours = level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) ? STOA_LOG_ERROR
               : level & G_LOG_LEVEL_WARNING                      ? STOA_LOG_WARN
               : level & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO) ? STOA_LOG_INFO
                                                                  : STOA_LOG_DEBUG;

    if (stoa_log_is_on(ours))
        stoa_log_write(ours, "plugin", tag->ids, "%s", text);
}

void stoa_module_log(StoaModule *module, GLogLevelFlags level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_line(&module->log, level, fmt, args);
    va_end(args);
}

void stoa_room_log(StoaRoom *room, GLogLevelFlags level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_line(&room->log, level, fmt, args);
    va_end(args);
}

typedef struct {
    StoaModule *module;
    void (*work)(void *data);
    void (*done)(StoaModule *module, void *data);
    void *data;
    GDestroyNotify free_data;
} Task;

static void task_work(void *data)
{
    Task *task = data;

    task->work(task->data);
}

static void task_done(void *data)
{
    Task *task = data;

    if (task->done)
        task->done(task->module, task->data);
}

static void task_free(void *data)
{
    Task *task = data;

    if (task->free_data)
        task->free_data(task->data);
    stoa_module_release(task->module);
    g_free(task);
}

void stoa_module_task(StoaModule *module, void (*work)(void *data),
                      void (*done)(StoaModule *module, void *data), void *data,
                      GDestroyNotify free_data)
{
    Task *task = g_new(Task, 1);

    *task = (Task){ module, work, done, data, free_data };
    stoa_module_hold(module);
    stoa_task_run(task_work, task_done, task, task_free);
}
