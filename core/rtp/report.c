/* SPDX-License-Identifier: MIT */
/* Receiver and sender statistics. (RFC 3550, 6.4.1, A.1, A.3 and A.8) */

#include "rtp/report.h"

#include <string.h>

#define MAX_DROPOUT   3000 /* a larger step forward is a restart, if the next packet agrees */
#define MAX_MISORDER  100
#define NO_BAD_SEQ    (65536u + 1) /* matches no number */
#define NTP_EPOCH_S   2208988800u  /* 1900 to 1970 */
#define MAX_RTT_Q16   (60 << 16)   /* a minute */
#define RTT_SLACK_Q16 655          /* 10 ms: rounding may make a round trip negative */
#define CLOCK_STEP_US 5000000      /* a jump of the remote clock: begin again */
#define MAX_TRANSIT_S 5            /* a larger change is another timestamp base, not jitter */

/* `us` in ticks of a clock, without overflow for any time of day. */
static int64_t ticks_of_us(int64_t us, uint32_t clock_hz)
{
    return us / 1000000 * clock_hz + us % 1000000 * clock_hz / 1000000;
}

uint64_t stoa_report_ntp(int64_t realtime_us)
{
    uint64_t seconds = (uint64_t)(realtime_us / 1000000) + NTP_EPOCH_S;
    uint64_t us = (uint64_t)(realtime_us % 1000000);

    return seconds << 32 | (us << 32) / 1000000;
}

int64_t stoa_report_ntp_to_us(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32) - (int64_t)NTP_EPOCH_S;

    return seconds * 1000000 + (int64_t)((ntp & 0xffffffff) * 1000000 >> 32);
}

void stoa_report_rx_init(StoaReportRx *rx, uint32_t clock_hz)
{
    *rx = (StoaReportRx){ .clock_hz = clock_hz };
}

static void begin_sequence(StoaReportRx *rx, uint16_t seq)
{
    rx->has_begun = true;
    rx->base_seq = rx->max_seq = seq;
    rx->bad_seq = NO_BAD_SEQ;
    rx->cycles = 0;
    rx->n_packets = 0;
    rx->expected_prior = rx->received_prior = 0;
    rx->has_transit = false;
}

/* Returns false for a packet that is so far away that only the next one can explain it. */
static bool follow_sequence(StoaReportRx *rx, uint16_t seq)
{
    uint16_t ahead = (uint16_t)(seq - rx->max_seq);

    if (!rx->has_begun || (seq == rx->bad_seq && ahead >= MAX_DROPOUT)) {
        begin_sequence(rx, seq);
    } else if (ahead < MAX_DROPOUT) {
        if (seq < rx->max_seq)
            rx->cycles += 65536;
        rx->max_seq = seq;
    } else if (ahead <= 65536 - MAX_MISORDER) {
        rx->bad_seq = (uint16_t)(seq + 1);
        return false;
    }
    return true;
}

/* Packets of one frame leave together and would read as jitter: the first of them counts. */
static void follow_jitter(StoaReportRx *rx, uint32_t timestamp, int64_t now_us)
{
    uint32_t transit = (uint32_t)ticks_of_us(now_us, rx->clock_hz) - timestamp;
    int32_t change = (int32_t)(transit - rx->transit);
    uint32_t size = change < 0 ? 0u - (uint32_t)change : (uint32_t)change;

    if (rx->has_transit && timestamp == rx->last_timestamp)
        return;
    if (rx->has_transit && size < MAX_TRANSIT_S * rx->clock_hz)
        rx->jitter_q4 += size - ((rx->jitter_q4 + 8) >> 4);
    rx->transit = transit;
    rx->last_timestamp = timestamp;
    rx->has_transit = true;
}

void stoa_report_rx_packet(StoaReportRx *rx, uint16_t seq, uint32_t timestamp, size_t payload_len,
                           int64_t now_us)
{
    if (!follow_sequence(rx, seq))
        return;
    rx->n_packets++;
    rx->n_bytes += payload_len;
    if (seq == rx->max_seq)
        follow_jitter(rx, timestamp, now_us);
}

void stoa_report_rx_sr(StoaReportRx *rx, const StoaRtcpSr *sr, int64_t now_us)
{
    rx->has_sr = true;
    rx->lsr = stoa_report_ntp_middle(sr->ntp);
    rx->sr_ntp = sr->ntp;
    rx->sr_timestamp = sr->timestamp;
    rx->sr_us = now_us;
}

static uint64_t expected(const StoaReportRx *rx)
{
    return rx->has_begun ? (uint64_t)rx->cycles + rx->max_seq - rx->base_seq + 1 : 0;
}

