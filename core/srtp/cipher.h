/* SPDX-License-Identifier: MIT */
#pragma once /* Private to srtp/: the session keys of one direction, for RTP or for RTCP, ready to be used. */

#include <openssl/types.h>

#include "srtp/keys.h"

enum { STOA_SRTP_GCM_TAG = 16, STOA_SRTP_SHA1_TAG = 10, STOA_SRTP_IV_MAX = 16 };

/* Zeroed before the first use. Its memory is OpenSSL's, and taken when the first packet comes: most peers never see
 * a packet of some kind. */
typedef struct {
    EVP_CIPHER_CTX *ctx;       /* NULL: no packet came yet */
    struct StoaSrtpPads *pads; /* of HMAC-SHA1; NULL for GCM */
    uint8_t salt[STOA_SRTP_SALT_MAX];
} StoaSrtpCipher;

typedef enum { STOA_SRTP_FOR_SEAL = 1, STOA_SRTP_FOR_RTCP = 2 } StoaSrtpUse; /* flags */

/** Make it ready if it is not yet. Returns false if OpenSSL refuses (out of memory). */
bool stoa_srtp_cipher_ready(StoaSrtpCipher *cipher, const StoaSrtpKeys *keys, unsigned use);

/** Free its memory and wipe it. */
void stoa_srtp_cipher_clear(StoaSrtpCipher *cipher);

static inline bool stoa_srtp_is_gcm(const StoaSrtpKeys *keys)
{
    return keys->profile == STOA_SRTP_AEAD_AES_128_GCM;
}

static inline size_t stoa_srtp_tag_len(const StoaSrtpKeys *keys)
{
    return stoa_srtp_is_gcm(keys) ? STOA_SRTP_GCM_TAG : STOA_SRTP_SHA1_TAG;
}

/* What makes the IV of a packet: never the same twice for sealing. */
typedef struct {
    uint32_t ssrc;
    uint64_t
        index; /* RTP: roll-over counter and sequence number, 48 bits; RTCP: the index, 31 bits */
} StoaSrtpNonce;

/** Begin a packet of GCM: its IV, and the bytes that are authenticated only. (RFC 7714, 8.1 and 9.1) */
bool stoa_srtp_gcm_begin(StoaSrtpCipher *cipher, const StoaSrtpNonce *nonce, const uint8_t *aad,
                         size_t aad_len);

/** More bytes that are authenticated only. */
bool stoa_srtp_gcm_aad(StoaSrtpCipher *cipher, const uint8_t *aad, size_t aad_len);

/** Begin a packet of AES-CM: its IV. (RFC 3711, 4.1.1) */
bool stoa_srtp_cm_begin(StoaSrtpCipher *cipher, const StoaSrtpNonce *nonce);

/** Encrypt or decrypt some bytes, `out` may be `in`. */
bool stoa_srtp_cipher_run(StoaSrtpCipher *cipher, const uint8_t *in, size_t len, uint8_t *out);

/** End a packet of GCM. Sealing: writes the tag. */
bool stoa_srtp_gcm_seal(StoaSrtpCipher *cipher, uint8_t *tag);
/** Opening: compares the tag. What was decrypted before is worthless if it returns false. */
bool stoa_srtp_gcm_open(StoaSrtpCipher *cipher, const uint8_t *tag);

/** HMAC-SHA1 over `len` bytes and, unless NULL, four more: the first STOA_SRTP_SHA1_TAG bytes. (RFC 3711, 4.2.1) */
void stoa_srtp_sign(const StoaSrtpCipher *cipher, const uint8_t *buf, size_t len,
                    const uint8_t more[4], uint8_t *tag);
