/* SPDX-License-Identifier: MIT */
/* One `message` to a plugin: found in the method table, checked against its rows, carried out, answered. */
#include "config.h"

#define LOG_AREA "request"

#include "base/error.h"
#include "room/check.h"
#include "room/request.h"
#include "room/room-private.h"

#include <string.h>

struct StoaRequest {
    StoaModule *module;
    StoaHandle *handle;
    const StoaMethod *method;
    const StoaMessage *message;
    json_t *reply;    /* owned */
    json_t *jsep;     /* owned: what goes out */
    GPtrArray *texts; /* ids written out; freed with the request */
    bool hangup;      /* once the reply is out */
};

/* What every plugin of STOA_SCOPE_ROOM can be asked without saying so. */
static bool on_join(StoaRequest *req, GError **error);
static bool on_leave(StoaRequest *req, GError **error);
static bool on_state(StoaRequest *req, GError **error);

static const StoaParam join_params[] = {
    { "room", STOA_ID, STOA_REQUIRED, .help = "which room" },
    { "display", STOA_STRING, 0, 0, 256, .help = "your name, 1 to 64 characters" },
    { NULL },
};
static const StoaMethod builtin[] = {
    { "join", on_join, STOA_ROLE_ANYONE, join_params, "Take a seat in a room" },
    { "leave", on_leave, STOA_ROLE_PARTICIPANT, NULL, "Give up your seat" },
    { "state", on_state, STOA_ROLE_PARTICIPANT, NULL, "The state as you may see it" },
    { NULL },
};

static const StoaMethod *find_in(const StoaMethod *methods, const char *name)
{
    for (const StoaMethod *row = methods; row && row->name; row++) {
        if (g_str_equal(row->name, name))
            return row;
    }
    return NULL;
}

static const StoaMethod *find_method(StoaModule *module, const char *name)
{
    const StoaMethod *row = find_in(module->plugin.methods, name);

    if (!row && module->plugin.scope == STOA_SCOPE_ROOM && !module->plugin.vocabulary)
        row = find_in(builtin, name);
    return row;
}

/* The name of a request; "" for a plugin that takes messages without one. NULL: there is none, or it is no string. */
static const char *request_name(StoaModule *module, const json_t *body)
{
    if (find_in(module->plugin.methods, ""))
        return "";
    return json_string_value(json_object_get(body, "request"));
}

StoaMessageMode stoa_request_mode(StoaModule *module, const json_t *body)
{
    const char *name = request_name(module, body);
    const StoaMethod *method = name ? find_method(module, name) : NULL;

    return method && method->sync ? STOA_MESSAGE_SYNC : STOA_MESSAGE_ASYNC;
}

/* The method of a body, or the reason why there is none. */
static const StoaMethod *choose_method(StoaModule *module, const json_t *body, GError **error)
{
    const char *name = request_name(module, body);
    const StoaMethod *method = name ? find_method(module, name) : NULL;

    if (!name && json_object_get(body, "request"))
        stoa_refuse(error, "wrong_type", "\"request\" must be a string");
    else if (!name)
        stoa_refuse(error, "missing_element", "\"request\" is missing: say what you want");
    else if (!method)
        stoa_refuse(error, "unknown_request", "%s knows no request \"%.64s\"", module->plugin.name,
                    name);
    return method;
}

static bool check_role(const StoaRequest *req, GError **error)
{
    StoaRole needed = req->method->role;
    const StoaParticipant *who = req->handle ? req->handle->who : NULL;

    if (needed == STOA_ROLE_ANYONE || (!req->handle && req->method->sync))
        return true;
    if (!who)
        return stoa_refuse(error, "not_joined", "join a room first");
    if (who->role < needed)
        return stoa_refuse(error, "forbidden", "your role does not allow \"%s\"",
                           req->method->name);
    return true;
}

static bool check_body(const StoaRequest *req, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool is_sealed = req->handle && stoa_room_is_sealed(req->handle->room);

    switch (stoa_check(req->message->body, req->method->params, is_sealed, &why)) {
    case STOA_CHECK_OK: return true;
    case STOA_CHECK_MISSING: return stoa_refuse(error, "missing_element", "%s", why->message);
    default: return stoa_refuse(error, "wrong_type", "%s", why->message);
    }
}

