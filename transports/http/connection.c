/* SPDX-License-Identifier: MIT */
/* One TCP connection: whose it is, what it is doing, and until when.
 *
 * libmicrohttpd's own timeout counts from the last byte, so one byte now and then holds a connection for ever: the deadlines
 * here are of whole phases (SECURITY R6). A connection is cut with shutdown(), and libmicrohttpd then closes it by itself. */
#include "connection.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../common/listen.h"
#include "listener.h"

#define REFUSED_US (2 * G_USEC_PER_SEC)  /* to send a request and be told why */
#define SEND_US    (60 * G_USEC_PER_SEC) /* a page over a bad line */

static int64_t deadline_of(const HttpConnection *connection, HttpPhase phase,
                           const HttpSetup *setup, int64_t now_us)
{
    switch (phase) {
    case HTTP_PHASE_HEAD:
        return now_us + setup->head_us + (connection->served ? setup->idle_us : 0);
    case HTTP_PHASE_BODY: return now_us + setup->idle_us;
    case HTTP_PHASE_SEND: return now_us + SEND_US;
    case HTTP_PHASE_WAIT: break;
    }
    return 0;
}

static void set_phase(HttpConnection *connection, HttpPhase phase)
{
    Http *http = connection->listener->http;

    if (connection->phase == HTTP_PHASE_SEND)
        http->n_sending--;
    if (phase == HTTP_PHASE_SEND)
        http->n_sending++;
    connection->phase = phase;
}

/* A proxy's own address is not counted: its clients' are, as soon as their requests name them. */
static bool is_proxy(StoaTransportHost *host, const char *peer)
{
    char seen[64];

    stoa_transport_client_address(host, peer, "192.0.2.1", seen, sizeof seen);
    return strcmp(seen, peer) != 0;
}

static void *opened(HttpListener *listener, struct MHD_Connection *mhd)
{
    HttpConnection *connection = g_new0(HttpConnection, 1);
    Http *http = listener->http;
    g_autoptr(HttpSetup) setup = http_current_setup(http);
    const union MHD_ConnectionInfo *info;

    connection->listener = listener;
    connection->link.data = connection;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    stoa_listen_peer_text(info ? info->client_addr : NULL, connection->peer,
                          sizeof connection->peer);
    connection->deadline_us = g_get_monotonic_time() + setup->head_us;
    if (!is_proxy(http->host, connection->peer) && !http_connection_identify(connection, NULL))
        connection->deadline_us = g_get_monotonic_time() + REFUSED_US;
    g_mutex_lock(&http->lock);
    g_queue_push_tail_link(&http->connections, &connection->link);
    g_mutex_unlock(&http->lock);
    return connection;
}

static void forget_client(HttpConnection *connection)
{
    Http *http = connection->listener->http;

    if (!connection->client)
        return;
    g_mutex_lock(&http->lock);
    g_hash_table_remove(http->clients, &connection->client);
    g_mutex_unlock(&http->lock);
    stoa_client_closed(http->host, connection->client);
    connection->client = 0;
}

static void release_address(HttpConnection *connection)
{
    if (connection->claimed)
        stoa_transport_release_address(connection->listener->http->host, connection->address);
    connection->claimed = false;
}

static void closed(HttpConnection *connection)
{
    Http *http = connection->listener->http;

    g_mutex_lock(&http->lock);
    g_queue_unlink(&http->connections, &connection->link);
    set_phase(connection, HTTP_PHASE_HEAD);
    g_mutex_unlock(&http->lock);
    forget_client(connection);
    release_address(connection);
    g_free(connection);
}

void http_connection_notify(void *listener, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = opened(listener, mhd);
        return;
    }
    if (*context)
        closed(*context);
    *context = NULL;
}

HttpConnection *http_connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void http_connection_enter(HttpConnection *connection, HttpPhase phase, const HttpSetup *setup)
{
    Http *http = connection->listener->http;
    int64_t now_us = g_get_monotonic_time();

    g_mutex_lock(&http->lock);
    if (phase == HTTP_PHASE_BODY)
        connection->served = true;
    set_phase(connection, phase);
    connection->deadline_us = deadline_of(connection, phase, setup, now_us);
    if (phase == HTTP_PHASE_HEAD && connection->close_wanted)
        shutdown(connection->fd, SHUT_RDWR);
    g_mutex_unlock(&http->lock);
}

bool http_connection_identify(HttpConnection *connection, const char *forwarded_for)
{
    StoaTransportHost *host = connection->listener->http->host;
    char address[sizeof connection->address];

    stoa_transport_client_address(host, connection->peer, forwarded_for, address, sizeof address);
    if (connection->claimed && strcmp(address, connection->address) == 0)
        return true;
    forget_client(connection); /* the proxy now speaks for somebody else */
    release_address(connection);
    g_strlcpy(connection->address, address, sizeof connection->address);
    connection->claimed = stoa_transport_claim_address(host, address);
    return connection->claimed;
}

uint64_t http_connection_client(HttpConnection *connection)
{
    Http *http = connection->listener->http;
    StoaClientInfo info = { .address = connection->address,
                            .admin = connection->listener->admin,
                            .events = false };

    if (connection->client)
        return connection->client;
    connection->client = stoa_client_open(http->host, &info);
    g_mutex_lock(&http->lock);
    g_hash_table_insert(http->clients, &connection->client, connection);
    g_mutex_unlock(&http->lock);
    return connection->client;
}

void http_connection_close_client(Http *http, uint64_t client)
{
    HttpConnection *connection;

    g_mutex_lock(&http->lock);
    connection = g_hash_table_lookup(http->clients, &client);
    if (connection) {
        connection->close_wanted = true;
        if (connection->phase == HTTP_PHASE_HEAD)
            shutdown(connection->fd, SHUT_RDWR);
    }
    g_mutex_unlock(&http->lock);
}

/* The other side is gone, and all that it sent was read: libmicrohttpd would know, but it waits for an edge, and the one of
 * the end came together with the last bytes. */
static bool has_ended(const HttpConnection *connection)
{
    struct pollfd fd = { .fd = connection->fd, .events = POLLRDHUP };
    int n_unread = 0;

    return connection->phase == HTTP_PHASE_BODY && poll(&fd, 1, 0) == 1 &&
           (fd.revents & POLLRDHUP) && ioctl(connection->fd, FIONREAD, &n_unread) == 0 &&
           n_unread == 0;
}

void http_connection_expire(Http *http, int64_t now_us)
{
    g_mutex_lock(&http->lock);
    for (GList *link = http->connections.head; link; link = link->next) {
        HttpConnection *connection = link->data;

        if (has_ended(connection))
            shutdown(connection->fd, SHUT_RD);
        if (!connection->deadline_us || connection->deadline_us > now_us)
            continue;
        shutdown(connection->fd, SHUT_RDWR);
        connection->deadline_us = 0;
    }
    g_mutex_unlock(&http->lock);
}
