/* SPDX-License-Identifier: MIT */
/* The life of a peer as a table: states, events, moves. */
#pragma once

typedef struct StoaPeer StoaPeer;

typedef enum {
    STOA_PEER_NONE,      /* no state: in the table, "the event means nothing here" */
    STOA_PEER_CHECKING,  /* waits for the first valid connectivity check */
    STOA_PEER_HANDSHAKE, /* has a path; DTLS goes on */
    STOA_PEER_READY,     /* has keys: media flows */
    STOA_PEER_DOWN,      /* said goodbye, or was lost; waits to be closed */
    STOA_PEER_N_STATES
} StoaPeerState;

typedef enum {
    STOA_PEER_EV_PATH,    /* ICE found a path */
    STOA_PEER_EV_KEYED,   /* DTLS is done */
    STOA_PEER_EV_NO_PATH, /* every path is lost */
    STOA_PEER_EV_CLOSED,  /* the peer said goodbye */
    STOA_PEER_EV_FAILED,  /* DTLS failed */
    STOA_PEER_EV_TIMEOUT, /* it stayed too long in a state that waits */
    STOA_PEER_N_EVENTS
} StoaPeerEvent;

/** Take an event: change the state as the table says, and act. Thread: the worker's. */
void stoa_peer_step(StoaPeer *peer, StoaPeerEvent event);

/** What the table says. @why  of a move to DOWN, as a StoaPeerDown. For tests and the diagram. */
StoaPeerState stoa_peer_state_next(StoaPeerState state, StoaPeerEvent event, int *why);

const char *stoa_peer_state_name(StoaPeerState state);
