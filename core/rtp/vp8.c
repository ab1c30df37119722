/* SPDX-License-Identifier: MIT */
/* The VP8 payload descriptor and the first bytes of a frame. (RFC 7741, 4.2 and 4.3; RFC 6386, 9.1) */

#include "rtp/vp8.h"

#include <string.h>

#include "rtp/bytes.h"

#define EXTENDED      0x80
#define NON_REFERENCE 0x20
#define START         0x10
#define HAS_PICTURE   0x80
#define HAS_TL0       0x40
#define HAS_TID       0x20
#define HAS_KEYIDX    0x10
#define LONG_ID       0x80
#define LAYER_SYNC    0x20

/* Reads what the X bit announces. Returns the descriptor's length, 0 if it is cut short. */
static size_t read_extended(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    uint8_t flags = len >= 2 ? payload[1] : 0;
    size_t at = 2;

    if (flags & HAS_PICTURE) {
        if (len < at + 1 || (payload[at] & LONG_ID && len < at + 2))
            return 0;
        info->has_picture_id = true;
        info->picture_id_is_long = payload[at] & LONG_ID;
        info->picture_id =
            info->picture_id_is_long ? stoa_bytes_get16(payload + at) & 0x7fff : payload[at];
        at += info->picture_id_is_long ? 2 : 1;
    }
    if (flags & HAS_TL0) {
        if (len < at + 1)
            return 0;
        info->has_tl0_pic_idx = true;
        info->tl0_pic_idx = payload[at++];
    }
    if (flags & (HAS_TID | HAS_KEYIDX)) {
        if (len < at + 1)
            return 0;
        info->has_layers = flags & HAS_TID;
        info->tid = flags & HAS_TID ? payload[at] >> 6 : 0;
        info->is_sync = flags & HAS_TID && payload[at] & LAYER_SYNC;
        at++;
    }
    return len >= at ? at : 0;
}

/* P bit clear, and the start code that only key frames have: sealed frames must not pass for one. */
static void read_frame_start(const uint8_t *frame, size_t len, StoaRtpFrameInfo *info)
{
    info->starts_frame = true;
    if (len < 10 || frame[0] & 1 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a)
        return;
    info->is_keyframe = true;
    info->width = (uint16_t)((frame[7] << 8 | frame[6]) & 0x3fff);
    info->height = (uint16_t)((frame[9] << 8 | frame[8]) & 0x3fff);
}

bool stoa_vp8_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    StoaRtpFrameInfo read = { 0 };
    size_t at = 1;

    memset(info, 0, sizeof(*info));
    if (len == 0)
        return true;
    if (payload[0] & EXTENDED)
        at = read_extended(payload, len, &read);
    if (at == 0)
        return false;
    read.descriptor_len = (uint16_t)at;
    read.is_not_reference = payload[0] & NON_REFERENCE;
    if (payload[0] & START && (payload[0] & 7) == 0)
        read_frame_start(payload + at, len - at, &read);
    *info = read;
    return true;
}

size_t stoa_vp8_rewrite(const uint8_t *payload, const StoaRtpFrameInfo *info,
                        const StoaPictureOffsets *offsets, uint8_t *out)
{
    size_t len = info->descriptor_len < STOA_REWRITE_MAX ? info->descriptor_len : STOA_REWRITE_MAX;
    uint16_t picture_id = (uint16_t)(info->picture_id + offsets->picture_id);
    uint8_t *at = out + 2;

    memcpy(out, payload, len);
    if (info->has_picture_id && info->picture_id_is_long) {
        stoa_bytes_put16(at, picture_id | 0x8000);
        at += 2;
    } else if (info->has_picture_id) {
        *at++ = picture_id & 0x7f;
    }
    if (info->has_tl0_pic_idx)
        *at = (uint8_t)(info->tl0_pic_idx + offsets->tl0_pic_idx);
    return len;
}
