/* SPDX-License-Identifier: MIT */
#include "bed.h"

#include <time.h>

static const StoaSdpMedia *media(const StoaSdp *sdp, unsigned index)
{
    const StoaSdpMedia *found = stoa_sdp_media(sdp, index);

    assert_non_null(found);
    return found;
}

static void chromiums_offer_is_read_whole(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = load("chromium-audio-video");
    const StoaSdpMedia *video = media(sdp, 1);
    const StoaSdpPayload *vp8 = stoa_sdp_payload(video, 96);

    assert_int_equal(sdp->media->len, 2);
    assert_true(sdp->session_id == 8171654262210100029u);
    assert_int_equal(sdp->version, 2);
    assert_true(sdp->extmap_allow_mixed);
    assert_string_equal(video->mid, "1");
    assert_int_equal(video->kind, STOA_SDP_VIDEO);
    assert_int_equal(video->payloads->len, 23);
    assert_int_equal(vp8->codec, STOA_SDP_VP8);
    assert_int_equal(vp8->clock_hz, 90000);
    assert_int_equal(vp8->feedback, STOA_SDP_FB_ALL);
    assert_int_equal(stoa_sdp_payload(video, 97)->apt, 96);
    assert_string_equal(stoa_sdp_payload(video, 98)->fmtp, "profile-id=0");
    assert_int_equal(video->exts[STOA_SDP_EXT_RID].id, 10);
    assert_int_equal(video->exts[STOA_SDP_EXT_RID].direction, STOA_SDP_SENDRECV);
    assert_string_equal(video->transport.ufrag, "Muzi");
    assert_int_equal(video->transport.setup, STOA_SDP_ACTPASS);
    assert_true(video->transport.trickle && video->rtcp_mux && video->rtcp_rsize);
    assert_int_equal(video->direction, STOA_SDP_SENDRECV);
}

static void ssrcs_of_chromium_have_names_and_groups(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = load("chromium-audio-video");
    const StoaSdpMedia *video = media(sdp, 1);
    const StoaSdpSsrc *first = &g_array_index(video->ssrcs, StoaSdpSsrc, 0);
    const StoaSdpSsrcGroup *fid = &g_array_index(video->ssrc_groups, StoaSdpSsrcGroup, 0);

    assert_int_equal(video->ssrcs->len, 2);
    assert_int_equal(first->ssrc, 4176372366u);
    assert_string_equal(first->cname, "PTCkVYnXjEp/TB0X");
    assert_string_equal(first->stream, "39be9ee3-2c9e-46d1-ade6-02fd62aeb580");
    assert_string_equal(first->track, "283324dc-7843-46d5-aa0c-a11fc286dcb5");
    assert_string_equal(fid->semantics, "FID");
    assert_int_equal(fid->n_ssrcs, 2);
    assert_int_equal(fid->ssrcs[1], 2062623736u);
    assert_int_equal(video->msids->len, 1);
}

static void what_firefox_says_once_holds_for_all_sections(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = load("firefox-simulcast");
    const StoaSdpMedia *audio = media(sdp, 0), *video = media(sdp, 1);

    assert_non_null(audio->transport.fingerprint);
    assert_ptr_equal(audio->transport.fingerprint, video->transport.fingerprint);
    assert_true(g_str_has_prefix(video->transport.fingerprint, "sha-256 6D:59:74"));
    assert_true(video->transport.trickle);
    assert_true(video->extmap_allow_mixed && !sdp->extmap_allow_mixed);
    assert_int_equal(video->exts[STOA_SDP_EXT_RID].direction, STOA_SDP_SENDONLY);
    assert_int_equal(video->exts[STOA_SDP_EXT_PLAYOUT_DELAY].direction, STOA_SDP_RECVONLY);
    assert_int_equal(stoa_sdp_payload(audio, 9)->channels, 1);
    assert_int_equal(stoa_sdp_payload(audio, 109)->channels, 2);
    assert_int_equal(video->ssrcs->len, 6);
    assert_int_equal(video->ssrc_groups->len, 3);
}

