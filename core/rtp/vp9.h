/* SPDX-License-Identifier: MIT */
#pragma once /* The VP9 payload descriptor. (RFC 9628) */

#include "rtp/payload.h"

/** Read the descriptor. A key frame: no inter-picture prediction, base layer. See payload.h. */
bool stoa_vp9_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);

/** Write the descriptor's beginning with other picture id and TL0PICIDX. See payload.h. */
size_t stoa_vp9_rewrite(const uint8_t *payload, const StoaRtpFrameInfo *info,
                        const StoaPictureOffsets *offsets, uint8_t *out);
