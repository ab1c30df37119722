/* SPDX-License-Identifier: MIT */
/* The gateway put together: conf, media, signaling, modules; started, reloaded, stopped. */
#pragma once

#include "host/options.h"

typedef struct StoaGateway StoaGateway;

/**
 * Read the conf, open the ports, load the modules.
 *
 * NULL with `error`: every problem of every conf file, one a line, or what else keeps it from starting.
 * Thread: the one that is the control loop.
 */
StoaGateway *stoa_gateway_new(const StoaOptions *options, GError **error);

/** "stoa ready http=… websocket=… admin=… media=udp/…,tcp/…"; free with g_free(). */
char *stoa_gateway_ready_line(StoaGateway *gateway);

/** Read the conf files again. What does not fit is logged, and nothing changes then. */
bool stoa_gateway_reload(StoaGateway *gateway, GError **error);

/** Tell the clients, close everything. */
void stoa_gateway_free(StoaGateway *gateway);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaGateway, stoa_gateway_free)

/** Copy the database of the data folder to a new file, also while a gateway runs. */
bool stoa_gateway_backup(const StoaOptions *options, const char *path, GError **error);

/** Check all conf files and dry-load every enabled module. False with every problem, one a line. */
bool stoa_gateway_check(const StoaOptions *options, GError **error);

/** The reference of a module as text, from its tables; free with g_free(). NULL: it cannot be opened. */
char *stoa_gateway_describe(const StoaOptions *options, const char *module, GError **error);
