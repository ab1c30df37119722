/* SPDX-License-Identifier: MIT */
#pragma once /* Where a peer lives: people of a room share a worker while they fit. Thread: control. */

#include "media/media-private.h"

#include <string.h>

/** Choose a worker for one more peer of a room (0: none) and count it in. */
unsigned stoa_place_take(StoaMedia *media, uint64_t room);
/** The peer is gone. */
void stoa_place_leave(StoaMedia *media, uint64_t room, unsigned worker);

/** The candidates of a lite worker, UDP first, each "candidate:…": the same for all its peers, a reference to each. */
GPtrArray *stoa_place_candidates(StoaMedia *media, const StoaWorker *worker);
