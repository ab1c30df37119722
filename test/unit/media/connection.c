/* SPDX-License-Identifier: MIT */
/* The life of a connection: its first offer, its candidates, its events, its end. */
#include "connection-bed.h"

static void a_publishers_offer_makes_tracks_and_tables(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *answer = bed_offer(bed, bed_audio_video, &bed_takes_all);
    FakePeer *peer = bed_peer(bed);
    const StoaTrackInfo *audio = stoa_track_info(bed_track(bed, 0));
    const StoaTrackInfo *video = stoa_track_info(bed_track(bed, 1));
    const StoaReceive *rows = (const StoaReceive *)peer->receives->data;
    g_autofree char *local = NULL;

    assert_int_equal(audio->kind, STOA_AUDIO);
    assert_string_equal(audio->mid, "a");
    assert_string_equal(audio->codec, "opus");
    assert_true(audio->opus_fec);
    assert_int_equal(audio->audio_level_id, 1);
    assert_int_equal(video->kind, STOA_VIDEO);
    assert_int_equal(video->mindex, 1);
    assert_string_equal(video->codec, "vp8");
    assert_int_equal(video->orientation_id, 13);
    assert_false(video->simulcast);

    assert_int_equal(peer->receives->len, 2);
    assert_int_equal(rows[0].payload_type, 111);
    assert_int_equal(rows[0].encodings[0].ssrc, 1111);
    assert_int_equal(rows[1].codec, STOA_CODEC_VP8);
    assert_int_equal(rows[1].payload_type, 96);
    assert_int_equal(rows[1].rtx_payload_type, 97);
    assert_int_equal(rows[1].clock_hz, 90000);
    assert_true(rows[1].nack && rows[1].pli && rows[1].fir && rows[1].remb);
    assert_string_equal(rows[1].mid, "v");
    assert_int_equal(peer->ext.kind_of_id[4], STOA_RTP_EXT_MID);
    assert_int_equal(peer->ext.kind_of_id[13], STOA_RTP_EXT_VIDEO_ORIENTATION);
    assert_string_equal(peer->remote_ufrag, bed->client.ufrag);
    assert_string_equal(peer->remote_fingerprint, finger_a);
    assert_false(peer->dtls_client);
    assert_false(peer->controlling);

    assert_int_equal(count_lines(answer, "a=recvonly"), 2);
    assert_int_equal(count_lines(answer, "a=setup:passive"), 2);
    assert_int_equal(count_lines(answer, "a=candidate:*"), 1);
    assert_int_equal(count_lines(answer, "a=end-of-candidates"), 1);
    local = stoa_connection_local_sdp(bed->connection);
    assert_string_equal(local, answer);
    assert_ptr_equal(stoa_connection_track(bed->connection, "v"), bed_track(bed, 1));
    assert_null(stoa_connection_track(bed->connection, "x"));
}

static char *fixture(const char *name)
{
    const char *top = g_getenv("STOA_SRCDIR");
    g_autofree char *path =
        g_build_filename(top ? top : ".", "test", "fixtures", "sdp", name, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        fail_msg("cannot read test/fixtures/sdp/%s: set STOA_SRCDIR to the source tree", name);
    return text;
}

static void every_browser_can_publish_and_hear_itself(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *name;
        unsigned n_tracks, n_sends;
    } cases[] = { { "chromium-audio-video.sdp", 2, 2 }, { "firefox-audio-video.sdp", 2, 2 },
                  { "chromium-simulcast.sdp", 2, 2 },   { "firefox-simulcast.sdp", 2, 2 },
                  { "chromium-datachannel.sdp", 1, 0 }, { "firefox-datachannel.sdp", 1, 0 } };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Bed) bed = bed_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *offer = fixture(cases[i].name);
        g_autofree char *answer = NULL, *kept = NULL;

        bed->echo = true;
        answer = stoa_connection_set_offer(bed->connection, offer, &bed_takes_all, &error);
        if (!answer)
            fail_msg("%s: %s", cases[i].name, error->message);
        assert_int_equal(bed->tracks->len, cases[i].n_tracks);
        assert_int_equal(bed_peer(bed)->sends->len, cases[i].n_sends);
        assert_int_equal(count_lines(answer, "a=sendrecv"), cases[i].n_tracks);
        assert_int_equal(bed_peer(bed)->data, cases[i].n_sends == 0);
        assert_false(stoa_connection_needs_offer(bed->connection));
        kept = stoa_connection_remote_sdp(bed->connection); /* the long ones are packed */
        assert_string_equal(kept, offer);
    }
}

