/* SPDX-License-Identifier: MIT */
/* textroom over a fake worker: rooms by request, people on their channels. (Janus API, section 11) */
#include "plugin-bed.h"

#define ROOM7 "[room-7]\ndescription = Seven\n"

/* With a data channel that is open. */
static StoaBedPerson *talking(StoaBed *bed, const char *name)
{
    StoaBedPerson *who = stoa_bed_attach(bed, name);

    stoa_bed_asks(who, "{'request': 'setup'}", "{'textroom': 'event', 'result': 'ok'}");
    assert_non_null(strstr(stoa_bed_sdp(who), "m=application"));
    stoa_bed_answer(who, "{'request': 'ack'}", "{'textroom': 'event', 'result': 'ok'}");
    stoa_bed_connects(who);
    return who;
}

/* The next text that was sent on its channel must fit. */
static void reads(StoaBedPerson *who, const char *wanted)
{
    GString *sent = bed_peer_of(who)->sent;
    const char *end = strchr(sent->str, '\n');

    if (!end || !g_str_has_prefix(sent->str, "chat "))
        bed_fail("nothing on the channel but \"%s\", wanted: %s", sent->str, wanted);
    g_autofree char *line = g_strndup(sent->str + 5, (gsize)(end - sent->str - 5));
    json_t *value = json_loads(line, 0, NULL), *fits = bed_json(wanted);
    bool ok = bed_fits(value, fits);
    json_decref(value);
    json_decref(fits);
    if (!ok)
        bed_fail("%s does not fit %s", line, wanted);
    g_string_erase(sent, 0, end + 1 - sent->str);
}

static void reads_nothing(StoaBedPerson *who)
{
    assert_string_equal(stoa_bed_heard(who), "");
}

static void says(StoaBedPerson *who, const char *json)
{
    g_autofree char *text = g_strdelimit(g_strdup(json), "'", '"');

    stoa_bed_says(who, "chat", text);
}

/* A verb with these fields, and the error or the success that must come back next. */
static void says_ok(StoaBedPerson *who, const char *verb, const char *fields, const char *wanted)
{
    g_autofree char *json = g_strdup_printf("{'textroom': '%s', 'transaction': 't'%s%s}", verb,
                                            *fields ? ", " : "", fields);
    g_autofree char *fits = g_strdup_printf("{'textroom': 'success', 'transaction': 't'%s%s}",
                                            *wanted ? ", " : "", wanted);

    says(who, json);
    reads(who, fits);
}

static void says_wrong(StoaBedPerson *who, const char *verb, const char *fields, int number)
{
    g_autofree char *json = g_strdup_printf("{'textroom': '%s', 'transaction': 't'%s%s}", verb,
                                            *fields ? ", " : "", fields);
    g_autofree char *fits =
        g_strdup_printf("{'textroom': 'error', 'transaction': 't', 'error_code': %d}", number);

    says(who, json);
    reads(who, fits);
}

static void join(StoaBedPerson *who, const char *username)
{
    g_autofree char *json = g_strdup_printf(
        "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': '%s'}", username);
    g_autofree char *event =
        g_strdup_printf("{'textroom': 'join', 'room': 7, 'username': '%s'}", username);

    says(who, json);
    reads(who, event);
    reads(who, "{'textroom': 'success', 'transaction': 'j', 'room': 7}");
}

static void forget(StoaBedPerson *who)
{
    g_string_truncate(bed_peer_of(who)->sent, 0);
}

/* -- set-up ------------------------------------------------------------------------------------------ */

static void a_channel_is_set_up_and_restarted(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{'request': 'restart'}", 416);
    stoa_bed_refuses_number(ana, "{'request': 'ack'}", 416);
    StoaBedPerson *ben = talking(bed, "ben");
    stoa_bed_asks(ben, "{'request': 'restart'}", "{'textroom': 'event', 'result': 'ok'}");
    stoa_bed_answer(ben, "{'request': 'ack'}", "{'textroom': 'event', 'result': 'ok'}");
}