static void rids_come_in_the_order_of_the_simulcast_line(void **unused G_GNUC_UNUSED)
{
    static const char *const names[] = { "chromium-simulcast", "firefox-simulcast" };
    static const char *const rids[] = { "h", "m", "l" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(StoaSdp) sdp = load(names[i]);
        const GArray *send = media(sdp, 1)->simulcast_send;

        assert_int_equal(send->len, 3);
        for (guint k = 0; k < 3; k++)
            assert_string_equal(g_array_index(send, StoaSdpSimulcast, k).rid, rids[k]);
    }
}

static void alternatives_and_pauses_of_simulcast_are_kept(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp =
        parse("v=0\n" VIDEO("v") "a=simulcast:recv r send a,b;~c;ghost\na=rid:a send pt=96\n"
                                 "a=rid:b send\na=rid:c send\na=rid:r recv\na=rid:bad_one\n");
    const GArray *send = media(sdp, 0)->simulcast_send;
    const StoaSdpSimulcast *b = &g_array_index(send, StoaSdpSimulcast, 1);
    const StoaSdpSimulcast *c = &g_array_index(send, StoaSdpSimulcast, 2);

    assert_int_equal(send->len, 3);
    assert_string_equal(b->rid, "b");
    assert_int_equal(b->stream, 0);
    assert_true(c->paused && c->stream == 1);
    assert_int_equal(media(sdp, 0)->simulcast_recv->len, 1);
    assert_int_equal(media(sdp, 0)->rids->len, 4);
    assert_string_equal(g_array_index(media(sdp, 0)->rids, StoaSdpRid, 0).restrictions, "pt=96");
}

static void a_broken_simulcast_line_counts_as_none(void **unused G_GNUC_UNUSED)
{
    static const char *const broken[] = { "send a;;b", "send a b",      "sideways a",
                                          "send",      "send a send a", "send ," };

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *text =
            g_strconcat("v=0\n" VIDEO("v") "a=rid:a send\na=simulcast:", broken[i], "\n", NULL);
        g_autoptr(StoaSdp) sdp = parse(text);

        assert_int_equal(media(sdp, 0)->simulcast_send->len, 0);
    }
}

static void data_channels_have_a_port_and_a_size(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) chromium = load("chromium-datachannel"),
                       firefox = load("firefox-datachannel");

    assert_true(media(chromium, 0)->is_sctp && media(firefox, 0)->is_sctp);
    assert_int_equal(media(chromium, 0)->sctp_port, 5000);
    assert_int_equal(media(chromium, 0)->max_message_size, 262144);
    assert_int_equal(media(firefox, 0)->max_message_size, 1073741823);
}

static void old_words_for_data_channels_are_understood(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse("v=0\nm=application 9 DTLS/SCTP 5001\n"
                                   "a=sctpmap:5001 webrtc-datachannel 1024\n");

    assert_true(media(sdp, 0)->is_sctp && media(sdp, 0)->is_old_sctp);
    assert_int_equal(media(sdp, 0)->sctp_port, 5001);
    assert_int_equal(media(sdp, 0)->max_message_size, 65536);
}

static void both_line_ends_and_empty_lines_are_taken(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) lf = parse("v=0\n\nm=audio 9 RTP/SAVPF 0\n\na=mid:x\n\n");
    g_autoptr(StoaSdp) crlf = parse("v=0\r\n\r\nm=audio 9 RTP/SAVPF 0\r\na=mid:x");

    assert_string_equal(media(lf, 0)->mid, "x");
    assert_string_equal(media(crlf, 0)->mid, "x");
}

static void a_section_without_mid_is_called_by_its_index(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse("v=0\nm=audio 9 RTP/SAVPF 0\nm=video 9 RTP/SAVPF 96\n");

    assert_string_equal(media(sdp, 1)->mid, "1");
    assert_false(media(sdp, 1)->has_mid);
    assert_ptr_equal(stoa_sdp_media_by_mid(sdp, "1"), media(sdp, 1));
}

