/* SPDX-License-Identifier: MIT */
#pragma once /* One TCP connection: whose it is, what it is doing, and until when. */

#include "http.h"

typedef enum {
    HTTP_PHASE_HEAD, /* a new connection, or one that is kept alive: the next request's head is awaited */
    HTTP_PHASE_BODY,
    HTTP_PHASE_WAIT, /* for the core: no deadline */
    HTTP_PHASE_SEND,
} HttpPhase;

typedef struct HttpConnection {
    HttpListener *listener;
    int fd; /* libmicrohttpd's; valid while the connection is in Http.connections */
    char peer[64],
        address[64];     /* of the socket; of the client behind trusted proxies, "" until known */
    bool claimed;        /* `address` is counted in the core */
    uint64_t client;     /* 0 until the first request of the API */
    GList link;          /* in Http.connections */
    HttpPhase phase;     /* lock */
    int64_t deadline_us; /* lock; 0: none */
    bool close_wanted;   /* lock; once its answer is out */
    bool served;         /* lock; has had a request */
} HttpConnection;

/** For MHD_OPTION_NOTIFY_CONNECTION. Thread: libmicrohttpd's. */
void http_connection_notify(void *listener, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);

/** The connection behind libmicrohttpd's; never NULL inside a request. */
HttpConnection *http_connection_of(struct MHD_Connection *mhd);

/** Begin a phase, and with it another deadline. Thread: any, the lock not held. */
void http_connection_enter(HttpConnection *connection, HttpPhase phase, const HttpSetup *setup);

/**
 * Find out who sends the request, and count that address.
 *
 * @forwarded_for  the X-Forwarded-For header; NULL when absent
 *
 * Returns false when the address has too many connections. Thread: libmicrohttpd's, of this connection.
 */
bool http_connection_identify(HttpConnection *connection, const char *forwarded_for);

/** The core's id of the client, opened at the first call. Thread: libmicrohttpd's, of this connection. */
uint64_t http_connection_client(HttpConnection *connection);

/** Close a client's connection, after its answer if one is on the way. Thread: any. */
void http_connection_close_client(Http *http, uint64_t client);

/** Cut the connections whose deadline has passed. Thread: watch. */
void http_connection_expire(Http *http, int64_t now_us);
