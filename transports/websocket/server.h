/* SPDX-License-Identifier: MIT */
#pragma once /* The service thread: libwebsockets' loop, the listening socket, and the mail from control. */

#include <glib.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>
#include <stoa/transport.h>

/* conf/websocket.conf; filled by the core from the rows in websocket.c. */
typedef struct {
    int64_t port;
    char *address;
    char **allow_origins;
    char *certificate, *key;
    int64_t connections, handshake_s, ping_s, idle_s, queue_bytes;
} WsConf;

/* What of it connections need; a reload makes a new one. Read only. */
typedef struct {
    char **allow_origins;
    size_t message_bytes, queue_bytes; /* 0: no limit */
    int64_t handshake_us, ping_us, idle_us;
} WsSetup;

typedef struct WsConnection WsConnection;

/* One for the process. `lock` guards what is marked; the rest belongs to the service thread once it runs. */
typedef struct WsServer {
    StoaTransportHost *host;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws *listener;
    char *address; /* as conf says */
    uint16_t port; /* the real one */
    bool secure;
    int listen_fd, spare_fd; /* spare: given up for a moment when descriptors run out */
    unsigned max_connections;
    GThread *thread;
    lws_sorted_usec_list_t tick;
    GQueue connections;    /* every WsConnection */
    WsConnection *adopted; /* while libwebsockets takes it over */
    bool done;

    GMutex lock;
    WsSetup *setup;       /* lock */
    GHashTable *clients;  /* lock; client id → WsConnection */
    GPtrArray *touched;   /* lock; WsConnection with something to send */
    bool awake;           /* lock; the thread was told to look */
    bool quiet, stopping; /* lock */
} WsServer;

/** Whether a certificate or a key is set. Thread: any. */
bool ws_server_wants_tls(const WsConf *conf);

/**
 * Bind the port and start the thread.
 *
 * Returns NULL with `error` set: the port is taken, the certificate does not fit. Thread: control.
 */
WsServer *ws_server_new(StoaTransportHost *host, const WsConf *conf,
                        const StoaTransportSettings *settings, GError **error);

/** Say goodbye to every client, close all, end the thread: within half a second. NULL is fine. Thread: control. */
void ws_server_free(WsServer *server);

/** Take no more connections. Thread: control. */
void ws_server_quiesce(WsServer *server);

/** Use another conf, and read the certificate anew. False: nothing changes. Thread: control. */
bool ws_server_reload(WsServer *server, const WsConf *conf, const StoaTransportSettings *settings,
                      GError **error);

/** Queue a text for a client, if it is there; one that does not read is cut off. Thread: any. */
void ws_server_send(WsServer *server, uint64_t client, const char *text, size_t len);

/** Close a client's connection after what is queued. Thread: any. */
void ws_server_close(WsServer *server, uint64_t client, const char *reason);

/** A ref to the newest setup; give it back with ws_setup_unref(). Thread: any. */
WsSetup *ws_server_setup(WsServer *server);
void ws_setup_unref(WsSetup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WsSetup, ws_setup_unref)
