/* SPDX-License-Identifier: MIT */
#pragma once /* libsrtp2, which knows better: what it seals we must open, what we seal it must have sealed. */

#include <srtp2/srtp.h>

#include "srtp/keys.h"

/* A session of one direction for any SSRC, with a window as long as ours. NULL if the library refuses. */
static inline srtp_t oracle_new(const StoaSrtpKeys *keys, srtp_ssrc_type_t direction)
{
    static bool is_ready;
    uint8_t key[STOA_SRTP_KEY_LEN + STOA_SRTP_SALT_MAX]; /* one after the other */
    srtp_policy_t policy = { .ssrc = { .type = direction }, .key = key, .window_size = 2048 };
    srtp_t session = NULL;

    is_ready = is_ready || srtp_init() == srtp_err_status_ok;
    if (keys->profile == STOA_SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    memcpy(key, keys->key, STOA_SRTP_KEY_LEN);
    memcpy(key + STOA_SRTP_KEY_LEN, keys->salt, STOA_SRTP_SALT_MAX);
    return is_ready && srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}
