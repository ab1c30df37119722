/* SPDX-License-Identifier: MIT */
#pragma once /* RTCP feedback: PLI, FIR, NACK, REMB. transport-cc is in twcc.h. (RFC 4585, RFC 5104) */

#include "rtp/rtcp.h"

/* FMT of RTPFB and PSFB packets: the names tell which of the two. */
enum {
    STOA_RTCP_RTPFB_NACK = 1,
    STOA_RTCP_RTPFB_TWCC = 15,
    STOA_RTCP_PSFB_PLI = 1,
    STOA_RTCP_PSFB_FIR = 4,
    STOA_RTCP_PSFB_AFB = 15 /* REMB lives here */
};

#define STOA_RTCP_REMB_MAX_SSRCS 16

typedef enum {
    STOA_RTCP_FEEDBACK_OTHER, /* well-formed, but not one that we know */
    STOA_RTCP_FEEDBACK_NACK,
    STOA_RTCP_FEEDBACK_TWCC,
    STOA_RTCP_FEEDBACK_PLI,
    STOA_RTCP_FEEDBACK_FIR,
    STOA_RTCP_FEEDBACK_REMB
} StoaRtcpFeedbackKind;

typedef struct {
    StoaRtcpFeedbackKind kind;
    uint32_t sender_ssrc;
    uint32_t media_ssrc; /* 0 in FIR and REMB: they name streams in their FCI */
    const uint8_t *fci;  /* borrowed, points into the datagram */
    size_t fci_len;
} StoaRtcpFeedback;

typedef struct {
    uint32_t ssrc;
    uint8_t seq; /* repeats of one request carry the same number */
} StoaRtcpFir;

typedef struct {
    uint64_t bitrate_bps;
    size_t n_ssrcs;
    uint32_t ssrcs[STOA_RTCP_REMB_MAX_SSRCS]; /* the first ones, if there are more */
} StoaRtcpRemb;

/**
 * Read the common part of an RTPFB or PSFB packet and tell what it is.
 *
 * Returns false for other packet types and for packets that are cut short.
 * Thread: any; allocates nothing.   Source: RFC 4585, 6.1.   Fuzzed by: test/fuzz/fuzz_rtcp.c
 */
bool stoa_rtcp_feedback_read(const StoaRtcpPacket *packet, StoaRtcpFeedback *feedback);

/** The i-th entry (from 0) of a FIR. False past the last. */
bool stoa_rtcp_fir_read(const StoaRtcpFeedback *feedback, size_t i, StoaRtcpFir *fir);

/** Read a REMB. False if it is another kind or cut short. */
bool stoa_rtcp_remb_read(const StoaRtcpFeedback *feedback, StoaRtcpRemb *remb);

/* The numbers of a NACK: stoa_nack_fci_read() in nack.h. */

/* Writers: as in rtcp.h, one packet each, its length or 0. */
size_t stoa_rtcp_pli_write(uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out, size_t size);
size_t stoa_rtcp_fir_write(uint32_t sender_ssrc, StoaRtcpFir fir, uint8_t *out, size_t size);
/** `seqs` oldest first; all of them fit in one packet or nothing is written. */
size_t stoa_rtcp_nack_write(uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                            size_t n, uint8_t *out, size_t size);
/** The bitrate is rounded down to 18 bits of mantissa. */
size_t stoa_rtcp_remb_write(uint32_t sender_ssrc, const StoaRtcpRemb *remb, uint8_t *out,
                            size_t size);
