/* SPDX-License-Identifier: MIT */
/* videoroom over a fake worker: rooms, people, publishers. Subscribers are in videoroom-subscriber.c. (Janus API, section 10) */
#include "videoroom-bed.h"

/* -- rooms ---------------------------------------------------------------------------------------- */

static void a_room_is_made_shown_changed_and_destroyed(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("");
    g_autoptr(Person) ana = person_new(bed);

    asks(ana,
         "{'request': 'create', 'room': 42, 'description': 'Answers', 'publishers': 5, 'secret': "
         "'s'}",
         "{'videoroom': 'created', 'room': 42, 'permanent': false}");
    is_refused(ana, "{'request': 'create', 'room': 42}", 427);
    asks(ana, "{'request': 'exists', 'room': 42}",
         "{'videoroom': 'success', 'room': 42, 'exists': true}");
    asks(ana, "{'request': 'list'}",
         "{'videoroom': 'success', 'list': [{'room': 42, 'description': 'Answers', "
         "'max_publishers': 5, "
         "'pin_required': false, 'is_private': false, 'audiocodec': 'opus', 'videocodec': 'vp8', "
         "'num_participants': 0, 'record': false, 'audio_active_packets': null}]}");
    is_refused(ana, "{'request': 'edit', 'room': 42, 'new_publishers': 9}", 429);
    is_refused(ana, "{'request': 'edit', 'room': 42, 'secret': 'x', 'new_publishers': 9}", 433);
    asks(ana, "{'request': 'edit', 'room': 42, 'secret': 's', 'new_publishers': 9, 'new_pin': ''}",
         "{'videoroom': 'edited', 'room': 42}");
    asks(ana, "{'request': 'list'}", "{'list': [{'max_publishers': 9, 'pin_required': true}]}");
    is_refused(ana, "{'request': 'destroy', 'room': 42}", 429);
    asks(ana, "{'request': 'destroy', 'room': 42, 'secret': 's'}",
         "{'videoroom': 'destroyed', 'room': 42}");
    asks(ana, "{'request': 'exists', 'room': 42}", "{'exists': false}");
    is_refused(ana, "{'request': 'destroy', 'room': 42}", 426);
}

static void a_bad_request_says_what_is_wrong(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = person_new(bed);

    is_refused(ana, "{'request': 'dance'}", 423);
    is_refused(ana, "{'request': 5}", 430);
    is_refused(ana, "{}", 429);
    is_refused(ana, "{'request': 'exists'}", 429);
    is_refused(ana, "{'request': 'exists', 'room': 'seven'}", 430);
    is_refused(ana, "{'request': 'exists', 'room': -1}", 430);
    is_refused(ana, "{'request': 'create', 'videocodec': 'vp8,cinepak'}", 430);
    is_refused(ana, "{'request': 'create', 'require_e2ee': true}", 423);
    is_refused(ana, "{'request': 'rtp_forward', 'room': 7}", 423);
    is_refused(ana, "{'request': 'enable_recording', 'room': 7, 'record': true}", 423);
    is_refused(ana, "{'request': 'allowed', 'room': 7, 'action': 'sing'}", 430);
    is_refused(ana, "{'request': 'join', 'room': 8, 'ptype': 'publisher'}", 426);
    is_refused(ana, "{'request': 'join', 'room': 7, 'ptype': 'listener'}", 430);
    is_refused(ana, "{'request': 'join', 'room': 7}", 429);
    is_refused(ana, "{'request': 'configure'}", 424);
    is_refused(ana, "{'request': 'start'}", 424);
    is_refused(ana, "{'request': 'leave'}", 424);
    asks(ana, "{'request': 'listforwarders', 'room': 7}",
         "{'videoroom': 'forwarders', 'room': 7, 'publishers': []}");
}

static void only_the_admin_key_makes_rooms_when_there_is_one(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[module]\nadmin_key = k\nmax_rooms = 2\n");
    g_autoptr(Person) ana = person_new(bed);

    is_refused(ana, "{'request': 'create', 'room': 1}", 429);
    is_refused(ana, "{'request': 'create', 'room': 1, 'admin_key': 'K'}", 433);
    asks(ana, "{'request': 'create', 'room': 1, 'admin_key': 'k', 'is_private': true}",
         "{'videoroom': 'created'}");
    asks(ana, "{'request': 'create', 'admin_key': 'k'}", "{'videoroom': 'created'}");
    is_refused(ana, "{'request': 'create', 'admin_key': 'k'}", 499);
    is_refused(ana, "{'request': 'list', 'admin_key': 'x'}", 433);
    asks(ana, "{'request': 'list', 'admin_key': 'k'}", "{'list': [{}, {}]}");
    asks(ana, "{'request': 'list'}", "{'list': [{}]}");
}

