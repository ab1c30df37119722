/* SPDX-License-Identifier: MIT */
#include "bed.h"

static const StoaSdpLine *line(const StoaSdpPlan *plan, unsigned index)
{
    const StoaSdpLine *found = stoa_sdp_plan_line(plan, index);

    assert_non_null(found);
    return found;
}

static StoaSdpSlot slot(StoaSdpKind kind, const char *codec, const char *fmtp)
{
    static uint32_t ssrc = 1000;
    StoaSdpSlot made = {
        .kind = kind,
        .direction = STOA_SDP_SENDONLY,
        .codec = codec,
        .fmtp = fmtp,
        .rtx = kind == STOA_SDP_VIDEO,
        .feedback = stoa_sdp_offer_feedback(kind),
        .exts = stoa_sdp_offer_exts(kind),
    };

    made.send = (StoaSdpSend){ ssrc, made.rtx ? ssrc + 1 : 0, "feed", "stream", NULL };
    ssrc += 2;
    return made;
}

static StoaSdpPlan *offer_of(const StoaSdpSlot *slots, unsigned n, const StoaSdpPlan *before)
{
    g_autoptr(GError) error = NULL;
    StoaSdpPlan *plan = stoa_sdp_offer(slots, n, before, &error);

    if (!plan)
        fail_msg("%s", error->message);
    return plan;
}

static void offer_fails(const StoaSdpSlot *slots, unsigned n, const StoaSdpPlan *before,
                        const char *says)
{
    g_autoptr(GError) error = NULL;

    assert_null(stoa_sdp_offer(slots, n, before, &error));
    if (!strstr(error->message, says))
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
}

static char *answer_with_dup(const StoaSdpPlan *offer, const StoaSdpRules *rules)
{
    g_autofree char *text = write_dup(offer);
    g_autoptr(StoaSdp) sdp = parse(text);
    g_autoptr(StoaSdpPlan) answer = answer_to(sdp, rules, NULL);

    answer->setup = STOA_SDP_ACTIVE; /* as browsers choose */
    return write_dup(answer);
}

/* Another Stoa that receives: what its answer to this offer reads like. */
static char *their_answer_dup(const StoaSdpPlan *offer)
{
    StoaSdpRules rules = publisher_rules();

    return answer_with_dup(offer, &rules);
}

static char *their_answer_with_red_dup(const StoaSdpPlan *offer)
{
    StoaSdpRules rules = publisher_rules();

    rules.audio.red = true;
    return answer_with_dup(offer, &rules);
}

static StoaSdpPlan *accepted(const StoaSdpPlan *offer, const char *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaSdp) sdp = parse(answer);
    StoaSdpPlan *plan = stoa_sdp_accept_answer(offer, sdp, &error);

    if (!plan)
        fail_msg("%s", error->message);
    return plan;
}

static void acceptance_fails(const StoaSdpPlan *offer, const char *answer, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoaSdp) sdp = parse(answer);

    assert_null(stoa_sdp_accept_answer(offer, sdp, &error));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_INVALID));
    if (!strstr(error->message, says))
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
}

static void our_offer_is_answered_by_our_answerer(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = {
        slot(STOA_SDP_AUDIO, "opus", "minptime=10;useinbandfec=1"),
        slot(STOA_SDP_VIDEO, "vp8", NULL),
        slot(STOA_SDP_VIDEO, "h264", "packetization-mode=1;profile-level-id=42e01f"),
        { .kind = STOA_SDP_APPLICATION },
    };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 4, NULL);
    g_autofree char *text = write_dup(offer), *answer = their_answer_dup(offer);
    g_autoptr(StoaSdpPlan) plan = accepted(offer, answer);

    assert_non_null(strstr(text, "a=setup:actpass"));
    assert_non_null(strstr(text, "a=group:BUNDLE 0 1 2 3\r\n"));
    assert_non_null(strstr(text, "a=msid:stream 1\r\n"));
    assert_int_equal(plan->n_accepted, 4);
    assert_int_equal(plan->setup, STOA_SDP_PASSIVE);
    assert_string_equal(plan->remote.ufrag, "ourufrag");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(line(plan, i)->direction, STOA_SDP_SENDONLY);
        assert_int_equal(line(plan, i)->pt, line(offer, i)->pt);
        assert_int_equal(line(plan, i)->rtx_pt, line(offer, i)->rtx_pt);
        assert_int_equal(line(plan, i)->feedback, line(offer, i)->feedback);
        assert_memory_equal(line(plan, i)->ext_id, line(offer, i)->ext_id, STOA_SDP_N_EXTS);
        assert_int_equal(line(plan, i)->send.ssrc, slots[i].send.ssrc);
    }
    assert_true(stoa_sdp_plan_has_data(plan));
}

