/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp.h"

typedef struct {
    StoaTcpListener *listener;
    StoaTcpConnection *connection;
    int client;
    GByteArray *frames; /* as they came: length in two bytes, then the frame */
    bool says_no;
} Bed;

static int connect_client(const StoaTcpListener *listener)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    StoaAddress to;

    stoa_address_parse("127.0.0.1", stoa_tcp_listener_port(listener), &to);
    if (connect(fd, &to.sa, stoa_address_len(&to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static StoaTcpConnection *accept_one(StoaTcpListener *listener, uint32_t id)
{
    struct pollfd p = { .fd = stoa_tcp_listener_fd(listener), .events = POLLIN };

    poll(&p, 1, 1000);
    return stoa_tcp_listener_accept(listener, id, 1000);
}

static int set_up(void **state)
{
    const StoaTcpLimits limits = { .max_per_address = 3, .queue_bytes = 20000 };
    Bed *bed = g_new0(Bed, 1);
    StoaAddress at;

    stoa_address_parse("127.0.0.1", 0, &at);
    bed->listener = stoa_tcp_listener_new(&at, &limits, NULL);
    bed->client = connect_client(bed->listener);
    bed->connection = accept_one(bed->listener, 7);
    bed->frames = g_byte_array_new();
    *state = bed;
    return bed->connection ? 0 : -1;
}

static int tear_down(void **state)
{
    Bed *bed = *state;

    close(bed->client);
    stoa_tcp_connection_free(bed->connection);
    stoa_tcp_listener_free(bed->listener);
    g_byte_array_unref(bed->frames);
    g_free(bed);
    return 0;
}

static bool on_frame(void *user, StoaTcpConnection *connection, uint8_t *buf, size_t len)
{
    Bed *bed = user;
    const uint8_t header[2] = { (uint8_t)(len >> 8), (uint8_t)len };

    assert_ptr_equal(connection, bed->connection);
    g_byte_array_append(bed->frames, header, 2);
    g_byte_array_append(bed->frames, buf, (guint)len);
    memset(buf, 0xee, len); /* the reader may scribble: SRTP opens in place */
    return !bed->says_no;
}

static bool readable(Bed *bed)
{
    struct pollfd p = { .fd = stoa_tcp_connection_fd(bed->connection), .events = POLLIN };

    poll(&p, 1, 1000);
    return stoa_tcp_connection_on_readable(bed->connection, on_frame, bed);
}

static void push(Bed *bed, const uint8_t *buf, size_t len)
{
    assert_int_equal(send(bed->client, buf, len, 0), len);
}

static void frames_are_whole_wherever_the_stream_is_cut(void **state)
{
    Bed *bed = *state;
    uint8_t stream[2 + 1 + 2 + 300 + 2 + 5] = { 0, 1, 'a', 1, 300 - 256 };

    memset(stream + 5, 'b', 300);
    memcpy(stream + 305, "\0\5hello", 7);
    for (size_t cut = 0; cut <= sizeof(stream); cut++) {
        g_byte_array_set_size(bed->frames, 0);
        if (cut > 0) {
            push(bed, stream, cut);
            assert_true(readable(bed));
        }
        if (cut < sizeof(stream)) {
            push(bed, stream + cut, sizeof(stream) - cut);
            assert_true(readable(bed));
        }
        assert_int_equal(bed->frames->len, sizeof(stream));
        assert_memory_equal(bed->frames->data, stream, sizeof(stream));
    }
}

static void frames_come_byte_by_byte_too(void **state)
{
    Bed *bed = *state;
    static const uint8_t stream[] = { 0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'd' };
    static const uint8_t expected[] = { 0, 3, 'a', 'b', 'c', 0, 1, 'd' };

    for (size_t i = 0; i < sizeof(stream); i++) {
        push(bed, stream + i, 1);
        assert_true(readable(bed));
    }
    assert_int_equal(bed->frames->len, sizeof(expected)); /* an empty frame is nothing */
    assert_memory_equal(bed->frames->data, expected, sizeof(expected));
}

static void a_frame_too_long_ends_the_connection(void **state)
{
    Bed *bed = *state;
    uint8_t stream[2 + STOA_TCP_FRAME] = { STOA_TCP_FRAME >> 8, STOA_TCP_FRAME & 0xff };
    static const uint8_t header[2] = { (STOA_TCP_FRAME + 1) >> 8, (STOA_TCP_FRAME + 1) & 0xff };

    push(bed, stream, sizeof(stream));
    while (bed->frames->len < sizeof(stream))
        assert_true(readable(bed));
    push(bed, header, 2);
    assert_false(readable(bed));
}

static void the_reader_can_end_the_connection(void **state)
{
    Bed *bed = *state;

    bed->says_no = true;
    push(bed, (const uint8_t *)"\0\1x\0\1y", 6);
    assert_false(readable(bed));
    assert_int_equal(bed->frames->len, 3);
}

static void a_closed_stream_is_noticed(void **state)
{
    Bed *bed = *state;

    shutdown(bed->client, SHUT_WR);
    assert_false(readable(bed));
}

/* Take everything that the server has sent so far. */
static void drain(Bed *bed, GByteArray *into)
{
    uint8_t buf[4096];
    ssize_t n;

    while ((n = recv(bed->client, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        g_byte_array_append(into, buf, (guint)n);
}

static void shrink_buffers(Bed *bed)
{
    int small = 4096;

    setsockopt(stoa_tcp_connection_fd(bed->connection), SOL_SOCKET, SO_SNDBUF, &small,
               sizeof(small));
}

static void a_slow_reader_loses_whole_frames_only(void **state)
{
    Bed *bed = *state;
    g_autoptr(GByteArray) got = g_byte_array_new();
    unsigned n_sent = 0, n_dropped = 0, n_got = 0;
    uint8_t frame[1000];

    shrink_buffers(bed);
    for (unsigned i = 0; i < 10000; i++) {
        memset(frame, (int)(i & 0xff), sizeof(frame));
        if (stoa_tcp_connection_send(bed->connection, 1000, frame, sizeof(frame)) == STOA_TCP_SENT)
            n_sent++;
        else
            n_dropped++;
        assert_true(stoa_tcp_connection_queued(bed->connection) <= 20000);
        if (i % 1000 == 999) {
            drain(bed, got);
            assert_true(stoa_tcp_connection_on_writable(bed->connection));
        }
    }
    assert_true(n_dropped > 0);
    for (int i = 0; i < 100000 && got->len < n_sent * 1002; i++) {
        drain(bed, got);
        assert_true(stoa_tcp_connection_on_writable(bed->connection));
    }
    assert_false(stoa_tcp_connection_wants_writable(bed->connection));
    for (guint at = 0; at < got->len; at += 1002, n_got++) {
        assert_int_equal(got->data[at] << 8 | got->data[at + 1], 1000);
        assert_int_equal(got->data[at + 2], got->data[at + 1001]);
    }
    assert_int_equal(n_got, n_sent);
}

/* Send until the queue holds so much. */
static void fill(Bed *bed, int64_t now_us, size_t queued)
{
    uint8_t frame[500] = { 0 };

    for (unsigned i = 0; i < 10000 && stoa_tcp_connection_queued(bed->connection) < queued; i++)
        stoa_tcp_connection_send(bed->connection, now_us, frame, sizeof(frame));
    assert_true(stoa_tcp_connection_queued(bed->connection) >= queued);
}

static void a_queue_that_is_long_or_never_empty_is_congested(void **state)
{
    Bed *bed = *state;
    const int64_t begin_us = 5000000;
    g_autoptr(GByteArray) got = g_byte_array_new();

    shrink_buffers(bed);
    assert_false(stoa_tcp_connection_is_congested(bed->connection, begin_us));
    fill(bed, begin_us, 1);
    assert_false(stoa_tcp_connection_is_congested(bed->connection, begin_us + 200000));
    fill(bed, begin_us + 200000, 2000); /* still the same queue */
    assert_true(stoa_tcp_connection_is_congested(bed->connection, begin_us + 400000));
    for (int i = 0; i < 10000 && stoa_tcp_connection_wants_writable(bed->connection); i++) {
        drain(bed, got);
        assert_true(stoa_tcp_connection_on_writable(bed->connection));
    }
    assert_false(stoa_tcp_connection_is_congested(bed->connection, begin_us + 400000));
    fill(bed, begin_us + 400000, 10500); /* of 20000 */
    assert_true(stoa_tcp_connection_is_congested(bed->connection, begin_us + 400000));
}

/* Or a call on a slow line hears what was said many seconds ago. */
static void the_kernel_keeps_little_that_is_unsent(void **state)
{
    Bed *bed = *state;
    int fd = stoa_tcp_connection_fd(bed->connection), unsent = 0;
    socklen_t len = sizeof(unsent);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &len), 0);
    assert_true(unsent > 0 && unsent <= 65536);
}

static void frames_that_cannot_be_are_not_sent(void **state)
{
    Bed *bed = *state;
    uint8_t frame[STOA_TCP_FRAME + 1] = { 0 };

    assert_int_equal(stoa_tcp_connection_send(bed->connection, 1000, frame, 0), STOA_TCP_DROPPED);
    assert_int_equal(stoa_tcp_connection_send(bed->connection, 1000, frame, sizeof(frame)),
                     STOA_TCP_DROPPED);
}

static void one_address_has_so_many_connections(void **state)
{
    Bed *bed = *state;
    StoaTcpConnection *more[2];
    int clients[3];

    for (unsigned i = 0; i < 2; i++) {
        clients[i] = connect_client(bed->listener);
        more[i] = accept_one(bed->listener, 8 + i);
        assert_non_null(more[i]);
    }
    clients[2] = connect_client(bed->listener);
    assert_null(accept_one(bed->listener, 10));
    stoa_tcp_connection_free(more[0]);
    close(clients[0]);
    clients[0] = connect_client(bed->listener);
    more[0] = accept_one(bed->listener, 11);
    assert_non_null(more[0]);
    for (unsigned i = 0; i < 3; i++)
        close(clients[i]);
    stoa_tcp_connection_free(more[0]);
    stoa_tcp_connection_free(more[1]);
}

static void a_silent_connection_has_ten_seconds(void **state)
{
    Bed *bed = *state;

    assert_int_equal(stoa_tcp_connection_deadline_us(bed->connection), 1000 + 10000000);
    assert_false(stoa_tcp_connection_is_proven(bed->connection));
    stoa_tcp_connection_prove(bed->connection);
    assert_int_equal(stoa_tcp_connection_deadline_us(bed->connection), INT64_MAX);
    assert_int_equal(stoa_tcp_connection_id(bed->connection), 7);
    assert_true(stoa_address_is_loopback(stoa_tcp_connection_remote(bed->connection)));
    assert_int_equal(stoa_address_port(stoa_tcp_connection_local(bed->connection)),
                     stoa_tcp_listener_port(bed->listener));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(frames_are_whole_wherever_the_stream_is_cut),
        TEST(frames_come_byte_by_byte_too),
        TEST(a_frame_too_long_ends_the_connection),
        TEST(the_reader_can_end_the_connection),
        TEST(a_closed_stream_is_noticed),
        TEST(a_slow_reader_loses_whole_frames_only),
        TEST(a_queue_that_is_long_or_never_empty_is_congested),
        TEST(the_kernel_keeps_little_that_is_unsent),
        TEST(frames_that_cannot_be_are_not_sent),
        TEST(one_address_has_so_many_connections),
        TEST(a_silent_connection_has_ten_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
