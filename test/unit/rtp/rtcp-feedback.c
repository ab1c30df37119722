/* SPDX-License-Identifier: MIT */
#include "rtp/rtcp-feedback.h"

#include "dice.h"
#include "rtp/bytes.h"
#include "rtp/nack.h"

static uint8_t buf[400];

static StoaRtcpFeedback read_back(size_t len)
{
    StoaRtcpFeedback feedback;
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    assert_true(len > 0);
    assert_true(stoa_rtcp_is_valid(buf, len));
    stoa_rtcp_iter_init(&iter, buf, len);
    assert_true(stoa_rtcp_iter_next(&iter, &packet));
    assert_true(stoa_rtcp_feedback_read(&packet, &feedback));
    return feedback;
}

static void a_pli_names_its_stream(void **unused G_GNUC_UNUSED)
{
    static const uint8_t expected[] = { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 };
    StoaRtcpFeedback feedback;

    assert_int_equal(stoa_rtcp_pli_write(1, 2, buf, 11), 0);
    feedback = read_back(stoa_rtcp_pli_write(1, 2, buf, 12));
    assert_memory_equal(buf, expected, 12);
    assert_int_equal(feedback.kind, STOA_RTCP_FEEDBACK_PLI);
    assert_int_equal(feedback.media_ssrc, 2);
}

static void a_fir_names_its_streams_in_the_fci(void **unused G_GNUC_UNUSED)
{
    StoaRtcpFir in = { .ssrc = 0xaabbccdd, .seq = 9 }, out;
    StoaRtcpFeedback feedback = read_back(stoa_rtcp_fir_write(1, in, buf, sizeof(buf)));

    assert_int_equal(feedback.kind, STOA_RTCP_FEEDBACK_FIR);
    assert_true(stoa_rtcp_fir_read(&feedback, 0, &out));
    assert_int_equal(out.ssrc, in.ssrc);
    assert_int_equal(out.seq, 9);
    assert_false(stoa_rtcp_fir_read(&feedback, 1, &out));
    assert_int_equal(stoa_rtcp_fir_write(1, in, buf, 19), 0);
}

static void a_nack_carries_all_numbers(void **unused G_GNUC_UNUSED)
{
    static const uint16_t in[] = { 65535, 0, 5, 40, 41 };
    uint16_t out[34];
    StoaRtcpFeedback feedback = read_back(stoa_rtcp_nack_write(1, 2, in, 5, buf, sizeof(buf)));

    assert_int_equal(feedback.kind, STOA_RTCP_FEEDBACK_NACK);
    assert_int_equal(feedback.media_ssrc, 2);
    assert_int_equal(stoa_nack_fci_read(feedback.fci, feedback.fci_len, out, 34), 5);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(stoa_rtcp_nack_write(1, 2, in, 0, buf, sizeof(buf)), 0);
    assert_int_equal(stoa_rtcp_nack_write(1, 2, in, 5, buf, 19), 0);
}

static void a_remb_keeps_eighteen_bits_of_its_rate(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 2000; n++) {
        StoaRtcpRemb in = { .bitrate_bps = ((uint64_t)dice() << 32 | dice()) >> dice_below(64),
                            .n_ssrcs = dice_below(STOA_RTCP_REMB_MAX_SSRCS + 1) };
        StoaRtcpFeedback feedback;
        StoaRtcpRemb out;

        for (size_t i = 0; i < in.n_ssrcs; i++)
            in.ssrcs[i] = dice();
        feedback = read_back(stoa_rtcp_remb_write(3, &in, buf, sizeof(buf)));
        assert_int_equal(feedback.kind, STOA_RTCP_FEEDBACK_REMB);
        assert_true(stoa_rtcp_remb_read(&feedback, &out));
        assert_true(out.bitrate_bps <= in.bitrate_bps);
        assert_true(in.bitrate_bps - out.bitrate_bps <= in.bitrate_bps >> 17);
        assert_int_equal(out.n_ssrcs, in.n_ssrcs);
        assert_memory_equal(out.ssrcs, in.ssrcs, in.n_ssrcs * 4);
    }
}

static void a_remb_beyond_64_bits_is_without_limit(void **unused G_GNUC_UNUSED)
{
    StoaRtcpRemb remb = { .bitrate_bps = 1 };
    StoaRtcpFeedback feedback = read_back(stoa_rtcp_remb_write(3, &remb, buf, sizeof(buf)));

    stoa_bytes_put24(buf + 17, 63u << 18 | 1);
    assert_true(stoa_rtcp_remb_read(&feedback, &remb));
    assert_true(remb.bitrate_bps == UINT64_MAX);
    buf[16] = 1; /* a stream that is not there */
    assert_false(stoa_rtcp_remb_read(&feedback, &remb));
}

static void what_we_do_not_know_is_told_as_other(void **unused G_GNUC_UNUSED)
{
    static const uint8_t afb[] = { 0x8f, 206, 0,   4,   0,   0,   0, 1, 0, 0,
                                   0,    2,   'X', 'X', 'X', 'X', 0, 0, 0, 0 };
    memcpy(buf, afb, sizeof(afb));
    assert_int_equal(read_back(sizeof(afb)).kind, STOA_RTCP_FEEDBACK_OTHER);
    buf[0] = 0x85;
    assert_int_equal(read_back(sizeof(afb)).kind, STOA_RTCP_FEEDBACK_OTHER);
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = 4 * (1 + dice_below(16));
        uint8_t *noise = malloc(len);
        uint16_t seqs[300];
        StoaRtcpFeedback feedback;
        StoaRtcpPacket packet;
        StoaRtcpIter iter;
        StoaRtcpRemb remb;
        StoaRtcpFir fir;

        dice_fill(noise, len);
        noise[0] = (uint8_t)(0x80 | "\1\4\17\17"[dice_below(4)]);
        noise[1] = (uint8_t)(205 + dice_below(2));
        stoa_bytes_put16(noise + 2, (uint16_t)(len / 4 - 1));
        if (len >= 16 && dice_below(2))
            memcpy(noise + 12, "REMB", 4);
        stoa_rtcp_iter_init(&iter, noise, len);
        assert_true(stoa_rtcp_iter_next(&iter, &packet));
        if (stoa_rtcp_feedback_read(&packet, &feedback)) {
            stoa_rtcp_remb_read(&feedback, &remb);
            for (size_t i = 0; stoa_rtcp_fir_read(&feedback, i, &fir);)
                i++;
            stoa_nack_fci_read(feedback.fci, feedback.fci_len, seqs, 300);
        }
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pli_names_its_stream),
        cmocka_unit_test(a_fir_names_its_streams_in_the_fci),
        cmocka_unit_test(a_nack_carries_all_numbers),
        cmocka_unit_test(a_remb_keeps_eighteen_bits_of_its_rate),
        cmocka_unit_test(a_remb_beyond_64_bits_is_without_limit),
        cmocka_unit_test(what_we_do_not_know_is_told_as_other),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
