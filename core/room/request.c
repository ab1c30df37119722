/* SPDX-License-Identifier: MIT */
/* One `message` to a plugin: found in the method table, checked against its rows, carried out, answered. */
#include "config.h"

#define LOG_AREA "request"

#include "base/error.h"
#include "room/check.h"
#include "room/file.h"
#include "room/kept-room.h"
#include "room/request-private.h"

#include <string.h>

/* What every plugin of STOA_SCOPE_ROOM can be asked without saying so. */
static bool on_join(StoaRequest *req, GError **error);
static bool on_leave(StoaRequest *req, GError **error);
static bool on_state(StoaRequest *req, GError **error);

static const StoaParam join_params[] = {
    { "room", STOA_ID, STOA_REQUIRED, .help = "which room" },
    { "display", STOA_STRING, 0, 0, 256, .help = "your name, 1 to 64 characters" },
    { NULL },
};
static const StoaParam resume_params[] = {
    { "after", STOA_INT, STOA_REQUIRED, .help = "the number of the last record that you have" },
    { NULL },
};
static const StoaMethod builtin[] = {
    { "join", on_join, STOA_ROLE_ANYONE, join_params,
      "Take a seat in a room; a handle that was attached with a participant's token has one" },
    { "leave", on_leave, STOA_ROLE_PARTICIPANT, NULL, "Give up your seat" },
    { "state", on_state, STOA_ROLE_PARTICIPANT, NULL, "The state as you may see it" },
    { "resume", stoa_read_on_resume, STOA_ROLE_PARTICIPANT, resume_params,
      "The events after a number, in order, then the reply" },
    { NULL },
};
enum { N_OF_SEATS = 2 }; /* of these are about taking a seat and giving it up */

const StoaMethod *stoa_request_builtin(const StoaPlugin *plugin)
{
    if (plugin->scope != STOA_SCOPE_ROOM || plugin->vocabulary)
        return NULL;
    bool is_seated =
        g_str_equal(plugin->name, "room"); /* it is attached with a token, or not at all */
    return is_seated ? builtin + N_OF_SEATS : builtin;
}

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

    return row ? row : find_in(stoa_request_builtin(&module->plugin), name);
}

/* The name of a request; "" for a plugin that takes messages without one. NULL: there is none, or it is no string. */
static const char *request_name(StoaModule *module, const json_t *body)
{
    if (find_in(module->plugin.methods, ""))
        return "";
    const json_t *name = json_object_get(body, "request");
    if (json_is_string(name) && strlen(json_string_value(name)) != json_string_length(name))
        return NULL;
    return json_string_value(name);
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
        stoa_refuse(error, "wrong_type", "\"request\" must be a string, without U+0000");
    else if (!name)
        stoa_refuse(error, "missing_element", "\"request\" is missing: say what you want");
    else if (!method)
        stoa_refuse(error, "unknown_request", "%s knows no request \"%.64s\"", module->plugin.name,
                    name);
    return method;
}

/* In the lobby: the person has a handle, and no seat yet. */
static bool is_waiting(const StoaHandle *handle)
{
    const StoaMember *member = handle ? stoa_handle_member(handle) : NULL;

    return member && member->state == STOA_MEMBER_WAITING;
}

static bool check_role(const StoaRequest *req, GError **error)
{
    StoaRole needed = req->method->role;
    const StoaParticipant *who = req->handle ? req->handle->who : NULL;

    if (needed == STOA_ROLE_ANYONE || (!req->handle && req->method->sync))
        return true;
    if (!who && is_waiting(req->handle))
        return stoa_refuse(error, "forbidden", "you are in the lobby: wait to be let in");
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

/* While the state is made anew, after a write that failed or an erasure, nothing is asked of it. */
static bool is_whole(StoaRoom *room, GError **error)
{
    const StoaJournal *journal = stoa_room_journal_if_any(room);

    return !journal || !(journal->broken || room->stale) ||
           stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                     "the room is being restored: try again in a moment");
}

/* What the handler may do can depend on whose request it is: see stoa_module_create_room(). */
static bool handle_by(StoaRequest *req, GError **error)
{
    StoaModule *module = req->module;
    StoaHandle *outer = module->asking;

    module->asking = req->handle;
    bool ok = req->method->handle(req, error);
    module->asking = outer;
    return ok;
}

