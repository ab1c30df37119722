/* SPDX-License-Identifier: MIT */
/* videoroom over a fake worker: rooms, people, publishers. Subscribers are in videoroom-subscriber.c. (Janus API, section 10) */
#include "videoroom-bed.h"

/* -- rooms ---------------------------------------------------------------------------------------- */

static void a_room_is_made_shown_changed_and_destroyed(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_asks(
        ana,
        "{'request': 'create', 'room': 42, 'description': 'Answers', 'publishers': 5, 'secret': "
        "'s'}",
        "{'videoroom': 'created', 'room': 42, 'permanent': false}");
    stoa_bed_refuses_number(ana, "{'request': 'create', 'room': 42}", 427);
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 42}",
                  "{'videoroom': 'success', 'room': 42, 'exists': true}");
    stoa_bed_asks(
        ana, "{'request': 'list'}",
        "{'videoroom': 'success', 'list': [{'room': 42, 'description': 'Answers', "
        "'max_publishers': 5, "
        "'pin_required': false, 'is_private': false, 'audiocodec': 'opus', 'videocodec': 'vp8', "
        "'num_participants': 0, 'record': false, 'audio_active_packets': null}]}");
    stoa_bed_refuses_number(ana, "{'request': 'edit', 'room': 42, 'new_publishers': 9}", 429);
    stoa_bed_refuses_number(
        ana, "{'request': 'edit', 'room': 42, 'secret': 'x', 'new_publishers': 9}", 433);
    stoa_bed_asks(
        ana, "{'request': 'edit', 'room': 42, 'secret': 's', 'new_publishers': 9, 'new_pin': ''}",
        "{'videoroom': 'edited', 'room': 42}");
    stoa_bed_asks(ana, "{'request': 'list'}",
                  "{'list': [{'max_publishers': 9, 'pin_required': true}]}");
    stoa_bed_refuses_number(ana, "{'request': 'destroy', 'room': 42}", 429);
    stoa_bed_asks(ana, "{'request': 'destroy', 'room': 42, 'secret': 's'}",
                  "{'videoroom': 'destroyed', 'room': 42}");
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 42}", "{'exists': false}");
    stoa_bed_refuses_number(ana, "{'request': 'destroy', 'room': 42}", 426);
}

static void a_bad_request_says_what_is_wrong(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{'request': 'dance'}", 423);
    stoa_bed_refuses_number(ana, "{'request': 5}", 430);
    stoa_bed_refuses_number(ana, "{}", 429);
    stoa_bed_refuses_number(ana, "{'request': 'exists'}", 429);
    stoa_bed_refuses_number(ana, "{'request': 'exists', 'room': 'seven'}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'exists', 'room': -1}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'create', 'videocodec': 'vp8,cinepak'}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'create', 'require_e2ee': true}", 423);
    stoa_bed_refuses_number(ana, "{'request': 'rtp_forward', 'room': 7}", 423);
    stoa_bed_refuses_number(ana, "{'request': 'enable_recording', 'room': 7, 'record': true}", 423);
    stoa_bed_refuses_number(ana, "{'request': 'allowed', 'room': 7, 'action': 'sing'}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'join', 'room': 8, 'ptype': 'publisher'}", 426);
    stoa_bed_refuses_number(ana, "{'request': 'join', 'room': 7, 'ptype': 'lurker'}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'join', 'room': 7}", 429);
    stoa_bed_refuses_number(ana, "{'request': 'configure'}", 424);
    stoa_bed_refuses_number(ana, "{'request': 'start'}", 424);
    stoa_bed_refuses_number(ana, "{'request': 'leave'}", 424);
    stoa_bed_asks(ana, "{'request': 'listforwarders', 'room': 7}",
                  "{'videoroom': 'forwarders', 'room': 7, 'publishers': []}");
}

