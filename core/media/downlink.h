/* SPDX-License-Identifier: MIT */
/* What can be sent to a subscriber, and what each of its sinks may use of it.
 *
 * It begins with the first feedback of a client: one that sends neither transport-cc nor REMB costs nothing, and nothing
 * is kept from it. Audio is always sent; video gets what is left (share.h). */
#pragma once

#include "media/bwe.h"
#include "media/climb.h"
#include "media/outlet.h"
#include "media/setback.h"

enum {
    STOA_SHARE_US = 100000,  /* between two allotments */
    STOA_WIRE_OVERHEAD = 28, /* bytes of IP and UDP around a sealed packet */
};

typedef struct StoaDownlink {
    StoaPeer *peer;
    bool has_feedback; /* transport-cc came: the estimate is our own */
    StoaBwe bwe;
    uint64_t remb_bps;    /* as the client says; 0: it said nothing */
    int64_t remb_us;      /* when it said so */
    int64_t remb_fell_us; /* when it last said much less than before; 0: never */
    int64_t shared_us;
    int64_t changed_us; /* when a sink was last given more, or less */
    int64_t raised_us;  /* when more */
    bool is_asked;      /* since the last allotment somebody wants something else */
    StoaSetback setback;
    StoaClimb climb;    /* where REMB is all there is */
    bool is_thin;       /* voices go without their copies */
    bool is_first_held; /* of what is held back is the most important */
    bool is_holding;    /* some video is held back: nothing may come that brings us on */
    bool is_draining;   /* the way broke down, and what was sent before goes first: no pictures */
    StoaWheelTimer pad, again;
} StoaDownlink;

/** NULL is fine. Thread: the worker's, as all here. */
void stoa_downlink_stop(StoaDownlink *downlink); /* its timers */
void stoa_downlink_free(StoaDownlink *downlink);

/** The client reports by transport-cc. */
void stoa_downlink_feedback(StoaPeer *peer, const StoaRtcpFeedback *feedback);
/** The client says what it can take. */
void stoa_downlink_remb(StoaPeer *peer, uint64_t bps);

/** A packet of `len` bytes was sealed under a transport-wide number. The packet path. */
static inline void stoa_downlink_sent(StoaDownlink *downlink, uint16_t twcc_seq, size_t len,
                                      int64_t now_us)
{
    stoa_bwe_sent(&downlink->bwe, twcc_seq, (unsigned)len + STOA_WIRE_OVERHEAD, now_us);
}

/** A sink of the peer was changed: allot anew, if there is anything to allot. Before stoa_outlet_choose(). */
void stoa_downlink_changed(StoaPeer *peer);
/** Once a second. */
void stoa_downlink_tend(StoaDownlink *downlink, int64_t now_us);
/** The way to the client is another one: nothing is known of it. */
void stoa_downlink_moved(StoaDownlink *downlink);

/** Whether there is room for repeats: they would only add to a jam. */
bool stoa_downlink_may_resend(const StoaDownlink *downlink);

/** Whether its queue filled up a moment ago: what was sent then is stuck in it, or lost there. NULL is fine. */
bool stoa_downlink_is_jammed(const StoaDownlink *downlink, int64_t now_us);

/** How long a packet takes to the client now, and an answer from there, as far as that is known. At most a second. */
int64_t stoa_downlink_round_us(const StoaPeer *peer);

/** What can be sent in all; 0: not known, no limit. NULL is fine. */
uint32_t stoa_downlink_estimate_bps(const StoaDownlink *downlink);
