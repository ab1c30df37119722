/* SPDX-License-Identifier: MIT */
#pragma once /* AV1 payloads: the aggregation header. (AV1 RTP spec, 4.4) */

#include "rtp/payload.h"

/**
 * Look at the aggregation header and the first OBU: N marks a new coded video sequence, which is a key
 * frame; layers come from the OBU extension where there is one. With a dependency descriptor
 * stoa_rtp_payload_info() knows better. See payload.h.
 */
bool stoa_av1_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);
