/* SPDX-License-Identifier: MIT */
#include "rtp/nack.h"

#include "dice.h"

#define MS 1000

static StoaNackGen gen;
static uint16_t asked[STOA_NACK_MAX_MISSING];

static int setup(void **unused G_GNUC_UNUSED)
{
    stoa_nack_gen_init(&gen, 0);
    return 0;
}

static size_t ask(int64_t now_us, bool *wants_keyframe)
{
    return stoa_nack_gen_output(&gen, now_us, asked, G_N_ELEMENTS(asked), wants_keyframe);
}

static void a_gap_is_asked_for_and_closed(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    assert_int_equal(stoa_nack_gen_input(&gen, 65534, 0), STOA_NACK_IN_ORDER);
    assert_int_equal(stoa_nack_gen_deadline_us(&gen), INT64_MAX);
    assert_int_equal(stoa_nack_gen_input(&gen, 2, 0), STOA_NACK_IN_ORDER);
    assert_int_equal(stoa_nack_gen_deadline_us(&gen), 0);
    assert_int_equal(ask(0, &keyframe), 3);
    assert_int_equal(asked[0], 65535);
    assert_int_equal(asked[1], 0);
    assert_int_equal(asked[2], 1);
    assert_false(keyframe);
    assert_int_equal(stoa_nack_gen_input(&gen, 0, 5 * MS), STOA_NACK_FILLED);
    assert_int_equal(stoa_nack_gen_input(&gen, 0, 5 * MS), STOA_NACK_OLD);
    assert_int_equal(ask(10 * MS, &keyframe), 2);
    assert_int_equal(gen.n_recovered, 1);
}

static void at_no_round_trip_repeats_are_ten_ms_apart(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_note_rtt(&gen, 0);
    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    assert_int_equal(ask(0, &keyframe), 1);
    assert_int_equal(ask(9 * MS, &keyframe), 0);
    assert_int_equal(stoa_nack_gen_deadline_us(&gen), 10 * MS);
    assert_int_equal(ask(10 * MS, &keyframe), 1);
}

/* Should the round trip be longer than is known, only a few of them are in vain. */
static void repeats_are_twice_as_far_apart_each_time(void **unused G_GNUC_UNUSED)
{
    static const int64_t at_ms[] = { 0, 10, 30, 70, 150, 310 };
    bool keyframe;

    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(at_ms); i++) {
        assert_int_equal(stoa_nack_gen_deadline_us(&gen), at_ms[i] * MS);
        assert_int_equal(ask(at_ms[i] * MS, &keyframe), 1);
    }
}

static void repeats_wait_for_the_round_trip(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_note_rtt(&gen, 100 * MS);
    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    assert_int_equal(ask(0, &keyframe), 1);
    assert_int_equal(ask(110 * MS, &keyframe), 0);
    assert_int_equal(ask(126 * MS, &keyframe), 1);
}

static void a_packet_is_given_up_when_it_is_too_old(void **unused G_GNUC_UNUSED)
{
    int64_t keyframe_us = 0;
    unsigned n_asked = 0, n_keyframes = 0;
    bool keyframe;

    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    for (int64_t now = 0; now < 1000 * MS; now += MS) {
        n_asked += (unsigned)ask(now, &keyframe);
        n_keyframes += keyframe;
        if (keyframe)
            keyframe_us = now;
    }
    assert_int_equal(n_asked, 6);
    assert_int_equal(n_keyframes, 1);
    assert_in_range(keyframe_us, 600 * MS, 602 * MS);
    assert_int_equal(gen.n_missing, 0);
    assert_int_equal(gen.n_given_up, 1);
    assert_int_equal(stoa_nack_gen_input(&gen, 11, 1000 * MS), STOA_NACK_OLD);
}

/* All tries are used up before that: it is waited for all the same. */
static void what_was_asked_for_often_enough_is_waited_for(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_note_rtt(&gen, 50 * MS);
    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    gen.missing[0].tries = STOA_NACK_MAX_TRIES - 1;
    assert_int_equal(ask(0, &keyframe), 1);
    assert_in_range(stoa_nack_gen_deadline_us(&gen), 800 * MS, 801 * MS);
    assert_int_equal(ask(799 * MS, &keyframe), 0);
    assert_false(keyframe);
    stoa_nack_gen_note_rtt(&gen, 100 * MS); /* the way grew longer, and with it the patience */
    assert_int_equal(ask(801 * MS, &keyframe), 0);
    assert_false(keyframe);
    assert_in_range(stoa_nack_gen_deadline_us(&gen), 1000 * MS, 1001 * MS);
    assert_int_equal(ask(1001 * MS, &keyframe), 0);
    assert_true(keyframe);
    assert_int_equal(gen.n_given_up, 1);
}

