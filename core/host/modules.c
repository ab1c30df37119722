/* SPDX-License-Identifier: MIT */
/* All modules: which are wanted, loaded, draining or failed. One slot for each conf file but stoa.conf. */
#include "config.h"

#define LOG_AREA "modules"

#include "base/log.h"
#include "host/module-slot.h"

#include <string.h>

struct StoaModules {
    StoaModulesSpec spec;
    GPtrArray *slots; /* of StoaModuleSlot, in the order of their names */
};

StoaModules *stoa_modules_new(const StoaModulesSpec *spec)
{
    StoaModules *modules = g_new0(StoaModules, 1);

    modules->spec = *spec;
    modules->slots = g_ptr_array_new_with_free_func(stoa_module_slot_free);
    return modules;
}

static StoaModuleSlot *find_slot(StoaModules *modules, const char *name)
{
    for (guint i = 0; i < modules->slots->len; i++) {
        StoaModuleSlot *slot = modules->slots->pdata[i];
        if (g_str_equal(slot->name, name))
            return slot;
    }
    return NULL;
}

static StoaModuleSlot *make_slot(StoaModules *modules, const char *name)
{
    StoaModuleSlot *slot = find_slot(modules, name);

    if (slot)
        return slot;
    slot = stoa_module_slot_new(&modules->spec, name);
    g_ptr_array_add(modules->slots, slot);
    return slot;
}

/* -- conf --------------------------------------------------------------------------------- */

/* The core's own files: all others are modules. */
static bool is_core_file(const char *file)
{
    static const char *const known[] = { "stoa", "store", "mail", "rooms", NULL };

    return g_strv_contains(known, file);
}

void stoa_modules_prepare(StoaModules *modules, StoaConf *conf, bool dry)
{
    g_auto(GStrv) files = stoa_conf_files(conf);

    for (char **file = files; *file; file++) {
        if (!is_core_file(*file))
            make_slot(modules, *file);
    }
    for (guint i = 0; i < modules->slots->len; i++)
        stoa_module_slot_prepare(modules->slots->pdata[i], conf, dry);
}

char *stoa_modules_prepared_failures(StoaModules *modules)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < modules->slots->len; i++) {
        StoaModuleSlot *slot = modules->slots->pdata[i];
        if (slot->next.why)
            g_string_append_printf(text, "%sconf/%s.conf: module %s cannot be loaded: %s",
                                   text->len ? "\n" : "", slot->name, slot->name, slot->next.why);
        if (slot->next.wrong)
            g_string_append_printf(text, "%s%s", text->len ? "\n" : "", slot->next.wrong);
    }
    return g_string_free(text, text->len == 0);
}

void stoa_modules_discard(StoaModules *modules)
{
    for (guint i = 0; i < modules->slots->len; i++) {
        StoaModuleSlot *slot = modules->slots->pdata[i];
        if (slot->state != STOA_MODULE_DRAINING)
            stoa_module_slot_clear_next(slot);
    }
}

void stoa_modules_commit(StoaModules *modules)
{
    for (guint i = 0; i < modules->slots->len; i++)
        stoa_module_slot_commit(modules->slots->pdata[i]);
}

/* -- toggling one ------------------------------------------------------------------------- */

static StoaModuleSlot *named_slot(StoaModules *modules, const char *name, GError **error)
{
    const char *plain = name && g_str_has_prefix(name, "stoa.plugin.") ? name + 12 : name;
    StoaModuleSlot *slot = plain ? find_slot(modules, plain) : NULL;

    if (!slot)
        stoa_fail(error, STOA_ERROR_NOT_FOUND,
                  "there is no module \"%s\": it needs a conf file of that name", name ? name : "");
    return slot;
}

bool stoa_modules_enable(StoaModules *modules, const char *name, StoaConf *conf, GError **error)
{
    if (name && stoa_conf_has_file(conf, name))
        make_slot(modules, name);
    StoaModuleSlot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    if (slot->state == STOA_MODULE_LOADED)
        return true;
    if (slot->state == STOA_MODULE_DRAINING)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "module %s is still being unloaded", name);
    if (!stoa_module_slot_prepare_anew(slot, conf, error))
        return false;
    bool ok = stoa_module_slot_load_next(slot, error);
    stoa_module_slot_clear_next(slot);
    return ok;
}

bool stoa_modules_disable(StoaModules *modules, const char *name, GError **error)
{
    StoaModuleSlot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    stoa_module_slot_clear_next(slot);
    stoa_module_slot_unload(slot);
    if (slot->state == STOA_MODULE_FAILED)
        slot->state = STOA_MODULE_OFF;
    return true;
}

/* The old object must be gone before the new file is opened, or the loader would give us the old one again. */
bool stoa_modules_reload(StoaModules *modules, const char *name, StoaConf *conf, GError **error)
{
    StoaModuleSlot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    stoa_module_slot_clear_next(slot);
    stoa_module_slot_unload(slot);
    if (slot->state == STOA_MODULE_DRAINING)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "module %s finishes its work: enable it again in a moment", name);
    return stoa_modules_enable(modules, name, conf, error);
}

