/* SPDX-License-Identifier: MIT */
/* The service thread: libwebsockets' loop, the listening socket, and the mail from control. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <stoa/error.h>

#include "../common/listen.h"
#include "certificate.h"
#include "connection.h"

#define TICK_US      (500 * 1000)
#define STOP_US      (400 * 1000) /* for goodbyes, before all is cut */
#define STOP_TICK_US (20 * 1000)
#define N_ACCEPTS    32 /* in a row, before others have their turn */

/* -- new connections --------------------------------------------------------------------------- */

/* libwebsockets closes the descriptor, also when it does not take the connection. Each frame goes at once: else an event that
 * follows an ack waits until the client's kernel has acknowledged that, 40 ms. */
static void adopt(WsServer *server, int fd, const struct sockaddr *peer)
{
    int on = 1;
    lws_adopt_desc_t info = { .vh = server->vhost,
                              .type = LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
                              .fd.sockfd = fd,
                              .vh_prot_name = "client" };

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    info.opaque = server->adopted = ws_connection_new(server, fd, peer, g_get_monotonic_time());
    if (!lws_adopt_descriptor_vhost_via_info(&info) && server->adopted)
        ws_connection_free(server->adopted);
    server->adopted = NULL;
}

/* Without a free descriptor the caller would knock for ever, and we would spin: take it off the queue. */
static void turn_away(WsServer *server)
{
    int fd;

    close(server->spare_fd);
    fd = accept(server->listen_fd, NULL, NULL);
    if (fd >= 0)
        close(fd);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Returns false when nothing can be accepted any more. */
static bool accept_all(WsServer *server)
{
    struct sockaddr_storage peer;

    for (int i = 0; i < N_ACCEPTS; i++) {
        socklen_t len = sizeof peer;
        int fd = accept4(server->listen_fd, (struct sockaddr *)&peer, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0 && server->connections.length < server->max_connections)
            adopt(server, fd, (const struct sockaddr *)&peer);
        else if (fd >= 0)
            close(fd);
        else if (errno == EMFILE || errno == ENFILE)
            turn_away(server);
        else if (errno == EAGAIN)
            return true;
        else if (errno != ECONNABORTED && errno != EINTR)
            return false;
    }
    return true;
}

/* -- libwebsockets ----------------------------------------------------------------------------- */

static void goodbye_to_all(WsServer *server)
{
    for (GList *link = server->connections.head; link; link = link->next)
        ws_connection_close(link->data, WS_CLOSE_GOING_AWAY, "the server is stopping");
}

static void read_mail(WsServer *server)
{
    g_autoptr(GPtrArray) touched = NULL;
    bool stopping;

    g_mutex_lock(&server->lock);
    server->awake = false;
    stopping = server->stopping;
    touched = g_steal_pointer(&server->touched);
    server->touched = g_ptr_array_new();
    for (unsigned i = 0; i < touched->len; i++)
        ((WsConnection *)touched->pdata[i])->touched = false;
    g_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < touched->len; i++)
        ws_connection_touched(touched->pdata[i]);
    if (stopping)
        goodbye_to_all(server);
}

static void on_tick(lws_sorted_usec_list_t *tick)
{
    WsServer *server = lws_container_of(tick, WsServer, tick);
    int64_t now_us = g_get_monotonic_time();

    for (GList *link = server->connections.head; link; link = link->next)
        ws_connection_tick(link->data, now_us);
    lws_sul_schedule(server->context, 0, &server->tick, on_tick,
                     server->done ? STOP_TICK_US : TICK_US);
}

static void forget(WsServer *server, WsConnection *connection)
{
    if (!connection)
        return;
    if (server->adopted == connection)
        server->adopted = NULL;
    ws_connection_free(connection);
}

static int on_client(struct lws *wsi, enum lws_callback_reasons reason, void *user G_GNUC_UNUSED,
                     void *in, size_t len)
{
    WsConnection *connection = lws_get_opaque_user_data(wsi);

    if (!connection)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT: connection->wsi = wsi; return 0;
    case LWS_CALLBACK_RAW_RX: return ws_connection_input(connection, in, len) ? 0 : -1;
    case LWS_CALLBACK_RAW_WRITEABLE: return ws_connection_output(connection) ? 0 : -1;
    default: return 0;
    }
}

