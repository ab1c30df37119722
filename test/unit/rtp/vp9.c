/* SPDX-License-Identifier: MIT */
#include "rtp/vp9.h"

#include "dice.h"

static StoaRtpFrameInfo look(const uint8_t *payload, size_t len)
{
    uint8_t *exact = dice_exact(payload, len);
    StoaRtpFrameInfo info;

    assert_true(stoa_vp9_read(exact, len, &info));
    free(exact);
    return info;
}

static void a_key_frame_with_its_structure_is_read(void **unused G_GNUC_UNUSED)
{
    /* I, L, B, V; id 0x1234; T0 S0, TL0PICIDX 9; two layers with sizes and one picture, R 1 */
    static const uint8_t key[] = { 0xaa, 0x92, 0x34, 0x00, 9,    0x38, 0x01, 0x40, 0,
                                   0xb4, 0x02, 0x80, 0x01, 0x68, 1,    0x04, 1,    0xee };
    StoaRtpFrameInfo info = look(key, sizeof(key));

    assert_true(info.is_keyframe && info.starts_frame && info.has_layers && info.has_tl0_pic_idx);
    assert_false(info.ends_frame || info.is_inter_layer);
    assert_int_equal(info.picture_id, 0x1234);
    assert_int_equal(info.tl0_pic_idx, 9);
    assert_int_equal(info.width, 640);
    assert_int_equal(info.height, 360);
    assert_int_equal(info.descriptor_len, sizeof(key) - 1);
    for (size_t len = 1; len < sizeof(key) - 1; len++) {
        uint8_t *cut = dice_exact(key, len);
        assert_false(stoa_vp9_read(cut, len, &info));
        free(cut);
    }
}

static void an_upper_layer_of_a_key_picture_is_no_key_frame(void **unused G_GNUC_UNUSED)
{
    static const uint8_t upper[] = { 0xa8 | 4, 5, 0x33, 9, 0xee }; /* T1 U S1 D */
    StoaRtpFrameInfo info = look(upper, sizeof(upper));

    assert_false(info.is_keyframe);
    assert_true(info.starts_frame && info.ends_frame && info.is_inter_layer &&
                info.is_switch_point);
    assert_int_equal(info.sid, 1);
    assert_int_equal(info.tid, 1);
    assert_int_equal(info.picture_id, 5);
    assert_false(info.picture_id_is_long);
}

static void a_predicted_frame_with_references_is_read(void **unused G_GNUC_UNUSED)
{
    static const uint8_t flexible[] = { 0xf8, 5, 0x40, 3, 5, 2, 0xee }; /* 3 references */
    static const uint8_t endless[] = { 0xf8, 5, 0x40, 3, 5, 7, 9, 0xee };
    StoaRtpFrameInfo info = look(flexible, sizeof(flexible));

    assert_int_equal(info.descriptor_len, 6);
    assert_int_equal(info.tid, 2);
    assert_false(info.is_keyframe || info.has_tl0_pic_idx);
    assert_false(stoa_vp9_read(endless, sizeof(endless), &info));
}

static void a_packet_in_the_middle_starts_nothing(void **unused G_GNUC_UNUSED)
{
    static const uint8_t middle[] = { 0x80, 5, 0xee };
    StoaRtpFrameInfo info = look(middle, sizeof(middle));

    assert_false(info.is_keyframe || info.starts_frame || info.ends_frame);
}

static void rewriting_moves_only_the_two_numbers(void **unused G_GNUC_UNUSED)
{
    unsigned n_rewritten = 0;

    for (unsigned n = 0; n < 20000; n++) {
        uint8_t payload[24], out[STOA_REWRITE_MAX];
        StoaPictureOffsets offsets = { (uint16_t)dice(), (uint8_t)dice() };
        StoaRtpFrameInfo before, after;
        size_t len;

        dice_fill(payload, sizeof(payload));
        if (!stoa_vp9_read(payload, sizeof(payload), &before) || !before.has_picture_id)
            continue;
        len = stoa_rtp_payload_rewrite(STOA_CODEC_VP9, payload, &before, &offsets, out);
        assert_in_range(len, 2, before.descriptor_len);
        memcpy(payload, out, len);
        assert_true(stoa_vp9_read(payload, sizeof(payload), &after));
        before.picture_id = (uint16_t)(before.picture_id + offsets.picture_id) &
                            (before.picture_id_is_long ? 0x7fff : 0x7f);
        if (before.has_tl0_pic_idx)
            before.tl0_pic_idx = (uint8_t)(before.tl0_pic_idx + offsets.tl0_pic_idx);
        assert_memory_equal(&before, &after, sizeof(before));
        n_rewritten++;
    }
    assert_true(n_rewritten > 1000);
}

static void noise_never_leads_outside(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        size_t len = dice_below(30);
        uint8_t *noise = malloc(len + 1);
        StoaRtpFrameInfo info;

        dice_fill(noise, len);
        if (stoa_vp9_read(noise, len, &info))
            assert_true(info.descriptor_len <= len);
        free(noise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_frame_with_its_structure_is_read),
        cmocka_unit_test(an_upper_layer_of_a_key_picture_is_no_key_frame),
        cmocka_unit_test(a_predicted_frame_with_references_is_read),
        cmocka_unit_test(a_packet_in_the_middle_starts_nothing),
        cmocka_unit_test(rewriting_moves_only_the_two_numbers),
        cmocka_unit_test(noise_never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
