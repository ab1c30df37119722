/* SPDX-License-Identifier: MIT */
#pragma once /* The RTP fixed header: where the parts of one packet lie. Pure, no I/O. (RFC 3550, 5.1) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_RTP_HEADER_LEN 12 /* the fixed part, without CSRCs and extensions */

typedef struct {
    uint32_t ssrc;
    uint32_t timestamp; /* ticks of the payload's media clock */
    uint16_t seq;
    uint8_t payload_type; /* 0 to 127 */
    uint8_t n_csrc;
    bool marker;
    bool has_extension;
    uint16_t ext_profile; /* 0xBEDE: one-byte elements; 0x100X: two-byte elements */
    uint16_t ext_at;      /* bytes from the start of the packet to the first element */
    uint32_t ext_len;     /* bytes of elements, a multiple of four */
    uint8_t padding_len;  /* bytes at the end, its count byte among them */
    size_t payload_at;    /* bytes from the start of the packet */
    size_t payload_len;   /* bytes, padding taken off; 0 in a padding-only packet, which is legal */
} StoaRtpHeader;

/** Is this datagram RTCP rather than RTP, on a socket that carries both? Source: RFC 5761, 4. */
static inline bool stoa_rtp_header_is_rtcp(const uint8_t *buf, size_t len)
{
    return len >= 2 && buf[1] >= 192 && buf[1] <= 223;
}

/**
 * Read the header of one RTP packet.
 *
 * @buf     borrowed, `len` bytes, already opened by SRTP
 * @header  written on success only
 *
 * Returns false if the packet is cut short, is not version 2, or pads past its own end.
 * Thread: any; allocates nothing.   Source: RFC 3550, 5.1.   Fuzzed by: test/fuzz/fuzz_rtp.c
 */
bool stoa_rtp_header_read(const uint8_t *buf, size_t len, StoaRtpHeader *header);

/**
 * Read the header of a packet that is still sealed: its padding is cipher text and is not looked
 * at, so that `payload_len` runs to the end of the packet. For finding the SSRC before SRTP.
 */
bool stoa_rtp_header_read_sealed(const uint8_t *buf, size_t len, StoaRtpHeader *header);

/**
 * Write the fixed header: marker, payload type, seq, timestamp, SSRC, and the X bit as
 * `has_extension` says (the caller appends the block, see extension.h). No CSRC, no P bit.
 *
 * @out  at least STOA_RTP_HEADER_LEN bytes, all of which are written
 */
void stoa_rtp_header_write(const StoaRtpHeader *header, uint8_t *out);
