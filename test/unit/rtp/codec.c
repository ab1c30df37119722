/* SPDX-License-Identifier: MIT */
#include "rtp/codec.h"

#include "dice.h"

static void names_lead_to_codecs_and_back(void **unused G_GNUC_UNUSED)
{
    for (unsigned codec = STOA_CODEC_NONE + 1; codec < STOA_CODEC_N; codec++) {
        assert_int_equal(stoa_codec_find(stoa_codec_name(codec), stoa_codec_clock_hz(codec)),
                         codec);
        assert_true(stoa_codec_clock_hz(codec) >= 8000);
        assert_false(stoa_codec_is_audio(codec) && stoa_codec_is_video(codec));
    }
}

static void case_does_not_matter_and_strangers_are_none(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_codec_find("OPUS", 48000), STOA_CODEC_OPUS);
    assert_int_equal(stoa_codec_find("vp8", 90000), STOA_CODEC_VP8);
    assert_int_equal(stoa_codec_find("VP10", 90000), STOA_CODEC_NONE);
    assert_int_equal(stoa_codec_find("", 0), STOA_CODEC_NONE);
    assert_int_equal(stoa_codec_find("none", 0), STOA_CODEC_NONE);
    assert_string_equal(stoa_codec_name((StoaCodec)99), "none");
    assert_int_equal(stoa_codec_clock_hz(STOA_CODEC_NONE), 0);
}

static void red_is_told_by_its_clock(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_codec_find("red", 48000), STOA_CODEC_RED_AUDIO);
    assert_int_equal(stoa_codec_find("red", 90000), STOA_CODEC_RED_VIDEO);
    assert_true(stoa_codec_is_audio(STOA_CODEC_RED_AUDIO));
    assert_false(stoa_codec_is_video(STOA_CODEC_RED_VIDEO));
    assert_false(stoa_codec_is_video(STOA_CODEC_RTX));
    assert_int_equal(stoa_codec_channels(STOA_CODEC_OPUS), 2);
    assert_int_equal(stoa_codec_channels(STOA_CODEC_PCMU), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_codecs_and_back),
        cmocka_unit_test(case_does_not_matter_and_strangers_are_none),
        cmocka_unit_test(red_is_told_by_its_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
