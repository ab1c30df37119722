/* SPDX-License-Identifier: MIT */
/* The network under a running call: connections that break, addresses that change, lines that are slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../ice/client.h"
#include "bed.h"

#include <sys/socket.h>
#include <unistd.h>

enum { AUDIO = 2000, VIDEO = 1000, AUDIO_OUT = 5000, VIDEO_OUT = 6000 };

static void publish(Person *person)
{
    StoaReceive rows[] = { bed_audio_in(1, "0", AUDIO), bed_video_in(2, "1", VIDEO, 0) };

    person_connect(person);
    stoa_peer_set_receives(bed_media(person->bed), person->id, rows, 2, &person->ext);
}

static void watch(Person *person, const Person *publisher)
{
    StoaMedia *media = bed_media(person->bed);
    StoaSend rows[] = { bed_audio_out(1, "0", AUDIO_OUT), bed_video_out(2, "1", VIDEO_OUT, 0) };

    person_connect(person);
    stoa_peer_set_sends(media, person->id, rows, 2);
    stoa_peer_route(media, person->id, 1, (StoaTrackRef){ publisher->id, 1 });
    stoa_peer_route(media, person->id, 2, (StoaTrackRef){ publisher->id, 2 });
    bed_run(person->bed, 20);
}

static void speak(Person *person, unsigned i)
{
    person_send(person, AUDIO, 111, 10 + i, i * 960, false, "hello", 5);
}

static void show(Person *person, unsigned i, bool is_key)
{
    uint8_t payload[1150];

    bed_vp8(payload, sizeof(payload), true, is_key, (uint16_t)i, i);
    person_send(person, VIDEO, 96, 10 + i, i * 3000, true, payload, sizeof(payload));
}

typedef struct {
    Person *person;
    uint32_t ssrc;
    unsigned n;
} Wanted;

static bool has_received(void *data)
{
    const Wanted *wanted = data;

    return person_n_received(wanted->person, wanted->ssrc) >= wanted->n;
}

static void expect_received(Person *person, uint32_t ssrc, unsigned n)
{
    Wanted wanted = { person, ssrc, n };

    if (!bed_until(person->bed, 5000, has_received, &wanted))
        fail_msg("%u of %u packets came", person_n_received(person, ssrc), n);
}

static void a_connection_that_breaks_is_made_again(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1), *ben = person_new(bed, 1);

    ben->tcp = true;
    publish(ana);
    watch(ben, ana);
    speak(ana, 0);
    expect_received(ben, AUDIO_OUT, 1);
    person_move(ben);
    bed_run(bed, 50);
    assert_false(ben->is_down);
    speak(ana, 1); /* nobody hears that */
    bed_run(bed, 50);
    person_check(ben);
    bed_run(bed, 50);
    speak(ana, 2);
    expect_received(ben, AUDIO_OUT, 2);
    assert_false(ben->is_down);
    bed_free(bed);
}

/* Wi-Fi is left that let no UDP through, or one is entered: the same peer by another way. */
static void a_call_moves_between_udp_and_tcp(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);
    StoaReceive row = bed_audio_in(1, "0", AUDIO);
    StoaSend out = bed_audio_out(1, "0", AUDIO_OUT);

    person_connect(ana);
    stoa_peer_set_receives(bed_media(bed), ana->id, &row, 1, &ana->ext);
    stoa_peer_set_sends(bed_media(bed), ana->id, &out, 1);
    stoa_peer_route(bed_media(bed), ana->id, 1, (StoaTrackRef){ ana->id, 1 });
    for (unsigned i = 0; i < 40; i++) {
        if (i % 10 == 0) {
            ana->tcp = i / 10 % 2;
            person_move(ana);
            person_check(ana);
            bed_run(bed, 1050); /* nominations closer together go by priority */
            person_check(ana);
            bed_run(bed, 20);
        }
        speak(ana, i);
        expect_received(ana, AUDIO_OUT, i + 1);
    }
    assert_false(ana->is_down);
    bed_free(bed);
}

/* A nomination from elsewhere, of somebody who knows all but the password. */
static void knock(const Person *person, int fd, const char *password)
{
    g_autofree char *username = g_strdup_printf("%s:client", person->local->ufrag);
    Check check = {
        .username = username, .password = password, .use_candidate = true, .priority = UINT32_MAX
    };
    uint8_t buf[500];
    size_t len = client_check(&check, buf, sizeof(buf));

    assert_int_equal(sendto(fd, buf, len, 0, &person->server.sa, stoa_address_len(&person->server)),
                     len);
}

static void a_stranger_cannot_move_a_call(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1), *ben = person_new(bed, 1);
    int eve = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    uint8_t buf[2000];

    publish(ana);
    watch(ben, ana);
    bed_run(bed, 1050);
    speak(ana, 0);
    expect_received(ben, AUDIO_OUT, 1);
    for (unsigned i = 1; i <= 20; i++) {
        knock(ben, eve, "wrongwrongwrongwrongwrong");
        assert_true(sendto(eve, ben->last, ben->last_len, 0, &ben->server.sa,
                           stoa_address_len(&ben->server)) > 0);
        bed_run(bed, 5);
        speak(ana, i);
        expect_received(ben, AUDIO_OUT, 1 + i);
        while (recv(eve, buf, sizeof(buf), 0) > 0)
            assert_true(buf[0] < 4); /* STUN errors, a few: no media */
    }
    knock(ben, eve, ben->local->pwd); /* now it is not a stranger any more */
    bed_run(bed, 20);
    speak(ana, 21);
    bed_run(bed, 50);
    assert_int_equal(person_n_received(ben, AUDIO_OUT), 21);
    close(eve);
    bed_free(bed);
}

static void on_a_slow_line_voice_comes_before_pictures(void **unused G_GNUC_UNUSED)
{
    enum { SPOKEN = 100, SHOWN = 400 };
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1), *ben = person_new(bed, 1);
    unsigned n_shown;

    ben->tcp = ben->slow = true;
    publish(ana);
    watch(ben, ana);
    ben->deaf = true;
    for (unsigned i = 0; i < SHOWN; i++) {
        show(ana, i, i == 0);
        if (i % (SHOWN / SPOKEN) == 0) {
            speak(ana, i / (SHOWN / SPOKEN));
            bed_run(bed, 5);
        }
    }
    ben->deaf = false;
    expect_received(ben, AUDIO_OUT, SPOKEN);
    n_shown = person_n_received(ben, VIDEO_OUT);
    assert_in_range(n_shown, 1,
                    (128 + 64) * 1024 / 1150); /* what half a queue and the kernel hold */
    show(ana, SHOWN, true);
    expect_received(ben, VIDEO_OUT, n_shown + 1);
    bed_free(bed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_breaks_is_made_again),
        cmocka_unit_test(a_call_moves_between_udp_and_tcp),
        cmocka_unit_test(a_stranger_cannot_move_a_call),
        cmocka_unit_test(on_a_slow_line_voice_comes_before_pictures),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
