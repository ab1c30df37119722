/* SPDX-License-Identifier: MIT */
/* An estimate shared among the tracks of a subscriber. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/share.h"

static StoaShareTrack layers(uint8_t priority)
{
    return (StoaShareTrack){ .priority = priority,
                             .n_steps = 3,
                             .steps = { { 150000, 0, -1 }, { 500000, 1, -1 }, { 1700000, 2, -1 } },
                             .now = STOA_SHARE_PAUSED };
}

static StoaShareTrack single(uint32_t bps)
{
    return (StoaShareTrack){
        .is_patient = true, .n_steps = 1, .steps = { { bps, 0, -1 } }, .now = STOA_SHARE_PAUSED
    };
}

static void assert_shared(StoaShareTrack *tracks, unsigned n, uint32_t budget_bps, const int *want)
{
    stoa_share(tracks, n, budget_bps, budget_bps);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(tracks[i].chosen, want[i]);
    for (unsigned i = 0; i < n; i++)
        tracks[i].now = tracks[i].chosen;
}

#define ASSERT_SHARED(tracks, budget, ...)                              \
    assert_shared(tracks, sizeof(tracks) / sizeof((tracks)[0]), budget, \
                  (const int[]){ __VA_ARGS__ })

static void one_track_gets_what_fits(void **unused)
{
    StoaShareTrack t[] = { layers(0) };

    (void)unused;
    ASSERT_SHARED(t, 100000, -1);
    ASSERT_SHARED(t, 160000, -1); /* no room to spare */
    ASSERT_SHARED(t, 180000, 0);
    ASSERT_SHARED(t, 560000, 0);
    ASSERT_SHARED(t, 600000, 1);
    ASSERT_SHARED(t, 450000, 1); /* it wavers */
    ASSERT_SHARED(t, 390000, 0);
    ASSERT_SHARED(t, 5000000, 2);
    ASSERT_SHARED(t, 800000, 1);
    ASSERT_SHARED(t, 50000, -1);
}

static void equals_share_and_the_important_come_first(void **unused)
{
    StoaShareTrack equal[] = { layers(0), layers(0), layers(0) };
    StoaShareTrack screen[] = { layers(0), layers(2), layers(0) };

    (void)unused;
    ASSERT_SHARED(equal, 800000, 0, 0, 0);
    ASSERT_SHARED(equal, 1800000, 1, 1, 1);
    ASSERT_SHARED(equal, 790000, 0, 0, 0);
    ASSERT_SHARED(equal, 320000, 0, 0, -1);
    ASSERT_SHARED(equal, 9000000, 2, 2, 2);
    ASSERT_SHARED(screen, 2400000, 0, 2, 0);
    ASSERT_SHARED(screen, 600000, 0, 0, 0);
    ASSERT_SHARED(screen, 320000, 0, 0, -1);
    ASSERT_SHARED(screen, 200000, -1, 0, -1);
    ASSERT_SHARED(screen, 100000, -1, -1, -1);
}

static void a_new_speaker_takes_over(void **unused)
{
    StoaShareTrack t[] = { layers(1), layers(0) };

    (void)unused;
    ASSERT_SHARED(t, 2200000, 2, 0);
    t[0].priority = 0;
    t[1].priority = 1;
    ASSERT_SHARED(t, 2200000, 0, 2);
    ASSERT_SHARED(t, 2200000, 0, 2);
    t[1].priority = 0;
    ASSERT_SHARED(t, 2200000, 0, 2); /* equals are left as they are */
}

static void a_paused_one_resumes_before_others_rise(void **unused)
{
    StoaShareTrack t[] = { layers(1), layers(0) };

    (void)unused;
    ASSERT_SHARED(t, 200000, 0, -1);
    ASSERT_SHARED(t, 580000, 0, 0);
    ASSERT_SHARED(t, 760000, 1, 0);
}

static void what_cannot_be_smaller_is_paused_when_it_is_hopeless(void **unused)
{
    StoaShareTrack t[] = { single(1500000) };

    (void)unused;
    ASSERT_SHARED(t, 2000000, 0);
    ASSERT_SHARED(t, 1250000, 0);
    ASSERT_SHARED(t, 1100000, 0); /* its sender is told to send less */
    ASSERT_SHARED(t, 900000, -1);
    ASSERT_SHARED(t, 1400000, -1);
    t[0].steps[0].bps = 250000;
    ASSERT_SHARED(t, 300000, 0);
    t[0].n_steps = 0;
    ASSERT_SHARED(t, 300000, -1);
}

static void it_says_what_is_left(void **unused)
{
    StoaShareTrack t[] = { layers(0) };

    (void)unused;
    assert_int_equal(stoa_share(t, 1, 2000000, 2000000), 300000);
    t[0].now = 2;
    assert_int_equal(stoa_share(t, 1, 1500000, 1500000), 0);
    assert_int_equal(stoa_share(t, 1, 2600000, 0), 900000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_track_gets_what_fits),
        cmocka_unit_test(equals_share_and_the_important_come_first),
        cmocka_unit_test(a_new_speaker_takes_over),
        cmocka_unit_test(a_paused_one_resumes_before_others_rise),
        cmocka_unit_test(what_cannot_be_smaller_is_paused_when_it_is_hopeless),
        cmocka_unit_test(it_says_what_is_left),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
