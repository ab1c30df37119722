/* SPDX-License-Identifier: MIT */
/* The control loop: the one thread on which sessions, rooms and plugins live. Others talk to it by posting. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef void StoaControlFunc(void *data);

/** Make the calling thread the control thread (main() does, or a test). Its context is glib's default one. */
void stoa_control_init(void);

/**
 * Run `fn(data)` on the control loop, then `free_data(data)`. Posts of one thread keep their order.
 *
 * @data       taken
 * @free_data  may be NULL; also called, without `fn`, for what is still waiting at stoa_control_shutdown()
 *
 * Thread: any, also control itself (then it runs at the next turn). Allocates one small node.
 */
void stoa_control_post(StoaControlFunc *fn, void *data, GDestroyNotify free_data);

/** Run until stoa_control_quit(). Thread: control. */
void stoa_control_run(void);

/** Let stoa_control_run() return after its present turn. Thread: any. */
void stoa_control_quit(void);

/** Run what is ready now without waiting; true if anything was. For tests and for the end. Thread: control. */
bool stoa_control_turn(void);

/** Turn until nothing is ready and no task is under way. For tests and for the end. Thread: control. */
void stoa_control_settle(void);

/** Drop what is still posted, and let the loop's parts go. Posts from now on are freed unrun. Thread: control. */
void stoa_control_shutdown(void);

/** Abort if the caller is not on the control thread: our own mistake. */
void stoa_control_assert(void);
bool stoa_control_is_here(void);

/** The loop's context, for sources of glib's kind. Borrowed. */
GMainContext *stoa_control_context(void);
