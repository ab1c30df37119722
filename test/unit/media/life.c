/* SPDX-License-Identifier: MIT */
/* How peers come and go, and what else than media passes between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "dtls/link.h"
#include "media/peer-state.h"
#include "rtp/bytes.h"
#include "sctp/association.h"

enum { VIDEO = 1000, OUT = 5000 };

static bool is_down(void *data)
{
    return ((Person *)data)->is_down;
}

static bool has_event(void *data)
{
    const char *wanted = ((void **)data)[1];
    Person *person = ((void **)data)[0];

    return strstr(person->events->str, wanted) != NULL;
}

static void expect_event(Person *person, const char *event)
{
    void *both[2] = { person, (void *)(uintptr_t)event };

    if (!bed_until(person->bed, 5000, has_event, both))
        fail_msg("no %s in: %s", event, person->events->str);
}

static void goodbye_is_heard_at_once(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);

    ana->wants_data = true;
    person_connect(ana);
    stoa_dtls_link_close(ana->dtls);
    assert_true(bed_until(bed, 500, is_down, ana));
    assert_int_equal(ana->why, STOA_DOWN_DTLS_ALERT);
    bed_free(bed);
}

static void goodbye_without_data_is_heard_too(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);

    person_connect(ana);
    stoa_dtls_link_close(ana->dtls);
    assert_true(bed_until(bed, 500, is_down, ana));
    assert_int_equal(ana->why, STOA_DOWN_DTLS_ALERT);
    bed_free(bed);
}

static void a_wrong_fingerprint_ends_it(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);

    ana->fingerprint = "sha-256 "
                       "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                       "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
    person_try(ana);
    assert_true(bed_until(bed, 5000, is_down, ana));
    assert_int_equal(ana->why, STOA_DOWN_DTLS_FAILED);
    bed_free(bed);
}

static void strangers_are_not_heard(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1), *eve = person_new(bed, 1);
    StoaReceive row = bed_video_in(1, "0", VIDEO, 0);
    StoaSend out = bed_video_out(1, "0", OUT, 0);
    uint8_t client_hello[200] = { 22, 254, 253 }, rtp[200] = { 0x80, 96 }, stun[20] = { 0, 1 };

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    stoa_bytes_put32(stun + 4, 0x2112a442);
    for (unsigned i = 0; i < 50; i++) {
        person_send_raw(eve, client_hello, sizeof(client_hello));
        person_send_raw(eve, rtp, sizeof(rtp));
        person_send_raw(eve, stun, sizeof(stun));
        person_send_raw(ana, rtp, sizeof(rtp)); /* from a good address, but not sealed */
    }
    bed_run(bed, 100);
    assert_false(eve->has_path);
    assert_false(ana->is_down);
    assert_int_equal(person_n_received(ana, OUT), 0);
    bed_free(bed);
}

static void media_flows_over_tcp(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(1, "0", 2000);
    StoaSend out = bed_audio_out(1, "0", OUT);

    ana->tcp = true;
    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    bed_run(bed, 20);
    for (unsigned i = 0; i < 50; i++)
        person_send(ana, 2000, 111, 10 + i, i * 960, false, "hello", 5);
    bed_run(bed, 200);
    assert_int_equal(person_n_received(ana, OUT), 50);
    bed_free(bed);
}

static void media_flows_through_a_full_agent(void **unused G_GNUC_UNUSED)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 1, .addresses = addresses, .ice = STOA_ICE_FULL };
    Bed *bed = bed_new_conf(&conf);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(1, "0", 2000);
    StoaSend out = bed_audio_out(1, "0", OUT);

    assert_false(ana->local->lite);
    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    bed_run(bed, 20);
    for (unsigned i = 0; i < 50; i++)
        person_send(ana, 2000, 111, 10 + i, i * 960, false, "hello", 5);
    bed_run(bed, 200);
    assert_int_equal(person_n_received(ana, OUT), 50);
    bed_free(bed);
}

static json_int_t path_changes(Person *person);

/* A client that is on another network now restarts: what was known of the way there is known no more. */
static void another_pair_of_a_full_agent_is_noticed(void **unused G_GNUC_UNUSED)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 1, .addresses = addresses, .ice = STOA_ICE_FULL };
    Bed *bed = bed_new_conf(&conf);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(1, "0", 2000);
    StoaSend out = bed_audio_out(1, "0", OUT);

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    bed_run(bed, 20);
    assert_int_equal(path_changes(ana), 0);
    person_move(ana);
    person_restart(ana);
    for (unsigned i = 0; i < 100 && path_changes(ana) == 0; i++) {
        person_check(ana);
        bed_run(bed, 50);
    }
    assert_int_equal(path_changes(ana), 1);
    for (unsigned i = 0; i < 20; i++)
        person_send(ana, 2000, 111, 10 + i, i * 960, false, "hello", 5);
    bed_run(bed, 200);
    assert_int_equal(person_n_received(ana, OUT), 20);
    bed_free(bed);
}

