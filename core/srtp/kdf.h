/* SPDX-License-Identifier: MIT */
#pragma once /* Private to srtp/: session keys from master keys. (RFC 3711, 4.3) */

#include "srtp/keys.h"

typedef enum {
    STOA_SRTP_LABEL_KEY = 0,
    STOA_SRTP_LABEL_AUTH = 1,
    STOA_SRTP_LABEL_SALT = 2,
    STOA_SRTP_LABEL_RTCP = 3 /* added to the three above for RTCP's own */
} StoaSrtpLabel;

/**
 * Derive `len` bytes (at most 32) for one use of a master key; the key derivation rate is 0.
 * Returns false if OpenSSL refuses (out of memory).
 */
bool stoa_srtp_kdf(const StoaSrtpKeys *keys, unsigned label, uint8_t *out, size_t len);
