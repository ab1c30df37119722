/* SPDX-License-Identifier: MIT */
/* RTCP feedback messages. (RFC 4585, 6; RFC 5104, 4.3.1; draft-alvestrand-rmcat-remb-03) */

#include "rtp/rtcp-feedback.h"

#include <string.h>

#include "rtp/bytes.h"
#include "rtp/nack.h"

#define COMMON_LEN 12 /* header, sender, media */
#define FIR_LEN    8
#define REMB_LEN   8 /* "REMB", count, exponent and mantissa; the SSRCs follow */

static const uint8_t remb_name[4] = { 'R', 'E', 'M', 'B' };

static bool is_remb(const uint8_t *fci, size_t len)
{
    return len >= REMB_LEN && memcmp(fci, remb_name, sizeof(remb_name)) == 0;
}

static StoaRtcpFeedbackKind kind_of(uint8_t type, uint8_t fmt, const uint8_t *fci, size_t len)
{
    if (type == STOA_RTCP_RTPFB && fmt == STOA_RTCP_RTPFB_NACK)
        return STOA_RTCP_FEEDBACK_NACK;
    if (type == STOA_RTCP_RTPFB && fmt == STOA_RTCP_RTPFB_TWCC)
        return STOA_RTCP_FEEDBACK_TWCC;
    if (type == STOA_RTCP_PSFB && fmt == STOA_RTCP_PSFB_PLI)
        return STOA_RTCP_FEEDBACK_PLI;
    if (type == STOA_RTCP_PSFB && fmt == STOA_RTCP_PSFB_FIR)
        return STOA_RTCP_FEEDBACK_FIR;
    if (type == STOA_RTCP_PSFB && fmt == STOA_RTCP_PSFB_AFB && is_remb(fci, len))
        return STOA_RTCP_FEEDBACK_REMB;
    return STOA_RTCP_FEEDBACK_OTHER;
}

bool stoa_rtcp_feedback_read(const StoaRtcpPacket *packet, StoaRtcpFeedback *feedback)
{
    if ((packet->type != STOA_RTCP_RTPFB && packet->type != STOA_RTCP_PSFB) || packet->body_len < 8)
        return false;
    *feedback = (StoaRtcpFeedback){
        .sender_ssrc = stoa_bytes_get32(packet->body),
        .media_ssrc = stoa_bytes_get32(packet->body + 4),
        .fci = packet->body + 8,
        .fci_len = packet->body_len - 8,
    };
    feedback->kind = kind_of(packet->type, packet->count, feedback->fci, feedback->fci_len);
    return true;
}

bool stoa_rtcp_fir_read(const StoaRtcpFeedback *feedback, size_t i, StoaRtcpFir *fir)
{
    const uint8_t *at;

    if (feedback->kind != STOA_RTCP_FEEDBACK_FIR || feedback->fci_len / FIR_LEN <= i)
        return false;
    at = feedback->fci + i * FIR_LEN;
    *fir = (StoaRtcpFir){ .ssrc = stoa_bytes_get32(at), .seq = at[4] };
    return true;
}

bool stoa_rtcp_remb_read(const StoaRtcpFeedback *feedback, StoaRtcpRemb *remb)
{
    const uint8_t *fci = feedback->fci;
    unsigned exponent;
    uint64_t mantissa;
    size_t n_ssrcs;

    if (feedback->kind != STOA_RTCP_FEEDBACK_REMB)
        return false;
    n_ssrcs = fci[4];
    if (feedback->fci_len < REMB_LEN + n_ssrcs * 4)
        return false;
    exponent = fci[5] >> 2;
    mantissa = stoa_bytes_get24(fci + 5) & 0x3ffff;
    if (n_ssrcs > STOA_RTCP_REMB_MAX_SSRCS)
        n_ssrcs = STOA_RTCP_REMB_MAX_SSRCS;

    *remb = (StoaRtcpRemb){ .n_ssrcs = n_ssrcs };
    remb->bitrate_bps = exponent <= 46 ? mantissa << exponent : mantissa == 0 ? 0 : UINT64_MAX;
    for (size_t i = 0; i < n_ssrcs; i++)
        remb->ssrcs[i] = stoa_bytes_get32(fci + REMB_LEN + i * 4);
    return true;
}

/* Writes all but the FCI of a packet whose FCI has `fci_len` bytes. Returns its length or 0. */
static size_t begin(StoaRtcpType type, uint8_t fmt, uint32_t sender_ssrc, uint32_t media_ssrc,
                    size_t fci_len, uint8_t *out)
{
    size_t len = COMMON_LEN + fci_len;

    out[0] = (uint8_t)(0x80 | fmt);
    out[1] = (uint8_t)type;
    stoa_bytes_put16(out + 2, (uint16_t)(len / 4 - 1));
    stoa_bytes_put32(out + 4, sender_ssrc);
    stoa_bytes_put32(out + 8, media_ssrc);
    return len;
}

size_t stoa_rtcp_pli_write(uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out, size_t size)
{
    if (size < COMMON_LEN)
        return 0;
    return begin(STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI, sender_ssrc, media_ssrc, 0, out);
}

size_t stoa_rtcp_fir_write(uint32_t sender_ssrc, StoaRtcpFir fir, uint8_t *out, size_t size)
{
    if (size < COMMON_LEN + FIR_LEN)
        return 0;
    stoa_bytes_put32(out + COMMON_LEN, fir.ssrc);
    stoa_bytes_put32(out + COMMON_LEN + 4, (uint32_t)fir.seq << 24);
    return begin(STOA_RTCP_PSFB, STOA_RTCP_PSFB_FIR, sender_ssrc, 0, FIR_LEN, out);
}

size_t stoa_rtcp_nack_write(uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                            size_t n, uint8_t *out, size_t size)
{
    size_t fci_len;

    if (size < COMMON_LEN)
        return 0;
    fci_len = stoa_nack_fci_write(seqs, n, out + COMMON_LEN, size - COMMON_LEN);
    if (fci_len == 0)
        return 0;
    return begin(STOA_RTCP_RTPFB, STOA_RTCP_RTPFB_NACK, sender_ssrc, media_ssrc, fci_len, out);
}

size_t stoa_rtcp_remb_write(uint32_t sender_ssrc, const StoaRtcpRemb *remb, uint8_t *out,
                            size_t size)
{
    size_t fci_len = REMB_LEN + remb->n_ssrcs * 4;
    uint64_t mantissa = remb->bitrate_bps;
    uint8_t *fci = out + COMMON_LEN;
    uint32_t exponent = 0;

    if (remb->n_ssrcs > STOA_RTCP_REMB_MAX_SSRCS || size < COMMON_LEN + fci_len)
        return 0;
    for (; mantissa > 0x3ffff; mantissa >>= 1)
        exponent++;
    memcpy(fci, remb_name, sizeof(remb_name));
    fci[4] = (uint8_t)remb->n_ssrcs;
    stoa_bytes_put24(fci + 5, exponent << 18 | (uint32_t)mantissa);
    for (size_t i = 0; i < remb->n_ssrcs; i++)
        stoa_bytes_put32(fci + REMB_LEN + i * 4, remb->ssrcs[i]);
    return begin(STOA_RTCP_PSFB, STOA_RTCP_PSFB_AFB, sender_ssrc, 0, fci_len, out);
}
