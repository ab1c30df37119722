/* SPDX-License-Identifier: MIT */
#include "bed.h"

#include "sdp/fmtp.h"

static const StoaSdpLine *line(const StoaSdpPlan *plan, unsigned index)
{
    const StoaSdpLine *found = stoa_sdp_plan_line(plan, index);

    assert_non_null(found);
    return found;
}

static void refused(const StoaSdpPlan *plan, unsigned index, const char *says)
{
    assert_false(line(plan, index)->accepted);
    if (!strstr(line(plan, index)->reason, says))
        fail_msg("\"%s\" does not say \"%s\"", line(plan, index)->reason, says);
}

static void answer_fails(const char *offer, const StoaSdpPlan *before, const char *says)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) sdp = parse(offer);
    g_autoptr(GError) error = NULL;

    assert_null(stoa_sdp_answer(sdp, &rules, before, &error));
    assert_true(g_error_matches(error, STOA_ERROR, STOA_ERROR_INVALID) ||
                g_strcmp0(stoa_error_reason(error), "no_codec") == 0);
    if (!strstr(error->message, says))
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
}

static void every_fixture_is_taken_from_a_publisher(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();

    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(StoaSdp) offer = load(fixtures[i]);
        g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
        const StoaSdpLine *first = line(plan, 0);

        assert_int_equal(plan->n_accepted, offer->media->len);
        assert_int_equal(plan->setup, STOA_SDP_PASSIVE);
        assert_non_null(plan->remote.ufrag);
        assert_non_null(plan->remote.fingerprint);
        assert_int_equal(first->direction, first->kind == STOA_SDP_APPLICATION ? STOA_SDP_SENDRECV
                                                                               : STOA_SDP_RECVONLY);
    }
}

static void every_fixture_is_echoed_both_ways(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();

    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(StoaSdp) offer = load(fixtures[i]);
        g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

        for (guint k = 0; k < plan->lines->len; k++)
            assert_int_equal(line(plan, k)->direction, STOA_SDP_SENDRECV);
    }
}

static void video_is_taken_in_the_codec_we_prefer(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *fixture, *codecs;
        StoaSdpCodec codec;
        int pt, rtx_pt;
    } cases[] = {
        { "chromium-audio-video", "vp8", STOA_SDP_VP8, 96, 97 },
        { "chromium-audio-video", "vp9", STOA_SDP_VP9, 98, 99 },
        { "chromium-audio-video", "h264", STOA_SDP_H264, 108, 109 },
        { "chromium-audio-video", "av1", STOA_SDP_AV1, 45, 46 },
        { "chromium-audio-video", "h265, av1 ,vp8", STOA_SDP_AV1, 45, 46 },
        { "chromium-audio-video", NULL, STOA_SDP_VP8, 96, 97 },
        { "firefox-audio-video", "vp8", STOA_SDP_VP8, 120, 124 },
        { "firefox-audio-video", "vp9", STOA_SDP_VP9, 121, 125 },
        { "firefox-audio-video", "av1", STOA_SDP_AV1, 99, 100 },
        { "firefox-audio-video", "h264,vp9", STOA_SDP_VP9, 121, 125 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoaSdpRules rules = publisher_rules();
        g_autoptr(StoaSdp) offer = load(cases[i].fixture);
        g_autoptr(StoaSdpPlan) plan = NULL;

        rules.video.codecs = cases[i].codecs;
        plan = answer_to(offer, &rules, NULL);
        assert_int_equal(line(plan, 1)->codec, cases[i].codec);
        assert_int_equal(line(plan, 1)->pt, cases[i].pt);
        assert_int_equal(line(plan, 1)->rtx_pt, cases[i].rtx_pt);
        assert_int_equal(line(plan, 1)->feedback, STOA_SDP_FB_ALL);
        assert_int_equal(line(plan, 1)->clock_hz, 90000);
    }
}

