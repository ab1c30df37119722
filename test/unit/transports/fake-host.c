/* SPDX-License-Identifier: MIT */
/* A core of one screen for the tests of transports: loads one module, answers create, ping and a few verbs of its own.
 *
 *   fake-host MODULE.so [SECTION.KEY=VALUE | @SETTING=VALUE]...
 *
 * It prints `listening ROLE ORIGIN` and then `ready`. SIGHUP calls conf_changed, SIGUSR1 closes every client, SIGUSR2 begins
 * to quiesce, SIGTERM stops. Verbs: ping, info, create; `silent` is never answered; `event` queues `event` for `session_id`;
 * `flood` sends `n` events to the client; `count` says how many clients are open, and how many addresses are counted. */
#include <fcntl.h>
#include <glib-unix.h>
#include <gmodule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stoa/error.h>
#include <stoa/transport.h>

typedef struct {
    uint64_t id;
    GQueue events; /* json_t */
    uint64_t poll, poll_client;
    unsigned maxev;
    int64_t poll_until_us;
} Session;

typedef struct {
    uint64_t client, request, session; /* session: a poll */
    unsigned maxev;
    json_t *message;
} Job;

struct StoaTransportHost {
    const StoaTransport *module;
    StoaTransportSettings settings;
    void *conf;
    GHashTable *clients;   /* lock; id → GINT_TO_POINTER(1 events, 2 admin) */
    GHashTable *addresses; /* lock; text → count */
    GHashTable *sessions;  /* id → Session */
    GMutex lock;
    uint64_t last_id;
    int64_t keepalive_us;
    char **arguments;
    GMainLoop *loop;
};

static struct StoaTransportHost the_host;

GQuark stoa_error_quark(void)
{
    return g_quark_from_static_string("stoa-error-quark");
}

bool stoa_fail(GError **error, StoaErrorCode code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (error)
        *error = g_error_new_valist(STOA_ERROR, (gint)code, fmt, args);
    va_end(args);
    return false;
}

uint64_t stoa_client_open(StoaTransportHost *host, const StoaClientInfo *info)
{
    uint64_t *id = g_new(uint64_t, 1);

    g_mutex_lock(&host->lock);
    *id = ++host->last_id;
    g_hash_table_insert(host->clients, id, GINT_TO_POINTER(4 | info->events | info->admin << 1));
    g_mutex_unlock(&host->lock);
    return *id;
}

void stoa_client_closed(StoaTransportHost *host, uint64_t client)
{
    g_mutex_lock(&host->lock);
    if (!g_hash_table_remove(host->clients, &client))
        g_error("client %" G_GUINT64_FORMAT " closed twice", client);
    g_mutex_unlock(&host->lock);
}

static json_t *refuse(int code, const char *reason)
{
    return json_pack("{s:s, s:{s:i, s:s}}", "janus", "error", "error", "code", code, "reason",
                     reason);
}

json_t *stoa_client_parse(StoaTransportHost *host, const char *buf, size_t len, json_t **refusal)
{
    json_t *message;

    if (host->settings.message_bytes && len > (size_t)host->settings.message_bytes) {
        *refusal = refuse(450, "message too long");
        return NULL;
    }
    message = json_loadb(buf, len, 0, NULL);
    if (json_is_object(message))
        return message;
    *refusal = message ? refuse(456, "no object") : refuse(454, "no JSON");
    json_decref(message);
    return NULL;
}

/* -- web requests: told what came; below /upload bytes are counted, past a megabyte they are too many; /file is a file ------ */

struct StoaWebCall {
    gint refs;
    bool refused;
    uint64_t request, n_bytes;
    json_t *head;
    char *path;
};

static json_t *object_of(const char *const *pairs)
{
    json_t *object = json_object();

    for (; pairs[0]; pairs += 2)
        json_object_set_new(object, pairs[0], json_string(pairs[1]));
    return object;
}

/* Of modules there is one, below /m/one. */
bool stoa_web_path_is_served(StoaTransportHost *host G_GNUC_UNUSED, const char *path)
{
    return g_str_has_prefix(path, "/m/one/");
}