/* -- looking ------------------------------------------------------------------------------ */

StoaModule *stoa_modules_find(StoaModules *modules, const char *package)
{
    StoaModuleSlot *slot = named_slot(modules, package, NULL);

    return slot && slot->state == STOA_MODULE_LOADED ? slot->module : NULL;
}

static void put_module(json_t *one, StoaModule *module)
{
    const StoaPlugin *plugin = stoa_module_plugin(module);
    json_t *more =
        json_pack("{s:s, s:s, s:s*, s:i, s:i}", "package", stoa_module_package(module), "version",
                  plugin->version, "summary", plugin->summary, "handles",
                  (int)stoa_module_n_handles(module), "rooms", (int)stoa_module_n_rooms(module));

    json_object_update(one, more);
    json_decref(more);
}

json_t *stoa_modules_list_builtin(StoaModule *module)
{
    json_t *one = json_pack("{s:s, s:s, s:s}", "name", stoa_module_plugin(module)->name, "kind",
                            "plugin", "state", "built in");

    put_module(one, module);
    return one;
}

static json_t *list_one(const StoaModuleSlot *slot)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:s*}", "name", slot->name, "kind",
                            slot->kind == STOA_OBJECT_PLUGIN ? "plugin" : "transport", "state",
                            stoa_module_slot_state_name(slot), "error", slot->why);

    if (slot->module)
        put_module(one, slot->module);
    return one;
}

json_t *stoa_modules_list(StoaModules *modules)
{
    json_t *list = json_array();

    for (guint i = 0; i < modules->slots->len; i++)
        json_array_append_new(list, list_one(modules->slots->pdata[i]));
    return list;
}

static json_t *describe_one(const char *name, const char *summary, const char *version)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", name, "author", "", "description",
                     summary ? summary : "", "version_string", version ? version : "", "version",
                     version ? (int)g_ascii_strtoll(version, NULL, 10) : 0);
}

json_t *stoa_modules_describe_plugin(const StoaPlugin *plugin)
{
    return describe_one(plugin->name, plugin->summary, plugin->version);
}

json_t *stoa_modules_describe(StoaModules *modules, StoaObjectKind kind)
{
    json_t *all = json_object();

    for (guint i = 0; i < modules->slots->len; i++) {
        const StoaModuleSlot *slot = modules->slots->pdata[i];
        if (slot->state != STOA_MODULE_LOADED || slot->kind != kind)
            continue;
        if (kind == STOA_OBJECT_PLUGIN) {
            json_object_set_new(all, stoa_module_package(slot->module),
                                stoa_modules_describe_plugin(stoa_module_plugin(slot->module)));
        } else {
            const StoaTransport *transport = stoa_object_transport(slot->object);
            g_autofree char *package = g_strdup_printf("stoa.transport.%s", transport->name);
            json_object_set_new(
                all, package,
                describe_one(transport->name, transport->summary, transport->version));
        }
    }
    return all;
}

void stoa_modules_foreach(StoaModules *modules, void (*fn)(StoaModule *module))
{
    for (guint i = 0; i < modules->slots->len; i++) {
        const StoaModuleSlot *slot = modules->slots->pdata[i];
        if (slot->module)
            fn(slot->module);
    }
}

unsigned stoa_modules_n_loaded(StoaModules *modules, StoaObjectKind kind)
{
    unsigned n = 0;

    for (guint i = 0; i < modules->slots->len; i++) {
        const StoaModuleSlot *slot = modules->slots->pdata[i];
        n += slot->state == STOA_MODULE_LOADED && slot->kind == kind;
    }
    return n;
}

/* -- the end ------------------------------------------------------------------------------ */

static void foreach_transport(StoaModules *modules, void (*fn)(StoaModuleSlot *slot))
{
    for (guint i = 0; i < modules->slots->len; i++) {
        StoaModuleSlot *slot = modules->slots->pdata[i];
        if (slot->transport)
            fn(slot);
    }
}

void stoa_modules_settings_changed(StoaModules *modules)
{
    foreach_transport(modules, stoa_module_slot_tell_settings);
}

static void quiesce(StoaModuleSlot *slot)
{
    stoa_transport_quiesce(slot->transport);
}

void stoa_modules_quiesce(StoaModules *modules)
{
    foreach_transport(modules, quiesce);
}

void stoa_modules_stop_transports(StoaModules *modules)
{
    foreach_transport(modules, stoa_module_slot_unload);
}

void stoa_modules_free(StoaModules *modules)
{
    if (!modules)
        return;
    stoa_modules_stop_transports(modules);
    for (guint i = 0; i < modules->slots->len; i++) {
        StoaModuleSlot *slot = modules->slots->pdata[i];
        stoa_module_slot_clear_next(slot);
        stoa_module_slot_unload(slot);
        if (slot->state == STOA_MODULE_DRAINING) { /* the process ends, the code stays */
            stoa_timer_clear(&slot->drainer);
            log_warn(stoa_process, "module %s was still at work", slot->name);
        }
    }
    g_ptr_array_unref(modules->slots);
    g_free(modules);
}
