/* SPDX-License-Identifier: MIT */
/* Texts with holes, in the syntax of Mustache: {{name}}, {{#list}}…{{/list}}, {{^absent}}…{{/absent}}. Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/** Whether every section is closed by its own name and no tag is cut short. `error` names the tag. Thread: any. */
bool stoa_template_check(const char *text, GError **error);

/**
 * Fill the holes.
 *
 * A name is looked up in the innermost section's object first, then further out; strings and numbers are printed, all else is
 * nothing. A section is there once for each item of an array, once for any other value but false, null, "" and 0.
 *
 * @text  has passed stoa_template_check()
 * @html  escape what is put in, so that it is text and never markup
 *
 * Returns new text, free with g_free(). Thread: any.
 */
char *stoa_template_fill(const char *text, const json_t *data, bool html);
