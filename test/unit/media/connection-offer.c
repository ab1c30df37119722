/* SPDX-License-Identifier: MIT */
/* We offer, the client answers: subscriptions that grow, shrink, switch and restart. */
#include "connection-bed.h"

static void a_subscriber_is_offered_several_streams(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) ben = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    StoaSink *sinks[4];
    FakePeer *peer;

    for (unsigned i = 0; i < 4; i++)
        sinks[i] = bed_add_sink(bed, bed_track(i < 2 ? ana : ben, i % 2));
    assert_null(stoa_sink_mid(sinks[0]));
    assert_true(stoa_connection_needs_offer(bed->connection));
    offer = bed_make_offer(bed);
    assert_false(stoa_connection_needs_offer(bed->connection));
    assert_true(stoa_connection_offer_pending(bed->connection));
    assert_string_equal(stoa_sink_mid(sinks[3]), "3");
    peer = bed_peer(bed);
    assert_true(peer->controlling);
    assert_int_equal(peer->sends->len, 0);
    assert_int_equal(count_lines(offer, "m=audio*"), 2);
    assert_int_equal(count_lines(offer, "a=sendonly"), 4);
    assert_int_equal(count_lines(offer, "a=setup:actpass"), 4);
    assert_int_equal(count_lines(offer, "a=ssrc-group:FID*"), 2);
    assert_int_equal(count_lines(offer, "a=extmap:*video-orientation"), 0);
    assert_int_equal(count_lines(offer, "a=rtcp-fb:96 transport-cc"), 2);
    assert_int_equal(count_lines(offer, "a=rtcp-fb:97 transport-cc"), 2);
    assert_non_null(strstr(offer, "transport-wide-cc"));
    assert_non_null(strstr(offer, "goog-remb"));
    assert_non_null(strstr(offer, "ssrc-audio-level"));

    bed_answer(bed, offer, NULL);
    assert_false(stoa_connection_offer_pending(bed->connection));
    assert_int_equal(peer->sends->len, 4);
    assert_int_equal(fake_route(peer->id, 4).peer, bed_peer(ben)->id);
    assert_int_equal(fake_route(peer->id, 4).track, 2);
    assert_false(peer->dtls_client);
    assert_false(stoa_sink_ready(sinks[3]));
    bed_go_up(bed);
    assert_true(stoa_sink_ready(sinks[3]));
    assert_int_equal(bed_peer(ben)->n_keyframes, 1);
    assert_fails(STOA_ERROR_CONFLICT, stoa_connection_set_answer(bed->connection, offer, error));
}

static void audio_and_video_of_a_publisher_share_a_stream(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_auto(GStrv) lines = NULL;
    g_autofree char *stream = NULL;
    unsigned n = 0;

    bed_add_sink(bed, bed_track(ana, 0));
    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    lines = g_strsplit(offer, "\r\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", -1);

        if (!g_str_has_prefix(*line, "a=msid:"))
            continue;
        assert_true(!stream || g_str_equal(stream, words[0]));
        g_free(stream);
        stream = g_strdup(words[0]);
        n++;
    }
    assert_int_equal(n, 2);
    bed_answer(bed, offer, NULL);
}

static void two_sinks_of_a_track_have_names_of_their_own(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_auto(GStrv) parts = NULL;

    bed_add_sink(bed, bed_track(ana, 1));
    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    parts = g_strsplit(offer, "a=msid:", -1);
    assert_int_equal(g_strv_length(parts), 3);
    for (char **part = parts + 1; *part; part++)
        *strchr(*part, '\r') = '\0';
    assert_string_not_equal(parts[1], parts[2]);
    bed_answer(bed, offer, NULL);
}

static void there_must_be_something_to_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();

    assert_false(stoa_connection_needs_offer(bed->connection));
    assert_fails(STOA_ERROR_CONFLICT, stoa_connection_make_offer(bed->connection, false, error));
    assert_int_equal(fake_peers->len, 0);
}

