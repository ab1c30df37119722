/* SPDX-License-Identifier: MIT */
/* The control loop and what lives on it: posts, timers on a fake and a real clock, tasks, the watchdog. */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/task.h"
#include "base/timer.h"
#include "base/watchdog.h"

static GString *story;
static StoaTimer *every;

static int start(void **unused G_GNUC_UNUSED)
{
    story = g_string_new(NULL);
    stoa_control_init();
    return 0;
}

static int stop(void **unused G_GNUC_UNUSED)
{
    stoa_clock_real();
    stoa_control_shutdown();
    g_string_free(story, TRUE);
    return stoa_timer_count() == 0 ? 0 : -1;
}

static void tell(void *text)
{
    g_string_append(story, text);
}

/* -- posts ------------------------------------------------------------------------------------ */
static void posts_run_in_order_and_free_what_they_carry(void **unused G_GNUC_UNUSED)
{
    stoa_control_post(tell, g_strdup("a"), g_free);
    stoa_control_post(tell, g_strdup("b"), g_free);
    stoa_control_post(tell, (void *)"c", NULL);
    assert_string_equal(story->str, "");
    stoa_control_settle();
    assert_string_equal(story->str, "abc");
}

static void post_more(void *text)
{
    tell(text);
    stoa_control_post(tell, (void *)"2", NULL);
}

static void a_post_from_a_post_runs_later(void **unused G_GNUC_UNUSED)
{
    stoa_control_post(post_more, (void *)"1", NULL);
    stoa_control_post(tell, (void *)"x", NULL);
    stoa_control_settle();
    assert_string_equal(story->str, "1x2");
}

static gpointer post_from_thread(gpointer unused G_GNUC_UNUSED)
{
    assert_false(stoa_control_is_here());
    for (int i = 0; i < 1000; i++)
        stoa_control_post(tell, (void *)".", NULL);
    stoa_control_quit();
    return NULL;
}

static void another_thread_wakes_a_loop_that_sleeps(void **unused G_GNUC_UNUSED)
{
    GThread *thread = g_thread_new("poster", post_from_thread, NULL);

    stoa_control_run();
    g_thread_join(thread);
    stoa_control_settle();
    assert_int_equal(story->len, 1000);
}

/* -- timers ----------------------------------------------------------------------------------- */
static void timers_fire_in_the_order_of_their_moments(void **unused G_GNUC_UNUSED)
{
    stoa_clock_fake(1000);
    stoa_timer_after(30, tell, (void *)"c");
    stoa_timer_after(10, tell, (void *)"a");
    stoa_timer_after(10, tell, (void *)"b");
    StoaTimer *never = stoa_timer_after(20, tell, (void *)"never");
    stoa_clock_advance(9999);
    assert_string_equal(story->str, "");
    stoa_clock_advance(1);
    assert_string_equal(story->str, "ab");
    stoa_timer_clear(&never);
    assert_null(never);
    stoa_clock_advance(3600 * INT64_C(1000000));
    assert_string_equal(story->str, "abc");
    assert_int_equal(stoa_timer_count(), 0);
}

static void tell_time(void *unused G_GNUC_UNUSED)
{
    g_string_append_printf(story, "%d ", (int)(stoa_clock_now_us() / 1000));
}

static void chain(void *unused G_GNUC_UNUSED)
{
    tell_time(NULL);
    stoa_timer_after(5, tell_time, NULL);
}

static void each_timer_sees_its_own_moment(void **unused G_GNUC_UNUSED)
{
    stoa_clock_fake(0);
    stoa_timer_after(10, chain, NULL);
    stoa_timer_after(12, tell_time, NULL);
    stoa_clock_advance(100 * 1000);
    assert_string_equal(story->str, "10 12 15 ");
    assert_int_equal(stoa_clock_now_us(), 100 * 1000);
}

static void tell_twice_then_end(void *unused G_GNUC_UNUSED)
{
    tell_time(NULL);
    if (story->len > 4)
        stoa_timer_clear(&every);
}

static void a_repeating_timer_can_end_itself(void **unused G_GNUC_UNUSED)
{
    stoa_clock_fake(0);
    every = stoa_timer_every(10, tell_twice_then_end, NULL);
    stoa_clock_advance(1000 * 1000);
    assert_string_equal(story->str, "10 20 ");
}

static void tell_and_quit(void *text)
{
    tell(text);
    stoa_control_quit();
}

