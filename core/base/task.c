/* SPDX-License-Identifier: MIT */
/* A small pool of threads; each task comes back to the control loop as a post. */
#include "base/task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/loop.h"

#define N_THREADS 4

typedef struct {
    StoaTaskFunc *work, *done;
    void *data;
    GDestroyNotify free_data;
} Task;

/* glib's own pool would do, but for ThreadSanitizer, which does not see glib's locks. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    GQueue waiting; /* of Task */
    GThread *threads[N_THREADS];
    unsigned n_threads, n_idle;
    bool end;
} pool = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .waiting = G_QUEUE_INIT };

static atomic_uint n_pending;

static void task_done(void *data)
{
    const Task *task = data;

    if (task->done)
        task->done(task->data);
}

/* Also reached, without task_done(), for a task whose post was dropped at the end. */
static void task_free(void *data)
{
    Task *task = data;

    if (task->free_data)
        task->free_data(task->data);
    g_free(task);
    atomic_fetch_sub(&n_pending, 1);
}

/* The next task, or NULL at the end. The lock is held. */
static Task *next_task(void)
{
    while (!pool.end && g_queue_is_empty(&pool.waiting)) {
        pool.n_idle++;
        pthread_cond_wait(&pool.filled, &pool.lock);
        pool.n_idle--;
    }
    return g_queue_pop_head(&pool.waiting);
}

static gpointer work_on(gpointer unused G_GNUC_UNUSED)
{
    Task *task;

    pthread_mutex_lock(&pool.lock);
    while ((task = next_task())) {
        pthread_mutex_unlock(&pool.lock);
        task->work(task->data);
        stoa_control_post(task_done, task, task_free);
        pthread_mutex_lock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

void stoa_task_run(StoaTaskFunc *work, StoaTaskFunc *done, void *data, GDestroyNotify free_data)
{
    Task *task = g_new(Task, 1);

    *task = (Task){ .work = work, .done = done, .data = data, .free_data = free_data };
    atomic_fetch_add(&n_pending, 1);
    pthread_mutex_lock(&pool.lock);
    g_queue_push_tail(&pool.waiting, task);
    if (pool.n_idle < g_queue_get_length(&pool.waiting) && pool.n_threads < N_THREADS)
        pool.threads[pool.n_threads++] = g_thread_new("task", work_on, NULL);
    pthread_cond_signal(&pool.filled);
    pthread_mutex_unlock(&pool.lock);
}

unsigned stoa_task_pending(void)
{
    return atomic_load(&n_pending);
}

void stoa_task_shutdown(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.end = true;
    pthread_cond_broadcast(&pool.filled);
    pthread_mutex_unlock(&pool.lock);
    while (pool.n_threads > 0)
        g_thread_join(pool.threads[--pool.n_threads]);
    pool.end = false;
}
