/* SPDX-License-Identifier: MIT */
/* One outgoing stream made of pieces: how the numbers of changing sources become one sequence that never repeats.
 *
 * The stream is a list of spans; inside a span every number is the source's plus a constant. A new span begins after a
 * switch, a pause, a jump of the source, or packets left out. No number is ever given to two packets: that is the
 * promise AES-GCM needs (DESIGN section 3). Where there is no room for another span the oldest is forgotten: what was sent
 * so long ago cannot be asked for again. Only stoa_splice_tend() and stoa_splice_expect() allocate. Pure: no clock, no I/O. */
#pragma once

#include "media/layers.h"
#include "media/packet.h"

/* How far back retransmissions reach over switches, and where packets are left out, which makes many; powers of two. */
enum { STOA_SPLICE_SPANS = 16, STOA_SPLICE_SPANS_MAX = 64 };

/* Where packets come from: a track, and which of its encodings. */
typedef struct {
    uint64_t peer;
    uint32_t track;
    uint8_t encoding;
} StoaSpanSource;

typedef struct {
    StoaSpanSource source;
    uint64_t first_in;  /* index at the source */
    uint64_t end_in;    /* packets from here on are not this span's; UINT64_MAX: it is the newest */
    uint64_t first_out; /* the number `first_in` gets */
    uint32_t cut;       /* spans of one cut belong to one unbroken piece of the source */
    uint32_t timestamp; /* added to the source's */
    StoaPictureOffsets picture;
    uint16_t frame_number; /* added to the dependency descriptor's */
    StoaLayers
        layers; /* of what is relayed: makes the packets' bytes, so it is the span's for ever */
} StoaSpan;

/* Private; stoa_splice_init() first. */
typedef struct {
    StoaSpan only;   /* most streams are of one piece for all their life */
    StoaSpan *spans; /* a circle; NULL: `only` is all there is room for */
    uint8_t n_spans, room;
    uint8_t wanted_room; /* more than `room`: stoa_splice_tend() makes it */
    bool is_open;        /* the newest span takes packets */
    bool has_sent;
    bool has_picture_id, has_frame_number;
    bool has_left_out;   /* `left_out` is one */
    uint8_t tl0_pic_idx; /* as sent, as the next */
    uint16_t picture_id, frame_number;
    uint16_t left_out; /* picture id of the last that was, as received */
    uint32_t cut;
    uint32_t clock_hz;
    uint64_t next_out;   /* below this everything may have been given out */
    uint64_t highest_in; /* of this cut */
    int64_t last_us;
    int64_t anchor_us; /* the stream's clock showed `anchor_timestamp` then */
    uint32_t last_timestamp, anchor_timestamp;
} StoaSplice;

/** @first_out  the first number, with the roll-over count above bit 16 @clock_hz  of the timestamps */
void stoa_splice_init(StoaSplice *splice, uint64_t first_out, uint32_t clock_hz);
void stoa_splice_clear(StoaSplice *splice);

/** Make room: where the next piece is to be placed, and once the packet path found too little. Not that path. */
void stoa_splice_tend(StoaSplice *splice);

/** Another piece is expected soon (`pieces`), or one of which much is left out (`gaps`): make room before it comes. */
void stoa_splice_expect(StoaSplice *splice, bool pieces, bool gaps);

static inline bool stoa_splice_is_tight(const StoaSplice *splice)
{
    return splice->wanted_room > splice->room;
}

/** The source breaks off: nothing is placed until stoa_splice_begin(). */
void stoa_splice_cut(StoaSplice *splice);

/** Old numbers can no longer be asked for again: what was sent could not be rebuilt. The piece goes on. */
void stoa_splice_forget(StoaSplice *splice);

static inline bool stoa_splice_is_open(const StoaSplice *splice)
{
    return splice->is_open;
}

/**
 * Begin a piece with `packet`; it gets the next number, and its timestamp goes on by the time that passed.
 *
 * @at_us  when it was captured, by a clock that all pieces share, or when it came. Times are counted from the first piece
 *         on: a keyframe takes longer than others, and that would add up from switch to switch.
 */
void stoa_splice_begin(StoaSplice *splice, const StoaSpanSource *source, const StoaPacket *packet,
                       int64_t at_us, StoaLayers layers);

/** The layers that are relayed at present. */
StoaLayers stoa_splice_layers(const StoaSplice *splice);

/** Other layers from this packet on. It is newer than all before. */
void stoa_splice_set_layers(StoaSplice *splice, const StoaPacket *packet, StoaLayers layers);

/**
 * The number of a packet of the present piece.
 *
 * @packet  each at most once (StoaRing sees to that)
 * @out     written on success: the roll-over count above bit 16
 *
 * Returns the span to rewrite it by; NULL: it is older than the piece, drop it. Call between begin and cut.
 */
const StoaSpan *stoa_splice_place(StoaSplice *splice, const StoaPacket *packet, uint64_t *out);

/**
 * Leave a packet out without a gap (a layer that is not wanted).
 *
 * @closes_ids  the picture goes altogether, and nobody may notice by the picture ids
 *
 * Returns false if it is too late for that: newer packets are out, and the gap is there. Place it then, and send
 * nothing but the number.
 */
bool stoa_splice_skip(StoaSplice *splice, const StoaPacket *packet, bool closes_ids);

/**
 * What was sent under a sequence number?
 *
 * @index  index at the span's source @out  the whole number
 *
 * Returns the span; NULL: nothing, or too long ago. It may never have been sent in fact (lost before us).
 */
const StoaSpan *stoa_splice_find(const StoaSplice *splice, uint16_t seq, uint64_t *index,
                                 uint64_t *out);

/** The newest span; NULL: none. */
const StoaSpan *stoa_splice_newest(const StoaSplice *splice);
