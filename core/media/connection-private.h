/* SPDX-License-Identifier: MIT */
/* What the connection-*.c files share: the inside of a connection, its m-lines, tracks and sinks. Control thread only.
 *
 *   connection.c         life, getters, candidates
 *   connection-events.c  what the media engine tells
 *   connection-answer.c  the client offers, we answer
 *   connection-ice.c     ICE alone: fragments of the client's, restarts without an offer
 *   connection-offer.c   we offer, the client answers
 *   connection-apply.c   what was agreed becomes the tables of media/command.h
 *   connection-track.c   StoaTrack
 *   connection-place.c   the m-line for a track that is to be sent
 *   connection-sink.c    StoaSink and its route
 *   connection-delay.c   for how long players hold back what they get */
#pragma once

#include "base/log.h"
#include "media/command.h"
#include "media/connection.h"
#include "sdp/plan.h"
#include "sdp/write.h"

enum {
    STOA_CONNECTION_NAME_LEN = 16,
    STOA_CONNECTION_MAX_LINES = 256,     /* m-lines of our own making end here */
    STOA_CONNECTION_MAX_CANDIDATES = 64, /* kept while there is no description */
    STOA_CONNECTION_MAX_CANDIDATE_LEN = 1024,
};

/* Where a negotiation stands (RFC 8829, 3.2). HAVE_REMOTE_OFFER lasts only inside stoa_connection_set_offer(). */
typedef enum {
    STOA_NEGOTIATION_NONE,
    STOA_NEGOTIATION_STABLE,
    STOA_NEGOTIATION_HAVE_REMOTE_OFFER,
    STOA_NEGOTIATION_HAVE_LOCAL_OFFER,
    STOA_NEGOTIATION_N_STATES
} StoaNegotiation;

typedef enum {
    STOA_NEGOTIATION_TAKE_OFFER,
    STOA_NEGOTIATION_GIVE_ANSWER,
    STOA_NEGOTIATION_GIVE_OFFER,
    STOA_NEGOTIATION_TAKE_ANSWER,
    STOA_NEGOTIATION_N_EVENTS
} StoaNegotiationEvent;

/* One m-line, by its index. */
typedef struct {
    unsigned index;
    StoaSdpKind kind;
    char mid[STOA_MID_MAX];
    StoaTrack *track; /* owned; NULL: nothing comes in */
    StoaSink *sink;   /* owned by the connection; NULL: nothing goes out */
} StoaLine;

struct StoaTrack {
    StoaConnection *connection;
    StoaLine *line;
    uint32_t number; /* in media/command.h */
    StoaTrackInfo info;
    StoaCodec codec; /* NONE: data */
    StoaSdpCodec sdp_codec;
    char mid[STOA_MID_MAX];
    char *fmtp; /* as agreed with the sender; NULL: none */
    char *h264_profile, *vp9_profile;
    uint32_t exts;    /* STOA_SDP_EXT_BIT() of those that the sender may use */
    bool red;         /* it may come as redundant audio */
    GPtrArray *sinks; /* of StoaSink *, borrowed: those that show it */
    bool is_told;     /* `track_added` was called */
    bool tapped;
    StoaDelay delay; /* for its players, unless they ask for another */
    void *data;
    GDestroyNotify free_data;
};

struct StoaSink {
    StoaConnection *connection;
    StoaLine *line;   /* NULL before the first offer */
    StoaTrack *track; /* borrowed: what it shall show; NULL: nothing */
    char *fmtp;       /* of our offer; NULL: none */
    uint32_t number;  /* in media/command.h */
    StoaKind kind      : 8;
    StoaSdpCodec codec : 8;
    bool active; /* false: free to be taken again */
    bool red;    /* offered as redundant audio, too */
    uint32_t exts;
    uint32_t ssrc,
        rtx_ssrc; /* others after a rest; a key never sees one of their sequence numbers twice */
    unsigned n_taken;     /* so many pairs of them so far */
    uint32_t fallback_us; /* 0: the default */
    bool paused;
    uint8_t priority;
    int8_t substream, temporal, spatial; /* -1: the default */

    /* what the worker was told */
    bool negotiated; /* the m-line carries what the sink wants to send */
    bool has_row;    /* once true, for ever: the worker keeps the sequence of the SSRC */
    bool is_delayed;
    StoaSend row;
    StoaTrackRef routed;

