/* SPDX-License-Identifier: MIT */
#pragma once /* One listening port and libmicrohttpd behind it. */

#include "http.h"

struct HttpListener {
    Http *http;
    struct MHD_Daemon *daemon;
    char *address; /* as conf says */
    uint16_t port; /* the real one */
    int fd;        /* ours only after http_listener_quiesce() */
    bool admin, secure, quiet;
};

typedef struct {
    const char *address;
    int64_t port;
    const char *key; /* of the port, for errors: "http.conf: listen.port" */
    bool admin, secure;
    unsigned n_threads, n_connections;
} HttpListenerOptions;

/**
 * Bind the port and start the threads. A secure one needs http_certificate_load() before.
 *
 * Returns NULL with `error` set when the port is taken. Thread: control; free with http_listener_free().
 */
HttpListener *http_listener_new(Http *http, const HttpListenerOptions *options, GError **error);

/** Take no more connections; those that are there go on. Thread: control. */
void http_listener_quiesce(HttpListener *listener);

/** Close all connections and end the threads; no request may be waiting. NULL is fine. Thread: control. */
void http_listener_free(HttpListener *listener);

/** "https://127.0.0.1:8089"; free with g_free(). */
char *http_listener_origin(const HttpListener *listener);