static void static_payload_types_need_no_rtpmap(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse("v=0\nm=audio 9 RTP/SAVPF 0 8 9 96\n");

    assert_int_equal(stoa_sdp_payload(media(sdp, 0), 0)->codec, STOA_SDP_PCMU);
    assert_int_equal(stoa_sdp_payload(media(sdp, 0), 8)->codec, STOA_SDP_PCMA);
    assert_int_equal(stoa_sdp_payload(media(sdp, 0), 9)->clock_hz, 8000);
    assert_null(stoa_sdp_payload(media(sdp, 0), 96)->name);
    assert_null(stoa_sdp_payload(media(sdp, 0), 97));
}

static void feedback_for_all_payloads_is_given_to_each(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse("v=0\nm=video 9 RTP/SAVPF 96 97\na=rtcp-fb:* nack\n"
                                   "a=rtcp-fb:97 nack pli\na=rtcp-fb:97 nack rpsi\n");

    assert_int_equal(stoa_sdp_payload(media(sdp, 0), 96)->feedback, STOA_SDP_FB_NACK);
    assert_int_equal(stoa_sdp_payload(media(sdp, 0), 97)->feedback,
                     STOA_SDP_FB_NACK | STOA_SDP_FB_PLI);
}

static void candidates_are_read_and_broken_ones_left_out(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse(
        "v=0\nm=audio 9 RTP/SAVPF 0\n"
        "a=candidate:1 1 UDP 2122252543 9f3e.local 50000 typ host generation 0 ufrag q\n"
        "a=candidate:nonsense\na=candidate\n"
        "a=candidate:2 1 tcp 99 2001:db8::1 9 typ srflx raddr 10.0.0.1 rport 7 tcptype active\n"
        "a=end-of-candidates\n");
    const GArray *list = media(sdp, 0)->candidates;
    const StoaSdpCandidate *name = &g_array_index(list, StoaSdpCandidate, 0);
    const StoaSdpCandidate *tcp = &g_array_index(list, StoaSdpCandidate, 1);

    assert_int_equal(list->len, 2);
    assert_true(name->is_name && !name->tcp && name->port == 50000);
    assert_string_equal(name->address, "9f3e.local");
    assert_string_equal(name->ufrag, "q");
    assert_true(g_str_has_prefix(name->text, "candidate:1 1 UDP"));
    assert_true(!tcp->is_name && tcp->tcp && tcp->tcp_type == STOA_SDP_TCP_ACTIVE);
    assert_int_equal(tcp->type, STOA_SDP_SRFLX);
    assert_string_equal(tcp->related_address, "10.0.0.1");
    assert_int_equal(tcp->related_port, 7);
    assert_true(media(sdp, 0)->end_of_candidates);
}

static void the_best_fingerprint_is_kept_in_one_form(void **unused G_GNUC_UNUSED)
{
    static const char sha1[] =
        "a=fingerprint:SHA-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
        "00:11:22:33\n";
    g_autofree char *text =
        g_strconcat("v=0\na=fingerprint:md5 00\n", sha1, "a=fingerprint:", FINGERPRINT, "\n", sha1,
                    "m=audio 9 RTP/SAVPF 0\nm=video 9 RTP/SAVPF 96\n", sha1, NULL);
    g_autoptr(StoaSdp) sdp = parse(text);

    assert_string_equal(media(sdp, 0)->transport.fingerprint, FINGERPRINT);
    assert_true(g_str_has_prefix(media(sdp, 1)->transport.fingerprint, "sha-1 00:11:22"));
    assert_non_null(strstr(media(sdp, 1)->transport.fingerprint, ":FF:"));
}

static void bandwidth_is_read_in_both_units(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse("v=0\nb=AS:9\nm=video 9 RTP/SAVPF 96\nb=AS:500\n"
                                   "m=video 9 RTP/SAVPF 96\nb=AS:500\nb=TIAS:123456\n");

    assert_int_equal(media(sdp, 0)->bandwidth_bps, 500000);
    assert_int_equal(media(sdp, 1)->bandwidth_bps, 123456);
}

