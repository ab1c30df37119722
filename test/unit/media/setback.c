/* SPDX-License-Identifier: MIT */
/* What a subscriber's allotment remembers of jams. */
#include "media/setback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static bool holds(const StoaSetback *setback, int64_t now_us)
{
    return stoa_setback_holds(setback, 300000, now_us);
}

static void a_jam_holds_for_four_seconds(void **unused)
{
    StoaSetback setback = { 0 };

    (void)unused;
    assert_false(holds(&setback, 10 * S));
    stoa_setback_note(&setback, 0, 250000, 10 * S);
    assert_true(holds(&setback, 14 * S - 1));
    assert_false(holds(&setback, 14 * S));
}

static void a_way_that_is_much_wider_is_free_at_once(void **unused)
{
    StoaSetback setback = { 0 };

    (void)unused;
    stoa_setback_note(&setback, 0, 250000, 10 * S);
    assert_true(stoa_setback_holds(&setback, 624999, 11 * S));
    assert_false(stoa_setback_holds(&setback, 625000, 11 * S));
}

static void attempts_in_vain_become_rare(void **unused)
{
    static const int64_t waits[] = { 4 * S, 8 * S, 16 * S, 16 * S };
    StoaSetback setback = { 0 };
    int64_t now_us = 100 * S, risen_us = 0;

    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        stoa_setback_note(&setback, risen_us, 250000, now_us);
        assert_int_equal(stoa_setback_is_repeated(&setback), i > 0);
        assert_true(holds(&setback, now_us + waits[i] - 1));
        assert_false(holds(&setback, now_us + waits[i]));
        risen_us = now_us + waits[i];
        now_us = risen_us + 3 * S;
    }
    /* one that was good for a minute */
    stoa_setback_note(&setback, risen_us, 250000, now_us + 61 * S);
    assert_false(holds(&setback, now_us + 65 * S));
}

static void one_jam_is_counted_once_and_a_refuted_one_not_at_all(void **unused)
{
    StoaSetback setback = { 0 };

    (void)unused;
    stoa_setback_note(&setback, 0, 250000, 10 * S);
    stoa_setback_note(&setback, 13 * S, 250000, 14 * S);
    stoa_setback_note(&setback, 13 * S, 200000, 15 * S);
    assert_true(holds(&setback, 23 * S - 1));
    assert_false(holds(&setback, 23 * S));
    stoa_setback_note(&setback, 29 * S, 200000, 30 * S);
    stoa_setback_revoke(&setback);
    assert_false(holds(&setback, 30 * S));
    /* a line that became narrow by itself is nobody's fault */
    stoa_setback_note(&setback, 29 * S, 200000, 50 * S);
    assert_true(holds(&setback, 58 * S - 1));
    assert_false(holds(&setback, 58 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jam_holds_for_four_seconds),
        cmocka_unit_test(a_way_that_is_much_wider_is_free_at_once),
        cmocka_unit_test(attempts_in_vain_become_rare),
        cmocka_unit_test(one_jam_is_counted_once_and_a_refuted_one_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
