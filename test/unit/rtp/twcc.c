/* SPDX-License-Identifier: MIT */
#include "rtp/twcc.h"

#include <time.h>

#include "dice.h"
#include "rtp/bytes.h"
#include "rtp/seq.h"

#define MS INT64_C(1000)

static StoaTwccRecorder recorder;
static uint8_t buf[1200];

static int setup(void **unused G_GNUC_UNUSED)
{
    memset(&recorder, 0, sizeof(recorder));
    return 0;
}

static StoaRtcpFeedback feedback_of(const uint8_t *at, size_t len)
{
    StoaRtcpFeedback feedback;
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    assert_true(len > 0 && len % 4 == 0);
    assert_true(stoa_rtcp_is_valid(at, len));
    stoa_rtcp_iter_init(&iter, at, len);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_true(stoa_rtcp_feedback_read(&packet, &feedback));
    assert_int_equal(feedback.kind, STOA_RTCP_FEEDBACK_TWCC);
    return feedback;
}

static StoaTwccIter next_feedback(size_t size)
{
    StoaRtcpFeedback feedback =
        feedback_of(buf, stoa_twcc_recorder_output(&recorder, 1, 2, buf, size));
    StoaTwccIter iter;

    assert_int_equal(feedback.sender_ssrc, 1);
    assert_int_equal(feedback.media_ssrc, 2);
    assert_true(stoa_twcc_iter_init(&iter, &feedback));
    return iter;
}

static void arrivals_are_told_with_their_times(void **unused G_GNUC_UNUSED)
{
    StoaTwccArrival arrival;
    StoaTwccIter iter;

    stoa_twcc_recorder_input(&recorder, 65534, 1000 * MS);
    stoa_twcc_recorder_input(&recorder, 65535, 1010 * MS);
    stoa_twcc_recorder_input(&recorder, 2, 1500 * MS);
    stoa_twcc_recorder_input(&recorder, 1, 1501 * MS); /* out of order: back in time */
    stoa_twcc_recorder_input(&recorder, 1, 1600 * MS); /* again: no change */
    iter = next_feedback(sizeof(buf));
    assert_int_equal(iter.n_packets, 5);
    assert_int_equal(iter.base_seq, 65534);

    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_true(arrival.is_received);
    assert_int_equal(arrival.seq, 65534);
    assert_int_equal(arrival.arrival_us, 1000 * MS);
    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_int_equal(arrival.arrival_us, 1010 * MS);
    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_false(arrival.is_received);
    assert_int_equal(arrival.seq, 0);
    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_int_equal(arrival.arrival_us, 1501 * MS);
    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_int_equal(arrival.arrival_us, 1500 * MS);
    assert_false(stoa_twcc_iter_next(&iter, &arrival));
    assert_int_equal(stoa_twcc_recorder_output(&recorder, 1, 2, buf, sizeof(buf)), 0);
}

static void feedbacks_are_counted_and_join(void **unused G_GNUC_UNUSED)
{
    StoaTwccIter iter;

    for (unsigned n = 0; n < 600; n++) {
        stoa_twcc_recorder_input(&recorder, (uint16_t)(3 * n), n * 20 * MS);
        iter = next_feedback(sizeof(buf));
        assert_int_equal(iter.count, n % 256);
        assert_int_equal(iter.base_seq, n == 0 ? 0 : (uint16_t)(3 * n - 2));
        assert_int_equal(iter.n_packets, n == 0 ? 1 : 3); /* the two lost ones are told too */
    }
}

static void a_silence_too_long_for_a_delta_makes_two(void **unused G_GNUC_UNUSED)
{
    StoaTwccIter iter;

    stoa_twcc_recorder_input(&recorder, 1, 0);
    stoa_twcc_recorder_input(&recorder, 2, 9000 * MS); /* 36,000 ticks */
    iter = next_feedback(sizeof(buf));
    assert_int_equal(iter.n_packets, 1);
    iter = next_feedback(sizeof(buf));
    assert_int_equal(iter.n_packets, 1);
    assert_int_equal(iter.base_seq, 2);
    assert_int_equal(stoa_twcc_recorder_output(&recorder, 1, 2, buf, sizeof(buf)), 0);
}