/* The first of the vhost's protocols also hears what belongs to no connection, and of each one's end. */
static int on_listener(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                       void *in G_GNUC_UNUSED, size_t len G_GNUC_UNUSED)
{
    WsServer *server = lws_context_user(lws_get_context(wsi));

    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: ws_certificate_attach(user); return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: read_mail(server); return 0;
    case LWS_CALLBACK_WSI_DESTROY: forget(server, lws_get_opaque_user_data(wsi)); return 0;
    case LWS_CALLBACK_RAW_RX_FILE: return accept_all(server) ? 0 : -1;
    case LWS_CALLBACK_RAW_CLOSE_FILE: server->listener = NULL; return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "listener", .callback = on_listener },
    { .name = "client", .callback = on_client },
    { .name = NULL },
};

static void *serve(void *data)
{
    WsServer *server = data;
    int64_t until_us = 0;

    lws_sul_schedule(server->context, 0, &server->tick, on_tick, TICK_US);
    while (!server->done || (server->connections.length && g_get_monotonic_time() < until_us)) {
        bool stopping;

        lws_service(server->context, 0);
        g_mutex_lock(&server->lock);
        stopping = server->stopping;
        g_mutex_unlock(&server->lock);
        if (!stopping || server->done)
            continue;
        server->done = true;
        until_us = g_get_monotonic_time() + STOP_US;
        lws_sul_schedule(server->context, 0, &server->tick, on_tick, STOP_TICK_US);
    }
    lws_sul_cancel(&server->tick);
    lws_context_destroy(server->context);
    return NULL;
}

/* -- setup ------------------------------------------------------------------------------------- */

static WsSetup *new_setup(const WsConf *conf, const StoaTransportSettings *settings)
{
    WsSetup *setup = g_atomic_rc_box_new0(WsSetup);

    setup->allow_origins = g_strdupv(conf->allow_origins);
    setup->message_bytes = (size_t)MAX(settings->message_bytes, 0);
    setup->queue_bytes = (size_t)conf->queue_bytes;
    setup->handshake_us = conf->handshake_s * G_USEC_PER_SEC;
    setup->ping_us = conf->ping_s * G_USEC_PER_SEC;
    setup->idle_us = conf->idle_s * G_USEC_PER_SEC;
    return setup;
}

static void clear_setup(void *data)
{
    WsSetup *setup = data;

    g_strfreev(setup->allow_origins);
}

void ws_setup_unref(WsSetup *setup)
{
    if (setup)
        g_atomic_rc_box_release_full(setup, clear_setup);
}

WsSetup *ws_server_setup(WsServer *server)
{
    WsSetup *setup;

    g_mutex_lock(&server->lock);
    setup = g_atomic_rc_box_acquire(server->setup);
    g_mutex_unlock(&server->lock);
    return setup;
}

/* -- life -------------------------------------------------------------------------------------- */

bool ws_server_wants_tls(const WsConf *conf)
{
    return (conf->certificate && *conf->certificate) || (conf->key && *conf->key);
}

static bool make_context(WsServer *server, const WsConf *conf, GError **error)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = server,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .timeout_secs = (unsigned)conf->handshake_s,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
    };

    lws_set_log_level(0, NULL); /* its lines may name what logs must not hold */
    server->context = lws_create_context(&info);
    if (!server->context)
        return stoa_fail(error, STOA_ERROR_INTERNAL, "libwebsockets did not start");
    if (server->secure) {
        info.ssl_cert_filepath = conf->certificate;
        info.ssl_private_key_filepath = conf->key;
    }
    info.vhost_name = "stoa";
    server->vhost = lws_create_vhost(server->context, &info);
    if (!server->vhost)
        return stoa_fail(error, STOA_ERROR_INTERNAL, "libwebsockets did not take the conf");
    return true;
}

static bool watch_listener(WsServer *server, GError **error)
{
    lws_adopt_desc_t info = { .vh = server->vhost,
                              .type = LWS_ADOPT_RAW_FILE_DESC,
                              .fd.filefd = server->listen_fd,
                              .vh_prot_name = "listener" };

    server->listener = lws_adopt_descriptor_vhost_via_info(&info);
    return server->listener ||
           stoa_fail(error, STOA_ERROR_INTERNAL, "libwebsockets did not take the listening socket");
}