/* RED is offered around the codec, the codec first; it is agreed where the answer has it, and keeps its number. */
static void red_is_sent_to_who_takes_it(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", "useinbandfec=1"),
                            slot(STOA_SDP_AUDIO, "pcmu", NULL) };
    g_autoptr(StoaSdpPlan) offer = NULL, with = NULL, without = NULL, next = NULL;
    g_autofree char *text = NULL, *plain = NULL, *full = NULL, *expected = NULL;

    slots[0].red = true;
    offer = offer_of(slots, 2, NULL);
    text = write_dup(offer);
    expected = g_strdup_printf("m=audio 9 UDP/TLS/RTP/SAVPF %d %d\r\n", line(offer, 0)->pt,
                               line(offer, 0)->red_pt);
    assert_non_null(strstr(text, expected));
    assert_int_equal(line(offer, 1)->red_pt, -1);

    plain = their_answer_dup(offer); /* its rules are without */
    without = accepted(offer, plain);
    assert_false(line(without, 0)->red);
    full = their_answer_with_red_dup(offer);
    with = accepted(offer, full);
    assert_true(line(with, 0)->red);
    assert_int_equal(line(with, 0)->red_pt, line(offer, 0)->red_pt);
    assert_false(line(with, 1)->red);
    next = offer_of(slots, 2, without);
    assert_int_equal(line(next, 0)->red_pt, line(offer, 0)->red_pt);
}

static void the_offer_reads_as_it_was_meant(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_VIDEO, "vp9", "profile-id=0") };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 1, NULL);
    g_autofree char *text = write_dup(offer);
    g_autoptr(StoaSdp) sdp = parse(text);
    const StoaSdpMedia *media = stoa_sdp_media(sdp, 0);
    const StoaSdpPayload *first = &g_array_index(media->payloads, StoaSdpPayload, 0);
    const StoaSdpSsrcGroup *fid = &g_array_index(media->ssrc_groups, StoaSdpSsrcGroup, 0);

    assert_int_equal(first->codec, STOA_SDP_VP9);
    assert_string_equal(first->fmtp, "profile-id=0");
    assert_int_equal(first->feedback, STOA_SDP_FB_ALL);
    assert_int_equal(fid->ssrcs[0], slots[0].send.ssrc);
    assert_int_equal(media->direction, STOA_SDP_SENDONLY);
    assert_int_equal(media->exts[STOA_SDP_EXT_TWCC].id, line(offer, 0)->ext_id[STOA_SDP_EXT_TWCC]);
    assert_true(sdp->extmap_allow_mixed && media->rtcp_mux && media->rtcp_rsize);
}

static void a_codec_has_one_number_and_a_number_one_codec(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = {
        slot(STOA_SDP_VIDEO, "vp8", NULL),
        slot(STOA_SDP_VIDEO, "h264", "profile-level-id=42e01f"),
        slot(STOA_SDP_VIDEO, "h264", "profile-level-id=4d001f"),
        slot(STOA_SDP_VIDEO, "vp8", NULL),
        slot(STOA_SDP_AUDIO, "opus", NULL),
        slot(STOA_SDP_AUDIO, "pcma", NULL),
    };
    g_autoptr(StoaSdpPlan) first = offer_of(slots, 6, NULL), second = NULL;
    bool used[128] = { false };

    assert_int_equal(line(first, 0)->pt, line(first, 3)->pt);
    assert_int_equal(line(first, 0)->rtx_pt, line(first, 3)->rtx_pt);
    assert_int_equal(line(first, 5)->pt, 8);
    for (unsigned i = 0; i < 5; i++) {
        if (i == 3)
            continue;
        assert_false(used[line(first, i)->pt]);
        used[line(first, i)->pt] = true;
        assert_true(line(first, i)->rtx_pt < 0 || !used[line(first, i)->rtx_pt]);
    }
    slots[0] = slot(STOA_SDP_VIDEO, "av1", NULL);
    slots[3] = slot(STOA_SDP_VIDEO, "h264", "profile-level-id=42e01f");
    second = offer_of(slots, 6, first);
    assert_int_not_equal(line(second, 0)->pt, line(first, 0)->pt);
    assert_int_equal(line(second, 3)->pt, line(first, 1)->pt);
    assert_int_equal(second->version, 2);
}

