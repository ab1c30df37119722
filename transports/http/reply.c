/* SPDX-License-Identifier: MIT */
/* Answers, with the headers that each kind of them must have. */
#include "reply.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"
#include "web-host.h"

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define HSTS      "max-age=31536000"
enum { FILE_BLOCK = 64 * 1024 };

static const struct {
    const char *name, *value;
} page_headers[] = {
    { "Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), "
                            "geolocation=(), payment=(), usb=()" },
    { "Cross-Origin-Opener-Policy", "same-origin" },
    { "Cross-Origin-Embedder-Policy", "require-corp" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
    { "Cache-Control", "no-cache" },
};

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void add_common(HttpRequest *request, struct MHD_Response *response)
{
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "Referrer-Policy", "no-referrer");
    if (request->listener->secure)
        add(response, "Strict-Transport-Security", HSTS);
}

static void add_cors(HttpRequest *request, struct MHD_Response *response)
{
    if (!http_route_has_origin(request->route.kind))
        return;
    if (http_route_is_web(request->route.kind))
        add(response, "Access-Control-Expose-Headers",
            request->route.kind == HTTP_ROUTE_WEB
                ? "Retry-After, Content-Disposition, Content-Range, Accept-Ranges"
                : "Retry-After, Location, ETag, Link, Accept-Post, Accept-Patch, "
                  "WWW-Authenticate");
    add(response, "Access-Control-Max-Age", "86400");
    if (!request->cors || strcmp(request->cors, "*") != 0)
        add(response, "Vary", "Origin");
    if (request->cors)
        add(response, "Access-Control-Allow-Origin", request->cors);
}

static void add_preflight(HttpRequest *request, struct MHD_Response *response)
{
    const char *method = http_request_header(request, "Access-Control-Request-Method");
    const char *headers = http_request_header(request, "Access-Control-Request-Headers");

    if (method)
        add(response, "Access-Control-Allow-Methods", method);
    if (headers)
        add(response, "Access-Control-Allow-Headers", headers);
}

static enum MHD_Result queue(HttpRequest *request, unsigned status, struct MHD_Response *response)
{
    enum MHD_Result done;

    http_connection_enter(request->connection, HTTP_PHASE_SEND, request->setup);
    done = MHD_queue_response(request->mhd, status, response);
    MHD_destroy_response(response);
    return done;
}

/* What is made for one client and may not be kept by others. */
static struct MHD_Response *new_answer(HttpRequest *request, const char *type, char *text)
{
    size_t len = text ? strlen(text) : 0;
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer_with_free_callback(len, text, g_free)
             : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    if (type)
        add(response, "Content-Type", type);
    add(response, "Cache-Control", "no-store");
    add(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    add_common(request, response);
    add_cors(request, response);
    return response;
}

enum MHD_Result http_reply_json(HttpRequest *request, unsigned status, char *json)
{
    return queue(request, status, new_answer(request, JSON_TYPE, json));
}

/* The rooms API's word for a status that the transport itself answers with. */
static const char *web_code(unsigned status)
{
    switch (status) {
    case MHD_HTTP_FORBIDDEN: return "forbidden";
    case MHD_HTTP_CONTENT_TOO_LARGE: return "too_large";
    case MHD_HTTP_TOO_MANY_REQUESTS: return "slow_down";
    case MHD_HTTP_SERVICE_UNAVAILABLE: return "unavailable";
    default: return "invalid_request";
    }
}

static char *G_GNUC_PRINTF(4, 0)
    error_text(const HttpRequest *request, unsigned status, int code, const char *fmt, va_list args)
{
    g_autofree char *reason = g_strdup_vprintf(fmt, args);
    json_t *error = http_route_is_web(request->route.kind)
                        ? json_pack("{s:{s:s, s:s%}}", "error", "code", web_code(status), "message",
                                    reason, strlen(reason))
                        : json_pack("{s:s, s:{s:i, s:s%}}", "janus", "error", "error", "code", code,
                                    "reason", reason, strlen(reason));
    char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;
    char *copy =
        g_strdup(text ? text : "{\"janus\":\"error\",\"error\":{\"code\":490,\"reason\":\"\"}}");

    free(text);
    json_decref(error);
    return copy;
}

enum MHD_Result http_reply_error(HttpRequest *request, unsigned status, int code, const char *fmt,
                                 ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    text = error_text(request, status, code, fmt, args);
    va_end(args);
    return http_reply_json(request, status, text);
}

enum MHD_Result http_reply_last_error(HttpRequest *request, unsigned status, int code,
                                      const char *fmt, ...)
{
    struct MHD_Response *response;
    va_list args;
    char *text;

    va_start(args, fmt);
    text = error_text(request, status, code, fmt, args);
    va_end(args);
    response = new_answer(request, JSON_TYPE, text);
    add(response, "Connection", "close");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS || status == MHD_HTTP_SERVICE_UNAVAILABLE)
        add(response, "Retry-After", "10");
    return queue(request, status, response);
}

/* -- answers of the core ----------------------------------------------------------------------- */

