/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "media/ring.h"
#include "media/splice.h"

static const StoaSpanSource ana = { 256, 1, 0 }, ben = { 512, 1, 0 };

static StoaPacket packet_of(uint64_t index, uint32_t timestamp, int64_t at_us)
{
    StoaPacket packet = { .index = index, .arrived_us = at_us };

    packet.header.timestamp = timestamp;
    packet.header.seq = (uint16_t)index;
    return packet;
}

static uint64_t place(StoaSplice *splice, uint64_t index, uint32_t timestamp, int64_t at_us)
{
    StoaPacket packet = packet_of(index, timestamp, at_us);
    uint64_t out = 0;

    assert_non_null(stoa_splice_place(splice, &packet, &out));
    return out;
}

static void begin(StoaSplice *splice, const StoaSpanSource *source, uint64_t index,
                  uint32_t timestamp, int64_t at_us)
{
    StoaPacket packet = packet_of(index, timestamp, at_us);

    stoa_splice_expect(splice, true, false);
    stoa_splice_begin(splice, source, &packet, at_us, STOA_LAYERS_ALL);
}

static void numbers_go_on_over_a_switch(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    const StoaSpan *span;

    stoa_splice_init(&splice, 100, 90000);
    begin(&splice, &ana, 5000, 1000, 0);
    assert_int_equal(place(&splice, 5000, 1000, 0), 100);
    assert_int_equal(place(&splice, 5002, 7000, 66000), 102);
    assert_int_equal(place(&splice, 5001, 4000, 67000), 101);
    begin(&splice, &ben, 77, 900000, 166000);
    assert_int_equal(place(&splice, 77, 900000, 166000), 103);
    span = stoa_splice_newest(&splice);
    /* it began with timestamp 1000 at 0; 166 ms are 14940 ticks */
    assert_int_equal((uint32_t)(900000 + span->timestamp), 15940);
    stoa_splice_clear(&splice);
}

/* A keyframe comes later than others would, the packets behind it do not. */
static void delays_of_keyframes_do_not_add_up(void **unused G_GNUC_UNUSED)
{
    uint32_t source_timestamp = 0, last = 0;
    StoaSplice splice;

    stoa_splice_init(&splice, 100, 90000);
    for (unsigned i = 0; i < 100; i++) {
        int64_t sent_us = 500000 * (int64_t)i;
        const StoaSpan *span;

        source_timestamp = 45000 * i + (i % 2) * 777777;
        begin(&splice, i % 2 ? &ana : &ben, 100 * i + 1, source_timestamp, sent_us + 80000);
        span = stoa_splice_newest(&splice);
        place(&splice, 100 * i + 1, source_timestamp, sent_us + 80000);
        place(&splice, 100 * i + 2, source_timestamp + 3000, sent_us + 33000 + 5000);
        last = source_timestamp + 3000 + span->timestamp;
    }
    assert_in_range(last, 99 * 45000 + 3000, 99 * 45000 + 3000 + 90);
    stoa_splice_clear(&splice);
}

static void a_clock_that_goes_wrong_is_followed(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    const StoaSpan *span;

    stoa_splice_init(&splice, 100, 90000);
    begin(&splice, &ana, 1, 0, 0);
    place(&splice, 1, 0, 0);
    place(&splice, 2, 10000000, 1000000);
    begin(&splice, &ben, 1, 0, 1100000);
    span = stoa_splice_newest(&splice);
    assert_int_equal(span->timestamp, 10009000);
    place(&splice, 1, 0, 1100000);
    begin(&splice, &ana, 9, 500, 1200000);
    assert_int_equal(500 + stoa_splice_newest(&splice)->timestamp, 10018000);
    stoa_splice_clear(&splice);
}

static void a_late_packet_of_the_piece_before_is_dropped(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    StoaPacket late = packet_of(9, 0, 0);
    uint64_t out;

    stoa_splice_init(&splice, 1, 90000);
    begin(&splice, &ana, 10, 0, 0);
    place(&splice, 10, 0, 0);
    assert_null(stoa_splice_place(&splice, &late, &out));
    stoa_splice_clear(&splice);
}

