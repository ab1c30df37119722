/* SPDX-License-Identifier: MIT */
/* What a whole request gets. */
#include "api.h"

#include <string.h>

#include "../common/listen.h"
#include "listener.h"
#include "reply.h"
#include "web-host.h"

#define MAX_EVENTS 1000 /* of one poll */

enum { FORBIDDEN = 403, TRANSPORT_ERROR = 450 }; /* Janus API, section 5 */

enum MHD_Result http_api_reply_stopping(HttpRequest *request)
{
    return http_reply_last_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, TRANSPORT_ERROR,
                                 "the server is stopping");
}

/* -- who may ask ------------------------------------------------------------------------------- */

static bool allows_all(char *const *origins)
{
    return origins && g_strv_contains((const char *const *)origins, "*");
}

static bool is_origin_named(HttpRequest *request, char *const *origins, const char *origin)
{
    g_autoptr(GStrvBuilder) named = g_strv_builder_new();
    g_auto(GStrv) list = NULL;

    for (; *origins; origins++) {
        if (strcmp(*origins, "*") != 0)
            g_strv_builder_add(named, *origins);
    }
    list = g_strv_builder_end(named);
    if (!stoa_transport_origin_allowed(request->listener->http->host, list, origin,
                                       http_request_header(request, "Host")))
        return false;
    request->cors = g_strdup(origin);
    return true;
}

/* Decides, and notes what Access-Control-Allow-Origin will say. The operator's API is for its own origin only. */
bool http_api_is_origin_allowed(HttpRequest *request)
{
    static char *const own_only[] = { NULL };
    char *const *origins = request->listener->admin ? own_only : request->setup->allow_origins;
    const char *origin = http_request_header(request, "Origin");

    /* "*" is for public servers of the Janus kind: a room of invited people is for pages that the operator named. (R7) */
    if (allows_all(origins) && request->route.kind == HTTP_ROUTE_WEB)
        return is_origin_named(request, origins, origin);
    if (allows_all(origins)) {
        request->cors = g_strdup("*");
        return true;
    }
    if (!stoa_transport_origin_allowed(request->listener->http->host, origins, origin,
                                       http_request_header(request, "Host")))
        return false;
    request->cors = g_strdup(origin);
    return true;
}

/* A stranger's page can give its own name our loopback address (DNS rebinding), and is then "the same origin" as the
 * operator's API: but its name is in the Host header. */
static bool is_called_loopback(const HttpRequest *request)
{
    char name[256];

    if (!http_web_host_read(http_request_header(request, "Host"), name, sizeof name))
        return false;
    return stoa_listen_is_loopback(name) || strcmp(name, "[::1]") == 0;
}

static bool is_admin_host(const HttpRequest *request)
{
    return !stoa_listen_is_loopback(request->listener->address) || is_called_loopback(request);
}

/* Behind a proxy on this machine all the world comes from loopback. */
static bool is_proxied(const HttpRequest *request)
{
    static const char *const marks[] = { "X-Forwarded-For",  "Forwarded",         "Via",
                                         "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP" };

    for (unsigned i = 0; i < G_N_ELEMENTS(marks); i++)
        if (http_request_header(request, marks[i]))
            return true;
    return request->setup->has_proxies ||
           (request->setup->base_url && g_str_has_prefix(request->setup->base_url, "https://") &&
            !request->listener->secure);
}

static bool is_from_this_machine(const HttpRequest *request)
{
    return stoa_listen_is_loopback(request->connection->peer) && is_called_loopback(request) &&
           !is_proxied(request);
}

/* -- requests to the core ---------------------------------------------------------------------- */

static enum MHD_Result ask_core(HttpRequest *request, json_t *message)
{
    uint64_t client = http_connection_client(request->connection);
    uint64_t number = http_request_wait(request, false);

    if (!number) {
        json_decref(message);
        return http_api_reply_stopping(request);
    }
    /* From here on control may resume the request at any moment. */
    stoa_client_request(request->listener->http->host, client, number, message);
    return MHD_YES;
}

