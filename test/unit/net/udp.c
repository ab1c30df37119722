/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "net/udp.h"

typedef struct {
    StoaUdpSocket here, there;
    StoaUdpReceiver *receiver;
    StoaUdpBatch *batch;
    uint8_t bytes[STOA_UDP_BATCH][1500];
} Bed;

static int set_up(void **state)
{
    Bed *bed = g_new0(Bed, 1);
    StoaAddress at;

    stoa_address_parse("127.0.0.1", 0, &at);
    if (!stoa_udp_open(&bed->here, 0, &at, NULL) || !stoa_udp_open(&bed->there, 1, &at, NULL))
        return -1;
    bed->receiver = stoa_udp_receiver_new();
    bed->batch = stoa_udp_batch_new();
    for (unsigned i = 0; i < STOA_UDP_BATCH; i++) {
        stoa_udp_receiver_datagrams(bed->receiver)[i].buf = bed->bytes[i];
        stoa_udp_receiver_datagrams(bed->receiver)[i].size = sizeof(bed->bytes[i]);
    }
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    Bed *bed = *state;

    stoa_udp_close(&bed->here);
    stoa_udp_close(&bed->there);
    stoa_udp_close(&bed->there); /* twice is harmless */
    stoa_udp_receiver_free(bed->receiver);
    stoa_udp_batch_free(bed->batch);
    g_free(bed);
    return 0;
}

static void add(Bed *bed, uint8_t first, size_t len, const StoaAddress *to)
{
    uint8_t *slot = stoa_udp_batch_slot(bed->batch);

    memset(slot, 0, len);
    slot[0] = first;
    stoa_udp_batch_commit(bed->batch, len, &bed->here, to, NULL);
}

static unsigned receive(Bed *bed, const StoaUdpSocket *socket, unsigned max)
{
    struct pollfd p = { .fd = socket->fd, .events = POLLIN };

    poll(&p, 1, 1000);
    return stoa_udp_receive(bed->receiver, socket, max);
}

static void many_datagrams_travel_in_few_calls_and_in_order(void **state)
{
    Bed *bed = *state;
    const StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(bed->receiver);
    unsigned got = 0;

    for (unsigned i = 0; i < 100; i++)
        add(bed, (uint8_t)i, 10 + i, &bed->there.bound);
    assert_int_equal(stoa_udp_batch_count(bed->batch), 36); /* a full batch went by itself */
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->sent, 100);
    assert_true(stoa_udp_batch_stats(bed->batch)->calls <= 3);
    while (got < 100) {
        unsigned n = receive(bed, &bed->there, STOA_UDP_BATCH);

        assert_in_range(n, 1, STOA_UDP_BATCH);
        for (unsigned i = 0; i < n; i++, got++) {
            assert_int_equal(grams[i].len, 10 + got);
            assert_int_equal(grams[i].buf[0], got);
            assert_true(stoa_address_equal(&grams[i].from, &bed->here.bound));
            assert_false(grams[i].cut);
        }
    }
    assert_int_equal(stoa_udp_receive(bed->receiver, &bed->there, STOA_UDP_BATCH), 0);
}

static void a_refused_datagram_does_not_hold_up_the_rest(void **state)
{
    Bed *bed = *state;
    StoaAddress nowhere;

    assert_true(stoa_address_parse("192.0.2.1", 0, &nowhere)); /* port 0: EINVAL */
    for (unsigned i = 0; i < 8; i++)
        add(bed, (uint8_t)i, 20, i == 3 || i == 7 ? &nowhere : &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->sent, 6);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->refused, 2);
    assert_int_equal(receive(bed, &bed->there, STOA_UDP_BATCH), 6);
    assert_int_equal(stoa_udp_batch_count(bed->batch), 0);
}

static void note_lost(void *text, StoaUdpLoss why, const uint8_t *buf, size_t len)
{
    g_string_append_printf(text, "%s %u of %zu; ", why == STOA_UDP_FULL ? "full" : "refused",
                           buf[0], len);
}

static void what_did_not_leave_is_told_by_its_bytes(void **state)
{
    Bed *bed = *state;
    g_autoptr(GString) lost = g_string_new("");
    StoaAddress nowhere;

    assert_true(stoa_address_parse("192.0.2.1", 0, &nowhere));
    stoa_udp_batch_on_lost(bed->batch, note_lost, lost);
    for (unsigned i = 0; i < 8; i++) /* 3 and 4 are a run, 7 is alone */
        add(bed, (uint8_t)i, 20 + i / 6, i == 3 || i == 4 || i == 7 ? &nowhere : &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
    assert_string_equal(lost->str, "refused 3 of 20; refused 4 of 20; refused 7 of 21; ");
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->refused, 3);
}