static void only_the_admin_key_makes_rooms_when_there_is_one(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[module]\nadmin_key = k\nmax_rooms = 2\n");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{'request': 'create', 'room': 1}", 429);
    stoa_bed_refuses_number(ana, "{'request': 'create', 'room': 1, 'admin_key': 'K'}", 433);
    stoa_bed_asks(ana, "{'request': 'create', 'room': 1, 'admin_key': 'k', 'is_private': true}",
                  "{'videoroom': 'created'}");
    stoa_bed_asks(ana, "{'request': 'create', 'admin_key': 'k'}", "{'videoroom': 'created'}");
    stoa_bed_refuses_number(ana, "{'request': 'create', 'admin_key': 'k'}", 499);
    stoa_bed_refuses_number(ana, "{'request': 'list', 'admin_key': 'x'}", 433);
    stoa_bed_asks(ana, "{'request': 'list', 'admin_key': 'k'}", "{'list': [{}, {}]}");
    stoa_bed_asks(ana, "{'request': 'list'}", "{'list': [{}]}");
}

static void pin_and_tokens_are_asked_for_at_the_door(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\npin = p\n");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher'}", 429);
    stoa_bed_refuses_number(
        ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'pp'}", 433);
    stoa_bed_asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'enable', 'allowed': ['t']}",
                  "{'videoroom': 'success', 'room': 7, 'allowed': ['t']}");
    stoa_bed_refuses_number(ana, "{'request': 'allowed', 'room': 7, 'action': 'add'}", 429);
    stoa_bed_refuses_number(
        ana, "{'request': 'allowed', 'room': 7, 'action': 'add', 'allowed': [1]}", 430);
    stoa_bed_refuses_number(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'p'}",
                            433);
    stoa_bed_asks(ana,
                  "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'p', 'token': 't'}",
                  "{'videoroom': 'joined'}");
    stoa_bed_asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'remove', 'allowed': ['t']}",
                  "{'allowed': []}");
    stoa_bed_asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'disable'}",
                  "{'allowed': null}");
}

static void rooms_follow_the_conf_file(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\n[room-8]\nbitrate = 512000\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = stoa_bed_attach(bed, "ben");

    stoa_bed_asks(ben, "{'request': 'join', 'room': 8, 'ptype': 'publisher'}",
                  "{'videoroom': 'joined', 'description': 'Room 8'}");
    bed_offer_lines(ben, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 512000);
    stoa_bed_reload(bed, "[room-8]\nbitrate = 1000000\n[room-9]\n", NULL);
    stoa_bed_hears(ana, "{'videoroom': 'destroyed', 'room': 7}");
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 1000000);
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 7}", "{'exists': false}");
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 9}", "{'exists': true}");
    stoa_bed_asks(ben, "{'request': 'edit', 'room': 8, 'new_bitrate': 300000}",
                  "{'videoroom': 'edited'}");
    stoa_bed_reload(bed, "[room-8]\nbitrate = 1000000\n[room-9]\n", NULL);
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 300000);
}

static void a_bad_reload_changes_nothing(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    g_autoptr(GError) error = NULL;

    assert_false(stoa_bed_reload(bed, "[room-9]\nvideocodec = x\n", &error));
    assert_non_null(strstr(error->message, "room-9.videocodec"));
    stoa_bed_asks(ana, "{'request': 'exists', 'room': 7}", "{'exists': true}");
    g_clear_error(&error);
    assert_false(stoa_bed_reload(bed, "[room-nine]\n", &error));
    stoa_bed_hears_nothing(ana);
}

/* -- publishers --------------------------------------------------------------------------------------- */

