/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glib.h>

#include "media/wheel.h"

typedef struct {
    StoaWheelTimer timer;
    StoaWheel *wheel;
    int64_t fired_us;
    unsigned n;
    int64_t again_us; /* 0: not again */
    StoaWheelTimer *victim;
} Probe;

static void note(StoaWheelTimer *timer, int64_t now_us)
{
    Probe *probe = STOA_WHEEL_OWNER(timer, Probe, timer);

    probe->fired_us = now_us;
    probe->n++;
    if (probe->victim)
        stoa_wheel_clear(probe->wheel, probe->victim);
    if (probe->again_us)
        stoa_wheel_set(probe->wheel, timer, now_us + probe->again_us);
}

static void timers_fire_within_a_slot_of_their_time(void **unused G_GNUC_UNUSED)
{
    static const int64_t due[] = { 1,       9999,    10000,    123456,  5000000,
                                   5119999, 5120001, 30000000, 90000000 };
    StoaWheel wheel;
    Probe probes[G_N_ELEMENTS(due)] = { 0 };

    stoa_wheel_init(&wheel, 1234567);
    for (unsigned i = 0; i < G_N_ELEMENTS(due); i++) {
        probes[i].timer.fire = note;
        stoa_wheel_set(&wheel, &probes[i].timer, 1234567 + due[i]);
    }
    for (int64_t now_us = 1234567; now_us < 100000000; now_us = stoa_wheel_next_us(&wheel)) {
        stoa_wheel_advance(&wheel, now_us);
        if (stoa_wheel_next_us(&wheel) == INT64_MAX)
            break;
        assert_true(stoa_wheel_next_us(&wheel) > now_us);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(due); i++) {
        assert_int_equal(probes[i].n, 1);
        assert_in_range(probes[i].fired_us - 1234567, due[i], due[i] + 2 * STOA_WHEEL_SLOT_US);
    }
}

static void one_timer_may_stop_another(void **unused G_GNUC_UNUSED)
{
    StoaWheel wheel;
    Probe a = { .wheel = &wheel, .timer.fire = note }, b = a;

    stoa_wheel_init(&wheel, 0);
    a.victim = &b.timer;
    b.victim = &a.timer;
    stoa_wheel_set(&wheel, &a.timer, 50000);
    stoa_wheel_set(&wheel, &b.timer, 50000);
    stoa_wheel_advance(&wheel, 100000);
    assert_int_equal(a.n + b.n, 1);
    assert_true(stoa_wheel_next_us(&wheel) == INT64_MAX);
}

static void a_timer_may_set_itself_again(void **unused G_GNUC_UNUSED)
{
    StoaWheel wheel;
    Probe probe = { .wheel = &wheel, .timer.fire = note, .again_us = 100000 };

    stoa_wheel_init(&wheel, 0);
    stoa_wheel_set(&wheel, &probe.timer, 100000);
    for (int64_t now_us = 0; now_us <= 1000000; now_us += 5000)
        stoa_wheel_advance(&wheel, now_us);
    assert_in_range(probe.n, 9, 10);
    stoa_wheel_advance(&wheel, 60000000); /* it slept: fires once, not six hundred times */
    assert_in_range(probe.n, 10, 12);
}

static void set_by_only_moves_to_the_front(void **unused G_GNUC_UNUSED)
{
    StoaWheel wheel;
    Probe probe = { .wheel = &wheel, .timer.fire = note };

    stoa_wheel_init(&wheel, 0);
    stoa_wheel_set_by(&wheel, &probe.timer, 200000);
    stoa_wheel_set_by(&wheel, &probe.timer, 900000);
    stoa_wheel_set_by(&wheel, &probe.timer, 100000);
    stoa_wheel_advance(&wheel, 110000);
    assert_int_equal(probe.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_within_a_slot_of_their_time),
        cmocka_unit_test(one_timer_may_stop_another),
        cmocka_unit_test(a_timer_may_set_itself_again),
        cmocka_unit_test(set_by_only_moves_to_the_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
