/* SPDX-License-Identifier: MIT */
/* The clocks, and their fakes: one atomic holds the fake time, and a negative one means real. */
#include "base/clock.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define REAL         INT64_MIN
#define FAKE_WALL_US (INT64_C(1893456000) * 1000000) /* 2030-01-01T00:00:00Z */

static _Atomic(int64_t) fake_now_us = REAL;
static int64_t fake_start_us;
static StoaClockHook *due_hook;

int64_t stoa_clock_now_us(void)
{
    int64_t fake = atomic_load_explicit(&fake_now_us, memory_order_relaxed);

    return fake == REAL ? g_get_monotonic_time() : fake;
}

int64_t stoa_clock_wall_us(void)
{
    int64_t fake = atomic_load_explicit(&fake_now_us, memory_order_relaxed);

    return fake == REAL ? g_get_real_time() : FAKE_WALL_US + fake - fake_start_us;
}

const char *stoa_clock_text(int64_t wall_us, char buf[STOA_CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm = { 0 };
    size_t len;

    gmtime_r(&seconds, &tm);
    len = strftime(buf, STOA_CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + len, STOA_CLOCK_TEXT_SIZE - len, ".%03uZ",
             (unsigned)(wall_us / 1000 % 1000) % 1000u);
    return buf;
}

void stoa_clock_fake(int64_t start_us)
{
    fake_start_us = start_us;
    atomic_store(&fake_now_us, start_us);
}

void stoa_clock_advance(int64_t us)
{
    int64_t until = stoa_clock_now_us() + us;

    g_assert(stoa_clock_is_fake());
    if (due_hook)
        due_hook(until);
    stoa_clock_fake_set(until);
}

void stoa_clock_real(void)
{
    atomic_store(&fake_now_us, REAL);
}

bool stoa_clock_is_fake(void)
{
    return atomic_load_explicit(&fake_now_us, memory_order_relaxed) != REAL;
}

void stoa_clock_set_hook(StoaClockHook *hook)
{
    due_hook = hook;
}

void stoa_clock_fake_set(int64_t now_us)
{
    atomic_store_explicit(&fake_now_us, now_us, memory_order_relaxed);
}
