/* SPDX-License-Identifier: MIT */
#include "rtp/rtx.h"

#include "dice.h"
#include "rtp/bytes.h"

static void the_original_comes_back_byte_for_byte(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 2000; n++) {
        uint8_t original[300], rtx[302];
        size_t len = 20 + dice_below(280), at = 12 + 4 * dice_below(2);
        StoaRtpHeader header;

        dice_fill(original, len);
        original[0] = at == 16 ? 0x81 : 0x80; /* one CSRC at times */
        memcpy(rtx, original, at);
        rtx[1] = (uint8_t)((original[1] & 0x80) | 97);
        stoa_bytes_put16(rtx + 2, (uint16_t)dice());
        stoa_bytes_put32(rtx + 8, 0x99999999);
        stoa_rtx_prefix_write(stoa_bytes_get16(original + 2), rtx + at);
        memcpy(rtx + at + 2, original + at, len - at);

        assert_true(stoa_rtp_header_read(rtx, len + 2, &header));
        assert_int_equal(stoa_rtx_unwrap(rtx, len + 2, &header, stoa_bytes_get32(original + 8),
                                         original[1] & 127),
                         2);
        assert_memory_equal(rtx + 2, original, len);
    }
}

static void padding_only_carries_no_original(void **unused G_GNUC_UNUSED)
{
    uint8_t probe[40] = { 0xa0, 97 }, short_one[13] = { 0x80, 97 }, empty[14] = { 0x80, 97, 0, 1 };
    StoaRtpHeader header;

    probe[39] = 28;
    assert_true(stoa_rtp_header_read(probe, sizeof(probe), &header));
    assert_int_equal(stoa_rtx_unwrap(probe, sizeof(probe), &header, 1, 96), 0);
    assert_true(stoa_rtp_header_read(short_one, sizeof(short_one), &header));
    assert_int_equal(stoa_rtx_unwrap(short_one, sizeof(short_one), &header, 1, 96), 0);
    assert_true(stoa_rtp_header_read(empty, sizeof(empty), &header));
    assert_int_equal(stoa_rtx_unwrap(empty, sizeof(empty), &header, 1, 96), 2);
    assert_true(stoa_rtp_header_read(empty + 2, sizeof(empty) - 2, &header));
    assert_int_equal(header.payload_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_comes_back_byte_for_byte),
        cmocka_unit_test(padding_only_carries_no_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
