/* SPDX-License-Identifier: MIT */
/* What people write, as rows of StoaParam take it: texts, sealed texts, bytes; and how fast they may. */
#include "room/check.h"
#include "base/clock.h"
#include "base/loop.h"

#include <stoa/plugin.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after those it wants */
#include <cmocka.h>

static const StoaParam rows[] = {
    { "text", STOA_TEXT, 0, 1, 10 },
    { "note", STOA_TEXT, 0, 0, 10 },
    { "options", STOA_ARRAY, 0, 2, 3, .items = STOA_TEXT, .item_max = 5 },
    { "choices", STOA_ARRAY, 0, 1, 3, .items = STOA_INT, .item_max = 9 },
    { "update", STOA_BYTES, 0, 1, 6 },
    { NULL },
};

static bool fits(bool sealed, const char *member, json_t *value)
{
    json_t *body = json_pack("{s:o}", member, value);
    g_autoptr(GError) error = NULL;
    StoaCheck verdict = stoa_check(body, rows, sealed, &error);

    json_decref(body);
    if (verdict == STOA_CHECK_OK)
        assert_null(error);
    else
        assert_non_null(strstr(error->message, member)); /* it names the field */
    return verdict == STOA_CHECK_OK;
}

static bool text_fits(const char *text)
{
    return fits(false, "text", json_string(text));
}

static void a_text_is_counted_in_characters(void **unused G_GNUC_UNUSED)
{
    assert_true(text_fits("0123456789"));
    assert_false(text_fits("0123456789a"));
    assert_true(text_fits("🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂")); /* 40 bytes */
    assert_false(text_fits("🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂"));
    assert_false(fits(false, "text", json_integer(5)));
    assert_false(fits(false, "text", json_null()));
}

static void a_blank_text_is_none(void **unused G_GNUC_UNUSED)
{
    assert_false(text_fits(""));
    assert_false(text_fits(" \t\n\u2003"));
    assert_true(text_fits(" x "));
    assert_true(fits(false, "note", json_string("")));
}

static json_t *box(const char *sealed, json_int_t epoch)
{
    return json_pack("{s:s, s:I}", "sealed", sealed, "epoch", epoch);
}

static void a_sealed_room_takes_no_open_text(void **unused G_GNUC_UNUSED)
{
    json_t *chatty = box("AAAA", 1);

    json_object_set_new(chatty, "hint", json_string("the text is hello"));
    assert_true(fits(true, "text", box("AAECAw==", 0)));
    assert_false(fits(true, "text", json_string("hello")));
    assert_false(fits(true, "text", chatty));
    assert_false(fits(true, "text", box("", 1)));
    assert_false(fits(true, "text", box("AAECA", 1)));
    assert_false(fits(true, "text", box("AAECAw==", -1)));
    assert_false(fits(false, "text", box("AAECAw==", 1)));

    g_autofree char *large = g_strnfill(((40 + 256) / 3 + 1) * 4, 'A');
    assert_false(fits(true, "text", box(large, 1)));
    large[((40 + 256) / 3) * 4] = '\0';
    assert_true(fits(true, "text", box(large, 1)));
}

static void items_have_limits_of_their_own(void **unused G_GNUC_UNUSED)
{
    assert_true(fits(false, "options", json_pack("[s, s]", "yes", "äöüßx")));
    assert_false(fits(false, "options", json_pack("[s, s]", "yes", "no way")));
    assert_false(fits(false, "options", json_pack("[s, s]", "yes", "")));
    assert_true(fits(true, "options", json_pack("[o, o]", box("AAAA", 1), box("AAAA", 1))));
    assert_true(fits(false, "choices", json_pack("[i, i]", 0, 9)));
    assert_false(fits(false, "choices", json_pack("[i]", 10)));
    assert_false(fits(false, "choices", json_pack("[i]", -1)));
}

static void bytes_are_base64(void **unused G_GNUC_UNUSED)
{
    assert_true(fits(false, "update", json_string("AAECAwQF"))); /* 6 bytes */
    assert_true(fits(false, "update", json_string("/+8=")));
    assert_false(fits(false, "update", json_string("AAECAwQFBg=="))); /* 7 */
    assert_false(fits(false, "update", json_string("")));
    assert_false(fits(false, "update", json_string("AAEC_w==")));
    assert_false(fits(false, "update", json_string("A===")));
    assert_false(fits(false, "update", json_string("AAE")));
    assert_false(fits(false, "update", json_string("AA=A")));
}

static unsigned taken_of(StoaRate *rate, unsigned tries, int64_t per_second)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tries; i++)
        n += stoa_rate_take(rate, per_second, NULL) ? 1 : 0;
    return n;
}

static void a_rate_is_kept_over_time(void **unused G_GNUC_UNUSED)
{
    StoaRate rate = { 0 };
    g_autoptr(GError) error = NULL;

    stoa_control_init();
    stoa_clock_fake(5);
    assert_int_equal(taken_of(&rate, 100, 0), 100); /* no limit */
    assert_int_equal(taken_of(&rate, 30, 10), 10);
    assert_false(stoa_rate_take(&rate, 10, &error));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_LIMIT));
    stoa_clock_advance(200000);
    assert_int_equal(taken_of(&rate, 30, 10), 2);
    stoa_clock_advance(10000000); /* a long rest is worth one second */
    assert_int_equal(taken_of(&rate, 30, 10), 10);
    stoa_control_shutdown();
    stoa_clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_counted_in_characters),
        cmocka_unit_test(a_blank_text_is_none),
        cmocka_unit_test(a_sealed_room_takes_no_open_text),
        cmocka_unit_test(items_have_limits_of_their_own),
        cmocka_unit_test(bytes_are_base64),
        cmocka_unit_test(a_rate_is_kept_over_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
