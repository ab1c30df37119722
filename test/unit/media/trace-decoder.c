/* SPDX-License-Identifier: MIT */
/* A decoder made of numbers: knows what each frame needs, and counts like a depacketizer. */
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/bytes.h"

enum { DD_ID = 5 };

void trace_out_read(TraceShape shape, const uint8_t *buf, size_t len, uint64_t seq, TraceOut *out)
{
    StoaRtpExtIds ids = { .kind_of_id[DD_ID] = STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR };
    StoaRtpHeader header;
    StoaRtpFrameInfo info;
    StoaRtpExts exts;

    memset(out, 0, sizeof(*out));
    assert_true(stoa_rtp_header_read(buf, len, &header));
    assert_true(stoa_rtp_extension_read(buf, &header, &ids, &exts));
    out->seq = seq;
    out->timestamp = header.timestamp;
    out->marker = header.marker;
    if (stoa_rtp_extension_has(&exts, STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR))
        out->frame_number = stoa_bytes_get16(buf + exts.at[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] + 1);
    out->is_hollow = header.payload_len == 0;
    if (out->is_hollow)
        return;
    assert_true(stoa_rtp_payload_info(trace_codec(shape), buf + header.payload_at,
                                      header.payload_len, NULL, &info));
    out->picture_id = info.picture_id;
    out->tl0_pic_idx = info.tl0_pic_idx;
    assert_true(header.payload_len >= sizeof(TraceTag));
    memcpy(&out->tag, buf + header.payload_at + header.payload_len - sizeof(TraceTag),
           sizeof(TraceTag));
}

/* -- picture by picture -------------------------------------------------------------------- */

typedef struct {
    TraceShape shape;
    GHashTable *hurt;
    GHashTable *decoded;    /* of the present piece */
    GHashTable *broken;     /* frames that could not be */
    const TraceOut *before; /* the last packet of the picture before; NULL: none */
} Decoder;

static bool is_in(GHashTable *set, const TraceFrame *frame)
{
    uint64_t key = trace_frame_key(frame);

    return g_hash_table_contains(set, &key);
}

static void put(GHashTable *set, const TraceFrame *frame)
{
    uint64_t key = trace_frame_key(frame);

    g_hash_table_add(set, g_memdup2(&key, sizeof(key)));
}

/* A key picture may be shown again, but later. */
static bool is_same_picture(const TraceOut *a, const TraceOut *b)
{
    return a->timestamp == b->timestamp && a->tag.frame.publisher == b->tag.frame.publisher &&
           a->tag.frame.encoding == b->tag.frame.encoding &&
           a->tag.frame.picture == b->tag.frame.picture;
}

/* What it refers to was decoded, or the line is to blame. */
static void decode_frame(Decoder *decoder, const TraceTag *tag, bool is_whole)
{
    bool is_broken = !is_whole;

    for (unsigned i = 0; i < tag->n_refs; i++) {
        TraceFrame ref = tag->frame;

        ref.sid = tag->refs[i].sid;
        ref.picture = tag->refs[i].picture;
        if (is_in(decoder->decoded, &ref))
            continue;
        is_broken = true;
        assert_true(is_in(decoder->broken, &ref) || is_in(decoder->hurt, &ref));
    }
    put(is_broken ? decoder->broken : decoder->decoded, &tag->frame);
}

/* A key picture needs its own frames only: nothing of before counts. */
static void begin_piece(Decoder *decoder, const TraceOut *first)
{
    bool goes_on = decoder->before &&
                   decoder->before->tag.frame.publisher == first->tag.frame.publisher &&
                   decoder->before->tag.frame.encoding == first->tag.frame.encoding;

    if (goes_on && !first->tag.is_key)
        return;
    if (!goes_on)
        assert_true(first->tag.is_key);
    g_hash_table_remove_all(decoder->decoded);
    g_hash_table_remove_all(decoder->broken);
}

static void check_numbers(const Decoder *decoder, const TraceOut *now)
{
    const TraceOut *before = decoder->before;
    bool is_exact = g_hash_table_size(decoder->hurt) == 0;
    unsigned step;

    if (!before)
        return;
    assert_in_range(now->timestamp - before->timestamp, 1, 90000 * 30);
    if (trace_has_dd(decoder->shape)) {
        step = (uint16_t)(now->frame_number - before->frame_number);
        assert_in_range(step, 1, 1000);
        return;
    }
    step = (now->picture_id - before->picture_id) & 0x7fff;
    assert_in_range(step, 1, 1000);
    if (decoder->shape == TRACE_VP8 && is_exact)
        assert_int_equal(step, 1);
    if (is_exact)
        assert_int_equal((uint8_t)(now->tl0_pic_idx - before->tl0_pic_idx), now->tag.tid == 0);
}

/* Any layer of the picture: the last one may be missing altogether. */
static bool is_hurt(const Decoder *decoder, const TraceFrame *frame)
{
    TraceFrame any = *frame;

    for (any.sid = 0; any.sid < TRACE_SPATIAL; any.sid++)
        if (is_in(decoder->hurt, &any))
            return true;
    return false;
}

/* Packets `from` to `end` are of one picture. */
static void decode_picture(Decoder *decoder, const TraceOut *from, const TraceOut *end)
{
    unsigned n_markers = 0;

    begin_piece(decoder, from);
    check_numbers(decoder, from);
    for (const TraceOut *at = from; at < end;) {
        const TraceOut *first = at;

        for (; at < end && at->tag.frame.sid == first->tag.frame.sid; at++) {
            assert_false(at->tag.is_muted);
            assert_int_equal(at->timestamp, from->timestamp);
            assert_int_equal(at->picture_id, from->picture_id);
            n_markers += at->marker;
        }
        assert_true(at - first == first->tag.n || is_in(decoder->hurt, &first->tag.frame));
        decode_frame(decoder, &first->tag, at - first == first->tag.n);
    }
    assert_true(n_markers <= 1);
    assert_true(end[-1].marker || is_hurt(decoder, &from->tag.frame));
    decoder->before = end - 1;
}

static int by_seq(gconstpointer a, gconstpointer b)
{
    uint64_t x = ((const TraceOut *)a)->seq, y = ((const TraceOut *)b)->seq;

    return x < y ? -1 : x > y;
}

static unsigned count_holes(GArray *outs)
{
    unsigned n = 0;

    for (guint i = 1; i < outs->len; i++) {
        uint64_t step =
            g_array_index(outs, TraceOut, i).seq - g_array_index(outs, TraceOut, i - 1).seq;

        assert_in_range(step, 1, 1000); /* 0: a number twice */
        n += (unsigned)step - 1;
    }
    return n;
}

void trace_decode(TraceShape shape, GArray *outs, GHashTable *hurt, unsigned n_holes)
{
    Decoder decoder = {
        .shape = shape,
        .hurt = hurt,
        .decoded = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
        .broken = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
    };

    g_array_sort(outs, by_seq);
    assert_in_range(count_holes(outs), 0, n_holes);
    for (guint i = outs->len; i-- > 0;)
        if (g_array_index(outs, TraceOut, i).is_hollow)
            g_array_remove_index(outs, i);
    for (guint i = 0, end; i < outs->len; i = end) {
        const TraceOut *first = &g_array_index(outs, TraceOut, i);

        for (end = i + 1; end < outs->len; end++)
            if (!is_same_picture(first, &g_array_index(outs, TraceOut, end)))
                break;
        decode_picture(&decoder, first, first + (end - i));
    }
    g_hash_table_unref(decoder.decoded);
    g_hash_table_unref(decoder.broken);
}
