/* SPDX-License-Identifier: MIT */
#include "media/bwe-cliff.h"

#include <glib.h>

#include "base/poison.h"

#define SPAN_US      60000 /* of so many packets at least, sent */
#define MIN_SENT     8
#define ENOUGH_US    300000 /* and if nothing comes */
#define SLOW_US      100000 /* or of so few, that came as slowly as that */
#define MIN_RECEIVED 4
#define LATE_US      50000 /* so much longer the last packet took than the first */
#define LOSS         0.3   /* or such a share did not come */
#define FALL         0.5   /* of what was sent */

void stoa_bwe_cliff_restart(StoaBweCliff *cliff)
{
    *cliff = (StoaBweCliff){ 0 };
}

static void note_arrival(StoaBweCliff *cliff, unsigned size, int64_t arrival_us)
{
    int64_t silence_us = arrival_us - cliff->last_arrival_us;
    unsigned i = cliff->n_received % STOA_BWE_CLIFF_LAST;

    cliff->last[i].at_us = arrival_us;
    cliff->last[i].size = size;
    if (cliff->n_received++ == 0) {
        cliff->first_arrival_us = cliff->last_arrival_us = arrival_us;
        return;
    }
    cliff->received += size;
    if (silence_us > cliff->silence_us) {
        cliff->silence_us = silence_us;
        cliff->after_silence = size;
    }
    if (silence_us > 0)
        cliff->last_arrival_us = arrival_us;
}

void stoa_bwe_cliff_input(StoaBweCliff *cliff, unsigned size, int64_t sent_us, bool is_received,
                          int64_t arrival_us)
{
    if (cliff->n_sent++ == 0)
        cliff->first_sent_us = cliff->last_sent_us = sent_us;
    if (sent_us > cliff->last_sent_us)
        cliff->last_sent_us = sent_us;
    if (is_received)
        note_arrival(cliff, size, arrival_us);
}

static uint32_t rate(uint32_t bytes, int64_t us)
{
    return us > 0 ? (uint32_t)((uint64_t)bytes * 8000000 / (uint64_t)us) : 0;
}

/* How fast the newest came. Without as many: 0. */
static uint32_t last_rate(const StoaBweCliff *cliff)
{
    unsigned oldest = cliff->n_received % STOA_BWE_CLIFF_LAST;
    uint32_t bytes = 0;

    if (cliff->n_received < STOA_BWE_CLIFF_LAST)
        return 0;
    for (unsigned i = 0; i < STOA_BWE_CLIFF_LAST; i++)
        bytes += i == oldest ? 0 : cliff->last[i].size;
    return rate(bytes, cliff->last_arrival_us - cliff->last[oldest].at_us);
}

bool stoa_bwe_cliff_fell(StoaBweCliff *cliff, uint32_t offered_bps, uint32_t *bps)
{
    int64_t sending_us = cliff->last_sent_us - cliff->first_sent_us;
    int64_t coming_us = cliff->last_arrival_us - cliff->first_arrival_us;
    bool has_some = cliff->n_received >= MIN_RECEIVED;
    bool is_long = cliff->n_sent >= MIN_SENT && sending_us >= (has_some ? SPAN_US : ENOUGH_US);
    bool is_slow = has_some && coming_us >= SLOW_US;
    bool is_late = coming_us - sending_us > LATE_US;
    bool has_holes = cliff->n_received < (1 - LOSS) * cliff->n_sent;
    uint32_t otherwise_bps, last_bps = last_rate(cliff);

    if (!is_long && !is_slow)
        return false;
    *bps = rate(cliff->received, MAX(coming_us, sending_us));
    otherwise_bps = rate(cliff->received - cliff->after_silence, coming_us - cliff->silence_us);
    if (last_bps > 0 && last_bps < *bps)
        *bps = last_bps;
    stoa_bwe_cliff_restart(cliff);
    return (is_late || has_holes) && *bps < FALL * offered_bps &&
           otherwise_bps < FALL * offered_bps;
}
