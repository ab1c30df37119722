/* SPDX-License-Identifier: MIT */
#include "base/conf-private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const web[] = { "https", "http", NULL };
static const char *const ice[] = { "stun", "turns", NULL };
static const char *const codecs[] = { "opus", "pcmu", NULL };

/* What fits; then, after NULL, what does not. */
static void check(StoaForm form, const char *const *choices, const char *const *texts)
{
    const StoaOption row = { .type = STOA_STRING, .form = form, .choices = choices };
    bool expected = true;

    for (unsigned n = 0; n < 2; n++, expected = false, texts++)
        for (; *texts; texts++)
            if (stoa_conf_form_fits(&row, *texts) != expected)
                fail_msg("\"%s\" %s", *texts, expected ? "does not fit" : "fits");
}

#define CHECK(form, choices, ...) check(form, choices, (const char *const[]){ __VA_ARGS__, NULL })

static void addresses_and_networks_are_numbers(void **unused G_GNUC_UNUSED)
{
    CHECK(STOA_FORM_ADDRESS, NULL, "192.0.2.7", "::1", "2001:db8::7", NULL, "a.example", "192.0.2",
          "192.0.2.7:80", "[::1]", "192.0.2.7/32", " ::1");
    CHECK(STOA_FORM_NETWORK, NULL, "192.0.2.7", "192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0",
          "2001:db8::/32", "::1/128", NULL, "10.0.0.0/33", "10.0.0.1/8", "2001:db8::1/64",
          "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/8", "proxy", "::/129");
}

static void urls_have_a_scheme_and_a_host(void **unused G_GNUC_UNUSED)
{
    CHECK(STOA_FORM_URL, web, "https://a.example", "HTTP://localhost:8088", "https://[::1]:80/x?y",
          "https://192.0.2.7/", NULL, "a.example", "https://", "https:///x", "https:a.example",
          "ftp://a.example", "https://a.example:0", "https://a.example:x", "https://a b",
          "https://a.example/\"", "https://[::1", "https://[zz]", "https://u@a.example");
    CHECK(STOA_FORM_URL, ice, "stun:a.example", "stun:192.0.2.7:3478",
          "turns:[::1]:443?transport=tcp", NULL, "stun", "stun:", "turn:a.example", "stun://a",
          "a.example:3478");
    CHECK(STOA_FORM_ORIGIN, NULL, "*", "https://a.example", "http://localhost:8088", NULL,
          "https://a.example/", "a.example", "https://", "://a", "https://*", "**",
          "https://a.example/x");
}

static void pairs_and_choices_have_their_parts(void **unused G_GNUC_UNUSED)
{
    CHECK(STOA_FORM_PAIR, NULL, "a=b", "janus.plugin.x=x", NULL, "a", "=b", "a=");
    CHECK(STOA_FORM_CHOICES, codecs, "opus", "opus,pcmu", "PCMU, opus", NULL, "zork", "opus,zork",
          "opus pcmu");
    CHECK(STOA_FORM_ANY, NULL, "", "anything at all", NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_networks_are_numbers),
        cmocka_unit_test(urls_have_a_scheme_and_a_host),
        cmocka_unit_test(pairs_and_choices_have_their_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
