/* SPDX-License-Identifier: MIT */
/* videoroom over a fake worker: who has the floor, and subscribers that see who spoke last. */
#include "videoroom-bed.h"

/* Voice in so many windows of 200 ms. */
static void speaks(StoaBed *bed, StoaBedPerson *who, unsigned n)
{
    FakePeer *peer = bed_peer_of(who);

    assert_int_not_equal(peer->heard, 0);
    for (unsigned i = 0; i < n; i++) {
        peer->events->voice(peer->user, peer->heard, 90);
        stoa_bed_advance(bed, 200);
    }
}

static void the_room_is_told_who_has_the_floor(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "speaker_event = true\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    stoa_bed_forget(ben);
    speaks(bed, ben, 6);
    stoa_bed_hears(
        ana, "{'videoroom': 'dominant-speaker', 'room': 7, 'id': 2, 'mid': 'a', 'mindex': 0}");
    stoa_bed_hears(ben, "{'videoroom': 'dominant-speaker', 'room': 7, 'id': 2}");
    speaks(bed, ana, 2); /* a cough */
    stoa_bed_advance(bed, 60000);
    stoa_bed_hears_nothing(ben);
    speaks(bed, ana, 6);
    stoa_bed_hears(ben, "{'videoroom': 'dominant-speaker', 'room': 7, 'id': 1, 'mid': 'a'}");
    stoa_bed_hears_nothing(ben);
}

static void nobody_is_told_who_did_not_ask(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = watching(bed, "[{'feed': 1}]");

    stoa_bed_forget(ana);
    stoa_bed_forget(ben);
    speaks(bed, ana, 6);
    stoa_bed_hears_nothing(ana);
    stoa_bed_hears_nothing(ben);
}

/* A subscriber of that many of the last speakers, whose answer was taken. */
static StoaBedPerson *watching_last(StoaBed *bed, const char *fields, const char *wanted)
{
    StoaBedPerson *who = stoa_bed_attach(bed, "watcher");
    g_autofree char *text =
        g_strdup_printf("{'request': 'join', 'ptype': 'subscriber', 'room': 7, %s}", fields);

    stoa_bed_asks(who, text, wanted);
    if (stoa_bed_sdp(who)) {
        stoa_bed_answer(who, "{'request': 'start'}", "{'started': 'ok'}");
        stoa_bed_connects(who);
    }
    return who;
}

static void the_last_speakers_are_seen_on_fixed_lines(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "publishers = 9\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cem = publishing(bed, 3, "cem", voice_and_face);
    StoaBedPerson *dora =
        watching_last(bed, "'last_n': 2",
                      "{'videoroom': 'attached', 'streams': [{'mid': '0', 'type': 'video', "
                      "'feed_id': 1, 'last_n': "
                      "true, 'active': true}, {'mid': '1', 'feed_id': 2, 'last_n': true}]}");
    unsigned keyframes = bed_peer_of(cem)->n_keyframes;

    stoa_bed_forget(dora);
    speaks(bed, cem, 6); /* instead of Ben, who came last */
    stoa_bed_hears(dora, "{'videoroom': 'event', 'room': 7, 'last_n': [{'mid': '1', 'feed_id': 3, "
                         "'feed_mid': 'v', 'feed_display': 'cem'}]}");
    assert_int_equal(shown(dora, 1).peer, bed_peer_of(cem)->id);
    assert_true(bed_peer_of(cem)->n_keyframes > keyframes);
    speaks(bed, ben, 6); /* instead of Ana, who never spoke */
    stoa_bed_hears(dora, "{'last_n': [{'mid': '0', 'feed_id': 2}]}");
    speaks(bed, cem, 6); /* is seen already */
    stoa_bed_hears_nothing(dora);
    assert_int_equal(stoa_bed_n_shown(dora), 2);
    stoa_bed_asks(cem, "{'request': 'unpublish'}", "{'unpublished': 'ok'}");
    bed_settle();
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'last_n': [{'mid': '1', 'feed_id': 1}]}");
    assert_int_equal(shown(dora, 1).peer, bed_peer_of(ana)->id);
    stoa_bed_asks(ben, "{'request': 'leave'}", "{'leaving': 'ok'}");
    stoa_bed_advance(bed, 1);
    stoa_bed_hears_nothing(dora); /* the line stays, and shows nothing */
    assert_int_equal(shown(dora, 0).peer, 0);
    publishing(bed, 5, "eva", voice_and_face);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'last_n': [{'mid': '0', 'feed_id': 5}]}");
}

