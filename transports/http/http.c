/* SPDX-License-Identifier: MIT */
/* The HTTP transport: the Janus REST API, the bundled pages, the admin API on a listener of its own. */
#include "http.h"

#include <signal.h>
#include <string.h>

#include <stoa/error.h>

#include "../common/key-file.h"
#include "../common/listen.h"
#include "certificate.h"
#include "connection.h"
#include "listener.h"
#include "request.h"
#include "watch.h"

#define ADMIN_CONNECTIONS 64
#define FLUSH_STEPS       80 /* of 5 ms: how long stop() waits for answers to leave */

static const char *const websocket_schemes[] = { "wss", "ws", NULL };

static const StoaOption options[] = {
    { "listen.port", STOA_INT, 0, offsetof(HttpConf, port), "8088", 0, 65535,
      "Port of the API and the pages; 0 takes any free one" },
    { "listen.address", STOA_STRING, 0, offsetof(HttpConf, address), "", 0, 0,
      "Address to listen on; empty: every interface, IPv4 and IPv6" },
    { "listen.base_path", STOA_STRING, STOA_LIVE, offsetof(HttpConf, base_path), "/janus", 0, 0,
      "Path of the API" },
    { "listen.allow_origins", STOA_LIST, STOA_LIVE, offsetof(HttpConf, allow_origins), "", 0, 0,
      "Origins whose pages may use the API; empty: the server's own; *: any",
      .form = STOA_FORM_ORIGIN },
    { "listen.threads", STOA_INT, 0, offsetof(HttpConf, threads), "2", 1, 16,
      "Threads that read and write connections" },
    { "tls.certificate", STOA_STRING, STOA_LIVE, offsetof(HttpConf, certificate), "", 0, 0,
      "PEM file with the certificate and its chain; set: https" },
    { "tls.key", STOA_STRING, STOA_LIVE, offsetof(HttpConf, key), "", 0, 0,
      "PEM file with the certificate's key" },
    { "static.enabled", STOA_BOOL, STOA_LIVE, offsetof(HttpConf, static_enabled), "true", 0, 0,
      "Serve the bundled pages" },
    { "static.websocket_url", STOA_STRING, STOA_LIVE, offsetof(HttpConf, websocket_url), "", 0, 0,
      "Where pages find the WebSocket; empty: the page's host and the websocket transport's port",
      .form = STOA_FORM_URL, .choices = websocket_schemes },
    { "metrics.public", STOA_BOOL, STOA_LIVE, offsetof(HttpConf, metrics_public), "false", 0, 0,
      "Show /metrics to everybody, not to this machine and on the admin listener alone" },
    { "limits.connections", STOA_INT, 0, offsetof(HttpConf, connections), "4096", 16, 1000000,
      "Open connections, of all addresses" },
    { "limits.head_s", STOA_INT, STOA_LIVE, offsetof(HttpConf, head_s), "10", 1, 600,
      "Seconds for a request's head, and for the TLS handshake" },
    { "limits.idle_s", STOA_INT, STOA_LIVE, offsetof(HttpConf, idle_s), "30", 1, 3600,
      "Seconds for a request's body, and between two requests" },
    { NULL },
};

static Http *the_http; /* between start and stop; control's alone, but for what `Http` says */

HttpSetup *http_current_setup(Http *http)
{
    HttpSetup *setup;

    g_mutex_lock(&http->lock);
    setup = http_setup_ref(http->setup);
    g_mutex_unlock(&http->lock);
    return setup;
}

static bool has_tls(const HttpConf *conf)
{
    return (conf->certificate && *conf->certificate) || (conf->key && *conf->key);
}

/* -- start ------------------------------------------------------------------------------------- */

static Http *http_new(StoaTransportHost *host)
{
    Http *http = g_new0(Http, 1);

    http->host = host;
    http->epoll_fd = http->wake_fd = -1;
    g_mutex_init(&http->lock);
    g_queue_init(&http->connections);
    http->waiting = g_hash_table_new(g_int64_hash, g_int64_equal);
    http->clients = g_hash_table_new(g_int64_hash, g_int64_equal);
    return http;
}

static void http_free(Http *http)
{
    http_listener_free(http->open);
    http_listener_free(http->admin);
    http_watch_stop(http);
    http_setup_unref(http->setup);
    g_hash_table_destroy(http->waiting);
    g_hash_table_destroy(http->clients);
    g_mutex_clear(&http->lock);
    g_free(http);
    http_certificate_clear();
}

static bool open_public(Http *http, const HttpConf *conf, GError **error)
{
    const HttpListenerOptions wanted = { .address = conf->address,
                                         .port = conf->port,
                                         .key = "http.conf: listen.port",
                                         .secure = has_tls(conf),
                                         .n_threads = (unsigned)conf->threads,
                                         .n_connections = (unsigned)conf->connections };

    http->open = http_listener_new(http, &wanted, error);
    return http->open != NULL;
}