static void a_freed_mline_is_inactive_and_taken_again(void **unused G_GNUC_UNUSED)
{
    static const ClientLine h264[] = { { "video", "x", .codecs = "102 H264" }, { 0 } };
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) ben = bed_publisher(h264);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_autofree char *again = NULL;
    FakePeer *peer;
    StoaSink *audio, *video, *reused;
    uint32_t ssrc;

    audio = bed_add_sink(bed, bed_track(ana, 0));
    video = bed_add_sink(bed, bed_track(ana, 1));
    bed_negotiate(bed);
    bed_go_up(bed);
    peer = bed_peer(bed);
    ssrc = fake_row(peer->id, 2)->ssrc;

    stoa_sink_remove(video);
    assert_false(stoa_sink_active(video));
    assert_false(stoa_sink_ready(video));
    assert_null(stoa_sink_track(video));
    assert_int_equal(fake_route(peer->id, 2).peer, 0);
    assert_true(stoa_connection_needs_offer(bed->connection));
    offer = bed_make_offer(bed);
    assert_int_equal(count_lines(offer, "a=inactive"), 1);
    bed_answer(bed, offer, NULL);
    assert_true(stoa_sink_ready(audio));

    reused = bed_add_sink(bed, bed_track(ben, 0));
    assert_ptr_equal(reused, video);
    assert_true(stoa_sink_active(video));
    assert_true(stoa_connection_needs_offer(bed->connection));
    assert_int_equal(fake_route(peer->id, 2).peer, 0); /* not before the client knows */
    again = bed_make_offer(bed);
    assert_int_equal(count_lines(again, "m=*"), 2);
    bed_answer(bed, again, NULL);
    assert_int_equal(fake_route(peer->id, 2).peer, bed_peer(ben)->id);
    assert_int_equal(fake_row(peer->id, 2)->codec, STOA_CODEC_H264);
    assert_int_not_equal(fake_row(peer->id, 2)->ssrc,
                         ssrc); /* Chromium shows nothing of the old one any more */
    assert_string_equal(stoa_sink_codec(video), "h264");
}

static void a_slot_taken_again_at_once_waits_for_the_answer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) ben = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    FakePeer *peer;
    StoaSink *video = bed_add_sink(bed, bed_track(ana, 1));

    bed_negotiate(bed);
    peer = bed_peer(bed);
    stoa_sink_pause(video, true);
    stoa_sink_limit(video, 2, 1);
    assert_string_equal(fake_wish(peer->id, "pause", 1), "true");
    assert_string_equal(fake_wish(peer->id, "limit", 1), "2 1");
    stoa_sink_remove(video);
    assert_ptr_equal(bed_add_sink(bed, bed_track(ben, 1)), video);
    assert_string_equal(fake_wish(peer->id, "pause", 1), "false");
    assert_string_equal(fake_wish(peer->id, "limit", 1), "2 2");
    assert_int_equal(fake_route(peer->id, 1).peer, 0);

    /* The same again while our offer is on its way: its answer speaks of the one before. */
    offer = bed_make_offer(bed);
    stoa_sink_remove(video);
    bed_add_sink(bed, bed_track(ana, 1));
    bed_answer(bed, offer, NULL);
    assert_int_equal(fake_route(peer->id, 1).peer, 0);
    assert_true(stoa_connection_needs_offer(bed->connection));
    bed_negotiate(bed);
    assert_int_equal(fake_route(peer->id, 1).peer, bed_peer(ana)->id);
}

static void a_switch_needs_no_offer(void **unused G_GNUC_UNUSED)
{
    static const ClientLine h264[] = { { "video", "x", .codecs = "102 H264" }, { 0 } };
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) ben = bed_publisher(bed_audio_video);
    g_autoptr(Bed) cid = bed_publisher(h264);
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;
    StoaSink *video = bed_add_sink(bed, bed_track(ana, 1));

    bed_negotiate(bed);
    bed_go_up(bed);
    peer = bed_peer(bed);
    assert_true(stoa_sink_switch(video, bed_track(ben, 1), NULL));
    assert_int_equal(fake_route(peer->id, 1).peer, bed_peer(ben)->id);
    assert_int_equal(bed_peer(ben)->n_keyframes, 1);
    assert_ptr_equal(stoa_sink_track(video), bed_track(ben, 1));
    assert_false(stoa_connection_needs_offer(bed->connection));

    assert_fails(STOA_ERROR_INVALID, stoa_sink_switch(video, bed_track(ben, 0), error));
    assert_fails(STOA_ERROR_INVALID, stoa_sink_switch(video, bed_track(cid, 0), error));
    assert_ptr_equal(stoa_sink_track(video), bed_track(ben, 1));
    assert_true(stoa_sink_switch(video, NULL, NULL));
    assert_int_equal(fake_route(peer->id, 1).peer, 0);
    assert_true(stoa_sink_active(video));
    stoa_sink_remove(video);
    assert_fails(STOA_ERROR_CONFLICT, stoa_sink_switch(video, bed_track(ben, 1), error));
}

