/* SPDX-License-Identifier: MIT */
/* Bodies of replies, events and errors, in the vocabulary of the module. (rooms API, "Module requests"; Janus API 6) */
#include "config.h"

#include "base/error.h"
#include "room/journal-private.h"
#include "room/room-private.h"

/* What the rooms API says of a failure. The numbers are those that HTTP would use. */
static const struct {
    StoaErrorCode code;
    const char *name;
    int number;
} plain[] = {
    { STOA_ERROR_INVALID, "invalid_request", 400 }, { STOA_ERROR_FORBIDDEN, "forbidden", 403 },
    { STOA_ERROR_NOT_FOUND, "not_found", 404 },     { STOA_ERROR_CONFLICT, "conflict", 409 },
    { STOA_ERROR_LIMIT, "slow_down", 429 },         { STOA_ERROR_UNAVAILABLE, "unavailable", 503 },
    { STOA_ERROR_INTERNAL, "internal", 500 },
};

json_t *stoa_reply_event(StoaModule *module, const char *event, json_t *body)
{
    json_t *data = body ? body : json_object();

    if (event && !module->plugin.vocabulary)
        json_object_set_new(data, "event", json_string(event));
    return data;
}

/* What `describe` says, and the number of the last record that is in it: 0 where nothing is kept. */
json_t *stoa_reply_state(StoaHandle *handle)
{
    json_t *(*describe)(StoaRoom *, StoaParticipant *) = handle->module->plugin.describe;
    json_t *body = describe ? describe(handle->room, handle->who) : NULL;
    const StoaJournal *journal = stoa_room_journal_if_any(handle->room);

    if (!body)
        body = json_object();
    if (!handle->module->plugin.vocabulary)
        json_object_set_new(body, "seq", json_integer(journal ? (json_int_t)journal->last_seq : 0));
    return body;
}

json_t *stoa_reply_ok(StoaModule *module, const char *request, json_t *body)
{
    json_t *data = body ? body : json_object();

    if (!module->plugin.vocabulary)
        json_object_set_new(data, "reply", json_string(request));
    return data;
}

/* A reason with a row of its own; else the first row of that code; else the row "unknown". */
static const StoaNumber *find_number(StoaModule *module, const char *reason, int code)
{
    const StoaNumber *of_code = NULL, *unknown = NULL;

    for (const StoaNumber *row = module->plugin.numbers; row && row->reason; row++) {
        if (reason && g_str_equal(row->reason, reason))
            return row;
        if (g_str_equal(row->reason, "unknown"))
            unknown = row;
        else if (!of_code && (int)row->code == code)
            of_code = row;
    }
    return of_code ? of_code : unknown;
}

/* What the core refuses by name, for older vocabularies: here it is one of the codes above. */
static const struct {
    const char *reason;
    StoaErrorCode code;
} core_reasons[] = {
    { "no_message", STOA_ERROR_INVALID },      { "bad_json", STOA_ERROR_INVALID },
    { "unknown_request", STOA_ERROR_INVALID }, { "missing_element", STOA_ERROR_INVALID },
    { "wrong_type", STOA_ERROR_INVALID },      { "wrong_jsep", STOA_ERROR_INVALID },
    { "bad_sdp", STOA_ERROR_INVALID },         { "forbidden", STOA_ERROR_FORBIDDEN },
    { "not_joined", STOA_ERROR_FORBIDDEN },    { "no_such_room", STOA_ERROR_NOT_FOUND },
    { "already_joined", STOA_ERROR_CONFLICT }, { "id_taken", STOA_ERROR_CONFLICT },
    { "room_exists", STOA_ERROR_CONFLICT },    { "wrong_state", STOA_ERROR_CONFLICT },
};

static int code_of(const GError *error, const char *reason)
{
    if (error->domain != STOA_ERROR)
        return STOA_ERROR_INTERNAL;
    for (size_t i = 0; reason && i < G_N_ELEMENTS(core_reasons); i++) {
        if (g_str_equal(core_reasons[i].reason, reason))
            return (int)core_reasons[i].code;
    }
    return error->code;
}

/* A reason that is the module's own is a conflict under its own name. */
static json_t *plain_error(const GError *error, const char *reason)
{
    int code = code_of(error, reason), number = 409;
    const char *name = reason ? reason : "internal";

    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
        if ((int)plain[i].code == code) {
            name = plain[i].name;
            number = plain[i].number;
        }
    }
    return json_pack("{s:i, s:s, s:s}", "error_code", number, "error", error->message, "code",
                     name);
}

int stoa_module_number(StoaModule *module, const GError *error)
{
    const char *reason = error->domain == STOA_ERROR ? stoa_error_reason(error) : NULL;
    const StoaNumber *row = find_number(module, reason, error->code);

    return row ? row->number : 0;
}

json_t *stoa_reply_error(StoaModule *module, const GError *error)
{
    const char *reason = error->domain == STOA_ERROR ? stoa_error_reason(error) : NULL;
    const StoaNumber *row = find_number(module, reason, error->code);

    if (!module->plugin.vocabulary) {
        json_t *body = plain_error(error, reason);
        if (row)
            json_object_set_new(body, "error_code", json_integer(row->number));
        return body;
    }
    return json_pack("{s:s, s:i, s:s}", module->plugin.vocabulary, "event", "error_code",
                     row ? row->number : 499, "error", error->message);
}
