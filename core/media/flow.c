/* SPDX-License-Identifier: MIT */
#include "media/flow.h"

#include <stdbool.h>

#include "base/poison.h"

#define STEP_US    90000
#define SMOOTH_US  1000000
#define SILENCE_US 1000000 /* after it begins anew */
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

/* What came before the first call is a key frame mostly, and left out. As long as it is young, it is the mean of all. */
void stoa_flow_tend(StoaFlow *flow, int64_t now_us)
{
    int64_t us = now_us - flow->since_us;
    int64_t age_us = now_us - flow->begun_us;
    int64_t over_us = age_us < SMOOTH_US ? age_us : SMOOTH_US;

    if (us < STEP_US)
        return;
    if (!flow->begun_us || us > SILENCE_US) {
        note_peak(flow, us, true);
        begin(flow, now_us);
        return;
    }
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
