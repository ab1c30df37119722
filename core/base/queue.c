/* SPDX-License-Identifier: MIT */
/* A stack that many push to and one takes whole: reversed, it is a queue. The exchange that takes it also
 * tells the next pusher that it finds the queue empty, so there is one wake-up for all that came in between. */
#include "base/queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"

struct StoaQueue {
    _Alignas(64) _Atomic(StoaQueueNode *) newest;
    int wake_fd;
};

StoaQueue *stoa_queue_new(GError **error)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    StoaQueue *queue;

    if (fd < 0) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "cannot make a queue: %s", g_strerror(errno));
        return NULL;
    }
    queue = g_aligned_alloc0(1, sizeof *queue, 64);
    queue->wake_fd = fd;
    return queue;
}

void stoa_queue_free(StoaQueue *queue)
{
    if (!queue)
        return;
    close(queue->wake_fd);
    g_aligned_free(queue);
}

/* Turns a chain round; `*last` is what was first. */
static StoaQueueNode *reverse(StoaQueueNode *first, StoaQueueNode *tail)
{
    StoaQueueNode *out = tail;

    while (first) {
        StoaQueueNode *next = first->next;
        first->next = out;
        out = first;
        first = next;
    }
    return out;
}

static void push_reversed(StoaQueue *queue, StoaQueueNode *newest, StoaQueueNode *oldest)
{
    StoaQueueNode *before = atomic_load_explicit(&queue->newest, memory_order_relaxed);

    do
        oldest->next = before;
    while (!atomic_compare_exchange_weak_explicit(&queue->newest, &before, newest,
                                                  memory_order_release, memory_order_relaxed));
    if (!before)
        stoa_queue_wake(queue);
}

void stoa_queue_push(StoaQueue *queue, StoaQueueNode *node)
{
    push_reversed(queue, node, node);
}

void stoa_queue_push_many(StoaQueue *queue, StoaQueueNode *first)
{
    if (first)
        push_reversed(queue, reverse(first, NULL), first);
}

/* The wake-up is reset before the exchange: what is pushed after it finds the queue empty and wakes anew. */
StoaQueueNode *stoa_queue_take(StoaQueue *queue)
{
    uint64_t count;

    while (read(queue->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
    return reverse(atomic_exchange_explicit(&queue->newest, NULL, memory_order_acquire), NULL);
}

void stoa_queue_wake(StoaQueue *queue)
{
    const uint64_t one = 1;
    int saved_errno = errno;

    while (write(queue->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    errno = saved_errno;
}

bool stoa_queue_is_empty(const StoaQueue *queue)
{
    return atomic_load_explicit(&queue->newest, memory_order_relaxed) == NULL;
}

int stoa_queue_fd(const StoaQueue *queue)
{
    return queue->wake_fd;
}
