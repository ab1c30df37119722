/* SPDX-License-Identifier: MIT */
#pragma once /* The codecs by name. Payload types are per peer: SDP tells them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    STOA_CODEC_NONE,
    STOA_CODEC_OPUS,
    STOA_CODEC_PCMU,
    STOA_CODEC_PCMA,
    STOA_CODEC_G722,
    STOA_CODEC_RED_AUDIO, /* redundant audio; `red` at 90 kHz is STOA_CODEC_RED_VIDEO */
    STOA_CODEC_CN,
    STOA_CODEC_TELEPHONE_EVENT,
    STOA_CODEC_VP8,
    STOA_CODEC_VP9,
    STOA_CODEC_H264,
    STOA_CODEC_H265,
    STOA_CODEC_AV1,
    STOA_CODEC_RTX,
    STOA_CODEC_RED_VIDEO,
    STOA_CODEC_ULPFEC,
    STOA_CODEC_FLEXFEC,
    STOA_CODEC_N
} StoaCodec;

/** The codec of an `a=rtpmap` encoding name, in any case: STOA_CODEC_NONE if we do not know it.
 *  `clock_hz` tells apart the two kinds of `red`. */
StoaCodec stoa_codec_find(const char *name, uint32_t clock_hz);

/** The name as SDP writes it (`opus`, `VP8`). Static text; "none" for STOA_CODEC_NONE. */
const char *stoa_codec_name(StoaCodec codec);

/** The rate of RTP timestamps; 0 for STOA_CODEC_NONE. G722 says 8000, as RFC 3551 wants. */
uint32_t stoa_codec_clock_hz(StoaCodec codec);

/** Channels in the rtpmap line: 2 for opus, 1 otherwise. */
unsigned stoa_codec_channels(StoaCodec codec);

/** Does it carry pictures that can be shown (not RTX, RED or FEC)? */
bool stoa_codec_is_video(StoaCodec codec);

/** Can one stream of it have spatial layers, of which some may be left out? */
bool stoa_codec_has_spatial(StoaCodec codec);

/** Does it carry sound (not comfort noise or digits)? */
bool stoa_codec_is_audio(StoaCodec codec);
