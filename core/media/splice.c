/* SPDX-License-Identifier: MIT */
#include "media/splice.h"

#include <stdlib.h>

#include "rtp/seq.h"

#include "base/poison.h"

#define MAX_GAP_US   30000000 /* a pause longer than this moves the timestamp no further */
#define MAX_DRIFT_US 500000   /* between the clock of a source and ours */

enum { VIDEO_HZ = 90000 };

void stoa_splice_init(StoaSplice *splice, uint64_t first_out, uint32_t clock_hz)
{
    *splice = (StoaSplice){ .next_out = first_out, .clock_hz = clock_hz, .room = 1 };
}

void stoa_splice_clear(StoaSplice *splice)
{
    g_free(splice->spans);
    splice->spans = NULL;
    splice->n_spans = 0;
    splice->room = splice->wanted_room = 1;
    splice->is_open = false;
}

static const StoaSpan *span_at(const StoaSplice *splice, unsigned i)
{
    return splice->spans ? &splice->spans[i & (splice->room - 1)] : &splice->only;
}

const StoaSpan *stoa_splice_newest(const StoaSplice *splice)
{
    return splice->n_spans > 0 ? span_at(splice, splice->n_spans - 1) : NULL;
}

static StoaSpan *newest(StoaSplice *splice)
{
    return splice->spans ? &splice->spans[(splice->n_spans - 1) & (splice->room - 1)]
                         : &splice->only;
}

static void make_room(StoaSplice *splice, unsigned room)
{
    unsigned n = MIN(splice->n_spans, splice->room);
    StoaSpan *spans = g_new0(StoaSpan, room);

    for (unsigned i = 0; i < n; i++)
        spans[i] = *span_at(splice, splice->n_spans - n + i);
    g_free(splice->spans);
    splice->spans = spans;
    splice->n_spans = (uint8_t)n;
    splice->room = (uint8_t)room;
}

static void want_room(StoaSplice *splice, unsigned room)
{
    splice->wanted_room = (uint8_t)MAX(splice->wanted_room, room);
}

void stoa_splice_tend(StoaSplice *splice)
{
    if (stoa_splice_is_tight(splice))
        make_room(splice, splice->wanted_room);
}

void stoa_splice_expect(StoaSplice *splice, bool pieces, bool gaps)
{
    if (pieces && splice->n_spans >= splice->room && splice->room < STOA_SPLICE_SPANS)
        want_room(splice, 2u * splice->room);
    if (gaps)
        want_room(splice, STOA_SPLICE_SPANS_MAX);
    stoa_splice_tend(splice);
}

/* Room comes with the pieces; until it is there the oldest is forgotten. */
static StoaSpan *append(StoaSplice *splice)
{
    if (splice->n_spans >= splice->room && splice->room < STOA_SPLICE_SPANS)
        want_room(splice, 2u * splice->room);
    if (splice->n_spans == 2 * splice->room)
        splice->n_spans = splice->room; /* same places in the circle */
    splice->n_spans++;
    return newest(splice);
}

/* A span of the same piece that begins at `index`; the one before keeps what comes late. */
static StoaSpan *split(StoaSplice *splice, uint64_t index)
{
    StoaSpan *span = newest(splice);
    StoaSpan after = *span;

    after.first_out += index - span->first_in;
    after.first_in = index;
    if (index > span->first_in) { /* it has packets, or numbers kept for late ones */
        span->end_in = index;
        span = append(splice);
    }
    *span = after;
    return span;
}

void stoa_splice_cut(StoaSplice *splice)
{
    if (!splice->is_open)
        return;
    newest(splice)->end_in = splice->highest_in + 1;
    splice->is_open = false;
}

void stoa_splice_forget(StoaSplice *splice)
{
    StoaSpan after;

    if (splice->n_spans == 0)
        return;
    after = *newest(splice);
    splice->n_spans = 0;
    if (!splice->is_open)
        return;
    after.first_in = splice->highest_in + 1;
    after.first_out = splice->next_out;
    *append(splice) = after;
}