static bool carry_out(StoaRequest *req, GError **error)
{
    if (!req->method)
        req->method = choose_method(req->module, req->message->body, error);
    if (!req->method || !check_role(req, error) || !check_body(req, error))
        return false;
    if (req->handle && req->handle->room && req->method->handle != on_leave &&
        !is_whole(req->handle->room, error))
        return false;
    bool ok = handle_by(req, error);
    if (!ok && error && !*error)
        stoa_fail(error, STOA_ERROR_INTERNAL, "\"%s\" failed without saying why",
                  req->method->name);
    return ok;
}

/* -- answering ---------------------------------------------------------------------------- */

static StoaRoom *room_of(const StoaRequest *req)
{
    return req->handle ? req->handle->room : req->room;
}

static StoaJournal *journal_of(const StoaRequest *req)
{
    const StoaRoom *room = room_of(req);

    return room ? stoa_room_journal_if_any(room) : NULL;
}

static json_t *take_answer(StoaRequest *req, const GError *error)
{
    if (error) {
        g_clear_pointer(&req->jsep, json_decref);
        json_t *data = stoa_reply_error(req->module, error);
        if (req->is_sync && req->method && req->module->plugin.sync_error)
            json_object_set_new(data, req->module->plugin.vocabulary,
                                json_string(req->module->plugin.sync_error));
        return data;
    }
    json_t *data = stoa_reply_ok(req->module, req->method->name, g_steal_pointer(&req->reply));
    if (req->seq > 0 && !req->module->plugin.vocabulary && !json_object_get(data, "seq"))
        json_object_set_new(data, "seq", json_integer((json_int_t)req->seq));
    return data;
}

static void answer_file(StoaRequest *req, const GError *error)
{
    StoaJournal *journal = journal_of(req);
    StoaOutput output = { .kind = STOA_OUTPUT_REPLY,
                          .data = g_steal_pointer(&req->reply),
                          .done = req->file_done,
                          .done_data = req->file_data,
                          .error = error ? g_error_copy(error) : NULL };

    if (journal) {
        stoa_outbox_push(&journal->outbox, journal, output);
        return;
    }
    req->file_done(error ? NULL : output.data, error, req->file_data);
    json_decref(output.data);
    g_clear_error(&output.error);
}

static void answer(StoaRequest *req, const GError *error)
{
    if (req->file_done) {
        answer_file(req, error);
        return;
    }
    StoaOutput output = { .kind = STOA_OUTPUT_REPLY, .hangup = req->hangup };
    output.data = take_answer(req, error);
    output.error = error ? g_error_copy(error) : NULL;
    output.jsep = g_steal_pointer(&req->jsep);
    output.transaction = g_strdup(req->message->transaction);
    if (req->place)
        stoa_outbox_fill_place(&req->handle->outbox, g_steal_pointer(&req->place), journal_of(req),
                               output);
    else
        stoa_outbox_push(&req->handle->outbox, journal_of(req), output);
}

void stoa_request_free(StoaRequest *req)
{
    if (req->read)
        stoa_read_cancel(req->read);
    stoa_measure_forget(req->measure);
    if (req->free_data)
        req->free_data(req->data);
    json_decref(req->reply);
    json_decref(req->jsep);
    g_clear_pointer(&req->texts, g_ptr_array_unref);
    g_free((char *)req->kept.transaction);
    g_free((char *)req->kept.sdp);
    json_decref(req->kept.body);
    g_free(req);
}

static void forget(StoaRequest *req)
{
    if (!req->handle || !g_ptr_array_remove(req->handle->requests, req))
        stoa_request_free(req);
}

/* What it was borrowed of goes when the handler returns. */
static void keep(StoaRequest *req)
{
    if (req->message == &req->kept)
        return;
    req->kept = *req->message;
    req->kept.transaction = g_strdup(req->message->transaction);
    req->kept.sdp = g_strdup(req->message->sdp);
    json_incref(req->kept.body);
    req->message = &req->kept;
    if (req->handle)
        g_ptr_array_add(req->handle->requests, req);
}

/* What happens meanwhile is told after what it reads. */
static void read_back(StoaRequest *req)
{
    keep(req);
    if (req->handle && !req->place)
        req->place = stoa_outbox_keep_place(&req->handle->outbox);
    if (!stoa_read_run_in_memory(req))
        stoa_read_start(req);
}

