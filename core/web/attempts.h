/* SPDX-License-Identifier: MIT */
/* Wrong tokens, counted by address. (SECURITY, R3: a wrong token changes nothing but this count) */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StoaAttempts StoaAttempts;

StoaAttempts *stoa_attempts_new(void);
void stoa_attempts_free(StoaAttempts *attempts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaAttempts, stoa_attempts_free)

/**
 * What tells the household of a client: the address, of IPv6 the first four groups. NULL: it tells nothing, for it is loopback
 * (a proxy that is not trusted). Free with g_free(). Thread: any.
 */
char *stoa_attempts_home(const char *address);

/**
 * Count one attempt.
 *
 * @what      what is counted apart: "token", "mail"
 * @address   of the client, as text; all of an IPv6 /64 count as one
 * @limit     so many in `window_s` are allowed; 0: any number
 * @now_us    monotonic
 *
 * Returns 0 if it is within the limit, else in how many seconds the next one will be. Thread: control.
 */
unsigned stoa_attempts_count(StoaAttempts *attempts, const char *what, const char *address,
                             int64_t limit, unsigned window_s, int64_t now_us);
