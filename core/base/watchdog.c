/* SPDX-License-Identifier: MIT */
/* Each loop notes when it woke. A thread of its own compares, and asks a loop that hangs for its stack by a signal. */
#include "base/watchdog.h"

#include <execinfo.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define LOG_AREA "watchdog"
#include "base/log.h"
#include "base/metric.h"

#define LOOK_EVERY_US (250 * 1000)
#define MAX_FRAMES    48
#define STACK_SIGNAL  SIGURG /* ignored by default, so a late one does no harm */

struct StoaWatch {
    char *name;
    pthread_t thread;
    _Atomic(int64_t) busy_since_us; /* 0: it sleeps */
    int64_t told_us;                /* the stall that was logged; the watching thread's */
    StoaMetricCell *stalls;
};

static struct {
    pthread_mutex_t lock; /* the list, and that a watched thread is alive while it is signalled */
    pthread_cond_t ending;
    GPtrArray *list;
    GThread *thread;
    bool end;
} watches = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Atomic(uint64_t) n_stalls;

static void print_stack(int signal_number G_GNUC_UNUSED)
{
    void *frames[MAX_FRAMES];

    backtrace_symbols_fd(frames, backtrace(frames, MAX_FRAMES), STDERR_FILENO);
}

/* The first backtrace() of a process loads a library, which a signal handler must not. */
static void prepare_stack(void)
{
    struct sigaction action = { .sa_handler = print_stack, .sa_flags = SA_RESTART };
    void *frames[1];

    backtrace(frames, 1);
    sigemptyset(&action.sa_mask);
    sigaction(STACK_SIGNAL, &action, NULL);
}

StoaWatch *stoa_watchdog_add(const char *name)
{
    StoaWatch *watch = g_new0(StoaWatch, 1);

    watch->name = g_strdup(name);
    watch->thread = pthread_self();
    watch->stalls = stoa_metric_counter(
        "stoa_loop_stalls_total", "Times an event loop was busy for over 2 s", "loop", name, NULL);
    pthread_mutex_lock(&watches.lock);
    if (!watches.list)
        watches.list = g_ptr_array_new();
    g_ptr_array_add(watches.list, watch);
    pthread_mutex_unlock(&watches.lock);
    return watch;
}

void stoa_watchdog_remove(StoaWatch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watches.lock);
    g_ptr_array_remove_fast(watches.list, watch);
    pthread_mutex_unlock(&watches.lock);
    g_free(watch->name);
    g_free(watch);
}

void stoa_watchdog_idle(StoaWatch *watch)
{
    atomic_store_explicit(&watch->busy_since_us, 0, memory_order_relaxed);
}

void stoa_watchdog_busy(StoaWatch *watch)
{
    atomic_store_explicit(&watch->busy_since_us, g_get_monotonic_time(), memory_order_relaxed);
}

static void look(StoaWatch *watch, int64_t now_us)
{
    int64_t since_us = atomic_load_explicit(&watch->busy_since_us, memory_order_relaxed);

    if (since_us == 0 || since_us == watch->told_us || now_us - since_us < STOA_WATCHDOG_STALL_US)
        return;
    watch->told_us = since_us;
    atomic_fetch_add(&n_stalls, 1);
    stoa_metric_add(watch->stalls, 1);
    log_error(stoa_process,
              "the %s loop has been busy for %" G_GINT64_FORMAT " ms, its stack follows",
              watch->name, (now_us - since_us) / 1000);
    pthread_kill(watch->thread, STACK_SIGNAL);
}

static void wait_until(int64_t until_us)
{
    struct timespec until = { .tv_sec = (time_t)(until_us / 1000000),
                              .tv_nsec = (long)(until_us % 1000000) * 1000 };

    pthread_cond_timedwait(&watches.ending, &watches.lock, &until);
}

static gpointer look_on(gpointer unused G_GNUC_UNUSED)
{
    pthread_mutex_lock(&watches.lock);
    while (!watches.end) {
        int64_t now_us = g_get_monotonic_time();
        for (unsigned i = 0; watches.list && i < watches.list->len; i++)
            look(watches.list->pdata[i], now_us);
        wait_until(now_us + LOOK_EVERY_US);
    }
    pthread_mutex_unlock(&watches.lock);
    return NULL;
}

void stoa_watchdog_start(void)
{
    pthread_condattr_t monotonic;

    g_assert(!watches.thread);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watches.ending, &monotonic);
    pthread_condattr_destroy(&monotonic);
    prepare_stack();
    watches.end = false;
    watches.thread = g_thread_new("watchdog", look_on, NULL);
}

void stoa_watchdog_stop(void)
{
    if (!watches.thread)
        return;
    pthread_mutex_lock(&watches.lock);
    watches.end = true;
    pthread_cond_signal(&watches.ending);
    pthread_mutex_unlock(&watches.lock);
    g_thread_join(g_steal_pointer(&watches.thread));
}

uint64_t stoa_watchdog_stalls(void)
{
    return atomic_load(&n_stalls);
}
