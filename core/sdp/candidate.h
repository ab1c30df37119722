/* SPDX-License-Identifier: MIT */
#pragma once /* One ICE candidate, from a description or trickled. Pure. */

#include "sdp/sdp.h"

/**
 * Read one candidate: "candidate:…", with or without "a=" in front.
 *
 * @text       borrowed, `len` bytes
 * @strings    takes the strings of `candidate`
 * @candidate  written on success only
 *
 * Returns false with `error` (STOA_ERROR_INVALID). Thread: any.   Source: RFC 8839, 5.1; TCP: RFC 6544, 4.5.
 */
bool stoa_sdp_candidate_read(const char *text, size_t len, GStringChunk *strings,
                             StoaSdpCandidate *candidate, GError **error);
