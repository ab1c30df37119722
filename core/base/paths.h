/* SPDX-License-Identifier: MIT */
/* Where the gateway finds its things: installed, or in the build tree that it was started from. */
#pragma once

#include <stdbool.h>

typedef struct {
    char *conf_dir; /* the conf files */
    char *data_dir; /* what the gateway writes; may not exist yet */
    char **
        plugin_dirs; /* NULL-terminated; NAME.so lies in one of them, or in one of their sub-folders' .libs */
    char **transport_dirs; /* the same */
    char *html_dir;        /* the bundled pages */
    bool in_build_tree;
} StoaPaths;

/**
 * The defaults, worked out once. In a build tree (a file `.stoa-build-tree` beside the executable, holding the path
 * of the sources) modules, conf and pages are the tree's own, and data is ./data.
 *
 * Borrowed; lives as long as the process. Thread: the first call from main(), then any.
 */
const StoaPaths *stoa_paths(void);