/* A handler returned: it waits for what it reads back, or it is over. The reply is said before the batch goes to the disk, so
 * that it waits for it. */
static void end_handler(StoaRequest *req, const GError *error)
{
    if (!error && req->read) {
        stoa_journal_end(true);
        read_back(req);
        return;
    }
    if (!error && req->measure) {
        stoa_journal_end(true);
        keep(req);
        stoa_measure_start(req);
        return;
    }
    if (error)
        stoa_journal_end(false);
    answer(req, error);
    if (!error)
        stoa_journal_end(true);
    forget(req);
}

void stoa_request_go_on(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                        StoaReadFunc *got)
{
    g_autoptr(GError) error = NULL;

    stoa_journal_begin();
    if (!got(req, records, n, more, &error) && !error)
        stoa_fail(&error, STOA_ERROR_INTERNAL, "\"%s\" failed without saying why",
                  req->method->name);
    end_handler(req, error);
}

void stoa_request_measured(StoaRequest *req, const json_t *stats, StoaStatsFunc *got)
{
    g_autoptr(GError) error = NULL;

    stoa_journal_begin();
    if (!got(req, stats, &error) && !error)
        stoa_fail(&error, STOA_ERROR_INTERNAL, "\"%s\" failed without saying why",
                  req->method->name);
    end_handler(req, error);
}

void stoa_request_give_up(StoaRequest *req, const GError *error)
{
    answer(req, error);
    forget(req);
}

json_t *stoa_request_run(StoaModule *module, StoaHandle *handle, const StoaMessage *message)
{
    return stoa_request_run_or_fail(module, handle, message, NULL);
}

json_t *stoa_request_run_or_fail(StoaModule *module, StoaHandle *handle, const StoaMessage *message,
                                 GError **why)
{
    g_autoptr(GError) error = NULL;
    StoaRequest *req = g_new0(StoaRequest, 1);

    req->module = module;
    req->handle = handle;
    req->message = message;
    req->is_sync = !handle || stoa_request_mode(module, message->body) == STOA_MESSAGE_SYNC;
    stoa_journal_begin();
    carry_out(req, &error);
    if (!req->is_sync) {
        end_handler(req, error);
        return NULL;
    }
    json_t *data = take_answer(req, error);
    stoa_journal_end(!error);
    stoa_request_free(req);
    if (error && why)
        *why = g_steal_pointer(&error);
    return data;
}

json_t *stoa_handle_run(StoaHandle *handle, const char *name, const json_t *body, GError **error)
{
    StoaMessage message = { .body = (json_t *)body };
    StoaRequest *req = g_new0(StoaRequest, 1);
    json_t *reply = NULL;

    req->module = handle->module;
    req->handle = handle;
    req->message = &message;
    req->is_sync = true;
    req->method = find_in(handle->module->plugin.data_methods, name);
    stoa_journal_begin();
    bool ok = req->method ? carry_out(req, error)
                          : stoa_refuse(error, "unknown_request", "%s knows no \"%.64s\" here",
                                        handle->module->plugin.name, name);
    stoa_journal_end(ok);
    if (ok)
        reply = req->reply ? g_steal_pointer(&req->reply) : json_object();
    stoa_request_free(req);
    return reply;
}

void stoa_request_run_file(StoaRoom *view, StoaParticipant *who, const StoaFile *file,
                           StoaFileDone *done, void *data)
{
    static const StoaMethod method = { "file_added", NULL, STOA_ROLE_PARTICIPANT, NULL, NULL };
    static const StoaMessage message = { 0 };
    g_autoptr(GError) error = NULL;
    StoaRequest *req = g_new0(StoaRequest, 1);

    req->module = view->module;
    req->room = view;
    req->who = who;
    req->method = &method;
    req->message = &message;
    req->file_done = done;
    req->file_data = data;
    stoa_journal_begin();
    if (!view->module->plugin.file_added)
        stoa_fail(&error, STOA_ERROR_INVALID, "%s takes no files", view->module->plugin.name);
    else if (is_whole(view, &error) && !view->module->plugin.file_added(req, file, &error) &&
             !error)
        stoa_fail(&error, STOA_ERROR_INTERNAL, "the file was refused without a reason");
    end_handler(req, error);
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
    return room_of(req);
}

