/* SPDX-License-Identifier: MIT */
#include "rtp/seq.h"

#include "dice.h"

static void differences_go_around_the_corner(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_seq_diff(0, 65535), 1);
    assert_int_equal(stoa_seq_diff(65535, 0), -1);
    assert_int_equal(stoa_seq_diff(32767, 0), 32767);
    assert_true(stoa_seq_is_newer(5, 65530));
    assert_false(stoa_seq_is_newer(65530, 5));
    assert_false(stoa_seq_is_newer(7, 7));
    assert_true(stoa_seq_is_newer32(3, 0xfffffff0));
}

static void an_index_follows_the_stream_over_rolls_and_reordering(void **unused G_GNUC_UNUSED)
{
    StoaSeqTracker tracker = { 0 };
    uint64_t index = 65536 + 65000;

    assert_int_equal(stoa_seq_track(&tracker, 65000), index);
    for (unsigned n = 0; n < 100000; n++) {
        uint64_t late = index - dice_below(1000);

        index += dice_below(300);
        assert_int_equal(stoa_seq_track(&tracker, (uint16_t)index), index);
        assert_int_equal(stoa_seq_track(&tracker, (uint16_t)late), late);
        assert_int_equal(tracker.highest, index);
    }
    assert_true(stoa_seq_roc(index) > 100);
}

static void packets_from_before_the_first_have_an_index(void **unused G_GNUC_UNUSED)
{
    StoaSeqTracker tracker = { 0 };

    assert_int_equal(stoa_seq_track(&tracker, 2), 65538);
    assert_int_equal(stoa_seq_track(&tracker, 65534), 65534);
    assert_int_equal(tracker.highest, 65538);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_go_around_the_corner),
        cmocka_unit_test(an_index_follows_the_stream_over_rolls_and_reordering),
        cmocka_unit_test(packets_from_before_the_first_have_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
