/* SPDX-License-Identifier: MIT */
/* Packets from one person to others, through real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "rtp/bytes.h"
#include "rtp/nack.h"
#include "rtp/rtcp-feedback.h"

enum { VIDEO = 1000, VIDEO_RTX = 1001, OUT = 5000, OUT_RTX = 5001, FIRST_SEQ = 65500 };

static void publish(Person *person)
{
    StoaReceive rows[] = { bed_video_in(1, "0", VIDEO, VIDEO_RTX), bed_audio_in(2, "1", 2000) };

    stoa_peer_set_receives(bed_media(person->bed), person->id, rows, 2, &person->ext);
}

static void show(Person *to, Person *from)
{
    stoa_peer_route(bed_media(to->bed), to->id, 1, (StoaTrackRef){ from ? from->id : 0, 1 });
}

static void subscribe(Person *to, Person *from, bool rtx)
{
    StoaSend row = bed_video_out(1, "0", OUT, rtx ? OUT_RTX : 0);

    stoa_peer_set_sends(bed_media(to->bed), to->id, &row, 1);
    show(to, from);
}

static void send_frame(Person *person, unsigned i, bool key)
{
    uint8_t payload[300];

    bed_vp8(payload, sizeof(payload), true, key, (uint16_t)i, i);
    person_send(person, VIDEO, 96, FIRST_SEQ + i, 90000 + i * 3000, true, payload, sizeof(payload));
}

static void send_frames(Person *person, unsigned from, unsigned n, bool key)
{
    for (unsigned i = from; i < from + n; i++)
        send_frame(person, i, key && i == from);
}

/* The same as a retransmission. */
static void resend_frame(Person *person, unsigned i, unsigned rtx_index)
{
    uint8_t payload[302];

    stoa_bytes_put16(payload, (uint16_t)(FIRST_SEQ + i));
    bed_vp8(payload + 2, 300, true, false, (uint16_t)i, i);
    person_send(person, VIDEO_RTX, 97, 100 + rtx_index, 90000 + i * 3000, true, payload,
                sizeof(payload));
}

typedef struct {
    Person *person;
    uint32_t ssrc;
    unsigned n;
} Wanted;

static bool has_received(void *data)
{
    Wanted *wanted = data;

    return person_n_received(wanted->person, wanted->ssrc) >= wanted->n;
}

static void expect(Person *person, uint32_t ssrc, unsigned n)
{
    Wanted wanted = { person, ssrc, n };

    bed_until(person->bed, 3000, has_received, &wanted);
    assert_int_equal(person_n_received(person, ssrc), n);
}

static void on_figures(const struct StoaFigures *figures G_GNUC_UNUSED, void *data)
{
    *(bool *)data = true;
}

static bool is_true(void *data)
{
    return *(bool *)data;
}

/* Until the worker of a person has done what it was told and has read what was sent: two turns of it, however long they take. */
static void settle(Person *person)
{
    for (unsigned i = 0; i < 2; i++) {
        bool came = false;

        stoa_peer_figures(bed_media(person->bed), person->id, on_figures, &came, NULL);
        assert_true(bed_until(person->bed, 5000, is_true, &came));
    }
}

/* Numbers go on by one from packet to packet, timestamps and picture ids never go back. */
static void assert_unbroken(const Person *person, uint32_t ssrc)
{
    for (unsigned i = 1; i < person_n_received(person, ssrc); i++) {
        const Received *before = person_received(person, ssrc, i - 1);
        const Received *now = person_received(person, ssrc, i);

        assert_int_equal((uint16_t)(now->header.seq - before->header.seq), 1);
        assert_in_range(now->header.timestamp - before->header.timestamp, 1, 90000);
        assert_int_equal((stoa_bytes_get16(now->buf + now->header.payload_at + 2) -
                          stoa_bytes_get16(before->buf + before->header.payload_at + 2)) &
                             0x7fff,
                         1);
    }
}

typedef struct {
    Bed *bed;
    Person *ana, *ben, *cleo; /* ana and ben publish, cleo watches ana */
} Scene;

