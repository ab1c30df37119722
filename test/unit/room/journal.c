/* SPDX-License-Identifier: MIT */
/* Lasting state: records of a plugin in a room that is kept and in one that is not. The plugin is the one of STYLE section 10. */
#include "journal-bed.h"

/* -- what it proves ----------------------------------------------------------------------- */

static void nothing_is_said_before_it_is_on_disk(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");

    forget(ana);
    forget(ben);
    say(ana, "{'request': 'raise', 'up': true}");
    describes(bed, "ana", "{'raised': 1, 'mine': true}"); /* applied at once */
    stoa_room_broadcast(bed->view, "typing", NULL);
    say(ben, "{'request': 'state'}");
    hears_nothing(ana);
    hears_nothing(ben);
    turn();
    hears(ana, "{'event': 'hand', 'seq': 1, 'up': true, 'from': {'id': 'ana', 'name': 'ana'}}");
    hears(ana, "{'reply': 'raise', 'seq': 1, 'transaction': 't'}");
    hears(ana, "{'event': 'typing'}");
    hears_nothing(ana);
    hears(ben, "{'event': 'hand', 'seq': 1}");
    hears(ben, "{'event': 'typing', 'seq': null}");
    hears(ben, "{'reply': 'state', 'seq': 1, 'raised': 1, 'mine': false}");
    hears_nothing(ben);
}

static void a_hand_stays_up_over_a_restart(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    Person *ana = sit(bed, "ana");

    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    go(ana);
    restart(bed, true);
    assert_int_equal(n_applied, 1);
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
    describes(bed, "ben", "{'raised': 1, 'mine': false}");
    g_autoptr(Person) again = sit(bed, "ana");
    say(again, "{'request': 'raise', 'up': false}");
    turn();
    hears(again, "{'event': 'came'}");
    hears(again, "{'event': 'hand', 'seq': 2}");
}

static void a_reloaded_module_finds_its_state(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    Person *ana = sit(bed, "ana");

    say(ana, "{'request': 'raise', 'up': true}");
    go(ana); /* the module is detached from while the record is on its way */
    stoa_module_free(bed->module);
    start_module(bed, &hands);
    stoa_room_view_open(bed->module, bed->core, on_view, bed);
    turn();
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
}

static void a_state_lives_over_leaving_and_is_freed_at_the_end(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(&hands);
    Person *ana = sit(bed, "ana");
    Person *second = sit(bed, "ana"); /* another handle of hers: the same person */

    assert_int_equal(n_joined, 1);
    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    go(ana);
    assert_int_equal(n_left, 0);
    go(second);
    assert_int_equal(n_left, 1);
    assert_int_equal(n_forgotten, 0);
    assert_int_equal(stoa_room_n_participants(bed->view), 0);
    describes(bed, "ana", "{'mine': true}");
    bed_free(bed);
    assert_int_equal(n_forgotten, 1);
}

static void a_write_that_fails_undoes_the_state_and_tells_the_callers(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");

    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    forget(ana);
    forget(ben);
    fill_disk(bed, true);
    g_autofree char *long_text = g_strnfill(60000, 'x');
    g_autofree char *request = g_strdup_printf("{'request': 'whisper', 'text': '%s'}", long_text);
    say(ben, "{'request': 'raise', 'up': true}"); /* may fit into a page */
    say(ana, request);
    say(ben, "{'request': 'whisper', 'text': 'after'}"); /* built on what never was */
    say(ana, "{'request': 'state'}");
    turn();
    forget(ben);
    hears(ana, "{'event': 'hand', 'seq': 2}");
    hears(ana, "{'error_code': 503, 'code': 'unavailable', 'transaction': 't'}");
    hears(ana, "{'error_code': 503, 'transaction': 't'}");
    hears_nothing(ana);
    fill_disk(bed, false);
    describes(bed, "ana", "{'raised': 2, 'mine': true}");
    say(ana, "{'request': 'raise', 'up': false}");
    turn();
    hears(ana, "{'event': 'hand', 'seq': 3}"); /* the numbers go on where they were */
    hears(ana, "{'reply': 'raise', 'seq': 3}");
    assert_int_equal(ask(bed, "SELECT count(*) FROM record"), 3);
    assert_int_equal(stoa_participant_present(stoa_room_member(bed->view, "ben")), true);
}

