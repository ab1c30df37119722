/* SPDX-License-Identifier: MIT */
/* Handshakes that wait for their turn: each costs as much as a hundred packets forwarded, and when a whole class comes in
 * at once the class that runs must not hear of it. */
#pragma once

#include "media/worker.h"

/** A DTLS datagram came for a peer that is not up yet: it is copied, and read when media has been sent. */
void stoa_handshake_wait(StoaWorker *w, StoaPeer *peer, const uint8_t *buf, size_t len);

/** Read some of what waits, for about a millisecond. Called at the end of a turn. */
void stoa_handshake_run(StoaWorker *w);

static inline bool stoa_handshake_is_waiting(const StoaWorker *w)
{
    return w->handshakes.length > 0;
}

/** Drop what waits. */
void stoa_handshake_clear(StoaWorker *w);
