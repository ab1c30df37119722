/* SPDX-License-Identifier: MIT */
#pragma once /* Statistics of one stream, as SR and RR want them. (RFC 3550, 6.4, A.1, A.3, A.8) */

#include "rtp/rtcp.h"

/* What a receiver keeps for one source. Private but for the counters. */
typedef struct {
    uint32_t clock_hz;
    bool has_begun;
    uint16_t base_seq, max_seq;
    uint32_t bad_seq;   /* the number that would prove a restart of the sender */
    uint32_t cycles;    /* of 65536, shifted left by 16 */
    uint64_t n_packets; /* received, repeats too */
    uint64_t n_bytes;   /* of payload */
    uint64_t expected_prior, received_prior;
    uint32_t jitter_q4; /* ticks, 4 bits of fraction */
    uint32_t transit;
    bool has_transit;
    uint32_t last_timestamp;
    bool has_sr;
    uint32_t lsr;
    uint32_t sr_timestamp;
    uint64_t sr_ntp;
    int64_t sr_us; /* monotonic, when the SR came */
} StoaReportRx;

/* What a sender keeps for one sink. */
typedef struct {
    uint32_t ssrc;
    uint32_t clock_hz;
    uint32_t n_packets, n_bytes; /* they wrap, as in the SR */
    uint32_t last_timestamp;
    bool has_sent;
    int64_t last_us; /* monotonic, when the packet with that timestamp was sent */
} StoaReportTx;

/* How far the clock of a publisher's sender reports is from ours: one per remote peer. */
typedef struct {
    int64_t offset_us; /* our real time minus theirs, network delay included */
    bool is_known;
} StoaReportClock;

/** An NTP time (32.32 seconds since 1900) of `realtime_us` (since 1970). */
uint64_t stoa_report_ntp(int64_t realtime_us);

/** The other way round. */
int64_t stoa_report_ntp_to_us(uint64_t ntp);

/** The middle 32 bits, as LSR and LRR carry them. */
static inline uint32_t stoa_report_ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

/** Begin with nothing received. `clock_hz` is the rate of the RTP timestamps. */
void stoa_report_rx_init(StoaReportRx *rx, uint32_t clock_hz);

/**
 * Count one received packet; retransmissions only if they came under the stream's own SSRC.
 *
 * @now_us  monotonic time of arrival
 */
void stoa_report_rx_packet(StoaReportRx *rx, uint16_t seq, uint32_t timestamp, size_t payload_len,
                           int64_t now_us);

/** Note an SR of this source. */
void stoa_report_rx_sr(StoaReportRx *rx, const StoaRtcpSr *sr, int64_t now_us);

/** Fill the report block for `ssrc`, and begin the next interval of `fraction_lost`. */
void stoa_report_rx_block(StoaReportRx *rx, uint32_t ssrc, int64_t now_us, StoaRtcpBlock *block);

/** Interarrival jitter in microseconds. */
int64_t stoa_report_rx_jitter_us(const StoaReportRx *rx);

/** Packets lost so far: expected less received, never below 0. */
uint64_t stoa_report_rx_lost(const StoaReportRx *rx);

/**
 * Note the time of any SR of a remote peer: `offset_us` follows the least delay seen. All
 * streams of the peer share the clock, which keeps them in step behind us.
 */
void stoa_report_clock_input(StoaReportClock *clock, uint64_t sr_ntp, int64_t realtime_us);

/**
 * The timestamp that the source's media clock shows at `realtime_us`, from its last SR.
 * Returns false before the first SR: take stoa_report_tx_timestamp() then.
 */
bool stoa_report_rx_timestamp(const StoaReportRx *rx, const StoaReportClock *clock,
                              int64_t realtime_us, uint32_t *timestamp);

/** Begin with nothing sent. */
void stoa_report_tx_init(StoaReportTx *tx, uint32_t ssrc, uint32_t clock_hz);

/** Count one sent packet. `timestamp` is the one that it carries. */
void stoa_report_tx_packet(StoaReportTx *tx, uint32_t timestamp, size_t payload_len,
                           int64_t now_us);

/** The timestamp of this moment, guessed from the last packet sent. */
uint32_t stoa_report_tx_timestamp(const StoaReportTx *tx, int64_t now_us);

/** Fill an SR: `timestamp` is what the sink's media clock shows at `realtime_us`. */
void stoa_report_tx_sr(const StoaReportTx *tx, int64_t realtime_us, uint32_t timestamp,
                       StoaRtcpSr *sr);

/**
 * The round-trip time that a report block tells.
 *
 * @now_ntp  our clock when it came
 *
 * Returns false if it answers no SR yet, or is out of reason (over a minute).
 * Source: RFC 3550, 6.4.1.
 */
bool stoa_report_rtt_us(const StoaRtcpBlock *block, uint64_t now_ntp, int64_t *rtt_us);
