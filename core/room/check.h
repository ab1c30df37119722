/* SPDX-License-Identifier: MIT */
/* Checks a JSON object against rows of StoaParam. Pure. Fuzzed by: test/fuzz/request.c */
#pragma once

#include <stoa/error.h>
#include <stoa/table.h>

#include <jansson.h>

typedef enum {
    STOA_CHECK_OK,
    STOA_CHECK_MISSING, /* a required field is not there */
    STOA_CHECK_WRONG,   /* of the wrong type, or out of range */
} StoaCheck;

/**
 * Check every field that has a row; fields without one are ignored, as old clients send what they like.
 *
 * Text is valid UTF-8 (jansson's reading sees to it), without U+0000 but for rows with STOA_ZEROES, and at most 64 KB unless its row says otherwise.
 * @sealed  the room's texts are sealed: a STOA_TEXT must be {"sealed": BASE64, "epoch": N}, otherwise a string
 * `error` names the field, by path ("streams[2].mid"), and what would fit. Thread: any.
 */
StoaCheck stoa_check(const json_t *object, const StoaParam *rows, bool sealed, GError **error);

/** Whether a value can be an id: an integer 1 to 2^53-1, or 1 to 64 characters of [A-Za-z0-9_-]. */
bool stoa_check_is_id(const json_t *value);

/** Whether a text can be a person's name: 1 to 64 characters, no control or bidi override characters. (SECURITY R21) */
bool stoa_check_name(const char *name, GError **error);
