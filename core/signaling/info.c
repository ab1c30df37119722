/* SPDX-License-Identifier: MIT */
/* server_info. Strangers learn what clients need, no versions of libraries and no local address. (Janus API 4, SECURITY R28) */
#include "config.h"

#define LOG_AREA "signaling"

#include "signaling/private.h"

static int version_number(void)
{
    g_auto(GStrv) parts = g_strsplit(PACKAGE_VERSION, ".", 3);
    int number = 0;

    for (char **at = parts; *at; at++)
        number = number * 100 + (int)g_ascii_strtoll(*at, NULL, 10);
    return number;
}

json_t *stoa_info(StoaSignaling *signaling, const char *transaction, bool admin)
{
    const StoaSignalingConf *conf = signaling->conf;
    json_t *info =
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "janus", "server_info", "transaction",
                  transaction, "name", "Stoa", "version", version_number(), "version_string",
                  PACKAGE_VERSION, "author", "Stoa developers");
    json_t *rest = json_pack(
        "{s:b, s:b, s:I, s:I, s:i, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:b, s:b, "
        "s:b, "
        "s:b, s:{}, s:{}, s:{}}",
        "data_channels", 1, "accepting-new-sessions", signaling->accepting, "session-timeout",
        (json_int_t)stoa_session_timeout_s(signaling), "reclaim-session-timeout",
        (json_int_t)conf->reclaim_s, "candidates-timeout", 30, "server-name",
        conf->server_name ? conf->server_name : "Stoa", "local-ip", "", "ipv6", 1, "ice-lite",
        conf->ice_lite, "ice-tcp", 1, "full-trickle", !conf->ice_lite, "mdns-enabled", 0,
        "min-nack-queue", 0, "twcc-period", 100, "dtls-mtu", 1200, "api_secret",
        conf->api_secret != NULL, "auth_token", conf->token_auth, "event_handlers", 0,
        "opaqueid_in_api", 0, "dependencies", "events", "loggers");

    json_object_update(info, rest);
    json_decref(rest);
    json_object_set_new(info, "transports", signaling->host->list_transports(signaling->user));
    json_object_set_new(info, "plugins", signaling->host->list_modules(signaling->user));
    if (admin)
        json_object_set_new(info, "sessions", json_integer(g_hash_table_size(signaling->sessions)));
    return info;
}
