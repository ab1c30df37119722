/* SPDX-License-Identifier: MIT */
/* The estimator on links of known capacity, delay, loss and cross traffic, with a virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "link.h"

enum { LOW = 150000, MIDDLE = 500000, HIGH = 1700000 };

/* A source of three encodings, relayed as the allocator does: down at once, up with a margin. */
static uint32_t layered(const StoaBwe *bwe, void *data)
{
    static const uint32_t rates[] = { LOW, MIDDLE, HIGH };
    uint32_t *now = data, estimate = stoa_bwe_estimate_bps(bwe);

    if (!estimate)
        return *now = HIGH;
    if (*now - *now / 5 > estimate)
        *now = LOW;
    for (unsigned i = 0; i < 3; i++)
        if (rates[i] > *now && rates[i] + rates[i] / 7 <= estimate)
            *now = rates[i];
    return *now;
}

static uint32_t a_fixed_rate(const StoaBwe *bwe, void *data)
{
    (void)bwe;
    return *(const uint32_t *)data;
}

static void it_converges_below_the_capacity_without_oscillating(void **unused)
{
    static const uint32_t capacities[] = { 300000, 1000000, 2500000 };

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        Link *link = link_new(capacities[i], 25000);
        Flow *flow = link_flow(link, NULL, NULL);
        uint32_t least = UINT32_MAX, most = 0;

        link_run(link, 10000);
        flow->max_queue_us = 0;
        flow->n_lost = 0;
        for (unsigned second = 0; second < 50; second++) {
            uint32_t bps = link_throughput(link, flow, 1000);

            least = bps < least ? bps : least;
            most = bps > most ? bps : most;
        }
        print_message("%7u bit/s: %u to %u, queue %d ms\n", capacities[i], least, most,
                      (int)(flow->max_queue_us / 1000));
        assert_true(least > capacities[i] * 7 / 10);
        assert_in_range(flow->max_queue_us, 0, 350000);
        assert_int_equal(flow->n_lost, 0);
        link_free(link);
    }
}

static void it_follows_steps_of_the_capacity(void **unused)
{
    Link *link = link_new(2000000, 25000);
    Flow *flow = link_flow(link, NULL, NULL);

    (void)unused;
    link_run(link, 8000);
    assert_in_range(flow->bwe.estimate_bps, 1500000, 2200000);
    link->capacity_bps = 400000;
    link_run(link, 3000);
    assert_in_range(flow->bwe.estimate_bps, 150000, 420000);
    link_run(link, 2000);
    flow->max_queue_us = 0;
    link_run(link, 4000);
    assert_in_range(flow->max_queue_us, 0, 300000);
    link->capacity_bps = 2000000;
    link_run(link, 8000);
    assert_in_range(flow->bwe.estimate_bps, 1400000, 2200000);
    link_free(link);
}

static void a_slow_link_gets_the_low_layer_soon_and_the_high_one_when_it_is_faster(void **unused)
{
    Link *link = link_new(300000, 25000);
    uint32_t now = 0;
    Flow *flow = link_flow(link, layered, &now);

    (void)unused;
    flow->key_every = 300;
    link->max_queue_us = 400000;
    link_run(link, 1500);
    assert_int_equal(now, LOW);
    link_run(link, 1500);
    flow->max_queue_us = 0;
    link_run(link, 20000);
    assert_int_equal(now, LOW);
    assert_in_range(flow->max_queue_us, 0, 200000); /* a keyframe of its own */
    link->capacity_bps = 10000000;
    link_run(link, 6000);
    assert_int_equal(now, HIGH);
    link_free(link);
}

/* Probes that fit into the bucket of a shaper come through at any rate, and say nothing. */
static void a_bucket_does_not_fool_it(void **unused)
{
    static const uint32_t buckets[] = { 1600, 3000, 5000 };

    (void)unused;
    for (unsigned i = 0; i < 3; i++) {
        Link *link = link_new(10000000, 25000);
        uint32_t now = 0, most = 0;
        Flow *flow = link_flow(link, layered, &now);
        unsigned ms;

        link->bucket = buckets[i];
        link->max_queue_us = 500000;
        link_run(link, 5000);
        link->capacity_bps = 300000;
        link_run(link, 5000);
        flow->max_queue_us = 0;
        for (ms = 0; ms < 30000; ms += 100) {
            link_run(link, 100);
            most = MAX(most, flow->bwe.estimate_bps);
        }
        print_message("bucket of %u bytes: %u bit/s at most, queue %d ms\n", buckets[i], most,
                      (int)(flow->max_queue_us / 1000));
        assert_int_equal(now, LOW);
        assert_in_range(most, 200000, 500000); /* it were 540,000 to 680,000 */
        assert_in_range(flow->max_queue_us, 0, 200000);
        link->capacity_bps = 10000000;
        for (ms = 0; now != HIGH && ms < 10000; ms += 100)
            link_run(link, 100);
        print_message("the high one again after %u ms\n", ms);
        assert_in_range(ms, 0, 6000);
        link_free(link);
    }
}

