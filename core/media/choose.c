/* SPDX-License-Identifier: MIT */
/* What an outlet relays: which encoding, up to which layers, and from which keyframe on. */
#include "media/downlink.h"
#include "media/event.h"
#include "media/outlet.h"
#include "media/peer.h"

#include "base/poison.h"

enum {
    MIN_FALLBACK_US = 100000,
    /* A keyframe this fresh is shown again from the ring, with all that came after it: the publisher is not asked for
     * another. Where the stream went on until now, its clock would run ahead by that much: less is allowed. */
    FRESH_US = STOA_KEYFRAME_US,
    FRESH_GOING_US = STOA_KEYFRAME_US / 2,
};

/* -- limits -------------------------------------------------------------------------------- */

void stoa_outlet_limit(StoaOutlet *outlet, int substream, int temporal)
{
    if (substream >= 0)
        outlet->max_substream = (int8_t)MIN(substream, STOA_ALL_LAYERS);
    if (temporal >= 0)
        outlet->max_temporal = (int8_t)MIN(temporal, STOA_ALL_LAYERS);
    stoa_downlink_changed(outlet->peer);
    stoa_outlet_choose(outlet, outlet->peer->worker->now_us);
}

void stoa_outlet_limit_spatial(StoaOutlet *outlet, int spatial)
{
    if (spatial >= 0)
        outlet->max_spatial = (int8_t)MIN(spatial, STOA_ALL_LAYERS);
    stoa_downlink_changed(outlet->peer);
    stoa_outlet_choose(outlet, outlet->peer->worker->now_us);
}

void stoa_outlet_fallback(StoaOutlet *outlet, int64_t us)
{
    outlet->fallback_us =
        us > 0 ? (uint32_t)CLAMP(us, MIN_FALLBACK_US, UINT32_MAX) : STOA_FALLBACK_US;
}

void stoa_outlet_set_priority(StoaOutlet *outlet, unsigned priority)
{
    outlet->priority = (uint8_t)MIN(priority, UINT8_MAX);
    stoa_downlink_changed(outlet->peer);
}

/* The lower of a wish and an allowance; -1 of either: no limit. */
static int lower_of(int wish, int allowed)
{
    return wish < 0 || (allowed >= 0 && allowed < wish) ? allowed : wish;
}

static int top_substream(const StoaOutlet *outlet)
{
    return lower_of(outlet->max_substream, outlet->allowed_substream);
}

/* Who sends one encoding with spatial layers is asked for them by number, like encodings. */
static uint8_t top_spatial(const StoaOutlet *outlet)
{
    int top = outlet->max_spatial;

    if (!stoa_codec_has_spatial(outlet->row.codec))
        return STOA_ALL_LAYERS;
    if (outlet->feed->n_encodings == 1)
        top = lower_of(top, top_substream(outlet));
    return top >= 0 ? (uint8_t)top : STOA_ALL_LAYERS;
}

static uint8_t top_temporal(const StoaOutlet *outlet)
{
    int top = lower_of(outlet->max_temporal, outlet->allowed_temporal);

    return top >= 0 ? (uint8_t)top : STOA_ALL_LAYERS;
}

/* -- choosing ------------------------------------------------------------------------------ */

/* Whether it can relay anything. */
static bool is_able(const StoaOutlet *outlet)
{
    const StoaFeed *feed = outlet->feed;

    return outlet->has_row && outlet->row.ssrc && stoa_peer_is_ready(outlet->peer) && feed &&
           feed->is_described && !feed->is_muted && feed->codec == outlet->row.codec;
}

bool stoa_outlet_is_wanted(const StoaOutlet *outlet)
{
    return !outlet->is_paused && is_able(outlet);
}

static bool is_live(const StoaOutlet *outlet)
{
    return outlet->allowed_substream != STOA_PAUSED && !outlet->is_halted &&
           stoa_outlet_is_wanted(outlet);
}

/* A spatial layer that is wanted and sent, but not relayed: it takes a keyframe to begin with it. */
static bool lacks_layer(const StoaOutlet *outlet, const StoaSource *source)
{
    uint8_t now = stoa_splice_layers(&outlet->splice).spatial;

    return now < outlet->wish.spatial && stoa_source_top_spatial(source) > now;
}

bool stoa_outlet_waits_for(const StoaOutlet *outlet, unsigned encoding)
{
    if (outlet->target != (int)encoding)
        return false;
    return !outlet->is_relaying || outlet->encoding != outlet->target ||
           lacks_layer(outlet, outlet->feed->sources[encoding]);
}

