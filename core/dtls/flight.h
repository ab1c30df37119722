/* SPDX-License-Identifier: MIT */
/* Inside dtls/ only: a copy of our last flight. OpenSSL is gone when a peer that missed it asks again. (RFC 6347, 4.2.4) */
#pragma once

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
    uint8_t *bytes; /* NULL: nothing was kept yet */
} StoaDtlsFlight;

/** Keep a copy of one more datagram; `len` 0 in the flight starts a new one. */
void stoa_dtls_flight_add(StoaDtlsFlight *flight, const uint8_t *buf, size_t len);

/** It was the last flight: keep no more memory than it needs. */
void stoa_dtls_flight_settle(StoaDtlsFlight *flight);

/** Free its memory. */
void stoa_dtls_flight_clear(StoaDtlsFlight *flight);

/** Send them all again. */
void stoa_dtls_flight_send(const StoaDtlsFlight *flight,
                           void (*output)(void *user, const uint8_t *buf, size_t len), void *user);
