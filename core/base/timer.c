/* SPDX-License-Identifier: MIT */
/* Timers in a balanced tree by due time. One glib source wakes for the earliest; a fake clock fires them by hand. */
#include "base/timer.h"

#include <glib.h>

#include "base/clock.h"
#include "base/loop.h"

struct StoaTimer {
    int64_t due_us;
    uint64_t serial;   /* among equals, the one that was made first */
    int64_t period_us; /* 0: once */
    StoaTimerFunc *fn;
    void *data;
    GSequenceIter *at;
};

static GSequence *timers;
static GSource *source;
static uint64_t next_serial;

static int by_due(const void *left, const void *right, void *unused G_GNUC_UNUSED)
{
    const StoaTimer *a = left, *b = right;

    if (a->due_us != b->due_us)
        return a->due_us < b->due_us ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static StoaTimer *earliest(void)
{
    GSequenceIter *first = g_sequence_get_begin_iter(timers);

    return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

static void arm(void)
{
    const StoaTimer *first = earliest();

    g_source_set_ready_time(source, first && !stoa_clock_is_fake() ? first->due_us : -1);
}

static void file_timer(StoaTimer *timer)
{
    timer->serial = next_serial++;
    timer->at = g_sequence_insert_sorted(timers, timer, by_due, NULL);
}

/* A loop that was late does not catch up on every period that it missed. */
static int64_t next_due(const StoaTimer *timer)
{
    int64_t now_us = stoa_clock_now_us();
    int64_t due_us = timer->due_us + timer->period_us;

    return due_us > now_us ? due_us : now_us + timer->period_us;
}

static void fire(StoaTimer *timer)
{
    StoaTimerFunc *fn = timer->fn;
    void *data = timer->data;

    g_sequence_remove(timer->at);
    if (timer->period_us > 0) {
        timer->due_us = next_due(timer);
        file_timer(timer);
    } else {
        g_free(timer);
    }
    fn(data);
}

static void fire_due(int64_t until_us)
{
    StoaTimer *timer;

    while ((timer = earliest()) && timer->due_us <= until_us) {
        if (stoa_clock_is_fake())
            stoa_clock_fake_set(MAX(timer->due_us, stoa_clock_now_us()));
        fire(timer);
    }
    arm();
}

static gboolean dispatch(GSource *self G_GNUC_UNUSED, GSourceFunc fn G_GNUC_UNUSED,
                         gpointer data G_GNUC_UNUSED)
{
    if (stoa_clock_is_fake())
        arm();
    else
        fire_due(stoa_clock_now_us());
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

static void start(void)
{
    if (timers)
        return;
    timers = g_sequence_new(NULL);
    source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_static_name(source, "timers");
    g_source_attach(source, stoa_control_context());
    stoa_clock_set_hook(fire_due);
}

static StoaTimer *timer_new(unsigned ms, int64_t period_us, StoaTimerFunc *fn, void *data)
{
    StoaTimer *timer = g_new(StoaTimer, 1);

    stoa_control_assert();
    start();
    *timer = (StoaTimer){
        .due_us = stoa_clock_now_us() + (int64_t)ms * 1000,
        .period_us = period_us,
        .fn = fn,
        .data = data,
    };
    file_timer(timer);
    arm();
    return timer;
}

StoaTimer *stoa_timer_after(unsigned ms, StoaTimerFunc *fn, void *data)
{
    return timer_new(ms, 0, fn, data);
}

StoaTimer *stoa_timer_every(unsigned ms, StoaTimerFunc *fn, void *data)
{
    ms = MAX(ms, 1);
    return timer_new(ms, (int64_t)ms * 1000, fn, data);
}

void stoa_timer_cancel(StoaTimer *timer)
{
    if (!timer)
        return;
    stoa_control_assert();
    g_sequence_remove(timer->at);
    g_free(timer);
    arm();
}

void stoa_timer_clear(StoaTimer **timer)
{
    stoa_timer_cancel(g_steal_pointer(timer));
}

unsigned stoa_timer_count(void)
{
    return timers ? (unsigned)g_sequence_get_length(timers) : 0;
}
