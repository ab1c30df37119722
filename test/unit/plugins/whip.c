/* SPDX-License-Identifier: MIT */
/* WHIP and WHEP as far as they go without videoroom: conf, tokens, what is refused before anybody is asked. The rest:
 * test/api/whip.test.mjs. */
#include <stoa/bed.h>

#include "../../../plugins/whip/whip.h"

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
}

static void a_number_that_no_room_can_have_is_refused(void **unused G_GNUC_UNUSED)
{
    static const char *const paths[] = {
        "whip/0",          "whip/9007199254740992",      "whip/12345678901234567890123",
        "whep/0",          "whip/1234/9007199254740992", "whep/1234/0",
        "whip/1234/camera"
    };
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *call = g_strconcat("POST /", paths[i], NULL);
        stoa_bed_calls(bed, call, SDP, "v=0\r\n", 400);
    }
    stoa_bed_calls(bed, "POST /whip/9007199254740991/9007199254740991", SDP, "v=0\r\n", 503);
    stoa_bed_calls(bed, "POST /whip/1234/", SDP, "v=0\r\n", 503); /* the slash is nothing */
    stoa_bed_calls(bed, "POST /whip/1234//", SDP, "v=0\r\n", 404);
    stoa_bed_calls(bed, "GET /whip/", NULL, NULL, 404);
}

static void what_is_no_session_is_not_there(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("whip", "");

    stoa_bed_calls(bed, "DELETE /m/whip/nobody", NULL, NULL, 404);
    stoa_bed_calls(bed, "PATCH /m/whip/nobody", FRAGMENT "If-Match: *", "a=ice-lite", 404);
    stoa_bed_calls(bed, "PATCH /m/whip/nobody", SDP "If-Match: *", "a=ice-lite", 415);
}

static void a_list_of_tags_fits_if_one_of_them_does(void **unused G_GNUC_UNUSED)
{
    static const char *const fit[] = { "*",
                                       " * ",
                                       "\"*\"",
                                       "\"TAG\"",
                                       "\"x\", \"TAG\"",
                                       "\"TAG\",\"y\"",
                                       "W/\"TAG\" , \"TAG\"",
                                       "\"a, b\",\t\"TAG\"" };
    static const char *const unfit[] = { "",          "TAG",        "\"x\"",
                                         "W/\"TAG\"", "\"TAG",      "\"TAGS\"",
                                         "\"TA\"",    "\"x\", TAG", "\"x, \"TAG\"",
                                         ",",         "x*" };

    for (size_t i = 0; i < G_N_ELEMENTS(fit); i++)
        assert_true(whip_match_tag(fit[i], "\"TAG\""));
    for (size_t i = 0; i < G_N_ELEMENTS(unfit); i++)
        assert_false(whip_match_tag(unfit[i], "\"TAG\""));
}

#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
#define NONE  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"

static void an_answer_takes_all_that_the_client_means_to_send(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *offer, *answer;
        bool takes_all;
    } rows[] = {
        { AUDIO "a=sendonly\r\n", AUDIO "a=recvonly\r\n", true },
        { AUDIO, AUDIO, true }, /* both ways */
        { AUDIO "a=sendonly\n" VIDEO "a=sendonly\n", AUDIO "a=recvonly\n" NONE "a=recvonly\n",
          false },
        { AUDIO "a=sendonly\n" VIDEO "a=sendonly\n", AUDIO "a=recvonly\n" VIDEO "a=inactive\n",
          false },
        { AUDIO "a=sendonly\n" VIDEO "a=inactive\n", AUDIO "a=recvonly\n" VIDEO "a=inactive\n",
          true },
        { AUDIO "a=sendonly\n" NONE, AUDIO "a=recvonly\n" NONE, true },
        { AUDIO "a=sendonly\n" NONE "a=bundle-only\n", AUDIO "a=recvonly\n" NONE, false },
        { AUDIO "a=sendonly\n" VIDEO "a=recvonly\n", AUDIO "a=recvonly\n" VIDEO "a=inactive\n",
          false },
        { VIDEO "a=inactive\n", VIDEO "a=inactive\n", false },
        { "a=inactive\n" VIDEO AUDIO "a=sendonly\n", VIDEO "a=inactive\n" AUDIO "a=recvonly\n",
          true },
        { AUDIO VIDEO, AUDIO, false },
        { "", "", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(whip_match_takes_all(rows[i].offer, rows[i].answer), rows[i].takes_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_has_every_key),
        cmocka_unit_test(without_videoroom_nobody_can_come_in),
        cmocka_unit_test(tokens_are_looked_at_first_and_again_after_a_reload),
        cmocka_unit_test(a_room_without_a_number_is_for_who_has_a_token),
        cmocka_unit_test(a_number_that_no_room_can_have_is_refused),
        cmocka_unit_test(what_is_no_session_is_not_there),
        cmocka_unit_test(a_list_of_tags_fits_if_one_of_them_does),
        cmocka_unit_test(an_answer_takes_all_that_the_client_means_to_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
