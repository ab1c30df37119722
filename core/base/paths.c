/* SPDX-License-Identifier: MIT */
/* The folders: compiled in, or those of the build tree when its marker lies beside the executable. An installed tree that lies
 * below another folder (make install DESTDIR=…) runs from there. */
#include "base/paths.h"

#include <glib.h>
#include <string.h>

#define MARKER ".stoa-build-tree"

static char **one_folder(const char *dir, const char *below)
{
    char **list = g_new0(char *, 2);

    list[0] = below ? g_build_filename(dir, below, NULL) : g_strdup(dir);
    return list;
}

/* The path of the sources if `build_dir` is a build tree, to be freed. */
static char *read_marker(const char *build_dir)
{
    g_autofree char *marker = g_build_filename(build_dir, MARKER, NULL);
    char *source_dir = NULL;

    if (!g_file_get_contents(marker, &source_dir, NULL, NULL))
        return NULL;
    return g_strchomp(source_dir);
}

static void take_build_tree(StoaPaths *paths, const char *build_dir, const char *source_dir)
{
    *paths = (StoaPaths){
        .conf_dir = g_build_filename(source_dir, "conf", NULL),
        .data_dir = g_strdup("data"),
        .plugin_dirs = one_folder(build_dir, "modules/plugins"),
        .transport_dirs = one_folder(build_dir, "modules/transports"),
        .html_dir = g_build_filename(source_dir, "html", NULL),
        .in_build_tree = true,
    };
}

/* What stands before the compiled-in folder of programs in the path of this one: "" as a rule, or a DESTDIR. To be freed. */
static char *find_root(const char *dir)
{
    return g_str_has_suffix(dir, STOA_BIN_DIR) ? g_strndup(dir, strlen(dir) - strlen(STOA_BIN_DIR))
                                               : g_strdup("");
}

static void take_installed(StoaPaths *paths, const char *dir)
{
    g_autofree char *root = find_root(dir);
    g_autofree char *plugins = g_strconcat(root, STOA_PLUGINS_DIR, NULL);
    g_autofree char *transports = g_strconcat(root, STOA_TRANSPORTS_DIR, NULL);

    *paths = (StoaPaths){
        .conf_dir = g_strconcat(root, STOA_CONF_DIR, NULL),
        .data_dir = g_strconcat(root, STOA_STATE_DIR, NULL),
        .plugin_dirs = one_folder(plugins, NULL),
        .transport_dirs = one_folder(transports, NULL),
        .html_dir = g_strconcat(root, STOA_PAGES_DIR, NULL),
    };
}

static void find_paths(StoaPaths *paths)
{
    g_autofree char *executable = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = g_path_get_dirname(executable ? executable : ".");
    g_autofree char *source_dir = read_marker(dir);

    if (source_dir)
        take_build_tree(paths, dir, source_dir);
    else
        take_installed(paths, dir);
}

const StoaPaths *stoa_paths(void)
{
    static StoaPaths paths;
    static gsize done;

    if (g_once_init_enter(&done)) {
        find_paths(&paths);
        g_once_init_leave(&done, 1);
    }
    return &paths;
}
