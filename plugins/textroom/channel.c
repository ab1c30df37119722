/* SPDX-License-Identifier: MIT */
/* What comes on a data channel: JSON texts with `textroom` and `transaction`, answered there. (Janus API, section 11) */
#include "textroom.h"

#include <string.h>

enum { MAX_TEXT = 262144 };

void tr_send(StoaHandle *handle, const char *label, const char *text)
{
    if (!stoa_handle_send_data(handle, label, text, strlen(text), true))
        stoa_module_count(stoa_handle_module(handle), TR_DROPPED, 1);
}

/* -- reading ------------------------------------------------------------------------------------- */

/* A NUL would cut a name short where others see it whole; in the text of a message it is a character like any. */
static bool has_nul(const json_t *value)
{
    const json_t *item;
    size_t i;

    if (json_is_string(value))
        return strlen(json_string_value(value)) != json_string_length(value);
    json_array_foreach(value, i, item)
    {
        if (has_nul(item))
            return true;
    }
    return false;
}

static bool check_texts(json_t *body, GError **error)
{
    const char *name;
    json_t *value;

    json_object_foreach(body, name, value)
    {
        if (!g_str_equal(name, "text") && has_nul(value))
            return stoa_refuse(error, "wrong_type", "\"%s\" has a zero character", name);
    }
    return true;
}

static bool check_string(const json_t *body, const char *name, GError **error)
{
    const json_t *value = json_object_get(body, name);

    if (!value)
        return stoa_refuse(error, "missing_element", "\"%s\" is missing", name);
    return json_is_string(value) ||
           stoa_refuse(error, "wrong_type", "\"%s\" must be a string", name);
}

static json_t *read_body(const void *buf, size_t len, GError **error)
{
    json_error_t why;
    json_t *body = NULL;

    if (len == 0) {
        stoa_refuse(error, "no_message", "an empty text asks for nothing");
        return NULL;
    }
    if (len <= MAX_TEXT)
        body = json_loadb(buf, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (json_is_object(body))
        return body;
    stoa_refuse(error, "bad_json", "that is no JSON object%s%s", body ? "" : ": ",
                body ? "" : why.text);
    json_decref(body);
    return NULL;
}

/* -- answering ------------------------------------------------------------------------------------- */

static void answer(StoaHandle *handle, const char *label, const json_t *transaction, json_t *reply)
{
    g_autofree char *text = NULL;

    if (json_is_string(transaction))
        json_object_set(reply, "transaction", (json_t *)transaction);
    text = json_dumps(reply, JSON_COMPACT);
    tr_send(handle, label, text);
    json_decref(reply);
}

static json_t *error_json(StoaHandle *handle, const GError *error)
{
    int number = stoa_module_number(stoa_handle_module(handle), error);

    return json_pack("{s:s, s:i, s:s}", "textroom", "error", "error_code", number, "error",
                     error->message);
}

static json_t *carry_out(StoaHandle *handle, json_t *body, GError **error)
{
    if (!check_string(body, "textroom", error) || !check_string(body, "transaction", error) ||
        !check_texts(body, error))
        return NULL;
    json_t *reply =
        stoa_handle_run(handle, json_string_value(json_object_get(body, "textroom")), body, error);
    if (reply)
        json_object_set_new(reply, "textroom", json_string("success"));
    return reply;
}

static bool wants_no_ack(const json_t *body)
{
    const char *verb = json_string_value(json_object_get(body, "textroom"));

    return g_str_equal(verb, "message") && json_is_false(json_object_get(body, "ack"));
}

void tr_data_received(StoaHandle *handle, const char *label, const void *buf, size_t len, bool text)
{
    TrHandle *state = stoa_handle_state(handle);
    g_autoptr(GError) error = NULL;

    if (!text) /* nobody speaks in bytes here; Janus lets them pass too */
        return;
    json_t *body = read_body(buf, len, &error);
    state->label = label;
    json_t *reply = body ? carry_out(handle, body, &error) : NULL;
    state->label = NULL;
    const json_t *transaction = json_object_get(body, "transaction");
    if (!reply)
        answer(handle, label, transaction, error_json(handle, error));
    else if (wants_no_ack(body))
        json_decref(reply);
    else
        answer(handle, label, transaction, reply);
    json_decref(body);
}