static void a_simulcast_has_its_encodings_highest_first(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = fixture("chromium-simulcast.sdp");
    g_autofree char *answer =
        stoa_connection_set_offer(bed->connection, offer, &bed_takes_all, NULL);
    FakePeer *peer = bed_peer(bed);
    const StoaReceive *video = &g_array_index(peer->receives, StoaReceive, 1);

    assert_non_null(answer);
    assert_true(stoa_track_info(bed_track(bed, 1))->simulcast);
    assert_int_equal(video->n_encodings, 3);
    assert_string_equal(video->encodings[0].rid, "h");
    assert_string_equal(video->encodings[2].rid, "l");
    assert_true(video->twcc);

    peer->events->media(peer->user, video->track, true, 0, 0);
    peer->events->media(peer->user, video->track, false, 2, 1500);
    assert_string_equal(bed->said->str, "media 1 video 2 0.0\nmedia 1 video 0 1.5 silent\n");
}

static void what_the_rules_forbid_is_not_taken(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = {
        { "audio", "a" }, { "video", "v" }, { "application", "d" }, { 0 }
    };
    const StoaMediaRules nothing = { 0 };
    const StoaMediaRules strict = { .receive = true,
                                    .no_audio_level = true,
                                    .no_orientation = true,
                                    .no_transport_cc = true,
                                    .opus_dtx = true };
    g_autoptr(Bed) bed = bed_new();
    g_autoptr(Bed) other = bed_new();
    g_autofree char *answer = bed_offer(bed, lines, &nothing);
    g_autofree char *short_answer = bed_offer(other, lines, &strict);

    assert_int_equal(bed->tracks->len, 0);
    assert_int_equal(count_lines(answer, "a=inactive"), 3); /* data too, with port 0 */
    assert_int_equal(count_lines(answer, "m=application 0 *"), 1);
    assert_false(stoa_connection_has_data(bed->connection));

    assert_int_equal(other->tracks->len, 2);
    assert_int_equal(stoa_track_info(bed_track(other, 0))->audio_level_id, 0);
    assert_int_equal(stoa_track_info(bed_track(other, 1))->orientation_id, 0);
    assert_null(strstr(short_answer, "transport-cc"));
    assert_non_null(strstr(short_answer, "usedtx=1"));
}

static void a_codec_is_chosen_by_the_rules(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = { { "audio", "a", .codecs = "111 opus,0 PCMU" },
                                        { "video", "v", .codecs = "96 VP8,102 H264" },
                                        { 0 } };
    const StoaMediaRules rules = { .receive = true,
                                   .audio_codecs = "pcmu",
                                   .video_codecs = "h264,vp8" };
    g_autoptr(Bed) bed = bed_new();

    g_free(bed_offer(bed, lines, &rules));
    assert_string_equal(stoa_track_info(bed_track(bed, 0))->codec, "pcmu");
    assert_string_equal(stoa_track_info(bed_track(bed, 1))->codec, "h264");
    assert_string_equal(stoa_track_info(bed_track(bed, 1))->h264_profile, "42e01f");
    assert_int_equal(g_array_index(bed_peer(bed)->receives, StoaReceive, 1).payload_type, 102);
}

static void a_client_that_wants_to_wait_makes_us_call(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *text = client_offer(&bed->client, bed_audio_video);
    g_autoptr(GString) offer = g_string_new(text);
    g_autofree char *answer = NULL;

    g_string_replace(offer, "setup:actpass", "setup:passive", 0);
    answer = stoa_connection_set_offer(bed->connection, offer->str, &bed_takes_all, NULL);
    assert_int_equal(count_lines(answer, "a=setup:active"), 2);
    assert_true(bed_peer(bed)->dtls_client);
}