static void the_kernel_tells_what_it_had_no_room_for(void **state)
{
    Bed *bed = *state;
    unsigned n = 0, got = 0, now;

    assert_int_equal(stoa_udp_overflow(&bed->there), 0);
    setsockopt(bed->there.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 0 }, sizeof(int));
    for (; n < 200; n++)
        add(bed, 1, 1400, &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
    while ((now = stoa_udp_receive(bed->receiver, &bed->there, STOA_UDP_BATCH)) > 0)
        got += now;
    assert_in_range(got, 1, n - 1);
    assert_int_equal(stoa_udp_overflow(&bed->there), n - got);
}

/* Runs of equal length and a shorter end to one address; then another address, and back. */
static void a_run_to_one_address_is_one_piece_for_the_kernel(void **state)
{
    static const size_t lens[] = { 900, 900, 900, 500, 700, 700, 800, 800, 100, 100 };
    Bed *bed = *state;
    const StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(bed->receiver);
    unsigned got = 0, n;

    for (unsigned i = 0; i < G_N_ELEMENTS(lens); i++)
        add(bed, (uint8_t)i, lens[i], &bed->there.bound);
    add(bed, 99, 100, &bed->here.bound);
    add(bed, 10, 100, &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->sent, G_N_ELEMENTS(lens) + 2);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->runs, bed->here.segments ? 3 : 0);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->split, 0);
    for (; got < G_N_ELEMENTS(lens) + 1; got += n) {
        n = receive(bed, &bed->there, STOA_UDP_BATCH);
        assert_in_range(n, 1, STOA_UDP_BATCH);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(grams[i].buf[0], got + i);
            assert_int_equal(grams[i].len, got + i < 10 ? lens[got + i] : 100);
        }
    }
    assert_int_equal(receive(bed, &bed->here, STOA_UDP_BATCH), 1);
}

static void a_refused_run_goes_one_by_one(void **state)
{
    Bed *bed = *state;
    StoaAddress nowhere;

    assert_true(stoa_address_parse("192.0.2.1", 0,
                                   &nowhere)); /* port 0: EINVAL, as for a run that is too wide */
    for (unsigned i = 0; i < 9; i++)
        add(bed, (uint8_t)i, 20, i < 3 || i >= 6 ? &bed->there.bound : &nowhere);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->sent, 6);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->refused, 3);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->split, bed->here.segments ? 1 : 0);
    assert_int_equal(receive(bed, &bed->there, STOA_UDP_BATCH), 6);
}

/* -- a kernel that says what it is told to say of runs ----------------------------------------- */

static int error_of_runs; /* 0: the real kernel's */
static unsigned n_tried;  /* runs that it was given */

int __real_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags);

int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags)
{
    unsigned plain = 0;

    if (!error_of_runs)
        return __real_sendmmsg(fd, headers, n, flags);
    while (plain < n && headers[plain].msg_hdr.msg_iovlen == 1)
        plain++;
    if (plain > 0)
        return __real_sendmmsg(fd, headers, plain, flags);
    n_tried++;
    errno = error_of_runs;
    return -1;
}

/* Two runs, a lone datagram between them, all to one port. */
static void send_two_runs(Bed *bed)
{
    for (unsigned i = 0; i < 7; i++)
        add(bed, (uint8_t)i, i == 3 ? 90 : 100 + 200 * (i > 3), &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
}

static void expect_seven(Bed *bed)
{
    struct pollfd there = { .fd = bed->there.fd, .events = POLLIN };

    assert_int_equal(poll(&there, 1, 1000), 1);
    assert_int_equal(stoa_udp_receive(bed->receiver, &bed->there, STOA_UDP_BATCH), 7);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(bed->bytes[i][0], i);
}

static void a_device_that_cannot_checksum_is_given_no_more_runs(void **state)
{
    Bed *bed = *state;

    if (!bed->here.segments)
        skip();
    error_of_runs = EIO;
    n_tried = 0;
    for (unsigned i = 0; i < 3; i++) {
        send_two_runs(bed);
        expect_seven(bed);
    }
    error_of_runs = 0;
    assert_int_equal(n_tried, 1);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->split, 2); /* both of the first flush */
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->sent, 21);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->runs, 0);
}