/* Where packets would wait for a second, waiting for the trend of what comes out of the queue takes too long. */
static void a_flood_is_noticed_at_once(void **unused)
{
    Link *link = link_new(10000000, 25000);
    uint32_t now = 0;
    Flow *flow = link_flow(link, layered, &now);
    unsigned ms = 0;

    (void)unused;
    flow->key_every = 90;
    link_run(link, 10000);
    assert_int_equal(now, HIGH);
    link->capacity_bps = 300000;
    for (; now == HIGH && ms < 3000; ms += 10)
        link_run(link, 10);
    print_message("low after %u ms, for %u bit/s\n", ms, flow->bwe.estimate_bps);
    assert_int_equal(now, LOW);
    assert_in_range(ms, 0, 800);
    assert_in_range(flow->bwe.estimate_bps, 150000, 300000);
    link_run(link, 3000);
    assert_int_equal(now, LOW);
    link_free(link);
}

/* As layered(), and what does not fit beside a voice is paused, a moment later. */
typedef struct {
    uint32_t now;
    int64_t doomed_us;
    Link *link;
} Camera;

enum { VOICE_BPS = 64000, GRACE_US = 250000, HELD_US = 4000000 };

static uint32_t choose(Camera *camera, uint32_t estimate, bool is_held)
{
    static const uint32_t rates[] = { LOW, MIDDLE, HIGH };
    int64_t now_us = camera->link->now_us;
    uint32_t fits = 0;

    for (unsigned i = 0; i < 3; i++)
        if (rates[i] + VOICE_BPS * 9 / 8 <= estimate)
            fits = rates[i];
    if (fits >= camera->now) {
        camera->doomed_us = 0;
        return is_held ? camera->now : fits;
    }
    if (fits > 0)
        return fits;
    if (!camera->doomed_us)
        camera->doomed_us = now_us;
    return now_us - camera->doomed_us < GRACE_US ? LOW : 0;
}

static uint32_t beside_a_voice(const StoaBwe *bwe, void *data)
{
    Camera *camera = data;
    uint32_t estimate = stoa_bwe_estimate_bps(bwe);
    int64_t now_us = camera->link->now_us;
    bool is_held = bwe->lowered_us && now_us - bwe->lowered_us < HELD_US;

    camera->now = estimate ? choose(camera, estimate, is_held) : HIGH;
    return stoa_bwe_is_draining(bwe, 2 * camera->link->delay_us, now_us) ? 0 : camera->now;
}

/* What is in the queue already goes first, whatever one does: the longer it is, the longer a voice is late. */
static void a_voice_outlives_a_cliff(void **unused)
{
    static const uint32_t after_bps[] = { 150000, 300000, 500000 };
    static const struct {
        int64_t queue_us;
        double
            most; /* of what was said within five seconds; without a reaction at once it were 22, 20, and 34 % */
    } queues[] = { { 50000, 0.09 }, { 200000, 0.08 }, { 500000, 0.2 } };
    static const int64_t delays_us[] = { 10000, 50000 };

    (void)unused;
    for (unsigned i = 0; i < 18; i++) {
        Link *link = link_new(5000000, delays_us[i % 2]);
        Camera camera = { .link = link };
        Flow *flow = link_flow(link, beside_a_voice, &camera);
        double bad;

        flow->next_voice_us = link->now_us;
        flow->key_every = 100;
        link->max_queue_us = queues[i / 2 % 3].queue_us;
        link_run(link, 10000);
        flow->n_voices = flow->n_voices_bad = 0;
        link->capacity_bps = after_bps[i / 6];
        link_run(link, 5000);
        bad = (double)flow->n_voices_bad / flow->n_voices;
        print_message(
            "to %u bit/s, queue %3d ms, round %3d ms: %4.1f %% lost or late, estimate %u\n",
            link->capacity_bps, (int)(link->max_queue_us / 1000), (int)(link->delay_us / 500),
            100 * bad, flow->bwe.estimate_bps);
        assert_true(bad < queues[i / 2 % 3].most);
        assert_in_range(flow->bwe.estimate_bps, 0.6 * link->capacity_bps, 1.5 * link->capacity_bps);
        link_free(link);
    }
}

