/* SPDX-License-Identifier: MIT */
/* @NAME@ in this process, on the bed: real rooms, a fake clock, people made of one line. (docs/plugin-guide.md) */
#include <stoa/bed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_greeting_reaches_everybody(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("@NAME@", "greeting = ahoy");
    StoaBedPerson *ana = stoa_bed_join(bed, "Ana", STOA_ROLE_PARTICIPANT);
    StoaBedPerson *ben = stoa_bed_join(bed, "Ben", STOA_ROLE_PARTICIPANT);

    stoa_bed_accepts(ana, "greet", "{}");
    stoa_bed_event(ben, "greeting", "{'text': 'ahoy', 'from': 'Ana'}");
    stoa_bed_describes(ben, "{'greetings': 1}");
}

static void one_must_join_first(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("@NAME@", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "Ana");

    stoa_bed_refuses_as(ana, "greet", "{}", "not_joined");
}

static void the_conf_file_is_complete(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("@NAME@", "");
    const char *top = g_getenv("STOA_SRCDIR");
    g_autofree char *path = g_build_filename(top ? top : ".", "conf", "@NAME@.conf", NULL);

    stoa_bed_sample(bed, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_reaches_everybody),
        cmocka_unit_test(one_must_join_first),
        cmocka_unit_test(the_conf_file_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
