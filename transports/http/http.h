/* SPDX-License-Identifier: MIT */
#pragma once /* The HTTP transport as its own files see it: two listeners, their connections, the requests that wait. */

#include "setup.h"

#include <glib.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stoa/transport.h>

typedef struct HttpListener HttpListener;

/* One for the process. libmicrohttpd's threads and control meet here: `lock` guards all that is marked. */
typedef struct Http {
    StoaTransportHost *host;
    HttpListener *open, *admin; /* admin may be NULL */
    GMutex lock;
    HttpSetup *setup;    /* lock; the newest */
    GHashTable *waiting; /* lock; request number → HttpRequest, suspended until the core answers */
    GHashTable *clients;   /* lock; client id → HttpConnection */
    GQueue connections;    /* lock; every HttpConnection */
    unsigned n_sending;    /* lock; connections whose answer is on its way */
    uint64_t last_request; /* lock */
    bool stopping;         /* lock; nothing waits any more */
    gint quiet;            /* atomic; no new connections */
    int epoll_fd, wake_fd; /* watch.c */
    GThread *watch;
} Http;

/** A ref to the newest setup. Thread: any. */
HttpSetup *http_current_setup(Http *http);
