/* SPDX-License-Identifier: MIT */
/* Time for modules, and how fast somebody may do something: a bucket of one second, kept as the moment at which it will be full
 * again. */
#include "config.h"

#include "base/clock.h"

#include <stoa/plugin.h>

#include <inttypes.h>

enum { SECOND_US = 1000000 };

int64_t stoa_now_ms(void)
{
    return stoa_clock_wall_us() / 1000;
}

bool stoa_rate_take(StoaRate *rate, int64_t per_second, GError **error)
{
    int64_t now_us = stoa_clock_now_us();

    if (per_second <= 0)
        return true;
    int64_t free_at_us = MAX(rate->free_at_us, now_us) + SECOND_US / per_second;
    if (free_at_us > now_us + SECOND_US)
        return stoa_fail(error, STOA_ERROR_LIMIT,
                         "too fast: at most %" PRId64 " a second, try again in a moment",
                         per_second);
    rate->free_at_us = free_at_us;
    return true;
}
