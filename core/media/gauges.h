/* SPDX-License-Identifier: MIT */
/* What is looked at once a second instead of counted: peers by state, how late timers fire, what can be sent to whom. */
#pragma once

#include "media/worker.h"

/** Make the metrics, so that they are printed from the start. Thread: any. */
void stoa_gauges_init(unsigned n_workers);
/** Note what is new since the last second. Thread: the worker's. */
void stoa_gauges_note(StoaWorker *w);
