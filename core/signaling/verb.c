/* SPDX-License-Identifier: MIT */
/* The verbs of the session protocol: found by name and level, carried out, answered. (Janus API sections 4 and 5) */
#include "config.h"

#define LOG_AREA "signaling"

#include "base/clock.h"
#include "base/id.h"
#include "signaling/private.h"
#include "signaling/remains.h"

#include <inttypes.h>

#define SLOW_DOWN \
    "slow down: a connection may send %" PRId64 " requests a second (limits.requests_per_second)"

enum { MANY_MISSES = 20, MISS_DELAY_MS = 1000 };
#define MAX_EXACT (UINT64_C(1) << 53) /* JavaScript's numbers hold what is below */

/* -- answers ------------------------------------------------------------------------------ */

void stoa_call_answer(StoaCall *call, json_t *answer)
{
    stoa_client_answer(call->client, call->request, answer);
}

void stoa_call_success(StoaCall *call, json_t *fields)
{
    json_t *answer = json_pack("{s:s}", "janus", "success");

    if (call->session)
        json_object_set_new(answer, "session_id", json_integer((json_int_t)call->session->id));
    json_object_set_new(answer, "transaction", json_string(call->transaction));
    if (fields)
        json_object_update(answer, fields);
    json_decref(fields);
    stoa_call_answer(call, answer);
}

/* The session as the request named it, for an error's session_id: known or not. */
static uint64_t named_session(const StoaCall *call)
{
    return stoa_call_id(call->message, "session_id");
}

static json_t *error_answer(const StoaCall *call, StoaWireError code, const char *reason)
{
    return stoa_wire_error(code, named_session(call), call->transaction, "%s", reason);
}

void stoa_call_fail(StoaCall *call, StoaWireError code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *reason = g_strdup_vprintf(fmt, args);
    va_end(args);
    stoa_call_answer(call, error_answer(call, code, reason));
}

/* Who asks for many ids that do not exist is guessing: the answers come late from then on. */
typedef struct {
    StoaSignaling *signaling;
    uint64_t client, request;
    json_t *answer;
} LateAnswer;

static void answer_late(void *data)
{
    LateAnswer *late = data;
    StoaClient *client = stoa_client_find(late->signaling, late->client);

    if (client)
        stoa_client_answer(client, late->request, late->answer);
    else
        json_decref(late->answer);
    g_free(late);
}

static void delay(StoaCall *call, json_t *answer)
{
    LateAnswer *late = g_new(LateAnswer, 1);

    *late = (LateAnswer){ call->signaling, call->client->id, call->request, answer };
    stoa_timer_after(MISS_DELAY_MS, answer_late, late);
}

void stoa_call_miss(StoaCall *call, json_t *answer)
{
    if (++call->client->misses <= MANY_MISSES)
        stoa_call_answer(call, answer);
    else
        delay(call, answer);
}

void stoa_call_fail_late(StoaCall *call, StoaWireError code, const char *reason)
{
    stoa_call_miss(call, error_answer(call, code, reason));
}

void stoa_call_fail_token(StoaCall *call, const char *reason)
{
    const StoaSignalingHost *host = call->signaling->host;

    if (host->wrong_token && host->wrong_token(call->signaling->user, call->client->address))
        delay(call, error_answer(call, STOA_WIRE_UNAUTHORIZED,
                                 "too many wrong tokens came from your address: wait a minute"));
    else
        stoa_call_fail_late(call, STOA_WIRE_UNAUTHORIZED, reason);
}

/* -- reading ------------------------------------------------------------------------------ */

uint64_t stoa_call_id(const json_t *message, const char *name)
{
    const json_t *value = json_object_get(message, name);
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : 0;

    return id > 0 ? (uint64_t)id : 0;
}

bool stoa_call_string(StoaCall *call, const char *name, const char **value)
{
    const json_t *field = json_object_get(call->message, name);

    if (!field) {
        stoa_call_fail(call, STOA_WIRE_MISSING, "\"%s\" is missing", name);
        return false;
    }
    if (!json_is_string(field)) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE, "\"%s\" must be a string", name);
        return false;
    }
    *value = json_string_value(field);
    return true;
}

