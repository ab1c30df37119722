/* SPDX-License-Identifier: MIT */
/* The admin API. (Janus API section 12; and the modules) */
#include "config.h"

#define LOG_AREA "admin"

#include "base/clock.h"
#include "base/id.h"
#include "room/stats.h"
#include "signaling/private.h"

/* -- the server --------------------------------------------------------------------------- */

static void admin_ping(StoaCall *call)
{
    stoa_call_answer(call,
                     json_pack("{s:s, s:s}", "janus", "pong", "transaction", call->transaction));
}

static void admin_info(StoaCall *call)
{
    stoa_call_answer(call, stoa_info(call->signaling, call->transaction, true));
}

static void admin_status(StoaCall *call)
{
    const StoaSignalingConf *conf = call->signaling->conf;
    json_t *status = json_pack(
        "{s:b, s:I, s:I, s:i, s:i, s:b, s:b, s:b, s:b, s:i, s:b, s:i, s:i}", "token_auth",
        conf->token_auth, "session_timeout", (json_int_t)stoa_session_timeout_s(call->signaling),
        "reclaim_session_timeout", (json_int_t)conf->reclaim_s, "candidates_timeout", 30,
        "log_level", stoa_log_level(), "log_timestamps", 1, "log_colors", 0, "locking_debug", 0,
        "refcount_debug", 0, "min_nack_queue", 0, "nack-optimizations", 0, "no_media_timer", 1,
        "slowlink_threshold", 0);

    stoa_call_success(call, json_pack("{s:o}", "status", status));
}

static void admin_list_sessions(StoaCall *call)
{
    json_t *ids = json_array();
    GHashTableIter iter;
    gpointer session;

    g_hash_table_iter_init(&iter, call->signaling->sessions);
    while (g_hash_table_iter_next(&iter, NULL, &session))
        json_array_append_new(ids, json_integer((json_int_t)((StoaSession *)session)->id));
    stoa_call_success(call, json_pack("{s:o}", "sessions", ids));
}

static void admin_set_session_timeout(StoaCall *call)
{
    const json_t *timeout = json_object_get(call->message, "timeout");

    if (!json_is_integer(timeout) || json_integer_value(timeout) < 0) {
        stoa_call_fail(call, timeout ? STOA_WIRE_WRONG_TYPE : STOA_WIRE_MISSING,
                       "\"timeout\" must be a number of seconds, 0 for none");
        return;
    }
    call->signaling->timeout_s = json_integer_value(timeout);
    stoa_call_success(call, json_pack("{s:I}", "timeout", (json_int_t)json_integer_value(timeout)));
}

static void admin_set_log_level(StoaCall *call)
{
    const json_t *level = json_object_get(call->message, "level");

    if (!json_is_integer(level) || json_integer_value(level) < 0 || json_integer_value(level) > 7) {
        stoa_call_fail(call, level ? STOA_WIRE_WRONG_TYPE : STOA_WIRE_MISSING,
                       "\"level\" must be 0 (nothing) to 7 (everything)");
        return;
    }
    stoa_log_set_level((int)json_integer_value(level));
    stoa_call_success(call, json_pack("{s:i}", "level", stoa_log_level()));
}

static void admin_accept_new_sessions(StoaCall *call)
{
    const json_t *accept = json_object_get(call->message, "accept");

    if (!json_is_boolean(accept)) {
        stoa_call_fail(call, accept ? STOA_WIRE_WRONG_TYPE : STOA_WIRE_MISSING,
                       "\"accept\" must be true or false");
        return;
    }
    call->signaling->accepting = json_is_true(accept);
    stoa_call_success(call, json_pack("{s:b}", "accept", json_is_true(accept)));
}

static void admin_loops_info(StoaCall *call)
{
    stoa_call_success(call, json_pack("{s:[]}", "loops"));
}

static void admin_message_plugin(StoaCall *call)
{
    StoaSignaling *signaling = call->signaling;
    json_t *body = json_object_get(call->message, "request");
    StoaMessage message = { .transaction = call->transaction, .body = body };
    const char *package;

    if (!stoa_call_string(call, "plugin", &package))
        return;
    StoaModule *module = signaling->host->find_module(signaling->user, package);
    if (!module) {
        stoa_call_fail(call, STOA_WIRE_NO_PLUGIN, "there is no plugin \"%.100s\" here", package);
        return;
    }
    if (!json_is_object(body)) {
        stoa_call_fail(call, body ? STOA_WIRE_WRONG_TYPE : STOA_WIRE_MISSING,
                       "\"request\" must be an object");
        return;
    }
    if (stoa_request_mode(module, body) != STOA_MESSAGE_SYNC) {
        stoa_call_fail(call, STOA_WIRE_BAD_LEVEL,
                       "only synchronous requests can be sent from here");
        return;
    }
    stoa_call_success(call,
                      json_pack("{s:o}", "response", stoa_request_run(module, NULL, &message)));
}

