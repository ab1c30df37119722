/* SPDX-License-Identifier: MIT */
/* Texts with holes, in the syntax of Mustache. */
#include "config.h"

#include "mail/template.h"

#include <stoa/error.h>

#include <string.h>

enum { MAX_DEPTH = 8 };

/* One tag: where it begins, where the text goes on, what it says. */
typedef struct {
    const char *begin, *end;
    char sort; /* '#', '^', '/' or 0: a name */
    char name[64];
} Tag;

/* The scopes around a place, the innermost last. */
typedef struct {
    const json_t *at[MAX_DEPTH + 1];
    unsigned n;
    bool html;
    GString *out;
} Scope;

/* The next tag from `text` on; false: there is none. A tag without an end has no name. */
static bool find_tag(const char *text, const char *limit, Tag *tag)
{
    const char *begin = g_strstr_len(text, limit - text, "{{");
    const char *end = begin ? g_strstr_len(begin, limit - begin, "}}") : NULL;

    if (!begin)
        return false;
    *tag = (Tag){ .begin = begin, .end = end ? end + 2 : limit };
    if (!end)
        return true;
    begin += 2;
    if (strchr("#^/", *begin))
        tag->sort = *begin++;
    g_autofree char *name = g_strndup(begin, (gsize)(end - begin));
    g_strlcpy(tag->name, g_strstrip(name), sizeof tag->name);
    return true;
}

/* The tag that closes a section: `text` is behind the one that opens it. */
static bool find_close(const char *text, const char *limit, const Tag *open, Tag *close)
{
    unsigned depth = 1;

    while (find_tag(text, limit, close)) {
        if (g_str_equal(close->name, open->name)) {
            depth += close->sort == '#' || close->sort == '^';
            depth -= close->sort == '/';
        }
        if (depth == 0)
            return true;
        text = close->end;
    }
    return false;
}

static bool check(const char *text, const char *limit, unsigned depth, GError **error)
{
    Tag tag, close;

    while (find_tag(text, limit, &tag)) {
        if (!*tag.name)
            return stoa_fail(error, STOA_ERROR_INVALID, "a tag \"%.12s\" has no name or no end",
                             tag.begin);
        if (tag.sort == '/')
            return stoa_fail(error, STOA_ERROR_INVALID, "{{/%s}} closes nothing", tag.name);
        if (tag.sort && depth == MAX_DEPTH)
            return stoa_fail(error, STOA_ERROR_INVALID, "{{%c%s}} is nested too deep", tag.sort,
                             tag.name);
        if (tag.sort && !find_close(tag.end, limit, &tag, &close))
            return stoa_fail(error, STOA_ERROR_INVALID, "{{%c%s}} is never closed by {{/%s}}",
                             tag.sort, tag.name, tag.name);
        if (tag.sort && !check(tag.end, close.begin, depth + 1, error))
            return false;
        text = tag.sort ? close.end : tag.end;
    }
    return true;
}

bool stoa_template_check(const char *text, GError **error)
{
    return check(text, text + strlen(text), 0, error);
}

static const json_t *look_up(const Scope *scope, const char *name)
{
    for (unsigned i = scope->n; i > 0; i--) {
        const json_t *value = json_object_get(scope->at[i - 1], name);
        if (value)
            return value;
    }
    return NULL;
}

static void put_value(const Scope *scope, const json_t *value)
{
    if (json_is_integer(value)) {
        g_string_append_printf(scope->out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_string(value) && scope->html) {
        g_autofree char *safe = g_markup_escape_text(json_string_value(value), -1);
        g_string_append(scope->out, safe);
    } else if (json_is_string(value)) {
        g_string_append(scope->out, json_string_value(value));
    }
}

static bool is_there(const json_t *value)
{
    if (json_is_string(value))
        return *json_string_value(value) != '\0';
    if (json_is_integer(value))
        return json_integer_value(value) != 0;
    if (json_is_array(value))
        return json_array_size(value) > 0;
    return json_is_true(value) || json_is_object(value);
}

static void fill(Scope *scope, const char *text, const char *limit);

static void fill_within(Scope *scope, const json_t *inner, const char *text, const char *limit)
{
    scope->at[scope->n++] = inner;
    fill(scope, text, limit);
    scope->n--;
}

static void fill_section(Scope *scope, const Tag *open, const Tag *close)
{
    const json_t *value = look_up(scope, open->name);
    const json_t *item;
    size_t i;

    if (open->sort == '^') {
        if (!is_there(value))
            fill(scope, open->end, close->begin);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item) fill_within(scope, item, open->end, close->begin);
    } else if (is_there(value)) {
        fill_within(scope, value, open->end, close->begin);
    }
}

static void fill(Scope *scope, const char *text, const char *limit)
{
    Tag tag, close;

    while (find_tag(text, limit, &tag)) {
        g_string_append_len(scope->out, text, tag.begin - text);
        text = tag.end;
        if (!tag.sort) {
            put_value(scope, look_up(scope, tag.name));
        } else if (find_close(tag.end, limit, &tag, &close)) {
            fill_section(scope, &tag, &close);
            text = close.end;
        }
    }
    g_string_append_len(scope->out, text, limit - text);
}

char *stoa_template_fill(const char *text, const json_t *data, bool html)
{
    Scope scope = { .at = { data }, .n = 1, .html = html, .out = g_string_new(NULL) };

    fill(&scope, text, text + strlen(text));
    return g_string_free(scope.out, FALSE);
}