/* -- verbs -------------------------------------------------------------------------------- */

static void verb_info(StoaCall *call)
{
    stoa_call_answer(call, stoa_info(call->signaling, call->transaction, false));
}

static void verb_ping(StoaCall *call)
{
    stoa_call_answer(call,
                     json_pack("{s:s, s:s}", "janus", "pong", "transaction", call->transaction));
}

/* False: answered already. */
static bool has_room(StoaCall *call)
{
    int64_t limit = call->signaling->conf->sessions_per_connection;

    if (stoa_client_has_room(call->client, limit))
        return true;
    stoa_call_fail(call, STOA_WIRE_LIMIT,
                   "this connection has %" PRId64
                   " sessions, the most it may have (limits.sessions_per_connection)",
                   limit);
    return false;
}

static void verb_create(StoaCall *call)
{
    StoaSignaling *signaling = call->signaling;
    const json_t *chosen = json_object_get(call->message, "id");
    uint64_t id = stoa_call_id(call->message, "id");

    if (!signaling->accepting) {
        stoa_call_fail(call, STOA_WIRE_NOT_ACCEPTING, "new sessions are not accepted now");
        return;
    }
    if (chosen && (!id || id >= MAX_EXACT)) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE,
                       "\"id\" must be an integer from 1 to 2^53 - 1, or be left out");
        return;
    }
    if (id && stoa_session_find(signaling, id)) {
        stoa_call_fail(call, STOA_WIRE_ID_TAKEN, "session id %" PRIu64 " is in use", id);
        return;
    }
    if (!has_room(call))
        return;
    StoaSession *session = stoa_session_new(signaling, id, call->client);
    stoa_call_success(call, json_pack("{s:{s:I}}", "data", "id", (json_int_t)session->id));
}

static void verb_claim(StoaCall *call)
{
    bool is_new = call->client->info.events && call->session->owner != call->client;

    if (is_new && !has_room(call))
        return;
    stoa_call_success(call, NULL);
    stoa_session_own(call->session, call->client);
    stoa_seat_claimed(call->session, call->client);
}

static void verb_keepalive(StoaCall *call)
{
    stoa_call_answer(call,
                     json_pack("{s:s, s:I, s:s}", "janus", "ack", "session_id",
                               (json_int_t)call->session->id, "transaction", call->transaction));
}

static void verb_destroy(StoaCall *call)
{
    stoa_call_success(call, NULL);
    stoa_session_end(call->session);
}

bool stoa_call_may_attach(StoaCall *call)
{
    int64_t limit = call->signaling->conf->handles_per_session;

    if (!limit || g_hash_table_size(call->session->handles) < limit)
        return true;
    stoa_call_fail(call, STOA_WIRE_LIMIT,
                   "this session has %" PRId64
                   " handles, the most it may have (limits.handles_per_session)",
                   limit);
    return false;
}

static void verb_attach(StoaCall *call)
{
    StoaSignaling *signaling = call->signaling;
    const json_t *opaque = json_object_get(call->message, "opaque_id");
    g_autoptr(GError) error = NULL;
    const char *package;

    if (!stoa_call_string(call, "plugin", &package))
        return;
    if (opaque && !json_is_string(opaque)) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE, "\"opaque_id\" must be a string");
        return;
    }
    StoaModule *module = signaling->host->find_module(signaling->user, package);
    if (!module) {
        stoa_call_fail(call, STOA_WIRE_NO_PLUGIN, "there is no plugin \"%.100s\" here", package);
        return;
    }
    const StoaAttachWish wish = { module, package, json_string_value(opaque) };
    if (!stoa_call_may_attach(call) || stoa_seat_attach(call, &wish))
        return;
    StoaAttachment *attachment = stoa_attachment_new(call->session, &wish, NULL, &error);
    if (!attachment) {
        stoa_call_fail(call, STOA_WIRE_ATTACH_REFUSED, "%s", error ? error->message : "refused");
        return;
    }
    stoa_call_success(call, json_pack("{s:{s:I}}", "data", "id", (json_int_t)attachment->id));
}

