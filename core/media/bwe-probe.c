/* SPDX-License-Identifier: MIT */
#include "media/bwe-probe.h"

#include "base/poison.h"

#define LENGTH_US   40000  /* of sending */
#define LONGER_US   200000 /* at most, to get so many bytes out where a bucket may take the first: */
#define BYTES       10000
#define PATIENCE_US 600000 /* for the feedback after it */
#define MIN_PACKETS 5
#define MIN_SHARE   0.7 /* of the packets must have come */

static int64_t length_us(uint32_t target_bps, bool thorough)
{
    int64_t us = target_bps > 0 ? INT64_C(8000000) * BYTES / target_bps : 0;

    if (!thorough || us < LENGTH_US)
        return LENGTH_US;
    return us > LONGER_US ? LONGER_US : us;
}

void stoa_bwe_probe_begin(StoaBweProbe *probe, uint32_t target_bps, bool thorough, int64_t now_us)
{
    uint8_t cluster = (uint8_t)(probe->cluster == UINT8_MAX ? 1 : probe->cluster + 1);

    *probe = (StoaBweProbe){ .cluster = cluster,
                             .is_running = true,
                             .target_bps = target_bps,
                             .length_us = length_us(target_bps, thorough),
                             .begun_us = now_us };
}

void stoa_bwe_probe_stop(StoaBweProbe *probe, int64_t now_us)
{
    if (!probe->is_running || probe->is_sent)
        return;
    probe->is_sent = true;
    probe->ended_us = now_us;
}

static uint64_t bytes_until(const StoaBweProbe *probe, int64_t us)
{
    return (uint64_t)probe->target_bps * (uint64_t)us / 8000000;
}

/* One time slot is due at the start, so that the last falls on the end. */
size_t stoa_bwe_probe_due(StoaBweProbe *probe, int64_t now_us)
{
    int64_t us = now_us - probe->begun_us;
    uint64_t due;

    if (!probe->is_running || probe->is_sent)
        return 0;
    if (us >= probe->length_us && probe->n_sent >= MIN_PACKETS) {
        stoa_bwe_probe_stop(probe, now_us);
        return 0;
    }
    due = bytes_until(probe, us + LENGTH_US / 4);
    return due > probe->bytes_sent ? (size_t)(due - probe->bytes_sent) : 0;
}

void stoa_bwe_probe_sent(StoaBweProbe *probe, unsigned size, int64_t now_us)
{
    if (probe->last_sent_us != now_us)
        probe->last_sent_bytes = 0;
    probe->last_sent_us = now_us;
    probe->last_sent_bytes += size;
    probe->n_sent++;
    probe->bytes_sent += size;
}

static void note_arrival(StoaBweArrivals *arrivals, unsigned size, int64_t at_us)
{
    if (arrivals->n == 0 || at_us < arrivals->first_us) {
        arrivals->first_us = at_us;
        arrivals->first_bytes = size;
    }
    if (arrivals->n == 0 || at_us > arrivals->last_us)
        arrivals->last_us = at_us;
    arrivals->n++;
    arrivals->bytes += size;
}

void stoa_bwe_probe_received(StoaBweProbe *probe, uint8_t cluster, unsigned size, int64_t sent_us,
                             int64_t arrival_us)
{
    if (!probe->is_running || cluster != probe->cluster)
        return;
    note_arrival(&probe->all, size, arrival_us);
    if (sent_us - probe->begun_us >= probe->length_us / 2)
        note_arrival(&probe->late, size, arrival_us);
}

void stoa_bwe_probe_lost(StoaBweProbe *probe, uint8_t cluster)
{
    if (probe->is_running && cluster == probe->cluster)
        probe->n_lost++;
}

static uint32_t rate(uint64_t bytes, int64_t us)
{
    return us > 0 ? (uint32_t)(bytes * 8000000 / (uint64_t)us) : 0;
}

/* What left in the last burst took no time yet when it left. */
static uint32_t sent_bps(const StoaBweProbe *probe)
{
    return rate(probe->bytes_sent - probe->last_sent_bytes, probe->last_sent_us - probe->begun_us);
}

uint32_t stoa_bwe_probe_tried_bps(const StoaBweProbe *probe)
{
    uint32_t bps = sent_bps(probe);

    return bps < probe->target_bps ? bps : probe->target_bps;
}

/* The first packet had no time yet on arrival. UINT32_MAX: too little came, or all at once. */
static uint32_t arrived_bps(const StoaBweArrivals *arrivals)
{
    uint32_t bps =
        rate(arrivals->bytes - arrivals->first_bytes, arrivals->last_us - arrivals->first_us);

    return arrivals->n < MIN_PACKETS || bps == 0 ? UINT32_MAX : bps;
}

/* What a bucket let pass at once is in the first half. */
static uint32_t evaluate(const StoaBweProbe *probe)
{
    uint32_t out = sent_bps(probe), all = arrived_bps(&probe->all), late = all;

    if (probe->all.n < MIN_PACKETS || out == 0)
        return 0;
    if (probe->length_us > LENGTH_US)
        late = arrived_bps(&probe->late);
    all = late < all ? late : all;
    return all < out ? all : out;
}

bool stoa_bwe_probe_result(StoaBweProbe *probe, int64_t now_us, uint32_t *bps)
{
    bool is_whole = probe->all.n + probe->n_lost >= probe->n_sent;

    if (!probe->is_running || !probe->is_sent)
        return false;
    if (!is_whole && now_us - probe->ended_us < PATIENCE_US)
        return false;
    probe->is_running = false;
    *bps = probe->all.n >= MIN_SHARE * probe->n_sent ? evaluate(probe) : 0;
    return true;
}
