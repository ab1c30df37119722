/* SPDX-License-Identifier: MIT */
/* videoroom over a fake worker: those who watch and listen. (Janus API, 10.3) */
#include "videoroom-bed.h"

static void a_subscriber_gets_all_streams_of_several_feeds(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", two_faces);
    StoaBedPerson *cleo =
        attached(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'w', 'crossrefid': 'x'}]");

    bed_check(
        cleo->reply,
        "{'streams': [{'type': 'audio', 'active': true, 'mindex': 0, 'mid': '0', 'ready': false, "
        "'send': true, 'feed_id': 1, 'feed_display': 'ana', 'feed_mid': 'a', 'codec': 'opus'}, "
        "{'type': 'video', 'mindex': 1, 'feed_mid': 'v', 'codec': 'vp8', 'crossrefid': null}, "
        "{'type': 'video', 'mindex': 2, 'feed_id': 2, 'feed_mid': 'w', 'crossrefid': 'x'}]}",
        "attached");
    assert_int_equal(count_lines(stoa_bed_sdp(cleo), "a=sendonly"), 3);
    unsigned before = bed_peer_of(ana)->n_keyframes;
    stoa_bed_answer(cleo, "{'request': 'start'}",
                    "{'videoroom': 'event', 'room': 7, 'started': 'ok'}");
    stoa_bed_connects(cleo);
    assert_true(bed_peer_of(ana)->n_keyframes > before);
    assert_int_equal(shown(cleo, 0).peer, bed_peer_of(ana)->id);
    assert_int_equal(shown(cleo, 2).peer, bed_peer_of(ben)->id);
    stoa_bed_asks(cleo, "{'request': 'configure'}", "{'configured': 'ok'}");
    stoa_bed_asks(ana, "{'request': 'listparticipants', 'room': 7}", "{'participants': [{}, {}]}");
    stoa_bed_hears_nothing(cleo);
}

static void only_what_is_up_can_be_subscribed_to(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = stoa_bed_attach(bed, "ben");

#define JOIN "{'request': 'join', 'ptype': 'subscriber', 'room': 7"
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1}]}", 428);
    bed_offer_lines(ana, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1}]}", 428);
    stoa_bed_connects(ana);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1, 'mid': 'x'}]}", 428);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 2}]}", 428);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'mid': 'v'}]}", 429);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1, 'substream': 3}]}", 430);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': []}", 429);
    stoa_bed_refuses_number(ben, JOIN "}", 429);
    stoa_bed_asks(ben, JOIN ", 'streams': [{'feed': 1, 'mid': 'v'}]}",
                  "{'videoroom': 'attached', 'streams': [{}]}");
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1}]}", 425);
    stoa_bed_refuses_number(ben, "{'request': 'publish'}", 423);
    stoa_bed_refuses_number(ben, "{'request': 'unpublish'}", 423);
}

static void the_older_form_still_works(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = stoa_bed_attach(bed, "cleo");

    stoa_bed_asks(
        cleo, JOIN ", 'feed': 1, 'offer_audio': false}",
        "{'videoroom': 'attached', 'id': 1, 'display': 'ana', 'streams': [{'type': 'video'}]}");
    stoa_bed_answer(cleo, "{'request': 'start', 'room': 7}", "{'started': 'ok'}");
    stoa_bed_asks(
        cleo, "{'request': 'switch', 'feed': 2}",
        "{'switched': 'ok', 'changes': 1, 'id': 2, 'display': 'ben', 'streams': [{'feed_id': 2}]}");
    stoa_bed_asks(cleo, "{'request': 'configure', 'video': false}", "{'configured': 'ok'}");
    assert_string_equal(wish_of(cleo, "pause", 0), "true");
    StoaBedPerson *dan = stoa_bed_attach(bed, "dan");
    stoa_bed_asks(
        dan, JOIN ", 'feed': 1, 'audio': false, 'substream': 0}",
        "{'streams': [{'type': 'audio', 'send': false}, {'type': 'video', 'send': true}]}");
    StoaBedPerson *emma = stoa_bed_attach(bed, "emma");
    stoa_bed_asks(emma, "{'request': 'join', 'ptype': 'listener', 'room': 7, 'feed': 1}",
                  "{'videoroom': 'attached', 'id': 1}");
}

