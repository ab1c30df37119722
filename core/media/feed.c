/* SPDX-License-Identifier: MIT */
#include "media/feed.h"

#include <string.h>

#include "base/loop.h"
#include "media/cap.h"
#include "media/event.h"
#include "media/level.h"
#include "media/media-private.h"
#include "media/outlet.h"
#include "media/peer.h"
#include "media/relay.h"

#include "base/poison.h"

enum {
    PULSE_US = 100000,
    AFTER_KEYFRAME_US = 800000,
    LONG_US = 2000000, /* an encoding that lags so far behind another is missing in any case */
};

/* -- life ---------------------------------------------------------------------------------- */

static void beat(StoaWheelTimer *timer, int64_t now_us);

StoaFeed *stoa_feed_find(const StoaWorker *w, StoaTrackRef ref)
{
    return g_hash_table_lookup(w->feeds, &ref);
}

StoaFeed *stoa_feed_get(StoaWorker *w, StoaTrackRef ref)
{
    StoaFeed *feed = stoa_feed_find(w, ref);

    if (feed)
        return feed;
    feed = g_new0(StoaFeed, 1);
    feed->worker = w;
    feed->ref = ref;
    feed->pulse.fire = beat;
    feed->told_usable_bps = STOA_OUTLET_ANY_BPS;
    g_hash_table_insert(w->feeds, &feed->ref, feed);
    return feed;
}

static void drop_sources(StoaFeed *feed)
{
    for (unsigned i = 0; i < STOA_MAX_ENCODINGS; i++)
        stoa_source_free(g_steal_pointer(&feed->sources[i]), feed->worker->pool);
}

/* Packets of this batch that wait are dropped: their sources go. */
static void drop_waiting(StoaFeed *feed)
{
    for (uint16_t at = feed->first_waiting; at; at = feed->worker->waiting[at - 1].next)
        stoa_packet_unref(feed->worker->waiting[at - 1].packet, feed->worker->pool);
    feed->first_waiting = feed->last_waiting = 0;
}

static void leave_busy(StoaFeed *feed)
{
    StoaFeed **link = &feed->worker->busy;

    while (*link && *link != feed)
        link = &(*link)->next_busy;
    if (*link)
        *link = feed->next_busy;
}

static void destroy(StoaFeed *feed)
{
    drop_waiting(feed);
    leave_busy(feed);
    stoa_feed_unnote(feed);
    drop_sources(feed);
    stoa_wheel_clear(&feed->worker->wheel, &feed->pulse);
    g_hash_table_remove(feed->worker->feeds, &feed->ref);
    g_free(feed->mirrors_usable_bps);
    g_free(feed->outlets);
    g_free(feed);
}

void stoa_feed_release(StoaFeed *feed)
{
    if (feed->peer || feed->n_outlets > 0 || feed->mirrors)
        return;
    if (feed->is_subscribed)
        stoa_relay_subscribe(feed, false);
    destroy(feed);
}

void stoa_feed_abandon(StoaFeed *feed)
{
    stoa_feed_set_tap(feed, (StoaTap){ 0 });
    g_clear_pointer(&feed->level, stoa_level_free);
    destroy(feed);
}

/* -- what it is ---------------------------------------------------------------------------- */

static void describe(StoaFeed *feed, const StoaFeedAbout *about)
{
    if (feed->is_described &&
        (feed->codec != about->codec || feed->n_encodings != about->n_encodings)) {
        drop_waiting(feed);
        drop_sources(feed);
        for (unsigned i = 0; i < feed->n_outlets; i++)
            stoa_outlet_break(feed->outlets[i]);
    }
    feed->is_described = true;
    feed->kind = about->kind;
    feed->codec = about->codec;
    feed->clock_hz = about->clock_hz;
    feed->n_encodings = CLAMP(about->n_encodings, 1, STOA_MAX_ENCODINGS);
}

static void choose_all(StoaFeed *feed)
{
    for (unsigned i = 0; i < feed->n_outlets; i++)
        stoa_outlet_choose(feed->outlets[i], feed->worker->now_us);
}

void stoa_feed_set_local(StoaFeed *feed, StoaPeer *peer, const StoaReceive *row)
{
    feed->peer = peer;
    feed->row = *row;
    describe(feed, &(StoaFeedAbout){ row->kind, row->codec, row->clock_hz,
                                     CLAMP(row->n_encodings, 1, STOA_MAX_ENCODINGS), false });
    stoa_relay_describe(feed, -1);
    choose_all(feed);
}

