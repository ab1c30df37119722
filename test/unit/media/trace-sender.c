/* SPDX-License-Identifier: MIT */
/* Publishers made of numbers, and the line to the server. */
#include "trace.h"

#include <string.h>

#include "rtp/bytes.h"

enum { DD_ID = 5, HEADER = 12, KEY_US = 40000, RTX_US = 60000, LATE_US = 15000 };

static const unsigned tids[] = { 0, 2, 1, 2 };

StoaCodec trace_codec(TraceShape shape)
{
    static const StoaCodec codecs[TRACE_N_SHAPES] = {
        [TRACE_VP8] = STOA_CODEC_VP8,      [TRACE_VP9_KEY] = STOA_CODEC_VP9,
        [TRACE_VP9_FULL] = STOA_CODEC_VP9, [TRACE_AV1_KEY] = STOA_CODEC_AV1,
        [TRACE_AV1_FULL] = STOA_CODEC_AV1, [TRACE_H264] = STOA_CODEC_H264,
    };

    return codecs[shape];
}

bool trace_has_dd(TraceShape shape)
{
    return trace_codec(shape) == STOA_CODEC_H264 || trace_codec(shape) == STOA_CODEC_AV1;
}

unsigned trace_n_encodings(TraceShape shape)
{
    return stoa_codec_has_spatial(trace_codec(shape)) ? 1 : TRACE_ENCODINGS;
}

static unsigned n_spatial(TraceShape shape)
{
    return stoa_codec_has_spatial(trace_codec(shape)) ? TRACE_SPATIAL : 1;
}

/* Each layer of each picture needs the one below it. */
static bool is_full(TraceShape shape)
{
    return shape == TRACE_VP9_FULL || shape == TRACE_AV1_FULL;
}

void trace_sender_init(TraceSender *sender, TraceShape shape, GRand *dice)
{
    *sender = (TraceSender){ .shape = shape, .dice = dice };
    sender->line = g_array_new(FALSE, FALSE, sizeof(TracePacket));
    sender->hurt = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (unsigned p = 0; p < TRACE_PUBLISHERS; p++) {
        sender->frame_number[p] = (uint16_t)g_rand_int(dice);
        for (unsigned e = 0; e < TRACE_ENCODINGS; e++)
            sender->encoders[p][e] = (struct Encoder){ .seq = (uint16_t)g_rand_int(dice),
                                                       .picture_id = (uint16_t)g_rand_int(dice),
                                                       .tl0_pic_idx = (uint8_t)g_rand_int(dice),
                                                       .timestamp = g_rand_int(dice),
                                                       .wants_key = true };
    }
}

void trace_sender_clear(TraceSender *sender)
{
    g_array_unref(sender->line);
    g_hash_table_unref(sender->hurt);
}

void trace_sender_ask(TraceSender *sender, unsigned publisher, unsigned encoding, int64_t now_us)
{
    struct Encoder *encoder = &sender->encoders[publisher][encoding];

    if (encoder->wants_key)
        return;
    encoder->wants_key = true;
    encoder->key_us = now_us + KEY_US;
}

/* -- what a picture needs ------------------------------------------------------------------ */

static void refer(TraceTag *tag, unsigned sid, uint32_t picture)
{
    tag->refs[tag->n_refs].sid = (uint8_t)sid;
    tag->refs[tag->n_refs++].picture = picture;
}

/* In the second half of eight pictures VP8's upper layers are out of step with layer 0. */
static bool is_in_step(const TraceSender *sender, unsigned position)
{
    return sender->shape == TRACE_VP8 ? position % 8 < 3 : true;
}

static void add_refs(const TraceSender *sender, const struct Encoder *encoder, TraceTag *tag)
{
    unsigned sid = tag->frame.sid;

    if (tag->is_key || is_full(sender->shape))
        if (sid > 0)
            refer(tag, sid - 1, tag->frame.picture);
    if (tag->is_key)
        return;
    refer(tag, sid, encoder->last[0]);
    if (tag->tid == 2 && encoder->last[1] > encoder->last[0])
        refer(tag, sid, encoder->last[1]);
    else if (tag->tid > 0 && !is_in_step(sender, encoder->position))
        refer(tag, sid, encoder->last[tag->tid]);
}

/* -- how it is written --------------------------------------------------------------------- */

