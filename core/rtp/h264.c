/* SPDX-License-Identifier: MIT */
/* H.264 NAL units in RTP: single, aggregated (STAP-A), fragmented (FU-A). (RFC 6184, 5) */

#include "rtp/h264.h"

#include <string.h>

#include "rtp/bytes.h"

enum {
    NAL_SLICE = 1,
    NAL_IDR = 5,
    NAL_SEI = 6,
    NAL_SPS = 7,
    NAL_PPS = 8,
    NAL_DELIMITER = 9,
    NAL_STAP_A = 24,
    NAL_FU_A = 28,
};

/* Notes one NAL unit: its type, whether anything refers to it, and the byte after its header. */
static void see_unit(uint8_t type, bool is_reference, bool has_body, uint8_t first,
                     StoaRtpFrameInfo *info)
{
    /* first_mb_in_slice is an exp-golomb number: a single 1 bit is 0, the picture's corner */
    bool is_first_slice = has_body && first & 0x80;

    if (is_reference)
        info->is_not_reference = false;
    if ((type == NAL_SLICE || type == NAL_IDR) && is_first_slice)
        info->starts_frame = true;
    if (type >= NAL_SEI && type <= NAL_DELIMITER)
        info->starts_frame = true;
    if (type == NAL_SPS || (type == NAL_IDR && is_first_slice))
        info->is_keyframe = true;
}

static bool read_aggregate(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    size_t at = 1;

    while (at < len) {
        size_t unit_len;

        if (len - at < 2)
            return false;
        unit_len = stoa_bytes_get16(payload + at);
        at += 2;
        if (unit_len == 0 || unit_len > len - at)
            return false;
        see_unit(payload[at] & 31, payload[at] & 0x60, unit_len > 1,
                 unit_len > 1 ? payload[at + 1] : 0, info);
        at += unit_len;
    }
    return true;
}

static bool read_fragment(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    if (len < 2)
        return false;
    if (payload[1] & 0x80)
        see_unit(payload[1] & 31, payload[0] & 0x60, len > 2, len > 2 ? payload[2] : 0, info);
    else if (payload[0] & 0x60)
        info->is_not_reference = false;
    return true;
}

bool stoa_h264_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    StoaRtpFrameInfo read = { .is_not_reference = true };
    uint8_t type;
    bool is_good = true;

    memset(info, 0, sizeof(*info));
    if (len == 0)
        return true;
    type = payload[0] & 31;
    if (type == NAL_STAP_A)
        is_good = read_aggregate(payload, len, &read);
    else if (type == NAL_FU_A)
        is_good = read_fragment(payload, len, &read);
    else if (type >= 1 && type < NAL_STAP_A)
        see_unit(type, payload[0] & 0x60, len > 1, len > 1 ? payload[1] : 0, &read);
    else
        is_good = false;
    if (is_good)
        *info = read;
    return is_good;
}