/* -- the round trip, learned --------------------------------------------------------------- */

/* A publisher at some distance, each of whose losses is asked for until it is repaired. */
typedef struct {
    int64_t rtt_us;
    unsigned lose_percent; /* of requests and repairs together */
    bool once;             /* asked again within a round trip it stays silent, as browsers do */
    int64_t now_us;
    uint16_t seq;
    unsigned n_lost, n_asked, n_keyframes;
} Way;

/* Two seconds of packets every 10 ms, one of which is lost; what was asked for comes a round trip later. */
static void lose_one(Way *way)
{
    int64_t due_us[16] = { 0 }, answered_us = -way->rtt_us;
    size_t n_due = 0, n_came = 0;
    uint16_t lost = (uint16_t)(way->seq + 20);
    bool keyframe;

    for (unsigned ms = 0; ms < 2000; ms++, way->now_us += MS) {
        if (ms % 10 == 0) {
            if (++way->seq != lost)
                stoa_nack_gen_input(&gen, way->seq, way->now_us);
        }
        if (n_came < n_due && way->now_us >= due_us[n_came]) {
            n_came++;
            stoa_nack_gen_repaired(&gen, lost, true, way->now_us);
            stoa_nack_gen_input(&gen, lost, way->now_us);
        }
        if (ask(way->now_us, &keyframe) > 0) {
            assert_int_equal(asked[0], lost);
            way->n_asked++;
            if (n_due < G_N_ELEMENTS(due_us) && dice_below(100) >= way->lose_percent &&
                (!way->once || way->now_us - answered_us >= way->rtt_us)) {
                answered_us = way->now_us;
                due_us[n_due++] = way->now_us + way->rtt_us;
            }
        }
        if (keyframe) {
            way->n_keyframes++;
            stoa_nack_gen_forget_before(&gen, way->seq);
        }
    }
    way->n_lost++;
}

static void live(Way *way, unsigned losses, int64_t rtt_us)
{
    way->rtt_us = rtt_us;
    way->n_lost = way->n_asked = way->n_keyframes = 0;
    for (unsigned i = 0; i < losses; i++)
        lose_one(way);
}

/* Somebody leaves the office with their telephone. */
static void a_longer_way_is_learned_from_the_first_repairs(void **unused G_GNUC_UNUSED)
{
    static const int64_t ways_ms[] = { 0, 300, 5, 100, 600, 1, 50, 300 };

    for (unsigned once = 0; once < 2; once++) {
        Way way = { .seq = 100, .once = once };

        stoa_nack_gen_init(&gen, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(ways_ms); i++) {
            live(&way, 3, ways_ms[i] * MS);
            assert_in_range(way.n_asked, 3, 9);
            assert_int_equal(way.n_keyframes, 0);
            live(&way, 5, ways_ms[i] * MS);
            assert_int_equal(way.n_asked, 5);
            assert_int_equal(way.n_keyframes, 0);
        }
    }
}

/* Longer than anybody waits for a repair: it still tells how long that is. */
static void a_repair_that_is_too_late_teaches(void **unused G_GNUC_UNUSED)
{
    Way way = { .seq = 100 };

    live(&way, 3, 1 * MS);
    live(&way, 1, 900 * MS);
    assert_int_equal(way.n_keyframes, 1);
    assert_true(gen.rtt_us > 500 * MS);
    live(&way, 5, 900 * MS);
    assert_int_equal(way.n_keyframes, 0);
    assert_in_range(way.n_asked, 5, 12);
}

/* A request or a repair gets lost as well; that is no longer way. */
static void losses_of_requests_do_not_spoil_it(void **unused G_GNUC_UNUSED)
{
    Way way = { .seq = 100, .lose_percent = 10 };
    int64_t sum_us = 0;

    for (unsigned i = 0; i < 100; i++) {
        live(&way, 1, 40 * MS);
        assert_true(gen.rtt_us <= 500 * MS);
        sum_us += gen.rtt_us;
    }
    assert_in_range(sum_us / 100, 40 * MS, 70 * MS);
}

/* Sent again in the stream itself, a repair looks like a packet that is late: nobody believes in a way that short. */
static void what_may_only_be_late_teaches_no_shorter_way(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_note_rtt(&gen, 100 * MS);
    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    assert_int_equal(ask(0, &keyframe), 1);
    assert_false(stoa_nack_gen_repaired(&gen, 11, false, 3 * MS));
    assert_int_equal(gen.rtt_us, 100 * MS);
    stoa_nack_gen_input(&gen, 14, 10 * MS);
    assert_int_equal(ask(10 * MS, &keyframe), 1);
    assert_true(stoa_nack_gen_repaired(&gen, 13, false, 210 * MS));
    assert_int_equal(gen.rtt_us, 200 * MS);
}

