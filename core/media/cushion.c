/* SPDX-License-Identifier: MIT */
#include "media/cushion.h"

#include "base/poison.h"

#define SMOOTHNESS 0.3f
#define LOSSY      0.01f
#define CALM_US    15000000 /* without losses it goes */
#define NOTICE_US  50000    /* until a loss shows: a picture or so */
#define MAX_MS     500
#define STEP_MS    10 /* the unit of the extension */
#define TELL_US    5000000
#define UPPER_MS   10000 /* no limit to speak of */

static void change(StoaCushion *cushion, unsigned ms, int64_t now_us)
{
    cushion->ms = (uint16_t)ms;
    cushion->changed_us = now_us;
}

/* One repair, and a reserve of half another. */
static unsigned wanted_ms(int64_t rtt_us)
{
    int64_t ms = (rtt_us + rtt_us / 2 + NOTICE_US) / 1000;

    ms = ms > MAX_MS ? MAX_MS : ms;
    return (unsigned)(ms + STEP_MS - 1) / STEP_MS * STEP_MS;
}

void stoa_cushion_report(StoaCushion *cushion, uint8_t fraction_lost, int64_t rtt_us,
                         int64_t now_us)
{
    unsigned wanted = wanted_ms(rtt_us);

    cushion->loss += SMOOTHNESS * ((float)fraction_lost / 256 - cushion->loss);
    if (cushion->loss >= LOSSY && rtt_us > 0) {
        cushion->lossy_us = now_us;
        if (wanted > cushion->ms || wanted < cushion->ms / 2)
            change(cushion, wanted, now_us);
    } else if (cushion->ms > 0 && now_us - cushion->lossy_us > CALM_US) {
        change(cushion, 0, now_us);
    }
}

bool stoa_cushion_ask(StoaCushion *cushion, StoaDelay delay, int64_t now_us)
{
    bool is_asked = delay.least >= 0;
    uint32_t asked = is_asked ? (uint32_t)delay.least << 12 | (uint32_t)delay.most : 0;

    if (is_asked == cushion->is_asked && asked == cushion->asked)
        return false;
    cushion->is_asked = is_asked;
    cushion->asked = asked;
    if (!is_asked)
        cushion->changed_us = now_us;
    return true;
}

void stoa_cushion_settle(StoaCushion *cushion)
{
    cushion->ms = 0;
    cushion->changed_us = 0;
}

bool stoa_cushion_tells(const StoaCushion *cushion, int64_t now_us, uint32_t *delay)
{
    if (cushion->is_asked) {
        *delay = cushion->asked;
        return true;
    }
    if (cushion->ms == 0 && (!cushion->changed_us || now_us - cushion->changed_us > TELL_US))
        return false;
    *delay = (uint32_t)cushion->ms / STEP_MS << 12 | UPPER_MS / STEP_MS;
    return true;
}
