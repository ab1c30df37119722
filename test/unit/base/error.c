/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void failing_sets_the_error_and_returns_false(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    assert_false(stoa_fail(&error, STOA_ERROR_LIMIT, "room \"%s\" is full", "7"));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_LIMIT));
    assert_string_equal(error->message, "room \"7\" is full");
    assert_null(stoa_error_reason(error));
}

static void a_caller_who_does_not_ask_gets_no_error(void **unused G_GNUC_UNUSED)
{
    assert_false(stoa_fail(NULL, STOA_ERROR_LIMIT, "nobody reads this"));
    assert_false(stoa_refuse(NULL, "no_such_room", "nor this"));
}

static void a_refusal_keeps_its_reason_also_in_a_copy(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL, copy = NULL;

    assert_false(stoa_refuse(&error, "no_such_room", "no room %d", 7));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_REFUSED));
    assert_string_equal(stoa_error_reason(error), "no_such_room");
    copy = g_error_copy(error);
    g_prefix_error(&copy, "videoroom: ");
    assert_string_equal(copy->message, "videoroom: no room 7");
    assert_string_equal(stoa_error_reason(copy), "no_such_room");
}

static void an_error_of_another_domain_has_no_reason(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");

    assert_null(stoa_error_reason(error));
    assert_null(stoa_error_reason(NULL));
}

static void every_code_has_a_name(void **unused G_GNUC_UNUSED)
{
    for (int code = STOA_ERROR_INVALID; code <= STOA_ERROR_REFUSED; code++)
        assert_string_not_equal(stoa_error_code_name(code), "unknown");
    assert_string_equal(stoa_error_code_name(STOA_ERROR_NOT_FOUND), "not_found");
    assert_string_equal(stoa_error_code_name(-1), "unknown");
    assert_string_equal(stoa_error_code_name(99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_sets_the_error_and_returns_false),
        cmocka_unit_test(a_caller_who_does_not_ask_gets_no_error),
        cmocka_unit_test(a_refusal_keeps_its_reason_also_in_a_copy),
        cmocka_unit_test(an_error_of_another_domain_has_no_reason),
        cmocka_unit_test(every_code_has_a_name),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