static char *dump_taken(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    char *copy = g_strdup(text ? text : "{}");

    free(text);
    json_decref(json);
    return copy;
}

static bool is_over_limit(const HttpRequest *request)
{
    int64_t limit = request->setup->message_bytes;

    return limit > 0 && request->n_received > (uint64_t)limit;
}

static enum MHD_Result post(HttpRequest *request)
{
    const char *text = request->body ? (const char *)request->body->data : "";
    size_t len = request->body ? request->body->len : 0;
    json_t *refusal = NULL;
    json_t *message = stoa_client_parse(request->listener->http->host, text, len, &refusal);

    if (!message)
        return http_reply_json(request,
                               is_over_limit(request) ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_OK,
                               dump_taken(refusal));
    if (request->route.session)
        json_object_set_new(message, "session_id",
                            json_integer((json_int_t)request->route.session));
    if (request->route.handle)
        json_object_set_new(message, "handle_id", json_integer((json_int_t)request->route.handle));
    return ask_core(request, message);
}

static enum MHD_Result get_verb(HttpRequest *request, const char *verb)
{
    g_autofree char *transaction = g_strdup_printf("%08x", g_random_int()); /* a label, no secret */

    return ask_core(request, json_pack("{s:s, s:s}", "janus", verb, "transaction", transaction));
}

static const char *query_value(HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, name);
}

static json_t *poll_query(HttpRequest *request)
{
    static const char *const names[] = { "token", "apisecret" };
    json_t *query = json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = query_value(request, names[i]);

        if (value) /* json_string() refuses what is not UTF-8 */
            json_object_set_new(query, names[i], json_string(value));
    }
    return query;
}

static enum MHD_Result poll_events(HttpRequest *request)
{
    const char *asked = query_value(request, "maxev");
    uint64_t maxev = asked ? g_ascii_strtoull(asked, NULL, 10) : 1;
    uint64_t client = http_connection_client(request->connection);
    uint64_t number = http_request_wait(request, true);

    if (!number)
        return http_api_reply_stopping(request);
    stoa_client_poll(request->listener->http->host, client, number, request->route.session,
                     (unsigned)CLAMP(maxev, 1, MAX_EVENTS), poll_query(request));
    return MHD_YES;
}

enum MHD_Result http_api_refuse_origin(HttpRequest *request)
{
    return http_reply_error(request, MHD_HTTP_FORBIDDEN, FORBIDDEN,
                            "pages of this origin may not use the server: "
                            "add it to listen.allow_origins in http.conf");
}

static enum MHD_Result answer_api(HttpRequest *request)
{
    bool is_get = strcmp(request->method, "GET") == 0;

    if (!http_api_is_origin_allowed(request))
        return http_api_refuse_origin(request);
    if (strcmp(request->method, "OPTIONS") == 0)
        return http_reply_preflight(request);
    if (!http_route_takes(request->route.kind, request->listener->admin, request->method))
        return http_reply_not_allowed(request);
    if (!is_get)
        return post(request);
    if (request->route.kind == HTTP_ROUTE_SESSION)
        return poll_events(request);
    return get_verb(request, request->route.kind == HTTP_ROUTE_PING ? "ping" : "info");
}

/* -- beside the API ---------------------------------------------------------------------------- */

static enum MHD_Result answer_health(HttpRequest *request)
{
    Http *http = request->listener->http;

    if (g_atomic_int_get(&http->quiet))
        return http_reply_json(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                               g_strdup("{\"status\":\"stopping\"}"));
    if (!stoa_transport_healthy(http->host))
        return http_reply_json(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                               g_strdup("{\"status\":\"stalled\"}"));
    return http_reply_json(request, MHD_HTTP_OK, g_strdup("{\"status\":\"ok\"}"));
}

