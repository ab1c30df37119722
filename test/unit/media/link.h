/* SPDX-License-Identifier: MIT */
/* A link of known capacity, delay and loss with a virtual clock, and a receiver behind it that sends feedback.
 *
 * Flows share it; each has an estimator. An hour of it takes about a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/bwe.h"

enum { LINK_FLOWS = 3, LINK_FLIGHT = 8192, LINK_FRAME_US = 33000, LINK_VOICE_LATE_US = 200000 };

typedef struct Link Link;

typedef struct {
    Link *link;
    StoaBwe bwe;
    StoaTwccRecorder recorder;
    uint16_t seq;
    int64_t next_frame_us, next_pad_us, next_feedback_us;
    int64_t carry;                /* bytes below a packet, for the next frame */
    unsigned n_frames, key_every; /* each n-th frame is as large as ten; 0: none */
    uint32_t (*rate)(const StoaBwe *bwe, void *data); /* what the sender sends */
    void *data;
    uint64_t bytes_sent, bytes_arrived, n_lost;
    int64_t max_queue_us;  /* since it was cleared by the test */
    int64_t next_voice_us; /* a packet of voice goes with the pictures every 20 ms; 0: none does */
    unsigned n_voices, n_voices_bad; /* those that were lost or late; cleared by the test */
} Flow;

typedef struct {
    int64_t at_us; /* of arrival at the receiver, or at us for feedback */
    Flow *flow;
    uint16_t seq, size;
    uint8_t feedback[1200];
    unsigned feedback_len; /* 0: a packet */
} LinkItem;

struct Link {
    int64_t now_us;
    uint32_t capacity_bps;
    int64_t delay_us;     /* each way */
    int64_t max_queue_us; /* more is lost */
    uint32_t bucket;      /* bytes that pass at once after a pause: a shaper's burst */
    double loss;          /* share that is lost by chance */
    int64_t jitter_us;
    uint32_t cross_bps; /* of somebody who does not care */
    int64_t busy_us;    /* when the queue will be empty */
    uint32_t seed;
    Flow flows[LINK_FLOWS];
    unsigned n_flows;
    LinkItem *items; /* in flight, unordered */
    unsigned n_items;
};

Link *link_new(uint32_t capacity_bps, int64_t delay_us);
void link_free(Link *link);
/** A sender on the link. @rate  NULL: sends what it is allowed, 3 Mbit/s at most */
Flow *link_flow(Link *link, uint32_t (*rate)(const StoaBwe *bwe, void *data), void *data);
void link_run(Link *link, unsigned ms);
/** What arrived of a flow in the next so many milliseconds, bits a second. */
uint32_t link_throughput(Link *link, Flow *flow, unsigned ms);
