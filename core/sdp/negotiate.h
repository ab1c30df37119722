/* SPDX-License-Identifier: MIT */
#pragma once /* An offer and our rules make an answer. Pure: no I/O, no clock, no randomness. (RFC 8829, 5.3; RFC 3264, 6)
 *
 *   sdp = stoa_sdp_read(text, len, &limits, error)
 *   plan = stoa_sdp_answer(sdp, &rules, before, error)       what both can do
 *   stoa_sdp_plan_send(plan, i, &send or NULL)               for each line: what we do send
 *   text = stoa_sdp_write(plan, &local, error)
 *
 * `before` of the next round is this plan. A round that fails changes nothing. */

#include "sdp/plan.h"

typedef enum { STOA_SDP_AS_OFFERED, STOA_SDP_YES, STOA_SDP_NO } StoaSdpWish;

/* What we take of one kind of m-line. All zero: nothing. */
typedef struct {
    bool accept;
    bool can_receive, can_send; /* the most that the answer's direction may say */
    const char *
        codecs; /* allowed, in order of preference: "vp8,h264"; NULL: all we know in the order of the offer */
    uint32_t exts;     /* STOA_SDP_EXT_BIT() of each wanted extension */
    unsigned feedback; /* STOA_SDP_FB_* that we understand */
    bool rtx, red;
    bool simulcast; /* by rid: needs the extension STOA_SDP_EXT_RID too */
    bool every;     /* of a line that we only send on: agree on all of `codecs`, the best first */
} StoaSdpKindRules;

typedef struct {
    StoaSdpKindRules audio, video;
    const char *
        h264_profile; /* profile-level-id, of which the level does not count: "42e01f"; NULL: any */
    const char *vp9_profile;                     /* "0", "2"; NULL: any, 0 first */
    StoaSdpWish opus_fec, opus_dtx, opus_stereo; /* what the sender shall do */
    bool data;
    uint64_t max_message_size; /* bytes that we take, 262144 at most; 0: 262144 */
} StoaSdpRules;

/** Rules that take everything we know, both ways, in the order of the offer; no red. To be narrowed by the caller. */
void stoa_sdp_rules_init(StoaSdpRules *rules);

/**
 * Answer an offer.
 *
 * @before  our last description in this session, offer or answer; NULL: this is the first. A codec chosen before is kept
 *          while it is offered and allowed.
 *
 * An m-line that cannot be taken (kind, codecs, outside the BUNDLE of the first, no rtcp-mux) is refused with a reason in
 * words, the others go on. Extension ids hold for the whole BUNDLE: one that means two things is taken for the first only.
 *
 * Returns NULL with `error` (STOA_ERROR_INVALID; refused as "no_codec" if nothing of a first offer can be taken) if credentials are missing, the
 * offer lost m-lines, or put another medium or mid in the place of one that had not been stopped.
 */
StoaSdpPlan *stoa_sdp_answer(const StoaSdp *offer, const StoaSdpRules *rules,
                             const StoaSdpPlan *before, GError **error);

/** Whether the other end restarted ICE: both known, and ufrag or pwd differ. (RFC 8839, 4.4.1.1.1) */
bool stoa_sdp_ice_restarted(const StoaSdpTransport *before, const StoaSdpTransport *now);
