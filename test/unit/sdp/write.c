/* SPDX-License-Identifier: MIT */
#include "bed.h"

static void says(const char *text, const char *line)
{
    g_autofree char *whole = g_strconcat("\r\n", line, "\r\n", NULL);

    if (!strstr(text, whole))
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void is_silent_about(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("there is \"%s\" in:\n%s", part, text);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static char *answer_dup(const char *fixture, StoaSdpRules rules)
{
    g_autoptr(StoaSdp) offer = load(fixture);
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    return write_dup(plan);
}

static void an_answer_to_chromium_is_one_codec_a_line(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = answer_dup("chromium-audio-video", publisher_rules());

    assert_true(g_str_has_prefix(text, "v=0\r\no=- 4711 1 IN IP4 127.0.0.1\r\n"));
    says(text, "a=group:BUNDLE 0 1");
    says(text, "a=ice-lite");
    says(text, "a=extmap-allow-mixed");
    says(text, "m=audio 9 UDP/TLS/RTP/SAVPF 111");
    says(text, "m=video 9 UDP/TLS/RTP/SAVPF 96 97");
    says(text, "c=IN IP4 0.0.0.0");
    says(text, "a=rtpmap:111 opus/48000/2");
    says(text, "a=rtpmap:96 VP8/90000");
    says(text, "a=rtpmap:97 rtx/90000");
    says(text, "a=fmtp:97 apt=96");
    says(text, "a=rtcp-fb:96 nack pli");
    says(text, "a=rtcp-fb:96 goog-remb");
    says(text, "a=setup:passive");
    says(text, "a=mid:1");
    says(text, "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
    assert_int_equal(count(text, "a=recvonly"), 2);
    assert_int_equal(count(text, "a=rtcp-mux\r\n"), 2);
    assert_int_equal(count(text, "a=rtcp-rsize\r\n"), 2);
    is_silent_about(text, "video-timing");
    is_silent_about(text, "video-content-type");
    is_silent_about(text, "a=msid:");
    is_silent_about(text, "a=ssrc");
}

static void credentials_are_everywhere_and_candidates_in_the_first_section(
    void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = answer_dup("firefox-audio-video", publisher_rules());
    const char *second = strstr(text, "m=video");

    assert_int_equal(count(text, "a=ice-ufrag:ourufrag\r\n"), 2);
    assert_int_equal(count(text, "a=ice-pwd:ourpasswordourpassword\r\n"), 2);
    assert_int_equal(count(text, "a=fingerprint:" FINGERPRINT "\r\n"), 2);
    assert_int_equal(count(text, "a=candidate:"), 2);
    assert_int_equal(count(text, "a=end-of-candidates"), 1);
    assert_int_equal(count(second, "a=candidate:"), 0);
}

static void firefoxs_extension_directions_are_turned_round(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = answer_dup("firefox-simulcast", publisher_rules());

    says(text, "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
    says(text, "a=extmap:10/recvonly urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id");
    says(text, "a=extmap:6/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay");
    says(text, "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid");
    is_silent_about(text, "csrc-audio-level");
    assert_int_equal(count(text, "a=extmap-allow-mixed"), 2);
}

static void simulcast_is_answered_rid_by_rid(void **unused G_GNUC_UNUSED)
{
    static const char *const names[] = { "chromium-simulcast", "firefox-simulcast" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = answer_dup(names[i], echo_rules());

        says(text, "a=rid:h recv");
        says(text, "a=rid:l recv");
        says(text, "a=simulcast:recv h;m;l");
        is_silent_about(text, "layers-allocation");
    }
}

static void red_stands_first_where_it_is_asked_for(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autofree char *text = NULL;

    rules.audio.red = true;
    text = answer_dup("chromium-audio-video", rules);
    says(text, "m=audio 9 UDP/TLS/RTP/SAVPF 63 111");
    says(text, "a=rtpmap:63 red/48000/2");
    says(text, "a=fmtp:63 111/111");
}

static void data_channels_are_answered_in_the_words_of_the_offer(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autofree char *text = answer_dup("firefox-datachannel", rules), *old = NULL;
    g_autoptr(StoaSdp) offer =
        parse(HEAD("a=group:BUNDLE d\n") "m=application 9 DTLS/SCTP 5001\na=mid:d\n"
                                         "a=sctpmap:5001 webrtc-datachannel 256\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    says(text, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    says(text, "a=sctp-port:5000");
    says(text, "a=max-message-size:262144");
    old = write_dup(plan);
    says(old, "m=application 9 DTLS/SCTP 5000");
    says(old, "a=sctpmap:5000 webrtc-datachannel 1024");
}

static void a_refused_section_has_port_zero_and_is_outside_the_bundle(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autofree char *text = NULL;

    rules.video.accept = false;
    text = answer_dup("firefox-audio-video", rules);
    says(text, "a=group:BUNDLE 0");
    says(text, "m=video 0 UDP/TLS/RTP/SAVPF 120");
    says(text, "a=mid:1");
    says(text, "a=inactive");
}

static void an_old_client_without_mids_gets_none(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = parse(HEAD("") "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autofree char *text = write_dup(plan);

    says(text, "m=audio 9 UDP/TLS/RTP/SAVPF 0");
    says(text, "a=rtpmap:0 PCMU/8000");
    is_silent_about(text, "a=mid");
    is_silent_about(text, "BUNDLE");
    is_silent_about(text, "rsize");
}

static void an_echo_says_what_it_sends(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autofree char *text = NULL;
    StoaSdpSend audio = { 5, 6, "c", "stream", "track" }, video = { 7, 8, NULL, NULL, NULL };

    stoa_sdp_plan_send(plan, 0, &audio);
    stoa_sdp_plan_send(plan, 1, &video);
    text = write_dup(plan);
    assert_int_equal(count(text, "a=sendrecv"), 2);
    says(text, "a=msid:stream track");
    says(text, "a=ssrc:5 cname:c");
    is_silent_about(text, "a=ssrc:6"); /* audio has no rtx */
    says(text, "a=msid:- 1");
    says(text, "a=ssrc-group:FID 7 8");
    says(text, "a=ssrc:8 cname:stoa");
}

static void every_answer_can_be_read_back(void **unused G_GNUC_UNUSED)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autofree char *text = answer_dup(fixtures[i], echo_rules());
        g_autoptr(StoaSdp) offer = load(fixtures[i]), sdp = parse(text);

        assert_true(sdp->ice_lite);
        assert_int_equal(sdp->media->len, offer->media->len);
        for (guint k = 0; k < sdp->media->len; k++) {
            const StoaSdpMedia *asked = stoa_sdp_media(offer, k), *said = stoa_sdp_media(sdp, k);

            assert_string_equal(asked->mid, said->mid);
            assert_int_equal(asked->kind, said->kind);
            assert_true(said->payloads->len <= 2);
            assert_int_equal(said->candidates->len, k == 0 ? 2 : 0);
            for (int ext = 0; ext < STOA_SDP_N_EXTS; ext++)
                if (said->exts[ext].id != 0)
                    assert_int_equal(said->exts[ext].id, asked->exts[ext].id);
        }
    }
}

static void nothing_is_smuggled_in_by_a_line_break(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autoptr(GError) error = NULL;
    StoaSdpSend send = { .ssrc = 5, .cname = "x\r\na=setup:active" };

    stoa_sdp_plan_send(plan, 0, &send);
    assert_null(stoa_sdp_write(plan, &local_end, &error));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_INVALID));
}

static void the_length_has_a_limit(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autofree char *text = write_dup(plan), *fits = NULL;
    g_autoptr(GError) error = NULL;
    StoaSdpLocal local = local_end;

    local.max_bytes = strlen(text);
    fits = stoa_sdp_write(plan, &local, NULL);
    assert_string_equal(fits, text);
    local.max_bytes--;
    assert_null(stoa_sdp_write(plan, &local, &error));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_LIMIT));
}

