/* SPDX-License-Identifier: MIT */
/* poll on a kept room: one vote a person, nobody sees too much, of anonymous ones only totals remain. (rooms API, poll; R22) */
#include "kept-bed.h"

typedef struct {
    Kept *kept;
    StoaBedPerson *cem, *ben, *dora; /* a cohost and two participants */
} Class;

static Class *class_new(void)
{
    Class *class = g_new(Class, 1);

    class->kept = kept_new("");
    class->cem = kept_person(class->kept, "cem");
    class->ben = kept_person(class->kept, "ben");
    class->dora = kept_person(class->kept, "dora");
    return class;
}

static void class_leave(Class *class)
{
    g_clear_pointer(&class->cem, stoa_bed_detach);
    g_clear_pointer(&class->ben, stoa_bed_detach);
    g_clear_pointer(&class->dora, stoa_bed_detach);
}

/* Everybody goes, the room closes with or without snapshots, everybody comes again. */
static void class_restart(Class *class, bool save)
{
    class_leave(class);
    kept_restart(class->kept, save);
    class->cem = kept_person(class->kept, "cem");
    class->ben = kept_person(class->kept, "ben");
    class->dora = kept_person(class->kept, "dora");
}

static void class_free(Class *class)
{
    class_leave(class);
    kept_free(class->kept);
    g_free(class);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Class, class_free)

static void class_forget(Class *class)
{
    stoa_bed_forget(class->cem);
    stoa_bed_forget(class->ben);
    stoa_bed_forget(class->dora);
}

/* A poll with id 1 that is open, record 2. */
static void ask_class(Class *class, const char *more)
{
    g_autofree char *text = g_strdup_printf(
        "{'request': 'create', 'question': 'Tea?', 'options': ['yes', 'no', 'later']%s}", more);

    says(class->cem, text, "{'reply': 'create', 'id': '1', 'seq': 1}");
    says(class->cem, "{'request': 'open', 'id': '1'}", "{'reply': 'open', 'id': '1', 'seq': 2}");
    class_forget(class);
}

#define VOTE(choice) "{'request': 'vote', 'id': '1', 'choices': [" choice "]}"

/* The history of the meeting, as GET /rooms/ID/history has it. */
static void history_has(Class *class, const char *wanted)
{
    json_t *polls = stoa_plugin()->history(kept_view(class->kept), "M", NULL);

    bed_check(polls, wanted, "history");
    json_decref(polls);
}

static void a_poll_from_draft_to_results(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    says(class->cem, "{'request': 'create', 'question': 'Tea?', 'options': ['yes', 'no']}",
         "{'id': '1'}");
    stoa_bed_hears(class->cem,
                   "{'event': 'created', 'id': '1', 'state': 'draft', 'anonymous': true,"
                   " 'multiple': false, 'show_results': 'closed', 'counts': null}");
    stoa_bed_hears_nothing(class->ben);
    says(class->ben, "{'request': 'list'}", "{'polls': []}");
    is_told(class->ben, VOTE("0"), 404, "not_found");
    is_told(class->cem, VOTE("0"), 409, "conflict");
    says(class->cem, "{'request': 'open', 'id': '1'}", "{'id': '1'}");
    stoa_bed_hears(class->ben,
                   "{'event': 'opened', 'id': '1', 'question': 'Tea?', 'options': ['yes', 'no'],"
                   " 'state': 'open', 'by': {'id': 'cem', 'name': 'Cem'}, 'counts': null}");
    says(class->ben, VOTE("1"), "{'reply': 'vote', 'id': '1', 'choices': [1]}");
    says(class->dora, VOTE("1"), "{'reply': 'vote'}");
    stoa_bed_hears_nothing(class->ben);
    class_forget(class);
    says(class->ben, "{'request': 'list'}",
         "{'polls': [{'mine': [1], 'counts': null, 'voters': null, 'voted': null}]}");
    says(class->cem, "{'request': 'list'}", "{'polls': [{'voted': 2, 'counts': null}]}");
    says(class->cem, "{'request': 'close', 'id': '1'}", "{'reply': 'close', 'id': '1'}");
    stoa_bed_hears(class->ben, "{'event': 'closed', 'id': '1', 'correct': null}");
    stoa_bed_hears(class->ben, "{'event': 'results', 'id': '1', 'counts': [0, 2], 'voters': 2}");
    stoa_bed_hears_nothing(class->ben);
    is_told(class->ben, VOTE("0"), 409, "conflict");
    is_told(class->cem, "{'request': 'open', 'id': '1'}", 409, "conflict");
    is_told(class->cem, "{'request': 'close', 'id': '1'}", 409, "conflict");
    history_has(class, "[{'id': '1', 'question': 'Tea?', 'anonymous': true, 'votes': null,"
                       " 'options': [{'text': 'yes', 'votes': 0}, {'text': 'no', 'votes': 2}]}]");
}