static void undescribe(StoaFeed *feed)
{
    feed->is_described = false;
    feed->n_encodings = 0;
    drop_waiting(feed);
    drop_sources(feed);
    for (unsigned i = 0; i < feed->n_outlets; i++) {
        stoa_outlet_break(feed->outlets[i]);
        stoa_outlet_choose(feed->outlets[i], feed->worker->now_us);
    }
}

void stoa_feed_unset_local(StoaFeed *feed)
{
    undescribe(feed);
    feed->peer = NULL;
    stoa_relay_describe(feed, -1);
    stoa_feed_set_tap(feed, (StoaTap){ 0 });
    g_clear_pointer(&feed->level, stoa_level_free);
    feed->hears_voice = false;
    stoa_feed_release(feed);
}

void stoa_feed_set_mirror(StoaFeed *feed, const StoaFeedAbout *about)
{
    if (feed->peer)
        return;
    if (about->n_encodings == 0) {
        undescribe(feed);
        return;
    }
    describe(feed, about);
    stoa_feed_mute(feed, about->is_muted);
    choose_all(feed);
}

StoaSource *stoa_feed_source(StoaFeed *feed, unsigned encoding)
{
    StoaSource **slot = &feed->sources[encoding];

    if (!*slot)
        *slot = stoa_source_new(feed, (uint8_t)encoding);
    return *slot;
}

const StoaReportClock *stoa_feed_clock(const StoaFeed *feed)
{
    return feed->peer ? &feed->peer->clock : &feed->clock;
}

/* -- who shows it -------------------------------------------------------------------------- */

void stoa_feed_add_outlet(StoaFeed *feed, StoaOutlet *outlet)
{
    if (feed->n_outlets == feed->room_outlets) {
        feed->room_outlets = MAX(4, 2 * feed->room_outlets);
        feed->outlets = g_renew(StoaOutlet *, feed->outlets, feed->room_outlets);
    }
    feed->outlets[feed->n_outlets++] = outlet;
    if (!feed->peer && !feed->is_subscribed &&
        stoa_peer_id_worker(feed->ref.peer) != feed->worker->index)
        stoa_relay_subscribe(feed, true);
}

void stoa_feed_remove_outlet(StoaFeed *feed, StoaOutlet *outlet)
{
    for (unsigned i = 0; i < feed->n_outlets; i++) {
        if (feed->outlets[i] != outlet)
            continue;
        feed->outlets[i] = feed->outlets[--feed->n_outlets];
        break;
    }
    stoa_feed_release(feed);
}

/* -- packets ------------------------------------------------------------------------------- */

static void watch_level(StoaFeed *feed, const StoaPacket *packet)
{
    StoaRtpAudioLevel level;
    double loudness;

    if (!feed->level && !feed->hears_voice)
        return;
    if (!stoa_rtp_extension_audio_level(packet->data, &packet->exts, &level))
        return;
    if (feed->hears_voice &&
        stoa_voice_input(&feed->voice, feed->worker->now_us, level.level_dbov, &loudness)) {
        feed->loudness = (float)loudness;
        feed->has_voice = true;
    }
    if (feed->level && stoa_level_input(feed->level, level.level_dbov))
        feed->n_turns++;
    if (feed->has_voice || feed->n_turns > 0)
        stoa_feed_note(feed);
}

static void wait_in_line(StoaFeed *feed, unsigned encoding, StoaPacket *packet)
{
    StoaWorker *w = feed->worker;
    uint16_t at;

    if (w->n_waiting == STOA_FANOUT)
        stoa_worker_fan_out(w);
    at = (uint16_t)++w->n_waiting;
    w->waiting[at - 1] = (StoaWaiting){ stoa_packet_ref(packet), 0, (uint8_t)encoding };
    if (feed->last_waiting) {
        w->waiting[feed->last_waiting - 1].next = at;
    } else {
        feed->first_waiting = at;
        feed->next_busy = w->busy;
        w->busy = feed;
    }
    feed->last_waiting = at;
}

