/* SPDX-License-Identifier: MIT */
/* Slow work off the control loop: disk, names, mail, heavy crypto. A few threads, shared. */
#pragma once

#include <glib.h>

typedef void StoaTaskFunc(void *data);

/**
 * Run `work(data)` on a task thread, then `done(data)` on the control loop, then `free_data(data)`.
 *
 * @work       may block; touches nothing but `data`
 * @done       may be NULL
 * @data       taken; belongs to `work`, then to `done`, never to both
 * @free_data  may be NULL; called on the control thread
 *
 * Thread: any.
 */
void stoa_task_run(StoaTaskFunc *work, StoaTaskFunc *done, void *data, GDestroyNotify free_data);

/** How many tasks are under way: not yet worked, or worked and not yet done. Thread: any. */
unsigned stoa_task_pending(void);

/** Finish the tasks under way and end the threads. Thread: control. */
void stoa_task_shutdown(void);
