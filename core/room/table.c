/* SPDX-License-Identifier: MIT */
/* Brings a module's declared tables to the row sizes of today. What an older build did not know of is zero. */
#include "config.h"

#include "room/table.h"

#include <string.h>

/* Rows of `theirs` bytes, the last of which begins with a NULL pointer → rows of `ours` bytes. */
static const void *widen(const void *rows, size_t theirs, size_t ours, GPtrArray *copies)
{
    size_t n = 0;

    if (!rows || theirs == ours || theirs == 0)
        return rows;
    while (*(const void *const *)((const char *)rows + n * theirs))
        n++;
    char *copy = g_malloc0_n(n + 1, ours);
    for (size_t i = 0; i < n; i++)
        memcpy(copy + i * ours, (const char *)rows + i * theirs, MIN(theirs, ours));
    g_ptr_array_add(copies, copy);
    return copy;
}

static const StoaParam *widen_params(const StoaParam *rows, size_t theirs, GPtrArray *copies)
{
    StoaParam *wide = (StoaParam *)widen(rows, theirs, sizeof(StoaParam), copies);

    if (wide == rows)
        return rows;
    for (StoaParam *row = wide; row->name; row++)
        row->fields = widen_params(row->fields, theirs, copies);
    return wide;
}

/* Methods hold pointers to rows of params: they are copied whenever params are. */
static const StoaMethod *widen_methods(const StoaPlugin *plugin, const StoaMethod *methods,
                                       GPtrArray *copies)
{
    const StoaMethod *rows = widen(methods, plugin->method_size, sizeof(StoaMethod), copies);

    if (rows && plugin->param_size != sizeof(StoaParam)) {
        size_t n = 0;
        while (rows[n].name)
            n++;
        StoaMethod *copy = g_memdup2(rows, (n + 1) * sizeof *copy);
        g_ptr_array_add(copies, copy);
        for (size_t i = 0; i < n; i++)
            copy[i].params = widen_params(copy[i].params, plugin->param_size, copies);
        rows = copy;
    }
    return rows;
}

void stoa_table_normalise(StoaPlugin *plugin, GPtrArray *copies)
{
    plugin->methods = widen_methods(plugin, plugin->methods, copies);
    plugin->data_methods = widen_methods(plugin, plugin->data_methods, copies);
    plugin->metrics = widen(plugin->metrics, plugin->metric_size, sizeof(StoaMetric), copies);
    plugin->numbers = widen(plugin->numbers, plugin->number_size, sizeof(StoaNumber), copies);
    plugin->routes = widen(plugin->routes, plugin->route_size, sizeof(StoaRoute), copies);
    plugin->param_size = sizeof(StoaParam);
    plugin->method_size = sizeof(StoaMethod);
    plugin->metric_size = sizeof(StoaMetric);
    plugin->number_size = sizeof(StoaNumber);
}
