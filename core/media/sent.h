/* SPDX-License-Identifier: MIT */
/* What was sent to one peer under which transport-wide number: what feedback is compared with.
 *
 * Eight bytes a packet, in a circle that grows with the rate. Pure: the clock is an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    STOA_SENT_FIRST = 256, /* packets remembered at the start; a power of two */
    STOA_SENT_MAX = 8192,
    STOA_SENT_US = 1500000, /* feedback on a packet may come this late */
};

typedef enum {
    STOA_SENT_NOTHING,  /* no packet: the number is not ours to speak of */
    STOA_SENT_WAITING,  /* nothing was heard of it */
    STOA_SENT_LOST,     /* reported missing */
    STOA_SENT_RECEIVED, /* reported received: done */
} StoaSentState;

typedef struct {
    uint32_t sent_us; /* the low bits; see stoa_sent_time_us() */
    uint16_t size;    /* bytes on the wire */
    uint8_t cluster;  /* of a probe; 0: none */
    uint8_t state;    /* StoaSentState */
} StoaSentPacket;

/* All zero is an empty one without memory. */
typedef struct {
    StoaSentPacket *packets; /* by the low bits of the number */
    uint32_t n_slots;
    bool has_begun;
    bool is_tight;   /* one went before its time: grow at the next chance */
    uint64_t newest; /* extended number */
} StoaSentLog;

void stoa_sent_init(StoaSentLog *log);
void stoa_sent_clear(StoaSentLog *log);

/** Note a packet; numbers come in order, a repeat changes nothing. Allocates nothing. */
void stoa_sent_add(StoaSentLog *log, uint16_t seq, uint16_t size, uint8_t cluster, int64_t now_us);

/** The packet of a number; NULL: not known (any more). */
StoaSentPacket *stoa_sent_find(const StoaSentLog *log, uint16_t seq);

/** The whole time of a packet that was sent within the last hour. */
static inline int64_t stoa_sent_time_us(const StoaSentPacket *packet, int64_t now_us)
{
    return now_us - (int64_t)(uint32_t)((uint32_t)now_us - packet->sent_us);
}

/** Grow if it is tight. Call it now and then, off the packet path. */
void stoa_sent_tend(StoaSentLog *log);
