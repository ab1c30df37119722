/* SPDX-License-Identifier: MIT */
/* All modules: which are wanted, loaded, draining or failed. One slot for each conf file but stoa.conf. */
#include "config.h"

#define LOG_AREA "modules"

#include "base/log.h"
#include "base/timer.h"
#include "host/modules.h"
#include "room/conf-rooms.h"

#include <string.h>

enum { DRAIN_MS = 10 };

typedef enum { SLOT_OFF, SLOT_LOADED, SLOT_DRAINING, SLOT_FAILED } SlotState;
static const char *const state_names[] = { "off", "loaded", "draining", "failed" };

typedef struct {
    StoaModules *modules;
    char *name;
    StoaObjectKind kind;
    SlotState state;
    char *why; /* of SLOT_FAILED */
    StoaObject *object;
    StoaModule *module;           /* of a plugin */
    StoaTransportHost *transport; /* of a transport */
    StoaTimer *drainer;
    /* What prepare found, for commit. */
    struct {
        bool prepared, wanted;
        StoaObject *object;     /* newly opened */
        StoaConfValues *values; /* for it, or for the one that runs */
        char *why;              /* it cannot be opened */
        char *wrong;            /* what a dry run found in its files */
    } next;
} Slot;

struct StoaModules {
    StoaModulesSpec spec;
    GPtrArray *slots; /* of Slot, in the order of their names */
};

static void clear_next(Slot *slot)
{
    g_clear_pointer(&slot->next.values, stoa_conf_values_free);
    g_clear_pointer(&slot->next.object, stoa_object_close);
    g_clear_pointer(&slot->next.why, g_free);
    g_clear_pointer(&slot->next.wrong, g_free);
    slot->next.prepared = slot->next.wanted = false;
}

static void slot_free(gpointer data)
{
    Slot *slot = data;

    clear_next(slot);
    stoa_timer_clear(&slot->drainer);
    g_free(slot->why);
    g_free(slot->name);
    g_free(slot);
}

StoaModules *stoa_modules_new(const StoaModulesSpec *spec)
{
    StoaModules *modules = g_new0(StoaModules, 1);

    modules->spec = *spec;
    modules->slots = g_ptr_array_new_with_free_func(slot_free);
    return modules;
}

static Slot *find_slot(StoaModules *modules, const char *name)
{
    for (guint i = 0; i < modules->slots->len; i++) {
        Slot *slot = modules->slots->pdata[i];
        if (g_str_equal(slot->name, name))
            return slot;
    }
    return NULL;
}

static Slot *make_slot(StoaModules *modules, const char *name)
{
    Slot *slot = find_slot(modules, name);

    if (slot)
        return slot;
    slot = g_new0(Slot, 1);
    slot->modules = modules;
    slot->name = g_strdup(name);
    g_ptr_array_add(modules->slots, slot);
    return slot;
}

/* -- loading ------------------------------------------------------------------------------ */

static char *find_object(Slot *slot, GError **error)
{
    StoaModulesSpec *spec = &slot->modules->spec;
    char *path = stoa_object_find(spec->plugin_dirs, slot->name);

    slot->kind = STOA_OBJECT_PLUGIN;
    if (path)
        return path;
    path = stoa_object_find(spec->transport_dirs, slot->name);
    slot->kind = STOA_OBJECT_TRANSPORT;
    if (!path)
        stoa_fail(error, STOA_ERROR_NOT_FOUND,
                  "there is no %s.so in the module folders (stoa.conf, [modules])", slot->name);
    return path;
}

static StoaObject *open_object(Slot *slot, GError **error)
{
    g_autofree char *path = find_object(slot, error);

    return path ? stoa_object_open(path, slot->name, slot->kind, error) : NULL;
}

static StoaConfTable conf_table(const Slot *slot, const StoaObject *object)
{
    return slot->kind == STOA_OBJECT_PLUGIN
               ? stoa_module_conf_table(stoa_object_plugin(object))
               : stoa_transport_conf_table(stoa_object_transport(object));
}