static void pin_and_tokens_are_asked_for_at_the_door(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\npin = p\n");
    g_autoptr(Person) ana = person_new(bed);

    is_refused(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher'}", 429);
    is_refused(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'pp'}", 433);
    asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'enable', 'allowed': ['t']}",
         "{'videoroom': 'success', 'room': 7, 'allowed': ['t']}");
    is_refused(ana, "{'request': 'allowed', 'room': 7, 'action': 'add'}", 429);
    is_refused(ana, "{'request': 'allowed', 'room': 7, 'action': 'add', 'allowed': [1]}", 430);
    is_refused(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'p'}", 433);
    asks(ana, "{'request': 'join', 'room': 7, 'ptype': 'publisher', 'pin': 'p', 'token': 't'}",
         "{'videoroom': 'joined'}");
    asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'remove', 'allowed': ['t']}",
         "{'allowed': []}");
    asks(ana, "{'request': 'allowed', 'room': 7, 'action': 'disable'}", "{'allowed': null}");
}

static void rooms_follow_the_conf_file(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\n[room-8]\nbitrate = 512000\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = person_new(bed);

    asks(ben, "{'request': 'join', 'room': 8, 'ptype': 'publisher'}",
         "{'videoroom': 'joined', 'description': 'Room 8'}");
    offers(ben, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    assert_int_equal(peer_of(ben)->bitrate_bps, 512000);
    bed_reload(bed, "[room-8]\nbitrate = 1000000\n[room-9]\n");
    hears(ana, "{'videoroom': 'destroyed', 'room': 7}");
    assert_int_equal(peer_of(ben)->bitrate_bps, 1000000);
    asks(ana, "{'request': 'exists', 'room': 7}", "{'exists': false}");
    asks(ana, "{'request': 'exists', 'room': 9}", "{'exists': true}");
    asks(ben, "{'request': 'edit', 'room': 8, 'new_bitrate': 300000}", "{'videoroom': 'edited'}");
    bed_reload(bed, "[room-8]\nbitrate = 1000000\n[room-9]\n");
    assert_int_equal(peer_of(ben)->bitrate_bps, 300000);
}

static void a_bad_reload_changes_nothing(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(GError) error = NULL;

    assert_false(
        stoa_module_reconfigure(bed->module, bed_conf("[room-9]\nvideocodec = x\n"), &error));
    assert_non_null(strstr(error->message, "[room-9]"));
    asks(ana, "{'request': 'exists', 'room': 7}", "{'exists': true}");
    g_clear_error(&error);
    assert_false(stoa_module_reconfigure(bed->module, bed_conf("[room-nine]\n"), &error));
    hears_nothing(ana);
}

/* -- publishers --------------------------------------------------------------------------------------- */

static void a_publisher_is_announced_once_it_is_up(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = joined(bed, 2, "ben");

    hears_nothing(ana);
    offers(ben, "{'request': 'publish', 'descriptions': [{'mid': 'v', 'description': 'camera'}]}",
           voice_and_face,
           "{'videoroom': 'event', 'room': 7, 'configured': 'ok', 'audio_codec': 'opus', "
           "'video_codec': 'vp8', 'streams': [{'type': 'audio', 'mindex': 0, 'mid': 'a', "
           "'codec': 'opus', 'fec': true, 'audiolevel_ext_id': 1}, {'type': 'video', 'mindex': 1, "
           "'mid': 'v', 'codec': 'vp8', 'description': 'camera', 'videoorient_ext_id': 13}]}");
    hears_nothing(ana);
    is_refused(ben, "{'request': 'unpublish'}", 435);
    asks(ana, "{'request': 'listparticipants', 'room': 7}",
         "{'participants': [{'id': 1, 'display': 'ana', 'publisher': false}, {'id': 2, "
         "'publisher': false}]}");
    goes_up(ben);
    hears(ana, "{'videoroom': 'event', 'room': 7, 'publishers': [{'id': 2, 'display': 'ben', "
               "'audio_codec': 'opus', 'video_codec': 'vp8', 'streams': [{'mid': 'a', "
               "'audiolevel_ext_id': null}, {'mid': 'v', 'description': 'camera'}]}]}");
    hears_nothing(ben);
    g_autoptr(Person) cleo = person_new(bed);
    asks(cleo, "{'request': 'join', 'ptype': 'publisher', 'room': 7}",
         "{'videoroom': 'joined', 'description': 'Seven', 'publishers': [{'id': 2}], 'attendees': "
         "null}");
    assert_true(json_integer_value(json_object_get(cleo->reply, "private_id")) > 0);
}

static void unpublish_and_leave_are_told_before_the_hangup(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);

    forget(ana);
    asks(ben, "{'request': 'unpublish'}", "{'videoroom': 'event', 'unpublished': 'ok'}");
    hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    hears(ana, "{'unpublished': 2, 'display': 'ben'}");
    offers(ben, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    goes_up(ben);
    hears(ana, "{'publishers': [{'id': 2}]}");
    asks(ben, "{'request': 'leave'}", "{'videoroom': 'event', 'room': 7, 'leaving': 'ok'}");
    hears(ben, "{'core': 'hangup'}");
    hears(ana, "{'leaving': 2, 'display': 'ben'}");
    hears_nothing(ana);
    is_refused(ben, "{'request': 'publish'}", 424);
    asks(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 2}",
         "{'videoroom': 'joined'}");
    person_detach(ben);
    hears(ana, "{'leaving': 2}");
}