    void *data;
    GDestroyNotify free_data;

    /* what the client's media stream and track are called */
    char cname[STOA_CONNECTION_NAME_LEN + 1], stream[STOA_CONNECTION_NAME_LEN + 1];
    char track_id[STOA_CONNECTION_NAME_LEN + 24];
    StoaDelay delay; /* as its subscriber asks; none: as the track's sender does */
};

struct StoaConnection {
    StoaLogTag log;
    StoaMedia *media;
    StoaHandle *handle;
    uint64_t room;
    int64_t sdp_bytes, sdp_media;
    const StoaConnectionEvents *events;
    void *user;

    StoaPeerId peer;            /* 0: not opened, or closed */
    const StoaPeerLocal *local; /* borrowed while `peer` is open */
    bool up, down;
    bool no_playout_delay; /* the rules of the last offer refuse that extension */
    bool closed; /* freed by its owner; only the memory is left, until the last call has returned */
    unsigned depth; /* calls of ours that are on the stack while we call out */

    StoaNegotiation negotiation;
    StoaSdpPlan *plan;    /* the last that was agreed, or our answer; NULL: none */
    StoaSdpPlan *offered; /* waits for its answer */
    uint64_t session_id;  /* of the o= line */
    bool lines_changed;   /* a described m-line is to say something else in the next offer */
    bool wants_data;
    GBytes *remote_sdp; /* NULL: none */
    bool is_remote_packed;

    GPtrArray *lines; /* of StoaLine *, by index */
    GPtrArray *sinks; /* of StoaSink *, in the order in which they were made */
    uint32_t last_track, last_sink;
    char cname[STOA_CONNECTION_NAME_LEN + 1], stream[STOA_CONNECTION_NAME_LEN + 1];

    /* what the worker was told */
    char *remote_ufrag, *remote_pwd, *remote_fingerprint;
    bool remote_data;
    uint32_t bitrate_bps;

    GPtrArray *early_candidates; /* of char * */
    bool early_end;

    void (*wire)(void *data); /* while an offer is answered; NULL: none */
    void *wire_data;
};

/* -- connection.c ------------------------------------------------------------------------- */

/** Whether an event of the negotiation fits its state. */
bool stoa_connection_may(const StoaConnection *connection, StoaNegotiationEvent event);
/** Move on; a mistake of ours if it may not. */
void stoa_connection_step(StoaConnection *connection, StoaNegotiationEvent event);

/** Bracket everything that calls out: the memory stays until the last leave, even if the owner frees the connection. */
void stoa_connection_enter(StoaConnection *connection);
void stoa_connection_leave(StoaConnection *connection);

/** Whether the connection can still be used. False with `error`. */
bool stoa_connection_is_alive(const StoaConnection *connection, GError **error);

/** Make sure that there is a peer. False with `error`. @controlling: we made the first offer */
bool stoa_connection_open(StoaConnection *connection, bool controlling, GError **error);

/** Our side of the transport; borrowed from the peer. */
StoaSdpLocal stoa_connection_ours(const StoaConnection *connection);
/** The text of a plan with our side of the transport. NULL with `error`. */
char *stoa_connection_write(const StoaConnection *connection, const StoaSdpPlan *plan,
                            GError **error);

/** Keep the text of the client's description. */
void stoa_connection_keep_remote(StoaConnection *connection, const char *sdp);

/** Read a description within the limits. NULL with `error`, which says whose `what` it is. */
StoaSdp *stoa_connection_read(const StoaConnection *connection, const char *sdp, const char *what,
                              GError **error);

/** Whether the plan comes from the PeerConnection that we know: the fingerprint has not changed. False with `error`. */
bool stoa_connection_same_peer(const StoaConnection *connection, const StoaSdpPlan *plan,
                               GError **error);

/** What was described last: our pending offer, or what was agreed; NULL: nothing yet. */
const StoaSdpPlan *stoa_connection_last_plan(const StoaConnection *connection);

/** What was agreed for the m-line at `index`; NULL: nothing yet. */
StoaSdpLine *stoa_connection_agreed(const StoaConnection *connection, unsigned index);

/** Whether the m-line at `index` was stopped or refused and nobody holds on to it: something new may take its place. */
bool stoa_connection_line_is_spare(const StoaConnection *connection, unsigned index);

/** The line at `index`; NULL past the end. */
StoaLine *stoa_connection_line(const StoaConnection *connection, unsigned index);

