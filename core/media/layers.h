/* SPDX-License-Identifier: MIT */
/* Which layers of one encoding a sink relays: spatial and temporal, up to one of each. Pure: no clock, no I/O. */
#pragma once

#include "rtp/payload.h"

enum { STOA_ALL_LAYERS = 7 /* both kinds count from 0 to 7 at most */ };

typedef struct {
    uint8_t spatial, temporal; /* up to these */
} StoaLayers;

#define STOA_LAYERS_ALL ((StoaLayers){ STOA_ALL_LAYERS, STOA_ALL_LAYERS })

static inline bool stoa_layers_same(StoaLayers a, StoaLayers b)
{
    return a.spatial == b.spatial && a.temporal == b.temporal;
}

/** Whether a packet belongs to them. */
static inline bool stoa_layers_have(StoaLayers layers, const StoaRtpFrameInfo *info)
{
    return !info->has_layers || (info->sid <= layers.spatial && info->tid <= layers.temporal);
}

/** Whether a packet of theirs is the last of a picture because the layers above are left out. */
static inline bool stoa_layers_end_picture(StoaLayers layers, const StoaRtpFrameInfo *info)
{
    return info->has_layers && info->ends_frame && info->sid == layers.spatial;
}

/**
 * What is relayed from this packet on: down where a picture begins, up where the encoder says that a decoder can follow.
 *
 * @now   relayed until here @wish  wanted
 * @info  of a packet newer than all before
 */
StoaLayers stoa_layers_follow(StoaLayers now, StoaLayers wish, StoaCodec codec,
                              const StoaRtpFrameInfo *info);