/* On another path the first measure counts, shorter as it may be. */
static void another_path_is_measured_anew(void **unused G_GNUC_UNUSED)
{
    stoa_nack_gen_note_rtt(&gen, 400 * MS);
    stoa_nack_gen_note_rtt(&gen, 20 * MS);
    assert_int_equal(gen.rtt_us, 210 * MS);
    stoa_nack_gen_doubt_rtt(&gen);
    assert_int_equal(gen.rtt_us, 210 * MS);
    stoa_nack_gen_note_rtt(&gen, 20 * MS);
    assert_int_equal(gen.rtt_us, 20 * MS);
}

static void another_stream_takes_the_same_way(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_note_rtt(&gen, 80 * MS);
    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 15, 0);
    assert_int_equal(ask(0, &keyframe), 4);
    stoa_nack_gen_restart(&gen);
    assert_int_equal(gen.rtt_us, 80 * MS);
    assert_int_equal(gen.n_asked, 4);
    assert_int_equal(gen.n_given_up, 4);
    assert_int_equal(stoa_nack_gen_deadline_us(&gen), INT64_MAX);
    assert_int_equal(stoa_nack_gen_input(&gen, 40000, 0), STOA_NACK_IN_ORDER);
}

/* -- what is out of date ------------------------------------------------------------------- */

static void stale_packets_are_dropped(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 15, 0);
    stoa_nack_gen_input(&gen, 17, 2500 * MS);
    assert_int_equal(ask(2500 * MS, &keyframe), 1);
    assert_int_equal(asked[0], 16);
    assert_true(keyframe);
}

static void too_many_missing_want_a_key_frame(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_input(&gen, 0, 0);
    stoa_nack_gen_input(&gen, 400, 0);
    assert_int_equal(gen.n_missing, 399);
    stoa_nack_gen_input(&gen, 800, 0);
    assert_int_equal(gen.n_missing, STOA_NACK_MAX_MISSING);
    assert_int_equal(stoa_nack_gen_deadline_us(&gen), 0);
    assert_int_equal(ask(0, &keyframe), STOA_NACK_MAX_MISSING);
    assert_true(keyframe);
    assert_int_equal(asked[STOA_NACK_MAX_MISSING - 1], 799);
    stoa_nack_gen_input(&gen, 800 + STOA_NACK_MAX_JUMP, 0);
    assert_int_equal(gen.n_missing, STOA_NACK_MAX_MISSING);
    assert_int_equal(gen.missing[0].seq, 800 + STOA_NACK_MAX_JUMP - STOA_NACK_MAX_MISSING);
    assert_int_equal(gen.n_given_up, 399 + 399 + STOA_NACK_MAX_JUMP - 1 - STOA_NACK_MAX_MISSING);
}

static void a_jump_forgets_everything(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_input(&gen, 0, 0);
    stoa_nack_gen_input(&gen, 9, 0);
    assert_int_equal(stoa_nack_gen_input(&gen, 9 + STOA_NACK_MAX_JUMP + 1, 0), STOA_NACK_JUMPED);
    assert_int_equal(ask(0, &keyframe), 0);
    assert_true(keyframe);
    assert_int_equal(stoa_nack_gen_input(&gen, 30000, 0), STOA_NACK_JUMPED);
    assert_int_equal(stoa_nack_gen_input(&gen, 15000, 0), STOA_NACK_JUMPED);
    assert_int_equal(stoa_nack_gen_input(&gen, 15001, 0), STOA_NACK_IN_ORDER);
}

static void a_key_frame_makes_older_ones_needless(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_input(&gen, 65530, 0);
    stoa_nack_gen_input(&gen, 2, 0);
    stoa_nack_gen_input(&gen, 5, 0);
    stoa_nack_gen_forget_before(&gen, 2);
    assert_int_equal(ask(0, &keyframe), 2);
    assert_int_equal(asked[0], 3);
    assert_false(keyframe);
}

static void packets_that_only_came_late_teach_patience(void **unused G_GNUC_UNUSED)
{
    bool keyframe;

    stoa_nack_gen_input(&gen, 10, 0);
    stoa_nack_gen_input(&gen, 12, 0);
    stoa_nack_gen_input(&gen, 11, 4 * MS); /* before anybody asked */
    stoa_nack_gen_input(&gen, 14, 10 * MS);
    assert_int_equal(ask(10 * MS, &keyframe), 0);
    assert_int_equal(ask(15 * MS, &keyframe), 1);
}

