/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glib.h>

#include "media/layers.h"

static const StoaLayers base = { 0, 0 }, all = { STOA_ALL_LAYERS, STOA_ALL_LAYERS };

static StoaRtpFrameInfo frame(unsigned sid, unsigned tid)
{
    return (StoaRtpFrameInfo){ .starts_frame = true,
                               .has_layers = true,
                               .is_inter_picture = true,
                               .sid = (uint8_t)sid,
                               .tid = (uint8_t)tid };
}

static void assert_layers(StoaLayers layers, unsigned spatial, unsigned temporal)
{
    assert_int_equal(layers.spatial, spatial);
    assert_int_equal(layers.temporal, temporal);
}

static void a_keyframe_brings_all_that_is_wanted(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info = frame(0, 0);

    info.is_keyframe = true;
    assert_layers(stoa_layers_follow(base, (StoaLayers){ 2, 1 }, STOA_CODEC_VP9, &info), 2, 1);
}

static void one_goes_down_where_a_picture_begins(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo picture = frame(0, 2), upper = frame(1, 2), middle = frame(0, 2);

    middle.starts_frame = false;
    assert_layers(stoa_layers_follow(all, base, STOA_CODEC_VP9, &upper), 7, 7);
    assert_layers(stoa_layers_follow(all, base, STOA_CODEC_VP9, &middle), 7, 7);
    assert_layers(stoa_layers_follow(all, base, STOA_CODEC_VP9, &picture), 0, 0);
}

static void a_spatial_layer_opens_without_a_picture_before(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info = frame(1, 0);

    assert_layers(stoa_layers_follow(base, all, STOA_CODEC_VP9, &info), 0, 0);
    info.is_inter_picture = false;
    assert_layers(stoa_layers_follow(base, all, STOA_CODEC_VP9, &info), 1, 0);
    assert_layers(stoa_layers_follow(base, base, STOA_CODEC_VP9, &info), 0, 0);
    info.sid = 2; /* the one below it is not relayed */
    assert_layers(stoa_layers_follow(base, all, STOA_CODEC_VP9, &info), 0, 0);
    info.sid = 1;
    assert_layers(stoa_layers_follow(base, all, STOA_CODEC_AV1, &info), 0, 0);
}

static void vp8_goes_up_by_the_layer_that_is_in_step(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info = frame(0, 2);
    const StoaLayers two = { 7, 2 }, one = { 7, 1 }, none = { 7, 0 };

    assert_layers(stoa_layers_follow(one, two, STOA_CODEC_VP8, &info), 7, 1);
    info.is_sync = true;
    assert_layers(stoa_layers_follow(one, two, STOA_CODEC_VP8, &info), 7, 2);
    assert_layers(stoa_layers_follow(none, two, STOA_CODEC_VP8, &info), 7, 0);
    info.tid = 1;
    assert_layers(stoa_layers_follow(none, two, STOA_CODEC_VP8, &info), 7, 1);
    assert_layers(stoa_layers_follow(none, none, STOA_CODEC_VP8, &info), 7, 0);
}

static void others_go_up_after_a_picture_they_have(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info = frame(0, 1);
    const StoaLayers two = { 7, 2 }, one = { 7, 1 }, none = { 7, 0 };

    info.is_switch_point = true;
    assert_layers(stoa_layers_follow(none, two, STOA_CODEC_H264, &info), 7, 0);
    assert_layers(stoa_layers_follow(one, two, STOA_CODEC_H264, &info), 7, 2);
    info.tid = 0;
    assert_layers(stoa_layers_follow(none, two, STOA_CODEC_AV1, &info), 7, 2);
}

static void the_last_layer_ends_the_picture(void **unused G_GNUC_UNUSED)
{
    StoaRtpFrameInfo info = frame(1, 0);

    assert_false(stoa_layers_end_picture((StoaLayers){ 1, 7 }, &info));
    info.ends_frame = true;
    assert_true(stoa_layers_end_picture((StoaLayers){ 1, 7 }, &info));
    assert_false(stoa_layers_end_picture(all, &info));
    assert_true(stoa_layers_have((StoaLayers){ 1, 0 }, &info));
    assert_false(stoa_layers_have((StoaLayers){ 0, 0 }, &info));
    info.has_layers = false;
    assert_true(stoa_layers_have((StoaLayers){ 0, 0 }, &info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyframe_brings_all_that_is_wanted),
        cmocka_unit_test(one_goes_down_where_a_picture_begins),
        cmocka_unit_test(a_spatial_layer_opens_without_a_picture_before),
        cmocka_unit_test(vp8_goes_up_by_the_layer_that_is_in_step),
        cmocka_unit_test(others_go_up_after_a_picture_they_have),
        cmocka_unit_test(the_last_layer_ends_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