static void a_publisher_is_announced_once_it_is_up(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = joined(bed, 2, "ben");

    stoa_bed_hears_nothing(ana);
    bed_offer_lines(
        ben, "{'request': 'publish', 'descriptions': [{'mid': 'v', 'description': 'camera'}]}",
        voice_and_face,
        "{'videoroom': 'event', 'room': 7, 'configured': 'ok', 'audio_codec': 'opus', "
        "'video_codec': 'vp8', 'streams': [{'type': 'audio', 'mindex': 0, 'mid': 'a', "
        "'codec': 'opus', 'fec': true, 'audiolevel_ext_id': 1}, {'type': 'video', 'mindex': 1, "
        "'mid': 'v', 'codec': 'vp8', 'description': 'camera', 'videoorient_ext_id': 13}]}");
    stoa_bed_hears_nothing(ana);
    stoa_bed_refuses_number(ben, "{'request': 'unpublish'}", 435);
    stoa_bed_asks(ana, "{'request': 'listparticipants', 'room': 7}",
                  "{'participants': [{'id': 1, 'display': 'ana', 'publisher': false}, {'id': 2, "
                  "'publisher': false}]}");
    stoa_bed_connects(ben);
    stoa_bed_hears(ana,
                   "{'videoroom': 'event', 'room': 7, 'publishers': [{'id': 2, 'display': 'ben', "
                   "'audio_codec': 'opus', 'video_codec': 'vp8', 'streams': [{'mid': 'a', "
                   "'audiolevel_ext_id': null}, {'mid': 'v', 'description': 'camera'}]}]}");
    stoa_bed_hears_nothing(ben);
    StoaBedPerson *cleo = stoa_bed_attach(bed, "cleo");
    stoa_bed_asks(
        cleo, "{'request': 'join', 'ptype': 'publisher', 'room': 7}",
        "{'videoroom': 'joined', 'description': 'Seven', 'publishers': [{'id': 2}], 'attendees': "
        "null}");
    assert_true(json_integer_value(json_object_get(cleo->reply, "private_id")) > 0);
}

static void unpublish_and_leave_are_told_before_the_hangup(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    stoa_bed_asks(ben, "{'request': 'unpublish'}", "{'videoroom': 'event', 'unpublished': 'ok'}");
    stoa_bed_hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    stoa_bed_hears(ana, "{'unpublished': 2, 'display': 'ben'}");
    bed_offer_lines(ben, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_connects(ben);
    stoa_bed_hears(ana, "{'publishers': [{'id': 2}]}");
    stoa_bed_asks(ben, "{'request': 'leave'}",
                  "{'videoroom': 'event', 'room': 7, 'leaving': 'ok'}");
    stoa_bed_hears(ben, "{'core': 'hangup'}");
    stoa_bed_hears(ana, "{'leaving': 2, 'display': 'ben'}");
    stoa_bed_hears_nothing(ana);
    stoa_bed_refuses_number(ben, "{'request': 'publish'}", 424);
    stoa_bed_asks(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 2}",
                  "{'videoroom': 'joined'}");
    stoa_bed_detach(ben);
    stoa_bed_hears(ana, "{'leaving': 2}");
}

