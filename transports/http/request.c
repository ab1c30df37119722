/* SPDX-License-Identifier: MIT */
/* One request: head, body, the wait for the core, and the answer.
 *
 * libmicrohttpd calls the handler once for the head, for each piece of the body, and once at its end; there a request of the
 * API is suspended, and the handler is called again when control has resumed it. Answers are given at the end, so that a
 * body is always read off the connection; the exceptions close it. */
#include "request.h"

#include <string.h>

#include "api.h"
#include "listener.h"
#include "reply.h"
#include "watch.h"
#include "web.h"

const char *http_request_header(const HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

/* -- the head ---------------------------------------------------------------------------------- */

typedef struct {
    unsigned n_lengths, n_encodings, n_hosts;
    bool odd_encoding, odd_name;
    GString *forwarded;
} Head;

/* "Content-Length :" is no length to us, but perhaps to a proxy in front of us. (RFC 9112, 5.1) */
static bool is_token(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            return false;
    return *name != '\0';
}

static enum MHD_Result look_at_header(void *data, enum MHD_ValueKind kind G_GNUC_UNUSED,
                                      const char *name, const char *value)
{
    Head *head = data;

    head->odd_name |= !is_token(name);
    if (g_ascii_strcasecmp(name, "Content-Length") == 0)
        head->n_lengths++;
    if (g_ascii_strcasecmp(name, "Host") == 0)
        head->n_hosts++;
    if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0) {
        head->n_encodings++;
        head->odd_encoding |= !value || g_ascii_strcasecmp(value, "chunked") != 0;
    }
    if (value && g_ascii_strcasecmp(name, "X-Forwarded-For") == 0)
        g_string_append_printf(head->forwarded, "%s%s", head->forwarded->len ? ", " : "", value);
    return MHD_YES;
}

bool http_request_is_too_large(const HttpRequest *request)
{
    return request->setup->message_bytes > 0 &&
           request->n_received > (uint64_t)request->setup->message_bytes;
}

/* A body that is announced as too large is not even read, if its sender waits for our word or the body is huge. */
bool http_request_is_announced_too_large(const HttpRequest *request)
{
    const char *length = http_request_header(request, "Content-Length");
    uint64_t n_bytes = length ? g_ascii_strtoull(length, NULL, 10) : 0;
    int64_t limit = request->setup->message_bytes;

    if (limit <= 0 || n_bytes <= (uint64_t)limit)
        return false;
    return http_request_header(request, "Expect") ||
           n_bytes > (uint64_t)limit + HTTP_MAX_DRAIN_BYTES;
}

enum MHD_Result http_request_refuse_length(HttpRequest *request)
{
    return http_reply_last_error(request, MHD_HTTP_CONTENT_TOO_LARGE, 450,
                                 "the request is longer than %" G_GINT64_FORMAT
                                 " bytes (limits.message_bytes)",
                                 request->setup->message_bytes);
}

/* Two readers that see different ends of a body see different requests after it. (RFC 9112, 6.3) */
static bool is_ambiguous(const Head *head)
{
    return head->n_lengths > 1 || head->n_encodings > 1 || head->n_hosts > 1 ||
           head->odd_encoding || head->odd_name || (head->n_lengths && head->n_encodings);
}

static enum MHD_Result begin(HttpRequest *request)
{
    Head head = { .forwarded = g_string_new(NULL) };
    g_autofree char *forwarded = NULL;
    HttpConnection *connection = request->connection;

    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, look_at_header, &head);
    forwarded = g_string_free(head.forwarded, FALSE);
    http_connection_enter(connection, HTTP_PHASE_BODY, request->setup);
    if (is_ambiguous(&head))
        return http_reply_last_error(request, MHD_HTTP_BAD_REQUEST, 450,
                                     "the request's head is ambiguous: where it ends can be read "
                                     "in more than one way");
    if (!http_connection_identify(connection, *forwarded ? forwarded : NULL))
        return http_reply_last_error(request, MHD_HTTP_TOO_MANY_REQUESTS, 450,
                                     "too many connections from your address: close some "
                                     "(limits.connections_per_address)");
    if (http_route_is_web(request->route.kind) && !request->listener->admin)
        return http_web_begin(request);
    if (http_request_is_announced_too_large(request))
        return http_request_refuse_length(request);
    return MHD_YES;
}

static HttpRequest *request_new(HttpListener *listener, struct MHD_Connection *mhd,
                                const char *path, const char *method)
{
    HttpRequest *request = g_new0(HttpRequest, 1);

    request->listener = listener;
    request->mhd = mhd;
    request->connection = http_connection_of(mhd);
    request->setup = http_current_setup(listener->http);
    request->method = method;
    request->path = g_strdup(path);
    request->route = http_route_find(path, listener->admin ? "/admin" : request->setup->base_path);
    if (request->route.kind == HTTP_ROUTE_PAGE && !listener->admin &&
        !http_pages_find(request->setup->pages, path) &&
        stoa_web_path_is_served(listener->http->host, path))
        request->route.kind = HTTP_ROUTE_MODULE;
    return request;
}

/* -- the body ---------------------------------------------------------------------------------- */

static enum MHD_Result take_body(HttpRequest *request, const char *data, size_t *len)
{
    int64_t limit = request->setup->message_bytes;
    size_t keep = *len;

