/* SPDX-License-Identifier: MIT */
#pragma once /* RTCP: the packets of a datagram, and the reports. Feedback is in rtcp-feedback.h. (RFC 3550, 6) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    STOA_RTCP_SR = 200,
    STOA_RTCP_RR = 201,
    STOA_RTCP_SDES = 202,
    STOA_RTCP_BYE = 203,
    STOA_RTCP_APP = 204,
    STOA_RTCP_RTPFB = 205,
    STOA_RTCP_PSFB = 206,
    STOA_RTCP_XR = 207
} StoaRtcpType;

/* One packet of a datagram; `body` points into it. */
typedef struct {
    uint8_t type;  /* StoaRtcpType, or one that we do not know */
    uint8_t count; /* report blocks, sources, or the FMT of feedback: 0 to 31 */
    const uint8_t *body;
    size_t body_len; /* bytes after the four-byte header, padding taken off */
} StoaRtcpPacket;

typedef struct {
    const uint8_t *at;
    size_t left;
} StoaRtcpIter;

typedef struct {
    uint32_t ssrc;      /* of the sender */
    uint64_t ntp;       /* 32.32 seconds since 1900 */
    uint32_t timestamp; /* the same moment in ticks of the media clock */
    uint32_t n_packets;
    uint32_t n_bytes; /* of payload */
} StoaRtcpSr;

typedef struct {
    uint32_t ssrc;         /* of the stream reported on */
    uint8_t fraction_lost; /* of 256, since the last report */
    int32_t total_lost;    /* 24 bits, may be negative */
    uint32_t highest_seq;  /* cycles * 65536 + seq */
    uint32_t jitter;       /* ticks of the media clock */
    uint32_t lsr;          /* middle 32 bits of the last SR's NTP time; 0: none yet */
    uint32_t dlsr;         /* 1/65536 s since that SR came */
} StoaRtcpBlock;

/* What an XR packet asks or answers about round-trip time. */
typedef struct {
    uint32_t ssrc; /* of the sender */
    bool has_rrtr;
    uint64_t rrtr_ntp;   /* the sender's clock: answer it with a DLRR */
    const uint8_t *dlrr; /* borrowed: 12-byte entries, read with stoa_rtcp_dlrr_read() */
    size_t n_dlrr;
} StoaRtcpXr;

typedef struct {
    uint32_t ssrc; /* of the receiver that had sent the RRTR */
    uint32_t lrr;  /* middle 32 bits of its time */
    uint32_t dlrr; /* 1/65536 s since then */
} StoaRtcpDlrr;

/**
 * Is this a well-formed RTCP datagram: every packet version 2, with lengths that add up?
 * Reduced-size RTCP (RFC 5506) is accepted: any type may come first. So is padding in any packet, since
 * browsers pad each transport-cc feedback of a datagram.
 */
bool stoa_rtcp_is_valid(const uint8_t *buf, size_t len);

/** Begin to walk over the packets of a datagram (borrowed while the walk lasts). */
void stoa_rtcp_iter_init(StoaRtcpIter *iter, const uint8_t *buf, size_t len);

/**
 * The next packet, or false at the end or at the first malformed one.
 * Thread: any; allocates nothing.   Source: RFC 3550, 6.4 and A.2.   Fuzzed by: test/fuzz/fuzz_rtcp.c
 */
bool stoa_rtcp_iter_next(StoaRtcpIter *iter, StoaRtcpPacket *packet);

/** Read the sender part of an SR. False if it is another type or cut short. */
bool stoa_rtcp_sr_read(const StoaRtcpPacket *packet, StoaRtcpSr *sr);

/** The sender of an SR or RR. False if it is another type or cut short. */
bool stoa_rtcp_sender(const StoaRtcpPacket *packet, uint32_t *ssrc);

/** The i-th report block (from 0) of an SR or RR. False past the last. */
bool stoa_rtcp_block_read(const StoaRtcpPacket *packet, size_t i, StoaRtcpBlock *block);

/** Read the round-trip blocks of an XR; others are passed over. Source: RFC 3611, 4.4 and 4.5. */
bool stoa_rtcp_xr_read(const StoaRtcpPacket *packet, StoaRtcpXr *xr);

/** The i-th entry of an XR's DLRR block. False past the last. */
bool stoa_rtcp_dlrr_read(const StoaRtcpXr *xr, size_t i, StoaRtcpDlrr *dlrr);

/*
 * Writers: each puts one packet at `out` and returns its length in bytes, a multiple of four, or
 * 0 if `size` does not allow it (nothing is written then). A compound is made by writing one
 * after the other; it begins with an SR or RR unless reduced-size RTCP was negotiated.
 */

/** An SR with `n` report blocks, at most 31. */
size_t stoa_rtcp_sr_write(const StoaRtcpSr *sr, const StoaRtcpBlock *blocks, size_t n, uint8_t *out,
                          size_t size);

/** An RR with `n` report blocks, at most 31. More streams: more RR packets. */
size_t stoa_rtcp_rr_write(uint32_t ssrc, const StoaRtcpBlock *blocks, size_t n, uint8_t *out,
                          size_t size);

/** An SDES with one chunk: the CNAME (a string of at most 255 bytes) of `ssrc`. */
size_t stoa_rtcp_sdes_write(uint32_t ssrc, const char *cname, uint8_t *out, size_t size);

/** An XR with one receiver reference time. */
size_t stoa_rtcp_rrtr_write(uint32_t ssrc, uint64_t ntp, uint8_t *out, size_t size);
