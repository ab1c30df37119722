/* SPDX-License-Identifier: MIT */
/* What is measured of a peer's streams. */
#include "media/figures.h"

#include "media/downlink.h"
#include "media/outlet.h"
#include "media/peer.h"

#include <string.h>

#include "base/poison.h"

enum { FRESH_US = 2500000 /* a bit rate that is older says nothing */ };

static void fill_in(StoaFigure *row, const StoaFeed *feed, const StoaSource *source, int64_t now_us)
{
    uint64_t lost =
        stoa_report_rx_lost(&source->rx) > 0 ? (uint64_t)stoa_report_rx_lost(&source->rx) : 0;

    g_strlcpy(row->mid, feed->row.mid, sizeof row->mid);
    row->is_held = feed->is_muted;
    row->kind = feed->kind;
    row->codec = feed->codec;
    row->substream = feed->n_encodings > 1 ? (int)feed->n_encodings - 1 - source->encoding : -1;
    row->temporal = -1;
    row->packets = source->n_packets;
    row->bytes = source->n_bytes;
    row->lost = lost;
    row->loss = lost > 0 ? (double)lost / (double)(lost + source->n_packets) : 0;
    row->asked = source->nack ? source->nack->n_asked : 0;
    row->served = source->n_recovered;
    row->bps = stoa_source_is_flowing(source, now_us) ? source->bps : 0;
    row->jitter_us = (uint32_t)stoa_report_rx_jitter_us(&source->rx);
    row->rtt_us = stoa_source_rtt_us(source);
}

static void fill_out(StoaFigure *row, const StoaOutlet *outlet, int64_t now_us)
{
    bool is_fresh = now_us - outlet->tallied_us < FRESH_US;

    g_strlcpy(row->mid, outlet->row.mid, sizeof row->mid);
    row->is_out = true;
    row->is_held = outlet->is_paused;
    row->kind = outlet->row.kind;
    row->codec = outlet->row.codec;
    row->substream = outlet->told_substream;
    row->temporal = outlet->told_temporal;
    row->packets = outlet->n_packets;
    row->bytes = outlet->n_bytes;
    row->lost = outlet->lost > 0 ? (uint64_t)outlet->lost : 0;
    row->loss = outlet->fraction_lost / 256.0;
    row->asked = outlet->n_nacked;
    row->served = outlet->n_resent;
    row->bps = is_fresh ? outlet->bps : 0;
    if (outlet->row.clock_hz > 0)
        row->jitter_us = (uint32_t)((uint64_t)outlet->jitter * 1000000 / outlet->row.clock_hz);
}

static unsigned n_streams(const StoaPeer *peer)
{
    unsigned n = peer->n_outlets;

    for (unsigned i = 0; i < peer->n_feeds; i++)
        n += peer->feeds[i]->n_encodings;
    return n;
}

StoaFigures *stoa_figures_new(const StoaPeer *peer)
{
    int64_t now_us = peer->worker->now_us;
    StoaFigures *figures =
        g_malloc0(sizeof *figures + n_streams(peer) * sizeof figures->streams[0]);

    figures->rtt_us = peer->rtt_us;
    figures->estimate_bps = stoa_downlink_estimate_bps(peer->downlink);
    for (unsigned i = 0; i < peer->n_feeds; i++) {
        const StoaFeed *feed = peer->feeds[i];
        for (unsigned k = 0; k < feed->n_encodings; k++) {
            if (feed->sources[k])
                fill_in(&figures->streams[figures->n++], feed, feed->sources[k], now_us);
        }
    }
    for (unsigned i = 0; i < peer->n_outlets; i++) {
        if (peer->outlets[i]->has_row)
            fill_out(&figures->streams[figures->n++], peer->outlets[i], now_us);
    }
    return figures;
}
