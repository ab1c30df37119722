/* SPDX-License-Identifier: MIT */
/* The quiz on the test bed: in this process, on the gateway's own rooms, with a fake clock. (docs/plugin-guide.md) */
#include <stoa/bed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TWO_QUESTIONS                                                                         \
    "{'questions': [{'text': 'Two and two?', 'points': 3, 'hints': [{'text': 'not five'}]}, " \
    "{'text': 'Who wrote Faust?', 'choices': ['Goethe', 'Schiller']}]}"

static void the_first_to_buzz_answers_and_wins_the_points(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *cleo = stoa_bed_join(bed, "cleo", STOA_ROLE_PARTICIPANT);

    stoa_bed_refuses_as(ben, "buzz", "{}", "no_quiz");
    stoa_bed_accepts(ana, "ask", TWO_QUESTIONS);
    stoa_bed_refuses_as(ben, "ask", TWO_QUESTIONS, "quiz_is_on");
    stoa_bed_event(ben, "question", "{'text': 'Two and two?', 'choices': null, 'hints': null}");
    stoa_bed_accepts(ben, "buzz", "{}");
    stoa_bed_refuses_as(cleo, "buzz", "{}", "too_late");
    stoa_bed_event(cleo, "buzzed", "{'name': 'ben'}");
    stoa_bed_refuses_as(cleo, "judge", "{'right': true}", "not_yours");
    stoa_bed_accepts(ana, "judge", "{'right': true}");
    stoa_bed_describes(ben, "{'on': true, 'text': 'Who wrote Faust?', 'points': 3}");
    stoa_bed_describes(cleo, "{'points': 0, 'buzzed': null}");
    assert_int_equal(stoa_bed_counted(bed, "questions_total"), 2);
    assert_int_equal(stoa_bed_counted(bed, "buzzes_total"), 1);
}

static void a_wrong_answer_bars_or_not_as_the_conf_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "wrong_answer = bar");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "ask", TWO_QUESTIONS);
    stoa_bed_accepts(ben, "buzz", "{}");
    stoa_bed_accepts(ana, "judge", "{'right': false}");
    stoa_bed_refuses_as(ben, "buzz", "{}", "barred");
    stoa_bed_advance(bed, 30 * 1000);
    stoa_bed_reload(bed, "wrong_answer = again", NULL);
    stoa_bed_accepts(ben, "buzz", "{}");
    stoa_bed_accepts(ana, "judge", "{'right': false}");
    stoa_bed_accepts(ben, "buzz", "{}");
}

static void time_runs_out(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "seconds = 10");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "ask", TWO_QUESTIONS);
    stoa_bed_forget(ana);
    stoa_bed_advance(bed, 9900);
    stoa_bed_hears_nothing(ana);
    stoa_bed_advance(bed, 100);
    stoa_bed_hears(ana, "{'event': 'time_is_up'}");
    stoa_bed_hears(ana, "{'event': 'question', 'choices': ['Goethe', 'Schiller']}");
    stoa_bed_advance(bed, 10 * 1000);
    stoa_bed_event(ana, "over", "{}");
    stoa_bed_describes(ana, "{'on': false}");
}

static void a_quiz_ends_with_who_asks_or_by_a_cohost(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "ben", STOA_ROLE_COHOST);

    stoa_bed_refuses_as(ben, "stop", "{}", "no_quiz");
    stoa_bed_accepts(ana, "ask", TWO_QUESTIONS);
    stoa_bed_refuses_as(ana, "stop", "{}", "forbidden");
    stoa_bed_accepts(ben, "stop", "{}");
    stoa_bed_accepts(ana, "ask", TWO_QUESTIONS);
    stoa_bed_leave(ana);
    stoa_bed_describes(ben, "{'on': false}");
}

/* The core looks into every level of the tables, before the plugin does. */
static void bad_arguments_never_reach_the_plugin(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "");
    StoaBedPerson *ana = stoa_bed_join(bed, "ana", STOA_ROLE_PARTICIPANT);

    stoa_bed_refuses_as(ana, "ask", "{}", "missing_element");
    stoa_bed_refuses_as(ana, "ask", "{'questions': []}", "wrong_type");
    stoa_bed_refuses_as(ana, "ask", "{'questions': [{'points': 1}]}", "missing_element");
    stoa_bed_refuses_as(ana, "ask", "{'questions': [{'text': 'x', 'hints': [{'text': 5}]}]}",
                        "wrong_type");
    stoa_bed_refuses_as(ana, "ask", "{'questions': [{'text': 'x', 'points': 101}]}", "wrong_type");
    stoa_bed_describes(ana, "{'on': false}");
}

static void the_conf_file_is_complete(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("buzzer", "");

    stoa_bed_sample(bed, "buzzer.conf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_to_buzz_answers_and_wins_the_points),
        cmocka_unit_test(a_wrong_answer_bars_or_not_as_the_conf_says),
        cmocka_unit_test(time_runs_out),
        cmocka_unit_test(a_quiz_ends_with_who_asks_or_by_a_cohost),
        cmocka_unit_test(bad_arguments_never_reach_the_plugin),
        cmocka_unit_test(the_conf_file_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
