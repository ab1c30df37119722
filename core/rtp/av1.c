/* SPDX-License-Identifier: MIT */
/* AV1's aggregation header and first OBU. (RTP Payload Format For AV1, 4.4 and 4.5) */

#include "rtp/av1.h"

#include <string.h>

enum { CONTINUES = 0x80, NEW_SEQUENCE = 0x08 };
enum { OBU_SEQUENCE = 1, OBU_DELIMITER = 2, OBU_FRAME_HEADER = 3, OBU_METADATA = 5, OBU_FRAME = 6 };

/* Passes over a LEB128 length. Returns the bytes it takes, 0 if it is cut short. */
static size_t skip_length(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len && i < 8; i++)
        if (!(at[i] & 0x80))
            return i + 1;
    return 0;
}

static bool begins_frame(uint8_t obu_type)
{
    return obu_type == OBU_SEQUENCE || obu_type == OBU_DELIMITER || obu_type == OBU_FRAME_HEADER ||
           obu_type == OBU_METADATA || obu_type == OBU_FRAME;
}

static bool read_first_obu(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    unsigned n_obus = payload[0] >> 4 & 3; /* 0: not told, each has a length */
    size_t at = 1;

    if (n_obus != 1) {
        size_t length_len = skip_length(payload + at, len - at);

        if (length_len == 0)
            return false;
        at += length_len;
    }
    if (at >= len || payload[at] & 0x80)
        return false; /* nothing in it, or the forbidden bit */
    info->starts_frame = begins_frame(payload[at] >> 3 & 15);
    if (payload[at] & 0x04 && at + 1 < len) {
        info->has_layers = true;
        info->tid = payload[at + 1] >> 5;
        info->sid = payload[at + 1] >> 3 & 3;
    }
    return true;
}

bool stoa_av1_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    StoaRtpFrameInfo read = { 0 };

    memset(info, 0, sizeof(*info));
    if (len == 0)
        return true;
    if ((payload[0] & CONTINUES) && (payload[0] & NEW_SEQUENCE))
        return false; /* a sequence cannot begin in the middle of an OBU */
    if (!(payload[0] & CONTINUES) && !read_first_obu(payload, len, &read))
        return false;
    read.is_keyframe = payload[0] & NEW_SEQUENCE;
    read.descriptor_len = 1;
    *info = read;
    return true;
}
