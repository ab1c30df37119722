/* SPDX-License-Identifier: MIT */
/* The commented sample of a conf file, printed from its table, and the check that a sample in the tree still agrees. */
#include <string.h>

#include "base/conf-private.h"
#include "base/error.h"

/* -- printing -------------------------------------------------------------------------------- */
/* "# Hands up at one time (an integer from 1 to 1000; applies on reload)" */
static void put_comment(GString *out, const StoaOption *row)
{
    g_autofree char *wanted = stoa_conf_value_wanted(row);

    g_string_append_printf(out, "\n# %s (%s%s%s)\n", row->help ? row->help : row->key, wanted,
                           row->flags & STOA_SECRET ? ", or file:PATH" : "",
                           row->flags & STOA_LIVE ? "; applies on reload" : "");
}

static void put_key(GString *out, const ConfKey *key, const char *mark)
{
    const char *fallback = key->row.fallback ? key->row.fallback : "";

    put_comment(out, &key->row);
    if (strcmp(key->name, "*") != 0) {
        g_string_append_printf(out, "%s%s =%s%s\n", mark, key->name, *fallback ? " " : "",
                               fallback);
        return;
    }
    g_auto(GStrv) pairs = stoa_conf_value_split(fallback);
    for (unsigned i = 0; pairs[i]; i++) {
        g_auto(GStrv) pair = g_strsplit(pairs[i], "=", 2);
        g_string_append_printf(out, "%s = %s\n", pair[0], pair[1] ? pair[1] : "");
    }
}

static bool is_first_of_section(const StoaConfTable *table, unsigned i, const char *section)
{
    ConfKey before;

    for (unsigned j = 0; j < i; j++)
        if (stoa_conf_key_at(table, table->options, j, NULL, &before) &&
            strcmp(before.section, section) == 0)
            return false;
    return true;
}

static void put_section(GString *out, const StoaConfTable *table, const char *section)
{
    ConfKey key;

    for (unsigned i = 0; stoa_conf_key_at(table, table->options, i, NULL, &key); i++)
        if (strcmp(key.section, section) == 0)
            put_key(out, &key, "");
}

static void put_group(GString *out, const StoaConfTable *table, const StoaGroup *group)
{
    ConfKey key;

    g_string_append_printf(out, "\n# %s. One section each; take the # away.\n#[%sID]\n",
                           group->help ? group->help : group->prefix, group->prefix);
    for (unsigned i = 0; stoa_conf_key_at(table, group->options, i, group->prefix, &key); i++)
        put_key(out, &key, "#");
}

char *stoa_conf_sample(const StoaConfTable *table, const char *summary)
{
    static const StoaConfTable no_table;
    GString *out = g_string_new(NULL);
    StoaGroup group;
    ConfKey key;

    g_string_append_printf(out, "# %s.conf: %s\n", table->file, summary ? summary : "settings");
    if (table->is_module) {
        g_string_append(out, "\n[module]\n");
        stoa_conf_key_at(&no_table, &stoa_conf_enabled_row, 0, NULL, &key);
        put_key(out, &key, "");
        put_section(out, table, "module");
    }
    for (unsigned i = 0; stoa_conf_key_at(table, table->options, i, NULL, &key); i++) {
        if (!is_first_of_section(table, i, key.section) ||
            (table->is_module && strcmp(key.section, "module") == 0))
            continue;
        g_string_append_printf(out, "\n[%s]\n", key.section);
        put_section(out, table, key.section);
    }
    for (unsigned i = 0; stoa_conf_group(table, i, &group); i++)
        put_group(out, table, &group);
    return g_string_free(out, FALSE);
}

/* -- checking -------------------------------------------------------------------------------- */
/* Whether `line` is "key = …", behind a # too when `commented`. */
static bool is_line_of(const char *line, const char *name, bool commented)
{
    if (commented && *line == '#')
        line += 1 + strspn(line + 1, "# \t");
    if (!g_str_has_prefix(line, name))
        return false;
    line += strlen(name);
    return line[strspn(line, " \t")] == '=';
}

/* Each key stands under a comment of its own; pairs of a section with free keys may share one. */
static void check_comments(StoaConf *conf, const StoaConfTable *table, char **lines)
{
    for (unsigned i = 0; lines[i]; i++) {
        const char *equals = strchr(lines[i], '=');
        if (lines[i][0] == '#' || lines[i][0] == '[' || !equals)
            continue;
        if (i > 0 && (lines[i - 1][0] == '#' || strchr(lines[i - 1], '.')))
            continue;
        stoa_conf_problem(conf, table->file, NULL, "line %u, \"%s\": has no comment above it",
                          i + 1, lines[i]);
    }
}

/* The sample's value, in its canonical form, is the default's. */
static void check_default(StoaConf *conf, const StoaConfTable *table, const ConfKey *key,
                          const StoaConfValues *values, const char *full_name)
{
    const char *text = g_hash_table_lookup(values->texts, full_name);
    g_autofree char *fallback = NULL;

    g_free(stoa_conf_value_check(&key->row, key->row.fallback ? key->row.fallback : "", ".",
                                 &fallback));
    if (text && fallback && strcmp(text, fallback) != 0)
        stoa_conf_problem(conf, table->file, full_name,
                          "the sample says \"%s\", the table's default is \"%s\"", text, fallback);
}

static void check_options(StoaConf *conf, const StoaConfTable *table, const StoaConfValues *values)
{
    GKeyFile *keys = g_hash_table_lookup(conf->files, table->file);
    ConfKey key;

    for (unsigned i = 0; stoa_conf_key_at(table, table->options, i, NULL, &key); i++) {
        g_autofree char *full_name = g_strdup_printf("%s.%s", key.section, key.name);
        if (strcmp(key.name, "*") == 0)
            continue;
        if (!g_key_file_has_key(keys, key.section, key.name, NULL))
            stoa_conf_problem(conf, table->file, full_name, "is missing from the sample");
        else
            check_default(conf, table, &key, values, full_name);
    }
    if (table->is_module && !g_key_file_has_key(keys, "module", "enabled", NULL))
        stoa_conf_problem(conf, table->file, "module.enabled", "is missing from the sample");
}

static void check_group(StoaConf *conf, const StoaConfTable *table, const StoaGroup *group,
                        char **lines)
{
    ConfKey key;

    for (unsigned i = 0; stoa_conf_key_at(table, group->options, i, group->prefix, &key); i++) {
        bool found = false;
        for (unsigned j = 0; lines[j] && !found; j++)
            found = is_line_of(lines[j], key.name, true);
        if (!found)
            stoa_conf_problem(conf, table->file, group->prefix, "%s is missing from the sample",
                              key.name);
    }
}

bool stoa_conf_sample_check(const StoaConfTable *table, const char *text, GError **error)
{
    g_autoptr(StoaConf) conf = stoa_conf_of_text(table->file, text);
    g_autoptr(StoaConfValues) values = stoa_conf_fill(conf, table);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    StoaGroup group;

    check_comments(conf, table, lines);
    check_options(conf, table, values);
    for (unsigned i = 0; stoa_conf_group(table, i, &group); i++)
        check_group(conf, table, &group, lines);
    return stoa_conf_check(conf, error);
}
