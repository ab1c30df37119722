/* SPDX-License-Identifier: MIT */
#pragma once /* What is known of a peer, for people: handle_info and the statistics. */

#include "media/peer.h"

/** Taken by the caller. Thread: the worker's; not the packet path. */
json_t *stoa_stats_peer(const StoaPeer *peer);
