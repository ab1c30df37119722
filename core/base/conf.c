/* SPDX-License-Identifier: MIT */
/* A folder of conf files, the overrides laid over it, and the list of what is wrong with them. */
#include "base/conf.h"

#include <errno.h>
#include <string.h>

#include "base/conf-private.h"
#include "base/error.h"

/* -- problems -------------------------------------------------------------------------------- */
void stoa_conf_problem(StoaConf *conf, const char *file, const char *key, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_ptr_array_add(conf->problems, g_strdup_printf("%s.conf: %s%s%s", file, key ? key : "",
                                                    key ? ": " : "", text));
}

unsigned stoa_conf_n_problems(const StoaConf *conf)
{
    return conf->problems->len;
}

const char *stoa_conf_problem_at(const StoaConf *conf, unsigned i)
{
    return conf->problems->pdata[i];
}

/* -- reading one file ------------------------------------------------------------------------ */
/* The key of "key = value", to be freed; NULL for any other line. */
static char *key_of_line(const char *line)
{
    const char *equals = strchr(line, '=');

    if (line[0] == '#' || line[0] == '[' || !equals)
        return NULL;
    return g_strchomp(g_strndup(line, (size_t)(equals - line)));
}

/* GKeyFile silently lets the last of two win. */
static void find_doubles(StoaConf *conf, const char *file, const char *text)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *section = g_strdup("");

    for (unsigned i = 0; lines[i]; i++) {
        const char *line = g_strstrip(lines[i]);
        g_autofree char *key = key_of_line(line);
        if (line[0] == '[') {
            g_free(section);
            section = g_strndup(line + 1, strcspn(line + 1, "]"));
        } else if (key) {
            char *name = g_strdup_printf("%s.%s", section, key);
            unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(seen, name));
            if (before)
                stoa_conf_problem(conf, file, name, "given twice, in lines %u and %u: keep one",
                                  before, i + 1);
            g_hash_table_replace(seen, name, GUINT_TO_POINTER(i + 1));
        }
    }
}

static void read_text(StoaConf *conf, const char *file, const char *text)
{
    g_autoptr(GError) error = NULL;
    GKeyFile *keys = g_key_file_new();

    g_hash_table_add(conf->on_disk, g_strdup(file));
    g_hash_table_replace(conf->files, g_strdup(file), keys);
    if (!g_utf8_validate(text, -1, NULL))
        stoa_conf_problem(conf, file, NULL, "is not UTF-8 text");
    else if (*text && !g_key_file_load_from_data(keys, text, strlen(text), G_KEY_FILE_NONE, &error))
        stoa_conf_problem(conf, file, NULL, "%s", error->message);
    else
        find_doubles(conf, file, text);
}

static void read_file(StoaConf *conf, const char *file)
{
    g_autofree char *name = g_strconcat(file, ".conf", NULL);
    g_autofree char *path = g_build_filename(conf->dir, name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (g_file_get_contents(path, &text, NULL, &error))
        read_text(conf, file, text);
    else
        stoa_conf_problem(conf, file, NULL, "%s", error->message);
}

static bool read_dir(StoaConf *conf, GError **error)
{
    GDir *dir = g_dir_open(conf->dir, 0, error);
    const char *name;

    if (!dir) {
        g_prefix_error(error, "conf folder: ");
        return false;
    }
    while ((name = g_dir_read_name(dir))) {
        if (name[0] != '.' && g_str_has_suffix(name, ".conf")) {
            g_autofree char *file = g_strndup(name, strlen(name) - strlen(".conf"));
            read_file(conf, file);
        }
    }
    g_dir_close(dir);
    return true;
}

/* -- overrides ------------------------------------------------------------------------------- */
/* "http:listen.port=0": the section ends at the first dot, the key at the first "=" after it. */
static bool lay_over(StoaConf *conf, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    const char *dot = colon ? strchr(colon, '.') : NULL;
    const char *equals = dot ? strchr(dot, '=') : NULL;
    g_autofree char *file = colon ? g_strndup(text, (size_t)(colon - text)) : NULL;
    g_autofree char *section = dot ? g_strndup(colon + 1, (size_t)(dot - colon - 1)) : NULL;
    g_autofree char *key = equals ? g_strndup(dot + 1, (size_t)(equals - dot - 1)) : NULL;
    GKeyFile *keys;

    if (!key || !*file || !*section || !*key || strpbrk(section, "[]=") || strpbrk(key, "[]"))
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "\"%s\" is not FILE:SECTION.KEY=VALUE, as in http:listen.port=8088", text);
    keys = g_hash_table_lookup(conf->files, file);
    if (!keys) {
        keys = g_key_file_new();
        g_hash_table_insert(conf->files, g_strdup(file), keys);
    }
    g_key_file_set_string(keys, section, key, equals + 1);
    return true;
}

