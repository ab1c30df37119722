/* SPDX-License-Identifier: MIT */
/* JSON for the eye, and how a check fails. */
#include "config.h"

#define STOA_BED_WITHOUT_PLACES /* here they are made */

#include "bed/private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka's own way to fail, when the test was built with it. */
extern void _fail(const char *file, int line) __attribute__((weak));

static const char *here_file = "bed";
static int here_line;

void stoa_bed_here(const char *file, int line)
{
    here_file = file;
    here_line = line;
}

void bed_fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    fprintf(stderr, "%s:%d: %s\n", here_file, here_line, text);
    if (_fail) {
        g_clear_pointer(&text, g_free); /* it jumps */
        _fail(here_file, here_line);
    }
    abort();
}

json_t *bed_json(const char *text)
{
    g_autofree char *plain = g_strdelimit(g_strdup(text ? text : "{}"), "'", '"');
    json_error_t error;
    json_t *value = json_loads(plain, JSON_DECODE_ANY, &error);

    if (!value)
        bed_fail("%s in %s", error.text, text);
    return value;
}

static bool fits_object(const json_t *value, const json_t *wanted)
{
    const char *key;
    json_t *part;

    json_object_foreach((json_t *)wanted, key, part)
    {
        if (!bed_fits(json_object_get(value, key), part))
            return false;
    }
    return json_is_object(value);
}

static bool fits_array(const json_t *value, const json_t *wanted)
{
    size_t i;
    json_t *part;

    json_array_foreach(wanted, i, part)
    {
        if (!bed_fits(json_array_get(value, i), part))
            return false;
    }
    return json_is_array(value) && json_array_size(value) == json_array_size(wanted);
}

bool bed_fits(const json_t *value, const json_t *wanted)
{
    if (!value || json_is_null(wanted))
        return !value && json_is_null(wanted);
    if (json_is_object(wanted))
        return fits_object(value, wanted);
    if (json_is_array(wanted))
        return fits_array(value, wanted);
    return json_equal(value, wanted);
}

void bed_check(const json_t *value, const char *wanted, const char *what)
{
    json_t *want = bed_json(wanted);

    if (!bed_fits(value, want)) {
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        bed_fail("%s\n  wanted: %s\n  got:    %s", what, wanted, text ? text : "nothing");
    }
    json_decref(want);
}
