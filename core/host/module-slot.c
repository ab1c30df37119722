/* SPDX-License-Identifier: MIT */
/* One module: its object opened, started, told of its conf, and let go when none of its code runs any more. */
#include "config.h"

#define LOG_AREA "modules"

#include "host/module-slot.h"

#include "base/log.h"
#include "room/conf-rooms.h"

#include <string.h>

enum { DRAIN_MS = 10 };

void stoa_module_slot_clear_next(StoaModuleSlot *slot)
{
    g_clear_pointer(&slot->next.values, stoa_conf_values_free);
    g_clear_pointer(&slot->next.object, stoa_object_close);
    g_clear_pointer(&slot->next.why, g_free);
    g_clear_pointer(&slot->next.wrong, g_free);
    slot->next.prepared = slot->next.wanted = false;
}

void stoa_module_slot_free(gpointer data)
{
    StoaModuleSlot *slot = data;

    stoa_module_slot_clear_next(slot);
    stoa_timer_clear(&slot->drainer);
    g_free(slot->why);
    g_free(slot->name);
    g_free(slot);
}

StoaModuleSlot *stoa_module_slot_new(const StoaModulesSpec *spec, const char *name)
{
    StoaModuleSlot *slot = g_new0(StoaModuleSlot, 1);

    slot->spec = spec;
    slot->name = g_strdup(name);
    return slot;
}

const char *stoa_module_slot_state_name(const StoaModuleSlot *slot)
{
    static const char *const names[] = { "off", "loaded", "draining", "failed" };

    return names[slot->state];
}

/* -- loading ------------------------------------------------------------------------------ */

static char *find_object(StoaModuleSlot *slot, GError **error)
{
    const StoaModulesSpec *spec = slot->spec;
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

static StoaObject *open_object(StoaModuleSlot *slot, GError **error)
{
    g_autofree char *path = find_object(slot, error);

    return path ? stoa_object_open(path, slot->name, slot->kind, error) : NULL;
}

static StoaConfTable conf_table(const StoaModuleSlot *slot, const StoaObject *object)
{
    return slot->kind == STOA_OBJECT_PLUGIN
               ? stoa_module_conf_table(stoa_object_plugin(object))
               : stoa_transport_conf_table(stoa_object_transport(object));
}

static const StoaConfValues *current_values(const StoaModuleSlot *slot)
{
    return slot->module ? stoa_module_conf_values(slot->module)
                        : stoa_transport_conf_values(slot->transport);
}

static bool start_plugin(StoaModuleSlot *slot, StoaConfValues *values, GError **error)
{
    const StoaModulesSpec *spec = slot->spec;
    g_autoptr(StoaModule) module =
        stoa_module_new(stoa_object_plugin(slot->object), spec->env, values, error);

    if (!module || !stoa_module_start(module, error))
        return false;
    slot->module = g_steal_pointer(&module);
    spec->loaded(spec->user, slot->module);
    return true;
}

static bool start_transport(StoaModuleSlot *slot, StoaConfValues *values, GError **error)
{
    const StoaModulesSpec *spec = slot->spec;

    slot->transport = stoa_transport_start(spec->hub, stoa_object_transport(slot->object), values,
                                           spec->settings, error);
    return slot->transport != NULL;
}

static void set_failed(StoaModuleSlot *slot, const char *why)
{
    slot->state = STOA_MODULE_FAILED;
    g_free(slot->why);
    slot->why = g_strdup(why);
    log_error(stoa_process, "module %s does not run: %s", slot->name, why);
}

/* object and values taken */
static bool load(StoaModuleSlot *slot, StoaObject *object, StoaConfValues *values, GError **error)
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
    slot->state = STOA_MODULE_LOADED;
    g_clear_pointer(&slot->why, g_free);
    log_info(stoa_process, "module %s is loaded", slot->name);
    return true;
}

bool stoa_module_slot_load_next(StoaModuleSlot *slot, GError **error)
{
    return load(slot, g_steal_pointer(&slot->next.object), g_steal_pointer(&slot->next.values),
                error);
}

/* -- unloading ---------------------------------------------------------------------------- */

static void finish_unload(StoaModuleSlot *slot)
{
    g_clear_pointer(&slot->module, stoa_module_free);
    g_clear_pointer(&slot->object, stoa_object_close);
    slot->state = STOA_MODULE_OFF;
    log_info(stoa_process, "module %s is unloaded", slot->name);
    if (slot->next.wanted && slot->next.object)
        stoa_module_slot_load_next(slot, NULL);
    stoa_module_slot_clear_next(slot);
}