static Scene scene_new(unsigned workers, bool rtx)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = workers,
                           .addresses = addresses,
                           .room_peers_per_worker = workers > 1 ? 1 : 0 };
    Scene scene = { .bed = bed_new_conf(&conf) };

    scene.ana = person_new(scene.bed, 1);
    scene.ben = person_new(scene.bed, 1);
    scene.cleo = person_new(scene.bed, 1);
    publish(scene.ana);
    publish(scene.ben);
    subscribe(scene.cleo, scene.ana, rtx);
    person_connect(scene.ana);
    person_connect(scene.ben);
    person_connect(scene.cleo);
    bed_run(scene.bed, 20);
    return scene;
}

static void ask_for(Person *person, uint32_t ssrc, const uint16_t *seqs, size_t n)
{
    uint8_t buf[200];

    person_send_rtcp(person, buf, stoa_rtcp_nack_write(7, ssrc, seqs, n, buf, sizeof(buf)));
}

/* -- tests --------------------------------------------------------------------------------- */

static void video_comes_back_in_echo(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new(1);
    Person *ana = person_new(bed, 1);

    person_connect(ana);
    publish(ana);
    subscribe(ana, ana, true);
    bed_run(bed, 50);
    send_frames(ana, 0, 60, true);
    expect(ana, OUT, 60);
    for (unsigned i = 0; i < 60; i++) {
        const Received *received = person_received(ana, OUT, i);

        assert_int_equal(bed_tag(received), i);
        assert_int_equal(received->header.payload_type, 120);
        assert_true(received->header.marker);
        assert_int_equal(received->header.timestamp, 90000 + i * 3000);
    }
    assert_unbroken(ana, OUT);
    bed_free(bed);
}

static void a_switch_waits_for_a_keyframe_and_goes_on_unbroken(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);

    send_frames(s.ana, 0, 10, true);
    expect(s.cleo, OUT, 10);
    person_forget(s.ben);
    show(s.cleo, s.ben);
    bed_run(s.bed, 20);
    send_frames(s.ben, 20, 5, false);
    bed_run(s.bed, 150);
    assert_int_equal(person_n_received(s.cleo, OUT), 10);
    assert_true(person_n_rtcp(s.ben, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI) >= 1);
    send_frames(s.ana, 10, 3, true); /* nobody shows her any more */
    send_frames(s.ben, 25, 10, true);
    expect(s.cleo, OUT, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(bed_tag(person_received(s.cleo, OUT, i)), i < 10 ? i : 15 + i);
    assert_unbroken(s.cleo, OUT);
    bed_free(s.bed);
}

static void lost_packets_are_sent_again_by_rtx_at_once(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);
    uint16_t lost[3];

    send_frames(s.ana, 0, 60, true);
    expect(s.cleo, OUT, 60);
    for (unsigned i = 0; i < 3; i++)
        lost[i] = person_received(s.cleo, OUT, 35 + i)->header.seq;
    ask_for(s.cleo, OUT, lost, 3);
    expect(s.cleo, OUT_RTX, 3);
    for (unsigned i = 0; i < 3; i++) {
        const Received *again = person_received(s.cleo, OUT_RTX, i);

        assert_int_equal(again->header.payload_type, 124);
        assert_int_equal(stoa_bytes_get16(again->buf + again->header.payload_at), lost[i]);
        assert_int_equal(bed_tag(again), 35 + i);
        assert_int_equal(again->header.timestamp, 90000 + (35 + i) * 3000);
    }
    bed_free(s.bed);
}

static void without_rtx_a_repeat_is_the_same_bytes(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, false);
    StoaSend row = bed_video_out(1, "0", OUT, 0);
    uint16_t seq;
    unsigned n;

    row.ext.id_of_kind[STOA_RTP_EXT_TWCC] = 3;
    row.ext.id_of_kind[STOA_RTP_EXT_ABS_SEND_TIME] = 2;
    row.ext.id_of_kind[STOA_RTP_EXT_MID] = 4;
    stoa_peer_set_sends(bed_media(s.bed), s.cleo->id, &row, 1);
    bed_run(s.bed, 20);
    send_frames(s.ana, 0, 10, true);
    expect(s.cleo, OUT, 10);
    seq = person_received(s.cleo, OUT, 4)->header.seq;
    n = s.cleo->n_came;
    ask_for(s.cleo, OUT, &seq, 1);
    bed_run(s.bed, 100);
    assert_int_equal(s.cleo->n_came, n + 1);
    assert_int_equal(s.cleo->last_len, person_received(s.cleo, OUT, 4)->sealed_len);
    assert_memory_equal(s.cleo->last, person_received(s.cleo, OUT, 4)->sealed, s.cleo->last_len);
    bed_free(s.bed);
}

