/* SPDX-License-Identifier: MIT */
/* The layers tied together: what signaling, the web, the rooms and modules ask of those above them. */
#include "config.h"

#include "base/metric.h"
#include "host/gateway-private.h"
#include "room/bridge.h"
#include "web/files.h"
#include "web/history.h"
#include "web/hosts.h"
#include "web/invitations.h"
#include "web/me.h"
#include "web/people.h"
#include "web/rooms.h"
#include "web/server.h"

#include <string.h>

/* -- what modules and signaling ask of us ------------------------------------------------- */

/* The module that another name stands for; NULL: it stands for none. Borrowed. */
static const char *aliased(const StoaGateway *gateway, const char *package)
{
    size_t len = strlen(package);

    for (char **alias = gateway->conf.aliases; alias && *alias; alias++)
        if (strncmp(*alias, package, len) == 0 && (*alias)[len] == '=')
            return *alias + len + 1;
    return NULL;
}

static StoaModule *find_module(void *user, const char *package)
{
    StoaGateway *gateway = user;
    const char *name = aliased(gateway, package);

    if (name)
        return stoa_modules_find(gateway->modules, name);
    if (!g_str_has_prefix(package, "stoa.plugin."))
        return NULL;
    if (g_str_equal(package, "stoa.plugin.room"))
        return stoa_rooms_module(gateway->kept);
    return stoa_modules_find(gateway->modules, package);
}

/* A client of Janus looks for the plugins by the names that it knows. */
static void add_aliases(StoaGateway *gateway, json_t *all)
{
    for (char **alias = gateway->conf.aliases; alias && *alias; alias++) {
        g_auto(GStrv) parts = g_strsplit(*alias, "=", 2);
        StoaModule *module = parts[1] ? stoa_modules_find(gateway->modules, parts[1]) : NULL;
        if (module)
            json_object_set(all, parts[0], json_object_get(all, stoa_module_package(module)));
    }
}

static json_t *list_modules(void *user)
{
    StoaGateway *gateway = user;
    StoaModule *room = stoa_rooms_module(gateway->kept);
    json_t *all = stoa_modules_describe(gateway->modules, STOA_OBJECT_PLUGIN);

    if (room)
        json_object_set_new(all, stoa_module_package(room),
                            stoa_modules_describe_plugin(stoa_module_plugin(room)));
    add_aliases(gateway, all);
    return all;
}

/* For the operator: those of the conf, and the one that is always there. */
static json_t *all_modules(StoaGateway *gateway)
{
    StoaModule *room = stoa_rooms_module(gateway->kept);
    json_t *list = stoa_modules_list(gateway->modules);

    if (room)
        json_array_append_new(list, stoa_modules_list_builtin(room));
    return json_pack("{s:o}", "plugins", list);
}

static json_t *list_transports(void *user)
{
    return stoa_modules_describe(((StoaGateway *)user)->modules, STOA_OBJECT_TRANSPORT);
}

static json_t *admin_module(void *user, const char *verb, const char *name, GError **error)
{
    StoaGateway *gateway = user;
    const char *alias = name ? aliased(gateway, name) : NULL;
    bool ok;

    if (alias)
        name = alias;
    if (g_str_equal(verb, "list_plugins"))
        return all_modules(gateway);
    if (g_str_equal(verb, "reload_conf")) {
        ok = stoa_gateway_reload(gateway, error);
    } else if (!name) {
        ok = stoa_fail(error, STOA_ERROR_INVALID, "\"plugin\" is missing: which module?");
    } else if (g_str_equal(verb, "disable_plugin")) {
        ok = stoa_modules_disable(gateway->modules, name, error);
    } else {
        g_autoptr(StoaConf) conf = stoa_gateway_load_conf(gateway, error);
        ok = conf && (g_str_equal(verb, "enable_plugin")
                          ? stoa_modules_enable(gateway->modules, name, conf, error)
                          : stoa_modules_reload(gateway->modules, name, conf, error));
    }
    return ok ? all_modules(gateway) : NULL;
}

static const char *data_dir(void *user)
{
    return ((StoaGateway *)user)->data_dir;
}

static StoaRooms *kept_rooms(void *user)
{
    return ((StoaGateway *)user)->kept;
}

static bool wrong_token(void *user, const char *address)
{
    StoaWeb *web = ((StoaGateway *)user)->web;

    return web && address && stoa_web_wrong_token(web, address);
}

const StoaSignalingHost stoa_gateway_signaling_host = {
    .find_module = find_module,
    .list_modules = list_modules,
    .list_transports = list_transports,
    .admin_module = admin_module,
    .data_dir = data_dir,
    .rooms = kept_rooms,
    .wrong_token = wrong_token,
};