static void sctp_packet(void *user, const uint8_t *buf, size_t len)
{
    Person *person = user;
    SctpPacket *packet = g_malloc(sizeof(*packet) + len);

    packet->len = len;
    memcpy(packet->buf, buf, len);
    stoa_queue_push(person->sctp_out, &packet->node);
}

static void sctp_channel(void *user, uint16_t stream G_GNUC_UNUSED, const char *label G_GNUC_UNUSED,
                         const char *protocol G_GNUC_UNUSED)
{
    g_atomic_int_set(&((Person *)user)->sctp_open, 1);
}

static void sctp_message(void *user, const StoaSctpOrigin *from G_GNUC_UNUSED,
                         const uint8_t *buf G_GNUC_UNUSED, size_t len, bool is_text G_GNUC_UNUSED)
{
    g_atomic_int_add(&((Person *)user)->sctp_bytes, (int)len);
}

static void sctp_gone(void *user)
{
    g_atomic_int_set(&((Person *)user)->sctp_open, 0);
}

static bool is_gone(void *data)
{
    return g_atomic_int_get(&((Person *)data)->sctp_open) == 0;
}

static bool is_open(void *data)
{
    return g_atomic_int_get(&((Person *)data)->sctp_open) != 0;
}

static bool has_bytes(void *data)
{
    return g_atomic_int_get(&((Person *)data)->sctp_bytes) >= 4 + 100000;
}

static void data_channels_carry_messages_both_ways(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaSctpCallbacks callbacks = {
        .packet = sctp_packet, .channel = sctp_channel, .message = sctp_message, .gone = sctp_gone
    };
    StoaSctpOptions options = { .dtls_client = true };
    g_autofree uint8_t *big = g_malloc0(100000);

    ana->wants_data = true;
    person_connect(ana);
    ana->sctp = stoa_sctp_open(bed_sctp_thread(bed), &options, &callbacks, ana);
    stoa_sctp_open_channel(ana->sctp, "chat", "", NULL);
    assert_true(bed_until(bed, 5000, is_open, ana));
    expect_event(ana, "channel(chat)");
    assert_int_equal(
        stoa_sctp_send_label(ana->sctp, "chat", (const uint8_t *)"good morning", 12, true),
        STOA_SCTP_QUEUED);
    expect_event(ana, "data(chat,text,good morning)");
    assert_true(stoa_peer_send_data(bed_media(bed), ana->id, "chat", "back", 4, true));
    assert_true(stoa_peer_send_data(bed_media(bed), ana->id, NULL, big, 100000, false));
    assert_true(bed_until(bed, 5000, has_bytes, ana));
    stoa_sctp_close(g_steal_pointer(&ana->sctp));
    assert_true(bed_until(bed, 5000, is_gone, ana));
    bed_free(bed);
}

static void silence_and_sound_are_told(void **unused G_GNUC_UNUSED)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 1, .addresses = addresses, .media_timeout_ms = 300 };
    Bed *bed = bed_new_conf(&conf);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(7, "0", 2000);

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    bed_run(bed, 20);
    person_send(ana, 2000, 111, 10, 0, false, "hello", 5);
    expect_event(ana, "media(7,on,-1)");
    expect_event(ana, "media(7,off,-1,silent)");
    person_send(ana, 2000, 111, 11, 0, false, "hello", 5);
    expect_event(ana, "media(7,off,-1,silent) media(7,on,-1)");
    bed_free(bed);
}

static void talking_is_told(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(7, "0", 2000);
    StoaRtpHeader header = { .ssrc = 2000, .payload_type = 111 };

    ana->ext.kind_of_id[1] = STOA_RTP_EXT_AUDIO_LEVEL;
    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_watch_level(bed_media(bed), ana->id, 7, 5, 40);
    bed_run(bed, 20);
    for (unsigned i = 0; i < 30; i++) {
        const uint8_t ext[4] = { 1 << 4 | 0, i >= 10 && i < 20 ? 20 : 100, 0, 0 };

        person_send_ext(ana, &header, 10 + i, ext, 4, "hello", 5);
    }
    expect_event(ana, "talking(7,on) talking(7,off)");
    bed_free(bed);
}