static const StoaConfValues *current_values(const Slot *slot)
{
    return slot->module ? stoa_module_conf_values(slot->module)
                        : stoa_transport_conf_values(slot->transport);
}

static bool start_plugin(Slot *slot, StoaConfValues *values, GError **error)
{
    const StoaModulesSpec *spec = &slot->modules->spec;
    g_autoptr(StoaModule) module =
        stoa_module_new(stoa_object_plugin(slot->object), spec->env, values, error);

    if (!module || !stoa_module_start(module, error))
        return false;
    slot->module = g_steal_pointer(&module);
    spec->loaded(spec->user, slot->module);
    return true;
}

static bool start_transport(Slot *slot, StoaConfValues *values, GError **error)
{
    const StoaModulesSpec *spec = &slot->modules->spec;

    slot->transport = stoa_transport_start(spec->hub, stoa_object_transport(slot->object), values,
                                           spec->settings, error);
    return slot->transport != NULL;
}

static void set_failed(Slot *slot, const char *why)
{
    slot->state = SLOT_FAILED;
    g_free(slot->why);
    slot->why = g_strdup(why);
    log_error(stoa_process, "module %s does not run: %s", slot->name, why);
}

/* object and values taken */
static bool load(Slot *slot, StoaObject *object, StoaConfValues *values, GError **error)
{
    g_autoptr(GError) why = NULL;

    slot->object = object;
    bool ok = slot->kind == STOA_OBJECT_PLUGIN ? start_plugin(slot, values, &why)
                                               : start_transport(slot, values, &why);
    if (!ok) {
        g_clear_pointer(&slot->object, stoa_object_close);
        set_failed(slot, why->message);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    slot->state = SLOT_LOADED;
    g_clear_pointer(&slot->why, g_free);
    log_info(stoa_process, "module %s is loaded", slot->name);
    return true;
}

/* -- unloading ---------------------------------------------------------------------------- */

static void finish_unload(Slot *slot)
{
    g_clear_pointer(&slot->module, stoa_module_free);
    g_clear_pointer(&slot->object, stoa_object_close);
    slot->state = SLOT_OFF;
    log_info(stoa_process, "module %s is unloaded", slot->name);
    if (slot->next.wanted && slot->next.object)
        load(slot, g_steal_pointer(&slot->next.object), g_steal_pointer(&slot->next.values), NULL);
    clear_next(slot);
}

static void drain_again(void *data)
{
    Slot *slot = data;

    slot->drainer = NULL;
    if (stoa_module_is_busy(slot->module))
        slot->drainer = stoa_timer_after(DRAIN_MS, drain_again, slot);
    else
        finish_unload(slot);
}

/* The code of a module goes when none of it can be running any more: tasks and taps are waited for. */
static void unload(Slot *slot)
{
    if (slot->state != SLOT_LOADED)
        return;
    if (slot->kind == STOA_OBJECT_TRANSPORT) {
        g_clear_pointer(&slot->transport, stoa_transport_stop);
        finish_unload(slot);
        return;
    }
    slot->state = SLOT_DRAINING;
    slot->modules->spec.drain(slot->modules->spec.user, slot->module);
    drain_again(slot);
}

/* -- conf --------------------------------------------------------------------------------- */

/* The rooms that its conf lists; takes the values, which a dry run needs no more. */
static void check_rooms(Slot *slot)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaModule) trial =
        stoa_module_new(stoa_object_plugin(slot->next.object), slot->modules->spec.env,
                        g_steal_pointer(&slot->next.values), &error);

    if (!trial || !stoa_conf_rooms_check(trial, stoa_module_conf_values(trial), &error))
        slot->next.wrong = g_strdup_printf("%s.conf: %s", slot->name, error->message);
}

/* Looks at the files that its values name. */
static void check_files(Slot *slot)
{
    const StoaTransport *transport =
        slot->kind == STOA_OBJECT_TRANSPORT ? stoa_object_transport(slot->next.object) : NULL;
    g_autoptr(GError) error = NULL;

    if (transport && transport->check &&
        !transport->check(stoa_conf_values(slot->next.values), &error))
        slot->next.wrong = g_strdup(error->message);
}