static void private_ids_open_rooms_that_ask_for_them(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\nrequire_pvtid = true\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = stoa_bed_attach(bed, "ben");
    StoaBedPerson *cleo = stoa_bed_attach(bed, "cleo");

    stoa_bed_asks(cleo, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 3}",
                  "{'id': 3}");
    json_int_t id = json_integer_value(json_object_get(cleo->reply, "private_id"));
    g_autofree char *good =
        g_strdup_printf(JOIN ", 'private_id': %lld, 'streams': [{'feed': 1}]}", (long long)id);
    stoa_bed_refuses_number(ben, JOIN ", 'streams': [{'feed': 1}]}", 433);
    stoa_bed_refuses_number(ben, JOIN ", 'private_id': 0, 'streams': [{'feed': 1}]}", 433);
    stoa_bed_asks(ben, good, "{'videoroom': 'attached'}");
    stoa_bed_answer(ben, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(ana, "{'request': 'kick', 'room': 7, 'id': 3}", "{'videoroom': 'success'}");
    stoa_bed_hears(ben,
                   "{'core': 'hangup'}"); /* it was there on behalf of the one who was kicked */
    stoa_bed_refuses_number(ben, "{'request': 'pause'}", 424);
}

static void a_feed_that_goes_frees_its_slots_and_leads_to_an_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = watching(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'v'}]");

    stoa_bed_hears_nothing(cleo);
    stoa_bed_asks(ana, "{'request': 'unpublish'}", "{'unpublished': 'ok'}");
    stoa_bed_hears(cleo,
                   "{'videoroom': 'updated', 'room': 7, 'streams': [{'active': false, 'mid': '0', "
                   "'ready': false, 'send': true, 'feed_id': null}, {'active': false}, {'active': "
                   "true, 'feed_id': 2, 'ready': true}]}");
    assert_int_equal(count_lines(stoa_bed_sdp(cleo), "a=inactive"), 2);
    stoa_bed_hears_nothing(cleo);
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(ben, "{'request': 'leave'}", "{'leaving': 'ok'}");
    stoa_bed_hears(cleo,
                   "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': false}, "
                   "{'active': false}]}");
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    bed_offer_lines(ana, "{'request': 'publish'}", voice_and_face, "{}");
    stoa_bed_forget(ana);
    stoa_bed_connects(ana);
    stoa_bed_asks(
        cleo, "{'request': 'subscribe', 'streams': [{'feed': 1, 'mid': 'v'}]}",
        "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': true, 'mid': '1', "
        "'feed_mid': 'v'}, {'active': false}]}");
    assert_non_null(cleo->jsep);
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    assert_int_equal(shown(cleo, 1).peer, bed_peer_of(ana)->id);
}

static void without_autoupdate_no_offer_comes_by_itself(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = stoa_bed_attach(bed, "cleo");

    stoa_bed_asks(cleo, JOIN ", 'autoupdate': false, 'streams': [{'feed': 1}]}",
                  "{'videoroom': 'attached'}");
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_detach(ana);
    stoa_bed_hears_nothing(cleo);
    stoa_bed_asks(cleo, "{'request': 'update', 'subscribe': [{'feed': 2}]}",
                  "{'videoroom': 'updated', 'streams': [{'feed_id': 2}, {'feed_id': 2}]}");
}

static void a_track_that_ends_in_a_renegotiation_leads_to_one_offer(void **unused G_GNUC_UNUSED)
{
    static const ClientLine no_face[] = { { "audio", "a", .ssrc = 11 },
                                          { "video", "v", "inactive" },
                                          { 0 } };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = watching(bed, "[{'feed': 1}]");

    bed_offer_lines(ana, "{'request': 'configure'}", no_face, "{'configured': 'ok'}");
    stoa_bed_hears(ben,
                   "{'videoroom': 'updated', 'streams': [{'active': true}, {'active': false}]}");
    stoa_bed_hears_nothing(ben);
}

