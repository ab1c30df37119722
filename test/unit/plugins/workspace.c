/* SPDX-License-Identifier: MIT */
/* workspace on a kept room: links, files, documents that are replayed to who comes late, and what is erased when. */
#include "kept-bed.h"

#include "room/file.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static const char small[] =
    "[limits]\nupdate_bytes = 60\nsnapshot_bytes = 90\nitem_bytes = 120\nupdates_per_second = 0\n"
    "[snapshot]\nupdates = 5\n";

/* An update whose bytes say which one it is: update 7 is "AAAAAAAH". */
static char *update_json(const char *id, int n)
{
    const guchar bytes[6] = { 0, 0, 0, 0, 0, (guchar)n };
    g_autofree char *text = g_base64_encode(bytes, sizeof bytes);

    return g_strdup_printf("{'request': 'sync', 'id': '%s', 'update': '%s'}", id, text);
}

static void sync_one(StoaBedPerson *person, const char *id, int n)
{
    g_autofree char *text = update_json(id, n);

    says(person, text, "{'reply': 'sync'}");
    assert_true(json_integer_value(json_object_get(person->reply, "seq")) > 0);
}

static void links_lead_to_the_web_only(void **unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "javascript:alert(1)",
                                       "JAVASCRIPT:alert(1)",
                                       " https://example.org",
                                       "https://example.org/ x",
                                       "https://",
                                       "//example.org",
                                       "example.org",
                                       "ftp://example.org",
                                       "data:text/html,x",
                                       "https:\\u0009//example.org",
                                       "http:evil" };
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strdup_printf(
            "{'request': 'add', 'kind': 'link', 'title': 'x', 'url': '%s'}", bad[i]);
        is_told(ben, text, 400, "invalid_request");
    }
    is_told(ben, "{'request': 'add', 'kind': 'link', 'title': 'x'}", 400, "invalid_request");
    is_told(ben, "{'request': 'add', 'kind': 'note', 'title': 'x', 'url': 'http://a.b'}", 400,
            "invalid_request");
    is_told(ben, "{'request': 'add', 'kind': 'file', 'title': 'x'}", 400, "invalid_request");
    is_told(ben, "{'request': 'add', 'kind': 'link', 'title': ' ', 'url': 'http://a.b'}", 400,
            "invalid_request");
    says(ben,
         "{'request': 'add', 'kind': 'link', 'title': 'Maß <i>', 'url': 'HTTPS://a.b/c?d=ü#e'}",
         "{'reply': 'add', 'id': '1', 'seq': 1}");
    stoa_bed_hears(dora, "{'event': 'added', 'id': '1', 'kind': 'link', 'title': 'Maß <i>',"
                         " 'url': 'HTTPS://a.b/c?d=ü#e', 'by': {'id': 'ben', 'name': 'Ben'},"
                         " 'at': '2030-01-01T00:00:00.000Z', 'updates': null, 'size': null}");
    stoa_bed_hears(ben, "{'event': 'added'}");
}

static void own_items_are_changed_and_removed(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");

    say(ben, "{'request': 'add', 'kind': 'link', 'title': 'first', 'url': 'http://a.b/'}");
    is_told(dora, "{'request': 'update', 'id': '1', 'title': 'mine'}", 403, "forbidden");
    is_told(dora, "{'request': 'remove', 'id': '1'}", 403, "forbidden");
    is_told(ben, "{'request': 'update', 'id': '1'}", 400, "invalid_request");
    is_told(ben, "{'request': 'update', 'id': '1', 'url': 'javascript:0'}", 400, "invalid_request");
    is_told(ben, "{'request': 'update', 'id': '2', 'title': 'x'}", 404, "not_found");
    stoa_bed_forget(dora);
    says(ben, "{'request': 'update', 'id': '1', 'title': 'second'}",
         "{'title': 'second', 'url': 'http://a.b/'}");
    stoa_bed_hears(dora, "{'event': 'updated', 'id': '1', 'title': 'second', 'kind': 'link'}");
    says(cem, "{'request': 'update', 'id': '1', 'title': 'third'}", "{'title': 'third'}");
    assert_int_equal(kept_rows_with(kept, "second"), 0); /* what was replaced is gone */
    stoa_bed_forget(dora);
    says(cem, "{'request': 'remove', 'id': '1'}", "{'id': '1'}");
    stoa_bed_hears(dora, "{'event': 'removed', 'id': '1'}");
    assert_int_equal(kept_rows_with(kept, "http://a.b/"), 0);
    is_told(ben, "{'request': 'remove', 'id': '1'}", 404, "not_found");
    says(ben, "{'request': 'list'}", "{'items': []}");
    says(dora, "{'request': 'resume', 'after': 0}", "{'reply': 'resume'}");
    stoa_bed_hears(dora, "{'event': 'removed', 'id': '1'}");
    stoa_bed_hears_nothing(dora);
}

