/* SPDX-License-Identifier: MIT */
#pragma once /* What we say in an offer or answer, m-line by m-line: made by negotiate.h, written by write.h. */

#include "sdp/sdp.h"

enum { STOA_SDP_MAX_ENCODINGS = 3, STOA_SDP_MAX_SOURCES = 16, STOA_SDP_MAX_OTHERS = 4 };

/* A stream that the other end sends, as announced by SSRC. */
typedef struct {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* of ssrc-group FID; 0: none */
} StoaSdpSource;

/* One encoding of a track that the other end sends. */
typedef struct {
    const char *rid; /* NULL: not by rid */
    uint32_t ssrc,
        rtx_ssrc; /* 0: not known from the SDP; with a rid always 0: packets tell (see `sources`) */
} StoaSdpEncoding;

/* What we send on an m-line. */
typedef struct {
    uint32_t ssrc, rtx_ssrc;    /* 0: not said (rtx: none) */
    const char *cname;          /* NULL: not said */
    const char *stream, *track; /* of a=msid; NULL: "-" and the mid */
} StoaSdpSend;

/* A codec that may be sent on an m-line in place of the first. */
typedef struct {
    StoaSdpCodec codec;
    int pt, rtx_pt; /* rtx_pt -1: rtx was not agreed */
    uint32_t clock_hz;
    unsigned channels;
    unsigned feedback; /* STOA_SDP_FB_* */
    const char *fmtp;  /* NULL: none */
} StoaSdpFormat;

/* One m-line as agreed, or as we offer it: kept for each stream. Directions are ours. Strings belong to the plan. */
typedef struct {
    unsigned index;
    StoaSdpKind kind;
    StoaSdpDirection direction;
    StoaSdpCodec codec; /* audio and video */
    const char *mid;
    const char *reason; /* why it is not accepted; NULL if it is */
    bool accepted;      /* false: port 0; everything below may be empty then */
    bool has_mid, rtcp_rsize, extmap_allow_mixed, is_old_sctp; /* how it is written, as the next */
    const char *kind_text, *proto, *format;

    /* audio and video */
    int pt;     /* what packets of that codec carry, both ways */
    int rtx_pt; /* -1: rtx was not agreed */
    int red_pt; /* audio: the number that red around this codec has or would have; -1: none */
    uint32_t clock_hz;
    unsigned channels;
    unsigned feedback;                      /* STOA_SDP_FB_* */
    const char *fmtp;                       /* NULL: none */
    bool red;                               /* red was agreed */
    uint8_t n_others;                       /* mostly none: see StoaSdpKindRules */
    StoaSdpFormat *others;                  /* owned */
    uint8_t ext_id[STOA_SDP_N_EXTS];        /* 0: not agreed */
    uint8_t ext_direction[STOA_SDP_N_EXTS]; /* StoaSdpDirection, ours; SENDRECV: not written */

    /* what they send */
    bool simulcast;      /* several encodings, by rid or by ssrc-group SIM */
    uint8_t n_encodings; /* 1, or those of a simulcast, the highest first; 0: they send nothing */
    uint8_t n_sources;   /* announced SSRCs, as in the text; with rids they pair one with its rtx */
    uint16_t remote_sctp_port; /* data channels: 5000 before the answer */
    StoaSdpEncoding encodings[STOA_SDP_MAX_ENCODINGS];
    StoaSdpSource *sources;     /* owned */
    const char *stream, *track; /* their msid; NULL: not said */

    StoaSdpSend send; /* what we send, if the direction says so */

    uint64_t remote_max_message_size; /* data channels, bytes; 0: any */
    uint64_t max_message_size;        /* ours, bytes */
} StoaSdpLine;

typedef enum { STOA_SDP_OFFER, STOA_SDP_ANSWER } StoaSdpType;

/* A codec with parameters, and the numbers it has in our offers for the life of the session. */
typedef struct {
    StoaSdpCodec codec;
    const char *fmtp;
    int pt, rtx_pt, red_pt; /* rtx_pt, red_pt -1: none yet */
} StoaSdpNumber;

typedef struct {
    StoaSdpType type; /* of our description */
    uint64_t version; /* 1, then one more each time */
    StoaSdpSetup
        setup; /* ours: actpass while an offer waits; passive, or active if the other end is */
    bool extmap_allow_mixed;
    bool bundle;      /* all accepted lines share the transport by a=group:BUNDLE */
    GPtrArray *lines; /* of StoaSdpLine *, by index of the m-line */
    unsigned n_accepted;

    /* the other end; in an offer that has no answer yet: what was known before it */
    StoaSdpTransport remote;
    bool remote_ice_lite;
    GPtrArray *remote_candidates; /* of const char *: "candidate:…" */
    bool remote_end_of_candidates;
    bool ice_restart; /* the other end has new ICE credentials */

    GArray *numbers; /* StoaSdpNumber: see offer.h */
    GStringChunk *strings;
} StoaSdpPlan;

StoaSdpPlan *stoa_sdp_plan_new(StoaSdpType type);
/** A copy that shares nothing. */
StoaSdpPlan *stoa_sdp_plan_copy(const StoaSdpPlan *plan);
/** NULL is fine. */
void stoa_sdp_plan_free(StoaSdpPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSdpPlan, stoa_sdp_plan_free)

/** The line at `index`, NULL past the end. */
StoaSdpLine *stoa_sdp_plan_line(const StoaSdpPlan *plan, unsigned index);

/** The accepted line of a mid, NULL if there is none. */
StoaSdpLine *stoa_sdp_plan_line_by_mid(const StoaSdpPlan *plan, const char *mid);

/** The format of a line that carries what is encoded so; false: none does. `format` is written on success. */
bool stoa_sdp_plan_format(const StoaSdpLine *line, StoaSdpCodec codec, const char *fmtp,
                          StoaSdpFormat *format);

/** Refuse a line after all (an answer that is not yet written): port 0. `reason` is copied. */
void stoa_sdp_plan_refuse(StoaSdpPlan *plan, unsigned index, const char *reason);

/**
 * Say what we send on a line, or with NULL that we send nothing: takes `sendonly` or `sendrecv` back to what is left.
 *
 * @send  copied
 */
void stoa_sdp_plan_send(StoaSdpPlan *plan, unsigned index, const StoaSdpSend *send);

/** The other end has other ICE credentials, and none of its candidates hold any more. Copied. */
void stoa_sdp_plan_restart(StoaSdpPlan *plan, const char *ufrag, const char *pwd);

/** Whether any accepted line carries data channels. */
bool stoa_sdp_plan_has_data(const StoaSdpPlan *plan);