static bool carry_out(StoaRequest *req, GError **error)
{
    req->method = choose_method(req->module, req->message->body, error);
    if (!req->method || !check_role(req, error) || !check_body(req, error))
        return false;
    bool ok = req->method->handle(req, error);
    if (!ok && error && !*error)
        stoa_fail(error, STOA_ERROR_INTERNAL, "\"%s\" failed without saying why",
                  req->method->name);
    return ok;
}

json_t *stoa_request_run(StoaModule *module, StoaHandle *handle, const StoaMessage *message)
{
    g_autoptr(GError) error = NULL;
    StoaRequest req = { .module = module, .handle = handle, .message = message };
    bool sync = stoa_request_mode(module, message->body) == STOA_MESSAGE_SYNC;
    json_t *data;

    if (carry_out(&req, &error)) {
        data = stoa_reply_ok(module, req.method->name, g_steal_pointer(&req.reply));
    } else {
        data = stoa_reply_error(module, error);
        g_clear_pointer(&req.jsep, json_decref);
    }
    g_clear_pointer(&req.reply, json_decref);
    g_clear_pointer(&req.texts, g_ptr_array_unref);
    if (sync || !handle) {
        g_clear_pointer(&req.jsep, json_decref);
        return data;
    }
    if (handle->outlet)
        handle->outlet->event(handle, message->transaction, data, req.jsep);
    if (req.hangup)
        stoa_handle_end_media(handle, "Close PC");
    return NULL;
}

/* -- the SDK's side ----------------------------------------------------------------------- */

StoaModule *stoa_request_module(StoaRequest *req)
{
    return req->module;
}

StoaHandle *stoa_request_handle(StoaRequest *req)
{
    return req->handle;
}

StoaRoom *stoa_request_room(StoaRequest *req)
{
    return req->handle ? req->handle->room : NULL;
}

StoaParticipant *stoa_request_from(StoaRequest *req)
{
    return req->handle ? req->handle->who : NULL;
}

bool stoa_item_has(const json_t *item, const char *name)
{
    const json_t *value = json_object_get(item, name);

    return value && !json_is_null(value);
}

bool stoa_item_bool(const json_t *item, const char *name)
{
    return json_is_true(json_object_get(item, name));
}

int64_t stoa_item_int(const json_t *item, const char *name)
{
    return json_integer_value(json_object_get(item, name));
}

const char *stoa_item_string(const json_t *item, const char *name)
{
    return json_string_value(json_object_get(item, name));
}

const char *stoa_item_id(StoaRequest *req, const json_t *item, const char *name)
{
    const json_t *value = json_object_get(item, name);

    if (!json_is_integer(value))
        return json_string_value(value);
    char *text = g_strdup_printf("%lld", (long long)json_integer_value(value));
    if (!req->texts)
        req->texts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(req->texts, text);
    return text;
}

bool stoa_request_has(StoaRequest *req, const char *name)
{
    return stoa_item_has(req->message->body, name);
}

bool stoa_request_bool(StoaRequest *req, const char *name)
{
    return stoa_item_bool(req->message->body, name);
}

int64_t stoa_request_int(StoaRequest *req, const char *name)
{
    return stoa_item_int(req->message->body, name);
}

const char *stoa_request_string(StoaRequest *req, const char *name)
{
    return stoa_item_string(req->message->body, name);
}

const char *stoa_request_id(StoaRequest *req, const char *name)
{
    return stoa_item_id(req, req->message->body, name);
}

const json_t *stoa_request_json(StoaRequest *req, const char *name)
{
    return json_object_get(req->message->body, name);
}

const json_t *stoa_request_item(StoaRequest *req, const char *name, size_t index)
{
    return json_array_get(json_object_get(req->message->body, name), index);
}

void stoa_request_reply(StoaRequest *req, json_t *body)
{
    if (req->reply)
        json_decref(req->reply);
    req->reply = body;
}

StoaJsep stoa_request_jsep(StoaRequest *req)
{
    return req->message->jsep;
}

