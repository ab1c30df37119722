/* SPDX-License-Identifier: MIT */
/* A subscriber whose way is narrow: what it gets, what its neighbour gets, what the publisher is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "rtp/rtcp-feedback.h"
#include "rtp/twcc.h"

enum { OUT = 5000, OUT_RTX = 5001, VOICE = 6000, RID_ID = 10, MID_ID = 4, TWCC_ID = 5 };
enum { FRAME_MS = 20, NEVER = 0xffffff };
enum { RED = 63, RED_OUT = 121 };

static const char *const rids[] = { "h", "l" };

/* Somebody who watches, behind a link that only their feedback knows of. */
typedef struct {
    Person *person;
    uint32_t rate_bps; /* 0: any */
    StoaTwccRecorder recorder;
    unsigned seen;    /* packets that were put on the link */
    unsigned counted; /* by say_what_comes() */
    int64_t busy_us, told_us, said_us;
    uint32_t last; /* tag of the last packet: the encoding */
} Viewer;

typedef struct {
    Bed *bed;
    Person *ana;
    Viewer ben, cem;
    unsigned n_encodings, n;
    uint64_t next[2]; /* sequence numbers */
    uint32_t high_bps;
    uint64_t remb_bps; /* as ana was told last; 0: nothing */
    bool speaks_twice;
} Scene;

static void join(Scene *s, Viewer *viewer)
{
    StoaSend rows[] = { bed_video_out(1, "0", OUT, OUT_RTX), bed_audio_out(2, "1", VOICE) };
    StoaMedia *media = bed_media(s->bed);

    rows[0].ext.id_of_kind[STOA_RTP_EXT_TWCC] = rows[1].ext.id_of_kind[STOA_RTP_EXT_TWCC] = TWCC_ID;
    rows[1].red_payload_type = RED_OUT;
    viewer->person = person_new(s->bed, 1);
    viewer->person->ext.kind_of_id[TWCC_ID] = STOA_RTP_EXT_TWCC;
    viewer->last = NEVER;
    stoa_peer_set_sends(media, viewer->person->id, rows, 2);
    stoa_peer_route(media, viewer->person->id, 1, (StoaTrackRef){ s->ana->id, 1 });
    stoa_peer_route(media, viewer->person->id, 2, (StoaTrackRef){ s->ana->id, 2 });
    person_connect(viewer->person);
}

/* With several workers everybody has one of their own. */
static Scene scene_on(unsigned workers, unsigned n_encodings)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = workers,
                           .addresses = addresses,
                           .room_peers_per_worker = workers > 1 ? 1 : 0 };
    Scene s = { .bed = bed_new_conf(&conf), .n_encodings = n_encodings, .high_bps = 1200000 };
    StoaReceive rows[] = { bed_video_in(1, "0", n_encodings == 1 ? 100 : 0, 0),
                           bed_audio_in(2, "1", 2000) };

    rows[0].remb = rows[0].twcc = true;
    rows[1].red_payload_type = RED;
    rows[0].n_encodings = n_encodings;
    for (unsigned i = 0; i < n_encodings && n_encodings > 1; i++)
        g_strlcpy(rows[0].encodings[i].rid, rids[i], STOA_RID_MAX);
    s.ana = person_new(s.bed, 1);
    s.ana->ext.kind_of_id[RID_ID] = STOA_RTP_EXT_RID;
    stoa_peer_set_receives(bed_media(s.bed), s.ana->id, rows, 2, &s.ana->ext);
    person_connect(s.ana);
    return s;
}

static Scene scene_new(unsigned n_encodings)
{
    return scene_on(1, n_encodings);
}

/* One frame of an encoding; `tag` says which. */
static void send_frame(Scene *s, unsigned encoding, bool key)
{
    const uint8_t ext[8] = { MID_ID << 4 | 0, '0', RID_ID << 4 | 0, (uint8_t)rids[encoding][0] };
    unsigned bytes = (encoding == 0 ? s->high_bps : 100000) * FRAME_MS / 8000;
    unsigned n = 1 + bytes / 1100;

    for (unsigned i = 0; i < n; i++) {
        StoaRtpHeader header = { .ssrc = 100 + encoding,
                                 .payload_type = 96,
                                 .timestamp = s->n * 1800,
                                 .marker = i + 1 == n };
        uint8_t payload[1200];

        bed_vp8(payload, bytes / n, i == 0, key && i == 0, (uint16_t)s->n, encoding);
        person_send_ext(s->ana, &header, 10 + s->next[encoding]++, ext, 4, payload, bytes / n);
    }
}