/* Random loss, order and repair: the list is always what a model says. */
static void the_list_agrees_with_a_model(void **unused G_GNUC_UNUSED)
{
    static bool is_missing[65536];
    uint16_t highest = 0;
    bool keyframe;

    stoa_nack_gen_input(&gen, 0, 0);
    for (int64_t now = 0; now < 20000 * MS; now += MS) {
        unsigned step = dice_below(10) ? 1 : 1 + dice_below(6);
        size_t n, n_missing = 0;

        for (unsigned i = 1; i < step; i++)
            is_missing[(uint16_t)(highest + i)] = true;
        highest = (uint16_t)(highest + step);
        assert_int_equal(stoa_nack_gen_input(&gen, highest, now), STOA_NACK_IN_ORDER);
        n = ask(now, &keyframe);
        for (size_t i = 0; i < n; i++) {
            assert_true(is_missing[asked[i]]);
            if (dice_below(3)) {
                assert_int_equal(stoa_nack_gen_input(&gen, asked[i], now), STOA_NACK_FILLED);
                is_missing[asked[i]] = false;
            }
        }
        for (unsigned i = 0; i < 1000; i++)
            n_missing += is_missing[(uint16_t)(highest - i)];
        assert_true(gen.n_missing <= n_missing);
        assert_true(n_missing - gen.n_missing <= gen.n_given_up);
        for (size_t i = 0; i < gen.n_missing; i++)
            assert_true(is_missing[gen.missing[i].seq]);
        is_missing[(uint16_t)(highest - 5000)] = false;
        for (unsigned i = 5001; i < 5010; i++)
            is_missing[(uint16_t)(highest - i)] = false;
    }
    assert_true(gen.n_recovered > 1000);
}

static void a_nack_carries_every_number(void **unused G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < 3000; n++) {
        uint16_t in[200], out[200 * 17], seq = (uint16_t)dice();
        uint8_t fci[800];
        size_t n_in = 1 + dice_below(200), len;

        for (size_t i = 0; i < n_in; i++) {
            in[i] = seq;
            seq = (uint16_t)(seq + 1 + dice_below(dice_below(2) ? 3 : 40));
        }
        len = stoa_nack_fci_write(in, n_in, fci, sizeof(fci));
        assert_true(len >= 4 && len % 4 == 0);
        assert_int_equal(stoa_nack_fci_read(fci, len, out, G_N_ELEMENTS(out)), n_in);
        assert_memory_equal(in, out, n_in * sizeof(in[0]));
        assert_int_equal(stoa_nack_fci_write(in, n_in, fci, len - 1), 0);
    }
}

static void the_mask_is_that_of_the_rfc(void **unused G_GNUC_UNUSED)
{
    static const uint16_t seqs[] = { 100, 101, 116, 117 };
    static const uint8_t expected[] = { 0, 100, 0x80, 0x01, 0, 117, 0, 0 };
    uint16_t out[3];
    uint8_t fci[8];

    assert_int_equal(stoa_nack_fci_write(seqs, 4, fci, sizeof(fci)), 8);
    assert_memory_equal(fci, expected, 8);
    assert_int_equal(stoa_nack_fci_read(fci, 8, out, 3), 3);
    assert_int_equal(stoa_nack_fci_read(fci, 7, out, 3), 3);
    assert_int_equal(stoa_nack_fci_read(fci, 3, out, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_gap_is_asked_for_and_closed, setup),
        cmocka_unit_test_setup(at_no_round_trip_repeats_are_ten_ms_apart, setup),
        cmocka_unit_test_setup(repeats_wait_for_the_round_trip, setup),
        cmocka_unit_test_setup(repeats_are_twice_as_far_apart_each_time, setup),
        cmocka_unit_test_setup(a_packet_is_given_up_when_it_is_too_old, setup),
        cmocka_unit_test_setup(what_was_asked_for_often_enough_is_waited_for, setup),
        cmocka_unit_test_setup(a_longer_way_is_learned_from_the_first_repairs, setup),
        cmocka_unit_test_setup(a_repair_that_is_too_late_teaches, setup),
        cmocka_unit_test_setup(losses_of_requests_do_not_spoil_it, setup),
        cmocka_unit_test_setup(what_may_only_be_late_teaches_no_shorter_way, setup),
        cmocka_unit_test_setup(another_path_is_measured_anew, setup),
        cmocka_unit_test_setup(another_stream_takes_the_same_way, setup),
        cmocka_unit_test_setup(stale_packets_are_dropped, setup),
        cmocka_unit_test_setup(too_many_missing_want_a_key_frame, setup),
        cmocka_unit_test_setup(a_jump_forgets_everything, setup),
        cmocka_unit_test_setup(a_key_frame_makes_older_ones_needless, setup),
        cmocka_unit_test_setup(packets_that_only_came_late_teach_patience, setup),
        cmocka_unit_test_setup(the_list_agrees_with_a_model, setup),
        cmocka_unit_test(a_nack_carries_every_number),
        cmocka_unit_test(the_mask_is_that_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
