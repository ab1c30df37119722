/* SPDX-License-Identifier: MIT */
/* Does the way to a subscriber fill up? The trend of the one-way delay, in the manner of GCC (draft-ietf-rmcat-gcc-02, 5).
 *
 * A server that forwards does not space out the packets of a frame, so that every key frame queues behind itself for a
 * while. Groups are therefore long, and of each only its quickest packet counts: a queue that empties again within a
 * group is no congestion, one that stays is. But behind a queue a group takes long to end: a path that is offered twice
 * what it carries is known by shorter ones, from the first packets of the third on. Pure: the clock is an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STOA_BWE_TREND_GROUPS = 8, STOA_BWE_TREND_MOMENTS = 3 };

typedef enum { STOA_BWE_NORMAL, STOA_BWE_OVERUSE, STOA_BWE_UNDERUSE } StoaBweUsage;

/* Private; stoa_bwe_trend_init() first. */
typedef struct {
    bool has_group;
    int64_t group_us;     /* when its first packet was sent */
    int64_t group_min_us; /* the least of arrival minus sending */
    int64_t last_sent_us;
    double at_ms[STOA_BWE_TREND_GROUPS];    /* of the groups behind, a circle */
    double delay_ms[STOA_BWE_TREND_GROUPS]; /* against some constant */
    unsigned n_groups;
    int64_t origin_us; /* that constant */
    double base_ms[2]; /* the least delay of this quarter of a minute and of the one before */
    int64_t base_us;   /* when this one began */
    double slope;      /* milliseconds of delay a second */
    double threshold;  /* of the slope, adapts to how restless the path is */
    unsigned n_over;   /* groups over it in a row, ever steeper */
    StoaBweUsage usage;
    struct {
        int64_t at_us, min_us; /* when it began to be sent, and its least delay; at_us 0: none */
    } moments[STOA_BWE_TREND_MOMENTS]; /* shorter groups: the newest, which still grows, first */
    bool is_flooded;                   /* by them: no need to wait for groups */
} StoaBweTrend;

void stoa_bwe_trend_init(StoaBweTrend *trend);

/**
 * One packet that arrived.
 *
 * @arrival_us  of the receiver's clock, whose origin does not matter
 *
 * Returns true if a group ended: `usage` is new.
 */
bool stoa_bwe_trend_input(StoaBweTrend *trend, int64_t sent_us, int64_t arrival_us);

/** When the packets began to be sent by which it judges now. */
int64_t stoa_bwe_trend_since_us(const StoaBweTrend *trend);

/** The same as stoa_bwe_trend_queue_us() of the last moment alone: restless. */
int64_t stoa_bwe_trend_latest_us(const StoaBweTrend *trend);

/** How much longer packets wait now than the quickest of the last half minute did. */
int64_t stoa_bwe_trend_queue_us(const StoaBweTrend *trend);