static void read_remb(Scene *s)
{
    for (guint i = 0; i < s->ana->rtcp->len; i++) {
        const Rtcp *rtcp = &g_array_index(s->ana->rtcp, Rtcp, i);
        StoaRtcpFeedback feedback;
        StoaRtcpPacket packet;
        StoaRtcpRemb remb;
        StoaRtcpIter iter;

        stoa_rtcp_iter_init(&iter, rtcp->buf, rtcp->len);
        while (stoa_rtcp_iter_next(&iter, &packet))
            if (stoa_rtcp_feedback_read(&packet, &feedback) &&
                stoa_rtcp_remb_read(&feedback, &remb))
                s->remb_bps = remb.bitrate_bps;
    }
}

static void report(Viewer *viewer, int64_t now_us)
{
    uint8_t buf[1200];
    size_t len;

    if (now_us - viewer->told_us < 80000)
        return;
    viewer->told_us = now_us;
    while ((len = stoa_twcc_recorder_output(&viewer->recorder, 1, OUT, buf, sizeof(buf))) > 0)
        person_send_rtcp(viewer->person, buf, len);
}

/* What came goes over the link; what is through by now is told. A queue of 300 ms, the rest is lost. */
static void view(Viewer *viewer)
{
    int64_t now_us = g_get_monotonic_time();

    for (; viewer->person && viewer->seen < viewer->person->received->len; viewer->seen++) {
        const Received *r = &g_array_index(viewer->person->received, Received, viewer->seen);
        int64_t from_us = MAX(viewer->busy_us, r->at_us);
        uint16_t seq;

        if (viewer->rate_bps)
            viewer->busy_us = from_us + (int64_t)(r->sealed_len + 28) * 8000000 / viewer->rate_bps;
        else
            viewer->busy_us = r->at_us;
        if (viewer->busy_us > now_us && viewer->busy_us - r->at_us < 300000) {
            viewer->busy_us = from_us;
            break; /* it is still on its way */
        }
        if (viewer->busy_us - r->at_us >= 300000) {
            viewer->busy_us = from_us;
            continue;
        }
        if (stoa_rtp_extension_twcc_seq(r->buf, &r->exts, &seq))
            stoa_twcc_recorder_input(&viewer->recorder, seq, viewer->busy_us);
        if (r->header.ssrc == OUT)
            viewer->last = bed_tag(r);
    }
    if (viewer->person)
        report(viewer, now_us);
}

/* Every voice is sent with a copy of itself. */
static void speak_twice(Scene *s)
{
    uint8_t payload[165] = { 0x80 | 111, 960 >> 6, (960 & 63) << 2, 80, 111 };

    person_send(s->ana, 2000, RED, 10 + s->n, s->n * 960, false, payload, sizeof(payload));
}

/* Everything for a frame's time; keyframes when they are asked for. */
static void step(Scene *s)
{
    bool key = s->n == 0 || person_n_rtcp(s->ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI) > 0;
    uint8_t voice[80] = { 0 };

    read_remb(s);
    person_forget_rtcp(s->ana);
    for (unsigned i = 0; i < s->n_encodings; i++)
        send_frame(s, i, key);
    if (s->speaks_twice)
        speak_twice(s);
    else
        person_send(s->ana, 2000, 111, 10 + s->n, s->n * 960, false, voice, sizeof(voice));
    s->n++;
    bed_run(s->bed, FRAME_MS);
    view(&s->ben);
    view(&s->cem);
}

/* Until `viewer` sees an encoding (NEVER: nothing for a while), at most so long. */
static void until_sees(Scene *s, Viewer *viewer, uint32_t encoding, unsigned ms)
{
    int64_t since_us = g_get_monotonic_time();

    while (viewer->last != encoding) {
        if (g_get_monotonic_time() - since_us > (int64_t)ms * 1000)
            fail_msg("after %u ms it still sees %u, not %u", ms, viewer->last, encoding);
        step(s);
    }
}