static void on_the_real_clock_the_loop_wakes_for_a_timer(void **unused G_GNUC_UNUSED)
{
    int64_t before_us = stoa_clock_now_us();

    stoa_timer_after(30, tell_and_quit, (void *)"b");
    stoa_timer_after(5, tell, (void *)"a");
    stoa_control_run();
    assert_string_equal(story->str, "ab");
    assert_true(stoa_clock_now_us() - before_us >= 30 * 1000);
}

static void work_a_while(void *unused G_GNUC_UNUSED)
{
    g_usleep(2000);
    g_string_append_c(story, '.');
}

static gboolean hear(gpointer unused G_GNUC_UNUSED)
{
    g_string_append_c(story, '!');
    return G_SOURCE_REMOVE;
}

static void a_backlog_keeps_nobody_else_from_being_heard(void **unused G_GNUC_UNUSED)
{
    for (int i = 0; i < 20; i++)
        stoa_control_post(work_a_while, NULL, NULL);
    g_timeout_add(0, hear, NULL); /* as a signal or a socket would */
    stoa_control_settle();
    assert_int_equal(strlen(story->str), 21);
    assert_true(strchr(story->str, '!') - story->str < 10);
}

/* -- tasks ------------------------------------------------------------------------------------ */
static void work(void *data)
{
    g_assert(!stoa_control_is_here());
    *(int *)data = 42;
}

static void done(void *data)
{
    g_assert(stoa_control_is_here());
    g_string_append_printf(story, "%d", *(int *)data);
}

static void a_task_works_elsewhere_and_is_done_here(void **unused G_GNUC_UNUSED)
{
    stoa_task_run(work, done, g_new0(int, 1), g_free);
    stoa_control_settle();
    assert_string_equal(story->str, "42");
    assert_int_equal(stoa_task_pending(), 0);
}

static void a_task_under_way_at_the_end_is_freed_but_not_done(void **unused G_GNUC_UNUSED)
{
    stoa_task_run(work, done, g_new0(int, 1), g_free);
    stoa_control_shutdown();
    assert_string_equal(story->str, "");
    assert_int_equal(stoa_task_pending(), 0);
    stoa_control_post(tell, g_strdup("freed unrun"), g_free);
    stoa_control_init();
    stoa_control_settle();
    assert_string_equal(story->str, "");
}

/* -- the watchdog ----------------------------------------------------------------------------- */
static void be_slow(void *unused G_GNUC_UNUSED)
{
    int64_t until_us = g_get_monotonic_time() + STOA_WATCHDOG_STALL_US + 700 * 1000;

    while (g_get_monotonic_time() < until_us)
        g_usleep(1000);
    stoa_control_quit();
}

static void a_loop_that_hangs_is_counted_once_and_goes_on(void **unused G_GNUC_UNUSED)
{
    uint64_t before = stoa_watchdog_stalls();

    stoa_watchdog_start();
    stoa_control_post(be_slow, NULL, NULL);
    stoa_control_run();
    stoa_watchdog_stop();
    assert_int_equal(stoa_watchdog_stalls() - before, 1);
}

/* -- the clock -------------------------------------------------------------------------------- */
static void wall_time_is_written_as_rfc3339(void **unused G_GNUC_UNUSED)
{
    char text[STOA_CLOCK_TEXT_SIZE];

    assert_string_equal(stoa_clock_text(INT64_C(1700000000123456), text),
                        "2023-11-14T22:13:20.123Z");
    stoa_clock_fake(0);
    stoa_clock_advance(1500 * 1000);
    assert_string_equal(stoa_clock_text(stoa_clock_wall_us(), text), "2030-01-01T00:00:01.500Z");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(posts_run_in_order_and_free_what_they_carry),
        TEST(a_post_from_a_post_runs_later),
        TEST(another_thread_wakes_a_loop_that_sleeps),
        TEST(timers_fire_in_the_order_of_their_moments),
        TEST(each_timer_sees_its_own_moment),
        TEST(a_repeating_timer_can_end_itself),
        TEST(on_the_real_clock_the_loop_wakes_for_a_timer),
        TEST(a_backlog_keeps_nobody_else_from_being_heard),
        TEST(a_task_works_elsewhere_and_is_done_here),
        TEST(a_task_under_way_at_the_end_is_freed_but_not_done),
        TEST(a_loop_that_hangs_is_counted_once_and_goes_on),
        TEST(wall_time_is_written_as_rfc3339),
    };
    return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
