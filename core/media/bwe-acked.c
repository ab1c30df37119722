/* SPDX-License-Identifier: MIT */
#include "media/bwe-acked.h"

#include <string.h>

#include "base/poison.h"

#define SLOT_US  50000
#define N_WINDOW 10 /* full slots that count; the newest is not full yet */
#define N_LATELY 4
#define MIN_US   100000

static uint32_t *slot_at(StoaBweAcked *acked, int64_t slot)
{
    return &acked->bytes[(uint64_t)slot % STOA_BWE_ACKED_SLOTS];
}

void stoa_bwe_acked_input(StoaBweAcked *acked, int64_t arrival_us, unsigned size)
{
    int64_t slot = arrival_us / SLOT_US;

    if (!acked->has_begun || slot - acked->slot > 4 * STOA_BWE_ACKED_SLOTS) {
        memset(acked, 0, sizeof(*acked));
        acked->has_begun = true;
        acked->first_us = arrival_us;
        acked->slot = slot;
    }
    for (; acked->slot < slot; acked->slot++)
        *slot_at(acked, acked->slot + 1) = 0;
    if (acked->slot - slot < STOA_BWE_ACKED_SLOTS)
        *slot_at(acked, slot) += size;
}

static uint32_t rate_of(const StoaBweAcked *acked, int64_t n_slots)
{
    int64_t end_us = acked->slot * SLOT_US;
    int64_t span_us = end_us - acked->first_us;
    uint64_t bytes = 0;

    if (!acked->has_begun || span_us < MIN_US)
        return 0;
    if (span_us > n_slots * SLOT_US)
        span_us = n_slots * SLOT_US;
    for (int64_t i = 1; i <= n_slots; i++)
        bytes += acked->bytes[(uint64_t)(acked->slot - i) % STOA_BWE_ACKED_SLOTS];
    return (uint32_t)(bytes * 8 * 1000000 / (uint64_t)span_us);
}

uint32_t stoa_bwe_acked_bps(const StoaBweAcked *acked)
{
    return rate_of(acked, N_WINDOW);
}

uint32_t stoa_bwe_acked_lately_bps(const StoaBweAcked *acked)
{
    return rate_of(acked, N_LATELY);
}

bool stoa_bwe_acked_lately_is_after(const StoaBweAcked *acked, int64_t mark)
{
    return acked->slot > mark + N_LATELY;
}
