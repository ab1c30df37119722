/* SPDX-License-Identifier: MIT */
/* Bodies of replies, events and errors, in the vocabulary of the module. (rooms API, "Module requests"; Janus API 6) */
#include "config.h"

#include "base/error.h"
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

static json_t *plain_error(const GError *error, const char *reason)
{
    const char *name = "internal";
    int number = 500;

    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
        if (error->domain == STOA_ERROR && (int)plain[i].code == error->code) {
            name = plain[i].name;
            number = plain[i].number;
        }
    }
    if (error->domain == STOA_ERROR && error->code == STOA_ERROR_REFUSED)
        number = 409;
    return json_pack("{s:i, s:s, s:s}", "error_code", number, "error", error->message, "code",
                     reason ? reason : name);
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
