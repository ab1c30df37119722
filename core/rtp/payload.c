/* SPDX-License-Identifier: MIT */
/* Finds the reader of a codec, and lets a dependency descriptor have the last word. */

#include "rtp/payload.h"

#include <string.h>

#include "rtp/av1.h"
#include "rtp/h264.h"
#include "rtp/vp8.h"
#include "rtp/vp9.h"

typedef bool Reader(const uint8_t *payload, size_t len, StoaRtpFrameInfo *info);

static Reader *const readers[STOA_CODEC_N] = {
    [STOA_CODEC_VP8] = stoa_vp8_read,
    [STOA_CODEC_VP9] = stoa_vp9_read,
    [STOA_CODEC_H264] = stoa_h264_read,
    [STOA_CODEC_AV1] = stoa_av1_read,
};

/* Every second bit of a descriptor's indications: SWITCH is 10, REQUIRED is 11. */
#define UPPER_BITS UINT64_C(0xaaaaaaaaaaaaaaaa)

static void apply_descriptor(const StoaDd *dd, StoaRtpFrameInfo *info)
{
    uint64_t upper = dd->indications & UPPER_BITS;

    info->has_dd = true;
    info->frame_number = dd->frame_number;
    info->starts_frame = dd->starts_frame;
    info->ends_frame = dd->ends_frame;
    info->is_keyframe = dd->has_structure && dd->starts_frame;
    if (!dd->knows_layers)
        return;
    info->has_layers = true;
    info->sid = dd->spatial;
    info->tid = dd->temporal;
    info->is_inter_layer = dd->spatial > 0;
    info->is_not_reference = upper == 0;
    info->is_switch_point = (upper & ~(dd->indications << 1)) != 0;
}

bool stoa_rtp_payload_info(StoaCodec codec, const uint8_t *payload, size_t len, const StoaDd *dd,
                           StoaRtpFrameInfo *info)
{
    bool is_good = true;

    memset(info, 0, sizeof(*info));
    if (stoa_codec_is_audio(codec))
        info->starts_frame = info->is_keyframe = len > 0;
    else if ((unsigned)codec < STOA_CODEC_N && readers[codec])
        is_good = readers[codec](payload, len, info);
    if (dd && len > 0) {
        apply_descriptor(dd, info);
        return true;
    }
    return is_good;
}

size_t stoa_rtp_payload_rewrite(StoaCodec codec, const uint8_t *payload,
                                const StoaRtpFrameInfo *info, const StoaPictureOffsets *offsets,
                                uint8_t *out)
{
    if (!info->has_picture_id)
        return 0;
    if (codec == STOA_CODEC_VP8)
        return stoa_vp8_rewrite(payload, info, offsets, out);
    return codec == STOA_CODEC_VP9 ? stoa_vp9_rewrite(payload, info, offsets, out) : 0;
}