static void what_is_not_asked_by_message_is_an_event_with_a_number(void **unused G_GNUC_UNUSED)
{
    static const char *const verbs[] = { "join", "leave", "message", "dance" };
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        g_autofree char *body = g_strdup_printf("{'request': '%s', 'room': 7}", verbs[i]);
        stoa_bed_asks(ana, body, "{'textroom': 'event', 'error_code': 415}");
    }
    stoa_bed_asks(ana, "{}", "{'textroom': 'event', 'error_code': 413}");
    stoa_bed_asks(ana, "{'request': 5}", "{'textroom': 'event', 'error_code': 414}");
    stoa_bed_asks(ana, "{'request': 'exists'}", "{'textroom': 'error', 'error_code': 413}");
}

/* -- rooms -------------------------------------------------------------------------------------------- */

static void rooms_are_managed_by_message(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_asks(ana, "{'request': 'create', 'room': 42, 'secret': 's', 'history': 5}",
                  "{'textroom': 'created', 'room': 42, 'permanent': false}");
    stoa_bed_refuses_number(ana, "{'request': 'create', 'room': 42}", 418);
    stoa_bed_refuses_number(ana, "{'request': 'create', 'room': 'x'}", 414);
    stoa_bed_refuses_number(ana, "{'request': 'create', 'post': 'http://example.org'}", 499);
    stoa_bed_asks(ana, "{'request': 'list'}",
                  "{'textroom': 'success', 'list': [{'room': 42, 'description': 'Room 42', "
                  "'pin_required': false, 'num_participants': 0, 'history': 5}]}");
    stoa_bed_refuses_number(ana, "{'request': 'edit', 'room': 42, 'new_pin': 'p'}", 413);
    stoa_bed_refuses_number(ana, "{'request': 'edit', 'room': 42, 'secret': 'x'}", 419);
    stoa_bed_asks(ana,
                  "{'request': 'edit', 'room': 42, 'secret': 's', 'new_pin': 'p', "
                  "'new_is_private': true, 'new_description': 'Answers'}",
                  "{'textroom': 'edited', 'room': 42, 'permanent': false}");
    stoa_bed_asks(ana, "{'request': 'list'}", "{'list': []}");
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 42}",
                  "{'textroom': 'success', 'room': 42, 'exists': true}");
    stoa_bed_asks(ana, "{'request': 'listparticipants', 'room': 42}",
                  "{'textroom': 'success', 'room': 42, 'participants': []}");
    stoa_bed_asks(ana,
                  "{'request': 'allowed', 'room': 42, 'secret': 's', 'action': 'enable', "
                  "'allowed': ['abc']}",
                  "{'textroom': 'success', 'room': 42, 'allowed': ['abc']}");
    stoa_bed_refuses_number(
        ana, "{'request': 'allowed', 'room': 42, 'secret': 's', 'action': 'sing'}", 414);
    stoa_bed_refuses_number(
        ana, "{'request': 'allowed', 'room': 42, 'secret': 's', 'action': 'add'}", 413);
    stoa_bed_refuses_number(ana, "{'request': 'kick', 'room': 42, 'secret': 's', 'username': 'x'}",
                            423);
    stoa_bed_refuses_number(ana, "{'request': 'destroy', 'room': 42}", 413);
    stoa_bed_asks(ana, "{'request': 'destroy', 'room': 42, 'secret': 's'}",
                  "{'textroom': 'destroyed', 'room': 42, 'permanent': false}");
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 42}", "{'exists': false}");
    stoa_bed_refuses_number(ana, "{'request': 'listparticipants', 'room': 42}", 417);
}

