/* SPDX-License-Identifier: MIT */
/* RTP header extensions: one walk finds them all, one writer serves a sink. (RFC 8285) */

#include "rtp/extension.h"

#include <string.h>

#include "rtp/bytes.h"

#define ONE_BYTE_PROFILE 0xBEDE
#define TWO_BYTE_PROFILE 0x1000 /* and four application bits */
#define BLOCK_HEADER_LEN 4
#define DD_FRAME_AT      1 /* where a dependency descriptor has its frame number */
#define CAPTURE_TIME_LEN 8 /* of an absolute capture time without the offset of clocks */
#define BIT(kind)        (1u << (kind))

/* What concerns the media itself and means the same to a subscriber as to us. */
#define COPIED                                                                   \
    (BIT(STOA_RTP_EXT_AUDIO_LEVEL) | BIT(STOA_RTP_EXT_VIDEO_ORIENTATION) |       \
     BIT(STOA_RTP_EXT_PLAYOUT_DELAY) | BIT(STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR) | \
     BIT(STOA_RTP_EXT_COLOR_SPACE) | BIT(STOA_RTP_EXT_ABS_CAPTURE_TIME))

static const char *const uris[STOA_RTP_EXT_N_KINDS] = {
    [STOA_RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [STOA_RTP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [STOA_RTP_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [STOA_RTP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [STOA_RTP_EXT_TWCC] =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [STOA_RTP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [STOA_RTP_EXT_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [STOA_RTP_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [STOA_RTP_EXT_COLOR_SPACE] = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    [STOA_RTP_EXT_TOFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
    [STOA_RTP_EXT_ABS_CAPTURE_TIME] =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
};

StoaRtpExtKind stoa_rtp_extension_kind(const char *uri)
{
    for (unsigned kind = STOA_RTP_EXT_NONE + 1; kind < STOA_RTP_EXT_N_KINDS; kind++)
        if (strcmp(uris[kind], uri) == 0)
            return (StoaRtpExtKind)kind;
    return STOA_RTP_EXT_NONE;
}

const char *stoa_rtp_extension_uri(StoaRtpExtKind kind)
{
    return (unsigned)kind < STOA_RTP_EXT_N_KINDS ? uris[kind] : NULL;
}

/* Files one element; the first of a kind counts. */
static inline void found(StoaRtpExts *exts, uint8_t kind, size_t at, size_t len)
{
    if (kind == STOA_RTP_EXT_NONE || kind >= STOA_RTP_EXT_N_KINDS || exts->found >> kind & 1)
        return;
    exts->found = (uint16_t)(exts->found | BIT(kind));
    exts->at[kind] = (uint16_t)at;
    exts->len[kind] = (uint8_t)len;
}

static bool read_one_byte(const uint8_t *buf, size_t at, size_t end, const StoaRtpExtIds *ids,
                          StoaRtpExts *exts)
{
    while (at < end) {
        uint8_t id = buf[at] >> 4;
        size_t len = (buf[at] & 15u) + 1u;

        if (buf[at++] == 0)
            continue; /* padding */
        if (id == 15)
            return true; /* reserved: the rest is to be ignored */
        if (len > end - at)
            return false;
        if (id != 0)
            found(exts, ids->kind_of_id[id], at, len);
        at += len;
    }
    return true;
}

static bool read_two_byte(const uint8_t *buf, size_t at, size_t end, const StoaRtpExtIds *ids,
                          StoaRtpExts *exts)
{
    while (at < end) {
        uint8_t id = buf[at++];
        size_t len;

        if (id == 0)
            continue; /* padding */
        if (at == end)
            return false;
        len = buf[at++];
        if (len > end - at)
            return false;
        found(exts, ids->kind_of_id[id], at, len);
        at += len;
    }
    return true;
}

bool stoa_rtp_extension_read(const uint8_t *buf, const StoaRtpHeader *header,
                             const StoaRtpExtIds *ids, StoaRtpExts *exts)
{
    size_t end = (size_t)header->ext_at + header->ext_len;

    exts->found = 0;
    if (!header->has_extension || end > UINT16_MAX)
        return true;
    if (header->ext_profile == ONE_BYTE_PROFILE)
        return read_one_byte(buf, header->ext_at, end, ids, exts);
    if ((header->ext_profile & 0xfff0) == TWO_BYTE_PROFILE)
        return read_two_byte(buf, header->ext_at, end, ids, exts);
    return true;
}

void stoa_rtp_extension_sink_init(StoaRtpExtSink *sink, const StoaRtpExtMap *map)
{
    *sink = (StoaRtpExtSink){ .map = *map, .ids_are_small = true };
    for (unsigned kind = STOA_RTP_EXT_NONE + 1; kind < STOA_RTP_EXT_N_KINDS; kind++) {
        uint8_t id = map->id_of_kind[kind];

        if (id != 0 && COPIED & BIT(kind))
            sink->copied = (uint16_t)(sink->copied | BIT(kind));
        if (id >= 15)
            sink->ids_are_small = false;
    }
}

/* Where the writer stands: `at` runs from `out` to `end`. */
typedef struct {
    uint8_t *at;
    const uint8_t *end;
    bool is_two_byte;
} Cursor;

/* Writes the head of an element and returns where its data goes, NULL if there is no room. */
static inline uint8_t *begin_element(Cursor *cursor, uint8_t id, size_t len)
{
    uint8_t *at = cursor->at;
    size_t head = cursor->is_two_byte ? 2 : 1;

    if (len + head > (size_t)(cursor->end - at))
        return NULL;
    if (cursor->is_two_byte) {
        at[0] = id;
        at[1] = (uint8_t)len;
    } else {
        at[0] = (uint8_t)((unsigned)id << 4 | (unsigned)(len - 1));
    }
    cursor->at = at + head + len;
    return at + head;
}

/* What a capture time says of the sender's clock is not true of ours, from which the subscriber's reports come. */
static inline size_t copied_len(const StoaRtpExts *exts, unsigned kind)
{
    if (kind == STOA_RTP_EXT_ABS_CAPTURE_TIME && exts->len[kind] > CAPTURE_TIME_LEN)
        return CAPTURE_TIME_LEN;
    return exts->len[kind];
}

static inline void put_values(Cursor *cursor, const uint8_t *id_of_kind, const StoaRtpExts *exts,
                              const StoaRtpExtValues *values)
{
    uint8_t *at;

    if (values->has_twcc && id_of_kind[STOA_RTP_EXT_TWCC] != 0 &&
        (at = begin_element(cursor, id_of_kind[STOA_RTP_EXT_TWCC], 2)))
        stoa_bytes_put16(at, values->twcc_seq);
    if (values->has_abs_send_time && id_of_kind[STOA_RTP_EXT_ABS_SEND_TIME] != 0 &&
        (at = begin_element(cursor, id_of_kind[STOA_RTP_EXT_ABS_SEND_TIME], 3)))
        stoa_bytes_put24(at, values->abs_send_time);
    if (values->mid && values->mid_len > 0 && id_of_kind[STOA_RTP_EXT_MID] != 0 &&
        (at = begin_element(cursor, id_of_kind[STOA_RTP_EXT_MID], values->mid_len)))
        memcpy(at, values->mid, values->mid_len);
    if (values->has_playout_delay &&
        (values->is_playout_delay_firm ||
         !stoa_rtp_extension_has(exts, STOA_RTP_EXT_PLAYOUT_DELAY)) &&
        id_of_kind[STOA_RTP_EXT_PLAYOUT_DELAY] != 0 &&
        (at = begin_element(cursor, id_of_kind[STOA_RTP_EXT_PLAYOUT_DELAY], 3)))
        stoa_bytes_put24(at, values->playout_delay);
}

static bool needs_two_bytes(const StoaRtpExtSink *sink, const StoaRtpExts *exts, unsigned copied,
                            const StoaRtpExtValues *values)
{
    if (!sink->ids_are_small || (values->mid && values->mid_len > 16))
        return true;
    for (; copied != 0; copied &= copied - 1) {
        unsigned len = exts->len[__builtin_ctz(copied)];

        if (len == 0 || len > 16)
            return true;
    }
    return false;
}

/* The elements are written in the order of importance: what does not fit is left out. */
size_t stoa_rtp_extension_write(const StoaRtpExtSink *sink, const uint8_t *packet,
                                const StoaRtpExts *exts, const StoaRtpExtValues *values,
                                uint8_t *out, size_t size)
{
    unsigned replaced = values->is_playout_delay_firm ? 1u << STOA_RTP_EXT_PLAYOUT_DELAY : 0;
    unsigned copied = exts->found & sink->copied & ~replaced;
    Cursor cursor = { .is_two_byte = needs_two_bytes(sink, exts, copied, values) };
    size_t len;

    if (size < BLOCK_HEADER_LEN + 4)
        return 0;
    cursor.at = out + BLOCK_HEADER_LEN;
    cursor.end = out + (size & ~(size_t)3);
    put_values(&cursor, sink->map.id_of_kind, exts, values);
    for (; copied != 0; copied &= copied - 1) {
        unsigned kind = (unsigned)__builtin_ctz(copied);
        size_t n = copied_len(exts, kind);
        uint8_t *at = begin_element(&cursor, sink->map.id_of_kind[kind], n);

        if (!at)
            continue;
        memcpy(at, packet + exts->at[kind], n);
        if (kind == STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR && exts->len[kind] >= DD_FRAME_AT + 2)
            stoa_bytes_put16(at + DD_FRAME_AT,
                             (uint16_t)(stoa_bytes_get16(at + DD_FRAME_AT) + values->dd_frames));
    }

    len = (size_t)(cursor.at - out);
    if (len == BLOCK_HEADER_LEN)
        return 0;
    for (; len % 4 != 0; len++)
        out[len] = 0;
    stoa_bytes_put16(out, cursor.is_two_byte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
    stoa_bytes_put16(out + 2, (uint16_t)(len / 4 - 1));
    return len;
}

bool stoa_rtp_extension_audio_level(const uint8_t *buf, const StoaRtpExts *exts,
                                    StoaRtpAudioLevel *level)
{
    uint8_t byte;

    if (!stoa_rtp_extension_has(exts, STOA_RTP_EXT_AUDIO_LEVEL) ||
        exts->len[STOA_RTP_EXT_AUDIO_LEVEL] < 1)
        return false;
    byte = buf[exts->at[STOA_RTP_EXT_AUDIO_LEVEL]];
    *level = (StoaRtpAudioLevel){ .level_dbov = byte & 127, .is_voice = byte >> 7 };
    return true;
}

bool stoa_rtp_extension_twcc_seq(const uint8_t *buf, const StoaRtpExts *exts, uint16_t *seq)
{
    if (!stoa_rtp_extension_has(exts, STOA_RTP_EXT_TWCC) || exts->len[STOA_RTP_EXT_TWCC] < 2)
        return false;
    *seq = stoa_bytes_get16(buf + exts->at[STOA_RTP_EXT_TWCC]);
    return true;
}

/* The characters of a `token` in SDP. (RFC 8866, 9) */
static bool is_token(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]", c);
}

bool stoa_rtp_extension_text(const uint8_t *buf, const StoaRtpExts *exts, StoaRtpExtKind kind,
                             char *text, size_t size)
{
    const uint8_t *from;
    size_t len;

    if (!stoa_rtp_extension_has(exts, kind))
        return false;
    from = buf + exts->at[kind];
    len = exts->len[kind];
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_token(from[i]))
            return false;
    memcpy(text, from, len);
    text[len] = '\0';
    return true;
}