static void changes_during_an_offer_wait_for_its_answer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = attached(bed, "[{'feed': 1, 'mid': 'v'}]");
    g_autofree char *first = g_strdup(stoa_bed_sdp(cleo));

    stoa_bed_asks(
        cleo, "{'request': 'subscribe', 'streams': [{'feed': 2, 'mid': 'v'}]}",
        "{'videoroom': 'updating', 'room': 7, 'streams': [{'feed_id': 1}, {'feed_id': 2}]}");
    assert_null(cleo->jsep);
    stoa_bed_asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 1}]}",
                  "{'videoroom': 'updating'}");
    stoa_bed_hears_nothing(cleo);
    g_autofree char *answer = client_answer(&cleo->client, first, NULL);
    bed_check(bed_ask(cleo, bed_json("{'request': 'start'}"), STOA_JSEP_ANSWER, answer),
              "{'started': 'ok'}", "start");
    stoa_bed_hears(cleo, "{'videoroom': 'updated', 'streams': [{'mid': '0', 'active': false}, "
                         "{'mid': '1', 'feed_id': 2}]}");
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    assert_int_equal(shown(cleo, 1).peer, bed_peer_of(ben)->id);
    stoa_bed_hears_nothing(cleo);
}

static void update_takes_away_before_it_adds(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = watching(bed, "[{'feed': 1}]");

    stoa_bed_refuses_number(cleo, "{'request': 'update'}", 429);
    stoa_bed_refuses_number(cleo, "{'request': 'unsubscribe', 'streams': [{'mid': 'v'}]}", 429);
    stoa_bed_refuses_number(
        cleo, "{'request': 'update', 'unsubscribe': [{'feed': 1}], 'subscribe': [{'feed': 9}]}",
        428);
    stoa_bed_asks(cleo, "{'request': 'subscribe', 'streams': [{'feed': 1}]}",
                  "{'videoroom': 'updated', 'streams': [{}, {}]}");
    assert_null(cleo->jsep); /* it has them all */
    stoa_bed_asks(
        cleo,
        "{'request': 'update', 'unsubscribe': [{'feed': 1, 'mid': 'v'}], 'subscribe': [{'feed': "
        "2, 'mid': 'v'}]}",
        "{'videoroom': 'updated', 'streams': [{'feed_id': 1}, {'feed_id': 2, 'mid': '1'}]}");
    assert_non_null(cleo->jsep);
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(cleo, "{'request': 'unsubscribe', 'streams': [{'sub_mid': '0'}]}",
                  "{'videoroom': 'updated', 'streams': [{'active': false}, {'active': true}]}");
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 77}]}",
                  "{'videoroom': 'updated'}");
    assert_null(cleo->jsep);
}