/* More may have come than was expected, when packets were repeated. */
static int32_t total_lost(const StoaReportRx *rx)
{
    int64_t lost = (int64_t)(expected(rx) - rx->n_packets);

    return lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : (int32_t)lost;
}

static uint8_t fraction_lost(StoaReportRx *rx)
{
    int64_t n_expected = (int64_t)(expected(rx) - rx->expected_prior);
    int64_t n_lost = n_expected - (int64_t)(rx->n_packets - rx->received_prior);

    rx->expected_prior = expected(rx);
    rx->received_prior = rx->n_packets;
    if (n_expected <= 0 || n_lost <= 0)
        return 0;
    return (uint8_t)(n_lost >= n_expected ? 255 : (n_lost << 8) / n_expected);
}

void stoa_report_rx_block(StoaReportRx *rx, uint32_t ssrc, int64_t now_us, StoaRtcpBlock *block)
{
    *block = (StoaRtcpBlock){
        .ssrc = ssrc,
        .fraction_lost = fraction_lost(rx),
        .total_lost = total_lost(rx),
        .highest_seq = rx->cycles + rx->max_seq,
        .jitter = rx->jitter_q4 >> 4,
    };
    if (rx->has_sr) {
        block->lsr = rx->lsr;
        block->dlsr = (uint32_t)ticks_of_us(now_us - rx->sr_us, 65536);
    }
}

int64_t stoa_report_rx_jitter_us(const StoaReportRx *rx)
{
    return rx->clock_hz > 0 ? (int64_t)(rx->jitter_q4 >> 4) * 1000000 / rx->clock_hz : 0;
}

uint64_t stoa_report_rx_lost(const StoaReportRx *rx)
{
    uint64_t n_expected = expected(rx);

    return n_expected > rx->n_packets ? n_expected - rx->n_packets : 0;
}

/* A report that was held up says too much: go down at once, up slowly. */
void stoa_report_clock_input(StoaReportClock *clock, uint64_t sr_ntp, int64_t realtime_us)
{
    int64_t offset_us = realtime_us - stoa_report_ntp_to_us(sr_ntp);
    int64_t above_us = offset_us - clock->offset_us;

    if (!clock->is_known || above_us < 0 || above_us > CLOCK_STEP_US)
        clock->offset_us = offset_us;
    else
        clock->offset_us += above_us / 64;
    clock->is_known = true;
}

bool stoa_report_rx_timestamp(const StoaReportRx *rx, const StoaReportClock *clock,
                              int64_t realtime_us, uint32_t *timestamp)
{
    int64_t since_sr_us;

    if (!rx->has_sr || !clock->is_known)
        return false;
    since_sr_us = realtime_us - clock->offset_us - stoa_report_ntp_to_us(rx->sr_ntp);
    *timestamp = rx->sr_timestamp + (uint32_t)ticks_of_us(since_sr_us, rx->clock_hz);
    return true;
}

void stoa_report_tx_init(StoaReportTx *tx, uint32_t ssrc, uint32_t clock_hz)
{
    *tx = (StoaReportTx){ .ssrc = ssrc, .clock_hz = clock_hz };
}

void stoa_report_tx_packet(StoaReportTx *tx, uint32_t timestamp, size_t payload_len, int64_t now_us)
{
    tx->n_packets++;
    tx->n_bytes += (uint32_t)payload_len;
    if (tx->has_sent && timestamp == tx->last_timestamp)
        return;
    tx->last_timestamp = timestamp;
    tx->last_us = now_us;
    tx->has_sent = true;
}

uint32_t stoa_report_tx_timestamp(const StoaReportTx *tx, int64_t now_us)
{
    if (!tx->has_sent)
        return 0;
    return tx->last_timestamp + (uint32_t)ticks_of_us(now_us - tx->last_us, tx->clock_hz);
}

void stoa_report_tx_sr(const StoaReportTx *tx, int64_t realtime_us, uint32_t timestamp,
                       StoaRtcpSr *sr)
{
    *sr = (StoaRtcpSr){
        .ssrc = tx->ssrc,
        .ntp = stoa_report_ntp(realtime_us),
        .timestamp = timestamp,
        .n_packets = tx->n_packets,
        .n_bytes = tx->n_bytes,
    };
}

bool stoa_report_rtt_us(const StoaRtcpBlock *block, uint64_t now_ntp, int64_t *rtt_us)
{
    int32_t rtt_q16 = (int32_t)(stoa_report_ntp_middle(now_ntp) - block->lsr - block->dlsr);

    if (block->lsr == 0 || rtt_q16 > MAX_RTT_Q16 || rtt_q16 < -RTT_SLACK_Q16)
        return false;
    *rtt_us = rtt_q16 > 0 ? (int64_t)rtt_q16 * 1000000 >> 16 : 0;
    return true;
}
