/* SPDX-License-Identifier: MIT */
#pragma once /* A session description as a tree, and the names and numbers that SDP uses. (RFC 8866, 8829) */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOA_SDP_MID_MAX = 31,    /* characters; media keeps mids in 32 bytes */
    STOA_SDP_RID_MAX = 16,    /* characters (RFC 8851, 10) */
    STOA_SDP_MAX_SSRCS = 256, /* of one m-line; more is an error */
    STOA_SDP_MAX_RIDS = 32,   /* of one m-line; more is an error */
    STOA_SDP_MAX_GROUPS = 64, /* of the session, or of one m-line's ssrc-groups; more is an error */
    STOA_SDP_MAX_CANDIDATES = 64, /* of one m-line; the rest is left out */
};

typedef enum { STOA_SDP_AUDIO, STOA_SDP_VIDEO, STOA_SDP_APPLICATION, STOA_SDP_OTHER } StoaSdpKind;

/* Two bits, from the view of whoever speaks. */
typedef enum {
    STOA_SDP_INACTIVE = 0,
    STOA_SDP_SENDONLY = 1,
    STOA_SDP_RECVONLY = 2,
    STOA_SDP_SENDRECV = 3,
} StoaSdpDirection;

typedef enum {
    STOA_SDP_SETUP_NONE, /* not said */
    STOA_SDP_ACTPASS,
    STOA_SDP_ACTIVE,  /* begins the DTLS handshake */
    STOA_SDP_PASSIVE, /* waits for it: the DTLS server */
} StoaSdpSetup;

typedef enum {
    STOA_SDP_CODEC_NONE, /* one that we do not know: never chosen */
    STOA_SDP_OPUS,
    STOA_SDP_PCMU,
    STOA_SDP_PCMA,
    STOA_SDP_G722,
    STOA_SDP_VP8,
    STOA_SDP_VP9,
    STOA_SDP_H264,
    STOA_SDP_AV1,
    STOA_SDP_RTX, /* from here on: helpers, never a codec of their own */
    STOA_SDP_RED,
    STOA_SDP_N_CODECS
} StoaSdpCodec;

typedef enum {
    STOA_SDP_EXT_MID,
    STOA_SDP_EXT_RID,
    STOA_SDP_EXT_REPAIRED_RID,
    STOA_SDP_EXT_AUDIO_LEVEL,
    STOA_SDP_EXT_TWCC,
    STOA_SDP_EXT_ABS_SEND_TIME,
    STOA_SDP_EXT_VIDEO_ORIENTATION,
    STOA_SDP_EXT_PLAYOUT_DELAY,
    STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR,
    STOA_SDP_EXT_TOFFSET,
    STOA_SDP_EXT_COLOR_SPACE,
    STOA_SDP_EXT_ABS_CAPTURE_TIME,
    STOA_SDP_EXT_VIDEO_LAYERS, /* video-layers-allocation: read, never accepted */
    STOA_SDP_N_EXTS
} StoaSdpExt;

#define STOA_SDP_EXT_BIT(ext) (1u << (ext))

/* rtcp-fb, as a mask. */
enum {
    STOA_SDP_FB_NACK = 1,
    STOA_SDP_FB_PLI = 2,
    STOA_SDP_FB_FIR = 4,
    STOA_SDP_FB_REMB = 8,
    STOA_SDP_FB_TWCC = 16,
    STOA_SDP_FB_ALL = 31,
};

/* All strings of a tree belong to the tree and hold no control characters. */

typedef struct {
    const char *ufrag, *pwd; /* NULL: not said */
    const char *
        fingerprint; /* "sha-256 AB:CD:…", hash in small and digits in capital letters; NULL: not said */
    StoaSdpSetup setup;
    bool trickle; /* ice-options has "trickle" */
} StoaSdpTransport;

typedef enum { STOA_SDP_HOST, STOA_SDP_SRFLX, STOA_SDP_PRFLX, STOA_SDP_RELAY } StoaSdpCandidateType;
typedef enum {
    STOA_SDP_TCP_NONE,
    STOA_SDP_TCP_ACTIVE,
    STOA_SDP_TCP_PASSIVE,
    STOA_SDP_TCP_SO
} StoaSdpTcpType;

typedef struct {
    const char *text; /* the whole line without "a=" */
    const char *foundation;
    unsigned component;
    bool tcp;
    StoaSdpTcpType tcp_type;
    uint32_t priority;
    const char *address; /* an IP address, or a name */
    bool is_name;        /* a name (mDNS ".local" or other): nothing to send to without a look-up */
    uint16_t port;
    StoaSdpCandidateType type;
    const char *related_address; /* NULL: none */
    uint16_t related_port;
    const char *ufrag; /* of the generation it belongs to; NULL: not said */
} StoaSdpCandidate;

/* One payload type of an m-line. */
typedef struct {
    uint8_t pt;
    StoaSdpCodec codec;
    const char *name; /* as written: "VP8"; NULL: no rtpmap, and no static type either */
    uint32_t clock_hz;
    unsigned channels; /* 1 where not said */
    const char *fmtp;  /* NULL: none */
    unsigned feedback; /* STOA_SDP_FB_*; those of `*` included */
    int apt;           /* of rtx: the payload it repairs; -1: none */
} StoaSdpPayload;

typedef struct {
    uint8_t id;                 /* 0: not offered */
    StoaSdpDirection direction; /* of the speaker; SENDRECV where not said */
} StoaSdpExtmap;

