/* SPDX-License-Identifier: MIT */
#include "dtls/flight.h"

#include <glib.h>
#include <string.h>

#include "base/poison.h"

void stoa_dtls_flight_add(StoaDtlsFlight *flight, const uint8_t *buf, size_t len)
{
    if (flight->len == 0)
        flight->n = 0;
    if (flight->n == STOA_DTLS_FLIGHT_DATAGRAMS || len > STOA_DTLS_FLIGHT - flight->len)
        return;
    if (!flight->bytes)
        flight->bytes = g_malloc(STOA_DTLS_FLIGHT);
    memcpy(flight->bytes + flight->len, buf, len);
    flight->lens[flight->n++] = (uint16_t)len;
    flight->len += len;
}

void stoa_dtls_flight_settle(StoaDtlsFlight *flight)
{
    if (flight->bytes)
        flight->bytes = g_realloc(flight->bytes, MAX(flight->len, 1));
}

void stoa_dtls_flight_clear(StoaDtlsFlight *flight)
{
    g_free(flight->bytes);
    *flight = (StoaDtlsFlight){ 0 };
}

void stoa_dtls_flight_send(const StoaDtlsFlight *flight,
                           void (*output)(void *user, const uint8_t *buf, size_t len), void *user)
{
    size_t at = 0;

    for (unsigned i = 0; flight->len > 0 && i < flight->n; i++) {
        output(user, flight->bytes + at, flight->lens[i]);
        at += flight->lens[i];
    }
}
