/* SPDX-License-Identifier: MIT */
#define LOG_AREA "media"
#include "media/worker.h"
#include "media/gauges.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/metric.h"
#include "base/watchdog.h"
#include "media/event.h"
#include "media/handshake.h"
#include "media/media-private.h"
#include "media/peer.h"
#include "media/relay.h"
#include "media/worker-io.h"
#include <stoa/error.h>

#include "base/poison.h"

STOA_EXPORT StoaThread stoa_worker_thread;

enum {
    HOUSEKEEPING_US = 1000000,
    MAX_LARGE = 65536, /* packets of a worker's pool: 115 MB at the worst */
    MAX_SMALL = 65536,
    EVENTS = 64,
    MANY_FREED = 128,        /* packets: worth giving back to the system */
    GIVE_BACK_US = 10000000, /* not more often */
};

/* -- life ---------------------------------------------------------------------------------- */

static guint ref_hash(gconstpointer key)
{
    const StoaTrackRef *ref = key;
    uint64_t mixed = (ref->peer ^ (uint64_t)ref->track << 48) * UINT64_C(0x9e3779b97f4a7c15);

    return (guint)(mixed >> 32);
}

static gboolean ref_equal(gconstpointer a, gconstpointer b)
{
    const StoaTrackRef *x = a, *y = b;

    return x->peer == y->peer && x->track == y->track;
}

/* When media stops, rings empty and the pool shrinks by half a second. What that frees stays with the C library until it is
 * asked for it, which is worth it when most of it is there. */
static void trim(StoaWorker *w, int64_t now_us)
{
    unsigned n = stoa_pool_trim(w->pool);

    w->n_freed += n;
    if (w->n_freed < MANY_FREED || n > w->n_freed / 8 || now_us - w->freed_us < GIVE_BACK_US)
        return;
    w->n_freed = 0;
    w->freed_us = now_us;
    stoa_event_freed(w);
}

static void keep_house(StoaWheelTimer *timer, int64_t now_us)
{
    StoaWorker *w = STOA_WHEEL_OWNER(timer, StoaWorker, housekeeping);

    stoa_udp_batch_flush(w->batch); /* what is told as sent has left */
    stoa_worker_count_overflow(w);
    stoa_counters_flush(&w->counters, w->index);
    stoa_gauges_note(w);
    trim(w, now_us);
    stoa_worker_expire_connections(w, now_us);
    stoa_wheel_set(&w->wheel, timer, now_us + HOUSEKEEPING_US);
}

static StoaWorker *allocate(const StoaWorkerSpec *spec)
{
    StoaWorker *w = g_aligned_alloc0(1, sizeof(*w), 64);

    w->media = spec->media;
    w->index = spec->index;
    w->epoll_fd = -1;
    stoa_log_tag_set(&w->log, "worker=%u", spec->index);
    w->now_us = g_get_monotonic_time();
    w->due_us = INT64_MAX;
    stoa_wheel_init(&w->wheel, w->now_us);
    w->housekeeping.fire = keep_house;
    w->peers = g_hash_table_new(g_int64_hash, g_int64_equal);
    w->feeds = g_hash_table_new(ref_hash, ref_equal);
    w->connections = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_queue_init(&w->unproven);
    g_queue_init(&w->broken);
    g_queue_init(&w->handshakes);
    w->pool = stoa_pool_new(MAX_LARGE, MAX_SMALL);
    w->hub = stoa_ice_hub_new(spec->index);
    w->relay = stoa_relay_new(w);
    for (unsigned i = 0; i < STOA_UDP_SOCKETS; i++)
        w->sockets[i].fd = -1;
    return w;
}

StoaWorker *stoa_worker_new(const StoaWorkerSpec *spec, GError **error)
{
    g_autoptr(StoaWorker) w = allocate(spec);

    w->queue = stoa_queue_new(error);
    if (!w->queue)
        return NULL;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll_fd < 0) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "cannot make a media worker: %s",
                  g_strerror(errno));
        return NULL;
    }
    if (!stoa_worker_open_io(w, spec, error))
        return NULL;
    return g_steal_pointer(&w);
}

void stoa_worker_free(StoaWorker *w)
{
    if (!w)
        return;
    stoa_worker_close_io(w);
    stoa_handshake_clear(w);
    stoa_relay_free(w->relay);
    g_hash_table_unref(w->peers);
    g_hash_table_unref(w->feeds);
    g_hash_table_unref(w->connections);
    stoa_ice_hub_free(w->hub);
    stoa_queue_free(w->queue);
    stoa_pool_free(w->pool);
    if (w->epoll_fd >= 0)
        close(w->epoll_fd);
    g_aligned_free(w);
}

/* -- the loop ------------------------------------------------------------------------------ */

void stoa_worker_post(StoaWorker *w, StoaMessage *message)
{
    stoa_queue_push(w->queue, &message->node);
}

