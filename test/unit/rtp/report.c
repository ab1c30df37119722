/* SPDX-License-Identifier: MIT */
#include "rtp/report.h"

#include "dice.h"

#define MS INT64_C(1000)

static void loss_is_counted_since_the_last_report(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock block;
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 90000);
    for (unsigned i = 0; i < 100; i++)
        if (i % 4 != 1)
            stoa_report_rx_packet(&rx, (uint16_t)(65500 + i), i * 3000, 100, i * 33 * MS);
    stoa_report_rx_block(&rx, 42, 0, &block);
    assert_int_equal(block.ssrc, 42);
    assert_int_equal(block.fraction_lost, 64);
    assert_int_equal(block.total_lost, 25);
    assert_int_equal(block.highest_seq, 65536 + (uint16_t)(65500 + 99));
    assert_int_equal(block.lsr, 0);
    assert_int_equal(stoa_report_rx_lost(&rx), 25);

    for (unsigned i = 100; i < 200; i++)
        stoa_report_rx_packet(&rx, (uint16_t)(65500 + i), i * 3000, 100, i * 33 * MS);
    stoa_report_rx_block(&rx, 42, 0, &block);
    assert_int_equal(block.fraction_lost, 0);
    assert_int_equal(block.total_lost, 25);
    stoa_report_rx_block(&rx, 42, 0, &block); /* nothing came since */
    assert_int_equal(block.fraction_lost, 0);
}

static void repeats_make_the_loss_negative(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock block;
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 48000);
    for (unsigned i = 0; i < 10; i++) {
        stoa_report_rx_packet(&rx, (uint16_t)i, i * 960, 50, i * 20 * MS);
        stoa_report_rx_packet(&rx, (uint16_t)i, i * 960, 50, i * 20 * MS);
    }
    stoa_report_rx_block(&rx, 1, 0, &block);
    assert_int_equal(block.total_lost, -10);
    assert_int_equal(block.fraction_lost, 0);
    assert_int_equal(stoa_report_rx_lost(&rx), 0);
    assert_int_equal(rx.n_bytes, 1000);
}

static void late_packets_are_not_lost(void **unused G_GNUC_UNUSED)
{
    static const uint16_t order[] = { 1, 3, 2, 4, 6, 5 };
    StoaRtcpBlock block;
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 48000);
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        stoa_report_rx_packet(&rx, order[i], order[i] * 960u, 50, (int64_t)i * 20 * MS);
    stoa_report_rx_block(&rx, 1, 0, &block);
    assert_int_equal(block.total_lost, 0);
    assert_int_equal(block.highest_seq, 6);
}

static void a_restart_needs_two_packets_to_be_believed(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock block;
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 48000);
    for (unsigned i = 0; i < 10; i++)
        stoa_report_rx_packet(&rx, (uint16_t)i, i * 960, 50, i * 20 * MS);
    stoa_report_rx_packet(&rx, 30000, 0, 50, 0);
    stoa_report_rx_packet(&rx, 10, 9600, 50, 0);
    stoa_report_rx_block(&rx, 1, 0, &block);
    assert_int_equal(block.highest_seq, 10);
    stoa_report_rx_packet(&rx, 40000, 0, 50, 0);
    stoa_report_rx_packet(&rx, 40001, 960, 50, 0);
    stoa_report_rx_block(&rx, 1, 0, &block);
    assert_int_equal(block.highest_seq, 40001);
    assert_int_equal(block.total_lost, 0);
}

static void an_even_stream_has_no_jitter(void **unused G_GNUC_UNUSED)
{
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 48000);
    for (unsigned i = 0; i < 500; i++)
        stoa_report_rx_packet(&rx, (uint16_t)i, 0xffffff00 + i * 960, 50, 7 + i * 20 * MS);
    assert_int_equal(rx.jitter_q4 >> 4, 0);
    for (unsigned i = 500; i < 1500; i++) /* every second one 10 ms late: differences of 10 ms */
        stoa_report_rx_packet(&rx, (uint16_t)i, 0xffffff00 + i * 960, 50,
                              i * 20 * MS + (i % 2 ? 10 * MS : 0));
    assert_in_range(stoa_report_rx_jitter_us(&rx), 9500, 10500);
}

static void a_burst_of_one_frame_is_not_jitter(void **unused G_GNUC_UNUSED)
{
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 90000);
    for (unsigned i = 0; i < 900; i++)
        stoa_report_rx_packet(&rx, (uint16_t)i, i / 9 * 3000, 50,
                              i / 9 * 100 * MS / 3 + i % 9 * MS);
    assert_in_range(stoa_report_rx_jitter_us(&rx), 0, 50);
}

static void an_empty_source_reports_nothing_lost(void **unused G_GNUC_UNUSED)
{
    StoaRtcpSr sr = { .ntp = UINT64_C(0x1122334455667788) };
    StoaRtcpBlock block;
    StoaReportRx rx;

    stoa_report_rx_init(&rx, 90000);
    stoa_report_rx_sr(&rx, &sr, 1000 * MS);
    stoa_report_rx_block(&rx, 1, 1500 * MS, &block);
    assert_int_equal(block.total_lost, 0);
    assert_int_equal(block.lsr, 0x33445566);
    assert_int_equal(block.dlsr, 32768);
}

static void ntp_time_begins_in_1900(void **unused G_GNUC_UNUSED)
{
    int64_t now_us = INT64_C(1795000000123456);

    assert_true(stoa_report_ntp(0) == (uint64_t)2208988800 << 32);
    assert_true(stoa_report_ntp(500000) == ((uint64_t)2208988800 << 32 | 0x80000000));
    assert_in_range(stoa_report_ntp_to_us(stoa_report_ntp(now_us)), now_us - 1, now_us);
}

