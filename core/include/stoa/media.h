/* SPDX-License-Identifier: MIT */
/* stoa/media.h: tracks and sinks. Media is wired, not pumped: a plugin connects tracks and never sees a packet.
 *
 * An incoming track is a StoaTrack; an outgoing one a StoaSink. `sink <- track` is a route, and the worker does the rest:
 * rewriting, keyframe requests, retransmission, reports. All of it is called on the control loop. */
#pragma once

#include <stoa/abi.h>
#include <stoa/error.h>
#include <stoa/table.h>

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StoaHandle
    StoaHandle; /* one client's attachment to this plugin; at most one PeerConnection */
typedef struct StoaTrack StoaTrack; /* incoming media, or a data channel section */
typedef struct StoaSink StoaSink;   /* outgoing media: one m-line to one handle */

typedef enum { STOA_AUDIO, STOA_VIDEO, STOA_DATA } StoaKind;

/* What a plugin accepts of an offer. Zero everywhere: receive nothing. Borrowed during the call. */
typedef struct {
    bool receive; /* take the client's audio and video */
    bool send;    /* be ready to send on the client's m-lines (echotest: sendrecv) */
    bool data;    /* take data channels */
    const char
        *audio_codecs; /* allowed, in order of preference: "opus,pcmu"; NULL: opus,pcmu,pcma,g722 */
    const char *video_codecs;               /* NULL: vp8,vp9,h264,av1 in the order of the offer */
    const char *h264_profile, *vp9_profile; /* "42e01f", "0"; NULL: any */
    bool no_audio_level, no_orientation, no_playout_delay,
        no_transport_cc;     /* extensions left out */
    bool opus_fec, opus_dtx; /* ask the sender for in-band FEC, for DTX */
    bool opus_red; /* take, ask for and send redundant audio (RFC 2198) where the client offers it;
                      who does not is sent the plain codec of it */
    bool every_video_codec; /* on m-lines that are only sent on agree on all of `video_codecs`, not
                               on one: stoa_sink_switch() may show a track of any of them there */
} StoaMediaRules;

/* What is known of a track. Strings are owned by the track. */
typedef struct {
    StoaKind kind;
    const char *mid;                        /* of the sender's m-line */
    unsigned mindex;                        /* index of that m-line */
    const char *codec;                      /* "opus", "vp8", "vp9", "h264", "av1"; NULL for data */
    const char *h264_profile, *vp9_profile; /* NULL when not that codec */
    bool simulcast;                         /* comes in several encodings */
    bool svc;                               /* spatial layers were seen in it (VP9, AV1) */
    bool opus_fec;
    int audio_level_id, orientation_id, playout_delay_id; /* negotiated extension ids; 0: none */
    unsigned spatial_layers, temporal_layers; /* how many were seen of late; 0: not known yet */
} StoaTrackInfo;

/** What is known of a track; borrowed, as long as the track lives. */
STOA_EXPORT const StoaTrackInfo *stoa_track_info(const StoaTrack *track) STOA_ON_CONTROL;
/** The handle that sends it. */
STOA_EXPORT StoaHandle *stoa_track_handle(const StoaTrack *track) STOA_ON_CONTROL;
/** The plugin's own pointer on a track: NULL at first; `free_data` runs when replaced or when the track ends. */
STOA_EXPORT void stoa_track_set_data(StoaTrack *track, void *data, GDestroyNotify free_data)
    STOA_ON_CONTROL;
STOA_EXPORT void *stoa_track_data(const StoaTrack *track) STOA_ON_CONTROL;
/** Stop or resume the relay of a track to all its sinks, whatever the client sends. A resume asks for a keyframe. */
STOA_EXPORT void stoa_track_mute(StoaTrack *track, bool muted) STOA_ON_CONTROL;
/** Ask the sender for a keyframe; requests are coalesced, one in 300 ms at most. Nothing for audio and data. */
STOA_EXPORT void stoa_track_keyframe(StoaTrack *track) STOA_ON_CONTROL;
/**
 * Watch who talks, by the audio-level extension: `talking` of the plugin is called when the average of the last `packets`
 * levels gets louder than `level` (dBov without sign: 0 loudest, 127 silence) and again when it falls silent.
 * packets 0: stop watching.
 */
