/* SPDX-License-Identifier: MIT */
#include "rtp/av1.h"

#include "dice.h"

static void a_new_sequence_is_a_key_frame(void **unused G_GNUC_UNUSED)
{
    static const uint8_t key[] = { 0x28, 2, 0x08, 0, 0x30, 0 }; /* W 2, N; sequence header, frame */
    StoaRtpFrameInfo info;

    assert_true(stoa_av1_read(key, sizeof(key), &info));
    assert_true(info.is_keyframe && info.starts_frame);
    assert_false(info.has_layers);
}

static void a_delta_frame_starts_but_is_no_key(void **unused G_GNUC_UNUSED)
{
    static const uint8_t frame[] = { 0x10, 0x34, 0x48, 0 }; /* W 1; frame with extension: T2 S1 */
    static const uint8_t tiles[] = { 0x10, 0x20, 0 };
    static const uint8_t rest[] = { 0x90, 0x34, 0x48, 0 };
    StoaRtpFrameInfo info;

    assert_true(stoa_av1_read(frame, sizeof(frame), &info));
    assert_true(info.starts_frame && info.has_layers && !info.is_keyframe);
    assert_int_equal(info.tid, 2);
    assert_int_equal(info.sid, 1);
    assert_true(stoa_av1_read(tiles, sizeof(tiles), &info));
    assert_false(info.starts_frame);
    assert_true(stoa_av1_read(rest, sizeof(rest), &info));
    assert_false(info.starts_frame || info.is_keyframe);
}

static void contradictions_are_refused(void **unused G_GNUC_UNUSED)
{
    static const uint8_t both[] = { 0x98, 0x34 }, no_length[] = { 0x00, 0x80, 0x80 };
    static const uint8_t nothing[] = { 0x10 }, forbidden[] = { 0x10, 0x80 };
    StoaRtpFrameInfo info;

    assert_false(stoa_av1_read(both, sizeof(both), &info));
    assert_false(stoa_av1_read(no_length, sizeof(no_length), &info));
    assert_false(stoa_av1_read(nothing, sizeof(nothing), &info));
    assert_false(stoa_av1_read(forbidden, sizeof(forbidden), &info));
    assert_true(stoa_av1_read(NULL, 0, &info));
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = dice_below(16);
        uint8_t *noise = malloc(len + 1);
        StoaRtpFrameInfo info;

        dice_fill(noise, len);
        stoa_av1_read(noise, len, &info);
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_sequence_is_a_key_frame),
        cmocka_unit_test(a_delta_frame_starts_but_is_no_key),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
