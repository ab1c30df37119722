/* SPDX-License-Identifier: MIT */
/* One PeerConnection on its worker: path, DTLS, SRTP, its incoming feeds and outgoing outlets. */
#pragma once

#include "dtls/link.h"
#include "ice/agent.h"
#include "media/feed.h"
#include "media/peer-state.h"
#include "rtp/twcc.h"
#include "sctp/association.h"
#include "srtp/open.h"
#include "srtp/seal.h"

enum {
    STOA_ICE_TIMEOUT_US = 30000000,     /* from the remote description to a path */
    STOA_REMOTE_TIMEOUT_US = 120000000, /* from the offer to the answer */
    STOA_DTLS_TIMEOUT_US = 15000000,    /* from the path to the keys, also when no record comes */
    STOA_REPORT_US = 1000000,
    STOA_FEEDBACK_US = 80000, /* between transport-cc feedbacks */
};

/* What an incoming SSRC is. */
typedef struct {
    uint32_t ssrc;
    uint8_t encoding;
    bool is_rtx;
    StoaFeed *feed;
} StoaSsrcEntry;

/* An outgoing SSRC whose m-line is gone: should it come back, its sequence goes on. */
typedef struct {
    uint32_t ssrc;
    uint64_t next;
} StoaRetired;

struct StoaPeer {
    StoaLogTag log;
    StoaPeerId id;
    StoaWorker *worker;
    StoaPeerState state;
    StoaPeerDown why; /* it is down */
    bool data;        /* a data channel section was negotiated */
    bool has_remote;
    bool dtls_client;
    bool wants_remb;    /* sinks can use less than before: tell it soon */
    bool had_limit;     /* one was asked for: a sender must hear that it is gone */
    uint8_t n_waiting;  /* datagrams of its handshake that wait their turn */
    uint16_t sctp_port; /* of the remote data section; 0: not said */
    size_t max_message;
    int64_t state_us; /* since when it is in this state */
    uint32_t ssrc;    /* of our own, as the sender of feedback */

    StoaIcePath path;  /* to send on; kind STOA_ICE_NO_PATH: none */
    StoaIceLite *lite; /* one of these two */
    StoaIceAgent *agent;
    StoaIcePair
        pair; /* of a full agent, which knows where to send; its address not set: none yet */
    unsigned n_moves; /* how often the way became another one */
    StoaDtlsLink *dtls;
    StoaDtlsContext *context;
    StoaSctp *sctp;
    StoaSrtpOpen *open;
    StoaSrtpSeal *seal;
    int64_t flight_us;   /* when our first DTLS flight left */
    int64_t rtt_us;      /* of the path, as far as known; 0: not yet */
    int64_t rtt_told_us; /* when a report of the client told it; 0: never, on this path */

    StoaRtpExtIds ext; /* of its packets */
    StoaFeed **feeds;
    unsigned n_feeds;
    unsigned n_ssrcs, room_ssrcs, last_ssrc;
    StoaSsrcEntry *ssrcs;   /* few: looked through from the last one found */
    StoaTwccRecorder *twcc; /* NULL: no packet with a number came */
    StoaReportClock clock;
    int64_t twcc_us;    /* the last feedback */
    int64_t remb_us;    /* when it was told last */
    uint64_t n_unknown; /* packets that no m-line was found for */
    uint32_t max_bps;   /* asked for by control; 0: none */

    unsigned n_outlets;
    StoaOutlet **outlets;
    GArray *retired;               /* of StoaRetired; NULL: none */
    struct StoaDownlink *downlink; /* NULL: no feedback came, there is no limit */
    uint16_t twcc_seq;
    char cname[17];

    int64_t nacks_us;    /* since when NACKed numbers are counted */
    unsigned nacks_left; /* that are still looked up until the next count */
    uint64_t n_in, bytes_in, n_out, bytes_out;
    StoaWheelTimer life;     /* ICE, DTLS, state */
    StoaWheelTimer report;   /* RTCP, once a second while media flows */
    StoaWheelTimer feedback; /* transport-cc, NACK */
};

typedef struct {
    StoaPeerId id;
    const char *log_ids;
    const char *ufrag, *pwd; /* lite */
    StoaIceAgent *agent;     /* full, taken; NULL: lite */
    StoaDtlsContext *context;
} StoaPeerMake;

