/* SPDX-License-Identifier: MIT */
#include "rtp/vp8.h"

#include "dice.h"

/* X, S; I, L, T, K; a 15-bit id, TL0PICIDX, TID 1 with Y, KEYIDX 3; a key frame of 640x480 */
static const uint8_t key[] = { 0x90, 0xf0, 0x81, 0x02, 0x55, 0x63, 0x10, 0,   0,
                               0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 0xff };

static void a_full_descriptor_is_read(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info;

    assert_true(stoa_vp8_read(key, sizeof(key), &info));
    assert_int_equal(info.descriptor_len, 6);
    assert_true(info.starts_frame && info.is_keyframe && info.has_layers && info.is_sync);
    assert_true(info.has_picture_id && info.picture_id_is_long && info.has_tl0_pic_idx);
    assert_int_equal(info.picture_id, 0x102);
    assert_int_equal(info.tl0_pic_idx, 0x55);
    assert_int_equal(info.tid, 1);
    assert_int_equal(info.width, 640);
    assert_int_equal(info.height, 480);
    assert_false(info.is_not_reference);
}

static void only_the_start_of_a_key_frame_is_one(void **unused G_GNUC_UNUSED)
{
    uint8_t packet[] = { 0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01 };
    StoaRtpFrameInfo info;

    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_true(info.is_keyframe && info.starts_frame);
    packet[0] = 0x11; /* the second partition */
    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_false(info.is_keyframe || info.starts_frame);
    packet[0] = 0x00; /* goes on */
    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_false(info.is_keyframe || info.starts_frame);
    packet[0] = 0x10;
    packet[1] = 0x11; /* P: a delta frame */
    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_true(info.starts_frame);
    assert_false(info.is_keyframe);
    packet[1] = 0x10;
    packet[5] = 0; /* a sealed frame that only looks like one */
    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_false(info.is_keyframe);
    packet[0] = 0x30;
    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_true(info.is_not_reference);
}

static void short_ids_are_read(void **unused G_GNUC_UNUSED)
{
    static const uint8_t packet[] = { 0x80, 0x80, 0x7f, 1 };
    StoaRtpFrameInfo info;

    assert_true(stoa_vp8_read(packet, sizeof(packet), &info));
    assert_true(info.has_picture_id && !info.picture_id_is_long);
    assert_int_equal(info.picture_id, 127);
    assert_int_equal(info.descriptor_len, 3);
    assert_false(info.has_layers || info.has_tl0_pic_idx);
}

static void a_descriptor_cut_short_is_refused(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info, zeros;

    memset(&zeros, 0, sizeof(zeros));
    for (size_t len = 0; len < 6; len++) {
        uint8_t *cut = dice_exact(key, len);

        assert_int_equal(stoa_vp8_read(cut, len, &info), len == 0);
        assert_memory_equal(&info, &zeros, sizeof(info));
        free(cut);
    }
    for (size_t len = 6; len < 16; len++) {
        uint8_t *cut = dice_exact(key, len);

        assert_true(stoa_vp8_read(cut, len, &info));
        assert_false(info.is_keyframe);
        free(cut);
    }
}

static void rewriting_moves_only_the_two_numbers(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t payload[24], out[STOA_REWRITE_MAX];
        StoaPictureOffsets offsets = { (uint16_t)dice(), (uint8_t)dice() };
        StoaRtpFrameInfo before, after;
        uint16_t mask;
        size_t len;

        dice_fill(payload, sizeof(payload));
        assert_true(stoa_vp8_read(payload, sizeof(payload), &before));
        len = stoa_vp8_rewrite(payload, &before, &offsets, out);
        assert_int_equal(len, before.descriptor_len);
        memcpy(payload, out, len);
        assert_true(stoa_vp8_read(payload, sizeof(payload), &after));

        mask = before.picture_id_is_long ? 0x7fff : 0x7f;
        if (before.has_picture_id)
            before.picture_id = (before.picture_id + offsets.picture_id) & mask;
        if (before.has_tl0_pic_idx)
            before.tl0_pic_idx = (uint8_t)(before.tl0_pic_idx + offsets.tl0_pic_idx);
        assert_int_equal(after.picture_id, before.picture_id);
        assert_int_equal(after.tl0_pic_idx, before.tl0_pic_idx);
        assert_int_equal(after.descriptor_len, before.descriptor_len);
        assert_true(after.tid == before.tid && after.is_sync == before.is_sync);
        assert_true(after.starts_frame == before.starts_frame &&
                    after.is_keyframe == before.is_keyframe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_descriptor_is_read),
        cmocka_unit_test(only_the_start_of_a_key_frame_is_one),
        cmocka_unit_test(short_ids_are_read),
        cmocka_unit_test(a_descriptor_cut_short_is_refused),
        cmocka_unit_test(rewriting_moves_only_the_two_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
