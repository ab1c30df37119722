/* SPDX-License-Identifier: MIT */
/* Looked at once a second. */
#include "media/gauges.h"

#include "base/metric.h"
#include "media/downlink.h"
#include "media/peer.h"

#include "base/poison.h"

static StoaMetricCell *states[STOA_PEER_N_STATES];
static StoaMetricHistogram *estimates, *lags[STOA_MAX_WORKERS];

void stoa_gauges_init(unsigned n_workers)
{
    static const int64_t estimate_bounds[] = { 100000,  300000,  600000,  1000000,
                                               2000000, 5000000, 10000000 }; /* bit/s */
    static const StoaMetricScale estimate_scale = {
        "stoa_media_estimate_bytes_per_second",
        "What can be sent to a peer, each of them once a second", STOA_METRIC_BITS, estimate_bounds,
        G_N_ELEMENTS(estimate_bounds)
    };

    for (unsigned state = STOA_PEER_CHECKING; state < STOA_PEER_N_STATES; state++)
        states[state] = stoa_metric_gauge("stoa_media_peers", "PeerConnections by state", "state",
                                          stoa_peer_state_name((StoaPeerState)state), NULL);
    estimates = stoa_metric_histogram(&estimate_scale, NULL);
    for (unsigned i = 0; i < MIN(n_workers, STOA_MAX_WORKERS); i++) {
        g_autofree char *name = g_strdup_printf("worker-%u", i);

        lags[i] = stoa_metric_loop_lag(name);
    }
}

static void note_states(StoaWorker *w, const int64_t *n)
{
    for (unsigned state = STOA_PEER_CHECKING; state < STOA_PEER_N_STATES; state++) {
        if (n[state] != w->n_told[state])
            stoa_metric_add(states[state], n[state] - w->n_told[state]);
        w->n_told[state] = n[state];
    }
}

void stoa_gauges_note(StoaWorker *w)
{
    int64_t n[STOA_PEER_N_STATES] = { 0 };
    GHashTableIter iter;
    gpointer value;

    if (!estimates) /* a unit test's */
        return;
    g_hash_table_iter_init(&iter, w->peers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StoaPeer *peer = value;
        uint32_t bps = stoa_downlink_estimate_bps(peer->downlink);

        n[peer->state]++;
        if (peer->state == STOA_PEER_READY && bps > 0)
            stoa_metric_observe(estimates, bps);
    }
    note_states(w, n);
    if (lags[w->index])
        stoa_metric_observe(lags[w->index], w->late_us);
    w->late_us = 0;
}
