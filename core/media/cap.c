/* SPDX-License-Identifier: MIT */
#include "media/cap.h"

#include "media/media-private.h"
#include "media/outlet.h"
#include "media/peer-private.h"
#include "media/relay.h"

#include "base/poison.h"

enum {
    LEAST_BPS = 60000, /* a sender of video is never told to send less */
    VOICE_BPS = 50000,
};

uint32_t stoa_cap_usable_bps(const StoaFeed *feed)
{
    uint32_t most = 0;

    for (unsigned i = 0; i < feed->n_outlets; i++)
        if (stoa_outlet_is_wanted(feed->outlets[i]))
            most = MAX(most, MAX(feed->outlets[i]->usable_bps, 1));
    return most;
}

/* -- between workers ----------------------------------------------------------------------- */

static bool is_news(uint32_t before_bps, uint32_t bps)
{
    return stoa_cap_fell(before_bps, bps) || stoa_cap_fell(bps, before_bps);
}

void stoa_cap_tell(StoaFeed *feed)
{
    uint32_t bps;

    if (feed->peer || !feed->is_subscribed)
        return;
    bps = stoa_cap_usable_bps(feed);
    if (!is_news(feed->told_usable_bps, bps))
        return;
    feed->told_usable_bps = bps;
    stoa_relay_usable(feed, bps);
}

void stoa_cap_told(StoaFeed *feed, unsigned worker, uint32_t bps)
{
    uint32_t before_bps;

    if (!feed->mirrors_usable_bps) {
        if (bps == STOA_OUTLET_ANY_BPS)
            return;
        feed->mirrors_usable_bps = g_new(uint32_t, feed->worker->media->n_workers);
        for (unsigned i = 0; i < feed->worker->media->n_workers; i++)
            feed->mirrors_usable_bps[i] = STOA_OUTLET_ANY_BPS;
    }
    before_bps = feed->mirrors_usable_bps[worker];
    feed->mirrors_usable_bps[worker] = bps;
    if (feed->peer && stoa_cap_fell(before_bps, bps))
        stoa_peer_hurry_remb(feed->peer);
}

/* -- at the publisher's -------------------------------------------------------------------- */

static uint32_t usable_everywhere_bps(const StoaFeed *feed)
{
    uint32_t most = stoa_cap_usable_bps(feed);

    if (feed->mirrors && !feed->mirrors_usable_bps)
        return STOA_OUTLET_ANY_BPS;
    for (uint64_t rest = feed->mirrors; rest; rest &= rest - 1)
        most = MAX(most, feed->mirrors_usable_bps[__builtin_ctzll(rest)]);
    return most;
}

uint32_t stoa_cap_bps(const StoaPeer *peer)
{
    uint64_t sum = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < peer->n_feeds; i++) {
        uint32_t bps;

        if (peer->feeds[i]->kind != STOA_VIDEO)
            continue;
        bps = usable_everywhere_bps(peer->feeds[i]);
        if (bps == STOA_OUTLET_ANY_BPS || bps == 0)
            return 0; /* nobody watches: who comes next shall see it in full */
        sum += MAX(bps, LEAST_BPS);
        n++;
    }
    return n > 0 ? (uint32_t)MIN(sum + VOICE_BPS, UINT32_MAX) : 0;
}