static void pause_holds_all_and_start_goes_on(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben =
        watching(bed, "[{'feed': 1, 'mid': 'a', 'send': false}, {'feed': 1, 'mid': 'v'}]");

    assert_string_equal(wish_of(ben, "pause", 0), "true");
    stoa_bed_asks(ben, "{'request': 'pause'}", "{'videoroom': 'event', 'paused': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 1), "true");
    stoa_bed_asks(ben,
                  "{'request': 'configure', 'streams': [{'mid': '1', 'send': true, 'substream': 0, "
                  "'temporal': 1}]}",
                  "{'configured': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 1), "true");
    assert_string_equal(wish_of(ben, "limit", 1), "0 1");
    stoa_bed_asks(ben, "{'request': 'start'}", "{'started': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 0), "true");
    assert_string_equal(wish_of(ben, "pause", 1), "false");
    stoa_bed_asks(ben, "{'request': 'configure', 'streams': [{'mid': '0', 'send': true}]}",
                  "{'configured': 'ok'}");
    assert_string_equal(wish_of(ben, "pause", 0), "false");
    stoa_bed_refuses_number(
        ben, "{'request': 'configure', 'streams': [{'mid': '9', 'send': true}]}", 428);
}

static void a_restart_brings_an_offer_with_new_credentials(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = watching(bed, "[{'feed': 1}]");

    stoa_bed_asks(ben, "{'request': 'configure', 'restart': true}",
                  "{'videoroom': 'event', 'configured': 'ok'}");
    assert_int_equal(bed_peer_of(ben)->n_restarts, 1);
    assert_non_null(strstr(stoa_bed_sdp(ben), bed_peer_of(ben)->ufrag));
    stoa_bed_answer(ben, "{'request': 'start'}", "{'started': 'ok'}");
    bed_check(bed_ask(ben, bed_json("{'request': 'start'}"), STOA_JSEP_ANSWER, "v=0\r\n"),
              "{'error_code': 431}", "an answer to nothing");
    bed_check(bed_ask(ben, bed_json("{'request': 'start'}"), STOA_JSEP_OFFER, "v=0\r\n"),
              "{'error_code': 431}", "an offer");
}

static void a_switch_shows_another_stream_without_an_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "videocodec = vp8,h264\n");
    static const ClientLine h264[] = { { "video", "v", .codecs = "102 H264", .ssrc = 5 }, { 0 } };
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = publishing(bed, 2, "ben", two_faces);
    publishing(bed, 3, "cleo", h264);
    StoaBedPerson *dan = watching(bed, "[{'feed': 1}]");
    unsigned before = bed_peer_of(ben)->n_keyframes;

    stoa_bed_asks(dan,
                  "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w', 'sub_mid': '1'}]}",
                  "{'videoroom': 'event', 'switched': 'ok', 'room': 7, 'changes': 1, 'streams': "
                  "[{'feed_id': 1}, "
                  "{'feed_id': 2, 'feed_mid': 'w', 'mid': '1'}]}");
    assert_null(dan->jsep);
    assert_int_equal(shown(dan, 1).peer, bed_peer_of(ben)->id);
    assert_true(bed_peer_of(ben)->n_keyframes > before);
    stoa_bed_refuses_number(
        dan, "{'request': 'switch', 'streams': [{'feed': 9, 'mid': 'w', 'sub_mid': '1'}]}", 428);
    stoa_bed_refuses_number(
        dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w', 'sub_mid': '5'}]}", 428);
    stoa_bed_refuses_number(dan, "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'w'}]}",
                            429);
    stoa_bed_asks(dan,
                  "{'request': 'switch', 'streams': [{'feed': 3, 'mid': 'v', 'sub_mid': '1'}]}",
                  "{'changes': 0}");
    stoa_bed_asks(dan,
                  "{'request': 'switch', 'streams': [{'feed': 2, 'mid': 'v', 'sub_mid': '0'}]}",
                  "{'changes': 0}");
    stoa_bed_asks(ana, "{'request': 'unpublish'}", "{}");
    stoa_bed_hears(dan, "{'streams': [{'active': false}, {'feed_id': 2}]}");
}

static void data_of_all_feeds_comes_on_one_m_line(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", with_data);
    StoaBedPerson *ben = publishing(bed, 2, "ben", with_data);
    StoaBedPerson *cleo = attached(bed, "[{'feed': 1}, {'feed': 2, 'mid': 'd'}]");
    FakePeer *from = bed_peer_of(ben);
    const StoaDataChannel chat = { .label = "chat", .protocol = "" };

    bed_check(cleo->reply,
              "{'streams': [{'type': 'audio'}, {'type': 'video'}, {'type': 'data', "
              "'active': true, 'sources': 2, 'feed_id': 1, 'feed_mid': 'd', 'codec': null}]}",
              "attached");
    stoa_bed_answer(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_connects(cleo);
    from->events->data(from->user, &chat, "hello", 5, true);
    assert_string_equal(bed_peer_of(cleo)->sent->str, "chat hello\n");
    stoa_bed_asks(cleo, "{'request': 'pause'}", "{'paused': 'ok'}");
    from->events->data(from->user, &chat, "again", 5, true);
    stoa_bed_asks(cleo, "{'request': 'start'}", "{'started': 'ok'}");
    stoa_bed_asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'd', 'mute': true}",
                  "{}");
    from->events->data(from->user, &chat, "muted", 5, true);
    assert_string_equal(bed_peer_of(cleo)->sent->str, "chat hello\n");
    stoa_bed_asks(ben, "{'request': 'unpublish'}", "{}");
    stoa_bed_hears_nothing(cleo); /* the m-line goes on for the other feed */
    stoa_bed_asks(cleo, "{'request': 'configure'}", "{'configured': 'ok'}");
    stoa_bed_asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 1, 'mid': 'd'}]}",
                  "{'streams': [{'active': true}, {'active': true}, {'active': false}]}");
}