static void voice_is_told_and_noise_is_not(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(7, "0", 2000);
    StoaRtpHeader header = { .ssrc = 2000, .payload_type = 111 };

    ana->ext.kind_of_id[1] = STOA_RTP_EXT_AUDIO_LEVEL;
    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_watch_voice(bed_media(bed), ana->id, 7, true);
    bed_run(bed, 20);
    for (unsigned i = 0; i < 3; i++) { /* noise, voice, noise; each in a window of its own */
        const uint8_t ext[4] = { 1 << 4 | 0, i == 1 ? 20 : 100, 0, 0 };

        person_send_ext(ana, &header, (uint16_t)(10 + i), ext, 4, "hello", 5);
        bed_run(bed, 250);
    }
    expect_event(ana, "voice(7,107)");
    assert_null(strstr(ana->events->str, "voice(7,27)"));
    bed_free(bed);
}

static void the_state_table_has_no_way_back(void **unused G_GNUC_UNUSED)
{
    for (int state = STOA_PEER_NONE; state < STOA_PEER_N_STATES; state++)
        for (int event = 0; event < STOA_PEER_N_EVENTS; event++) {
            int why;
            StoaPeerState to =
                stoa_peer_state_next((StoaPeerState)state, (StoaPeerEvent)event, &why);

            assert_true(to == STOA_PEER_NONE || (int)to > state);
        }
}

/* -- any order ------------------------------------------------------------------------------- */

static void shuffle(GRand *dice, Person **people, unsigned n)
{
    for (unsigned i = n - 1; i > 0; i--) {
        unsigned k = (unsigned)g_rand_int_range(dice, 0, (gint32)i + 1);
        Person *other = people[i];

        people[i] = people[k];
        people[k] = other;
    }
}

static void some_media(Person **people, unsigned n, unsigned round)
{
    uint8_t payload[200];

    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 5; k++) {
            bed_vp8(payload, sizeof(payload), true, k == 0, (uint16_t)(round * 5 + k), k);
            person_send(people[i], VIDEO, 96, 100 + round * 5 + k, k * 3000, true, payload,
                        sizeof(payload));
        }
}

static void rewire(GRand *dice, Person **people, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (uint32_t sink = 1; sink <= 3; sink++) {
            Person *from = people[g_rand_int_range(dice, 0, (gint32)n)];
            StoaMedia *media = bed_media(from->bed);

            stoa_peer_route(media, people[i]->id, sink, (StoaTrackRef){ from->id, 1 });
            if (g_rand_boolean(dice))
                stoa_peer_pause(media, people[i]->id, sink, g_rand_boolean(dice));
        }
}

static void peers_close_in_any_order(void **unused G_GNUC_UNUSED)
{
    enum { PEOPLE = 6 };
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 3, .addresses = addresses, .room_peers_per_worker = 2 };
    GRand *dice = g_rand_new_with_seed(42);
    Bed *bed = bed_new_conf(&conf);

    for (unsigned round = 0; round < 6; round++) {
        Person *people[PEOPLE];

        for (unsigned i = 0; i < PEOPLE; i++) {
            StoaReceive row = bed_video_in(1, "0", VIDEO, 0);
            StoaSend rows[3];

            people[i] = person_new(bed, 1);
            for (uint32_t sink = 1; sink <= 3; sink++)
                rows[sink - 1] = bed_video_out(sink, "0", OUT + sink, 0);
            stoa_peer_set_receives(bed_media(bed), people[i]->id, &row, 1, &people[i]->ext);
            stoa_peer_set_sends(bed_media(bed), people[i]->id, rows, 3);
            person_connect(people[i]);
        }
        for (unsigned turn = 0; turn < 5; turn++) {
            rewire(dice, people, PEOPLE);
            some_media(people, PEOPLE, turn);
            bed_run(bed, 20);
        }
        shuffle(dice, people, PEOPLE);
        for (unsigned i = 0; i < PEOPLE; i++) {
            some_media(people + i, PEOPLE - i, 5 + i);
            person_free(people[i]);
            bed_run(bed, (unsigned)g_rand_int_range(dice, 0, 10));
        }
    }
    g_rand_free(dice);
    bed_free(bed);
}

static bool has_stats(void *data)
{
    return *(json_t **)data != NULL;
}

static unsigned n_answers;

