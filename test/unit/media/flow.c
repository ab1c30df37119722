/* SPDX-License-Identifier: MIT */
/* What a source brings is measured so that it may be reckoned with, whatever its pictures come like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/flow.h"

enum { STEP_US = 100000, SECOND_US = 1000000, PAYLOAD = 1000 - STOA_PACKET_OVERHEAD };

typedef struct {
    StoaFlow flow;
    int64_t now_us;
    uint32_t least, most; /* that was read since the last look */
} Scene;

/* One packet of 1,000 bytes costs 8,000 bits. */
static void run(Scene *s, int64_t us, int64_t every_us, unsigned n_packets)
{
    s->least = UINT32_MAX;
    s->most = 0;
    for (int64_t end_us = s->now_us + us; s->now_us < end_us; s->now_us += 10000) {
        for (unsigned i = 0; every_us && s->now_us % every_us == 0 && i < n_packets; i++)
            stoa_flow_input(&s->flow, PAYLOAD, 0, 0);
        if (s->now_us % STEP_US != 0)
            continue;
        stoa_flow_tend(&s->flow, s->now_us);
        s->least = s->flow.bps < s->least ? s->flow.bps : s->least;
        s->most = s->flow.bps > s->most ? s->flow.bps : s->most;
    }
}

static Scene scene_new(void)
{
    return (Scene){ .now_us = 100 * (int64_t)SECOND_US };
}

/* One to five pictures a second, 40 KB each: never much cheaper, or dearer, than it is. */
static void few_pictures_are_never_cheap(void **unused)
{
    (void)unused;
    for (int64_t every_us = 200000; every_us <= SECOND_US; every_us += 200000) {
        uint32_t bps = (uint32_t)(40 * 8000 * (int64_t)SECOND_US / every_us);
        Scene s = scene_new();

        run(&s, 12 * SECOND_US, every_us, 40);
        run(&s, 10 * SECOND_US, every_us, 40);
        assert_in_range(s.least, bps / 100 * 80, bps);
        assert_in_range(s.most, bps, bps / 100 * 125);
    }
}

/* Thirty pictures a second: a change is seen within a second, as if nothing were slow anywhere. */
static void many_pictures_are_followed_at_once(void **unused)
{
    Scene s = scene_new();

    (void)unused;
    run(&s, 5 * SECOND_US, 30000, 6);
    assert_in_range(s.flow.bps, 1500000, 1700000);
    run(&s, 1500000, 30000, 2);
    assert_in_range(s.flow.bps, 500000, 850000);
}

static void a_screen_that_begins_to_move_is_dear_soon(void **unused)
{
    Scene s = scene_new();

    (void)unused;
    run(&s, 10 * SECOND_US, SECOND_US, 10); /* 80 kbit/s */
    run(&s, 2 * SECOND_US, 30000, 6);       /* 1.6 Mbit/s */
    assert_in_range(s.flow.bps, 1200000, 1700000);
}

static void what_ends_is_forgotten(void **unused)
{
    Scene s = scene_new();

    (void)unused;
    run(&s, 5 * SECOND_US, 30000, 6);
    run(&s, 1300000, 0, 0);
    assert_in_range(s.flow.bps, 0, 500000);
    s.now_us += 5 * (int64_t)SECOND_US; /* nobody looks at what does not flow */
    run(&s, 2 * SECOND_US, 30000, 2);
    assert_in_range(s.flow.bps, 450000, 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_pictures_are_never_cheap),
        cmocka_unit_test(many_pictures_are_followed_at_once),
        cmocka_unit_test(a_screen_that_begins_to_move_is_dear_soon),
        cmocka_unit_test(what_ends_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
