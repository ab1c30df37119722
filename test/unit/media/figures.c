/* SPDX-License-Identifier: MIT */
/* What `stats`, `handle_info` and /metrics say of losses and repairs is what was lost and repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/metric.h"
#include "bed.h"
#include "media/figures.h"
#include "rtp/bytes.h"
#include "rtp/rtcp-feedback.h"

enum { VIDEO = 1000, VIDEO_RTX = 1001, OUT = 6000, OUT_RTX = 6001, FIRST = 500, FRAMES = 40 };

typedef struct {
    Bed *bed;
    Person *ana, *ben; /* ana shows, ben watches */
} Scene;

static void send_frame(Person *person, unsigned i)
{
    uint8_t payload[300];

    bed_vp8(payload, sizeof payload, true, i == 0, (uint16_t)i, i);
    person_send(person, VIDEO, 96, FIRST + i, i * 3000, true, payload, sizeof payload);
}

static void send_again(Person *person, unsigned i)
{
    uint8_t payload[302];

    stoa_bytes_put16(payload, (uint16_t)(FIRST + i));
    bed_vp8(payload + 2, 300, true, false, (uint16_t)i, i);
    person_send(person, VIDEO_RTX, 97, 1, i * 3000, true, payload, sizeof payload);
}

static void set_scene(Scene *s)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    StoaMediaConf conf = { .workers = 1, .addresses = addresses };
    StoaReceive shows = bed_video_in(1, "0", VIDEO, VIDEO_RTX);
    StoaSend sees = bed_video_out(1, "0", OUT, OUT_RTX);

    s->bed = bed_new_conf(&conf);
    s->ana = person_new(s->bed, 1);
    s->ben = person_new(s->bed, 1);
    person_connect(s->ana);
    person_connect(s->ben);
    stoa_peer_set_receives(bed_media(s->bed), s->ana->id, &shows, 1, &s->ana->ext);
    stoa_peer_set_sends(bed_media(s->bed), s->ben->id, &sees, 1);
    stoa_peer_route(bed_media(s->bed), s->ben->id, 1, (StoaTrackRef){ s->ana->id, 1 });
    bed_run(s->bed, 20);
}

static void end_scene(Scene *s)
{
    person_free(s->ana);
    person_free(s->ben);
    bed_free(s->bed);
}

typedef struct {
    bool has_come;
    int64_t rtt_us;
    StoaFigure stream;
} Seen;

static void see(const StoaFigures *figures, void *data)
{
    Seen *seen = data;

    seen->has_come = true;
    if (!figures)
        return;
    assert_int_equal(figures->n, 1);
    seen->rtt_us = figures->rtt_us;
    seen->stream = figures->streams[0];
}

static bool has_come(void *seen)
{
    return ((Seen *)seen)->has_come;
}

static Seen look_at(const Person *person)
{
    Seen seen = { 0 };

    stoa_peer_figures(bed_media(person->bed), person->id, see, &seen, NULL);
    assert_true(bed_until(person->bed, 5000, has_come, &seen));
    return seen;
}

static int64_t counted(const char *name)
{
    return stoa_metric_read(stoa_metric_counter(name, "", NULL));
}

typedef struct {
    const char *name;
    int64_t n;
} Wanted;

static bool is_counted(void *data)
{
    const Wanted *wanted = data;

    return counted(wanted->name) >= wanted->n;
}

static void expect_counted(Scene *s, const char *name, int64_t n)
{
    Wanted wanted = { name, n };

    bed_until(s->bed, 5000, is_counted, &wanted);
    assert_int_equal(counted(name), n);
}

typedef struct {
    Person *person;
    uint32_t ssrc;
    unsigned n;
} Packets;

static bool have_come(void *data)
{
    const Packets *packets = data;

    return person_n_received(packets->person, packets->ssrc) >= packets->n;
}

static bool is_asked(void *person)
{
    return person_n_rtcp(person, STOA_RTCP_RTPFB, 1) > 0;
}

