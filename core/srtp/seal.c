/* SPDX-License-Identifier: MIT */
/* The sealer: RTP from a shared payload straight into the send buffer, RTCP in place. */
#include "srtp/seal.h"

#include <openssl/crypto.h>
#include <string.h>

#include "rtp/bytes.h"
#include "srtp/cipher.h"

#include "base/poison.h"

enum {
    RTP_MIN = 12,
    RTCP_HEAD = 8,
    RTCP_INDEX = 4, /* bytes of a word with the index behind the payload */
    AES_BLOCK = 16,
};
#define ENCRYPTED (UINT32_C(1) << 31)
#define MAX_RTCP  (ENCRYPTED - 1)

struct StoaSrtpSeal {
    StoaSrtpCipher rtp, rtcp;
    StoaSrtpKeys keys;
    uint32_t rtcp_index; /* of the last one, over all SSRCs: no nonce comes twice */
};

/* -- life ---------------------------------------------------------------------------------- */

StoaSrtpSeal *stoa_srtp_seal_new(const StoaSrtpKeys *keys)
{
    StoaSrtpSeal *seal;

    if (stoa_srtp_salt_len(keys->profile) == 0)
        return NULL;
    seal = g_new0(StoaSrtpSeal, 1);
    seal->keys = *keys;
    return seal;
}

void stoa_srtp_seal_free(StoaSrtpSeal *seal)
{
    if (!seal)
        return;
    stoa_srtp_cipher_clear(&seal->rtp);
    stoa_srtp_cipher_clear(&seal->rtcp);
    OPENSSL_cleanse(seal, sizeof(*seal));
    g_free(seal);
}

size_t stoa_srtp_seal_overhead(const StoaSrtpSeal *seal)
{
    return stoa_srtp_tag_len(&seal->keys);
}

/* -- RTP ----------------------------------------------------------------------------------- */

/* Encrypts both parts of the payload, one after the other. A short prefix is filled up to a cipher
 * block first: what follows in whole blocks is much faster than what begins in the middle of one. */
static bool encrypt(StoaSrtpCipher *cipher, const StoaSrtpPayload *payload, uint8_t *out)
{
    uint8_t block[AES_BLOCK];
    size_t filled = AES_BLOCK - payload->prefix_len;

    if (payload->prefix_len == 0 || payload->prefix_len >= AES_BLOCK || payload->len < filled)
        return stoa_srtp_cipher_run(cipher, payload->prefix, payload->prefix_len, out) &&
               stoa_srtp_cipher_run(cipher, payload->data, payload->len, out + payload->prefix_len);
    memcpy(block, payload->prefix, payload->prefix_len);
    memcpy(block + payload->prefix_len, payload->data, filled);
    return stoa_srtp_cipher_run(cipher, block, AES_BLOCK, out) &&
           stoa_srtp_cipher_run(cipher, payload->data + filled, payload->len - filled,
                                out + AES_BLOCK);
}

/* RFC 7714, 8.1 and 9.1: the header is authenticated, the payload sealed, the tag comes last. */
static bool seal_gcm(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len,
                     const StoaSrtpPayload *payload, const StoaSrtpNonce *nonce, uint8_t *tag)
{
    return stoa_srtp_gcm_begin(&seal->rtp, nonce, packet, header_len) &&
           encrypt(&seal->rtp, payload, packet + header_len) && stoa_srtp_gcm_seal(&seal->rtp, tag);
}

/* RFC 3711, 4.1.1 and 4.2: the roll-over counter is authenticated, but not sent. */
static bool seal_cm(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len,
                    const StoaSrtpPayload *payload, const StoaSrtpNonce *nonce, uint8_t *tag)
{
    uint8_t roc[4];

    if (!stoa_srtp_cm_begin(&seal->rtp, nonce) ||
        !encrypt(&seal->rtp, payload, packet + header_len))
        return false;
    stoa_bytes_put32(roc, (uint32_t)(nonce->index >> 16));
    stoa_srtp_sign(&seal->rtp, packet, (size_t)(tag - packet), roc, tag);
    return true;
}

