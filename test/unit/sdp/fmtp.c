/* SPDX-License-Identifier: MIT */
#include "sdp/fmtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void parameters_are_found_by_name(void **unused G_GNUC_UNUSED)
{
    static const char fmtp[] = "minptime=10; UseInbandFEC=1;;flag;x=y=z";
    char value[8] = "", small[2] = "";

    assert_true(stoa_sdp_fmtp_get(fmtp, "useinbandfec", value, sizeof value));
    assert_string_equal(value, "1");
    assert_true(stoa_sdp_fmtp_get(fmtp, "x", value, sizeof value));
    assert_string_equal(value, "y=z");
    assert_true(stoa_sdp_fmtp_get(fmtp, "flag", value, sizeof value));
    assert_string_equal(value, "");
    assert_true(stoa_sdp_fmtp_get(fmtp, "minptime", small, sizeof small));
    assert_string_equal(small, "1");
    assert_true(stoa_sdp_fmtp_get(fmtp, "flag", NULL, 0));
    assert_false(stoa_sdp_fmtp_get(fmtp, "time", value, sizeof value));
    assert_false(stoa_sdp_fmtp_get(NULL, "x", value, sizeof value));
}

static void numbers_are_numbers_or_missing(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_sdp_fmtp_number("a=12;b=1x;c=99999999999", "a", -1), 12);
    assert_int_equal(stoa_sdp_fmtp_number("a=12;b=1x;c=99999999999", "b", -1), -1);
    assert_int_equal(stoa_sdp_fmtp_number("a=12;b=1x;c=99999999999", "c", -1), -1);
    assert_int_equal(stoa_sdp_fmtp_number(NULL, "a", 7), 7);
}

static void changed(const char *fmtp, const char *key, const char *value, const char *expected)
{
    g_autofree char *result = stoa_sdp_fmtp_set_dup(fmtp, key, value);

    if (expected)
        assert_string_equal(result, expected);
    else
        assert_null(result);
}

static void one_parameter_changes_and_the_others_stay(void **unused G_GNUC_UNUSED)
{
    changed("a=1;b=2", "a", "9", "a=9;b=2");
    changed("a=1;b=2;a=3", "a", "9", "a=9;b=2");
    changed("a=1; b=2", "c", "3", "a=1;b=2;c=3");
    changed("a=1;b=2", "a", NULL, "b=2");
    changed("a=1", "a", NULL, NULL);
    changed(NULL, "a", NULL, NULL);
    changed(NULL, "a", "1", "a=1");
}

static void a_stream_is_the_same_when_its_profile_is(void **unused G_GNUC_UNUSED)
{
    assert_true(
        stoa_sdp_fmtp_same(STOA_SDP_H264, "profile-level-id=42e01f", "profile-level-id=42E034"));
    assert_false(
        stoa_sdp_fmtp_same(STOA_SDP_H264, "profile-level-id=42e01f", "profile-level-id=4d001f"));
    assert_false(stoa_sdp_fmtp_same(STOA_SDP_H264, "packetization-mode=1", NULL));
    assert_true(stoa_sdp_fmtp_same(STOA_SDP_VP9, "profile-id=0", NULL));
    assert_false(stoa_sdp_fmtp_same(STOA_SDP_VP9, "profile-id=2", NULL));
    assert_false(stoa_sdp_fmtp_same(STOA_SDP_AV1, "profile=1", "level-idx=5;profile=0"));
    assert_true(stoa_sdp_fmtp_same(STOA_SDP_VP8, "max-fs=12288", NULL));
}

static void forwarded(StoaSdpCodec codec, const char *fmtp, const char *expected)
{
    g_autofree char *result = stoa_sdp_fmtp_forward_dup(codec, fmtp);

    if (expected)
        assert_string_equal(result, expected);
    else
        assert_null(result);
}

static void a_receivers_limits_are_not_passed_on(void **unused G_GNUC_UNUSED)
{
    forwarded(STOA_SDP_VP8, "max-fs=12288;max-fr=60", NULL);
    forwarded(STOA_SDP_VP9, "max-fs=12288;profile-id=0", "profile-id=0");
    forwarded(STOA_SDP_OPUS, "maxplaybackrate=48000;stereo=1;useinbandfec=1",
              "stereo=1;useinbandfec=1");
    forwarded(STOA_SDP_H264, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_found_by_name),
        cmocka_unit_test(numbers_are_numbers_or_missing),
        cmocka_unit_test(one_parameter_changes_and_the_others_stay),
        cmocka_unit_test(a_stream_is_the_same_when_its_profile_is),
        cmocka_unit_test(a_receivers_limits_are_not_passed_on),
    };

    return cmocka_run_group_tests_name("sdp/fmtp", tests, NULL, NULL);
}
