/* SPDX-License-Identifier: MIT */
/* videoroom over a fake worker: those who watch and listen. (Janus API, 10.3) */
#include "videoroom-bed.h"

static void a_subscriber_gets_all_streams_of_several_feeds(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", two_faces);
    g_autoptr(Person) cleo =
        attached(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'w', 'crossrefid': 'x'}]");

    check_fits(
        cleo->reply,
        "{'streams': [{'type': 'audio', 'active': true, 'mindex': 0, 'mid': '0', 'ready': false, "
        "'send': true, 'feed_id': 1, 'feed_display': 'ana', 'feed_mid': 'a', 'codec': 'opus'}, "
        "{'type': 'video', 'mindex': 1, 'feed_mid': 'v', 'codec': 'vp8', 'crossrefid': null}, "
        "{'type': 'video', 'mindex': 2, 'feed_id': 2, 'feed_mid': 'w', 'crossrefid': 'x'}]}",
        "attached");
    assert_int_equal(count_lines(offer_of(cleo), "a=sendonly"), 3);
    unsigned before = peer_of(ana)->n_keyframes;
    answers(cleo, "{'request': 'start'}", "{'videoroom': 'event', 'room': 7, 'started': 'ok'}");
    goes_up(cleo);
    assert_true(peer_of(ana)->n_keyframes > before);
    assert_int_equal(shown(cleo, 0).peer, peer_of(ana)->id);
    assert_int_equal(shown(cleo, 2).peer, peer_of(ben)->id);
    asks(cleo, "{'request': 'configure'}", "{'configured': 'ok'}");
    asks(ana, "{'request': 'listparticipants', 'room': 7}", "{'participants': [{}, {}]}");
    hears_nothing(cleo);
}

static void only_what_is_up_can_be_subscribed_to(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = person_new(bed);

#define JOIN "{'request': 'join', 'ptype': 'subscriber', 'room': 7"
    is_refused(ben, JOIN ", 'streams': [{'feed': 1}]}", 428);
    offers(ana, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    is_refused(ben, JOIN ", 'streams': [{'feed': 1}]}", 428);
    goes_up(ana);
    is_refused(ben, JOIN ", 'streams': [{'feed': 1, 'mid': 'x'}]}", 428);
    is_refused(ben, JOIN ", 'streams': [{'feed': 2}]}", 428);
    is_refused(ben, JOIN ", 'streams': [{'mid': 'v'}]}", 429);
    is_refused(ben, JOIN ", 'streams': [{'feed': 1, 'substream': 3}]}", 430);
    is_refused(ben, JOIN ", 'streams': []}", 429);
    is_refused(ben, JOIN "}", 429);
    asks(ben, JOIN ", 'streams': [{'feed': 1, 'mid': 'v'}]}",
         "{'videoroom': 'attached', 'streams': [{}]}");
    is_refused(ben, JOIN ", 'streams': [{'feed': 1}]}", 425);
    is_refused(ben, "{'request': 'publish'}", 423);
    is_refused(ben, "{'request': 'unpublish'}", 423);
}

static void the_older_form_still_works(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = person_new(bed);

    asks(cleo, JOIN ", 'feed': 1, 'offer_audio': false}",
         "{'videoroom': 'attached', 'id': 1, 'display': 'ana', 'streams': [{'type': 'video'}]}");
    answers(cleo, "{'request': 'start', 'room': 7}", "{'started': 'ok'}");
    asks(
        cleo, "{'request': 'switch', 'feed': 2}",
        "{'switched': 'ok', 'changes': 1, 'id': 2, 'display': 'ben', 'streams': [{'feed_id': 2}]}");
    asks(cleo, "{'request': 'configure', 'video': false}", "{'configured': 'ok'}");
    assert_string_equal(wish_of(cleo, "pause", 0), "true");
    g_autoptr(Person) dan = person_new(bed);
    asks(dan, JOIN ", 'feed': 1, 'audio': false, 'substream': 0}",
         "{'streams': [{'type': 'audio', 'send': false}, {'type': 'video', 'send': true}]}");
}

static void private_ids_open_rooms_that_ask_for_them(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\nrequire_pvtid = true\n");
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = person_new(bed);
    g_autoptr(Person) cleo = person_new(bed);

    asks(cleo, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 3}", "{'id': 3}");
    json_int_t id = json_integer_value(json_object_get(cleo->reply, "private_id"));
    g_autofree char *good =
        g_strdup_printf(JOIN ", 'private_id': %lld, 'streams': [{'feed': 1}]}", (long long)id);
    is_refused(ben, JOIN ", 'streams': [{'feed': 1}]}", 433);
    is_refused(ben, JOIN ", 'private_id': 0, 'streams': [{'feed': 1}]}", 433);
    asks(ben, good, "{'videoroom': 'attached'}");
    answers(ben, "{'request': 'start'}", "{'started': 'ok'}");
    asks(ana, "{'request': 'kick', 'room': 7, 'id': 3}", "{'videoroom': 'success'}");
    hears(ben, "{'core': 'hangup'}"); /* it was there on behalf of the one who was kicked */
    is_refused(ben, "{'request': 'pause'}", 424);
}

static void a_feed_that_goes_frees_its_slots_and_leads_to_an_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = watching(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'v'}]");

    hears_nothing(cleo);
    asks(ana, "{'request': 'unpublish'}", "{'unpublished': 'ok'}");
    hears(cleo, "{'videoroom': 'updated', 'room': 7, 'streams': [{'active': false, 'mid': '0', "
                "'ready': false, 'send': true, 'feed_id': null}, {'active': false}, {'active': "
                "true, 'feed_id': 2, 'ready': true}]}");
    assert_int_equal(count_lines(offer_of(cleo), "a=inactive"), 2);
    hears_nothing(cleo);
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    asks(ben, "{'request': 'leave'}", "{'leaving': 'ok'}");
    hears(cleo, "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': false}, "
                "{'active': false}]}");
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    offers(ana, "{'request': 'publish'}", voice_and_face, "{}");
    forget(ana);
    goes_up(ana);
    asks(cleo, "{'request': 'subscribe', 'streams': [{'feed': 1, 'mid': 'v'}]}",
         "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': true, 'mid': '1', "
         "'feed_mid': 'v'}, {'active': false}]}");
    assert_non_null(cleo->jsep);
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    assert_int_equal(shown(cleo, 1).peer, peer_of(ana)->id);
}

