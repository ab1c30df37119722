/* SPDX-License-Identifier: MIT */
/* Ids and secrets from the system's random generator. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Fill `buf` with `len` random bytes (getrandom). Aborts if the system has none. Thread: any. */
void stoa_id_bytes(void *buf, size_t len);

/** 1 to 2^53 - 1: a session or handle id, exact in a JSON number. Thread: any. */
uint64_t stoa_id_random53(void);

/** 32 random bits, never 0: an SSRC. Thread: any. */
uint32_t stoa_id_random32(void);

/**
 * Random text of [0-9A-Za-z], 5.95 bits each, without bias.
 *
 * @buf  gets `n` characters and a NUL: room for n + 1
 *
 * Returns `buf`. Thread: any.
 */
char *stoa_id_text(char *buf, size_t n);

/** Whether two secrets are equal, in a time that tells only their lengths; NULL equals nothing. Thread: any. */
bool stoa_id_constant_time_equal(const char *a, const char *b);