static void a_handler_that_fails_half_way_leaves_nothing(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");

    forget(ana);
    say(ana, "{'request': 'stumble'}");
    turn();
    hears(ana, "{'error_code': 429, 'error': 'stumbled'}");
    hears_nothing(ana);
    describes(bed, "ana", "{'raised': 0, 'mine': false}");
    assert_int_equal(ask(bed, "SELECT count(*) FROM record"), 0);
    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    hears(ana, "{'event': 'hand', 'seq': 1}");
}

static void a_private_record_reaches_its_two_ends(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");
    g_autoptr(Person) eve = sit(bed, "eve");

    forget(ana);
    forget(ben);
    forget(eve);
    say(ana, "{'request': 'whisper', 'text': 'psst', 'to': 'ben'}");
    say(ana, "{'request': 'whisper', 'text': 'psst', 'to': 'nobody'}");
    turn();
    hears(ana, "{'event': 'whisper', 'text': 'psst', 'seq': 1}");
    hears(ana, "{'reply': 'whisper', 'seq': 1}");
    hears(ana, "{'error_code': 404}");
    hears(ben, "{'event': 'whisper', 'text': 'psst'}");
    hears_nothing(eve);
    say(eve, "{'request': 'resume', 'after': 0}");
    say(eve, "{'request': 'history', 'limit': 10}");
    turn();
    hears(eve, "{'reply': 'resume', 'seq': 1}");
    hears(eve, "{'reply': 'history', 'seqs': [], 'more': false}");
    hears_nothing(eve);
}

static void who_resumes_misses_nothing_and_hears_nothing_twice(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");

    say(ana, "{'request': 'raise', 'up': true}");
    say(ana, "{'request': 'raise', 'up': false}");
    turn();
    forget(ben);
    say(ana, "{'request': 'raise', 'up': true}"); /* on its way when ben asks */
    say(ben, "{'request': 'resume', 'after': 1}");
    say(ana, "{'request': 'raise', 'up': false}"); /* after he asked */
    turn();
    hears(ben, "{'event': 'hand', 'seq': 2}");
    hears(ben, "{'event': 'hand', 'seq': 3}");
    hears(ben, "{'reply': 'resume', 'seq': 3}");
    hears(ben, "{'event': 'hand', 'seq': 4}");
    hears_nothing(ben);
}

static void records_are_read_back_in_pages(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");

    for (int i = 0; i < 5; i++)
        say(ana, "{'request': 'whisper', 'text': 'x'}");
    say(ana, "{'request': 'whisper', 'text': 'y', 'erase': 4}");
    turn();
    forget(ana);
    say(ana, "{'request': 'history', 'limit': 2}");
    say(ana, "{'request': 'history', 'limit': 3, 'before': 5}");
    say(ana, "{'request': 'history', 'kind': 'hand'}");
    turn();
    hears(ana, "{'reply': 'history', 'seqs': [5, 6], 'more': true}");
    hears(ana, "{'reply': 'history', 'seqs': [1, 2, 3], 'more': false}");
    hears(ana, "{'reply': 'history', 'seqs': [], 'more': false}");
    say(ana, "{'request': 'history'}");
    go(g_steal_pointer(&ana)); /* gone before the answer */
    turn();
}

static void an_erased_record_is_a_tombstone_that_apply_never_sees(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");

    say(ana, "{'request': 'whisper', 'text': 'secret'}");
    say(ana, "{'request': 'whisper', 'text': 'plain', 'erase': 1}");
    turn();
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body LIKE '%secret%'"), 0);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE seq = 1 AND body IS NULL"), 1);
    stoa_clock_advance(2000000); /* the scrub */
    go(g_steal_pointer(&ana));
    restart(bed, true);
    assert_int_equal(n_applied, 1);
}

static void a_long_room_opens_from_its_snapshot(void **unused G_GNUC_UNUSED)
{
    hands_that_save = hands;
    hands_that_save.save = save;
    hands_that_save.load = load;
    g_autoptr(Bed) bed = bed_new(&hands_that_save);
    g_autoptr(Person) ana = sit(bed, "ana");

    for (int i = 0; i < 451; i++)
        say(ana, i % 2 ? "{'request': 'raise', 'up': false}" : "{'request': 'raise', 'up': true}");
    turn();
    assert_int_equal(ask(bed, "SELECT seq FROM snapshot"), 400);
    go(g_steal_pointer(&ana));
    restart(bed, false); /* as if it was killed */
    assert_int_equal(n_applied, 51);
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
    restart(bed, true);
    assert_int_equal(n_applied, 0);
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
    /* one that another version wrote is not believed */
    ask(bed, "UPDATE snapshot SET body = '{}' RETURNING 1");
    restart(bed, false);
    assert_int_equal(n_applied, 451);
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
}

