/* SPDX-License-Identifier: MIT */
/* Time: a monotonic clock for everything that waits, a wall clock for people. Both can be faked by a test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_CLOCK_TEXT_SIZE 32

/** Monotonic microseconds. Thread: any; lock-free. */
int64_t stoa_clock_now_us(void);

/** Microseconds since 1970 (UTC). Never for measuring. Thread: any. */
int64_t stoa_clock_wall_us(void);

/** Write a wall time as RFC 3339, UTC, milliseconds: 2026-11-22T23:39:01.123Z. Returns `buf`. */
const char *stoa_clock_text(int64_t wall_us, char buf[STOA_CLOCK_TEXT_SIZE]);

/**
 * Stop the clocks at `start_us`: from here on time goes on by stoa_clock_advance() only. Before any timer is made.
 * The fake wall clock reads 2030-01-01T00:00:00Z at `start_us`. Thread: control.
 */
void stoa_clock_fake(int64_t start_us);

/** Let the fake time go on, firing the timers that come due, in order, each at its own moment. Thread: control. */
void stoa_clock_advance(int64_t us);

/** Back to the real clocks. Thread: control. */
void stoa_clock_real(void);

bool stoa_clock_is_fake(void);

/** Given by timer.c: fires what is due up to a moment, moving the fake time along. */
typedef void StoaClockHook(int64_t until_us);
void stoa_clock_set_hook(StoaClockHook *hook);

/** Called by timer.c while it fires: moves the fake time forward to one timer's moment. */
void stoa_clock_fake_set(int64_t now_us);