static void a_layer_that_changed_is_told_once(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = watching(bed, "[{'feed': 1, 'mid': 'v'}]");
    FakePeer *peer = bed_peer_of(ben);
    uint32_t sink = g_array_index(peer->sends, StoaSend, 0).sink;

    peer->events->layer(peer->user, sink, 1, -1);
    stoa_bed_hears(ben, "{'videoroom': 'event', 'room': 7, 'mid': '0', 'substream': 1}");
    peer->events->layer(peer->user, sink, 1, 2);
    stoa_bed_hears(ben, "{'mid': '0', 'temporal': 2, 'substream': null}");
    stoa_bed_hears_nothing(ben);
}

static void whoever_left_can_come_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *ben = watching(bed, "[{'feed': 1}]");

    stoa_bed_asks(ben, "{'request': 'leave'}", "{'videoroom': 'event', 'room': 7, 'left': 'ok'}");
    stoa_bed_hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    stoa_bed_asks(ben, JOIN ", 'streams': [{'feed': 1}]}", "{'videoroom': 'attached'}");
    stoa_bed_breaks(ben);
    stoa_bed_hears(ben, "{'core': 'hangup'}");
    stoa_bed_asks(ben, JOIN ", 'streams': [{'feed': 1}]}", "{'videoroom': 'attached'}");
    stoa_bed_detach(ana);
    stoa_bed_detach(ben);
}

static void a_subscriber_sees_what_is_measured(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{'request': 'stats'}", 424);
    publishing(bed, 1, "ben", voice_and_face);
    StoaBedPerson *eva = watching(bed, "[{'feed': 1}]");
    stoa_bed_asks(eva, "{'request': 'stats'}",
                  "{'videoroom': 'stats', 'room': 7, 'rtt_ms': 20.5, 'estimate': null, 'streams': ["
                  "{'mid': '0', 'direction': 'in', 'type': 'audio', 'substream': null},"
                  "{'mid': '1', 'direction': 'out', 'codec': 'vp8', 'substream': 1, 'temporal': 2,"
                  " 'lost': 3, 'loss': 0.25, 'nacks_asked': 5, 'nacks_served': 4,"
                  " 'jitter_ms': 1.5, 'held': false}]}");
}

static void who_brings_an_offer_sees_the_next_when_the_first_goes(void **unused G_GNUC_UNUSED)
{
    static const ClientLine player[] = { { "audio", "0", .direction = "recvonly" },
                                         { "video", "1", .direction = "recvonly" },
                                         { 0 } };
    static const char join[] = "{'request': 'join', 'ptype': 'subscriber', 'room': 7}";
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *eva = stoa_bed_attach(bed, "eva");

    bed_offer_lines(eva, join, player, "{'error_code': 428}");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    bed_offer_lines(eva, join, player,
                    "{'videoroom': 'attached', 'streams': [{'mid': '0', 'feed_id': 1}, {'mid': "
                    "'1', 'feed_id': 1}]}");
    assert_non_null(strstr(stoa_bed_sdp(eva), "a=sendonly"));
    stoa_bed_connects(eva);
    assert_ptr_equal(stoa_bed_shown(eva, 1), ana);
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    assert_ptr_equal(stoa_bed_shown(eva, 1), ana);
    stoa_bed_detach(ana);
    stoa_bed_advance(bed, 1);
    assert_ptr_equal(stoa_bed_shown(eva, 0), ben); /* who is there already */
    assert_ptr_equal(stoa_bed_shown(eva, 1), ben);
    stoa_bed_detach(ben);
    stoa_bed_advance(bed, 1);
    assert_null(stoa_bed_shown(eva, 1));
    stoa_bed_hears_nothing(eva); /* no offer: it cannot answer one */
    StoaBedPerson *joe = publishing(bed, 3, "joe", voice_and_face);
    assert_ptr_equal(stoa_bed_shown(eva, 0), joe);
    assert_ptr_equal(stoa_bed_shown(eva, 1), joe);
}