static void on_done(const GError *error, void *data)
{
    assert_null(error);
    ++*(int *)data;
}

static void an_author_is_erased_as_the_module_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");
    int n_done = 0;

    say(ana, "{'request': 'raise', 'up': true}");
    say(ana, "{'request': 'whisper', 'text': 'secret'}");
    say(ben, "{'request': 'whisper', 'text': 'stays'}");
    turn();
    stoa_room_core_redact(bed->core, "ana", on_done, &n_done);
    turn();
    assert_int_equal(n_done, 1);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body LIKE '%secret%'"), 0);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body IS NOT NULL"), 2);
    describes(bed, "ben", "{'raised': 1}");
    forget(ben);
    say(ben, "{'request': 'raise', 'up': true}");
    turn();
    hears(ben, "{'event': 'hand', 'seq': 4}");
}

/* A whisper that names somebody goes with that person, whoever said it. */
static json_t *redact_other(StoaRoom *room G_GNUC_UNUSED, const StoaRecord *record,
                            const char *person)
{
    const char *text = json_string_value(json_object_get(record->body, "text"));

    assert_non_null(record->body);
    assert_string_not_equal(record->author, person);
    if (text && g_str_has_prefix(text, "drop"))
        return NULL;
    return text && strstr(text, person) ? json_pack("{s:s}", "text", "gone")
                                        : json_incref(record->body);
}

static void words_of_theirs_go_from_records_of_others(void **unused G_GNUC_UNUSED)
{
    hands_that_save = hands;
    hands_that_save.save = save;
    hands_that_save.load = load;
    hands_that_save.redact_other = redact_other;
    g_autoptr(Bed) bed = bed_new(&hands_that_save);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");
    int n_done = 0;

    say(ana, "{'request': 'raise', 'up': true}"); /* of which her record stays, see `redact` */
    for (int i = 0; i < 250; i++)                 /* more than are read at once */
        say(ben, i % 50 ? "{'request': 'whisper', 'text': 'stays'}"
                        : "{'request': 'whisper', 'text': 'ana said'}");
    say(ben, "{'request': 'whisper', 'text': 'drop'}");
    say(ben, "{'request': 'whisper', 'text': 'ana erased', 'erase': 252}");
    turn();
    assert_int_equal(ask(bed, "SELECT count(*) FROM snapshot"), 1);
    stoa_room_core_redact(bed->core, "ana", on_done, &n_done);
    /* what comes while it goes on is looked at too; what is erased meanwhile stays erased */
    say(ben, "{'request': 'whisper', 'text': 'ana again', 'erase': 1}");
    turn();
    assert_int_equal(n_done, 1);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body LIKE '%ana%'"), 0);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body LIKE '%gone%'"), 7);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body LIKE '%stays%'"), 245);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record WHERE body IS NULL"), 2);
    assert_int_equal(ask(bed, "SELECT count(*) FROM snapshot"), 0);
    describes(bed, "ben", "{'raised': 0}");
    stoa_room_core_redact(bed->core, "eve", on_done, &n_done); /* who was never there */
    turn();
    assert_int_equal(n_done, 2);
}

static void a_write_fails_while_the_state_is_made_anew(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(Person) ben = sit(bed, "ben");
    g_autofree char *long_text = g_strnfill(60000, 'x');
    g_autofree char *request = g_strdup_printf("{'request': 'whisper', 'text': '%s'}", long_text);
    int n_done = 0;

    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    fill_disk(bed, true);
    forget(ana);
    say(ana, request); /* is on its way, and in the state */
    say(ben, "{'request': 'raise', 'up': true}");
    stoa_room_core_rebuild(bed->core, on_done, &n_done);
    say(ana, "{'request': 'raise', 'up': false}");
    turn();
    hears(ana, "{'error_code': 503}");
    hears(ana, "{'error_code': 503}");
    hears_nothing(ana);
    assert_int_equal(n_done, 1);
    describes(bed, "ana", "{'raised': 1, 'mine': true}");
    fill_disk(bed, false);
    forget(ben);
    say(ben, "{'request': 'raise', 'up': true}");
    turn();
    hears(ben, "{'event': 'hand', 'seq': 2}");
    assert_int_equal(ask(bed, "SELECT count(*) FROM record"), 2);
}