/* Two of ana's are lost, one of them comes when it is asked for. */
static void what_a_sender_lost_and_sent_again_is_told(void **unused G_GNUC_UNUSED)
{
    int64_t recovered = counted("stoa_media_recovered_packets_total");
    Scene s;
    Seen seen;

    set_scene(&s);
    for (unsigned i = 0; i < FRAMES; i++)
        if (i != 20 && i != 25)
            send_frame(s.ana, i);
    assert_true(bed_until(s.bed, 5000, is_asked, s.ana));
    seen = look_at(s.ana);
    assert_false(seen.stream.is_out);
    assert_int_equal(seen.stream.packets, FRAMES - 2);
    assert_int_equal(seen.stream.lost, 2);
    assert_true(seen.stream.loss > 1.9 / FRAMES && seen.stream.loss < 2.1 / FRAMES);
    assert_true(seen.stream.asked >= 2);
    assert_int_equal(seen.stream.served, 0);
    send_again(s.ana, 20);
    bed_run(s.bed, 20);
    seen = look_at(s.ana);
    assert_int_equal(seen.stream.served, 1);
    expect_counted(&s, "stoa_media_recovered_packets_total", recovered + 1);
    end_scene(&s);
}

/* Ben asks for two that he had and for one that never was. */
static void what_a_receiver_asked_for_and_got_again_is_told(void **unused G_GNUC_UNUSED)
{
    int64_t served = counted("stoa_media_retransmitted_packets_total"),
            missed = counted("stoa_media_retransmit_missed_packets_total"),
            came = counted("stoa_media_nack_received_total");
    Packets all, again;
    uint16_t seqs[3];
    uint8_t buf[200];
    Scene s;
    Seen seen;

    set_scene(&s);
    all = (Packets){ s.ben, OUT, FRAMES };
    again = (Packets){ s.ben, OUT_RTX, 2 };
    for (unsigned i = 0; i < FRAMES; i++)
        send_frame(s.ana, i);
    assert_true(bed_until(s.bed, 5000, have_come, &all));
    seqs[0] = person_received(s.ben, OUT, 10)->header.seq;
    seqs[1] = person_received(s.ben, OUT, 11)->header.seq;
    seqs[2] = (uint16_t)(seqs[1] + 1000);
    person_send_rtcp(s.ben, buf, stoa_rtcp_nack_write(7, OUT, seqs, 3, buf, sizeof buf));
    assert_true(bed_until(s.bed, 5000, have_come, &again));
    seen = look_at(s.ben);
    assert_true(seen.stream.is_out);
    assert_int_equal(seen.stream.packets, FRAMES);
    assert_int_equal(seen.stream.asked, 3);
    assert_int_equal(seen.stream.served, 2);
    expect_counted(&s, "stoa_media_retransmitted_packets_total", served + 2);
    expect_counted(&s, "stoa_media_retransmit_missed_packets_total", missed + 1);
    expect_counted(&s, "stoa_media_nack_received_total", came + 1);
    end_scene(&s);
}

/* A quarter lost, 10 ms of jitter. */
static void what_a_receiver_reports_is_told(void **unused G_GNUC_UNUSED)
{
    StoaRtcpBlock block = { .ssrc = OUT, .fraction_lost = 64, .total_lost = 12, .jitter = 900 };
    uint8_t buf[200];
    Packets all;
    Scene s;
    Seen seen;

    set_scene(&s);
    all = (Packets){ s.ben, OUT, FRAMES };
    for (unsigned i = 0; i < FRAMES; i++)
        send_frame(s.ana, i);
    assert_true(bed_until(s.bed, 5000, have_come, &all));
    block.highest_seq = person_received(s.ben, OUT, FRAMES - 1)->header.seq;
    person_send_rtcp(s.ben, buf, stoa_rtcp_rr_write(7, &block, 1, buf, sizeof buf));
    bed_run(s.bed, 50);
    seen = look_at(s.ben);
    assert_int_equal(seen.stream.lost, 12);
    assert_int_equal((int)(seen.stream.loss * 100), 25);
    assert_int_equal(seen.stream.jitter_us, 10000);
    end_scene(&s);
}