STOA_EXPORT void stoa_track_watch_level(StoaTrack *track, unsigned packets, unsigned level)
    STOA_ON_CONTROL;

/** Listen whether there is voice on a track, by the same extension: it counts for stoa_room_dominant(). */
STOA_EXPORT void stoa_track_watch_voice(StoaTrack *track, bool on) STOA_ON_CONTROL;

/**
 * Send a track to a handle. While the handle's offer is being answered (inside `track_added`), it takes a free m-line of the
 * client's of that kind, the one with the track's own mid first; else a free or new m-line of the next offer
 * (stoa_request_offer, stoa_handle_offer).
 *
 * Returns the sink, owned by the handle; NULL with `error` when kind or codec do not fit. Of a data track: makes the handle's
 * offer contain data channels; its messages are the plugin's to pass on.
 */
STOA_EXPORT StoaSink *stoa_track_send(StoaTrack *track, StoaHandle *to, GError **error)
    STOA_ON_CONTROL;

/** The mid of the sink's m-line; NULL before the first offer. Borrowed. */
STOA_EXPORT const char *stoa_sink_mid(const StoaSink *sink) STOA_ON_CONTROL;
/** The index of the sink's m-line. */
STOA_EXPORT unsigned stoa_sink_mindex(const StoaSink *sink) STOA_ON_CONTROL;
STOA_EXPORT StoaKind stoa_sink_kind(const StoaSink *sink) STOA_ON_CONTROL;
/** The codec of the m-line: "vp8"; NULL for data. */
STOA_EXPORT const char *stoa_sink_codec(const StoaSink *sink) STOA_ON_CONTROL;
/** What it shows now; NULL: nothing. */
STOA_EXPORT StoaTrack *stoa_sink_track(const StoaSink *sink) STOA_ON_CONTROL;
/** Whether it is negotiated and its PeerConnection is up. */
STOA_EXPORT bool stoa_sink_ready(const StoaSink *sink) STOA_ON_CONTROL;
/** Whether its m-line is in use; false after stoa_sink_remove(): the m-line is inactive and may be taken again. */
STOA_EXPORT bool stoa_sink_active(const StoaSink *sink) STOA_ON_CONTROL;
/** The plugin's own pointer on a sink, freed as for tracks. */
STOA_EXPORT void stoa_sink_set_data(StoaSink *sink, void *data, GDestroyNotify free_data)
    STOA_ON_CONTROL;
STOA_EXPORT void *stoa_sink_data(const StoaSink *sink) STOA_ON_CONTROL;

/** Hold back or go on; going on asks for a keyframe. */
STOA_EXPORT void stoa_sink_pause(StoaSink *sink, bool paused) STOA_ON_CONTROL;
/**
 * Show another track of the same kind and codec on the same m-line, without renegotiation: SSRC stays, sequence numbers and
 * timestamps go on. NULL: nothing. False with `error` when it does not fit.
 */
STOA_EXPORT bool stoa_sink_switch(StoaSink *sink, StoaTrack *track, GError **error) STOA_ON_CONTROL;
/** Free the m-line: inactive in the next offer. The sink itself stays and may be given a track by stoa_track_send(). */
STOA_EXPORT void stoa_sink_remove(StoaSink *sink) STOA_ON_CONTROL;
/** The layers wanted at most: 0 to 2 each, -1: leave as it is. Default: all, the best. */
STOA_EXPORT void stoa_sink_limit(StoaSink *sink, int substream, int temporal) STOA_ON_CONTROL;
/** The spatial layer wanted at most of a track that has them (`svc`): 0 to 2, -1: leave as it is. Default: all. */
STOA_EXPORT void stoa_sink_limit_spatial(StoaSink *sink, int spatial) STOA_ON_CONTROL;
/** After how many microseconds a missing encoding is replaced by a lower one; 0: the default, 250,000. */
STOA_EXPORT void stoa_sink_fallback(StoaSink *sink, int64_t us) STOA_ON_CONTROL;