static void without_autoupdate_no_offer_comes_by_itself(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = person_new(bed);

    asks(cleo, JOIN ", 'autoupdate': false, 'streams': [{'feed': 1}]}",
         "{'videoroom': 'attached'}");
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    person_detach(ana);
    hears_nothing(cleo);
    asks(cleo, "{'request': 'update', 'subscribe': [{'feed': 2}]}",
         "{'videoroom': 'updated', 'streams': [{'feed_id': 2}, {'feed_id': 2}]}");
}

static void a_track_that_ends_in_a_renegotiation_leads_to_one_offer(void **unused G_GNUC_UNUSED)
{
    static const ClientLine no_face[] = { { "audio", "a", .ssrc = 11 },
                                          { "video", "v", "inactive" },
                                          { 0 } };
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = watching(bed, "[{'feed': 1}]");

    offers(ana, "{'request': 'configure'}", no_face, "{'configured': 'ok'}");
    hears(ben, "{'videoroom': 'updated', 'streams': [{'active': true}, {'active': false}]}");
    hears_nothing(ben);
}

static void changes_during_an_offer_wait_for_its_answer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = attached(bed, "[{'feed': 1, 'mid': 'v'}]");
    g_autofree char *first = g_strdup(offer_of(cleo));

    asks(cleo, "{'request': 'subscribe', 'streams': [{'feed': 2, 'mid': 'v'}]}",
         "{'videoroom': 'updating', 'room': 7, 'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    assert_null(cleo->jsep);
    asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 1}]}", "{'videoroom': 'updating'}");
    hears_nothing(cleo);
    g_autofree char *answer = client_answer(&cleo->client, first, NULL);
    check_fits(ask_with(cleo, "{'request': 'start'}", STOA_JSEP_ANSWER, answer),
               "{'started': 'ok'}", "start");
    hears(cleo, "{'videoroom': 'updated', 'streams': [{'mid': '0', 'active': false}, "
                "{'mid': '1', 'feed_id': 2}]}");
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    assert_int_equal(shown(cleo, 1).peer, peer_of(ben)->id);
    hears_nothing(cleo);
}

