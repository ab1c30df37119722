/* SPDX-License-Identifier: MIT */
/* Averages over blocks of packets, as Janus's audio bridge and videoroom do: one decision for each block. */
#include "media/level.h"

#include <glib.h>

#include "base/poison.h"

struct StoaLevel {
    unsigned packets, level;
    unsigned n, sum; /* of the block that is being gathered */
    double average;  /* of the last block */
    bool is_talking;
};

StoaLevel *stoa_level_new(unsigned packets, unsigned level)
{
    StoaLevel *self = g_new0(StoaLevel, 1);

    self->packets = CLAMP(packets, 1, STOA_LEVEL_PACKETS);
    self->level = MIN(level, 127);
    self->average = 127;
    return self;
}

void stoa_level_free(StoaLevel *level)
{
    g_free(level);
}

bool stoa_level_input(StoaLevel *level, uint8_t dbov)
{
    bool was_talking = level->is_talking;

    level->sum += dbov;
    if (++level->n < level->packets)
        return false;
    level->average = (double)level->sum / level->packets;
    level->n = level->sum = 0;
    level->is_talking = level->average < level->level;
    return level->is_talking != was_talking;
}

bool stoa_level_is_talking(const StoaLevel *level)
{
    return level->is_talking;
}

double stoa_level_average(const StoaLevel *level)
{
    return level->average;
}
