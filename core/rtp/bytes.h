/* SPDX-License-Identifier: MIT */
#pragma once /* Big-endian numbers in byte buffers. The caller has checked the length. Pure. */

#include <stdint.h>

static inline uint16_t stoa_bytes_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t stoa_bytes_get24(const uint8_t *at)
{
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

static inline uint32_t stoa_bytes_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | stoa_bytes_get24(at + 1);
}

static inline uint64_t stoa_bytes_get64(const uint8_t *at)
{
    return (uint64_t)stoa_bytes_get32(at) << 32 | stoa_bytes_get32(at + 4);
}

static inline void stoa_bytes_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void stoa_bytes_put24(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 16);
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)value;
}

static inline void stoa_bytes_put32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    stoa_bytes_put24(at + 1, value);
}

static inline void stoa_bytes_put64(uint8_t *at, uint64_t value)
{
    stoa_bytes_put32(at, (uint32_t)(value >> 32));
    stoa_bytes_put32(at + 4, (uint32_t)value);
}