/* -- tokens ------------------------------------------------------------------------------- */

static void admin_add_token(StoaCall *call)
{
    const char *token;

    if (!stoa_call_string(call, "token", &token))
        return;
    if (!*token) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE, "\"token\" is empty");
        return;
    }
    stoa_auth_add(call->signaling, token);
    stoa_call_success(call, NULL);
}

static void admin_remove_token(StoaCall *call)
{
    const char *token;

    if (!stoa_call_string(call, "token", &token))
        return;
    if (stoa_auth_remove(call->signaling, token))
        stoa_call_success(call, NULL);
    else
        stoa_call_fail(call, STOA_WIRE_NO_TOKEN,
                       "that token was not added here: those of stoa.conf are removed there");
}

static void admin_list_tokens(StoaCall *call)
{
    stoa_call_success(call,
                      json_pack("{s:{s:o}}", "data", "tokens", stoa_auth_list(call->signaling)));
}

/* -- modules ------------------------------------------------------------------------------ */

static void admin_module(StoaCall *call)
{
    StoaSignaling *signaling = call->signaling;
    const json_t *name = json_object_get(call->message, "plugin");
    g_autoptr(GError) error = NULL;

    if (name && !json_is_string(name)) {
        stoa_call_fail(call, STOA_WIRE_WRONG_TYPE, "\"plugin\" must be a module's name");
        return;
    }
    if (!name && !g_str_equal(call->verb, "list_plugins") &&
        !g_str_equal(call->verb, "reload_conf")) {
        stoa_call_fail(call, STOA_WIRE_MISSING, "\"plugin\" is missing: which module?");
        return;
    }
    json_t *fields =
        signaling->host->admin_module(signaling->user, call->verb, json_string_value(name), &error);
    if (fields)
        stoa_call_success(call, fields);
    else
        stoa_call_fail(call,
                       g_error_matches(error, STOA_ERROR, STOA_ERROR_NOT_FOUND)
                           ? STOA_WIRE_NO_PLUGIN
                           : STOA_WIRE_UNKNOWN,
                       "%s", error->message);
}

/* -- sessions and handles ----------------------------------------------------------------- */

static void admin_list_handles(StoaCall *call)
{
    json_t *ids = json_array();
    GHashTableIter iter;
    gpointer attachment;

    g_hash_table_iter_init(&iter, call->session->handles);
    while (g_hash_table_iter_next(&iter, NULL, &attachment))
        json_array_append_new(ids, json_integer((json_int_t)((StoaAttachment *)attachment)->id));
    stoa_call_success(call, json_pack("{s:o}", "handles", ids));
}

static void admin_destroy_session(StoaCall *call)
{
    StoaSession *session = call->session;

    stoa_session_event(session, json_pack("{s:s, s:I}", "janus", "timeout", "session_id",
                                          (json_int_t)session->id));
    stoa_call_success(call, NULL);
    stoa_session_end(session);
}

static void admin_detach_handle(StoaCall *call)
{
    stoa_call_success(call, NULL);
    stoa_attachment_detach(call->attachment);
}

static void admin_hangup_webrtc(StoaCall *call)
{
    stoa_call_success(call, NULL);
    stoa_handle_end_media(call->attachment->handle, "Admin API");
}

/* handle_info waits for the worker: what the answer needs is kept until then. */
typedef struct {
    StoaSignaling *signaling;
    uint64_t client, request;
    json_t *answer;
    json_t *figures;
} InfoWait;

/* Comes before info_got(): both go the same way. */
static void figures_got(const StoaFigures *figures, void *data)
{
    InfoWait *wait = data;

    if (figures)
        wait->figures = stoa_stats_json(figures);
}

static void info_got(json_t *stats, void *data)
{
    InfoWait *wait = data;
    StoaClient *client = stoa_client_find(wait->signaling, wait->client);
    json_t *info = json_object_get(wait->answer, "info");

    if (stats && wait->figures)
        json_object_update(stats, wait->figures);
    json_decref(wait->figures);
    if (stats)
        json_object_set_new(info, "webrtc", stats);
    if (client)
        stoa_client_answer(client, wait->request, wait->answer);
    else
        json_decref(wait->answer);
    g_free(wait);
}

