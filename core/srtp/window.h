/* SPDX-License-Identifier: MIT */
#pragma once /* Private to srtp/: which packets of one stream came already. Pure. (RFC 3711, 3.3.1, 3.3.2) */

#include <stdbool.h>
#include <stdint.h>

enum {
    STOA_SRTP_WINDOW =
        2048, /* RTP packets that may come out of order: repeats under their own SSRC */
    STOA_SRTP_RTCP_WINDOW = 128, /* RTCP packets */
};

/* Zeroed before the first packet. */
typedef struct {
    uint64_t highest;                     /* index: the roll-over counter above 16 bits */
    uint64_t seen[STOA_SRTP_WINDOW / 64]; /* by the index's low bits */
} StoaSrtpWindow;

typedef struct {
    uint64_t highest;
    uint64_t seen[STOA_SRTP_RTCP_WINDOW / 64];
} StoaSrtpRtcpWindow;

/** The index that a sequence number most likely stands for. @window  NULL: nothing came yet */
uint64_t stoa_srtp_window_guess(const StoaSrtpWindow *window, uint16_t seq);

/** Is it neither seen nor too old to know? @window  NULL: nothing came yet */
bool stoa_srtp_window_is_new(const StoaSrtpWindow *window, uint64_t index);
bool stoa_srtp_rtcp_window_is_new(const StoaSrtpRtcpWindow *window, uint64_t index);

/** It came, and is authentic. */
void stoa_srtp_window_note(StoaSrtpWindow *window, uint64_t index);
void stoa_srtp_rtcp_window_note(StoaSrtpRtcpWindow *window, uint64_t index);
