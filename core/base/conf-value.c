/* SPDX-License-Identifier: MIT */
/* One value of a conf file: whether it fits its row, its canonical form, and its place in the struct. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf-private.h"

const StoaOption stoa_conf_enabled_row = {
    .key = "enabled",
    .type = STOA_BOOL,
    .flags = STOA_LIVE,
    .fallback = "true",
    .help = "Whether this module is loaded",
};

/* -- what would fit -------------------------------------------------------------------------- */
static bool has_range(const StoaOption *row)
{
    return row->min != 0 || row->max != 0;
}

char *stoa_conf_value_wanted(const StoaOption *row)
{
    g_autofree char *choices = row->choices ? g_strjoinv(", ", (char **)row->choices) : NULL;
    char *form = stoa_conf_form_wanted(row, row->type == STOA_LIST);

    if (form)
        return form;
    switch (row->type) {
    case STOA_BOOL: return g_strdup("true or false");
    case STOA_INT:
        if (has_range(row))
            return g_strdup_printf("an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                                   row->min, row->max);
        return g_strdup("an integer");
    case STOA_ENUM: return g_strdup_printf("one of %s", choices ? choices : "(nothing)");
    case STOA_LIST:
        return choices ? g_strdup_printf("a list of %s", choices)
                       : g_strdup("a list, separated by ;");
    case STOA_ID: return g_strdup("an id of A-Z, a-z, 0-9, _ and -");
    case STOA_STRING:
        if (has_range(row))
            return g_strdup_printf("text of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " bytes",
                                   row->min, row->max);
        return g_strdup("text");
    case STOA_OBJECT:
    case STOA_ARRAY:
    case STOA_TEXT:
    case STOA_BYTES:
    case STOA_ANY: break;
    }
    return g_strdup("(a type that conf files do not know)");
}

static char *complain(const StoaOption *row, const char *text)
{
    g_autofree char *wanted = stoa_conf_value_wanted(row);
    bool may_slip = row->choices && row->form != STOA_FORM_URL;
    const char *near = may_slip ? stoa_conf_nearest(text, row->choices) : NULL;

    if (row->flags & STOA_SECRET)
        return g_strdup_printf("the value given is not %s", wanted);
    return g_strdup_printf("\"%s\" is not %s%s%s%s", text, wanted, near ? "; did you mean \"" : "",
                           near ? near : "", near ? "\"?" : "");
}

/* -- secrets --------------------------------------------------------------------------------- */
/* The content of file:PATH into `*secret`, or the complaint. */
static char *read_secret(const char *path, const char *dir, char **secret)
{
    g_autofree char *full = g_canonicalize_filename(path, NULL);
    g_autoptr(GError) error = NULL;
    struct stat info;

    if (!g_path_is_absolute(path)) {
        g_free(full);
        full = g_build_filename(dir, path, NULL);
    }
    if (stat(full, &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)))
        return g_strdup_printf("others can read the secret in %s: chmod 600 it", full);
    if (!g_file_get_contents(full, secret, NULL, &error))
        return g_strdup(error->message);
    (*secret)[strcspn(*secret, "\r\n")] = '\0';
    if (**secret == '\0' || !g_utf8_validate(*secret, -1, NULL)) {
        g_clear_pointer(secret, g_free);
        return g_strdup_printf("%s holds no text: put the secret on its first line", full);
    }
    return NULL;
}

/* -- checking, one type each: the canonical form, or NULL ------------------------------------- */
static char *check_bool(const char *text)
{
    if (g_ascii_strcasecmp(text, "true") == 0 || g_ascii_strcasecmp(text, "yes") == 0)
        return g_strdup("true");
    if (g_ascii_strcasecmp(text, "false") == 0 || g_ascii_strcasecmp(text, "no") == 0)
        return g_strdup("false");
    return NULL;
}

static char *check_int(const StoaOption *row, const char *text)
{
    int64_t low = has_range(row) ? row->min : INT64_MIN;
    int64_t high = has_range(row) ? row->max : INT64_MAX;
    gint64 number;

    if (!g_ascii_string_to_signed(text, 10, low, high, &number, NULL))
        return NULL;
    return g_strdup_printf("%" G_GINT64_FORMAT, number);
}

