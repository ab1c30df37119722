/* SPDX-License-Identifier: MIT */
/* The WebSocket transport: one text frame is one JSON object. (Janus API, section 2) */
#include "server.h"

#include <string.h>

#include "../common/key-file.h"
#include "../common/listen.h"
#include "certificate.h"

static const StoaOption options[] = {
    { "listen.port", STOA_INT, 0, offsetof(WsConf, port), "8188", 0, 65535,
      "Port; 0 takes any free one" },
    { "listen.address", STOA_STRING, 0, offsetof(WsConf, address), "", 0, 0,
      "Address to listen on; empty: every interface, IPv4 and IPv6" },
    { "listen.allow_origins", STOA_LIST, STOA_LIVE, offsetof(WsConf, allow_origins), "", 0, 0,
      "Origins whose pages may connect; empty: the server's own; *: any",
      .form = STOA_FORM_ORIGIN },
    { "tls.certificate", STOA_STRING, STOA_LIVE, offsetof(WsConf, certificate), "", 0, 0,
      "PEM file with the certificate and its chain; set: wss" },
    { "tls.key", STOA_STRING, STOA_LIVE, offsetof(WsConf, key), "", 0, 0,
      "PEM file with the certificate's key" },
    { "limits.connections", STOA_INT, 0, offsetof(WsConf, connections), "4096", 1, 1000000,
      "Open connections, of all addresses" },
    { "limits.handshake_s", STOA_INT, STOA_LIVE, offsetof(WsConf, handshake_s), "10", 1, 600,
      "Seconds from the first byte to an open WebSocket, TLS included" },
    { "limits.ping_s", STOA_INT, STOA_LIVE, offsetof(WsConf, ping_s), "25", 0, 3600,
      "Seconds without a frame after which the client is pinged; 0: never" },
    { "limits.idle_s", STOA_INT, STOA_LIVE, offsetof(WsConf, idle_s), "60", 0, 86400,
      "Seconds without a frame, not even a pong, after which it is disconnected; 0: never" },
    { "limits.queue_bytes", STOA_INT, STOA_LIVE, offsetof(WsConf, queue_bytes), "4194304", 0,
      1073741824,
      "Bytes that wait for a client that does not read, before it is disconnected; 0: any" },
    { NULL },
};

static WsServer *the_server; /* between start and stop */

static bool start(StoaTransportHost *host, const void *conf, const StoaTransportSettings *settings,
                  GError **error)
{
    const WsConf *wanted = conf;
    g_autofree char *origin = NULL;

    the_server = ws_server_new(host, conf, settings, error);
    if (!the_server)
        return false;
    stoa_key_file_warn(host, "websocket.conf: tls.key", wanted->key);
    origin = stoa_listen_origin(the_server->secure ? "wss" : "ws", the_server->address,
                                the_server->port);
    stoa_transport_listening(host, "websocket", origin);
    return true;
}

static bool check(const void *conf, GError **error)
{
    const WsConf *wanted = conf;

    if (!stoa_listen_check(wanted->address, "websocket.conf: listen.port", error))
        return false;
    return !ws_server_wants_tls(wanted) ||
           (ws_certificate_check(wanted->certificate, wanted->key, error) &&
            stoa_key_file_check("websocket.conf: tls.key", wanted->key, error));
}

static void stop(void)
{
    ws_server_free(the_server);
    the_server = NULL;
}

static bool conf_changed(const void *conf, const StoaTransportSettings *settings, GError **error)
{
    return ws_server_reload(the_server, conf, settings, error);
}

static void deliver(uint64_t client, uint64_t request G_GNUC_UNUSED, json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

    if (text)
        ws_server_send(the_server, client, text, strlen(text));
    free(text);
    json_decref(message);
}

static void deliver_text(uint64_t client, const char *text, size_t len)
{
    ws_server_send(the_server, client, text, len);
}

static void close_client(uint64_t client, const char *reason)
{
    ws_server_close(the_server, client, reason);
}

static void quiesce(void)
{
    ws_server_quiesce(the_server);
}

STOA_TRANSPORT(.name = "websocket", .version = "0.1.0", .summary = "Janus API over WebSocket",
               .options = options, .conf_size = sizeof(WsConf), .start = start, .stop = stop,
               .conf_changed = conf_changed, .deliver = deliver, .close_client = close_client,
               .quiesce = quiesce, .check = check, .deliver_text = deliver_text)