static void a_late_packet_is_told_after_all(void **unused G_GNUC_UNUSED)
{
    StoaTwccArrival arrival;
    StoaTwccIter iter;

    stoa_twcc_recorder_input(&recorder, 1, 1000 * MS);
    stoa_twcc_recorder_input(&recorder, 3, 1001 * MS);
    next_feedback(sizeof(buf));
    stoa_twcc_recorder_input(&recorder, 2, 1200 * MS);
    iter = next_feedback(sizeof(buf));
    assert_int_equal(iter.base_seq, 2);
    assert_true(stoa_twcc_iter_next(&iter, &arrival));
    assert_true(arrival.is_received);
    assert_int_equal(arrival.arrival_us, 1200 * MS);
}

static void much_loss_and_great_jumps_stay_inside_the_ring(void **unused G_GNUC_UNUSED)
{
    size_t len, n = 0;

    stoa_twcc_recorder_input(&recorder, 0, 0);
    stoa_twcc_recorder_input(&recorder, 30000, 10 * MS);
    stoa_twcc_recorder_input(&recorder, 30001, 10 * MS);
    stoa_twcc_recorder_input(&recorder, 100, 10 * MS); /* too late for the ring */
    while ((len = stoa_twcc_recorder_output(&recorder, 1, 2, buf, 64)) > 0) {
        StoaRtcpFeedback feedback = feedback_of(buf, len);
        StoaTwccIter iter;

        assert_true(len <= 64);
        assert_true(stoa_twcc_iter_init(&iter, &feedback));
        n += iter.n_packets;
    }
    assert_int_equal(n, STOA_TWCC_RING);
}

/* Random loss, jitter, bursts, sizes: what a reader sees is what came. */
static void a_reader_sees_exactly_what_came(void **unused G_GNUC_UNUSED)
{
    static int64_t came_us[65536];
    uint16_t seq = 65000, expected = 65000;
    int64_t now_us = 5000 * MS;

    for (unsigned round = 0; round < 3000; round++) {
        unsigned n = 1 + dice_below(round % 10 ? 40 : 400), loss = dice_below(3) ? 10 : 2;
        size_t size = dice_below(2) ? 64 + dice_below(200) : sizeof(buf), len;

        for (unsigned i = 0; i < n; i++, seq++) {
            now_us += dice_below(20) ? dice_below(2000) : dice_below(200 * 1000);
            came_us[seq] = 0;
            if (i + 1 < n && dice_below(loss) == 0)
                continue;
            came_us[seq] = now_us;
            stoa_twcc_recorder_input(&recorder, seq, now_us);
        }
        while ((len = stoa_twcc_recorder_output(&recorder, 1, 2, buf, size)) > 0) {
            uint8_t *exact = dice_exact(buf, len);
            StoaRtcpFeedback feedback = feedback_of(exact, len);
            StoaTwccArrival arrival;
            StoaTwccIter iter;

            assert_true(len <= size);
            assert_true(stoa_twcc_iter_init(&iter, &feedback));
            while (stoa_twcc_iter_next(&iter, &arrival)) {
                assert_int_equal(arrival.seq, expected++);
                assert_int_equal(arrival.is_received, came_us[arrival.seq] != 0);
                if (arrival.is_received)
                    assert_int_equal(arrival.arrival_us, came_us[arrival.seq] / 250 * 250);
            }
            free(exact);
        }
        assert_int_equal(expected, seq);
    }
}

