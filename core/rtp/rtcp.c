/* SPDX-License-Identifier: MIT */
/* RTCP datagrams, reports, names, goodbyes and round-trip blocks. (RFC 3550, 6; RFC 3611, 4) */

#include "rtp/rtcp.h"

#include <string.h>

#include "rtp/bytes.h"

#define HEADER_LEN  4
#define SR_INFO_LEN 24 /* SSRC, NTP, timestamp, packets, bytes */
#define BLOCK_LEN   24
#define MAX_COUNT   31
#define SDES_CNAME  1
#define XR_RRTR     4
#define XR_DLRR     5
#define XR_HEADER   4
#define XR_RRTR_LEN 8
#define XR_DLRR_LEN 12

void stoa_rtcp_iter_init(StoaRtcpIter *iter, const uint8_t *buf, size_t len)
{
    *iter = (StoaRtcpIter){ .at = buf, .left = len };
}

bool stoa_rtcp_iter_next(StoaRtcpIter *iter, StoaRtcpPacket *packet)
{
    size_t len, padding = 0;

    if (iter->left < HEADER_LEN || iter->at[0] >> 6 != 2)
        return false;
    len = ((size_t)stoa_bytes_get16(iter->at + 2) + 1) * 4;
    if (len > iter->left)
        return false;
    if (iter->at[0] & 0x20) {
        padding = iter->at[len - 1];
        if (padding == 0 || padding > len - HEADER_LEN)
            return false;
    }
    *packet = (StoaRtcpPacket){
        .type = iter->at[1],
        .count = iter->at[0] & 31,
        .body = iter->at + HEADER_LEN,
        .body_len = len - HEADER_LEN - padding,
    };
    iter->at += len;
    iter->left -= len;
    return true;
}

bool stoa_rtcp_is_valid(const uint8_t *buf, size_t len)
{
    StoaRtcpIter iter;
    StoaRtcpPacket packet;

    stoa_rtcp_iter_init(&iter, buf, len);
    while (stoa_rtcp_iter_next(&iter, &packet))
        if (packet.type < 192 || packet.type > 223)
            return false;
    return len > 0 && iter.left == 0;
}

bool stoa_rtcp_sr_read(const StoaRtcpPacket *packet, StoaRtcpSr *sr)
{
    if (packet->type != STOA_RTCP_SR || packet->body_len < SR_INFO_LEN)
        return false;
    *sr = (StoaRtcpSr){
        .ssrc = stoa_bytes_get32(packet->body),
        .ntp = stoa_bytes_get64(packet->body + 4),
        .timestamp = stoa_bytes_get32(packet->body + 12),
        .n_packets = stoa_bytes_get32(packet->body + 16),
        .n_bytes = stoa_bytes_get32(packet->body + 20),
    };
    return true;
}

bool stoa_rtcp_sender(const StoaRtcpPacket *packet, uint32_t *ssrc)
{
    if ((packet->type != STOA_RTCP_SR && packet->type != STOA_RTCP_RR) || packet->body_len < 4)
        return false;
    *ssrc = stoa_bytes_get32(packet->body);
    return true;
}

bool stoa_rtcp_block_read(const StoaRtcpPacket *packet, size_t i, StoaRtcpBlock *block)
{
    size_t first = packet->type == STOA_RTCP_SR ? SR_INFO_LEN : 4;
    const uint8_t *at;

    if ((packet->type != STOA_RTCP_SR && packet->type != STOA_RTCP_RR) || i >= packet->count ||
        packet->body_len < first + (i + 1) * BLOCK_LEN)
        return false;
    at = packet->body + first + i * BLOCK_LEN;
    *block = (StoaRtcpBlock){
        .ssrc = stoa_bytes_get32(at),
        .fraction_lost = at[4],
        .total_lost = (int32_t)stoa_bytes_get24(at + 5) - (at[5] & 0x80 ? 1 << 24 : 0),
        .highest_seq = stoa_bytes_get32(at + 8),
        .jitter = stoa_bytes_get32(at + 12),
        .lsr = stoa_bytes_get32(at + 16),
        .dlsr = stoa_bytes_get32(at + 20),
    };
    return true;
}

bool stoa_rtcp_xr_read(const StoaRtcpPacket *packet, StoaRtcpXr *xr)
{
    StoaRtcpXr read = { 0 };

    if (packet->type != STOA_RTCP_XR || packet->body_len < 4)
        return false;
    read.ssrc = stoa_bytes_get32(packet->body);
    for (size_t at = 4; packet->body_len - at >= XR_HEADER;) {
        const uint8_t *block = packet->body + at;
        size_t len = (size_t)stoa_bytes_get16(block + 2) * 4;

        at += XR_HEADER;
        if (len > packet->body_len - at)
            return false;
        if (block[0] == XR_RRTR && len >= XR_RRTR_LEN) {
            read.has_rrtr = true;
            read.rrtr_ntp = stoa_bytes_get64(block + XR_HEADER);
        } else if (block[0] == XR_DLRR && read.n_dlrr == 0) {
            read.dlrr = block + XR_HEADER;
            read.n_dlrr = len / XR_DLRR_LEN;
        }
        at += len;
    }
    *xr = read;
    return true;
}

