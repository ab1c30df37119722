/* SPDX-License-Identifier: MIT */
/* What libsrtp2 does for us: sessions, and opening. (RFC 3711, RFC 7714) */

#include "srtp/open.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <string.h>

#include "rtp/bytes.h"
#include "srtp/session.h"

#define WINDOW   2048 /* packets that may come out of order: retransmissions under their own SSRC */
#define N_KNOWN  16
#define RTP_MIN  12
#define RTCP_MIN 8
#define MAX_LEN  65536

struct StoaSrtpOpen {
    srtp_t session;
    unsigned n_streams;
    uint32_t known[N_KNOWN]; /* SSRCs seen lately, by their low bits; 0: none */
};

bool stoa_srtp_init(void)
{
    static gsize is_ready = 0; /* 1: refused, 2: ready */

    if (g_once_init_enter(&is_ready))
        g_once_init_leave(&is_ready, srtp_init() == srtp_err_status_ok ? 2 : 1);
    return is_ready == 2;
}

static bool set_policy(StoaSrtpProfile profile, srtp_policy_t *policy)
{
    switch (profile) {
    case STOA_SRTP_AES128_CM_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        return true;
    case STOA_SRTP_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
        return true;
    case STOA_SRTP_NO_PROFILE: break;
    }
    return false;
}

srtp_t stoa_srtp_session_new(const StoaSrtpKeys *keys, srtp_ssrc_type_t direction)
{
    uint8_t
        key[STOA_SRTP_KEY_LEN + STOA_SRTP_SALT_MAX]; /* as libsrtp2 wants it: one after the other */
    srtp_policy_t policy;
    srtp_t session = NULL;
    srtp_err_status_t status;

    memset(&policy, 0, sizeof(policy));
    if (!set_policy(keys->profile, &policy) || !stoa_srtp_init())
        return NULL;
    memcpy(key, keys->key, STOA_SRTP_KEY_LEN);
    memcpy(key + STOA_SRTP_KEY_LEN, keys->salt, STOA_SRTP_SALT_MAX);
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = WINDOW;
    status = srtp_create(&session, &policy);
    OPENSSL_cleanse(key, sizeof(key));
    return status == srtp_err_status_ok ? session : NULL;
}

StoaSrtpOpen *stoa_srtp_open_new(const StoaSrtpKeys *keys)
{
    srtp_t session = stoa_srtp_session_new(keys, ssrc_any_inbound);
    StoaSrtpOpen *open;

    if (!session)
        return NULL;
    open = g_new0(StoaSrtpOpen, 1);
    open->session = session;
    return open;
}

void stoa_srtp_open_free(StoaSrtpOpen *open)
{
    if (!open)
        return;
    srtp_dealloc(open->session);
    g_free(open);
}

/* Has this SSRC a stream already? The last few are remembered, the rest is libsrtp2's list. */
static bool is_known(const StoaSrtpOpen *open, uint32_t ssrc)
{
    uint32_t roc;

    if (ssrc != 0 && open->known[ssrc % N_KNOWN] == ssrc)
        return true;
    return srtp_get_stream_roc(open->session, ssrc, &roc) == srtp_err_status_ok;
}

static StoaSrtpOpenResult result_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok: return STOA_SRTP_OPEN_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old: return STOA_SRTP_OPEN_REPLAY;
    case srtp_err_status_auth_fail: return STOA_SRTP_OPEN_BAD_AUTH;
    default: return STOA_SRTP_OPEN_MALFORMED;
    }
}

typedef srtp_err_status_t Unprotect(srtp_t session, void *packet, int *len);

static StoaSrtpOpenResult open_one(StoaSrtpOpen *open, Unprotect *unprotect, uint32_t ssrc,
                                   uint8_t *buf, size_t *len)
{
    bool is_new = !is_known(open, ssrc);
    int plain_len = (int)*len;
    srtp_err_status_t status;

    if (is_new && open->n_streams >= STOA_SRTP_OPEN_MAX_SSRCS)
        return STOA_SRTP_OPEN_TOO_MANY;
    status = unprotect(open->session, buf, &plain_len);
    if (status != srtp_err_status_ok)
        return result_of(status);
    if (is_new)
        open->n_streams++;
    open->known[ssrc % N_KNOWN] = ssrc;
    *len = (size_t)plain_len;
    return STOA_SRTP_OPEN_OK;
}

StoaSrtpOpenResult stoa_srtp_open_rtp(StoaSrtpOpen *open, uint8_t *buf, size_t *len)
{
    if (*len < RTP_MIN || *len > MAX_LEN)
        return STOA_SRTP_OPEN_MALFORMED;
    return open_one(open, srtp_unprotect, stoa_bytes_get32(buf + 8), buf, len);
}

StoaSrtpOpenResult stoa_srtp_open_rtcp(StoaSrtpOpen *open, uint8_t *buf, size_t *len)
{
    if (*len < RTCP_MIN || *len > MAX_LEN)
        return STOA_SRTP_OPEN_MALFORMED;
    return open_one(open, srtp_unprotect_rtcp, stoa_bytes_get32(buf + 4), buf, len);
}

void stoa_srtp_open_forget(StoaSrtpOpen *open, uint32_t ssrc)
{
    if (srtp_remove_stream(open->session, htonl(ssrc)) != srtp_err_status_ok)
        return;
    open->n_streams--;
    if (open->known[ssrc % N_KNOWN] == ssrc)
        open->known[ssrc % N_KNOWN] = 0;
}
