/* SPDX-License-Identifier: MIT */
/* Publishers, a line and a decoder made of numbers, for an outlet on a clock of its own. (trace.c) */
#pragma once

#include "media/packet.h"

#include <glib.h>

enum { TRACE_PUBLISHERS = 2, TRACE_ENCODINGS = 3, TRACE_SPATIAL = 3, TRACE_MAX_REFS = 3 };

typedef enum {
    TRACE_VP8,
    TRACE_VP9_KEY,
    TRACE_VP9_FULL,
    TRACE_AV1_KEY,
    TRACE_AV1_FULL,
    TRACE_H264,
    TRACE_N_SHAPES
} TraceShape;

/* A frame: one spatial layer of one picture. */
typedef struct {
    uint8_t publisher, encoding, sid;
    uint32_t picture;
} TraceFrame;

/* What each packet carries behind the codec's own words: all that a decoder must know. */
typedef struct {
    TraceFrame frame;
    uint8_t tid;
    uint8_t at, n; /* packet `at` of `n` of the frame */
    bool is_key;   /* a decoder may begin with its picture */
    bool is_muted; /* nobody is to see it */
    bool is_last;  /* of the picture, as sent */
    uint8_t n_refs;
    struct {
        uint8_t sid;
        uint32_t picture;
    } refs[TRACE_MAX_REFS];
} TraceTag;

/* A packet on its way to the server. */
typedef struct {
    int64_t due_us;
    uint8_t publisher, encoding;
    bool is_rtx;
    StoaDd dd; /* where the shape has one */
    size_t len;
    uint8_t buf[128];
} TracePacket;

/* What the outlet sealed. */
typedef struct {
    uint64_t seq;
    uint32_t timestamp;
    bool marker, is_hollow;
    uint16_t picture_id, frame_number;
    uint8_t tl0_pic_idx;
    TraceTag tag;
} TraceOut;

typedef struct {
    TraceShape shape;
    GRand *dice;
    double loss, delay; /* parts of the packets that are lost, that come late */
    int64_t pace_us; /* between two packets of a publisher, at most; 0: a picture comes at once */
    int64_t paced_us[TRACE_PUBLISHERS];
    bool is_muted;
    int64_t silent_until_us[TRACE_PUBLISHERS][TRACE_ENCODINGS];
    struct Encoder {
        uint16_t seq, picture_id;
        uint8_t tl0_pic_idx;
        uint32_t timestamp, picture;
        unsigned position; /* in the pattern, since the key picture */
        bool wants_key;
        int64_t key_us;   /* when it will make one */
        uint32_t last[3]; /* picture of each temporal layer */
    } encoders[TRACE_PUBLISHERS][TRACE_ENCODINGS];
    uint16_t frame_number[TRACE_PUBLISHERS]; /* all encodings count together */
    GArray *line;                            /* of TracePacket */
    GHashTable *hurt;                        /* frames that lost a packet, or one came late */
    unsigned n_hurt;                         /* such packets */
} TraceSender;

StoaCodec trace_codec(TraceShape shape);
/** By the payload it could not be told which layer a packet is of. */
bool trace_has_dd(TraceShape shape);
unsigned trace_n_encodings(TraceShape shape);

void trace_sender_init(TraceSender *sender, TraceShape shape, GRand *dice);
void trace_sender_clear(TraceSender *sender);
/** Ask for a keyframe: it comes in a moment. */
void trace_sender_ask(TraceSender *sender, unsigned publisher, unsigned encoding, int64_t now_us);
/** A picture of every encoding goes on its way. */
void trace_sender_send(TraceSender *sender, int64_t now_us);

static inline uint64_t trace_frame_key(const TraceFrame *frame)
{
    return (uint64_t)frame->publisher << 60 | (uint64_t)frame->encoding << 56 |
           (uint64_t)frame->sid << 52 | frame->picture;
}

/** Read what the outlet wrote. */
void trace_out_read(TraceShape shape, const uint8_t *buf, size_t len, uint64_t seq, TraceOut *out);
/**
 * Be a decoder: fail the test at whatever one would stumble over.
 *
 * @outs    of TraceOut, sorted here by number @hurt  frames that may be missing @n_holes  numbers that may be missing
 */
void trace_decode(TraceShape shape, GArray *outs, GHashTable *hurt, unsigned n_holes);
