/* SPDX-License-Identifier: MIT */
#pragma once /* transport-cc: when did which packet come? (draft-holmer-rmcat-transport-wide-cc-extensions-01) */

#include "rtp/rtcp-feedback.h"

#define STOA_TWCC_RING 2048 /* packets that may wait to be reported; a power of two */

/* What one peer's packets look like on arrival. Private; all zero is a good start. */
typedef struct {
    uint64_t highest;    /* index of the newest packet */
    uint64_t next;       /* the first index of the next feedback */
    uint8_t n_feedbacks; /* the count that each feedback carries */
    bool has_begun;
    bool has_news;
    uint32_t ticks[STOA_TWCC_RING]; /* arrival in 250 us, they wrap; 0: it has not come */
} StoaTwccRecorder;

/* Walks over the packets of one feedback. Private but for the head. */
typedef struct {
    uint16_t base_seq;
    uint16_t n_packets;
    uint8_t count;             /* of feedback packets: shows lost feedback */
    int64_t reference_time_us; /* 64 ms steps of the receiver's clock, 24 bits, signed */
    const uint8_t *chunk, *delta, *end;
    uint16_t n_read;
    uint16_t chunk_left, chunk_bits;
    uint8_t chunk_symbol, chunk_width; /* width 0: a run */
    int64_t time_us;
} StoaTwccIter;

typedef struct {
    uint16_t seq;
    bool is_received;
    int64_t arrival_us; /* of the receiver's clock; only if it was received */
} StoaTwccArrival;

/** Note one received packet. `now_us` is monotonic; repeats change nothing. */
void stoa_twcc_recorder_input(StoaTwccRecorder *recorder, uint16_t seq, int64_t now_us);

/**
 * Write one feedback packet on what came since the last. Call until it returns 0: much loss, many
 * packets or a long silence make several.
 *
 * @size  bytes at `out`; at least 64, 1,100 is good
 *
 * Returns the packet's length, a multiple of four, 0 if there is no news.
 */
size_t stoa_twcc_recorder_output(StoaTwccRecorder *recorder, uint32_t sender_ssrc,
                                 uint32_t media_ssrc, uint8_t *out, size_t size);

/**
 * Begin to read a feedback. The whole of it is checked, so that the walk cannot fail.
 *
 * Returns false if it is another kind, or if its chunks or deltas are cut short.
 * Thread: any; allocates nothing.   Fuzzed by: test/fuzz/fuzz_rtcp.c
 */
bool stoa_twcc_iter_init(StoaTwccIter *iter, const StoaRtcpFeedback *feedback);

/** The next packet of the feedback; false after the last. */
bool stoa_twcc_iter_next(StoaTwccIter *iter, StoaTwccArrival *arrival);