static const ClientLine voice_only[] = { { "audio", "a", .ssrc = 11 }, { 0 } };
static const ClientLine both_ways[] = { { "audio", "0", .direction = "recvonly" },
                                        { "video", "1", .direction = "recvonly" },
                                        { 0 } };

static void a_line_for_what_nobody_publishes_yet_waits_for_it(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *eva = stoa_bed_attach(bed, "eva");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_only);

    bed_offer_lines(
        eva, JOIN ", 'feed': 1, 'substream': 1}", both_ways,
        "{'videoroom': 'attached', 'streams': [{'mid': '0', 'feed_id': 1}, {'mid': '1', "
        "'type': 'video', 'active': false, 'feed_id': null}]}");
    assert_int_equal(count_lines(stoa_bed_sdp(eva), "a=sendonly"), 2);
    assert_int_equal(count_lines(stoa_bed_sdp(eva), "a=inactive"), 0);
    assert_non_null(strstr(stoa_bed_sdp(eva), "VP8/90000"));
    assert_null(strstr(stoa_bed_sdp(eva), "H264/90000"));
    stoa_bed_connects(eva);
    assert_null(stoa_bed_shown(eva, 1));
    unsigned before = bed_peer_of(ana)->n_keyframes;
    bed_offer_lines(ana, "{'request': 'configure'}", voice_and_face, "{'configured': 'ok'}");
    assert_ptr_equal(stoa_bed_shown(eva, 0), ana);
    assert_ptr_equal(stoa_bed_shown(eva, 1), ana);
    assert_true(bed_peer_of(ana)->n_keyframes > before);
    publishing(bed, 2, "ben", voice_and_face); /* another feed */
    stoa_bed_detach(ana);
    stoa_bed_advance(bed, 1);
    assert_null(stoa_bed_shown(eva, 1));
    StoaBedPerson *again = publishing(bed, 1, "ana", voice_and_face);
    assert_ptr_equal(stoa_bed_shown(eva, 1), again);
    stoa_bed_hears_nothing(eva);
}

/* Nobody knows yet what the camera that comes will send: the player takes all that may come, and each is sent as it was agreed. */
static void a_line_that_waits_shows_any_codec_of_the_room(void **unused G_GNUC_UNUSED)
{
    static const ClientLine h264[] = { { "video", "v", .codecs = "102 H264", .ssrc = 5 }, { 0 } };
    static const ClientLine vp8[] = { { "video", "v", .codecs = "96 VP8", .ssrc = 6 }, { 0 } };
    static const ClientLine player[] = { { "audio", "0", .direction = "recvonly" },
                                         { "video", "1", .codecs = "96 VP8,102 H264",
                                           .direction = "recvonly" },
                                         { 0 } };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7 "videocodec = vp8,h264\n");
    StoaBedPerson *eva = stoa_bed_attach(bed, "eva");
    publishing(bed, 1, "ana", voice_only);

    bed_offer_lines(eva, JOIN "}", player, "{'videoroom': 'attached'}");
    assert_non_null(strstr(stoa_bed_sdp(eva), "a=rtpmap:96 VP8/90000"));
    assert_non_null(strstr(stoa_bed_sdp(eva), "a=rtpmap:102 H264/90000"));
    assert_non_null(strstr(stoa_bed_sdp(eva), "m=video 9 UDP/TLS/RTP/SAVPF 96 "));
    stoa_bed_connects(eva);
    StoaBedPerson *ben = publishing(bed, 2, "ben", h264);
    assert_ptr_equal(stoa_bed_shown(eva, 1), ben);
    assert_int_equal(fake_send(bed_peer_of(eva)->id, 2)->payload_type, 102);
    assert_int_equal(fake_send(bed_peer_of(eva)->id, 2)->codec, STOA_CODEC_H264);
    const uint32_t ssrc = fake_send(bed_peer_of(eva)->id, 2)->ssrc;
    StoaBedPerson *cem = publishing(bed, 3, "cem", vp8); /* waits for the line to be free */
    assert_ptr_equal(stoa_bed_shown(eva, 1), ben);
    stoa_bed_detach(ben);
    stoa_bed_advance(bed, 1);
    assert_ptr_equal(stoa_bed_shown(eva, 1), cem);
    assert_int_equal(fake_send(bed_peer_of(eva)->id, 2)->payload_type, 96);
    assert_int_equal(fake_send(bed_peer_of(eva)->id, 2)->ssrc, ssrc);
}

