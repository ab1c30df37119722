/* SPDX-License-Identifier: MIT */
/* Requests of the rooms API and of modules' routes. A small body is kept and handed over as a whole. An upload's head goes first: its body is read
 * once the core has said that it is welcome, and written to the disk on this thread, piece by piece. */
#include "web.h"

#include <string.h>

#include "api.h"
#include "listener.h"
#include "reply.h"
#include "web-host.h"

enum {
    TICK_BYTES = 16 * 1024
}; /* an upload that brings less than this in limits.idle_s is given up */

/* -- the head ---------------------------------------------------------------------------------- */

static enum MHD_Result add_pair(void *data, enum MHD_ValueKind kind G_GNUC_UNUSED, const char *name,
                                const char *value)
{
    g_ptr_array_add(data, (gpointer)name);
    g_ptr_array_add(data, (gpointer)(value ? value : ""));
    return MHD_YES;
}

static GPtrArray *pairs_of(HttpRequest *request, enum MHD_ValueKind kind)
{
    GPtrArray *pairs = g_ptr_array_new();

    MHD_get_connection_values(request->mhd, kind, add_pair, pairs);
    g_ptr_array_add(pairs, NULL);
    return pairs;
}

/* "https://host:port" as the client wrote it; where it is written badly, our own. */
static char *origin_of(HttpRequest *request)
{
    const char *host = http_request_header(request, "Host");
    char name[256];

    if (!http_web_host_read(host, name, sizeof name))
        return http_listener_origin(request->listener);
    return g_strdup_printf("%s://%s", http_api_is_secure_page(request) ? "https" : "http", host);
}

static void open_call(HttpRequest *request)
{
    const HttpSetup *setup = request->setup;
    g_autoptr(GPtrArray) query = pairs_of(request, MHD_GET_ARGUMENT_KIND);
    g_autoptr(GPtrArray) headers = pairs_of(request, MHD_HEADER_KIND);
    g_autofree char *origin = origin_of(request);
    g_autofree char *websocket = http_web_host_websocket(
        setup->websocket_url, setup->websocket_origin, http_request_header(request, "Host"),
        http_api_is_secure_page(request));
    const StoaWebHead head = { .method = request->method,
                               .path = request->path,
                               .address = request->connection->address,
                               .query = (const char *const *)query->pdata,
                               .headers = (const char *const *)headers->pdata,
                               .origin = origin,
                               .websocket = websocket,
                               .base_path = setup->base_path };

    request->call = stoa_web_call_open(request->listener->http->host, &head);
}

enum MHD_Result http_web_begin(HttpRequest *request)
{
    request->foreign = !http_api_is_origin_allowed(request);
    if (request->foreign ||
        (request->route.kind == HTTP_ROUTE_WEB && strcmp(request->method, "OPTIONS") == 0))
        return MHD_YES; /* answered at its end, as there is no call */
    open_call(request);
    if (stoa_web_call_is_upload(request->call)) {
        uint64_t number = http_request_wait(request, false);
        if (!number)
            return http_api_reply_stopping(request);
        stoa_web_call_admit(request->call, number);
        return MHD_YES;
    }
    return http_request_is_announced_too_large(request) ? http_request_refuse_length(request)
                                                        : MHD_YES;
}

/* -- the body ---------------------------------------------------------------------------------- */

enum MHD_Result http_web_take(HttpRequest *request, const char *data, size_t *len)
{
    request->n_since_tick += *len;
    if (request->n_since_tick >= TICK_BYTES) {
        request->n_since_tick = 0;
        http_connection_enter(request->connection, HTTP_PHASE_BODY, request->setup);
    }
    if (!request->refused && !request->web_answer)
        request->refused = !stoa_web_call_write(request->call, data, *len);
    if (request->refused || request->web_answer)
        request->n_excess += *len;
    *len = 0;
    return request->n_excess > HTTP_MAX_DRAIN_BYTES ? MHD_NO : MHD_YES;
}

enum MHD_Result http_web_run(HttpRequest *request)
{
    const char *body = request->body ? (const char *)request->body->data : "";
    size_t len = request->body ? request->body->len : 0;
    uint64_t number;

    if (request->foreign)
        return http_api_refuse_origin(request);
    if (!request->call)
        return http_reply_preflight(request);
    if (request->web_answer)
        return http_reply_web(request, g_steal_pointer(&request->web_answer), false);
    if (!stoa_web_call_is_upload(request->call) && http_request_is_too_large(request))
        return http_request_refuse_length(request);
    number = http_request_wait(request, false);
    if (!number)
        return http_api_reply_stopping(request);
    /* From here on control may resume the request at any moment. */
    stoa_web_call_run(g_steal_pointer(&request->call), number, body, len);
    return MHD_YES;
}

/* -- the answer -------------------------------------------------------------------------------- */

/* A refused upload: what is small is read off, so that its sender gets to read why; what is not is cut. */
static bool is_worth_reading(HttpRequest *request)
{
    const char *length = http_request_header(request, "Content-Length");

    return length && !http_request_header(request, "Expect") &&
           g_ascii_strtoull(length, NULL, 10) <= HTTP_MAX_DRAIN_BYTES;
}

enum MHD_Result http_web_resumed(HttpRequest *request)
{
    if (!request->call) {
        request->number = 0;
        return http_reply_web(request, g_steal_pointer(&request->web_answer), false);
    }
    /* The head of an upload was looked at. */
    request->number = 0;
    request->wait = HTTP_WAIT_NONE;
    http_connection_enter(request->connection, HTTP_PHASE_BODY, request->setup);
    if (!request->web_answer || is_worth_reading(request))
        return MHD_YES;
    return http_reply_web(request, g_steal_pointer(&request->web_answer), true);
}
