/* SPDX-License-Identifier: MIT */
/* Pouring a conf file into a struct by its table, the first time and on a reload. */
#include <string.h>

#include "base/conf-private.h"

#define LOG_AREA "conf"
#include "base/log.h"

/* One pour. */
typedef struct {
    StoaConf *conf;
    const StoaConfTable *table;
    GKeyFile *keys; /* empty when there is no such file */
    StoaConfValues *values;
    const StoaConfValues *old; /* NULL the first time */
    GPtrArray *live, *restart; /* of char * */
} Fill;

/* -- the tables ------------------------------------------------------------------------------ */
/* A module built for an older SDK has shorter rows: what they lack is zero. */
static void read_row(const void *rows, unsigned i, size_t row_size, void *out, size_t out_size)
{
    size_t stride = row_size ? row_size : out_size;

    memset(out, 0, out_size);
    memcpy(out, (const char *)rows + i * stride, MIN(stride, out_size));
}

bool stoa_conf_key_at(const StoaConfTable *table, const StoaOption *rows, unsigned i,
                      const char *section, ConfKey *key)
{
    const char *dot;

    if (!rows)
        return false;
    read_row(rows, i, table->option_size, &key->row, sizeof key->row);
    if (!key->row.key)
        return false;
    dot = section ? NULL : strchr(key->row.key, '.');
    key->name = dot ? dot + 1 : key->row.key;
    if (dot)
        g_snprintf(key->section, sizeof key->section, "%.*s", (int)(dot - key->row.key),
                   key->row.key);
    else
        g_strlcpy(key->section, section ? section : "module", sizeof key->section);
    return true;
}

bool stoa_conf_group(const StoaConfTable *table, unsigned i, StoaGroup *group)
{
    if (!table->groups)
        return false;
    read_row(table->groups, i, table->group_size, group, sizeof *group);
    return group->prefix != NULL;
}

static bool find_group(const StoaConfTable *table, const char *section, StoaGroup *group)
{
    for (unsigned i = 0; stoa_conf_group(table, i, group); i++)
        if (g_str_has_prefix(section, group->prefix) && section[strlen(group->prefix)])
            return true;
    return false;
}

/* -- nearest names --------------------------------------------------------------------------- */
/* Damerau's distance, of neighbours that changed places too; no case. `n` is small: names of keys. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), width = m + 1;
    g_autofree unsigned *d = g_new(unsigned, (n + 1) * width);

    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i * width + j] = (unsigned)(i + j);
                continue;
            }
            char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
            unsigned best = d[(i - 1) * width + j - 1] + (x != y);
            best = MIN(best, d[(i - 1) * width + j] + 1);
            best = MIN(best, d[i * width + j - 1] + 1);
            if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
                best = MIN(best, d[(i - 2) * width + j - 2] + 1);
            d[i * width + j] = best;
        }
    return d[n * width + m];
}

const char *stoa_conf_nearest(const char *name, const char *const *known)
{
    unsigned best = (unsigned)MAX(2, MIN(strlen(name), 64) / 2) + 1;
    const char *nearest = NULL;

    if (strlen(name) > 64)
        return NULL;
    for (; *known; known++) {
        unsigned d = distance(name, *known);
        if (d < best && d < strlen(*known)) {
            best = d;
            nearest = *known;
        }
    }
    return nearest;
}

/* -- unknown names --------------------------------------------------------------------------- */
static void add_once(GPtrArray *names, const char *name)
{
    if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(name));
}

/* The sections of a table, "room-ID" for a group; ends with NULL. */
static GPtrArray *known_sections(const StoaConfTable *table)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    StoaGroup group;
    ConfKey key;

    if (table->is_module)
        add_once(names, "module");
    for (unsigned i = 0; stoa_conf_key_at(table, table->options, i, NULL, &key); i++)
        add_once(names, key.section);
    for (unsigned i = 0; stoa_conf_group(table, i, &group); i++)
        g_ptr_array_add(names, g_strconcat(group.prefix, "ID", NULL));
    g_ptr_array_add(names, NULL);
    return names;
}

