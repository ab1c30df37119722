/* SPDX-License-Identifier: MIT */
/* transport-cc feedback, recorded, written and read.
 *
 * A packet's status is a symbol: 0 lost, 1 came a short time after the one before, 2 came later or out
 * of order. Symbols are packed in 16-bit chunks, runs or vectors; times follow, 1 or 2 bytes each. */

#include "rtp/twcc.h"

#include "rtp/bytes.h"
#include "rtp/seq.h"

#define COMMON_LEN    12 /* RTCP header, sender, media */
#define HEAD_LEN      8  /* base, count, reference time, feedback count */
#define TICK_US       250
#define TICKS_PER_REF 256 /* 64 ms */
#define RUN_MIN       7   /* shorter runs go into a vector; see worst_len() */

enum { LOST, SMALL, LARGE };

/* ---- the recorder ---- */

static inline uint32_t *slot(StoaTwccRecorder *recorder, uint64_t index)
{
    return &recorder->ticks[index % STOA_TWCC_RING];
}

/* Makes room up to `index`; what falls out of the ring will never be reported. */
static void advance(StoaTwccRecorder *recorder, uint64_t index)
{
    uint64_t gone = index - recorder->highest;
    uint64_t from = gone > STOA_TWCC_RING ? index - STOA_TWCC_RING : recorder->highest;

    for (uint64_t i = from + 1; i <= index; i++)
        *slot(recorder, i) = 0;
    recorder->highest = index;
    if (index - recorder->next >= STOA_TWCC_RING)
        recorder->next = index - STOA_TWCC_RING + 1;
}

void stoa_twcc_recorder_input(StoaTwccRecorder *recorder, uint16_t seq, int64_t now_us)
{
    uint32_t tick = (uint32_t)(now_us / TICK_US);
    uint64_t index;

    if (!recorder->has_begun) {
        recorder->has_begun = true;
        recorder->highest = recorder->next = 65536u + (uint64_t)seq;
    }
    index = stoa_seq_extend(recorder->highest, seq);
    if (index > recorder->highest)
        advance(recorder, index);
    else if (recorder->highest - index >= STOA_TWCC_RING || *slot(recorder, index) != 0)
        return; /* far too late, or a repeat */
    *slot(recorder, index) = tick != 0 ? tick : 1;
    if (index < recorder->next)
        recorder->next = index; /* late: tell again from there */
    recorder->has_news = true;
}

/* ---- writing ---- */

/* One feedback in the making. */
typedef struct {
    size_t n;
    size_t deltas_len;
    uint32_t reference; /* 64 ms */
    uint8_t symbols[STOA_TWCC_RING];
    int16_t deltas[STOA_TWCC_RING]; /* one for each packet that came */
} Draft;

/* Every chunk but the last covers seven packets at least. */
static size_t worst_len(size_t n, size_t deltas_len)
{
    return COMMON_LEN + HEAD_LEN + (n + 6) / 7 * 2 + deltas_len + 3;
}

/* The time of the first packet that came, from `next` on. The newest always has. */
static uint32_t first_tick(StoaTwccRecorder *recorder)
{
    uint64_t index = recorder->next;

    while (*slot(recorder, index) == 0)
        index++;
    return *slot(recorder, index);
}

/* Takes packets from `next` on, until the feedback is full or a time step does not fit. */
static void draft_packets(StoaTwccRecorder *recorder, size_t size, Draft *draft)
{
    uint32_t last = first_tick(recorder) & ~(TICKS_PER_REF - 1u);
    size_t n_deltas = 0;

    draft->reference = last / TICKS_PER_REF;
    for (; recorder->next <= recorder->highest; recorder->next++) {
        uint32_t tick = *slot(recorder, recorder->next);
        int32_t delta = tick != 0 ? (int32_t)(tick - last) : 0;
        uint8_t symbol = tick == 0 ? LOST : delta >= 0 && delta <= 255 ? SMALL : LARGE;

        if (delta != (int16_t)delta || worst_len(draft->n + 1, draft->deltas_len + symbol) > size)
            return;
        draft->symbols[draft->n++] = symbol;
        if (symbol == LOST)
            continue;
        draft->deltas[n_deltas++] = (int16_t)delta;
        draft->deltas_len += symbol; /* the symbol is the number of bytes */
        last = tick;
    }
}

static size_t run_len(const Draft *draft, size_t i)
{
    size_t end = i + 1;

    while (end < draft->n && draft->symbols[end] == draft->symbols[i])
        end++;
    return end - i;
}

static bool fits_one_bit(const Draft *draft, size_t i)
{
    for (size_t end = i + 14; i < end && i < draft->n; i++)
        if (draft->symbols[i] == LARGE)
            return false;
    return true;
}

/* The chunk for symbols from `i` on; `*covered` says how many it takes. */
static uint16_t make_chunk(const Draft *draft, size_t i, size_t *covered)
{
    size_t run = run_len(draft, i);
    unsigned width, n, chunk = 0;

    if (run >= (draft->symbols[i] == LARGE ? RUN_MIN : 2 * RUN_MIN)) {
        *covered = run;
        return (uint16_t)((unsigned)draft->symbols[i] << 13 | (unsigned)run);
    }
    width = fits_one_bit(draft, i) ? 1 : 2;
    n = 14 / width;
    for (size_t k = i; k < i + n; k++)
        chunk = chunk << width | (k < draft->n ? draft->symbols[k] : LOST);
    *covered = n;
    return (uint16_t)(0x8000 | (width == 2 ? 0x4000 : 0) | chunk);
}

static uint8_t *put_chunks(const Draft *draft, uint8_t *at)
{
    size_t covered;

    for (size_t i = 0; i < draft->n; i += covered, at += 2)
        stoa_bytes_put16(at, make_chunk(draft, i, &covered));
    return at;
}