/* A page puts the stream of any of its tracks into its <video>: all have to be of one. */
static void a_line_that_waits_is_of_the_stream_that_is_shown(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *eva = stoa_bed_attach(bed, "eva");
    publishing(bed, 1, "ana", voice_only);

    bed_offer_lines(eva, JOIN "}", both_ways, "{'videoroom': 'attached'}");
    g_auto(GStrv) parts = g_strsplit(stoa_bed_sdp(eva), "a=msid:", -1);
    assert_int_equal(g_strv_length(parts), 3);
    size_t len = strcspn(parts[1], " ");
    assert_int_equal(strncmp(parts[1], parts[2], len + 1), 0);
    assert_string_not_equal(parts[1], parts[2]);
}

static void data_goes_on_with_the_kind_and_protocol_of_its_channel(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", with_data);
    StoaBedPerson *cleo = watching(bed, "[{'feed': 1}]");
    FakePeer *from = bed_peer_of(ana);
    const StoaDataChannel once = {
        .label = "pen", .protocol = "ink", .unordered = true, .limit_retransmits = true
    };
    const StoaDataChannel soon = { .label = "pen", .protocol = "", .max_life_ms = 50 };

    from->events->data(from->user, &once, "a", 1, false);
    from->events->data(from->user, &soon, "b", 1, false);
    assert_string_equal(bed_peer_of(cleo)->sent->str,
                        "pen(unordered,tries=0,life=0,ink) a\npen(ordered,tries=-1,life=50,) b\n");
}

static void who_is_too_slow_for_data_is_told_how_much_is_lost(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = publishing(bed, 1, "ana", with_data);
    StoaBedPerson *cleo = watching(bed, "[{'feed': 1}]");
    FakePeer *from = bed_peer_of(ana);
    const StoaDataChannel chat = { .label = "chat", .protocol = "" };

    from->events->data(from->user, &chat, "1", 1, true);
    stoa_bed_hears_nothing(cleo);
    bed_peer_of(cleo)->waiting = 4 << 20;
    for (unsigned i = 0; i < 5; i++)
        from->events->data(from->user, &chat, "2", 1, true);
    stoa_bed_hears(cleo, "{'videoroom': 'event', 'room': 7, 'mid': '2', 'data_lost': 1}");
    stoa_bed_hears_nothing(cleo); /* not each by itself */
    bed_peer_of(cleo)->waiting = 0;
    from->events->data(from->user, &chat, "3", 1, true);
    stoa_bed_hears(cleo, "{'videoroom': 'event', 'mid': '2', 'data_lost': 5}");
    from->events->data(from->user, &chat, "4", 1, true);
    stoa_bed_hears_nothing(cleo);
    assert_string_equal(bed_peer_of(cleo)->sent->str, "chat 1\nchat 3\nchat 4\n");
    assert_int_equal(stoa_bed_counted(bed, "data_lost_total"), 5);
    stoa_bed_asks(cleo, "{'request': 'unsubscribe', 'streams': [{'feed': 1, 'mid': 'v'}]}",
                  "{'streams': [{}, {}, {'type': 'data', 'data_lost': 5}]}");
}