/* The keys of a section; ends with NULL. */
static GPtrArray *known_keys(const StoaConfTable *table, const char *section)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    StoaGroup group;
    ConfKey key;

    if (table->is_module && strcmp(section, "module") == 0)
        add_once(names, stoa_conf_enabled_row.key);
    for (unsigned i = 0; stoa_conf_key_at(table, table->options, i, NULL, &key); i++)
        if (strcmp(key.section, section) == 0)
            add_once(names, key.name);
    if (names->len == 0 && find_group(table, section, &group))
        for (unsigned i = 0; stoa_conf_key_at(table, group.options, i, section, &key); i++)
            add_once(names, key.name);
    g_ptr_array_add(names, NULL);
    return names;
}

static void unknown_key(const Fill *fill, const char *section, const char *key,
                        const char *const *known)
{
    g_autofree char *list = g_strjoinv(", ", (char **)known);
    g_autofree char *name = g_strdup_printf("%s.%s", section, key);
    const char *near = stoa_conf_nearest(key, known);

    stoa_conf_problem(fill->conf, fill->table->file, name, "no such key%s%s%s; known in [%s]: %s",
                      near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "", section,
                      list);
}

static void check_keys(const Fill *fill, const char *section, GPtrArray *known)
{
    const char *const *names = (const char *const *)known->pdata;
    g_auto(GStrv) keys = g_key_file_get_keys(fill->keys, section, NULL, NULL);

    if (g_strv_contains(names, "*"))
        return;
    for (unsigned i = 0; keys && keys[i]; i++)
        if (!g_strv_contains(names, keys[i]))
            unknown_key(fill, section, keys[i], names);
}

/* For a group the likely name is its prefix with the id that was written: [rom-7] is near [room-7]. */
static void unknown_section(const Fill *fill, const char *section)
{
    g_autoptr(GPtrArray) known = known_sections(fill->table);
    g_autofree char *list = g_strjoinv(", ", (char **)known->pdata);
    g_autofree char *name = g_strdup_printf("[%s]", section);
    const char *dash = strchr(section, '-');
    const char *near;
    StoaGroup group;

    g_ptr_array_set_size(known, (int)known->len - 1);
    for (unsigned i = 0; dash && stoa_conf_group(fill->table, i, &group); i++)
        g_ptr_array_add(known, g_strconcat(group.prefix, dash + 1, NULL));
    g_ptr_array_add(known, NULL);
    near = stoa_conf_nearest(section, (const char *const *)known->pdata);
    stoa_conf_problem(fill->conf, fill->table->file, name, "no such section%s%s%s; known: %s",
                      near ? ", did you mean [" : "", near ? near : "", near ? "]?" : "", list);
}

static void check_names(const Fill *fill)
{
    g_auto(GStrv) groups = g_key_file_get_groups(fill->keys, NULL);

    for (unsigned i = 0; groups[i]; i++) {
        g_autoptr(GPtrArray) keys = known_keys(fill->table, groups[i]);
        if (keys->len > 1) {
            check_keys(fill, groups[i], keys);
        } else {
            unknown_section(fill, groups[i]);
        }
    }
}

/* -- values ---------------------------------------------------------------------------------- */
/* [names] with a row "names.*": every key there as "KEY=VALUE", after the default ones that it does not name. */
static char *read_free_keys(const Fill *fill, const ConfKey *key)
{
    g_auto(GStrv) defaults = stoa_conf_value_split(key->row.fallback ? key->row.fallback : "");
    g_auto(GStrv) names = g_key_file_get_keys(fill->keys, key->section, NULL, NULL);
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; defaults[i]; i++) {
        g_autofree char *name = g_strndup(defaults[i], strcspn(defaults[i], "="));
        if (!names || !g_strv_contains((const char *const *)names, name))
            g_string_append_printf(out, "%s;", defaults[i]);
    }
    for (unsigned i = 0; names && names[i]; i++) {
        g_autofree char *value = g_key_file_get_string(fill->keys, key->section, names[i], NULL);
        if (value && *g_strstrip(value))
            g_string_append_printf(out, "%s=%s;", names[i], value);
    }
    return g_string_free(out, FALSE);
}

