/* SPDX-License-Identifier: MIT */
/* Whose request it was that cannot be read as JSON, so that its sender hears which one was refused. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { STOA_TRANSACTION_LEN = 256 };

typedef struct {
    char transaction[STOA_TRANSACTION_LEN + 1]; /* "": none was found */
    uint64_t session;                           /* 0: none was found */
} StoaRemains;

/**
 * Look for the members `transaction` and `session_id` of the outermost object, the first of each.
 *
 * @buf  borrowed, `len` bytes, whatever they are
 *
 * Thread: any; allocates nothing.   Fuzzed by: test/fuzz/fuzz_request.c
 */
void stoa_remains_read(const char *buf, size_t len, StoaRemains *remains);