static void drain_again(void *data)
{
    StoaModuleSlot *slot = data;

    slot->drainer = NULL;
    if (stoa_module_is_busy(slot->module))
        slot->drainer = stoa_timer_after(DRAIN_MS, drain_again, slot);
    else
        finish_unload(slot);
}

/* The code of a module goes when none of it can be running any more: tasks and taps are waited for. */
void stoa_module_slot_unload(StoaModuleSlot *slot)
{
    if (slot->state != STOA_MODULE_LOADED)
        return;
    if (slot->kind == STOA_OBJECT_TRANSPORT) {
        g_clear_pointer(&slot->transport, stoa_transport_stop);
        finish_unload(slot);
        return;
    }
    slot->state = STOA_MODULE_DRAINING;
    slot->spec->drain(slot->spec->user, slot->module);
    drain_again(slot);
}

/* -- conf --------------------------------------------------------------------------------- */

/* The rooms that its conf lists; takes the values, which a dry run needs no more. */
static void check_rooms(StoaModuleSlot *slot)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaModule) trial =
        stoa_module_new(stoa_object_plugin(slot->next.object), slot->spec->env,
                        g_steal_pointer(&slot->next.values), &error);

    if (!trial || !stoa_conf_rooms_check(trial, stoa_module_conf_values(trial), &error))
        slot->next.wrong = g_strdup_printf("%s.conf: %s", slot->name, error->message);
}

/* Looks at the files that its values name. */
static void check_files(StoaModuleSlot *slot)
{
    const StoaTransport *transport =
        slot->kind == STOA_OBJECT_TRANSPORT ? stoa_object_transport(slot->next.object) : NULL;
    g_autoptr(GError) error = NULL;

    if (transport && transport->check &&
        !transport->check(stoa_conf_values(slot->next.values), &error))
        slot->next.wrong = g_strdup(error->message);
}

void stoa_module_slot_prepare(StoaModuleSlot *slot, StoaConf *conf, bool dry)
{
    g_autoptr(GError) error = NULL;

    stoa_module_slot_clear_next(slot);
    slot->next.prepared = true;
    slot->next.wanted =
        stoa_conf_has_file(conf, slot->name) && stoa_conf_enabled(conf, slot->name, true);
    if (!slot->next.wanted && !dry)
        return;
    if (slot->state == STOA_MODULE_LOADED) {
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

/* Opens the object anew and checks its conf file; what it found is in slot->next. */
bool stoa_module_slot_prepare_anew(StoaModuleSlot *slot, StoaConf *conf, GError **error)
{
    stoa_module_slot_clear_next(slot);
    slot->next.object = open_object(slot, error);
    if (!slot->next.object)
        return false;
    StoaConfTable table = conf_table(slot, slot->next.object);
    slot->next.values = stoa_conf_fill(conf, &table);
    slot->next.wanted = true;
    if (stoa_conf_check(conf, error))
        return true;
    stoa_module_slot_clear_next(slot);
    return false;
}

static void reconfigure(StoaModuleSlot *slot)
{
    StoaConfValues *values = g_steal_pointer(&slot->next.values);
    g_autoptr(GError) error = NULL;
    bool ok = slot->module ? stoa_module_reconfigure(slot->module, values, &error)
                           : stoa_transport_reconfigure(slot->transport, values,
                                                        slot->spec->settings, &error);

    if (!ok)
        log_error(stoa_process, "module %s goes on as before: %s", slot->name,
                  error ? error->message : "it gave no reason");
    if (stoa_object_is_outdated(slot->object))
        log_info(stoa_process,
                 "module %s: there is another build of it now, the old one goes on: disable and "
                 "enable it, or use the admin request reload_plugin",
                 slot->name);
}

void stoa_module_slot_commit(StoaModuleSlot *slot)
{
    if (!slot->next.prepared || slot->state == STOA_MODULE_DRAINING)
        return;
    if (slot->next.wanted && slot->state == STOA_MODULE_LOADED)
        reconfigure(slot);
    else if (slot->next.wanted && slot->next.object)
        stoa_module_slot_load_next(slot, NULL);
    else if (slot->next.wanted)
        set_failed(slot, slot->next.why ? slot->next.why : "it cannot be opened");
    else if (slot->state == STOA_MODULE_LOADED)
        stoa_module_slot_unload(slot);
    else
        slot->state = STOA_MODULE_OFF;
    if (slot->state != STOA_MODULE_DRAINING)
        stoa_module_slot_clear_next(slot);
}

void stoa_module_slot_tell_settings(StoaModuleSlot *slot)
{
    g_autoptr(GError) error = NULL;

    if (!stoa_transport_reconfigure(slot->transport, NULL, slot->spec->settings, &error))
        log_error(stoa_process, "module %s goes on as before: %s", slot->name,
                  error ? error->message : "it gave no reason");
}
