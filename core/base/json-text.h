/* SPDX-License-Identifier: MIT */
/* What is wrong with a JSON text, in words for who sent it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/** Why a text is no JSON. Borrowed from `why`, or static. */
const char *stoa_json_reason(const json_error_t *why);
/** Whether a value holds a text with U+0000, at any depth: C ends it there, and what is behind would pass unseen. */
bool stoa_json_has_zero(const json_t *value);
