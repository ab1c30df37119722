/* SPDX-License-Identifier: MIT */
#pragma once /* Opens what comes in, RTP and RTCP: authenticated, checked for replay, in place. */

#include <glib.h>

#include "srtp/keys.h"

typedef struct StoaSrtpOpen StoaSrtpOpen;

#define STOA_SRTP_OPEN_MAX_SSRCS 1024 /* one peer cannot fill our memory with streams */
#define STOA_SRTP_OPEN_RESTING   64   /* streams without a track that are remembered */

typedef enum {
    STOA_SRTP_OPEN_OK,
    STOA_SRTP_OPEN_REPLAY,    /* seen before, or older than the window: drop and count */
    STOA_SRTP_OPEN_BAD_AUTH,  /* forged, or damaged */
    STOA_SRTP_OPEN_MALFORMED, /* cut short, or anything else */
    STOA_SRTP_OPEN_TOO_MANY   /* a new SSRC beyond STOA_SRTP_OPEN_MAX_SSRCS: not even looked at */
} StoaSrtpOpenResult;

/**
 * One for all SSRCs that a peer sends. Its ciphers are made when the first packet of a kind comes.
 *
 * Returns NULL if the keys have no known profile.
 * Thread: of the peer's worker, as all of the functions below.
 */
StoaSrtpOpen *stoa_srtp_open_new(const StoaSrtpKeys *keys);

/** Free it and wipe the keys; NULL is fine. */
void stoa_srtp_open_free(StoaSrtpOpen *open);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSrtpOpen, stoa_srtp_open_free)

/**
 * Open an RTP packet in place.
 *
 * @buf  the datagram
 * @len  its length; becomes that of the plain packet on STOA_SRTP_OPEN_OK
 *
 * A new SSRC costs an allocation; an attacker without the keys cannot cause it.
 * Source: RFC 7714, 8 and RFC 3711, 3.3.   libsrtp2 gives the same verdicts, see its test.
 */
StoaSrtpOpenResult stoa_srtp_open_rtp(StoaSrtpOpen *open, uint8_t *buf, size_t *len);

/** The same for RTCP. */
StoaSrtpOpenResult stoa_srtp_open_rtcp(StoaSrtpOpen *open, uint8_t *buf, size_t *len);

/** Forget an SSRC (nobody's stream), so that the list stays short: its replay window goes too. One that rests stays. */
void stoa_srtp_open_forget(StoaSrtpOpen *open, uint32_t ssrc);

/**
 * An SSRC has a track, or has none for now. Its sender may go on under it after hours, and counts on: how often it rolled over is
 * told nowhere. So of those that rest STOA_SRTP_OPEN_RESTING are remembered; then the one that rests longest goes.
 */
void stoa_srtp_open_rest(StoaSrtpOpen *open, uint32_t ssrc, bool rests);
