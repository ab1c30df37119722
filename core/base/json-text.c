/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/json-text.h"

#include <string.h>

const char *stoa_json_reason(const json_error_t *why)
{
    if (json_error_code(why) == json_error_null_byte_in_key)
        return "the name of a member holds the character U+0000";
    if (strstr(why->text, "invalid Unicode"))
        return "\\ud800 to \\udfff come in pairs: half of one is no character";
    return why->text;
}

bool stoa_json_has_zero(const json_t *value)
{
    const json_t *item;
    const char *name;
    size_t i;

    if (json_is_string(value))
        return strlen(json_string_value(value)) != json_string_length(value);
    json_array_foreach(value, i, item)
    {
        if (stoa_json_has_zero(item))
            return true;
    }
    json_object_foreach((json_t *)value, name, item)
    {
        if (stoa_json_has_zero(item))
            return true;
    }
    return false;
}
