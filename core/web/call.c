/* SPDX-License-Identifier: MIT */
/* One request on its way: made at its head on a transport's thread, freed when its answer is out. */
#include "config.h"

#include "base/json-text.h"
#include "base/loop.h"
#include "web/web-private.h"

#include <string.h>

/* Of these there are some in the rooms API; modules get all. In small letters, as they are kept. */
static const char *const kept_headers[] = { "x-filename",      "range",
                                            "if-range",        "content-type",
                                            "content-length",  "user-agent",
                                            "accept-language", NULL };

static GHashTable *text_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* The first of two with one name counts. What is no UTF-8 is not there. */
static void keep(GHashTable *table, const char *name, const char *value)
{
    if (value && g_utf8_validate(name, -1, NULL) && g_utf8_validate(value, -1, NULL) &&
        !g_hash_table_contains(table, name))
        g_hash_table_insert(table, g_strdup(name), g_strdup(value));
}

/* "Bearer TOKEN", the scheme in any case. (RFC 6750, 2.1) */
static char *read_bearer(const char *value)
{
    const char *token;

    if (g_ascii_strncasecmp(value, "Bearer", 6) != 0 || (value[6] != ' ' && value[6] != '\0'))
        return g_strdup("");
    for (token = value + 6; *token == ' '; token++)
        ;
    return g_strchomp(g_strdup(token));
}

static void read_headers(StoaWebCall *call, const char *const *pairs)
{
    for (; pairs && pairs[0] && pairs[1]; pairs += 2) {
        g_autofree char *name = g_ascii_strdown(pairs[0], -1);
        if (call->path || g_strv_contains(kept_headers, name))
            keep(call->headers, name, pairs[1]);
        if (g_ascii_strcasecmp("Authorization", pairs[0]) == 0 && !call->token)
            call->token = read_bearer(pairs[1]);
    }
}

StoaWebCall *stoa_web_call_new(StoaWeb *web, const StoaWebHead *head, StoaWebOutlet *outlet,
                               void *user, GDestroyNotify free_user)
{
    StoaWebCall *call = g_new0(StoaWebCall, 1);

    call->web = web;
    call->outlet = outlet;
    call->outlet_user = user;
    call->free_outlet_user = free_user;
    atomic_init(&call->refs, 1);
    call->query = text_table();
    call->headers = text_table();
    call->args = text_table();
    call->answer_headers = g_ptr_array_new_with_free_func(g_free);
    call->address = g_strdup(head->address);
    call->origin = g_strdup(head->origin);
    call->websocket = g_strdup(head->websocket);
    call->base_path = g_strdup(head->base_path);
    if (!stoa_web_route_is_api(head->path)) {
        call->method = g_strdup(head->method);
        call->path = g_strdup(head->path);
    }
    for (const char *const *pair = head->query; pair && pair[0] && pair[1]; pair += 2)
        keep(call->query, pair[0], pair[1]);
    read_headers(call, head->headers);
    if (!call->path)
        call->route =
            stoa_web_route_find(web->tables, head->method, head->path, call->args, &call->allow);
    return call;
}

StoaWebCall *stoa_web_call_ref(StoaWebCall *call)
{
    atomic_fetch_add(&call->refs, 1);
    return call;
}

static void clear_caller(StoaWebCaller *caller)
{
    g_free(caller->host_id);
    g_free(caller->participant_id);
    g_free(caller->room_id);
    g_free(caller->email);
    g_free(caller->name);
    g_free(caller->role);
}

void stoa_web_call_unref(StoaWebCall *call)
{
    if (atomic_fetch_sub(&call->refs, 1) > 1)
        return;
    stoa_upload_free(call->upload);
    stoa_web_conf_unref(call->conf);
    g_free(call->base_url);
    g_free(call->own_url);
    g_free(call->residency);
    if (call->free_data)
        call->free_data(call->data);
    if (call->free_outlet_user)
        call->free_outlet_user(call->outlet_user);
    stoa_web_answer_free(call->answer);
    g_ptr_array_unref(call->answer_headers);
    g_hash_table_unref(call->query);
    g_hash_table_unref(call->headers);
    g_hash_table_unref(call->args);
    g_free(call->allow);
    g_free(call->address);
    g_free(call->origin);
    g_free(call->websocket);
    g_free(call->base_path);
    g_free(call->signaling);
    g_free(call->token);
    g_free(call->method);
    g_free(call->path);
    g_free(call->text);
    json_decref(call->body);
    g_clear_error(&call->refusal);
    clear_caller(&call->caller);
    g_free(call);
}

/* -- the transport's side ---------------------------------------------------------------------- */

static void start_call(void *call)
{
    stoa_web_start(call);
}

static void unref_call(void *call)
{
    stoa_web_call_unref(call);
}

bool stoa_web_call_is_upload(const StoaWebCall *call)
{
    return call->route && call->route->upload;
}

void stoa_web_call_admit(StoaWebCall *call, uint64_t request)
{
    call->request = request;
    call->admitting = true;
    stoa_control_post(start_call, stoa_web_call_ref(call), unref_call);
}