static void update_takes_away_before_it_adds(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = watching(bed, "[{'feed': 1}]");

    is_refused(cleo, "{'request': 'update'}", 429);
    is_refused(cleo, "{'request': 'unsubscribe', 'streams': [{'mid': 'v'}]}", 429);
    is_refused(cleo,
               "{'request': 'update', 'unsubscribe': [{'feed': 1}], 'subscribe': [{'feed': 9}]}",
               428);
    asks(cleo, "{'request': 'subscribe', 'streams': [{'feed': 1}]}",
         "{'videoroom': 'updated', 'streams': [{}, {}]}");
    assert_null(cleo->jsep); /* it has them all */
    asks(cleo,
         "{'request': 'update', 'unsubscribe': [{'feed': 1, 'mid': 'v'}], 'subscribe': [{'feed': "
         "2, 'mid': 'v'}]}",
         "{'videoroom': 'updated', 'streams': [{'feed_id': 1}, {'feed_id': 2, 'mid': '1'}]}");
    assert_non_null(cleo->jsep);
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    asks(cleo, "{'request': 'unsubscribe', 'streams': [{'sub_mid': '0'}]}",
         "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': true}]}");
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 77}]}", "{'videoroom': 'updated'}");
    assert_null(cleo->jsep);
}

static void pause_holds_all_and_start_goes_on(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben =
        watching(bed, "[{'feed': 1, 'mid': 'a', 'send': false}, {'feed': 1, 'mid': 'v'}]");

    assert_string_equal(wish_of(ben, "pause", 0), "true");
    asks(ben, "{'request': 'pause'}", "{'videoroom': 'event', 'paused': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 1), "true");
    asks(ben,
         "{'request': 'configure', 'streams': [{'mid': '1', 'send': true, 'substream': 0, "
         "'temporal': 1}]}",
         "{'configured': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 1), "true");
    assert_string_equal(wish_of(ben, "limit", 1), "0 1");
    asks(ben, "{'request': 'start'}", "{'started': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 0), "true");
    assert_string_equal(wish_of(ben, "pause", 1), "false");
    asks(ben, "{'request': 'configure', 'streams': [{'mid': '0', 'send': true}]}",
         "{'configured': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 0), "false");
    is_refused(ben, "{'request': 'configure', 'streams': [{'mid': '9', 'send': true}]}", 428);
}

static void a_restart_brings_an_offer_with_new_credentials(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = watching(bed, "[{'feed': 1}]");

    asks(ben, "{'request': 'configure', 'restart': true}",
         "{'videoroom': 'event', 'configured': 'ok'}");
    assert_int_equal(peer_of(ben)->n_restarts, 1);
    assert_non_null(strstr(offer_of(ben), peer_of(ben)->ufrag));
    answers(ben, "{'request': 'start'}", "{'started': 'ok'}");
    check_fits(ask_with(ben, "{'request': 'start'}", STOA_JSEP_ANSWER, "v=0\r\n"),
               "{'error_code': 431}", "an answer to nothing");
    check_fits(ask_with(ben, "{'request': 'start'}", STOA_JSEP_OFFER, "v=0\r\n"),
               "{'error_code': 431}", "an offer");
}

static void a_switch_shows_another_stream_without_an_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7 "videocodec = vp8,h264\n");
    static const ClientLine h264[] = { { "video", "v", .codecs = "102 H264", .ssrc = 5 }, { 0 } };
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", two_faces);
    g_autoptr(Person) cleo = publishing(bed, 3, "cleo", h264);
    g_autoptr(Person) dan = watching(bed, "[{'feed': 1}]");
    unsigned before = peer_of(ben)->n_keyframes;

    asks(dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w', 'sub_mid': '1'}]}",
         "{'videoroom': 'event', 'switched': 'ok', 'room': 7, 'changes': 1, 'streams': "
         "[{'feed_id': 1}, "
         "{'feed_id': 2, 'feed_mid': 'w', 'mid': '1'}]}");
    assert_null(dan->jsep);
    assert_int_equal(shown(dan, 1).peer, peer_of(ben)->id);
    assert_true(peer_of(ben)->n_keyframes > before);
    is_refused(dan, "{'request': 'switch', 'streams': [{'feed': 9, 'mid': 'w', 'sub_mid': '1'}]}",
               428);
    is_refused(dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w', 'sub_mid': '5'}]}",
               428);
    is_refused(dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w'}]}", 429);
    asks(dan, "{'request': 'switch', 'streams': [{'feed': 3, 'mid': 'v', 'sub_mid': '1'}]}",
         "{'changes': 0}");
    asks(dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'v', 'sub_mid': '0'}]}",
         "{'changes': 0}");
    asks(ana, "{'request': 'unpublish'}", "{}");
    hears(dan, "{'streams': [{'active': false}, {'feed_id': 2}]}");
}