static void a_sink_outlives_its_track(void **unused G_GNUC_UNUSED)
{
    Bed *ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    FakePeer *peer;
    StoaSink *video = bed_add_sink(bed, bed_track(ana, 1));

    bed_negotiate(bed);
    peer = bed_peer(bed);
    bed_free(ana);
    assert_null(stoa_sink_track(video));
    assert_int_equal(fake_route(peer->id, 1).peer, 0);
    assert_true(stoa_sink_active(video));
    assert_false(stoa_connection_needs_offer(bed->connection));
    stoa_sink_remove(video);
    assert_true(stoa_connection_needs_offer(bed->connection));
    bed_negotiate(bed);
}

static void a_restart_has_new_credentials(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *offer = NULL;
    FakePeer *peer;

    bed_add_sink(bed, bed_track(ana, 1));
    bed_negotiate(bed);
    peer = bed_peer(bed);
    offer = stoa_connection_make_offer(bed->connection, true, &error);
    assert_non_null(offer);
    assert_int_equal(peer->n_restarts, 1);
    assert_int_equal(count_lines(offer, "a=ice-ufrag:srv2.1"), 1);
    g_strlcpy(bed->client.ufrag, "restarted", sizeof bed->client.ufrag);
    bed_answer(bed, offer, NULL);
    assert_int_equal(peer->n_restarts, 1); /* not once more for the answer */
    assert_string_equal(peer->remote_ufrag, "restarted");
    assert_int_equal(fake_route(peer->id, 1).track, 2);
}

static void only_a_restart_replaces_a_pending_offer(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_autofree char *restarted = NULL;

    bed_add_sink(bed, bed_track(ana, 0));
    offer = bed_make_offer(bed);
    bed_add_sink(bed, bed_track(ana, 1));
    assert_true(stoa_connection_needs_offer(bed->connection));
    assert_fails(STOA_ERROR_CONFLICT, stoa_connection_make_offer(bed->connection, false, error));
    restarted = stoa_connection_make_offer(bed->connection, true, NULL);
    assert_non_null(restarted);
    assert_int_equal(count_lines(restarted, "m=*"), 2);
    assert_false(stoa_connection_needs_offer(bed->connection));
    {
        g_autofree char *late = client_answer(&bed->client, offer, NULL);

        assert_fails(STOA_ERROR_INVALID, stoa_connection_set_answer(bed->connection, late, error));
    }
    assert_true(stoa_connection_offer_pending(bed->connection));
    bed_answer(bed, restarted, NULL);
    assert_int_equal(bed_peer(bed)->sends->len, 2);
}

static void the_answers_payload_types_are_used(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_autofree char *answer = NULL;
    g_autoptr(GString) text = NULL;
    const StoaSend *row;

    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    answer = client_answer(&bed->client, offer, NULL);
    text = g_string_new(answer);
    assert_int_equal(g_string_replace(text, " 96 97\r\n", " 50 51\r\n", 0), 1);
    g_string_replace(text, ":96 ", ":50 ", 0);
    g_string_replace(text, ":97 ", ":51 ", 0);
    g_string_replace(text, "apt=96", "apt=50", 0);
    assert_true(stoa_connection_set_answer(bed->connection, text->str, NULL));
    row = fake_row(bed_peer(bed)->id, 1);
    assert_int_equal(row->payload_type, 50);
    assert_int_equal(row->rtx_payload_type, 51);
}

static void an_answer_without_rtx_is_respected(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_autofree char *answer = NULL;
    g_autoptr(GString) text = NULL;
    const StoaSend *row;

    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    answer = client_answer(&bed->client, offer, NULL);
    text = g_string_new(answer);
    assert_int_equal(g_string_replace(text, " 96 97\r\n", " 96\r\n", 0), 1);
    assert_int_equal(g_string_replace(text, "a=rtpmap:97 rtx/90000\r\n", "", 0), 1);
    assert_int_equal(g_string_replace(text, "a=fmtp:97 apt=96\r\n", "", 0), 1);
    assert_true(stoa_connection_set_answer(bed->connection, text->str, NULL));
    row = fake_row(bed_peer(bed)->id, 1);
    assert_int_equal(row->rtx_payload_type, 0);
    assert_int_equal(row->rtx_ssrc, 0);
}

