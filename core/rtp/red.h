/* SPDX-License-Identifier: MIT */
#pragma once /* Redundant audio: one packet carries what is said now, and again what was said before. (RFC 2198) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOA_RED_COPIES = 8,                          /* earlier frames in one packet, at most */
    STOA_RED_HEADS_MAX = 4 * STOA_RED_COPIES + 1, /* bytes of the heads of all blocks */
};

/* Where the parts of one payload lie: the heads of all blocks, the copies, and last the frame that is new. */
typedef struct {
    uint8_t heads_len;   /* bytes from the start of the payload */
    uint16_t primary_at; /* bytes from the start to the new frame, which runs to the end */
    uint16_t
        copy_len; /* bytes of the latest copy, which ends where the new frame begins; 0: none */
    uint16_t copy_age; /* how much older it is, in ticks of the media clock */
} StoaRed;

/**
 * Read the block heads of a payload.
 *
 * @payload       borrowed, `len` bytes, padding off
 * @payload_type  of the codec inside: every block must be of it
 * @red           written on success only
 *
 * Returns false if a block runs past the payload, is of another codec, or there are too many.
 * Thread: any; allocates nothing.   Source: RFC 2198, 3.   Fuzzed by: test/fuzz/fuzz_rtp.c
 */
bool stoa_red_read(const uint8_t *payload, size_t len, uint8_t payload_type, StoaRed *red);

/**
 * Write the heads once more, for somebody to whom the codec inside has another payload type.
 *
 * @heads  borrowed, as they came, `len` bytes as read
 * @out    at least `len` bytes
 */
void stoa_red_heads_write(const uint8_t *heads, size_t len, uint8_t payload_type, uint8_t *out);
