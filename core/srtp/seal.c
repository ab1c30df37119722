/* SPDX-License-Identifier: MIT */
/* The sealer: one keyed OpenSSL context for all packets of a peer, one IV each.
 *
 * HMAC-SHA1 goes by OpenSSL's low-level functions: the state after the key's pad is a plain struct
 * that a packet copies, where EVP would allocate. They are deprecated, not going away in 3.x. */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "srtp/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "rtp/bytes.h"
#include "srtp/kdf.h"
#include "srtp/session.h"

#define HEADER_MIN   12
#define GCM_TAG_LEN  16
#define SHA1_TAG_LEN 10
#define HMAC_KEY_LEN 20
#define SHA1_BLOCK   64
#define AES_BLOCK    16

struct StoaSrtpSeal {
    StoaSrtpProfile profile;
    EVP_CIPHER_CTX *cipher;
    uint8_t salt[STOA_SRTP_SALT_MAX]; /* of the session, not the master's */
    SHA_CTX inner, outer;             /* after the key's pads */
    srtp_t rtcp;
};

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

static bool keep_auth(StoaSrtpSeal *seal, const StoaSrtpKeys *keys)
{
    uint8_t key[HMAC_KEY_LEN];

    if (!stoa_srtp_kdf(keys, STOA_SRTP_LABEL_AUTH, key, sizeof(key)))
        return false;
    keep_pad(&seal->inner, key, 0x36);
    keep_pad(&seal->outer, key, 0x5c);
    OPENSSL_cleanse(key, sizeof(key));
    return true;
}

static bool keep_keys(StoaSrtpSeal *seal, const StoaSrtpKeys *keys)
{
    bool is_gcm = keys->profile == STOA_SRTP_AEAD_AES_128_GCM;
    uint8_t key[STOA_SRTP_KEY_LEN];
    bool is_kept;

    seal->cipher = EVP_CIPHER_CTX_new();
    is_kept =
        seal->cipher && stoa_srtp_kdf(keys, STOA_SRTP_LABEL_KEY, key, sizeof(key)) &&
        stoa_srtp_kdf(keys, STOA_SRTP_LABEL_SALT, seal->salt, stoa_srtp_salt_len(keys->profile)) &&
        EVP_EncryptInit_ex(seal->cipher, is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL, key,
                           NULL) == 1;
    OPENSSL_cleanse(key, sizeof(key));
    return is_kept && (is_gcm || keep_auth(seal, keys));
}

StoaSrtpSeal *stoa_srtp_seal_new(const StoaSrtpKeys *keys)
{
    g_autoptr(StoaSrtpSeal) seal = g_new0(StoaSrtpSeal, 1);

    seal->profile = keys->profile;
    seal->rtcp = stoa_srtp_session_new(keys, ssrc_any_outbound);
    if (!seal->rtcp || !keep_keys(seal, keys))
        return NULL;
    return g_steal_pointer(&seal);
}

void stoa_srtp_seal_free(StoaSrtpSeal *seal)
{
    if (!seal)
        return;
    EVP_CIPHER_CTX_free(seal->cipher);
    if (seal->rtcp)
        srtp_dealloc(seal->rtcp);
    OPENSSL_cleanse(seal, sizeof(*seal));
    g_free(seal);
}

size_t stoa_srtp_seal_overhead(const StoaSrtpSeal *seal)
{
    return seal->profile == STOA_SRTP_AEAD_AES_128_GCM ? GCM_TAG_LEN : SHA1_TAG_LEN;
}

static bool encrypt_some(StoaSrtpSeal *seal, const uint8_t *from, size_t len, uint8_t *out)
{
    int n;

    return len == 0 || EVP_EncryptUpdate(seal->cipher, out, &n, from, (int)len) == 1;
}

/* Encrypts both parts of the payload, one after the other. A short prefix is filled up to a cipher
 * block first: what follows in whole blocks is much faster than what begins in the middle of one. */
static bool encrypt(StoaSrtpSeal *seal, const StoaSrtpPayload *payload, uint8_t *out)
{
    uint8_t block[AES_BLOCK];
    size_t filled = AES_BLOCK - payload->prefix_len;

    if (payload->prefix_len == 0 || payload->prefix_len >= AES_BLOCK || payload->len < filled)
        return encrypt_some(seal, payload->prefix, payload->prefix_len, out) &&
               encrypt_some(seal, payload->data, payload->len, out + payload->prefix_len);
    memcpy(block, payload->prefix, payload->prefix_len);
    memcpy(block + payload->prefix_len, payload->data, filled);
    return encrypt_some(seal, block, AES_BLOCK, out) &&
           encrypt_some(seal, payload->data + filled, payload->len - filled, out + AES_BLOCK);
}