static void a_narrow_line_shows_the_speaker_first(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "publishers = 9\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *eva = watching(bed, "[{'feed': 1, 'mid': 'v'}, {'feed': 2, 'mid': 'v'}]");

    speaks(bed, ana, 6);
    assert_string_equal(wish_of(eva, "priority", 0), "1");
    speaks(bed, ben, 6);
    assert_string_equal(wish_of(eva, "priority", 0), "0");
    assert_string_equal(wish_of(eva, "priority", 1), "1");
}

static void a_narrow_line_shows_a_screen_before_the_speaker(void **unused G_GNUC_UNUSED)
{
    static const char screen[] =
        "{'request': 'configure', 'descriptions': [{'mid': 'v', 'description': 'screen'}]}";
    static const char camera[] =
        "{'request': 'configure', 'descriptions': [{'mid': 'v', 'description': 'camera'}]}";
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "publishers = 9\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *eva = watching(bed, "[{'feed': 1, 'mid': 'v'}, {'feed': 2, 'mid': 'v'}]");

    speaks(bed, ana, 6);
    stoa_bed_asks(ben, screen, "{'configured': 'ok'}"); /* while it is seen already */
    assert_string_equal(wish_of(eva, "priority", 0), "1");
    assert_string_equal(wish_of(eva, "priority", 1), "2");
    stoa_bed_asks(ben, camera, "{'configured': 'ok'}");
    assert_string_equal(wish_of(eva, "priority", 1), "0");
}

static void a_screen_is_known_by_the_first_word_or_by_metadata(void **unused G_GNUC_UNUSED)
{
    static const char *const says[][2] = {
        { "'descriptions': [{'mid': 'v', 'description': 'Screen of Ben'}]", "2" },
        { "'descriptions': [{'mid': 'v', 'description': 'my screen'}]", "0" },
        { "'metadata': {'screen': true}", "2" },
        { "'metadata': {'screen': 1}", "0" },
        { "'descriptions': [{'mid': 'v', 'description': 'SCREENSHARE'}]", "2" },
        { "'descriptions': [{'mid': 'v', 'description': ''}]", "0" },
    };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *eva = watching(bed, "[{'feed': 2, 'mid': 'v'}]");

    for (size_t i = 0; i < G_N_ELEMENTS(says); i++) {
        g_autofree char *body = g_strdup_printf("{'request': 'configure', %s}", says[i][0]);
        stoa_bed_asks(ben, body, "{'configured': 'ok'}");
        assert_string_equal(wish_of(eva, "priority", 0), says[i][1]);
    }
}

