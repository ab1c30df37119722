/* SPDX-License-Identifier: MIT */
/* One datagram through every RTCP reader; what a reader understood is written again and read again. */
#include <glib.h>
#include <string.h>

#include "rtp/nack.h"
#include "rtp/report.h"
#include "rtp/rtcp-feedback.h"
#include "rtp/twcc.h"

#define MAX_LEN 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[MAX_LEN + 100];

static StoaRtcpPacket written(size_t len)
{
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    g_assert(len > 0 && stoa_rtcp_is_valid(out, len));
    stoa_rtcp_iter_init(&iter, out, len);
    g_assert(stoa_rtcp_iter_next(&iter, &packet));
    return packet;
}

static void try_reports(const StoaRtcpPacket *packet)
{
    StoaRtcpBlock blocks[31], again;
    StoaRtcpPacket copy;
    int64_t rtt_us;
    StoaRtcpSr sr;
    uint32_t ssrc;
    size_t n = 0;

    if (!stoa_rtcp_sender(packet, &ssrc))
        return;
    while (n < 31 && stoa_rtcp_block_read(packet, n, &blocks[n]))
        stoa_report_rtt_us(&blocks[n++], 0x123456789, &rtt_us);
    if (stoa_rtcp_sr_read(packet, &sr))
        copy = written(stoa_rtcp_sr_write(&sr, blocks, n, out, sizeof(out)));
    else
        copy = written(stoa_rtcp_rr_write(ssrc, blocks, n, out, sizeof(out)));
    for (size_t i = 0; i < n; i++) {
        g_assert(stoa_rtcp_block_read(&copy, i, &again));
        g_assert(again.total_lost == blocks[i].total_lost && again.dlsr == blocks[i].dlsr);
    }
}

static void try_round_trip(const StoaRtcpPacket *packet)
{
    StoaRtcpDlrr dlrr;
    StoaRtcpXr xr;

    if (!stoa_rtcp_xr_read(packet, &xr))
        return;
    if (xr.has_rrtr)
        written(stoa_rtcp_rrtr_write(xr.ssrc, xr.rrtr_ntp, out, sizeof(out)));
    for (size_t i = 0; stoa_rtcp_dlrr_read(&xr, i, &dlrr);)
        i++;
}

static void try_nack(const StoaRtcpFeedback *feedback)
{
    static uint16_t seqs[MAX_LEN / 4 * 17], again[MAX_LEN / 4 * 17];
    size_t n, len;

    n = stoa_nack_fci_read(feedback->fci, feedback->fci_len, seqs, G_N_ELEMENTS(seqs));
    len = stoa_nack_fci_write(seqs, n, out, sizeof(out));
    g_assert(len <= feedback->fci_len);
    g_assert(n == 0 || stoa_nack_fci_read(out, len, again, G_N_ELEMENTS(again)) > 0);
}

static void try_arrivals(const StoaRtcpFeedback *feedback)
{
    static StoaTwccRecorder recorder;
    StoaTwccArrival arrival;
    unsigned n_packets = 0;
    StoaTwccIter iter;
    size_t len;

    if (!stoa_twcc_iter_init(&iter, feedback))
        return;
    memset(&recorder, 0, sizeof(recorder));
    while (stoa_twcc_iter_next(&iter, &arrival)) {
        n_packets++;
        if (arrival.is_received)
            stoa_twcc_recorder_input(&recorder, arrival.seq, arrival.arrival_us);
    }
    g_assert(n_packets == iter.n_packets);
    while ((len = stoa_twcc_recorder_output(&recorder, 1, 2, out, 500)) > 0) {
        StoaRtcpPacket packet = written(len);
        StoaRtcpFeedback again;

        g_assert(len <= 500 && stoa_rtcp_feedback_read(&packet, &again));
        g_assert(stoa_twcc_iter_init(&iter, &again));
    }
}

static void try_feedback(const StoaRtcpPacket *packet)
{
    StoaRtcpFeedback feedback;
    StoaRtcpRemb remb;
    StoaRtcpFir fir;

    if (!stoa_rtcp_feedback_read(packet, &feedback))
        return;
    for (size_t i = 0; stoa_rtcp_fir_read(&feedback, i, &fir); i++)
        written(stoa_rtcp_fir_write(feedback.sender_ssrc, fir, out, sizeof(out)));
    if (stoa_rtcp_remb_read(&feedback, &remb))
        written(stoa_rtcp_remb_write(feedback.sender_ssrc, &remb, out, sizeof(out)));
    if (feedback.kind == STOA_RTCP_FEEDBACK_NACK)
        try_nack(&feedback);
    try_arrivals(&feedback);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    if (size > MAX_LEN)
        return 0;
    stoa_rtcp_is_valid(data, size);
    stoa_rtcp_iter_init(&iter, data, size);
    while (stoa_rtcp_iter_next(&iter, &packet)) {
        try_reports(&packet);
        try_round_trip(&packet);
        try_feedback(&packet);
    }
    return 0;
}