static void only_totals_remain_of_an_anonymous_poll(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    say(class->ben, VOTE("0"));
    say(class->dora, VOTE("2"));
    assert_int_equal(kept_rows_with(class->kept, "choices"), 2);
    say(class->ben, VOTE("1"));
    assert_int_equal(kept_rows_with(class->kept, "choices"), 2); /* the changed one is gone */
    say(class->cem, "{'request': 'close', 'id': '1'}");
    assert_int_equal(kept_rows_with(class->kept, "choices"), 0);
    for (int save = 0; save < 2; save++) {
        class_restart(class, save);
        says(class->ben, "{'request': 'list'}",
             "{'polls': [{'state': 'closed', 'counts': [0, 1, 1], 'voters': 2, 'mine': null}]}");
        assert_int_equal(kept_rows_with(class->kept, "ben"), 0);
    }
}

static void a_named_poll_says_who(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, ", 'anonymous': false, 'multiple': true, 'show_results': 'live'");
    say(class->ben, VOTE("0, 2"));
    stoa_bed_hears(class->dora, "{'event': 'results', 'counts': [1, 0, 1],"
                                " 'voters': [{'id': 'ben', 'name': 'Ben'}], 'seq': 3}");
    say(class->dora, VOTE("1"));
    class_forget(class);
    say(class->ben, VOTE("1"));
    stoa_bed_hears(class->dora,
                   "{'event': 'results', 'counts': [0, 2, 0], 'voters': [{'id': 'dora'}, "
                   "{'id': 'ben'}]}");
    say(class->cem, "{'request': 'close', 'id': '1'}");
    class_restart(class, false);
    history_has(class, "[{'anonymous': false, 'votes': [{'name': 'Dora', 'choices': [1]},"
                       " {'name': 'Ben', 'choices': [1]}]}]");
    says(class->ben, "{'request': 'resume', 'after': 2}", "{'reply': 'resume'}");
    stoa_bed_hears(class->ben, "{'event': 'closed'}"); /* not one event for each vote */
    stoa_bed_hears(class->ben, "{'event': 'results', 'counts': [0, 2, 0]}");
    stoa_bed_hears_nothing(class->ben);
}

static void votes_that_do_not_fit_are_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { VOTE(""),
                                       VOTE("3"),
                                       VOTE("-1"),
                                       VOTE("0, 0"),
                                       VOTE("0, 1"),
                                       VOTE("'yes'"),
                                       VOTE("0.5"),
                                       VOTE("null"),
                                       VOTE("9007199254740993"),
                                       "{'request': 'vote', 'id': '1'}",
                                       "{'request': 'vote'}" };
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        is_told(class->ben, bad[i], 400, "invalid_request");
    is_told(class->ben, "{'request': 'vote', 'id': '2', 'choices': [0]}", 404, "not_found");
    is_told(class->ben, "{'request': 'vote', 'id': 'x', 'choices': [0]}", 404, "not_found");
    says(class->cem, "{'request': 'list'}", "{'polls': [{'voted': 0}]}");
}

static void polls_that_do_not_fit_are_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = {
        "{'request': 'create', 'question': '', 'options': ['a', 'b']}",
        "{'request': 'create', 'question': 'x'}",
        "{'request': 'create', 'question': 'x', 'options': ['a']}",
        "{'request': 'create', 'question': 'x', 'options': ['a', ' ']}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 7]}",
        "{'request': 'create', 'question': 'x', 'options': {'a': 1}}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b'], 'correct': [2]}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b'], 'correct': [0, 0]}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b'], 'correct': []}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b'], 'show_results': 'soon'}",
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b'], 'anonymous': 'yes'}",
    };
    g_autoptr(Class) class = class_new();

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        is_told(class->cem, bad[i], 400, "invalid_request");
    stoa_bed_reload(class->kept->plugin, "[limits]\npolls = 1\n", NULL);
    ask_class(class, "");
    is_told(class->cem, "{'request': 'create', 'question': 'x', 'options': ['a', 'b']}", 409,
            "conflict");
}

