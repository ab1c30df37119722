/* SPDX-License-Identifier: MIT */
/* The control loop: glib's default context, fed by a lock-free queue with one wake-up for all that is waiting. */
#include "base/loop.h"

#include <poll.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "base/task.h"
#include "base/watchdog.h"

#define TURN_US 5000

typedef struct {
    StoaQueueNode node;
    StoaControlFunc *fn;
    void *data;
    GDestroyNotify free_data;
} Post;

/* Belongs to the control thread, but for what is atomic. */
static struct {
    _Atomic(GThread *) thread; /* any thread may ask whether it is the one */
    StoaQueue *posts;    /* made once and never freed: a thread that is late may still hold it */
    StoaQueueNode *turn; /* taken off the queue, not yet run */
    GSource *source;
    gpointer wake_tag;
    StoaWatch *watch;
    atomic_bool open, quit;
} loop;

/* -- the posts as a source of glib's ---------------------------------------------------------- */
static void post_drop(Post *post)
{
    if (post->free_data)
        post->free_data(post->data);
    g_free(post);
}

static gboolean posts_prepare(GSource *source G_GNUC_UNUSED, gint *timeout_ms)
{
    *timeout_ms = -1;
    return loop.turn != NULL;
}

static gboolean posts_check(GSource *source G_GNUC_UNUSED)
{
    return loop.turn != NULL || g_source_query_unix_fd(loop.source, loop.wake_tag) != 0;
}

/* What is posted meanwhile waits for the next turn, and so does what does not fit into TURN_US: timers, sockets and signals are
 * heard in between, however much is asked of us. */
static gboolean posts_dispatch(GSource *source G_GNUC_UNUSED, GSourceFunc fn G_GNUC_UNUSED,
                               gpointer data G_GNUC_UNUSED)
{
    int64_t end_us = g_get_monotonic_time() + TURN_US;

    if (!loop.turn)
        loop.turn = stoa_queue_take(loop.posts);
    while (loop.turn) {
        Post *post = STOA_QUEUE_ENTRY(loop.turn, Post, node);
        loop.turn = loop.turn->next;
        post->fn(post->data);
        post_drop(post);
        if (g_get_monotonic_time() >= end_us)
            break;
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs posts_funcs = {
    .prepare = posts_prepare,
    .check = posts_check,
    .dispatch = posts_dispatch,
};

/* glib sleeps in here and nowhere else: outside of it the loop is busy. */
static gint watched_poll(GPollFD *fds, guint n_fds, gint timeout_ms)
{
    gint n;

    stoa_watchdog_idle(loop.watch);
    n = g_poll(fds, n_fds, timeout_ms);
    stoa_watchdog_busy(loop.watch);
    return n;
}

/* -- life -------------------------------------------------------------------------------------- */
static void make_queue(void)
{
    g_autoptr(GError) error = NULL;

    if (!loop.posts)
        loop.posts = stoa_queue_new(&error);
    if (!loop.posts)
        g_error("%s", error->message);
}

void stoa_control_init(void)
{
    g_assert(!atomic_load(&loop.thread));
    make_queue();
    atomic_store(&loop.thread, g_thread_self());
    loop.source = g_source_new(&posts_funcs, sizeof(GSource));
    g_source_set_static_name(loop.source, "posts");
    g_source_set_can_recurse(loop.source, TRUE);
    loop.wake_tag = g_source_add_unix_fd(loop.source, stoa_queue_fd(loop.posts), G_IO_IN);
    g_source_attach(loop.source, NULL);
    loop.watch = stoa_watchdog_add("control");
    g_main_context_set_poll_func(NULL, watched_poll);
    atomic_store(&loop.quit, false);
    atomic_store(&loop.open, true);
}

void stoa_control_post(StoaControlFunc *fn, void *data, GDestroyNotify free_data)
{
    Post *post = g_new(Post, 1);

    *post = (Post){ .fn = fn, .data = data, .free_data = free_data };
    if (atomic_load(&loop.open))
        stoa_queue_push(loop.posts, &post->node);
    else
        post_drop(post);
}

void stoa_control_run(void)
{
    stoa_control_assert();
    stoa_watchdog_busy(loop.watch);
    while (!atomic_load(&loop.quit))
        g_main_context_iteration(NULL, TRUE);
    stoa_watchdog_idle(loop.watch);
}

void stoa_control_quit(void)
{
    atomic_store(&loop.quit, true);
    g_main_context_wakeup(NULL);
}

bool stoa_control_turn(void)
{
    stoa_control_assert();
    return g_main_context_iteration(NULL, FALSE);
}

void stoa_control_settle(void)
{
    while (stoa_control_turn() || stoa_task_pending() > 0)
        if (!g_main_context_pending(NULL) && stoa_task_pending() > 0)
            g_usleep(200);
}

static void drop_posts(void)
{
    StoaQueueNode *node = loop.turn ? loop.turn : stoa_queue_take(loop.posts);

    loop.turn = NULL;
    while (node) {
        Post *post = STOA_QUEUE_ENTRY(node, Post, node);
        node = node->next;
        post_drop(post);
    }
}

void stoa_control_shutdown(void)
{
    stoa_control_assert();
    stoa_task_shutdown();
    atomic_store(&loop.open, false);
    while (loop.turn || !stoa_queue_is_empty(loop.posts))
        drop_posts();
    g_main_context_set_poll_func(NULL, g_poll);
    g_clear_pointer(&loop.watch, stoa_watchdog_remove);
    g_source_destroy(loop.source);
    g_clear_pointer(&loop.source, g_source_unref);
    atomic_store(&loop.thread, NULL);
}

void stoa_control_assert(void)
{
    g_assert(stoa_control_is_here());
}

bool stoa_control_is_here(void)
{
    return atomic_load_explicit(&loop.thread, memory_order_relaxed) == g_thread_self();
}

GMainContext *stoa_control_context(void)
{
    return g_main_context_default();
}
