/* SPDX-License-Identifier: MIT */
/* Tokens: 256 random bits that somebody carries, and the SHA-256 that the server keeps. (SECURITY R17) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOA_TOKEN_LEN = 43,      /* characters of [A-Za-z0-9_-] */
    STOA_TOKEN_HASH_LEN = 32, /* bytes */
};

/** Make a token and its hash. `text` ends with a NUL. Thread: any. */
void stoa_token_new(char text[STOA_TOKEN_LEN + 1], uint8_t hash[STOA_TOKEN_HASH_LEN]);

/**
 * The hash of a token that somebody brings, for a look-up by it: nothing of the stored value can be found out by the time that
 * takes.
 *
 * Returns false, and writes a hash that belongs to nobody, when `text` is NULL or no token by its form. Thread: any.
 */
bool stoa_token_hash(const char *text, uint8_t hash[STOA_TOKEN_HASH_LEN]);

/** Whether two hashes are equal, in constant time. Thread: any. */
bool stoa_token_equal(const uint8_t a[STOA_TOKEN_HASH_LEN], const uint8_t b[STOA_TOKEN_HASH_LEN]);