/* A repeat of what was sent before would say another delay under the same number: it is not sent. */
static void without_rtx_another_delay_ends_repeats(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, false);
    StoaSend row = bed_video_out(1, "0", OUT, 0);
    uint16_t seq;
    unsigned n;

    row.ext.id_of_kind[STOA_RTP_EXT_PLAYOUT_DELAY] = 5;
    stoa_peer_set_sends(bed_media(s.bed), s.cleo->id, &row, 1);
    settle(s.cleo);
    send_frames(s.ana, 0, 5, true);
    expect(s.cleo, OUT, 5);
    stoa_peer_delay(bed_media(s.bed), s.cleo->id, 1, (StoaDelay){ 1, 2 });
    settle(s.cleo);
    send_frames(s.ana, 5, 5, false);
    expect(s.cleo, OUT, 10);
    assert_unbroken(s.cleo, OUT);
    n = s.cleo->n_came;
    seq = person_received(s.cleo, OUT, 3)->header.seq;
    ask_for(s.cleo, OUT, &seq, 1);
    seq = person_received(s.cleo, OUT, 7)->header.seq;
    ask_for(s.cleo, OUT, &seq, 1);
    settle(s.cleo);
    bed_run(s.bed, 20);
    assert_int_equal(s.cleo->n_came, n + 1);
    assert_int_equal(s.cleo->last_len, person_received(s.cleo, OUT, 7)->sealed_len);
    assert_memory_equal(s.cleo->last, person_received(s.cleo, OUT, 7)->sealed, s.cleo->last_len);
    bed_free(s.bed);
}

static void what_a_publisher_lost_is_asked_for_and_passed_on(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);

    send_frames(s.ana, 0, 10, true);
    send_frames(s.ana, 12, 10, false);
    expect(s.cleo, OUT, 20);
    bed_run(s.bed, 50);
    assert_true(person_n_rtcp(s.ana, STOA_RTCP_RTPFB, STOA_RTCP_RTPFB_NACK) >= 1);
    resend_frame(s.ana, 10, 0);
    resend_frame(s.ana, 11, 1);
    resend_frame(s.ana, 11, 2); /* once too often */
    expect(s.cleo, OUT, 22);
    assert_int_equal(bed_tag(person_received(s.cleo, OUT, 20)), 10);
    assert_int_equal((uint16_t)(person_received(s.cleo, OUT, 20)->header.seq -
                                person_received(s.cleo, OUT, 9)->header.seq),
                     1);
    bed_free(s.bed);
}

static void a_pause_and_a_mute_resume_on_a_keyframe(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);

    send_frames(s.ana, 0, 5, true);
    expect(s.cleo, OUT, 5);
    stoa_peer_pause(bed_media(s.bed), s.cleo->id, 1, true);
    bed_run(s.bed, 320); /* the keyframe is too old to be shown again */
    send_frames(s.ana, 5, 5, false);
    bed_run(s.bed, 50);
    person_forget(s.ana);
    stoa_peer_pause(bed_media(s.bed), s.cleo->id, 1, false);
    bed_run(s.bed, 400);
    assert_true(person_n_rtcp(s.ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI) >= 1);
    send_frames(s.ana, 10, 5, true);
    expect(s.cleo, OUT, 10);
    stoa_peer_mute(bed_media(s.bed), s.ana->id, 1, true);
    settle(s.ana);
    send_frames(s.ana, 15, 5, true);
    settle(s.ana);
    settle(s.cleo);
    stoa_peer_mute(bed_media(s.bed), s.ana->id, 1, false);
    settle(s.ana);
    settle(s.cleo);
    send_frames(s.ana, 20, 2, false);
    send_frames(s.ana, 22, 5, true);
    expect(s.cleo, OUT, 15);
    assert_int_equal(bed_tag(person_received(s.cleo, OUT, 10)), 22);
    assert_unbroken(s.cleo, OUT);
    bed_free(s.bed);
}