/* -- what the web asks of us -------------------------------------------------------------- */

static const char *base_url(void *user)
{
    return ((StoaGateway *)user)->conf.base_url;
}

static const char *own_url(void *user)
{
    return stoa_transport_hub_origin(((StoaGateway *)user)->hub, "http");
}

static int64_t json_depth(void *user)
{
    return stoa_transport_hub_json_depth(((StoaGateway *)user)->hub);
}

static const char *residency(void *user)
{
    return ((StoaGateway *)user)->conf.residency;
}

/* Any thread: the folders do not change. */
static bool is_module_known(void *user, const char *name)
{
    g_autofree char *path = stoa_object_find(((StoaGateway *)user)->plugin_dirs, name);

    return path != NULL;
}

static bool seat(void *user, const char *token, StoaWebCaller *caller)
{
    return stoa_web_seat(((StoaGateway *)user)->kept, token, caller);
}

/* The workspace's own limits, as its conf has them. */
static bool file_limits(void *user, int64_t *file_bytes, int64_t *room_bytes)
{
    StoaModule *module = stoa_modules_find(((StoaGateway *)user)->modules, "workspace");

    return module && stoa_module_option_int(module, "limits.file_bytes", file_bytes) &&
           stoa_module_option_int(module, "limits.room_bytes", room_bytes);
}

static StoaModule *loaded_module(void *user, const char *name)
{
    return stoa_modules_find(((StoaGateway *)user)->modules, name);
}

void stoa_gateway_open_web(StoaGateway *gateway)
{
    const StoaWebSpec spec = { .store = gateway->store,
                               .mail = gateway->mail,
                               .conf = &gateway->rooms,
                               .data_dir = gateway->data_dir,
                               .base_url = base_url,
                               .own_url = own_url,
                               .json_depth = json_depth,
                               .residency = residency,
                               .module_known = is_module_known,
                               .seat = seat,
                               .rooms = gateway->kept,
                               .file_limits = file_limits,
                               .module = loaded_module,
                               .user = gateway };

    gateway->env.module = loaded_module;
    gateway->env.rooms = kept_rooms;
    gateway->env.user = gateway;
    gateway->web = stoa_web_new(&spec);
    stoa_web_add_routes(gateway->web, stoa_web_server_routes());
    stoa_web_add_routes(gateway->web, stoa_web_host_routes());
    stoa_web_add_routes(gateway->web, stoa_web_room_routes());
    stoa_web_add_routes(gateway->web, stoa_web_invitation_routes());
    stoa_web_add_routes(gateway->web, stoa_web_people_routes());
    stoa_web_add_routes(gateway->web, stoa_web_file_routes());
    stoa_web_add_routes(gateway->web, stoa_web_history_routes());
    stoa_web_add_routes(gateway->web, stoa_web_me_routes());
    stoa_transport_hub_set_web(gateway->hub, gateway->web);
}

/* -- the rooms ---------------------------------------------------------------------------- */

static void mail_waits(void *user)
{
    stoa_mail_wake(((StoaGateway *)user)->mail);
}

bool stoa_gateway_open_rooms(StoaGateway *gateway, GError **error)
{
    const StoaRoomsSpec spec = { .store = gateway->store,
                                 .conf = &gateway->rooms,
                                 .env = &gateway->env,
                                 .module = loaded_module,
                                 .base_url = base_url,
                                 .own_url = own_url,
                                 .mail_waits = mail_waits,
                                 .user = gateway };

    gateway->kept = stoa_rooms_new(&spec);
    return stoa_rooms_start(gateway->kept, error);
}

static void loaded(void *user, StoaModule *module)
{
    stoa_web_add_module(((StoaGateway *)user)->web, module);
}

static void drain(void *user, StoaModule *module)
{
    StoaGateway *gateway = user;

    stoa_web_remove_module(gateway->web, module);
    stoa_bridge_drain(module);
    stoa_signaling_detach_module(gateway->signaling, module);
}

void stoa_gateway_set_gauges(void *user)
{
    StoaGateway *gateway = user;

    stoa_metric_set(gateway->sessions_gauge, stoa_signaling_n_sessions(gateway->signaling));
    stoa_metric_set(gateway->clients_gauge, stoa_signaling_n_clients(gateway->signaling));
}

void stoa_gateway_make_modules(StoaGateway *gateway)
{
    StoaModulesSpec spec = { .env = &gateway->env,
                             .settings = &gateway->settings,
                             .hub = gateway->hub,
                             .loaded = loaded,
                             .drain = drain,
                             .user = gateway,
                             .plugin_dirs = gateway->plugin_dirs,
                             .transport_dirs = gateway->transport_dirs };

    gateway->modules = stoa_modules_new(&spec);
}
