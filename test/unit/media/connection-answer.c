/* SPDX-License-Identifier: MIT */
/* The client offers again and again: echo, renegotiation, ICE restart. */
#include "connection-bed.h"

static const ClientLine audio_only[] = { { "audio", "a", .ssrc = 1111 }, { 0 } };
static const ClientLine video_off[] = { { "audio", "a", .ssrc = 1111 },
                                        { "video", "v", "recvonly" },
                                        { 0 } };
static const ClientLine video_stopped[] = { { "audio", "a", .ssrc = 1111 },
                                            { "video", "v", .stopped = true },
                                            { 0 } };

static void an_echo_takes_the_mline_that_it_came_on(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *answer = NULL;
    g_autofree char *ssrc = NULL;
    FakePeer *peer;
    const StoaSend *sends;
    StoaSink *sink;

    bed->echo = true;
    answer = bed_offer(bed, bed_audio_video, &bed_takes_all);
    peer = bed_peer(bed);
    sends = (const StoaSend *)peer->sends->data;
    sink = stoa_connection_sink(bed->connection, "v");
    assert_non_null(sink);
    assert_ptr_equal(stoa_sink_track(sink), bed_track(bed, 1));
    assert_string_equal(stoa_sink_codec(sink), "vp8");
    assert_int_equal(stoa_sink_mindex(sink), 1);

    assert_int_equal(peer->sends->len, 2);
    assert_string_equal(sends[1].mid, "v");
    assert_int_equal(sends[1].payload_type, 96);
    assert_int_equal(sends[1].rtx_payload_type, 97);
    assert_true(sends[1].nack && sends[1].pli);
    assert_int_equal(sends[1].ext.id_of_kind[STOA_RTP_EXT_MID], 4);
    assert_int_equal(sends[1].ext.id_of_kind[STOA_RTP_EXT_VIDEO_ORIENTATION], 13);
    assert_int_equal(fake_route(peer->id, sends[1].sink).track, 2);
    assert_int_equal(fake_route(peer->id, sends[1].sink).peer, peer->id);

    assert_int_equal(count_lines(answer, "a=sendrecv"), 2);
    ssrc = g_strdup_printf("a=ssrc-group:FID %u %u", sends[1].ssrc, sends[1].rtx_ssrc);
    assert_int_equal(count_lines(answer, ssrc), 1);
    assert_false(stoa_sink_ready(sink));
    bed_go_up(bed);
    assert_true(stoa_sink_ready(sink));
    assert_int_equal(peer->n_keyframes, 1);
}

static void a_track_lives_through_renegotiation(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    StoaTrack *audio, *video;
    FakePeer *peer;

    bed->echo = true;
    g_free(bed_offer(bed, audio_only, &bed_takes_all));
    audio = bed_track(bed, 0);
    peer = bed_peer(bed);

    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    video = bed_track(bed, 1);
    assert_ptr_equal(bed_track(bed, 0), audio);
    assert_int_equal(bed->n_added, 2);
    assert_int_equal(peer->receives->len, 2);
    assert_int_equal(peer->n_remotes, 1); /* nothing new about the transport */
    assert_int_equal(peer->n_restarts, 0);

    g_free(bed_offer(bed, video_off, &bed_takes_all));
    assert_int_equal(bed->n_removed, 1);
    assert_int_equal(peer->receives->len, 1);
    assert_int_equal(fake_route(peer->id, 2).peer, 0);

    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    assert_int_equal(bed->n_added, 3);
    assert_int_equal(stoa_connection_sink(bed->connection, "v") != NULL, 1);
    assert_ptr_equal(stoa_sink_track(stoa_connection_sink(bed->connection, "v")),
                     bed_track(bed, 1));
    assert_ptr_equal(bed_track(bed, 0), audio);
    assert_int_equal(g_array_index(peer->receives, StoaReceive, 1).track, 3); /* never used again */
    assert_int_equal(fake_route(peer->id, 2).track, 3);
    (void)video;
}

static void a_stopped_mline_may_come_back_as_another(void **unused G_GNUC_UNUSED)
{
    static const ClientLine other[] = { { "audio", "a", .ssrc = 1111 },
                                        { "audio", "a2", .ssrc = 3333 },
                                        { 0 } };
    g_autoptr(Bed) bed = bed_new();

    bed->echo = true;
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    g_free(bed_offer(bed, video_stopped, &bed_takes_all));
    assert_int_equal(bed->tracks->len, 1);
    g_free(bed_offer(bed, other, &bed_takes_all));
    assert_int_equal(bed->tracks->len, 2);
    assert_string_equal(stoa_track_info(bed_track(bed, 1))->mid, "a2");
    assert_null(stoa_connection_sink(bed->connection, "v"));
    assert_non_null(stoa_connection_sink(bed->connection, "a2"));
    assert_int_equal(bed_peer(bed)->sends->len, 3); /* the video's row is asleep */
}