/* Who does not know yet what will be sent agrees on all that may be. */
static void all_codecs_are_agreed_where_we_only_send(void **unused G_GNUC_UNUSED)
{
    g_autofree char *text = load_dup("chromium-audio-video");
    g_autofree char *watcher = replace_dup(text, "a=sendrecv", "a=recvonly");
    g_autoptr(StoaSdp) both_ways = parse(text), one_way = parse(watcher);
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdpPlan) echo = NULL, plan = NULL, copy = NULL;
    g_autofree char *answer = NULL;
    StoaSdpFormat format;

    rules.video.codecs = "vp8,h264,h264,opus,av1";
    rules.video.every = true;
    echo = answer_to(both_ways, &rules, NULL);
    assert_int_equal(line(echo, 1)->n_others, 0);
    plan = answer_to(one_way, &rules, NULL);
    copy = stoa_sdp_plan_copy(plan);
    stoa_sdp_plan_free(g_steal_pointer(&plan));
    assert_int_equal(line(copy, 1)->codec, STOA_SDP_VP8);
    assert_int_equal(line(copy, 1)->n_others, 2);
    assert_true(stoa_sdp_plan_format(line(copy, 1), STOA_SDP_H264,
                                     "packetization-mode=1;profile-level-id=42e01f", &format));
    assert_int_equal(format.pt, 108);
    assert_int_equal(format.rtx_pt, 109);
    assert_false(stoa_sdp_plan_format(line(copy, 1), STOA_SDP_VP9, "profile-id=0", &format));
    answer = write_dup(copy);
    assert_non_null(strstr(answer, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 108 109 45 46\r\n"));
    assert_non_null(strstr(answer, "a=rtpmap:108 H264/90000\r\n"));
    assert_non_null(strstr(answer, "a=rtcp-fb:108 nack pli\r\n"));
    assert_non_null(strstr(answer, "a=fmtp:109 apt=108\r\n"));
}

static void a_profile_of_h264_and_vp9_can_be_asked_for(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *h264, *vp9, *codecs;
        int pt;
    } cases[] = {
        { "4d0032", NULL, "h264", 116 }, { "42001f", NULL, "h264", 102 },
        { "640032", NULL, "h264", 108 }, { NULL, "2", "vp9", 100 },
        { NULL, "0", "vp9", 98 },        { NULL, "3", "vp9", 98 },
    };
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoaSdpRules rules = publisher_rules();
        g_autoptr(StoaSdpPlan) plan = NULL;

        rules.video.codecs = cases[i].codecs;
        rules.h264_profile = cases[i].h264;
        rules.vp9_profile = cases[i].vp9;
        plan = answer_to(offer, &rules, NULL);
        assert_int_equal(line(plan, 1)->pt, cases[i].pt);
    }
}

static void a_firefox_without_h264_is_refused_in_a_room_of_h264(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("firefox-audio-video");
    g_autoptr(StoaSdpPlan) plan = NULL;

    rules.video.codecs = "h264";
    plan = answer_to(offer, &rules, NULL);
    assert_true(line(plan, 0)->accepted);
    refused(plan, 1, "codecs");
}

static void a_static_payload_number_zero_is_a_codec(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("firefox-audio-video");
    g_autoptr(StoaSdpPlan) plan = NULL;

    rules.audio.codecs = "pcmu,opus";
    plan = answer_to(offer, &rules, NULL);
    assert_int_equal(line(plan, 0)->codec, STOA_SDP_PCMU);
    assert_int_equal(line(plan, 0)->pt, 0);
    assert_int_equal(line(plan, 0)->rtx_pt, -1);
    assert_int_equal(line(plan, 0)->feedback, STOA_SDP_FB_TWCC);
}

static void simulcast_comes_as_rids_from_both_browsers(void **unused G_GNUC_UNUSED)
{
    static const char *const names[] = { "chromium-simulcast", "firefox-simulcast" };
    static const char *const rids[] = { "h", "m", "l" };
    StoaSdpRules rules = publisher_rules();

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(StoaSdp) offer = load(names[i]);
        g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
        const StoaSdpLine *video = line(plan, 1);

        assert_true(video->simulcast);
        assert_int_equal(video->n_encodings, 3);
        assert_int_equal(video->n_sources, i == 0 ? 0 : 3);
        for (unsigned k = 0; k < 3; k++) {
            assert_string_equal(video->encodings[k].rid, rids[k]);
            assert_int_equal(video->encodings[k].ssrc, 0);
        }
        assert_int_not_equal(video->ext_id[STOA_SDP_EXT_RID], 0);
        assert_int_not_equal(video->ext_id[STOA_SDP_EXT_REPAIRED_RID], 0);
        assert_int_not_equal(video->ext_id[STOA_SDP_EXT_DEPENDENCY_DESCRIPTOR], 0);
        assert_int_equal(video->ext_id[STOA_SDP_EXT_VIDEO_LAYERS], 0);
    }
}