static void verb_detach(StoaCall *call)
{
    stoa_call_success(call, NULL);
    stoa_attachment_detach(call->attachment);
}

static void verb_hangup(StoaCall *call)
{
    stoa_call_success(call, NULL);
    stoa_handle_end_media(call->attachment->handle, "Janus API");
}

enum { ON_SERVER = 1, ON_SESSION = 2, ON_HANDLE = 4 };

static const struct {
    const char *name;
    unsigned levels;
    bool open; /* needs no secret */
    void (*run)(StoaCall *call);
} verbs[] = {
    { "info", ON_SERVER, true, verb_info },
    { "ping", ON_SERVER, true, verb_ping },
    { "create", ON_SERVER, false, verb_create },
    { "claim", ON_SESSION, false, verb_claim },
    { "attach", ON_SESSION, false, verb_attach },
    { "keepalive", ON_SESSION | ON_HANDLE, false, verb_keepalive },
    { "destroy", ON_SESSION, false, verb_destroy },
    { "message", ON_HANDLE, false, stoa_verb_message },
    { "trickle", ON_HANDLE, false, stoa_verb_trickle },
    { "hangup", ON_HANDLE, false, verb_hangup },
    { "detach", ON_HANDLE, false, verb_detach },
};

/* A session that a connection owns answers to that connection alone, but for `claim`. (SECURITY R2) */
static bool may_use(const StoaCall *call, const StoaSession *session)
{
    if (g_str_equal(call->verb, "claim"))
        return true;
    return stoa_session_is_of(session, call->client);
}

/* Finds what the request names. False: answered already. */
static bool find_target(StoaCall *call)
{
    uint64_t session_id = stoa_call_id(call->message, "session_id");
    uint64_t handle_id = stoa_call_id(call->message, "handle_id");

    if (!session_id)
        return true;
    StoaSession *session = stoa_session_find(call->signaling, session_id);
    if (!session || !may_use(call, session)) {
        stoa_call_fail_late(call, STOA_WIRE_NO_SESSION, "there is no such session");
        return false;
    }
    call->session = session;
    stoa_session_touch(session);
    if (!handle_id || g_str_equal(call->verb, "keepalive"))
        return true;
    call->attachment = g_hash_table_lookup(session->handles, &handle_id);
    if (!call->attachment)
        stoa_call_fail_late(call, STOA_WIRE_NO_HANDLE, "there is no such handle in this session");
    return call->attachment != NULL;
}

static void run_verb(StoaCall *call)
{
    unsigned level = call->attachment ? ON_HANDLE : call->session ? ON_SESSION : ON_SERVER;

    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (!g_str_equal(verbs[i].name, call->verb))
            continue;
        if (verbs[i].levels & level)
            verbs[i].run(call);
        else
            stoa_call_fail(call, STOA_WIRE_BAD_LEVEL, "\"%s\" is not a request to %s", call->verb,
                           level == ON_HANDLE    ? "a handle"
                           : level == ON_SESSION ? "a session: it needs a handle_id, or none"
                                                 : "the server: it needs a session_id");
        return;
    }
    stoa_call_fail(call, level == ON_SERVER ? STOA_WIRE_BAD_LEVEL : STOA_WIRE_UNKNOWN_VERB,
                   "there is no verb \"%.64s\"", call->verb);
}

static bool needs_secret(const char *verb)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (verbs[i].open && g_str_equal(verbs[i].name, verb))
            return false;
    }
    return true;
}

