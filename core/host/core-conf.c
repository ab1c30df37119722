/* SPDX-License-Identifier: MIT */
/* conf/stoa.conf: every key, its default and its range. conf/stoa.conf is compared with this by a test. */
#include "config.h"

#include "host/core-conf.h"

#include <string.h>

static const char *const ice_modes[] = { "lite", "full", NULL };
static const char *const turn_transports[] = { "udp", "tcp", NULL };
static const char *const web_schemes[] = { "https", "http", NULL };
static const char *const log_levels[] = { "none", "error", "warn", "info", "debug", NULL };

#define AT(member) offsetof(StoaCoreConf, member)

static const StoaOption options[] = {
    { "server.name", STOA_STRING, STOA_LIVE, AT(signaling.server_name), "Stoa",
      .help = "what the server calls itself" },
    { "server.residency", STOA_STRING, STOA_LIVE, AT(residency), "",
      .help = "where this server keeps its data (EU, CH): rooms that ask for another place are "
              "refused" },
    { "admin.port", STOA_INT, 0, AT(admin_port), "7088", -1, 65535,
      "port of the admin API; 0: any free one, -1: no admin API" },
    { "admin.address", STOA_STRING, 0, AT(admin_address), "127.0.0.1",
      .help = "address of the admin API; keep it on loopback" },
    { "admin.secret", STOA_STRING, STOA_SECRET | STOA_LIVE, AT(signaling.admin_secret), "",
      .help = "secret of the admin API; empty: one is made in the data folder (admin.secret)" },
    { "media.port", STOA_INT, 0, AT(media_port), "10000", 0, 65535,
      "the first UDP and TCP port for media, one more for each worker; 0: any free ones" },
    { "media.workers", STOA_INT, 0, AT(media_workers), "0", 0, 64,
      "media threads; 0: one for each core" },
    { "media.addresses", STOA_LIST, 0, AT(media_addresses), "", .form = STOA_FORM_ADDRESS,
      .help = "addresses that clients are told to send media to, for a 1:1 NAT too; "
              "empty: every interface, loopback last" },
    { "media.ice", STOA_ENUM, 0, AT(media_ice), "lite", .choices = ice_modes,
      .help =
          "lite: this server can be reached from where its clients are; full: it is behind a NAT" },
    { "media.certificate", STOA_STRING, 0, AT(media_certificate), "",
      .help = "PEM file of the DTLS certificate; empty: a fresh one at each start" },
    { "media.key", STOA_STRING, 0, AT(media_key), "", .help = "PEM file of its private key" },
    { "media.room_peers_per_worker", STOA_INT, 0, AT(media_room_peers), "500", 0, 1000000,
      "people of one room share a worker up to this many; 0: no limit" },
    { "media.timeout_ms", STOA_INT, 0, AT(media_timeout_ms), "1000", 100, 60000,
      "a stream that is silent for so long is reported (event \"media\")" },
    { "media.slowlink_threshold", STOA_INT, 0, AT(media_slowlink), "0", 0, 10000,
      "packets lost in a second that are reported (event \"slowlink\"); 0: none are" },
    { "media.stun_server", STOA_STRING, 0, AT(media_stun), "",
      .help = "host:port of a STUN server (ice = full); empty: none" },
    { "media.turn_server", STOA_STRING, 0, AT(media_turn), "",
      .help = "host:port of a TURN server that relays for this server (ice = full); empty: none" },
    { "media.turn_user", STOA_STRING, 0, AT(media_turn_user), "", .help = "its user" },
    { "media.turn_password", STOA_STRING, STOA_SECRET, AT(media_turn_password), "",
      .help = "its password" },
    { "media.turn_transport", STOA_ENUM, 0, AT(media_turn_transport), "udp",
      .choices = turn_transports, .help = "how this server reaches it" },
    { "media.full_ports", STOA_INT, 0, AT(media_full_ports), "0", 0, 65535,
      "ports from media.port on that calls may take, one or two a call (ice = full), for a "
      "firewall; 0: any" },
    { "public.base_url", STOA_STRING, STOA_LIVE, AT(base_url), "", .form = STOA_FORM_URL,
      .choices = web_schemes,
      .help = "where people reach this server: https://class.example; empty: as they came" },
    { "public.trusted_proxies", STOA_LIST, STOA_LIVE, AT(trusted_proxies), "",
      .form = STOA_FORM_NETWORK,
      .help = "addresses or networks of reverse proxies whose X-Forwarded-For is believed" },
    { "sessions.timeout_s", STOA_INT, STOA_LIVE, AT(signaling.session_timeout_s), "60", 0, 86400,
      "a session without a request for so long ends; 0: never" },
    { "sessions.reclaim_s", STOA_INT, STOA_LIVE, AT(signaling.reclaim_s), "0", 0, 86400,
      "how long a session waits to be claimed when its connection is lost; 0: it ends" },
    { "api.secret", STOA_STRING, STOA_SECRET | STOA_LIVE, AT(signaling.api_secret), "",
      .help = "secret that every request must carry (apisecret), but for those with the token of a "
              "person of a room; empty: none" },
    { "api.token_auth", STOA_BOOL, STOA_LIVE, AT(signaling.token_auth), "false",
      .help = "whether every request must carry a stored token (token)" },
    { "api.tokens", STOA_LIST, STOA_SECRET | STOA_LIVE, AT(signaling.api_tokens), "",
      .help = "stored tokens; the admin API adds more" },
    { "limits.message_bytes", STOA_INT, STOA_LIVE, AT(signaling.message_bytes), "1048576", 0,
      1 << 30, "bytes of one request; 0: no limit" },
    { "limits.json_depth", STOA_INT, STOA_LIVE, AT(signaling.json_depth), "32", 0, 2048,
      "how deep a request may be nested; 0: no limit" },
    { "limits.sdp_bytes", STOA_INT, STOA_LIVE, AT(signaling.sdp_bytes), "262144", 0, 1 << 30,
      "bytes of one SDP; 0: no limit" },
    { "limits.sdp_media", STOA_INT, STOA_LIVE, AT(signaling.sdp_media), "64", 0, 10000,
      "m-lines of one SDP; 0: no limit" },
    { "limits.sessions_per_connection", STOA_INT, STOA_LIVE, AT(signaling.sessions_per_connection),
      "16", 0, 1000000, "sessions that one connection may own; 0: no limit" },
    { "limits.connections_per_address", STOA_INT, STOA_LIVE, AT(connections_per_address), "1000", 0,
      1000000, "connections from one address; a school sits behind one; 0: no limit" },
    { "limits.handles_per_session", STOA_INT, STOA_LIVE, AT(signaling.handles_per_session), "32", 0,
      1000000, "handles of one session; 0: no limit" },
    { "limits.requests_per_second", STOA_INT, STOA_LIVE, AT(signaling.requests_per_second), "100",
      0, 1000000, "requests a second of one connection, lasting; 0: no limit" },
    { "limits.requests_burst", STOA_INT, STOA_LIVE, AT(signaling.requests_burst), "500", 1, 1000000,
      "requests that it may send at once" },
    { "limits.idle_s", STOA_INT, STOA_LIVE, AT(signaling.idle_s), "30", 0, 86400,
      "seconds for which a WebSocket without a session may ask nothing; 0: any number" },
    { "rooms.adhoc", STOA_BOOL, STOA_LIVE, AT(adhoc), "true",
      .help = "whether requests may make rooms (videoroom create, join of an unknown room)" },
    { "modules.plugin_dirs", STOA_LIST, 0, AT(plugin_dirs), "",
      .help = "more folders with plugins; those that came with the gateway are always known" },
    { "modules.transport_dirs", STOA_LIST, 0, AT(transport_dirs), "",
      .help = "more folders with transports" },
    { "modules.aliases", STOA_LIST, STOA_LIVE, AT(aliases),
      "janus.plugin.echotest=echotest;janus.plugin.videoroom=videoroom;"
      "janus.plugin.textroom=textroom",
      .form = STOA_FORM_PAIR,
      .help = "other names of modules, for clients that know them by these" },
    { "log.level", STOA_ENUM, STOA_LIVE, AT(log_level), "info", .choices = log_levels,
      .help = "how much is logged" },
    { "log.debug_pii", STOA_BOOL, STOA_LIVE, AT(log_debug_pii), "false",
      .help = "show whole addresses and names in the log; for debugging only" },
    { NULL },
};

char *stoa_core_conf_bare_url(char *url)
{
    for (size_t len = url ? strlen(url) : 0; len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    return url;
}

const StoaConfTable *stoa_core_conf_table(void)
{
    static const StoaConfTable table = { .file = "stoa",
                                         .options = options,
                                         .size = sizeof(StoaCoreConf),
                                         .option_size = sizeof(StoaOption) };

    return &table;
}