static void prepare_slot(Slot *slot, StoaConf *conf, bool dry)
{
    g_autoptr(GError) error = NULL;

    clear_next(slot);
    slot->next.prepared = true;
    slot->next.wanted =
        stoa_conf_has_file(conf, slot->name) && stoa_conf_enabled(conf, slot->name, true);
    if (!slot->next.wanted && !dry)
        return;
    if (slot->state == SLOT_LOADED) {
        StoaConfTable table = conf_table(slot, slot->object);
        slot->next.values = stoa_conf_refill(conf, &table, current_values(slot), NULL);
        return;
    }
    slot->next.object = open_object(slot, &error);
    if (!slot->next.object) {
        slot->next.why = slot->next.wanted ? g_strdup(error->message) : NULL;
        return;
    }
    StoaConfTable table = conf_table(slot, slot->next.object);
    slot->next.values = stoa_conf_fill(conf, &table);
    if (dry && slot->next.wanted)
        (slot->kind == STOA_OBJECT_PLUGIN ? check_rooms : check_files)(slot);
}

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
        prepare_slot(modules->slots->pdata[i], conf, dry);
}

char *stoa_modules_prepared_failures(StoaModules *modules)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < modules->slots->len; i++) {
        Slot *slot = modules->slots->pdata[i];
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
        Slot *slot = modules->slots->pdata[i];
        if (slot->state != SLOT_DRAINING)
            clear_next(slot);
    }
}

static void reconfigure(Slot *slot)
{
    StoaConfValues *values = g_steal_pointer(&slot->next.values);
    g_autoptr(GError) error = NULL;
    bool ok = slot->module ? stoa_module_reconfigure(slot->module, values, &error)
                           : stoa_transport_reconfigure(slot->transport, values,
                                                        slot->modules->spec.settings, &error);

    if (!ok)
        log_error(stoa_process, "module %s goes on as before: %s", slot->name,
                  error ? error->message : "it gave no reason");
    if (stoa_object_is_outdated(slot->object))
        log_info(stoa_process,
                 "module %s: there is another build of it now, the old one goes on: disable and "
                 "enable it, or use the admin request reload_plugin",
                 slot->name);
}

static void commit_slot(Slot *slot)
{
    if (!slot->next.prepared || slot->state == SLOT_DRAINING)
        return;
    if (slot->next.wanted && slot->state == SLOT_LOADED)
        reconfigure(slot);
    else if (slot->next.wanted && slot->next.object)
        load(slot, g_steal_pointer(&slot->next.object), g_steal_pointer(&slot->next.values), NULL);
    else if (slot->next.wanted)
        set_failed(slot, slot->next.why ? slot->next.why : "it cannot be opened");
    else if (slot->state == SLOT_LOADED)
        unload(slot);
    else
        slot->state = SLOT_OFF;
    if (slot->state != SLOT_DRAINING)
        clear_next(slot);
}

void stoa_modules_commit(StoaModules *modules)
{
    for (guint i = 0; i < modules->slots->len; i++)
        commit_slot(modules->slots->pdata[i]);
}

/* -- toggling one ------------------------------------------------------------------------- */

static Slot *named_slot(StoaModules *modules, const char *name, GError **error)
{
    const char *plain = name && g_str_has_prefix(name, "stoa.plugin.") ? name + 12 : name;
    Slot *slot = plain ? find_slot(modules, plain) : NULL;

    if (!slot)
        stoa_fail(error, STOA_ERROR_NOT_FOUND,
                  "there is no module \"%s\": it needs a conf file of that name", name ? name : "");
    return slot;
}

/* Opens the object anew and checks its conf file; what it found is in slot->next. */
static bool prepare_anew(Slot *slot, StoaConf *conf, GError **error)
{
    clear_next(slot);
    slot->next.object = open_object(slot, error);
    if (!slot->next.object)
        return false;
    StoaConfTable table = conf_table(slot, slot->next.object);
    slot->next.values = stoa_conf_fill(conf, &table);
    slot->next.wanted = true;
    if (stoa_conf_check(conf, error))
        return true;
    clear_next(slot);
    return false;
}