/* Packets that wait to be forwarded are in the ring already: they must be out before. */
static bool show_again(StoaOutlet *outlet, int64_t now_us)
{
    StoaFeed *feed = outlet->feed;
    const StoaSource *source = feed->sources[outlet->target];
    int64_t fresh_us = outlet->splice.has_sent ? FRESH_GOING_US : FRESH_US;

    if (feed->kind != STOA_VIDEO || outlet->is_relaying || !source || !source->keyframe_us ||
        now_us - source->keyframe_us > fresh_us)
        return false;
    if (feed->first_waiting)
        stoa_worker_fan_out(feed->worker);
    for (uint64_t i = source->keyframe_index; i <= source->highest; i++) {
        const StoaPacket *packet = stoa_ring_get(&source->ring, i);

        if (packet)
            stoa_outlet_forward(outlet, packet, source->encoding);
    }
    return outlet->is_relaying;
}

static void stop(StoaOutlet *outlet)
{
    outlet->target = -1;
    if (is_able(outlet))
        stoa_outlet_end(outlet);
    else
        stoa_outlet_break(outlet);
}

/* Whether more comes than is wanted; of what did not come yet: whether that may well be. */
static bool leaves_out(const StoaOutlet *outlet)
{
    enum { USUAL = 2 /* the top layer of most senders */ };
    const StoaSource *source = outlet->feed->sources[outlet->target];
    bool is_known = source && source->has_begun;

    return (is_known ? stoa_source_top_temporal(source) : USUAL) > outlet->wish.temporal ||
           (is_known ? stoa_source_top_spatial(source) : USUAL) > outlet->wish.spatial;
}

/* Back before the picture was over: as if nothing had been. */
static void take_up(StoaOutlet *outlet)
{
    if (outlet->target < 0)
        outlet->is_ending = false;
}

void stoa_outlet_choose(StoaOutlet *outlet, int64_t now_us)
{
    int before = outlet->target;
    bool was_waiting = outlet->is_waiting;

    outlet->is_waiting = false;
    if (!is_live(outlet)) {
        stop(outlet);
        return;
    }
    take_up(outlet);
    outlet->wish = (StoaLayers){ top_spatial(outlet), top_temporal(outlet) };
    outlet->target =
        (int8_t)stoa_feed_choose(outlet->feed, top_substream(outlet), outlet->fallback_us, now_us);
    outlet->is_waiting = stoa_outlet_waits_for(outlet, (unsigned)outlet->target);
    stoa_outlet_prepare(outlet, leaves_out(outlet));
    if (!outlet->is_waiting)
        return;
    if ((!was_waiting || outlet->target != before) && !show_again(outlet, now_us))
        stoa_feed_want_keyframe(outlet->feed, outlet->target);
}

/* -- telling ------------------------------------------------------------------------------- */

static int relayed_substream(const StoaOutlet *outlet, const StoaSource *source)
{
    if (outlet->feed->n_encodings > 1)
        return (int)outlet->feed->n_encodings - 1 - outlet->encoding;
    return MIN(stoa_splice_layers(&outlet->splice).spatial, stoa_source_top_spatial(source));
}

void stoa_outlet_tell(StoaOutlet *outlet)
{
    const StoaSource *source;
    int substream, temporal;

    if (!outlet->is_relaying || outlet->is_ending)
        return;
    source = outlet->feed->sources[outlet->encoding];
    if (outlet->feed->n_encodings < 2 && stoa_source_top_spatial(source) == 0 &&
        stoa_source_top_temporal(source) == 0 && outlet->told_substream < 0 &&
        !outlet->is_told_narrow)
        return; /* nothing to choose from */
    substream = relayed_substream(outlet, source);
    temporal = MIN(stoa_splice_layers(&outlet->splice).temporal, stoa_source_top_temporal(source));
    if (substream == outlet->told_substream && temporal == outlet->told_temporal)
        return;
    outlet->told_substream = (int8_t)substream;
    outlet->told_temporal = (int8_t)temporal;
    outlet->is_told_narrow = false;
    stoa_event_layer(outlet->peer->worker, outlet->peer->id, outlet->number, substream, temporal);
}

void stoa_outlet_tell_narrow(StoaOutlet *outlet)
{
    if (outlet->is_told_narrow)
        return;
    outlet->is_told_narrow = true;
    outlet->told_substream = outlet->told_temporal = -1;
    stoa_event_layer(outlet->peer->worker, outlet->peer->id, outlet->number, -1, -1);
}
