/* SPDX-License-Identifier: MIT */
/* The opener. In this order: is it whole, is it new, is it authentic; only then is its stream made or moved on.
 * (RFC 3711, 3.3 and 3.4; RFC 7714) */
#include "srtp/open.h"

#include <openssl/crypto.h>
#include <string.h>

#include "rtp/bytes.h"
#include "srtp/cipher.h"
#include "srtp/window.h"

#include "base/poison.h"

enum {
    RTP_MIN = 12,
    RTCP_HEAD = 8,
    RTCP_INDEX = 4,
    MAX_LEN = 65536,
};
#define ENCRYPTED (UINT32_C(1) << 31)

typedef struct {
    uint32_t ssrc;
    StoaSrtpWindow *rtp; /* NULL: no RTP came; who only receives sends RTCP alone */
    StoaSrtpRtcpWindow rtcp;
    uint64_t rests; /* since when: the number of that rest; 0: it has a track, or never had one */
} Stream;

struct StoaSrtpOpen {
    StoaSrtpCipher rtp, rtcp;
    StoaSrtpKeys keys;
    Stream *streams; /* few: looked through from the last one found */
    unsigned n_streams, room, last;
    uint64_t n_rests;
};

/* -- life ---------------------------------------------------------------------------------- */

StoaSrtpOpen *stoa_srtp_open_new(const StoaSrtpKeys *keys)
{
    StoaSrtpOpen *open;

    if (stoa_srtp_salt_len(keys->profile) == 0)
        return NULL;
    open = g_new0(StoaSrtpOpen, 1);
    open->keys = *keys;
    return open;
}

void stoa_srtp_open_free(StoaSrtpOpen *open)
{
    if (!open)
        return;
    for (unsigned i = 0; i < open->n_streams; i++)
        g_free(open->streams[i].rtp);
    g_free(open->streams);
    stoa_srtp_cipher_clear(&open->rtp);
    stoa_srtp_cipher_clear(&open->rtcp);
    OPENSSL_cleanse(open, sizeof(*open));
    g_free(open);
}

/* -- streams ------------------------------------------------------------------------------- */

static Stream *find(StoaSrtpOpen *open, uint32_t ssrc)
{
    if (open->last < open->n_streams && open->streams[open->last].ssrc == ssrc)
        return &open->streams[open->last];
    for (unsigned i = 0; i < open->n_streams; i++)
        if (open->streams[i].ssrc == ssrc)
            return &open->streams[open->last = i];
    return NULL;
}

static Stream *make(StoaSrtpOpen *open, uint32_t ssrc)
{
    if (open->n_streams == open->room) {
        open->room = MAX(1, 2 * open->room);
        open->streams = g_renew(Stream, open->streams, open->room);
    }
    open->streams[open->n_streams] = (Stream){ .ssrc = ssrc };
    return &open->streams[open->last = open->n_streams++];
}

static void drop(StoaSrtpOpen *open, Stream *stream)
{
    g_free(stream->rtp);
    *stream = open->streams[--open->n_streams];
}

void stoa_srtp_open_forget(StoaSrtpOpen *open, uint32_t ssrc)
{
    Stream *stream = find(open, ssrc);

    if (stream && !stream->rests)
        drop(open, stream);
}

/* The one that rests longest, if there are too many. */
static Stream *excess(StoaSrtpOpen *open)
{
    Stream *oldest = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < open->n_streams; i++) {
        Stream *stream = &open->streams[i];

        if (!stream->rests)
            continue;
        n++;
        if (!oldest || stream->rests < oldest->rests)
            oldest = stream;
    }
    return n > STOA_SRTP_OPEN_RESTING ? oldest : NULL;
}

void stoa_srtp_open_rest(StoaSrtpOpen *open, uint32_t ssrc, bool rests)
{
    Stream *stream = find(open, ssrc);

    if (!stream)
        return;
    stream->rests = rests ? ++open->n_rests : 0;
    stream = rests ? excess(open) : NULL;
    if (stream)
        drop(open, stream);
}

/* -- RTP ----------------------------------------------------------------------------------- */

/* Length of the header with its contributing sources and extension; 0: they do not fit. (RFC 3550, 5.1) */
static size_t header_len(const uint8_t *buf, size_t len)
{
    size_t n = RTP_MIN + 4 * (size_t)(buf[0] & 0x0f);

    if (buf[0] & 0x10) {
        if (len < n + 4)
            return 0;
        n += 4 + 4 * (size_t)stoa_bytes_get16(buf + n + 2);
    }
    return n <= len ? n : 0;
}

/* @n  bytes of header, @len  bytes without the tag */
static bool open_gcm(StoaSrtpOpen *open, uint8_t *buf, size_t n, size_t len,
                     const StoaSrtpNonce *nonce)
{
    return stoa_srtp_gcm_begin(&open->rtp, nonce, buf, n) &&
           stoa_srtp_cipher_run(&open->rtp, buf + n, len - n, buf + n) &&
           stoa_srtp_gcm_open(&open->rtp, buf + len);
}

static bool open_cm(StoaSrtpOpen *open, uint8_t *buf, size_t n, size_t len,
                    const StoaSrtpNonce *nonce)
{
    uint8_t roc[4], tag[STOA_SRTP_SHA1_TAG];

    stoa_bytes_put32(roc, (uint32_t)(nonce->index >> 16));
    stoa_srtp_sign(&open->rtp, buf, len, roc, tag);
    return CRYPTO_memcmp(tag, buf + len, sizeof(tag)) == 0 &&
           stoa_srtp_cm_begin(&open->rtp, nonce) &&
           stoa_srtp_cipher_run(&open->rtp, buf + n, len - n, buf + n);
}

