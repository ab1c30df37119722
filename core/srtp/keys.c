/* SPDX-License-Identifier: MIT */
/* From the DTLS exporter to the keys of two directions. (RFC 5764, 4.2; RFC 7714, 12) */

#include "srtp/keys.h"

#include <openssl/crypto.h>
#include <string.h>

size_t stoa_srtp_salt_len(StoaSrtpProfile profile)
{
    switch (profile) {
    case STOA_SRTP_AES128_CM_SHA1_80: return 14;
    case STOA_SRTP_AEAD_AES_128_GCM: return 12;
    case STOA_SRTP_NO_PROFILE: break;
    }
    return 0;
}

size_t stoa_srtp_export_len(StoaSrtpProfile profile)
{
    size_t salt_len = stoa_srtp_salt_len(profile);

    return salt_len > 0 ? 2 * (STOA_SRTP_KEY_LEN + salt_len) : 0;
}

/* The material is: client key, server key, client salt, server salt. */
static void take(StoaSrtpKeys *keys, StoaSrtpProfile profile, const uint8_t *material,
                 unsigned which)
{
    size_t salt_len = stoa_srtp_salt_len(profile);
    const uint8_t *salts = material + 2 * STOA_SRTP_KEY_LEN;

    memset(keys, 0, sizeof(*keys));
    keys->profile = profile;
    memcpy(keys->key, material + which * STOA_SRTP_KEY_LEN, STOA_SRTP_KEY_LEN);
    memcpy(keys->salt, salts + which * salt_len, salt_len);
}

bool stoa_srtp_keys_split(StoaSrtpProfile profile, const uint8_t *material, size_t len,
                          bool is_server, StoaSrtpKeys *open, StoaSrtpKeys *seal)
{
    if (stoa_srtp_export_len(profile) == 0 || len != stoa_srtp_export_len(profile))
        return false;
    take(open, profile, material, is_server ? 0 : 1);
    take(seal, profile, material, is_server ? 1 : 0);
    return true;
}

void stoa_srtp_keys_wipe(StoaSrtpKeys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}
