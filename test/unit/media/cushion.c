/* SPDX-License-Identifier: MIT */
/* How long a player on a lossy line is asked to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/cushion.h"

enum { SECOND = 1000000 };

static int64_t report(StoaCushion *cushion, int64_t now_us, unsigned seconds, unsigned percent,
                      int64_t rtt_us)
{
    for (unsigned i = 0; i < seconds; i++)
        stoa_cushion_report(cushion, (uint8_t)(percent * 256 / 100), rtt_us, now_us += SECOND);
    return now_us;
}

static void losses_make_it_wait_for_a_repair(void **unused)
{
    StoaCushion cushion = { 0 };
    uint32_t delay = 0;
    int64_t now_us;

    (void)unused;
    now_us = report(&cushion, SECOND, 10, 0, 100000);
    assert_false(stoa_cushion_tells(&cushion, now_us, &delay));
    now_us = report(&cushion, now_us, 3, 5, 100000);
    assert_true(stoa_cushion_tells(&cushion, now_us, &delay));
    assert_int_equal(delay >> 12, 20);
    assert_int_equal(delay & 0xfff, 1000);
    now_us = report(&cushion, now_us, 5, 5, 5000000);
    assert_true(stoa_cushion_tells(&cushion, now_us, &delay));
    assert_int_equal(delay >> 12, 50);
}

static void a_single_loss_changes_nothing(void **unused)
{
    StoaCushion cushion = { 0 };
    uint32_t delay;
    int64_t now_us;

    (void)unused;
    now_us = report(&cushion, SECOND, 1, 3, 100000);
    now_us = report(&cushion, now_us, 20, 0, 100000);
    assert_false(stoa_cushion_tells(&cushion, now_us, &delay));
}

static void it_goes_when_the_losses_do_and_the_player_hears_of_it(void **unused)
{
    StoaCushion cushion = { 0 };
    uint32_t delay = 1;
    int64_t now_us;

    (void)unused;
    now_us = report(&cushion, SECOND, 5, 10, 100000);
    now_us = report(&cushion, now_us, 12, 0, 100000);
    assert_true(stoa_cushion_tells(&cushion, now_us, &delay));
    assert_true(delay >> 12 > 0);
    now_us = report(&cushion, now_us, 15, 0, 100000);
    assert_true(stoa_cushion_tells(&cushion, cushion.changed_us + SECOND, &delay));
    assert_int_equal(delay >> 12, 0);
    assert_false(stoa_cushion_tells(&cushion, now_us + 10 * SECOND, &delay));
}

static void what_is_asked_for_holds_whatever_is_lost(void **unused)
{
    StoaCushion cushion = { 0 };
    uint32_t delay;
    int64_t now_us;

    (void)unused;
    now_us = report(&cushion, SECOND, 5, 10, 100000);
    assert_true(stoa_cushion_ask(&cushion, (StoaDelay){ 0, STOA_DELAY_MAX }, now_us));
    assert_false(stoa_cushion_ask(&cushion, (StoaDelay){ 0, STOA_DELAY_MAX }, now_us));
    now_us = report(&cushion, now_us, 60, 10, 100000);
    assert_true(stoa_cushion_tells(&cushion, now_us, &delay));
    assert_int_equal(delay, 0x000fff);
    assert_true(stoa_cushion_ask(&cushion, STOA_DELAY_NONE, now_us));
    assert_true(stoa_cushion_tells(&cushion, now_us, &delay)); /* the losses' again */
    assert_int_equal(delay >> 12, 20);
    stoa_cushion_settle(&cushion);
    assert_false(stoa_cushion_tells(&cushion, now_us, &delay));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_make_it_wait_for_a_repair),
        cmocka_unit_test(a_single_loss_changes_nothing),
        cmocka_unit_test(it_goes_when_the_losses_do_and_the_player_hears_of_it),
        cmocka_unit_test(what_is_asked_for_holds_whatever_is_lost),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
