/* SPDX-License-Identifier: MIT */
#pragma once /* The `a=` lines, a table of handlers. Private to read.c. */

#include "sdp/scan.h"
#include "sdp/sdp.h"

/* What read.c keeps while it goes down the text. */
typedef struct {
    StoaSdp *sdp;
    StoaSdpMedia *media;   /* NULL: still in the session's part */
    unsigned line;         /* from 1 */
    int payload_at[128];   /* payload type -> index in media->payloads; -1: not on the m= line */
    unsigned feedback_all; /* of `a=rtcp-fb:*` */
    guint last_ssrc;       /* index of the SSRC seen last: its lines come together */
    /* what the session says for all its m-lines */
    StoaSdpDirection direction;
    StoaSdpExtmap exts[STOA_SDP_N_EXTS];
    bool rtcp_mux, rtcp_rsize;
} StoaSdpReader;

/* Takes the value of one attribute. Returns false with `error` if it is broken. */
typedef bool StoaSdpHandler(StoaSdpReader *reader, StoaSdpText value, GError **error);

/**
 * Take one attribute.
 *
 * @name   "rtpmap"
 * @value  what stands behind the colon; empty if there is none
 *
 * Returns false with `error` if it is a known one that is broken.
 */
bool stoa_sdp_attribute_read(StoaSdpReader *reader, StoaSdpText name, StoaSdpText value,
                             GError **error);

/** Fail with the number of the line: `what` stands there, `fits` would fit. `value` NULL: not to be repeated. Returns false. */
bool stoa_sdp_attribute_fail(const StoaSdpReader *reader, const char *what,
                             const StoaSdpText *value, const char *fits, GError **error);

/** Fail because a section has more than `max` of `what`: STOA_ERROR_LIMIT. Returns false. */
bool stoa_sdp_attribute_too_many(const StoaSdpReader *reader, const char *what, unsigned max,
                                 GError **error);

/** A copy that lives as long as the tree. */
const char *stoa_sdp_attribute_keep(const StoaSdpReader *reader, StoaSdpText text);
