/* SPDX-License-Identifier: MIT */
#pragma once /* Opens what comes in, RTP and RTCP: authenticated, checked for replay, in place. libsrtp2 does it. */

#include <glib.h>

#include "srtp/keys.h"

typedef struct StoaSrtpOpen StoaSrtpOpen;

#define STOA_SRTP_OPEN_MAX_SSRCS 1024 /* one peer cannot fill our memory with streams */

typedef enum {
    STOA_SRTP_OPEN_OK,
    STOA_SRTP_OPEN_REPLAY,    /* seen before, or older than the window: drop and count */
    STOA_SRTP_OPEN_BAD_AUTH,  /* forged, or damaged */
    STOA_SRTP_OPEN_MALFORMED, /* cut short, or anything else */
    STOA_SRTP_OPEN_TOO_MANY   /* a new SSRC beyond STOA_SRTP_OPEN_MAX_SSRCS: not even looked at */
} StoaSrtpOpenResult;

/** Make libsrtp2 ready. Any thread, any number of times; returns false if the library refuses. */
bool stoa_srtp_init(void);

/**
 * A session for all SSRCs that one peer sends.
 *
 * Returns NULL if the keys have no known profile or memory is out. Calls stoa_srtp_init().
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
 * A new SSRC costs an allocation inside libsrtp2, an attacker without the keys cannot cause it.
 */
StoaSrtpOpenResult stoa_srtp_open_rtp(StoaSrtpOpen *open, uint8_t *buf, size_t *len);

/** The same for RTCP. */
StoaSrtpOpenResult stoa_srtp_open_rtcp(StoaSrtpOpen *open, uint8_t *buf, size_t *len);

/** Forget an SSRC (a stream that ended), so that the list stays short: its replay window goes too. */
void stoa_srtp_open_forget(StoaSrtpOpen *open, uint32_t ssrc);
