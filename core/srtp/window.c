/* SPDX-License-Identifier: MIT */
/* A circle of bits, one for each index of the last few: what is passed over on the way up is cleared. */
#include "srtp/window.h"

#include <string.h>

#include "base/poison.h"

enum { HALF = 1 << 15 };

/* The roll-over counter is this one's, the one before or the one after, whichever is nearer. Before the first roll
 * there is none before. (RFC 3711, appendix A) */
uint64_t stoa_srtp_window_guess(const StoaSrtpWindow *window, uint16_t seq)
{
    uint64_t highest = window ? window->highest : 0;
    uint64_t roc = highest >> 16;
    uint16_t last = (uint16_t)highest;

    if (last < HALF && seq - last > HALF && roc > 0)
        roc--;
    else if (last >= HALF && last - HALF > seq)
        roc++;
    return roc << 16 | seq;
}

static bool is_new(uint64_t highest, const uint64_t *seen, unsigned size, uint64_t index)
{
    unsigned at = (unsigned)(index % size);

    if (index > highest)
        return true;
    return highest - index < size && !(seen[at / 64] >> at % 64 & 1);
}

static void note(uint64_t *highest, uint64_t *seen, unsigned size, uint64_t index)
{
    unsigned at = (unsigned)(index % size);

    if (index > *highest && index - *highest >= size)
        memset(seen, 0, size / 8);
    else
        for (uint64_t i = *highest + 1; i < index; i++)
            seen[i % size / 64] &= ~(UINT64_C(1) << i % 64);
    if (index > *highest)
        *highest = index;
    seen[at / 64] |= UINT64_C(1) << at % 64;
}

bool stoa_srtp_window_is_new(const StoaSrtpWindow *window, uint64_t index)
{
    return !window || is_new(window->highest, window->seen, STOA_SRTP_WINDOW, index);
}

bool stoa_srtp_rtcp_window_is_new(const StoaSrtpRtcpWindow *window, uint64_t index)
{
    return is_new(window->highest, window->seen, STOA_SRTP_RTCP_WINDOW, index);
}

void stoa_srtp_window_note(StoaSrtpWindow *window, uint64_t index)
{
    note(&window->highest, window->seen, STOA_SRTP_WINDOW, index);
}

void stoa_srtp_rtcp_window_note(StoaSrtpRtcpWindow *window, uint64_t index)
{
    note(&window->highest, window->seen, STOA_SRTP_RTCP_WINDOW, index);
}