static enum MHD_Result answer_metrics(HttpRequest *request)
{
    if (!request->listener->admin && !request->setup->metrics_public &&
        !is_from_this_machine(request))
        return http_reply_text(request, MHD_HTTP_FORBIDDEN, NULL,
                               g_strdup("metrics are shown to this machine, and on the admin "
                                        "listener; metrics.public = true in http.conf shows them "
                                        "to everybody\n"));
    return http_reply_text(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                           stoa_transport_metrics(request->listener->http->host));
}

bool http_api_is_secure_page(HttpRequest *request)
{
    const char *host = http_request_header(request, "Host");
    const char *base = request->setup->base_url;
    size_t len = host ? strlen(host) : 0;

    if (request->listener->secure)
        return true;
    if (!len || !base || !g_str_has_prefix(base, "https://"))
        return false;
    base += strlen("https://");
    return g_ascii_strncasecmp(base, host, len) == 0 && (base[len] == '\0' || base[len] == '/');
}

static enum MHD_Result answer_servers(HttpRequest *request)
{
    const HttpSetup *setup = request->setup;
    g_autofree char *websocket = http_web_host_websocket(
        setup->websocket_url, setup->websocket_origin, http_request_header(request, "Host"),
        http_api_is_secure_page(request));

    return http_reply_json(
        request, MHD_HTTP_OK,
        dump_taken(json_pack("{s:s, s:s?, s:s?}", "http", setup->base_path, "websocket", websocket,
                             "name", setup->server_name)));
}

/* Asked before the method is: there is nothing at an unknown path that could take another one. */
static bool is_known_page(const HttpRequest *request)
{
    return http_pages_find(request->setup->pages, request->path) ||
           http_pages_wants_slash(request->setup->pages, request->path);
}

static enum MHD_Result answer_page(HttpRequest *request)
{
    const HttpPage *page = http_pages_find(request->setup->pages, request->path);
    g_autofree char *folder = NULL;

    if (page)
        return http_reply_page(request, page);
    folder = g_strconcat(request->path, "/", NULL);
    return http_reply_redirect(request, folder);
}

/* People get a page with a way back, and all else a line. */
static enum MHD_Result answer_no_page(HttpRequest *request)
{
    const HttpPage *page = http_pages_find(request->setup->pages, "/404.html");
    const char *accept = http_request_header(request, "Accept");

    if (page && accept && strstr(accept, "text/html"))
        return http_reply_no_page(request, page);
    return http_reply_text(request, MHD_HTTP_NOT_FOUND, NULL, g_strdup("no such page\n"));
}

static enum MHD_Result answer_other(HttpRequest *request)
{
    HttpRouteKind kind = request->route.kind;
    bool is_page = kind == HTTP_ROUTE_PAGE || kind == HTTP_ROUTE_SERVERS;

    if (kind == HTTP_ROUTE_NONE)
        (void)http_api_is_origin_allowed(request); /* a page may read that the path is wrong */
    if (kind == HTTP_ROUTE_NONE || http_route_is_web(kind) || (is_page && request->listener->admin))
        return http_reply_text(request, MHD_HTTP_NOT_FOUND, NULL, g_strdup("no such path\n"));
    if (kind == HTTP_ROUTE_PAGE && !is_known_page(request))
        return answer_no_page(request);
    if (!http_route_takes(kind, request->listener->admin, request->method))
        return http_reply_not_allowed(request);
    switch (kind) {
    case HTTP_ROUTE_HEALTH: return answer_health(request);
    case HTTP_ROUTE_METRICS: return answer_metrics(request);
    case HTTP_ROUTE_SERVERS: return answer_servers(request);
    default: return answer_page(request);
    }
}

enum MHD_Result http_api_answer(HttpRequest *request)
{
    if (request->listener->admin && !is_admin_host(request))
        return http_reply_error(
            request, MHD_HTTP_FORBIDDEN, FORBIDDEN,
            "the admin listener is for this machine: call it localhost or 127.0.0.1");
    if (http_route_is_api(request->route.kind))
        return answer_api(request);
    return answer_other(request);
}
