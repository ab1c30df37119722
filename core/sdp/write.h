/* SPDX-License-Identifier: MIT */
#pragma once /* Plan to text: the SDP that we send. Pure. */

#include "sdp/plan.h"

/* Our end of the transport. Borrowed during the call. */
typedef struct {
    uint64_t session_id; /* the same for the whole session, below 2^63 */
    const char *ufrag, *pwd;
    const char *fingerprint; /* "sha-256 AB:CD:…" */
    bool ice_lite;
    bool trickle;                  /* candidates may follow: a=ice-options:trickle */
    const char *const *candidates; /* each "candidate:…"; may be NULL with n 0 */
    unsigned n_candidates;
    bool end_of_candidates;
    size_t max_bytes; /* of the text; 0: no limit */
} StoaSdpLocal;

/**
 * Write an offer or answer. Credentials and fingerprint are in every accepted section, candidates in the first.
 *
 * Returns the text with CRLF line ends, to be freed with g_free(); NULL with `error`: STOA_ERROR_LIMIT past `max_bytes`,
 * STOA_ERROR_INVALID if a string holds a control character (nothing can be smuggled in).
 */
char *stoa_sdp_write(const StoaSdpPlan *plan, const StoaSdpLocal *local, GError **error);

/** Write our side of ICE alone, as "trickle-ice-sdpfrag": credentials and candidates under the m-line that the others of the bundle
 * share it with. As stoa_sdp_write(). (RFC 8840, 9; RFC 9725, 4.3.3) */
char *stoa_sdp_write_fragment(const StoaSdpPlan *plan, const StoaSdpLocal *local, GError **error);