/* A file on its way out. The connection's deadline is that of one block, not of the whole file. */
typedef struct {
    HttpConnection *connection;
    HttpSetup *setup; /* a ref */
    StoaWebAnswer *answer;
} Outgoing;

static ssize_t read_file(void *data, uint64_t at, char *buf, size_t size)
{
    Outgoing *file = data;
    uint64_t left = file->answer->file_len - at;
    ssize_t n;

    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    do
        n = pread(file->answer->fd, buf, MIN(size, left), (off_t)(file->answer->file_at + at));
    while (n < 0 && errno == EINTR);
    if (n <= 0) /* it was cut short meanwhile: the client sees that, as the length is missed */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    http_connection_enter(file->connection, HTTP_PHASE_SEND, file->setup);
    return n;
}

static void outgoing_free(void *data)
{
    Outgoing *file = data;

    stoa_web_answer_free(file->answer);
    http_setup_unref(file->setup);
    g_free(file);
}

static struct MHD_Response *web_response(HttpRequest *request, StoaWebAnswer *answer)
{
    struct MHD_Response *response;
    Outgoing *file;

    if (answer->fd < 0) {
        response = answer->body ? MHD_create_response_from_buffer_with_free_callback(
                                      answer->body_len, g_steal_pointer(&answer->body), g_free)
                                : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        stoa_web_answer_free(answer);
        return response;
    }
    file = g_new0(Outgoing, 1);
    file->connection = request->connection;
    file->setup = http_setup_ref(request->setup);
    file->answer = answer;
    return MHD_create_response_from_callback(answer->file_len, FILE_BLOCK, read_file, file,
                                             outgoing_free);
}

enum MHD_Result http_reply_web(HttpRequest *request, StoaWebAnswer *answer, bool last)
{
    unsigned status = answer->status;
    g_auto(GStrv) headers = g_steal_pointer(&answer->headers);
    struct MHD_Response *response = web_response(request, answer);

    for (char **pair = headers; pair && pair[0] && pair[1]; pair += 2)
        add(response, pair[0], pair[1]);
    if (last)
        add(response, "Connection", "close");
    if (strcmp(request->method, "OPTIONS") == 0)
        add_preflight(request, response);
    add_common(request, response);
    add_cors(request, response);
    return queue(request, status, response);
}

enum MHD_Result http_reply_text(HttpRequest *request, unsigned status, const char *type, char *text)
{
    return queue(request, status, new_answer(request, type ? type : TEXT_TYPE, text));
}

enum MHD_Result http_reply_empty(HttpRequest *request, unsigned status)
{
    return queue(request, status, new_answer(request, NULL, NULL));
}

enum MHD_Result http_reply_not_allowed(HttpRequest *request)
{
    const char *methods = http_route_methods(request->route.kind, request->listener->admin);
    char *text = g_strdup_printf("this path takes %s\n", methods);
    struct MHD_Response *response = new_answer(request, TEXT_TYPE, text);

    add(response, "Allow", methods);
    return queue(request, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

enum MHD_Result http_reply_preflight(HttpRequest *request)
{
    struct MHD_Response *response = new_answer(request, NULL, NULL);

    if (request->route.kind != HTTP_ROUTE_WEB)
        add(response, "Allow", http_route_methods(request->route.kind, request->listener->admin));
    add_preflight(request, response);
    return queue(request, MHD_HTTP_OK, response);
}

static void unref_bytes(void *bytes)
{
    g_bytes_unref(bytes);
}

static struct MHD_Response *page_body(const HttpPage *page)
{
    size_t len = 0;
    const void *data = g_bytes_get_data(page->body, &len);

    return MHD_create_response_from_buffer_with_free_callback_cls(
        len, (void *)(uintptr_t)data, unref_bytes, g_bytes_ref(page->body));
}

/* Makes `response` an answer with a page. */
static void add_page_headers(HttpRequest *request, struct MHD_Response *response,
                             const HttpPage *page)
{
    g_autofree char *policy =
        http_web_host_policy(request->setup->websocket_url, request->setup->websocket_origin,
                             http_request_header(request, "Host"));

    add(response, "Content-Type", page->type);
    add(response, "Content-Security-Policy", policy);
    for (size_t i = 0; i < G_N_ELEMENTS(page_headers); i++)
        add(response, page_headers[i].name, page_headers[i].value);
    add_common(request, response);
}

enum MHD_Result http_reply_page(HttpRequest *request, const HttpPage *page)
{
    bool fresh = http_pages_is_fresh(page, http_request_header(request, "If-None-Match"));
    struct MHD_Response *response =
        fresh ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT) : page_body(page);

    add(response, "ETag", page->etag);
    add_page_headers(request, response, page);
    return queue(request, fresh ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

enum MHD_Result http_reply_no_page(HttpRequest *request, const HttpPage *page)
{
    struct MHD_Response *response = page_body(page);

    add_page_headers(request, response, page);
    return queue(request, MHD_HTTP_NOT_FOUND, response);
}

enum MHD_Result http_reply_redirect(HttpRequest *request, const char *path)
{
    struct MHD_Response *response = new_answer(request, NULL, NULL);

    add(response, "Location", path);
    return queue(request, MHD_HTTP_MOVED_PERMANENTLY, response);
}