static void begin_receiving(StoaFeed *feed, StoaSource *source)
{
    source->is_receiving = source->tells_beginning = true;
    stoa_feed_note(feed);
    if (source->wants_keyframe)
        stoa_source_want_keyframe(source);
}

void stoa_feed_push(StoaFeed *feed, StoaSource *source, StoaPacket *packet)
{
    if (feed->peer && !source->is_receiving)
        begin_receiving(feed, source);
    if (!stoa_wheel_is_set(&feed->pulse))
        stoa_feed_wake(feed);
    if (feed->tap.fn)
        feed->tap.fn(packet, feed->tap.data);
    watch_level(feed, packet);
    if (feed->is_muted)
        return;
    if (feed->mirrors)
        stoa_relay_packet(feed, source, packet);
    if (feed->n_outlets > 0)
        wait_in_line(feed, source->encoding, packet);
}

void stoa_feed_fan_out(StoaFeed *feed)
{
    StoaWorker *w = feed->worker;

    for (unsigned i = 0; i < feed->n_outlets; i++) {
        for (uint16_t at = feed->first_waiting; at; at = w->waiting[at - 1].next)
            stoa_outlet_forward(feed->outlets[i], w->waiting[at - 1].packet,
                                w->waiting[at - 1].encoding);
    }
    drop_waiting(feed);
}

/* -- wishes -------------------------------------------------------------------------------- */

/* What came while nobody was to see it is not shown afterwards. */
static void forget_keyframes(StoaFeed *feed)
{
    for (unsigned i = 0; i < feed->n_encodings; i++)
        if (feed->sources[i])
            feed->sources[i]->keyframe_us = 0;
}

void stoa_feed_mute(StoaFeed *feed, bool muted)
{
    if (feed->is_muted == muted)
        return;
    feed->is_muted = muted;
    for (unsigned i = 0; i < feed->n_outlets; i++)
        stoa_outlet_break(feed->outlets[i]);
    if (!muted) {
        forget_keyframes(feed);
        choose_all(feed);
    }
    if (feed->mirrors)
        stoa_relay_describe(feed, -1);
}

void stoa_feed_set_tap(StoaFeed *feed, StoaTap tap)
{
    StoaTap old = feed->tap;

    feed->tap = tap;
    if (old.done)
        stoa_control_post(old.done, old.data, NULL);
}

void stoa_feed_want_keyframe(StoaFeed *feed, int encoding)
{
    if (feed->kind != STOA_VIDEO || !feed->is_described)
        return;
    if (encoding >= 0 && encoding < (int)feed->n_encodings)
        stoa_source_want_keyframe(stoa_feed_source(feed, (unsigned)encoding));
    for (unsigned i = 0; encoding < 0 && i < feed->n_encodings; i++)
        if (feed->sources[i] || i == 0)
            stoa_source_want_keyframe(stoa_feed_source(feed, i));
}

/* -- encodings ----------------------------------------------------------------------------- */

static bool flows(const StoaFeed *feed, unsigned encoding, int64_t now_us)
{
    return feed->sources[encoding] && stoa_source_is_flowing(feed->sources[encoding], now_us);
}

/* After a keyframe an encoder leaves pictures out, to make up for its size; and whoever comes back to an encoding asked for
 * one. Unless a subscriber chose their patience themselves, they are not sent away from it for that. */
static int64_t patience_us(const StoaSource *missing, int64_t fallback_us)
{
    bool is_after_keyframe =
        missing->keyframe_us && missing->last_us - missing->keyframe_us < AFTER_KEYFRAME_US;

    return is_after_keyframe && fallback_us == STOA_FALLBACK_US ? AFTER_KEYFRAME_US : fallback_us;
}

/* Whether one may take the place of another. A still screen sends a picture a second, and not all encodings at once: what
 * flows for a moment only is no proof that the other is missing. */
static bool stands_in(const StoaFeed *feed, unsigned encoding, unsigned wanted, int64_t fallback_us,
                      int64_t now_us)
{
    const StoaSource *other = feed->sources[encoding], *missing = feed->sources[wanted];
    int64_t lag_us;

    if (!flows(feed, encoding, now_us))
        return false;
    if (!missing || !missing->has_begun)
        return true;
    lag_us = other->last_us - missing->last_us;
    return lag_us > patience_us(missing, fallback_us) &&
           (now_us - other->since_us >= fallback_us || lag_us > LONG_US);
}