static uint8_t *put_deltas(const Draft *draft, uint8_t *at)
{
    const int16_t *delta = draft->deltas;

    for (size_t i = 0; i < draft->n; i++) {
        if (draft->symbols[i] == SMALL) {
            *at++ = (uint8_t)*delta++;
        } else if (draft->symbols[i] == LARGE) {
            stoa_bytes_put16(at, (uint16_t)*delta++);
            at += 2;
        }
    }
    return at;
}

size_t stoa_twcc_recorder_output(StoaTwccRecorder *recorder, uint32_t sender_ssrc,
                                 uint32_t media_ssrc, uint8_t *out, size_t size)
{
    Draft draft;
    uint16_t base = (uint16_t)recorder->next;
    uint8_t *at;

    if (!recorder->has_news || size < worst_len(1, 2))
        return 0;
    draft.n = draft.deltas_len = 0;
    draft_packets(recorder, size, &draft);
    recorder->has_news = recorder->next <= recorder->highest;

    stoa_bytes_put32(out + 4, sender_ssrc);
    stoa_bytes_put32(out + 8, media_ssrc);
    stoa_bytes_put16(out + 12, base);
    stoa_bytes_put16(out + 14, (uint16_t)draft.n);
    stoa_bytes_put24(out + 16, draft.reference);
    out[19] = recorder->n_feedbacks++;
    at = put_deltas(&draft, put_chunks(&draft, out + COMMON_LEN + HEAD_LEN));
    while ((at - out) % 4 != 0)
        *at++ = 0;
    out[0] = 0x80 | STOA_RTCP_RTPFB_TWCC;
    out[1] = STOA_RTCP_RTPFB;
    stoa_bytes_put16(out + 2, (uint16_t)((at - out) / 4 - 1));
    return (size_t)(at - out);
}

/* ---- reading ---- */

static void open_chunk(StoaTwccIter *iter)
{
    uint16_t chunk = stoa_bytes_get16(iter->chunk);

    iter->chunk += 2;
    iter->chunk_bits = chunk;
    if (!(chunk & 0x8000)) {
        iter->chunk_width = 0;
        iter->chunk_symbol = chunk >> 13 & 3;
        iter->chunk_left = chunk & 0x1fff;
        return;
    }
    iter->chunk_width = chunk & 0x4000 ? 2 : 1;
    iter->chunk_left = (uint16_t)(14 / iter->chunk_width);
}

/* The next status; false if the chunks end too early. */
static bool next_symbol(StoaTwccIter *iter, const uint8_t *end, uint8_t *symbol)
{
    while (iter->chunk_left == 0) {
        if (end - iter->chunk < 2)
            return false;
        open_chunk(iter);
    }
    iter->chunk_left--;
    if (iter->chunk_width == 0)
        *symbol = iter->chunk_symbol;
    else if (iter->chunk_width == 1)
        *symbol = iter->chunk_bits >> iter->chunk_left & 1;
    else
        *symbol = iter->chunk_bits >> 2 * iter->chunk_left & 3;
    return true;
}

/* A run is passed over in one step: a few bytes claim thousands of packets. Returns how many more it takes. */
static size_t take_run(StoaTwccIter *iter, size_t max)
{
    size_t n = iter->chunk_left < max ? iter->chunk_left : max;

    if (iter->chunk_width != 0)
        return 0;
    iter->chunk_left = (uint16_t)(iter->chunk_left - n);
    return n;
}

/* Bytes of time that follow a symbol; the reserved one (3) has none. */
static size_t delta_len(uint8_t symbol)
{
    return symbol == SMALL || symbol == LARGE ? symbol : 0;
}

bool stoa_twcc_iter_init(StoaTwccIter *iter, const StoaRtcpFeedback *feedback)
{
    const uint8_t *fci = feedback->fci, *end = fci + feedback->fci_len;
    size_t deltas_len = 0, run;
    StoaTwccIter dry;
    uint8_t symbol;

    if (feedback->kind != STOA_RTCP_FEEDBACK_TWCC || feedback->fci_len < HEAD_LEN)
        return false;
    dry = (StoaTwccIter){
        .base_seq = stoa_bytes_get16(fci),
        .n_packets = stoa_bytes_get16(fci + 2),
        .reference_time_us = ((int64_t)stoa_bytes_get24(fci + 4) - (fci[4] & 0x80 ? 1 << 24 : 0)) *
                             TICKS_PER_REF * TICK_US,
        .count = fci[7],
        .chunk = fci + HEAD_LEN,
        .end = end,
    };
    *iter = dry;
    for (size_t left = dry.n_packets; left > 0;) {
        if (!next_symbol(&dry, end, &symbol))
            return false;
        run = 1 + take_run(&dry, left - 1);
        deltas_len += run * delta_len(symbol);
        left -= run;
    }
    if (deltas_len > (size_t)(end - dry.chunk))
        return false;
    iter->delta = dry.chunk;
    iter->time_us = iter->reference_time_us;
    return true;
}

bool stoa_twcc_iter_next(StoaTwccIter *iter, StoaTwccArrival *arrival)
{
    uint8_t symbol;

    if (iter->n_read == iter->n_packets || !next_symbol(iter, iter->end, &symbol))
        return false;
    *arrival = (StoaTwccArrival){ .seq = (uint16_t)(iter->base_seq + iter->n_read++) };
    if (delta_len(symbol) == 0)
        return true;
    iter->time_us +=
        TICK_US * (symbol == SMALL ? *iter->delta : (int16_t)stoa_bytes_get16(iter->delta));
    iter->delta += symbol;
    arrival->is_received = true;
    arrival->arrival_us = iter->time_us;
    return true;
}