/* The middle of the sender report that the last of our receiver reports speaks of; 0: there is none yet. */
static uint32_t last_sr(const Person *person)
{
    uint32_t lsr = 0;

    for (guint i = 0; i < person->rtcp->len; i++) {
        const Rtcp *datagram = &g_array_index(person->rtcp, Rtcp, i);
        StoaRtcpPacket packet;
        StoaRtcpBlock block;
        StoaRtcpIter iter;

        stoa_rtcp_iter_init(&iter, datagram->buf, datagram->len);
        while (stoa_rtcp_iter_next(&iter, &packet))
            if (stoa_rtcp_block_read(&packet, 0, &block) && block.ssrc == VIDEO)
                lsr = block.lsr;
    }
    return lsr;
}

static bool has_sr(void *data)
{
    return last_sr(((void **)data)[0]) == *(const uint32_t *)((void **)data)[1];
}

static void send_reports(Person *person, uint32_t first, uint32_t n)
{
    uint8_t buf[1400];
    size_t len = 0;

    for (uint32_t i = 0; i < n; i++) {
        StoaRtcpSr sr = { .ssrc = VIDEO, .ntp = (uint64_t)(first + i) << 16, .timestamp = 90000 };
        len += stoa_rtcp_sr_write(&sr, NULL, 0, buf + len, sizeof buf - len);
    }
    person_send_rtcp(person, buf, len);
}

/* Fifty in a datagram would be passed on fifty times, to each worker that shows the stream. */
static void of_sender_reports_that_come_at_once_one_is_taken(void **unused G_GNUC_UNUSED)
{
    uint32_t first = 1000, later = 2000;
    Scene s;

    set_scene(&s);
    send_frame(s.ana, 0);
    send_reports(s.ana, first, 40);
    assert_true(bed_until(s.bed, 5000, has_sr, (void *[]){ s.ana, &first }));
    send_frame(s.ana, 1);
    send_reports(s.ana, later, 40);
    assert_true(bed_until(s.bed, 5000, has_sr, (void *[]){ s.ana, &later }));
    end_scene(&s);
}

static bool heard_all(void *came)
{
    return counted("stoa_media_nack_received_total") >= *(const int64_t *)came;
}

/* Sixty datagrams of 1,020 numbers: as much as a worker looks up in 8 ms. */
static void of_a_flood_of_nacks_a_part_is_looked_up(void **unused G_GNUC_UNUSED)
{
    enum { DATAGRAMS = 60, NUMBERS = 1020 };
    int64_t missed, came;
    uint16_t seqs[NUMBERS];
    uint8_t buf[1400];
    size_t len;
    Packets all;
    Scene s;

    set_scene(&s);
    all = (Packets){ s.ben, OUT, 1 };
    send_frame(s.ana, 0);
    assert_true(bed_until(s.bed, 5000, have_come, &all));
    missed = counted("stoa_media_retransmit_missed_packets_total");
    came = counted("stoa_media_nack_received_total") + DATAGRAMS;
    for (unsigned i = 0; i < NUMBERS; i++)
        seqs[i] = (uint16_t)(person_received(s.ben, OUT, 0)->header.seq + 1000 + i);
    len = stoa_rtcp_nack_write(7, OUT, seqs, NUMBERS, buf, sizeof buf);
    assert_true(len > 0);
    int64_t began_us = g_get_monotonic_time();
    for (unsigned i = 0; i < DATAGRAMS; i++)
        person_send_rtcp(s.ben, buf, len);
    assert_true(bed_until(s.bed, 5000, heard_all, &came));
    int64_t windows = (g_get_monotonic_time() - began_us) / 100000 + 2;
    bed_run(s.bed, 20);
    assert_in_range(counted("stoa_media_retransmit_missed_packets_total") - missed, NUMBERS,
                    4096 * windows);
    end_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_sender_lost_and_sent_again_is_told),
        cmocka_unit_test(what_a_receiver_asked_for_and_got_again_is_told),
        cmocka_unit_test(what_a_receiver_reports_is_told),
        cmocka_unit_test(of_sender_reports_that_come_at_once_one_is_taken),
        cmocka_unit_test(of_a_flood_of_nacks_a_part_is_looked_up),
    };
    return cmocka_run_group_tests_name("media/figures", tests, NULL, NULL);
}