static void firefoxs_ssrcs_pair_with_their_retransmissions(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("firefox-simulcast");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_int_equal(line(plan, 1)->sources[1].ssrc, 138538672);
    assert_int_equal(line(plan, 1)->sources[1].rtx_ssrc, 1002932928);
}

static void without_the_rid_extension_there_is_no_simulcast(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("chromium-simulcast");
    g_autoptr(StoaSdpPlan) plan = NULL;

    rules.video.exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_RID);
    plan = answer_to(offer, &rules, NULL);
    assert_false(line(plan, 1)->simulcast);
    assert_int_equal(line(plan, 1)->n_encodings, 1);
    assert_null(line(plan, 1)->encodings[0].rid);
}

static void old_simulcast_by_ssrc_group_is_listed_highest_first(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer =
        parse(HEAD("") VIDEO("v") "a=ssrc-group:SIM 1 2 3\na=ssrc-group:FID 1 11\n"
                                  "a=ssrc-group:FID 2 12\na=ssrc-group:FID 3 13\n"
                                  "a=ssrc:1 msid:s t\na=ssrc:11 msid:s t\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    const StoaSdpLine *video = line(plan, 0);

    assert_true(video->simulcast && video->n_encodings == 3);
    assert_int_equal(video->encodings[0].ssrc, 3);
    assert_int_equal(video->encodings[2].rtx_ssrc, 11);
    assert_int_equal(video->n_sources, 3);
    assert_string_equal(video->stream, "s");
    assert_string_equal(video->track, "t");
}

static void the_direction_of_an_extension_is_seen_from_our_end(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("firefox-simulcast");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    const StoaSdpLine *video = line(plan, 1);

    assert_int_equal(video->ext_direction[STOA_SDP_EXT_RID], STOA_SDP_RECVONLY);
    assert_int_equal(video->ext_direction[STOA_SDP_EXT_PLAYOUT_DELAY], STOA_SDP_SENDONLY);
    assert_int_equal(video->ext_direction[STOA_SDP_EXT_MID], STOA_SDP_SENDRECV);
}

static void an_extension_id_means_one_thing_in_the_whole_bundle(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer =
        parse(HEAD("a=group:BUNDLE a v\n")
                  AUDIO("a") "a=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n" VIDEO(
                      "v") "a=extmap:4 urn:3gpp:video-orientation\n"
                           "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_int_equal(line(plan, 0)->ext_id[STOA_SDP_EXT_AUDIO_LEVEL], 4);
    assert_int_equal(line(plan, 1)->ext_id[STOA_SDP_EXT_VIDEO_ORIENTATION], 0);
    assert_int_equal(line(plan, 1)->ext_id[STOA_SDP_EXT_MID], 5);
}

static void transport_cc_is_taken_as_a_whole_or_not_at_all(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");

    for (int round = 0; round < 3; round++) {
        StoaSdpRules rules = publisher_rules();
        g_autoptr(StoaSdpPlan) plan = NULL;
        bool both = round == 0;

        if (round == 1)
            rules.video.exts &= ~STOA_SDP_EXT_BIT(STOA_SDP_EXT_TWCC);
        if (round == 2)
            rules.video.feedback &= ~(unsigned)STOA_SDP_FB_TWCC;
        plan = answer_to(offer, &rules, NULL);
        assert_int_equal(line(plan, 1)->ext_id[STOA_SDP_EXT_TWCC], both ? 3 : 0);
        assert_int_equal(!!(line(plan, 1)->feedback & STOA_SDP_FB_TWCC), both);
    }
}

static void a_sender_is_told_how_we_want_opus(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("firefox-audio-video");
    g_autoptr(StoaSdpPlan) as_offered = answer_to(offer, &rules, NULL);
    g_autoptr(StoaSdpPlan) changed = NULL;

    assert_string_equal(line(as_offered, 0)->fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
    rules.opus_fec = STOA_SDP_NO;
    rules.opus_dtx = STOA_SDP_YES;
    rules.opus_stereo = STOA_SDP_NO;
    changed = answer_to(offer, &rules, NULL);
    assert_string_equal(line(changed, 0)->fmtp, "maxplaybackrate=48000;usedtx=1");
    assert_string_equal(line(changed, 1)->fmtp, "max-fs=12288;max-fr=60");
}

static void red_is_known_but_taken_only_when_wanted(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) without = answer_to(offer, &rules, NULL), with = NULL;

    assert_int_equal(line(without, 0)->red_pt, 63);
    assert_false(line(without, 0)->red);
    assert_int_equal(line(without, 1)->red_pt, -1);
    rules.audio.red = true;
    with = answer_to(offer, &rules, NULL);
    assert_true(line(with, 0)->red);
}

static void data_messages_are_limited_to_what_both_browsers_send(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = load("firefox-datachannel");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL), small = NULL;

    assert_int_equal(line(plan, 0)->max_message_size, 262144);
    assert_int_equal(line(plan, 0)->remote_max_message_size, 1073741823);
    assert_true(stoa_sdp_plan_has_data(plan));
    rules.max_message_size = 1000;
    small = answer_to(offer, &rules, NULL);
    assert_int_equal(line(small, 0)->max_message_size, 1000);
}

static void what_is_not_wanted_is_refused_with_a_reason(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = { .audio = { .accept = true, .can_receive = true } };
    g_autoptr(StoaSdp) offer =
        parse(HEAD("a=group:BUNDLE a v d t p\n") AUDIO("a")
                  VIDEO("v") "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:d\n"
                             "m=text 9 RTP/SAVPF 98\na=mid:t\nm=audio 9 RTP/AVP 0\na=mid:p\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_int_equal(plan->n_accepted, 1);
    refused(plan, 1, "video");
    refused(plan, 2, "data");
    refused(plan, 3, "neither");
    refused(plan, 4, "SAVPF");
}

static void a_second_section_of_data_channels_is_refused(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = parse(
        HEAD("a=group:BUNDLE d e\n") "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:d\n"
                                     "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:e\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    refused(plan, 1, "already");
}

static void an_offer_without_bundle_gets_its_first_section(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autofree char *text = load_dup("chromium-audio-video");
    g_autofree char *unbundled = replace_dup(text, "a=group:BUNDLE 0 1\r\n", "");
    g_autoptr(StoaSdp) offer = parse(unbundled);
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_true(line(plan, 0)->accepted && !plan->bundle);
    refused(plan, 1, "BUNDLE");
}

static void the_next_section_leads_when_the_first_cannot(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = parse(
        HEAD("a=group:BUNDLE v w\n") "m=audio 9 RTP/SAVPF 0\na=mid:a\n" VIDEO("v") VIDEO("w"));
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    refused(plan, 0, "rtcp-mux");
    assert_true(line(plan, 1)->accepted && line(plan, 2)->accepted);
}

static void bundle_only_sections_are_alive_inside_the_bundle(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    static const char offer_text[] =
        HEAD("a=group:BUNDLE a v\n") AUDIO("a") "m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:v\n"
                                                "a=bundle-only\na=rtpmap:96 VP8/90000\n";
    g_autofree char *outside = replace_dup(offer_text, "BUNDLE a v", "BUNDLE a");
    g_autoptr(StoaSdp) offer = parse(offer_text), alone = parse(outside);
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);
    g_autoptr(StoaSdpPlan) plan_alone = answer_to(alone, &rules, NULL);

    assert_true(line(plan, 1)->accepted);
    refused(plan_alone, 1, "BUNDLE");
}

static void credentials_may_stand_in_the_first_section_only(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = parse("v=0\na=group:BUNDLE a v\n" AUDIO(
        "a") "a=ice-ufrag:uu\na=ice-pwd:pp\na=fingerprint:" FINGERPRINT
             "\na=setup:active\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\n"
             "a=end-of-candidates\n" VIDEO("v"));
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_string_equal(plan->remote.ufrag, "uu");
    assert_int_equal(plan->n_accepted, 2);
    assert_int_equal(plan->remote_candidates->len, 1);
    assert_true(plan->remote_end_of_candidates);
    assert_string_equal(g_ptr_array_index(plan->remote_candidates, 0),
                        "candidate:1 1 udp 1 10.0.0.1 9 typ host");
}

static void an_offer_that_lacks_what_a_connection_needs_is_an_error(void **unused G_GNUC_UNUSED)
{
    answer_fails("v=0\n" AUDIO("a"), NULL, "ice-ufrag");
    answer_fails("v=0\na=ice-ufrag:u\n" AUDIO("a"), NULL, "ice-pwd");
    answer_fails("v=0\na=ice-ufrag:u\na=ice-pwd:p\n" AUDIO("a"), NULL, "fingerprint");
    answer_fails(HEAD(""), NULL, "no m-line");
    answer_fails(HEAD("") "m=image 9 udptl t38\n", NULL, "nothing in the offer");
}

static void who_insists_on_being_passive_gets_an_active_end(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autofree char *text = load_dup("chromium-datachannel");
    g_autofree char *passive = replace_dup(text, "setup:actpass", "setup:passive");
    g_autoptr(StoaSdp) insists = parse(passive), relents = parse(text);
    g_autoptr(StoaSdpPlan) first = answer_to(insists, &rules, NULL);
    g_autoptr(StoaSdpPlan) second = answer_to(relents, &rules, first);

    assert_int_equal(first->setup, STOA_SDP_ACTIVE);
    assert_int_equal(second->setup, STOA_SDP_ACTIVE);
}

/* -- renegotiation -------------------------------------------------------------------------------- */

static void a_codec_stays_while_it_is_offered(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = publisher_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) first = NULL, second = NULL, third = NULL;

    rules.video.codecs = "h264";
    first = answer_to(offer, &rules, NULL);
    rules.video.codecs = "vp8,h264";
    second = answer_to(offer, &rules, first);
    rules.video.codecs = "vp8";
    third = answer_to(offer, &rules, second);
    assert_int_equal(line(second, 1)->pt, line(first, 1)->pt);
    assert_int_equal(line(third, 1)->codec, STOA_SDP_VP8);
    assert_int_equal(first->version, 1);
    assert_int_equal(third->version, 3);
}

static void sections_are_added_stopped_and_used_again(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) one = parse(HEAD("a=group:BUNDLE a\n") AUDIO("a"));
    g_autoptr(StoaSdp) two = parse(HEAD("a=group:BUNDLE a v\n") AUDIO("a") VIDEO("v"));
    g_autoptr(StoaSdp) stopped =
        parse(HEAD("a=group:BUNDLE a\n") AUDIO("a") "m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:v\n");
    g_autoptr(StoaSdp) again = parse(HEAD("a=group:BUNDLE a b\n") AUDIO("a") AUDIO("b"));
    g_autoptr(StoaSdpPlan) plan_one = answer_to(one, &rules, NULL);
    g_autoptr(StoaSdpPlan) plan_two = answer_to(two, &rules, plan_one);
    g_autoptr(StoaSdpPlan) plan_stopped = answer_to(stopped, &rules, plan_two);
    g_autoptr(StoaSdpPlan) plan_again = answer_to(again, &rules, plan_stopped);

    assert_int_equal(plan_two->n_accepted, 2);
    refused(plan_stopped, 1, "stopped");
    assert_true(line(plan_again, 1)->accepted && line(plan_again, 1)->kind == STOA_SDP_AUDIO);
    answer_fails(HEAD("a=group:BUNDLE a b\n") AUDIO("a") AUDIO("b"), plan_two,
                 "stop it with port 0");
    answer_fails(HEAD("a=group:BUNDLE a\n") AUDIO("a"), plan_two, "never removed");
    answer_fails(HEAD("a=group:BUNDLE x v\n") AUDIO("x") VIDEO("v"), plan_two, "\"x\"");
}

