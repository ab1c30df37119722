/* SPDX-License-Identifier: MIT */
/* Two links talk through queues that can lose datagrams. OpenSSL reads the real clock, so repeats take real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "dtls/link.h"

enum { QUEUE = 64 };

typedef struct {
    StoaDtlsLink *link;
    unsigned n_out, n_data, n_sent, lose; /* lose: drop that many of the next outgoing */
    size_t out_len[QUEUE];
    uint8_t out[QUEUE][2048];
    uint8_t data[2048];
    size_t data_len;
} End;

typedef struct {
    StoaCertificate *certificate[2];
    StoaDtlsContext *context[2];
    End server, client;
} Pair;

static int64_t now_us(void)
{
    return g_get_monotonic_time();
}

static void on_output(void *user, const uint8_t *buf, size_t len)
{
    End *end = user;

    end->n_sent++;
    if (end->lose > 0) {
        end->lose--;
        return;
    }
    assert_true(len <= STOA_DTLS_MTU && end->n_out < QUEUE);
    memcpy(end->out[end->n_out], buf, len);
    end->out_len[end->n_out++] = len;
}

static void on_data(void *user, const uint8_t *buf, size_t len)
{
    End *end = user;

    end->n_data++;
    memcpy(end->data, buf, len);
    end->data_len = len;
}

static const StoaDtlsCallbacks callbacks = { on_output, on_data };

static int set_up(void **state)
{
    Pair *pair = g_new0(Pair, 1);

    for (int i = 0; i < 2; i++) {
        pair->certificate[i] = stoa_certificate_new(NULL);
        pair->context[i] = stoa_dtls_context_new(pair->certificate[i], NULL);
    }
    pair->server.link =
        stoa_dtls_link_new(pair->context[0], STOA_DTLS_SERVER, &callbacks, &pair->server);
    pair->client.link =
        stoa_dtls_link_new(pair->context[1], STOA_DTLS_CLIENT, &callbacks, &pair->client);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    Pair *pair = *state;

    stoa_dtls_link_free(pair->server.link);
    stoa_dtls_link_free(pair->client.link);
    for (int i = 0; i < 2; i++) {
        stoa_dtls_context_free(pair->context[i]);
        stoa_certificate_free(pair->certificate[i]);
    }
    g_free(pair);
    return 0;
}

static void expect_each_other(Pair *pair)
{
    stoa_dtls_link_expect(pair->server.link, "sha-256",
                          stoa_certificate_fingerprint(pair->certificate[1]));
    stoa_dtls_link_expect(pair->client.link, "SHA-256",
                          stoa_certificate_fingerprint(pair->certificate[0]));
}

static bool carry(End *from, End *to)
{
    unsigned n = from->n_out;

    from->n_out = 0;
    for (unsigned i = 0; i < n; i++)
        stoa_dtls_link_input(to->link, now_us(), from->out[i], from->out_len[i]);
    return n > 0;
}

static void carry_all(Pair *pair)
{
    while (carry(&pair->client, &pair->server) | carry(&pair->server, &pair->client))
        ;
}

/* Let real time pass until both are connected; false after two seconds. */
static bool run(Pair *pair)
{
    int64_t end_us = now_us() + 2000000;

    while (now_us() < end_us) {
        carry_all(pair);
        if (stoa_dtls_link_state(pair->server.link) == STOA_DTLS_CONNECTED &&
            stoa_dtls_link_state(pair->client.link) == STOA_DTLS_CONNECTED)
            return true;
        if (now_us() >= stoa_dtls_link_deadline_us(pair->server.link, now_us()))
            stoa_dtls_link_tick(pair->server.link, now_us());
        if (now_us() >= stoa_dtls_link_deadline_us(pair->client.link, now_us()))
            stoa_dtls_link_tick(pair->client.link, now_us());
        usleep(5000);
    }
    return false;
}

static void connect_both(Pair *pair)
{
    expect_each_other(pair);
    stoa_dtls_link_start(pair->client.link, now_us());
    assert_true(run(pair));
}

static void both_ends_export_the_same_keys(void **state)
{
    Pair *pair = *state;
    StoaDtlsKeys a, b;

    assert_false(stoa_dtls_link_keys(pair->server.link, &a));
    connect_both(pair);
    assert_true(stoa_dtls_link_keys(pair->server.link, &a));
    assert_true(stoa_dtls_link_keys(pair->client.link, &b));
    assert_int_equal(a.profile, STOA_DTLS_AEAD_AES_128_GCM);
    assert_int_equal(a.salt_len, 12);
    assert_memory_equal(a.local_key, b.remote_key, sizeof(a.local_key));
    assert_memory_equal(a.remote_key, b.local_key, sizeof(a.remote_key));
    assert_memory_equal(a.local_salt, b.remote_salt, a.salt_len);
    assert_memory_equal(a.remote_salt, b.local_salt, a.salt_len);
    assert_memory_not_equal(a.local_key, a.remote_key, sizeof(a.local_key));
    assert_false(stoa_dtls_link_keys(pair->server.link, &a)); /* they are not kept */
}

