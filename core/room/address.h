/* SPDX-License-Identifier: MIT */
/* A mail address as we take one: what a mailbox is called, in lower case. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Read an address.
 *
 * Returns it in lower case, an international name of a server as it is sent (xn--..., RFC 5891), to be freed with g_free();
 * NULL with `error`: it is not of the form name@host, is longer than 254 bytes, names no possible server, or holds blanks,
 * control characters or what mail headers give a meaning to (RFC 5321, 4.1.2 without quoted names).
 */
char *stoa_address_read(const char *text, GError **error);
