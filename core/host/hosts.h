/* SPDX-License-Identifier: MIT */
/* --add-host, --list-hosts, --remove-host: on the store, also while a gateway runs on the same data folder. */
#pragma once

#include "host/options.h"

/** Carry out what the options ask for; returns what is to be printed, to be freed with g_free(). NULL with `error`. */
char *stoa_hosts_command(const StoaOptions *options, GError **error);
