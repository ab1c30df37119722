/* SPDX-License-Identifier: MIT */
#include "media/handshake.h"

#include <string.h>

#include "media/peer.h"

#include "base/poison.h"

enum {
    SLICE_US = 1000,
    MAX_WAITING = 2048, /* datagrams: who is not heard repeats it */
    MAX_EACH = 16,      /* of one peer: a flight has fewer, who sends more keeps others out */
};

typedef struct {
    StoaPeerId peer;
    size_t len;
    uint8_t buf[];
} Waiting;

void stoa_handshake_wait(StoaWorker *w, StoaPeer *peer, const uint8_t *buf, size_t len)
{
    Waiting *waiting;

    if (w->handshakes.length >= MAX_WAITING || peer->n_waiting >= MAX_EACH) {
        stoa_count(&w->counters, STOA_DROP_POOL, 1);
        return;
    }
    waiting = g_malloc(sizeof(*waiting) + len);
    waiting->peer = peer->id;
    waiting->len = len;
    memcpy(waiting->buf, buf, len);
    peer->n_waiting++;
    g_queue_push_tail(&w->handshakes, waiting);
}

void stoa_handshake_run(StoaWorker *w)
{
    int64_t end_us = g_get_monotonic_time() + SLICE_US;
    Waiting *waiting;

    while ((waiting = g_queue_pop_head(&w->handshakes))) {
        StoaPeer *peer = stoa_worker_peer(w, waiting->peer);

        if (peer) {
            peer->n_waiting--;
            stoa_peer_dtls(peer, waiting->buf, waiting->len);
        }
        g_free(waiting);
        if (g_get_monotonic_time() >= end_us)
            return;
    }
}

void stoa_handshake_clear(StoaWorker *w)
{
    g_queue_clear_full(&w->handshakes, g_free);
}
