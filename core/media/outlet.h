/* SPDX-License-Identifier: MIT */
/* An outgoing track on its worker: `sink` of media/command.h. It decides forward, drop or switch, rewrites and seals. */
#pragma once

#include "media/cushion.h"
#include "media/feed.h"
#include "media/plea.h"
#include "media/splice.h"

/* When a packet was sent again, by the low bits of its number: STOA_RESENT of them in a table of the pool. */
typedef struct {
    uint16_t seq;
    uint16_t ms; /* 0: not in use */
} StoaResent;

/* What a byte-identical repeat needs beside the span; kept only where such extensions and no RTX were negotiated. */
typedef struct {
    uint16_t seq, twcc_seq;
    uint32_t abs_send_time; /* with bit 31: the entry is in use */
} StoaSentExts;

enum { STOA_RESENT = 256, STOA_SENT_EXTS = 512 };
enum { STOA_PAUSED = -2 /* an `allowed_substream`: no packets at all */ };
#define STOA_OUTLET_ANY_BPS UINT32_MAX
enum { STOA_RESEND_BUDGET = 300 /* repeats in a second, beside twice what was sent in the last */ };

/* Why a packet is sealed. */
typedef enum {
    STOA_SEAL_FIRST, /* for the first time */
    STOA_SEAL_AGAIN, /* byte-identical to the first time */
    STOA_SEAL_RTX,   /* as a retransmission in a stream of its own */
} StoaSealing;

struct StoaOutlet {
    StoaPeer *peer;
    StoaFeed *feed; /* NULL: nothing is routed */
    uint32_t number;
    bool has_row; /* negotiated */
    bool is_paused;
    bool is_thin;                       /* of redundant audio it relays what is new only */
    bool is_relaying;                   /* the splice takes packets of `encoding` */
    bool is_waiting;                    /* for a keyframe, since the last stoa_outlet_choose() */
    bool is_mid_picture;                /* the newest packet did not end one */
    bool is_ending;                     /* it relays the rest of this picture, and then no more */
    int8_t encoding;                    /* relayed now; -1: none */
    int8_t target;                      /* wanted; -1: none */
    int8_t max_substream, max_temporal; /* what the plugin asked for at most; -1: all */
    int8_t max_spatial;                 /* of each encoding; -1: all */
    int8_t allowed_substream; /* what the allocator allows at most; -1: all, STOA_PAUSED: nothing */
    int8_t allowed_temporal;  /* likewise; after a change of either call stoa_outlet_choose() */
    int8_t told_substream, told_temporal; /* by the last `layer` event; -1: nothing yet */
    bool is_halted;                       /* what was sent before goes first */
    bool is_told_narrow;                  /* that event said that nothing gets through */
    uint8_t priority;                     /* for the allocator: more comes first */
    uint8_t mid_len;
    uint8_t fraction_lost; /* as the subscriber reports it, as the next */
    int32_t lost, lost_told;
    uint32_t jitter;
    StoaRtpExtSink ext;
    StoaLayers wish;         /* what these make of the layers of `target` */
    StoaLayers picture_wish; /* the same as the present picture began: it stays so to its end */
    uint32_t usable_bps;  /* what its share would allow; STOA_OUTLET_ANY_BPS: no limit is known */
    uint32_t fallback_us; /* an encoding missing for this long is replaced by a lower one */
    int64_t doomed_us;    /* since when it would get nothing; 0: it gets something */
    int64_t keyframe_us;  /* when it sent the beginning of one last; 0: never */
    StoaSend row;
    StoaSplice splice;
    StoaReportTx tx;
    StoaCushion cushion; /* of video with RTX, or as asked */

    StoaPlea plea;
    uint64_t next_rtx;
    StoaResent *resent;      /* NULL: nothing was asked for again */
    StoaSentExts *sent_exts; /* NULL: not needed */
    unsigned resend_budget;  /* until the next second */
    uint32_t n_resent, n_late;
    uint32_t n_nacked; /* asked for again by the subscriber */
    uint64_t n_packets, n_bytes;
    uint32_t n_packets_before, bytes_before; /* the low bits of these at the last second's end */
    uint32_t bps;                            /* of the last second */
    int64_t tallied_us;                      /* when that was */
};