static void a_lost_connection_unpublishes(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = joined(bed, 3, "cleo");

    forget(ana);
    breaks_down(ben);
    hears(ana, "{'unpublished': 2}");
    hears(ben, "{'core': 'hangup'}");
    offers(cleo, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
    breaks_down(cleo); /* never up: nobody hears of it */
    hears_nothing(ana);
    asks(ana, "{'request': 'listparticipants', 'room': 7}",
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
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);

    forget(ana);
    offers(ben, "{'request': 'configure'}", voice_and_face, "{'configured': 'ok'}");
    hears_nothing(ana); /* the same again: nothing to tell */
    offers(ben, "{'request': 'configure'}", more, "{'configured': 'ok', 'streams': [{}, {}, {}]}");
    hears(ana,
          "{'publishers': [{'id': 2, 'streams': [{'mid': 'a'}, {'mid': 'v'}, {'mid': 'w'}]}]}");
    offers(ben, "{'request': 'publish'}", less, "{'configured': 'ok'}");
    hears(ana, "{'publishers': [{'streams': [{'mid': 'a'}, {'mid': 'w'}, "
               "{'mid': 'v', 'type': 'video', 'mindex': 1, 'disabled': true}]}]}");
    offers(ben, "{'request': 'configure'}", more, "{'configured': 'ok'}");
    hears(ana, "{'publishers': [{'streams': [{'mid': 'a'}, {'mid': 'v', 'disabled': null}, {'mid': "
               "'w'}]}]}");
}

static void a_publisher_changes_its_name_bitrate_and_streams(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\nbitrate = 500000\nbitrate_cap = true\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);

    forget(ana);
    assert_int_equal(peer_of(ben)->bitrate_bps, 500000);
    asks(ben, "{'request': 'configure', 'bitrate': 2000000}",
         "{'configured': 'ok', 'streams': null}");
    assert_int_equal(peer_of(ben)->bitrate_bps, 500000);
    asks(ben, "{'request': 'configure', 'bitrate': 100000}", "{'configured': 'ok'}");
    assert_int_equal(peer_of(ben)->bitrate_bps, 100000);
    asks(ben, "{'request': 'configure', 'display': 'Ben', 'metadata': {'hat': 'red'}}",
         "{'configured': 'ok'}");
    hears(ana, "{'videoroom': 'event', 'id': 2, 'display': 'Ben', 'metadata': {'hat': 'red'}}");
    is_refused(ben, "{'request': 'configure', 'display': 'a\\u202eb'}", 430);
    is_refused(ben, "{'request': 'configure', 'videocodec': 'h264'}", 430);
    asks(ben, "{'request': 'configure', 'video': false}", "{'configured': 'ok'}");
    assert_int_not_equal(peer_of(ben)->muted, 0);
    asks(ben, "{'request': 'configure', 'streams': [{'mid': 'v', 'send': true}]}",
         "{'configured': 'ok'}");
    assert_int_equal(peer_of(ben)->muted, 0);
    unsigned before = peer_of(ben)->n_keyframes;
    asks(ben, "{'request': 'configure', 'keyframe': true}", "{'configured': 'ok'}");
    assert_true(peer_of(ben)->n_keyframes > before);
}

