/* SPDX-License-Identifier: MIT */
#pragma once /* How a plan is filled. Private to negotiate.c, offer.c and plan.c. */

#include "sdp/plan.h"

enum { STOA_SDP_MAX_MESSAGE_SIZE = 262144 }; /* bytes: what both browsers can send and take */

/** A new line at the end of the plan, not accepted, without payloads. Owned by the plan. */
StoaSdpLine *stoa_sdp_line_new(StoaSdpPlan *plan);

/** A copy that lives as long as the plan. NULL stays NULL. */
const char *stoa_sdp_line_keep(StoaSdpPlan *plan, const char *text);
StoaSdpTransport stoa_sdp_line_keep_transport(StoaSdpPlan *plan, const StoaSdpTransport *transport);
void stoa_sdp_line_keep_candidate(StoaSdpPlan *plan, const char *text);
void stoa_sdp_line_copy_numbers(StoaSdpPlan *plan, const StoaSdpPlan *from);

/** What they send on this m-line: encodings, SSRCs, msid. @by_rid: simulcast by rid may be taken. */
void stoa_sdp_line_take_streams(StoaSdpPlan *plan, StoaSdpLine *line, const StoaSdpMedia *media,
                                bool by_rid);

/** Whether an m-line is alive: port not 0, or bundle-only. */
static inline bool stoa_sdp_line_is_alive(const StoaSdpMedia *media)
{
    return media->port != 0 || media->bundle_only;
}

/** mid -> the BUNDLE group that holds it (a number from 1, as a pointer); to be unreffed. Mids borrowed from `sdp`. */
GHashTable *stoa_sdp_line_bundles_new(const StoaSdp *sdp);

/**
 * Take the other end's transport from its m-lines that we accepted: the first one that tells each thing. Sets
 * `ice_restart` by `before`.
 *
 * Returns false with `error` if lines were accepted but credentials or fingerprint are nowhere.
 */
bool stoa_sdp_line_take_transport(StoaSdpPlan *plan, const StoaSdp *sdp, const StoaSdpPlan *before,
                                  GError **error);