static void what_nobody_knows_is_passed_over(void **unused G_GNUC_UNUSED)
{
    g_autoptr(StoaSdp) sdp = parse(
        "v=0\nz=0 0\na=x-unheard:of\ni=a\nm=image 9 udptl t38\na=mid:i\na=rtpmap:96 VP8/90000\n"
        "m=audio 9 RTP/SAVPF 0\na=extmap:7 urn:example:new\na=extmap:4097 "
        "urn:3gpp:video-orientation\n"
        "a=rtpmap:99 VP8/90000\na=ssrc:0 cname:x\na=ssrc:5 label:x\n");

    assert_int_equal(media(sdp, 0)->kind, STOA_SDP_OTHER);
    assert_int_equal(media(sdp, 1)->exts[STOA_SDP_EXT_VIDEO_ORIENTATION].id, 0);
    assert_int_equal(media(sdp, 1)->ssrcs->len, 1);
}

static void a_broken_line_is_named_by_number_and_cure(void **unused G_GNUC_UNUSED)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", "v=0" },
        { "hello", "v=0" },
        { "v=1\n", "v=0" },
        { "v=0\nnonsense\n", "line 2" },
        { "v=0\r\n\r\na=setup:holdconn\r\n", "line 3" },
        { "v=0\na=setup:sideways\n", "actpass, active or passive" },
        { "v=0\nm=audio\n", "m=audio 9 UDP/TLS/RTP/SAVPF 111" },
        { "v=0\nm=audio 65536 RTP/SAVPF 0\n", "a port" },
        { "v=0\nm=audio 9 RTP/SAVPF 128\n", "0 to 127" },
        { "v=0\nm=audio 9 RTP/SAVPF 0 x\n", "0 to 127" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=rtpmap:0 PCMU\n", "NAME/CLOCK" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=rtpmap:999 PCMU/8000\n", "line 3" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=rtcp-fb:x nack\n", "96 nack pli" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=mid:\n", "31" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=mid:12345678901234567890123456789012\n", "31" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=mid:a\na=mid:b\n", "second" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=mid:a\nm=audio 9 RTP/SAVPF 0\na=mid:a\n", "no other" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\nm=audio 9 RTP/SAVPF 0\na=mid:0\n",
          "give every m-line a mid" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=extmap:0 urn:x\n", "a=extmap" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=extmap:3/upwards urn:x\n", "sendonly" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=ssrc:4294967296 cname:x\n", "2^32" },
        { "v=0\nm=audio 9 RTP/SAVPF 0\na=ssrc-group:FID 1 x\n", "2^32" },
        { "v=0\na=fingerprint:sha-256 AB:CD\n", "its bytes" },
        { "v=0\na=ice-ufrag:\n", "a=ice-ufrag" },
        { "v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:0\n", "65535" },
        { "v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=max-message-size:-1\n",
          "bytes" },
        { "v=0\ns=a\001b\n", "control character" },
        { "v=0\ns=\xff\n", "UTF-8" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        refuses(cases[i].text, STOA_ERROR_INVALID, cases[i].says);
}

static void a_password_is_never_repeated_in_an_error(void **unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    static const char text[] = "v=0\na=ice-pwd:my secret\n";

    assert_null(stoa_sdp_read(text, strlen(text), NULL, &error));
    assert_null(strstr(error->message, "secret"));
}

static void limits_are_named(void **unused G_GNUC_UNUSED)
{
    static const char text[] = "v=0\nm=audio 9 RTP/SAVPF 0\nm=audio 9 RTP/SAVPF 0\n";
    static const StoaSdpLimits small = { .max_bytes = 20 }, few = { .max_media = 1 };
    static const StoaSdpLimits enough = { sizeof text, 2 };
    g_autoptr(GError) bytes = NULL, lines = NULL;
    g_autoptr(StoaSdp) sdp = stoa_sdp_read(text, strlen(text), &enough, NULL);

    assert_non_null(sdp);
    assert_null(stoa_sdp_read(text, strlen(text), &small, &bytes));
    assert_true(g_error_matches(bytes, STOA_ERROR, STOA_ERROR_LIMIT));
    assert_non_null(strstr(bytes->message, "20"));
    assert_null(stoa_sdp_read(text, strlen(text), &few, &lines));
    assert_true(g_error_matches(lines, STOA_ERROR, STOA_ERROR_LIMIT));
    assert_non_null(strstr(lines->message, "1 m-lines"));
}

static void repeat(GString *out, const char *head, const char *fmt, unsigned n)
{
    g_string_append(out, head);
    for (unsigned i = 1; i <= n; i++) {
        g_auto(GStrv) parts = g_strsplit(fmt, "#", 2);

        g_string_append_printf(out, "%s%u%s", parts[0], i, parts[1]);
    }
}

static void too_many_of_a_thing_is_an_error(void **unused G_GNUC_UNUSED)
{
    static const char *const rows[] = { "a=ssrc:# cname:x\n", "a=rid:r# send\n",
                                        "a=ssrc-group:FID # 7\n" };
    static const char *const names[] = { "SSRCs", "rids", "SSRC groups" };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new("v=0\n");

        repeat(text, VIDEO("v"), rows[i], 300);
        refuses(text->str, STOA_ERROR_LIMIT, names[i]);
    }
}

