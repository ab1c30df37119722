/* SPDX-License-Identifier: MIT */
#pragma once /* Numbers that look random and are the same in every run; and cmocka's includes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <glib.h>

static uint64_t dice_state = 0x9e3779b97f4a7c15u;

static inline uint32_t dice(void)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (uint32_t)(dice_state >> 32);
}

static inline uint32_t dice_below(uint32_t n)
{
    return dice() % n;
}

static inline void dice_fill(uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)dice();
}

/* A copy in a block of its own size, so that a sanitizer sees a read past its end. Free it. */
static inline uint8_t *dice_exact(const void *buf, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);

    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, buf, len);
    return exact;
}