static size_t write_vp8(const TraceSender *sender, const struct Encoder *encoder,
                        const TraceTag *tag, uint8_t *out)
{
    bool in_step = tag->tid > 0 && is_in_step(sender, encoder->position) &&
                   !(tag->tid == 2 && encoder->last[1] > encoder->last[0]);

    out[0] = 0x80 | (tag->at == 0 ? 0x10 : 0);
    out[1] = 0xe0;
    stoa_bytes_put16(out + 2, encoder->picture_id | 0x8000);
    out[4] = encoder->tl0_pic_idx;
    out[5] = (uint8_t)(tag->tid << 6 | in_step << 5);
    memcpy(out + 6,
           tag->is_key ? "\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" : "\x11\0\0\0\0\0\0\0\0\0", 10);
    return 16;
}

static size_t write_vp9(const TraceSender *sender, const struct Encoder *encoder,
                        const TraceTag *tag, uint8_t *out)
{
    bool inter_layer = tag->frame.sid > 0 && (tag->is_key || is_full(sender->shape));

    out[0] = (uint8_t)(0xa0 | (tag->is_key ? 0 : 0x40) | (tag->at == 0 ? 0x08 : 0) |
                       (tag->at + 1 == tag->n ? 0x04 : 0));
    stoa_bytes_put16(out + 1, encoder->picture_id | 0x8000);
    out[3] = (uint8_t)(tag->tid << 5 | 0x10 | tag->frame.sid << 1 | inter_layer);
    out[4] = encoder->tl0_pic_idx;
    return 5;
}

/* Of AV1's payload only the beginning of a sequence matters: the descriptor tells the rest. */
static size_t write_av1(const TraceTag *tag, uint8_t *out)
{
    out[0] = (uint8_t)(0x10 | (tag->is_key && tag->at == 0 && tag->frame.sid == 0) << 3);
    out[1] = 6 << 3;
    return 2;
}

/* Temporal layer 0 leads into everything, layer 1 into layer 2. */
static void fill_dd(const TraceSender *sender, const TraceTag *tag, StoaDd *dd)
{
    static const uint64_t indications[] = { 0x2a, 0x24, 0x10 };

    *dd = (StoaDd){ .starts_frame = tag->at == 0,
                    .ends_frame = tag->at + 1 == tag->n,
                    .frame_number = sender->frame_number[tag->frame.publisher],
                    .has_structure = tag->is_key && tag->at == 0 && tag->frame.sid == 0,
                    .knows_layers = true,
                    .spatial = tag->frame.sid,
                    .temporal = tag->tid,
                    .indications = indications[tag->tid] };
}

static size_t write_dd(const StoaDd *dd, uint8_t *out)
{
    stoa_bytes_put16(out, 0xbede);
    stoa_bytes_put16(out + 2, 1);
    out[4] = DD_ID << 4 | 2;
    out[5] = (uint8_t)(dd->starts_frame << 7 | dd->ends_frame << 6 | dd->temporal);
    stoa_bytes_put16(out + 6, dd->frame_number);
    return 8;
}

static size_t write_payload(const TraceSender *sender, const struct Encoder *encoder,
                            const TraceTag *tag, uint8_t *out)
{
    switch (trace_codec(sender->shape)) {
    case STOA_CODEC_VP8: return write_vp8(sender, encoder, tag, out);
    case STOA_CODEC_VP9: return write_vp9(sender, encoder, tag, out);
    case STOA_CODEC_AV1: return write_av1(tag, out);
    default: out[0] = tag->is_key ? 0x65 : 0x61; return 1;
    }
}

static void write_packet(const TraceSender *sender, const struct Encoder *encoder,
                         const TraceTag *tag, TracePacket *packet)
{
    StoaRtpHeader header = { .ssrc = 1,
                             .timestamp = encoder->timestamp,
                             .seq = encoder->seq,
                             .payload_type = 96,
                             .marker = tag->is_last,
                             .has_extension = trace_has_dd(sender->shape) };
    uint8_t *at = packet->buf + HEADER;

    stoa_rtp_header_write(&header, packet->buf);
    if (trace_has_dd(sender->shape)) {
        fill_dd(sender, tag, &packet->dd);
        at += write_dd(&packet->dd, at);
    }
    at += write_payload(sender, encoder, tag, at);
    memcpy(at, tag, sizeof(*tag));
    packet->len = (size_t)(at - packet->buf) + sizeof(*tag);
    g_assert(packet->len <= sizeof(packet->buf));
}

