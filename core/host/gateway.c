/* SPDX-License-Identifier: MIT */
/* The gateway put together. */
#include "config.h"

#define LOG_AREA "gateway"

#include "base/error.h"
#include "base/id.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/paths.h"
#include "dtls/certificate.h"
#include "host/core-conf.h"
#include "host/describe.h"
#include "host/gateway.h"
#include "host/modules.h"
#include "mail/mail.h"
#include "room/bridge.h"
#include "room/rooms-conf.h"
#include "room/rooms.h"
#include "store/store.h"
#include "web/files.h"
#include "web/history.h"
#include "web/hosts.h"
#include "web/invitations.h"
#include "web/me.h"
#include "web/people.h"
#include "web/rooms.h"
#include "web/server.h"
#include "web/web.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct StoaGateway {
    char *conf_dir, *data_dir, **overrides;
    StoaConfValues *values;
    StoaCoreConf conf; /* a copy of the values, at an address that stays */
    StoaConfValues *rooms_values;
    StoaRoomsConf rooms; /* the same of rooms.conf */
    StoaConfValues *store_values;
    StoaStore *store; /* data/stoa.db */
    StoaConfValues *mail_values;
    StoaMail *mail;
    char *made_secret; /* of the admin API, when conf has none */
    char **plugin_dirs, **transport_dirs;
    StoaRoomEnv env;
    StoaTransportSettings settings;
    StoaMedia *media;
    StoaTransportHub *hub;
    StoaSignaling *signaling;
    StoaWeb *web;
    StoaRooms *kept; /* the rooms of the rooms API */
    StoaModules *modules;
    StoaMetricCell *sessions_gauge, *clients_gauge;
};

/* -- conf --------------------------------------------------------------------------------- */

static const char *conf_dir_of(const StoaOptions *options)
{
    return options->conf_dir ? options->conf_dir : stoa_paths()->conf_dir;
}

static char **join_dirs(char **ours, char **more)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (char **at = more; at && *at; at++)
        g_strv_builder_add(builder, *at);
    for (char **at = ours; at && *at; at++)
        g_strv_builder_add(builder, *at);
    return g_strv_builder_end(builder);
}

/* Copies the values to where everybody reads them, and works out what follows from them. */
static void adopt(StoaGateway *gateway, StoaConfValues *values)
{
    StoaCoreConf *conf = &gateway->conf;

    *conf = *(const StoaCoreConf *)stoa_conf_values(values);
    if (!conf->signaling.admin_secret)
        conf->signaling.admin_secret = gateway->made_secret;
    conf->signaling.ice_lite = g_str_equal(conf->media_ice, "lite");
    gateway->env.sdp_bytes = conf->signaling.sdp_bytes;
    gateway->env.sdp_media = conf->signaling.sdp_media;
    gateway->env.adhoc = conf->adhoc;
    StoaTransportSettings *settings = &gateway->settings;
    settings->message_bytes = conf->signaling.message_bytes;
    settings->connections_per_address = conf->connections_per_address;
    settings->trusted_proxies = (const char *const *)conf->trusted_proxies;
    settings->base_url = conf->base_url;
    settings->html_dir = stoa_paths()->html_dir;
    settings->admin_address = conf->admin_address;
    settings->admin_port = conf->admin_port;
    settings->server_name = conf->signaling.server_name;
    if (gateway->hub)
        stoa_transport_hub_configure(gateway->hub, settings, conf->signaling.json_depth);
    stoa_log_set_level(
        g_str_equal(conf->log_level, "none") ? 0 : stoa_log_level_from_name(conf->log_level));
    stoa_log_set_pii(conf->log_debug_pii);
    stoa_conf_values_free(gateway->values);
    gateway->values = values;
}

static void adopt_rooms(StoaGateway *gateway, StoaConfValues *values)
{
    gateway->rooms = *(const StoaRoomsConf *)stoa_conf_values(values);
    stoa_conf_values_free(gateway->rooms_values);
    gateway->rooms_values = values;
    if (gateway->web)
        stoa_web_conf_changed(gateway->web);
    stoa_web_file_url_configure(gateway->conf.base_url, gateway->rooms.ticket_s);
    gateway->env.file_url = stoa_web_file_url_of;
}

static void adopt_mail(StoaGateway *gateway, StoaConfValues *values)
{
    stoa_conf_values_free(gateway->mail_values);
    gateway->mail_values = values;
}

