/* SPDX-License-Identifier: MIT */
#pragma once /* The VP9 payload descriptor. (RFC 9628) */

#include "rtp/payload.h"

/** Read the descriptor. A key frame: no inter-picture prediction, base layer. See payload.h. */
bool stoa_vp9_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);