static void a_lost_connection_unpublishes(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = joined(bed, 3, "cleo");

    stoa_bed_forget(ana);
    stoa_bed_breaks(ben);
    stoa_bed_hears(ana, "{'unpublished': 2}");
    stoa_bed_hears(ben, "{'core': 'hangup'}");
    bed_offer_lines(cleo, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_breaks(cleo); /* never up: nobody hears of it */
    stoa_bed_hears_nothing(ana);
    stoa_bed_asks(ana, "{'request': 'listparticipants', 'room': 7}",
                  "{'participants': [{'id': 1}, {'id': 2, 'publisher': false}, {'id': 3}]}");
}

static void a_renegotiation_tells_the_full_list(void **unused G_GNUC_UNUSED)
{
    static const ClientLine more[] = { { "audio", "a", .ssrc = 11 },
                                       { "video", "v", .ssrc = 12 },
                                       { "video", "w", .ssrc = 13 },
                                       { 0 } };
    static const ClientLine less[] = { { "audio", "a", .ssrc = 11 },
                                       { "video", "v", "inactive" },
                                       { "video", "w", .ssrc = 13 },
                                       { 0 } };
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    bed_offer_lines(ben, "{'request': 'configure'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_hears_nothing(ana); /* the same again: nothing to tell */
    bed_offer_lines(ben, "{'request': 'configure'}", more,
                    "{'configured': 'ok', 'streams': [{}, {}, {}]}");
    stoa_bed_hears(
        ana, "{'publishers': [{'id': 2, 'streams': [{'mid': 'a'}, {'mid': 'v'}, {'mid': 'w'}]}]}");
    bed_offer_lines(ben, "{'request': 'publish'}", less, "{'configured': 'ok'}");
    stoa_bed_hears(ana, "{'publishers': [{'streams': [{'mid': 'a'}, {'mid': 'w'}, "
                        "{'mid': 'v', 'type': 'video', 'mindex': 1, 'disabled': true}]}]}");
    bed_offer_lines(ben, "{'request': 'configure'}", more, "{'configured': 'ok'}");
    stoa_bed_hears(
        ana, "{'publishers': [{'streams': [{'mid': 'a'}, {'mid': 'v', 'disabled': null}, {'mid': "
             "'w'}]}]}");
}

static void a_publisher_changes_its_name_bitrate_and_streams(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed =
        stoa_bed_new("videoroom", "[room-7]\nbitrate = 500000\nbitrate_cap = true\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 500000);
    stoa_bed_asks(ben, "{'request': 'configure', 'bitrate': 2000000}",
                  "{'configured': 'ok', 'streams': null}");
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 500000);
    stoa_bed_asks(ben, "{'request': 'configure', 'bitrate': 100000}", "{'configured': 'ok'}");
    assert_int_equal(bed_peer_of(ben)->bitrate_bps, 100000);
    stoa_bed_asks(ben, "{'request': 'configure', 'display': 'Ben', 'metadata': {'hat': 'red'}}",
                  "{'configured': 'ok'}");
    stoa_bed_hears(ana,
                   "{'videoroom': 'event', 'id': 2, 'display': 'Ben', 'metadata': {'hat': 'red'}}");
    stoa_bed_refuses_number(ben, "{'request': 'configure', 'display': 'a\\u202eb'}", 430);
    stoa_bed_refuses_number(ben, "{'request': 'configure', 'videocodec': 'h264'}", 430);
    stoa_bed_asks(ben, "{'request': 'configure', 'video': false}", "{'configured': 'ok'}");
    assert_int_not_equal(bed_peer_of(ben)->muted, 0);
    stoa_bed_asks(ben, "{'request': 'configure', 'streams': [{'mid': 'v', 'send': true}]}",
                  "{'configured': 'ok'}");
    assert_int_equal(bed_peer_of(ben)->muted, 0);
    unsigned before = bed_peer_of(ben)->n_keyframes;
    stoa_bed_asks(ben, "{'request': 'configure', 'keyframe': true}", "{'configured': 'ok'}");
    assert_true(bed_peer_of(ben)->n_keyframes > before);
}

static void the_room_takes_no_more_publishers_than_it_should(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\npublishers = 1\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    g_autofree char *offer = client_offer(&ana->client, voice_and_face);

    bed_check(bed_ask(ana, bed_json("{'request': 'publish'}"), STOA_JSEP_OFFER, offer),
              "{'error_code': 432}", "full");
    assert_null(ana->jsep);
    bed_offer_lines(ben, "{'request': 'configure'}", voice_and_face, "{'configured': 'ok'}");
    stoa_bed_breaks(ben);
    bed_offer_lines(ana, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
}

static void who_only_offers_takes_nobodys_place(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\npublishers = 1\n");
    StoaBedPerson *ana = joined(bed, 1, "ana"), *eva = joined(bed, 3, "eva");

    bed_offer_lines(ana, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    bed_offer_lines(eva, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    publishing(bed, 2, "ben", voice_and_face);
    stoa_bed_forget(ana);
    stoa_bed_connects(ana); /* too late */
    stoa_bed_hears(ana, "{'videoroom': 'event', 'room': 7, 'error_code': 432}");
    stoa_bed_hears(ana, "{'core': 'hangup'}");
    stoa_bed_asks(eva, "{'request': 'listparticipants', 'room': 7}",
                  "{'participants': [{'id': 1, 'publisher': false}, {'id': 3, 'publisher': false}, "
                  "{'id': 2, 'publisher': true}]}");
}

static void a_bad_jsep_gets_its_number(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");

    bed_check(bed_ask(ana, bed_json("{'request': 'publish'}"), STOA_JSEP_ANSWER, "v=0\r\n"),
              "{'error_code': 431}", "answer");
    bed_check(bed_ask(ana, bed_json("{'request': 'publish'}"), STOA_JSEP_OFFER, "nonsense"),
              "{'error_code': 437}", "nonsense");
    stoa_bed_refuses_number(ana, "{'request': 'join', 'ptype': 'publisher', 'room': 7}", 425);
    stoa_bed_refuses_number(ana, "{'request': 'subscribe', 'streams': [{'feed': 1}]}", 423);
    StoaBedPerson *ben = stoa_bed_attach(bed, "ben");
    stoa_bed_refuses_number(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 1}",
                            436);
    stoa_bed_refuses_number(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 'x'}",
                            430);
    bed_check(
        bed_ask(
            ben,
            bed_json("{'request': 'joinandconfigure', 'ptype': 'publisher', 'room': 7, 'id': 2}"),
            STOA_JSEP_OFFER, "nonsense"),
        "{'error_code': 437}", "nonsense");
    stoa_bed_hears_nothing(ana);
    bed_offer_lines(
        ben, "{'request': 'joinandconfigure', 'ptype': 'publisher', 'room': 7, 'id': 2}",
        voice_and_face, "{'videoroom': 'joined', 'id': 2, 'publishers': [], 'streams': [{}, {}]}");
    assert_non_null(ben->jsep);
}

static void people_are_told_of_everybody_where_the_room_says_so(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\nnotify_joining = true\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = stoa_bed_attach(bed, "ben");

    stoa_bed_asks(
        ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 2, 'metadata': {'x': 1}}",
        "{'attendees': [{'id': 1, 'display': 'ana'}]}");
    stoa_bed_hears(ana, "{'videoroom': 'event', 'joining': {'id': 2, 'metadata': {'x': 1}}}");
    stoa_bed_hears_nothing(ben);
}

/* -- moderation ------------------------------------------------------------------------------------------- */

static void a_kicked_person_is_out_and_the_others_know(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\nsecret = s\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    stoa_bed_refuses_number(ana, "{'request': 'kick', 'room': 7, 'id': 2}", 429);
    stoa_bed_refuses_number(ana, "{'request': 'kick', 'room': 7, 'secret': 's', 'id': 3}", 428);
    stoa_bed_asks(ana, "{'request': 'kick', 'room': 7, 'secret': 's', 'id': 2}",
                  "{'videoroom': 'success'}");
    stoa_bed_hears(ana, "{'kicked': 2, 'display': null}");
    stoa_bed_hears_nothing(ana);
    stoa_bed_hears(ben, "{'videoroom': 'event', 'room': 7, 'leaving': 'ok', 'reason': 'kicked'}");
    stoa_bed_hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    stoa_bed_refuses_number(ben, "{'request': 'configure'}", 424);
}

static void a_moderated_stream_stays_silent_whatever_its_sender_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);

    stoa_bed_forget(ana);
    stoa_bed_refuses_number(
        ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'x', 'mute': true}", 428);
    stoa_bed_asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'v', 'mute': true}",
                  "{'videoroom': 'success'}");
    stoa_bed_hears(ana, "{'videoroom': 'event', 'id': 2, 'mid': 'v', 'moderation': 'muted'}");
    stoa_bed_hears(ben, "{'id': 2, 'mid': 'v', 'moderation': 'muted'}");
    assert_int_not_equal(bed_peer_of(ben)->muted, 0);
    stoa_bed_asks(
        ben,
        "{'request': 'configure', 'streams': [{'mid': 'a', 'send': false}, {'mid': 'v', 'send': "
        "true}]}",
        "{'configured': 'ok'}");
    assert_int_not_equal(bed_peer_of(ben)->muted, 0);
    stoa_bed_asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'v', 'mute': false}",
                  "{}");
    stoa_bed_hears(ana, "{'moderation': 'unmuted'}");
    assert_int_equal(bed_peer_of(ben)->muted, 0);
}

