/* SPDX-License-Identifier: MIT */
#pragma once /* Our own offer, and what the answer makes of it. Pure. (RFC 8829, 5.2 and 5.11)
 *
 *   plan = stoa_sdp_offer(slots, n, before, error)
 *   text = stoa_sdp_write(plan, &local, error)
 *   sdp = stoa_sdp_read(answer, len, &limits, error)
 *   agreed = stoa_sdp_accept_answer(plan, sdp, error)
 *
 * `before` of the next round is `agreed`; an offer that is replaced without an answer is `before` of its successor. */

#include "sdp/plan.h"

/* One m-line that we want. Strings are copied. Payload numbers and extension ids are chosen for it. */
typedef struct {
    const char *mid;  /* NULL: as before at this index, or the index as text */
    StoaSdpKind kind; /* audio, video or application */
    StoaSdpDirection direction;
    bool stopped;      /* port 0: the m-line may later be used for something else */
    const char *codec; /* "vp8"; NULL: as before at this index (for inactive lines) */
    const char *fmtp;  /* NULL: none; see stoa_sdp_fmtp_forward_dup() */
    bool rtx;
    bool red;          /* audio: redundant audio around the codec, too (RFC 2198) */
    unsigned feedback; /* STOA_SDP_FB_* */
    uint32_t exts;     /* STOA_SDP_EXT_BIT() of each */
    StoaSdpSend send;
    uint64_t max_message_size; /* application: bytes that we take; 0: 262144 */
} StoaSdpSlot;

/** The feedback and extensions that we offer with a stream of this kind to a subscriber. */
unsigned stoa_sdp_offer_feedback(StoaSdpKind kind);
uint32_t stoa_sdp_offer_exts(StoaSdpKind kind);

/**
 * Make an offer.
 *
 * @slots   all m-lines in order, those of `before` first
 * @before  our last description in this session; NULL: none
 *
 * A codec with its parameters keeps its payload numbers for the life of the session, and no number is ever used for
 * another. Extension ids are the same on every m-line and in every offer.
 *
 * Returns NULL with `error`: STOA_ERROR_INVALID for a slot that does not fit (unknown codec, another kind than before),
 * STOA_ERROR_LIMIT when the payload numbers are used up.
 */
StoaSdpPlan *stoa_sdp_offer(const StoaSdpSlot *slots, unsigned n_slots, const StoaSdpPlan *before,
                            GError **error);

/**
 * Compare an answer with our offer: which lines were accepted, with which direction, payload numbers, rtx, feedback and
 * extensions. A line whose codec the answer took out is not accepted; its `reason` says so.
 *
 * Returns a new plan of the same lines, NULL with `error` (STOA_ERROR_INVALID) if the answer does not belong to the offer
 * or lacks what a connection needs.
 */
StoaSdpPlan *stoa_sdp_accept_answer(const StoaSdpPlan *offer, const StoaSdp *answer,
                                    GError **error);