/* While pictures stop nothing is sent at all, and nothing heard. */
static void without_a_voice_pictures_come_back_as_soon(void **unused)
{
    (void)unused;
    for (int64_t queue_us = 50000; queue_us <= 500000; queue_us += 150000) {
        Link *link = link_new(5000000, 25000);
        Camera camera = { .link = link };
        Flow *flow = link_flow(link, beside_a_voice, &camera);
        unsigned ms = 0;

        link->max_queue_us = queue_us;
        link_run(link, 10000);
        link->capacity_bps = 300000;
        for (; ms < 5000 && !stoa_bwe_is_draining(&flow->bwe, 50000, link->now_us); ms += 10)
            link_run(link, 10);
        assert_in_range(ms, 0, 600);
        for (ms = 0; ms < 5000 && stoa_bwe_is_draining(&flow->bwe, 50000, link->now_us); ms += 10)
            link_run(link, 10);
        print_message("queue %3d ms: pictures stop for %u ms\n", (int)(queue_us / 1000), ms);
        assert_in_range(ms, 100, 900);
        link_free(link);
    }
}

/* 1.2 Mbit/s; from the fourth packet on all wait for 200 ms, at the end of which they come at once, or go on as slowly. */
static void only_what_goes_on_slowly_is_a_cliff(void **unused)
{
    (void)unused;
    for (int slow = 0; slow <= 1; slow++) {
        StoaBweCliff cliff = { 0 };
        uint32_t bps = 0;

        for (int i = 0; i < 16; i++) {
            int64_t sent_us = i * 8000,
                    waited_us = slow ? (i - 3) * 64000 : 200000 - (i - 3) * 8000;

            stoa_bwe_cliff_input(&cliff, 1200, sent_us, true,
                                 500000 + sent_us + (i > 3 ? MAX(waited_us, 0) : 0));
        }
        assert_int_equal(stoa_bwe_cliff_fell(&cliff, 1200000, &bps), slow);
        assert_true(!slow || (bps > 120000 && bps < 200000));
    }
}

/* A machine that is busy for a moment looks like a path that is full, until all that waited comes at once. */
static void a_stall_is_forgiven(void **unused)
{
    Link *link = link_new(10000000, 25000);
    uint32_t rate = 600000, before;
    Flow *flow = link_flow(link, a_fixed_rate, &rate);

    (void)unused;
    stoa_bwe_want(&flow->bwe, 750000);
    link_run(link, 10000);
    before = flow->bwe.estimate_bps;
    link->capacity_bps = 150000;
    for (unsigned ms = 0; flow->bwe.n_lowered == 0 && ms < 2000; ms += 10)
        link_run(link, 10);
    assert_in_range(flow->bwe.estimate_bps, 30000, 300000);
    link->capacity_bps = 10000000;
    link->busy_us = 0;
    link_run(link, 700);
    assert_in_range(flow->bwe.estimate_bps, before, 2 * before);
    assert_int_equal(flow->bwe.n_lowered, 0);
    link_free(link);
}

static void a_good_link_is_never_held_back(void **unused)
{
    Link *link = link_new(50000000, 25000);
    uint32_t now = 0;
    Flow *flow = link_flow(link, layered, &now);

    (void)unused;
    flow->key_every = 90;
    for (unsigned i = 0; i < 600; i++) {
        link_run(link, 100);
        assert_int_equal(now, HIGH);
    }
    link->loss = 0.05;
    for (unsigned i = 0; i < 600; i++) {
        link_run(link, 100);
        assert_int_equal(now, HIGH);
    }
    link_free(link);
}

static void jitter_is_no_congestion(void **unused)
{
    Link *link = link_new(3000000, 40000);
    uint32_t rate = 1000000;
    Flow *flow = link_flow(link, a_fixed_rate, &rate);

    (void)unused;
    link->jitter_us = 30000;
    flow->key_every = 100;
    stoa_bwe_want(&flow->bwe, 1200000);
    link_run(link, 60000);
    assert_in_range(flow->bwe.estimate_bps, 1100000, 4000000);
    assert_in_range(flow->bwe.n_lowered, 0, 1);
    link_free(link);
}

