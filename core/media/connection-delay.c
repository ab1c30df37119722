/* SPDX-License-Identifier: MIT */
/* For how long players hold back what they get: as the subscriber asks, else as the sender of the track does. */
#include "media/connection-private.h"

#include "base/poison.h"

enum { STEP_MS = 10, NO_LIMIT = 1000 /* steps: as good as none */ };

/* One bound alone means no other. */
static StoaDelay delay_of(int least_ms, int most_ms)
{
    int least = least_ms < 0 ? 0 : MIN(least_ms / STEP_MS, STOA_DELAY_MAX);
    int most = most_ms < 0 ? MAX(least, NO_LIMIT) : MIN(most_ms / STEP_MS, STOA_DELAY_MAX);

    if (least_ms < 0 && most_ms < 0)
        return STOA_DELAY_NONE;
    return (StoaDelay){ (int16_t)MIN(least, most), (int16_t)most };
}

static StoaDelay wanted(const StoaSink *sink)
{
    if (sink->delay.least >= 0 || !sink->track)
        return sink->delay;
    return sink->track->delay;
}

void stoa_sink_post_delay(StoaSink *sink)
{
    StoaConnection *connection = sink->connection;
    StoaDelay delay = wanted(sink);

    if (!sink->has_row || !connection->peer || (delay.least < 0 && !sink->is_delayed))
        return;
    sink->is_delayed = delay.least >= 0;
    stoa_peer_delay(connection->media, connection->peer, sink->number, delay);
}

/* -- for plugins: see stoa/media.h -------------------------------------------------------- */

void stoa_sink_delay(StoaSink *sink, int least_ms, int most_ms)
{
    sink->delay = delay_of(least_ms, most_ms);
    stoa_sink_post_delay(sink);
}

void stoa_track_delay(StoaTrack *track, int least_ms, int most_ms)
{
    track->delay = delay_of(least_ms, most_ms);
    for (guint i = 0; i < track->sinks->len; i++)
        stoa_sink_post_delay(g_ptr_array_index(track->sinks, i));
}
