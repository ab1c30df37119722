/* SPDX-License-Identifier: MIT */
/* The gateway's conf: read, and brought to where everybody reads it. */
#include "config.h"

#include "base/conf.h"
#include "base/log.h"
#include "base/paths.h"
#include "host/gateway-private.h"
#include "web/files.h"

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
void stoa_gateway_adopt(StoaGateway *gateway, StoaConfValues *values)
{
    StoaCoreConf *conf = &gateway->conf;

    *conf = *(const StoaCoreConf *)stoa_conf_values(values);
    if (!conf->signaling.admin_secret)
        conf->signaling.admin_secret = gateway->made_secret;
    conf->signaling.ice_lite = g_str_equal(conf->media_ice, "lite");
    gateway->env.sdp_bytes = conf->signaling.sdp_bytes;
    gateway->env.sdp_media = conf->signaling.sdp_media;
    gateway->env.adhoc = conf->adhoc;
    stoa_core_conf_bare_url(conf->base_url);
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

void stoa_gateway_adopt_rooms(StoaGateway *gateway, StoaConfValues *values)
{
    gateway->rooms = *(const StoaRoomsConf *)stoa_conf_values(values);
    stoa_conf_values_free(gateway->rooms_values);
    gateway->rooms_values = values;
    if (gateway->web)
        stoa_web_conf_changed(gateway->web);
    stoa_web_file_url_configure(gateway->conf.base_url, gateway->rooms.ticket_s);
    gateway->env.file_url = stoa_web_file_url_of;
}

void stoa_gateway_adopt_mail(StoaGateway *gateway, StoaConfValues *values)
{
    stoa_conf_values_free(gateway->mail_values);
    gateway->mail_values = values;
}

const char *stoa_gateway_templates_dir(const StoaGateway *gateway)
{
    g_autofree char *own = g_build_filename(gateway->conf_dir, "mail", NULL);

    return g_file_test(own, G_FILE_TEST_IS_DIR) ? gateway->conf_dir : stoa_paths()->conf_dir;
}

void stoa_gateway_adopt_store(StoaGateway *gateway, StoaConfValues *values)
{
    stoa_conf_values_free(gateway->store_values);
    gateway->store_values = values;
}

bool stoa_gateway_has_certificate(const StoaGateway *gateway)
{
    return gateway->conf.media_certificate || gateway->conf.media_key;
}

StoaGateway *stoa_gateway_alloc(const StoaOptions *options)
{
    StoaGateway *gateway = g_new0(StoaGateway, 1);

    gateway->data_lock = -1;
    gateway->conf_dir = g_strdup(conf_dir_of(options));
    gateway->data_dir = g_strdup(options->data_dir ? options->data_dir : stoa_paths()->data_dir);
    gateway->overrides = g_strdupv(options->overrides);
    return gateway;
}

StoaConf *stoa_gateway_load_conf(StoaGateway *gateway, GError **error)
{
    return stoa_conf_load(gateway->conf_dir, (const char *const *)gateway->overrides, error);
}

bool stoa_gateway_read_conf(StoaGateway *gateway, StoaConf *conf, bool dry, GError **error)
{
    StoaConfValues *values = stoa_conf_fill(conf, stoa_core_conf_table());

    stoa_gateway_adopt(gateway, values);
    stoa_gateway_adopt_rooms(gateway, stoa_conf_fill(conf, stoa_rooms_conf_table()));
    stoa_gateway_adopt_store(gateway, stoa_conf_fill(conf, stoa_store_conf_table()));
    stoa_gateway_adopt_mail(gateway, stoa_conf_fill(conf, stoa_mail_conf_table()));
    gateway->plugin_dirs = join_dirs(stoa_paths()->plugin_dirs, gateway->conf.plugin_dirs);
    gateway->transport_dirs = join_dirs(stoa_paths()->transport_dirs, gateway->conf.transport_dirs);
    stoa_gateway_make_modules(gateway);
    stoa_modules_prepare(gateway->modules, conf, dry);
    return stoa_conf_check(conf, error);
}
