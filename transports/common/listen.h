/* SPDX-License-Identifier: MIT */
#pragma once /* A listening TCP socket out of two keys of a conf file, and how addresses are written. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/**
 * Bind and listen, without blocking.
 *
 * @address   numeric or a host name; NULL, "", "*", "0.0.0.0" and "::" mean every interface, IPv4 and IPv6
 * @port      0 takes any free port
 * @key       what an operator would change: "http.conf: listen.port"; named in errors
 * @real_port written on success: the port that was bound
 *
 * Returns the descriptor, owned by the caller; or -1 with `error` set. Thread: control.
 */
int stoa_listen_open(const char *address, int64_t port, const char *key, uint16_t *real_port,
                     GError **error);

/** Whether this machine has `address`: any free port of it is tried, for `stoa -t`. False with `error`. Thread: control. */
bool stoa_listen_check(const char *address, const char *key, GError **error);

/** Whether `address` (as in stoa_listen_open) means every interface. */
bool stoa_listen_is_wildcard(const char *address);

/** Whether `address`, numeric, belongs to this machine only: 127.0.0.0/8, ::1, or "localhost". */
bool stoa_listen_is_loopback(const char *address);

/**
 * The origin that a person can open: a wildcard address is written as 127.0.0.1, IPv6 in brackets.
 *
 * @scheme  "http", "https", "ws", "wss"
 * Returns a string to free with g_free().
 */
char *stoa_listen_origin(const char *scheme, const char *address, uint16_t port);

/** Write a peer's numeric address; IPv4 mapped into IPv6 is written as IPv4, an unknown family as "unknown". */
void stoa_listen_peer_text(const struct sockaddr *peer, char *out, size_t size);
