/* SPDX-License-Identifier: MIT */
/* Two associations talk over the data thread; their packets can be lost. */
#include "pair.h"

static void a_channel_opens_with_label_and_protocol(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_open_channel(pair->a.sctp, "chat ☂", "json", NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 1));
    assert_true(reaches(&pair->a, &pair->a.n_channels, 1));
    assert_string_equal(pair->b.label, "chat ☂");
    assert_string_equal(pair->b.protocol, "json");
    assert_int_equal(pair->b.stream % 2, 0);
    stoa_sctp_open_channel(pair->b.sctp, "server's", "", NULL);
    assert_true(reaches(&pair->a, &pair->a.n_channels, 2));
    assert_int_equal(pair->a.stream % 2, 1);
}

static void text_and_bytes_of_every_size_arrive_whole(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 1000, 1200, 16384, 65535, 65536, 262143, 262144 };
    Pair *pair = *state;
    uint8_t *buf = g_malloc(STOA_SCTP_MESSAGE);

    for (size_t i = 0; i < STOA_SCTP_MESSAGE; i++)
        buf[i] = (uint8_t)(i * 131 >> 3);
    connect_both(pair);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        assert_int_equal(stoa_sctp_send_label(pair->a.sctp, "data", buf, sizes[i], i % 2),
                         STOA_SCTP_QUEUED);
        assert_true(reaches(&pair->b, &pair->b.n_messages, i + 1));
        assert_int_equal(pair->b.last->len, sizes[i]);
        assert_int_equal(pair->b.last_is_text, i % 2);
        assert_memory_equal(pair->b.last->data, buf, sizes[i]);
        assert_string_equal(pair->b.from_label, "data");
    }
    assert_in_range(pair->a.longest_packet, 1000, 1160);
    assert_int_equal(stoa_sctp_send_label(pair->a.sctp, "data", buf, STOA_SCTP_MESSAGE + 1, false),
                     STOA_SCTP_TOO_LONG);
    g_free(buf);
}

static void a_negotiated_stream_needs_no_opening(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    assert_int_equal(stoa_sctp_send(pair->a.sctp, 77, (const uint8_t *)"hi", 2, true),
                     STOA_SCTP_QUEUED);
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    assert_int_equal(pair->b.stream, 77);
    assert_string_equal(pair->b.from_label, "");
    assert_int_equal(
        stoa_sctp_send(pair->a.sctp, STOA_SCTP_STREAMS, (const uint8_t *)"hi", 2, true),
        STOA_SCTP_NOT_OPEN);
}

static void an_answer_to_a_negotiated_stream_goes_back_there(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_send(pair->a.sctp, 77, (const uint8_t *)"hi", 2, true);
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
    send_text(pair->b.sctp, pair->b.from_label, "hello");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    assert_int_equal(pair->a.stream, 77);
    assert_int_equal(pair->a.n_channels, 0);
}

static void a_message_never_goes_to_another_label(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_open_channel(pair->a.sctp, "chat", NULL, NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 1));
    send_text(pair->b.sctp, "polls", "for nobody yet");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    assert_string_equal(pair->a.from_label, "polls");
    assert_string_equal(pair->a.label, "polls"); /* it was opened for that */
    send_text(pair->b.sctp, "chat", "for chat");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 2));
    assert_string_equal(pair->a.from_label, "chat");
}

static void of_two_with_one_label_the_peers_is_meant(void **state)
{
    Pair *pair = *state;
    uint16_t stream;

    connect_both(pair);
    send_text(pair->b.sctp, "chat", "too early");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    stream = pair->a.stream;
    stoa_sctp_open_channel(pair->a.sctp, "chat", NULL, NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 2));
    send_text(pair->b.sctp, "chat", "now");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 2));
    assert_int_not_equal(pair->a.stream, stream);
}

static void a_message_for_any_channel_waits_for_the_first(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    for (unsigned i = 0; i < 3; i++)
        send_text(pair->b.sctp, NULL, "wait");
    assert_true(stoa_sctp_queued(pair->b.sctp) >= 12); /* so that it is bounded */
    stoa_sctp_open_channel(pair->a.sctp, "chat", NULL, NULL);
    assert_true(reaches(&pair->a, &pair->a.n_messages, 3));
    assert_string_equal(pair->a.from_label, "chat");
    assert_int_equal(pair->a.n_channels, 1);
}

static void a_message_before_the_connection_is_sent_after_it(void **state)
{
    Pair *pair = *state;
    const StoaSctpOptions options = { 0 };

    pair->b.sctp = stoa_sctp_open(pair->thread, &options, &callbacks, &pair->b);
    send_text(pair->b.sctp, "early", "bird");
    pair->a.sctp = stoa_sctp_open(pair->thread, &options, &callbacks, &pair->a);
    set_other(&pair->a, pair->b.sctp);
    set_other(&pair->b, pair->a.sctp);
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    assert_string_equal(pair->a.from_label, "early");
    assert_int_equal(pair->a.last->len, 4);
}

static void lost_packets_are_sent_again(void **state)
{
    Pair *pair = *state;
    uint8_t buf[16384] = { 7 };

    connect_both(pair);
    set_loss(&pair->a, 7);
    set_loss(&pair->b, 11);
    for (int i = 0; i < 20; i++)
        assert_int_equal(stoa_sctp_send_label(pair->a.sctp, "data", buf, sizeof(buf), false),
                         STOA_SCTP_QUEUED);
    assert_true(reaches(&pair->b, &pair->b.n_messages, 20));
    assert_int_equal(pair->b.n_bytes, 20 * sizeof(buf));
}