static void everybody_hears_who_talks(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\naudiolevel_event = true\n");
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    FakePeer *peer = bed_peer_of(ben);

    stoa_bed_forget(ana);
    assert_int_not_equal(peer->watched, 0);
    peer->events->talking(peer->user, peer->watched, true, 12.5);
    stoa_bed_hears(ana, "{'videoroom': 'talking', 'room': 7, 'id': 2, 'mindex': 0, 'mid': 'a', "
                        "'audio-level-dBov-avg': 12.5}");
    stoa_bed_hears(ben, "{'videoroom': 'talking', 'id': 2}");
    stoa_bed_asks(
        ana, "{'request': 'listparticipants', 'room': 7}",
        "{'participants': [{'talking': null}, {'id': 2, 'publisher': true, 'talking': true}]}");
    peer->events->talking(peer->user, peer->watched, false, 90);
    stoa_bed_hears(ana, "{'videoroom': 'stopped-talking'}");
}

static void keyframes_are_asked_for_as_often_as_the_room_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", "[room-7]\nfir_freq = 10\n");
    StoaBedPerson *ana = publishing(bed, 1, "ana", voice_and_face);
    unsigned before = bed_peer_of(ana)->n_keyframes;

    stoa_bed_advance(bed, 31000);
    assert_int_equal(bed_peer_of(ana)->n_keyframes, before + 3);
}