static void data_passes_both_ways_and_keeps_its_borders(void **state)
{
    Pair *pair = *state;
    static const uint8_t ping[] = "ping", pong[1100] = { 1, 2, 3 };

    assert_false(stoa_dtls_link_send(pair->server.link, ping, sizeof(ping)));
    connect_both(pair);
    assert_true(stoa_dtls_link_send(pair->client.link, ping, sizeof(ping)));
    assert_true(stoa_dtls_link_send(pair->client.link, ping, sizeof(ping)));
    assert_true(stoa_dtls_link_send(pair->server.link, pong, sizeof(pong)));
    carry_all(pair);
    assert_int_equal(pair->server.n_data, 2);
    assert_int_equal(pair->server.data_len, sizeof(ping));
    assert_int_equal(pair->client.data_len, sizeof(pong));
    assert_memory_equal(pair->client.data, pong, sizeof(pong));
}

static void any_single_lost_datagram_costs_less_than_a_second(void **state)
{
    Pair *pair = *state;

    for (unsigned skip = 0; skip < 3; skip++) {
        int64_t from_us;
        void *fresh = NULL;

        set_up(&fresh);
        pair = fresh;
        if (skip == 0)
            pair->client.lose = 1; /* ClientHello */
        else if (skip == 1)
            pair->server.lose = 1; /* ServerHello and what follows it */
        expect_each_other(pair);
        from_us = now_us();
        stoa_dtls_link_start(pair->client.link, now_us());
        if (skip == 2) {
            carry(&pair->client, &pair->server);
            carry(&pair->server, &pair->client);
            carry(&pair->client, &pair->server);
            pair->server.n_out = 0; /* Finished is lost */
        }
        assert_true(run(pair));
        assert_true(now_us() - from_us < 800000);
        tear_down(&fresh);
    }
}

static void a_wrong_fingerprint_gives_no_keys(void **state)
{
    Pair *pair = *state;
    StoaDtlsKeys keys;

    stoa_dtls_link_expect(pair->server.link, "sha-256",
                          stoa_certificate_fingerprint(pair->certificate[0]));
    stoa_dtls_link_start(pair->client.link, now_us());
    carry_all(pair);
    assert_int_equal(stoa_dtls_link_state(pair->server.link), STOA_DTLS_FAILED);
    assert_non_null(strstr(stoa_dtls_link_failure(pair->server.link), "certificate"));
    assert_false(stoa_dtls_link_keys(pair->server.link, &keys));
    assert_false(stoa_dtls_link_send(pair->server.link, (const uint8_t *)"x", 1));
}

static void without_a_fingerprint_it_waits_for_one(void **state)
{
    Pair *pair = *state;
    StoaDtlsKeys keys;

    stoa_dtls_link_expect(pair->client.link, "sha-256",
                          stoa_certificate_fingerprint(pair->certificate[0]));
    stoa_dtls_link_start(pair->client.link, now_us());
    carry_all(pair);
    assert_int_equal(stoa_dtls_link_state(pair->client.link), STOA_DTLS_CONNECTED);
    assert_int_equal(stoa_dtls_link_state(pair->server.link), STOA_DTLS_HANDSHAKE);
    assert_false(stoa_dtls_link_keys(pair->server.link, &keys));
    assert_true(stoa_dtls_link_send(pair->client.link, (const uint8_t *)"early", 5));
    carry_all(pair);
    assert_int_equal(pair->server.n_data, 0);
    assert_int_equal(stoa_dtls_link_tick(pair->server.link, now_us() + 60000000),
                     STOA_DTLS_HANDSHAKE);
    assert_int_equal(stoa_dtls_link_expect(pair->server.link, "sha-256",
                                           stoa_certificate_fingerprint(pair->certificate[1])),
                     STOA_DTLS_CONNECTED);
    assert_true(stoa_dtls_link_keys(pair->server.link, &keys));
}

static void a_close_notify_is_noticed_at_once(void **state)
{
    Pair *pair = *state;
    uint8_t forged[64] = { 21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 77, 0, 26 };

    connect_both(pair);
    assert_int_equal(stoa_dtls_link_input(pair->server.link, now_us(), forged, 39),
                     STOA_DTLS_CONNECTED);
    stoa_dtls_link_close(pair->client.link);
    assert_int_equal(stoa_dtls_link_state(pair->client.link), STOA_DTLS_CLOSED);
    carry_all(pair);
    assert_int_equal(stoa_dtls_link_state(pair->server.link), STOA_DTLS_CLOSED);
}

/* A ClientHello that offers TLS_NULL_WITH_NULL_NULL alone. (CVE-2023-49786 and its kin) */
static size_t null_hello(uint8_t *buf)
{
    static const uint8_t head[] = { 22,   0xfe, 0xfd, 0,  0, 0, 0, 0, 0, 0, 0, 0,  54, /* record */
                                    1,    0,    0,    42, 0, 0, 0, 0, 0, 0, 0, 42, /* handshake */
                                    0xfe, 0xfd };
    static const uint8_t tail[] = { 0, 0, 0, 2, 0, 0, 1, 0 };

    memcpy(buf, head, sizeof(head));
    memset(buf + sizeof(head), 0x5a, 32);
    memcpy(buf + sizeof(head) + 32, tail, sizeof(tail));
    return sizeof(head) + 32 + sizeof(tail);
}