static void rooms_are_managed_on_the_channel(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "admin_key = k\n");
    StoaBedPerson *ana = talking(bed, "ana");

    says_wrong(ana, "create", "'room': 8", 413);
    says_wrong(ana, "create", "'room': 8, 'admin_key': 'x'", 419);
    says_ok(ana, "create", "'room': 8, 'admin_key': 'k', 'is_private': true",
            "'room': 8, 'permanent': false");
    says_ok(ana, "list", "", "'list': []");
    says_ok(ana, "list", "'admin_key': 'k'", "'list': [{'room': 8}]");
    says_ok(ana, "exists", "'room': 8", "'room': 8, 'exists': true");
    says_ok(ana, "edit", "'room': 8, 'new_history': 3", "'room': 8");
    says_ok(ana, "allowed", "'room': 8, 'action': 'enable', 'allowed': ['t1']",
            "'allowed': ['t1']");
    says_wrong(ana, "join", "'room': 8, 'username': 'ana'", 419);
    says_ok(ana, "allowed", "'room': 8, 'action': 'remove', 'allowed': ['t1']", "'allowed': []");
    says_ok(ana, "allowed", "'room': 8, 'action': 'disable'", "'allowed': null");
    says_ok(ana, "listparticipants", "'room': 8", "'room': 8, 'participants': []");
    says_ok(ana, "destroy", "'room': 8", "'room': 8, 'permanent': false");
    says_wrong(ana, "destroy", "'room': 8", 417);
    says_wrong(ana, "dance", "", 415);
    says_wrong(ana, "setup", "", 415);
}

/* -- people ---------------------------------------------------------------------------------------------- */

static void people_come_speak_and_go(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    says(ben, "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'ben', 'display': "
              "'Ben ☂'}");
    reads(ben, "{'textroom': 'join', 'room': 7, 'username': 'ben', 'display': 'Ben ☂', "
               "'transaction': null}");
    reads(ben, "{'textroom': 'success', 'transaction': 'j', 'participants': [{'username': 'ana', "
               "'display': null}]}");
    reads(ana, "{'textroom': 'join', 'username': 'ben', 'display': 'Ben ☂'}");
    says(ben, "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': 'hello'}");
    reads(ben, "{'textroom': 'message', 'room': 7, 'from': 'ben', 'display': 'Ben ☂', 'text': "
               "'hello', 'whisper': null}");
    reads(ben, "{'textroom': 'success', 'transaction': 'm', 'sent': null}");
    reads(ana, "{'textroom': 'message', 'from': 'ben', 'text': 'hello'}");
    says(ben,
         "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': 'quiet', 'ack': false}");
    reads(ben, "{'textroom': 'message', 'text': 'quiet'}");
    reads(ana, "{'textroom': 'message', 'text': 'quiet'}");
    reads_nothing(ben);
    says_ok(ana, "leave", "'room': 7", "");
    reads(ben, "{'textroom': 'leave', 'room': 7, 'username': 'ana'}");
    says_wrong(ana, "leave", "'room': 7", 422);
    says_wrong(ana, "message", "'room': 7, 'text': 'x'", 422);
    reads_nothing(ben);
}

static void a_whisper_is_for_those_it_names(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben"),
                  *cem = talking(bed, "cem");

    join(ana, "ana");
    join(ben, "ben");
    join(cem, "cem");
    forget(ana);
    forget(ben);
    says_ok(ana, "message", "'room': 7, 'text': 'psst', 'to': 'ben'", "'sent': {'ben': true}");
    reads(ben,
          "{'textroom': 'message', 'from': 'ana', 'text': 'psst', 'whisper': true, 'to': 'ben'}");
    says_ok(ana, "message", "'room': 7, 'text': 'all', 'tos': ['ben', 'dora', 'cem', 'ben']",
            "'sent': {'ben': true, 'cem': true, 'dora': false}");
    reads(ben, "{'text': 'all', 'whisper': true}");
    reads(cem, "{'text': 'all', 'whisper': true}");
    says_ok(ana, "message", "'room': 7, 'text': 'x', 'to': 'nobody'", "'sent': {'nobody': false}");
    reads_nothing(ben);
    reads_nothing(cem);
    reads_nothing(ana);
}

