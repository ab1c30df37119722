/* SPDX-License-Identifier: MIT */
/* The gateway put together: started, reloaded, ended. */
#include "config.h"

#define LOG_AREA "gateway"

#include "base/error.h"
#include "base/id.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "host/data-lock.h"
#include "host/gateway-private.h"
#include "room/bridge.h"
#include "web/upload.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (g_mkdir_with_parents(gateway->data_dir, 0700) != 0)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the data folder %s cannot be made: %s",
                         gateway->data_dir, g_strerror(errno));
    gateway->data_lock = stoa_data_lock(gateway->data_dir, error);
    return gateway->data_lock >= 0;
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

static bool open_store(StoaGateway *gateway, GError **error)
{
    const StoaStoreConf *conf = stoa_conf_values(gateway->store_values);

    gateway->store = stoa_store_new(gateway->data_dir, conf, error);
    stoa_upload_set_reserve(conf->min_free_bytes);
    gateway->env.data_dir = gateway->data_dir;
    if (!gateway->store)
        return false;
    gateway->mail = stoa_mail_new(gateway->store, stoa_conf_values(gateway->mail_values),
                                  gateway->data_dir, stoa_gateway_templates_dir(gateway), error);
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
    gateway->signaling =
        stoa_signaling_new(&gateway->conf.signaling, &stoa_gateway_signaling_host, gateway);
    stoa_transport_hub_set_signaling(gateway->hub, gateway->signaling);
    if (!stoa_gateway_open_rooms(gateway, error))
        return false;
    stoa_gateway_open_web(gateway);
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
    stoa_metric_on_print(stoa_gateway_set_gauges, gateway);
    return true;
}

StoaGateway *stoa_gateway_new(const StoaOptions *options, GError **error)
{
    g_autoptr(StoaGateway) gateway = stoa_gateway_alloc(options);
    g_autoptr(StoaConf) conf = stoa_gateway_load_conf(gateway, error);

    if (!conf)
        return NULL;
    gateway->hub = stoa_transport_hub_new();
    if (!stoa_gateway_read_conf(gateway, conf, false, error) || !start(gateway, error))
        return NULL;
    return g_steal_pointer(&gateway);
}

/* "4710-4711", or "any". */
static char *media_ports(const StoaMedia *media)
{
    uint16_t first, last;

    stoa_media_ports(media, &first, &last);
    return first > 0 ? g_strdup_printf("%u-%u", first, last) : g_strdup("any");
}

char *stoa_gateway_ready_line(StoaGateway *gateway)
{
    const char *http = stoa_transport_hub_origin(gateway->hub, "http");
    const char *websocket = stoa_transport_hub_origin(gateway->hub, "websocket");
    const char *admin = stoa_transport_hub_origin(gateway->hub, "admin");
    g_autofree char *ports = media_ports(gateway->media);

    return g_strdup_printf("stoa ready http=%s websocket=%s admin=%s media=udp/%s,tcp/%s",
                           http ? http : "-", websocket ? websocket : "-", admin ? admin : "-",
                           ports, ports);
}

/* -- reload ------------------------------------------------------------------------------- */

bool stoa_gateway_reload(StoaGateway *gateway, GError **error)
{
    g_autoptr(StoaConf) conf = stoa_gateway_load_conf(gateway, error);

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
    stoa_gateway_adopt_mail(gateway, g_steal_pointer(&mail));
    stoa_gateway_adopt(gateway, g_steal_pointer(&values));
    stoa_gateway_adopt_rooms(gateway, g_steal_pointer(&rooms));
    stoa_gateway_adopt_store(gateway, g_steal_pointer(&store));
    if (!gateway->conf.signaling.admin_secret && !make_secret(gateway, error))
        return false;
    if (!gateway->conf.signaling.admin_secret)
        gateway->conf.signaling.admin_secret = gateway->made_secret;
    stoa_modules_commit(gateway->modules);
    gateway->settings.websocket_origin = stoa_transport_hub_origin(gateway->hub, "websocket");
    stoa_modules_settings_changed(gateway->modules);
    return !stoa_gateway_has_certificate(gateway) ||
           stoa_media_reload_certificate(gateway->media, error);
}

/* -- the end ------------------------------------------------------------------------------ */

void stoa_gateway_free(StoaGateway *gateway)
{
    if (!gateway)
        return;
    if (gateway->sessions_gauge)
        stoa_metric_off_print(stoa_gateway_set_gauges, gateway);
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
    if (gateway->data_lock >= 0)
        close(gateway->data_lock);
    g_free(gateway);
}
