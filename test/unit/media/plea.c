/* SPDX-License-Identifier: MIT */
/* How often a subscriber's requests for a keyframe are passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/plea.h"

enum { MS = 1000, START = 50000 * MS };

static StoaPlea plea;

static int setup(void **unused)
{
    (void)unused;
    plea = (StoaPlea){ 0 };
    return 0;
}

/* Asks every `every_ms` for a while; each request that is passed on brings a keyframe after 50 ms. Returns how many were. */
static unsigned nag(int64_t from_us, int64_t for_ms, int64_t every_ms, int64_t *keyframe_us)
{
    int64_t due_us = 0;
    unsigned n = 0;

    for (int64_t now_us = from_us; now_us < from_us + for_ms * MS; now_us += 10 * MS) {
        bool passed = stoa_plea_is_due(&plea, *keyframe_us, now_us);

        if (due_us && now_us >= due_us) {
            *keyframe_us = now_us;
            due_us = 0;
        }
        if ((now_us - from_us) % (every_ms * MS) == 0)
            passed |= stoa_plea_input(&plea, *keyframe_us, now_us);
        if (passed && !due_us) {
            due_us = now_us + 50 * MS;
            n++;
        }
    }
    return n;
}

static void the_first_is_passed_on_at_once(void **unused)
{
    (void)unused;
    assert_true(stoa_plea_input(&plea, 0, START));
    plea = (StoaPlea){ 0 };
    assert_true(stoa_plea_input(&plea, START - 1, START));
}

static void without_an_answer_each_is(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100; i++)
        assert_true(stoa_plea_input(&plea, START - 1, START + i * 10 * MS));
    assert_false(stoa_plea_is_due(&plea, START - 1, START + 5000 * MS));
}

static void who_is_answered_waits_longer_each_time(void **unused)
{
    static const int64_t waits_ms[] = { 300, 600, 1200, 2400, 3000, 3000, 3000 };
    int64_t at_us = START;

    (void)unused;
    assert_true(stoa_plea_input(&plea, 0, at_us));
    for (unsigned i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        int64_t keyframe_us = at_us + 20 * MS;

        assert_false(stoa_plea_input(&plea, keyframe_us, at_us + 30 * MS));
        at_us += waits_ms[i] * MS;
        assert_false(stoa_plea_is_due(&plea, keyframe_us, at_us - 1));
        assert_true(stoa_plea_is_due(&plea, keyframe_us, at_us));
        assert_false(stoa_plea_is_due(&plea, keyframe_us, at_us));
    }
}

static void a_keyframe_answers_one_that_waits(void **unused)
{
    (void)unused;
    assert_true(stoa_plea_input(&plea, 0, START));
    assert_false(stoa_plea_input(&plea, START + 20 * MS, START + 40 * MS));
    assert_false(stoa_plea_is_due(&plea, START + 90 * MS, START + 400 * MS));
    assert_false(stoa_plea_is_due(&plea, START + 90 * MS, START + 4000 * MS));
}

static void who_is_quiet_for_a_while_is_heard_at_once_again(void **unused)
{
    int64_t keyframe_us = 0;

    (void)unused;
    nag(START, 20000, 10, &keyframe_us);
    assert_true(stoa_plea_input(&plea, keyframe_us, keyframe_us + 11000 * MS));
    assert_false(stoa_plea_input(&plea, keyframe_us + 11050 * MS, keyframe_us + 11100 * MS));
    assert_true(stoa_plea_input(&plea, keyframe_us + 11050 * MS, keyframe_us + 11300 * MS));
}

static void a_nuisance_gets_one_in_three_seconds(void **unused)
{
    int64_t keyframe_us = 0;

    (void)unused;
    assert_in_range(nag(START, 60000, 10, &keyframe_us), 20, 24);
    setup(NULL);
    keyframe_us = 0;
    assert_in_range(nag(START, 60000, 700, &keyframe_us), 20, 24);
}

/* A loss now and then that no repair mended. */
static void who_asks_every_four_seconds_always_gets_one(void **unused)
{
    int64_t keyframe_us = 0;

    (void)unused;
    assert_int_equal(nag(START, 60000, 4000, &keyframe_us), 15);
}

static void the_same_fir_is_the_same_request(void **unused)
{
    (void)unused;
    assert_true(stoa_plea_fir(&plea, 0, 0));
    assert_true(stoa_plea_input(&plea, 0, START));
    assert_true(stoa_plea_fir(&plea, 0, START - 1)); /* not answered yet: as good as new */
    assert_false(stoa_plea_fir(&plea, 0, START + 20 * MS));
    assert_false(stoa_plea_fir(&plea, 0, START + 9000 * MS));
    assert_true(stoa_plea_fir(&plea, 1, START + 9000 * MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_is_passed_on_at_once, setup),
        cmocka_unit_test_setup(without_an_answer_each_is, setup),
        cmocka_unit_test_setup(who_is_answered_waits_longer_each_time, setup),
        cmocka_unit_test_setup(a_keyframe_answers_one_that_waits, setup),
        cmocka_unit_test_setup(who_is_quiet_for_a_while_is_heard_at_once_again, setup),
        cmocka_unit_test_setup(a_nuisance_gets_one_in_three_seconds, setup),
        cmocka_unit_test_setup(who_asks_every_four_seconds_always_gets_one, setup),
        cmocka_unit_test_setup(the_same_fir_is_the_same_request, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