static void newcomers_see_what_was_said(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "[room-7]\nhistory = 2\n");
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben"),
                  *cem = talking(bed, "cem");

    join(ana, "ana");
    for (unsigned i = 1; i <= 3; i++) {
        g_autofree char *json = g_strdup_printf(
            "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': '%u'}", i);
        says(ana, json);
    }
    says(ana,
         "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': 'secret', 'to': 'ana'}");
    says(ben, "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'ben'}");
    reads(ben, "{'textroom': 'join', 'username': 'ben'}");
    reads(ben, "{'textroom': 'message', 'from': 'ana', 'text': '2'}");
    reads(ben, "{'textroom': 'message', 'from': 'ana', 'text': '3'}");
    reads(ben, "{'textroom': 'success'}");
    says(
        cem,
        "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'cem', 'history': false}");
    reads(cem, "{'textroom': 'join'}");
    reads(cem, "{'textroom': 'success'}");
}

static void the_owner_announces_and_kicks(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "[room-7]\nsecret = s\n");
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    join(ben, "ben");
    forget(ana);
    says_wrong(ben, "announcement", "'room': 7, 'text': 'hear'", 413);
    says_wrong(ben, "kick", "'room': 7, 'username': 'ana', 'secret': 'x'", 419);
    stoa_bed_asks(ana, "{'request': 'announcement', 'room': 7, 'secret': 's', 'text': 'hear'}",
                  "{'textroom': 'success'}");
    reads(ana, "{'textroom': 'announcement', 'room': 7, 'text': 'hear'}");
    reads(ben, "{'textroom': 'announcement', 'room': 7, 'text': 'hear'}");
    says(ana,
         "{'textroom': 'kick', 'transaction': 'k', 'room': 7, 'secret': 's', 'username': 'ben'}");
    reads(ana, "{'textroom': 'kicked', 'room': 7, 'username': 'ben'}");
    reads(ana, "{'textroom': 'success', 'transaction': 'k'}");
    reads(ben, "{'textroom': 'kicked', 'room': 7, 'username': 'ben'}");
    says_wrong(ana, "kick", "'room': 7, 'secret': 's', 'username': 'ben'", 423);
    says_wrong(ben, "message", "'room': 7, 'text': 'still here?'", 422);
    reads_nothing(ana);
    assert_int_equal(stoa_bed_counted(bed, "kicked_total"), 1);
}

static void a_room_that_ends_is_told(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    stoa_bed_asks(ben, "{'request': 'destroy', 'room': 7}", "{'textroom': 'destroyed'}");
    reads(ana, "{'textroom': 'destroyed', 'room': 7}");
    says_wrong(ana, "message", "'room': 7, 'text': 'x'", 417);
    assert_true(stoa_bed_reload(bed, "[room-7]\nhistory = 1\n", NULL)); /* and it is back */
    join(ana, "ana");
    assert_true(stoa_bed_reload(bed, "", NULL));
    reads(ana, "{'textroom': 'destroyed', 'room': 7}");
}

static void who_may_come_in(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "max_members = 2\n[room-7]\npin = p\n");
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben"),
                  *cem = talking(bed, "cem");

    says_wrong(ana, "join", "'room': 9, 'username': 'ana'", 417);
    says_wrong(ana, "join", "'username': 'ana'", 413);
    says_wrong(ana, "join", "'room': 7, 'username': 'ana'", 413);
    says_wrong(ana, "join", "'room': 7, 'username': 'ana', 'pin': 'x'", 419);
    says_wrong(ana, "join", "'room': 7, 'pin': 'p'", 413);
    says_wrong(ana, "join", "'room': 7, 'username': 5, 'pin': 'p'", 414);
    says(ana, "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'ana', 'pin': 'p'}");
    forget(ana);
    says_wrong(ana, "join", "'room': 7, 'username': 'anna', 'pin': 'p'", 421);
    says_wrong(ben, "join", "'room': 7, 'username': 'ana', 'pin': 'p'", 420);
    says(ben, "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'ben', 'pin': 'p'}");
    says_wrong(cem, "join", "'room': 7, 'username': 'cem', 'pin': 'p'", 499);
}