static void a_refused_mline_is_not_ready_and_its_place_is_used_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    g_autofree char *second = NULL;
    g_autofree char *third = NULL;
    StoaSink *audio = bed_add_sink(bed, bed_track(ana, 0));
    StoaSink *video = bed_add_sink(bed, bed_track(ana, 1));
    FakePeer *peer;

    offer = bed_make_offer(bed);
    bed_answer(bed, offer, ",1,");
    bed_go_up(bed);
    peer = bed_peer(bed);
    assert_true(stoa_sink_ready(audio));
    assert_false(stoa_sink_ready(video));
    assert_null(fake_send(peer->id, 2));
    assert_int_equal(fake_route(peer->id, 2).peer, 0);
    assert_false(stoa_connection_needs_offer(bed->connection)); /* or we would ask for ever */

    second = stoa_connection_make_offer(bed->connection, true, NULL);
    assert_int_equal(count_lines(second, "m=video 0*"), 1);
    bed_answer(bed, second, NULL);
    assert_false(stoa_sink_ready(video));

    stoa_sink_remove(video);
    assert_ptr_equal(bed_add_sink(bed, bed_track(ana, 1)), video);
    third = bed_make_offer(bed);
    assert_int_equal(count_lines(third, "m=*"), 2);
    assert_int_equal(count_lines(third, "m=video 9*"), 1);
    assert_string_equal(stoa_sink_mid(video), "2"); /* never the mid of before */
    assert_int_equal(stoa_sink_mindex(video), 1);
    bed_answer(bed, third, NULL);
    assert_true(stoa_sink_ready(video));
    assert_int_equal(fake_route(peer->id, 2).track, 2);
}

static void bad_answers_leave_the_offer_pending(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;

    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    assert_fails(STOA_ERROR_INVALID, stoa_connection_set_answer(bed->connection, "no", error));
    assert_fails(STOA_ERROR_INVALID, stoa_connection_set_answer(bed->connection, NULL, error));
    assert_true(stoa_connection_offer_pending(bed->connection));
    assert_int_equal(bed_peer(bed)->n_remotes, 0);
    assert_null(stoa_connection_remote_sdp(bed->connection));
    bed_answer(bed, offer, NULL);
}

static void wishes_of_a_sink_wait_for_its_row(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    StoaSink *video = bed_add_sink(bed, bed_track(ana, 1));
    FakePeer *peer;

    stoa_sink_pause(video, true);
    stoa_sink_limit(video, 0, -1);
    stoa_sink_limit_spatial(video, 5);
    stoa_sink_fallback(video, 500000);
    stoa_track_delay(bed_track(ana, 1), 50, -1);
    bed_negotiate(bed);
    bed_go_up(bed);
    peer = bed_peer(bed);
    assert_string_equal(fake_wish(peer->id, "pause", 1), "true");
    assert_string_equal(fake_wish(peer->id, "limit", 1), "0 -1");
    assert_string_equal(fake_wish(peer->id, "spatial", 1), "2");
    assert_string_equal(fake_wish(peer->id, "fallback", 1), "500000");
    assert_string_equal(fake_wish(peer->id, "delay", 1), "5 1000");
    stoa_sink_delay(video, 1, 50000);
    assert_string_equal(fake_wish(peer->id, "delay", 1), "0 4095");
    stoa_track_delay(bed_track(ana, 1), -1, -1);
    assert_string_equal(fake_wish(peer->id, "delay", 1), "0 4095");
    stoa_sink_delay(video, -1, -1);
    assert_string_equal(fake_wish(peer->id, "delay", 1), "-1 -1");
    assert_int_equal(bed_peer(ana)->n_keyframes, 0);
    stoa_sink_pause(video, false);
    assert_string_equal(fake_wish(peer->id, "pause", 1), "false");
    assert_int_equal(bed_peer(ana)->n_keyframes, 1);
}

static void data_channels_are_offered_when_wanted(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = { { "application", "d" }, { 0 } };
    g_autoptr(Bed) ana = bed_publisher(lines);
    g_autoptr(Bed) ben = bed_publisher(lines);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    StoaSink *sink = bed_add_sink(bed, bed_track(ana, 0));

    assert_ptr_equal(bed_add_sink(bed, bed_track(ben, 0)), sink); /* one section for all */
    assert_true(stoa_connection_needs_offer(bed->connection));
    offer = bed_make_offer(bed);
    assert_int_equal(count_lines(offer, "m=application*"), 1);
    assert_string_equal(stoa_sink_mid(sink), "0");
    assert_false(stoa_connection_has_data(bed->connection));
    bed_answer(bed, offer, NULL);
    assert_true(stoa_connection_has_data(bed->connection));
    assert_true(bed_peer(bed)->data);
    assert_int_equal(bed->tracks->len, 0);
    assert_false(stoa_connection_needs_offer(bed->connection));
}

