/* SPDX-License-Identifier: MIT */
#pragma once /* RTP header extensions: found in one walk, written for one sink. (RFC 8285) */

#include "rtp/header.h"

typedef enum {
    STOA_RTP_EXT_NONE, /* not negotiated, or not one that we know */
    STOA_RTP_EXT_MID,
    STOA_RTP_EXT_RID,
    STOA_RTP_EXT_REPAIRED_RID,
    STOA_RTP_EXT_AUDIO_LEVEL,
    STOA_RTP_EXT_TWCC,
    STOA_RTP_EXT_ABS_SEND_TIME,
    STOA_RTP_EXT_VIDEO_ORIENTATION,
    STOA_RTP_EXT_PLAYOUT_DELAY,
    STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR,
    STOA_RTP_EXT_COLOR_SPACE,
    STOA_RTP_EXT_TOFFSET,
    STOA_RTP_EXT_ABS_CAPTURE_TIME,
    STOA_RTP_EXT_N_KINDS
} StoaRtpExtKind;

/* What each id means in packets from one peer: all zero means that nothing was negotiated. */
typedef struct {
    uint8_t kind_of_id[256]; /* StoaRtpExtKind */
} StoaRtpExtIds;

/* The other way round: what a subscriber negotiated on one m-line. */
typedef struct {
    uint8_t id_of_kind[STOA_RTP_EXT_N_KINDS]; /* 0: not negotiated */
} StoaRtpExtMap;

/* The extensions of one packet. */
typedef struct {
    uint16_t found;                    /* bit `1 << kind` is set for each kind found */
    uint16_t at[STOA_RTP_EXT_N_KINDS]; /* bytes from the start of the packet */
    uint8_t len[STOA_RTP_EXT_N_KINDS]; /* bytes */
} StoaRtpExts;

/* How one sink writes: filled by stoa_rtp_extension_sink_init(). */
typedef struct {
    StoaRtpExtMap map;
    uint16_t copied;    /* kinds passed on from the source's packet, a bit for each */
    bool ids_are_small; /* every id is below 15 */
} StoaRtpExtSink;

/* Values of our own that replace those of the source. */
typedef struct {
    const char *mid; /* borrowed; NULL: none */
    uint8_t mid_len;
    bool has_twcc;
    uint16_t twcc_seq;
    bool has_abs_send_time;
    uint32_t abs_send_time; /* 24 bits, seconds as 6.18, see stoa_rtp_extension_abs_send_time() */
    bool has_playout_delay; /* unless the packet has one of its source, and that holds */
    bool is_playout_delay_firm; /* it goes instead of that of the source */
    uint32_t playout_delay;     /* 24 bits, least and most in units of 10 ms */
    uint16_t dd_frames;         /* added to the frame number of the dependency descriptor */
} StoaRtpExtValues;

/* One `audio level` element. Source: RFC 6464. */
typedef struct {
    uint8_t level_dbov; /* 0 is loudest, 127 silence: minus dBov */
    bool is_voice;
} StoaRtpAudioLevel;

/** The kind of a URI of an `a=extmap` line, STOA_RTP_EXT_NONE if we do not know it. */
StoaRtpExtKind stoa_rtp_extension_kind(const char *uri);

/** The URI of a kind, NULL for STOA_RTP_EXT_NONE. Static text. */
const char *stoa_rtp_extension_uri(StoaRtpExtKind kind);

/**
 * Find all known extensions of a packet in one walk; one-byte and two-byte elements.
 *
 * @buf   borrowed, the packet that `header` was read from
 * @exts  always written; nothing found if the packet has no extension
 *
 * Returns false if an element runs past the block: what came before it is still in `exts`.
 * Thread: any; allocates nothing.   Source: RFC 8285, 4.2 and 4.3.   Fuzzed by: test/fuzz/fuzz_rtp.c
 */
bool stoa_rtp_extension_read(const uint8_t *buf, const StoaRtpHeader *header,
                             const StoaRtpExtIds *ids, StoaRtpExts *exts);

/** Was this kind found? */
static inline bool stoa_rtp_extension_has(const StoaRtpExts *exts, StoaRtpExtKind kind)
{
    return exts->found >> kind & 1;
}

/** Prepare a sink's writer from what its subscriber negotiated. */
void stoa_rtp_extension_sink_init(StoaRtpExtSink *sink, const StoaRtpExtMap *map);

/**
 * Write the extension block of an outgoing packet: our own `values`, then those of the source's
 * extensions that concern the media and that the subscriber negotiated (audio level,
 * orientation, playout delay, dependency descriptor, colour space, capture time without the
 * offset of clocks). One-byte elements where every id and length allows it, two-byte elements
 * otherwise.
 *
 * @packet  borrowed, the source's packet, which `exts` refers to
 * @out     gets the four-byte block header, the elements and their padding
 * @size    bytes free at `out`; copied elements that do not fit are left out
 *
 * Returns the bytes written, a multiple of four; 0 if there is nothing to write (X stays clear).
 * Runs per packet and subscriber: tens of nanoseconds.   Source: RFC 8285, 4.
 */
size_t stoa_rtp_extension_write(const StoaRtpExtSink *sink, const uint8_t *packet,
                                const StoaRtpExts *exts, const StoaRtpExtValues *values,
                                uint8_t *out, size_t size);

/** The abs-send-time of a moment: 24 bits, 1/2^18 seconds. `now_us` is any clock that runs evenly. */
static inline uint32_t stoa_rtp_extension_abs_send_time(int64_t now_us)
{
    return (uint32_t)((((uint64_t)now_us << 18) + 500000) / 1000000) & 0xffffff;
}

/** Read the audio level. Returns false if the packet has none. */
bool stoa_rtp_extension_audio_level(const uint8_t *buf, const StoaRtpExts *exts,
                                    StoaRtpAudioLevel *level);

/** Read the transport-wide sequence number. Returns false if the packet has none. */
bool stoa_rtp_extension_twcc_seq(const uint8_t *buf, const StoaRtpExts *exts, uint16_t *seq);

/**
 * Copy a text element (mid, rid, repaired rid) as a string with a terminating zero.
 *
 * @size  bytes at `text`; the element must leave room for the zero
 *
 * Returns false if there is none, it is too long, or holds bytes that no SDP token has.
 * Source: RFC 8852, 3; RFC 8843, 15.
 */
bool stoa_rtp_extension_text(const uint8_t *buf, const StoaRtpExts *exts, StoaRtpExtKind kind,
                             char *text, size_t size);
