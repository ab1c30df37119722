/* SPDX-License-Identifier: MIT */
/* chat on a kept room: who sees what, what stays, what goes for good. (rooms API, chat; SECURITY R23) */
#include "kept-bed.h"

static const char fast[] = "[limits]\nmessages_per_second = 0\n";

static void a_message_reaches_everyone(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) ana = kept_person(kept, "ana");

    says(ben, "{'request': 'send', 'text': 'grüß dich 🙂 <b>'}",
         "{'reply': 'send', 'id': '1', 'seq': 1}");
    assert_string_equal(told(ben, "at"), "2030-01-01T00:00:00.000Z");
    stoa_bed_hears(
        ben, "{'event': 'message', 'seq': 1, 'id': '1', 'from': {'id': 'ben', 'name': 'Ben'},"
             " 'text': 'grüß dich 🙂 <b>', 'at': '2030-01-01T00:00:00.000Z', 'to': null}");
    stoa_bed_hears(ana,
                   "{'event': 'message', 'seq': 1, 'id': '1', 'text': 'grüß dich 🙂 <b>'}");
    stoa_bed_hears_nothing(ana);
}

static void a_private_message_reaches_the_two(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    g_autoptr(StoaBedPerson) ana = kept_person(kept, "ana");
    const char *event = "{'event': 'message', 'text': 'psst', 'to': 'dora', 'to_name': 'Dora'}";

    says(ben, "{'request': 'send', 'text': 'psst', 'to': 'dora'}", "{'id': '1'}");
    stoa_bed_hears(ben, event);
    stoa_bed_hears(dora, event);
    stoa_bed_hears_nothing(ana); /* the host is no exception */
    says(dora, "{'request': 'history'}", "{'messages': [{'text': 'psst'}], 'more': false}");
    says(ana, "{'request': 'history'}", "{'messages': []}");
    says(ana, "{'request': 'resume', 'after': 0}", "{'reply': 'resume', 'seq': 1}");
    stoa_bed_hears_nothing(ana);
    says(dora, "{'request': 'resume', 'after': 0}", "{'reply': 'resume', 'seq': 1}");
    stoa_bed_hears(dora, event);
    is_told(ana, "{'request': 'delete', 'id': '1'}", 404, "not_found"); /* nor here */
    is_told(ben, "{'request': 'send', 'text': 'me', 'to': 'ben'}", 400, "invalid_request");
    is_told(ben, "{'request': 'send', 'text': 'you', 'to': 'nobody'}", 404, "not_found");
}

static void history_comes_in_pages(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new(fast);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");

    for (int i = 1; i <= 5; i++) {
        g_autofree char *text = g_strdup_printf("{'request': 'send', 'text': 'm%d'}", i);
        say(ben, text);
    }
    says(ben, "{'request': 'history', 'limit': 2}",
         "{'messages': [{'id': '4', 'text': 'm4'}, {'id': '5'}], 'more': true}");
    says(ben, "{'request': 'history', 'limit': 2, 'before': '4'}",
         "{'messages': [{'id': '2'}, {'id': '3'}], 'more': true}");
    says(ben, "{'request': 'history', 'before': 2}", "{'messages': [{'id': '1'}], 'more': false}");
    says(ben, "{'request': 'history', 'before': null}", "{'more': false}");
    is_told(ben, "{'request': 'history', 'before': 'x'}", 400, "invalid_request");
    is_told(ben, "{'request': 'history', 'limit': 201}", 400, "invalid_request");
    is_told(ben, "{'request': 'history', 'limit': 0}", 400, "invalid_request");
}

static void a_deleted_message_leaves_no_text(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    says(ben, "{'request': 'send', 'text': 'regrettable'}", "{'id': '1'}");
    assert_int_equal(kept_rows_with(kept, "regrettable"), 1);
    stoa_bed_forget(dora);
    is_told(dora, "{'request': 'delete', 'id': '1'}", 403, "forbidden");
    says(ben, "{'request': 'delete', 'id': '1'}", "{'reply': 'delete', 'id': '1', 'seq': 2}");
    stoa_bed_hears(dora, "{'event': 'deleted', 'id': '1', 'seq': 2}");
    assert_int_equal(kept_rows_with(kept, "regrettable"), 0);
    says(dora, "{'request': 'history'}", "{'messages': []}");
    is_told(ben, "{'request': 'delete', 'id': '1'}", 404, "not_found");
    is_told(ben, "{'request': 'delete', 'id': '2'}", 404, "not_found"); /* no message */
    is_told(ben, "{'request': 'delete', 'id': 'x'}", 404, "not_found");
    says(dora, "{'request': 'resume', 'after': 0}", "{'seq': 2}");
    stoa_bed_hears(dora, "{'event': 'deleted', 'id': '1'}");
    stoa_bed_hears_nothing(dora);
}

