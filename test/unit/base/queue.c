/* SPDX-License-Identifier: MIT */
#include "base/queue.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N_THREADS  4
#define N_MESSAGES 20000

typedef struct {
    StoaQueueNode node;
    unsigned thread, number;
} Message;

typedef struct {
    StoaQueue *queue;
    unsigned thread;
    Message *messages;
} Poster;

static bool is_awake(StoaQueue *queue)
{
    struct pollfd fd = { .fd = stoa_queue_fd(queue), .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

static void what_is_pushed_comes_out_in_order(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaQueue) queue = stoa_queue_new(NULL);
    Message m[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };

    for (int i = 0; i < 3; i++)
        stoa_queue_push(queue, &m[i].node);
    unsigned expected = 0;
    for (StoaQueueNode *node = stoa_queue_take(queue); node; node = node->next)
        assert_int_equal(STOA_QUEUE_ENTRY(node, Message, node)->number, expected++);
    assert_int_equal(expected, 3);
    assert_null(stoa_queue_take(queue));
}

static void a_chain_keeps_its_order_behind_what_was_there(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaQueue) queue = stoa_queue_new(NULL);
    Message m[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };

    m[1].node.next = &m[2].node;
    m[2].node.next = NULL;
    stoa_queue_push(queue, &m[0].node);
    stoa_queue_push_many(queue, &m[1].node);
    stoa_queue_push_many(queue, NULL);
    unsigned expected = 0;
    for (StoaQueueNode *node = stoa_queue_take(queue); node; node = node->next)
        assert_int_equal(STOA_QUEUE_ENTRY(node, Message, node)->number, expected++);
    assert_int_equal(expected, 3);
}

static void the_reader_is_woken_once_and_again_after_it_took(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaQueue) queue = stoa_queue_new(NULL);
    Message m[2] = { 0 };

    assert_false(is_awake(queue));
    stoa_queue_push(queue, &m[0].node);
    assert_true(is_awake(queue));
    assert_non_null(stoa_queue_take(queue));
    assert_false(is_awake(queue));
    stoa_queue_push(queue, &m[1].node);
    assert_true(is_awake(queue));
    assert_non_null(stoa_queue_take(queue));
    stoa_queue_wake(queue);
    assert_true(is_awake(queue));
    assert_null(stoa_queue_take(queue));
    assert_false(is_awake(queue));
}

static gpointer post_all(gpointer data)
{
    Poster *poster = data;

    for (unsigned i = 0; i < N_MESSAGES; i++) {
        poster->messages[i].thread = poster->thread;
        poster->messages[i].number = i;
        stoa_queue_push(poster->queue, &poster->messages[i].node);
    }
    return NULL;
}

static void each_of_many_threads_keeps_its_order_and_none_is_lost(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaQueue) queue = stoa_queue_new(NULL);
    unsigned next[N_THREADS] = { 0 }, total = 0;
    GThread *threads[N_THREADS];
    Poster posters[N_THREADS];

    for (unsigned t = 0; t < N_THREADS; t++) {
        posters[t] = (Poster){ queue, t, g_new0(Message, N_MESSAGES) };
        threads[t] = g_thread_new("poster", post_all, &posters[t]);
    }
    while (total < N_THREADS * N_MESSAGES) {
        struct pollfd fd = { .fd = stoa_queue_fd(queue), .events = POLLIN };
        assert_int_equal(poll(&fd, 1, 10000), 1);
        for (StoaQueueNode *node = stoa_queue_take(queue); node; node = node->next, total++) {
            const Message *message = STOA_QUEUE_ENTRY(node, Message, node);
            assert_int_equal(message->number, next[message->thread]++);
        }
    }
    for (unsigned t = 0; t < N_THREADS; t++) {
        g_thread_join(threads[t]);
        g_free(posters[t].messages);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pushed_comes_out_in_order),
        cmocka_unit_test(a_chain_keeps_its_order_behind_what_was_there),
        cmocka_unit_test(the_reader_is_woken_once_and_again_after_it_took),
        cmocka_unit_test(each_of_many_threads_keeps_its_order_and_none_is_lost),
    };
    return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