static void refused_data_is_not_asked_for_again(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;

    stoa_connection_want_data(bed->connection);
    offer = bed_make_offer(bed);
    bed_answer(bed, offer, ",0,");
    assert_false(stoa_connection_has_data(bed->connection));
    assert_false(stoa_connection_needs_offer(bed->connection));
}

static void one_connection_can_do_both(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autofree char *offer = NULL;
    StoaTrack *own;
    FakePeer *peer;

    g_free(bed_offer(bed, bed_audio_video, &bed_takes_all));
    own = bed_track(bed, 1);
    peer = bed_peer(bed);
    bed_add_sink(bed, bed_track(ana, 1));
    offer = bed_make_offer(bed);
    assert_int_equal(count_lines(offer, "m=*"), 3);
    assert_int_equal(count_lines(offer, "a=recvonly"), 2);
    assert_int_equal(count_lines(offer, "a=sendonly"), 1);
    assert_int_equal(count_lines(offer, "a=mid:v"), 1);
    bed_answer(bed, offer, NULL);
    assert_ptr_equal(bed_track(bed, 1), own);
    assert_int_equal(bed->n_removed, 0);
    assert_int_equal(peer->receives->len, 2);
    assert_int_equal(fake_peers->len, 2);
    assert_int_equal(fake_route(peer->id, 1).peer, bed_peer(ana)->id);
}

static void new_mids_keep_away_from_those_of_the_client(void **unused G_GNUC_UNUSED)
{
    static const ClientLine lines[] = { { "audio", "1" }, { 0 } };
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    StoaSink *sink;

    g_free(bed_offer(bed, lines, &bed_takes_all));
    sink = bed_add_sink(bed, bed_track(ana, 1));
    bed_negotiate(bed);
    assert_string_equal(stoa_sink_mid(sink), "2");
}

static void there_is_an_end_to_mlines(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    StoaConnectionSpec spec = { .events = &bed_events, .sdp_media = 2 };
    g_autoptr(StoaConnection) connection = stoa_connection_new(&spec);

    assert_non_null(stoa_connection_add_sink(connection, bed_track(ana, 0), NULL));
    assert_non_null(stoa_connection_add_sink(connection, bed_track(ana, 1), NULL));
    assert_fails(STOA_ERROR_LIMIT, stoa_connection_add_sink(connection, bed_track(ana, 1), error));
}

static void count(StoaSink *sink, void *data)
{
    g_string_append_printf(data, "%s ", stoa_sink_mid(sink) ? stoa_sink_mid(sink) : "new");
}

static void sinks_come_in_the_order_of_mlines(void **unused G_GNUC_UNUSED)
{
    g_autoptr(Bed) ana = bed_publisher(bed_audio_video);
    g_autoptr(Bed) bed = bed_new();
    g_autoptr(GString) seen = g_string_new(NULL);

    bed_add_sink(bed, bed_track(ana, 0));
    stoa_sink_remove(bed_add_sink(bed, bed_track(ana, 1)));
    bed_add_sink(bed, bed_track(ana, 1));
    bed_negotiate(bed);
    bed_add_sink(bed, bed_track(ana, 0));
    stoa_connection_foreach_sink(bed->connection, count, seen);
    assert_string_equal(seen->str, "0 1 new ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
        TEST(a_subscriber_is_offered_several_streams),
        TEST(audio_and_video_of_a_publisher_share_a_stream),
        TEST(two_sinks_of_a_track_have_names_of_their_own),
        TEST(there_must_be_something_to_offer),
        TEST(a_freed_mline_is_inactive_and_taken_again),
        TEST(a_slot_taken_again_at_once_waits_for_the_answer),
        TEST(a_switch_needs_no_offer),
        TEST(a_sink_outlives_its_track),
        TEST(a_restart_has_new_credentials),
        TEST(only_a_restart_replaces_a_pending_offer),
        TEST(the_answers_payload_types_are_used),
        TEST(an_answer_without_rtx_is_respected),
        TEST(a_refused_mline_is_not_ready_and_its_place_is_used_again),
        TEST(bad_answers_leave_the_offer_pending),
        TEST(wishes_of_a_sink_wait_for_its_row),
        TEST(data_channels_are_offered_when_wanted),
        TEST(refused_data_is_not_asked_for_again),
        TEST(one_connection_can_do_both),
        TEST(new_mids_keep_away_from_those_of_the_client),
        TEST(there_is_an_end_to_mlines),
        TEST(sinks_come_in_the_order_of_mlines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
