/* SPDX-License-Identifier: MIT */
#pragma once /* Cutting text into lines, words and numbers. Private to sdp/. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A piece of borrowed text, without NUL at its end. */
typedef struct {
    const char *at;
    size_t len;
} StoaSdpText;

static inline StoaSdpText stoa_sdp_scan_text(const char *text)
{
    return (StoaSdpText){ text, text ? strlen(text) : 0 };
}

/** Take what stands before the first `stop` off the front, and `stop` too; all of it if there is none. */
StoaSdpText stoa_sdp_scan_until(StoaSdpText *rest, char stop);

/** Take the next word off the front, spaces before it passed over; empty at the end. */
StoaSdpText stoa_sdp_scan_word(StoaSdpText *rest);

/** Whether it is exactly this text. */
bool stoa_sdp_scan_is(StoaSdpText text, const char *literal);

/** The same, letters in any case. */
bool stoa_sdp_scan_is_like(StoaSdpText text, const char *literal);

/** Whether it begins with this text; then that is taken off. */
bool stoa_sdp_scan_skip(StoaSdpText *text, const char *literal);

/** A decimal number from 0 to `max`, digits only. Returns false if it is anything else. */
bool stoa_sdp_scan_number(StoaSdpText text, uint64_t max, uint64_t *number);

/** Whether all of 1 to `max` characters are letters, digits, '-' or '_'. */
bool stoa_sdp_scan_is_id(StoaSdpText text, size_t max);

/** Whether all of 1 to `max` characters are visible ASCII (the tokens of SDP, and a little more). */
bool stoa_sdp_scan_is_token(StoaSdpText text, size_t max);

/** A copy that lives as long as `strings`. */
const char *stoa_sdp_scan_keep(GStringChunk *strings, StoaSdpText text);

/** For error texts: the first characters, anything unprintable as '?'. Returns `buf`. */
const char *stoa_sdp_scan_show(StoaSdpText text, char buf[48]);
