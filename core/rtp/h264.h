/* SPDX-License-Identifier: MIT */
#pragma once /* H.264 payloads: does an IDR picture or its parameter sets begin here? (RFC 6184) */

#include "rtp/payload.h"

/**
 * Look at the NAL units of a payload. A packet that brings SPS or the start of an IDR slice is
 * a key frame's. Frames have no start mark: `starts_frame` is true for parameter sets, access unit
 * delimiters, SEI, and slices whose first macroblock is 0. See payload.h.
 */
bool stoa_h264_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);