static void a_document_is_replayed_to_who_comes_late(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    says(ben, "{'request': 'add', 'kind': 'note', 'title': 'Minutes'}", "{'id': '1'}");
    says(ben, "{'request': 'add', 'kind': 'board', 'title': 'Sketch'}", "{'id': '2'}");
    says(ben, "{'request': 'list'}", "{'items': [{'updates': []}, {'updates': []}]}");
    stoa_bed_forget(dora);
    sync_one(ben, "1", 1);
    stoa_bed_hears(dora, "{'event': 'sync', 'id': '1', 'update': 'AAAAAAAB', 'seq': 3,"
                         " 'from': {'id': 'ben', 'name': 'Ben'}}");
    sync_one(dora, "2", 2); /* any participant edits */
    sync_one(dora, "1", 3);
    for (int save = 0; save < 2; save++) {
        stoa_bed_detach(ben);
        stoa_bed_detach(dora);
        kept_restart(kept, save);
        g_autoptr(StoaBedPerson) late = kept_person(kept, "pupil");
        says(late, "{'request': 'list'}",
             "{'items': [{'kind': 'note', 'updates': ['AAAAAAAB', 'AAAAAAAD'], 'upto': null},"
             " {'kind': 'board', 'updates': ['AAAAAAAC'], 'snapshot': null}]}");
        says(late, "{'request': 'list', 'id': '2'}", "{'items': [{'updates': ['AAAAAAAC']}]}");
        says(late, "{'request': 'state'}",
             "{'items': [{'id': '1', 'updates': null}, {}], 'seq': 5}");
        says(late, "{'request': 'resume', 'after': 4}", "{'reply': 'resume', 'seq': 5}");
        stoa_bed_hears(late, "{'event': 'sync', 'id': '1', 'update': 'AAAAAAAD', 'seq': 5}");
        stoa_bed_hears_nothing(late);
    }
}

static void updates_that_do_not_fit_are_refused(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new(small);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autofree char *much = g_strnfill(84, 'A'); /* 63 bytes */
    g_autofree char *over = g_strdup_printf("{'request': 'sync', 'id': '1', 'update': '%s'}", much);

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'n'}");
    say(ben, "{'request': 'add', 'kind': 'link', 'title': 'l', 'url': 'http://a.b'}");
    is_told(ben, over, 400, "invalid_request");
    is_told(ben, "{'request': 'sync', 'id': '1', 'update': 'no base64'}", 400, "invalid_request");
    is_told(ben, "{'request': 'sync', 'id': '1', 'update': ''}", 400, "invalid_request");
    is_told(ben, "{'request': 'sync', 'id': '1', 'update': {}}", 400, "invalid_request");
    is_told(ben, "{'request': 'sync', 'id': '2', 'update': 'AAAA'}", 409, "conflict");
    is_told(ben, "{'request': 'sync', 'id': '3', 'update': 'AAAA'}", 404, "not_found");
    for (int i = 0; i < 20; i++)
        sync_one(ben, "1", i); /* 6 bytes each */
    is_told(ben, "{'request': 'sync', 'id': '1', 'update': 'AAAA'}", 409, "conflict");
}

