/* SPDX-License-Identifier: MIT */
/* Inside dtls/ only: the sealed records after the handshake, so that OpenSSL's object (70 KB) can be let go.
 * DTLS 1.2 with an AEAD, epoch 1, in both directions. No I/O, no clock. (RFC 6347, RFC 5288, RFC 7905) */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOA_DTLS_HEADER = 13, /* type, version, epoch, sequence, length */
    STOA_DTLS_RECORD =
        2048, /* bytes of the longest record that is opened or sealed: a datagram holds no more */
    STOA_DTLS_OVERHEAD = STOA_DTLS_HEADER + 8 + 16, /* bytes that sealing adds, at most */

    STOA_DTLS_CHANGE_CIPHER = 20,
    STOA_DTLS_ALERT = 21,
    STOA_DTLS_SHAKE = 22,
    STOA_DTLS_DATA = 23,
};

/* The last record that OpenSSL sealed: where we go on. A nonce used twice would break GCM for good. */
typedef struct {
    bool any;
    uint64_t sequence; /* in epoch 1 */
    uint64_t nonce;    /* GCM: the explicit part, which OpenSSL starts at random and counts up */
} StoaDtlsSent;

typedef struct StoaDtlsRecords StoaDtlsRecords;

typedef enum {
    STOA_DTLS_SEEN_SHAKE =
        1 << 0, /* something of a handshake: the peer may have missed our last flight */
    STOA_DTLS_SEEN_CLOSED = 1 << 1, /* close_notify or a fatal alert, with a valid seal */
} StoaDtlsSeen;

/** Note what a datagram of OpenSSL's holds of epoch 1. */
void stoa_dtls_sent_note(StoaDtlsSent *sent, const uint8_t *buf, size_t len);

/**
 * Take the keys out of a finished handshake.
 *
 * @ssl   borrowed
 * @sent  what OpenSSL sealed so far: at least our Finished
 *
 * Returns NULL if the cipher is not one of context.c's list, or nothing was sealed yet.
 */
StoaDtlsRecords *stoa_dtls_records_new(SSL *ssl, bool is_client, const StoaDtlsSent *sent);
void stoa_dtls_records_free(StoaDtlsRecords *records);

/**
 * Open the records of one datagram. What is forged, of another epoch, or came before is dropped.
 *
 * @data  called for each record of application data; its bytes are borrowed; may be NULL
 *
 * Returns what else was in it.
 */
StoaDtlsSeen stoa_dtls_records_open(StoaDtlsRecords *records, const uint8_t *buf, size_t len,
                                    void (*data)(void *user, const uint8_t *buf, size_t len),
                                    void *user);

/**
 * Seal one record.
 *
 * @out  room for `len` and STOA_DTLS_OVERHEAD more
 *
 * Returns its bytes; 0 if it is too long or all numbers are used up.
 */
size_t stoa_dtls_records_seal(StoaDtlsRecords *records, uint8_t type, const uint8_t *buf,
                              size_t len, uint8_t *out);