static void note_rtp(StoaSrtpOpen *open, Stream *stream, const StoaSrtpNonce *nonce)
{
    if (!stream)
        stream = make(open, nonce->ssrc);
    if (!stream->rtp)
        stream->rtp = g_new0(StoaSrtpWindow, 1);
    stoa_srtp_window_note(stream->rtp, nonce->index);
}

StoaSrtpOpenResult stoa_srtp_open_rtp(StoaSrtpOpen *open, uint8_t *buf, size_t *len)
{
    size_t tag_len = stoa_srtp_tag_len(&open->keys);
    size_t plain_len = *len - tag_len;
    StoaSrtpNonce nonce;
    Stream *stream;
    size_t n;
    bool is_authentic;

    if (*len < RTP_MIN + tag_len || *len > MAX_LEN || !(n = header_len(buf, plain_len)))
        return STOA_SRTP_OPEN_MALFORMED;
    nonce.ssrc = stoa_bytes_get32(buf + 8);
    stream = find(open, nonce.ssrc);
    if (!stream && open->n_streams >= STOA_SRTP_OPEN_MAX_SSRCS)
        return STOA_SRTP_OPEN_TOO_MANY;
    nonce.index = stoa_srtp_window_guess(stream ? stream->rtp : NULL, stoa_bytes_get16(buf + 2));
    if (!stoa_srtp_window_is_new(stream ? stream->rtp : NULL, nonce.index))
        return STOA_SRTP_OPEN_REPLAY;
    if (!stoa_srtp_cipher_ready(&open->rtp, &open->keys, 0))
        return STOA_SRTP_OPEN_MALFORMED;
    is_authentic = stoa_srtp_is_gcm(&open->keys) ? open_gcm(open, buf, n, plain_len, &nonce)
                                                 : open_cm(open, buf, n, plain_len, &nonce);
    if (!is_authentic)
        return STOA_SRTP_OPEN_BAD_AUTH;
    note_rtp(open, stream, &nonce);
    *len = plain_len;
    return STOA_SRTP_OPEN_OK;
}

/* -- RTCP ---------------------------------------------------------------------------------- */

/* @len  bytes of the plain packet: the tag and the word with the index follow it */
static bool open_rtcp_gcm(StoaSrtpOpen *open, uint8_t *buf, size_t len, const StoaSrtpNonce *nonce)
{
    return stoa_srtp_gcm_begin(&open->rtcp, nonce, buf, RTCP_HEAD) &&
           stoa_srtp_gcm_aad(&open->rtcp, buf + len + STOA_SRTP_GCM_TAG, RTCP_INDEX) &&
           stoa_srtp_cipher_run(&open->rtcp, buf + RTCP_HEAD, len - RTCP_HEAD, buf + RTCP_HEAD) &&
           stoa_srtp_gcm_open(&open->rtcp, buf + len);
}

/* The word with the index comes before the tag. */
static bool open_rtcp_cm(StoaSrtpOpen *open, uint8_t *buf, size_t len, const StoaSrtpNonce *nonce)
{
    uint8_t tag[STOA_SRTP_SHA1_TAG];

    stoa_srtp_sign(&open->rtcp, buf, len + RTCP_INDEX, NULL, tag);
    return CRYPTO_memcmp(tag, buf + len + RTCP_INDEX, sizeof(tag)) == 0 &&
           stoa_srtp_cm_begin(&open->rtcp, nonce) &&
           stoa_srtp_cipher_run(&open->rtcp, buf + RTCP_HEAD, len - RTCP_HEAD, buf + RTCP_HEAD);
}

StoaSrtpOpenResult stoa_srtp_open_rtcp(StoaSrtpOpen *open, uint8_t *buf, size_t *len)
{
    bool is_gcm = stoa_srtp_is_gcm(&open->keys);
    size_t plain_len = *len - stoa_srtp_tag_len(&open->keys) - RTCP_INDEX;
    StoaSrtpNonce nonce;
    Stream *stream;
    uint32_t word;

    if (*len < RTCP_HEAD + stoa_srtp_tag_len(&open->keys) + RTCP_INDEX || *len > MAX_LEN)
        return STOA_SRTP_OPEN_MALFORMED;
    word = stoa_bytes_get32(buf + plain_len + (is_gcm ? STOA_SRTP_GCM_TAG : 0));
    if (!(word & ENCRYPTED))
        return STOA_SRTP_OPEN_MALFORMED; /* nobody may send it in the open */
    nonce = (StoaSrtpNonce){ stoa_bytes_get32(buf + 4), word & ~ENCRYPTED };
    stream = find(open, nonce.ssrc);
    if (!stream && open->n_streams >= STOA_SRTP_OPEN_MAX_SSRCS)
        return STOA_SRTP_OPEN_TOO_MANY;
    if (stream && !stoa_srtp_rtcp_window_is_new(&stream->rtcp, nonce.index))
        return STOA_SRTP_OPEN_REPLAY;
    if (!stoa_srtp_cipher_ready(&open->rtcp, &open->keys, STOA_SRTP_FOR_RTCP))
        return STOA_SRTP_OPEN_MALFORMED;
    if (is_gcm ? !open_rtcp_gcm(open, buf, plain_len, &nonce)
               : !open_rtcp_cm(open, buf, plain_len, &nonce))
        return STOA_SRTP_OPEN_BAD_AUTH;
    if (!stream)
        stream = make(open, nonce.ssrc);
    stoa_srtp_rtcp_window_note(&stream->rtcp, nonce.index);
    *len = plain_len;
    return STOA_SRTP_OPEN_OK;
}
