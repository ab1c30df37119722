/* SPDX-License-Identifier: MIT */
/* Probing: a short burst at a higher rate, and how fast it came through. One at a time. Pure.
 *
 * Media and padding that leave while it runs all belong to its cluster; padding fills up what media leaves free. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned n, first_bytes;
    uint64_t bytes;
    int64_t first_us, last_us;
} StoaBweArrivals;

/* All zero is a good start. */
typedef struct {
    uint8_t cluster; /* the running or last one; 0: there was none */
    bool is_running, is_sent;
    uint32_t target_bps;
    int64_t length_us;
    int64_t begun_us, ended_us;
    unsigned n_sent, n_lost;
    uint64_t bytes_sent;
    int64_t last_sent_us; /* the last burst, whose bytes say nothing of the time before it */
    unsigned last_sent_bytes;
    StoaBweArrivals all, late; /* late: sent in its second half */
} StoaBweProbe;

/**
 * Begin one.
 *
 * @thorough  the path is known to be narrow: a shaper lets some bytes pass at once (a token bucket), so many more are sent
 */
void stoa_bwe_probe_begin(StoaBweProbe *probe, uint32_t target_bps, bool thorough, int64_t now_us);

/** It went far enough: nothing more is sent. */
void stoa_bwe_probe_stop(StoaBweProbe *probe, int64_t now_us);

/** The cluster that a packet sent now belongs to; 0: none. */
static inline uint8_t stoa_bwe_probe_cluster(const StoaBweProbe *probe)
{
    return probe->is_running && !probe->is_sent ? probe->cluster : 0;
}

/** Bytes of padding that are due now; it ends when all was sent. */
size_t stoa_bwe_probe_due(StoaBweProbe *probe, int64_t now_us);

void stoa_bwe_probe_sent(StoaBweProbe *probe, unsigned size, int64_t now_us);
/** A packet of the cluster arrived. */
void stoa_bwe_probe_received(StoaBweProbe *probe, uint8_t cluster, unsigned size, int64_t sent_us,
                             int64_t arrival_us);

/** A packet of the cluster was reported missing. */
void stoa_bwe_probe_lost(StoaBweProbe *probe, uint8_t cluster);

/** How fast it was sent, its target at most: a machine that is busy falls short of that, and the path is not to blame. */
uint32_t stoa_bwe_probe_tried_bps(const StoaBweProbe *probe);

/**
 * Is the result there?
 *
 * @bps  what came through a second; 0: too little came to say
 */
bool stoa_bwe_probe_result(StoaBweProbe *probe, int64_t now_us, uint32_t *bps);