/** The events that a peer is opened with; connection-events.c. */
extern const StoaPeerEvents stoa_connection_peer_events;

/* -- connection-apply.c ------------------------------------------------------------------- */

/** Make or rename lines to match a plan. A sink whose m-line the client uses for something else loses it. */
void stoa_connection_sync_lines(StoaConnection *connection, const StoaSdpPlan *plan);

/** Take a plan as the one in force. */
void stoa_connection_adopt(StoaConnection *connection, StoaSdpPlan *plan /* taken */);

/** Take away tracks that the plan has no more, or with another codec. False: the owner closed the connection meanwhile. */
bool stoa_connection_drop_tracks(StoaConnection *connection);

/**
 * Make the tracks that are new in the plan, write down what changed for the others.
 *
 * @with_data  a data section is a track too
 *
 * Returns the new ones, borrowed; the array is the caller's.
 */
GPtrArray *stoa_connection_make_tracks(StoaConnection *connection, bool with_data);

/** Tell `track_added` for each. False: the owner closed the connection meanwhile. */
bool stoa_connection_tell_tracks(StoaConnection *connection, GPtrArray *tracks /* taken */);

/** Tell the worker who the other end is and what it sends. */
void stoa_connection_post_remote(StoaConnection *connection);

/** Tell the worker what we send, and wire it. */
void stoa_connection_post_sends(StoaConnection *connection);

/* The names of sdp/ in those of rtp/; NONE where there is none. */
StoaCodec stoa_connection_codec(StoaSdpCodec codec);
StoaRtpExtKind stoa_connection_ext_kind(StoaSdpExt ext);

/* -- connection-track.c ------------------------------------------------------------------- */

StoaTrack *stoa_track_new(StoaConnection *connection, StoaLine *line, const StoaSdpLine *agreed);
/** Write down what was agreed anew for a track that goes on. */
void stoa_track_refresh(StoaTrack *track, const StoaSdpLine *agreed);
/** Whether the line still carries that track. */
bool stoa_track_fits(const StoaTrack *track, const StoaSdpLine *agreed);
/** Its sinks show nothing, `track_removed` is called, it is freed. */
void stoa_track_end(StoaTrack *track);

/* -- connection-sink.c -------------------------------------------------------------------- */

/** A sink of the connection, inactive, with SSRCs of its own. */
StoaSink *stoa_sink_new(StoaConnection *connection, StoaKind kind);
void stoa_sink_free(StoaSink *sink);
/** Begin to use a sink, or to use it for something new: all wishes are as at first, the client is to hear of it. */
void stoa_sink_take(StoaSink *sink, StoaTrack *track);
/** Begin to use a new sink on a line of the client's offer, as agreed there, with nothing to show yet. */
void stoa_sink_reserve(StoaSink *sink, const StoaSdpLine *agreed);
/** Note on both sides what it shows; the worker hears of it by stoa_sink_route(). */
void stoa_sink_show(StoaSink *sink, StoaTrack *track);
bool stoa_sink_is_of_kind(StoaKind kind, StoaSdpKind sdp);
/** Give a sink its m-line, or with NULL take it away. */
void stoa_sink_place(StoaSink *sink, StoaLine *line);
/** Compare with what was agreed: sets `negotiated` and the row. */
void stoa_sink_negotiate(StoaSink *sink, const StoaSdpLine *agreed);
/** Whether the sink may be sent on a line as agreed or offered: same codec, same parameters. */
bool stoa_sink_fits(const StoaSink *sink, const StoaSdpLine *agreed);
/** Whether a track can be shown without a word to the client: same codec, same parameters. */
bool stoa_sink_suits(const StoaSink *sink, const StoaTrack *track);
/** What our description says of it; strings borrowed from the sink. */
StoaSdpSend stoa_sink_send(const StoaSink *sink);
/** Tell the worker what the sink shows, if that changed. */
void stoa_sink_route(StoaSink *sink);
/** Tell the worker of pause and layers, where they are not the default. */
void stoa_sink_post_wishes(StoaSink *sink);
/** The track is gone: show nothing. */
void stoa_sink_lose_track(StoaSink *sink);

/* -- connection-delay.c ------------------------------------------------------------------- */

/** Tell the worker what holds now, its subscriber's wish or the sender's. */
void stoa_sink_post_delay(StoaSink *sink);