/* What the file says, or the default. A value that GKeyFile cannot read is a problem. */
static char *read_value(const Fill *fill, const ConfKey *key, const char *full_name)
{
    g_autoptr(GError) error = NULL;
    char *text;

    if (strcmp(key->name, "*") == 0)
        return read_free_keys(fill, key);
    text = g_key_file_get_string(fill->keys, key->section, key->name, &error);
    if (!text && !g_error_matches(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND) &&
        !g_error_matches(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND))
        stoa_conf_problem(fill->conf, fill->table->file, full_name, "%s", error->message);
    return text ? text : g_strdup(key->row.fallback ? key->row.fallback : "");
}

/* A default, which is our own and therefore fits; where it does not (a required key has none), an empty value. */
static char *fallback_of(const Fill *fill, const StoaOption *row)
{
    const char *text = row->fallback ? row->fallback : "";
    char *canonical = NULL;

    g_free(stoa_conf_value_check(row, text, fill->conf->dir, &canonical));
    return canonical ? canonical : g_strdup(row->type == STOA_INT ? "0" : "");
}

/* The checked value of a key, to be freed; where it does not fit, what it was before or its default. */
static char *checked_value(const Fill *fill, const ConfKey *key, const char *full_name,
                           const char *before)
{
    g_autofree char *text = read_value(fill, key, full_name);
    char *canonical = NULL;
    g_autofree char *complaint =
        stoa_conf_value_check(&key->row, text, fill->conf->dir, &canonical);

    if (!complaint)
        return canonical;
    stoa_conf_problem(fill->conf, fill->table->file, full_name, "%s", complaint);
    return before ? g_strdup(before) : fallback_of(fill, &key->row);
}

static void pour(const Fill *fill, const ConfKey *key, void *base)
{
    char *full_name = g_strdup_printf("%s.%s", key->section, key->name);
    const char *before = fill->old ? g_hash_table_lookup(fill->old->texts, full_name) : NULL;
    char *value = checked_value(fill, key, full_name, before);

    if (before && strcmp(before, value) != 0) {
        bool live = (key->row.flags & STOA_LIVE) != 0;
        g_ptr_array_add(live ? fill->live : fill->restart, g_strdup(full_name));
        if (!live) {
            log_warn(stoa_process,
                     "%s.conf: %s was changed but needs a restart, the old value stays",
                     fill->table->file, full_name);
            g_free(value);
            value = g_strdup(before);
        }
    }
    stoa_conf_value_store(fill->values, &key->row, value, base);
    g_hash_table_replace(fill->values->texts, full_name, value);
}

static void pour_options(const Fill *fill)
{
    ConfKey key;

    for (unsigned i = 0; stoa_conf_key_at(fill->table, fill->table->options, i, NULL, &key); i++)
        pour(fill, &key, fill->values->data);
}

/* -- groups ---------------------------------------------------------------------------------- */
static void pour_item(const Fill *fill, const StoaGroup *group, const char *section, void *item)
{
    char *name = g_strdup(section + strlen(group->prefix));
    ConfKey key;

    g_ptr_array_add(fill->values->blocks, name);
    *(char **)item = name;
    g_hash_table_add(fill->values->items, g_strdup(section));
    if (fill->old && !g_hash_table_contains(fill->old->items, section))
        g_ptr_array_add(fill->live, g_strdup_printf("[%s]", section));
    for (unsigned i = 0; stoa_conf_key_at(fill->table, group->options, i, section, &key); i++)
        pour(fill, &key, item);
}

