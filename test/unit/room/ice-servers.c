/* SPDX-License-Identifier: MIT */
/* What a browser is told of STUN and TURN. */
#include "config.h"

#include "room/ice-servers.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static json_t *servers_of(const char *urls, const char *secret)
{
    g_auto(GStrv) list = g_strsplit(urls, " ", -1);
    const StoaRoomsConf conf = { .ice_servers = *urls ? list : NULL,
                                 .turn_secret = (char *)secret,
                                 .turn_s = 3600 };

    return stoa_ice_servers(&conf, "ana", INT64_C(1893456000000));
}

static void nobody_is_asked_unless_configured(void **unused G_GNUC_UNUSED)
{
    json_t *list = servers_of("", NULL);

    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void turn_gets_a_password_that_ends(void **unused G_GNUC_UNUSED)
{
    json_t *list = servers_of("stun:s.example:3478 turn:t.example turns:t.example", "open sesame");
    const json_t *turn = json_array_get(list, 1);

    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_array_size(json_object_get(turn, "urls")), 2);
    assert_string_equal(json_string_value(json_object_get(turn, "username")), "1893459600:ana");
    /* node: createHmac('sha1', secret).update(username).digest('base64') */
    assert_string_equal(json_string_value(json_object_get(turn, "credential")),
                        "cYyiKJ2N4y+6hqxCXhTXIHo4gwI=");
    assert_null(json_object_get(json_array_get(list, 0), "username"));
    json_decref(list);
}

static void turn_without_a_secret_is_left_out(void **unused G_GNUC_UNUSED)
{
    json_t *list = servers_of("turn:t.example", NULL);

    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_asked_unless_configured),
        cmocka_unit_test(turn_gets_a_password_that_ends),
        cmocka_unit_test(turn_without_a_secret_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
