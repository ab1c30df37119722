/* SPDX-License-Identifier: MIT */
#include "media/relay.h"

#include <string.h>

#include "media/cap.h"
#include "media/media-private.h"
#include "media/outlet.h"

#include "base/poison.h"

enum { BATCH = 64, MAX_SPARE = 32 /* batches kept ready, if so many workers want them */ };

typedef struct {
    StoaTrackRef ref;
    uint8_t encoding;
    StoaPacket *packet; /* a reference */
} Relayed;

/* Packets for one worker; goes back to its maker when it is emptied. */
typedef struct Batch {
    StoaMessage message;
    struct Batch *next;
    StoaRelay *home;
    unsigned n;
    Relayed packets[BATCH];
} Batch;

struct StoaRelay {
    StoaWorker *worker;
    Batch *open[STOA_MAX_WORKERS]; /* being filled, a list each, newest first */
    uint64_t busy;                 /* workers with one, a bit each */
    Batch *spare;
    unsigned n_spare;
    bool is_used;
    _Alignas(64) _Atomic(Batch *) returned; /* by their readers */
};

typedef struct {
    StoaMessage message;
    StoaTrackRef ref;
    unsigned worker; /* who asks */
    bool wanted;
} Subscribe;

typedef struct {
    StoaMessage message;
    StoaTrackRef ref;
    StoaFeedAbout about;
} About;

typedef struct {
    StoaMessage message;
    StoaTrackRef ref;
    unsigned encoding;
} WantKeyframe;

typedef struct {
    StoaMessage message;
    StoaTrackRef ref;
    unsigned worker; /* who tells */
    uint32_t bps;
} Usable;

typedef struct {
    StoaMessage message;
    StoaTrackRef ref;
    unsigned encoding;
    StoaRtcpSr sr;
    StoaReportClock clock;
} Report;

/* -- life ---------------------------------------------------------------------------------- */

StoaRelay *stoa_relay_new(StoaWorker *w)
{
    StoaRelay *relay = g_aligned_alloc0(1, sizeof(*relay), 64);

    relay->worker = w;
    return relay;
}

static void free_list(Batch *batch)
{
    while (batch) {
        Batch *next = batch->next;

        g_free(batch);
        batch = next;
    }
}

void stoa_relay_free(StoaRelay *relay)
{
    if (!relay)
        return;
    free_list(relay->spare);
    free_list(atomic_exchange(&relay->returned, NULL));
    g_aligned_free(relay);
}

static StoaWorker *owner_of(const StoaFeed *feed)
{
    unsigned index = stoa_peer_id_worker(feed->ref.peer);

    return index < feed->worker->media->n_workers ? feed->worker->media->workers[index] : NULL;
}

/* -- who wants what ------------------------------------------------------------------------ */

static void on_subscribe(StoaWorker *w, StoaMessage *message)
{
    g_autofree Subscribe *self = (Subscribe *)message;
    StoaFeed *feed = stoa_feed_get(w, self->ref);
    uint64_t bit = UINT64_C(1) << self->worker;

    feed->mirrors = self->wanted ? feed->mirrors | bit : feed->mirrors & ~bit;
    stoa_cap_told(feed, self->worker, STOA_OUTLET_ANY_BPS);
    if (self->wanted)
        stoa_relay_describe(feed, (int)self->worker);
    stoa_feed_release(feed);
}

void stoa_relay_subscribe(StoaFeed *feed, bool wanted)
{
    StoaWorker *owner = owner_of(feed);
    Subscribe *self;

    if (!owner)
        return;
    self = g_new(Subscribe, 1);
    *self = (Subscribe){ { .run = on_subscribe }, feed->ref, feed->worker->index, wanted };
    feed->is_subscribed = wanted;
    stoa_worker_post(owner, &self->message);
}