static void extension_ids_are_the_same_on_every_line(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) plan = offer_of(slots, 2, NULL);
    uint8_t of_id[256] = { 0 };

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned ext = 0; ext < STOA_SDP_N_EXTS; ext++) {
            uint8_t id = line(plan, i)->ext_id[ext];

            if (id == 0)
                continue;
            assert_true(id < 15 && (of_id[id] == 0 || of_id[id] == ext + 1));
            of_id[id] = (uint8_t)(ext + 1);
        }
    }
    assert_int_equal(line(plan, 0)->ext_id[STOA_SDP_EXT_MID],
                     line(plan, 1)->ext_id[STOA_SDP_EXT_MID]);
}

static void payload_numbers_run_out_with_a_clear_error(void **unused G_GNUC_UNUSED)
{
    enum { N = 40 };
    StoaSdpSlot slots[N];
    char fmtp[N][32];

    for (unsigned i = 0; i < N; i++) {
        g_snprintf(fmtp[i], sizeof fmtp[i], "profile-level-id=%06x", i);
        slots[i] = slot(STOA_SDP_VIDEO, "h264", fmtp[i]);
    }
    stoa_sdp_plan_free(offer_of(slots, 30, NULL));
    offer_fails(slots, 31, NULL, "payload types are in use");
}

static void a_line_is_freed_and_used_for_another_feed(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) first = offer_of(slots, 2, NULL), freed = NULL, again = NULL;
    g_autoptr(StoaSdpPlan) agreed = NULL, agreed_freed = NULL, agreed_again = NULL;
    g_autofree char *answer = their_answer_dup(first), *answer_freed = NULL, *text = NULL;
    g_autofree char *answer_again = NULL;

    agreed = accepted(first, answer);
    slots[1] = (StoaSdpSlot){ .kind = STOA_SDP_VIDEO };
    freed = offer_of(slots, 2, agreed);
    text = write_dup(freed);
    assert_non_null(strstr(text, "a=inactive"));
    assert_non_null(strstr(text, "a=group:BUNDLE 0 1\r\n"));
    assert_null(strstr(strstr(text, "m=video"), "a=ssrc"));
    answer_freed = their_answer_dup(freed);
    agreed_freed = accepted(freed, answer_freed);
    assert_int_equal(line(agreed_freed, 1)->direction, STOA_SDP_INACTIVE);
    assert_int_equal(line(agreed_freed, 1)->codec, STOA_SDP_VP8);
    slots[1] = slot(STOA_SDP_VIDEO, "vp9", NULL);
    again = offer_of(slots, 2, agreed_freed);
    answer_again = their_answer_dup(again);
    agreed_again = accepted(again, answer_again);
    assert_int_equal(line(agreed_again, 1)->codec, STOA_SDP_VP9);
    assert_int_equal(line(agreed_again, 1)->direction, STOA_SDP_SENDONLY);
    assert_int_equal(again->version, 3);
}

static void slots_that_do_not_fit_are_refused(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) plan = offer_of(slots, 2, NULL);

    offer_fails(slots, 0, NULL, "at least");
    offer_fails(slots, 1, plan, "never take them out");
    slots[1].codec = "opus";
    offer_fails(slots, 2, NULL, "no video codec");
    slots[1] = slot(STOA_SDP_AUDIO, "opus", NULL);
    offer_fails(slots, 2, plan, "until it is stopped");
    slots[1].mid = "0";
    offer_fails(slots, 2, NULL, "too");
    slots[1].mid = "a b";
    offer_fails(slots, 2, NULL, "visible");
    slots[1].mid = NULL;
    slots[1].codec = NULL;
    offer_fails(slots, 2, NULL, "codec");
    slots[1].kind = STOA_SDP_OTHER;
    offer_fails(slots, 2, NULL, "only audio");
}