static void data_of_all_feeds_comes_on_one_m_line(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", with_data);
    g_autoptr(Person) ben = publishing(bed, 2, "ben", with_data);
    g_autoptr(Person) cleo = attached(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'd'}]");
    FakePeer *from = peer_of(ben);

    check_fits(cleo->reply,
               "{'streams': [{'type': 'audio'}, {'type': 'video'}, {'type': 'data', "
               "'active': true, 'sources': 2, 'feed_id': 1, 'feed_mid': 'd', 'codec': null}]}",
               "attached");
    answers(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    goes_up(cleo);
    from->events->data(from->user, "chat", "", "hello", 5, true);
    assert_string_equal(peer_of(cleo)->sent->str, "chat hello\n");
    asks(cleo, "{'request': 'pause'}", "{'paused': 'ok'}");
    from->events->data(from->user, "chat", "", "again", 5, true);
    asks(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'd', 'mute': true}", "{}");
    from->events->data(from->user, "chat", "", "muted", 5, true);
    assert_string_equal(peer_of(cleo)->sent->str, "chat hello\n");
    asks(ben, "{'request': 'unpublish'}", "{}");
    hears_nothing(cleo); /* the m-line goes on for the other feed */
    asks(cleo, "{'request': 'configure'}", "{'configured': 'ok'}");
    asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 1, 'mid': 'd'}]}",
         "{'streams': [{'active': true}, {'active': true}, {'active': false}]}");
}

static void a_layer_that_changed_is_told_once(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = watching(bed, "[{'feed': 1, 'mid': 'v'}]");
    FakePeer *peer = peer_of(ben);
    uint32_t sink = g_array_index(peer->sends, StoaSend, 0).sink;

    peer->events->layer(peer->user, sink, 1, -1);
    hears(ben, "{'videoroom': 'event', 'room': 7, 'mid': '0', 'substream': 1}");
    peer->events->layer(peer->user, sink, 1, 2);
    hears(ben, "{'mid': '0', 'temporal': 2, 'substream': null}");
    hears_nothing(ben);
}

static void whoever_left_can_come_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    g_autoptr(Person) ben = watching(bed, "[{'feed': 1}]");

    asks(ben, "{'request': 'leave'}", "{'videoroom': 'event', 'room': 7, 'left': 'ok'}");
    hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    asks(ben, JOIN ", 'streams': [{'feed': 1}]}", "{'videoroom': 'attached'}");
    breaks_down(ben);
    hears(ben, "{'core': 'hangup'}");
    asks(ben, JOIN ", 'streams': [{'feed': 1}]}", "{'videoroom': 'attached'}");
    person_detach(ana);
    person_detach(ben);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, plugin_setup, plugin_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subscriber_gets_all_streams_of_several_feeds),
        TEST(only_what_is_up_can_be_subscribed_to),
        TEST(the_older_form_still_works),
        TEST(private_ids_open_rooms_that_ask_for_them),
        TEST(a_feed_that_goes_frees_its_slots_and_leads_to_an_offer),
        TEST(without_autoupdate_no_offer_comes_by_itself),
        TEST(a_track_that_ends_in_a_renegotiation_leads_to_one_offer),
        TEST(changes_during_an_offer_wait_for_its_answer),
        TEST(update_takes_away_before_it_adds),
        TEST(pause_holds_all_and_start_goes_on),
        TEST(a_restart_brings_an_offer_with_new_credentials),
        TEST(a_switch_shows_another_stream_without_an_offer),
        TEST(data_of_all_feeds_comes_on_one_m_line),
        TEST(a_layer_that_changed_is_told_once),
        TEST(whoever_left_can_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