static void on_about(StoaWorker *w, StoaMessage *message)
{
    g_autofree About *self = (About *)message;
    StoaFeed *feed = stoa_feed_find(w, self->ref);

    if (feed)
        stoa_feed_set_mirror(feed, &self->about);
}

static void describe_to(const StoaFeed *feed, unsigned worker)
{
    About *self = g_new(About, 1);

    *self = (About){ { .run = on_about }, feed->ref, { 0 } };
    if (feed->peer)
        self->about = (StoaFeedAbout){ feed->kind, feed->codec, feed->clock_hz, feed->n_encodings,
                                       feed->is_muted };
    stoa_worker_post(feed->worker->media->workers[worker], &self->message);
}

void stoa_relay_describe(StoaFeed *feed, int worker)
{
    for (uint64_t rest = worker < 0 ? feed->mirrors : UINT64_C(1) << worker; rest; rest &= rest - 1)
        describe_to(feed, (unsigned)__builtin_ctzll(rest));
}

static void on_want_keyframe(StoaWorker *w, StoaMessage *message)
{
    g_autofree WantKeyframe *self = (WantKeyframe *)message;
    StoaFeed *feed = stoa_feed_find(w, self->ref);

    if (feed && feed->peer)
        stoa_feed_want_keyframe(feed, (int)self->encoding);
}

void stoa_relay_want_keyframe(StoaFeed *feed, unsigned encoding)
{
    StoaWorker *owner = owner_of(feed);
    WantKeyframe *self;

    if (!owner || owner == feed->worker)
        return;
    self = g_new(WantKeyframe, 1);
    *self = (WantKeyframe){ { .run = on_want_keyframe }, feed->ref, encoding };
    stoa_worker_post(owner, &self->message);
}

static void on_usable(StoaWorker *w, StoaMessage *message)
{
    g_autofree Usable *self = (Usable *)message;
    StoaFeed *feed = stoa_feed_find(w, self->ref);

    if (feed)
        stoa_cap_told(feed, self->worker, self->bps);
}

void stoa_relay_usable(StoaFeed *feed, uint32_t bps)
{
    StoaWorker *owner = owner_of(feed);
    Usable *self;

    if (!owner || owner == feed->worker)
        return;
    self = g_new(Usable, 1);
    *self = (Usable){ { .run = on_usable }, feed->ref, feed->worker->index, bps };
    stoa_worker_post(owner, &self->message);
}

/* -- sender reports ------------------------------------------------------------------------ */

/* One clock for all tracks of a publisher, or lips and voice part. */
static void set_clock(StoaWorker *w, StoaPeerId peer, const StoaReportClock *clock)
{
    GHashTableIter iter;
    gpointer feed;

    g_hash_table_iter_init(&iter, w->feeds);
    while (g_hash_table_iter_next(&iter, NULL, &feed))
        if (((StoaFeed *)feed)->ref.peer == peer)
            ((StoaFeed *)feed)->clock = *clock;
}

static void on_report(StoaWorker *w, StoaMessage *message)
{
    g_autofree Report *self = (Report *)message;
    StoaFeed *feed = stoa_feed_find(w, self->ref);

    if (!feed || feed->peer || self->encoding >= feed->n_encodings)
        return;
    set_clock(w, self->ref.peer, &self->clock);
    stoa_report_rx_sr(&stoa_feed_source(feed, self->encoding)->rx, &self->sr, w->now_us);
}

void stoa_relay_report(StoaFeed *feed, const StoaSource *source, const StoaRtcpSr *sr)
{
    for (uint64_t rest = feed->mirrors; rest; rest &= rest - 1) {
        Report *self = g_new(Report, 1);

        *self = (Report){
            { .run = on_report }, feed->ref, source->encoding, *sr, *stoa_feed_clock(feed)
        };
        stoa_worker_post(feed->worker->media->workers[__builtin_ctzll(rest)], &self->message);
    }
}

/* -- packets ------------------------------------------------------------------------------- */