StoaParticipant *stoa_request_from(StoaRequest *req)
{
    return req->handle ? req->handle->who : req->who;
}

bool stoa_request_record(StoaRequest *req, const char *kind, json_t *body, GError **error)
{
    return stoa_request_record_to(req, kind, body, NULL, error);
}

bool stoa_request_record_to(StoaRequest *req, const char *kind, json_t *body, const char *to,
                            GError **error)
{
    StoaRoom *room = room_of(req);

    if (!room || req->is_sync) {
        json_decref(body);
        return stoa_fail(error, STOA_ERROR_INTERNAL,
                         "a record needs a room, and a method that is not synchronous");
    }
    const StoaRecord *record =
        stoa_journal_propose(room, stoa_request_from(req), kind, body, to, error);
    if (!record)
        return false;
    req->seq = record->seq;
    g_strlcpy(req->at, record->at, sizeof req->at);
    return true;
}

uint64_t stoa_request_seq(StoaRequest *req)
{
    return req->seq;
}

const char *stoa_request_at(StoaRequest *req)
{
    return req->seq > 0 ? req->at : NULL;
}

void stoa_request_set_data(StoaRequest *req, void *data, GDestroyNotify free_data)
{
    if (req->free_data)
        req->free_data(req->data);
    req->data = data;
    req->free_data = free_data;
}

void *stoa_request_data(StoaRequest *req)
{
    return req->data;
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
static bool bad_sdp(const StoaRequest *req, GError **error, GError *why)
{
    const char *reason = "bad_sdp";

    if (g_error_matches(why, STOA_ERROR, STOA_ERROR_CONFLICT))
        reason = "wrong_state";
    for (const StoaNumber *row = req->module->plugin.numbers; row && row->reason; row++) {
        if (g_strcmp0(row->reason, stoa_error_reason(why)) == 0) /* it has a word for just that */
            reason = row->reason;
    }
    stoa_refuse(error, reason, "%s", why->message);
    g_error_free(why);
    return false;
}

typedef struct {
    StoaHandle *handle;
    StoaWireFunc *wire;
    void *data;
} Wiring;

static void run_wire(void *data)
{
    const Wiring *wiring = data;

    wiring->wire(wiring->handle, wiring->data);
}

bool stoa_request_accept_offer(StoaRequest *req, const StoaMediaRules *rules, GError **error)
{
    return stoa_request_wire_offer(req, rules, NULL, NULL, error);
}

bool stoa_request_wire_offer(StoaRequest *req, const StoaMediaRules *rules, StoaWireFunc *wire,
                             void *data, GError **error)
{
    Wiring wiring = { req->handle, wire, data };
    GError *why = NULL;

    if (!may_have_media(req, error))
        return false;
    if (req->message->jsep != STOA_JSEP_OFFER)
        return stoa_refuse(error, "wrong_jsep", "an SDP offer is due here");
    bool fresh = !stoa_handle_has_media(req->handle);
    stoa_connection_wire(stoa_handle_connection(req->handle), wire ? run_wire : NULL, &wiring);
    g_autofree char *sdp = stoa_connection_set_offer(stoa_handle_connection(req->handle),
                                                     req->message->sdp, rules, &why);
    if (!sdp) {
        if (fresh)
            g_clear_pointer(&req->handle->connection, stoa_connection_free);
        return bad_sdp(req, error, why);
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
        return bad_sdp(req, error, why);
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
        return bad_sdp(req, error, why);
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

    if (room && !room->core->is_kept)
        return room;
    /* into a kept room one comes by its token */
    if (core ? core->is_kept : !module->env->adhoc || stoa_room_id_is_reserved(id)) {
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
    const char *id = stoa_request_id(req, "room");
    StoaSeat seat = { .name = stoa_request_string(req, "display") };

    if (req->handle->room)
        return stoa_refuse(error, "already_joined", "this handle is in a room already");
    if (!stoa_module_room(req->module, id)) /* who opens an ad-hoc room is its host */
        seat.role = STOA_ROLE_HOST;
    StoaRoom *room = find_or_open(req->module, id, text_id, error);
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
        json_object_set_new(body, "state", stoa_reply_state(req->handle));
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
    stoa_request_reply(req, stoa_reply_state(req->handle));
    return true;
}
