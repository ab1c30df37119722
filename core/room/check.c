/* SPDX-License-Identifier: MIT */
/* Checks a JSON object against rows of StoaParam. */
#include "config.h"

#include "base/json-text.h"
#include "room/check.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_TEXT = 65536, MAX_ITEMS = 1024, MAX_ID = 64, MAX_NAME = 64, MAX_OVERHEAD = 256 };
#define MAX_EXACT ((json_int_t)1 << 53)

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    default: return "null";
    }
}

static StoaCheck wrong(GError **error, const char *path, const char *fit, const json_t *value)
{
    stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" must be %s, not %s", path, fit, type_name(value));
    return STOA_CHECK_WRONG;
}

bool stoa_check_is_id(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value) > 0 && json_integer_value(value) < MAX_EXACT;
    if (!json_is_string(value))
        return false;
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    return len > 0 && len <= MAX_ID &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* Characters that change how the text around them is shown. */
static bool is_hostile(gunichar c)
{
    return g_unichar_iscntrl(c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200e || c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029;
}

bool stoa_check_name(const char *name, GError **error)
{
    glong n = g_utf8_strlen(name, -1);

    if (n < 1 || n > MAX_NAME)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "a name has 1 to %d characters; this one has %ld", MAX_NAME, n);
    for (const char *at = name; *at; at = g_utf8_next_char(at)) {
        if (is_hostile(g_utf8_get_char(at)))
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "a name may hold no control or text-direction characters");
    }
    return true;
}

static StoaCheck check_int(const json_t *value, const StoaParam *row, const char *path,
                           GError **error)
{
    if (!json_is_integer(value))
        return wrong(error, path, "an integer", value);
    json_int_t n = json_integer_value(value);
    if ((row->min || row->max) && (n < row->min || n > row->max)) {
        stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" must be %" PRId64 " to %" PRId64 ", not %lld",
                  path, row->min, row->max, (long long)n);
        return STOA_CHECK_WRONG;
    }
    return STOA_CHECK_OK;
}

static StoaCheck check_string(const json_t *value, const StoaParam *row, const char *path,
                              GError **error)
{
    if (!json_is_string(value))
        return wrong(error, path, "a string", value);
    int64_t len = (int64_t)json_string_length(value);
    int64_t max = row->min || row->max ? row->max : MAX_TEXT;
    if (len < row->min || len > max) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"%s\" must have %" PRId64 " to %" PRId64 " bytes, not %" PRId64, path, row->min,
                  max, len);
        return STOA_CHECK_WRONG;
    }
    return STOA_CHECK_OK;
}

static StoaCheck check_enum(const json_t *value, const StoaParam *row, const char *path,
                            GError **error)
{
    if (!json_is_string(value))
        return wrong(error, path, "a string", value);
    for (const char *const *choice = row->choices; choice && *choice; choice++) {
        if (g_str_equal(*choice, json_string_value(value)))
            return STOA_CHECK_OK;
    }
    g_autofree char *fit = g_strjoinv(", ", (char **)row->choices);
    stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" must be one of: %s", path, fit);
    return STOA_CHECK_WRONG;
}

/* -- what people write ------------------------------------------------------------------------ */

/* How many bytes a base64 text stands for; -1: it is none. (RFC 4648, 4) */
static int64_t base64_bytes(const char *text, size_t len)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t padding = len - n;

    if (len % 4 != 0 || padding > 2 || strspn(text + n, "=") != padding)
        return -1;
    return (int64_t)(len / 4 * 3 - padding);
}

static StoaCheck check_bytes(const json_t *value, const StoaParam *row, const char *path,
                             GError **error)
{
    if (!json_is_string(value))
        return wrong(error, path, "base64 text", value);
    int64_t len = base64_bytes(json_string_value(value), json_string_length(value));
    int64_t max = row->min || row->max ? row->max : MAX_TEXT;
    if (len >= row->min && len <= max)
        return STOA_CHECK_OK;
    if (len < 0)
        stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" must be base64, with padding", path);
    else
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"%s\" must stand for %" PRId64 " to %" PRId64 " bytes, not %" PRId64, path,
                  row->min, max, len);
    return STOA_CHECK_WRONG;
}

static bool is_blank(const char *text)
{
    while (*text && g_unichar_isspace(g_utf8_get_char(text)))
        text = g_utf8_next_char(text);
    return *text == '\0';
}

static StoaCheck check_plain_text(const json_t *value, const StoaParam *row, const char *path,
                                  GError **error)
{
    if (!json_is_string(value))
        return wrong(error, path, "a string", value);
    const char *text = json_string_value(value);
    int64_t max = row->min || row->max ? row->max : MAX_TEXT;
    glong n = g_utf8_strlen(text, -1);
    if (n >= row->min && n <= max && (row->min == 0 || !is_blank(text)))
        return STOA_CHECK_OK;
    if (n >= row->min && n <= max)
        stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" is blank: write something", path);
    else
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"%s\" must have %" PRId64 " to %" PRId64 " characters, not %ld", path, row->min,
                  max, n);
    return STOA_CHECK_WRONG;
}

