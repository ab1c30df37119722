/* SPDX-License-Identifier: MIT */
#pragma once /* What a forwarder wants to know of a payload: does a frame start, is it a key frame, which layer? */

#include "rtp/codec.h"
#include "rtp/dd.h"
#include "rtp/red.h"

typedef struct {
    bool starts_frame; /* first packet of a frame (of a spatial layer's frame, in SVC) */
    bool
        is_keyframe; /* a decoder can begin with this packet; true on the first packet of it only */
    bool has_layers; /* sid and tid were told */
    uint8_t sid, tid;      /* spatial and temporal layer, 0 is the base */
    bool is_sync;          /* VP8: needs nothing but layer 0, whatever its `tid` */
    bool is_switch_point;  /* VP9, dependency descriptor: what follows needs nothing of before that
                              is above `tid` */
    bool is_inter_layer;   /* VP9, AV1: needs the spatial layer below */
    bool is_inter_picture; /* VP9: needs a picture before */
    bool ends_frame;       /* told by the payload itself (VP9, dependency descriptor) */
    bool is_not_reference; /* nothing depends on it: first to go */
    bool has_picture_id;
    uint16_t picture_id;     /* VP8, VP9 */
    bool picture_id_is_long; /* 15 bits, else 7 */
    bool has_tl0_pic_idx;
    uint8_t tl0_pic_idx;
    uint16_t width, height;  /* of a key frame, where it tells (VP8, VP9); else 0 */
    uint16_t descriptor_len; /* bytes before the frame's own (VP8, VP9) */
    bool has_dd;
    uint16_t frame_number; /* of the dependency descriptor */
    StoaRed red;           /* redundant audio; heads_len 0: it is plain */
} StoaRtpFrameInfo;

/* Added to the numbers of a source's pictures, so that a subscriber sees one stream over switches. */
typedef struct {
    uint16_t picture_id; /* modulo 2^15 (2^7 where the source uses the short form) */
    uint8_t tl0_pic_idx; /* modulo 2^8 */
} StoaPictureOffsets;

/** Bytes that stoa_rtp_payload_rewrite() may write. */
#define STOA_REWRITE_MAX 6

/**
 * Look into one payload.
 *
 * @payload  borrowed, `len` bytes, padding off; 0 bytes (padding only) is fine: nothing starts
 * @dd       of the same packet (stoa_dd_read), or NULL; it is believed over the payload
 * @info     always written; all zero if the payload is malformed or of a codec without frames
 *
 * Returns false if the payload is malformed. Sealed payloads (end-to-end encrypted) need what
 * their codec leaves clear: the descriptor, and for VP8 the first three to ten bytes of a frame.
 * Audio: every packet starts a key frame.
 * Thread: any; allocates nothing.   Fuzzed by: test/fuzz/fuzz_rtp.c
 */
bool stoa_rtp_payload_info(StoaCodec codec, const uint8_t *payload, size_t len, const StoaDd *dd,
                           StoaRtpFrameInfo *info);

/**
 * Write the beginning of a payload with other picture numbers; its length stays. VP8 and VP9 have such numbers.
 *
 * @payload  borrowed, as it came
 * @info     as read from it
 * @out      at least STOA_REWRITE_MAX bytes; not the payload itself, which is shared
 *
 * Returns how many bytes of the payload are replaced by `out`; 0: it has no such numbers.
 */
size_t stoa_rtp_payload_rewrite(StoaCodec codec, const uint8_t *payload,
                                const StoaRtpFrameInfo *info, const StoaPictureOffsets *offsets,
                                uint8_t *out);
