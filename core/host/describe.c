/* SPDX-License-Identifier: MIT */
/* The reference of a module, printed from its tables. */
#include "config.h"

#include "host/describe.h"

#include "base/conf.h"
#include "room/request.h"
#include "room/table.h"

#include <inttypes.h>
#include <string.h>

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

static void put_range(GString *out, StoaType type, int64_t min, int64_t max)
{
    const char *unit = type == STOA_STRING  ? " bytes"
                       : type == STOA_TEXT  ? " characters"
                       : type == STOA_ARRAY ? " items"
                                            : "";

    if (min || max)
        g_string_append_printf(out, ", %" PRId64 " to %" PRId64 "%s", min, max, unit);
}

static void put_help(GString *out, const char *help)
{
    g_string_append_printf(out, "%s%s\n", help ? ": " : "", help ? help : "");
}

/* Row `i` of a table that was built with rows of another size; what it lacks is zero. False: the row that ends it. */
static bool row_at(const void *rows, size_t i, size_t theirs, void *row, size_t ours)
{
    const char *at = rows ? (const char *)rows + i * (theirs ? theirs : ours) : NULL;

    if (!at || !*(const void *const *)at)
        return false;
    memset(row, 0, ours);
    memcpy(row, at, theirs ? MIN(theirs, ours) : ours);
    return true;
}

static void put_params(GString *out, const StoaParam *rows, int depth)
{
    for (const StoaParam *row = rows; row && row->name; row++) {
        g_string_append_printf(out, "%*s- `%s`: %s", depth * 2, "", row->name,
                               type_name(row->type));
        put_choices(out, row->choices);
        if (row->type == STOA_ARRAY && (row->fields || row->items))
            g_string_append_printf(out, " of %ss", row->fields ? "object" : type_name(row->items));
        put_range(out, row->type, row->min, row->max);
        g_string_append(out, row->flags & STOA_REQUIRED ? ", required" : "");
        g_string_append(out, row->flags & STOA_NULLABLE ? ", null counts as absent" : "");
        put_help(out, row->help);
        put_params(out, row->fields, depth + 1);
    }
}

static void put_methods(GString *out, const StoaMethod *rows)
{
    static const char *const roles[] = { "anyone", "participant", "cohost", "host" };

    for (const StoaMethod *row = rows; row && row->name; row++) {
        bool known = (size_t)row->role < G_N_ELEMENTS(roles);

        g_string_append_printf(
            out, "\n### %s\n%s%s(%s; %s)\n", *row->name ? row->name : "(without a name)",
            row->help ? row->help : "", row->help ? " " : "",
            row->sync ? "synchronous" : "asynchronous", known ? roles[row->role] : "nobody");
        put_params(out, row->params, 0);
    }
}

static void put_requests(GString *out, const StoaPlugin *plugin)
{
    const StoaMethod *builtin = stoa_request_builtin(plugin);

    if (plugin->methods || builtin)
        g_string_append(out, "\n## Requests\n");
    put_methods(out, plugin->methods);
    if (builtin)
        g_string_append(out, "\nOf every plugin that serves rooms:\n");
    put_methods(out, builtin);
    if (plugin->data_methods)
        g_string_append(out, "\n## Requests on a data channel\n");
    put_methods(out, plugin->data_methods);
}

static void put_option(GString *out, const StoaOption *row)
{
    g_autofree char *wanted = row->form ? stoa_conf_value_wanted(row) : NULL;

    g_string_append_printf(out, "- `%s`: %s", row->key, wanted ? wanted : type_name(row->type));
    put_choices(out, wanted ? NULL : row->choices);
    put_range(out, row->type, row->min, row->max);
    if (row->fallback && *row->fallback)
        g_string_append_printf(out, ", default `%s`", row->fallback);
    g_string_append(out, row->flags & STOA_REQUIRED ? ", required" : "");
    g_string_append(out, row->flags & STOA_SECRET ? ", secret (also as file:PATH)" : "");
    g_string_append(out, row->flags & STOA_LIVE ? ", applies on reload" : "");
    put_help(out, row->help);
}

static void put_options(GString *out, const StoaOption *rows, size_t size)
{
    StoaOption row;

    for (size_t i = 0; row_at(rows, i, size, &row, sizeof row); i++)
        put_option(out, &row);
}

static void put_groups(GString *out, const StoaPlugin *plugin)
{
    StoaGroup row;

    for (size_t i = 0; row_at(plugin->groups, i, plugin->group_size, &row, sizeof row); i++) {
        g_string_append_printf(out, "\n### [%sID]\n%s\n", row.prefix, row.help ? row.help : "");
        put_options(out, row.options, plugin->option_size);
    }
}

static void put_numbers(GString *out, const StoaNumber *rows)
{
    if (rows)
        g_string_append(out, "\n## Refusals\n");
    for (const StoaNumber *row = rows; row && row->reason; row++)
        g_string_append_printf(out, "- %d `%s`\n", row->number, row->reason);
}

static void put_routes(GString *out, const StoaRoute *rows)
{
    if (rows)
        g_string_append(out, "\n## Routes\n");
    for (const StoaRoute *row = rows; row && row->method; row++) {
        g_string_append_printf(out, "- `%s %s`", row->method, row->path);
        if (row->accepts)
            g_string_append_printf(out, ", takes `%s`", row->accepts);
        if (row->body_max > 0)
            g_string_append_printf(out, ", up to %zu bytes", row->body_max);
        put_help(out, row->help);
    }
}

static void put_metrics(GString *out, const char *name, const StoaMetric *rows)
{
    if (rows)
        g_string_append(out, "\n## Metrics\n");
    for (const StoaMetric *row = rows; row && row->name; row++) {
        g_string_append_printf(out, "- `stoa_%s_%s`", name, row->name);
        put_help(out, row->help);
    }
}

static void put_head(GString *out, const char *name, const char *version, const char *summary)
{
    g_string_append_printf(out, "# %s %s\n%s\n", name, version ? version : "",
                           summary ? summary : "");
}

static void put_conf(GString *out, const char *name)
{
    g_string_append_printf(out,
                           "\n## Conf: %s.conf\n- `enabled`: boolean, default `true`, applies on "
                           "reload: whether the module is loaded\n",
                           name);
}

char *stoa_describe_plugin(const StoaPlugin *theirs, bool has_conf)
{
    g_autoptr(GPtrArray) copies = g_ptr_array_new_with_free_func(g_free);
    GString *out = g_string_new(NULL);
    StoaPlugin plugin = { 0 };

    memcpy(&plugin, theirs, MIN((size_t)theirs->struct_size, sizeof plugin));
    stoa_table_normalise(&plugin, copies);
    put_head(out, plugin.name, plugin.version, plugin.summary);
    g_string_append_printf(out, "\nClients attach to it as `stoa.plugin.%s`.\n", plugin.name);
    if (has_conf)
        put_conf(out, plugin.name);
    put_options(out, plugin.options, plugin.option_size);
    put_groups(out, &plugin);
    put_requests(out, &plugin);
    put_routes(out, plugin.routes);
    put_numbers(out, plugin.numbers);
    put_metrics(out, plugin.name, plugin.metrics);
    return g_string_free(out, FALSE);
}

char *stoa_describe_transport(const StoaTransport *transport)
{
    GString *out = g_string_new(NULL);

    put_head(out, transport->name, transport->version, transport->summary);
    put_conf(out, transport->name);
    put_options(out, transport->options, transport->option_size);
    return g_string_free(out, FALSE);
}
