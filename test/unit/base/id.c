/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N_DRAWS 20000

static void ids_fit_a_json_number_and_use_all_its_bits(void **unused G_GNUC_UNUSED)
{
    uint64_t any = 0, all = UINT64_MAX;

    for (int i = 0; i < N_DRAWS; i++) {
        uint64_t id = stoa_id_random53();
        assert_in_range(id, 1, (UINT64_C(1) << 53) - 1);
        any |= id;
        all &= id;
    }
    assert_int_equal(any, (UINT64_C(1) << 53) - 1);
    assert_int_equal(all, 0);
}

static void ids_do_not_repeat(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    for (int i = 0; i < N_DRAWS; i++) {
        uint64_t id = stoa_id_random53();
        assert_true(g_hash_table_add(seen, g_memdup2(&id, sizeof id)));
    }
}

static void text_is_base62_and_no_character_is_favoured(void **unused G_GNUC_UNUSED)
{
    unsigned count[128] = { 0 }, least = UINT32_MAX, most = 0;
    char text[63];

    for (int i = 0; i < 10000; i++) {
        assert_ptr_equal(stoa_id_text(text, 62), text);
        assert_int_equal(strlen(text), 62);
        for (const char *at = text; *at; at++) {
            assert_true(g_ascii_isalnum(*at));
            count[(unsigned char)*at]++;
        }
    }
    for (int c = 0; c < 128; c++) {
        if (!g_ascii_isalnum(c))
            continue;
        least = MIN(least, count[c]);
        most = MAX(most, count[c]);
    }
    /* 10,000 of each are expected, give or take 100; taking bytes modulo 62 would favour some by a quarter. */
    assert_true(least > 9300 && most < 10700);
}

static void secrets_are_equal_only_when_all_of_them_is(void **unused G_GNUC_UNUSED)
{
    assert_true(stoa_id_constant_time_equal("secret", "secret"));
    assert_true(stoa_id_constant_time_equal("", ""));
    assert_false(stoa_id_constant_time_equal("secret", "secreT"));
    assert_false(stoa_id_constant_time_equal("Secret", "secret"));
    assert_false(stoa_id_constant_time_equal("secret", "secret1"));
    assert_false(stoa_id_constant_time_equal(NULL, "secret"));
    assert_false(stoa_id_constant_time_equal(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_fit_a_json_number_and_use_all_its_bits),
        cmocka_unit_test(ids_do_not_repeat),
        cmocka_unit_test(text_is_base62_and_no_character_is_favoured),
        cmocka_unit_test(secrets_are_equal_only_when_all_of_them_is),
    };
    return cmocka_run_group_tests_name("base/id", tests, NULL, NULL);
}