static bool may_have_media(StoaRequest *req, GError **error)
{
    if (req->handle && (req->module->plugin.caps & STOA_CAP_MEDIA))
        return true;
    return stoa_fail(error, STOA_ERROR_FORBIDDEN, "%s takes no media", req->module->plugin.name);
}

/* A description that does not fit gets the vocabulary's number for it; the text says what is wrong. */
static bool bad_sdp(GError **error, GError *why)
{
    const char *reason =
        g_error_matches(why, STOA_ERROR, STOA_ERROR_CONFLICT) ? "wrong_state" : "bad_sdp";

    stoa_refuse(error, reason, "%s", why->message);
    g_error_free(why);
    return false;
}

bool stoa_request_accept_offer(StoaRequest *req, const StoaMediaRules *rules, GError **error)
{
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    if (req->message->jsep != STOA_JSEP_OFFER)
        return stoa_refuse(error, "wrong_jsep", "an SDP offer is due here");
    bool fresh = !stoa_handle_has_media(req->handle);
    g_autofree char *sdp = stoa_connection_set_offer(stoa_handle_connection(req->handle),
                                                     req->message->sdp, rules, &why);
    if (!sdp) {
        if (fresh)
            g_clear_pointer(&req->handle->connection, stoa_connection_free);
        return bad_sdp(error, why);
    }
    g_clear_pointer(&req->jsep, json_decref);
    req->jsep = json_pack("{s:s, s:s}", "type", "answer", "sdp", sdp);
    return true;
}

bool stoa_request_accept_answer(StoaRequest *req, GError **error)
{
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    if (req->message->jsep != STOA_JSEP_ANSWER)
        return stoa_refuse(error, "wrong_jsep", "an SDP answer is due here");
    if (!stoa_connection_set_answer(stoa_handle_connection(req->handle), req->message->sdp, &why))
        return bad_sdp(error, why);
    return true;
}

bool stoa_request_offer(StoaRequest *req, bool restart, GError **error)
{
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    g_autofree char *sdp =
        stoa_connection_make_offer(stoa_handle_connection(req->handle), restart, &why);
    if (!sdp)
        return bad_sdp(error, why);
    g_clear_pointer(&req->jsep, json_decref);
    req->jsep = json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp);
    return true;
}

void stoa_request_hangup(StoaRequest *req)
{
    req->hangup = true;
}

/* -- built-in requests of STOA_SCOPE_ROOM ------------------------------------------------- */

/* The room of an id: this module's view, a new view of a room that others made, or a new ad-hoc one. */
static StoaRoom *find_or_open(StoaModule *module, const char *id, bool text_id, GError **error)
{
    StoaRoom *room = stoa_module_room(module, id);
    StoaRoomCore *core = stoa_room_core_find(id);

    if (room)
        return room;
    if (!core && !module->env->adhoc) {
        stoa_refuse(error, "no_such_room", "there is no room %s", id);
        return NULL;
    }
    if (!core)
        core = stoa_room_core(id, NULL, text_id);
    return stoa_room_open_view(module, core, false);
}

static bool on_join(StoaRequest *req, GError **error)
{
    bool text_id = json_is_string(stoa_request_json(req, "room"));
    StoaSeat seat = { .name = stoa_request_string(req, "display") };

    if (req->handle->room)
        return stoa_refuse(error, "already_joined", "this handle is in a room already");
    StoaRoom *room = find_or_open(req->module, stoa_request_id(req, "room"), text_id, error);
    if (!room)
        return false;
    StoaParticipant *who = stoa_handle_join(req->handle, room, &seat, error);
    if (!who) {
        stoa_room_close_if_empty(room);
        return false;
    }
    json_t *body = json_pack("{s:o, s:o}", "room", stoa_room_id_json(room), "id",
                             stoa_participant_id_json(who));
    if (req->module->plugin.describe)
        json_object_set_new(body, "state", req->module->plugin.describe(room, who));
    stoa_request_reply(req, body);
    return true;
}

static bool on_leave(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_handle_leave(req->handle);
    return true;
}

static bool on_state(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    json_t *(*describe)(StoaRoom *, StoaParticipant *) = req->module->plugin.describe;

    if (describe)
        stoa_request_reply(req, describe(req->handle->room, req->handle->who));
    return true;
}
