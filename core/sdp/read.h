/* SPDX-License-Identifier: MIT */
#pragma once /* Text to tree: offers and answers. Pure, no I/O. */

#include "sdp/sdp.h"

typedef struct {
    size_t max_bytes;   /* of the whole text; 0: no limit */
    unsigned max_media; /* m-lines; 0: no limit */
} StoaSdpLimits;

/**
 * Read a session description.
 *
 * @text    borrowed, `len` bytes, need not end in NUL; lines end in CRLF or LF
 * @limits  NULL: none
 *
 * Lines and attributes that we do not know are passed over. A known one that is broken is an error that names the line and
 * says what would fit, except where nothing is lost with it (a candidate, a restriction of a rid): then it is left out.
 * Time is linear in `len`.
 *
 * Returns NULL with `error`: STOA_ERROR_LIMIT past a limit, else STOA_ERROR_INVALID.
 * Thread: any.   Source: RFC 8866, 8829 (5.8), 8839, 8842, 8843, 8841, 8853, 8285, 5576.   Fuzzed by: test/fuzz/sdp.c
 */
StoaSdp *stoa_sdp_read(const char *text, size_t len, const StoaSdpLimits *limits, GError **error);

/** The same for "trickle-ice-sdpfrag": no v=, o=, s= lines, m-lines for those that candidates belong to. (RFC 8840, 9) */
StoaSdp *stoa_sdp_read_fragment(const char *text, size_t len, const StoaSdpLimits *limits,
                                GError **error);