static void a_snapshot_is_asked_for_and_taken(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new(small);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'n'}");
    for (int i = 1; i <= 4; i++)
        sync_one(ben, "1", i);
    stoa_bed_forget(ben);
    stoa_bed_forget(dora);
    sync_one(ben, "1", 5); /* number 6 */
    stoa_bed_hears(ben, "{'event': 'sync'}");
    stoa_bed_hears(ben, "{'event': 'snapshot_wanted', 'id': '1', 'upto': 6, 'seq': null}");
    stoa_bed_hears(dora, "{'event': 'sync'}");
    stoa_bed_hears_nothing(dora); /* one is asked */
    is_told(ben, "{'request': 'snapshot', 'id': '1', 'upto': 7, 'update': 'BBBB'}", 400,
            "invalid_request");
    is_told(ben, "{'request': 'snapshot', 'id': '1', 'update': 'BBBB'}", 400, "invalid_request");
    sync_one(ben, "1", 6); /* number 7: not in the snapshot */
    stoa_bed_forget(dora);
    says(dora, "{'request': 'snapshot', 'id': '1', 'upto': 6, 'update': 'BBBB'}",
         "{'reply': 'snapshot', 'id': '1', 'seq': 8}");
    stoa_bed_hears_nothing(dora);
    is_told(ben, "{'request': 'snapshot', 'id': '1', 'upto': 6, 'update': 'CCCC'}", 409,
            "conflict");
    for (int save = 0; save < 2; save++) {
        says(dora, "{'request': 'list'}",
             "{'items': [{'snapshot': 'BBBB', 'upto': 6, 'updates': ['AAAAAAAG']}]}");
        stoa_bed_detach(ben);
        stoa_bed_detach(dora);
        kept_restart(kept, save);
        g_clear_pointer(&dora, stoa_bed_detach);
        dora = kept_person(kept, "dora");
    }
    for (int i = 7; i <= 9; i++)
        sync_one(dora, "1", i);
    stoa_bed_forget(dora);
    sync_one(dora, "1", 10); /* the fifth since then */
    stoa_bed_hears(dora, "{'event': 'sync'}");
    stoa_bed_hears(dora, "{'event': 'snapshot_wanted'}");
}

static void what_a_snapshot_replaced_goes_after_a_week(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new(small);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'n'}");
    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'other'}");
    sync_one(ben, "1", 1);
    sync_one(ben, "2", 1);
    says(ben, "{'request': 'snapshot', 'id': '1', 'upto': 3, 'update': 'BBBB'}", "{}");
    sync_one(ben, "1", 2);
    stoa_clock_advance(6 * DAY_US);
    stoa_control_settle();
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 2);
    says(ben, "{'request': 'snapshot', 'id': '1', 'upto': 6, 'update': 'CCCC'}", "{}");
    stoa_bed_detach(ben);
    kept_restart(kept, false); /* the day is not forgotten over a restart */
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    for (int hour = 0; hour < 30; hour++) {
        stoa_clock_advance(DAY_US / 24);
        stoa_control_settle();
    }
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 1); /* the other note's */
    assert_int_equal(kept_rows_with(kept, "BBBB"), 1);     /* the second snapshot is a day old */
    assert_int_equal(kept_rows_with(kept, "AAAAAAAC"), 1);
    stoa_clock_advance(7 * DAY_US);
    stoa_control_settle();
    assert_int_equal(kept_rows_with(kept, "BBBB"), 0);
    assert_int_equal(kept_rows_with(kept, "AAAAAAAC"), 0);
    says(dora, "{'request': 'list'}",
         "{'items': [{'snapshot': 'CCCC', 'updates': []}, {'updates': ['AAAAAAAB']}]}");
}

static void a_removed_note_leaves_no_updates(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("[limits]\nupdates_per_second = 0\n");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'n'}");
    for (int i = 0; i < 250; i++) /* more than a page */
        sync_one(ben, "1", 1);
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 250);
    says(ben, "{'request': 'remove', 'id': '1'}", "{'id': '1'}");
    stoa_bed_detach(ben);
    kept_restart(kept, false); /* it dies before it could erase them */
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    for (int i = 0; i < 3; i++) {
        stoa_clock_advance(1000000);
        stoa_control_settle();
    }
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 0);
}

