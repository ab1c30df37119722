/* SPDX-License-Identifier: MIT */
#include "media/counters.h"

#include <glib.h>

#include "base/metric.h"
#include "media/worker.h"

#include "base/poison.h"

typedef struct {
    const char *name, *help, *label, *value;
} Row;

#define DROP "stoa_media_drop_packets_total", "Packets dropped by the media workers", "reason"

static const Row rows[STOA_COUNT_N] = {
    [STOA_COUNT_IN_PACKETS] = { "stoa_media_received_packets_total", "RTP packets received" },
    [STOA_COUNT_IN_BYTES] = { "stoa_media_received_bytes_total", "Bytes of RTP packets received" },
    [STOA_COUNT_OUT_PACKETS] = { "stoa_media_sent_packets_total", "RTP packets sent" },
    [STOA_COUNT_OUT_BYTES] = { "stoa_media_sent_bytes_total", "Bytes of RTP packets sent" },
    [STOA_COUNT_RTX_SERVED] = { "stoa_media_retransmitted_packets_total",
                                "Packets sent again on request" },
    [STOA_COUNT_RTX_MISSED] = { "stoa_media_retransmit_missed_packets_total",
                                "Packets asked for again that were not there any more" },
    [STOA_COUNT_NACK_IN] = { "stoa_media_nack_received_total", "NACK packets from subscribers" },
    [STOA_COUNT_NACK_OUT] = { "stoa_media_nack_sent_total", "NACK packets to publishers" },
    [STOA_COUNT_PLI_IN] = { "stoa_media_keyframe_requests_received_total",
                            "Keyframe requests from subscribers" },
    [STOA_COUNT_PLI_OUT] = { "stoa_media_keyframe_requests_sent_total",
                             "Keyframe requests to publishers" },
    [STOA_COUNT_RELAYED] = { "stoa_media_relayed_packets_total",
                             "Packets handed to other workers" },
    [STOA_COUNT_RECOVERED] = { "stoa_media_recovered_packets_total",
                               "Packets of publishers recovered by retransmission" },
    [STOA_DROP_STRANGER] = { DROP, "stranger" },
    [STOA_DROP_JUNK] = { DROP, "junk" },
    [STOA_DROP_EARLY] = { DROP, "early" },
    [STOA_DROP_AUTH] = { DROP, "auth" },
    [STOA_DROP_REPLAY] = { DROP, "replay" },
    [STOA_DROP_UNKNOWN] = { DROP, "unknown_ssrc" },
    [STOA_DROP_PAYLOAD] = { DROP, "payload_type" },
    [STOA_DROP_DUPLICATE] = { DROP, "duplicate" },
    [STOA_DROP_LATE] = { DROP, "late" },
    [STOA_DROP_POOL] = { DROP, "pool" },
    [STOA_DROP_SEND] = { DROP, "send" },
    [STOA_DROP_FULL] = { DROP, "socket_full" },
    [STOA_DROP_REFUSED] = { DROP, "refused" },
    [STOA_DROP_OVERFLOW] = { DROP, "receive_overflow" },
};

static StoaMetricCell *cells[STOA_MAX_WORKERS][STOA_COUNT_N];

/* Drops are told by worker: each has a socket of its own that can run over. */
static StoaMetricCell *cell_of(const Row *row, const char *worker)
{
    if (!row->label)
        return stoa_metric_counter(row->name, row->help, NULL);
    return stoa_metric_counter(row->name, row->help, row->label, row->value, "worker", worker,
                               NULL);
}

void stoa_counters_init(unsigned n_workers)
{
    for (unsigned worker = 0; worker < MIN(n_workers, STOA_MAX_WORKERS); worker++) {
        char name[12];

        g_snprintf(name, sizeof name, "%u", worker);
        for (unsigned i = 0; i < STOA_COUNT_N; i++)
            cells[worker][i] = cell_of(&rows[i], name);
    }
}

void stoa_counters_flush(StoaCounters *counters, unsigned worker)
{
    for (unsigned i = 0; i < STOA_COUNT_N; i++) {
        uint64_t n = counters->now[i] - counters->told[i];

        if (n > 0)
            stoa_metric_add(cells[worker][i], (int64_t)n);
        counters->told[i] = counters->now[i];
    }
}