static void the_round_trip_comes_from_a_report(void **unused G_GNUC_UNUSED)
{
    int64_t sent_us = INT64_C(1795000000000000), rtt_us;
    StoaRtcpBlock block = { .lsr = stoa_report_ntp_middle(stoa_report_ntp(sent_us)),
                            .dlsr = 65536 / 2 };

    assert_true(stoa_report_rtt_us(&block, stoa_report_ntp(sent_us + 580 * MS), &rtt_us));
    assert_in_range(rtt_us, 80 * MS - 50, 80 * MS + 50);
    assert_true(stoa_report_rtt_us(&block, stoa_report_ntp(sent_us + 499 * MS), &rtt_us));
    assert_int_equal(rtt_us, 0);
    assert_false(stoa_report_rtt_us(&block, stoa_report_ntp(sent_us + 400 * MS), &rtt_us));
    assert_false(stoa_report_rtt_us(&block, stoa_report_ntp(sent_us + 90000 * MS), &rtt_us));
    block.lsr = 0;
    assert_false(stoa_report_rtt_us(&block, stoa_report_ntp(sent_us), &rtt_us));
}

static void a_sender_report_maps_now_to_the_media_clock(void **unused G_GNUC_UNUSED)
{
    StoaReportTx tx;
    StoaRtcpSr sr;

    stoa_report_tx_init(&tx, 5, 90000);
    assert_int_equal(stoa_report_tx_timestamp(&tx, 0), 0);
    for (unsigned i = 0; i < 10; i++)
        stoa_report_tx_packet(&tx, 1000 + i / 5 * 3000, 100, i * 10 * MS);
    assert_int_equal(stoa_report_tx_timestamp(&tx, 60 * MS), 4000 + 900);
    stoa_report_tx_sr(&tx, 0, 77, &sr);
    assert_int_equal(sr.ssrc, 5);
    assert_int_equal(sr.n_packets, 10);
    assert_int_equal(sr.n_bytes, 1000);
    assert_int_equal(sr.timestamp, 77);
    assert_true(sr.ntp == stoa_report_ntp(0));
}

/* Two streams of one publisher, whose clock is far from ours: a moment is the same in both. */
static void streams_of_one_publisher_stay_in_step(void **unused G_GNUC_UNUSED)
{
    int64_t theirs_us = INT64_C(1000000000000), ours_us = INT64_C(1795000000000000);
    StoaRtcpSr audio_sr = { .ntp = stoa_report_ntp(theirs_us), .timestamp = 4800 };
    StoaRtcpSr video_sr = { .ntp = stoa_report_ntp(theirs_us + 300 * MS), .timestamp = 0xfffffff0 };
    StoaReportClock clock = { 0 };
    StoaReportRx audio, video;
    uint32_t timestamp;

    stoa_report_rx_init(&audio, 48000);
    stoa_report_rx_init(&video, 90000);
    assert_false(stoa_report_rx_timestamp(&audio, &clock, ours_us, &timestamp));
    stoa_report_rx_sr(&audio, &audio_sr, 0);
    stoa_report_clock_input(&clock, audio_sr.ntp, ours_us + 30 * MS); /* held up by 30 ms */
    stoa_report_rx_sr(&video, &video_sr, 300 * MS);
    stoa_report_clock_input(&clock, video_sr.ntp, ours_us + 310 * MS);
    assert_in_range(clock.offset_us - (ours_us - theirs_us), 10 * MS - 2, 10 * MS + 2);

    assert_true(stoa_report_rx_timestamp(&audio, &clock, ours_us + 1010 * MS, &timestamp));
    assert_in_range(timestamp, 4800 + 48000 - 1, 4800 + 48000 + 1);
    assert_true(stoa_report_rx_timestamp(&video, &clock, ours_us + 1010 * MS, &timestamp));
    assert_in_range(timestamp + 16, 63000 - 1, 63000 + 1);
    assert_true(stoa_report_rx_timestamp(&video, &clock, ours_us + 110 * MS, &timestamp));
    assert_in_range(timestamp + 16 + 18000, 0, 1); /* before the report: backwards */
}

static void the_clock_follows_the_least_delay_and_steps(void **unused G_GNUC_UNUSED)
{
    StoaReportClock clock = { 0 };

    stoa_report_clock_input(&clock, stoa_report_ntp(0), 50 * MS);
    assert_in_range(clock.offset_us, 50 * MS, 50 * MS + 1);
    stoa_report_clock_input(&clock, stoa_report_ntp(0), 20 * MS);
    assert_in_range(clock.offset_us, 20 * MS, 20 * MS + 1);
    stoa_report_clock_input(&clock, stoa_report_ntp(0), 84 * MS);
    assert_in_range(clock.offset_us, 21 * MS - 1, 21 * MS + 1);
    stoa_report_clock_input(&clock, stoa_report_ntp(0), 3600000 * MS);
    assert_in_range(clock.offset_us, 3600000 * MS, 3600000 * MS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_counted_since_the_last_report),
        cmocka_unit_test(repeats_make_the_loss_negative),
        cmocka_unit_test(late_packets_are_not_lost),
        cmocka_unit_test(a_restart_needs_two_packets_to_be_believed),
        cmocka_unit_test(an_even_stream_has_no_jitter),
        cmocka_unit_test(a_burst_of_one_frame_is_not_jitter),
        cmocka_unit_test(an_empty_source_reports_nothing_lost),
        cmocka_unit_test(ntp_time_begins_in_1900),
        cmocka_unit_test(the_round_trip_comes_from_a_report),
        cmocka_unit_test(a_sender_report_maps_now_to_the_media_clock),
        cmocka_unit_test(streams_of_one_publisher_stay_in_step),
        cmocka_unit_test(the_clock_follows_the_least_delay_and_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