static void who_said_nothing_is_erased_from_an_empty_room(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    int n_done = 0;

    stoa_room_core_redact(bed->core, "ana", on_done, &n_done);
    turn();
    assert_int_equal(n_done, 1);
}

static bool erase_all(StoaDb *db, void *data G_GNUC_UNUSED, GError **error)
{
    return stoa_journal_erase(db, room_id, NULL, error);
}

static void numbers_go_on_after_everything_was_erased(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    int n_done = 0;

    for (int i = 0; i < 3; i++)
        say(ana, "{'request': 'whisper', 'text': 'secret'}");
    say(ana, "{'request': 'raise', 'up': true}");
    stoa_store_run(bed->store, erase_all, NULL, NULL, NULL);
    stoa_room_core_rebuild(bed->core, on_done, &n_done);
    forget(ana);
    say(ana, "{'request': 'state'}"); /* while it is made anew */
    turn();
    assert_int_equal(n_done, 1);
    assert_int_equal(ask(bed, "SELECT count(*) FROM record"), 1);
    describes(bed, "ana", "{'raised': 0, 'mine': false}");
    forget(ana);
    say(ana, "{'request': 'raise', 'up': true}");
    turn();
    hears(ana, "{'event': 'hand', 'seq': 5}");
}

static void a_room_that_closes_lets_out_what_waits(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");

    forget(ana);
    say(ana, "{'request': 'raise', 'up': true}");
    say(ana, "{'request': 'history'}");
    stoa_room_core_close(g_steal_pointer(&bed->core), true);
    turn();
    hears(ana, "{'event': 'hand'}");
    hears(ana, "{'reply': 'raise'}");
    hears(ana, "{'error_code': 403}"); /* not joined any more */
    hears_nothing(ana);
}

static bool is_unavailable;

static void on_no_view(StoaRoom *view, const GError *error, void *data G_GNUC_UNUSED)
{
    assert_null(view);
    is_unavailable = g_error_matches(error, STOA_ERROR, STOA_ERROR_UNAVAILABLE);
}

static void who_waits_for_a_view_is_told_that_the_room_closed(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);

    stoa_room_close(bed->view);
    is_unavailable = false;
    stoa_room_view_open(bed->module, bed->core, on_no_view, NULL);
    stoa_room_core_close(g_steal_pointer(&bed->core), true);
    assert_true(is_unavailable);
    turn();
    assert_false(stoa_module_is_busy(bed->module));
}

static void an_adhoc_room_keeps_its_records_while_it_lives(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = attach(bed);
    g_autoptr(Person) ben = attach(bed);

    say(ana, "{'request': 'join', 'room': 7, 'display': 'Ana'}");
    hears(ana, "{'event': 'came'}");
    hears(ana, "{'reply': 'join'}");
    say(ana, "{'request': 'raise', 'up': true}");
    hears(ana, "{'event': 'hand', 'seq': 1}");
    hears(ana, "{'reply': 'raise', 'seq': 1}");
    say(ana, "{'request': 'stumble'}");
    hears(ana, "{'error': 'stumbled'}");
    say(ben, "{'request': 'join', 'room': 7}");
    hears(ben, "{'event': 'came'}");
    hears(ben, "{'reply': 'join'}");
    say(ben, "{'request': 'resume', 'after': 0}");
    hears(ben, "{'event': 'hand', 'seq': 1}");
    hears(ben, "{'reply': 'resume', 'seq': 1}");
    say(ben, "{'request': 'whisper', 'text': 'x', 'erase': 1}");
    say(ben, "{'request': 'history'}");
    hears(ben, "{'event': 'whisper', 'seq': 2}");
    hears(ben, "{'reply': 'whisper', 'seq': 2}");
    hears(ben, "{'reply': 'history', 'seqs': [2], 'more': false}");
    assert_int_equal(ask(bed, "SELECT count(*) FROM record"), 0);
}

static void nobody_joins_a_kept_room_without_its_token(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) eve = attach(bed);
    g_autofree char *join = g_strdup_printf("{'request': 'join', 'room': '%s'}", room_id);

    say(eve, join);
    hears(eve, "{'error_code': 404, 'code': 'not_found'}");
    assert_false(stoa_handle_sit(eve->handle, bed->view, "mallory", NULL));
    assert_null(stoa_handle_room(eve->handle));
}

