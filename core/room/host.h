/* SPDX-License-Identifier: MIT */
/* Who may make rooms: hosts, and the links that they sign in with. Within jobs: the store thread, or the command line's. */
#pragma once

#include "store/store.h"
#include "store/token.h"

/**
 * Make a host, or find the one of that address.
 *
 * @email  as stoa_address_read() gives it
 * @name   NULL: what is before the @, or the one that is known; else the name from now on
 *
 * Returns the id, to be freed with g_free(); NULL with `error`.
 */
char *stoa_host_add(StoaDb *db, const char *email, const char *name, GError **error);

/** The id of the host of an address; NULL: there is none, or `error`. */
char *stoa_host_find(StoaDb *db, const char *email, GError **error);

/** Make a sign-in link that is good once, until `expires_ms`. */
bool stoa_host_link(StoaDb *db, const char *host, int64_t expires_ms,
                    char token[STOA_TOKEN_LEN + 1], GError **error);

/** Take a sign-in link: the id of its host, and the link is used. NULL with `error`: "gone", or not found. */
char *stoa_host_take_link(StoaDb *db, const char *token, int64_t now_ms, GError **error);