static void an_error_leaves_everything_as_it_was(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *answer = bed_offer(bed, bed_audio_video, &bed_takes_all);
    g_autofree char *good = client_offer(&bed->client, bed_audio_video);
    static const char *const bad[] = { "", "v=0\r\n", "v=0\r\no=- 1 1 IN IP4 0\r\ns=-\r\nt=0 0\r\n",
                                       "hello" };
    FakePeer *peer = bed_peer(bed);
    StoaTrack *video = bed_track(bed, 1);
    g_autofree char *local = NULL, *remote = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_fails(STOA_ERROR_INVALID,
                     stoa_connection_set_offer(bed->connection, bad[i], &bed_takes_all, error));
    assert_fails(STOA_ERROR_INVALID,
                 stoa_connection_set_offer(bed->connection, NULL, &bed_takes_all, error));
    assert_fails(STOA_ERROR_CONFLICT, stoa_connection_set_answer(bed->connection, good, error));

    assert_ptr_equal(bed_track(bed, 1), video);
    assert_int_equal(peer->n_remotes, 1);
    assert_int_equal(peer->receives->len, 2);
    local = stoa_connection_local_sdp(bed->connection);
    assert_string_equal(local, answer);
    remote = stoa_connection_remote_sdp(bed->connection);
    assert_string_equal(remote, good);
    assert_int_equal(bed->n_added, 2);
}

static void a_full_server_says_so_and_can_be_asked_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = client_offer(&bed->client, bed_audio_video);

    fake_is_full = true;
    assert_fails(STOA_ERROR_UNAVAILABLE,
                 stoa_connection_set_offer(bed->connection, offer, &bed_takes_all, error));
    assert_int_equal(bed->n_added, 0);
    assert_null(stoa_connection_local_sdp(bed->connection));
    fake_is_full = false;
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    assert_int_equal(bed->n_added, 2);
}

static void the_limits_of_a_description_hold(void **unused G_GNUC_UNUSED)
{
    StoaConnectionSpec spec = { .events = &bed_events, .sdp_media = 1 };
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = client_offer(&bed->client, bed_audio_video);
    g_autoptr(StoaConnection) few = stoa_connection_new(&spec);
    g_autoptr(StoaConnection) tiny = NULL;

    spec.sdp_bytes = 100;
    tiny = stoa_connection_new(&spec);
    assert_fails(STOA_ERROR_LIMIT, stoa_connection_set_offer(few, offer, &bed_takes_all, error));
    assert_fails(STOA_ERROR_LIMIT, stoa_connection_set_offer(tiny, offer, &bed_takes_all, error));
}

static void another_peerconnection_is_not_mistaken_for_this_one(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;

    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    bed->client.fingerprint = "sha-256 "
                              "BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:"
                              "BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB";
    offer = client_offer(&bed->client, bed_audio_video);
    assert_fails(STOA_ERROR_INVALID,
                 stoa_connection_set_offer(bed->connection, offer, &bed_takes_all, error));
    assert_string_equal(bed_peer(bed)->remote_fingerprint, finger_a);
}

static void candidates_that_come_early_are_kept(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;

    stoa_connection_add_candidate(bed->connection, "candidate:1 1 udp 1 192.0.2.9 9 typ host");
    stoa_connection_add_candidate(bed->connection, "a=candidate:2 1 udp 1 192.0.2.9 10 typ host");
    stoa_connection_add_candidate(bed->connection, NULL);
    for (unsigned i = 0; i < 1000; i++)
        stoa_connection_add_candidate(bed->connection, "candidate:3 1 udp 1 192.0.2.9 9 typ host");
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    peer = bed_peer(bed);
    assert_int_equal(peer->candidates->len, 65);
    assert_string_equal(g_ptr_array_index(peer->candidates, 1),
                        "candidate:2 1 udp 1 192.0.2.9 10 typ host");
    assert_string_equal(g_ptr_array_index(peer->candidates, 64), "end");
    stoa_connection_add_candidate(bed->connection, "candidate:9 1 udp 1 192.0.2.9 9 typ host");
    assert_int_equal(peer->candidates->len, 66);
}

