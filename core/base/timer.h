/* SPDX-License-Identifier: MIT */
/* Timers of the control loop, on the clock of base/clock.h, so that a test can fake an hour. */
#pragma once

#include <stdint.h>

typedef struct StoaTimer StoaTimer;
typedef void StoaTimerFunc(void *data);

/**
 * Call `fn(data)` once, `ms` from now. The timer is gone when `fn` begins: forget the pointer there.
 *
 * Returns a timer to cancel; it may also be ignored. Thread: control. Timers due at one moment fire in the order they were made.
 */
StoaTimer *stoa_timer_after(unsigned ms, StoaTimerFunc *fn, void *data);

/** Call `fn(data)` every `ms` (at least 1), until cancelled; it may cancel itself. Thread: control. */
StoaTimer *stoa_timer_every(unsigned ms, StoaTimerFunc *fn, void *data);

/** End a timer that has not fired; NULL is fine. Thread: control. */
void stoa_timer_cancel(StoaTimer *timer);

/** Cancel and forget: stoa_timer_clear(&session->timeout). */
void stoa_timer_clear(StoaTimer **timer);

/** How many timers wait: a test's way to see that nothing was left. */
unsigned stoa_timer_count(void);