static void participants_vote_and_no_more(void **unused G_GNUC_UNUSED)
{
    static const char *const requests[] = {
        "{'request': 'create', 'question': 'x', 'options': ['a', 'b']}",
        "{'request': 'open', 'id': '1'}",
        "{'request': 'close', 'id': '1'}",
        "{'request': 'publish', 'id': '1'}",
        "{'request': 'remove', 'id': '1'}",
    };
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++)
        is_told(class->ben, requests[i], 403, "forbidden");
    says(class->cem, VOTE("0"), "{'reply': 'vote'}"); /* a cohost votes too */
}

static void a_quiz_tells_the_answer_in_time(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, ", 'correct': [2], 'show_results': 'live'");
    says(class->ben, "{'request': 'list'}", "{'polls': [{'correct': null}]}");
    says(class->cem, "{'request': 'list'}", "{'polls': [{'correct': [2]}]}");
    say(class->ben, VOTE("2"));
    stoa_bed_hears(class->ben,
                   "{'event': 'results', 'counts': [0, 0, 1], 'voters': 1, 'correct': null}");
    class_forget(class);
    says(class->cem, "{'request': 'publish', 'id': '1'}", "{'id': '1'}");
    stoa_bed_hears(class->ben, "{'event': 'results', 'correct': [2]}");
    says(class->ben, "{'request': 'list'}", "{'polls': [{'correct': [2], 'state': 'open'}]}");
    say(class->cem, "{'request': 'close', 'id': '1'}");
    stoa_bed_hears(class->ben, "{'event': 'closed', 'correct': [2]}");
    history_has(class, "[{'correct': [2]}]");
}

static void publishing_shows_an_open_poll(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    say(class->ben, VOTE("0"));
    stoa_bed_hears_nothing(class->dora);
    stoa_bed_hears(class->cem, "{'event': 'progress', 'id': '1', 'voted': 1}");
    say(class->cem, "{'request': 'publish', 'id': '1'}");
    stoa_bed_hears(class->dora, "{'event': 'results', 'counts': [1, 0, 0], 'voters': 1}");
    say(class->dora, VOTE("0"));
    stoa_bed_hears(class->dora, "{'event': 'results', 'counts': [2, 0, 0], 'voters': 2}");
}

static void a_removed_poll_leaves_no_text(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, ", 'anonymous': false");
    say(class->ben, VOTE("0"));
    class_forget(class);
    says(class->cem, "{'request': 'remove', 'id': '1'}", "{'id': '1'}");
    stoa_bed_hears(class->ben, "{'event': 'removed', 'id': '1'}");
    assert_int_equal(kept_rows_with(class->kept, "Tea?"), 0);
    assert_int_equal(kept_rows_with(class->kept, "choices"), 0);
    is_told(class->ben, VOTE("0"), 404, "not_found");
    class_restart(class, false);
    says(class->cem, "{'request': 'list'}", "{'polls': []}");
    history_has(class, "[]");
    says(class->cem, "{'request': 'create', 'question': 'x', 'options': ['a', 'b']}", "{}");
    class_forget(class);
    g_autofree char *remove =
        g_strdup_printf("{'request': 'remove', 'id': '%s'}", told(class->cem, "id"));
    say(class->cem, remove);
    stoa_bed_hears(class->cem, "{'event': 'removed'}");
    stoa_bed_hears_nothing(class->ben); /* who never knew of the draft */
}

static void several_are_open_and_survive_a_restart(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    says(class->cem, "{'request': 'create', 'question': 'Two?', 'options': ['a', 'b']}",
         "{'id': '3'}");
    say(class->cem, "{'request': 'open', 'id': '3'}");
    say(class->ben, VOTE("0"));
    say(class->ben, "{'request': 'vote', 'id': '3', 'choices': [1]}");
    for (int save = 0; save < 2; save++) {
        class_restart(class, save);
        says(class->ben, "{'request': 'state'}",
             "{'polls': [{'id': '1', 'mine': [0]}, {'id': '3', 'mine': [1], 'state': 'open'}]}");
    }
    say(class->ben, VOTE("2"));
    say(class->cem, "{'request': 'close', 'id': '1'}");
    says(class->ben, "{'request': 'list'}",
         "{'polls': [{'counts': [0, 0, 1]}, {'state': 'open'}]}");
}

