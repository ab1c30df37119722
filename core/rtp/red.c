/* SPDX-License-Identifier: MIT */
/* Redundant audio. A block that is a copy has a head of four bytes: F=1 and payload type, 14 bits of age, 10 of length;
 * the last block, which is new, one byte: F=0 and payload type. (RFC 2198, 3) */
#include "rtp/red.h"

#include "rtp/bytes.h"

#define IS_COPY  0x80
#define HEAD_LEN 4

static uint16_t block_len(const uint8_t *head)
{
    return stoa_bytes_get16(head + 2) & 0x3ffu;
}

static uint16_t block_age(const uint8_t *head)
{
    return stoa_bytes_get16(head + 1) >> 2;
}

bool stoa_red_read(const uint8_t *payload, size_t len, uint8_t payload_type, StoaRed *red)
{
    size_t at = 0, copies = 0;

    for (; at < len && (payload[at] & IS_COPY); at += HEAD_LEN) {
        if (len - at < HEAD_LEN || (payload[at] & 127) != payload_type ||
            at == HEAD_LEN * STOA_RED_COPIES)
            return false;
        copies += block_len(payload + at);
    }
    if (at >= len || payload[at] != payload_type)
        return false;
    at++;
    if (copies > len - at)
        return false;
    *red = (StoaRed){ .heads_len = (uint8_t)at, .primary_at = (uint16_t)(at + copies) };
    if (at > 1) {
        red->copy_len = block_len(payload + at - 1 - HEAD_LEN);
        red->copy_age = block_age(payload + at - 1 - HEAD_LEN);
    }
    return true;
}

void stoa_red_heads_write(const uint8_t *heads, size_t len, uint8_t payload_type, uint8_t *out)
{
    size_t at = 0;

    for (; at + HEAD_LEN < len; at += HEAD_LEN) {
        out[at] = (uint8_t)(IS_COPY | payload_type);
        out[at + 1] = heads[at + 1];
        out[at + 2] = heads[at + 2];
        out[at + 3] = heads[at + 3];
    }
    out[at] = payload_type;
}