void stoa_worker_post_many(StoaWorker *w, StoaQueueNode *oldest)
{
    stoa_queue_push_many(w->queue, oldest);
}

static void run_messages(StoaWorker *w)
{
    StoaQueueNode *node = stoa_queue_take(w->queue);

    while (node) {
        StoaMessage *message = STOA_QUEUE_ENTRY(node, StoaMessage, node);

        node = node->next;
        message->run(w, message);
    }
}

void stoa_worker_fan_out(StoaWorker *w)
{
    while (w->busy) {
        StoaFeed *feed = w->busy;

        w->busy = feed->next_busy;
        stoa_feed_fan_out(feed);
    }
    w->n_waiting = 0;
}

static int wait_ms(StoaWorker *w)
{
    int64_t next_us = stoa_wheel_next_us(&w->wheel);

    w->due_us = next_us;
    if (stoa_handshake_is_waiting(w))
        return 0;
    if (next_us == INT64_MAX)
        return -1;
    return (int)CLAMP((next_us - g_get_monotonic_time() + 999) / 1000, 0, 10000);
}

static void turn(StoaWorker *w, const struct epoll_event *events, int n)
{
    bool is_woken = false;

    w->now_us = g_get_monotonic_time();
    if (w->now_us > w->due_us)
        w->late_us = MAX(w->late_us, w->now_us - w->due_us);
    stoa_worker_settle(w);
    for (int i = 0; i < n; i++)
        is_woken |= events[i].data.u64 == STOA_IO_QUEUE;
    if (is_woken || !stoa_queue_is_empty(w->queue))
        run_messages(w); /* first: a peer's first check must find the peer */
    for (int i = 0; i < n; i++)
        if (events[i].data.u64 != STOA_IO_QUEUE)
            stoa_worker_on_io(w, events[i].data.u64, events[i].events);
    stoa_worker_fan_out(w);
    stoa_wheel_advance(&w->wheel, w->now_us);
    stoa_worker_fan_out(w);
    stoa_relay_flush(w);
    if (stoa_udp_batch_count(w->batch) > 0)
        stoa_udp_batch_flush(w->batch);
    if (stoa_handshake_is_waiting(w)) {
        stoa_handshake_run(w);
        stoa_udp_batch_flush(w->batch);
    }
    stoa_worker_settle(w);
    stoa_worker_sweep_connections(w);
}

static void end_peers(StoaWorker *w)
{
    GHashTableIter iter;
    gpointer peer;

    g_hash_table_iter_init(&iter, w->peers);
    while (g_hash_table_iter_next(&iter, NULL, &peer)) {
        stoa_peer_end(peer);
        g_hash_table_iter_init(&iter, w->peers);
    }
    stoa_udp_batch_flush(w->batch);
}

static void *run(void *data)
{
    StoaWorker *w = data;
    struct epoll_event events[EVENTS];
    g_autofree char *name = g_strdup_printf("worker-%u", w->index);
    StoaWatch *watch = stoa_watchdog_add(name);

    w->now_us = g_get_monotonic_time();
    stoa_wheel_set(&w->wheel, &w->housekeeping, w->now_us + HOUSEKEEPING_US);
    while (!w->stop) {
        int n;

        stoa_watchdog_idle(watch);
        n = epoll_wait(w->epoll_fd, events, EVENTS, wait_ms(w));
        stoa_watchdog_busy(watch);
        turn(w, events, MAX(n, 0));
    }
    end_peers(w);
    stoa_gauges_note(w);
    stoa_worker_count_overflow(w);
    stoa_counters_flush(&w->counters, w->index);
    stoa_watchdog_remove(watch);
    return NULL;
}

void stoa_worker_start(StoaWorker *w)
{
    g_autofree char *name = g_strdup_printf("media-%u", w->index);

    w->thread = g_thread_new(name, run, w);
}

static void on_stop(StoaWorker *w, StoaMessage *message)
{
    w->stop = true;
    g_free(message);
}

void stoa_worker_stop(StoaWorker *w)
{
    StoaMessage *message;

    if (!w->thread)
        return;
    message = g_new0(StoaMessage, 1);
    message->run = on_stop;
    stoa_worker_post(w, message);
    g_thread_join(g_steal_pointer(&w->thread));
}

void stoa_worker_drain(StoaWorker *w)
{
    w->now_us = g_get_monotonic_time();
    do {
        run_messages(w);
        stoa_relay_flush(w);
    } while (!stoa_queue_is_empty(w->queue));
    stoa_udp_batch_flush(w->batch);
}

void stoa_worker_drop_feeds(StoaWorker *w)
{
    g_autoptr(GList) rest = g_hash_table_get_values(w->feeds);

    for (GList *i = rest; i; i = i->next)
        stoa_feed_abandon(i->data);
}

/* -- look-ups ------------------------------------------------------------------------------ */

StoaPeer *stoa_worker_peer(const StoaWorker *w, StoaPeerId id)
{
    return g_hash_table_lookup(w->peers, &id);
}