static void what_was_sent_is_found_by_its_number(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    const StoaSpan *span;
    uint64_t index, out;

    stoa_splice_init(&splice, 65534, 90000);
    begin(&splice, &ana, 10, 0, 0);
    for (unsigned i = 10; i < 20; i++)
        place(&splice, i, i, i);
    begin(&splice, &ben, 1000, 0, 0);
    place(&splice, 1000, 0, 0);
    span = stoa_splice_find(&splice, 1, &index, &out); /* 65534, 65535, 65536, 65537 */
    assert_non_null(span);
    assert_int_equal(span->source.peer, ana.peer);
    assert_int_equal(index, 13);
    assert_int_equal(out, 65537);
    span = stoa_splice_find(&splice, 8, &index, &out);
    assert_int_equal(span->source.peer, ben.peer);
    assert_int_equal(index, 1000);
    assert_null(stoa_splice_find(&splice, 9, &index, &out));
    assert_null(stoa_splice_find(&splice, 65533, &index, &out));
    stoa_splice_clear(&splice);
}

static void left_out_packets_leave_no_gap(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    StoaPacket unwanted = packet_of(12, 0, 0), also = packet_of(13, 0, 0);
    uint64_t index, out;

    stoa_splice_init(&splice, 100, 90000);
    begin(&splice, &ana, 10, 0, 0);
    stoa_splice_expect(&splice, false, true);
    place(&splice, 10, 0, 0);
    assert_true(stoa_splice_skip(&splice, &unwanted, true)); /* 11 is still on its way */
    assert_true(stoa_splice_skip(&splice, &also, false));
    assert_int_equal(place(&splice, 14, 0, 0), 102);
    assert_int_equal(place(&splice, 11, 0, 0), 101);
    assert_false(stoa_splice_skip(&splice, &unwanted, true));
    assert_non_null(stoa_splice_find(&splice, 101, &index, &out));
    assert_int_equal(index, 11);
    assert_non_null(stoa_splice_find(&splice, 102, &index, &out));
    assert_int_equal(index, 14);
    stoa_splice_clear(&splice);
}

/* Numbers go on all the same, and room is asked for. */
static void without_room_the_oldest_is_forgotten(void **unused G_GNUC_UNUSED)
{
    StoaPacket unwanted = packet_of(12, 0, 0), second = packet_of(77, 900000, 0);
    StoaSplice splice;
    uint64_t index, out;

    stoa_splice_init(&splice, 100, 90000);
    begin(&splice, &ana, 10, 0, 0);
    assert_int_equal(place(&splice, 10, 0, 0), 100);
    assert_false(stoa_splice_is_tight(&splice));
    assert_true(stoa_splice_skip(&splice, &unwanted, true));
    assert_true(stoa_splice_is_tight(&splice));
    assert_int_equal(place(&splice, 13, 0, 0), 102);
    assert_null(stoa_splice_find(&splice, 100, &index, &out));
    assert_non_null(stoa_splice_find(&splice, 102, &index, &out));
    stoa_splice_begin(&splice, &ben, &second, 0, STOA_LAYERS_ALL);
    assert_int_equal(place(&splice, 77, 900000, 0), 103);
    assert_null(stoa_splice_find(&splice, 102, &index, &out));
    stoa_splice_tend(&splice);
    assert_false(stoa_splice_is_tight(&splice));
    stoa_splice_begin(&splice, &ana, &unwanted, 0, STOA_LAYERS_ALL);
    assert_int_equal(place(&splice, 12, 0, 0), 104);
    assert_non_null(stoa_splice_find(&splice, 103, &index, &out));
    assert_int_equal(index, 77);
    stoa_splice_clear(&splice);
}

