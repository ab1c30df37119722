/* SPDX-License-Identifier: MIT */
#include "dtls/flight.h"

#include <string.h>

#include "base/poison.h"

void stoa_dtls_flight_add(StoaDtlsFlight *flight, const uint8_t *buf, size_t len)
{
    if (flight->len == 0)
        flight->n = 0;
    if (flight->n == STOA_DTLS_FLIGHT_DATAGRAMS || len > sizeof(flight->bytes) - flight->len)
        return;
    memcpy(flight->bytes + flight->len, buf, len);
    flight->lens[flight->n++] = (uint16_t)len;
    flight->len += len;
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
