/* SPDX-License-Identifier: MIT */
/* echotest over a fake worker: what goes out for what comes in. (Janus API, section 9) */
#include "plugin-bed.h"

static const ClientLine everything[] = {
    { "audio", "0", .ssrc = 1 }, { "video", "1", .ssrc = 2 }, { "application", "2" }, { 0 }
};

static void an_offer_is_answered_with_an_echo(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("echotest", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    bed_offer_lines(ana, "{'audio': true, 'video': true}", everything,
                    "{'echotest': 'event', 'result': 'ok'}");
    const char *answer = json_string_value(json_object_get(ana->jsep, "sdp"));
    assert_true(count_lines(answer, "a=sendrecv") >= 2);
    assert_int_equal(bed_peer_of(ana)->sends->len, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(fake_route(bed_peer_of(ana)->id,
                                    g_array_index(bed_peer_of(ana)->sends, StoaSend, i).sink)
                             .peer,
                         bed_peer_of(ana)->id);
}

static void a_message_without_a_wish_is_refused(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("echotest", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    stoa_bed_refuses_number(ana, "{}", 413);
    stoa_bed_refuses_number(ana, "{'audio': 'yes'}", 413);
    stoa_bed_refuses_number(ana, "{'bitrate': -1}", 413);
    bed_check(bed_ask(ana, bed_json("{}"), STOA_JSEP_OFFER, "v=0\r\n"), "{'error_code': 414}",
              "bad SDP");
    stoa_bed_asks(ana, "{'bitrate': 64000}", "{'result': 'ok'}");
}

static void video_is_held_and_comes_back_with_a_keyframe(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("echotest", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    bed_offer_lines(ana, "{}", everything, "{'result': 'ok'}");
    uint32_t video = g_array_index(bed_peer_of(ana)->sends, StoaSend, 1).sink;
    stoa_bed_asks(ana, "{'video': false, 'bitrate': 256000}", "{'result': 'ok'}");
    assert_string_equal(fake_wish(bed_peer_of(ana)->id, "pause", video), "true");
    assert_int_equal(bed_peer_of(ana)->bitrate_bps, 256000);
    unsigned before = bed_peer_of(ana)->n_keyframes;
    stoa_bed_asks(ana, "{'video': true}", "{'result': 'ok'}");
    assert_string_equal(fake_wish(bed_peer_of(ana)->id, "pause", video), "false");
    assert_true(bed_peer_of(ana)->n_keyframes > before);
}

static void a_text_comes_back_with_a_few_words(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("echotest", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    bed_offer_lines(ana, "{}", everything, "{'result': 'ok'}");
    FakePeer *peer = bed_peer_of(ana);
    peer->events->data(peer->user, &(StoaDataChannel){ .label = "chat", .protocol = "" }, "hello",
                       5, true);
    assert_non_null(strstr(peer->sent->str, "You wrote: hello"));
    peer->events->data(peer->user, &(StoaDataChannel){ .label = "chat", .protocol = "" },
                       "\001\002", 2, false);
    assert_non_null(strstr(peer->sent->str, "chat \001\002\n"));
}

static void the_end_is_told_before_the_hangup(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaBed) bed = stoa_bed_new("echotest", "");
    StoaBedPerson *ana = stoa_bed_attach(bed, "ana");

    bed_offer_lines(ana, "{}", everything, "{'result': 'ok'}");
    stoa_bed_connects(ana);
    stoa_bed_breaks(ana);
    stoa_bed_hears(ana, "{'echotest': 'event', 'result': 'done'}");
    stoa_bed_hears(ana, "{'core': 'hangup', 'reason': 'DTLS alert'}");
    bed_offer_lines(ana, "{}", everything, "{'result': 'ok'}"); /* and again on the same handle */
}

static void the_sample_agrees_with_the_table(void **unused G_GNUC_UNUSED)
{
    check_sample("echotest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_is_answered_with_an_echo),
        cmocka_unit_test(the_sample_agrees_with_the_table),
        cmocka_unit_test(a_message_without_a_wish_is_refused),
        cmocka_unit_test(video_is_held_and_comes_back_with_a_keyframe),
        cmocka_unit_test(a_text_comes_back_with_a_few_words),
        cmocka_unit_test(the_end_is_told_before_the_hangup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
