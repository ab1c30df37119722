/* SPDX-License-Identifier: MIT */
#pragma once /* Reads bits, most significant first; running past the end is remembered, not fatal. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data;
    size_t n_bits; /* in all */
    size_t at;     /* bits read */
    bool has_overrun;
} StoaBits;

/** Begin to read `len` bytes, borrowed. */
static inline StoaBits stoa_bits_of(const uint8_t *data, size_t len)
{
    return (StoaBits){ .data = data, .n_bits = len * 8 };
}

/** The next `n` bits, at most 32. 0 past the end, and `has_overrun` is set. */
static inline uint32_t stoa_bits_get(StoaBits *bits, unsigned n)
{
    uint32_t value = 0;

    if (n > bits->n_bits - bits->at) {
        bits->has_overrun = true;
        bits->at = bits->n_bits;
        return 0;
    }
    for (; n > 0; n--, bits->at++)
        value = value << 1 | (bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1u);
    return value;
}

/** A number below `n` that is not a power of two: the `ns(n)` of the AV1 specification. */
static inline uint32_t stoa_bits_get_below(StoaBits *bits, uint32_t n)
{
    unsigned width = 32u - (unsigned)__builtin_clz(n | 1);
    uint32_t n_short = (1u << width) - n;
    uint32_t value = stoa_bits_get(bits, width - 1);

    if (value < n_short)
        return value;
    return (value << 1) - n_short + stoa_bits_get(bits, 1);
}
