/* SPDX-License-Identifier: MIT */
/* Numbers for the operator: counters, gauges and histograms, printed in Prometheus's text format.
 * Making one takes a lock; counting is a relaxed atomic, safe on the packet path. */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One number. Made once and kept for the life of the process, so the pointer may be held by any thread. */
typedef struct StoaMetricCell {
    _Alignas(64) _Atomic(int64_t) value;
} StoaMetricCell;

typedef struct StoaMetricHistogram StoaMetricHistogram;

/**
 * Find or make a counter: `stoa_metric_counter("stoa_rtp_drop_total", "Packets dropped", "reason", "late", NULL)`.
 *
 * @name  full name with its unit; [a-zA-Z_:][a-zA-Z0-9_:]*
 * @help  one line; copied
 * @...   label, value, label, value …, NULL (all strings)
 *
 * Returns the same cell for the same name and labels. Thread: any; takes a lock, so not on the packet path.
 */
StoaMetricCell *stoa_metric_counter(const char *name, const char *help, ...) G_GNUC_NULL_TERMINATED;
StoaMetricCell *stoa_metric_gauge(const char *name, const char *help, ...) G_GNUC_NULL_TERMINATED;

/* Prometheus wants base units: seconds, bytes. We count in whole numbers of what is finer: so many make one of the unit. */
enum {
    STOA_METRIC_US = 1000000, /* observed in microseconds, named `_seconds` */
    STOA_METRIC_BITS = 8,     /* observed in bits, named `_bytes…` */
};

/* How a histogram looks; borrowed, as what it names. */
typedef struct {
    const char *name, *help; /* as of a counter; the name ends in the unit that is printed */
    int64_t
        per_unit; /* STOA_METRIC_US …; 1: printed as it was observed. No prime factors but 2 and 5 */
    const int64_t *bounds; /* upper bounds of the buckets as observed, rising; +Inf is added */
    size_t n_bounds;
} StoaMetricScale;

/** Find or make a histogram: label, value …, NULL. @scale  copied */
StoaMetricHistogram *stoa_metric_histogram(const StoaMetricScale *scale,
                                           ...) G_GNUC_NULL_TERMINATED;

/** The histogram of how late a loop's timers fire, the worst of each second, in us: stoa_loop_lag_seconds{loop=NAME}. */
StoaMetricHistogram *stoa_metric_loop_lag(const char *loop);

/** Add to a counter or gauge. Thread: any; lock-free. */
static inline void stoa_metric_add(StoaMetricCell *cell, int64_t n)
{
    atomic_fetch_add_explicit(&cell->value, n, memory_order_relaxed);
}

/** Set a gauge. Thread: any; lock-free. */
static inline void stoa_metric_set(StoaMetricCell *cell, int64_t value)
{
    atomic_store_explicit(&cell->value, value, memory_order_relaxed);
}

static inline int64_t stoa_metric_read(const StoaMetricCell *cell)
{
    return atomic_load_explicit(&cell->value, memory_order_relaxed);
}

/** Count one observation, in what the histogram counts in. Thread: any; lock-free. */
void stoa_metric_observe(StoaMetricHistogram *histogram, int64_t value);

/** Call `fn(data)` before each print, to set gauges that are looked up. Thread: control. */
typedef void StoaMetricFunc(void *data);
void stoa_metric_on_print(StoaMetricFunc *fn, void *data);
void stoa_metric_off_print(StoaMetricFunc *fn, void *data);

/** Take the cells that carry this label out of the print (a module was unloaded). They stay valid, and come back when asked for again. */
void stoa_metric_retire(const char *label, const char *value);

/** All metrics as text, names in order, to be freed with g_free(). Thread: control. */
char *stoa_metric_text(void);