static void our_own_candidates_are_trickled_for_the_first_mline(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *answer = NULL;
    FakePeer *peer;

    fake_is_gathering = true;
    answer = bed_offer(bed, bed_audio_video, &bed_takes_all);
    assert_int_equal(count_lines(answer, "a=end-of-candidates"), 0);
    assert_int_equal(count_lines(answer, "a=ice-options:trickle"), 2);
    peer = bed_peer(bed);
    peer->events->candidate(peer->user, "candidate:7");
    peer->events->candidate(peer->user, NULL);
    assert_string_equal(bed->said->str, "candidate candidate:7 a 0\ncandidate end a 0\n");
}

static void events_speak_of_mids(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;
    const StoaReceive *rows;
    const StoaSend *sends;

    bed->echo = true;
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    peer = bed_peer(bed);
    rows = (const StoaReceive *)peer->receives->data;
    sends = (const StoaSend *)peer->sends->data;
    peer->events->up(peer->user);
    peer->events->media(peer->user, rows[0].track, true, -1, 0);
    peer->events->slowlink(peer->user, rows[1].track, true, 12);
    peer->events->slowlink(peer->user, sends[0].sink, false, 3);
    peer->events->layer(peer->user, sends[1].sink, 2, -1);
    peer->events->talking(peer->user, rows[0].track, true, 31);
    peer->events->data_open(peer->user, "chat", "p");
    peer->events->data(peer->user, &(StoaDataChannel){ .label = "chat", .protocol = "p" }, "hello",
                       5, true);
    peer->events->media(peer->user, 99, true, -1, 0); /* one that is gone */
    peer->events->layer(peer->user, 99, 1, 1);
    assert_true(stoa_connection_is_up(bed->connection));
    peer->events->down(peer->user, STOA_DOWN_DTLS_ALERT);
    assert_string_equal(bed->said->str, "up\nmedia a audio -1 0.0\nslowlink v video up 12\n"
                                        "slowlink a audio down 3\nlayer v 2 -1\ntalks a 31\n"
                                        "data open chat p\ndata chat hello\ndown: DTLS alert\n");
    assert_false(stoa_connection_is_up(bed->connection));
}

static void a_dead_connection_takes_nothing_more(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autoptr(Bed) publisher = bed_publisher(bed_audio_video);
    g_autofree char *offer = client_offer(&bed->client, bed_audio_video);
    FakePeer *peer;

    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    peer = bed_peer(bed);
    peer->events->down(peer->user, STOA_DOWN_ICE);
    assert_string_equal(bed->said->str, "down: ICE failed (ice)\n");
    assert_fails(STOA_ERROR_UNAVAILABLE,
                 stoa_connection_set_offer(bed->connection, offer, &bed_takes_all, error));
    assert_fails(STOA_ERROR_UNAVAILABLE, stoa_connection_make_offer(bed->connection, true, error));
    assert_fails(STOA_ERROR_UNAVAILABLE,
                 stoa_connection_add_sink(bed->connection, bed_track(publisher, 0), error));
}

static void it_can_be_freed_while_it_calls(void **unused G_GNUC_UNUSED)
{
    static const ClientLine nothing[] = { { "audio", "a", "recvonly" },
                                          { "video", "v", "recvonly" },
                                          { 0 } };
    g_autoptr(Bed) early = bed_new();
    g_autoptr(Bed) late = bed_new();
    g_autofree char *first = client_offer(&early->client, bed_audio_video);
    g_autofree char *second = client_offer(&late->client, nothing);

    early->free_on_added = true;
    assert_fails(STOA_ERROR_UNAVAILABLE,
                 stoa_connection_set_offer(early->connection, first, &bed_takes_all, error));
    assert_int_equal(early->n_removed, 1); /* the other was never told of */

    g_free(bed_offer(late, bed_audio_video, &bed_takes_all));
    late->free_on_removed = true;
    assert_fails(STOA_ERROR_UNAVAILABLE,
                 stoa_connection_set_offer(late->connection, second, &bed_takes_all, error));
    assert_int_equal(late->n_removed, 2);
}

