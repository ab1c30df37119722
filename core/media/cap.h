/* SPDX-License-Identifier: MIT */
/* How much a publisher shall send at most: what the best of those who watch can use, here and on other workers.
 *
 * Each mirror tells the publisher's worker what its own sinks can use, when that changed. */
#pragma once

#include "media/feed.h"

/** What the sinks of a track on this worker can use; STOA_OUTLET_ANY_BPS: no limit is known, 0: nobody watches. */
uint32_t stoa_cap_usable_bps(const StoaFeed *feed);

/** Of a mirror, now and then: tell the publisher's worker if much has changed. */
void stoa_cap_tell(StoaFeed *feed);
/** At the publisher's: another worker told, or (STOA_OUTLET_ANY_BPS) knows nothing yet. */
void stoa_cap_told(StoaFeed *feed, unsigned worker, uint32_t bps);

/** Of all its video together with some voice; 0: no limit. */
uint32_t stoa_cap_bps(const StoaPeer *peer);

/** Whether a limit fell by so much that the publisher should hear of it soon. */
static inline bool stoa_cap_fell(uint32_t before_bps, uint32_t bps)
{
    return bps < before_bps - before_bps / 8;
}