/* 100 people vote while the poll is being closed: what was acknowledged is what is counted. */
static void votes_around_the_close_are_counted_once(void **unused G_GNUC_UNUSED)
{
    enum { PUPILS = 100, CLOSE_AT = 60 };
    static const char vote[] = VOTE("1");
    g_autoptr(Class) class = class_new();
    StoaBedPerson *pupils[PUPILS];
    int64_t taken = 0;

    ask_class(class, "");
    for (int i = 0; i < PUPILS; i++) {
        g_autofree char *id = g_strdup_printf("pupil%d", i);
        pupils[i] = kept_person(class->kept, id);
    }
    for (int i = 0; i < PUPILS; i++) { /* nothing is on disk in between */
        json_t *body = bed_json(i == CLOSE_AT ? "{'request': 'close', 'id': '1'}" : vote);
        StoaMessage message = { .transaction = "t", .body = body };
        StoaBedPerson *who = i == CLOSE_AT ? class->cem : pupils[i];
        g_clear_pointer(&who->reply, json_decref);
        stoa_request_run(who->bed->module, who->handle, &message);
        json_decref(body);
    }
    stoa_control_settle();
    for (int i = 0; i < PUPILS; i++) {
        const json_t *reply = pupils[i]->reply;
        taken += json_object_get(reply, "reply") != NULL;
        assert_true(i == CLOSE_AT || reply);
        stoa_bed_detach(pupils[i]);
    }
    assert_int_equal(taken, CLOSE_AT);
    says(class->ben, "{'request': 'list'}", "{'polls': [{'counts': [0, 60, 0], 'voters': 60}]}");
    class_restart(class, false);
    says(class->ben, "{'request': 'list'}", "{'polls': [{'counts': [0, 60, 0], 'voters': 60}]}");
}

static void erased_people_leave_their_votes(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, ", 'anonymous': false");
    say(class->ben, VOTE("0"));
    say(class->dora, VOTE("0"));
    kept_erase(class->kept, "ben");
    says(class->dora, "{'request': 'list'}", "{'polls': [{'mine': [0], 'question': 'Tea?'}]}");
    say(class->cem, "{'request': 'close', 'id': '1'}");
    kept_erase(class->kept, "cem");
    assert_int_equal(kept_rows_with(class->kept, "Tea?"), 0);
    history_has(class, "[{'question': 'erased', 'options': [{'text': 'erased', 'votes': 2},"
                       " {'votes': 0}, {'votes': 0}]}]");
    json_t *polls = stoa_plugin()->history(kept_view(class->kept), "M", NULL);
    json_t *votes = json_object_get(json_array_get(polls, 0), "votes");
    assert_true(json_is_null(json_object_get(json_array_get(votes, 0), "name")));
    bed_check(json_array_get(votes, 1), "{'name': 'Dora'}", "who stays has a name");
    json_decref(polls);
}

static int one_by(json_t *polls, const char *wanted)
{
    const json_t *by = json_object_get(json_array_get(polls, 0), "by");
    const char *id = json_string_value(json_object_get(by, "id"));

    return g_strcmp0(id, wanted);
}

static bool forget_first(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_db_exec(db, error, "UPDATE record SET body = NULL WHERE seq = 1", "");
}

/* Cem prepared it, Ana asked it: the words are his in her record too, and stay hers to ask when she goes. */
static void words_go_with_who_wrote_them(void **unused G_GNUC_UNUSED)
{
    for (int round = 0; round < 4; round++) {
        bool cem_goes = round & 1, prepared_earlier = round & 2;
        g_autoptr(Class) class = class_new();
        g_autoptr(StoaBedPerson) ana = kept_person(class->kept, "ana");

        says(class->cem, "{'request': 'create', 'question': 'Tea?', 'options': ['my yes', 'no']}",
             "{'id': '1'}");
        says(ana, "{'request': 'open', 'id': '1'}", "{'id': '1'}");
        if (prepared_earlier) /* in a meeting whose history has run out */
            stoa_store_run(class->kept->store, forget_first, kept_must, NULL, NULL);
        g_clear_pointer(&ana, stoa_bed_detach);
        class_restart(class, false);
        json_t *list = json_object_get((json_t *)say(class->dora, "{'request': 'list'}"), "polls");
        assert_int_equal(one_by(list, "cem"), 0);
        kept_erase(class->kept, cem_goes ? "cem" : "ana");
        int64_t left = prepared_earlier ? 1 : 2;
        assert_int_equal(kept_rows_with(class->kept, "Tea?"), cem_goes ? 0 : left);
        assert_int_equal(kept_rows_with(class->kept, "my yes"), cem_goes ? 0 : left);
        say(class->ben, VOTE("0"));
        says(class->dora, "{'request': 'list'}",
             cem_goes ? "{'polls': [{'question': 'erased', 'options': ['erased', 'erased']}]}"
                      : "{'polls': [{'question': 'Tea?', 'options': ['my yes', 'no']}]}");
    }
}