static bool is_choice(const StoaOption *row, const char *text)
{
    return row->choices && g_strv_contains(row->choices, text);
}

static char *check_enum(const StoaOption *row, const char *text)
{
    bool may_be_empty = !row->fallback || !*row->fallback;

    return is_choice(row, text) || (!*text && may_be_empty) ? g_strdup(text) : NULL;
}

static char *check_list(const StoaOption *row, const char *text)
{
    g_auto(GStrv) parts = stoa_conf_value_split(text);

    for (unsigned i = 0; parts[i]; i++) {
        bool fits = row->form || !row->choices ? stoa_conf_form_fits(row, parts[i])
                                               : is_choice(row, parts[i]);
        if (!fits)
            return NULL;
    }
    return g_strjoinv(";", parts);
}

static char *check_id(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!g_ascii_isalnum(*at) && *at != '_' && *at != '-')
            return NULL;
    return g_strdup(text);
}

static char *check_string(const StoaOption *row, const char *text)
{
    int64_t len = (int64_t)strlen(text);

    if (has_range(row) && (len > row->max || (len > 0 && len < row->min)))
        return NULL;
    return len == 0 || stoa_conf_form_fits(row, text) ? g_strdup(text) : NULL;
}

static char *check_type(const StoaOption *row, const char *text)
{
    switch (row->type) {
    case STOA_BOOL: return check_bool(text);
    case STOA_INT: return check_int(row, text);
    case STOA_ENUM: return check_enum(row, text);
    case STOA_LIST: return check_list(row, text);
    case STOA_ID: return check_id(text);
    case STOA_STRING: return check_string(row, text);
    case STOA_OBJECT:
    case STOA_ARRAY:
    case STOA_TEXT:
    case STOA_BYTES:
    case STOA_ANY: break;
    }
    return NULL;
}

char *stoa_conf_value_check(const StoaOption *row, const char *text, const char *dir,
                            char **canonical)
{
    g_autofree char *stripped = g_strstrip(g_strdup(text));
    char *complaint = NULL;

    *canonical = NULL;
    if ((row->flags & STOA_SECRET) && g_str_has_prefix(stripped, "file:")) {
        g_autofree char *path = g_strdup(stripped + strlen("file:"));
        g_clear_pointer(&stripped, g_free);
        complaint = read_secret(path, dir, &stripped);
        if (complaint)
            return complaint;
    }
    if ((row->flags & STOA_REQUIRED) && !*stripped)
        return g_strdup("must be set");
    *canonical = check_type(row, stripped);
    return *canonical ? NULL : complain(row, stripped);
}

/* -- storing --------------------------------------------------------------------------------- */
char **stoa_conf_value_split(const char *text)
{
    g_auto(GStrv) raw = g_strsplit_set(text, ";,", -1);
    GPtrArray *parts = g_ptr_array_new();

    for (unsigned i = 0; raw[i]; i++)
        if (*g_strstrip(raw[i]))
            g_ptr_array_add(parts, g_strdup(raw[i]));
    g_ptr_array_add(parts, NULL);
    return (char **)g_ptr_array_free(parts, FALSE);
}

static void store_text(StoaConfValues *values, const char *canonical, char **place)
{
    *place = *canonical ? g_strdup(canonical) : NULL;
    if (*place)
        g_ptr_array_add(values->blocks, *place);
}

void stoa_conf_value_store(StoaConfValues *values, const StoaOption *row, const char *canonical,
                           void *base)
{
    void *place = (char *)base + row->offset;

    switch (row->type) {
    case STOA_BOOL: *(bool *)place = canonical[0] == 't'; break;
    case STOA_INT: *(int64_t *)place = g_ascii_strtoll(canonical, NULL, 10); break;
    case STOA_LIST:
        *(char ***)place = stoa_conf_value_split(canonical);
        g_ptr_array_add(values->lists, *(char ***)place);
        break;
    case STOA_STRING:
    case STOA_ENUM:
    case STOA_ID: store_text(values, canonical, place); break;
    case STOA_OBJECT:
    case STOA_ARRAY:
    case STOA_TEXT:
    case STOA_BYTES:
    case STOA_ANY: break;
    }
}
