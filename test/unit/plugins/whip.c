/* SPDX-License-Identifier: MIT */
/* WHIP and WHEP as far as they go without videoroom: conf, tokens, what is refused before anybody is asked. The rest:
 * test/api/whip.test.mjs. */
#include <stoa/bed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SDP      "Content-Type: application/sdp\n"
#define FRAGMENT "Content-Type: application/trickle-ice-sdpfrag\n"

static void the_sample_has_every_key(void **unused G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(g_getenv("STOA_SRCDIR"), "conf/whip.conf", NULL);
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    stoa_bed_sample(bed, path);
}

static void without_videoroom_nobody_can_come_in(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    stoa_bed_calls(bed, "POST /whip/1234", SDP, "v=0\r\n", 503);
    stoa_bed_calls(bed, "POST /whep/1234", SDP, "v=0\r\n", 503);
    stoa_bed_calls(bed, "GET /whip/1234", NULL, NULL, 204);
    assert_int_equal(stoa_bed_counted(bed, "refused_total"), 2);
}

static void tokens_are_looked_at_first_and_again_after_a_reload(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "[publish]\ntokens = one;two\n");

    stoa_bed_calls(bed, "POST /whip/1234", SDP, "v=0\r\n", 401);
    stoa_bed_calls(bed, "POST /whip/1234", SDP "Authorization: Bearer tw", "v=0\r\n", 401);
    stoa_bed_calls(bed, "POST /whip/1234", SDP "Authorization: Bearer two", "v=0\r\n", 503);
    stoa_bed_calls(bed, "POST /whep/1234", SDP, "v=0\r\n", 503);
    stoa_bed_reload(bed, "[watch]\ntokens = three\n", NULL);
    stoa_bed_calls(bed, "POST /whip/1234", SDP, "v=0\r\n", 503);
    stoa_bed_calls(bed, "POST /whep/1234", SDP "Authorization: Basic three", "v=0\r\n", 401);
    stoa_bed_calls(bed, "POST /whep/1234", SDP "Authorization: Bearer three", "v=0\r\n", 503);
}

static void a_room_without_a_number_is_for_who_has_a_token(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    stoa_bed_calls(bed, "POST /whip/class", SDP, "v=0\r\n", 401);
    stoa_bed_calls(bed, "POST /whip/class", SDP "Authorization: Bearer ", "v=0\r\n", 401);
    stoa_bed_calls(bed, "POST /whip/12345678901234567", SDP, "v=0\r\n", 401);
}

static void what_is_no_session_is_not_there(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    stoa_bed_calls(bed, "DELETE /m/whip/nobody", NULL, NULL, 404);
    stoa_bed_calls(bed, "PATCH /m/whip/nobody", FRAGMENT "If-Match: *", "a=ice-lite", 404);
    stoa_bed_calls(bed, "PATCH /m/whip/nobody", SDP "If-Match: *", "a=ice-lite", 415);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_has_every_key),
        cmocka_unit_test(without_videoroom_nobody_can_come_in),
        cmocka_unit_test(tokens_are_looked_at_first_and_again_after_a_reload),
        cmocka_unit_test(a_room_without_a_number_is_for_who_has_a_token),
        cmocka_unit_test(what_is_no_session_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
