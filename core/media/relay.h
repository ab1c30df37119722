/* SPDX-License-Identifier: MIT */
/* Between workers: a track whose sinks live elsewhere is mirrored there. One message per wake-up and worker. */
#pragma once

#include "media/feed.h"

StoaRelay *stoa_relay_new(StoaWorker *w);
void stoa_relay_free(StoaRelay *relay);

/** Ask the worker of the feed's peer for its packets, or stop. */
void stoa_relay_subscribe(StoaFeed *feed, bool wanted);
/** Tell one mirror (or, worker -1, all) what the feed is. */
void stoa_relay_describe(StoaFeed *feed, int worker);
/** Hand a packet to all mirrors of its feed; it leaves with stoa_relay_flush(). */
void stoa_relay_packet(StoaFeed *feed, const StoaSource *source, StoaPacket *packet);
/** Pass a sender report on, so that mirrors can write theirs. */
void stoa_relay_report(StoaFeed *feed, const StoaSource *source, const StoaRtcpSr *sr);
/** Tell the publisher's worker what the sinks here can use. */
void stoa_relay_usable(StoaFeed *feed, uint32_t bps);
/** Ask the publisher's worker for a keyframe. */
void stoa_relay_want_keyframe(StoaFeed *feed, unsigned encoding);
/** Have batches ready. Not the packet path. */
void stoa_relay_refill(StoaRelay *relay);
/** Send what was gathered in this turn. */
void stoa_relay_flush(StoaWorker *w);