static void on_file(const json_t *reply, const GError *error, void *data)
{
    const char *by = json_string_value(json_object_get(reply, "by"));

    g_string_append_printf(data, "%s;", error ? error->message : by);
}

static void a_file_is_told_of_and_answered_once_it_is_kept(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ben = sit(bed, "ben");
    StoaFile small = { (char *)"f1", (char *)"a.txt", (char *)"text/plain", 5 };
    StoaFile large = { (char *)"f2", (char *)"b.txt", (char *)"text/plain", 500 };
    StoaParticipant *ana = stoa_room_member(bed->view, "ana"); /* who is not in */
    g_autoptr(GString) told = g_string_new(NULL);

    forget(ben);
    stoa_request_run_file(bed->view, ana, &small, on_file, told);
    assert_string_equal(told->str, "");
    hears_nothing(ben);
    turn();
    assert_string_equal(told->str, "ana;");
    hears(ben, "{'event': 'whisper', 'text': 'f1', 'from': {'id': 'ana', 'name': 'ana'}}");
    stoa_request_run_file(bed->view, ana, &large, on_file, told);
    assert_string_equal(told->str, "ana;too large;");
    fill_disk(bed, true);
    g_autofree char *name = g_strnfill(60000, 'x');
    small.id = name;
    stoa_request_run_file(bed->view, ana, &small, on_file, told);
    turn();
    assert_true(g_str_has_suffix(told->str, "nothing can be kept now;"));
    fill_disk(bed, false);
}

static void on_rows(StoaRoom *room G_GNUC_UNUSED, const StoaRecord *const *records, size_t n,
                    bool more, void *data)
{
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(data, "%d", (int)stoa_record_seq(records[i]));
    g_string_append(data, more ? "+" : ".");
}

static unsigned n_freed;

static void count_free(gpointer data G_GNUC_UNUSED)
{
    n_freed++;
}

static void a_module_reads_back_without_being_asked(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new(&hands);
    g_autoptr(Person) ana = sit(bed, "ana");
    g_autoptr(GString) told = g_string_new(NULL);
    StoaRecordQuery all = { 0 }, two = { .limit = 2, .after = 1 };

    n_freed = 0;
    for (int i = 0; i < 4; i++)
        say(ana, "{'request': 'whisper', 'text': 'x', 'to': 'ben'}");
    stoa_room_read(bed->view, &all, on_rows, told, count_free);
    stoa_room_read(bed->view, &two, on_rows, told, count_free);
    turn();
    assert_string_equal(told->str, "1234.23+");
    stoa_room_read(bed->view, &all, on_rows, told, count_free);
    stoa_room_close(bed->view); /* first */
    assert_int_equal(n_freed, 3);
    turn();
    assert_string_equal(told->str, "1234.23+");
}

static int set_up(void **state G_GNUC_UNUSED)
{
    stoa_control_init();
    stoa_clock_fake(1000000);
    return 0;
}

static int tear_down(void **state G_GNUC_UNUSED)
{
    assert_int_equal(stoa_timer_count(), 0);
    stoa_control_shutdown();
    stoa_clock_real();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(nothing_is_said_before_it_is_on_disk),
        TEST(a_hand_stays_up_over_a_restart),
        TEST(a_reloaded_module_finds_its_state),
        TEST(a_state_lives_over_leaving_and_is_freed_at_the_end),
        TEST(a_write_that_fails_undoes_the_state_and_tells_the_callers),
        TEST(a_handler_that_fails_half_way_leaves_nothing),
        TEST(a_private_record_reaches_its_two_ends),
        TEST(who_resumes_misses_nothing_and_hears_nothing_twice),
        TEST(records_are_read_back_in_pages),
        TEST(an_erased_record_is_a_tombstone_that_apply_never_sees),
        TEST(a_long_room_opens_from_its_snapshot),
        TEST(an_author_is_erased_as_the_module_says),
        TEST(words_of_theirs_go_from_records_of_others),
        TEST(who_said_nothing_is_erased_from_an_empty_room),
        TEST(a_write_fails_while_the_state_is_made_anew),
        TEST(numbers_go_on_after_everything_was_erased),
        TEST(a_room_that_closes_lets_out_what_waits),
        TEST(who_waits_for_a_view_is_told_that_the_room_closed),
        TEST(an_adhoc_room_keeps_its_records_while_it_lives),
        TEST(nobody_joins_a_kept_room_without_its_token),
        TEST(a_file_is_told_of_and_answered_once_it_is_kept),
        TEST(a_module_reads_back_without_being_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
