/* SPDX-License-Identifier: MIT */
/* One keyed OpenSSL context for all packets of a direction, one IV each.
 *
 * HMAC-SHA1 goes by OpenSSL's low-level functions: the state after the key's pad is a plain struct
 * that a packet copies, where EVP would allocate. They are deprecated, not going away in 3.x. */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "srtp/cipher.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "rtp/bytes.h"
#include "srtp/kdf.h"

enum { HMAC_KEY_LEN = 20, SHA1_BLOCK = 64 };

/* The states after the key's pads. */
struct StoaSrtpPads {
    SHA_CTX inner, outer;
};

/* -- keys ---------------------------------------------------------------------------------- */

static void keep_pad(SHA_CTX *sha, const uint8_t key[HMAC_KEY_LEN], uint8_t pad)
{
    uint8_t block[SHA1_BLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < HMAC_KEY_LEN; i++)
        block[i] ^= key[i];
    SHA1_Init(sha);
    SHA1_Update(sha, block, sizeof(block));
    OPENSSL_cleanse(block, sizeof(block));
}

static bool keep_auth(StoaSrtpCipher *cipher, const StoaSrtpKeys *keys, unsigned label)
{
    uint8_t key[HMAC_KEY_LEN];

    if (!stoa_srtp_kdf(keys, label + STOA_SRTP_LABEL_AUTH, key, sizeof(key)))
        return false;
    cipher->pads = g_new(struct StoaSrtpPads, 1);
    keep_pad(&cipher->pads->inner, key, 0x36);
    keep_pad(&cipher->pads->outer, key, 0x5c);
    OPENSSL_cleanse(key, sizeof(key));
    return true;
}

static bool keep_keys(StoaSrtpCipher *cipher, const StoaSrtpKeys *keys, unsigned use)
{
    unsigned label = use & STOA_SRTP_FOR_RTCP ? STOA_SRTP_LABEL_RTCP : 0;
    bool is_gcm = stoa_srtp_is_gcm(keys);
    int encrypts = !is_gcm || use & STOA_SRTP_FOR_SEAL;
    uint8_t key[STOA_SRTP_KEY_LEN];
    bool is_kept;

    cipher->ctx = EVP_CIPHER_CTX_new();
    is_kept = cipher->ctx && stoa_srtp_kdf(keys, label + STOA_SRTP_LABEL_KEY, key, sizeof(key)) &&
              stoa_srtp_kdf(keys, label + STOA_SRTP_LABEL_SALT, cipher->salt,
                            stoa_srtp_salt_len(keys->profile)) &&
              EVP_CipherInit_ex(cipher->ctx, is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL,
                                key, NULL, encrypts) == 1;
    OPENSSL_cleanse(key, sizeof(key));
    return is_kept && (is_gcm || keep_auth(cipher, keys, label));
}

bool stoa_srtp_cipher_ready(StoaSrtpCipher *cipher, const StoaSrtpKeys *keys, unsigned use)
{
    if (G_LIKELY(cipher->ctx))
        return true;
    if (keep_keys(cipher, keys, use))
        return true;
    stoa_srtp_cipher_clear(cipher);
    return false;
}

void stoa_srtp_cipher_clear(StoaSrtpCipher *cipher)
{
    EVP_CIPHER_CTX_free(cipher->ctx);
    if (cipher->pads)
        OPENSSL_cleanse(cipher->pads, sizeof(*cipher->pads));
    g_free(cipher->pads);
    OPENSSL_cleanse(cipher, sizeof(*cipher));
}

/* -- packets ------------------------------------------------------------------------------- */

/* The salt with SSRC and index laid over it: both are big-endian numbers, ten bytes from `ssrc_at` on. */
static void make_iv(const StoaSrtpCipher *cipher, size_t ssrc_at, const StoaSrtpNonce *nonce,
                    uint8_t *iv)
{
    uint8_t over[10];

    stoa_bytes_put32(over, nonce->ssrc);
    stoa_bytes_put16(over + 4, (uint16_t)(nonce->index >> 32));
    stoa_bytes_put32(over + 6, (uint32_t)nonce->index);
    memcpy(iv, cipher->salt, ssrc_at);
    for (size_t i = 0; i < sizeof(over); i++)
        iv[ssrc_at + i] = cipher->salt[ssrc_at + i] ^ over[i];
}

bool stoa_srtp_gcm_begin(StoaSrtpCipher *cipher, const StoaSrtpNonce *nonce, const uint8_t *aad,
                         size_t aad_len)
{
    uint8_t iv[12];

    make_iv(cipher, 2, nonce, iv);
    return EVP_CipherInit_ex(cipher->ctx, NULL, NULL, NULL, iv, -1) == 1 &&
           stoa_srtp_gcm_aad(cipher, aad, aad_len);
}

bool stoa_srtp_gcm_aad(StoaSrtpCipher *cipher, const uint8_t *aad, size_t aad_len)
{
    int n;

    return EVP_CipherUpdate(cipher->ctx, NULL, &n, aad, (int)aad_len) == 1;
}

bool stoa_srtp_cm_begin(StoaSrtpCipher *cipher, const StoaSrtpNonce *nonce)
{
    uint8_t iv[16] = { 0 };

    make_iv(cipher, 4, nonce, iv);
    return EVP_CipherInit_ex(cipher->ctx, NULL, NULL, NULL, iv, -1) == 1;
}

bool stoa_srtp_cipher_run(StoaSrtpCipher *cipher, const uint8_t *in, size_t len, uint8_t *out)
{
    int n;

    return len == 0 || EVP_CipherUpdate(cipher->ctx, out, &n, in, (int)len) == 1;
}

bool stoa_srtp_gcm_seal(StoaSrtpCipher *cipher, uint8_t *tag)
{
    int n;

    return EVP_CipherFinal_ex(cipher->ctx, tag, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_GET_TAG, STOA_SRTP_GCM_TAG, tag) == 1;
}

bool stoa_srtp_gcm_open(StoaSrtpCipher *cipher, const uint8_t *tag)
{
    uint8_t nothing[STOA_SRTP_IV_MAX];
    int n;

    return EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_SET_TAG, STOA_SRTP_GCM_TAG,
                               (void *)tag) == 1 &&
           EVP_CipherFinal_ex(cipher->ctx, nothing, &n) == 1;
}

void stoa_srtp_sign(const StoaSrtpCipher *cipher, const uint8_t *buf, size_t len,
                    const uint8_t more[4], uint8_t *tag)
{
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha = cipher->pads->inner;

    SHA1_Update(&sha, buf, len);
    if (more)
        SHA1_Update(&sha, more, 4);
    SHA1_Final(digest, &sha);
    sha = cipher->pads->outer;
    SHA1_Update(&sha, digest, sizeof(digest));
    SHA1_Final(digest, &sha);
    memcpy(tag, digest, STOA_SRTP_SHA1_TAG);
}
