/* SPDX-License-Identifier: MIT */
/* What the operator set, as one thing that does not change. */
#include "setup.h"

#include <string.h>

#include <stoa/error.h>

/* "/janus", "janus" and "/janus/" are the same; the root belongs to the pages. */
static char *read_base_path(const char *text, GError **error)
{
    g_autofree char *path = g_strconcat("/", text ? text : "", NULL);
    char *start = path;
    size_t len;

    while (start[0] == '/' && start[1] == '/')
        start++;
    len = strlen(start);
    while (len > 1 && start[len - 1] == '/')
        start[--len] = '\0';
    for (const char *p = start; *p; p++) {
        if (g_ascii_isalnum(*p) || strchr("/-_.~", *p))
            continue;
        stoa_fail(error, STOA_ERROR_INVALID,
                  "http.conf: listen.base_path: \"%s\" is no path of letters, digits and -_.~",
                  text);
        return NULL;
    }
    if (len > 1)
        return g_strdup(start);
    stoa_fail(error, STOA_ERROR_INVALID,
              "http.conf: listen.base_path: the root belongs to the pages: use a path like /janus");
    return NULL;
}

bool http_setup_check(const HttpConf *conf, GError **error)
{
    g_autofree char *path = read_base_path(conf->base_path, error);

    return path != NULL;
}

static HttpPages *read_pages(StoaTransportHost *host, const char *folder, GError **error)
{
    if (!folder || g_file_test(folder, G_FILE_TEST_IS_DIR))
        return http_pages_new(folder, error);
    stoa_transport_log(host, G_LOG_LEVEL_WARNING,
                       "there is no folder of pages \"%s\": none are served", folder);
    return http_pages_new(NULL, error);
}

static void clear(void *data)
{
    HttpSetup *setup = data;

    g_free(setup->base_path);
    g_strfreev(setup->allow_origins);
    g_free(setup->websocket_url);
    g_free(setup->websocket_origin);
    g_free(setup->base_url);
    g_free(setup->server_name);
    http_pages_free(setup->pages);
}

HttpSetup *http_setup_new(StoaTransportHost *host, const HttpConf *conf,
                          const StoaTransportSettings *settings, GError **error)
{
    g_autoptr(HttpSetup) setup = g_atomic_rc_box_new0(HttpSetup);

    setup->base_path = read_base_path(conf->base_path, error);
    if (!setup->base_path)
        return NULL;
    setup->pages = read_pages(host, conf->static_enabled ? settings->html_dir : NULL, error);
    if (!setup->pages) {
        g_prefix_error(error, "the pages cannot be read: ");
        return NULL;
    }
    setup->allow_origins = g_strdupv(conf->allow_origins);
    setup->static_enabled = conf->static_enabled;
    setup->metrics_public = conf->metrics_public;
    setup->has_proxies = settings->trusted_proxies && settings->trusted_proxies[0];
    setup->websocket_url = g_strdup(conf->websocket_url);
    setup->websocket_origin = g_strdup(settings->websocket_origin);
    setup->base_url = g_strdup(settings->base_url);
    setup->server_name = g_strdup(settings->server_name);
    setup->message_bytes = settings->message_bytes;
    setup->head_us = conf->head_s * G_USEC_PER_SEC;
    setup->idle_us = conf->idle_s * G_USEC_PER_SEC;
    return g_steal_pointer(&setup);
}

HttpSetup *http_setup_ref(HttpSetup *setup)
{
    return g_atomic_rc_box_acquire(setup);
}

void http_setup_unref(HttpSetup *setup)
{
    if (setup)
        g_atomic_rc_box_release_full(setup, clear);
}
