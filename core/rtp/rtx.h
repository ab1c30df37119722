/* SPDX-License-Identifier: MIT */
#pragma once /* Retransmissions in a stream of their own. (RFC 4588) */

#include "rtp/header.h"

#define STOA_RTX_PREFIX_LEN 2 /* the original sequence number, before the payload */

/**
 * Turn a received RTX packet into the original, in place.
 *
 * @buf           `len` bytes; its first two become free
 * @header        as read from it
 * @ssrc          of the original stream
 * @payload_type  of the original codec (`apt`)
 *
 * Returns where in `buf` the original begins (2), its length is `len` less that; or 0 if the packet
 * carries none: padding only, as browsers send to probe. Read its header anew.
 */
size_t stoa_rtx_unwrap(uint8_t *buf, size_t len, const StoaRtpHeader *header, uint32_t ssrc,
                       uint8_t payload_type);

/** The prefix of a retransmission's payload: the original sequence number. */
void stoa_rtx_prefix_write(uint16_t original_seq, uint8_t out[STOA_RTX_PREFIX_LEN]);