static void the_room_takes_no_more_publishers_than_it_should(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\npublishers = 1\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autofree char *offer = client_offer(&ana->client, voice_and_face);

    check_fits(ask_with(ana, "{'request': 'publish'}", STOA_JSEP_OFFER, offer),
               "{'error_code': 432}", "full");
    assert_null(ana->jsep);
    offers(ben, "{'request': 'configure'}", voice_and_face, "{'configured': 'ok'}");
    breaks_down(ben);
    offers(ana, "{'request': 'publish'}", voice_and_face, "{'configured': 'ok'}");
}

static void a_bad_jsep_gets_its_number(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");

    check_fits(ask_with(ana, "{'request': 'publish'}", STOA_JSEP_ANSWER, "v=0\r\n"),
               "{'error_code': 431}", "answer");
    check_fits(ask_with(ana, "{'request': 'publish'}", STOA_JSEP_OFFER, "nonsense"),
               "{'error_code': 437}", "nonsense");
    is_refused(ana, "{'request': 'join', 'ptype': 'publisher', 'room': 7}", 425);
    is_refused(ana, "{'request': 'subscribe', 'streams': [{'feed': 1}]}", 423);
    g_autoptr(Person) ben = person_new(bed);
    is_refused(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 1}", 436);
    is_refused(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 'x'}", 430);
    check_fits(ask_with(ben,
                        "{'request': 'joinandconfigure', 'ptype': 'publisher', 'room': 7, 'id': 2}",
                        STOA_JSEP_OFFER, "nonsense"),
               "{'error_code': 437}", "nonsense");
    hears_nothing(ana);
    offers(ben, "{'request': 'joinandconfigure', 'ptype': 'publisher', 'room': 7, 'id': 2}",
           voice_and_face,
           "{'videoroom': 'joined', 'id': 2, 'publishers': [], 'streams': [{}, {}]}");
    assert_non_null(ben->jsep);
}

static void people_are_told_of_everybody_where_the_room_says_so(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\nnotify_joining = true\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = person_new(bed);

    asks(ben, "{'request': 'join', 'ptype': 'publisher', 'room': 7, 'id': 2, 'metadata': {'x': 1}}",
         "{'attendees': [{'id': 1, 'display': 'ana'}]}");
    hears(ana, "{'videoroom': 'event', 'joining': {'id': 2, 'metadata': {'x': 1}}}");
    hears_nothing(ben);
}

/* -- moderation ------------------------------------------------------------------------------------------- */

static void a_kicked_person_is_out_and_the_others_know(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\nsecret = s\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);

    forget(ana);
    is_refused(ana, "{'request': 'kick', 'room': 7, 'id': 2}", 429);
    is_refused(ana, "{'request': 'kick', 'room': 7, 'secret': 's', 'id': 3}", 428);
    asks(ana, "{'request': 'kick', 'room': 7, 'secret': 's', 'id': 2}", "{'videoroom': 'success'}");
    hears(ana, "{'kicked': 2, 'display': null}");
    hears_nothing(ana);
    hears(ben, "{'videoroom': 'event', 'room': 7, 'leaving': 'ok', 'reason': 'kicked'}");
    hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    is_refused(ben, "{'request': 'configure'}", 424);
}

