/* SPDX-License-Identifier: MIT */
#pragma once /* The VP8 payload descriptor, read and rewritten. (RFC 7741) */

#include "rtp/payload.h"

#define STOA_VP8_DESCRIPTOR_MAX 6

/* Added to what the source says, so that a subscriber sees one stream over switches. */
typedef struct {
    uint16_t picture_id; /* modulo 2^15 (2^7 where the source uses the short form) */
    uint8_t tl0_pic_idx; /* modulo 2^8 */
} StoaVp8Offsets;

/** Read the descriptor and, at the start of a frame, whether it is a key frame. See payload.h. */
bool stoa_vp8_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);

/**
 * Write the payload's descriptor with other picture id and TL0PICIDX; its length stays.
 *
 * @payload  borrowed, as it came
 * @info     as read from it
 * @out      at least STOA_VP8_DESCRIPTOR_MAX bytes; not the payload itself, which is shared
 *
 * Returns the descriptor's length: that many bytes of the payload are replaced by `out`.
 */
size_t stoa_vp8_rewrite(const uint8_t *payload, const StoaRtpFrameInfo *info,
                        const StoaVp8Offsets *offsets, uint8_t *out);