static void give_back(Batch *batch)
{
    StoaRelay *home = batch->home;
    Batch *first = atomic_load_explicit(&home->returned, memory_order_relaxed);

    do
        batch->next = first;
    while (!atomic_compare_exchange_weak_explicit(&home->returned, &first, batch,
                                                  memory_order_release, memory_order_relaxed));
}

static void take(StoaWorker *w, const Relayed *relayed)
{
    StoaFeed *feed = stoa_feed_find(w, relayed->ref);
    StoaSource *source;

    if (!feed || feed->peer || relayed->encoding >= feed->n_encodings)
        return;
    source = stoa_feed_source(feed, relayed->encoding);
    if (stoa_source_file(source, relayed->packet, w->pool))
        stoa_feed_push(feed, source, relayed->packet);
}

static void on_batch(StoaWorker *w, StoaMessage *message)
{
    Batch *batch = (Batch *)message;

    stoa_worker_settle(w); /* many may come in one turn */
    for (unsigned i = 0; i < batch->n; i++) {
        take(w, &batch->packets[i]);
        stoa_packet_unref(batch->packets[i].packet, w->pool);
    }
    stoa_worker_fan_out(w);
    give_back(batch);
}

static void push_spare(StoaRelay *relay, Batch *batch)
{
    batch->next = relay->spare;
    relay->spare = batch;
    relay->n_spare++;
}

static void collect(StoaRelay *relay)
{
    Batch *batch = atomic_exchange_explicit(&relay->returned, NULL, memory_order_acquire);

    while (batch) {
        Batch *next = batch->next;

        push_spare(relay, batch);
        batch = next;
    }
}

void stoa_relay_refill(StoaRelay *relay)
{
    unsigned wanted = MIN(2 * (relay->worker->media->n_workers - 1), MAX_SPARE);

    if (!relay->is_used || relay->n_spare >= wanted)
        return;
    collect(relay);
    while (relay->n_spare < wanted)
        push_spare(relay, g_new(Batch, 1));
}

static Batch *new_batch(StoaRelay *relay)
{
    Batch *batch;

    relay->is_used = true;
    if (!relay->spare)
        collect(relay);
    batch = relay->spare;
    if (batch) {
        relay->spare = batch->next;
        relay->n_spare--;
    } else {
        batch = g_new(Batch, 1); /* the very first, or there were never so many on their way */
    }
    batch->message.run = on_batch;
    batch->home = relay;
    batch->n = 0;
    return batch;
}

static void relay_to(StoaRelay *relay, unsigned worker, const Relayed *relayed)
{
    Batch *batch = relay->open[worker];

    if (!batch || batch->n == BATCH) {
        batch = new_batch(relay);
        batch->next = relay->open[worker];
        relay->open[worker] = batch;
        relay->busy |= UINT64_C(1) << worker;
    }
    batch->packets[batch->n++] = *relayed;
    stoa_packet_ref(relayed->packet);
}

void stoa_relay_packet(StoaFeed *feed, const StoaSource *source, StoaPacket *packet)
{
    Relayed relayed = { feed->ref, source->encoding, packet };

    for (uint64_t rest = feed->mirrors; rest; rest &= rest - 1) {
        relay_to(feed->worker->relay, (unsigned)__builtin_ctzll(rest), &relayed);
        stoa_count(&feed->worker->counters, STOA_COUNT_RELAYED, 1);
    }
}

void stoa_relay_flush(StoaWorker *w)
{
    StoaRelay *relay = w->relay;

    for (; relay->busy; relay->busy &= relay->busy - 1) {
        unsigned worker = (unsigned)__builtin_ctzll(relay->busy);
        StoaQueueNode *oldest = NULL;

        for (Batch *batch = relay->open[worker]; batch; batch = batch->next) {
            batch->message.node.next = oldest;
            oldest = &batch->message.node;
        }
        relay->open[worker] = NULL;
        stoa_worker_post_many(w->media->workers[worker], oldest);
    }
}