/* Nothing beside the two members, that no text lies there in the open; room for a cipher's overhead. */
static StoaCheck check_sealed_text(const json_t *value, const StoaParam *row, const char *path,
                                   GError **error)
{
    const json_t *epoch = json_object_get(value, "epoch");
    g_autofree char *inner = g_strdup_printf("%s.sealed", path);
    StoaParam box = { .min = 1, .max = 4 * (row->max ? row->max : MAX_TEXT / 4) + MAX_OVERHEAD };

    if (json_is_integer(epoch) && json_integer_value(epoch) >= 0 && json_object_size(value) == 2 &&
        json_object_get(value, "sealed"))
        return check_bytes(json_object_get(value, "sealed"), &box, inner, error);
    stoa_fail(
        error, STOA_ERROR_INVALID,
        "\"%s\" must be {\"sealed\": base64, \"epoch\": number} and nothing else, for this room "
        "is encrypted from end to end",
        path);
    return STOA_CHECK_WRONG;
}

/* -- objects and arrays -------------------------------------------------------------------------- */

static StoaCheck check_rows(const json_t *object, const StoaParam *rows, const char *at,
                            bool sealed, GError **error);
static StoaCheck check_value(const json_t *value, const StoaParam *row, const char *path,
                             bool sealed, GError **error);

static StoaCheck check_object(const json_t *value, const StoaParam *row, const char *path,
                              bool sealed, GError **error)
{
    if (!json_is_object(value))
        return wrong(error, path, "an object", value);
    return row->fields ? check_rows(value, row->fields, path, sealed, error) : STOA_CHECK_OK;
}

static StoaCheck check_item(const json_t *item, const StoaParam *row, const char *path, bool sealed,
                            GError **error)
{
    bool number = row->items == STOA_INT;
    StoaParam plain = { .type = row->items,
                        .min = row->item_max && !number ? 1 : 0,
                        .max = row->item_max };

    if (row->fields)
        return check_object(item, row, path, sealed, error);
    return row->items ? check_value(item, &plain, path, sealed, error) : STOA_CHECK_OK;
}

static StoaCheck check_array(const json_t *value, const StoaParam *row, const char *path,
                             bool sealed, GError **error)
{
    if (!json_is_array(value))
        return wrong(error, path, "an array", value);
    int64_t n = (int64_t)json_array_size(value);
    int64_t max = row->min || row->max ? row->max : MAX_ITEMS;
    if (n < row->min || n > max) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "\"%s\" must have %" PRId64 " to %" PRId64 " items, not %" PRId64, path, row->min,
                  max, n);
        return STOA_CHECK_WRONG;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        g_autofree char *item_path = g_strdup_printf("%s[%zu]", path, i);
        StoaCheck verdict = check_item(json_array_get(value, i), row, item_path, sealed, error);
        if (verdict != STOA_CHECK_OK)
            return verdict;
    }
    return STOA_CHECK_OK;
}

static StoaCheck check_value(const json_t *value, const StoaParam *row, const char *path,
                             bool sealed, GError **error)
{
    switch (row->type) {
    case STOA_BOOL:
        return json_is_boolean(value) ? STOA_CHECK_OK : wrong(error, path, "a boolean", value);
    case STOA_INT: return check_int(value, row, path, error);
    case STOA_LIST:
    case STOA_STRING: return check_string(value, row, path, error);
    case STOA_ENUM: return check_enum(value, row, path, error);
    case STOA_OBJECT: return check_object(value, row, path, sealed, error);
    case STOA_ARRAY: return check_array(value, row, path, sealed, error);
    case STOA_ID:
        return stoa_check_is_id(value)
                   ? STOA_CHECK_OK
                   : wrong(error, path,
                           "an id: a positive integer below 2^53, or 1 to 64 of A-Z a-z 0-9 _ -",
                           value);
    case STOA_BYTES: return check_bytes(value, row, path, error);
    case STOA_TEXT:
        return sealed ? check_sealed_text(value, row, path, error)
                      : check_plain_text(value, row, path, error);
    case STOA_ANY:
    default: return STOA_CHECK_OK;
    }
}

static StoaCheck check_zeroes(const json_t *value, const StoaParam *row, const char *path,
                              GError **error)
{
    if ((row->flags & STOA_ZEROES) || !stoa_json_has_zero(value))
        return STOA_CHECK_OK;
    stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" holds the character U+0000: leave it out", path);
    return STOA_CHECK_WRONG;
}

static StoaCheck check_rows(const json_t *object, const StoaParam *rows, const char *at,
                            bool sealed, GError **error)
{
    for (const StoaParam *row = rows; row->name; row++) {
        const json_t *value = json_object_get(object, row->name);
        g_autofree char *path = at ? g_strdup_printf("%s.%s", at, row->name) : g_strdup(row->name);

        if (json_is_null(value) && (row->flags & STOA_NULLABLE))
            value = NULL;
        if (!value && (row->flags & STOA_REQUIRED)) {
            stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" is missing%s%s", path,
                      row->help ? ": " : "", row->help ? row->help : "");
            return STOA_CHECK_MISSING;
        }
        if (!value)
            continue;
        StoaCheck verdict = check_zeroes(value, row, path, error);
        if (verdict == STOA_CHECK_OK)
            verdict = check_value(value, row, path, sealed, error);
        if (verdict != STOA_CHECK_OK)
            return verdict;
    }
    return STOA_CHECK_OK;
}

StoaCheck stoa_check(const json_t *object, const StoaParam *rows, bool sealed, GError **error)
{
    return rows ? check_rows(object, rows, NULL, sealed, error) : STOA_CHECK_OK;
}