static void forgetting_keeps_the_piece_going(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    uint64_t index, out;

    stoa_splice_init(&splice, 100, 90000);
    begin(&splice, &ana, 10, 0, 0);
    place(&splice, 10, 0, 0);
    place(&splice, 11, 0, 0);
    stoa_splice_forget(&splice);
    assert_true(stoa_splice_is_open(&splice));
    assert_null(stoa_splice_find(&splice, 101, &index, &out));
    assert_int_equal(place(&splice, 12, 0, 0), 102);
    stoa_splice_clear(&splice);
}

static void picture_ids_go_on_over_a_switch(void **unused G_GNUC_UNUSED)
{
    StoaSplice splice;
    StoaPacket first = packet_of(10, 0, 0), second = packet_of(900, 0, 0);
    uint64_t out;

    first.info.has_picture_id = second.info.has_picture_id = true;
    first.info.picture_id = 32767;
    first.info.tl0_pic_idx = 255;
    second.info.picture_id = 40;
    second.info.tl0_pic_idx = 7;
    stoa_splice_init(&splice, 1, 90000);
    stoa_splice_begin(&splice, &ana, &first, 0, STOA_LAYERS_ALL);
    stoa_splice_place(&splice, &first, &out);
    stoa_splice_begin(&splice, &ben, &second, 0, STOA_LAYERS_ALL);
    assert_int_equal((uint16_t)(40 + stoa_splice_newest(&splice)->picture.picture_id) & 0x7fff, 0);
    assert_int_equal((uint8_t)(7 + stoa_splice_newest(&splice)->picture.tl0_pic_idx), 0);
    stoa_splice_clear(&splice);
}

/* -- the promise, over random lives ---------------------------------------------------------- */

enum { SOURCES = 3, STEPS = 4000 };

typedef struct {
    StoaSpanSource source;
    StoaRing ring;
    uint64_t next;
    uint64_t lost[64]; /* indices that may still come */
} Sender;

typedef struct {
    StoaPool *pool;
    Sender senders[SOURCES];
    StoaSplice splice;
    int current; /* -1: none */
    int64_t now_us;
    GHashTable *sealed; /* number -> who (source and index) */
    uint64_t highest_out;
    GRand *dice;
} Life;

/* What is under a number once is under it for ever. */
static void seal(Life *life, uint64_t out, const StoaSpanSource *source, uint64_t index)
{
    uint64_t *known = g_hash_table_lookup(life->sealed, &out);
    uint64_t who = source->peer << 40 | index;

    if (known) {
        assert_int_equal(*known, who);
        return;
    }
    g_hash_table_insert(life->sealed, g_memdup2(&out, sizeof(out)), g_memdup2(&who, sizeof(who)));
}

static void forward(Life *life, int s, const StoaPacket *packet)
{
    Sender *sender = &life->senders[s];
    const StoaSpan *span;
    uint64_t out;

    if (s != life->current)
        return;
    if (!stoa_splice_is_open(&life->splice))
        stoa_splice_begin(&life->splice, &sender->source, packet, packet->arrived_us,
                          STOA_LAYERS_ALL);
    else if (packet->info.tid > 0 && g_rand_int_range(life->dice, 0, 4) == 0 &&
             stoa_splice_skip(&life->splice, packet, true))
        return;
    span = stoa_splice_place(&life->splice, packet, &out);
    if (!span)
        return;
    assert_null(
        g_hash_table_lookup(life->sealed, &out)); /* a first sending has a number of its own */
    seal(life, out, &span->source, packet->index);
    if (out > life->highest_out)
        life->highest_out = out;
}

static void arrive(Life *life, int s, uint64_t index)
{
    Sender *sender = &life->senders[s];
    StoaPacket *packet = stoa_packet_new(life->pool, false);

    assert_non_null(packet);
    memset(&packet->info, 0, sizeof(packet->info));
    packet->index = index;
    packet->arrived_us = life->now_us;
    packet->header.timestamp = (uint32_t)(index * 3000);
    packet->info.tid = index % 3;
    packet->info.has_picture_id = true;
    packet->info.picture_id = index & 0x7fff;
    if (stoa_ring_put(&sender->ring, packet, life->pool))
        forward(life, s, packet);
    stoa_packet_unref(packet, life->pool);
}