static void a_moderated_stream_stays_silent_whatever_its_sender_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);

    forget(ana);
    is_refused(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'x', 'mute': true}", 428);
    asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'v', 'mute': true}",
         "{'videoroom': 'success'}");
    hears(ana, "{'videoroom': 'event', 'id': 2, 'mid': 'v', 'moderation': 'muted'}");
    hears(ben, "{'id': 2, 'mid': 'v', 'moderation': 'muted'}");
    assert_int_not_equal(peer_of(ben)->muted, 0);
    asks(ben,
         "{'request': 'configure', 'streams': [{'mid': 'a', 'send': false}, {'mid': 'v', 'send': "
         "true}]}",
         "{'configured': 'ok'}");
    assert_int_not_equal(peer_of(ben)->muted, 0);
    asks(ana, "{'request': 'moderate', 'room': 7, 'id': 2, 'mid': 'v', 'mute': false}", "{}");
    hears(ana, "{'moderation': 'unmuted'}");
    assert_int_equal(peer_of(ben)->muted, 0);
}

static void everybody_hears_who_talks(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\naudiolevel_event = true\n");
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    FakePeer *peer = peer_of(ben);

    forget(ana);
    assert_int_not_equal(peer->watched, 0);
    peer->events->talking(peer->user, peer->watched, true, 12.5);
    hears(ana, "{'videoroom': 'talking', 'room': 7, 'id': 2, 'mindex': 0, 'mid': 'a', "
               "'audio-level-dBov-avg': 12.5}");
    hears(ben, "{'videoroom': 'talking', 'id': 2}");
    asks(ana, "{'request': 'listparticipants', 'room': 7}",
         "{'participants': [{'talking': null}, {'id': 2, 'publisher': true, 'talking': true}]}");
    peer->events->talking(peer->user, peer->watched, false, 90);
    hears(ana, "{'videoroom': 'stopped-talking'}");
}

static void keyframes_are_asked_for_as_often_as_the_room_says(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new("[room-7]\nfir_freq = 10\n");
    g_autoptr(Person) ana = publishing(bed, 1, "ana", voice_and_face);
    unsigned before = peer_of(ana)->n_keyframes;

    stoa_clock_advance(31 * 1000000LL);
    assert_int_equal(peer_of(ana)->n_keyframes, before + 3);
}

static void a_destroyed_room_says_goodbye_to_all(void **unused G_GNUC_UNUSED)
{
    g_autoptr(PluginBed) bed = plugin_bed_new(ROOM7);
    g_autoptr(Person) ana = joined(bed, 1, "ana");
    g_autoptr(Person) ben = publishing(bed, 2, "ben", voice_and_face);
    g_autoptr(Person) cleo = watching(bed, "[{'feed': 2}]");

    forget(ana);
    asks(ana, "{'request': 'destroy', 'room': 7}", "{'videoroom': 'destroyed', 'room': 7}");
    hears(ana, "{'videoroom': 'destroyed', 'room': 7}");
    hears_nothing(ana);
    hears(ben, "{'videoroom': 'destroyed', 'room': 7}");
    hears(ben, "{'core': 'hangup', 'reason': 'Close PC'}");
    hears_nothing(ben);
    hears(cleo, "{'core': 'hangup', 'reason': 'Close PC'}");
    hears_nothing(cleo);
    is_refused(ben, "{'request': 'configure'}", 424);
    is_refused(cleo, "{'request': 'start'}", 424);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, plugin_setup, plugin_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_room_is_made_shown_changed_and_destroyed),
        cmocka_unit_test(the_sample_agrees_with_the_table),
        TEST(a_bad_request_says_what_is_wrong),
        TEST(only_the_admin_key_makes_rooms_when_there_is_one),
        TEST(pin_and_tokens_are_asked_for_at_the_door),
        TEST(rooms_follow_the_conf_file),
        TEST(a_bad_reload_changes_nothing),
        TEST(a_publisher_is_announced_once_it_is_up),
        TEST(unpublish_and_leave_are_told_before_the_hangup),
        TEST(a_lost_connection_unpublishes),
        TEST(a_renegotiation_tells_the_full_list),
        TEST(a_publisher_changes_its_name_bitrate_and_streams),
        TEST(the_room_takes_no_more_publishers_than_it_should),
        TEST(a_bad_jsep_gets_its_number),
        TEST(people_are_told_of_everybody_where_the_room_says_so),
        TEST(a_kicked_person_is_out_and_the_others_know),
        TEST(a_moderated_stream_stays_silent_whatever_its_sender_says),
        TEST(everybody_hears_who_talks),
        TEST(keyframes_are_asked_for_as_often_as_the_room_says),
        TEST(a_destroyed_room_says_goodbye_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