/* `janus` and `transaction`, without which no answer can name what it answers. */
static json_t *read_head(StoaCall *call)
{
    const json_t *verb = json_object_get(call->message, "janus");
    const json_t *transaction = json_object_get(call->message, "transaction");
    uint64_t session = stoa_call_id(call->message, "session_id");

    if (!json_is_object(call->message))
        return stoa_wire_error(STOA_WIRE_MISSING, 0, NULL,
                               "a request is one JSON object with \"janus\" and \"transaction\"");
    if (!transaction)
        return stoa_wire_error(STOA_WIRE_MISSING, session, NULL, "\"transaction\" is missing");
    if (!json_is_string(transaction) || json_string_length(transaction) > STOA_TRANSACTION_LEN)
        return stoa_wire_error(STOA_WIRE_WRONG_TYPE, session, NULL,
                               "\"transaction\" must be a string of at most %d bytes",
                               STOA_TRANSACTION_LEN);
    if (!verb)
        return stoa_wire_error(STOA_WIRE_MISSING, session, NULL, "\"janus\" is missing");
    if (!json_is_string(verb))
        return stoa_wire_error(STOA_WIRE_WRONG_TYPE, session, NULL, "\"janus\" must be a string");
    call->verb = json_string_value(verb);
    call->transaction = json_string_value(transaction);
    return NULL;
}

static void fail_secret(StoaCall *call)
{
    const char *reason = "the secret or token is missing or wrong (\"apisecret\", \"token\")";

    if (call->signaling->conf->token_auth && json_object_get(call->message, "token"))
        stoa_call_fail_token(call, reason);
    else
        stoa_call_fail(call, STOA_WIRE_UNAUTHORIZED, "%s", reason);
}

static void fail_seat(StoaCall *call)
{
    const char *reason = "this belongs to a person of a room: send that person's \"token\"";

    if (json_object_get(call->message, "token"))
        stoa_call_fail_token(call, reason);
    else
        stoa_call_fail_late(call, STOA_WIRE_UNAUTHORIZED, reason);
}

static void run(StoaCall *call)
{
    StoaSignaling *signaling = call->signaling;
    json_t *refusal = read_head(call);

    if (refusal) {
        stoa_call_answer(call, refusal);
        return;
    }
    if (!stoa_client_spend(call->client, signaling->conf)) {
        stoa_call_fail(call, STOA_WIRE_LIMIT, SLOW_DOWN, signaling->conf->requests_per_second);
        return;
    }
    if (call->client->info.admin) {
        stoa_admin_run(call);
        return;
    }
    if (needs_secret(call->verb) && !stoa_auth_allows(signaling, call->message)) {
        fail_secret(call);
        return;
    }
    if (!find_target(call))
        return;
    if (stoa_seat_allows(call))
        run_verb(call);
    else
        fail_seat(call);
}

void stoa_signaling_request(StoaSignaling *signaling, uint64_t client, uint64_t request,
                            json_t *message)
{
    StoaCall call = { .signaling = signaling,
                      .client = stoa_client_find(signaling, client),
                      .request = request,
                      .message = message };

    if (call.client)
        run(&call);
    json_decref(message);
}

/* A session that a lasting connection owns has no events for others. */
static void poll(StoaCall *call, uint64_t session_id, unsigned maxev)
{
    StoaSignaling *signaling = call->signaling;
    StoaSession *session = stoa_session_find(signaling, session_id);

    if (!stoa_client_spend(call->client, signaling->conf))
        stoa_call_answer(call, stoa_wire_error(STOA_WIRE_LIMIT, session_id, NULL, SLOW_DOWN,
                                               signaling->conf->requests_per_second));
    else if (!stoa_auth_allows(signaling, call->message))
        stoa_call_answer(call, stoa_wire_error(STOA_WIRE_UNAUTHORIZED, session_id, NULL,
                                               "the secret or token is missing or wrong"));
    else if (!session || session->owner || session->orphan)
        stoa_call_miss(call, NULL);
    else if (!stoa_seat_allows_poll(signaling, session, call->message))
        stoa_call_answer(call, stoa_wire_error(STOA_WIRE_UNAUTHORIZED, session_id, NULL,
                                               "this belongs to a person of a room: add token="));
    else
        stoa_session_poll(session, call->client, call->request, maxev);
}

void stoa_signaling_poll(StoaSignaling *signaling, uint64_t client, uint64_t request,
                         uint64_t session, unsigned maxev, json_t *query)
{
    StoaCall call = { .signaling = signaling,
                      .client = stoa_client_find(signaling, client),
                      .request = request,
                      .message = query };

    if (call.client)
        poll(&call, session, maxev);
    json_decref(query);
}