static void an_inactive_section_stays_in_the_bundle(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = parse(HEAD("") VIDEO("v") "a=inactive\n");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL);

    assert_true(line(plan, 0)->accepted);
    assert_int_equal(line(plan, 0)->direction, STOA_SDP_INACTIVE);
    assert_int_equal(line(plan, 0)->n_encodings, 0);
}

static void a_connection_outlives_its_last_section(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) alive = parse(HEAD("a=group:BUNDLE v\n") VIDEO("v"));
    g_autoptr(StoaSdp) dead = parse(HEAD("") "m=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:v\n");
    g_autoptr(StoaSdpPlan) first = answer_to(alive, &rules, NULL);
    g_autoptr(StoaSdpPlan) second = answer_to(dead, &rules, first);

    assert_int_equal(second->n_accepted, 0);
    assert_string_equal(second->remote.ufrag, "abcd");
}

static void new_credentials_are_an_ice_restart(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autofree char *text = load_dup("firefox-audio-video");
    g_autofree char *changed = replace_dup(text, "5a94ade2", "deadbeef");
    g_autoptr(StoaSdp) offer = parse(text), restart = parse(changed);
    g_autoptr(StoaSdpPlan) first = answer_to(offer, &rules, NULL);
    g_autoptr(StoaSdpPlan) same = answer_to(offer, &rules, first);
    g_autoptr(StoaSdpPlan) restarted = answer_to(restart, &rules, same);

    assert_false(first->ice_restart);
    assert_false(same->ice_restart);
    assert_true(restarted->ice_restart);
}