static void presence_is_for_the_others_and_not_kept(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("[limits]\npresence_bytes = 20\npresence_per_second = 2\n");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    say(ben, "{'request': 'add', 'kind': 'board', 'title': 'b'}");
    stoa_bed_forget(ben);
    stoa_bed_forget(dora);
    says(ben, "{'request': 'presence', 'id': '1', 'data': {'x': 1}}",
         "{'reply': 'presence', 'seq': null}");
    stoa_bed_hears(dora,
                   "{'event': 'presence', 'id': '1', 'data': {'x': 1}, 'from': {'id': 'ben'}}");
    stoa_bed_hears_nothing(ben);
    is_told(ben, "{'request': 'presence', 'id': '1', 'data': 'more than twenty bytes'}", 400,
            "invalid_request");
    is_told(ben, "{'request': 'presence', 'id': '1', 'data': 1}", 429, "slow_down");
    is_told(dora, "{'request': 'presence', 'id': '7', 'data': 1}", 404, "not_found");
    is_told(dora, "{'request': 'presence', 'id': '1'}", 400, "invalid_request");
    says(dora, "{'request': 'resume', 'after': 1}", "{'seq': 1}");
}

/* -- files ------------------------------------------------------------------------------------------ */

typedef struct {
    json_t *reply;
    int code; /* of the error; -1: none */
} Uploaded;

static void on_uploaded(const json_t *reply, const GError *error, void *data)
{
    Uploaded *it = data;

    it->reply = json_deep_copy(reply);
    it->code = error ? error->code : -1;
}

static Uploaded upload(Kept *kept, const char *who, const char *name)
{
    const StoaFile file = { (char *)"F1234567890123456789", (char *)name, (char *)"application/pdf",
                            4096 };
    StoaRoom *view = kept_view(kept);
    Uploaded it = { NULL, -2 };

    stoa_request_run_file(view, stoa_room_member(view, who), &file, on_uploaded, &it);
    stoa_control_settle();
    return it;
}

static void an_upload_becomes_an_item(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("[limits]\nitems = 1\n");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    Uploaded first = upload(kept, "ben", "<plan>.pdf");
    bed_check(first.reply,
              "{'id': '1', 'kind': 'file', 'title': '<plan>.pdf', 'size': 4096,"
              " 'type': 'application/pdf', 'by': {'id': 'ben', 'name': 'Ben'}}",
              "the upload's answer");
    json_decref(first.reply);
    stoa_bed_hears(dora, "{'event': 'added', 'id': '1', 'kind': 'file', 'size': 4096}");
    assert_int_equal(upload(kept, "ben", "second.pdf").code, STOA_ERROR_CONFLICT);
    is_told(dora, "{'request': 'sync', 'id': '1', 'update': 'AAAA'}", 409, "conflict");
    is_told(dora, "{'request': 'remove', 'id': '1'}", 403, "forbidden");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    says(ben, "{'request': 'update', 'id': '1', 'title': 'Plan'}",
         "{'title': 'Plan', 'type': 'application/pdf'}");
    says(ben, "{'request': 'remove', 'id': '1'}", "{'id': '1'}");
    assert_int_equal(kept_rows_with(kept, "plan"), 0);
}

static void a_sealed_name_is_the_title(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");

    stoa_room_core_set_sealing(kept->core, "all");
    Uploaded it = upload(kept, "ben", "{\"sealed\": \"AAEC\", \"epoch\": 2}");
    bed_check(it.reply, "{'title': {'sealed': 'AAEC', 'epoch': 2}}", "the upload's answer");
    json_decref(it.reply);
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    is_told(ben, "{'request': 'add', 'kind': 'note', 'title': 'open'}", 400, "invalid_request");
    says(ben,
         "{'request': 'add', 'kind': 'link', 'title': {'sealed': 'AAEC', 'epoch': 2},"
         " 'url': {'sealed': 'AAED', 'epoch': 2}}",
         "{'url': {'sealed': 'AAED', 'epoch': 2}}");
}

