/* SPDX-License-Identifier: MIT */
/* What control code tells a media worker about its peers, and what comes back.
 *
 * Every function here is called on the control loop and posts a message to the worker that owns the peer; the events come
 * back on the control loop. Both sides name things by id, never by pointer: an id whose thing is gone means nothing. */
#pragma once

#include "media/cushion.h"
#include "media/media.h"
#include "rtp/codec.h"
#include "rtp/extension.h"

#include <stoa/media.h>

typedef uint64_t StoaPeerId; /* holds the worker's index; 0: none */

enum { STOA_MAX_ENCODINGS = 3, STOA_MID_MAX = 32 /* bytes with NUL */, STOA_RID_MAX = 17 };

/* One incoming m-line as negotiated. */
typedef struct {
    uint32_t track;      /* number within the peer, given by control, never used again */
    StoaKind kind   : 8; /* audio or video */
    StoaCodec codec : 8;
    uint8_t payload_type, rtx_payload_type, red_payload_type; /* 0: none (rtx, red) */
    uint32_t clock_hz;
    bool nack, pli, fir, remb, twcc;
    char mid[STOA_MID_MAX];
    unsigned n_encodings; /* 1, or those of a simulcast, the highest first */
    struct {
        char rid[STOA_RID_MAX];  /* "": not by rid */
        uint32_t ssrc, rtx_ssrc; /* 0: not known from the SDP, found by mid, rid or payload type */
    } encodings[STOA_MAX_ENCODINGS];
} StoaReceive;

/* One outgoing m-line as negotiated. */
typedef struct {
    uint32_t sink; /* number within the peer, given by control, never used again */
    StoaKind kind   : 8;
    StoaCodec codec : 8;
    uint8_t payload_type, rtx_payload_type; /* rtx 0: retransmissions are byte-identical repeats */
    uint8_t red_payload_type;               /* 0: of redundant audio goes what is new in it */
    uint32_t clock_hz;
    uint32_t ssrc, rtx_ssrc;
    bool nack, pli;
    char mid[STOA_MID_MAX];
    StoaRtpExtMap ext; /* kind -> id on this m-line; 0: not negotiated */
} StoaSend;

/* A track somewhere: the source of a route. peer 0: none. */
typedef struct {
    StoaPeerId peer;
    uint32_t track;
} StoaTrackRef;

typedef enum {
    STOA_DOWN_ICE,
    STOA_DOWN_DTLS_ALERT,
    STOA_DOWN_DTLS_FAILED,
    STOA_DOWN_CONSENT
} StoaPeerDown;

/* All called on the control loop, never after stoa_peer_close(). `user` as given to stoa_peer_open(). */
typedef struct {
    void (*up)(void *user); /* ICE and DTLS are done; once */
    void (*down)(void *user,
                 StoaPeerDown why); /* nothing comes after it; stoa_peer_close() is still due */
    /* First packet of an encoding came, or none for media_timeout_ms. `encoding` -1 when the track has only one. */
    void (*media)(void *user, uint32_t track, bool receiving, int encoding, int64_t silent_ms);
    void (*slowlink)(void *user, uint32_t number, bool uplink,
                     unsigned lost); /* number: track (uplink) or sink */
    void (*layer)(
        void *user, uint32_t sink, int substream,
        int temporal); /* what is really relayed changed; of spatial layers `substream` is one */
    void (*talking)(void *user, uint32_t track, bool talking, double average_dbov);
    void (*candidate)(void *user, const char *candidate); /* full ICE: a local one; NULL: no more */
    void (*data_open)(void *user, const char *label, const char *protocol);
    void (*data)(void *user, const StoaDataChannel *channel, const void *buf, size_t len,
                 bool text);                            /* the channel that it came on */
    void (*data_closed)(void *user, const char *label); /* may be NULL */
    /* Voice was heard for STOA_VOICE_WINDOW_US, so many dB above silence; may be NULL. See stoa_peer_watch_voice(). */
    void (*voice)(void *user, uint32_t track, double loudness);
    void (*layers)(void *user, uint32_t track, unsigned spatial,
                   unsigned temporal); /* how many of them a track has */
} StoaPeerEvents;

/* What the local side of a PeerConnection says in SDP. Strings are owned by the media engine until the peer is closed;
 * a restart replaces them. */
typedef struct {
    const char *ufrag, *pwd;
    const char *fingerprint; /* "sha-256 AB:CD:…" */
    bool lite;
    GPtrArray *candidates; /* of char *: "candidate:…" without "a="; lite: all there are */
    bool gathering;        /* full ICE: more come by `candidate` */
} StoaPeerLocal;

typedef struct {
    uint64_t room;    /* peers of one room share a worker while they fit; 0: no room */
    bool controlling; /* full ICE: we make the first offer */
    const StoaPeerEvents *events;
    void *user;
    const char *log_ids; /* "session=… handle=…", copied */
} StoaPeerSpec;

/** Make a peer on a worker. Returns 0 with `error` (out of memory or ports). `*local` borrowed until closed. */
StoaPeerId stoa_peer_open(StoaMedia *media, const StoaPeerSpec *spec, const StoaPeerLocal **local,
                          GError **error);

