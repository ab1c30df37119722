/* SPDX-License-Identifier: MIT */
/* What a publisher's packets of redundant audio lost on the way up comes back from the one that follows: whoever is sent
 * plain frames hears it, too. */
#pragma once

#include "media/source.h"

/**
 * The packet before this one, if it is missing and this one has a copy of its frame.
 *
 * @packet  redundant audio, not filed yet; with its index
 *
 * Returns a new packet with one reference, plain; NULL: nothing is missing, there is no copy, or the pool is exhausted.
 */
StoaPacket *stoa_copies_lost(const StoaSource *source, const StoaPacket *packet, StoaPool *pool);