static void a_full_queue_says_so_and_empties_again(void **state)
{
    Pair *pair = *state;
    uint8_t buf[65536] = { 7 };
    unsigned n = 0;

    connect_both(pair);
    set_other(&pair->a, NULL); /* nothing arrives, usrsctp's own buffer fills, then ours */
    while (stoa_sctp_send_label(pair->a.sctp, "data", buf, sizeof(buf), false) ==
           STOA_SCTP_QUEUED) {
        assert_true(n++ < 200);
        g_usleep(500);
    }
    assert_true(stoa_sctp_queued(pair->a.sctp) <= 1 << 20);
    set_other(&pair->a, pair->b.sctp);
    assert_true(reaches(&pair->b, &pair->b.n_messages, n));
    send_text(pair->a.sctp, "data", "again");
    assert_true(reaches(&pair->b, &pair->b.n_messages, n + 1));
}

static void unreliable_channels_work_and_keep_their_kind(void **state)
{
    const StoaSctpReliability reliability = { .unordered = true, .has_max_retransmits = true };
    Pair *pair = *state;
    unsigned n;

    connect_both(pair);
    stoa_sctp_open_channel(pair->a.sctp, "lossy", "", &reliability);
    assert_true(reaches(&pair->a, &pair->a.n_channels, 1));
    set_loss(&pair->a, 3);
    for (int i = 0; i < 60; i++) {
        send_text(pair->a.sctp, "lossy", "x");
        g_usleep(1000);
    }
    g_usleep(200000);
    set_loss(&pair->a, 0);
    for (int i = 0; i < 10; i++)
        send_text(pair->a.sctp, "lossy", "y");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 10));
    g_usleep(300000);
    pthread_mutex_lock(&pair->b.lock);
    n = pair->b.n_messages;
    pthread_mutex_unlock(&pair->b.lock);
    assert_true(n < 70); /* some are gone for good */
}

static void a_closed_channel_can_be_opened_again(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    stoa_sctp_open_channel(pair->a.sctp, "one", "", NULL);
    assert_true(reaches(&pair->a, &pair->a.n_channels, 1));
    stoa_sctp_close_channel(pair->a.sctp, pair->a.stream);
    assert_true(reaches(&pair->b, &pair->b.n_channels_closed, 1));
    g_usleep(100000);
    stoa_sctp_open_channel(pair->a.sctp, "two", "", NULL);
    assert_true(reaches(&pair->b, &pair->b.n_channels, 2));
    assert_string_equal(pair->b.label, "two");
    send_text(pair->b.sctp, NULL, "to the first");
    assert_true(reaches(&pair->a, &pair->a.n_messages, 1));
    assert_string_equal(pair->a.from_label, "two");
}

static void the_end_of_one_side_is_told_to_the_other(void **state)
{
    Pair *pair = *state;

    connect_both(pair);
    set_other(&pair->b, NULL);
    stoa_sctp_close(pair->a.sctp);
    assert_true(reaches(&pair->b, &pair->b.n_closed, 1));
    assert_true(reaches(&pair->a, &pair->a.n_gone, 1));
    assert_int_equal(pair->a.n_closed, 0);
    assert_int_equal(stoa_sctp_send(pair->b.sctp, 1, (const uint8_t *)"x", 1, true),
                     STOA_SCTP_NOT_OPEN);
    stoa_sctp_close(pair->b.sctp);
    assert_true(reaches(&pair->b, &pair->b.n_gone, 1));
    pair->a.sctp = NULL;
}

static void junk_packets_harm_nobody(void **state)
{
    Pair *pair = *state;
    uint8_t buf[1200];

    connect_both(pair);
    for (unsigned i = 0; i < 3000; i++) {
        size_t len = (i * 7) % sizeof(buf);

        for (size_t j = 0; j < len; j++)
            buf[j] = (uint8_t)(i * 13 + j * j);
        stoa_sctp_input(pair->b.sctp, buf, len);
    }
    send_text(pair->a.sctp, "data", "alive");
    assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
}

static void associations_come_and_go(void **state)
{
    Pair *pair = *state;

    for (unsigned i = 0; i < 100; i++) {
        connect_both(pair);
        send_text(pair->a.sctp, "data", "hello");
        if (i % 2)
            assert_true(reaches(&pair->b, &pair->b.n_messages, 1));
        cut(pair);
        pair->a.n_connected = pair->b.n_connected = pair->a.n_gone = pair->b.n_gone = 0;
        pair->b.n_messages = 0;
    }
    pair->a.sctp = NULL;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_channel_opens_with_label_and_protocol),
        TEST(text_and_bytes_of_every_size_arrive_whole),
        TEST(a_negotiated_stream_needs_no_opening),
        TEST(an_answer_to_a_negotiated_stream_goes_back_there),
        TEST(a_message_never_goes_to_another_label),
        TEST(of_two_with_one_label_the_peers_is_meant),
        TEST(a_message_for_any_channel_waits_for_the_first),
        TEST(a_message_before_the_connection_is_sent_after_it),
        TEST(lost_packets_are_sent_again),
        TEST(a_full_queue_says_so_and_empties_again),
        TEST(unreliable_channels_work_and_keep_their_kind),
        TEST(a_closed_channel_can_be_opened_again),
        TEST(the_end_of_one_side_is_told_to_the_other),
        TEST(junk_packets_harm_nobody),
        TEST(associations_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