StoaOutlet *stoa_outlet_new(StoaPeer *peer, uint32_t number);
/** Leaves its feed. NULL is fine. */
void stoa_outlet_free(StoaOutlet *outlet);

/** Negotiated, or changed. Sequence and route go on; a changed SSRC begins a new sequence. */
void stoa_outlet_set_row(StoaOutlet *outlet, const StoaSend *row);

/** Show another track; ref.peer 0: nothing. */
void stoa_outlet_route(StoaOutlet *outlet, StoaTrackRef ref);
void stoa_outlet_pause(StoaOutlet *outlet, bool paused);

/** For how long a player shall hold back what is sent. */
void stoa_outlet_delay(StoaOutlet *outlet, StoaDelay delay);

/** Whether the way is too narrow for redundant audio. */
void stoa_outlet_thin(StoaOutlet *outlet, bool is_thin);

/* -- choose.c ------------------------------------------------------------------------------ */

/** Whether there is something to relay, if the allocator allows it. */
bool stoa_outlet_is_wanted(const StoaOutlet *outlet);

void stoa_outlet_set_priority(StoaOutlet *outlet, unsigned priority);

/** What is wanted at most; -1: as it was. */
void stoa_outlet_limit(StoaOutlet *outlet, int substream, int temporal);
void stoa_outlet_limit_spatial(StoaOutlet *outlet, int spatial);
/** After how long a missing encoding is replaced. @us  0: the default */
void stoa_outlet_fallback(StoaOutlet *outlet, int64_t us);

/**
 * The peer came up, the track was described, a limit changed, an encoding came or went: choose again what to relay, and
 * ask for the keyframe that it takes. Also called ten times a second while video flows. Not within a fan-out.
 */
void stoa_outlet_choose(StoaOutlet *outlet, int64_t now_us);

/** Tell control which layers are really relayed, if that changed. */
void stoa_outlet_tell(StoaOutlet *outlet);
/** Tell control that the way is too narrow for any; that it is not any more is told with the first layers. */
void stoa_outlet_tell_narrow(StoaOutlet *outlet);

/** Whether it waits for a keyframe of an encoding. */
bool stoa_outlet_waits_for(const StoaOutlet *outlet, unsigned encoding);

/* -- outlet.c ------------------------------------------------------------------------------ */

/** The source breaks off (mute, a new stream): the next packet begins a new piece. */
void stoa_outlet_break(StoaOutlet *outlet);
/** The same behind the picture that is on its way: nobody is left with a part of one. */
void stoa_outlet_end(StoaOutlet *outlet);

/** Have at hand what the packet path will need. @leaves_out  it will pass over a part of what comes */
void stoa_outlet_prepare(StoaOutlet *outlet, bool leaves_out);

/** Forward one packet, or not. The packet path: no lock, no log, no allocation. */
void stoa_outlet_forward(StoaOutlet *outlet, const StoaPacket *packet, unsigned encoding);

/** Seal a packet under the number `out` of `span` and send it. False: it does not fit, or cannot be made the same. */
bool stoa_outlet_seal(StoaOutlet *outlet, const StoaPacket *packet, const StoaSpan *span,
                      uint64_t out, StoaSealing sealing);

/** Whether repeats go in a stream of their own. */
static inline bool stoa_outlet_has_rtx(const StoaOutlet *outlet)
{
    return outlet->row.rtx_payload_type && outlet->row.rtx_ssrc;
}

/* -- resend.c ------------------------------------------------------------------------------ */

/** The subscriber asks for packets again. The packet path. */
void stoa_outlet_resend(StoaOutlet *outlet, const uint16_t *seqs, size_t n, int64_t now_us);

/* -- outlet.c again ------------------------------------------------------------------------- */

/** Whether padding can be sent, by RTX. @numbered  it must be for transport-cc */
bool stoa_outlet_can_pad(const StoaOutlet *outlet, bool numbered);
/** Send one packet of padding, a probe. Returns its length, 0 if it could not be sent. */
size_t stoa_outlet_pad(StoaOutlet *outlet);

/** The timestamp that its stream shows at a moment, for sender reports; false: not known, or nothing was sent. */
bool stoa_outlet_timestamp(const StoaOutlet *outlet, int64_t realtime_us, int64_t now_us,
                           uint32_t *timestamp);
