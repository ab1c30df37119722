/* SPDX-License-Identifier: MIT */
/* Channels that come and go, agreed or announced, and ends that are slower than the other. */
#include "pair.h"

#include <malloc.h>

static void close_and_open_at_once_mixes_nothing_up(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *label = g_strdup_printf("channel %u", i);

        stoa_sctp_open_channel(pair->a.sctp, label, "", NULL);
        send_text(pair->a.sctp, label, label);
        stoa_sctp_close_label(pair->a.sctp, label);
    }
    assert_true(reaches(&pair->b, &pair->b.n_channels_closed, 20));
    assert_int_equal(pair->b.n_channels, 20);
    assert_int_equal(pair->b.n_messages, 20); /* each before its channel closed */
    assert_string_equal(pair->b.from_label, "channel 19");
    assert_string_equal(pair->b.closed_label, "channel 19");
    assert_memory_equal(pair->b.last->data, "channel 19", 10);
    assert_int_equal(pair->a.n_channels_closed, 0); /* it knows */
}

/* 512 streams are ours: they must come back when both sides have reset them. */
static void streams_of_closed_channels_are_used_again(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    for (unsigned i = 0; i < 700; i++) {
        stoa_sctp_open_channel(pair->a.sctp, "one", "", NULL);
        assert_true(reaches(&pair->b, &pair->b.n_channels, i + 1));
        stoa_sctp_close_label(pair->a.sctp, "one");
        assert_true(reaches(&pair->b, &pair->b.n_channels_closed, i + 1));
    }
    send_text(pair->a.sctp, "two", "still there");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_int_equal(pair->a.n_channels_closed, 0);
}

static void all_streams_open_at_once_and_one_more_is_told(void **state)
{
    Pair *pair = *state;
    g_autofree char *last = g_strdup_printf("%d", STOA_SCTP_STREAMS / 2 - 1);

    connect_both(pair);
    for (unsigned i = 0; i < STOA_SCTP_STREAMS / 2; i++) {
        g_autofree char *label = g_strdup_printf("%u", i);
        stoa_sctp_open_channel(pair->a.sctp, label, "", NULL);
    }
    assert_true(reaches(&pair->b, &pair->b.n_channels, STOA_SCTP_STREAMS / 2));
    assert_true(reaches(&pair->a, &pair->a.n_channels, STOA_SCTP_STREAMS / 2));
    send_text(pair->a.sctp, last, "here");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_string_equal(pair->b.from_label, last);
    stoa_sctp_open_channel(pair->a.sctp, "too many", "", NULL);
    assert_true(reaches(&pair->a, &pair->a.n_channels_closed, 1));
    assert_string_equal(pair->a.closed_label, "too many");
}

static void negotiated_channels_have_the_labels_that_were_agreed(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    for (uint16_t stream = 0; stream < 4; stream++) {
        g_autofree char *label = g_strdup_printf("agreed %u", stream);
        stoa_sctp_add_channel(pair->a.sctp, stream, label, "", NULL);
        stoa_sctp_add_channel(pair->b.sctp, stream, label, "", NULL);
    }
    assert_true(reaches(&pair->b, &pair->b.n_channels, 4));
    send_text(pair->a.sctp, "agreed 2", "there");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_string_equal(pair->b.from_label, "agreed 2");
    assert_int_equal(pair->b.stream, 2);
    send_text(pair->b.sctp, "agreed 3", "back");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    assert_string_equal(pair->a.from_label, "agreed 3");
    assert_int_equal(pair->a.stream, 3);
    stoa_sctp_close_label(pair->a.sctp, "agreed 3");
    assert_true(reaches(&pair->b, &pair->b.n_channels_closed, 1));
    assert_string_equal(pair->b.closed_label, "agreed 3");
}

