/* SPDX-License-Identifier: MIT */
#include "rtp/h264.h"

#include "dice.h"

typedef struct {
    const char *what;
    bool starts_frame, is_keyframe, is_not_reference;
    size_t len;
    uint8_t payload[16];
} Row;

static const Row rows[] = {
    { "SPS", true, true, false, 2, { 0x67, 0x42 } },
    { "PPS", true, false, false, 2, { 0x68, 0xce } },
    { "IDR slice", true, true, false, 2, { 0x65, 0x88 } },
    { "IDR, not its first slice", false, false, false, 2, { 0x65, 0x40 } },
    { "delta slice", true, false, false, 2, { 0x41, 0x9a } },
    { "delta slice that nothing refers to", true, false, true, 2, { 0x01, 0x9a } },
    { "SEI", true, false, true, 2, { 0x06, 5 } },
    { "STAP-A: SPS, PPS, IDR",
      true,
      true,
      false,
      12,
      { 0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x88 } },
    { "STAP-A: delta", true, false, false, 5, { 0x58, 0, 2, 0x41, 0x9a } },
    { "FU-A: IDR begins", true, true, false, 3, { 0x7c, 0x85, 0x88 } },
    { "FU-A: IDR goes on", false, false, false, 3, { 0x7c, 0x05, 0x88 } },
    { "FU-A: IDR ends", false, false, false, 3, { 0x7c, 0x45, 0x88 } },
    { "FU-A: delta begins", true, false, false, 3, { 0x5c, 0x81, 0x9a } },
    { "FU-A: unreferenced goes on", false, false, true, 3, { 0x1c, 0x01, 0x9a } },
};

static void each_kind_of_packet_is_understood(void **unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint8_t *exact = dice_exact(rows[i].payload, rows[i].len);
        StoaRtpFrameInfo info;

        if (!stoa_h264_read(exact, rows[i].len, &info) ||
            info.starts_frame != rows[i].starts_frame || info.is_keyframe != rows[i].is_keyframe ||
            info.is_not_reference != rows[i].is_not_reference)
            fail_msg("%s", rows[i].what);
        free(exact);
    }
}

static void malformed_packets_are_refused(void **unused G_GNUC_UNUSED)
{
    static const uint8_t overrun[] = { 0x78, 0, 9, 0x67 }, empty_unit[] = { 0x78, 0, 0 };
    static const uint8_t half[] = { 0x78, 0 }, fragment[] = { 0x7c }, unknown[] = { 0x1f, 0 };
    StoaRtpFrameInfo info;

    assert_false(stoa_h264_read(overrun, sizeof(overrun), &info));
    assert_false(stoa_h264_read(empty_unit, sizeof(empty_unit), &info));
    assert_false(stoa_h264_read(half, sizeof(half), &info));
    assert_false(stoa_h264_read(fragment, sizeof(fragment), &info));
    assert_false(stoa_h264_read(unknown, sizeof(unknown), &info));
    assert_false(info.is_keyframe || info.starts_frame);
    assert_true(stoa_h264_read(NULL, 0, &info));
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = dice_below(30);
        uint8_t *noise = malloc(len + 1);
        StoaRtpFrameInfo info;

        dice_fill(noise, len);
        if (n % 2)
            noise[0] = 0x78;
        if (len > 1)
            noise[1] = 0;
        stoa_h264_read(noise, len, &info);
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_packet_is_understood),
        cmocka_unit_test(malformed_packets_are_refused),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