bool stoa_rtcp_dlrr_read(const StoaRtcpXr *xr, size_t i, StoaRtcpDlrr *dlrr)
{
    const uint8_t *at;

    if (i >= xr->n_dlrr)
        return false;
    at = xr->dlrr + i * XR_DLRR_LEN;
    *dlrr = (StoaRtcpDlrr){
        .ssrc = stoa_bytes_get32(at),
        .lrr = stoa_bytes_get32(at + 4),
        .dlrr = stoa_bytes_get32(at + 8),
    };
    return true;
}

/* Writes a header for a packet of `len` bytes. False if the packet does not fit. */
static bool begin(StoaRtcpType type, size_t count, size_t len, uint8_t *out, size_t size)
{
    if (len > size || count > MAX_COUNT || len / 4 - 1 > UINT16_MAX)
        return false;
    out[0] = (uint8_t)(0x80 | count);
    out[1] = (uint8_t)type;
    stoa_bytes_put16(out + 2, (uint16_t)(len / 4 - 1));
    return true;
}

static void put_blocks(const StoaRtcpBlock *blocks, size_t n, uint8_t *at)
{
    for (size_t i = 0; i < n; i++, at += BLOCK_LEN) {
        stoa_bytes_put32(at, blocks[i].ssrc);
        at[4] = blocks[i].fraction_lost;
        stoa_bytes_put24(at + 5, (uint32_t)blocks[i].total_lost);
        stoa_bytes_put32(at + 8, blocks[i].highest_seq);
        stoa_bytes_put32(at + 12, blocks[i].jitter);
        stoa_bytes_put32(at + 16, blocks[i].lsr);
        stoa_bytes_put32(at + 20, blocks[i].dlsr);
    }
}

size_t stoa_rtcp_sr_write(const StoaRtcpSr *sr, const StoaRtcpBlock *blocks, size_t n, uint8_t *out,
                          size_t size)
{
    size_t len = HEADER_LEN + SR_INFO_LEN + n * BLOCK_LEN;

    if (!begin(STOA_RTCP_SR, n, len, out, size))
        return 0;
    stoa_bytes_put32(out + 4, sr->ssrc);
    stoa_bytes_put64(out + 8, sr->ntp);
    stoa_bytes_put32(out + 16, sr->timestamp);
    stoa_bytes_put32(out + 20, sr->n_packets);
    stoa_bytes_put32(out + 24, sr->n_bytes);
    put_blocks(blocks, n, out + HEADER_LEN + SR_INFO_LEN);
    return len;
}

size_t stoa_rtcp_rr_write(uint32_t ssrc, const StoaRtcpBlock *blocks, size_t n, uint8_t *out,
                          size_t size)
{
    size_t len = HEADER_LEN + 4 + n * BLOCK_LEN;

    if (!begin(STOA_RTCP_RR, n, len, out, size))
        return 0;
    stoa_bytes_put32(out + 4, ssrc);
    put_blocks(blocks, n, out + HEADER_LEN + 4);
    return len;
}

size_t stoa_rtcp_sdes_write(uint32_t ssrc, const char *cname, uint8_t *out, size_t size)
{
    size_t cname_len = strlen(cname);
    size_t items_len = 2 + cname_len;
    size_t len = HEADER_LEN + 4 + (items_len / 4 + 1) * 4; /* one zero byte at least ends them */

    if (cname_len > 255 || !begin(STOA_RTCP_SDES, 1, len, out, size))
        return 0;
    stoa_bytes_put32(out + 4, ssrc);
    out[8] = SDES_CNAME;
    out[9] = (uint8_t)cname_len;
    memcpy(out + 10, cname, cname_len);
    memset(out + 10 + cname_len, 0, len - 10 - cname_len);
    return len;
}

/* An XR with one block of `block_len` bytes; its content is left to the caller. */
static size_t begin_xr(uint32_t ssrc, uint8_t block_type, size_t block_len, uint8_t *out,
                       size_t size)
{
    size_t len = HEADER_LEN + 4 + XR_HEADER + block_len;

    if (!begin(STOA_RTCP_XR, 0, len, out, size))
        return 0;
    stoa_bytes_put32(out + 4, ssrc);
    out[8] = block_type;
    out[9] = 0;
    stoa_bytes_put16(out + 10, (uint16_t)(block_len / 4));
    return len;
}

size_t stoa_rtcp_rrtr_write(uint32_t ssrc, uint64_t ntp, uint8_t *out, size_t size)
{
    size_t len = begin_xr(ssrc, XR_RRTR, XR_RRTR_LEN, out, size);

    if (len > 0)
        stoa_bytes_put64(out + 12, ntp);
    return len;
}