/* Nothing is read: the window closes, and who sends is told that it is full; no memory grows but what is allowed. */
static void a_reader_that_stops_holds_the_sender_back(void **state)
{
    Pair *pair = *state;
    uint8_t buf[65536] = { 7 };
    unsigned n = 0, n_before;

    connect_both(pair);
    send_text(pair->a.sctp, "data", "first");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    atomic_store(&pair->b.is_busy, true);
    while (stoa_sctp_send_label(pair->a.sctp, "data", buf, sizeof(buf), false) ==
           STOA_SCTP_QUEUED) {
        assert_true(n++ < 200); /* 1 MiB of ours, 1 of usrsctp on each side */
        g_usleep(500);
    }
    pthread_mutex_lock(&pair->b.lock);
    n_before = pair->b.n_messages;
    pthread_mutex_unlock(&pair->b.lock);
    assert_true(n_before <= 2); /* one may have been on its way when the reader stopped */
    atomic_store(&pair->b.is_busy, false);
    assert_true(reaches(&pair->b, &pair->b.n_messages, n + 1));
    send_text(pair->a.sctp, "data", "goes on");
    assert_true(reaches(&pair->b, &pair->b.n_messages, n + 2));
}

static void the_peers_limit_of_a_message_holds(void **state)
{
    Pair *pair = *state;
    const StoaSctpOptions options = { .max_message = 1000 };
    uint8_t buf[1001] = { 7 };

    connect_both(pair);
    cut(pair);
    pair->a.n_gone = pair->b.n_gone = 0;
    pair->a.sctp = stoa_sctp_open(pair->thread, &options, &callbacks, &pair->a);
    pair->b.sctp = stoa_sctp_open(pair->thread, &options, &callbacks, &pair->b);
    assert_int_equal(stoa_sctp_send_label(pair->a.sctp, "x", buf, 1001, false), STOA_SCTP_TOO_LONG);
    assert_int_equal(stoa_sctp_send_label(pair->a.sctp, "x", buf, 1000, false), STOA_SCTP_QUEUED);
}

static void a_lost_association_closes_its_channels(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_open_channel(pair->a.sctp, "one", "", NULL);
    stoa_sctp_open_channel(pair->a.sctp, "two", "", NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 2));
    set_other(&pair->b, NULL);
    stoa_sctp_close(pair->a.sctp); /* by ABORT */
    assert_true(reaches(&pair->b, &pair->b.n_closed, 1));
    assert_int_equal(pair->b.n_channels_closed, 2);
    stoa_sctp_close(pair->b.sctp);
    assert_true(reaches(&pair->a, &pair->a.n_gone, 1));
    assert_true(reaches(&pair->b, &pair->b.n_gone, 1));
    pair->a.sctp = NULL;
}

static size_t memory_used(void)
{
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* A long message comes in pieces; the place where they are put together goes when it is whole. */
static void long_messages_on_many_channels_leave_nothing_behind(void **state)
{
    enum { N = 24, LEN = STOA_SCTP_MESSAGE, WARM = 2 };
    Pair *pair = *state;
    g_autofree uint8_t *buf = g_malloc0(LEN);
    size_t before = 0;

    connect_both(pair);
    for (unsigned i = 1; i <= N; i++) {
        if (i == WARM)
            before = memory_used();
        while (stoa_sctp_send(pair->a.sctp, (uint16_t)i, buf, LEN, false) == STOA_SCTP_FULL)
            g_usleep(500);
        assert_true(reaches(&pair->b, &pair->b.n_messages, i));
        assert_int_equal(pair->b.last->len, LEN);
    }
    assert_in_range(memory_used() / 1000, 0, before / 1000 + 2 * LEN / 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(close_and_open_at_once_mixes_nothing_up),
        TEST(streams_of_closed_channels_are_used_again),
        TEST(all_streams_open_at_once_and_one_more_is_told),
        TEST(negotiated_channels_have_the_labels_that_were_agreed),
        TEST(a_reader_that_stops_holds_the_sender_back),
        TEST(the_peers_limit_of_a_message_holds),
        TEST(long_messages_on_many_channels_leave_nothing_behind),
        TEST(a_lost_association_closes_its_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
