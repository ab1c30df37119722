/* SPDX-License-Identifier: MIT */
#include "rtp/red.h"

#include "dice.h"

/* Two copies of 3 and 5 bytes, and 4 new ones. */
static const uint8_t two_copies[] = {
    0xef, 0x0f, 0x00, 0x03, 0xef, 0x07, 0x80, 0x05, 0x6f, 'o', 'l',
    'd',  'o',  'l',  'd',  'e',  'r',  'n',  'e',  'w',  's',
};

static void the_new_frame_comes_last(void **unused G_GNUC_UNUSED)
{
    static const uint8_t alone[] = { 0x6f, 'n', 'e', 'w' };
    StoaRed red;

    assert_true(stoa_red_read(two_copies, sizeof(two_copies), 111, &red));
    assert_int_equal(red.heads_len, 9);
    assert_memory_equal(two_copies + red.primary_at, "news", 4);
    assert_int_equal(red.copy_len, 5);
    assert_memory_equal(two_copies + red.primary_at - red.copy_len, "older", 5);
    assert_int_equal(red.copy_age, 480);
    assert_true(stoa_red_read(alone, sizeof(alone), 111, &red));
    assert_int_equal(red.heads_len, 1);
    assert_int_equal(red.copy_len, 0);
    assert_int_equal(red.primary_at, 1);
    assert_true(stoa_red_read(alone, 1, 111, &red)); /* silence */
    assert_int_equal(red.primary_at, 1);
}

static void what_is_cut_or_of_another_codec_is_refused(void **unused G_GNUC_UNUSED)
{
    uint8_t other[sizeof(two_copies)], many[4 * (STOA_RED_COPIES + 1) + 1];
    StoaRed red = { 0 };

    for (size_t len = 0; len < sizeof(two_copies) - 4; len++)
        assert_false(stoa_red_read(two_copies, len, 111, &red));
    assert_false(stoa_red_read(two_copies, sizeof(two_copies), 110, &red));
    for (unsigned at = 0; at < 9; at += 4) {
        memcpy(other, two_copies, sizeof(other));
        other[at] ^= 1;
        assert_false(stoa_red_read(other, sizeof(other), 111, &red));
    }
    for (size_t at = 0; at < sizeof(many); at += 4)
        memcpy(many + at, (uint8_t[]){ 0xef, 0, 0, 0 }, MIN(4, sizeof(many) - at));
    many[sizeof(many) - 1] = 0x6f;
    assert_false(stoa_red_read(many, sizeof(many), 111, &red));
    assert_true(stoa_red_read(many + 4, sizeof(many) - 4, 111, &red));
    assert_int_equal(red.heads_len, STOA_RED_HEADS_MAX);
    assert_false(stoa_red_read(many, sizeof(many) - 1, 111, &red)); /* nothing but copies */
}

static void heads_keep_ages_and_lengths_under_another_payload_type(void **unused G_GNUC_UNUSED)
{
    uint8_t out[sizeof(two_copies)];
    StoaRed red, again;

    memcpy(out, two_copies, sizeof(out));
    assert_true(stoa_red_read(two_copies, sizeof(two_copies), 111, &red));
    stoa_red_heads_write(two_copies, red.heads_len, 96, out);
    assert_false(stoa_red_read(out, sizeof(out), 111, &again));
    assert_true(stoa_red_read(out, sizeof(out), 96, &again));
    assert_int_equal(again.heads_len, red.heads_len);
    assert_int_equal(again.primary_at, red.primary_at);
    assert_memory_equal(out + 1, two_copies + 1, 3);
    assert_memory_equal(out + 5, two_copies + 5, 3);
    assert_memory_equal(out + 9, two_copies + 9, sizeof(out) - 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_new_frame_comes_last),
        cmocka_unit_test(what_is_cut_or_of_another_codec_is_refused),
        cmocka_unit_test(heads_keep_ages_and_lengths_under_another_payload_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