static void nobody_sees_oneself(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *third = stoa_bed_attach(bed, "third");

    stoa_bed_asks(third, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 3}", "{}");
    json_int_t private_id =
        json_integer_value(json_object_get(stoa_bed_reply(third), "private_id"));
    bed_offer_lines(third, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_connects(third);
    g_autofree char *fields =
        g_strdup_printf("'last_n': 3, 'private_id': %" JSON_INTEGER_FORMAT, private_id);
    StoaBedPerson *eyes =
        watching_last(bed, fields, "{'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    stoa_bed_forget(eyes);
    speaks(bed, third, 6);
    stoa_bed_hears_nothing(eyes);
    speaks(bed, ana, 6);
    stoa_bed_hears_nothing(eyes);
}

static void lines_come_as_people_do(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *dora =
        watching_last(bed, "'last_n': 2", "{'videoroom': 'attached', 'streams': []}");

    assert_null(stoa_bed_sdp(dora));
    publishing(bed, 1, "ana", voice_and_face);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(
        dora, "{'videoroom': 'updated', 'room': 7, 'streams': [{'feed_id': 1, 'last_n': true}]}");
    stoa_bed_answer(dora, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_connects(dora);
    publishing(bed, 2, "ben", voice_and_face);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'videoroom': 'updated', 'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    stoa_bed_answer(dora, "{'request': 'start'}", "{'started': 'ok'}");
    publishing(bed, 3, "cem", voice_and_face); /* no more than two */
    stoa_bed_advance(bed, 1);
    stoa_bed_hears_nothing(dora);
}

static const char *delay_of(StoaBedPerson *person, const char *sink)
{
    return g_hash_table_lookup(bed_peer_of(person)->wishes, sink);
}

/* What is asked for all pictures is asked for those that come later, too. */
static void later_lines_hold_pictures_back_as_the_others(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *dora = watching_last(bed, "'last_n': 3, 'min_delay': 10, 'max_delay': 20",
                                        "{'streams': [{'feed_id': 1}]}");

    assert_string_equal(delay_of(dora, "delay 1"), "10 20");
    publishing(bed, 2, "ben", voice_and_face);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'videoroom': 'updated', 'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    stoa_bed_answer(dora, "{'request': 'start'}", "{'started': 'ok'}");
    assert_string_equal(delay_of(dora, "delay 2"), "10 20");
    stoa_bed_asks(dora, "{'request': 'configure', 'min_delay': -1}", "{'configured': 'ok'}");
    assert_string_equal(delay_of(dora, "delay 2"), "-1 -1");
    publishing(bed, 3, "cem", voice_and_face);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'videoroom': 'updated', 'streams': [{}, {}, {'feed_id': 3}]}");
    stoa_bed_answer(dora, "{'request': 'start'}", "{'started': 'ok'}");
    assert_null(delay_of(dora, "delay 3"));
}

static void how_many_may_change(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *dora = watching_last(bed, "'last_n': 2", "{'streams': [{}, {}]}");

    stoa_bed_forget(dora);
    speaks(bed, ben, 6);
    stoa_bed_asks(dora, "{'request': 'configure', 'last_n': 1}", "{'configured': 'ok'}");
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora,
                   "{'videoroom': 'updated', 'streams': [{'active': false}, {'feed_id': 2}]}");
    stoa_bed_answer(dora, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(dora, "{'request': 'configure', 'last_n': 2}", "{'configured': 'ok'}");
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(dora, "{'videoroom': 'updated', 'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    stoa_bed_refuses_number(dora, "{'request': 'configure', 'last_n': 33}", 430);
}

static void another_codec_gets_a_line_of_its_own(void **unused G_GNUC_UNUSED)
{
    static const ClientLine h264[] = { { "audio", "a", .ssrc = 11 },
                                       { "video", "v", .codecs = "102 H264", .ssrc = 12 },
                                       { 0 } };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "videocodec = vp8,h264\n");
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *dora = watching_last(bed, "'last_n': 1", "{'streams': [{'codec': 'vp8'}]}");
    StoaBedPerson *ben = joined(bed, 2, "ben");

    bed_offer_lines(ben, "{'request': 'publish'}", h264,
                    "{'configured': 'ok', 'video_codec': 'h264'}");
    stoa_bed_connects(ben);
    stoa_bed_forget(dora);
    speaks(bed, ben, 6);
    stoa_bed_advance(bed, 1);
    stoa_bed_hears(
        dora,
        "{'videoroom': 'updated', 'streams': [{'feed_id': 2, 'codec': 'h264', 'last_n': true}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_room_is_told_who_has_the_floor),
        cmocka_unit_test(nobody_is_told_who_did_not_ask),
        cmocka_unit_test(the_last_speakers_are_seen_on_fixed_lines),
        cmocka_unit_test(a_narrow_line_shows_the_speaker_first),
        cmocka_unit_test(a_narrow_line_shows_a_screen_before_the_speaker),
        cmocka_unit_test(a_screen_is_known_by_the_first_word_or_by_metadata),
        cmocka_unit_test(nobody_sees_oneself),
        cmocka_unit_test(lines_come_as_people_do),
        cmocka_unit_test(later_lines_hold_pictures_back_as_the_others),
        cmocka_unit_test(how_many_may_change),
        cmocka_unit_test(another_codec_gets_a_line_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