bool stoa_modules_enable(StoaModules *modules, const char *name, StoaConf *conf, GError **error)
{
    if (name && stoa_conf_has_file(conf, name))
        make_slot(modules, name);
    Slot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    if (slot->state == SLOT_LOADED)
        return true;
    if (slot->state == SLOT_DRAINING)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "module %s is still being unloaded", name);
    if (!prepare_anew(slot, conf, error))
        return false;
    bool ok =
        load(slot, g_steal_pointer(&slot->next.object), g_steal_pointer(&slot->next.values), error);
    clear_next(slot);
    return ok;
}

bool stoa_modules_disable(StoaModules *modules, const char *name, GError **error)
{
    Slot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    clear_next(slot);
    unload(slot);
    if (slot->state == SLOT_FAILED)
        slot->state = SLOT_OFF;
    return true;
}

/* The old object must be gone before the new file is opened, or the loader would give us the old one again. */
bool stoa_modules_reload(StoaModules *modules, const char *name, StoaConf *conf, GError **error)
{
    Slot *slot = named_slot(modules, name, error);

    if (!slot)
        return false;
    clear_next(slot);
    unload(slot);
    if (slot->state == SLOT_DRAINING)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "module %s finishes its work: enable it again in a moment", name);
    return stoa_modules_enable(modules, name, conf, error);
}

/* -- looking ------------------------------------------------------------------------------ */

StoaModule *stoa_modules_find(StoaModules *modules, const char *package)
{
    Slot *slot = named_slot(modules, package, NULL);

    return slot && slot->state == SLOT_LOADED ? slot->module : NULL;
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

static json_t *list_one(const Slot *slot)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:s*}", "name", slot->name, "kind",
                            slot->kind == STOA_OBJECT_PLUGIN ? "plugin" : "transport", "state",
                            state_names[slot->state], "error", slot->why);

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
        const Slot *slot = modules->slots->pdata[i];
        if (slot->state != SLOT_LOADED || slot->kind != kind)
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
        const Slot *slot = modules->slots->pdata[i];
        if (slot->module)
            fn(slot->module);
    }
}

unsigned stoa_modules_n_loaded(StoaModules *modules, StoaObjectKind kind)
{
    unsigned n = 0;

    for (guint i = 0; i < modules->slots->len; i++) {
        const Slot *slot = modules->slots->pdata[i];
        n += slot->state == SLOT_LOADED && slot->kind == kind;
    }
    return n;
}

/* -- the end ------------------------------------------------------------------------------ */

static void foreach_transport(StoaModules *modules, void (*fn)(Slot *slot))
{
    for (guint i = 0; i < modules->slots->len; i++) {
        Slot *slot = modules->slots->pdata[i];
        if (slot->transport)
            fn(slot);
    }
}

static void tell_settings(Slot *slot)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_transport_reconfigure(slot->transport, NULL, slot->modules->spec.settings, &error))
        log_error(stoa_process, "module %s goes on as before: %s", slot->name,
                  error ? error->message : "it gave no reason");
}

void stoa_modules_settings_changed(StoaModules *modules)
{
    foreach_transport(modules, tell_settings);
}

static void quiesce(Slot *slot)
{
    stoa_transport_quiesce(slot->transport);
}

void stoa_modules_quiesce(StoaModules *modules)
{
    foreach_transport(modules, quiesce);
}

void stoa_modules_stop_transports(StoaModules *modules)
{
    foreach_transport(modules, unload);
}

void stoa_modules_free(StoaModules *modules)
{
    if (!modules)
        return;
    stoa_modules_stop_transports(modules);
    for (guint i = 0; i < modules->slots->len; i++) {
        Slot *slot = modules->slots->pdata[i];
        clear_next(slot);
        unload(slot);
        if (slot->state == SLOT_DRAINING) { /* its work goes on: the process ends, the code stays */
            stoa_timer_clear(&slot->drainer);
            log_warn(stoa_process, "module %s was still at work", slot->name);
        }
    }
    g_ptr_array_unref(modules->slots);
    g_free(modules);
}
