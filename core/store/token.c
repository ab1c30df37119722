/* SPDX-License-Identifier: MIT */
/* Tokens of 32 random bytes, written as base64url without padding (RFC 4648, 5). */
#include "config.h"

#include "base/id.h"
#include "store/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void stoa_token_new(char text[STOA_TOKEN_LEN + 1], uint8_t hash[STOA_TOKEN_HASH_LEN])
{
    uint8_t secret[33] = {
        0
    }; /* the last byte pads: 11 groups of 3 give 44 digits, of which the last is cut off */

    stoa_id_bytes(secret, 32);
    for (size_t i = 0, at = 0; i < sizeof secret; i += 3) {
        unsigned bits = (unsigned)secret[i] << 16 | (unsigned)secret[i + 1] << 8 | secret[i + 2];
        for (int shift = 18; shift >= 0 && at < STOA_TOKEN_LEN; shift -= 6)
            text[at++] = digits[bits >> shift & 63];
    }
    text[STOA_TOKEN_LEN] = '\0';
    OPENSSL_cleanse(secret, sizeof secret);
    SHA256((const unsigned char *)text, STOA_TOKEN_LEN, hash);
}

bool stoa_token_hash(const char *text, uint8_t hash[STOA_TOKEN_HASH_LEN])
{
    size_t len = text ? strnlen(text, STOA_TOKEN_LEN + 1) : 0;
    bool fits = len == STOA_TOKEN_LEN && strspn(text, digits) == STOA_TOKEN_LEN;

    if (fits)
        SHA256((const unsigned char *)text, STOA_TOKEN_LEN, hash);
    else
        stoa_id_bytes(hash, STOA_TOKEN_HASH_LEN);
    return fits;
}

bool stoa_token_equal(const uint8_t a[STOA_TOKEN_HASH_LEN], const uint8_t b[STOA_TOKEN_HASH_LEN])
{
    return CRYPTO_memcmp(a, b, STOA_TOKEN_HASH_LEN) == 0;
}
