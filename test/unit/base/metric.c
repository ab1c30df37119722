/* SPDX-License-Identifier: MIT */
#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_text_has(const char *wanted)
{
    g_autofree char *text = stoa_metric_text();

    if (!strstr(text, wanted))
        fail_msg("missing \"%s\" in:\n%s", wanted, text);
}

static void assert_text_lacks(const char *unwanted)
{
    g_autofree char *text = stoa_metric_text();

    if (strstr(text, unwanted))
        fail_msg("found \"%s\" in:\n%s", unwanted, text);
}

static void a_counter_prints_its_help_type_and_value(void **unused G_GNUC_UNUSED)
{
    StoaMetricCell *late =
        stoa_metric_counter("t_drop_total", "Packets dropped", "reason", "late", NULL);

    stoa_metric_add(late, 2);
    stoa_metric_add(stoa_metric_counter("t_drop_total", "Packets dropped", "reason", "cut", NULL),
                    1);
    assert_text_has("# HELP t_drop_total Packets dropped\n# TYPE t_drop_total counter\n"
                    "t_drop_total{reason=\"cut\"} 1\nt_drop_total{reason=\"late\"} 2\n");
}

static void the_same_name_and_labels_are_the_same_cell(void **unused G_GNUC_UNUSED)
{
    StoaMetricCell *one = stoa_metric_gauge("t_rooms", "Rooms", NULL);

    assert_ptr_equal(one, stoa_metric_gauge("t_rooms", "Rooms", NULL));
    assert_ptr_not_equal(one, stoa_metric_gauge("t_rooms", "Rooms", "host", "a", NULL));
    stoa_metric_set(one, -3);
    assert_text_has("# TYPE t_rooms gauge\nt_rooms -3\n");
}

static void a_label_cannot_break_out_of_its_quotes(void **unused G_GNUC_UNUSED)
{
    stoa_metric_gauge("t_odd", "Odd", "name", "a\"b\\c\nd", NULL);
    assert_text_has("t_odd{name=\"a\\\"b\\\\c\\nd\"} 0\n");
}

static void a_histogram_adds_its_buckets_up(void **unused G_GNUC_UNUSED)
{
    static const int64_t bounds[] = { 10, 100 };
    static const StoaMetricScale scale = { "t_turns", "Turns", 1, bounds, 2 };
    StoaMetricHistogram *h = stoa_metric_histogram(&scale, "q", "x", NULL);

    stoa_metric_observe(h, 10);
    stoa_metric_observe(h, 11);
    stoa_metric_observe(h, 5000);
    assert_text_has("# TYPE t_turns histogram\n"
                    "t_turns_bucket{q=\"x\",le=\"10\"} 1\n"
                    "t_turns_bucket{q=\"x\",le=\"100\"} 2\n"
                    "t_turns_bucket{q=\"x\",le=\"+Inf\"} 3\n"
                    "t_turns_sum{q=\"x\"} 5021\nt_turns_count{q=\"x\"} 3\n");
}

static void what_is_observed_finely_is_printed_in_base_units(void **unused G_GNUC_UNUSED)
{
    static const int64_t us[] = { 500, 2500, 1000000, 10000000 }, bits[] = { 100, 8000 };
    static const StoaMetricScale wait = { "t_wait_seconds", "Waits", STOA_METRIC_US, us, 4 };
    static const StoaMetricScale rate = { "t_rate_bytes_per_second", "Rates", STOA_METRIC_BITS,
                                          bits, 2 };
    StoaMetricHistogram *h = stoa_metric_histogram(&wait, NULL);

    stoa_metric_observe(h, 1);
    stoa_metric_observe(h, 2500);
    stoa_metric_observe(h, 60000000);
    stoa_metric_observe(stoa_metric_histogram(&rate, NULL), 101);
    assert_text_has("t_wait_seconds_bucket{le=\"0.0005\"} 1\n"
                    "t_wait_seconds_bucket{le=\"0.0025\"} 2\n"
                    "t_wait_seconds_bucket{le=\"1\"} 2\n"
                    "t_wait_seconds_bucket{le=\"10\"} 2\n"
                    "t_wait_seconds_bucket{le=\"+Inf\"} 3\n"
                    "t_wait_seconds_sum 60.002501\nt_wait_seconds_count 3\n");
    assert_text_has("t_rate_bytes_per_second_bucket{le=\"12.5\"} 0\n"
                    "t_rate_bytes_per_second_bucket{le=\"1000\"} 1\n");
    assert_text_has("t_rate_bytes_per_second_sum 12.625\n");
}

static void help_stays_on_its_line(void **unused G_GNUC_UNUSED)
{
    stoa_metric_gauge("t_help", "One\nand \\ \"two\"", NULL);
    assert_text_has("# HELP t_help One\\nand \\\\ \"two\"\n# TYPE t_help gauge\n");
}

static void a_retired_module_is_not_printed_until_it_comes_back(void **unused G_GNUC_UNUSED)
{
    StoaMetricCell *cell = stoa_metric_counter("t_votes_total", "Votes", "module", "poll", NULL);

    stoa_metric_counter("t_votes_total", "Votes", "submodule", "poll", NULL);
    stoa_metric_add(cell, 5);
    stoa_metric_retire("module", "poll");
    assert_text_lacks("{module=\"poll\"}");
    assert_text_has("{submodule=\"poll\"}");
    stoa_metric_add(cell, 1);
    assert_ptr_equal(cell, stoa_metric_counter("t_votes_total", "Votes", "module", "poll", NULL));
    assert_text_has("t_votes_total{module=\"poll\"} 6\n");
}

static void set_now(void *cell)
{
    stoa_metric_set(cell, 77);
}

static void a_gauge_can_be_looked_up_when_it_is_printed(void **unused G_GNUC_UNUSED)
{
    StoaMetricCell *cell = stoa_metric_gauge("t_now", "Now", NULL);

    stoa_metric_on_print(set_now, cell);
    assert_text_has("t_now 77\n");
    stoa_metric_off_print(set_now, cell);
    stoa_metric_set(cell, 1);
    assert_text_has("t_now 1\n");
}

static gpointer count_up(gpointer cell)
{
    for (int i = 0; i < 100000; i++)
        stoa_metric_add(cell, 1);
    return NULL;
}

static void no_count_is_lost_between_threads(void **unused G_GNUC_UNUSED)
{
    StoaMetricCell *cell = stoa_metric_counter("t_sum_total", "Sum", NULL);
    GThread *a = g_thread_new("a", count_up, cell), *b = g_thread_new("b", count_up, cell);

    g_thread_join(a);
    g_thread_join(b);
    assert_int_equal(stoa_metric_read(cell), 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_prints_its_help_type_and_value),
        cmocka_unit_test(the_same_name_and_labels_are_the_same_cell),
        cmocka_unit_test(a_label_cannot_break_out_of_its_quotes),
        cmocka_unit_test(a_histogram_adds_its_buckets_up),
        cmocka_unit_test(what_is_observed_finely_is_printed_in_base_units),
        cmocka_unit_test(help_stays_on_its_line),
        cmocka_unit_test(a_retired_module_is_not_printed_until_it_comes_back),
        cmocka_unit_test(a_gauge_can_be_looked_up_when_it_is_printed),
        cmocka_unit_test(no_count_is_lost_between_threads),
    };
    return cmocka_run_group_tests_name("base/metric", tests, NULL, NULL);
}
