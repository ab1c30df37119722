/* SPDX-License-Identifier: MIT */
/* The command line. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *conf_dir, *data_dir;           /* NULL: the default */
    char **overrides;                    /* FILE:SECTION.KEY=VALUE; NULL: none */
    char *describe;                      /* a module to describe; NULL: none */
    char *backup;                        /* a file to copy the database to; NULL: none */
    char *add_host, *name, *remove_host; /* an address; how that host is called */
    bool check, version, list_hosts;
} StoaOptions;

/** Read the command line; `--help` prints and exits. False with `error`: it does not fit. */
bool stoa_options_read(StoaOptions *options, int *argc, char ***argv, GError **error);
void stoa_options_clear(StoaOptions *options);