static void what_we_send_is_said_line_by_line(void **unused G_GNUC_UNUSED)
{
    StoaSdpRules rules = echo_rules();
    g_autoptr(StoaSdp) offer = load("chromium-audio-video");
    g_autoptr(StoaSdpPlan) plan = answer_to(offer, &rules, NULL), copy = NULL;
    char cname[] = "me";
    StoaSdpSend send = { .ssrc = 7, .cname = cname };

    stoa_sdp_plan_send(plan, 0, &send);
    stoa_sdp_plan_send(plan, 1, NULL);
    cname[0] = 'x';
    assert_int_equal(line(plan, 0)->direction, STOA_SDP_SENDRECV);
    assert_int_equal(line(plan, 1)->direction, STOA_SDP_RECVONLY);
    copy = stoa_sdp_plan_copy(plan);
    stoa_sdp_plan_refuse(plan, 1, "changed my mind");
    assert_int_equal(plan->n_accepted, 1);
    refused(plan, 1, "mind");
    assert_null(stoa_sdp_plan_line_by_mid(plan, "1"));
    assert_string_equal(stoa_sdp_plan_line_by_mid(copy, "0")->send.cname, "me");
    assert_ptr_equal(stoa_sdp_plan_line_by_mid(copy, "1"), line(copy, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_taken_from_a_publisher),
        cmocka_unit_test(every_fixture_is_echoed_both_ways),
        cmocka_unit_test(video_is_taken_in_the_codec_we_prefer),
        cmocka_unit_test(all_codecs_are_agreed_where_we_only_send),
        cmocka_unit_test(a_profile_of_h264_and_vp9_can_be_asked_for),
        cmocka_unit_test(a_firefox_without_h264_is_refused_in_a_room_of_h264),
        cmocka_unit_test(a_static_payload_number_zero_is_a_codec),
        cmocka_unit_test(simulcast_comes_as_rids_from_both_browsers),
        cmocka_unit_test(firefoxs_ssrcs_pair_with_their_retransmissions),
        cmocka_unit_test(without_the_rid_extension_there_is_no_simulcast),
        cmocka_unit_test(old_simulcast_by_ssrc_group_is_listed_highest_first),
        cmocka_unit_test(the_direction_of_an_extension_is_seen_from_our_end),
        cmocka_unit_test(an_extension_id_means_one_thing_in_the_whole_bundle),
        cmocka_unit_test(transport_cc_is_taken_as_a_whole_or_not_at_all),
        cmocka_unit_test(a_sender_is_told_how_we_want_opus),
        cmocka_unit_test(red_is_known_but_taken_only_when_wanted),
        cmocka_unit_test(data_messages_are_limited_to_what_both_browsers_send),
        cmocka_unit_test(what_is_not_wanted_is_refused_with_a_reason),
        cmocka_unit_test(a_second_section_of_data_channels_is_refused),
        cmocka_unit_test(an_offer_without_bundle_gets_its_first_section),
        cmocka_unit_test(the_next_section_leads_when_the_first_cannot),
        cmocka_unit_test(bundle_only_sections_are_alive_inside_the_bundle),
        cmocka_unit_test(credentials_may_stand_in_the_first_section_only),
        cmocka_unit_test(an_offer_that_lacks_what_a_connection_needs_is_an_error),
        cmocka_unit_test(who_insists_on_being_passive_gets_an_active_end),
        cmocka_unit_test(a_codec_stays_while_it_is_offered),
        cmocka_unit_test(sections_are_added_stopped_and_used_again),
        cmocka_unit_test(an_inactive_section_stays_in_the_bundle),
        cmocka_unit_test(a_connection_outlives_its_last_section),
        cmocka_unit_test(new_credentials_are_an_ice_restart),
        cmocka_unit_test(what_we_send_is_said_line_by_line),
    };

    return cmocka_run_group_tests_name("sdp/negotiate", tests, NULL, NULL);
}