/* The IV is the salt with SSRC, roll-over counter and sequence number laid over it. */
static void make_iv(const StoaSrtpSeal *seal, size_t ssrc_at, const uint8_t *packet, uint32_t roc,
                    uint8_t *iv)
{
    uint8_t roc_bytes[4];

    stoa_bytes_put32(roc_bytes, roc);
    for (size_t i = 0; i < 4; i++) {
        iv[ssrc_at + i] = seal->salt[ssrc_at + i] ^ packet[8 + i];
        iv[ssrc_at + 4 + i] = seal->salt[ssrc_at + 4 + i] ^ roc_bytes[i];
    }
    iv[ssrc_at + 8] = seal->salt[ssrc_at + 8] ^ packet[2];
    iv[ssrc_at + 9] = seal->salt[ssrc_at + 9] ^ packet[3];
    memcpy(iv, seal->salt, ssrc_at);
}

/* RFC 7714, 8.1 and 9.1: the header is authenticated, the payload sealed, the tag comes last. */
static bool seal_gcm(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len,
                     const StoaSrtpPayload *payload, uint32_t roc, uint8_t *tag)
{
    uint8_t iv[12];
    int n;

    make_iv(seal, 2, packet, roc, iv);
    return EVP_EncryptInit_ex(seal->cipher, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(seal->cipher, NULL, &n, packet, (int)header_len) == 1 &&
           encrypt(seal, payload, packet + header_len) &&
           EVP_EncryptFinal_ex(seal->cipher, tag, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(seal->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) == 1;
}

/* RFC 3711, 4.2.1: over the packet and the roll-over counter, which is not sent. */
static void sign(const StoaSrtpSeal *seal, const uint8_t *packet, size_t len, uint32_t roc,
                 uint8_t *tag)
{
    uint8_t digest[SHA_DIGEST_LENGTH], roc_bytes[4];
    SHA_CTX sha = seal->inner;

    stoa_bytes_put32(roc_bytes, roc);
    SHA1_Update(&sha, packet, len);
    SHA1_Update(&sha, roc_bytes, sizeof(roc_bytes));
    SHA1_Final(digest, &sha);
    sha = seal->outer;
    SHA1_Update(&sha, digest, sizeof(digest));
    SHA1_Final(digest, &sha);
    memcpy(tag, digest, SHA1_TAG_LEN);
}

/* RFC 3711, 4.1.1 */
static bool seal_cm(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len,
                    const StoaSrtpPayload *payload, uint32_t roc, uint8_t *tag)
{
    uint8_t iv[16] = { 0 };

    make_iv(seal, 4, packet, roc, iv);
    if (EVP_EncryptInit_ex(seal->cipher, NULL, NULL, NULL, iv) != 1 ||
        !encrypt(seal, payload, packet + header_len))
        return false;
    sign(seal, packet, (size_t)(tag - packet), roc, tag);
    return true;
}

size_t stoa_srtp_seal_rtp(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len, size_t size,
                          const StoaSrtpPayload *payload, uint32_t roc)
{
    size_t plain_len = header_len + payload->prefix_len + payload->len;
    size_t len = plain_len + stoa_srtp_seal_overhead(seal);
    uint8_t *tag = packet + plain_len;
    bool is_sealed;

    if (header_len < HEADER_MIN || len > size || len > UINT16_MAX)
        return 0;
    if (seal->profile == STOA_SRTP_AEAD_AES_128_GCM)
        is_sealed = seal_gcm(seal, packet, header_len, payload, roc, tag);
    else
        is_sealed = seal_cm(seal, packet, header_len, payload, roc, tag);
    return is_sealed ? len : 0;
}

size_t stoa_srtp_seal_rtcp(StoaSrtpSeal *seal, uint8_t *buf, size_t len, size_t size)
{
    int sealed_len = (int)len;

    if (len < 8 || len > UINT16_MAX || size < len + STOA_SRTP_MAX_OVERHEAD)
        return 0;
    if (srtp_protect_rtcp(seal->rtcp, buf, &sealed_len) != srtp_err_status_ok)
        return 0;
    return (size_t)sealed_len;
}
