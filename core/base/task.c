/* SPDX-License-Identifier: MIT */
/* A small pool of threads; each task comes back to the control loop as a post. */
#include "base/task.h"

#include <stdatomic.h>

#include "base/loop.h"

#define N_THREADS 4

typedef struct {
    StoaTaskFunc *work, *done;
    void *data;
    GDestroyNotify free_data;
} Task;

static GThreadPool *pool;
static GMutex pool_lock; /* making and ending the pool, nothing else */
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

static void task_work(void *data, void *unused G_GNUC_UNUSED)
{
    Task *task = data;

    task->work(task->data);
    stoa_control_post(task_done, task, task_free);
}

void stoa_task_run(StoaTaskFunc *work, StoaTaskFunc *done, void *data, GDestroyNotify free_data)
{
    Task *task = g_new(Task, 1);

    *task = (Task){ .work = work, .done = done, .data = data, .free_data = free_data };
    atomic_fetch_add(&n_pending, 1);
    g_mutex_lock(&pool_lock);
    if (!pool)
        pool = g_thread_pool_new(task_work, NULL, N_THREADS, FALSE, NULL);
    g_thread_pool_push(pool, task, NULL);
    g_mutex_unlock(&pool_lock);
}

unsigned stoa_task_pending(void)
{
    return atomic_load(&n_pending);
}

void stoa_task_shutdown(void)
{
    GThreadPool *ending;

    g_mutex_lock(&pool_lock);
    ending = g_steal_pointer(&pool);
    g_mutex_unlock(&pool_lock);
    if (ending)
        g_thread_pool_free(ending, FALSE, TRUE);
}