static uint32_t ticks_of(const StoaSplice *splice, int64_t us)
{
    return (uint32_t)(us * splice->clock_hz / 1000000);
}

static void anchor(StoaSplice *splice, int64_t at_us, uint32_t timestamp)
{
    splice->anchor_us = at_us;
    splice->anchor_timestamp = timestamp;
}

/* What the stream's clock shows at a moment. After the last packet, by as much at least as one packet of sound holds, of
 * pictures just by some. Where the clock has gone another way than time did, it goes on from the last packet. */
static uint32_t timestamp_at(StoaSplice *splice, int64_t at_us)
{
    uint32_t least =
        splice->last_timestamp + splice->clock_hz / (splice->clock_hz == VIDEO_HZ ? 1000 : 50);
    uint32_t by_gap =
        splice->last_timestamp + ticks_of(splice, CLAMP(at_us - splice->last_us, 0, MAX_GAP_US));
    uint32_t by_clock = splice->anchor_timestamp + ticks_of(splice, at_us - splice->anchor_us);
    int32_t difference = (int32_t)(by_clock - by_gap);
    uint32_t timestamp = by_clock;

    if ((uint32_t)abs(difference) > ticks_of(splice, MAX_DRIFT_US)) {
        timestamp = by_gap;
        anchor(splice, at_us, by_gap);
    }
    return (int32_t)(timestamp - least) < 0 ? least : timestamp;
}

/* Only the form of 15 bits wraps at 2^15; taking the offset modulo 2^16 is right for both. */
static StoaPictureOffsets picture_offsets(const StoaSplice *splice, const StoaRtpFrameInfo *info)
{
    if (!splice->has_picture_id || !info->has_picture_id)
        return (StoaPictureOffsets){ 0 };
    return (StoaPictureOffsets){
        .picture_id = (uint16_t)(splice->picture_id + 1 - info->picture_id),
        .tl0_pic_idx = (uint8_t)(splice->tl0_pic_idx + 1 - info->tl0_pic_idx),
    };
}

static uint16_t frame_offset(const StoaSplice *splice, const StoaRtpFrameInfo *info)
{
    if (!splice->has_frame_number || !info->has_dd)
        return 0;
    return (uint16_t)(splice->frame_number + 1 - info->frame_number);
}

void stoa_splice_begin(StoaSplice *splice, const StoaSpanSource *source, const StoaPacket *packet,
                       int64_t at_us, StoaLayers layers)
{
    StoaSpan *span;
    uint32_t shift = 0;

    stoa_splice_cut(splice);
    if (splice->has_sent)
        shift = timestamp_at(splice, at_us) - packet->header.timestamp;
    else
        anchor(splice, at_us, packet->header.timestamp);
    span = append(splice);
    *span = (StoaSpan){
        .source = *source,
        .cut = ++splice->cut,
        .first_in = packet->index,
        .end_in = UINT64_MAX,
        .first_out = splice->next_out,
        .timestamp = shift,
        .picture = picture_offsets(splice, &packet->info),
        .frame_number = frame_offset(splice, &packet->info),
        .layers = layers,
    };
    splice->highest_in = packet->index - 1;
    splice->has_left_out = false;
    splice->is_open = true;
}

StoaLayers stoa_splice_layers(const StoaSplice *splice)
{
    return span_at(splice, splice->n_spans - 1)->layers;
}

void stoa_splice_set_layers(StoaSplice *splice, const StoaPacket *packet, StoaLayers layers)
{
    split(splice, packet->index)->layers = layers;
}

/* What the stream shows last, whatever came late and whatever was left out behind it. */
static void note_picture(StoaSplice *splice, const StoaSpan *span, const StoaRtpFrameInfo *info)
{
    uint16_t id = (uint16_t)(info->picture_id + span->picture.picture_id);
    uint16_t mask = info->picture_id_is_long ? 0x7fff : 0x7f;

    if (splice->has_picture_id && ((id - splice->picture_id) & mask) > mask / 2)
        return;
    splice->has_picture_id = true;
    splice->picture_id = id;
    splice->tl0_pic_idx = (uint8_t)(info->tl0_pic_idx + span->picture.tl0_pic_idx);
}