/* Until the publisher is told to send something between these. */
static void until_told(Scene *s, uint64_t least_bps, uint64_t most_bps)
{
    int64_t since_us = g_get_monotonic_time();

    while (s->remb_bps < least_bps || s->remb_bps > most_bps) {
        if (g_get_monotonic_time() - since_us > 5000000)
            fail_msg("it is told %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT
                     " to %" G_GUINT64_FORMAT,
                     s->remb_bps, least_bps, most_bps);
        step(s);
    }
}

static void steps(Scene *s, unsigned ms)
{
    int64_t until_us = g_get_monotonic_time() + (int64_t)ms * 1000;

    while (g_get_monotonic_time() < until_us)
        step(s);
}

static void a_narrow_way_gets_less_and_a_wide_one_all(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(2);

    steps(&s, 300);
    join(&s, &s.ben);
    join(&s, &s.cem);
    until_sees(&s, &s.ben, 0, 5000);
    until_sees(&s, &s.cem, 0, 5000);
    s.ben.rate_bps = 300000;
    until_sees(&s, &s.ben, 1, 10000);
    steps(&s, 1000);
    assert_int_equal(s.ben.last, 1);
    assert_int_equal(s.cem.last, 0);
    assert_true(s.remb_bps >= 5000000); /* one can take it all */
    s.ben.rate_bps = 0;
    until_sees(&s, &s.ben, 0, 20000);
    assert_true(person_n_received(s.ben.person, OUT_RTX) > 0); /* probes */
    bed_free(s.bed);
}

static void too_narrow_for_any_picture_it_still_hears(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(2);
    unsigned n_video = 0, n_voice = 0;

    steps(&s, 300);
    s.ben.rate_bps = 90000;
    join(&s, &s.ben);
    steps(&s, 4000);
    n_video = person_n_received(s.ben.person, OUT);
    n_voice = person_n_received(s.ben.person, VOICE);
    steps(&s, 1000);
    assert_true(person_n_received(s.ben.person, VOICE) - n_voice >= 20);
    assert_in_range(person_n_received(s.ben.person, OUT) - n_video, 0, 5);
    assert_true(g_str_has_suffix(s.ben.person->events->str, ",-1) "));
    s.ben.last = NEVER;
    s.ben.rate_bps = 0;
    until_sees(&s, &s.ben, 0, 20000);
    steps(&s, 500);
    assert_false(g_str_has_suffix(s.ben.person->events->str, ",-1) "));
    bed_free(s.bed);
}

static uint8_t last_voice(const Viewer *viewer)
{
    unsigned n = person_n_received(viewer->person, VOICE);

    return n > 0 ? person_received(viewer->person, VOICE, n - 1)->header.payload_type : 0;
}

static void until_voice_is(Scene *s, Viewer *viewer, uint8_t payload_type)
{
    int64_t since_us = g_get_monotonic_time();

    while (last_voice(viewer) != payload_type) {
        if (g_get_monotonic_time() - since_us > 20000000)
            fail_msg("voices come as %u, not as %u", last_voice(viewer), payload_type);
        step(s);
    }
}

/* The numbers go on, whatever is left out. */
static void assert_no_gap(const Viewer *viewer)
{
    for (unsigned i = 1; i < person_n_received(viewer->person, VOICE); i++) {
        const Received *before = person_received(viewer->person, VOICE, i - 1);
        const Received *now = person_received(viewer->person, VOICE, i);

        assert_int_equal((uint16_t)(now->header.seq - before->header.seq), 1);
    }
}

static void a_narrow_way_carries_each_voice_once(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(2);
    uint8_t plain = bed_audio_out(2, "1", VOICE).payload_type;

    s.speaks_twice = true;
    steps(&s, 300);
    join(&s, &s.ben);
    until_voice_is(&s, &s.ben, RED_OUT);
    s.ben.rate_bps = 100000;
    until_voice_is(&s, &s.ben, plain);
    s.ben.rate_bps = 0;
    until_voice_is(&s, &s.ben, RED_OUT);
    assert_no_gap(&s.ben);
    bed_free(s.bed);
}

static void send_remb(Viewer *viewer, uint64_t bps)
{
    StoaRtcpRemb remb = { .bitrate_bps = bps, .n_ssrcs = 1, .ssrcs = { OUT } };
    uint8_t buf[100];
    size_t len = stoa_rtcp_remb_write(1, &remb, buf, sizeof(buf));

    person_send_rtcp(viewer->person, buf, len);
}

