/* SPDX-License-Identifier: MIT */
/* The AES-CM key derivation, the same for both profiles. (RFC 3711, 4.3; RFC 7714, 11) */

#include "srtp/kdf.h"

#include <openssl/evp.h>
#include <string.h>

#define LABEL_AT 7
#define MAX_LEN  32

/* The key stream of the master key over zeros, its counter block made of salt and label. */
bool stoa_srtp_kdf(const StoaSrtpKeys *keys, unsigned label, uint8_t *out, size_t len)
{
    static const uint8_t zeros[MAX_LEN];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t block[16] = { 0 };
    int n = 0;
    bool is_done;

    memcpy(block, keys->salt, stoa_srtp_salt_len(keys->profile));
    block[LABEL_AT] ^= (uint8_t)label;
    is_done = ctx && len <= MAX_LEN &&
              EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, keys->key, block) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, zeros, (int)len) == 1 && n == (int)len;
    EVP_CIPHER_CTX_free(ctx);
    return is_done;
}
