/* SPDX-License-Identifier: MIT */
#pragma once /* The VP8 payload descriptor, read and rewritten. (RFC 7741) */

#include "rtp/payload.h"

/** Read the descriptor and, at the start of a frame, whether it is a key frame. See payload.h. */
bool stoa_vp8_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);

/**
 * Write the payload's descriptor with other picture id and TL0PICIDX; its length stays.
 *
 * @payload  borrowed, as it came
 * @info     as read from it
 * @out      at least STOA_REWRITE_MAX bytes; not the payload itself, which is shared
 *
 * Returns the descriptor's length: that many bytes of the payload are replaced by `out`.
 */
size_t stoa_vp8_rewrite(const uint8_t *payload, const StoaRtpFrameInfo *info,
                        const StoaPictureOffsets *offsets, uint8_t *out);