static void runs_and_both_vectors_are_read(void **unused G_GNUC_UNUSED)
{
    static const uint8_t packet[] = {
        0x8f, 205,  0, 9, 0, 0, 0,    1,    0, 0, 0, 2, 0, 10, 0, 26, 0, 0, 1, 5, /* 26 from 10 */
        0x20, 3,    /* run of 3 small */
        0x00, 2,    /* run of 2 lost */
        0xa0, 0x01, /* one bit: 1000 0000 0000 01 */
        0xd8, 0x00, /* two bits: small, large, lost... */
        4,    4,    4, 8, 8, 4, 0xff, 0xfc, 0, 0, 0, 0,
    };
    StoaRtcpFeedback feedback = feedback_of(packet, sizeof(packet));
    StoaTwccArrival arrivals[26];
    StoaTwccIter iter;

    assert_true(stoa_twcc_iter_init(&iter, &feedback));
    for (size_t i = 0; i < 26; i++)
        assert_true(stoa_twcc_iter_next(&iter, &arrivals[i]));
    assert_false(stoa_twcc_iter_next(&iter, &arrivals[0]));
    assert_int_equal(iter.count, 5);
    assert_int_equal(arrivals[2].arrival_us, 64 * MS + 3 * MS);
    assert_false(arrivals[3].is_received || arrivals[4].is_received);
    assert_int_equal(arrivals[5].arrival_us, 69 * MS);
    assert_false(arrivals[6].is_received);
    assert_int_equal(arrivals[18].arrival_us, 71 * MS);
    assert_int_equal(arrivals[19].arrival_us, 72 * MS);
    assert_int_equal(arrivals[20].arrival_us, 71 * MS); /* a negative delta */
    assert_false(arrivals[21].is_received);
}

static void a_feedback_cut_short_is_refused(void **unused G_GNUC_UNUSED)
{
    StoaRtcpFeedback feedback;
    StoaTwccIter iter;
    size_t len, whole;

    for (unsigned i = 0; i < 50; i++)
        stoa_twcc_recorder_input(&recorder, (uint16_t)(i * 2), i * 3 * MS);
    len = stoa_twcc_recorder_output(&recorder, 1, 2, buf, sizeof(buf));
    feedback = feedback_of(buf, len);
    assert_true(stoa_twcc_iter_init(&iter, &feedback));
    whole = feedback.fci_len;
    for (feedback.fci_len = 0; feedback.fci_len < whole - 3; feedback.fci_len++)
        assert_false(stoa_twcc_iter_init(&iter, &feedback));
}

/* Forty bytes may claim 65,535 packets: looking whether they are whole costs no more than any forty bytes. */
static void many_packets_in_a_few_runs_are_cheap_to_check(void **unused G_GNUC_UNUSED)
{
    uint8_t fci[8 + 9 * 2] = { 0, 0, 0xff, 0xff };
    StoaRtcpFeedback feedback = { .kind = STOA_RTCP_FEEDBACK_TWCC, .fci = fci };
    clock_t begun = clock();
    StoaTwccIter iter;

    for (size_t i = 8; i < sizeof(fci); i += 2) /* runs of 8,191 that were lost */
        memcpy(fci + i, "\x1f\xff", 2);
    feedback.fci_len = sizeof(fci);
    for (unsigned i = 0; i < 20000; i++)
        assert_true(stoa_twcc_iter_init(&iter, &feedback));
    assert_true(clock() - begun < CLOCKS_PER_SEC / 2);
    feedback.fci_len -= 2;
    assert_false(stoa_twcc_iter_init(&iter, &feedback));
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = dice_below(80);
        uint8_t *noise = malloc(len + 1);
        StoaRtcpFeedback feedback = { .kind = STOA_RTCP_FEEDBACK_TWCC,
                                      .fci = noise,
                                      .fci_len = len };
        StoaTwccArrival arrival;
        StoaTwccIter iter;
        unsigned n_read = 0;

        dice_fill(noise, len);
        if (len > 3)
            noise[2] = 0; /* few packets: more of them are whole */
        if (stoa_twcc_iter_init(&iter, &feedback)) {
            while (stoa_twcc_iter_next(&iter, &arrival))
                n_read++;
            assert_int_equal(n_read, iter.n_packets);
        }
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(arrivals_are_told_with_their_times, setup),
        cmocka_unit_test_setup(feedbacks_are_counted_and_join, setup),
        cmocka_unit_test_setup(a_silence_too_long_for_a_delta_makes_two, setup),
        cmocka_unit_test_setup(a_late_packet_is_told_after_all, setup),
        cmocka_unit_test_setup(much_loss_and_great_jumps_stay_inside_the_ring, setup),
        cmocka_unit_test_setup(a_reader_sees_exactly_what_came, setup),
        cmocka_unit_test_setup(runs_and_both_vectors_are_read, setup),
        cmocka_unit_test_setup(a_feedback_cut_short_is_refused, setup),
        cmocka_unit_test_setup(many_packets_in_a_few_runs_are_cheap_to_check, setup),
        cmocka_unit_test_setup(noise_never_leads_outside, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