static void a_destroyed_room_says_goodbye_to_all(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("videoroom", ROOM7);
    StoaBedPerson *ana = joined(bed, 1, "ana");
    StoaBedPerson *ben = publishing(bed, 2, "ben", voice_and_face);
    StoaBedPerson *cleo = watching(bed, "[{'feed': 2}]");

    stoa_bed_forget(ana);
    stoa_bed_asks(ana, "{'request': 'destroy', 'room': 7}",
                  "{'videoroom': 'destroyed', 'room': 7}");
    stoa_bed_hears(ana, "{'videoroom': 'destroyed', 'room': 7}");
    stoa_bed_hears_nothing(ana);
    stoa_bed_hears(ben, "{'videoroom': 'destroyed', 'room': 7}");
    stoa_bed_hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    stoa_bed_hears_nothing(ben);
    stoa_bed_hears(cleo, "{'core': 'hangup', 'reason': 'Close PC'}");
    stoa_bed_hears_nothing(cleo);
    stoa_bed_refuses_number(ben, "{'request': 'configure'}", 424);
    stoa_bed_refuses_number(cleo, "{'request': 'start'}", 424);
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    check_sample("videoroom");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_is_made_shown_changed_and_destroyed),
        cmocka_unit_test(the_sample_agrees_with_the_table),
        cmocka_unit_test(a_bad_request_says_what_is_wrong),
        cmocka_unit_test(only_the_admin_key_makes_rooms_when_there_is_one),
        cmocka_unit_test(pin_and_tokens_are_asked_for_at_the_door),
        cmocka_unit_test(rooms_follow_the_conf_file),
        cmocka_unit_test(a_bad_reload_changes_nothing),
        cmocka_unit_test(a_publisher_is_announced_once_it_is_up),
        cmocka_unit_test(unpublish_and_leave_are_told_before_the_hangup),
        cmocka_unit_test(a_lost_connection_unpublishes),
        cmocka_unit_test(a_renegotiation_tells_the_full_list),
        cmocka_unit_test(a_publisher_changes_its_name_bitrate_and_streams),
        cmocka_unit_test(the_room_takes_no_more_publishers_than_it_should),
        cmocka_unit_test(who_only_offers_takes_nobodys_place),
        cmocka_unit_test(a_bad_jsep_gets_its_number),
        cmocka_unit_test(people_are_told_of_everybody_where_the_room_says_so),
        cmocka_unit_test(a_kicked_person_is_out_and_the_others_know),
        cmocka_unit_test(a_moderated_stream_stays_silent_whatever_its_sender_says),
        cmocka_unit_test(everybody_hears_who_talks),
        cmocka_unit_test(keyframes_are_asked_for_as_often_as_the_room_says),
        cmocka_unit_test(a_destroyed_room_says_goodbye_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
