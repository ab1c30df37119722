/* SPDX-License-Identifier: MIT */
/* An incoming track as one worker sees it: its encodings and the sinks that show it here.
 *
 * It is *local* where its peer lives, *mirrored* where another worker's sinks want it, and for a while it may be neither:
 * a sink may be routed to a track before the track is known, and after it has gone. */
#pragma once

#include "media/source.h"
#include "media/speaker.h"

typedef struct StoaOutlet StoaOutlet;
typedef struct StoaLevel StoaLevel;

/* A plugin's look at packets; lives until nobody can call it. */
typedef struct {
    StoaTapFunc *fn; /* NULL: none */
    void *data;
    GDestroyNotify done;
} StoaTap;

/* What a mirror must know of its track. */
typedef struct {
    StoaKind kind;
    StoaCodec codec;
    uint32_t clock_hz;
    unsigned n_encodings; /* 0: it is gone, or not known yet */
    bool is_muted;
} StoaFeedAbout;

struct StoaFeed {
    StoaWorker *worker;
    StoaTrackRef ref;
    StoaPeer *peer; /* NULL: not local */
    StoaKind kind;
    StoaCodec codec;
    uint32_t clock_hz;
    unsigned n_encodings;
    bool is_described;  /* the four above are known */
    bool is_subscribed; /* mirror: the other worker was asked */
    bool is_muted;
    bool hears_voice; /* somebody wants to know of it */
    StoaReceive row;  /* local: as negotiated */
    StoaSource *sources[STOA_MAX_ENCODINGS];
    StoaReportClock clock; /* mirror: the publisher's, as the other worker knows it */

    StoaOutlet **outlets;
    unsigned n_outlets, room_outlets;
    uint64_t mirrors;                    /* local: workers that want it, a bit each */
    uint32_t *mirrors_usable_bps;        /* local, by worker: as they told; NULL: none did */
    uint32_t told_usable_bps;            /* mirror: by the last stoa_cap_tell() */
    uint8_t told_spatial, told_temporal; /* local: by the last `layers` event */
    StoaTap tap;
    StoaLevel *level; /* NULL: nobody watches */
    StoaVoice voice;

    StoaFeed *next_noted; /* something is left to be done: stoa_feed_note() */
    bool is_noted;
    bool has_voice;      /* to be told: voice was heard */
    uint8_t n_turns;     /* to be told: how often somebody began or ended talking */
    float loudness;      /* of the voice */
    StoaFeed *next_busy; /* with packets that wait to be forwarded */
    uint16_t first_waiting, last_waiting;
    StoaWheelTimer pulse; /* while something is going on */
};

/** Find or make the feed of a track. Thread: the worker's, as all here. */
StoaFeed *stoa_feed_get(StoaWorker *w, StoaTrackRef ref);
/** Find it; NULL: nobody here knows of it. */
StoaFeed *stoa_feed_find(const StoaWorker *w, StoaTrackRef ref);
/** Free it if nothing holds it: no peer, no sink, no mirror. */
void stoa_feed_release(StoaFeed *feed);

/** Free it whatever holds it: at the end of the worker. */
void stoa_feed_abandon(StoaFeed *feed);

/** The track is negotiated here, or changed. */
void stoa_feed_set_local(StoaFeed *feed, StoaPeer *peer, const StoaReceive *row);
/** The track is gone: packets stop. May free the feed. */
void stoa_feed_unset_local(StoaFeed *feed);
/** The worker that receives it tells what it is. */
void stoa_feed_set_mirror(StoaFeed *feed, const StoaFeedAbout *about);

/** The source of an encoding, made at its first packet. */
StoaSource *stoa_feed_source(StoaFeed *feed, unsigned encoding);

/** A sink shows this feed from now on, or no more (which may free the feed). */
void stoa_feed_add_outlet(StoaFeed *feed, StoaOutlet *outlet);
void stoa_feed_remove_outlet(StoaFeed *feed, StoaOutlet *outlet);

/** A new packet, filed already: taps, levels, mirrors, then it waits for stoa_worker_fan_out(). */
void stoa_feed_push(StoaFeed *feed, StoaSource *source, StoaPacket *packet);
/** Forward the feed's waiting packets to its sinks. */
void stoa_feed_fan_out(StoaFeed *feed);

/** There is something to be done for it that the packet path may not do: stoa_worker_settle() will, soon. */
void stoa_feed_note(StoaFeed *feed);
/** It goes. */
void stoa_feed_unnote(StoaFeed *feed);

void stoa_feed_mute(StoaFeed *feed, bool muted);
/** Taken: the tap that was there is told to be done. */
void stoa_feed_set_tap(StoaFeed *feed, StoaTap tap);

/**
 * The encoding that a sink should get now: the wanted one; if that is missing, the best below it that flows, else the
 * lowest above it.
 *
 * @substream    the highest that is wanted; -1: any
 * @fallback_us  missing is what did not come for so long while another did
 *
 * Returns -1: none is there.
 */
int stoa_feed_choose(const StoaFeed *feed, int substream, int64_t fallback_us, int64_t now_us);

/** Ask for a keyframe of one encoding; -1: of all that flow. Nothing for audio. */
void stoa_feed_want_keyframe(StoaFeed *feed, int encoding);

/** Begin the pulse that watches flow, keyframes and rings. */
void stoa_feed_wake(StoaFeed *feed);

/** The clock of the publisher's sender reports. */
const StoaReportClock *stoa_feed_clock(const StoaFeed *feed);