/** New ICE credentials of ours; the old ones hold until the new ones are used. (RFC 8445, 9) */
void stoa_peer_restart(StoaMedia *media, StoaPeerId peer, const StoaPeerLocal **local);

/** What the remote description says. Called for the first description and again when it changed.
 * @fingerprint  "sha-256 AB:…" @dtls_client  we begin the handshake (the client insisted on being passive)
 * @data         a data channel section was negotiated */
void stoa_peer_set_remote(StoaMedia *media, StoaPeerId peer, const char *ufrag, const char *pwd,
                          const char *fingerprint, bool dtls_client, bool data);
/** What the remote data section says, before stoa_peer_set_remote().
 * @max_message  bytes of the longest message that it takes; 0: any */
void stoa_peer_set_data(StoaMedia *media, StoaPeerId peer, uint16_t sctp_port,
                        uint64_t max_message);
/** A remote candidate, or NULL: no more. Lite: ignored. */
void stoa_peer_add_candidate(StoaMedia *media, StoaPeerId peer, const char *candidate);

/** All incoming m-lines, replacing what was there (tracks of the same number and unchanged rows go on undisturbed), and
 * the header extension ids that the client uses (id -> kind; one map for the BUNDLE). */
void stoa_peer_set_receives(StoaMedia *media, StoaPeerId peer, const StoaReceive *rows, unsigned n,
                            const StoaRtpExtIds *ext);
/** All outgoing m-lines, replacing what was there; those of the same number keep their route and their sequence. */
void stoa_peer_set_sends(StoaMedia *media, StoaPeerId peer, const StoaSend *rows, unsigned n);

/** sink <- source, or nothing. May be called before the sink's row exists: it is kept. */
void stoa_peer_route(StoaMedia *media, StoaPeerId peer, uint32_t sink, StoaTrackRef source);
void stoa_peer_pause(StoaMedia *media, StoaPeerId peer, uint32_t sink, bool paused);
void stoa_peer_limit(StoaMedia *media, StoaPeerId peer, uint32_t sink, int substream, int temporal);
/** Where the way to the peer is too narrow for all its sinks, those of a higher number come first. */
void stoa_peer_priority(StoaMedia *media, StoaPeerId peer, uint32_t sink, unsigned priority);
void stoa_peer_limit_spatial(StoaMedia *media, StoaPeerId peer, uint32_t sink, int spatial);
void stoa_peer_fallback(StoaMedia *media, StoaPeerId peer, uint32_t sink, uint32_t us);

/** For how long players shall hold back what comes by that sink, where the extension was negotiated. */
void stoa_peer_delay(StoaMedia *media, StoaPeerId peer, uint32_t sink, StoaDelay delay);

void stoa_peer_mute(StoaMedia *media, StoaPeerId peer, uint32_t track, bool muted);
void stoa_peer_keyframe(StoaMedia *media, StoaPeerId peer, uint32_t track);
void stoa_peer_watch_level(StoaMedia *media, StoaPeerId peer, uint32_t track, unsigned packets,
                           unsigned level);
void stoa_peer_watch_voice(StoaMedia *media, StoaPeerId peer, uint32_t track, bool on);
void stoa_peer_bitrate(StoaMedia *media, StoaPeerId peer, uint32_t bps);
/** `done` runs on control when no call of `fn` can come any more; fn NULL: end the tap. */
void stoa_peer_tap(StoaMedia *media, StoaPeerId peer, uint32_t track, StoaTapFunc *fn, void *data,
                   GDestroyNotify done);

/** Queue a data channel message. False: no data channel (of that label) is open, or its buffer is full. */
bool stoa_peer_send_data(StoaMedia *media, StoaPeerId peer, const char *label, const void *buf,
                         size_t len, bool text);

/** See stoa_handle_data_waiting(). */
size_t stoa_peer_data_waiting(StoaMedia *media, StoaPeerId peer);
/** See stoa_handle_relay_data(). */
bool stoa_peer_relay_data(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel,
                          const void *buf, size_t len, bool text);

/** Open a data channel, or know one that was negotiated. False: data channels are not up.
 * @channel  checked: see stoa_handle_open_data() */
bool stoa_peer_open_channel(StoaMedia *media, StoaPeerId peer, const StoaDataChannel *channel);
void stoa_peer_close_channel(StoaMedia *media, StoaPeerId peer, const char *label);

/** Say goodbye (DTLS close_notify) and forget it. No event comes after the call. */
void stoa_peer_close(StoaMedia *media, StoaPeerId peer);

/** What is known of a peer for `handle_info` and statistics, as JSON: asked of the worker, given on control.
 * `got` runs once; with NULL when the peer is gone. */
struct StoaFigures; /* figures.h */
/** The same as plain figures, borrowed during the call: NULL when the peer is gone. @data  freed afterwards in any case */
void stoa_peer_figures(StoaMedia *media, StoaPeerId peer,
                       void (*got)(const struct StoaFigures *figures, void *data), void *data,
                       GDestroyNotify free_data);
void stoa_peer_stats(StoaMedia *media, StoaPeerId peer,
                     void (*got)(json_t *stats /* taken */, void *data), void *data);
