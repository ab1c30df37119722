/* SPDX-License-Identifier: MIT */
#pragma once /* The Host header, and what is written out of it: where pages find the WebSocket, and their CSP. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * Read a Host header: a host name, an IPv4 address or an IPv6 address in brackets, perhaps with a port.
 *
 * @name  written on success without the port; of `size` bytes, 256 are enough for any
 *
 * Returns false for anything else: what it takes can be copied into a header or a policy.
 */
bool http_web_host_read(const char *host, char *name, size_t size);

/**
 * Where a page finds the WebSocket transport, or NULL when it cannot reach one.
 *
 * @configured  what the operator set: wins; NULL or "" when nothing is set
 * @listening   the transport's origin: "ws://127.0.0.1:8188"; NULL when there is none
 * @host        the Host header of the page's request: the pages' name is taken, with the port of `listening`
 * @secure      the page came by https, where browsers open no plain ws
 *
 * Returns a string to free with g_free().
 */
char *http_web_host_websocket(const char *configured, const char *listening, const char *host,
                              bool secure);

/**
 * The Content-Security-Policy of a page (SECURITY R26); its sources are those of http_web_host_websocket().
 *
 * Returns a string to free with g_free().
 */
char *http_web_host_policy(const char *configured, const char *listening, const char *host);