static void a_cohost_deletes_what_it_sees(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    say(ben, "{'request': 'send', 'text': 'to all'}");
    say(ben, "{'request': 'send', 'text': 'to cem', 'to': 'cem'}");
    stoa_bed_forget(ben);
    stoa_bed_forget(dora);
    says(cem, "{'request': 'delete', 'id': '1'}", "{'id': '1'}");
    says(cem, "{'request': 'delete', 'id': '2'}", "{'id': '2'}");
    stoa_bed_hears(dora, "{'event': 'deleted', 'id': '1'}");
    stoa_bed_hears_nothing(dora); /* the second was not hers to see */
    stoa_bed_hears(ben, "{'event': 'deleted', 'id': '1'}");
    stoa_bed_hears(ben, "{'event': 'deleted', 'id': '2'}");
}

static void one_person_is_slowed_down(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("[limits]\nmessages_per_second = 3\n");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    for (int i = 0; i < 3; i++)
        says(ben, "{'request': 'send', 'text': 'hurry'}", "{'reply': 'send'}");
    is_told(ben, "{'request': 'send', 'text': 'hurry'}", 429, "slow_down");
    says(dora, "{'request': 'send', 'text': 'me too'}", "{'reply': 'send'}");
    stoa_clock_advance(400000);
    says(ben, "{'request': 'send', 'text': 'slower'}", "{'reply': 'send'}");
    stoa_bed_reload(kept->plugin, fast, NULL);
    for (int i = 0; i < 20; i++)
        says(ben, "{'request': 'send', 'text': 'free'}", "{'reply': 'send'}");
}

static void typing_is_for_the_others_and_not_kept(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    for (int i = 0; i < 9; i++)
        says(ben, "{'request': 'typing'}", "{'reply': 'typing', 'seq': null}");
    stoa_bed_hears_nothing(ben);
    stoa_bed_hears(dora, "{'event': 'typing', 'from': {'id': 'ben', 'name': 'Ben'}, 'seq': null}");
    stoa_bed_hears(dora, "{'event': 'typing'}");
    stoa_bed_hears_nothing(dora); /* the rest came too fast */
    says(dora, "{'request': 'resume', 'after': 0}", "{'seq': 0}");
    stoa_bed_hears_nothing(dora);
}

static void a_sealed_text_is_passed_on_unopened(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    const char *box = "{'request': 'send', 'text': {'sealed': 'AAECAwQF', 'epoch': 3}}";

    kept->sealed = true;
    kept_restart(kept, false);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    says(ben, box, "{'id': '1'}");
    stoa_bed_hears(ben, "{'event': 'message', 'text': {'sealed': 'AAECAwQF', 'epoch': 3}}");
    is_told(ben, "{'request': 'send', 'text': 'open'}", 400, "invalid_request");
    is_told(ben, "{'request': 'send', 'text': {'sealed': 'AAEC', 'epoch': 3, 'hint': 'open'}}", 400,
            "invalid_request");
    stoa_room_core_set_sealing(kept->core, "off");
    is_told(ben, box, 400, "invalid_request");
}

static void an_erased_person_has_said_nothing(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    say(ben, "{'request': 'send', 'text': 'a secret'}");
    say(ben, "{'request': 'send', 'text': 'a secret for two', 'to': 'dora'}");
    say(dora, "{'request': 'send', 'text': 'hers'}");
    kept_erase(kept, "ben");
    assert_int_equal(kept_rows_with(kept, "secret"), 0);
    says(dora, "{'request': 'history'}",
         "{'messages': [{'id': '1', 'text': 'erased', 'erased': true}, {'id': '2', 'erased': true},"
         " {'text': 'hers', 'erased': null}]}");
    json_t *first = json_array_get(json_object_get(dora->reply, "messages"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(first, "from"), "name")));
    says(dora, "{'request': 'send', 'text': 'on it goes'}", "{'id': '4'}");
}

