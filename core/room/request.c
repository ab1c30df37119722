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
    if (req->handle && req->handle->room && req->method->handle != stoa_request_on_leave &&
        !is_whole(req->handle->room, error))
        return false;
    bool ok = handle_by(req, error);
    if (!ok && error && !*error)
        stoa_fail(error, STOA_ERROR_INTERNAL, "\"%s\" failed without saying why",
                  req->method->name);
    return ok;
}

/* -- answering ---------------------------------------------------------------------------- */

static StoaJournal *journal_of(StoaRequest *req)
{
    const StoaRoom *room = stoa_request_room(req);

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