typedef struct {
    uint32_t ssrc;
    const char *cname;          /* NULL: not said */
    const char *stream, *track; /* of `a=ssrc:… msid:`; NULL: not said */
} StoaSdpSsrc;

typedef struct {
    const char *semantics; /* "FID", "SIM", "FEC-FR" */
    uint32_t ssrcs[8];
    unsigned n_ssrcs;
} StoaSdpSsrcGroup;

typedef struct {
    const char *stream; /* "-": none */
    const char *track;  /* NULL: not said */
} StoaSdpMsid;

typedef struct {
    const char *id;
    bool send;                /* of the speaker */
    const char *restrictions; /* "pt=96;max-width=1280"; NULL: none */
} StoaSdpRid;

/* One rid in a simulcast list. Rows with the same `stream` are alternatives, the wanted one first. */
typedef struct {
    const char *rid;
    unsigned stream; /* 0, 1, 2 in the order of the line */
    bool paused;     /* written with `~` */
} StoaSdpSimulcast;

/* One m-line. Arrays are GArray of the type named. */
typedef struct {
    unsigned index;
    unsigned line; /* in the text, from 1 */
    StoaSdpKind kind;
    const char *kind_text;
    uint16_t port; /* 0: refused or stopped, unless `bundle_only` */
    bool bundle_only;
    const char *proto;
    const char *format; /* the first format as written; never NULL */
    const char *mid;    /* the index as text where not said; never NULL */
    bool has_mid;
    StoaSdpDirection direction; /* of the speaker */
    StoaSdpTransport transport; /* what the m-line does not say is taken from the session */
    bool rtcp_mux, rtcp_rsize, extmap_allow_mixed;
    GArray *payloads; /* StoaSdpPayload, in the order of the m= line */
    StoaSdpExtmap exts[STOA_SDP_N_EXTS];
    GArray *ssrcs;          /* StoaSdpSsrc */
    GArray *ssrc_groups;    /* StoaSdpSsrcGroup */
    GArray *msids;          /* StoaSdpMsid */
    GArray *rids;           /* StoaSdpRid */
    GArray *simulcast_send; /* StoaSdpSimulcast; rids that no a=rid line declares are left out */
    GArray *simulcast_recv;
    GArray *candidates; /* StoaSdpCandidate */
    bool end_of_candidates;
    bool is_sctp;              /* an application m-line for WebRTC data channels */
    bool is_old_sctp;          /* "DTLS/SCTP 5000" with a=sctpmap */
    uint16_t sctp_port;        /* 5000 where not said */
    uint64_t max_message_size; /* bytes; 65536 where not said; 0: any */
    uint64_t bandwidth_bps;    /* of b=TIAS or b=AS; 0: not said */
} StoaSdpMedia;

typedef struct {
    const char *semantics; /* "BUNDLE", "LS" */
    GPtrArray *mids;       /* of const char * */
} StoaSdpGroup;

typedef struct {
    uint64_t session_id, version; /* of the o= line; 0 where they are no numbers */
    const char *name;             /* s= */
    bool ice_lite;
    bool extmap_allow_mixed; /* at session level */
    StoaSdpTransport transport;
    GArray *groups;     /* StoaSdpGroup */
    GPtrArray *media;   /* of StoaSdpMedia * */
    GHashTable *by_mid; /* mid -> StoaSdpMedia * */
    GStringChunk *strings;
} StoaSdp;

/** Free a tree. NULL is fine. */
void stoa_sdp_free(StoaSdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSdp, stoa_sdp_free)

/** The m-line at `index`, NULL past the end. */
const StoaSdpMedia *stoa_sdp_media(const StoaSdp *sdp, unsigned index);

/** The m-line of a mid, NULL if there is none. */
const StoaSdpMedia *stoa_sdp_media_by_mid(const StoaSdp *sdp, const char *mid);

/** The payload type `pt` of an m-line, NULL if it has none of that number. */
const StoaSdpPayload *stoa_sdp_payload(const StoaSdpMedia *media, int pt);

/** The same direction seen from the other end. */
static inline StoaSdpDirection stoa_sdp_flip(StoaSdpDirection direction)
{
    return (StoaSdpDirection)((direction & 1) << 1 | (direction & 2) >> 1);
}

/** "sendrecv", "sendonly", "recvonly", "inactive". Static text. */
const char *stoa_sdp_direction_name(StoaSdpDirection direction);

/** "actpass", "active", "passive". Static text. */
const char *stoa_sdp_setup_name(StoaSdpSetup setup);

/** The name as conf and the API write it: "opus", "vp8", "h264"; "unknown" for NONE. Static text. */
const char *stoa_sdp_codec_name(StoaSdpCodec codec);

/** The name as rtpmap writes it: "opus", "VP8", "H264". Static text. */
const char *stoa_sdp_codec_rtpmap(StoaSdpCodec codec);

/** The codec of a name in any case (`len` bytes), NONE if we do not know it. */
StoaSdpCodec stoa_sdp_codec_find(const char *name, size_t len);

/** The kind of m-line that a codec belongs to; OTHER for rtx, red and NONE. */
StoaSdpKind stoa_sdp_codec_kind(StoaSdpCodec codec);

/** The rate of RTP timestamps; 0 for NONE. */
uint32_t stoa_sdp_codec_clock_hz(StoaSdpCodec codec);

/** The URI of a header extension. Static text. */
const char *stoa_sdp_ext_uri(StoaSdpExt ext);

/** The header extension of a URI (`len` bytes), STOA_SDP_N_EXTS if we do not know it. */
StoaSdpExt stoa_sdp_ext_find(const char *uri, size_t len);