    request->n_received += *len;
    if (request->call && stoa_web_call_is_upload(request->call))
        return http_web_take(request, data, len);
    if (limit > 0 && request->n_received > (uint64_t)limit + HTTP_MAX_DRAIN_BYTES)
        return MHD_NO;
    if (!request->body)
        request->body = g_byte_array_new();
    if (limit > 0) /* one byte past it, so that the core sees that it is too long, and says so */
        keep = MIN(keep, (size_t)limit + 1 - request->body->len);
    g_byte_array_append(request->body, (const uint8_t *)data, (guint)keep);
    *len = 0;
    return MHD_YES;
}

/* -- the wait ---------------------------------------------------------------------------------- */

/* Off the table and back to libmicrohttpd, which calls the handler again. The lock is held. */
static void resume(Http *http, HttpRequest *request, HttpWait why)
{
    g_hash_table_remove(http->waiting, &request->number);
    if (request->polls)
        http_watch_remove(http, request->connection->fd);
    request->wait = why;
    MHD_resume_connection(request->mhd);
}

uint64_t http_request_wait(HttpRequest *request, bool polls)
{
    Http *http = request->listener->http;

    http_connection_enter(request->connection, HTTP_PHASE_WAIT, request->setup);
    g_mutex_lock(&http->lock);
    if (!http->stopping) {
        request->number = ++http->last_request;
        request->polls = polls;
        request->wait = HTTP_WAIT_CORE;
        g_hash_table_insert(http->waiting, &request->number, request);
        MHD_suspend_connection(request->mhd);
        if (polls)
            http_watch_add(http, request->connection->fd, request->number);
    }
    g_mutex_unlock(&http->lock);
    return request->number;
}

void http_request_answer(Http *http, uint64_t number, char *answer)
{
    HttpRequest *request;

    g_mutex_lock(&http->lock);
    request = g_hash_table_lookup(http->waiting, &number);
    if (request) {
        request->answer = g_steal_pointer(&answer);
        resume(http, request, HTTP_WAIT_ANSWERED);
    }
    g_mutex_unlock(&http->lock);
    g_free(answer);
}

void http_request_answer_web(Http *http, uint64_t number, StoaWebAnswer *answer)
{
    HttpRequest *request;

    g_mutex_lock(&http->lock);
    request = g_hash_table_lookup(http->waiting, &number);
    if (request) {
        request->web_answer = g_steal_pointer(&answer);
        resume(http, request, HTTP_WAIT_ANSWERED);
    }
    g_mutex_unlock(&http->lock);
    stoa_web_answer_free(answer);
}

void http_request_abandon(Http *http, uint64_t number)
{
    HttpRequest *request;

    g_mutex_lock(&http->lock);
    request = g_hash_table_lookup(http->waiting, &number);
    if (request)
        resume(http, request, HTTP_WAIT_ABANDONED);
    g_mutex_unlock(&http->lock);
}

void http_request_stop_all(Http *http)
{
    GHashTableIter iter;
    void *value;

    g_mutex_lock(&http->lock);
    http->stopping = true;
    for (g_hash_table_iter_init(&iter, http->waiting); g_hash_table_iter_next(&iter, NULL, &value);
         g_hash_table_iter_init(&iter, http->waiting))
        resume(http, value, HTTP_WAIT_STOPPED);
    g_mutex_unlock(&http->lock);
}

static enum MHD_Result finish_wait(HttpRequest *request)
{
    switch (request->wait) {
    case HTTP_WAIT_ABANDONED: return MHD_NO;
    case HTTP_WAIT_STOPPED: return http_api_reply_stopping(request);
    case HTTP_WAIT_ANSWERED: break;
    case HTTP_WAIT_CORE:
    case HTTP_WAIT_NONE: return MHD_YES;
    }
    if (http_route_is_web(request->route.kind))
        return http_web_resumed(request);
    if (!request->answer)
        return http_reply_empty(request, MHD_HTTP_NOT_FOUND);
    return http_reply_json(request, MHD_HTTP_OK, g_steal_pointer(&request->answer));
}

/* -- libmicrohttpd ----------------------------------------------------------------------------- */

enum MHD_Result http_request_handle(void *listener, struct MHD_Connection *mhd, const char *path,
                                    const char *method, const char *version G_GNUC_UNUSED,
                                    const char *upload, size_t *upload_len, void **context)
{
    HttpRequest *request = *context;

    if (!request) {
        request = *context = request_new(listener, mhd, path, method);
        return begin(request);
    }
    if (*upload_len)
        return take_body(request, upload, upload_len);
    if (request->number)
        return finish_wait(request);
    if (http_route_is_web(request->route.kind) && !request->listener->admin)
        return http_web_run(request);
    if (http_request_is_too_large(request) && !http_route_is_api(request->route.kind))
        return http_request_refuse_length(request);
    return http_api_answer(request);
}

void http_request_completed(void *listener G_GNUC_UNUSED, struct MHD_Connection *mhd G_GNUC_UNUSED,
                            void **context, enum MHD_RequestTerminationCode code G_GNUC_UNUSED)
{
    HttpRequest *request = *context;

    if (!request)
        return;
    http_connection_enter(request->connection, HTTP_PHASE_HEAD, request->setup);
    if (request->body)
        g_byte_array_unref(request->body);
    http_setup_unref(request->setup);
    g_free(request->path);
    g_free(request->cors);
    g_free(request->answer);
    stoa_web_call_drop(request->call);
    stoa_web_answer_free(request->web_answer);
    g_free(request);
    *context = NULL;
}