/* -- the line ------------------------------------------------------------------------------ */

static void hurt_frame(TraceSender *sender, TraceFrame frame, unsigned sid)
{
    uint64_t key;

    frame.sid = (uint8_t)sid;
    key = trace_frame_key(&frame);
    g_hash_table_add(sender->hurt, g_memdup2(&key, sizeof(key)));
}

/* Whoever begins with a key picture misses what of it came before its first packet, until he asks for it again. */
static void hurt(TraceSender *sender, const TraceTag *tag)
{
    sender->n_hurt++;
    hurt_frame(sender, tag->frame, tag->frame.sid);
    for (unsigned sid = 0; tag->is_key && sid < TRACE_SPATIAL; sid++)
        hurt_frame(sender, tag->frame, sid);
}

static void send(TraceSender *sender, struct Encoder *encoder, const TraceTag *tag, int64_t now_us)
{
    TracePacket packet = { .due_us = now_us,
                           .publisher = tag->frame.publisher,
                           .encoding = tag->frame.encoding };
    double dice = g_rand_double(sender->dice);

    write_packet(sender, encoder, tag, &packet);
    encoder->seq++;
    if (sender->pace_us > 0) {
        int64_t *paced_us = &sender->paced_us[tag->frame.publisher];

        *paced_us =
            MAX(*paced_us, now_us) + g_rand_int_range(sender->dice, 0, (int)sender->pace_us);
        packet.due_us = *paced_us;
    }
    if (dice < sender->loss + sender->delay)
        hurt(sender, tag);
    if (dice < sender->loss / 2)
        return;
    if (dice < sender->loss) {
        packet.due_us += RTX_US;
        packet.is_rtx = true;
    } else if (dice < sender->loss + sender->delay) {
        packet.due_us += LATE_US;
    }
    g_array_append_val(sender->line, packet);
}

static void send_frame(TraceSender *sender, struct Encoder *encoder, TraceTag *tag, int64_t now_us)
{
    tag->n_refs = 0;
    tag->n = (uint8_t)g_rand_int_range(sender->dice, 1, 4);
    add_refs(sender, encoder, tag);
    for (tag->at = 0; tag->at < tag->n; tag->at++) {
        tag->is_last = tag->at + 1 == tag->n && tag->frame.sid + 1u == n_spatial(sender->shape);
        send(sender, encoder, tag, now_us);
    }
}

static void send_picture(TraceSender *sender, unsigned publisher, unsigned encoding, int64_t now_us)
{
    struct Encoder *encoder = &sender->encoders[publisher][encoding];
    bool is_key = (encoder->wants_key && now_us >= encoder->key_us) ||
                  g_rand_int_range(sender->dice, 0, 50) == 0;
    TraceTag tag;

    if (is_key) {
        encoder->wants_key = false;
        encoder->position = 0;
    }
    memset(&tag, 0, sizeof(tag));
    encoder->picture++;
    tag.frame.publisher = (uint8_t)publisher;
    tag.frame.encoding = (uint8_t)encoding;
    tag.frame.picture = encoder->picture;
    tag.tid = (uint8_t)tids[encoder->position % 4];
    tag.is_key = is_key;
    tag.is_muted = sender->is_muted && publisher == 0;
    if (tag.tid == 0)
        encoder->tl0_pic_idx++;
    encoder->picture_id = (encoder->picture_id + 1) & 0x7fff;
    for (unsigned sid = 0; sid < n_spatial(sender->shape); sid++) {
        sender->frame_number[publisher]++;
        tag.frame.sid = (uint8_t)sid;
        send_frame(sender, encoder, &tag, now_us);
    }
    encoder->last[tag.tid] = encoder->picture;
    encoder->position++;
}

void trace_sender_send(TraceSender *sender, int64_t now_us)
{
    for (unsigned p = 0; p < TRACE_PUBLISHERS; p++) {
        for (unsigned e = trace_n_encodings(sender->shape); e-- > 0;) { /* the lowest first */
            sender->encoders[p][e].timestamp += 2700;
            if (now_us >= sender->silent_until_us[p][e])
                send_picture(sender, p, e, now_us);
        }
    }
}