static void losses_of_a_short_queue_lower_it(void **unused)
{
    Link *link = link_new(1000000, 25000);
    Flow *flow = link_flow(link, NULL, NULL);
    uint64_t lost;

    (void)unused;
    link->max_queue_us = 20000;
    link_run(link, 20000);
    lost = flow->n_lost;
    assert_in_range(link_throughput(link, flow, 30000), 600000, 1000000);
    assert_in_range(flow->n_lost - lost, 0, 300); /* of 4,000: 7 % */
    link_free(link);
}

static void two_flows_share_fairly(void **unused)
{
    Link *link = link_new(2000000, 25000);
    Flow *first = link_flow(link, NULL, NULL), *second;
    uint64_t a, b;

    (void)unused;
    link_run(link, 10000);
    second = link_flow(link, NULL, NULL);
    link_run(link, 20000);
    a = first->bytes_arrived;
    b = second->bytes_arrived;
    link_run(link, 60000);
    a = (first->bytes_arrived - a) * 8 / 60;
    b = (second->bytes_arrived - b) * 8 / 60;
    print_message("%u and %u bit/s of 2,000,000\n", (unsigned)a, (unsigned)b);
    assert_true(a > 500000 && b > 500000 && a + b > 1300000);
    link_free(link);
}

static void it_makes_room_for_others_and_takes_it_back(void **unused)
{
    Link *link = link_new(2000000, 25000);
    Flow *flow = link_flow(link, NULL, NULL);
    uint32_t bps;

    (void)unused;
    link_run(link, 10000);
    link->cross_bps = 1200000;
    link_run(link, 5000);
    flow->max_queue_us = 0;
    bps = link_throughput(link, flow, 30000);
    print_message("%u bit/s beside 1,200,000 of 2,000,000, queue %d ms\n", bps,
                  (int)(flow->max_queue_us / 1000));
    assert_in_range(bps, 350000, 820000);
    assert_in_range(flow->max_queue_us, 0, 600000);
    link->cross_bps = 0;
    link_run(link, 8000);
    assert_true(flow->bwe.estimate_bps > 1400000);
    link_free(link);
}

static void without_feedback_it_falls_and_without_wishes_it_does_not_probe(void **unused)
{
    Link *link = link_new(2000000, 25000);
    Flow *flow = link_flow(link, layered, &(uint32_t){ 0 });
    uint32_t rate = 300000;
    Flow *modest = link_flow(link, a_fixed_rate, &rate);
    unsigned n;

    (void)unused;
    stoa_bwe_want(&modest->bwe, 350000);
    link_run(link, 5000);
    n = modest->bwe.n_probes;
    link_run(link, 20000);
    assert_int_equal(modest->bwe.n_probes, n);
    flow->next_feedback_us = INT64_MAX;
    link_run(link, 20000);
    assert_in_range(flow->bwe.estimate_bps, STOA_BWE_MIN_BPS, 100000);
    link_free(link);
}

static void the_memory_of_what_was_sent_grows_and_forgets(void **unused)
{
    StoaSentLog log;

    (void)unused;
    stoa_sent_init(&log);
    for (unsigned i = 0; i < 70000; i++) {
        stoa_sent_add(&log, (uint16_t)(i + 65000), 100, 0, 1000 * (int64_t)i);
        if (i % 100 == 0)
            stoa_sent_tend(&log);
    }
    assert_in_range(log.n_slots, 1024, 4096);
    assert_non_null(stoa_sent_find(&log, (uint16_t)(69999 + 65000)));
    assert_non_null(stoa_sent_find(&log, (uint16_t)(69000 + 65000)));
    assert_null(stoa_sent_find(&log, (uint16_t)(70000 + 65000)));
    assert_null(stoa_sent_find(&log, (uint16_t)(60000 + 65000)));
    stoa_sent_add(&log, (uint16_t)(70010 + 65000), 100, 0, 70010000);
    assert_null(stoa_sent_find(&log, (uint16_t)(70005 + 65000))); /* never told of */
    assert_non_null(stoa_sent_find(&log, (uint16_t)(69999 + 65000)));
    assert_int_equal(stoa_sent_time_us(stoa_sent_find(&log, (uint16_t)(69999 + 65000)), 70500000),
                     69999000);
    stoa_sent_clear(&log);
}

