/* SPDX-License-Identifier: MIT */
#pragma once /* Who talks: the average of the last audio levels of a track, and when it crosses a line. (RFC 6464) */

#include "rtp/extension.h"

typedef struct StoaLevel StoaLevel;

enum { STOA_LEVEL_PACKETS = 1000 }; /* the longest average */

/** @packets  how many levels one average takes @level  louder than this is talking: dBov without sign, 127 is silence */
StoaLevel *stoa_level_new(unsigned packets, unsigned level);
void stoa_level_free(StoaLevel *level);

/** Take one packet's level. True if it began or ended talking by it; the average is then of the last `packets`. */
bool stoa_level_input(StoaLevel *level, uint8_t dbov);

bool stoa_level_is_talking(const StoaLevel *level);
double stoa_level_average(const StoaLevel *level);