/* -- what stays ------------------------------------------------------------------------------------- */

static void an_erased_person_takes_links_and_files_along(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    say(ben, "{'request': 'add', 'kind': 'link', 'title': 'my page', 'url': 'http://my.page'}");
    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'my note', 'text': 'my words'}");
    sync_one(dora, "2", 1);
    say(dora, "{'request': 'add', 'kind': 'link', 'title': 'hers', 'url': 'http://her.page'}");
    json_decref(upload(kept, "ben", "my file.pdf").reply);
    kept_erase(kept, "ben");
    assert_int_equal(kept_rows_with(kept, "my "), 0);
    assert_int_equal(kept_rows_with(kept, "my.page"), 0);
    says(dora, "{'request': 'list'}",
         "{'items': [{'id': '2', 'kind': 'note', 'title': 'erased', 'updates': ['AAAAAAAB']},"
         " {'id': '4', 'title': 'hers'}]}");
}

static void a_note_goes_with_who_alone_wrote_it(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    says(ben, "{'request': 'add', 'kind': 'note', 'title': 'my diary'}", "{'id': '1'}");
    sync_one(ben, "1", 1);
    sync_one(ben, "1", 2);
    says(ben, "{'request': 'snapshot', 'id': '1', 'upto': 3, 'update': 'BBBB'}", "{'seq': 4}");
    says(ben, "{'request': 'add', 'kind': 'board', 'title': 'my empty one'}", "{'id': '5'}");
    says(dora, "{'request': 'add', 'kind': 'note', 'title': 'for Ben'}", "{'id': '6'}");
    sync_one(ben, "6", 3);
    says(ben, "{'request': 'add', 'kind': 'note', 'title': 'my start'}", "{'id': '8'}");
    sync_one(ben, "8", 4);
    sync_one(dora, "8", 5);
    kept_restart(kept, true); /* who wrote is known from what was saved */
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");
    kept_erase(kept, "ben");
    static const char *const gone[] = { "my ", "AAAAAAAB", "AAAAAAAC", "BBBB", "AAAAAAAD" };
    for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
        assert_int_equal(kept_rows_with(kept, gone[i]), 0);
    says(cem, "{'request': 'list'}",
         "{'items': [{'id': '6', 'title': 'for Ben', 'updates': []},"
         " {'id': '8', 'title': 'erased', 'updates': ['AAAAAAAE', 'AAAAAAAF']}]}");
}

/* What others wrote is in a snapshot by one person, and their own updates are gone. */
static void a_snapshot_of_many_stays(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");

    says(ben, "{'request': 'add', 'kind': 'note', 'title': 'n'}", "{'id': '1'}");
    sync_one(dora, "1", 1);
    sync_one(ben, "1", 2);
    says(ben, "{'request': 'snapshot', 'id': '1', 'upto': 3, 'update': 'BBBB'}", "{'seq': 4}");
    stoa_clock_advance(8 * DAY_US);
    stoa_control_settle();
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 0);
    stoa_bed_detach(ben);
    stoa_bed_detach(dora);
    kept_restart(kept, false);
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");
    kept_erase(kept, "ben");
    says(cem, "{'request': 'list'}", "{'items': [{'id': '1', 'snapshot': 'BBBB'}]}");
}