/* Whatever a client claims of arrivals, the estimate stays within its bounds. */
static void lies_do_no_harm(void **unused)
{
    StoaRtcpFeedback feedback = { .kind = STOA_RTCP_FEEDBACK_TWCC };
    uint8_t fci[300];
    uint32_t seed = 1;
    StoaBwe bwe;

    (void)unused;
    stoa_bwe_init(&bwe);
    stoa_bwe_want(&bwe, 2000000);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t now_us = 5000 * (int64_t)(i + 1);

        stoa_bwe_sent(&bwe, (uint16_t)i, 1200, now_us);
        for (size_t k = 0; k < sizeof(fci); k++) {
            seed = seed * 1664525u + 1013904223u;
            fci[k] = (uint8_t)(seed >> 24);
        }
        fci[0] = (uint8_t)(i >> 8);
        fci[1] = (uint8_t)(i - 8);
        fci[2] = 0;
        fci[3] &= 31;
        feedback.fci = fci;
        feedback.fci_len = sizeof(fci);
        stoa_bwe_feedback(&bwe, &feedback, 50000, now_us);
        if (stoa_bwe_may_probe(&bwe, now_us))
            assert_true(stoa_bwe_padding(&bwe, now_us) < 100000);
        if (i % 200 == 0)
            stoa_bwe_tend(&bwe, now_us);
        if (bwe.estimate_bps)
            assert_in_range(bwe.estimate_bps, STOA_BWE_MIN_BPS, STOA_BWE_MAX_BPS);
    }
    stoa_bwe_clear(&bwe);
}

/* Forty bytes that speak of 65,535 packets, as often as they come, cost what the packets that were sent allow. */
static void feedback_on_packets_that_were_never_sent_is_not_read(void **unused)
{
    uint8_t fci[8 + 9 * 2] = { 0, 0, 0xff, 0xff };
    StoaRtcpFeedback feedback = { .kind = STOA_RTCP_FEEDBACK_TWCC,
                                  .fci = fci,
                                  .fci_len = sizeof(fci) };
    unsigned n_read = 0;
    StoaBwe bwe;

    (void)unused;
    for (size_t i = 8; i < sizeof(fci); i += 2) /* runs of 8,191 that were lost */
        memcpy(fci + i, "\x1f\xff", 2);
    stoa_bwe_init(&bwe);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t now_us = 1000 * (int64_t)(i + 1);

        if (i % 10 == 0)
            stoa_bwe_sent(&bwe, (uint16_t)(i / 10), 1200, now_us);
        n_read += stoa_bwe_feedback(&bwe, &feedback, 50000, now_us);
    }
    assert_in_range(n_read, 0, 1);
    fci[2] = 0;
    fci[3] = 200; /* an honest one is read */
    assert_true(stoa_bwe_feedback(&bwe, &feedback, 50000, 20001000));
    stoa_bwe_clear(&bwe);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_converges_below_the_capacity_without_oscillating),
        cmocka_unit_test(it_follows_steps_of_the_capacity),
        cmocka_unit_test(a_slow_link_gets_the_low_layer_soon_and_the_high_one_when_it_is_faster),
        cmocka_unit_test(a_bucket_does_not_fool_it),
        cmocka_unit_test(a_flood_is_noticed_at_once),
        cmocka_unit_test(a_voice_outlives_a_cliff),
        cmocka_unit_test(without_a_voice_pictures_come_back_as_soon),
        cmocka_unit_test(only_what_goes_on_slowly_is_a_cliff),
        cmocka_unit_test(a_stall_is_forgiven),
        cmocka_unit_test(a_good_link_is_never_held_back),
        cmocka_unit_test(jitter_is_no_congestion),
        cmocka_unit_test(losses_of_a_short_queue_lower_it),
        cmocka_unit_test(two_flows_share_fairly),
        cmocka_unit_test(it_makes_room_for_others_and_takes_it_back),
        cmocka_unit_test(without_feedback_it_falls_and_without_wishes_it_does_not_probe),
        cmocka_unit_test(the_memory_of_what_was_sent_grows_and_forgets),
        cmocka_unit_test(lies_do_no_harm),
        cmocka_unit_test(feedback_on_packets_that_were_never_sent_is_not_read),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