int stoa_feed_choose(const StoaFeed *feed, int substream, int64_t fallback_us, int64_t now_us)
{
    int n = (int)feed->n_encodings;
    int wanted;

    if (n <= 1)
        return n - 1;
    wanted = substream < 0 || substream >= n ? 0 : n - 1 - substream;
    for (int i = wanted + 1; i < n; i++)
        if (stands_in(feed, (unsigned)i, (unsigned)wanted, fallback_us, now_us))
            return i;
    for (int i = wanted - 1; i >= 0; i--)
        if (stands_in(feed, (unsigned)i, (unsigned)wanted, fallback_us, now_us))
            return i;
    return wanted;
}

/* -- the pulse ----------------------------------------------------------------------------- */

static void tell_silence(StoaFeed *feed, StoaSource *source, int64_t now_us)
{
    int64_t silent_ms = (now_us - source->last_us) / 1000;

    if (!feed->peer || !source->is_receiving || silent_ms < feed->worker->media->media_timeout_ms)
        return;
    source->is_receiving = false;
    stoa_event_media(feed->worker, feed->ref.peer, feed->ref.track, false,
                     feed->n_encodings > 1 ? source->encoding : -1, silent_ms);
}

static bool is_wanted(const StoaFeed *feed, unsigned encoding)
{
    for (unsigned i = 0; i < feed->n_outlets; i++)
        if (stoa_outlet_waits_for(feed->outlets[i], encoding))
            return true;
    return false;
}

static bool tend_source(StoaFeed *feed, StoaSource *source, int64_t now_us)
{
    stoa_source_tend(source, now_us);
    if (!source->has_begun)
        return false;
    tell_silence(feed, source, now_us);
    if (feed->kind == STOA_VIDEO && stoa_source_is_flowing(source, now_us) &&
        now_us - source->asked_us > stoa_source_patience_us(source) &&
        is_wanted(feed, source->encoding))
        stoa_source_want_keyframe(source);
    return source->ring.slots || source->is_receiving || source->wants_keyframe;
}

static void tend_outlets(StoaFeed *feed, int64_t now_us)
{
    for (unsigned i = 0; i < feed->n_outlets; i++) {
        StoaOutlet *outlet = feed->outlets[i];

        stoa_outlet_choose(outlet, now_us);
        stoa_outlet_tell(outlet);
        if (outlet->is_relaying && stoa_plea_is_due(&outlet->plea, outlet->keyframe_us, now_us))
            stoa_feed_want_keyframe(feed, outlet->encoding);
    }
}

/* What does not flow has its layers still, as far as anybody knows. */
static void tell_layers(StoaFeed *feed, int64_t now_us)
{
    int spatial = -1, temporal = -1;

    for (unsigned i = 0; i < feed->n_encodings; i++) {
        if (!flows(feed, i, now_us))
            continue;
        spatial = MAX(spatial, stoa_source_top_spatial(feed->sources[i]));
        temporal = MAX(temporal, stoa_source_top_temporal(feed->sources[i]));
    }
    if (spatial < 0 || (spatial + 1 == feed->told_spatial && temporal + 1 == feed->told_temporal))
        return;
    feed->told_spatial = (uint8_t)(spatial + 1);
    feed->told_temporal = (uint8_t)(temporal + 1);
    stoa_event_layers(feed->worker, feed->ref.peer, feed->ref.track, feed->told_spatial,
                      feed->told_temporal);
}

static void beat(StoaWheelTimer *timer, int64_t now_us)
{
    StoaFeed *feed = STOA_WHEEL_OWNER(timer, StoaFeed, pulse);
    bool goes_on = false;

    if (feed->kind == STOA_VIDEO) {
        if (feed->peer)
            tell_layers(feed, now_us);
        tend_outlets(feed, now_us);
        stoa_cap_tell(feed);
    }
    for (unsigned i = 0; i < feed->n_encodings; i++)
        if (feed->sources[i])
            goes_on |= tend_source(feed, feed->sources[i], now_us);
    if (goes_on)
        stoa_feed_wake(feed);
}

void stoa_feed_wake(StoaFeed *feed)
{
    if (!stoa_wheel_is_set(&feed->pulse))
        stoa_wheel_set(&feed->worker->wheel, &feed->pulse, feed->worker->now_us + PULSE_US);
}
