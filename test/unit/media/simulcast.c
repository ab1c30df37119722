/* SPDX-License-Identifier: MIT */
/* A track that comes in three encodings: which one a sink gets, and how it changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "rtp/rtcp-feedback.h"

enum { OUT = 5000, OUT_RTX = 5001, RID_ID = 10, MID_ID = 4 };

static const char *const rids[] = { "h", "m", "l" };

typedef struct {
    Bed *bed;
    Person *ana, *ben;
    unsigned n[3]; /* frames sent of each encoding */
} Scene;

static StoaReceive row_in(void)
{
    StoaReceive row = bed_video_in(1, "0", 0, 0);

    row.n_encodings = 3;
    for (unsigned i = 0; i < 3; i++)
        g_strlcpy(row.encodings[i].rid, rids[i], STOA_RID_MAX);
    return row;
}

static Scene scene_new(unsigned workers)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = workers,
                           .addresses = addresses,
                           .room_peers_per_worker = workers > 1 ? 1 : 0 };
    Scene s = { .bed = bed_new_conf(&conf) };
    StoaReceive in = row_in();
    StoaSend out = bed_video_out(1, "0", OUT, OUT_RTX);

    s.ana = person_new(s.bed, 1);
    s.ben = person_new(s.bed, 1);
    s.ana->ext.kind_of_id[RID_ID] = STOA_RTP_EXT_RID;
    stoa_peer_set_receives(bed_media(s.bed), s.ana->id, &in, 1, &s.ana->ext);
    stoa_peer_set_sends(bed_media(s.bed), s.ben->id, &out, 1);
    stoa_peer_route(bed_media(s.bed), s.ben->id, 1, (StoaTrackRef){ s.ana->id, 1 });
    person_connect(s.ana);
    person_connect(s.ben);
    bed_run(s.bed, 20);
    return s;
}

/* One frame of each encoding in `which` (a letter each); `tag` says which encoding it was. */
static void send_frames(Scene *s, const char *which, bool key)
{
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t ext[8] = { MID_ID << 4 | 0, '0', RID_ID << 4 | 0, (uint8_t)rids[i][0] };
        StoaRtpHeader header = {
            .ssrc = 100 + i, .payload_type = 96, .timestamp = s->n[i] * 3000, .marker = true
        };
        uint8_t payload[200];

        if (!strchr(which, rids[i][0]))
            continue;
        bed_vp8(payload, sizeof(payload), true, key, (uint16_t)(s->n[i] + i * 100), i);
        person_send_ext(s->ana, &header, 10 + s->n[i], ext, 4, payload, sizeof(payload));
        s->n[i]++;
    }
}

/* A key frame when it was asked for, as a browser does. */
static void stream(Scene *s, const char *which, unsigned ms)
{
    for (unsigned t = 0; t < ms; t += 20) {
        bool key = person_n_rtcp(s->ana, STOA_RTCP_PSFB, STOA_RTCP_PSFB_PLI) > 0;

        person_forget_rtcp(s->ana);
        send_frames(s, which, key);
        bed_run(s->bed, 20);
    }
}

static uint32_t last_encoding(const Scene *s)
{
    unsigned n = person_n_received(s->ben, OUT);

    return n > 0 ? bed_tag(person_received(s->ben, OUT, n - 1)) : 99;
}

static void assert_unbroken(const Scene *s)
{
    for (unsigned i = 1; i < person_n_received(s->ben, OUT); i++) {
        const Received *before = person_received(s->ben, OUT, i - 1);
        const Received *now = person_received(s->ben, OUT, i);

        assert_int_equal((uint16_t)(now->header.seq - before->header.seq), 1);
        assert_in_range(now->header.timestamp - before->header.timestamp, 1,
                        2 * 90000); /* a second, and what a busy machine takes */
    }
}

static void the_best_one_flows_until_another_is_wanted(void **state)
{
    Scene s = scene_new(*(unsigned *)*state);

    stream(&s, "hml", 500);
    assert_int_equal(last_encoding(&s), 0);
    stoa_peer_limit(bed_media(s.bed), s.ben->id, 1, 1, -1);
    stream(&s, "hml", 600);
    assert_int_equal(last_encoding(&s), 1);
    stoa_peer_limit(bed_media(s.bed), s.ben->id, 1, 0, -1);
    stream(&s, "hml", 600);
    assert_int_equal(last_encoding(&s), 2);
    assert_unbroken(&s);
    assert_non_null(strstr(s.ben->events->str, "layer(1,2) layer(1,1) layer(1,0)"));
    bed_free(s.bed);
}

static void what_does_not_flow_is_replaced_until_it_flows_again(void **state)
{
    Scene s = scene_new(*(unsigned *)*state);

    stoa_peer_limit(bed_media(s.bed), s.ben->id, 1, 1, -1);
    stream(&s, "hml", 500);
    stream(&s, "l", 1200);
    assert_int_equal(last_encoding(&s), 2);
    stream(&s, "hl", 400); /* a better one than wanted is no reason to change */
    assert_int_equal(last_encoding(&s), 2);
    stream(&s, "hml", 800);
    assert_int_equal(last_encoding(&s), 1);
    assert_unbroken(&s);
    bed_free(s.bed);
}

/* An encoder makes up for a large keyframe by leaving out pictures. Who is sent away for that comes back by a keyframe. */
static void a_pause_after_a_keyframe_is_waited_for(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1);

    stream(&s, "hml", 1500);
    stream(&s, "ml", 500);
    assert_int_equal(last_encoding(&s), 1); /* no keyframe was near */
    stream(&s, "hml", 400);
    assert_int_equal(last_encoding(&s), 0);
    stream(&s, "ml", 500);
    assert_int_equal(last_encoding(&s), 0);
    stream(&s, "ml", 700);
    assert_int_equal(last_encoding(&s), 1);
    assert_unbroken(&s);
    stream(&s, "hml", 400);
    stoa_peer_fallback(bed_media(s.bed), s.ben->id, 1,
                       200000); /* who asks for it is not kept waiting */
    stream(&s, "ml", 500);
    assert_int_equal(last_encoding(&s), 1);
    bed_free(s.bed);
}

static void only_a_higher_one_flows(void **unused G_GNUC_UNUSED)
{
    Scene s = scene_new(1);

    stream(&s, "h", 900);
    assert_int_equal(last_encoding(&s), 0);
    bed_free(s.bed);
}

int main(int argc, char **argv)
{
    static unsigned one = 1, two = 2;
#define BOTH(test)                                     \
    { #test " (one worker)", test, NULL, NULL, &one }, \
    {                                                  \
#test " (two workers)", test, NULL, NULL, &two \
    }
    const struct CMUnitTest tests[] = {
        BOTH(the_best_one_flows_until_another_is_wanted),
        BOTH(what_does_not_flow_is_replaced_until_it_flows_again),
        cmocka_unit_test(a_pause_after_a_keyframe_is_waited_for),
        cmocka_unit_test(only_a_higher_one_flows),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