/* A change says again what it did not change: in whoever's record it is, each word goes with who wrote it. */
static void words_go_with_who_wrote_them(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");

    say(ben, "{'request': 'add', 'kind': 'link', 'title': 'ben 1', 'url': 'http://ben.1'}");
    says(cem, "{'request': 'update', 'id': '1', 'text': 'cem says'}",
         "{'title': 'ben 1', 'text': 'cem says', 'title_by': null}");
    say(dora, "{'request': 'add', 'kind': 'link', 'title': 'dora 1', 'url': 'http://dora.1'}");
    say(dora, "{'request': 'update', 'id': '3', 'title': 'dora 2'}");
    says(cem, "{'request': 'update', 'id': '3', 'url': 'http://cem.2', 'text': 'cem 2'}",
         "{'title': 'dora 2', 'by': {'id': 'dora'}, 'title_by': null}");
    says(dora, "{'request': 'update', 'id': '3', 'text': 'dora 3'}", "{'url': 'http://cem.2'}");
    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'ben 2', 'text': 'ben 3'}");
    sync_one(dora, "7", 1);
    says(cem, "{'request': 'update', 'id': '7', 'title': 'cem 3'}",
         "{'title': 'cem 3', 'text': 'ben 3', 'title_by': {'id': 'cem', 'name': 'Cem'}}");
    assert_int_equal(kept_rows_with(kept, "ben 1"), 2);
    kept_erase(
        kept,
        "ben"); /* Cem's record 2 is about a link that goes, his record 9 has a text of Ben's */
    assert_int_equal(kept_rows_with(kept, "ben "), 0);
    assert_int_equal(kept_rows_with(kept, "ben.1"), 0);
    static const char all[] =
        "{'items': [{'id': '3', 'title': 'dora 2', 'url': 'http://cem.2', 'text': 'dora 3'},"
        " {'id': '7', 'title': 'cem 3', 'text': null, 'updates': ['AAAAAAAB']}]}";
    says(dora, "{'request': 'list'}", all);
    g_clear_pointer(&ben, stoa_bed_detach);
    g_clear_pointer(&dora, stoa_bed_detach);
    g_clear_pointer(&cem, stoa_bed_detach);
    kept_restart(kept, true);
    dora = kept_person(kept, "dora");
    says(dora, "{'request': 'list'}", all); /* whose they are is in what was saved */
    kept_erase(kept, "cem"); /* what he changed is as it was; what she said since is hers */
    assert_int_equal(kept_rows_with(kept, "cem"), 0);
    says(dora, "{'request': 'list'}",
         "{'items': [{'id': '3', 'title': 'dora 2', 'url': 'http://dora.1', 'text': 'dora 3'},"
         " {'id': '7', 'title': 'erased', 'title_by': null}]}");
}

/* Of many the last one takes it along, whoever's records it is in. */
static void a_note_goes_with_the_last_who_wrote_it(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    g_autoptr(StoaBedPerson) dora = kept_person(kept, "dora");
    g_autoptr(StoaBedPerson) cem = kept_person(kept, "cem");

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'of two'}");
    sync_one(ben, "1", 1);
    sync_one(dora, "1", 2);
    says(cem, "{'request': 'add', 'kind': 'note', 'title': 'mine'}", "{'id': '4'}");
    sync_one(ben, "4", 3);
    sync_one(dora, "4", 4);
    says(cem, "{'request': 'snapshot', 'id': '4', 'upto': 6, 'update': 'BBBB'}", "{'seq': 7}");
    kept_erase(kept, "ben");
    assert_int_equal(kept_rows_with(kept, "AAAAAAAB"), 1);
    assert_int_equal(kept_rows_with(kept, "BBBB"), 1);
    kept_erase(kept, "dora");
    static const char *const gone[] = { "AAAAAAAB", "AAAAAAAC", "AAAAAAAD", "AAAAAAAE", "BBBB" };
    for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
        assert_int_equal(kept_rows_with(kept, gone[i]), 0);
    says(cem, "{'request': 'list'}", "{'items': [{'id': '4', 'title': 'mine', 'updates': []}]}");
}

static void the_history_has_the_items_of_a_meeting(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'one'}");
    stoa_room_core_set_meeting(kept->core, "N");
    say(ben, "{'request': 'add', 'kind': 'link', 'title': 'two', 'url': 'http://a.b'}");
    json_t *items = stoa_plugin()->history(kept_view(kept), "N", NULL);
    bed_check(items,
              "[{'id': '2', 'kind': 'link', 'title': 'two', 'url': 'http://a.b',"
              " 'by': {'name': 'Ben'}, 'at': '2030-01-01T00:00:00.000Z'}]",
              "history");
    json_decref(items);
}