StoaWebCall *stoa_web_call_open(StoaTransportHost *host G_GNUC_UNUSED, const StoaWebHead *head)
{
    StoaWebCall *call = g_new0(StoaWebCall, 1);

    call->refs = 1;
    call->path = g_strdup(head->path);
    call->head = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o}", "method", head->method,
                           "path", head->path, "address", head->address, "origin", head->origin,
                           "websocket", head->websocket, "base_path", head->base_path, "query",
                           object_of(head->query), "headers", object_of(head->headers));
    return call;
}

static void call_unref(void *data)
{
    StoaWebCall *call = data;

    if (!g_atomic_int_dec_and_test(&call->refs))
        return;
    if (call->n_bytes)
        printf("dropped or done %s after %" G_GUINT64_FORMAT "\n", call->path, call->n_bytes);
    json_decref(call->head);
    g_free(call->path);
    g_free(call);
}

bool stoa_web_call_is_upload(const StoaWebCall *call)
{
    return g_str_has_prefix(call->path, "/api/v1/upload");
}

bool stoa_web_call_write(StoaWebCall *call, const void *buf G_GNUC_UNUSED, size_t len)
{
    call->n_bytes += len;
    call->refused = call->n_bytes > 1000000;
    return !call->refused;
}

void stoa_web_call_drop(StoaWebCall *call)
{
    if (call)
        call_unref(call);
}

void stoa_web_answer_free(StoaWebAnswer *answer)
{
    if (!answer)
        return;
    if (answer->fd >= 0)
        close(answer->fd);
    g_strfreev(answer->headers);
    g_free(answer->body);
    g_free(answer);
}

static StoaWebAnswer *new_answer(unsigned status, json_t *body)
{
    StoaWebAnswer *answer = g_new0(StoaWebAnswer, 1);
    char *text = json_dumps(body, JSON_COMPACT);

    answer->status = status;
    answer->fd = -1;
    answer->body = g_strdup(text);
    answer->body_len = strlen(text);
    answer->headers = g_strsplit("Content-Type|application/json|X-Own|yes", "|", -1);
    free(text);
    json_decref(body);
    return answer;
}

static gboolean admit(void *data)
{
    StoaWebCall *call = data;
    bool welcome = !g_str_has_suffix(call->path, "/unwelcome");

    the_host.module->answer_web(
        call->request, welcome ? NULL : new_answer(403, json_pack("{s:s}", "error", "unwelcome")));
    return G_SOURCE_REMOVE;
}

void stoa_web_call_admit(StoaWebCall *call, uint64_t request)
{
    call->request = request;
    g_atomic_int_inc(&call->refs);
    g_idle_add_full(G_PRIORITY_DEFAULT, admit, call, call_unref);
}

static gboolean run_call(void *data)
{
    StoaWebCall *call = data;
    StoaWebAnswer *answer;

    if (g_str_has_suffix(call->path, "/silent"))
        return G_SOURCE_REMOVE;
    json_object_set_new(call->head, "bytes", json_integer((json_int_t)call->n_bytes));
    answer = new_answer(call->refused ? 413 : 200, json_incref(call->head));
    if (g_str_has_suffix(call->path, "/file")) {
        g_clear_pointer(&answer->body, g_free);
        answer->fd = open(the_host.settings.html_dir, O_TMPFILE | O_RDWR, 0600);
        answer->file_at = 3;
        answer->file_len = 5000000;
        if (ftruncate(answer->fd, 6000000) != 0 || pwrite(answer->fd, "abcdef", 6, 0) != 6)
            abort();
    }
    the_host.module->answer_web(call->request, answer);
    return G_SOURCE_REMOVE;
}

void stoa_web_call_run(StoaWebCall *call, uint64_t request, const char *body, size_t len)
{
    call->request = request;
    if (body && !stoa_web_call_is_upload(call))
        json_object_set_new(call->head, "body", json_stringn(body, len));
    g_idle_add_full(G_PRIORITY_DEFAULT, run_call, call, call_unref);
}

/* -- control ----------------------------------------------------------------------------------- */

static bool is_open(uint64_t client)
{
    bool open;

    g_mutex_lock(&the_host.lock);
    open = g_hash_table_contains(the_host.clients, &client);
    g_mutex_unlock(&the_host.lock);
    return open;
}