static void a_fragment_is_our_side_of_ice_alone(void **unused G_GNUC_UNUSED)
{
    const char *const ours[] = { "candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host" };
    const StoaSdpLocal local = { .ufrag = "frag",
                                 .pwd = "word",
                                 .ice_lite = true,
                                 .trickle = true,
                                 .candidates = ours,
                                 .n_candidates = 1,
                                 .end_of_candidates = true };
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autofree char *text = stoa_sdp_write_fragment(plan, &local, NULL);

    assert_string_equal(text, "a=ice-lite\r\n"
                              "a=ice-options:trickle\r\n"
                              "a=group:BUNDLE 0 1\r\n"
                              "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                              "a=mid:0\r\n"
                              "a=ice-ufrag:frag\r\n"
                              "a=ice-pwd:word\r\n"
                              "a=candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host\r\n"
                              "a=end-of-candidates\r\n");
    g_autoptr(StoaSdp) fragment = stoa_sdp_read_fragment(text, strlen(text), NULL, NULL);
    const StoaSdpMedia *media = stoa_sdp_media(fragment, 0);
    assert_string_equal(media->transport.ufrag, "frag");
    assert_int_equal(media->candidates->len, 1);
    assert_true(media->end_of_candidates);
    assert_null(stoa_sdp_read(text, strlen(text), NULL, NULL));
    stoa_sdp_plan_restart(plan, "other", "secret");
    assert_string_equal(plan->remote.ufrag, "other");
    assert_int_equal(plan->remote_candidates->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fragment_is_our_side_of_ice_alone),
        cmocka_unit_test(an_answer_to_chromium_is_one_codec_a_line),
        cmocka_unit_test(credentials_are_everywhere_and_candidates_in_the_first_section),
        cmocka_unit_test(firefoxs_extension_directions_are_turned_round),
        cmocka_unit_test(simulcast_is_answered_rid_by_rid),
        cmocka_unit_test(red_stands_first_where_it_is_asked_for),
        cmocka_unit_test(data_channels_are_answered_in_the_words_of_the_offer),
        cmocka_unit_test(a_refused_section_has_port_zero_and_is_outside_the_bundle),
        cmocka_unit_test(an_old_client_without_mids_gets_none),
        cmocka_unit_test(an_echo_says_what_it_sends),
        cmocka_unit_test(every_answer_can_be_read_back),
        cmocka_unit_test(nothing_is_smuggled_in_by_a_line_break),
        cmocka_unit_test(the_length_has_a_limit),
    };

    return cmocka_run_group_tests_name("sdp/write", tests, NULL, NULL);
}
