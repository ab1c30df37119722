/* SPDX-License-Identifier: MIT */
#pragma once /* Seals what goes out: RTP by OpenSSL, straight from a shared payload into the send buffer. */

#include <glib.h>

#include "srtp/keys.h"

/*
 * Never seal two different packets under one SSRC, sequence number and roll-over counter: it breaks
 * AES-GCM for good, and AES-CM gives away both texts. Sealing the same bytes again is fine.
 */
typedef struct StoaSrtpSeal StoaSrtpSeal;

/* A payload in one or two parts, both borrowed. The prefix is for what differs between
 * subscribers: RTX's original sequence number, a rewritten VP8 descriptor. */
typedef struct {
    const uint8_t *prefix;
    size_t prefix_len;
    const uint8_t *data;
    size_t len;
} StoaSrtpPayload;

/**
 * One per peer: a keyed context for all its SSRCs, made when the first packet is sealed.
 *
 * Returns NULL if the keys have no known profile.
 * Thread: of the peer's worker, as all of the functions below.
 */
StoaSrtpSeal *stoa_srtp_seal_new(const StoaSrtpKeys *keys);

/** Free it and wipe the keys; NULL is fine. */
void stoa_srtp_seal_free(StoaSrtpSeal *seal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSrtpSeal, stoa_srtp_seal_free)

/** Bytes that sealing adds to an RTP packet: 16 or 10. */
size_t stoa_srtp_seal_overhead(const StoaSrtpSeal *seal);

/**
 * Seal one RTP packet.
 *
 * @packet      the send buffer; its first `header_len` bytes hold the whole RTP header with its
 *              extension block, the payload and the tag are written after it
 * @size        bytes at `packet`
 * @payload     plain text; must not overlap `packet`
 * @roc         the roll-over counter of this SSRC: how often its sequence number went past 65535
 *
 * Returns the length of the sealed packet, 0 if it does not fit. Allocates at the first packet only.
 * Source: RFC 7714, 8 and RFC 3711, 4.1.1 and 4.2.   Equal to libsrtp2 byte for byte, see its test.
 */
size_t stoa_srtp_seal_rtp(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len, size_t size,
                          const StoaSrtpPayload *payload, uint32_t roc);

/**
 * Seal an RTCP datagram in place, under the next index: one count for all sender SSRCs.
 *
 * @size  bytes at `buf`: `len` + STOA_SRTP_MAX_OVERHEAD at least
 *
 * Returns the sealed length, 0 on failure or when the 2^31 indices of the keys are used up.
 * Source: RFC 7714, 9 and RFC 3711, 3.4.
 */
size_t stoa_srtp_seal_rtcp(StoaSrtpSeal *seal, uint8_t *buf, size_t len, size_t size);
