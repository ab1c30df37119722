/* SPDX-License-Identifier: MIT */
/* Lasting state of a module written from the guide alone: it survives a restart, a reload, a full disk, an erasure. */
#include <stoa/bed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_hand_stays_up_over_a_restart(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("hands", "max_raised = 1");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "raise", "{'up': true}");
    stoa_bed_event(ben, "hand", "{'up': true, 'seq': 1, 'from': {'id': 'ana', 'name': 'ana'}}");
    stoa_bed_refuses(ben, "raise", "{'up': true}", STOA_ERROR_LIMIT);
    stoa_bed_restart(bed);
    stoa_bed_describes(ana, "{'raised': 1, 'mine': true}");
    stoa_bed_describes(ben, "{'raised': 1, 'mine': false}");
    stoa_bed_refuses(ben, "raise", "{'up': true}", STOA_ERROR_LIMIT);
    stoa_bed_accepts(ana, "raise", "{'up': false}");
    stoa_bed_event(ben, "hand", "{'up': false, 'seq': 2}");
    stoa_bed_accepts(ben, "raise", "{'up': true}");
    assert_int_equal(stoa_bed_counted(bed, "moved_total"), 3); /* a replay counts nothing */
}

static void who_left_has_the_hand_up_when_coming_back(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("hands", "");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "raise", "{'up': true}");
    stoa_bed_detach(ana);
    stoa_bed_restart(bed);
    stoa_bed_describes(ben, "{'raised': 1}");
    ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    stoa_bed_describes(ana, "{'raised': 1, 'mine': true}");
    stoa_bed_asks(ana, "{'request': 'state'}", "{'reply': 'state', 'seq': 1, 'mine': true}");
    stoa_bed_asks(ana, "{'request': 'resume', 'after': 0}", "{'reply': 'resume', 'seq': 1}");
    stoa_bed_event(ana, "hand", "{'seq': 1, 'up': true}");
}

static void a_full_disk_is_told_and_changes_nothing(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("hands", "max_raised = 1000");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    unsigned n = 0;

    stoa_bed_fill_disk(bed, true);
    for (bool up = true; n < 5000; up = !up, n++) { /* what is left of the last page */
        stoa_bed_asks(ana,
                      up ? "{'request': 'raise', 'up': true}" : "{'request': 'raise', 'up': false}",
                      "{}");
        if (json_object_get(stoa_bed_reply(ana), "error_code"))
            break;
    }
    assert_int_equal(json_integer_value(json_object_get(stoa_bed_reply(ana), "error_code")), 503);
    stoa_bed_describes(ana, n % 2 ? "{'raised': 1, 'mine': true}" : "{'raised': 0, 'mine': false}");
    stoa_bed_fill_disk(bed, false);
    stoa_bed_accepts(ana, "raise", n % 2 ? "{'up': false}" : "{'up': true}");
    stoa_bed_restart(bed);
    stoa_bed_describes(ana, n % 2 ? "{'raised': 0, 'mine': false}" : "{'raised': 1, 'mine': true}");
}

static void of_who_is_erased_nothing_is_left(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("hands", "");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "raise", "{'up': true}");
    stoa_bed_accepts(ben, "raise", "{'up': true}");
    assert_true(stoa_bed_keeps(bed, "up"));
    stoa_bed_erase(ana);
    stoa_bed_describes(ben, "{'raised': 1, 'mine': true}");
    stoa_bed_erase(ben);
    assert_false(stoa_bed_keeps(bed, "up"));
    stoa_bed_restart(bed);
    stoa_bed_describes(ben, "{'raised': 0, 'mine': false}");
    stoa_bed_accepts(ben, "raise", "{'up': true}");
    stoa_bed_event(ben, "hand", "{'seq': 3, 'from': {'id': 'ben'}}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hand_stays_up_over_a_restart),
        cmocka_unit_test(who_left_has_the_hand_up_when_coming_back),
        cmocka_unit_test(a_full_disk_is_told_and_changes_nothing),
        cmocka_unit_test(of_who_is_erased_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
