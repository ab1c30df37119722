/* SPDX-License-Identifier: MIT */
/* From many threads to one: nodes that live inside what is sent, and one wake-up a batch. Lock-free, never allocates. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Embedded in what is sent: `STOA_QUEUE_ENTRY(node, Message, node)` gives the message back. A node is in one queue at a time. */
typedef struct StoaQueueNode {
    struct StoaQueueNode *next;
} StoaQueueNode;

#define STOA_QUEUE_ENTRY(ptr, Type, member) ((Type *)(void *)((char *)(ptr)-offsetof(Type, member)))

typedef struct StoaQueue StoaQueue;

/** A queue and its eventfd; NULL with `error` set when the process has no descriptor left. Owned by the caller. */
StoaQueue *stoa_queue_new(GError **error);

/** Free the queue, not what is in it: take first. NULL is fine. */
void stoa_queue_free(StoaQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaQueue, stoa_queue_free)

/** Append one; wakes the reader if the queue was empty. Order is kept per thread. Thread: any. */
void stoa_queue_push(StoaQueue *queue, StoaQueueNode *node);

/**
 * Append a chain with at most one wake-up.
 *
 * @first  the oldest; linked by `next`, which the call rewrites, to NULL
 *
 * Thread: any.
 */
void stoa_queue_push_many(StoaQueue *queue, StoaQueueNode *first);

/**
 * Take everything, oldest first, linked by `next`; NULL if there is nothing. Also resets the wake-up.
 *
 * Read a node's `next` before you free or push it. Thread: the reader.
 */
StoaQueueNode *stoa_queue_take(StoaQueue *queue);

/** Wake the reader though nothing was pushed. Thread: any; safe in a signal handler. */
void stoa_queue_wake(StoaQueue *queue);

bool stoa_queue_is_empty(const StoaQueue *queue);

/** Readable when there may be something to take: for poll and epoll. */
int stoa_queue_fd(const StoaQueue *queue);
