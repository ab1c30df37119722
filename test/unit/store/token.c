/* SPDX-License-Identifier: MIT */
/* Tokens and their hashes. */
#include "store/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

enum { N = 2000 };

static void a_token_is_found_by_its_hash_and_no_two_are_alike(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < N; i++) {
        char text[STOA_TOKEN_LEN + 1];
        uint8_t made[STOA_TOKEN_HASH_LEN], found[STOA_TOKEN_HASH_LEN];

        stoa_token_new(text, made);
        assert_int_equal(strlen(text), STOA_TOKEN_LEN);
        assert_true(stoa_token_hash(text, found));
        assert_true(stoa_token_equal(made, found));
        assert_true(g_hash_table_add(seen, g_strdup(text)));
    }
}

static void a_known_token_has_a_known_hash(void **unused G_GNUC_UNUSED)
{
    /* printf '%043d' 0 | sha256sum */
    g_autofree char *expected = g_compute_checksum_for_string(
        G_CHECKSUM_SHA256, "0000000000000000000000000000000000000000000", -1);
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    GString *hex = g_string_new(NULL);

    assert_true(stoa_token_hash("0000000000000000000000000000000000000000000", hash));
    for (size_t i = 0; i < sizeof hash; i++)
        g_string_append_printf(hex, "%02x", hash[i]);
    assert_string_equal(hex->str, expected);
    g_string_free(hex, TRUE);
}

static void what_is_no_token_gets_a_hash_of_nobody(void **unused G_GNUC_UNUSED)
{
    static const char *const odd[] = { NULL,
                                       "",
                                       "x",
                                       "000000000000000000000000000000000000000000",
                                       "00000000000000000000000000000000000000000000",
                                       "000000000000000000000 000000000000000000000",
                                       "000000000000000000000'000000000000000000000" };
    uint8_t a[STOA_TOKEN_HASH_LEN], b[STOA_TOKEN_HASH_LEN];

    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        assert_false(stoa_token_hash(odd[i], a));
        assert_false(stoa_token_hash(odd[i], b));
        assert_false(stoa_token_equal(a, b));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_by_its_hash_and_no_two_are_alike),
        cmocka_unit_test(a_known_token_has_a_known_hash),
        cmocka_unit_test(what_is_no_token_gets_a_hash_of_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