/* Each of these is refused in words, and the chat goes on. (R23: poison messages) */
static void poison_is_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const poison[] = {
        "{'request': 'send'}",
        "{'request': 'send', 'text': ''}",
        "{'request': 'send', 'text': '   '}",
        "{'request': 'send', 'text': null}",
        "{'request': 'send', 'text': 7}",
        "{'request': 'send', 'text': ['a']}",
        "{'request': 'send', 'text': {'a': 1}}",
        "{'request': 'send', 'text': 'x', 'to': {}}",
        "{'request': 'send', 'text': 'x', 'to': ''}",
        "{'request': 'send', 'text': 'x', 'to': 'a b'}",
        "{'request': 'send', 'text': 'x', 'to': -1}",
        "{'request': 'delete'}",
        "{'request': 'delete', 'id': 1.5}",
        "{'request': 'history', 'limit': 'all'}",
        "{'request': 'history', 'before': []}",
        "{'request': 'resume', 'after': 'x'}",
        "{'request': 'drop table record'}",
        "{'request': 5}",
        "{}",
    };
    g_autoptr(Kept) kept = kept_new(fast);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");

    for (size_t i = 0; i < G_N_ELEMENTS(poison); i++)
        is_told(ben, poison[i], 400, "invalid_request");
    g_autofree char *longest = g_strnfill(4000, 'x');
    g_autofree char *fits = g_strdup_printf("{'request': 'send', 'text': '%s'}", longest);
    g_autofree char *over = g_strdup_printf("{'request': 'send', 'text': '%sx'}", longest);
    says(ben, fits, "{'reply': 'send'}");
    is_told(ben, over, 400, "invalid_request");
    says(ben, "{'request': 'send', 'text': '\\u202eevil\\u0007 O\\u0301; -- <script>'}",
         "{'reply': 'send', 'id': '2'}");
}

static void it_is_all_there_after_a_restart(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");

    for (int save = 0; save < 2; save++) {
        g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
        say(ben, "{'request': 'send', 'text': 'remember'}");
        kept_restart(kept, save);
    }
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    says(dora, "{'request': 'history'}",
         "{'messages': [{'id': '1', 'from': {'name': 'Ben'}}, {'id': '2', 'text': 'remember'}]}");
    says(dora, "{'request': 'send', 'text': 'I do'}", "{'id': '3'}");
}

static void an_adhoc_room_keeps_it_in_memory(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("chat", "");
    g_autoptr(StoaBedPerson) ana = stoa_bed_attach(bed, "somebody");
    g_autoptr(StoaBedPerson) ben = stoa_bed_attach(bed, "somebody");

    bed->env.adhoc = true;
    is_told(ana, "{'request': 'send', 'text': 'hello'}", 403, "forbidden");
    says(ana, "{'request': 'join', 'room': 7, 'display': 'Ana'}", "{'reply': 'join', 'room': 7}");
    says(ana, "{'request': 'send', 'text': 'first'}", "{'id': '1'}");
    says(ben, "{'request': 'join', 'room': 7, 'display': 'Ben'}", "{'reply': 'join'}");
    says(ben, "{'request': 'history'}",
         "{'messages': [{'text': 'first', 'from': {'name': 'Ana'}}]}");
    is_told(ben, "{'request': 'delete', 'id': '1'}", 403, "forbidden");
    says(ana, "{'request': 'delete', 'id': '1'}", "{'id': '1'}");
    stoa_bed_hears(ben, "{'event': 'deleted', 'id': '1'}");
    says(ben, "{'request': 'history'}", "{'messages': []}");
    says(ben, "{'request': 'send', 'text': 'second'}", "{'reply': 'send'}");
    says(ana, "{'request': 'delete', 'id': '3'}", "{'id': '3'}"); /* who opened it is its host */
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    check_sample("chat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_everyone),
        cmocka_unit_test(a_private_message_reaches_the_two),
        cmocka_unit_test(history_comes_in_pages),
        cmocka_unit_test(a_deleted_message_leaves_no_text),
        cmocka_unit_test(a_cohost_deletes_what_it_sees),
        cmocka_unit_test(one_person_is_slowed_down),
        cmocka_unit_test(typing_is_for_the_others_and_not_kept),
        cmocka_unit_test(a_sealed_text_is_passed_on_unopened),
        cmocka_unit_test(an_erased_person_has_said_nothing),
        cmocka_unit_test(poison_is_refused),
        cmocka_unit_test(it_is_all_there_after_a_restart),
        cmocka_unit_test(an_adhoc_room_keeps_it_in_memory),
        cmocka_unit_test(the_sample_agrees_with_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
