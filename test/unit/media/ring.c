/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/ring.h"

static StoaPool *pool;

static bool put(StoaRing *ring, uint64_t index, int64_t at_us)
{
    StoaPacket *packet = stoa_packet_new(pool, false);
    bool taken;

    assert_non_null(packet);
    packet->index = index;
    packet->arrived_us = at_us;
    taken = stoa_ring_put(ring, packet, pool);
    stoa_packet_unref(packet, pool);
    stoa_pool_refill(pool, 0, 4);
    return taken;
}

static int set_up(void **unused G_GNUC_UNUSED)
{
    pool = stoa_pool_new(4, 10000);
    stoa_pool_refill(pool, 4, 4);
    return 0;
}

static int tear_down(void **unused G_GNUC_UNUSED)
{
    stoa_pool_free(pool);
    return 0;
}

static void a_packet_is_taken_once(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { 0 };

    assert_true(put(&ring, 1000, 0));
    assert_false(put(&ring, 1000, 0));
    assert_true(put(&ring, 1002, 0));
    assert_true(put(&ring, 1001, 0));
    assert_false(put(&ring, 1001, 0));
    assert_int_equal(stoa_ring_get(&ring, 1001)->index, 1001);
    assert_null(stoa_ring_get(&ring, 1003));
    stoa_ring_clear(&ring, pool);
}

static void what_has_left_never_comes_back(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { 0 };

    put(&ring, 1000, 0);
    put(&ring, 1001, 100);
    stoa_ring_tend(&ring, 100 + STOA_RING_US, pool);
    assert_null(ring.slots);
    assert_false(put(&ring, 1000, 5000000));
    assert_false(put(&ring, 1001, 5000000));
    assert_true(put(&ring, 1002, 5000000));
    stoa_ring_clear(&ring, pool);
    assert_false(put(&ring, 1002, 5000000));
    stoa_ring_clear(&ring, pool);
}

static void a_gap_may_be_filled_after_its_neighbours_left(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { 0 };

    put(&ring, 1000, 0);
    put(&ring, 1002, STOA_RING_US);
    stoa_ring_tend(&ring, STOA_RING_US + 1, pool);
    assert_null(stoa_ring_get(&ring, 1000));
    assert_true(put(&ring, 1001, STOA_RING_US + 2));
    stoa_ring_clear(&ring, pool);
}

static void it_grows_until_it_holds_a_second(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { 0 };

    for (unsigned i = 0; i < 3000; i++) { /* 500 packets a second */
        put(&ring, 70000 + i, i * 2000);
        if (i % 50 == 0)
            stoa_ring_tend(&ring, i * 2000, pool);
    }
    assert_in_range(ring.n_slots, 512, 1024);
    assert_in_range(stoa_ring_count(&ring), 500, 700);
    assert_non_null(stoa_ring_get(&ring, 72999 - 500));
    stoa_ring_clear(&ring, pool);
    assert_int_equal(ring.n_slots, 0);
}

/* As a shared screen does: hardly anything, and then a large keyframe at once. Between two batches it may grow. */
static void a_lump_is_kept_whole(void **unused G_GNUC_UNUSED)
{
    enum { LUMP = 1000 };
    StoaRing ring = { 0 };

    for (unsigned i = 0; i < 30; i++)
        put(&ring, 5000 + i, i * 40000);
    assert_int_equal(ring.n_slots, STOA_RING_FIRST);
    for (unsigned i = 0; i < LUMP; i++) {
        put(&ring, 5030 + i, 1200000);
        if (i % STOA_RING_BATCH == 10 &&
            stoa_ring_must_grow(&ring)) /* it began with a part of a batch */
            stoa_ring_grow(&ring, pool);
    }
    for (unsigned i = 0; i < LUMP; i++)
        assert_non_null(stoa_ring_get(&ring, 5030 + i));
    stoa_ring_tend(&ring, 1200000 + STOA_RING_US, pool);
    assert_null(ring.slots);
    assert_int_equal(stoa_ring_count(&ring), 0);
}

/* Voices come by fifty a second. */
static void a_slow_stream_stays_small(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { .is_even = true };

    for (unsigned i = 0; i < 500; i++) {
        put(&ring, 9000 + i, i * 20000);
        assert_false(stoa_ring_must_grow(&ring));
        if (i % 5 == 0)
            stoa_ring_tend(&ring, i * 20000, pool);
    }
    assert_int_equal(ring.n_slots, STOA_RING_FIRST);
    stoa_ring_clear(&ring, pool);
}

static void a_jump_empties_it(void **unused G_GNUC_UNUSED)
{
    StoaRing ring = { 0 };

    for (unsigned i = 0; i < 100; i++)
        put(&ring, 1000 + i, i);
    assert_true(put(&ring, UINT64_C(1) << 40, 200));
    assert_int_equal(stoa_ring_count(&ring), 1);
    assert_false(put(&ring, 1100, 300));
    stoa_ring_clear(&ring, pool);
}

static void all_packets_go_home(void **unused G_GNUC_UNUSED)
{
    StoaPool *other = stoa_pool_new(0, 100);
    StoaPacket *packet = stoa_packet_new(pool, true);
    StoaPacket *all[4];

    stoa_packet_ref(packet);
    stoa_packet_unref(packet, other);
    assert_int_equal(packet->refs, 1);
    stoa_packet_unref(packet, other); /* as another worker does */
    stoa_pool_refill(pool, 4, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_non_null(all[i] = stoa_packet_new(pool, true));
    assert_null(stoa_packet_new(pool, true));
    for (unsigned i = 0; i < 4; i++)
        stoa_packet_unref(all[i], pool);
    stoa_pool_free(other);
}

/* As once a second: half of what lay unused goes, never what the next refill would make again. */
static void a_pool_shrinks_to_what_is_wanted_and_rests_there(void **unused G_GNUC_UNUSED)
{
    StoaPacket *used[400];
    unsigned freed = 0, rounds = 0, n;

    stoa_pool_refill(pool, 0, 400);
    for (unsigned i = 0; i < G_N_ELEMENTS(used); i++)
        used[i] = stoa_packet_new(pool, false);
    assert_int_equal(stoa_pool_trim(pool), 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(used); i++)
        stoa_packet_unref(used[i], pool);
    stoa_pool_trim(pool); /* they were not idle all the while */
    for (; (n = stoa_pool_trim(pool)) > 0 && rounds < 100; rounds++) {
        stoa_pool_refill(pool, 4, 10);
        freed += n;
    }
    assert_in_range(rounds, 3, 20);
    assert_in_range(freed, 380, 400);
    assert_int_equal(stoa_pool_size(pool), 4 + 10);
    assert_int_equal(stoa_pool_trim(pool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_packet_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_left_never_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gap_may_be_filled_after_its_neighbours_left, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_grows_until_it_holds_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lump_is_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_stream_stays_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_jump_empties_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_packets_go_home, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pool_shrinks_to_what_is_wanted_and_rests_there, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
