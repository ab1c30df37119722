/* SPDX-License-Identifier: MIT */
/* What a handler reads of its request, and what it says to it: the SDK's side. */
#include "config.h"

#include "base/error.h"
#include "room/request-private.h"

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
    return req->handle ? req->handle->room : req->room;
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
    StoaRoom *room = stoa_request_room(req);

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

void stoa_request_hangup(StoaRequest *req)
{
    req->hangup = true;
}