static void a_stopped_line_has_port_zero_and_may_become_something_else(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) first = offer_of(slots, 2, NULL), stopped = NULL, other = NULL;
    g_autofree char *text = NULL;

    slots[1].stopped = true;
    stopped = offer_of(slots, 2, first);
    text = write_dup(stopped);
    assert_non_null(strstr(text, "m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"));
    assert_non_null(strstr(text, "a=group:BUNDLE 0\r\n"));
    slots[1] = slot(STOA_SDP_AUDIO, "opus", NULL);
    slots[1].mid = "new";
    other = offer_of(slots, 2, stopped);
    assert_true(line(other, 1)->accepted);
}

static void an_answer_may_take_less(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 2, NULL);
    static const char answer[] =
        "v=0\na=group:BUNDLE 0 1\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:" FINGERPRINT
        "\na=setup:active\nm=audio 9 UDP/TLS/RTP/SAVPF 96\na=mid:0\na=inactive\na=rtcp-mux\n"
        "a=rtpmap:96 opus/48000/2\nm=video 9 UDP/TLS/RTP/SAVPF 120\na=mid:1\na=recvonly\n"
        "a=rtcp-mux\na=rtpmap:120 VP8/90000\na=rtcp-fb:120 nack\na=rtcp-fb:120 transport-cc\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n";
    g_autoptr(StoaSdpPlan) plan = accepted(offer, answer);

    assert_int_equal(line(plan, 0)->direction, STOA_SDP_INACTIVE);
    assert_int_equal(line(plan, 1)->pt, 120);
    assert_int_equal(line(plan, 1)->rtx_pt, -1);
    assert_int_equal(line(plan, 1)->feedback, STOA_SDP_FB_NACK);
    assert_int_equal(line(plan, 1)->ext_id[STOA_SDP_EXT_MID], 1);
    assert_int_equal(line(plan, 1)->ext_id[STOA_SDP_EXT_TWCC], 0);
    assert_false(line(plan, 1)->rtcp_rsize);
}

static void an_answer_may_refuse_a_line_or_its_codec(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "h264", NULL),
                            slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 3, NULL);
    static const char answer[] =
        "v=0\na=group:BUNDLE 0 1\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:" FINGERPRINT
        "\na=setup:active\n" AUDIO(
            "0") "a=recvonly\nm=video 9 UDP/TLS/RTP/SAVPF 97\na=mid:1\na=rtcp-mux\n"
                 "a=rtpmap:97 VP8/90000\nm=video 0 UDP/TLS/RTP/SAVPF 97\na=mid:2\n";
    g_autoptr(StoaSdpPlan) plan = accepted(offer, answer);

    assert_int_equal(plan->n_accepted, 1);
    assert_non_null(strstr(line(plan, 1)->reason, "codec"));
    assert_non_null(strstr(line(plan, 2)->reason, "refused"));
}

static void an_answer_that_is_silent_about_profiles_is_taken_at_its_word(
    void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_VIDEO, "h264",
                                 "packetization-mode=1;profile-level-id=42e01f") };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 1, NULL), silent = NULL, other = NULL;
    g_autofree char *good = their_answer_dup(offer), *profile = NULL, *no_fmtp = NULL;

    no_fmtp = replace_dup(good, "a=fmtp:96 p", "a=x-fmtp:96 p");
    silent = accepted(offer, no_fmtp);
    assert_true(line(silent, 0)->accepted);
    assert_int_equal(line(silent, 0)->rtx_pt, line(offer, 0)->rtx_pt);
    profile = replace_dup(good, "42e01f", "640032");
    other = accepted(offer, profile);
    assert_false(line(other, 0)->accepted);
}

