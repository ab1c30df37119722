/* SPDX-License-Identifier: MIT */
/* Mail addresses: lower case, and hosts of any script as A-labels. (RFC 5891) */
#include "config.h"

#include "room/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void an_address_has_one_form_however_it_is_written(void **unused G_GNUC_UNUSED)
{
    static const char *const pairs[][2] = {
        { "Ana@School.Example", "ana@school.example" },
        { "ana@bücher.example", "ana@xn--bcher-kva.example" },
        { "ana@BÜCHER.Example", "ana@xn--bcher-kva.example" },
        { "ana@bu\xcc\x88"
          "cher.example",
          "ana@xn--bcher-kva.example" }, /* not composed */
        { "ana@XN--BCHER-KVA.example", "ana@xn--bcher-kva.example" },
        { "ana@straße.example", "ana@xn--strae-oqa.example" }, /* another name than strasse */
        { "ana@例え.テスト", "ana@xn--r8jz45g.xn--zckzah" },
        { "Jörg@bücher.example", "jörg@xn--bcher-kva.example" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *read = stoa_address_read(pairs[i][0], NULL);
        assert_non_null(read);
        assert_string_equal(read, pairs[i][1]);
    }
}

static void what_is_no_name_of_a_server_is_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const wrong[] = {
        "ana@",
        "@bücher.example",
        "ana@-bücher.example",
        "ana@bücher-.example",
        "ana@bücher..example",
        "ana@bücher.example.",
        "ana@bücher。。example",
        "ana@bücher.example。",
        "ana@。bücher.example",
        "ana@bücher＠x.example",     /* a fullwidth @ */
        "ana@bücher／x.example",     /* a fullwidth slash */
        "ana@bücher，b＠x.example",  /* a fullwidth comma */
        "ana@büc_her.example",       /* no such sign in a host's name */
        "ana@\xef\xbf\xbd.example",  /* not in IDNA */
        "ana@\xe2\x80\xaeü.example", /* turns the direction of text */
        "ana@b\xc3.example",         /* not UTF-8 */
        "ana@ü"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", /* a long label */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *read = stoa_address_read(wrong[i], &error);
        if (read)
            print_error("%s was read as %s\n", wrong[i], read);
        assert_null(read);
        assert_non_null(strstr(error->message, "\"email\""));
    }
}

/* Short as it is written, too long as it is sent. */
static void the_form_that_is_sent_is_what_must_be_short(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GString) text = g_string_new("ana@");
    g_autofree char *read = NULL;

    for (int i = 0; i < 40; i++)
        g_string_append(text, "üx.");
    g_string_append(text, "example");
    assert_true(text->len < 254);
    read = stoa_address_read(text->str, NULL);
    assert_null(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_one_form_however_it_is_written),
        cmocka_unit_test(what_is_no_name_of_a_server_is_refused),
        cmocka_unit_test(the_form_that_is_sent_is_what_must_be_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