/* -- the handle's PeerConnection ---------------------------------------------------------- */

/** All tracks of a handle, in the order of its m-lines; call `fn` for each. `fn` must not end the PeerConnection. */
STOA_EXPORT void stoa_handle_foreach_track(StoaHandle *handle,
                                           void (*fn)(StoaTrack *track, void *data), void *data)
    STOA_ON_CONTROL;
/** All sinks of a handle by m-line, inactive ones included. */
STOA_EXPORT void stoa_handle_foreach_sink(StoaHandle *handle,
                                          void (*fn)(StoaSink *sink, void *data), void *data)
    STOA_ON_CONTROL;
/** The track or sink of a mid; NULL: none. */
STOA_EXPORT StoaTrack *stoa_handle_track(StoaHandle *handle, const char *mid) STOA_ON_CONTROL;
STOA_EXPORT StoaSink *stoa_handle_sink(StoaHandle *handle, const char *mid) STOA_ON_CONTROL;
/** Whether there is a PeerConnection, and whether it is up (ICE and DTLS done). */
STOA_EXPORT bool stoa_handle_has_media(const StoaHandle *handle) STOA_ON_CONTROL;
STOA_EXPORT bool stoa_handle_is_up(const StoaHandle *handle) STOA_ON_CONTROL;
/** Whether an offer of ours waits for the client's answer. */
STOA_EXPORT bool stoa_handle_offer_pending(const StoaHandle *handle) STOA_ON_CONTROL;
/** Limit what the client sends, all its video together, by REMB; bits per second, 0: no limit. */
STOA_EXPORT void stoa_handle_bitrate(StoaHandle *handle, uint32_t bps) STOA_ON_CONTROL;
/** End the PeerConnection; the client gets `hangup` with the reason "Close PC". */
STOA_EXPORT void stoa_handle_hangup(StoaHandle *handle) STOA_ON_CONTROL;
/* A data channel that we open. Zeroed but for its label: ordered and reliable. Strings borrowed. */
typedef struct {
    const char *label, *protocol; /* 255 bytes at most; protocol NULL: none */
    bool unordered;
    bool
        limit_retransmits; /* a lost message is given up after max_retransmits more tries (0: none) … */
    uint16_t max_retransmits;
    uint16_t max_life_ms; /* … or after so long; 0: never */
    bool negotiated;      /* the page has it too, under this id: it is not announced */
    uint16_t id;          /* 0 to 399 */
} StoaDataChannel;

/**
 * Open a data channel: the page gets `datachannel`, and `data_opened` is called when it knows of it. Messages may be sent to
 * its label at once. A negotiated one is open at once; what comes on its id has that label. From `connected` on.
 *
 * False with `error`: the connection has no data channels or is not up, or that is no possible channel. `data_closed` is
 * called if all ids are in use.
 */
STOA_EXPORT bool stoa_handle_open_data(StoaHandle *handle, const StoaDataChannel *channel,
                                       GError **error) STOA_ON_CONTROL;
/** Close the channel with that label, when what was sent on it is out; `data_closed` is not called. Harmless without one. */
STOA_EXPORT void stoa_handle_close_data(StoaHandle *handle, const char *label) STOA_ON_CONTROL;
/**
 * Send a message on the data channel with that label, never on another: if there is none, one is opened (the page gets
 * `datachannel`), ordered and reliable. With label NULL: on the first channel, whatever its label; it waits until there is one.
 *
 * Returns false when it cannot be sent: the connection has no data channels or is not up, 4 MiB wait already (also for a
 * channel to open), or it is longer than the page takes: 256 KiB at most (a=max-message-size).
 */