static void admin_handle_info(StoaCall *call)
{
    StoaAttachment *attachment = call->attachment;
    StoaSession *session = call->session;
    json_t *info = stoa_handle_info(attachment->handle);
    json_t *head = json_pack(
        "{s:I, s:I, s:I, s:s, s:I, s:s*, s:b, s:I, s:I, s:s, s:i}", "session_id",
        (json_int_t)session->id, "session_last_activity",
        (json_int_t)(stoa_clock_wall_us() - stoa_clock_now_us() + session->active_us),
        "session_timeout", (json_int_t)stoa_session_timeout_s(call->signaling), "session_transport",
        session->owner ? "stoa.transport.websocket" : "stoa.transport.http", "handle_id",
        (json_int_t)attachment->id, "opaque_id", attachment->opaque_id, "loop-running", 1,
        "created", (json_int_t)attachment->created_us, "current_time",
        (json_int_t)stoa_clock_wall_us(), "plugin",
        stoa_module_package(stoa_handle_module(attachment->handle)), "queued-packets", 0);

    json_object_update(info, head);
    json_decref(head);
    InfoWait *wait = g_new(InfoWait, 1);
    *wait = (InfoWait){ .signaling = call->signaling,
                        .client = call->client->id,
                        .request = call->request,
                        .answer = json_pack("{s:s, s:I, s:I, s:s, s:o}", "janus", "success",
                                            "session_id", (json_int_t)session->id, "handle_id",
                                            (json_int_t)attachment->id, "transaction",
                                            call->transaction, "info", info) };
    stoa_handle_figures(attachment->handle, figures_got, wait, NULL);
    stoa_handle_stats(attachment->handle, info_got, wait);
}

enum { ON_SERVER = 1, ON_SESSION = 2, ON_HANDLE = 4 };

static const struct {
    const char *name;
    unsigned level;
    bool open; /* needs no secret */
    void (*run)(StoaCall *call);
} verbs[] = {
    { "ping", ON_SERVER, true, admin_ping },
    { "info", ON_SERVER, true, admin_info },
    { "get_status", ON_SERVER, false, admin_status },
    { "list_sessions", ON_SERVER, false, admin_list_sessions },
    { "set_session_timeout", ON_SERVER, false, admin_set_session_timeout },
    { "set_log_level", ON_SERVER, false, admin_set_log_level },
    { "accept_new_sessions", ON_SERVER, false, admin_accept_new_sessions },
    { "loops_info", ON_SERVER, false, admin_loops_info },
    { "message_plugin", ON_SERVER, false, admin_message_plugin },
    { "add_token", ON_SERVER, false, admin_add_token },
    { "remove_token", ON_SERVER, false, admin_remove_token },
    { "list_tokens", ON_SERVER, false, admin_list_tokens },
    { "list_plugins", ON_SERVER, false, admin_module },
    { "enable_plugin", ON_SERVER, false, admin_module },
    { "disable_plugin", ON_SERVER, false, admin_module },
    { "reload_plugin", ON_SERVER, false, admin_module },
    { "reload_conf", ON_SERVER, false, admin_module },
    { "list_handles", ON_SESSION, false, admin_list_handles },
    { "destroy_session", ON_SESSION, false, admin_destroy_session },
    { "handle_info", ON_HANDLE, false, admin_handle_info },
    { "detach_handle", ON_HANDLE, false, admin_detach_handle },
    { "hangup_webrtc", ON_HANDLE, false, admin_hangup_webrtc },
};

static bool is_open(const char *verb)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (verbs[i].open && g_str_equal(verbs[i].name, verb))
            return true;
    }
    return false;
}

/* Finds what is named. False: answered already. */
static bool find_target(StoaCall *call)
{
    uint64_t session_id = stoa_call_id(call->message, "session_id");
    uint64_t handle_id = stoa_call_id(call->message, "handle_id");

    if (!session_id)
        return true;
    call->session = stoa_session_find(call->signaling, session_id);
    if (!call->session) {
        stoa_call_fail(call, STOA_WIRE_NO_SESSION, "there is no such session");
        return false;
    }
    if (!handle_id)
        return true;
    call->attachment = g_hash_table_lookup(call->session->handles, &handle_id);
    if (!call->attachment)
        stoa_call_fail(call, STOA_WIRE_NO_HANDLE, "there is no such handle in this session");
    return call->attachment != NULL;
}

void stoa_admin_run(StoaCall *call)
{
    const char *secret = json_string_value(json_object_get(call->message, "admin_secret"));

    if (!is_open(call->verb) &&
        !stoa_id_constant_time_equal(call->signaling->conf->admin_secret, secret)) {
        stoa_call_fail(call, STOA_WIRE_UNAUTHORIZED, "\"admin_secret\" is missing or wrong");
        return;
    }
    /* Who shows no secret learns nothing, not even whether a session is there. */
    if (!is_open(call->verb) && !find_target(call))
        return;
    unsigned level = call->attachment ? ON_HANDLE : call->session ? ON_SESSION : ON_SERVER;
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (verbs[i].level == level && g_str_equal(verbs[i].name, call->verb)) {
            verbs[i].run(call);
            return;
        }
    }
    stoa_call_fail(call, STOA_WIRE_BAD_LEVEL, "there is no admin request \"%.64s\" at this level",
                   call->verb);
}
