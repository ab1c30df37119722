/* SPDX-License-Identifier: MIT */
/* What runs out by itself: histories whose time is over, tokens, hosts that were removed, what a crash left behind. (R30) */
#pragma once

typedef struct StoaSweep StoaSweep;
struct StoaWeb;

/** Begin; the first round is soon. Thread: control. */
StoaSweep *stoa_sweep_new(struct StoaWeb *web);
void stoa_sweep_free(StoaSweep *sweep);