STOA_EXPORT bool stoa_handle_send_data(StoaHandle *handle, const char *label, const void *buf,
                                       size_t len, bool text) STOA_ON_CONTROL;

/* -- packets (STOA_CAP_TAP) ---------------------------------------------------------------- */
typedef struct StoaPacket StoaPacket; /* one opened RTP packet, valid during the call */
typedef void StoaTapFunc(const StoaPacket *packet, void *data); /* define yours STOA_ON_WORKER */

/**
 * See every packet of a track, on the worker that receives it. `done` runs on the control loop when no call can come
 * any more: the track ended, or stoa_track_untap() was called.
 */
STOA_EXPORT bool stoa_track_tap(StoaTrack *track, StoaTapFunc *fn, void *data, GDestroyNotify done,
                                GError **error) STOA_ON_CONTROL;
STOA_EXPORT void stoa_track_untap(StoaTrack *track) STOA_ON_CONTROL;
/** The payload, padding taken off, `*len` bytes; borrowed. */
STOA_EXPORT const uint8_t *stoa_packet_payload(const StoaPacket *packet, size_t *len)
    STOA_ON_WORKER;
/** The RTP timestamp and sequence number as received. */
STOA_EXPORT uint32_t stoa_packet_timestamp(const StoaPacket *packet) STOA_ON_WORKER;
STOA_EXPORT uint16_t stoa_packet_seq(const StoaPacket *packet) STOA_ON_WORKER;

/**
 * For how long the subscriber's player shall hold back what it gets, in milliseconds (playout delay extension: steps of 10, up to
 * 40,950; only where it was negotiated): no less and no more. 0 and 0: show at once. -1: no such bound; both -1: as the sender
 * of the track says, which is what a fresh sink does. It replaces what the sender writes into its packets, and what the core
 * asks for on lossy lines.
 */
STOA_EXPORT void stoa_sink_delay(StoaSink *sink, int least_ms, int most_ms) STOA_ON_CONTROL;
/** The same for all who see the track and were not given a delay of their own. */
STOA_EXPORT void stoa_track_delay(StoaTrack *track, int least_ms, int most_ms) STOA_ON_CONTROL;

/**
 * How important the sink is among those of its handle: where the way to the client is too narrow for all, those with a
 * higher number get their layers first, and keep their picture longest. Default 0; 255 at most. Audio comes before all.
 */
STOA_EXPORT void stoa_sink_priority(StoaSink *sink, unsigned priority) STOA_ON_CONTROL;

/**
 * While the handle's offer is being answered: take an m-line of that kind that nothing is sent on, for what comes later. It
 * has the first codec of the rules that the client takes; stoa_sink_switch() shows a track of that codec on it, or of any that
 * was agreed (`every_video_codec`).
 *
 * Returns the sink, owned by the handle; NULL when no such line is left.
 */
STOA_EXPORT StoaSink *stoa_handle_reserve(StoaHandle *handle, StoaKind kind) STOA_ON_CONTROL;

/** Inside `data_received`: the channel that the message came on, of which kind and protocol it is; else NULL. Borrowed. */
STOA_EXPORT const StoaDataChannel *stoa_handle_channel(const StoaHandle *handle) STOA_ON_CONTROL;
/**
 * Pass a message on, on a channel of that label: the one that the page opened itself, else one of ours of the same protocol and kind.
 * If there is none, one is opened like it. `negotiated` and `id` do not count. Returns false as stoa_handle_send_data() does.
 */
STOA_EXPORT bool stoa_handle_relay_data(StoaHandle *handle, const StoaDataChannel *channel,
                                        const void *buf, size_t len, bool text) STOA_ON_CONTROL;
/** Bytes of messages that wait to be sent to the page, over all its channels: of 4 MiB at most. */
STOA_EXPORT size_t stoa_handle_data_waiting(const StoaHandle *handle) STOA_ON_CONTROL;
