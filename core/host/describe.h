/* SPDX-License-Identifier: MIT */
/* The reference of a module, printed from its tables. */
#pragma once

#include <stoa/plugin.h>
#include <stoa/transport.h>

/** Markdown: requests with their fields, conf keys, metrics, refusals. Free with g_free(). */
char *stoa_describe_plugin(const StoaPlugin *plugin, bool has_conf);
char *stoa_describe_transport(const StoaTransport *transport);
