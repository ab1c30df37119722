/* SPDX-License-Identifier: MIT */
/* OpenSSL at one end, our records at the other, with every cipher and in both roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib.h>
#include <string.h>

#include "dtls/context.h"
#include "dtls/records.h"

enum { QUEUE = 16, MAX = 2048 };

/* An SSL object with the datagrams that it sent. */
typedef struct {
    StoaCertificate *certificate;
    StoaDtlsContext *context;
    StoaDtlsPipe pipe;
    SSL *ssl;
    StoaDtlsSent sent;
    unsigned n_out;
    size_t out_len[QUEUE];
    uint8_t out[QUEUE][MAX];
} End;

typedef struct {
    End ours, theirs;
    StoaDtlsRecords *records; /* of `ours` */
    unsigned n_data;
    uint8_t data[MAX];
    size_t data_len;
} Bed;

static void on_output(void *user, const uint8_t *buf, size_t len)
{
    End *end = user;

    stoa_dtls_sent_note(&end->sent, buf, len);
    assert_true(end->n_out < QUEUE && len <= MAX);
    memcpy(end->out[end->n_out], buf, len);
    end->out_len[end->n_out++] = len;
}

static void end_init(End *end, const char *cipher)
{
    end->certificate = stoa_certificate_new(NULL);
    end->context = stoa_dtls_context_new(end->certificate, NULL);
    end->pipe.output = on_output;
    end->pipe.user = end;
    end->ssl = stoa_dtls_context_open(end->context, &end->pipe);
    assert_int_equal(SSL_set_cipher_list(end->ssl, cipher), 1);
}

static void end_clear(End *end)
{
    SSL_free(end->ssl);
    stoa_dtls_context_free(end->context);
    stoa_certificate_free(end->certificate);
}

static void shake(End *from, End *to)
{
    unsigned n = from->n_out;

    from->n_out = 0;
    SSL_do_handshake(to->ssl);
    for (unsigned i = 0; i < n; i++) {
        to->pipe.in = from->out[i];
        to->pipe.in_len = from->out_len[i];
        SSL_do_handshake(to->ssl);
    }
}

static Bed *bed_new(const char *cipher, bool is_client)
{
    Bed *bed = g_new0(Bed, 1);

    end_init(&bed->ours, cipher);
    end_init(&bed->theirs, cipher);
    if (is_client) {
        SSL_set_connect_state(bed->ours.ssl);
        SSL_set_accept_state(bed->theirs.ssl);
    } else {
        SSL_set_accept_state(bed->ours.ssl);
        SSL_set_connect_state(bed->theirs.ssl);
    }
    for (unsigned i = 0; i < 10; i++) {
        shake(&bed->ours, &bed->theirs);
        shake(&bed->theirs, &bed->ours);
    }
    assert_true(SSL_is_init_finished(bed->ours.ssl) && SSL_is_init_finished(bed->theirs.ssl));
    assert_string_equal(SSL_get_cipher_name(bed->ours.ssl), cipher);
    bed->records = stoa_dtls_records_new(bed->ours.ssl, is_client, &bed->ours.sent);
    assert_non_null(bed->records);
    g_clear_pointer(&bed->ours.ssl, SSL_free);
    return bed;
}

static void bed_free(Bed *bed)
{
    stoa_dtls_records_free(bed->records);
    end_clear(&bed->ours);
    end_clear(&bed->theirs);
    g_free(bed);
}

static void on_data(void *user, const uint8_t *buf, size_t len)
{
    Bed *bed = user;

    bed->n_data++;
    memcpy(bed->data, buf, len);
    bed->data_len = len;
}

/* OpenSSL seals `len` bytes; the datagram is the last of `theirs`. */
static void theirs_seal(Bed *bed, const void *buf, size_t len)
{
    bed->theirs.n_out = 0;
    assert_int_equal(SSL_write(bed->theirs.ssl, buf, (int)len), (int)len);
    assert_int_equal(bed->theirs.n_out, 1);
}

static StoaDtlsSeen ours_open(Bed *bed)
{
    return stoa_dtls_records_open(bed->records, bed->theirs.out[0], bed->theirs.out_len[0], on_data,
                                  bed);
}

/* We seal, OpenSSL opens; returns what SSL_read() does. */
static int theirs_open(Bed *bed, uint8_t type, const void *buf, size_t len, uint8_t *plain)
{
    uint8_t record[STOA_DTLS_RECORD];

    bed->theirs.pipe.in = record;
    bed->theirs.pipe.in_len = stoa_dtls_records_seal(bed->records, type, buf, len, record);
    assert_true(bed->theirs.pipe.in_len > len);
    return SSL_read(bed->theirs.ssl, plain, MAX);
}

