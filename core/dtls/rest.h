/* SPDX-License-Identifier: MIT */
/* Inside dtls/ only: what remains of a link when OpenSSL's memory is let go (70 KB): our last flight for
 * late repeats, and the record keys that read and write a close_notify. (RFC 6347, RFC 5288) */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STOA_DTLS_FLIGHT = 1600, /* bytes kept of a flight; a longer one is not kept */
    STOA_DTLS_FLIGHT_DATAGRAMS = 8,
};

/* Datagrams of one flight, one behind the other. */
typedef struct {
    size_t len;
    unsigned n;
    uint16_t lens[STOA_DTLS_FLIGHT_DATAGRAMS];
    uint8_t bytes[STOA_DTLS_FLIGHT];
} StoaDtlsFlight;

/** Keep a copy of one more datagram; `len` 0 in the flight starts a new one. */
void stoa_dtls_flight_add(StoaDtlsFlight *flight, const uint8_t *buf, size_t len);

/** Send them all again. */
void stoa_dtls_flight_send(const StoaDtlsFlight *flight,
                           void (*output)(void *user, const uint8_t *buf, size_t len), void *user);

typedef struct StoaDtlsRest StoaDtlsRest;

typedef enum {
    STOA_DTLS_REST_NOTHING,
    STOA_DTLS_REST_REPEAT, /* the peer has not seen our last flight: send it again */
} StoaDtlsRestVerdict;

/** Take what is needed out of a finished handshake; `ssl` is borrowed. */
StoaDtlsRest *stoa_dtls_rest_new(SSL *ssl, bool is_client);
void stoa_dtls_rest_free(StoaDtlsRest *rest);

/** Look at one datagram of records. At most 20 repeats are asked for, within 10 s of the first. */
StoaDtlsRestVerdict stoa_dtls_rest_input(StoaDtlsRest *rest, int64_t now_us, const uint8_t *buf,
                                         size_t len);

/** Has an alert with a valid seal come? */
bool stoa_dtls_rest_is_closed(const StoaDtlsRest *rest);

/** Has an alert come that cannot be read, the cipher being another than AES-128-GCM? */
bool stoa_dtls_rest_is_doubtful(const StoaDtlsRest *rest);

/** Seal and send close_notify, if the cipher is known. */
void stoa_dtls_rest_close(StoaDtlsRest *rest,
                          void (*output)(void *user, const uint8_t *buf, size_t len), void *user);
