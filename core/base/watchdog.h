/* SPDX-License-Identifier: MIT */
/* A look at the event loops from outside: one that is busy for over 2 s is logged with its stack, and counted. */
#pragma once

#include <stdint.h>

#define STOA_WATCHDOG_STALL_US (2 * 1000 * 1000)

typedef struct StoaWatch StoaWatch;

/**
 * Watch the calling thread.
 *
 * @name  for the log and the metric's label: "control", "worker-0"; copied
 *
 * Returns a watch that starts idle. Thread: the watched one.
 */
StoaWatch *stoa_watchdog_add(const char *name);

/** Before and after the loop sleeps. Two relaxed stores; safe on the packet path. Thread: the watched one. */
void stoa_watchdog_idle(StoaWatch *watch);
void stoa_watchdog_busy(StoaWatch *watch);

/** Stop watching; NULL is fine. Thread: the watched one. */
void stoa_watchdog_remove(StoaWatch *watch);

/** Start and stop the watching thread. Thread: control. */
void stoa_watchdog_start(void);
void stoa_watchdog_stop(void);

/** How many stalls were seen since the start, of all loops. Thread: any. */
uint64_t stoa_watchdog_stalls(void);