/* Who comes within a moment of a keyframe gets that one from the ring: the publisher need not make another. */
static bool tries_a_fresh_keyframe(unsigned workers)
{
    Scene s = scene_new(workers, true);
    int64_t since_us;
    bool is_fresh;

    stoa_peer_pause(bed_media(s.bed), s.cleo->id, 1, true);
    bed_run(s.bed, 350);
    since_us = g_get_monotonic_time();
    send_frames(s.ana, 0, 5, true);
    bed_run(s.bed, 30);
    person_forget_rtcp(s.ana);
    stoa_peer_pause(bed_media(s.bed), s.cleo->id, 1, false);
    bed_run(s.bed, 30);
    is_fresh = g_get_monotonic_time() - since_us < 250000; /* or the machine is too busy for this */
    if (is_fresh) {
        expect(s.cleo, OUT, 5);
        send_frames(s.ana, 5, 5, false);
        expect(s.cleo, OUT, 10);
        assert_unbroken(s.cleo, OUT);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(bed_tag(person_received(s.cleo, OUT, i)), i);
        assert_int_equal(person_n_rtcp(s.ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI), 0);
    }
    bed_free(s.bed);
    return is_fresh;
}

static void a_fresh_keyframe_is_shown_again(void **state)
{
    for (unsigned i = 0; i < 5; i++)
        if (tries_a_fresh_keyframe(*(unsigned *)*state))
            return;
}

static void a_new_ssrc_of_the_publisher_goes_on_under_the_old_one_of_the_sink(
    void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, true);
    StoaRtpHeader header = { .ssrc = 4321, .payload_type = 96, .timestamp = 5, .marker = true };
    uint8_t payload[300];

    send_frames(s.ana, 0, 10, true);
    expect(s.cleo, OUT, 10);
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t mid[] = { 4 << 4 | 0, '0', 0, 0 };

        header.timestamp += 3000;
        bed_vp8(payload, sizeof(payload), true, i == 0, (uint16_t)(7 + i), 200 + i);
        person_send_ext(s.ana, &header, 3 + i, mid, 4, payload, sizeof(payload));
    }
    expect(s.cleo, OUT, 13);
    assert_unbroken(s.cleo, OUT);
    bed_free(s.bed);
}

/* One frame of two packets in the pattern 0 2 1 2 of temporal layers, each in step with layer 0. */
static void send_layered(Person *person, unsigned frame, bool key)
{
    static const uint8_t tids[] = { 0, 2, 1, 2 };
    uint8_t payload[100] = { 0x90, 0xe0, 0x80, (uint8_t)frame, (uint8_t)(frame / 4) };

    payload[5] = (uint8_t)(tids[frame % 4] << 6 | 0x20);
    memcpy(payload + 6, key ? "\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" : "\x11\0\0\0\0\0\0\0\0\0",
           10);
    for (unsigned i = 0; i < 2; i++) {
        stoa_bytes_put32(payload + 96, frame);
        person_send(person, VIDEO, 96, FIRST_SEQ + 2 * frame + i, 90000 + frame * 3000, i == 1,
                    payload, sizeof(payload));
        payload[0] = 0x80; /* goes on */
    }
}

static void temporal_layers_are_left_out_without_a_gap(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, true);
    uint16_t lost;

    stoa_peer_limit(bed_media(s.bed), s.cleo->id, 1, -1, 0);
    bed_run(s.bed, 20);
    for (unsigned frame = 0; frame < 16; frame++)
        send_layered(s.ana, frame, frame == 0);
    expect(s.cleo, OUT, 8);
    for (unsigned i = 0; i < 8; i++) {
        const Received *received = person_received(s.cleo, OUT, i);

        assert_int_equal(bed_tag(received), i / 2 * 4);
        assert_int_equal(
            (uint16_t)(received->header.seq - person_received(s.cleo, OUT, 0)->header.seq), i);
        assert_int_equal(received->buf[received->header.payload_at + 3], i / 2); /* picture id */
    }
    lost = person_received(s.cleo, OUT, 5)->header.seq;
    ask_for(s.cleo, OUT, &lost, 1);
    expect(s.cleo, OUT_RTX, 1);
    assert_int_equal(bed_tag(person_received(s.cleo, OUT_RTX, 0)), 8);
    stoa_peer_limit(bed_media(s.bed), s.cleo->id, 1, -1, 2);
    bed_run(s.bed, 20);
    for (unsigned frame = 16; frame < 24; frame++)
        send_layered(s.ana, frame, false);
    expect(s.cleo, OUT, 8 + 14); /* not yet the first of layer 2: one goes up by one */
    bed_free(s.bed);
}