size_t stoa_srtp_seal_rtp(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len, size_t size,
                          const StoaSrtpPayload *payload, uint32_t roc)
{
    size_t plain_len = header_len + payload->prefix_len + payload->len;
    size_t len = plain_len + stoa_srtp_tag_len(&seal->keys);
    StoaSrtpNonce nonce;
    bool is_sealed;

    if (header_len < RTP_MIN || len > size || len > UINT16_MAX ||
        !stoa_srtp_cipher_ready(&seal->rtp, &seal->keys, STOA_SRTP_FOR_SEAL))
        return 0;
    nonce.ssrc = stoa_bytes_get32(packet + 8);
    nonce.index = (uint64_t)roc << 16 | stoa_bytes_get16(packet + 2);
    if (stoa_srtp_is_gcm(&seal->keys))
        is_sealed = seal_gcm(seal, packet, header_len, payload, &nonce, packet + plain_len);
    else
        is_sealed = seal_cm(seal, packet, header_len, payload, &nonce, packet + plain_len);
    return is_sealed ? len : 0;
}

/* -- RTCP ---------------------------------------------------------------------------------- */

/* RFC 7714, 9.2: the tag comes before the index, both cover the index. */
static bool seal_rtcp_gcm(StoaSrtpSeal *seal, uint8_t *buf, size_t len, const StoaSrtpNonce *nonce)
{
    uint8_t *word = buf + len + STOA_SRTP_GCM_TAG;

    stoa_bytes_put32(word, ENCRYPTED | (uint32_t)nonce->index);
    return stoa_srtp_gcm_begin(&seal->rtcp, nonce, buf, RTCP_HEAD) &&
           stoa_srtp_gcm_aad(&seal->rtcp, word, RTCP_INDEX) &&
           stoa_srtp_cipher_run(&seal->rtcp, buf + RTCP_HEAD, len - RTCP_HEAD, buf + RTCP_HEAD) &&
           stoa_srtp_gcm_seal(&seal->rtcp, buf + len);
}

/* RFC 3711, 3.4 */
static bool seal_rtcp_cm(StoaSrtpSeal *seal, uint8_t *buf, size_t len, const StoaSrtpNonce *nonce)
{
    if (!stoa_srtp_cm_begin(&seal->rtcp, nonce) ||
        !stoa_srtp_cipher_run(&seal->rtcp, buf + RTCP_HEAD, len - RTCP_HEAD, buf + RTCP_HEAD))
        return false;
    stoa_bytes_put32(buf + len, ENCRYPTED | (uint32_t)nonce->index);
    stoa_srtp_sign(&seal->rtcp, buf, len + RTCP_INDEX, NULL, buf + len + RTCP_INDEX);
    return true;
}

size_t stoa_srtp_seal_rtcp(StoaSrtpSeal *seal, uint8_t *buf, size_t len, size_t size)
{
    StoaSrtpNonce nonce;
    bool is_sealed;

    if (len < RTCP_HEAD || len > UINT16_MAX || size < len + STOA_SRTP_MAX_OVERHEAD ||
        seal->rtcp_index == MAX_RTCP ||
        !stoa_srtp_cipher_ready(&seal->rtcp, &seal->keys, STOA_SRTP_FOR_SEAL | STOA_SRTP_FOR_RTCP))
        return 0;
    nonce.ssrc = stoa_bytes_get32(buf + 4);
    nonce.index = ++seal->rtcp_index;
    if (stoa_srtp_is_gcm(&seal->keys))
        is_sealed = seal_rtcp_gcm(seal, buf, len, &nonce);
    else
        is_sealed = seal_rtcp_cm(seal, buf, len, &nonce);
    return is_sealed ? len + RTCP_INDEX + stoa_srtp_tag_len(&seal->keys) : 0;
}