static void somebody_may_be_in_several_rooms(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7 "[room-8]\nhistory = 0\n");
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    join(ben, "ben");
    forget(ana);
    says(ana, "{'textroom': 'join', 'transaction': 'j', 'room': 8, 'username': 'anna'}");
    reads(ana, "{'textroom': 'join', 'room': 8, 'username': 'anna'}");
    reads(ana, "{'textroom': 'success', 'room': 8}");
    says_ok(ana, "leave", "'room': 8", "'room': 8");
    says(ana, "{'textroom': 'join', 'transaction': 'j', 'room': 8, 'username': 'anna'}");
    stoa_bed_breaks(ana); /* out of both */
    reads(ben, "{'textroom': 'leave', 'room': 7, 'username': 'ana'}");
    says_ok(ben, "listparticipants", "'room': 8", "'participants': []");
    says_ok(ben, "listparticipants", "'room': 7", "'participants': [{'username': 'ben'}]");
}

static void who_detaches_has_left(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    join(ben, "ben");
    stoa_bed_detach(ana);
    reads(ben, "{'textroom': 'leave', 'room': 7, 'username': 'ana'}");
    join(ben = talking(bed, "other"), "ana"); /* the name is free */
}

static void what_is_no_request_is_answered_and_harms_nobody(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana");
    static const struct {
        const char *text;
        int number;
    } bad[] = {
        { "", 411 },
        { "hello", 412 },
        { "{", 412 },
        { "[]", 412 },
        { "7", 412 },
        { "{\"textroom\": \"list\", \"transaction\": \"\\ud800\"}", 412 },
        { "{}", 413 },
        { "{\"textroom\": \"list\"}", 413 },
        { "{\"textroom\": 5, \"transaction\": \"t\"}", 414 },
        { "{\"textroom\": \"list\", \"transaction\": 5}", 414 },
        { "{\"textroom\": \"join\", \"transaction\": \"t\", \"room\": 7, \"username\": "
          "\"a\\u0000b\"}",
          414 },
        { "{\"textroom\": \"message\", \"transaction\": \"t\", \"room\": 7, \"text\": 5}", 414 },
        { "{\"textroom\": \"message\", \"transaction\": \"t\", \"room\": 7}", 413 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *wanted =
            g_strdup_printf("{'textroom': 'error', 'error_code': %d}", bad[i].number);
        stoa_bed_says(ana, "chat", bad[i].text);
        reads(ana, wanted);
    }
    join(ana, "ana");
    stoa_bed_says(ana, "chat",
                  "{\"textroom\": \"message\", \"transaction\": \"t\", \"room\": 7, "
                  "\"text\": \"a\\u0000\\u0001\\u001f\\ud83d\\ude00\"}");
    assert_non_null(
        strstr(stoa_bed_heard(ana), "\"text\":\"a\\u0000\\u0001\\u001F\xf0\x9f\x98\x80\""));
    forget(ana);
}

static void a_text_that_escapes_make_too_long_is_refused(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *ana = talking(bed, "ana");
    g_autoptr(GString) text = g_string_new(NULL);

    join(ana, "ana");
    for (unsigned i = 0; i < 43000; i++)
        g_string_append(text, "\\u0001");
    g_autofree char *fits = g_strdup_printf("'room': 7, 'text': '%s'", text->str);
    g_autofree char *json =
        g_strdup_printf("{'textroom': 'message', 'transaction': 't', %s}", fits);
    says(ana, json);
    reads(ana, "{'textroom': 'message', 'room': 7}");
    reads(ana, "{'textroom': 'success'}");
    g_string_truncate(text, 0);
    for (unsigned i = 0; i < 43679; i++) /* fits, until the event is made of it */
        g_string_append(text, "\\u0001");
    g_autofree char *long_fields = g_strdup_printf("'room': 7, 'text': '%s'", text->str);
    says_wrong(ana, "message", long_fields, 414);
}

static void who_is_too_slow_leaves_and_may_come_back(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", "[room-7]\nhistory = 2\n[room-8]\n");
    StoaBedPerson *ana = talking(bed, "ana"), *ben = talking(bed, "ben");

    join(ana, "ana");
    join(ben, "ben");
    says(ben, "{'textroom': 'join', 'transaction': 'j', 'room': 8, 'username': 'ben'}");
    forget(ana);
    forget(ben);
    bed_peer_of(ben)->waiting = 3 << 20;
    for (unsigned i = 1; i <= 3; i++) {
        g_autofree char *json = g_strdup_printf(
            "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': '%u'}", i);
        says(ana, json);
    }
    reads_nothing(ben); /* nothing behind the gap but that it is there: */
    forget(ana);
    stoa_bed_advance(bed, 1);
    reads(ben, "{'textroom': 'leave', 'room': 7, 'username': 'ben', 'reason': 'too_slow'}");
    reads_nothing(ben);
    reads(ana, "{'textroom': 'leave', 'room': 7, 'username': 'ben', 'reason': null}");
    reads_nothing(ana);
    assert_int_equal(stoa_bed_counted(bed, "slow_total"), 1);
    says_wrong(ben, "message", "'room': 7, 'text': 'x'", 422);
    bed_peer_of(ben)->waiting = 0;
    says(ben, "{'textroom': 'join', 'transaction': 'j', 'room': 7, 'username': 'ben'}");
    reads(ben, "{'textroom': 'join', 'username': 'ben'}");
    reads(ben, "{'textroom': 'message', 'text': '2'}");
    reads(ben, "{'textroom': 'message', 'text': '3'}");
    reads(ben, "{'textroom': 'success', 'transaction': 'j'}");
    says_ok(ben, "listparticipants", "'room': 8",
            "'participants': [{'username': 'ben'}]"); /* which it never left */
}

static void all_of_a_room_may_be_too_slow(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("textroom", ROOM7);
    StoaBedPerson *people[3] = { talking(bed, "ana"), talking(bed, "ben"), talking(bed, "cem") };
    static const char *const names[] = { "ana", "ben", "cem" };

    for (unsigned i = 0; i < 3; i++)
        join(people[i], names[i]);
    for (unsigned i = 0; i < 3; i++)
        bed_peer_of(people[i])->waiting = 3 << 20;
    says(people[0], "{'textroom': 'message', 'transaction': 'm', 'room': 7, 'text': 'x'}");
    for (unsigned i = 0; i < 3; i++)
        stoa_bed_advance(bed, 1);
    assert_int_equal(stoa_bed_counted(bed, "slow_total"), 3);
    forget(people[0]);
    says_ok(people[0], "listparticipants", "'room': 7", "'participants': []");
}

static void every_key_is_in_the_sample(void **unused G_GNUC_UNUSED)
{
    check_sample("textroom");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_set_up_and_restarted),
        cmocka_unit_test(what_is_not_asked_by_message_is_an_event_with_a_number),
        cmocka_unit_test(rooms_are_managed_by_message),
        cmocka_unit_test(rooms_are_managed_on_the_channel),
        cmocka_unit_test(people_come_speak_and_go),
        cmocka_unit_test(a_whisper_is_for_those_it_names),
        cmocka_unit_test(newcomers_see_what_was_said),
        cmocka_unit_test(the_owner_announces_and_kicks),
        cmocka_unit_test(a_room_that_ends_is_told),
        cmocka_unit_test(who_may_come_in),
        cmocka_unit_test(somebody_may_be_in_several_rooms),
        cmocka_unit_test(who_detaches_has_left),
        cmocka_unit_test(what_is_no_request_is_answered_and_harms_nobody),
        cmocka_unit_test(a_text_that_escapes_make_too_long_is_refused),
        cmocka_unit_test(who_is_too_slow_leaves_and_may_come_back),
        cmocka_unit_test(all_of_a_room_may_be_too_slow),
        cmocka_unit_test(every_key_is_in_the_sample),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
