/* SPDX-License-Identifier: MIT */
/* The folders: compiled in, or those of the build tree when its marker lies beside the executable. */
#include "base/paths.h"

#include <glib.h>

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

static void take_installed(StoaPaths *paths)
{
    *paths = (StoaPaths){
        .conf_dir = g_strdup(STOA_CONF_DIR),
        .data_dir = g_strdup(STOA_STATE_DIR),
        .plugin_dirs = one_folder(STOA_PLUGINS_DIR, NULL),
        .transport_dirs = one_folder(STOA_TRANSPORTS_DIR, NULL),
        .html_dir = g_strdup(STOA_PAGES_DIR),
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
        take_installed(paths);
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