/* The operator's own templates, or those that came with the gateway. */
static const char *templates_dir(const StoaGateway *gateway)
{
    g_autofree char *own = g_build_filename(gateway->conf_dir, "mail", NULL);

    return g_file_test(own, G_FILE_TEST_IS_DIR) ? gateway->conf_dir : stoa_paths()->conf_dir;
}

static void adopt_store(StoaGateway *gateway, StoaConfValues *values)
{
    stoa_conf_values_free(gateway->store_values);
    gateway->store_values = values;
}

/* -- what modules and signaling ask of us ------------------------------------------------- */

static StoaModule *find_module(void *user, const char *package)
{
    StoaGateway *gateway = user;
    size_t len = strlen(package);

    for (char **alias = gateway->conf.aliases; alias && *alias; alias++) {
        if (strncmp(*alias, package, len) == 0 && (*alias)[len] == '=')
            return stoa_modules_find(gateway->modules, *alias + len + 1);
    }
    if (!g_str_has_prefix(package, "stoa.plugin."))
        return NULL;
    if (g_str_equal(package, "stoa.plugin.room"))
        return stoa_rooms_module(gateway->kept);
    return stoa_modules_find(gateway->modules, package);
}

static json_t *list_modules(void *user)
{
    StoaGateway *gateway = user;
    StoaModule *room = stoa_rooms_module(gateway->kept);
    json_t *all = stoa_modules_describe(gateway->modules, STOA_OBJECT_PLUGIN);

    if (room)
        json_object_set_new(all, stoa_module_package(room),
                            stoa_modules_describe_plugin(stoa_module_plugin(room)));
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

static StoaConf *load_conf(StoaGateway *gateway, GError **error)
{
    return stoa_conf_load(gateway->conf_dir, (const char *const *)gateway->overrides, error);
}

static json_t *admin_module(void *user, const char *verb, const char *name, GError **error)
{
    StoaGateway *gateway = user;
    bool ok;

    if (g_str_equal(verb, "list_plugins"))
        return all_modules(gateway);
    if (g_str_equal(verb, "reload_conf")) {
        ok = stoa_gateway_reload(gateway, error);
    } else if (!name) {
        ok = stoa_fail(error, STOA_ERROR_INVALID, "\"plugin\" is missing: which module?");
    } else if (g_str_equal(verb, "disable_plugin")) {
        ok = stoa_modules_disable(gateway->modules, name, error);
    } else {
        g_autoptr(StoaConf) conf = load_conf(gateway, error);
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

static const StoaSignalingHost signaling_host = {
    .find_module = find_module,
    .list_modules = list_modules,
    .list_transports = list_transports,
    .admin_module = admin_module,
    .data_dir = data_dir,
    .rooms = kept_rooms,
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

static void open_web(StoaGateway *gateway)
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

static StoaModule *room_module(void *user, const char *name)
{
    return stoa_modules_find(((StoaGateway *)user)->modules, name);
}

static void mail_waits(void *user)
{
    stoa_mail_wake(((StoaGateway *)user)->mail);
}

/* What was open when the server stopped is open again before anybody can ask. */
static bool open_rooms(StoaGateway *gateway, GError **error)
{
    const StoaRoomsSpec spec = { .store = gateway->store,
                                 .conf = &gateway->rooms,
                                 .env = &gateway->env,
                                 .module = room_module,
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

static void set_gauges(void *user)
{
    StoaGateway *gateway = user;

    stoa_metric_set(gateway->sessions_gauge, stoa_signaling_n_sessions(gateway->signaling));
    stoa_metric_set(gateway->clients_gauge, stoa_signaling_n_clients(gateway->signaling));
}

/* -- start -------------------------------------------------------------------------------- */

/* The admin secret of this installation, made at its first start. */
static bool make_secret(StoaGateway *gateway, GError **error)
{
    g_autofree char *path = g_build_filename(gateway->data_dir, "admin.secret", NULL);
    char text[33];

    if (g_file_get_contents(path, &gateway->made_secret, NULL, NULL)) {
        g_strstrip(gateway->made_secret);
        return true;
    }
    gateway->made_secret = g_strdup(stoa_id_text(text, 32));
    if (!g_file_set_contents_full(path, gateway->made_secret, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                  0600, error))
        return false;
    log_info(stoa_process, "the admin API's secret was made: it is in %s", path);
    return true;
}

static bool make_data_dir(StoaGateway *gateway, GError **error)
{
    if (g_mkdir_with_parents(gateway->data_dir, 0700) == 0)
        return true;
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the data folder %s cannot be made: %s",
                     gateway->data_dir, g_strerror(errno));
}

static bool has_certificate(const StoaCoreConf *conf)
{
    return conf->media_certificate || conf->media_key;
}

static bool open_media(StoaGateway *gateway, GError **error)
{
    const StoaCoreConf *conf = &gateway->conf;
    StoaMediaConf media = {
        .port = (uint16_t)conf->media_port,
        .workers = (unsigned)conf->media_workers,
        .addresses = (const char *const *)conf->media_addresses,
        .ice = g_str_equal(conf->media_ice, "full") ? STOA_ICE_FULL : STOA_ICE_LITE,
        .certificate = conf->media_certificate,
        .key = conf->media_key,
        .room_peers_per_worker = (unsigned)conf->media_room_peers,
        .stun_server = conf->media_stun,
        .turn_server = conf->media_turn,
        .turn_user = conf->media_turn_user,
        .turn_password = conf->media_turn_password,
        .turn_transport = conf->media_turn_transport,
        .full_ports = (unsigned)conf->media_full_ports,
        .media_timeout_ms = (unsigned)conf->media_timeout_ms,
        .slowlink_threshold = (unsigned)conf->media_slowlink,
    };

    gateway->media = stoa_media_new(&media, error);
    gateway->env.media = gateway->media;
    return gateway->media != NULL;
}

static void make_modules(StoaGateway *gateway)
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

static StoaGateway *gateway_alloc(const StoaOptions *options)
{
    StoaGateway *gateway = g_new0(StoaGateway, 1);

    gateway->conf_dir = g_strdup(conf_dir_of(options));
    gateway->data_dir = g_strdup(options->data_dir ? options->data_dir : stoa_paths()->data_dir);
    gateway->overrides = g_strdupv(options->overrides);
    return gateway;
}

/* Reads all conf files, opens the wanted modules' objects; false with every problem. */
static bool read_all(StoaGateway *gateway, StoaConf *conf, bool dry, GError **error)
{
    StoaConfValues *values = stoa_conf_fill(conf, stoa_core_conf_table());

    adopt(gateway, values);
    adopt_rooms(gateway, stoa_conf_fill(conf, stoa_rooms_conf_table()));
    adopt_store(gateway, stoa_conf_fill(conf, stoa_store_conf_table()));
    adopt_mail(gateway, stoa_conf_fill(conf, stoa_mail_conf_table()));
    gateway->plugin_dirs = join_dirs(stoa_paths()->plugin_dirs, gateway->conf.plugin_dirs);
    gateway->transport_dirs = join_dirs(stoa_paths()->transport_dirs, gateway->conf.transport_dirs);
    make_modules(gateway);
    stoa_modules_prepare(gateway->modules, conf, dry);
    return stoa_conf_check(conf, error);
}

static bool open_store(StoaGateway *gateway, GError **error)
{
    gateway->store =
        stoa_store_new(gateway->data_dir, stoa_conf_values(gateway->store_values), error);
    gateway->env.data_dir = gateway->data_dir;
    if (!gateway->store)
        return false;
    gateway->mail = stoa_mail_new(gateway->store, stoa_conf_values(gateway->mail_values),
                                  gateway->data_dir, templates_dir(gateway), error);
    return gateway->mail != NULL;
}

static bool start(StoaGateway *gateway, GError **error)
{
    if (!make_data_dir(gateway, error) || !open_store(gateway, error))
        return false;
    if (!gateway->conf.signaling.admin_secret) {
        if (!make_secret(gateway, error))
            return false;
        gateway->conf.signaling.admin_secret = gateway->made_secret;
    }
    if (!open_media(gateway, error))
        return false;
    gateway->signaling = stoa_signaling_new(&gateway->conf.signaling, &signaling_host, gateway);
    stoa_transport_hub_set_signaling(gateway->hub, gateway->signaling);
    if (!open_rooms(gateway, error))
        return false;
    open_web(gateway);
    stoa_modules_commit(gateway->modules);
    if (stoa_modules_n_loaded(gateway->modules, STOA_OBJECT_TRANSPORT) == 0)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "no transport runs, so nobody could reach this gateway: see above, or "
                         "enable one in http.conf or websocket.conf");
    gateway->settings.websocket_origin = stoa_transport_hub_origin(gateway->hub, "websocket");
    stoa_modules_settings_changed(gateway->modules);
    gateway->sessions_gauge = stoa_metric_gauge("stoa_sessions", "Sessions that live now", NULL);
    gateway->clients_gauge =
        stoa_metric_gauge("stoa_connections", "Signaling connections that are open now", NULL);
    stoa_metric_on_print(set_gauges, gateway);
    return true;
}

StoaGateway *stoa_gateway_new(const StoaOptions *options, GError **error)
{
    g_autoptr(StoaGateway) gateway = gateway_alloc(options);
    g_autoptr(StoaConf) conf = load_conf(gateway, error);

    if (!conf)
        return NULL;
    gateway->hub = stoa_transport_hub_new();
    if (!read_all(gateway, conf, false, error) || !start(gateway, error))
        return NULL;
    return g_steal_pointer(&gateway);
}

char *stoa_gateway_ready_line(StoaGateway *gateway)
{
    const char *http = stoa_transport_hub_origin(gateway->hub, "http");
    const char *websocket = stoa_transport_hub_origin(gateway->hub, "websocket");
    const char *admin = stoa_transport_hub_origin(gateway->hub, "admin");
    uint16_t first, last;

    stoa_media_ports(gateway->media, &first, &last);
    return g_strdup_printf("stoa ready http=%s websocket=%s admin=%s media=udp/%u-%u,tcp/%u-%u",
                           http ? http : "-", websocket ? websocket : "-", admin ? admin : "-",
                           first, last, first, last);
}

/* -- reload ------------------------------------------------------------------------------- */

bool stoa_gateway_reload(StoaGateway *gateway, GError **error)
{
    g_autoptr(StoaConf) conf = load_conf(gateway, error);

    if (!conf)
        return false;
    g_autoptr(StoaConfValues) values =
        stoa_conf_refill(conf, stoa_core_conf_table(), gateway->values, NULL);
    g_autoptr(StoaConfValues) rooms =
        stoa_conf_refill(conf, stoa_rooms_conf_table(), gateway->rooms_values, NULL);
    g_autoptr(StoaConfValues) store =
        stoa_conf_refill(conf, stoa_store_conf_table(), gateway->store_values, NULL);
    g_autoptr(StoaConfValues) mail =
        stoa_conf_refill(conf, stoa_mail_conf_table(), gateway->mail_values, NULL);
    stoa_modules_prepare(gateway->modules, conf, false);
    if (!stoa_conf_check(conf, error) ||
        !stoa_mail_reconfigure(gateway->mail, stoa_conf_values(mail), error)) {
        stoa_modules_discard(gateway->modules);
        return false;
    }
    adopt_mail(gateway, g_steal_pointer(&mail));
    adopt(gateway, g_steal_pointer(&values));
    adopt_rooms(gateway, g_steal_pointer(&rooms));
    adopt_store(gateway, g_steal_pointer(&store));
    if (!gateway->conf.signaling.admin_secret && !make_secret(gateway, error))
        return false;
    if (!gateway->conf.signaling.admin_secret)
        gateway->conf.signaling.admin_secret = gateway->made_secret;
    stoa_modules_commit(gateway->modules);
    gateway->settings.websocket_origin = stoa_transport_hub_origin(gateway->hub, "websocket");
    stoa_modules_settings_changed(gateway->modules);
    return !has_certificate(&gateway->conf) || stoa_media_reload_certificate(gateway->media, error);
}

/* -- the end ------------------------------------------------------------------------------ */

void stoa_gateway_free(StoaGateway *gateway)
{
    if (!gateway)
        return;
    if (gateway->sessions_gauge)
        stoa_metric_off_print(set_gauges, gateway);
    if (gateway->signaling) {
        stoa_modules_quiesce(gateway->modules);
        stoa_signaling_say_goodbye(gateway->signaling);
        stoa_modules_foreach(gateway->modules, stoa_bridge_drain);
        stoa_rooms_close(gateway->kept); /* who waits for a room is answered while there is a way */
        stoa_modules_stop_transports(gateway->modules);
        stoa_transport_hub_set_signaling(gateway->hub, NULL);
    }
    stoa_rooms_close(gateway->kept); /* also after a start that failed */
    g_clear_pointer(&gateway->modules, stoa_modules_free);
    g_clear_pointer(&gateway->signaling, stoa_signaling_free);
    if (gateway->web)
        stoa_web_set_mail(gateway->web, NULL);
    if (gateway->mail) {
        g_clear_pointer(&gateway->mail, stoa_mail_free);
        stoa_control_settle(); /* what a mail server has taken is still written down */
    }
    g_clear_pointer(&gateway->store, stoa_store_free);
    g_clear_pointer(&gateway->kept, stoa_rooms_free);
    g_clear_pointer(&gateway->media, stoa_media_free);
    g_clear_pointer(&gateway->web, stoa_web_free);
    g_clear_pointer(&gateway->hub, stoa_transport_hub_free);
    stoa_conf_values_free(gateway->values);
    stoa_conf_values_free(gateway->rooms_values);
    stoa_conf_values_free(gateway->store_values);
    stoa_conf_values_free(gateway->mail_values);
    g_strfreev(gateway->plugin_dirs);
    g_strfreev(gateway->transport_dirs);
    g_strfreev(gateway->overrides);
    g_free(gateway->made_secret);
    g_free(gateway->conf_dir);
    g_free(gateway->data_dir);
    g_free(gateway);
}

/* -- without starting --------------------------------------------------------------------- */

bool stoa_gateway_backup(const StoaOptions *options, const char *path, GError **error)
{
    const char *dir = options->data_dir ? options->data_dir : stoa_paths()->data_dir;

    return stoa_store_backup(dir, path, error);
}

static bool check_certificate(const StoaCoreConf *conf, GError **error)
{
    if (!has_certificate(conf))
        return true;
    g_autoptr(StoaCertificate) certificate =
        stoa_certificate_load(conf->media_certificate, conf->media_key, error);
    if (!certificate || !stoa_certificate_key_is_private(conf->media_key, error)) {
        g_prefix_error(error, "stoa.conf: media.certificate and media.key: ");
        return false;
    }
    return true;
}

static void note(GString *problems, GError **error)
{
    if (*error)
        g_string_append_printf(problems, "%s%s", problems->len ? "\n" : "", (*error)->message);
    g_clear_error(error);
}

/* The files that the core's values name. */
static void check_files(const StoaGateway *gateway, GString *problems)
{
    GError *error = NULL;

    stoa_mail_check(stoa_conf_values(gateway->mail_values), templates_dir(gateway), &error);
    note(problems, &error);
    check_certificate(&gateway->conf, &error);
    note(problems, &error);
}

bool stoa_gateway_check(const StoaOptions *options, GError **error)
{
    g_autoptr(StoaGateway) gateway = gateway_alloc(options);
    g_autoptr(StoaConf) conf = load_conf(gateway, error);
    g_autoptr(GString) problems = g_string_new(NULL);
    GError *invalid = NULL;

    if (!conf)
        return false;
    if (read_all(gateway, conf, true, &invalid))
        check_files(gateway, problems);
    note(problems, &invalid);
    g_autofree char *failures = stoa_modules_prepared_failures(gateway->modules);
    if (failures)
        g_string_append_printf(problems, "%s%s", problems->len ? "\n" : "", failures);
    return !problems->len || stoa_fail(error, STOA_ERROR_INVALID, "%s", problems->str);
}

static void no_such_module(const StoaGateway *gateway, const char *name, GError **error)
{
    g_auto(GStrv) names = stoa_object_names(gateway->plugin_dirs, gateway->transport_dirs);
    const char *nearest = stoa_conf_nearest(name, (const char *const *)names);
    g_autofree char *all = g_strjoinv(", ", names);

    stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no module \"%s\"%s%s%s; there are: %s", name,
              nearest ? ", the nearest is \"" : "", nearest ? nearest : "", nearest ? "\"" : "",
              *all ? all : "none (stoa.conf, [modules])");
}

char *stoa_gateway_describe(const StoaOptions *options, const char *module, GError **error)
{
    g_autoptr(StoaGateway) gateway = gateway_alloc(options);
    g_autoptr(StoaConf) conf = load_conf(gateway, error);

    if (!conf)
        return NULL;
    if (g_str_equal(module, "room"))
        return stoa_describe_plugin(stoa_room_module_plugin(), false);
    read_all(gateway, conf, false, NULL);
    g_autofree char *path = stoa_object_find(gateway->plugin_dirs, module);
    StoaObjectKind kind = path ? STOA_OBJECT_PLUGIN : STOA_OBJECT_TRANSPORT;
    if (!path)
        path = stoa_object_find(gateway->transport_dirs, module);
    if (!path) {
        no_such_module(gateway, module, error);
        return NULL;
    }
    g_autoptr(StoaObject) object = stoa_object_open(path, module, kind, error);
    if (!object)
        return NULL;
    return kind == STOA_OBJECT_PLUGIN ? stoa_describe_plugin(stoa_object_plugin(object), true)
                                      : stoa_describe_transport(stoa_object_transport(object));
}