static void note_frame(StoaSplice *splice, const StoaSpan *span, const StoaRtpFrameInfo *info)
{
    uint16_t number = (uint16_t)(info->frame_number + span->frame_number);

    if (splice->has_frame_number && stoa_seq_diff(number, splice->frame_number) < 0)
        return;
    splice->has_frame_number = true;
    splice->frame_number = number;
}

static void note_time(StoaSplice *splice, const StoaSpan *span, const StoaPacket *packet)
{
    uint32_t timestamp = packet->header.timestamp + span->timestamp;

    if (splice->has_sent && (int32_t)(timestamp - splice->last_timestamp) < 0)
        return;
    splice->has_sent = true;
    splice->last_timestamp = timestamp;
    splice->last_us = packet->arrived_us;
}

static void note(StoaSplice *splice, const StoaSpan *span, const StoaPacket *packet)
{
    if (packet->index > splice->highest_in) {
        splice->highest_in = packet->index;
        splice->next_out = span->first_out + (packet->index - span->first_in) + 1;
    }
    note_time(splice, span, packet);
    if (packet->info.has_picture_id)
        note_picture(splice, span, &packet->info);
    if (packet->info.has_dd)
        note_frame(splice, span, &packet->info);
}

static bool span_has(const StoaSpan *span, uint64_t index)
{
    return index >= span->first_in && index < span->end_in;
}

/* An older span of the same piece, for a packet that comes late. */
static const StoaSpan *older_span(const StoaSplice *splice, uint64_t index)
{
    unsigned n = MIN(splice->n_spans, splice->room);

    for (unsigned i = 2; i <= n; i++) {
        const StoaSpan *span = span_at(splice, splice->n_spans - i);

        if (span->cut != splice->cut)
            return NULL;
        if (span_has(span, index))
            return span;
    }
    return NULL;
}

const StoaSpan *stoa_splice_place(StoaSplice *splice, const StoaPacket *packet, uint64_t *out)
{
    const StoaSpan *span = newest(splice);

    if (!span_has(span, packet->index))
        span = older_span(splice, packet->index);
    if (!span)
        return NULL;
    note(splice, span, packet);
    *out = span->first_out + (packet->index - span->first_in);
    return span;
}

/* Of a picture that is left out the first packet seen closes the ids up. */
static bool is_another_picture(StoaSplice *splice, const StoaRtpFrameInfo *info)
{
    if (!info->has_picture_id || (splice->has_left_out && splice->left_out == info->picture_id))
        return false;
    splice->has_left_out = true;
    splice->left_out = info->picture_id;
    return true;
}

bool stoa_splice_skip(StoaSplice *splice, const StoaPacket *packet, bool closes_ids)
{
    StoaSpan *span;

    if (packet->index <= splice->highest_in)
        return false;
    want_room(splice, STOA_SPLICE_SPANS_MAX);
    span = split(splice, packet->index);
    span->first_in = packet->index + 1;
    if (closes_ids && is_another_picture(splice, &packet->info))
        span->picture.picture_id--;
    splice->highest_in = packet->index;
    splice->next_out = span->first_out;
    return true;
}

const StoaSpan *stoa_splice_find(const StoaSplice *splice, uint16_t seq, uint64_t *index,
                                 uint64_t *out)
{
    uint64_t number = stoa_seq_extend(splice->next_out, seq);
    unsigned n = MIN(splice->n_spans, splice->room);

    for (unsigned i = 1; i <= n && number < splice->next_out; i++) {
        const StoaSpan *span = span_at(splice, splice->n_spans - i);

        if (number < span->first_out)
            continue;
        *index = span->first_in + (number - span->first_out);
        *out = number;
        return *index < span->end_in ? span : NULL;
    }
    return NULL;
}