/* -- life ------------------------------------------------------------------------------------ */
static StoaConf *conf_new(const char *dir)
{
    StoaConf *conf = g_new0(StoaConf, 1);

    conf->dir = g_strdup(dir);
    conf->files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_key_file_unref);
    conf->on_disk = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    conf->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    conf->problems = g_ptr_array_new_with_free_func(g_free);
    return conf;
}

StoaConf *stoa_conf_load(const char *dir, const char *const *overrides, GError **error)
{
    g_autoptr(StoaConf) conf = conf_new(dir);

    if (!read_dir(conf, error))
        return NULL;
    for (; overrides && *overrides; overrides++)
        if (!lay_over(conf, *overrides, error))
            return NULL;
    return g_steal_pointer(&conf);
}

StoaConf *stoa_conf_of_text(const char *file, const char *text)
{
    StoaConf *conf = conf_new(".");

    read_text(conf, file, text);
    return conf;
}

void stoa_conf_free(StoaConf *conf)
{
    if (!conf)
        return;
    g_free(conf->dir);
    g_hash_table_unref(conf->files);
    g_hash_table_unref(conf->on_disk);
    g_hash_table_unref(conf->known);
    g_ptr_array_unref(conf->problems);
    g_free(conf);
}

/* -- questions ------------------------------------------------------------------------------- */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a set, sorted; the list is the caller's, the texts are not. */
static const char **sorted_keys(GHashTable *set)
{
    guint n;
    const char **keys = (const char **)g_hash_table_get_keys_as_array(set, &n);

    qsort(keys, n, sizeof *keys, by_text);
    return keys;
}

char **stoa_conf_files(const StoaConf *conf)
{
    g_autofree const char **keys = sorted_keys(conf->on_disk);

    return g_strdupv((char **)keys);
}

bool stoa_conf_has_file(const StoaConf *conf, const char *file)
{
    return g_hash_table_contains(conf->on_disk, file);
}

bool stoa_conf_enabled(StoaConf *conf, const char *file, bool fallback)
{
    GKeyFile *keys = g_hash_table_lookup(conf->files, file);
    g_autofree char *text = keys ? g_key_file_get_string(keys, "module", "enabled", NULL) : NULL;
    g_autofree char *canonical = NULL, *complaint = NULL;

    g_hash_table_add(conf->known, g_strdup(file));
    if (!text)
        return fallback;
    complaint = stoa_conf_value_check(&stoa_conf_enabled_row, text, conf->dir, &canonical);
    if (complaint)
        stoa_conf_problem(conf, file, "module.enabled", "%s", complaint);
    return canonical && strcmp(canonical, "true") == 0;
}

static void check_override_files(StoaConf *conf)
{
    g_autofree const char **known = sorted_keys(conf->on_disk);
    g_autofree const char **files = sorted_keys(conf->files);

    for (unsigned i = 0; files[i]; i++) {
        const char *near = stoa_conf_nearest(files[i], known);
        if (g_hash_table_contains(conf->on_disk, files[i]) ||
            g_hash_table_contains(conf->known, files[i]))
            continue;
        g_autofree char *list = g_strjoinv(", ", (char **)known);
        stoa_conf_problem(conf, files[i], NULL, "no such file%s%s%s; known: %s",
                          near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                          list);
    }
}

bool stoa_conf_check(StoaConf *conf, GError **error)
{
    g_autofree char *text = NULL;

    check_override_files(conf);
    if (conf->problems->len == 0)
        return true;
    g_ptr_array_add(conf->problems, NULL);
    text = g_strjoinv("\n", (char **)conf->problems->pdata);
    g_ptr_array_set_size(conf->problems, (int)conf->problems->len - 1);
    return stoa_fail(error, STOA_ERROR_INVALID, "%s", text);
}
