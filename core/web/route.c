/* SPDX-License-Identifier: MIT */
/* From a method and a path to the row that serves it. Pure. */
#include "config.h"

#include "web/web-private.h"

#include <string.h>

#define PREFIX   "/api/v1"
#define ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
enum { MAX_ARG = 64, MAX_PARTS = 8 };

static bool is_id(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= MAX_ARG && strspn(text, ID_CHARS) == len;
}

/* "/rooms/:room" and ["rooms", "x"]: fits? Fills `args` only then. */
static bool fits(const char *pattern, char *const *parts, GHashTable *args)
{
    g_auto(GStrv) wanted = g_strsplit(pattern + 1, "/", MAX_PARTS);

    if (g_strv_length(wanted) != g_strv_length((char **)parts))
        return false;
    for (size_t i = 0; wanted[i]; i++) {
        if (wanted[i][0] == ':' ? !is_id(parts[i]) : strcmp(wanted[i], parts[i]) != 0)
            return false;
    }
    for (size_t i = 0; wanted[i]; i++) {
        if (wanted[i][0] == ':')
            g_hash_table_replace(args, g_strdup(wanted[i] + 1), g_strdup(parts[i]));
    }
    return true;
}

void stoa_web_route_note(GString *allow, const char *method)
{
    if (!strstr(allow->str, method))
        g_string_append_printf(allow, "%s%s%s", allow->len ? ", " : "", method,
                               strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

bool stoa_web_route_fits(const char *pattern, const char *path, GHashTable *args)
{
    g_auto(GStrv) parts = g_strsplit(path + 1, "/", MAX_PARTS);
    guint n = g_strv_length(parts);

    if (n > 1 && parts[n - 1][0] == '\0' && !g_str_has_suffix(pattern, "/"))
        g_clear_pointer(&parts[n - 1], g_free);
    return fits(pattern, parts, args);
}

bool stoa_web_route_is_api(const char *path)
{
    return g_str_has_prefix(path, PREFIX) && strchr("/", path[strlen(PREFIX)]);
}

const StoaWebRoute *stoa_web_route_find(const GPtrArray *tables, const char *method,
                                        const char *path, GHashTable *args, char **allow)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    GString *others = g_string_new(NULL);
    g_auto(GStrv) parts = NULL;

    if (g_str_has_prefix(path, PREFIX "/"))
        parts = g_strsplit(path + strlen(PREFIX "/"), "/", MAX_PARTS);
    for (guint i = 0; parts && i < tables->len; i++) {
        for (const StoaWebRoute *row = tables->pdata[i]; row->method; row++) {
            if (!fits(row->path, parts, args))
                continue;
            if (strcmp(row->method, wanted) == 0) {
                g_string_free(others, TRUE);
                return row;
            }
            stoa_web_route_note(others, row->method);
        }
    }
    *allow = g_string_free(others, others->len == 0);
    return NULL;
}
