/* SPDX-License-Identifier: MIT */
/* Retransmission payloads: two bytes more than the original. (RFC 4588, 4) */

#include "rtp/rtx.h"

#include <string.h>

#include "rtp/bytes.h"

/* The header moves up over the original's number, the payload stays where it is. */
size_t stoa_rtx_unwrap(uint8_t *buf, size_t len, const StoaRtpHeader *header, uint32_t ssrc,
                       uint8_t payload_type)
{
    uint16_t seq;

    if (header->payload_len < STOA_RTX_PREFIX_LEN || header->payload_at > len)
        return 0;
    seq = stoa_bytes_get16(buf + header->payload_at);
    memmove(buf + STOA_RTX_PREFIX_LEN, buf, header->payload_at);
    buf += STOA_RTX_PREFIX_LEN;
    buf[1] = (uint8_t)((buf[1] & 0x80) | (payload_type & 127));
    stoa_bytes_put16(buf + 2, seq);
    stoa_bytes_put32(buf + 8, ssrc);
    return STOA_RTX_PREFIX_LEN;
}

void stoa_rtx_prefix_write(uint16_t original_seq, uint8_t out[STOA_RTX_PREFIX_LEN])
{
    stoa_bytes_put16(out, original_seq);
}