static void who_speaks_of_a_limit_is_believed(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(2);

    steps(&s, 300);
    s.ben.told_us = INT64_MAX / 2; /* no transport-cc */
    join(&s, &s.ben);
    until_sees(&s, &s.ben, 0, 5000);
    steps(&s, 1500);
    assert_int_equal(s.ben.last, 0);
    send_remb(&s.ben, 250000);
    until_sees(&s, &s.ben, 1, 5000);
    steps(&s, 1000);
    assert_int_equal(s.ben.last, 1);
    send_remb(&s.ben, 3000000);
    until_sees(&s, &s.ben, 0, 5000);
    bed_free(s.bed);
}

/* What Chromium says without transport-cc: half as much again as came in the last half second, if the line takes it. */
static void say_what_comes(Viewer *viewer)
{
    int64_t now_us = g_get_monotonic_time(), past_us = now_us - viewer->said_us;
    uint64_t bits = 0;

    if (past_us < 500000)
        return;
    for (; viewer->counted < viewer->person->received->len; viewer->counted++)
        bits += 8 * g_array_index(viewer->person->received, Received, viewer->counted).sealed_len;
    if (viewer->said_us)
        send_remb(viewer, MIN(viewer->rate_bps ? viewer->rate_bps : UINT32_MAX,
                              bits * 3 / 2 * 1000000 / (uint64_t)past_us + 10000));
    viewer->said_us = now_us;
}

/* The same for as long as it takes until it sees an encoding. */
static void says_until_it_sees(Scene *s, Viewer *viewer, uint32_t encoding, unsigned ms)
{
    int64_t since_us = g_get_monotonic_time();

    while (viewer->last != encoding) {
        if (g_get_monotonic_time() - since_us > (int64_t)ms * 1000)
            fail_msg("after %u ms it still sees %u, not %u", ms, viewer->last, encoding);
        step(s);
        say_what_comes(viewer);
    }
}

static void who_speaks_of_limits_only_climbs_again(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(2);

    steps(&s, 300);
    s.ben.told_us = INT64_MAX / 2; /* no transport-cc */
    join(&s, &s.ben);
    until_sees(&s, &s.ben, 0, 5000);
    s.ben.rate_bps = 250000;
    says_until_it_sees(&s, &s.ben, 1, 10000);
    s.ben.rate_bps = 0;
    says_until_it_sees(&s, &s.ben, 0, 25000);
    assert_true(person_n_received(s.ben.person, OUT_RTX) > 0); /* padding */
    bed_free(s.bed);
}

static void a_publisher_is_told_what_its_best_viewer_can_take(void **state)
{
    Scene s = scene_on(*(unsigned *)*state, 1);

    steps(&s, 300);
    s.ben.told_us = INT64_MAX / 2;
    join(&s, &s.ben);
    until_sees(&s, &s.ben, 0, 5000);
    send_remb(&s.ben, 400000);
    until_told(&s, 250000, 450000);
    s.high_bps = 250000;
    steps(&s, 1500);
    s.ben.last = NEVER;
    until_sees(&s, &s.ben, 0, 5000); /* and now it fits */
    s.cem.told_us = INT64_MAX / 2;
    join(&s, &s.cem);
    until_told(&s, 5000000, UINT64_MAX); /* one who can take more came */
    send_remb(&s.cem, 200000);
    send_remb(&s.ben, 300000);
    until_told(&s, 150000, 400000);
    stoa_peer_pause(bed_media(s.bed), s.ben.person->id, 1, true);
    stoa_peer_pause(bed_media(s.bed), s.cem.person->id, 1, true);
    steps(&s, 1500);
    assert_true(s.remb_bps >=
                5000000); /* nobody watches: who comes next finds it as good as it gets */
    bed_free(s.bed);
}

int main(int argc, char **argv)
{
    static unsigned one = 1, three = 3;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrow_way_gets_less_and_a_wide_one_all),
        cmocka_unit_test(too_narrow_for_any_picture_it_still_hears),
        cmocka_unit_test(a_narrow_way_carries_each_voice_once),
        cmocka_unit_test(who_speaks_of_a_limit_is_believed),
        cmocka_unit_test(who_speaks_of_limits_only_climbs_again),
        cmocka_unit_test_prestate(a_publisher_is_told_what_its_best_viewer_can_take, &one),
        { "the same where all are on workers of their own",
          a_publisher_is_told_what_its_best_viewer_can_take, NULL, NULL, &three },
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