/* A ring grows between two batches, so that a lump of any size is there when parts of it are asked for again. */
static void a_keyframe_that_comes_at_once_can_be_repaired(void **state)
{
    enum { LUMP = 140 };
    Scene s = scene_new(*(unsigned *)*state, true);
    uint16_t first[2];

    send_frames(s.ana, 0, 2, true);
    expect(s.cleo, OUT, 2);
    send_frames(s.ana, 2, LUMP, true);
    expect(s.cleo, OUT, 2 + LUMP);
    for (unsigned i = 0; i < 2; i++)
        first[i] = person_received(s.cleo, OUT, 2 + i)->header.seq;
    ask_for(s.cleo, OUT, first, 2);
    expect(s.cleo, OUT_RTX, 2);
    assert_int_equal(bed_tag(person_received(s.cleo, OUT_RTX, 0)), 2);
    bed_free(s.bed);
}

static void padding_leaves_no_gap(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, true);

    send_frames(s.ana, 0, 5, true);
    for (unsigned i = 5; i < 8; i++) /* empty, as padding is once its bytes are off */
        person_send(s.ana, VIDEO, 96, FIRST_SEQ + i, 90000, false, NULL, 0);
    send_frames(s.ana, 8, 5, false);
    expect(s.cleo, OUT, 13);
    for (unsigned i = 1; i < 13; i++)
        assert_int_equal((uint16_t)(person_received(s.cleo, OUT, i)->header.seq -
                                    person_received(s.cleo, OUT, i - 1)->header.seq),
                         1);
    bed_free(s.bed);
}

static void reports_flow_both_ways(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);
    StoaRtcpSr sr = { .ssrc = VIDEO, .ntp = UINT64_C(0xe000000000000000), .timestamp = 90000 };
    uint8_t buf[100];

    person_send_rtcp(s.ana, buf, stoa_rtcp_sr_write(&sr, NULL, 0, buf, sizeof(buf)));
    for (unsigned i = 0; i < 30; i++) {
        send_frame(s.ana, i, i == 0);
        bed_run(s.bed, 40);
    }
    assert_true(person_n_rtcp(s.ana, STOA_RTCP_RR, 1) >= 1);
    assert_true(person_n_rtcp(s.ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_AFB) >= 1);
    assert_true(person_n_rtcp(s.cleo, STOA_RTCP_SR, -1) >= 1);
    assert_true(person_n_rtcp(s.cleo, STOA_RTCP_SDES, -1) >= 1);
    bed_free(s.bed);
}

static void lips_and_voice_stay_together(void **state)
{
    Scene s = scene_new(*(unsigned *)*state, true);
    StoaSend rows[] = { bed_video_out(1, "0", OUT, OUT_RTX), bed_audio_out(2, "1", 6000) };
    StoaRtcpSr video = { .ssrc = VIDEO, .ntp = UINT64_C(0xe000000000000000), .timestamp = 90000 };
    StoaRtcpSr audio = { .ssrc = 2000, .ntp = UINT64_C(0xe000000080000000), .timestamp = 48000 };
    uint32_t video_at = 0, audio_at = 0;
    uint64_t video_ntp = 0, audio_ntp = 0;
    uint8_t buf[100];

    stoa_peer_set_sends(bed_media(s.bed), s.cleo->id, rows, 2);
    stoa_peer_route(bed_media(s.bed), s.cleo->id, 2, (StoaTrackRef){ s.ana->id, 2 });
    bed_run(s.bed, 20);
    send_frame(s.ana, 0, true);
    person_send(s.ana, 2000, 111, 5, 48000, false, "sound", 5);
    bed_run(s.bed, 50);
    person_send_rtcp(s.ana, buf, stoa_rtcp_sr_write(&video, NULL, 0, buf, sizeof(buf)));
    person_send_rtcp(s.ana, buf, stoa_rtcp_sr_write(&audio, NULL, 0, buf, sizeof(buf)));
    for (unsigned i = 1; i < 30; i++) {
        send_frame(s.ana, i, false);
        person_send(s.ana, 2000, 111, 5 + i, 48000 + i * 1920, false, "sound", 5);
        bed_run(s.bed, 40);
    }
    for (unsigned i = 0; i < s.cleo->rtcp->len; i++) {
        const Rtcp *rtcp = &g_array_index(s.cleo->rtcp, Rtcp, i);
        StoaRtcpPacket packet;
        StoaRtcpIter iter;
        StoaRtcpSr sr;

        stoa_rtcp_iter_init(&iter, rtcp->buf, rtcp->len);
        while (stoa_rtcp_iter_next(&iter, &packet)) {
            if (!stoa_rtcp_sr_read(&packet, &sr))
                continue;
            if (sr.ssrc == OUT) {
                video_at = sr.timestamp;
                video_ntp = sr.ntp;
            } else {
                audio_at = sr.timestamp;
                audio_ntp = sr.ntp;
            }
        }
    }
    assert_true(video_ntp && audio_ntp);
    {
        /* at the publisher, video 90000 was half a second before audio 48000 */
        double ntp_gap = ((double)audio_ntp - (double)video_ntp) / 4294967296.0;
        double media_gap = (audio_at - 48000.0) / 48000 + 0.5 - (video_at - 90000.0) / 90000;

        assert_true(ntp_gap - media_gap < 0.01 && media_gap - ntp_gap < 0.01);
    }
    bed_free(s.bed);
}

