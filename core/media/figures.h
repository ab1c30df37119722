/* SPDX-License-Identifier: MIT */
/* What is measured of a peer's streams, copied on its worker for others to read. */
#pragma once

#include "media/command.h"

/* One stream: an encoding that comes in, or what a sink sends. */
typedef struct {
    char mid[STOA_MID_MAX];
    bool is_out;  /* to this peer */
    bool is_held; /* muted, paused */
    StoaKind kind;
    StoaCodec codec;
    int substream,
        temporal; /* in: which encoding; out: what is relayed; -1: there is but one, or nothing */
    uint64_t packets, bytes;
    uint64_t lost;   /* of the stream so far, as the receiver counts */
    uint64_t asked;  /* packets asked for again: in by us, out by the client */
    uint64_t served; /* of these, what came, or was sent again */
    uint32_t bps;    /* in the last second; 0: nothing flows */
    uint32_t jitter_us;
    int64_t rtt_us; /* in: to the publisher and back; 0: not known, or out */
    double loss;    /* 0 to 1: in since its begin, out in the client's last report */
} StoaFigure;

typedef struct StoaFigures {
    int64_t rtt_us;        /* 0: not known */
    uint64_t estimate_bps; /* what can be sent to it; 0: not known */
    unsigned n;
    StoaFigure streams[];
} StoaFigures;

struct StoaPeer; /* peer.h */
/** Copy them; free with g_free(). Thread: the worker's. */
StoaFigures *stoa_figures_new(const struct StoaPeer *peer);