/* The operator's listener speaks TLS where others could listen in. */
static bool open_admin(Http *http, const HttpConf *conf, const StoaTransportSettings *settings,
                       GError **error)
{
    const char *address = settings->admin_address ? settings->admin_address : "127.0.0.1";
    bool local = stoa_listen_is_loopback(address);
    const HttpListenerOptions wanted = { .address = address,
                                         .port = settings->admin_port,
                                         .key = "stoa.conf: admin.port",
                                         .admin = true,
                                         .secure = has_tls(conf) && !local,
                                         .n_threads = 1,
                                         .n_connections = ADMIN_CONNECTIONS };

    if (settings->admin_port < 0)
        return true;
    if (!local && !wanted.secure)
        stoa_transport_log(
            http->host, G_LOG_LEVEL_WARNING,
            "the admin listener is open to the network without TLS: set tls.certificate "
            "and tls.key in http.conf, or admin.address = 127.0.0.1 in stoa.conf");
    http->admin = http_listener_new(http, &wanted, error);
    return http->admin != NULL;
}

static void announce(Http *http, const char *role, const HttpListener *listener)
{
    g_autofree char *origin = listener ? http_listener_origin(listener) : NULL;

    if (origin)
        stoa_transport_listening(http->host, role, origin);
}

static bool start(StoaTransportHost *host, const void *conf_data,
                  const StoaTransportSettings *settings, GError **error)
{
    const HttpConf *conf = conf_data;
    Http *http = http_new(host);

    http->setup = http_setup_new(host, conf, settings, error);
    if (!http->setup ||
        (has_tls(conf) && !http_certificate_load(conf->certificate, conf->key, error)) ||
        !http_watch_start(http, error) || !open_public(http, conf, error) ||
        !open_admin(http, conf, settings, error)) {
        http_free(http);
        return false;
    }
    stoa_key_file_warn(host, "http.conf: tls.key", conf->key);
    announce(http, "http", http->open);
    announce(http, "admin", http->admin);
    the_http = http;
    return true;
}

static bool check(const void *conf_data, GError **error)
{
    const HttpConf *conf = conf_data;

    if (!http_setup_check(conf, error) ||
        !stoa_listen_check(conf->address, "http.conf: listen.port", error))
        return false;
    return !has_tls(conf) || (http_certificate_check(conf->certificate, conf->key, error) &&
                              stoa_key_file_check("http.conf: tls.key", conf->key, error));
}

/* -- stop -------------------------------------------------------------------------------------- */

static void quiesce(void)
{
    g_atomic_int_set(&the_http->quiet, 1);
    http_listener_quiesce(the_http->open);
    if (the_http->admin)
        http_listener_quiesce(the_http->admin);
}

static bool is_sending(Http *http)
{
    bool sending;

    g_mutex_lock(&http->lock);
    sending = http->n_sending > 0;
    g_mutex_unlock(&http->lock);
    return sending;
}

/* libmicrohttpd cuts what it has not sent, so the last answers get a moment. */
static void stop(void)
{
    quiesce();
    http_request_stop_all(the_http);
    for (int step = 0; step < FLUSH_STEPS && (step < 2 || is_sending(the_http)); step++)
        g_usleep(5000);
    http_free(the_http);
    the_http = NULL;
}

/* -- while it runs ----------------------------------------------------------------------------- */

static void warn_of_restart(const HttpConf *conf, const StoaTransportSettings *settings)
{
    const HttpListener *open = the_http->open, *admin = the_http->admin;
    bool moved = g_strcmp0(conf->address ? conf->address : "", open->address) != 0 ||
                 (conf->port && conf->port != open->port) || has_tls(conf) != open->secure;
    bool admin_moved = admin && settings->admin_port && settings->admin_port != admin->port;

    if (moved || admin_moved || (admin != NULL) != (settings->admin_port >= 0))
        stoa_transport_log(the_http->host, G_LOG_LEVEL_WARNING,
                           "another port or address, and TLS switched on or off, need a restart of "
                           "the module");
}

static bool conf_changed(const void *conf_data, const StoaTransportSettings *settings,
                         GError **error)
{
    const HttpConf *conf = conf_data;
    g_autoptr(HttpSetup) setup = http_setup_new(the_http->host, conf, settings, error);
    HttpSetup *old;

    if (!setup)
        return false;
    if (the_http->open->secure && has_tls(conf) &&
        !http_certificate_load(conf->certificate, conf->key, error))
        return false;
    warn_of_restart(conf, settings);
    g_mutex_lock(&the_http->lock);
    old = the_http->setup;
    the_http->setup = g_steal_pointer(&setup);
    g_mutex_unlock(&the_http->lock);
    http_setup_unref(old);
    return true;
}

static void deliver(uint64_t client G_GNUC_UNUSED, uint64_t request, json_t *message)
{
    char *text = NULL, *answer;

    if (message && request) {
        text = json_dumps(message, JSON_COMPACT);
        answer = g_strdup(text ? text : "{}");
        free(text);
        http_request_answer(the_http, request, answer);
    } else if (request) {
        http_request_answer(the_http, request, NULL);
    }
    json_decref(message);
}

static void answer_web(uint64_t request, StoaWebAnswer *answer)
{
    http_request_answer_web(the_http, request, answer);
}

static void close_client(uint64_t client, const char *reason G_GNUC_UNUSED)
{
    http_connection_close_client(the_http, client);
}

STOA_TRANSPORT(.name = "http", .version = "0.1.0",
               .summary = "Janus API over HTTP, the bundled pages and the admin API",
               .options = options, .conf_size = sizeof(HttpConf), .start = start, .stop = stop,
               .conf_changed = conf_changed, .deliver = deliver, .close_client = close_client,
               .quiesce = quiesce, .answer_web = answer_web, .check = check)
