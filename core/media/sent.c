/* SPDX-License-Identifier: MIT */
#include "media/sent.h"

#include <glib.h>

#include "rtp/seq.h"

#include "base/poison.h"

static StoaSentPacket *slot_of(const StoaSentLog *log, uint64_t number)
{
    return &log->packets[number & (log->n_slots - 1)];
}

void stoa_sent_init(StoaSentLog *log)
{
    *log = (StoaSentLog){ .packets = g_new0(StoaSentPacket, STOA_SENT_FIRST),
                          .n_slots = STOA_SENT_FIRST };
}

void stoa_sent_clear(StoaSentLog *log)
{
    g_clear_pointer(&log->packets, g_free);
    *log = (StoaSentLog){ 0 };
}

static bool is_young(const StoaSentPacket *packet, int64_t now_us)
{
    return packet->state == STOA_SENT_WAITING &&
           now_us - stoa_sent_time_us(packet, now_us) < STOA_SENT_US;
}

/* Numbers that were given to packets nobody told of are no packets of ours. */
static void skip_to(StoaSentLog *log, uint64_t number)
{
    uint64_t first = number - MIN(number - log->newest, log->n_slots);

    for (uint64_t i = first + 1; i < number; i++)
        slot_of(log, i)->state = STOA_SENT_NOTHING;
}

void stoa_sent_add(StoaSentLog *log, uint16_t seq, uint16_t size, uint8_t cluster, int64_t now_us)
{
    uint64_t number = log->has_begun ? stoa_seq_extend(log->newest, seq) : 65536u + (uint64_t)seq;
    StoaSentPacket *packet;

    if (log->has_begun && number <= log->newest)
        return;
    if (log->has_begun)
        skip_to(log, number);
    packet = slot_of(log, number);
    log->is_tight |= is_young(packet, now_us);
    *packet = (StoaSentPacket){ (uint32_t)now_us, size, cluster, STOA_SENT_WAITING };
    log->newest = number;
    log->has_begun = true;
}

StoaSentPacket *stoa_sent_find(const StoaSentLog *log, uint16_t seq)
{
    uint64_t number = stoa_seq_extend(log->newest, seq);
    StoaSentPacket *packet;

    if (!log->has_begun || number > log->newest || log->newest - number >= log->n_slots)
        return NULL;
    packet = slot_of(log, number);
    return packet->state == STOA_SENT_NOTHING ? NULL : packet;
}

void stoa_sent_tend(StoaSentLog *log)
{
    StoaSentLog old = *log;
    uint64_t oldest = log->newest - MIN(log->newest, log->n_slots - 1);

    if (!log->is_tight)
        return;
    log->is_tight = false;
    if (old.n_slots >= STOA_SENT_MAX)
        return;
    log->n_slots = 2 * old.n_slots;
    log->packets = g_new0(StoaSentPacket, log->n_slots);
    for (uint64_t i = oldest; i <= log->newest; i++)
        *slot_of(log, i) = *slot_of(&old, i);
    g_free(old.packets);
}
