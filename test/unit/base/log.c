/* SPDX-License-Identifier: MIT */
#define LOG_AREA "ice"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char seen[4096];

static void keep(const char *line, size_t len)
{
    memcpy(seen, line, len);
    seen[len] = '\0';
}

static int reset(void **unused G_GNUC_UNUSED)
{
    seen[0] = '\0';
    stoa_log_set_sink(keep);
    stoa_log_set_level(STOA_LOG_INFO);
    stoa_log_set_pii(false);
    return 0;
}

/* What follows the time. */
static const char *after_time(void)
{
    return strchr(seen, ' ') + 1;
}

typedef struct {
    int other;
    StoaLogTag log;
} Peer;

static void a_line_has_time_level_area_ids_and_text(void **unused G_GNUC_UNUSED)
{
    Peer peer = { 0 };

    stoa_log_tag_set(&peer.log, "room=%d peer=%s", 4711, "k3v");
    log_info(&peer, "nominated %s", "udp");
    assert_string_equal(after_time(), "info ice room=4711 peer=k3v nominated udp\n");
    assert_int_equal(strcspn(seen, " "), strlen("2026-11-22T23:39:01.123Z"));
}

static void a_line_about_nobody_has_no_ids(void **unused G_GNUC_UNUSED)
{
    log_warn(stoa_process, "tired");
    assert_string_equal(after_time(), "warn ice tired\n");
}

static void a_line_above_the_level_is_not_shown(void **unused G_GNUC_UNUSED)
{
    log_debug(stoa_process, "why");
    assert_string_equal(seen, "");
    stoa_log_set_level(STOA_LOG_DEBUG);
    log_debug(stoa_process, "why");
    assert_string_equal(after_time(), "debug ice why\n");
    stoa_log_set_level(0);
    seen[0] = '\0';
    log_error(stoa_process, "nothing at all");
    assert_string_equal(seen, "");
}

static void a_stranger_cannot_begin_a_line_of_their_own(void **unused G_GNUC_UNUSED)
{
    log_info(stoa_process, "from %s", "a\nerror ice forged\x1b[31m");
    assert_string_equal(after_time(), "info ice from a error ice forged [31m\n");
}

static void a_long_line_is_cut_and_still_ends(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = g_strnfill(5000, 'x');

    log_info(stoa_process, "%s", text);
    assert_true(strlen(seen) < 2100);
    assert_int_equal(seen[strlen(seen) - 1], '\n');
}

static void a_long_tag_is_cut(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = g_strnfill(500, 'x');
    Peer peer = { 0 };

    stoa_log_tag_set(&peer.log, "%s", text);
    assert_int_equal(strlen(peer.log.ids), sizeof peer.log.ids - 1);
}

static void addresses_are_truncated_and_names_hidden(void **unused G_GNUC_UNUSED)
{
    assert_string_equal(STOA_PII("192.0.2.77"), "192.0.2.0/24");
    assert_string_equal(STOA_PII("192.0.2.77:5000"), "192.0.2.0/24");
    assert_string_equal(STOA_PII("2001:db8:1:2::7"), "2001:db8:1::/48");
    assert_string_equal(STOA_PII("[2001:db8:1:2::7]:5000"), "2001:db8:1::/48");
    assert_string_equal(STOA_PII("ana@example.org"), "(hidden)");
    assert_string_equal(STOA_PII("a name that is longer than any address could ever be, by far"),
                        "(hidden)");
    assert_string_equal(STOA_PII(NULL), "-");
    stoa_log_set_pii(true);
    assert_string_equal(STOA_PII("ana"), "ana");
}

static void two_addresses_fit_in_one_line(void **unused G_GNUC_UNUSED)
{
    log_info(stoa_process, "%s to %s", STOA_PII("192.0.2.77"), STOA_PII("198.51.100.1"));
    assert_string_equal(after_time(), "info ice 192.0.2.0/24 to 198.51.100.0/24\n");
}

static void glib_speaks_into_the_log(void **unused G_GNUC_UNUSED)
{
    stoa_log_init();
    g_log_structured("libnice", G_LOG_LEVEL_WARNING, "MESSAGE", "%s", "odd");
    assert_string_equal(after_time(), "warn libnice odd\n");
}

static void levels_have_names_and_numbers(void **unused G_GNUC_UNUSED)
{
    assert_int_equal(stoa_log_level_from_name("warn"), STOA_LOG_WARN);
    assert_int_equal(stoa_log_level_from_name("7"), 7);
    assert_int_equal(stoa_log_level_from_name("8"), -1);
    assert_int_equal(stoa_log_level_from_name("loud"), -1);
    stoa_log_set_level(99);
    assert_int_equal(stoa_log_level(), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_has_time_level_area_ids_and_text, reset),
        cmocka_unit_test_setup(a_line_about_nobody_has_no_ids, reset),
        cmocka_unit_test_setup(a_line_above_the_level_is_not_shown, reset),
        cmocka_unit_test_setup(a_stranger_cannot_begin_a_line_of_their_own, reset),
        cmocka_unit_test_setup(a_long_line_is_cut_and_still_ends, reset),
        cmocka_unit_test_setup(a_long_tag_is_cut, reset),
        cmocka_unit_test_setup(addresses_are_truncated_and_names_hidden, reset),
        cmocka_unit_test_setup(two_addresses_fit_in_one_line, reset),
        cmocka_unit_test_setup(glib_speaks_into_the_log, reset),
        cmocka_unit_test_setup(levels_have_names_and_numbers, reset),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
