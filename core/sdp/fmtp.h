/* SPDX-License-Identifier: MIT */
#pragma once /* The parameters of a codec: `key=value;key=value`. Pure. */

#include "sdp/sdp.h"

/**
 * Look up a parameter; keys in any case.
 *
 * @fmtp   NULL: no parameters at all
 * @value  gets the text, cut to `size` bytes with NUL; may be NULL
 *
 * Returns false if it is not there.
 */
bool stoa_sdp_fmtp_get(const char *fmtp, const char *key, char *value, size_t size);

/** The same as a number; `missing` if it is not there or is no number. */
long stoa_sdp_fmtp_number(const char *fmtp, const char *key, long missing);

/**
 * `fmtp` with one parameter put, changed, or with `value` NULL taken out; the others stay as they were.
 *
 * Returns a new string, to be freed with g_free(); NULL if nothing is left.
 */
char *stoa_sdp_fmtp_set_dup(const char *fmtp, const char *key, const char *value);

/**
 * Whether two sets of parameters describe the same stream to a decoder: profile of H.264 (level apart) and
 * packetization mode, profile of VP9 and AV1. Always true for others.
 */
bool stoa_sdp_fmtp_same(StoaSdpCodec codec, const char *a, const char *b);

/**
 * What a sender's parameters become in our offer to those who receive the stream: what describes the stream stays
 * (profiles, opus), what limits its own receiver goes (max-fs, max-fr).
 *
 * Returns a new string, NULL if nothing is left.
 */
char *stoa_sdp_fmtp_forward_dup(StoaSdpCodec codec, const char *fmtp);