static void keyframe_requests_are_coalesced(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, true);
    uint8_t pli[50];

    send_frames(s.ana, 0, 5, true);
    expect(s.cleo, OUT, 5);
    bed_run(s.bed, 350);
    person_forget(s.ana);
    for (unsigned i = 0; i < 50; i++) {
        person_send_rtcp(s.cleo, pli, stoa_rtcp_pli_write(7, OUT, pli, sizeof(pli)));
        bed_run(s.bed, 10);
    }
    assert_in_range(person_n_rtcp(s.ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI), 1, 3);
    bed_free(s.bed);
}

static unsigned n_tapped, n_tap_done;

static void tap(const StoaPacket *packet, void *data)
{
    size_t len;

    stoa_packet_payload(packet, &len);
    if (len == 300 && data == &n_tapped)
        n_tapped++;
}

static void tap_done(void *data G_GNUC_UNUSED)
{
    n_tap_done++;
}

static void a_tap_sees_every_packet(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1, true);

    n_tapped = n_tap_done = 0;
    stoa_peer_tap(bed_media(s.bed), s.ana->id, 1, tap, &n_tapped, tap_done);
    bed_run(s.bed, 20);
    send_frames(s.ana, 0, 10, true);
    expect(s.cleo, OUT, 10);
    assert_int_equal(n_tapped, 10);
    assert_int_equal(n_tap_done, 0);
    stoa_peer_tap(bed_media(s.bed), s.ana->id, 1, NULL, NULL, NULL);
    bed_run(s.bed, 50);
    assert_int_equal(n_tap_done, 1);
    stoa_peer_tap(bed_media(s.bed), s.ana->id, 77, tap, NULL,
                  tap_done); /* there is no such track */
    bed_run(s.bed, 50);
    assert_int_equal(n_tap_done, 2);
    bed_free(s.bed);
}

int main(int argc, char **argv)
{
    static unsigned one = 1, three = 3;
#define BOTH(test)                                         \
    { #test " (one worker)", test, NULL, NULL, &one },     \
    {                                                      \
#test " (three workers)", test, NULL, NULL, &three \
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_comes_back_in_echo),
        BOTH(a_switch_waits_for_a_keyframe_and_goes_on_unbroken),
        BOTH(lost_packets_are_sent_again_by_rtx_at_once),
        cmocka_unit_test(without_rtx_a_repeat_is_the_same_bytes),
        cmocka_unit_test(without_rtx_another_delay_ends_repeats),
        BOTH(what_a_publisher_lost_is_asked_for_and_passed_on),
        BOTH(a_pause_and_a_mute_resume_on_a_keyframe),
        BOTH(a_fresh_keyframe_is_shown_again),
        cmocka_unit_test(a_new_ssrc_of_the_publisher_goes_on_under_the_old_one_of_the_sink),
        cmocka_unit_test(temporal_layers_are_left_out_without_a_gap),
        BOTH(a_keyframe_that_comes_at_once_can_be_repaired),
        cmocka_unit_test(padding_leaves_no_gap),
        BOTH(reports_flow_both_ways),
        BOTH(lips_and_voice_stay_together),
        cmocka_unit_test(keyframe_requests_are_coalesced),
        cmocka_unit_test(a_tap_sees_every_packet),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