/* In the order of the file. */
static void pour_group(const Fill *fill, const StoaGroup *group)
{
    g_auto(GStrv) sections = g_key_file_get_groups(fill->keys, NULL);
    char *items = g_malloc0_n(g_strv_length(sections) + 1, group->item_size);
    size_t n = 0;

    g_ptr_array_add(fill->values->blocks, items);
    for (unsigned i = 0; sections[i]; i++)
        if (g_str_has_prefix(sections[i], group->prefix) && sections[i][strlen(group->prefix)])
            pour_item(fill, group, sections[i], items + group->item_size * n++);
    *(void **)((char *)fill->values->data + group->items_at) = items;
    *(size_t *)((char *)fill->values->data + group->n_at) = n;
}

static void note_gone_items(const Fill *fill)
{
    GHashTableIter iter;
    void *section;

    if (!fill->old)
        return;
    g_hash_table_iter_init(&iter, fill->old->items);
    while (g_hash_table_iter_next(&iter, &section, NULL))
        if (!g_hash_table_contains(fill->values->items, section))
            g_ptr_array_add(fill->live, g_strdup_printf("[%s]", (char *)section));
}

/* -- the whole ------------------------------------------------------------------------------- */
static StoaConfValues *values_new(size_t size)
{
    StoaConfValues *values = g_new0(StoaConfValues, 1);

    values->data = g_malloc0(size + 1);
    values->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    values->items = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    values->blocks = g_ptr_array_new_with_free_func(g_free);
    values->lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    return values;
}

void stoa_conf_values_free(StoaConfValues *values)
{
    if (!values)
        return;
    g_free(values->data);
    g_hash_table_unref(values->texts);
    g_hash_table_unref(values->items);
    g_ptr_array_unref(values->blocks);
    g_ptr_array_unref(values->lists);
    g_free(values);
}

/* Both were filled from one table, so that they have the same keys there. */
bool stoa_conf_section_equal(const StoaConfValues *a, const StoaConfValues *b, const char *section)
{
    g_autofree char *prefix = g_strconcat(section, ".", NULL);
    GHashTableIter iter;
    gpointer name, text;

    if (!g_hash_table_contains(a->items, section) || !g_hash_table_contains(b->items, section))
        return false;
    g_hash_table_iter_init(&iter, a->texts);
    while (g_hash_table_iter_next(&iter, &name, &text)) {
        if (g_str_has_prefix(name, prefix) &&
            g_strcmp0(text, g_hash_table_lookup(b->texts, name)) != 0)
            return false;
    }
    return true;
}

const void *stoa_conf_values(const StoaConfValues *values)
{
    return values->data;
}

static char **close_list(GPtrArray *names)
{
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

StoaConfValues *stoa_conf_refill(StoaConf *conf, const StoaConfTable *table,
                                 const StoaConfValues *old, StoaConfChanges *changes)
{
    GKeyFile *keys = g_hash_table_lookup(conf->files, table->file);
    g_autoptr(GKeyFile) empty = g_key_file_new();
    Fill fill = {
        .conf = conf,
        .table = table,
        .keys = keys ? keys : empty,
        .values = values_new(table->size),
        .old = old,
        .live = g_ptr_array_new(),
        .restart = g_ptr_array_new(),
    };
    StoaConfChanges found;
    StoaGroup group;

    g_hash_table_add(conf->known, g_strdup(table->file));
    check_names(&fill);
    if (table->is_module)
        stoa_conf_enabled(conf, table->file, true);
    pour_options(&fill);
    for (unsigned i = 0; stoa_conf_group(table, i, &group); i++)
        pour_group(&fill, &group);
    note_gone_items(&fill);
    found = (StoaConfChanges){ close_list(fill.live), close_list(fill.restart) };
    if (changes)
        *changes = found;
    else
        stoa_conf_changes_clear(&found);
    return fill.values;
}

StoaConfValues *stoa_conf_fill(StoaConf *conf, const StoaConfTable *table)
{
    return stoa_conf_refill(conf, table, NULL, NULL);
}

void stoa_conf_changes_clear(StoaConfChanges *changes)
{
    g_clear_pointer(&changes->live, g_strfreev);
    g_clear_pointer(&changes->restart, g_strfreev);
}