static void a_path_that_is_too_small_refuses_that_run_only(void **state)
{
    Bed *bed = *state;

    if (!bed->here.segments)
        skip();
    error_of_runs = EINVAL;
    n_tried = 0;
    send_two_runs(bed);
    expect_seven(bed);
    error_of_runs = 0;
    assert_int_equal(n_tried, 2);
    send_two_runs(bed);
    expect_seven(bed);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->split, 2);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->runs, 2);
}

static void a_slot_without_commit_is_given_again(void **state)
{
    Bed *bed = *state;
    uint8_t *slot = stoa_udp_batch_slot(bed->batch);

    assert_ptr_equal(slot, stoa_udp_batch_slot(bed->batch));
    assert_int_equal(stoa_udp_batch_count(bed->batch), 0);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->calls, 0);
}

static void both_sockets_share_a_batch(void **state)
{
    Bed *bed = *state;
    static const uint8_t buf[5] = { 9 };
    uint8_t big[STOA_UDP_SLOT + 1] = { 0 };

    for (unsigned i = 0; i < 10; i++) {
        assert_true(
            stoa_udp_batch_add(bed->batch, buf, sizeof(buf), &bed->here, &bed->there.bound, NULL));
        assert_true(
            stoa_udp_batch_add(bed->batch, buf, sizeof(buf), &bed->there, &bed->here.bound, NULL));
    }
    assert_false(
        stoa_udp_batch_add(bed->batch, big, sizeof(big), &bed->here, &bed->there.bound, NULL));
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(stoa_udp_batch_stats(bed->batch)->calls, 2);
    assert_int_equal(receive(bed, &bed->here, 64), 10);
    assert_int_equal(receive(bed, &bed->there, 64), 10);
}

static void a_datagram_too_long_says_so(void **state)
{
    Bed *bed = *state;
    StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(bed->receiver);

    grams[0].size = 100;
    add(bed, 1, 101, &bed->there.bound);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(receive(bed, &bed->there, 1), 1);
    assert_true(grams[0].cut);
    assert_int_equal(grams[0].len, 100);
}

static void a_datagram_leaves_from_the_address_that_was_asked_for(void **state)
{
    Bed *bed = *state;
    const StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(bed->receiver);
    StoaUdpSocket wild;
    StoaAddress any, local;
    static const uint8_t buf[] = "hello";

    assert_true(stoa_address_parse("0.0.0.0", 0, &any));
    assert_true(stoa_address_parse("127.0.0.42", 0, &local));
    assert_true(stoa_udp_open(&wild, 0, &any, NULL));
    stoa_udp_batch_add(bed->batch, buf, sizeof(buf), &wild, &bed->there.bound, &local);
    stoa_udp_batch_flush(bed->batch);
    assert_int_equal(receive(bed, &bed->there, 64), 1);
    assert_true(stoa_address_equal_ip(&grams[0].from, &local));
    assert_int_equal(stoa_address_port(&grams[0].from), stoa_address_port(&wild.bound));
    stoa_udp_close(&wild);
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
    Bed *bed = *state;
    g_autoptr(GError) error = NULL;
    char text[STOA_ADDRESS_TEXT];
    StoaUdpSocket again = { .fd = -5 };

    assert_false(stoa_udp_open(&again, 0, &bed->here.bound, &error));
    assert_non_null(strstr(error->message, stoa_address_format(&bed->here.bound, text)));
    assert_int_equal(again.fd, -5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(many_datagrams_travel_in_few_calls_and_in_order),
        TEST(a_refused_datagram_does_not_hold_up_the_rest),
        TEST(what_did_not_leave_is_told_by_its_bytes),
        TEST(the_kernel_tells_what_it_had_no_room_for),
        TEST(a_device_that_cannot_checksum_is_given_no_more_runs),
        TEST(a_path_that_is_too_small_refuses_that_run_only),
        TEST(a_slot_without_commit_is_given_again),
        TEST(a_run_to_one_address_is_one_piece_for_the_kernel),
        TEST(a_refused_run_goes_one_by_one),
        TEST(both_sockets_share_a_batch),
        TEST(a_datagram_too_long_says_so),
        TEST(a_datagram_leaves_from_the_address_that_was_asked_for),
        TEST(a_taken_port_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