static void on_page(StoaRoom *room, const StoaRecord *const *records, size_t n,
                    bool more G_GNUC_UNUSED, void *data)
{
    stoa_plugin()->history_fill(room, data, records, n);
}

static void the_history_shows_what_is_in_a_note(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Kept) kept = kept_new("");
    g_autoptr(StoaBedPerson) ben = kept_person(kept, "ben");
    StoaRecordQuery all = { .kind = stoa_plugin()->history_kind, .limit = 1000 };

    say(ben, "{'request': 'add', 'kind': 'note', 'title': 'one'}");
    sync_one(ben, "1", 1);
    say(ben, "{'request': 'snapshot', 'id': '1', 'upto': 2, 'update': 'BBBB'}");
    stoa_room_core_set_meeting(kept->core, "N");
    sync_one(ben, "1", 2);
    json_t *items = stoa_plugin()->history(kept_view(kept), "M", NULL);
    stoa_room_read(kept_view(kept), &all, on_page, items, NULL);
    stoa_control_settle();
    bed_check(items, "[{'kind': 'note', 'snapshot': 'BBBB', 'updates': ['AAAAAAAC'], 'upto': 2}]",
              "history");
    json_decref(items);
}

static void an_adhoc_room_has_a_workspace_too(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("workspace", "");
    g_autoptr(StoaBedPerson) ana = stoa_bed_attach(bed, "somebody");
    g_autoptr(StoaBedPerson) ben = stoa_bed_attach(bed, "somebody");

    bed->env.adhoc = true;
    says(ana, "{'request': 'join', 'room': 7, 'display': 'Ana'}", "{'state': {'items': []}}");
    says(ana, "{'request': 'add', 'kind': 'note', 'title': 'n'}", "{'id': '1'}");
    sync_one(ana, "1", 1);
    says(ben, "{'request': 'join', 'room': 7}", "{'state': {'items': [{'title': 'n'}]}}");
    says(ben, "{'request': 'list'}", "{'items': [{'updates': ['AAAAAAAB']}]}");
    says(ben, "{'request': 'snapshot', 'id': '1', 'upto': 2, 'update': 'BBBB'}", "{'seq': 3}");
    says(ana, "{'request': 'list'}", "{'items': [{'snapshot': 'BBBB', 'updates': []}]}");
    says(ana, "{'request': 'remove', 'id': '1'}", "{'id': '1'}");
    stoa_clock_advance(2000000);
    says(ana, "{'request': 'list'}", "{'items': []}");
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    check_sample("workspace");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_lead_to_the_web_only),
        cmocka_unit_test(own_items_are_changed_and_removed),
        cmocka_unit_test(a_document_is_replayed_to_who_comes_late),
        cmocka_unit_test(updates_that_do_not_fit_are_refused),
        cmocka_unit_test(a_snapshot_is_asked_for_and_taken),
        cmocka_unit_test(what_a_snapshot_replaced_goes_after_a_week),
        cmocka_unit_test(a_removed_note_leaves_no_updates),
        cmocka_unit_test(presence_is_for_the_others_and_not_kept),
        cmocka_unit_test(an_upload_becomes_an_item),
        cmocka_unit_test(a_sealed_name_is_the_title),
        cmocka_unit_test(an_erased_person_takes_links_and_files_along),
        cmocka_unit_test(a_note_goes_with_who_alone_wrote_it),
        cmocka_unit_test(a_snapshot_of_many_stays),
        cmocka_unit_test(words_go_with_who_wrote_them),
        cmocka_unit_test(a_note_goes_with_the_last_who_wrote_it),
        cmocka_unit_test(the_history_has_the_items_of_a_meeting),
        cmocka_unit_test(the_history_shows_what_is_in_a_note),
        cmocka_unit_test(an_adhoc_room_has_a_workspace_too),
        cmocka_unit_test(the_sample_agrees_with_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