/* Ten times the lines may take ten times as long, not a hundred times. The limit is generous: it is there for squares. */
static void hostile_length_costs_linear_time(void **unused G_GNUC_UNUSED)
{
    static const char *const rows[] = {
        "a=candidate:# 1 udp 1 10.0.0.1 9 typ host\n",
        "a=group:BUNDLE x# x\n",
        "a=rtcp-fb:96 nack #\n",
        "a=ssrc:7 cname:#\n",
        "m=video 9 RTP/SAVPF 96\na=mid:q#\n",
        "a=extmap:# urn:x\n",
        "a=simulcast:send a#;b\n",
        "a=fmtp:96 x=#;y\n",
        "a=msid:s t#\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new("v=0\n");
        clock_t start;
        StoaSdp *sdp;

        repeat(text, VIDEO("v"), rows[i], 60000);
        start = clock(); /* of this process: a busy machine does not count */
        sdp = stoa_sdp_read(text->str, text->len, NULL, NULL);
        stoa_sdp_free(sdp);
        assert_true(clock() - start < (clock_t)5 * CLOCKS_PER_SEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chromiums_offer_is_read_whole),
        cmocka_unit_test(ssrcs_of_chromium_have_names_and_groups),
        cmocka_unit_test(what_firefox_says_once_holds_for_all_sections),
        cmocka_unit_test(rids_come_in_the_order_of_the_simulcast_line),
        cmocka_unit_test(alternatives_and_pauses_of_simulcast_are_kept),
        cmocka_unit_test(a_broken_simulcast_line_counts_as_none),
        cmocka_unit_test(data_channels_have_a_port_and_a_size),
        cmocka_unit_test(old_words_for_data_channels_are_understood),
        cmocka_unit_test(both_line_ends_and_empty_lines_are_taken),
        cmocka_unit_test(a_section_without_mid_is_called_by_its_index),
        cmocka_unit_test(static_payload_types_need_no_rtpmap),
        cmocka_unit_test(feedback_for_all_payloads_is_given_to_each),
        cmocka_unit_test(candidates_are_read_and_broken_ones_left_out),
        cmocka_unit_test(the_best_fingerprint_is_kept_in_one_form),
        cmocka_unit_test(bandwidth_is_read_in_both_units),
        cmocka_unit_test(what_nobody_knows_is_passed_over),
        cmocka_unit_test(a_broken_line_is_named_by_number_and_cure),
        cmocka_unit_test(a_password_is_never_repeated_in_an_error),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(too_many_of_a_thing_is_an_error),
        cmocka_unit_test(hostile_length_costs_linear_time),
    };

    return cmocka_run_group_tests_name("sdp/read", tests, NULL, NULL);
}
