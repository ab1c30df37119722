/* SPDX-License-Identifier: MIT */
/* What the packet path may not do itself, as it takes memory or a message: it leaves a note, and between two batches that is
 * done. Rings grow before the next batch could push anything out, streams get room for their pieces, control hears news. */
#include "media/event.h"
#include "media/level.h"
#include "media/outlet.h"
#include "media/relay.h"

#include "net/udp.h"

#include "base/poison.h"

void stoa_feed_note(StoaFeed *feed)
{
    if (feed->is_noted)
        return;
    feed->is_noted = true;
    feed->next_noted = feed->worker->noted;
    feed->worker->noted = feed;
}

void stoa_feed_unnote(StoaFeed *feed)
{
    StoaFeed **link = &feed->worker->noted;

    while (*link && *link != feed)
        link = &(*link)->next_noted;
    if (*link)
        *link = feed->next_noted;
    feed->is_noted = false;
}

static void settle_source(StoaFeed *feed, StoaSource *source)
{
    if (stoa_ring_must_grow(&source->ring))
        stoa_ring_grow(&source->ring, feed->worker->pool);
    if (!source->tells_beginning)
        return;
    source->tells_beginning = false;
    stoa_event_media(feed->worker, feed->ref.peer, feed->ref.track, true,
                     feed->n_encodings > 1 ? source->encoding : -1, 0);
}

/* Each turn for itself: who is told of an end was told of a beginning. */
static void settle_voice(StoaFeed *feed)
{
    if (feed->has_voice)
        stoa_event_voice(feed->worker, feed->ref.peer, feed->ref.track, (double)feed->loudness);
    for (; feed->n_turns > 0 && feed->level; feed->n_turns--)
        stoa_event_talking(feed->worker, feed->ref.peer, feed->ref.track,
                           stoa_level_is_talking(feed->level) == (feed->n_turns % 2 == 1),
                           stoa_level_average(feed->level));
    feed->has_voice = false;
    feed->n_turns = 0;
}

static void settle(StoaFeed *feed)
{
    for (unsigned i = 0; i < feed->n_encodings; i++)
        if (feed->sources[i])
            settle_source(feed, feed->sources[i]);
    settle_voice(feed);
    for (unsigned i = 0; i < feed->n_outlets; i++) {
        stoa_splice_tend(&feed->outlets[i]->splice);
        stoa_outlet_tell(feed->outlets[i]);
    }
}

void stoa_worker_settle(StoaWorker *w)
{
    stoa_pool_refill(w->pool, 2 * STOA_UDP_BATCH, 2 * STOA_UDP_BATCH);
    stoa_relay_refill(w->relay);
    stoa_worker_settle_feeds(w);
}

void stoa_worker_settle_feeds(StoaWorker *w)
{
    while (w->noted) {
        StoaFeed *feed = w->noted;

        w->noted = feed->next_noted;
        feed->is_noted = false;
        settle(feed);
    }
}