static void got_stats(json_t *stats, void *data)
{
    n_answers++;
    *(json_t **)data = stats;
}

static json_int_t path_changes(Person *person)
{
    json_t *stats = NULL;
    json_int_t n;

    stoa_peer_stats(bed_media(person->bed), person->id, got_stats, &stats);
    assert_true(bed_until(person->bed, 5000, has_stats, &stats));
    assert_string_equal(json_string_value(json_object_get(stats, "path")), "full");
    n = json_integer_value(json_object_get(stats, "path-changes"));
    json_decref(stats);
    return n;
}

static bool has_answer(void *data)
{
    return n_answers == *(unsigned *)data;
}

static void statistics_are_answered_once_also_for_the_gone(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_video_in(1, "0", VIDEO, 0);
    StoaPeerId id = ana->id;
    json_t *stats = NULL;
    unsigned two = 2;

    n_answers = 0;
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    person_connect(ana);
    stoa_peer_stats(bed_media(bed), id, got_stats, &stats);
    assert_true(bed_until(bed, 1000, has_stats, &stats));
    assert_string_equal(json_string_value(json_object_get(stats, "state")), "ready");
    assert_int_equal(json_array_size(json_object_get(stats, "tracks")), 1);
    json_decref(stats);
    person_free(ana);
    stoa_peer_stats(bed_media(bed), id, got_stats, &stats);
    assert_true(bed_until(bed, 1000, has_answer, &two));
    assert_null(stats);
    bed_free(bed);
}

static void a_restart_changes_the_credentials_and_media_flows_on(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(1, "0", 2000);
    StoaSend out = bed_audio_out(1, "0", OUT);
    g_autofree char *before = g_strdup(ana->local->ufrag);

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    bed_run(bed, 20);
    stoa_peer_restart(bed_media(bed), ana->id, &ana->local);
    assert_string_not_equal(before, ana->local->ufrag);
    for (unsigned i = 0; i < 20; i++) {
        if (i == 10) {
            bed_run(bed, 50);
            person_move(ana); /* another address, as after a change of network */
            person_check(ana);
        }
        bed_run(bed, 10);
        person_send(ana, 2000, 111, 10 + i, i * 960, false, "hello", 5);
    }
    bed_run(bed, 100);
    assert_int_equal(person_n_received(ana, OUT), 20);
    bed_free(bed);
}

/* Its sender counts on under the same SSRC: how often it rolled over is told nowhere. (RFC 3711, 3.3.1) */
static void a_track_that_rested_is_heard_again_under_its_ssrc(void **unused G_GNUC_UNUSED)
{
    enum { ROLL = 65536, LATE = 5 };
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(7, "0", 2000);

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    bed_run(bed, 20);
    for (unsigned i = ROLL - 3; i < ROLL + 3; i++)
        person_send(ana, 2000, 111, i, i * 960, false, "hello", 5);
    expect_event(ana, "media(7,on,-1)");
    stoa_peer_set_receives(bed_media(bed), ana->id, NULL, 0, &ana->ext);
    bed_run(bed, 20);
    person_send(ana, 2000, 111, ROLL + LATE, 0, false, "late", 4); /* was on its way */
    bed_run(bed, 20);
    g_string_truncate(ana->events, 0);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    bed_run(bed, 20);
    person_send(ana, 2000, 111, ROLL + 2 * LATE, 0, false, "hello", 5);
    expect_event(ana, "media(7,on,-1)");
    bed_free(bed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goodbye_is_heard_at_once),
        cmocka_unit_test(goodbye_without_data_is_heard_too),
        cmocka_unit_test(a_wrong_fingerprint_ends_it),
        cmocka_unit_test(strangers_are_not_heard),
        cmocka_unit_test(media_flows_over_tcp),
        cmocka_unit_test(media_flows_through_a_full_agent),
        cmocka_unit_test(another_pair_of_a_full_agent_is_noticed),
        cmocka_unit_test(data_channels_carry_messages_both_ways),
        cmocka_unit_test(silence_and_sound_are_told),
        cmocka_unit_test(talking_is_told),
        cmocka_unit_test(voice_is_told_and_noise_is_not),
        cmocka_unit_test(a_track_that_rested_is_heard_again_under_its_ssrc),
        cmocka_unit_test(the_state_table_has_no_way_back),
        cmocka_unit_test(peers_close_in_any_order),
        cmocka_unit_test(statistics_are_answered_once_also_for_the_gone),
        cmocka_unit_test(a_restart_changes_the_credentials_and_media_flows_on),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
