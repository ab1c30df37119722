/* SPDX-License-Identifier: MIT */
/* One packet through all that looks at RTP: header, extensions, payloads, retransmission, rewriting. */
#include <glib.h>
#include <string.h>

#include "rtp/extension.h"
#include "rtp/payload.h"
#include "rtp/red.h"
#include "rtp/rtx.h"
#include "rtp/vp8.h"

#define MAX_LEN 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_codecs(const uint8_t *payload, size_t len, const StoaDd *dd)
{
    for (unsigned codec = 0; codec < STOA_CODEC_N; codec++) {
        StoaRtpFrameInfo info;

        if (stoa_rtp_payload_info((StoaCodec)codec, payload, len, dd, &info))
            g_assert(info.descriptor_len <= len);
        else
            g_assert(!info.is_keyframe && !info.starts_frame);
    }
}

/* The descriptor keeps its length and is still one. */
static void try_rewrite(const uint8_t *payload, size_t len)
{
    StoaPictureOffsets offsets = { .picture_id = 12345, .tl0_pic_idx = 77 };
    uint8_t out[STOA_REWRITE_MAX];
    StoaRtpFrameInfo info, again;

    if (len == 0 || !stoa_vp8_read(payload, len, &info))
        return;
    g_assert(stoa_vp8_rewrite(payload, &info, &offsets, out) == info.descriptor_len);
    g_assert(stoa_vp8_read(out, info.descriptor_len, &again));
    g_assert(again.descriptor_len == info.descriptor_len && again.tid == info.tid);
    if (!stoa_rtp_payload_info(STOA_CODEC_VP9, payload, len, NULL, &info))
        return;
    g_assert(stoa_rtp_payload_rewrite(STOA_CODEC_VP9, payload, &info, &offsets, out) <=
             MIN(info.descriptor_len, STOA_REWRITE_MAX));
}

/* Every element as a descriptor, the payload too: it may bring the structure. */
static bool try_descriptors(const uint8_t *packet, const StoaRtpHeader *header,
                            const StoaRtpExts *exts, StoaDd *dd)
{
    StoaDdStructure structure = { 0 };
    bool is_read = false;

    stoa_dd_read(packet + header->payload_at, header->payload_len, &structure, dd);
    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        if (stoa_rtp_extension_has(exts, kind))
            is_read |= stoa_dd_read(packet + exts->at[kind], exts->len[kind], &structure, dd);
    return is_read;
}

static void try_sink(const uint8_t *packet, const StoaRtpExts *exts)
{
    StoaRtpExtValues values = { .mid = "0", .mid_len = 1, .has_twcc = true, .twcc_seq = 9 };
    StoaRtpExtMap map = { 0 };
    uint8_t out[STOA_RTP_HEADER_LEN + 600];
    StoaRtpHeader header = { .has_extension = true };
    StoaRtpExtIds ids = { 0 };
    StoaRtpExtSink sink;
    StoaRtpExts seen;
    size_t len;

    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++) {
        map.id_of_kind[kind] = (uint8_t)kind;
        ids.kind_of_id[kind] = (uint8_t)kind;
    }
    stoa_rtp_extension_sink_init(&sink, &map);
    stoa_rtp_header_write(&header, out);
    len = stoa_rtp_extension_write(&sink, packet, exts, &values, out + STOA_RTP_HEADER_LEN,
                                   sizeof(out) - STOA_RTP_HEADER_LEN);
    g_assert(stoa_rtp_header_read(out, STOA_RTP_HEADER_LEN + len, &header));
    g_assert(stoa_rtp_extension_read(out, &header, &ids, &seen));
    g_assert(stoa_rtp_extension_has(&seen, STOA_RTP_EXT_TWCC));
}

static void try_values(const uint8_t *packet, const StoaRtpExts *exts)
{
    StoaRtpAudioLevel level;
    char text[16];
    uint16_t seq;

    stoa_rtp_extension_audio_level(packet, exts, &level);
    stoa_rtp_extension_twcc_seq(packet, exts, &seq);
    for (unsigned kind = 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        if (stoa_rtp_extension_text(packet, exts, kind, text, sizeof(text)))
            g_assert(strlen(text) == exts->len[kind]);
}

static void try_rtx(const uint8_t *data, size_t size, const StoaRtpHeader *header)
{
    g_autofree uint8_t *copy = g_memdup2(data, size);
    size_t at = stoa_rtx_unwrap(copy, size, header, 0x11223344, 96);
    StoaRtpHeader original;

    if (at == 0)
        return;
    g_assert(stoa_rtp_header_read(copy + at, size - at, &original));
    g_assert(original.payload_len == header->payload_len - STOA_RTX_PREFIX_LEN);
    g_assert(original.ssrc == 0x11223344 && original.payload_type == 96);
}

/* What can be read can be written for another payload type, and reads the same. */
static void try_red(const uint8_t *payload, size_t len)
{
    g_autofree uint8_t *copy = g_memdup2(payload, len);
    StoaRed red, again;

    if (!stoa_red_read(payload, len, 111, &red))
        return;
    g_assert(red.heads_len <= STOA_RED_HEADS_MAX && red.heads_len <= red.primary_at);
    g_assert(red.primary_at <= len && red.copy_len <= red.primary_at - red.heads_len);
    stoa_red_heads_write(payload, red.heads_len, 63, copy);
    g_assert(stoa_red_read(copy, len, 63, &again));
    g_assert(again.heads_len == red.heads_len && again.primary_at == red.primary_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StoaRtpHeader header;
    StoaRtpExtIds ids;
    StoaRtpExts exts;
    bool has_dd;
    StoaDd dd;

    for (unsigned i = 0; i < 256; i++)
        ids.kind_of_id[i] = (uint8_t)(i % STOA_RTP_EXT_N_KINDS);
    if (size > MAX_LEN || !stoa_rtp_header_read(data, size, &header))
        return 0;
    g_assert(header.payload_at + header.payload_len + header.padding_len == size);
    stoa_rtp_extension_read(data, &header, &ids, &exts);
    try_values(data, &exts);
    try_sink(data, &exts);
    has_dd = try_descriptors(data, &header, &exts, &dd);
    try_codecs(data + header.payload_at, header.payload_len, NULL);
    if (has_dd)
        try_codecs(data + header.payload_at, header.payload_len, &dd);
    try_rewrite(data + header.payload_at, header.payload_len);
    try_rtx(data, size, &header);
    try_red(data + header.payload_at, header.payload_len);
    return 0;
}
