/* SPDX-License-Identifier: MIT */
/* The reference of a module, printed from its tables. */
#include "config.h"

#include "host/describe.h"

#include <inttypes.h>

static const char *type_name(StoaType type)
{
    static const char *const names[] = {
        [STOA_BOOL] = "boolean", [STOA_INT] = "integer",   [STOA_STRING] = "string",
        [STOA_ENUM] = "one of",  [STOA_OBJECT] = "object", [STOA_ARRAY] = "array",
        [STOA_ANY] = "any",      [STOA_ID] = "id",         [STOA_LIST] = "list",
        [STOA_TEXT] = "text",    [STOA_BYTES] = "base64"
    };

    return (size_t)type < G_N_ELEMENTS(names) && names[type] ? names[type] : "value";
}

static void put_choices(GString *out, const char *const *choices)
{
    for (const char *const *at = choices; at && *at; at++)
        g_string_append_printf(out, "%s`%s`", at == choices ? " " : " | ", *at);
}

static void put_range(GString *out, int64_t min, int64_t max)
{
    if (min || max)
        g_string_append_printf(out, ", %" PRId64 " to %" PRId64, min, max);
}

static void put_params(GString *out, const StoaParam *rows, int depth)
{
    for (const StoaParam *row = rows; row && row->name; row++) {
        g_string_append_printf(out, "%*s- `%s`: %s", depth * 2, "", row->name,
                               type_name(row->type));
        put_choices(out, row->choices);
        put_range(out, row->min, row->max);
        if (row->type == STOA_ARRAY && (row->fields || row->items))
            g_string_append_printf(out, " of %ss", row->fields ? "object" : type_name(row->items));
        g_string_append(out, row->flags & STOA_REQUIRED ? ", required" : "");
        g_string_append_printf(out, "%s%s\n", row->help ? ". " : "", row->help ? row->help : "");
        put_params(out, row->fields, depth + 1);
    }
}

static void put_methods(GString *out, const StoaMethod *rows)
{
    static const char *const roles[] = { "anyone", "participant", "cohost", "host" };

    if (rows)
        g_string_append(out, "\n## Requests\n");
    for (const StoaMethod *row = rows; row && row->name; row++) {
        g_string_append_printf(out, "\n### %s\n%s%s(%s, by %s)\n",
                               *row->name ? row->name : "(without a name)",
                               row->help ? row->help : "", row->help ? " " : "",
                               row->sync ? "synchronous" : "asynchronous", roles[row->role]);
        put_params(out, row->params, 0);
    }
}

static void put_options(GString *out, const StoaOption *rows)
{
    for (const StoaOption *row = rows; row && row->key; row++) {
        g_string_append_printf(out, "- `%s`: %s", row->key, type_name(row->type));
        put_choices(out, row->choices);
        put_range(out, row->min, row->max);
        if (row->fallback && *row->fallback)
            g_string_append_printf(out, ", default `%s`", row->fallback);
        g_string_append(out, row->flags & STOA_LIVE ? ", live" : "");
        g_string_append_printf(out, "%s%s\n", row->help ? ". " : "", row->help ? row->help : "");
    }
}

static void put_groups(GString *out, const StoaGroup *rows)
{
    for (const StoaGroup *row = rows; row && row->prefix; row++) {
        g_string_append_printf(out, "\n### [%sID]\n%s\n", row->prefix, row->help ? row->help : "");
        put_options(out, row->options);
    }
}

static void put_head(GString *out, const char *name, const char *version, const char *summary)
{
    g_string_append_printf(out, "# %s %s\n%s\n", name, version, summary ? summary : "");
    g_string_append_printf(out, "\n## Conf: %s.conf\n- `enabled`: boolean, default `true`\n", name);
}

char *stoa_describe_plugin(const StoaPlugin *plugin)
{
    GString *out = g_string_new(NULL);

    put_head(out, plugin->name, plugin->version, plugin->summary);
    put_options(out, plugin->options);
    put_groups(out, plugin->groups);
    put_methods(out, plugin->methods);
    if (plugin->numbers)
        g_string_append(out, "\n## Refusals\n");
    for (const StoaNumber *row = plugin->numbers; row && row->reason; row++)
        g_string_append_printf(out, "- %d `%s`\n", row->number, row->reason);
    if (plugin->metrics)
        g_string_append(out, "\n## Metrics\n");
    for (const StoaMetric *row = plugin->metrics; row && row->name; row++)
        g_string_append_printf(out, "- `stoa_%s_%s`: %s\n", plugin->name, row->name, row->help);
    return g_string_free(out, FALSE);
}

char *stoa_describe_transport(const StoaTransport *transport)
{
    GString *out = g_string_new(NULL);

    put_head(out, transport->name, transport->version, transport->summary);
    put_options(out, transport->options);
    return g_string_free(out, FALSE);
}
