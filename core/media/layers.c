/* SPDX-License-Identifier: MIT */
#include "media/layers.h"

#include "base/poison.h"

/* A layer that needs no picture before, just the one below it, which is relayed. (RFC 9628, 4.2: P, D) */
static bool opens_spatial(StoaLayers now, StoaLayers wish, StoaCodec codec,
                          const StoaRtpFrameInfo *info)
{
    return codec == STOA_CODEC_VP9 && !info->is_inter_picture && info->sid == now.spatial + 1 &&
           info->sid <= wish.spatial;
}

static uint8_t follow_temporal(StoaLayers now, StoaLayers wish, const StoaRtpFrameInfo *info)
{
    if (wish.temporal <= now.temporal)
        return wish.temporal;
    if (info->is_sync && info->tid == now.temporal + 1)
        return info->tid; /* of the layers above it nothing is known yet */
    if (info->is_switch_point && info->tid <= now.temporal)
        return wish.temporal;
    return now.temporal;
}

StoaLayers stoa_layers_follow(StoaLayers now, StoaLayers wish, StoaCodec codec,
                              const StoaRtpFrameInfo *info)
{
    if (info->is_keyframe)
        return wish;
    if (!info->has_layers || !info->starts_frame)
        return now;
    if (info->sid == 0) {
        now.temporal = follow_temporal(now, wish, info);
        if (wish.spatial < now.spatial)
            now.spatial = wish.spatial;
    } else if (opens_spatial(now, wish, codec, info)) {
        now.spatial = info->sid;
    }
    return now;
}
