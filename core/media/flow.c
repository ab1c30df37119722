/* SPDX-License-Identifier: MIT */
#include "media/flow.h"

#include <stdbool.h>

#include "base/poison.h"

#define STEP_US    90000
#define SMOOTH_US  1000000
#define SLOWEST_US 5000000
#define PICTURES   5       /* so many at least are looked at */
#define SILENCE_US 1500000 /* after it begins anew */
#define PEAK_US    8000000

/* A young flow is a keyframe mostly. */
static void note_peak(StoaFlow *flow, int64_t us, bool is_young)
{
    double left = flow->peak_bps * (1 - (double)(us < PEAK_US ? us : PEAK_US) / PEAK_US);

    flow->peak_bps = flow->bps > left && !is_young ? flow->bps : (uint32_t)left;
}

static void begin(StoaFlow *flow, int64_t now_us)
{
    uint32_t peak_bps = flow->peak_bps;

    *flow = (StoaFlow){ .begun_us = now_us, .since_us = now_us, .peak_bps = peak_bps };
}

static bool is_empty(const StoaFlow *flow)
{
    for (unsigned i = 0; i < STOA_FLOW_SIDS * STOA_FLOW_TIDS; i++)
        if (flow->bytes[i / STOA_FLOW_TIDS][i % STOA_FLOW_TIDS] > 0)
            return false;
    return true;
}

/* Quick to believe in many pictures, slow to believe in few: most pauses are no habit. */
static void note_gap(StoaFlow *flow, int64_t now_us)
{
    int64_t gap_us = now_us - flow->came_us;
    int64_t known_us = flow->gap_us ? flow->gap_us : gap_us;

    if (is_empty(flow))
        return;
    if (flow->came_us && gap_us < 2 * SILENCE_US)
        flow->gap_us = (uint32_t)(known_us + (gap_us - known_us) / (gap_us < known_us ? 2 : 4));
    flow->came_us = now_us;
}

/* @step_us  what is added now: at least that */
static int64_t window_us(const StoaFlow *flow, int64_t now_us, int64_t step_us)
{
    int64_t us = (int64_t)PICTURES * flow->gap_us;
    int64_t age_us = now_us - flow->begun_us;

    us = us < SMOOTH_US ? SMOOTH_US : us;
    us = us > SLOWEST_US ? SLOWEST_US : us;
    us = us > step_us ? us : step_us;
    return age_us < us ? age_us : us;
}

/* What came before the first call is a key frame mostly, and left out. As long as it is young, it is the mean of all. */
void stoa_flow_tend(StoaFlow *flow, int64_t now_us)
{
    int64_t us = now_us - flow->since_us;
    int64_t age_us = now_us - flow->begun_us;
    int64_t over_us;

    if (us < STEP_US)
        return;
    if (!flow->begun_us || us > SILENCE_US) {
        note_peak(flow, us, true);
        begin(flow, now_us);
        return;
    }
    note_gap(flow, now_us);
    over_us = window_us(flow, now_us, us);
    for (unsigned i = 0; i < STOA_FLOW_SIDS * STOA_FLOW_TIDS; i++) {
        uint32_t *layer = &flow->layer_bps[i / STOA_FLOW_TIDS][i % STOA_FLOW_TIDS];
        uint32_t *bytes = &flow->bytes[i / STOA_FLOW_TIDS][i % STOA_FLOW_TIDS];
        int64_t now_bps = (int64_t)*bytes * 8000000 / us;

        *layer = (uint32_t)(*layer + (now_bps - *layer) * us / over_us);
        *bytes = 0;
    }
    flow->bps = stoa_flow_bps(flow, STOA_FLOW_SIDS, STOA_FLOW_TIDS);
    note_peak(flow, us, age_us < SMOOTH_US);
    flow->since_us = now_us;
}

uint32_t stoa_flow_bps(const StoaFlow *flow, unsigned sid, unsigned tid)
{
    uint32_t bps = 0;

    for (unsigned i = 0; i <= sid && i < STOA_FLOW_SIDS; i++)
        for (unsigned j = 0; j <= tid && j < STOA_FLOW_TIDS; j++)
            bps += flow->layer_bps[i][j];
    return bps;
}
