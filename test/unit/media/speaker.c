/* SPDX-License-Identifier: MIT */
/* Who has the floor, on traces of levels: a packet every 20 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib.h>

#include "media/speaker.h"

enum { PACKET_US = 20000, N = 4 };

/* Some people, each with a level now; 127: silence, 0: nothing is sent (DTX). */
typedef struct {
    StoaSpeakers *speakers;
    StoaVoice voices[N];
    uint8_t level[N];
    int64_t now_us, changed_us;
    unsigned n_changes, n_began;
} Room;

static const void *key_of(unsigned i)
{
    return GUINT_TO_POINTER(i + 1);
}

static int dominant(const Room *room)
{
    return (int)GPOINTER_TO_UINT(stoa_speakers_dominant(room->speakers)) - 1;
}

static int recent(const Room *room, unsigned index)
{
    return (int)GPOINTER_TO_UINT(stoa_speakers_recent(room->speakers, index)) - 1;
}

/* Syllables and little pauses, as speech has them. */
static uint8_t spoken(uint8_t level, int64_t now_us)
{
    static const int wave[] = { 0, -3, 2, 8, 25, 30, 4, -2, 1, 6, 12, 3 };
    int value = level + wave[now_us / PACKET_US % (int64_t)G_N_ELEMENTS(wave)];

    return (uint8_t)CLAMP(value, 0, 127);
}

static void packet(Room *room, unsigned i)
{
    double loudness = 0;
    StoaSpeakersChange change;
    uint8_t level = room->level[i];

    if (level == 0)
        return;
    if (!stoa_voice_input(&room->voices[i], room->now_us,
                          level < 60 ? spoken(level, room->now_us) : level, &loudness))
        return;
    change = stoa_speakers_input(room->speakers, room->now_us, key_of(i), loudness);
    room->n_began += (change & STOA_SPEAKERS_BEGAN) != 0;
    if (change & STOA_SPEAKERS_DOMINANT) {
        room->n_changes++;
        room->changed_us = room->now_us;
    }
}

static void go_on(Room *room, unsigned ms)
{
    for (int64_t end_us = room->now_us + ms * 1000LL; room->now_us < end_us;
         room->now_us += PACKET_US) {
        for (unsigned i = 0; i < N; i++)
            packet(room, i);
    }
}

static int set_up(void **state)
{
    Room *room = g_new0(Room, 1);

    room->speakers = stoa_speakers_new();
    room->now_us = 123456789;
    for (unsigned i = 0; i < N; i++)
        room->level[i] = 90;
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    Room *room = *state;

    stoa_speakers_free(room->speakers);
    g_free(room);
    return 0;
}

static void nobody_has_the_floor_in_silence(void **state)
{
    Room *room = *state;

    go_on(room, 10000);
    assert_int_equal(dominant(room), -1);
    assert_int_equal(recent(room, 0), -1);
    assert_int_equal(room->n_changes, 0);
}

static void a_real_change_takes_about_a_second(void **state)
{
    Room *room = *state;
    int64_t from_us;

    room->level[0] = 25;
    go_on(room, 3000);
    assert_int_equal(dominant(room), 0);
    from_us = room->now_us;
    room->level[0] = 90;
    room->level[1] = 30; /* not louder, but the other is done */
    go_on(room, 3000);
    assert_int_equal(dominant(room), 1);
    assert_in_range(room->changed_us - from_us, 500000, 1200000);
    assert_int_equal(room->n_changes, 2);
}

static void a_cough_does_not_switch(void **state)
{
    Room *room = *state;

    room->level[0] = 30;
    go_on(room, 3000);
    for (unsigned i = 0; i < 20; i++) { /* at any place in the windows */
        room->level[1] = 5;
        go_on(room, 400);
        room->level[1] = 90;
        go_on(room, 1700 + i * 20);
    }
    room->level[0] = 90; /* nor in a pause */
    go_on(room, 1000);
    room->level[1] = 5;
    go_on(room, 400);
    room->level[1] = 90;
    go_on(room, 2000);
    assert_int_equal(dominant(room), 0);
    assert_int_equal(room->n_changes, 1);
}

static void silence_keeps_the_last(void **state)
{
    Room *room = *state;

    room->level[2] = 30;
    go_on(room, 2000);
    room->level[2] = 0; /* DTX: nothing at all comes */
    go_on(room, 60000);
    assert_int_equal(dominant(room), 2);
    assert_int_equal(room->n_changes, 1);
}

static void pauses_of_a_speaker_change_nothing(void **state)
{
    Room *room = *state;

    for (unsigned i = 0; i < 20; i++) {
        room->level[0] = 28;
        go_on(room, 2300);
        room->level[0] = 90;
        go_on(room, 500);
        room->level[1] = 35; /* "yes" */
        go_on(room, 300);
        room->level[1] = 90;
    }
    assert_int_equal(dominant(room), 0);
    assert_int_equal(room->n_changes, 1);
}

static void of_two_at_once_the_first_keeps_the_floor(void **state)
{
    Room *room = *state;

    room->level[0] = 30;
    go_on(room, 2000);
    room->level[1] = 28;
    go_on(room, 20000);
    assert_int_equal(dominant(room), 0);
    assert_int_equal(room->n_changes, 1);
    assert_int_equal(room->n_began, 2); /* but both speak */
    assert_int_equal(recent(room, 1) + recent(room, 0), 1);
}

static void who_is_clearly_louder_for_long_takes_it(void **state)
{
    Room *room = *state;

    room->level[0] = 45;
    go_on(room, 2000);
    room->level[1] = 15;
    go_on(room, 4000);
    assert_int_equal(dominant(room), 1);
    go_on(room, 20000);
    assert_int_equal(room->n_changes, 2);
}

/* A fan at -45: at first it may pass for a voice, but not for long. */
static void noise_is_no_voice(void **state)
{
    Room *room = *state;

    room->level[0] = 62;
    room->level[1] = 25;
    go_on(room, 5000);
    room->level[1] = 90;
    go_on(room, 20000);
    assert_int_equal(dominant(room), 1);
    assert_int_equal(room->n_changes, 1);
}

static void recent_speakers_are_in_their_order(void **state)
{
    static const unsigned order[] = { 2, 0, 3, 1, 0 };
    Room *room = *state;

    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        room->level[order[i]] = 30;
        go_on(room, 2000);
        room->level[order[i]] = 90;
        go_on(room, 400);
    }
    assert_int_equal(recent(room, 0), 0);
    assert_int_equal(recent(room, 1), 1);
    assert_int_equal(recent(room, 2), 3);
    assert_int_equal(recent(room, 3), 2);
    assert_int_equal(recent(room, 4), -1);
    stoa_speakers_forget(room->speakers, key_of(0));
    assert_int_equal(dominant(room), -1);
    assert_int_equal(recent(room, 0), 1);
    room->level[3] = 30;
    go_on(room, 2000);
    assert_int_equal(dominant(room), 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_has_the_floor_in_silence),
        TEST(a_real_change_takes_about_a_second),
        TEST(a_cough_does_not_switch),
        TEST(silence_keeps_the_last),
        TEST(pauses_of_a_speaker_change_nothing),
        TEST(of_two_at_once_the_first_keeps_the_floor),
        TEST(who_is_clearly_louder_for_long_takes_it),
        TEST(noise_is_no_voice),
        TEST(recent_speakers_are_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
