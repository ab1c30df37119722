/* SPDX-License-Identifier: MIT */
/* The life of a peer, from the offer to the goodbye. (RFC 8829, 3.2; lost consent: RFC 7675) */
#define LOG_AREA "media"
#include "media/peer-state.h"

#include "base/log.h"

#include "media/peer-private.h"

#include "base/poison.h"

typedef struct {
    StoaPeerState to; /* STOA_PEER_NONE: the event means nothing in this state */
    void (*act)(StoaPeer *peer);
    StoaPeerDown why; /* of moves to DOWN */
} Step;

static const Step steps[STOA_PEER_N_STATES][STOA_PEER_N_EVENTS] = {
    [STOA_PEER_CHECKING] = {
        [STOA_PEER_EV_PATH] = { STOA_PEER_HANDSHAKE, stoa_peer_start_dtls },
        [STOA_PEER_EV_NO_PATH] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_ICE },
        [STOA_PEER_EV_TIMEOUT] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_ICE },
    },
    [STOA_PEER_HANDSHAKE] = {
        [STOA_PEER_EV_KEYED] = { STOA_PEER_READY, stoa_peer_open_media },
        [STOA_PEER_EV_NO_PATH] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_ICE },
        [STOA_PEER_EV_CLOSED] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_DTLS_ALERT },
        [STOA_PEER_EV_FAILED] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_DTLS_FAILED },
        [STOA_PEER_EV_TIMEOUT] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_DTLS_FAILED },
    },
    [STOA_PEER_READY] = {
        [STOA_PEER_EV_NO_PATH] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_CONSENT },
        [STOA_PEER_EV_CLOSED] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_DTLS_ALERT },
        [STOA_PEER_EV_FAILED] = { STOA_PEER_DOWN, stoa_peer_go_down, STOA_DOWN_DTLS_FAILED },
    },
};

StoaPeerState stoa_peer_state_next(StoaPeerState state, StoaPeerEvent event, int *why)
{
    const Step *step = &steps[state][event];

    *why = (int)step->why;
    return step->to;
}

const char *stoa_peer_state_name(StoaPeerState state)
{
    static const char *const names[STOA_PEER_N_STATES] = {
        [STOA_PEER_NONE] = "none",           [STOA_PEER_CHECKING] = "checking",
        [STOA_PEER_HANDSHAKE] = "handshake", [STOA_PEER_READY] = "ready",
        [STOA_PEER_DOWN] = "down",
    };

    return names[state];
}

void stoa_peer_step(StoaPeer *peer, StoaPeerEvent event)
{
    const Step *step = &steps[peer->state][event];

    if (step->to == STOA_PEER_NONE)
        return;
    log_debug(peer, "%s -> %s", stoa_peer_state_name(peer->state), stoa_peer_state_name(step->to));
    peer->state = step->to;
    peer->state_us = peer->worker->now_us;
    peer->why = step->why;
    if (step->act)
        step->act(peer);
}
