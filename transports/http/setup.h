/* SPDX-License-Identifier: MIT */
#pragma once /* What the operator set, as one thing that does not change: a reload makes a new one. */

#include "pages.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stoa/transport.h>

/* conf/http.conf; filled by the core from the rows in http.c. */
typedef struct {
    int64_t port, threads;
    char *address, *base_path;
    char **allow_origins;
    char *certificate, *key;
    bool static_enabled;
    char *websocket_url;
    bool metrics_public;
    int64_t connections, head_s, idle_s;
} HttpConf;

/* A request holds a ref while it lasts, so that a reload takes nothing from under it. Read only. */
typedef struct {
    char *base_path; /* "/janus" */
    char **allow_origins;
    bool static_enabled, metrics_public;
    bool has_proxies; /* public.trusted_proxies names some */
    char *websocket_url, *websocket_origin, *base_url, *server_name; /* may be NULL */
    int64_t message_bytes;                                           /* 0: no limit */
    int64_t head_us, idle_us;
    HttpPages *pages;
} HttpSetup;

/**
 * Copy what requests need, and read the pages; without a folder of pages there are none, and the log says so.
 *
 * Returns a ref, or NULL with `error` set: base_path does not fit, or a page cannot be read. Thread: control.
 */
HttpSetup *http_setup_new(StoaTransportHost *host, const HttpConf *conf,
                          const StoaTransportSettings *settings, GError **error);
/** Whether a conf could become a setup, without making one: base_path fits. */
bool http_setup_check(const HttpConf *conf, GError **error);

HttpSetup *http_setup_ref(HttpSetup *setup);
void http_setup_unref(HttpSetup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpSetup, http_setup_unref)
