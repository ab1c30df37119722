/* SPDX-License-Identifier: MIT */
/* Bytes of a client into a JSON object, within the limits of size and depth. Fuzzed by: test/fuzz/request.c */
#include "config.h"

#include "base/json-text.h"
#include "signaling/remains.h"
#include "signaling/signaling.h"
#include "signaling/wire-error.h"

#include <string.h>

/* The depth of the text, counted without recursion: brackets outside of strings. jansson's own limit is 2048. */
static int64_t depth_of(const char *buf, size_t len)
{
    int64_t depth = 0, most = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (buf[i] == '\\')
                i++;
            else if (buf[i] == '"')
                in_string = false;
        } else if (buf[i] == '"') {
            in_string = true;
        } else if (buf[i] == '{' || buf[i] == '[') {
            most = MAX(most, ++depth);
        } else if (buf[i] == '}' || buf[i] == ']') {
            depth--;
        }
    }
    return most;
}

/* All but the plugin's `body`, which its rows are compared with. */
static json_t *refuse_zeroes(const json_t *message)
{
    const json_t *transaction = json_object_get(message, "transaction");
    json_int_t session = json_integer_value(json_object_get(message, "session_id"));
    const json_t *value;
    const char *name;

    json_object_foreach((json_t *)message, name, value)
    {
        if (g_str_equal(name, "body") || !stoa_json_has_zero(value))
            continue;
        return stoa_wire_error(STOA_WIRE_BAD_JSON, session > 0 ? (uint64_t)session : 0,
                               stoa_json_has_zero(transaction) ? NULL
                                                               : json_string_value(transaction),
                               "\"%.64s\" holds the character U+0000: leave it out", name);
    }
    return NULL;
}

json_t *stoa_signaling_parse(int64_t message_bytes, int64_t json_depth, const char *buf, size_t len,
                             json_t **refusal)
{
    json_error_t why;

    if (message_bytes && (int64_t)len > message_bytes) {
        *refusal = stoa_wire_error(STOA_WIRE_LIMIT, 0, NULL,
                                   "the message has %zu bytes, the most is %" G_GINT64_FORMAT
                                   " (limits.message_bytes)",
                                   len, (gint64)message_bytes);
        return NULL;
    }
    if (json_depth && depth_of(buf, len) > json_depth) {
        *refusal = stoa_wire_error(STOA_WIRE_LIMIT, 0, NULL,
                                   "the JSON is nested deeper than %" G_GINT64_FORMAT
                                   " (limits.json_depth)",
                                   (gint64)json_depth);
        return NULL;
    }
    json_t *message = json_loadb(buf, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!message) {
        StoaRemains remains;
        stoa_remains_read(buf, len, &remains);
        *refusal = stoa_wire_error(STOA_WIRE_BAD_JSON, remains.session,
                                   *remains.transaction ? remains.transaction : NULL,
                                   "this is not JSON: line %d, column %d: %s", why.line, why.column,
                                   stoa_json_reason(&why));
        return NULL;
    }
    if (!json_is_object(message)) {
        *refusal =
            stoa_wire_error(STOA_WIRE_MISSING, 0, NULL,
                            "a request is one JSON object with \"janus\" and \"transaction\"");
        json_decref(message);
        return NULL;
    }
    *refusal = refuse_zeroes(message);
    if (*refusal)
        json_decref(message);
    return *refusal ? NULL : message;
}