static void the_end_of_a_meeting_closes_polls(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    ask_class(class, "");
    say(class->ben, VOTE("1"));
    stoa_plugin()->meeting_ended(kept_view(class->kept));
    stoa_control_settle();
    assert_int_equal(kept_rows_with(class->kept, "choices"), 0);
    history_has(class, "[{'options': [{'votes': 0}, {'votes': 1}, {'votes': 0}]}]");
    json_t *other = stoa_plugin()->history(kept_view(class->kept), "N", NULL);
    assert_int_equal(json_array_size(other), 0);
    json_decref(other);
}

static void sealed_words_are_counted_on(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Class) class = class_new();

    stoa_room_core_set_sealing(class->kept->core, "all");
    is_told(class->cem, "{'request': 'create', 'question': 'x', 'options': ['a', 'b']}", 400,
            "invalid_request");
    says(class->cem,
         "{'request': 'create', 'question': {'sealed': 'AAEC', 'epoch': 1},"
         " 'options': [{'sealed': 'AAED', 'epoch': 1}, {'sealed': 'AAEE', 'epoch': 1}]}",
         "{'id': '1'}");
    say(class->cem, "{'request': 'open', 'id': '1'}");
    say(class->ben, VOTE("1"));
    say(class->cem, "{'request': 'close', 'id': '1'}");
    history_has(class, "[{'question': {'sealed': 'AAEC', 'epoch': 1},"
                       " 'options': [{'votes': 0}, {'text': {'sealed': 'AAEE'}, 'votes': 1}]}]");
}

static void an_adhoc_room_has_polls_too(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("poll", "");
    g_autoptr(StoaBedPerson) ana = stoa_bed_attach(bed, "somebody");
    g_autoptr(StoaBedPerson) ben = stoa_bed_attach(bed, "somebody");

    bed->env.adhoc = true;
    says(ana, "{'request': 'join', 'room': 7}", "{'reply': 'join', 'state': {'polls': []}}");
    says(ben, "{'request': 'join', 'room': 7}", "{'reply': 'join'}");
    says(ana, "{'request': 'create', 'question': 'x', 'options': ['a', 'b']}", "{'id': '1'}");
    is_told(ben, "{'request': 'open', 'id': '1'}", 403, "forbidden");
    says(ana, "{'request': 'open', 'id': '1'}", "{'id': '1'}");
    says(ben, VOTE("1"), "{'reply': 'vote'}");
    says(ana, "{'request': 'close', 'id': '1'}", "{'id': '1'}");
    says(ben, "{'request': 'list'}", "{'polls': [{'counts': [0, 1], 'voters': 1}]}");
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    check_sample("poll");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poll_from_draft_to_results),
        cmocka_unit_test(only_totals_remain_of_an_anonymous_poll),
        cmocka_unit_test(a_named_poll_says_who),
        cmocka_unit_test(votes_that_do_not_fit_are_refused),
        cmocka_unit_test(polls_that_do_not_fit_are_refused),
        cmocka_unit_test(participants_vote_and_no_more),
        cmocka_unit_test(a_quiz_tells_the_answer_in_time),
        cmocka_unit_test(publishing_shows_an_open_poll),
        cmocka_unit_test(a_removed_poll_leaves_no_text),
        cmocka_unit_test(several_are_open_and_survive_a_restart),
        cmocka_unit_test(votes_around_the_close_are_counted_once),
        cmocka_unit_test(erased_people_leave_their_votes),
        cmocka_unit_test(words_go_with_who_wrote_them),
        cmocka_unit_test(the_end_of_a_meeting_closes_polls),
        cmocka_unit_test(sealed_words_are_counted_on),
        cmocka_unit_test(an_adhoc_room_has_polls_too),
        cmocka_unit_test(the_sample_agrees_with_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
