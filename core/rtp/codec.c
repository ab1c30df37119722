/* SPDX-License-Identifier: MIT */
/* The table of codecs. */

#include "rtp/codec.h"

#include <strings.h>

typedef enum { OTHER, AUDIO, VIDEO } Kind;

static const struct {
    const char *name;
    uint32_t clock_hz;
    uint8_t channels;
    Kind kind;
} codecs[STOA_CODEC_N] = {
    [STOA_CODEC_NONE] = { "none", 0, 1, OTHER },
    [STOA_CODEC_OPUS] = { "opus", 48000, 2, AUDIO },
    [STOA_CODEC_PCMU] = { "PCMU", 8000, 1, AUDIO },
    [STOA_CODEC_PCMA] = { "PCMA", 8000, 1, AUDIO },
    [STOA_CODEC_G722] = { "G722", 8000, 1, AUDIO },
    [STOA_CODEC_RED_AUDIO] = { "red", 48000, 2, AUDIO },
    [STOA_CODEC_CN] = { "CN", 8000, 1, OTHER },
    [STOA_CODEC_TELEPHONE_EVENT] = { "telephone-event", 8000, 1, OTHER },
    [STOA_CODEC_VP8] = { "VP8", 90000, 1, VIDEO },
    [STOA_CODEC_VP9] = { "VP9", 90000, 1, VIDEO },
    [STOA_CODEC_H264] = { "H264", 90000, 1, VIDEO },
    [STOA_CODEC_H265] = { "H265", 90000, 1, VIDEO },
    [STOA_CODEC_AV1] = { "AV1", 90000, 1, VIDEO },
    [STOA_CODEC_RTX] = { "rtx", 90000, 1, OTHER },
    [STOA_CODEC_RED_VIDEO] = { "red", 90000, 1, OTHER },
    [STOA_CODEC_ULPFEC] = { "ulpfec", 90000, 1, OTHER },
    [STOA_CODEC_FLEXFEC] = { "flexfec-03", 90000, 1, OTHER },
};

/* A value that did not come from here reads as "none". */
static StoaCodec known(StoaCodec codec)
{
    return (unsigned)codec < STOA_CODEC_N ? codec : STOA_CODEC_NONE;
}

StoaCodec stoa_codec_find(const char *name, uint32_t clock_hz)
{
    if (strcasecmp(name, "red") == 0)
        return clock_hz == 90000 ? STOA_CODEC_RED_VIDEO : STOA_CODEC_RED_AUDIO;
    for (unsigned codec = STOA_CODEC_NONE + 1; codec < STOA_CODEC_N; codec++)
        if (strcasecmp(codecs[codec].name, name) == 0)
            return (StoaCodec)codec;
    return STOA_CODEC_NONE;
}

const char *stoa_codec_name(StoaCodec codec)
{
    return codecs[known(codec)].name;
}

uint32_t stoa_codec_clock_hz(StoaCodec codec)
{
    return codecs[known(codec)].clock_hz;
}

unsigned stoa_codec_channels(StoaCodec codec)
{
    return codecs[known(codec)].channels;
}

bool stoa_codec_is_video(StoaCodec codec)
{
    return codecs[known(codec)].kind == VIDEO;
}

bool stoa_codec_has_spatial(StoaCodec codec)
{
    return codec == STOA_CODEC_VP9 || codec == STOA_CODEC_AV1;
}

bool stoa_codec_is_audio(StoaCodec codec)
{
    return codecs[known(codec)].kind == AUDIO;
}