static void answer_poll(Session *session)
{
    json_t *events = json_array();

    while (!g_queue_is_empty(&session->events) && json_array_size(events) < session->maxev)
        json_array_append_new(events, g_queue_pop_head(&session->events));
    if (json_array_size(events) == 0)
        json_array_append_new(events, json_pack("{s:s}", "janus", "keepalive"));
    if (is_open(session->poll_client))
        the_host.module->deliver(session->poll_client, session->poll,
                                 session->maxev > 1 ? json_incref(events)
                                                    : json_incref(json_array_get(events, 0)));
    session->poll = 0;
    json_decref(events);
}

static void poll_session(const Job *job)
{
    Session *session = g_hash_table_lookup(the_host.sessions, &job->session);

    if (!session) {
        the_host.module->deliver(job->client, job->request, NULL);
        return;
    }
    session->poll = job->request;
    session->poll_client = job->client;
    session->maxev = job->maxev;
    session->poll_until_us = g_get_monotonic_time() + the_host.keepalive_us;
    if (!g_queue_is_empty(&session->events))
        answer_poll(session);
}

static json_t *create(void)
{
    Session *session = g_new0(Session, 1);

    g_mutex_lock(&the_host.lock);
    session->id = ++the_host.last_id;
    g_mutex_unlock(&the_host.lock);
    g_queue_init(&session->events);
    g_hash_table_insert(the_host.sessions, &session->id, session);
    return json_pack("{s:s, s:{s:I}}", "janus", "success", "data", "id", (json_int_t)session->id);
}

static json_t *queue_event(json_t *message)
{
    uint64_t id = (uint64_t)json_integer_value(json_object_get(message, "session_id"));
    Session *session = g_hash_table_lookup(the_host.sessions, &id);

    if (!session)
        return refuse(458, "no such session");
    g_queue_push_tail(&session->events, json_incref(json_object_get(message, "event")));
    if (session->poll)
        answer_poll(session);
    return json_pack("{s:s}", "janus", "ack");
}

static json_t *flood(uint64_t client, json_t *message)
{
    json_int_t n = json_integer_value(json_object_get(message, "n"));
    g_autofree char *filling = g_strnfill(1000, 'x');

    for (json_int_t i = 0; i < n; i++)
        the_host.module->deliver(
            client, 0, json_pack("{s:s, s:I, s:s}", "janus", "event", "i", i, "filling", filling));
    return json_pack("{s:s}", "janus", "ack");
}

static json_t *count(void)
{
    json_t *answer;

    g_mutex_lock(&the_host.lock);
    answer = json_pack("{s:s, s:i, s:i}", "janus", "success", "clients",
                       (int)g_hash_table_size(the_host.clients), "addresses",
                       (int)g_hash_table_size(the_host.addresses));
    g_mutex_unlock(&the_host.lock);
    return answer;
}

static json_t *answer(const Job *job, const char *verb)
{
    if (strcmp(verb, "ping") == 0)
        return json_pack("{s:s}", "janus", "pong");
    if (strcmp(verb, "info") == 0)
        return json_pack("{s:s}", "janus", "server_info");
    if (strcmp(verb, "create") == 0)
        return create();
    if (strcmp(verb, "event") == 0)
        return queue_event(job->message);
    if (strcmp(verb, "flood") == 0)
        return flood(job->client, job->message);
    if (strcmp(verb, "count") == 0)
        return count();
    if (strcmp(verb, "echo") == 0)
        return json_deep_copy(job->message);
    return refuse(453, "unknown verb");
}

static gboolean run_job(void *data)
{
    Job *job = data;
    const char *verb = json_string_value(json_object_get(job->message, "janus"));
    json_t *transaction = json_object_get(job->message, "transaction");
    json_t *reply;

    if (job->session && is_open(job->client))
        poll_session(job);
    if (job->message && is_open(job->client) && g_strcmp0(verb, "silent") != 0) {
        reply = answer(job, verb ? verb : "");
        if (transaction)
            json_object_set(reply, "transaction", transaction);
        the_host.module->deliver(job->client, job->request, reply);
    }
    json_decref(job->message);
    g_free(job);
    return G_SOURCE_REMOVE;
}

static void post_job(Job job)
{
    g_main_context_invoke_full(NULL, G_PRIORITY_HIGH, run_job, g_memdup2(&job, sizeof job), NULL);
}

