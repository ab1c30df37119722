/* SPDX-License-Identifier: MIT */
/* The VP9 payload descriptor. (RFC 9628, 4.2) */

#include "rtp/vp9.h"

#include <string.h>

#include "rtp/bytes.h"

enum {
    HAS_PICTURE = 0x80,     /* I */
    INTER_PICTURE = 0x40,   /* P */
    HAS_LAYERS = 0x20,      /* L */
    FLEXIBLE = 0x10,        /* F */
    BEGINS = 0x08,          /* B */
    ENDS = 0x04,            /* E */
    HAS_SCALABILITY = 0x02, /* V */
};

#define MAX_REFERENCES 3

/* Where the reader stands. */
typedef struct {
    const uint8_t *at;
    size_t left;
} Cursor;

static bool take(Cursor *cursor, size_t n)
{
    if (cursor->left < n)
        return false;
    cursor->at += n;
    cursor->left -= n;
    return true;
}

static bool read_picture_id(Cursor *cursor, StoaRtpFrameInfo *info)
{
    const uint8_t *at = cursor->at;

    if (!take(cursor, 1))
        return false;
    info->has_picture_id = true;
    info->picture_id = at[0];
    if (!(at[0] & 0x80))
        return true;
    info->picture_id_is_long = true;
    if (!take(cursor, 1))
        return false;
    info->picture_id = stoa_bytes_get16(at) & 0x7fff;
    return true;
}

static bool read_layers(Cursor *cursor, bool is_flexible, StoaRtpFrameInfo *info)
{
    const uint8_t *at = cursor->at;

    if (!take(cursor, is_flexible ? 1 : 2))
        return false;
    info->has_layers = true;
    info->tid = at[0] >> 5;
    info->is_switch_point = at[0] & 0x10;
    info->sid = at[0] >> 1 & 7;
    info->is_inter_layer = at[0] & 1;
    if (!is_flexible) {
        info->has_tl0_pic_idx = true;
        info->tl0_pic_idx = at[1];
    }
    return true;
}

static bool skip_references(Cursor *cursor)
{
    for (unsigned i = 0; i < MAX_REFERENCES; i++) {
        const uint8_t *at = cursor->at;

        if (!take(cursor, 1))
            return false;
        if (!(at[0] & 1))
            return true;
    }
    return false;
}

/* Takes the size of the highest layer, passes over the picture group. */
static bool read_scalability(Cursor *cursor, StoaRtpFrameInfo *info)
{
    const uint8_t *at = cursor->at;
    unsigned n_layers, n_pictures;
    uint8_t head;

    if (!take(cursor, 1))
        return false;
    head = at[0];
    n_layers = (head >> 5) + 1u;
    if (head & 0x10) {
        if (!take(cursor, 4 * n_layers))
            return false;
        info->width = stoa_bytes_get16(cursor->at - 4);
        info->height = stoa_bytes_get16(cursor->at - 2);
    }
    if (!(head & 0x08))
        return true;
    at = cursor->at;
    if (!take(cursor, 1))
        return false;
    for (n_pictures = at[0]; n_pictures > 0; n_pictures--) {
        at = cursor->at;
        if (!take(cursor, 1) || !take(cursor, at[0] >> 2 & 3))
            return false;
    }
    return true;
}

static bool read_descriptor(Cursor *cursor, StoaRtpFrameInfo *info)
{
    uint8_t flags = cursor->at[0];

    take(cursor, 1);
    if (flags & HAS_PICTURE && !read_picture_id(cursor, info))
        return false;
    if (flags & HAS_LAYERS && !read_layers(cursor, flags & FLEXIBLE, info))
        return false;
    if (flags & FLEXIBLE && flags & INTER_PICTURE && !skip_references(cursor))
        return false;
    if (flags & HAS_SCALABILITY && !read_scalability(cursor, info))
        return false;
    info->is_inter_picture = flags & INTER_PICTURE;
    info->starts_frame = flags & BEGINS;
    info->ends_frame = flags & ENDS;
    info->is_keyframe = flags & BEGINS && !(flags & INTER_PICTURE) && info->sid == 0;
    return true;
}

bool stoa_vp9_read(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info)
{
    Cursor cursor = { payload, len };
    StoaRtpFrameInfo read = { 0 };

    memset(info, 0, sizeof(*info));
    if (len == 0)
        return true;
    if (!read_descriptor(&cursor, &read))
        return false;
    read.descriptor_len = (uint16_t)(cursor.at - payload);
    *info = read;
    return true;
}

/* The picture id comes first; TL0PICIDX is the second byte of the layers, where there is one. */
size_t stoa_vp9_rewrite(const uint8_t *payload, const StoaRtpFrameInfo *info,
                        const StoaPictureOffsets *offsets, uint8_t *out)
{
    uint16_t picture_id = (uint16_t)(info->picture_id + offsets->picture_id);
    size_t len = 1;

    out[0] = payload[0];
    if (info->picture_id_is_long) {
        stoa_bytes_put16(out + 1, picture_id | 0x8000);
        len += 2;
    } else {
        out[len++] = picture_id & 0x7f;
    }
    if (!info->has_tl0_pic_idx)
        return len;
    out[len] = payload[len];
    out[len + 1] = (uint8_t)(info->tl0_pic_idx + offsets->tl0_pic_idx);
    return len + 2;
}