/** Make a peer, known to the worker by its id. NULL: the ufrag is taken. Thread: the worker's, as all here. */
StoaPeer *stoa_peer_make(StoaWorker *w, const StoaPeerMake *make);

/** Say goodbye and forget it. */
void stoa_peer_end(StoaPeer *peer);

void stoa_peer_remote(StoaPeer *peer, const char *fingerprint, bool dtls_client, bool data);

/** ICE has news (flags). */
void stoa_peer_ice(StoaPeer *peer, StoaIceEvents events, int64_t now_us);

/** Full ICE has selected a pair. */
void stoa_peer_take_pair(StoaPeer *peer, const StoaIcePair *pair);

/** DTLS bytes came over a validated path. */
void stoa_peer_dtls(StoaPeer *peer, const uint8_t *buf, size_t len);

static inline bool stoa_peer_is_ready(const StoaPeer *peer)
{
    return peer->state == STOA_PEER_READY;
}

/** Room for the next datagram to this peer: STOA_UDP_SLOT bytes. Valid until the commit. */
uint8_t *stoa_peer_slot(StoaPeer *peer);
/** Send the slot's first `len` bytes: with the batch, or at once over TCP or a full ICE agent.
 * False: it was dropped and counted. With the batch it may still be, at the flush: the worker's counters then follow. */
bool stoa_peer_commit(StoaPeer *peer, size_t len);
/** Seal an RTCP datagram (at most 1,400 bytes, copied) and send it. */
void stoa_peer_send_rtcp(StoaPeer *peer, const uint8_t *buf, size_t len);

/* -- peer-tables.c ------------------------------------------------------------------------- */
void stoa_peer_set_rows_in(StoaPeer *peer, const StoaReceive *rows, unsigned n,
                           const StoaRtpExtIds *ext);
void stoa_peer_set_rows_out(StoaPeer *peer, const StoaSend *rows, unsigned n);
/** The outlet of a number, made if it is new. */
StoaOutlet *stoa_peer_outlet(StoaPeer *peer, uint32_t sink);
StoaOutlet *stoa_peer_outlet_by_ssrc(const StoaPeer *peer, uint32_t ssrc);
/** The feed of a track number; NULL: none. */
StoaFeed *stoa_peer_feed(const StoaPeer *peer, uint32_t track);
/** Let everything that carries media go. */
void stoa_peer_drop_media(StoaPeer *peer);
/** The first number for an outgoing SSRC: random, or where it had stopped. */
uint64_t stoa_peer_first_index(StoaPeer *peer, uint32_t ssrc);
void stoa_peer_retire(StoaPeer *peer, uint32_t ssrc, uint64_t next);

/* -- receive.c ----------------------------------------------------------------------------- */
/** A sealed RTP packet in `packet` (a large one, borrowed: kept by reference if it is forwarded). */
void stoa_peer_rtp(StoaPeer *peer, StoaPacket *packet);
/** Enter the SSRCs that a row names. */
void stoa_peer_bind_row(StoaPeer *peer, StoaFeed *feed);
/** Forget the SSRCs of a feed: they are found again by their next packets. */
void stoa_peer_unbind(StoaPeer *peer, const StoaFeed *feed);
/** What an SSRC is; NULL: nothing we know. */
const StoaSsrcEntry *stoa_peer_ssrc(StoaPeer *peer, uint32_t ssrc);

/* -- rtcp.c and report.c ------------------------------------------------------------------- */
/** A repair showed the round trip. It counts where reports tell none. */
void stoa_peer_note_repair(StoaPeer *peer, int64_t rtt_us);
/** The path is another one: measure it anew. */
void stoa_peer_doubt_rtt(StoaPeer *peer);
/** Ask a publisher for the round trip at once; nothing for who publishes nothing. */
void stoa_peer_ask_rtt(StoaPeer *peer);
/** A sealed RTCP datagram, opened in place. */
void stoa_peer_rtcp(StoaPeer *peer, uint8_t *buf, size_t len);
void stoa_peer_report(StoaWheelTimer *timer, int64_t now_us);
void stoa_peer_feedback(StoaWheelTimer *timer, int64_t now_us);
/** Its sinks can use less than before: tell the sender before the next report. */
void stoa_peer_hurry_remb(StoaPeer *peer);
/** Ask a publisher for a keyframe now. */
void stoa_peer_ask_keyframe(StoaPeer *peer, StoaSource *source);