static void a_null_cipher_hello_harms_nobody(void **state)
{
    Pair *pair = *state;
    uint8_t buf[256];
    size_t len = null_hello(buf);

    for (int i = 0; i < 3; i++)
        assert_int_equal(stoa_dtls_link_input(pair->server.link, now_us(), buf, len),
                         STOA_DTLS_HANDSHAKE);
    assert_int_equal(pair->server.n_sent, 0);
    connect_both(pair);
    for (int i = 0; i < 20; i++)
        assert_int_equal(stoa_dtls_link_input(pair->server.link, now_us(), buf, len),
                         STOA_DTLS_CONNECTED);
    assert_true(stoa_dtls_link_send(pair->client.link, (const uint8_t *)"alive", 5));
    carry_all(pair);
    assert_int_equal(pair->server.n_data, 1);
}

static void many_broken_hellos_only_delay_the_honest_one(void **state)
{
    Pair *pair = *state;
    uint8_t buf[256];
    size_t len = null_hello(buf);

    for (int i = 0; i < 200; i++)
        stoa_dtls_link_input(pair->server.link, now_us(), buf, len);
    assert_int_equal(stoa_dtls_link_state(pair->server.link), STOA_DTLS_HANDSHAKE);
    connect_both(pair);
}

static void junk_after_the_handshake_is_ignored(void **state)
{
    Pair *pair = *state;
    uint8_t buf[1500];

    connect_both(pair);
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = 1 + (i * 37) % sizeof(buf);

        for (size_t j = 0; j < len; j++)
            buf[j] = (uint8_t)(i * 31 + j * 7);
        buf[0] = (uint8_t)(20 + i % 44);
        if (len > 13 && i % 2) { /* a believable record */
            const uint8_t head[] = { 0xfe, 0xfd, 0, (uint8_t)(i % 3) };

            memcpy(buf + 1, head, sizeof(head));
            buf[11] = (uint8_t)((len - 13) >> 8);
            buf[12] = (uint8_t)(len - 13);
        }
        assert_int_equal(stoa_dtls_link_input(pair->server.link, now_us(), buf, len),
                         STOA_DTLS_CONNECTED);
    }
    assert_true(stoa_dtls_link_send(pair->client.link, (const uint8_t *)"alive", 5));
    carry_all(pair);
    assert_int_equal(pair->server.n_data, 1);
}

static void a_plain_alert_does_not_end_a_connected_link(void **state)
{
    Pair *pair = *state;
    static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };

    connect_both(pair);
    assert_int_equal(stoa_dtls_link_input(pair->server.link, now_us(), alert, sizeof(alert)),
                     STOA_DTLS_CONNECTED);
}

static void a_handshake_ends_after_fifteen_seconds(void **state)
{
    Pair *pair = *state;

    stoa_dtls_link_start(pair->client.link, now_us());
    pair->server.lose = 1000;
    carry(&pair->client, &pair->server);
    assert_true(stoa_dtls_link_deadline_us(pair->server.link, now_us()) < now_us() + 110000);
    assert_int_equal(stoa_dtls_link_tick(pair->server.link, now_us() + STOA_DTLS_HANDSHAKE_US),
                     STOA_DTLS_FAILED);
    assert_int_equal(stoa_dtls_link_deadline_us(pair->server.link, now_us()), INT64_MAX);
}

static void a_last_flight_that_was_lost_is_sent_again(void **state)
{
    Pair *pair = *state;

    expect_each_other(pair);
    stoa_dtls_link_start(pair->client.link, now_us());
    carry(&pair->client, &pair->server);
    carry(&pair->server, &pair->client);
    carry(&pair->client, &pair->server);
    assert_int_equal(stoa_dtls_link_state(pair->server.link), STOA_DTLS_CONNECTED);
    pair->server.n_out = 0; /* Finished is lost */
    assert_true(run(pair));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(both_ends_export_the_same_keys),
        TEST(data_passes_both_ways_and_keeps_its_borders),
        TEST(any_single_lost_datagram_costs_less_than_a_second),
        TEST(a_wrong_fingerprint_gives_no_keys),
        TEST(without_a_fingerprint_it_waits_for_one),
        TEST(a_close_notify_is_noticed_at_once),
        TEST(a_null_cipher_hello_harms_nobody),
        TEST(many_broken_hellos_only_delay_the_honest_one),
        TEST(junk_after_the_handshake_is_ignored),
        TEST(a_plain_alert_does_not_end_a_connected_link),
        TEST(a_handshake_ends_after_fifteen_seconds),
        TEST(a_last_flight_that_was_lost_is_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