static WsServer *server_alloc(StoaTransportHost *host, const WsConf *conf,
                              const StoaTransportSettings *settings)
{
    WsServer *server = g_new0(WsServer, 1);

    server->host = host;
    server->address = g_strdup(conf->address ? conf->address : "");
    server->secure = ws_server_wants_tls(conf);
    server->max_connections = (unsigned)conf->connections;
    server->listen_fd = -1;
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->setup = new_setup(conf, settings);
    server->clients = g_hash_table_new(g_int64_hash, g_int64_equal);
    server->touched = g_ptr_array_new();
    g_queue_init(&server->connections);
    g_mutex_init(&server->lock);
    return server;
}

WsServer *ws_server_new(StoaTransportHost *host, const WsConf *conf,
                        const StoaTransportSettings *settings, GError **error)
{
    WsServer *server = server_alloc(host, conf, settings);

    if (server->secure && !ws_certificate_load(conf->certificate, conf->key, error))
        goto failed;
    server->listen_fd = stoa_listen_open(conf->address, conf->port, "websocket.conf: listen.port",
                                         &server->port, error);
    if (server->listen_fd < 0 || !make_context(server, conf, error) ||
        !watch_listener(server, error))
        goto failed;
    server->thread = g_thread_new("websocket", serve, server);
    return server;
failed:
    ws_server_free(server);
    return NULL;
}

void ws_server_free(WsServer *server)
{
    if (!server)
        return;
    if (server->thread) {
        ws_server_quiesce(server);
        g_mutex_lock(&server->lock);
        server->stopping = true;
        g_mutex_unlock(&server->lock);
        lws_cancel_service(server->context);
        g_thread_join(server->thread);
    } else if (server->context) {
        lws_context_destroy(server->context);
    }
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    ws_setup_unref(server->setup);
    g_hash_table_destroy(server->clients);
    g_ptr_array_unref(server->touched);
    g_mutex_clear(&server->lock);
    g_free(server->address);
    g_free(server);
    ws_certificate_clear();
}

void ws_server_quiesce(WsServer *server)
{
    bool was_quiet;

    g_mutex_lock(&server->lock);
    was_quiet = server->quiet;
    server->quiet = true;
    g_mutex_unlock(&server->lock);
    if (was_quiet)
        return;
    shutdown(server->listen_fd, SHUT_RDWR); /* accept() fails from now on, and its reader goes */
}

bool ws_server_reload(WsServer *server, const WsConf *conf, const StoaTransportSettings *settings,
                      GError **error)
{
    WsSetup *old;

    if (server->secure && ws_server_wants_tls(conf) &&
        !ws_certificate_load(conf->certificate, conf->key, error))
        return false;
    if (strcmp(server->address, conf->address ? conf->address : "") != 0 ||
        (conf->port && conf->port != server->port) || ws_server_wants_tls(conf) != server->secure)
        stoa_transport_log(server->host, G_LOG_LEVEL_WARNING,
                           "another port or address, and TLS switched on or off, need a restart of "
                           "the module");
    g_mutex_lock(&server->lock);
    old = server->setup;
    server->setup = new_setup(conf, settings);
    g_mutex_unlock(&server->lock);
    ws_setup_unref(old);
    return true;
}

/* Note who has mail; the lock is held. True: the thread is to be woken. */
static bool touch(WsServer *server, WsConnection *connection)
{
    bool was_awake = server->awake;

    if (!connection->touched)
        g_ptr_array_add(server->touched, connection);
    connection->touched = true;
    server->awake = true;
    return !was_awake;
}

void ws_server_send(WsServer *server, uint64_t client, const char *text, size_t len)
{
    WsConnection *connection;
    bool wake = false;

    g_mutex_lock(&server->lock);
    connection = g_hash_table_lookup(server->clients, &client);
    if (connection) {
        connection->is_slow |= !ws_connection_queue_text(connection, text, len);
        wake = touch(server, connection);
    }
    g_mutex_unlock(&server->lock);
    if (wake)
        lws_cancel_service(server->context);
}

void ws_server_close(WsServer *server, uint64_t client, const char *reason)
{
    WsConnection *connection;
    bool wake = false;

    g_mutex_lock(&server->lock);
    connection = g_hash_table_lookup(server->clients, &client);
    if (connection && !connection->close_reason) {
        connection->close_reason = g_strdup(reason ? reason : "");
        connection->close_code = server->quiet ? WS_CLOSE_GOING_AWAY : WS_CLOSE_NORMAL;
        wake = touch(server, connection);
    }
    g_mutex_unlock(&server->lock);
    if (wake)
        lws_cancel_service(server->context);
}
