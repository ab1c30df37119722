/* SPDX-License-Identifier: MIT */
/* From a path to what is meant by it. */
#include "route.h"

#include <glib.h>
#include <string.h>

#define WEB "/api/v1"

/* Reads one id and moves past it; 0 when there is none. */
static uint64_t take_id(const char **at)
{
    uint64_t id = 0;
    const char *p = *at;

    for (; g_ascii_isdigit(*p); p++) {
        if (id > (INT64_MAX - 9) / 10)
            return 0;
        id = id * 10 + (uint64_t)(*p - '0');
    }
    *at = p;
    return id;
}

static HttpRoute find_ids(const char *at)
{
    const HttpRoute none = { HTTP_ROUTE_NONE, 0, 0 };
    HttpRoute route = { HTTP_ROUTE_SESSION, 0, 0 };

    route.session = take_id(&at);
    if (route.session == 0 || (*at && *at != '/'))
        return none;
    if (!*at || !at[1]) /* "/" at the end changes nothing */
        return route;
    at++;
    route.kind = HTTP_ROUTE_HANDLE;
    route.handle = take_id(&at);
    if (route.handle == 0 || (*at && strcmp(at, "/") != 0))
        return none;
    return route;
}

static HttpRoute find_in_api(const char *rest)
{
    if (!*rest || strcmp(rest, "/") == 0)
        return (HttpRoute){ HTTP_ROUTE_ROOT, 0, 0 };
    if (strcmp(rest, "/info") == 0)
        return (HttpRoute){ HTTP_ROUTE_INFO, 0, 0 };
    if (strcmp(rest, "/ping") == 0)
        return (HttpRoute){ HTTP_ROUTE_PING, 0, 0 };
    return find_ids(rest + 1);
}

HttpRoute http_route_find(const char *path, const char *base)
{
    size_t base_len = strlen(base);

    if (strncmp(path, base, base_len) == 0 && (path[base_len] == '\0' || path[base_len] == '/'))
        return find_in_api(path + base_len);
    if (strncmp(path, WEB, strlen(WEB)) == 0 && strchr("/", path[strlen(WEB)]))
        return (HttpRoute){ HTTP_ROUTE_WEB, 0, 0 };
    if (strcmp(path, "/healthz") == 0)
        return (HttpRoute){ HTTP_ROUTE_HEALTH, 0, 0 };
    if (strcmp(path, "/metrics") == 0)
        return (HttpRoute){ HTTP_ROUTE_METRICS, 0, 0 };
    if (strcmp(path, "/stoa.json") == 0)
        return (HttpRoute){ HTTP_ROUTE_SERVERS, 0, 0 };
    return (HttpRoute){ HTTP_ROUTE_PAGE, 0, 0 };
}

bool http_route_is_api(HttpRouteKind kind)
{
    return kind >= HTTP_ROUTE_ROOT && kind <= HTTP_ROUTE_HANDLE;
}

bool http_route_is_web(HttpRouteKind kind)
{
    return kind == HTTP_ROUTE_WEB || kind == HTTP_ROUTE_MODULE;
}

bool http_route_has_origin(HttpRouteKind kind)
{
    return http_route_is_api(kind) || kind == HTTP_ROUTE_NONE || http_route_is_web(kind);
}

const char *http_route_methods(HttpRouteKind kind, bool admin)
{
    switch (kind) {
    case HTTP_ROUTE_ROOT:
    case HTTP_ROUTE_HANDLE: return "POST, OPTIONS";
    case HTTP_ROUTE_SESSION: return admin ? "POST, OPTIONS" : "GET, POST, OPTIONS";
    case HTTP_ROUTE_INFO:
    case HTTP_ROUTE_PING: return "GET, OPTIONS";
    default: return "GET, HEAD";
    }
}

bool http_route_takes(HttpRouteKind kind, bool admin, const char *method)
{
    g_auto(GStrv) known = g_strsplit(http_route_methods(kind, admin), ", ", -1);

    return g_strv_contains((const char *const *)known, method);
}
