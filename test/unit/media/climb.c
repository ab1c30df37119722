/* SPDX-License-Identifier: MIT */
/* A client that speaks by REMB, on a line of some width, with a virtual clock. */
#include "media/climb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

enum { STEP_US = 10000, SAY_US = 500000, PADDING = 320 };

/* Media of one picture, and what the client says of all that arrives: half as much again, or what the line takes. */
typedef struct {
    StoaClimb climb;
    int64_t now_us;
    uint64_t line_bps, media_bps, wanted_bps, said_bps;
    uint64_t window_bits; /* that arrived since it said something */
    uint64_t padding_bits;
    uint64_t most_bps; /* sent in any half second */
} Client;

static void pass(Client *c, int64_t us)
{
    int64_t end_us = c->now_us + us;

    while (c->now_us < end_us) {
        uint64_t padding = 0;

        c->now_us += STEP_US;
        for (size_t due = stoa_climb_due(&c->climb, c->now_us); due > 0; due -= MIN(due, PADDING)) {
            stoa_climb_sent(&c->climb, PADDING); /* in whole packets, as it is */
            padding += 8 * PADDING;
        }
        c->padding_bits += padding;
        c->window_bits += padding + c->media_bps * STEP_US / 1000000;
        if (c->now_us % SAY_US != 0)
            continue;
        c->most_bps = MAX(c->most_bps, c->window_bits * 2);
        c->said_bps = MIN(c->line_bps, c->window_bits * 2 * 3 / 2 + 10000);
        c->window_bits = 0;
        stoa_climb_tend(&c->climb, c->said_bps, c->media_bps, c->wanted_bps, c->now_us);
        if (c->said_bps >= c->wanted_bps)
            c->media_bps = c->wanted_bps * 6 / 7; /* the better picture */
    }
}

static void a_wide_line_is_found_out_in_seconds(void **unused G_GNUC_UNUSED)
{
    Client c = { .line_bps = 5000000, .media_bps = 100000, .wanted_bps = 1400000 };

    pass(&c, 6000000);
    assert_true(c.said_bps >= c.wanted_bps);
    assert_false(stoa_climb_is_running(&c.climb));
    c.padding_bits = 0;
    pass(&c, 20000000);
    assert_int_equal(c.padding_bits, 0);
}

static void a_narrow_line_is_left_alone_soon_and_asked_ever_more_seldom(void **unused G_GNUC_UNUSED)
{
    Client c = { .line_bps = 300000, .media_bps = 100000, .wanted_bps = 1400000 };
    unsigned n_attempts = 0;

    pass(&c, 8000000);
    assert_false(stoa_climb_is_running(&c.climb));
    assert_true(c.most_bps <= c.line_bps * 11 / 10); /* never more than was said */
    c.padding_bits = 0;
    for (bool was_running = false; c.now_us < 600000000;) {
        pass(&c, SAY_US);
        n_attempts += !was_running && stoa_climb_is_running(&c.climb);
        was_running = stoa_climb_is_running(&c.climb);
    }
    assert_in_range(n_attempts, 10, 18);
    assert_true(c.padding_bits < 600 * c.line_bps / 12);
    c.line_bps = 5000000;
    pass(&c, 55000000);
    assert_true(c.said_bps >= c.wanted_bps);
}

static void a_jam_ends_an_attempt_at_once(void **unused G_GNUC_UNUSED)
{
    Client c = { .line_bps = 5000000, .media_bps = 100000, .wanted_bps = 1400000 };

    pass(&c, 2500000);
    assert_true(stoa_climb_is_running(&c.climb));
    c.line_bps = c.said_bps / 2;
    pass(&c, SAY_US);
    assert_false(stoa_climb_is_running(&c.climb));
    pass(&c, 5000000);
    assert_false(stoa_climb_is_running(&c.climb));
}

static void who_has_all_or_says_nothing_gets_no_padding(void **unused G_GNUC_UNUSED)
{
    StoaClimb climb = { 0 };

    for (int64_t now_us = 0; now_us < 60000000; now_us += SAY_US) {
        stoa_climb_tend(&climb, 0, 100000, 1400000, now_us);
        assert_int_equal(stoa_climb_due(&climb, now_us), 0);
        stoa_climb_tend(&climb, 2000000, 100000, 0, now_us);
        assert_int_equal(stoa_climb_due(&climb, now_us), 0);
        stoa_climb_tend(&climb, 90000, 100000, 1400000, now_us);
        assert_int_equal(stoa_climb_due(&climb, now_us), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_line_is_found_out_in_seconds),
        cmocka_unit_test(a_narrow_line_is_left_alone_soon_and_asked_ever_more_seldom),
        cmocka_unit_test(a_jam_ends_an_attempt_at_once),
        cmocka_unit_test(who_has_all_or_says_nothing_gets_no_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