bool stoa_web_call_write(StoaWebCall *call, const void *buf, size_t len)
{
    return call->upload && stoa_upload_write(call->upload, buf, len);
}

/* The depth of the text, counted without recursion: brackets outside of strings. */
static int64_t depth_of(const char *buf, size_t len)
{
    int64_t depth = 0, most = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (in_string && buf[i] == '\\')
            i++;
        else if (buf[i] == '"')
            in_string = !in_string;
        else if (!in_string && (buf[i] == '{' || buf[i] == '['))
            most = MAX(most, ++depth);
        else if (!in_string && (buf[i] == '}' || buf[i] == ']'))
            depth--;
    }
    return most;
}

static void read_body(StoaWebCall *call, const char *buf, size_t len)
{
    const StoaWebSpec *spec = &call->web->spec;
    int64_t depth = spec->json_depth ? spec->json_depth(spec->user) : 32;
    json_error_t why;

    if (len == 0) {
        call->body = json_object();
        return;
    }
    if (depth && depth_of(buf, len) > depth) {
        stoa_fail(&call->refusal, STOA_ERROR_INVALID,
                  "the JSON is nested deeper than %" G_GINT64_FORMAT " (limits.json_depth)", depth);
        return;
    }
    call->body = json_loadb(buf, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!call->body)
        stoa_fail(&call->refusal, STOA_ERROR_INVALID,
                  "the body is not JSON: line %d, column %d: %s", why.line, why.column,
                  stoa_json_reason(&why));
    else if (!json_is_object(call->body))
        stoa_fail(&call->refusal, STOA_ERROR_INVALID, "the body must be one JSON object");
}

void stoa_web_call_run(StoaWebCall *call, uint64_t request, const char *body, size_t len)
{
    call->request = request;
    call->admitting = false;
    if (call->upload)
        stoa_upload_finish(call->upload, &call->refusal);
    else if (call->route && call->route->params)
        read_body(call, body, len);
    if (call->path && len > 0) {
        call->text = g_strndup(body, len);
        call->text_len = len;
    }
    stoa_control_post(start_call, call, unref_call);
}

void stoa_web_call_drop(StoaWebCall *call)
{
    if (call)
        stoa_web_call_unref(call);
}

/* -- what the halves of a route ask ------------------------------------------------------------ */

const StoaWebCaller *stoa_web_caller(const StoaWebCall *call)
{
    return &call->caller;
}

const char *stoa_web_arg(const StoaWebCall *call, const char *name)
{
    return g_hash_table_lookup(call->args, name);
}

const char *stoa_web_query(const StoaWebCall *call, const char *name)
{
    return g_hash_table_lookup(call->query, name);
}

const char *stoa_web_header(const StoaWebCall *call, const char *name)
{
    g_autofree char *small = g_ascii_strdown(name, -1);

    return g_hash_table_lookup(call->headers, small);
}

const json_t *stoa_web_body(const StoaWebCall *call)
{
    return call->body;
}

StoaStore *stoa_web_store(const StoaWebCall *call)
{
    return call->web->spec.store;
}

struct StoaRooms *stoa_web_rooms(const StoaWebCall *call)
{
    return call->web->spec.rooms;
}

StoaMail *stoa_web_mail(const StoaWebCall *call)
{
    return call->web->spec.mail;
}

const StoaRoomsConf *stoa_web_conf(const StoaWebCall *call)
{
    return call->conf;
}

const char *stoa_web_data_dir(const StoaWebCall *call)
{
    return call->web->spec.data_dir;
}

void *stoa_web_user(const StoaWebCall *call)
{
    return call->web->spec.user;
}

void stoa_web_count_attempt(StoaWebCall *call)
{
    call->attempt = true;
}

const char *stoa_web_address(const StoaWebCall *call)
{
    return call->address;
}

const char *stoa_web_base_url(const StoaWebCall *call)
{
    return call->base_url ? call->base_url : call->origin;
}

/* "http://localhost:8088", "http://127.0.0.1", "http://[::1]:80" */
static bool is_local(const char *origin)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]", NULL };
    const char *host = origin ? strstr(origin, "://") : NULL;

    for (const char *const *name = names; host && *name; name++) {
        size_t len = strlen(*name);
        if (strncmp(host + 3, *name, len) == 0 && (host[3 + len] == ':' || host[3 + len] == '\0'))
            return true;
    }
    return false;
}

const char *stoa_web_safe_url(const StoaWebCall *call)
{
    if (call->base_url)
        return call->base_url;
    return call->own_url && !is_local(call->origin) ? call->own_url : call->origin;
}

const char *stoa_web_websocket_url(const StoaWebCall *call)
{
    return call->websocket;
}

const char *stoa_web_signaling_url(StoaWebCall *call)
{
    if (!call->signaling)
        call->signaling = g_strconcat(stoa_web_base_url(call), call->base_path, NULL);
    return call->signaling;
}

void stoa_web_set_data(StoaWebCall *call, void *data, GDestroyNotify free_data)
{
    if (call->free_data)
        call->free_data(call->data);
    call->data = data;
    call->free_data = free_data;
}

void *stoa_web_data(const StoaWebCall *call)
{
    return call->data;
}