static void a_data_section_is_a_track_of_its_own(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = { { "application", "d" }, { 0 } };
    g_autoptr(Bed) bed = bed_new();
    StoaSink *sink;

    assert_false(stoa_connection_send_data(bed->connection, NULL, "x", 1, true));
    bed->echo = true;
    g_free(bed_offer(bed, lines, &bed_takes_all));
    assert_int_equal(stoa_track_info(bed_track(bed, 0))->kind, STOA_DATA);
    assert_null(stoa_track_info(bed_track(bed, 0))->codec);
    assert_true(bed_peer(bed)->data);
    assert_true(stoa_connection_has_data(bed->connection));
    assert_true(stoa_connection_send_data(bed->connection, NULL, "x", 1, true));
    assert_false(stoa_connection_needs_offer(bed->connection));
    sink = stoa_connection_sink(bed->connection, "d");
    assert_non_null(sink);
    assert_false(stoa_sink_ready(sink));
    bed_go_up(bed);
    assert_true(stoa_sink_ready(sink));
    assert_fails(STOA_ERROR_INVALID, stoa_track_tap(bed_track(bed, 0), NULL, NULL, NULL, error));
}

static void tap(const StoaPacket *packet G_GNUC_UNUSED, void *data G_GNUC_UNUSED)
{
}

static void wishes_for_a_track_reach_its_worker(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    StoaTrack *audio, *video;
    FakePeer *peer;
    int freed = 0;

    stoa_connection_bitrate(bed->connection, 300000);
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    audio = bed_track(bed, 0);
    video = bed_track(bed, 1);
    peer = bed_peer(bed);
    assert_int_equal(peer->bitrate_bps, 300000);
    stoa_connection_bitrate(bed->connection, 0);
    assert_int_equal(peer->bitrate_bps, 0);

    stoa_track_mute(video, true);
    assert_int_equal(peer->muted, 2);
    assert_int_equal(peer->n_keyframes, 0);
    stoa_track_mute(video, false);
    stoa_track_keyframe(video);
    stoa_track_keyframe(audio);
    assert_int_equal(peer->n_keyframes, 2);
    stoa_track_watch_level(audio, 100, 25);
    assert_int_equal(peer->watched, 1);

    assert_true(stoa_track_tap(video, tap, NULL, NULL, NULL));
    assert_fails(STOA_ERROR_CONFLICT, stoa_track_tap(video, tap, NULL, NULL, error));
    stoa_track_untap(video);
    assert_true(stoa_track_tap(video, tap, NULL, NULL, NULL)); /* left on: ends with the track */
    stoa_track_set_data(video, &freed, NULL);
    assert_ptr_equal(stoa_track_data(video), &freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
        TEST(a_publishers_offer_makes_tracks_and_tables),
        TEST(every_browser_can_publish_and_hear_itself),
        TEST(a_simulcast_has_its_encodings_highest_first),
        TEST(what_the_rules_forbid_is_not_taken),
        TEST(a_codec_is_chosen_by_the_rules),
        TEST(a_client_that_wants_to_wait_makes_us_call),
        TEST(an_error_leaves_everything_as_it_was),
        TEST(a_full_server_says_so_and_can_be_asked_again),
        TEST(the_limits_of_a_description_hold),
        TEST(another_peerconnection_is_not_mistaken_for_this_one),
        TEST(candidates_that_come_early_are_kept),
        TEST(our_own_candidates_are_trickled_for_the_first_mline),
        TEST(events_speak_of_mids),
        TEST(a_dead_connection_takes_nothing_more),
        TEST(it_can_be_freed_while_it_calls),
        TEST(a_data_section_is_a_track_of_its_own),
        TEST(wishes_for_a_track_reach_its_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
