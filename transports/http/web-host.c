/* SPDX-License-Identifier: MIT */
/* The Host header, and what is written out of it. */
#include "web-host.h"

#include <arpa/inet.h>
#include <string.h>

/* Returns what follows the name, or NULL. */
static const char *read_bracketed(const char *host, char *name, size_t size)
{
    const char *end = strchr(host, ']');
    char bare[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    size_t len;

    if (!end)
        return NULL;
    len = (size_t)(end - host) - 1;
    if (len >= sizeof bare || len + 3 > size)
        return NULL;
    memcpy(bare, host + 1, len);
    bare[len] = '\0';
    if (inet_pton(AF_INET6, bare, &v6) != 1)
        return NULL;
    g_snprintf(name, size, "[%s]", bare);
    return end + 1;
}

static const char *read_plain(const char *host, char *name, size_t size)
{
    size_t len = 0;

    while (g_ascii_isalnum(host[len]) || (len > 0 && strchr("-._", host[len]) && host[len]))
        len++;
    if (len == 0 || len > 253 || len >= size)
        return NULL;
    memcpy(name, host, len);
    name[len] = '\0';
    return host + len;
}

static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len >= 1 && len <= 5 && text[len] == '\0';
}

bool http_web_host_read(const char *host, char *name, size_t size)
{
    char found[256];
    const char *rest;

    if (!host)
        return false;
    rest = host[0] == '[' ? read_bracketed(host, found, sizeof found)
                          : read_plain(host, found, sizeof found);
    if (!rest || (*rest == ':' && !is_port(rest + 1)) || (*rest && *rest != ':'))
        return false;
    return g_strlcpy(name, found, size) < size;
}

/* The port of "ws://host:port", or NULL. */
static const char *port_of(const char *origin)
{
    const char *colon = strrchr(origin, ':');

    return colon && is_port(colon + 1) ? colon + 1 : NULL;
}

char *http_web_host_websocket(const char *configured, const char *listening, const char *host,
                              bool secure)
{
    char name[256];
    bool wss;

    if (configured && *configured)
        return g_strdup(configured);
    if (!listening || !port_of(listening))
        return NULL;
    wss = g_str_has_prefix(listening, "wss:");
    if (secure && !wss)
        return NULL;
    if (!http_web_host_read(host, name, sizeof name))
        return g_strdup(listening);
    return g_strdup_printf("%s://%s:%s", wss ? "wss" : "ws", name, port_of(listening));
}

/* A source of a policy ends at the path; what has blanks, quotes or semicolons would be another policy. */
static void append_source(GString *policy, const char *url)
{
    const char *authority = strstr(url, "://");
    size_t len;

    if (!authority)
        return;
    len = (size_t)(authority - url) + 3;
    len += strcspn(url + len, "/?#");
    if (strcspn(url, " \t\r\n;,'\"") < len)
        return;
    g_string_append_c(policy, ' ');
    g_string_append_len(policy, url, (gssize)len);
}

/* Where it listens, and the same port by the name that the page came by. */
static void append_websocket(GString *policy, const char *listening, const char *host)
{
    g_autofree char *named = http_web_host_websocket(NULL, listening, host, false);

    append_source(policy, listening);
    if (named && !g_str_equal(named, listening))
        append_source(policy, named);
}

char *http_web_host_policy(const char *configured, const char *listening, const char *host)
{
    GString *policy = g_string_new("default-src 'none'; script-src 'self'; style-src 'self'; "
                                   "img-src 'self' blob: data:; media-src 'self' blob:; "
                                   "connect-src 'self'");

    if (configured)
        append_source(policy, configured);
    if (listening)
        append_websocket(policy, listening, host);
    g_string_append(policy, "; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                            "form-action 'self'");
    return g_string_free(policy, FALSE);
}