static void check_cipher(const char *cipher, bool is_client)
{
    Bed *bed = bed_new(cipher, is_client);
    static const uint8_t close_notify[] = { 1, 0 };
    uint8_t buf[1200], plain[MAX];

    for (unsigned i = 0; i < 200; i++) {
        size_t len = 1 + i * 37 % sizeof(buf);

        memset(buf, (int)i, sizeof(buf));
        theirs_seal(bed, buf, len);
        assert_int_equal(ours_open(bed), 0);
        assert_int_equal(bed->data_len, len);
        assert_memory_equal(bed->data, buf, len);
        assert_int_equal(theirs_open(bed, STOA_DTLS_DATA, buf, len, plain), (int)len);
        assert_memory_equal(plain, buf, len);
    }
    assert_int_equal(bed->n_data, 200);
    bed->theirs.n_out = 0;
    SSL_shutdown(bed->theirs.ssl);
    assert_int_equal(ours_open(bed), STOA_DTLS_SEEN_CLOSED);
    assert_int_equal(theirs_open(bed, STOA_DTLS_ALERT, close_notify, 2, plain), 0);
    assert_int_equal(SSL_get_error(bed->theirs.ssl, 0), SSL_ERROR_ZERO_RETURN);
    bed_free(bed);
}

static void data_and_goodbye_pass_with_every_cipher(void **unused G_GNUC_UNUSED)
{
    static const char *const ciphers[] = {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        check_cipher(ciphers[i], false);
        check_cipher(ciphers[i], true);
    }
}

static uint64_t number(const uint8_t *p, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static void numbers_and_nonces_go_on_where_openssl_stopped(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new("ECDHE-ECDSA-AES128-GCM-SHA256", false);
    const StoaDtlsSent *sent = &bed->ours.sent;
    uint8_t record[STOA_DTLS_RECORD];

    assert_true(sent->any);
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(stoa_dtls_records_seal(bed->records, STOA_DTLS_DATA, record, 0, record),
                         STOA_DTLS_OVERHEAD);
        assert_int_equal(number(record + 5, 6), sent->sequence + i);
        assert_int_equal(number(record + STOA_DTLS_HEADER, 8), sent->nonce + i);
    }
    assert_int_equal(
        stoa_dtls_records_seal(bed->records, STOA_DTLS_DATA, record, STOA_DTLS_RECORD, record), 0);
    bed_free(bed);
}

static void nothing_is_opened_twice(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new("ECDHE-ECDSA-AES128-GCM-SHA256", false);
    uint8_t first[MAX], second[MAX];
    size_t first_len, second_len;

    theirs_seal(bed, "first", 5);
    memcpy(first, bed->theirs.out[0], first_len = bed->theirs.out_len[0]);
    theirs_seal(bed, "second", 6);
    memcpy(second, bed->theirs.out[0], second_len = bed->theirs.out_len[0]);
    for (unsigned i = 0; i < 3; i++)
        stoa_dtls_records_open(bed->records, second, second_len, on_data, bed);
    assert_int_equal(bed->n_data, 1);
    for (unsigned i = 0; i < 3; i++) /* late, but new */
        stoa_dtls_records_open(bed->records, first, first_len, on_data, bed);
    assert_int_equal(bed->n_data, 2);
    theirs_seal(bed, "held back", 9);
    memcpy(first, bed->theirs.out[0], first_len = bed->theirs.out_len[0]);
    for (unsigned i = 0; i < 64; i++) {
        theirs_seal(bed, "x", 1);
        ours_open(bed);
    }
    assert_int_equal(bed->n_data, 66);
    stoa_dtls_records_open(bed->records, first, first_len, on_data, bed); /* too late */
    assert_int_equal(bed->n_data, 66);
    bed_free(bed);
}

static void a_changed_byte_is_noticed_and_moves_nothing(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new("ECDHE-ECDSA-CHACHA20-POLY1305", false);
    uint8_t *record = bed->theirs.out[0];

    theirs_seal(bed, "hello", 5);
    for (unsigned i = 0; i < bed->theirs.out_len[0]; i++) {
        record[i] ^= 0x40;
        ours_open(bed);
        record[i] ^= 0x40;
    }
    assert_int_equal(bed->n_data, 0);
    for (size_t len = 0; len < bed->theirs.out_len[0]; len++)
        stoa_dtls_records_open(bed->records, record, len, on_data, bed);
    assert_int_equal(bed->n_data, 0);
    ours_open(bed);
    assert_int_equal(bed->n_data, 1);
    bed_free(bed);
}

static void several_records_of_a_datagram_are_all_read(void **unused G_GNUC_UNUSED)
{
    Bed *bed = bed_new("ECDHE-ECDSA-AES128-GCM-SHA256", false);
    static const uint8_t finished[] = { 22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9 };
    uint8_t buf[MAX];
    size_t len = 0;

    for (unsigned i = 0; i < 3; i++) {
        theirs_seal(bed, "hello", 5);
        memcpy(buf + len, bed->theirs.out[0], bed->theirs.out_len[0]);
        len += bed->theirs.out_len[0];
    }
    memcpy(buf + len, finished, sizeof(finished));
    len += sizeof(finished);
    assert_int_equal(stoa_dtls_records_open(bed->records, buf, len, on_data, bed),
                     STOA_DTLS_SEEN_SHAKE);
    assert_int_equal(bed->n_data, 3);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_and_goodbye_pass_with_every_cipher),
        cmocka_unit_test(numbers_and_nonces_go_on_where_openssl_stopped),
        cmocka_unit_test(nothing_is_opened_twice),
        cmocka_unit_test(a_changed_byte_is_noticed_and_moves_nothing),
        cmocka_unit_test(several_records_of_a_datagram_are_all_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