static void another_codec_is_another_track(void **unused G_GNUC_UNUSED)
{
    static const ClientLine h264[] = { { "audio", "a", .ssrc = 1111 },
                                       { "video", "v", .codecs = "102 H264", .ssrc = 2222 },
                                       { 0 } };
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;
    uint32_t ssrc;

    bed->echo = true;
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    peer = bed_peer(bed);
    ssrc = fake_row(peer->id, 2)->ssrc;
    g_free(bed_offer(bed, h264, &bed_takes_all));
    assert_int_equal(bed->n_removed, 1);
    assert_string_equal(stoa_track_info(bed_track(bed, 1))->codec, "h264");
    assert_string_equal(stoa_sink_codec(stoa_connection_sink(bed->connection, "v")), "h264");
    assert_int_equal(fake_row(peer->id, 2)->codec, STOA_CODEC_H264);
    assert_int_equal(fake_row(peer->id, 2)->ssrc, ssrc);
    assert_int_equal(fake_route(peer->id, 2).track, 3);
}

static void an_ice_restart_changes_credentials_and_nothing_else(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    FakePeer *peer;

    bed->echo = true;
    before = bed_offer(bed, bed_audio_video, &bed_takes_all);
    peer = bed_peer(bed);
    g_strlcpy(bed->client.ufrag, "restarted", sizeof bed->client.ufrag);
    after = bed_offer(bed, bed_audio_video, &bed_takes_all);
    assert_int_equal(peer->n_restarts, 1);
    assert_int_equal(peer->n_remotes, 2);
    assert_string_equal(peer->remote_ufrag, "restarted");
    assert_int_equal(count_lines(before, "a=ice-ufrag:srv1.0"), 2);
    assert_int_equal(count_lines(after, "a=ice-ufrag:srv1.1"), 2);
    assert_int_equal(bed->n_added, 2);
    assert_int_equal(bed->n_removed, 0);
    assert_int_equal(fake_peers->len, 1);
}

static void tracks_of_others_find_mlines_of_the_same_codec(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = { { "video", "0", "recvonly", .codecs = "102 H264" },
                                        { "video", "1", "recvonly" },
                                        { "video", "2", "sendonly" },
                                        { 0 } };
    g_autoptr(Bed) publisher = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    StoaSink *sink, *later;

    /* Outside an offer a sink waits for our own. */
    sink = bed_add_sink(bed, bed_track(publisher, 1));
    assert_null(stoa_sink_mid(sink));
    assert_true(stoa_connection_needs_offer(bed->connection));
    first = bed_offer(bed, lines, &bed_takes_all);
    assert_null(stoa_sink_mid(sink));
    assert_true(stoa_connection_needs_offer(bed->connection));
    assert_int_equal(count_lines(first, "a=inactive"), 2);
    later = bed_add_sink(bed, bed_track(publisher, 1));
    assert_null(stoa_sink_mid(later));

    bed->echo = true; /* "2" cannot be sent back on a sendonly line: it takes line "1" */
    second = bed_offer(bed,
                       (const ClientLine[]){ { "video", "0", "recvonly", .codecs = "102 H264" },
                                             { "video", "1", "recvonly" },
                                             { "video", "2", "recvonly" },
                                             { "video", "3", "sendonly" },
                                             { 0 } },
                       &bed_takes_all);
    assert_non_null(stoa_connection_sink(bed->connection, "1"));
    assert_null(stoa_connection_sink(bed->connection, "2"));
    assert_int_equal(count_lines(second, "a=sendonly"), 1);
}

static void a_client_that_stops_listening_gets_nothing(void **unused G_GNUC_UNUSED)
{
    static const ClientLine deaf[] = { { "audio", "a", .ssrc = 1111 },
                                       { "video", "v", "sendonly", .ssrc = 2222 },
                                       { 0 } };
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;

    bed->echo = true;
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    peer = bed_peer(bed);
    bed_go_up(bed);
    g_free(bed_offer(bed, deaf, &bed_takes_all));
    assert_int_equal(bed->n_removed, 0);
    assert_int_equal(fake_route(peer->id, 2).peer, 0);
    assert_false(stoa_sink_ready(stoa_connection_sink(bed->connection, "v")));
    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    assert_int_equal(fake_route(peer->id, 2).track, 2);
    assert_true(stoa_sink_ready(stoa_connection_sink(bed->connection, "v")));
}

static void an_offer_of_the_client_waits_for_its_turn(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) publisher = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *ours = NULL;
    g_autofree char *theirs = NULL;

    g_free(bed_offer(bed, audio_only, &bed_takes_all));
    bed_add_sink(bed, bed_track(publisher, 1));
    ours = bed_make_offer(bed);
    theirs = client_offer(&bed->client, audio_only);
    assert_fails(STOA_ERROR_CONFLICT,
                 stoa_connection_set_offer(bed->connection, theirs, &bed_takes_all, error));
    assert_int_equal(bed->n_removed, 0);
    bed_answer(bed, ours, NULL);
    g_free(bed_offer(
        bed,
        (const ClientLine[]){ { "audio", "a", .ssrc = 1111 }, { "video", "1", "recvonly" }, { 0 } },
        &bed_takes_all));
    assert_int_equal(fake_route(bed_peer(bed)->id, 1).peer, bed_peer(publisher)->id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
        TEST(an_echo_takes_the_mline_that_it_came_on),
        TEST(a_track_lives_through_renegotiation),
        TEST(a_stopped_mline_may_come_back_as_another),
        TEST(another_codec_is_another_track),
        TEST(an_ice_restart_changes_credentials_and_nothing_else),
        TEST(tracks_of_others_find_mlines_of_the_same_codec),
        TEST(a_client_that_stops_listening_gets_nothing),
        TEST(an_offer_of_the_client_waits_for_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