static void an_answer_to_something_else_is_an_error(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL), slot(STOA_SDP_VIDEO, "vp8", NULL) };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 2, NULL);
    g_autofree char *good = their_answer_dup(offer);
    static const struct {
        const char *old, *new, *says;
    } cases[] = {
        { "a=mid:1\r\n", "a=mid:7\r\n", "\"7\"" },
        { "m=video", "m=audio", "audio" },
        { "BUNDLE 0 1", "BUNDLE 0", "BUNDLE" },
        { "a=ice-pwd", "a=x", "ice-pwd" },
        { "a=fingerprint", "a=x", "fingerprint" },
        { "a=setup:active", "a=setup:actpass", "chooses" },
        { "m=video", "m=text 9 RTP/SAVPF 98\r\na=mid:t\r\nm=video", "3 m-lines" },
        { "a=group:BUNDLE 0 1\r\n", "", "BUNDLE" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *bad = replace_dup(good, cases[i].old, cases[i].new);

        acceptance_fails(offer, bad, cases[i].says);
    }
}

static void an_answer_without_rtcp_mux_is_an_error_outside_a_bundle(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL) };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 1, NULL);
    g_autofree char *good = their_answer_dup(offer);
    g_autofree char *no_bundle = replace_dup(good, "a=group:BUNDLE 0\r\n", "");
    g_autofree char *no_mux = replace_dup(no_bundle, "a=rtcp-mux\r\n", "");

    stoa_sdp_plan_free(accepted(offer, no_bundle));
    acceptance_fails(offer, no_mux, "rtcp-mux");
}

static void an_answer_with_new_credentials_is_an_ice_restart(void **unused G_GNUC_UNUSED)
{
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, "opus", NULL) };
    g_autoptr(StoaSdpPlan) offer = offer_of(slots, 1, NULL), next = NULL, same = NULL, other = NULL;
    g_autofree char *good = their_answer_dup(offer);
    g_autofree char *changed = replace_dup(good, "ourufrag", "newufrag");
    g_autoptr(StoaSdpPlan) agreed = accepted(offer, good);

    assert_false(agreed->ice_restart);
    next = offer_of(slots, 1, agreed);
    same = accepted(next, good);
    other = accepted(next, changed);
    assert_false(same->ice_restart);
    assert_true(other->ice_restart);
}

static void we_may_offer_on_a_connection_that_they_began(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) theirs = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) answered = answer_to(theirs, &rules, NULL), offer = NULL;
    StoaSdpSlot slots[] = { slot(STOA_SDP_AUDIO, NULL, NULL), slot(STOA_SDP_VIDEO, NULL, NULL),
                            slot(STOA_SDP_VIDEO, "vp9", "profile-id=0") };

    offer = offer_of(slots, 3, answered);
    assert_int_equal(line(offer, 0)->pt, 111);
    assert_int_equal(line(offer, 1)->pt, 96);
    assert_int_equal(line(offer, 1)->rtx_pt, 97);
    assert_int_not_equal(line(offer, 2)->pt, 96);
    assert_int_equal(line(offer, 2)->ext_id[STOA_SDP_EXT_MID], 4);
    assert_int_equal(line(offer, 2)->ext_id[STOA_SDP_EXT_TWCC], 3);
    assert_string_equal(line(offer, 1)->mid, "1");
    assert_int_equal(offer->version, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_offer_is_answered_by_our_answerer),
        cmocka_unit_test(red_is_sent_to_who_takes_it),
        cmocka_unit_test(the_offer_reads_as_it_was_meant),
        cmocka_unit_test(a_codec_has_one_number_and_a_number_one_codec),
        cmocka_unit_test(extension_ids_are_the_same_on_every_line),
        cmocka_unit_test(payload_numbers_run_out_with_a_clear_error),
        cmocka_unit_test(a_line_is_freed_and_used_for_another_feed),
        cmocka_unit_test(slots_that_do_not_fit_are_refused),
        cmocka_unit_test(a_stopped_line_has_port_zero_and_may_become_something_else),
        cmocka_unit_test(an_answer_may_take_less),
        cmocka_unit_test(an_answer_may_refuse_a_line_or_its_codec),
        cmocka_unit_test(an_answer_that_is_silent_about_profiles_is_taken_at_its_word),
        cmocka_unit_test(an_answer_to_something_else_is_an_error),
        cmocka_unit_test(an_answer_without_rtcp_mux_is_an_error_outside_a_bundle),
        cmocka_unit_test(an_answer_with_new_credentials_is_an_ice_restart),
        cmocka_unit_test(we_may_offer_on_a_connection_that_they_began),
    };

    return cmocka_run_group_tests_name("sdp/offer", tests, NULL, NULL);
}