void stoa_client_request(StoaTransportHost *host G_GNUC_UNUSED, uint64_t client, uint64_t request,
                         json_t *message)
{
    post_job((Job){ .client = client, .request = request, .message = message });
}

void stoa_client_poll(StoaTransportHost *host G_GNUC_UNUSED, uint64_t client, uint64_t request,
                      uint64_t session, unsigned maxev, json_t *query)
{
    json_decref(query);
    post_job((Job){ .client = client, .request = request, .session = session, .maxev = maxev });
}

static gboolean tick(void *data G_GNUC_UNUSED)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, the_host.sessions);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Session *session = value;

        if (session->poll && session->poll_until_us < g_get_monotonic_time())
            answer_poll(session);
    }
    return G_SOURCE_CONTINUE;
}

/* -- the rest of the interface ----------------------------------------------------------------- */

void stoa_transport_listening(StoaTransportHost *host G_GNUC_UNUSED, const char *role,
                              const char *origin)
{
    printf("listening %s %s\n", role, origin);
}

char *stoa_transport_metrics(StoaTransportHost *host G_GNUC_UNUSED)
{
    return g_strdup("# HELP stoa_up 1\nstoa_up 1\n");
}

bool stoa_transport_healthy(StoaTransportHost *host G_GNUC_UNUSED)
{
    return true;
}

static bool is_trusted(StoaTransportHost *host, const char *peer)
{
    return host->settings.trusted_proxies && g_strv_contains(host->settings.trusted_proxies, peer);
}

void stoa_transport_client_address(StoaTransportHost *host, const char *peer,
                                   const char *forwarded_for, char *out, size_t size)
{
    const char *last = forwarded_for ? strrchr(forwarded_for, ',') : NULL;

    if (last)
        forwarded_for = last + 1 + strspn(last + 1, " ");
    g_strlcpy(out, forwarded_for && is_trusted(host, peer) ? forwarded_for : peer, size);
}

bool stoa_transport_claim_address(StoaTransportHost *host, const char *address)
{
    bool done = false;
    int n;

    g_mutex_lock(&host->lock);
    n = GPOINTER_TO_INT(g_hash_table_lookup(host->addresses, address));
    if (!host->settings.connections_per_address || n < host->settings.connections_per_address) {
        g_hash_table_replace(host->addresses, g_strdup(address), GINT_TO_POINTER(n + 1));
        done = true;
    }
    g_mutex_unlock(&host->lock);
    return done;
}

void stoa_transport_release_address(StoaTransportHost *host, const char *address)
{
    int n;

    g_mutex_lock(&host->lock);
    n = GPOINTER_TO_INT(g_hash_table_lookup(host->addresses, address));
    if (n < 1)
        g_error("%s released twice", address);
    if (n == 1)
        g_hash_table_remove(host->addresses, address);
    else
        g_hash_table_replace(host->addresses, g_strdup(address), GINT_TO_POINTER(n - 1));
    g_mutex_unlock(&host->lock);
}

bool stoa_transport_origin_allowed(StoaTransportHost *host G_GNUC_UNUSED,
                                   char *const *allow_origins, const char *origin,
                                   const char *host_header)
{
    const char *authority = origin ? strstr(origin, "://") : NULL;

    if (!origin || (allow_origins && g_strv_contains((const char *const *)allow_origins, "*")))
        return true;
    if (allow_origins && allow_origins[0])
        return g_strv_contains((const char *const *)allow_origins, origin);
    return authority && host_header && strcmp(authority + 3, host_header) == 0;
}

void stoa_transport_log(StoaTransportHost *host G_GNUC_UNUSED, GLogLevelFlags level,
                        const char *fmt, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", level == G_LOG_LEVEL_WARNING ? "warning" : "log", text);
}

/* -- conf and life ----------------------------------------------------------------------------- */

