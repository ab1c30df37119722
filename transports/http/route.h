/* SPDX-License-Identifier: MIT */
#pragma once /* From a path to what is meant by it. Pure. (Janus API, section 3) */

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    HTTP_ROUTE_NONE,    /* no such path */
    HTTP_ROUTE_ROOT,    /* BASE */
    HTTP_ROUTE_INFO,    /* BASE/info */
    HTTP_ROUTE_PING,    /* BASE/ping */
    HTTP_ROUTE_SESSION, /* BASE/SESSION */
    HTTP_ROUTE_HANDLE,  /* BASE/SESSION/HANDLE */
    HTTP_ROUTE_WEB,     /* /api/v1 and below: the rooms API */
    HTTP_ROUTE_MODULE,  /* a module's own: nobody but the core knows */
    HTTP_ROUTE_HEALTH,  /* /healthz */
    HTTP_ROUTE_METRICS, /* /metrics */
    HTTP_ROUTE_SERVERS, /* /stoa.json */
    HTTP_ROUTE_PAGE,    /* anything else: look in the list of pages */
} HttpRouteKind;

typedef struct {
    HttpRouteKind kind;
    uint64_t session, handle; /* 0 where the path has none */
} HttpRoute;

/**
 * Find out what a path means.
 *
 * @path  as the client sent it, unescaped, without the query
 * @base  "/janus" or "/admin": no slash at the end
 *
 * An id that is no decimal number below 2^63 makes an unknown path.
 */
HttpRoute http_route_find(const char *path, const char *base);

/** Whether the route belongs to the Janus API. */
bool http_route_is_api(HttpRouteKind kind);

/** Whether it is handed over to the core as a web request: the rooms API and modules' routes. */
bool http_route_is_web(HttpRouteKind kind);

/** Whether pages of other origins ask first: the Janus API, the rooms API, modules' routes. */
bool http_route_has_origin(HttpRouteKind kind);

/** The methods of a route, for the Allow header: "GET, HEAD". */
const char *http_route_methods(HttpRouteKind kind, bool admin);

/** Whether `method` is one of http_route_methods(). */
bool http_route_takes(HttpRouteKind kind, bool admin, const char *method);