static void send_some(Life *life)
{
    int s = g_rand_int_range(life->dice, 0, SOURCES);
    Sender *sender = &life->senders[s];
    uint64_t index = sender->next++;

    if (g_rand_int_range(life->dice, 0, 500) == 0)
        sender->next += 3 << 16; /* it began anew */
    if (g_rand_int_range(life->dice, 0, 5) == 0)
        sender->lost[index % 64] = index;
    else
        arrive(life, s, index);
    if (g_rand_int_range(life->dice, 0, 4) == 0 && sender->lost[index * 7 % 64])
        arrive(life, s, sender->lost[index * 7 % 64]); /* late, or for the second time */
}

static void ask_again(Life *life)
{
    uint16_t seq = (uint16_t)(life->highest_out - (uint64_t)g_rand_int_range(life->dice, 0, 200));
    uint64_t index, out;
    const StoaSpan *span = stoa_splice_find(&life->splice, seq, &index, &out);

    for (int s = 0; span && s < SOURCES; s++)
        if (life->senders[s].source.peer == span->source.peer &&
            stoa_ring_get(&life->senders[s].ring, index))
            seal(life, out, &span->source, index);
}

static void step(Life *life)
{
    int what = g_rand_int_range(life->dice, 0, 100);

    life->now_us += g_rand_int_range(life->dice, 0, 20000);
    if (what < 80) {
        send_some(life);
    } else if (what < 92) {
        ask_again(life);
    } else if (what < 94) {
        stoa_splice_cut(&life->splice);
        life->current = g_rand_int_range(life->dice, -1, SOURCES);
    } else if (what < 95) {
        stoa_splice_forget(&life->splice);
    } else {
        for (int s = 0; s < SOURCES; s++)
            stoa_ring_tend(&life->senders[s].ring, life->now_us, life->pool);
        stoa_splice_tend(&life->splice); /* in between it makes do */
    }
    stoa_pool_refill(life->pool, 0, 8);
}

static void live(uint32_t seed)
{
    Life life = { .current = 0, .dice = g_rand_new_with_seed(seed) };

    life.pool = stoa_pool_new(0, 100000);
    life.sealed = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    stoa_pool_refill(life.pool, 0, 8);
    stoa_splice_init(&life.splice, g_rand_int(life.dice) & 0x7fff, 90000);
    for (unsigned s = 0; s < SOURCES; s++) {
        life.senders[s].source = (StoaSpanSource){ 1 + s, 1, 0 };
        life.senders[s].next = (1 << 20) + (g_rand_int(life.dice) & 0xffff);
    }
    for (unsigned i = 0; i < STEPS; i++)
        step(&life);
    for (unsigned s = 0; s < SOURCES; s++)
        stoa_ring_clear(&life.senders[s].ring, life.pool);
    stoa_splice_clear(&life.splice);
    g_hash_table_unref(life.sealed);
    stoa_pool_free(life.pool);
    g_rand_free(life.dice);
}

static void no_number_is_sealed_over_two_packets(void **unused G_GNUC_UNUSED)
{
    for (uint32_t seed = 1; seed <= 200; seed++)
        live(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_on_over_a_switch),
        cmocka_unit_test(delays_of_keyframes_do_not_add_up),
        cmocka_unit_test(a_clock_that_goes_wrong_is_followed),
        cmocka_unit_test(a_late_packet_of_the_piece_before_is_dropped),
        cmocka_unit_test(what_was_sent_is_found_by_its_number),
        cmocka_unit_test(left_out_packets_leave_no_gap),
        cmocka_unit_test(without_room_the_oldest_is_forgotten),
        cmocka_unit_test(forgetting_keeps_the_piece_going),
        cmocka_unit_test(picture_ids_go_on_over_a_switch),
        cmocka_unit_test(no_number_is_sealed_over_two_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