static void a_spatial_layer_goes_by_either_name_wherever_layers_are_asked_for(
    void **unused G_GNUC_UNUSED)
{
    static const char *const asks[][2] = {
        { "{'request': 'configure', 'spatial': 1}", "1" },
        { "{'request': 'configure', 'spatial_layer': 0}", "0" },
        { "{'request': 'configure', 'streams': [{'mid': '1', 'spatial': 2}]}", "2" },
        { "{'request': 'configure', 'streams': [{'mid': '1', 'spatial_layer': 1}]}", "1" },
        { "{'request': 'configure', 'spatial': 0, 'spatial_layer': 2}", "0" },
    };
    static const char *const joins[] = { "'streams': [{'feed': 1, 'spatial': 0}]",
                                         "'feed': 1, 'spatial': 0", "'feed': 1, 'spatial_layer': 0",
                                         "'streams': [{'feed': 1}], 'spatial': 0" };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    publishing(bed, 1, "ana", voice_and_face);
    StoaBedPerson *eva = watching(bed, "[{'feed': 1}]");

    for (size_t i = 0; i < G_N_ELEMENTS(asks); i++) {
        stoa_bed_asks(eva, asks[i][0], "{'configured': 'ok'}");
        assert_string_equal(wish_of(eva, "spatial", 1), asks[i][1]);
    }
    stoa_bed_refuses_number(eva, "{'request': 'configure', 'spatial': 3}", 430);
    for (size_t i = 0; i < G_N_ELEMENTS(joins); i++) {
        StoaBedPerson *joe = stoa_bed_attach(bed, "joe");
        g_autofree char *body = g_strdup_printf(JOIN ", %s}", joins[i]);
        stoa_bed_asks(joe, body, "{'videoroom': 'attached'}");
        stoa_bed_answer(joe, "{'request': 'start'}", "{'started': 'ok'}");
        assert_string_equal(wish_of(joe, "spatial", 1), "0");
    }
}

static void who_brings_an_offer_is_told_that_last_n_needs_one_of_ours(void **unused G_GNUC_UNUSED)
{
    static const ClientLine player[] = { { "video", "0", .direction = "recvonly" }, { 0 } };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *eva = stoa_bed_attach(bed, "eva");

    publishing(bed, 1, "ana", voice_and_face);
    bed_offer_lines(eva, JOIN ", 'last_n': 2}", player, "{'error_code': 423}");
    bed_offer_lines(eva, JOIN "}", player, "{'videoroom': 'attached'}");
    stoa_bed_refuses_number(eva, "{'request': 'configure', 'last_n': 2}", 423);
    stoa_bed_asks(eva, "{'request': 'configure', 'last_n': 0}", "{'configured': 'ok'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscriber_sees_what_is_measured),
        cmocka_unit_test(who_brings_an_offer_sees_the_next_when_the_first_goes),
        cmocka_unit_test(a_line_for_what_nobody_publishes_yet_waits_for_it),
        cmocka_unit_test(a_line_that_waits_is_of_the_stream_that_is_shown),
        cmocka_unit_test(a_line_that_waits_shows_any_codec_of_the_room),
        cmocka_unit_test(a_subscriber_gets_all_streams_of_several_feeds),
        cmocka_unit_test(only_what_is_up_can_be_subscribed_to),
        cmocka_unit_test(the_older_form_still_works),
        cmocka_unit_test(private_ids_open_rooms_that_ask_for_them),
        cmocka_unit_test(a_feed_that_goes_frees_its_slots_and_leads_to_an_offer),
        cmocka_unit_test(without_autoupdate_no_offer_comes_by_itself),
        cmocka_unit_test(a_track_that_ends_in_a_renegotiation_leads_to_one_offer),
        cmocka_unit_test(changes_during_an_offer_wait_for_its_answer),
        cmocka_unit_test(update_takes_away_before_it_adds),
        cmocka_unit_test(pause_holds_all_and_start_goes_on),
        cmocka_unit_test(a_restart_brings_an_offer_with_new_credentials),
        cmocka_unit_test(a_switch_shows_another_stream_without_an_offer),
        cmocka_unit_test(data_of_all_feeds_comes_on_one_m_line),
        cmocka_unit_test(data_goes_on_with_the_kind_and_protocol_of_its_channel),
        cmocka_unit_test(who_is_too_slow_for_data_is_told_how_much_is_lost),
        cmocka_unit_test(a_layer_that_changed_is_told_once),
        cmocka_unit_test(a_spatial_layer_goes_by_either_name_wherever_layers_are_asked_for),
        cmocka_unit_test(who_brings_an_offer_is_told_that_last_n_needs_one_of_ours),
        cmocka_unit_test(whoever_left_can_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
