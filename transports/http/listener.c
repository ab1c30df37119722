/* SPDX-License-Identifier: MIT */
/* One listening port and libmicrohttpd behind it. */
#include "listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <stoa/error.h>

#include "../common/listen.h"
#include "certificate.h"
#include "connection.h"
#include "request.h"

#define TLS_PRIORITIES   "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define CONNECTION_BYTES (32 * 1024) /* head of a request and of its answer */
#define MHD_FLAGS        (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME)

static struct MHD_Daemon *start_daemon(HttpListener *listener, const HttpListenerOptions *options,
                                       unsigned idle_s)
{
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)http_certificate_retrieve },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_FLAGS | (listener->secure ? (unsigned)MHD_USE_TLS : 0);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_request_handle, listener, MHD_OPTION_LISTEN_SOCKET, listener->fd,
        MHD_OPTION_THREAD_POOL_SIZE, options->n_threads, MHD_OPTION_CONNECTION_LIMIT,
        options->n_connections, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, listener,
        MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, listener, MHD_OPTION_ARRAY,
        listener->secure ? tls : none, MHD_OPTION_END);
}

HttpListener *http_listener_new(Http *http, const HttpListenerOptions *options, GError **error)
{
    HttpListener *listener = g_new0(HttpListener, 1);
    g_autoptr(HttpSetup) setup = http_current_setup(http);

    listener->http = http;
    listener->address = g_strdup(options->address ? options->address : "");
    listener->admin = options->admin;
    listener->secure = options->secure;
    listener->fd =
        stoa_listen_open(options->address, options->port, options->key, &listener->port, error);
    if (listener->fd < 0) {
        http_listener_free(listener);
        return NULL;
    }
    listener->daemon = start_daemon(listener, options, (unsigned)(setup->idle_us / G_USEC_PER_SEC));
    if (listener->daemon)
        return listener;
    close(listener->fd);
    http_listener_free(listener);
    stoa_fail(error, STOA_ERROR_INTERNAL, "libmicrohttpd did not start%s",
              options->secure ? ": is it built with TLS?" : "");
    return NULL;
}

void http_listener_quiesce(HttpListener *listener)
{
    if (listener->quiet)
        return;
    /* Its threads may be inside accept() still, so the descriptor stays open until they are gone. */
    if (MHD_quiesce_daemon(listener->daemon) != MHD_INVALID_SOCKET)
        shutdown(listener->fd, SHUT_RDWR);
    listener->quiet = true;
}

void http_listener_free(HttpListener *listener)
{
    if (!listener)
        return;
    if (listener->daemon)
        MHD_stop_daemon(listener->daemon);
    if (listener->quiet)
        close(listener->fd);
    g_free(listener->address);
    g_free(listener);
}

char *http_listener_origin(const HttpListener *listener)
{
    return stoa_listen_origin(listener->secure ? "https" : "http", listener->address,
                              listener->port);
}
