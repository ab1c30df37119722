/* SPDX-License-Identifier: MIT */
/* conf/rooms.conf says what the table says. With an argument "print": prints the sample from the table. */
#include "room/rooms-conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_sample_has_every_key_with_its_default(void **unused G_GNUC_UNUSED)
{
    const char *srcdir = g_getenv("STOA_SRCDIR");
    g_autofree char *path = g_build_filename(srcdir ? srcdir : ".", "conf", "rooms.conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (!stoa_conf_sample_check(stoa_rooms_conf_table(), text, &error))
        fail_msg("%s", error->message);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_has_every_key_with_its_default),
    };

    if (argc > 1 && g_str_equal(argv[1], "print")) {
        g_autofree char *sample = stoa_conf_sample(
            stoa_rooms_conf_table(),
            "Rooms that are kept: their meetings, invitations, tokens, files and limits.");
        fputs(sample, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
