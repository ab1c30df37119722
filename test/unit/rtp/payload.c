/* SPDX-License-Identifier: MIT */
#include "rtp/payload.h"

#include "dice.h"

static const uint8_t vp8_key[] = { 0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01 };

static void each_codec_finds_its_reader(void **unused G_GNUC_UNUSED)
{
    static const uint8_t vp9_key[] = { 0x08, 0 }, h264_key[] = { 0x67, 0x42 };
    static const uint8_t av1_key[] = { 0x18, 0x08 };
    StoaRtpFrameInfo info;

    assert_true(stoa_rtp_payload_info(STOA_CODEC_VP8, vp8_key, sizeof(vp8_key), NULL, &info));
    assert_true(info.is_keyframe);
    assert_true(stoa_rtp_payload_info(STOA_CODEC_VP9, vp9_key, sizeof(vp9_key), NULL, &info));
    assert_true(info.is_keyframe);
    assert_true(stoa_rtp_payload_info(STOA_CODEC_H264, h264_key, sizeof(h264_key), NULL, &info));
    assert_true(info.is_keyframe);
    assert_true(stoa_rtp_payload_info(STOA_CODEC_AV1, av1_key, sizeof(av1_key), NULL, &info));
    assert_true(info.is_keyframe);
    assert_true(stoa_rtp_payload_info(STOA_CODEC_OPUS, vp8_key, 1, NULL, &info));
    assert_true(info.is_keyframe && info.starts_frame);
    assert_true(stoa_rtp_payload_info(STOA_CODEC_RTX, vp8_key, sizeof(vp8_key), NULL, &info));
    assert_false(info.is_keyframe || info.starts_frame);
    assert_true(stoa_rtp_payload_info((StoaCodec)99, vp8_key, sizeof(vp8_key), NULL, &info));
}

static void padding_only_packets_start_nothing(void **unused G_GNUC_UNUSED)
{
    StoaDd dd = { .starts_frame = true, .has_structure = true };

    for (unsigned codec = 0; codec < STOA_CODEC_N; codec++) {
        StoaRtpFrameInfo info;

        assert_true(stoa_rtp_payload_info(codec, NULL, 0, NULL, &info));
        assert_false(info.is_keyframe || info.starts_frame);
        assert_true(stoa_rtp_payload_info(codec, NULL, 0, &dd, &info));
        assert_false(info.is_keyframe || info.starts_frame);
    }
}

static void a_dependency_descriptor_has_the_last_word(void **unused G_GNUC_UNUSED)
{
    StoaDd dd = {
        .ends_frame = true, .knows_layers = true, .spatial = 1, .temporal = 2, .indications = 0x5
    };
    StoaRtpFrameInfo info;

    assert_true(stoa_rtp_payload_info(STOA_CODEC_VP8, vp8_key, sizeof(vp8_key), &dd, &info));
    assert_false(info.is_keyframe || info.starts_frame || info.is_switch_point);
    assert_true(info.ends_frame && info.has_layers && info.is_inter_layer && info.is_not_reference);
    assert_int_equal(info.sid, 1);
    assert_int_equal(info.tid, 2);

    dd = (StoaDd){
        .starts_frame = true, .has_structure = true, .knows_layers = true, .indications = 0xb
    }; /* target 0 required, target 1 a switch */
    assert_true(stoa_rtp_payload_info(STOA_CODEC_AV1, (const uint8_t *)"\xff", 1, &dd, &info));
    assert_true(info.is_keyframe && info.starts_frame && info.is_switch_point);
    assert_false(info.is_not_reference);
    dd.indications = 0xf;
    assert_true(stoa_rtp_payload_info(STOA_CODEC_AV1, (const uint8_t *)"\xff", 1, &dd, &info));
    assert_false(info.is_switch_point);
}

static void malformed_payloads_tell_nothing(void **unused G_GNUC_UNUSED)
{
    static const uint8_t cut[] = { 0x90, 0x80 };
    StoaRtpFrameInfo info, zeros;

    memset(&zeros, 0, sizeof(zeros));
    assert_false(stoa_rtp_payload_info(STOA_CODEC_VP8, cut, sizeof(cut), NULL, &info));
    assert_memory_equal(&info, &zeros, sizeof(info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_codec_finds_its_reader),
        cmocka_unit_test(padding_only_packets_start_nothing),
        cmocka_unit_test(a_dependency_descriptor_has_the_last_word),
        cmocka_unit_test(malformed_payloads_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