static const char *argument(const char *name, const char *fallback)
{
    size_t len = strlen(name);

    for (char **at = the_host.arguments; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    return fallback;
}

static void fill_conf(void)
{
    for (const StoaOption *row = the_host.module->options; row->key; row++) {
        const char *text = argument(row->key, row->fallback);
        void *at = (char *)the_host.conf + row->offset;

        switch (row->type) {
        case STOA_INT: *(int64_t *)at = g_ascii_strtoll(text, NULL, 10); break;
        case STOA_BOOL: *(bool *)at = strcmp(text, "true") == 0; break;
        case STOA_LIST:
            *(char ***)at = *text ? g_strsplit(text, ",", -1) : g_new0(char *, 1);
            break;
        default: *(char **)at = *text ? g_strdup(text) : NULL; break;
        }
    }
}

static void fill_settings(void)
{
    StoaTransportSettings *settings = &the_host.settings;
    const char *trusted = argument("@trusted_proxies", NULL);

    settings->message_bytes = g_ascii_strtoll(argument("@message_bytes", "1048576"), NULL, 10);
    settings->connections_per_address =
        g_ascii_strtoll(argument("@connections_per_address", "1000"), NULL, 10);
    settings->trusted_proxies = trusted ? (const char *const *)g_strsplit(trusted, ",", -1) : NULL;
    settings->base_url = argument("@base_url", NULL);
    settings->html_dir = argument("@html_dir", NULL);
    settings->admin_address = argument("@admin_address", "127.0.0.1");
    settings->admin_port = g_ascii_strtoll(argument("@admin_port", "-1"), NULL, 10);
    settings->websocket_origin = argument("@websocket_origin", NULL);
    settings->server_name = argument("@server_name", "fake");
    the_host.keepalive_us = g_ascii_strtoll(argument("@keepalive_ms", "30000"), NULL, 10) * 1000;
}

static gboolean on_hup(void *data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    if (the_host.module->conf_changed(the_host.conf, &the_host.settings, &error))
        printf("changed\n");
    else
        printf("not changed: %s\n", error->message);
    return G_SOURCE_CONTINUE;
}

static gboolean on_usr1(void *data G_GNUC_UNUSED)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    GHashTableIter iter;
    void *key;

    g_mutex_lock(&the_host.lock);
    g_hash_table_iter_init(&iter, the_host.clients);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_array_append_val(ids, *(uint64_t *)key);
    g_mutex_unlock(&the_host.lock);
    for (unsigned i = 0; i < ids->len; i++)
        the_host.module->close_client(g_array_index(ids, uint64_t, i), "asked to");
    g_array_unref(ids);
    return G_SOURCE_CONTINUE;
}

static gboolean on_usr2(void *data G_GNUC_UNUSED)
{
    the_host.module->quiesce();
    printf("quiet\n");
    return G_SOURCE_CONTINUE;
}

static gboolean on_term(void *data G_GNUC_UNUSED)
{
    int64_t began_us = g_get_monotonic_time();

    the_host.module->stop();
    printf("stopped after %d ms, %u clients, %u addresses left\n",
           (int)((g_get_monotonic_time() - began_us) / 1000), g_hash_table_size(the_host.clients),
           g_hash_table_size(the_host.addresses));
    g_main_loop_quit(the_host.loop);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    GModule *object = argc > 1 ? g_module_open(argv[1], G_MODULE_BIND_LOCAL) : NULL;
    const StoaTransport *(*entry)(void) = NULL;
    g_autoptr(GError) error = NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!object || !g_module_symbol(object, "stoa_transport", (void **)&entry)) {
        fprintf(stderr, "%s\n", g_module_error());
        return 2;
    }
    the_host.arguments = argv + 2;
    the_host.module = entry();
    the_host.conf = g_malloc0(the_host.module->conf_size);
    the_host.clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    the_host.addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    the_host.sessions = g_hash_table_new(g_int64_hash, g_int64_equal);
    the_host.loop = g_main_loop_new(NULL, FALSE);
    fill_conf();
    fill_settings();
    g_unix_signal_add(SIGHUP, on_hup, NULL);
    g_unix_signal_add(SIGUSR1, on_usr1, NULL);
    g_unix_signal_add(SIGUSR2, on_usr2, NULL);
    g_unix_signal_add(SIGTERM, on_term, NULL);
    g_timeout_add(100, tick, NULL);
    if (!the_host.module->start(&the_host, the_host.conf, &the_host.settings, &error)) {
        printf("not started: %s\n", error->message);
        return 1;
    }
    printf("ready\n");
    g_main_loop_run(the_host.loop);
    return 0;
}
