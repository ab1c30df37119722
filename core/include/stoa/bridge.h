/* SPDX-License-Identifier: MIT */
/* stoa/bridge.h: be a client of another module, for somebody who comes by another way than signaling: WHIP, SIP, a robot.
 *
 * A bridge is attached like a browser's handle and speaks the same requests, so that what another module does for browsers
 * (rooms, roles, moderation, limits, media) it does for the bridge too. Nothing is called before the function that caused it has
 * returned, and nothing after stoa_bridge_close(). */
#pragma once

#include <stoa/abi.h>
#include <stoa/error.h>
#include <stoa/room.h>
#include <stoa/table.h>

#include <glib.h>
#include <jansson.h>
#include <stddef.h>

typedef struct StoaBridge StoaBridge;

/* What a bridge is. Copied; what is NULL is not called. */
typedef struct {
    size_t struct_size; /* sizeof(StoaBridgeSpec) */
    const char *module; /* of which it is to be a client: "videoroom" */
    const char *
        token; /* a participant's: it is that person, as with "token" in signaling; NULL: anybody */
    void *data; /* stoa_bridge_data() */

    /* The PeerConnection came up, or went (its module may go on). */
    void (*connected)(StoaBridge *bridge);
    void (*disconnected)(StoaBridge *bridge, const char *reason);
    /* Something that was not asked for. @sdp  an offer along with it; NULL: none. Both borrowed. */
    void (*event)(StoaBridge *bridge, const json_t *body, const char *sdp);
    /* It was ended from the other side: the module was unloaded, the person removed, or it could not be attached at all. Requests that wait
     * were answered before. The bridge is gone after the call. */
    void (*ended)(StoaBridge *bridge, const GError *error);
    /* New members go here, at the end, and only here. */
} StoaBridgeSpec;

/** Attach. What is asked before it is attached waits. Owned by the module; it ends with it. */
STOA_EXPORT StoaBridge *stoa_bridge_open(StoaModule *module, const StoaBridgeSpec *spec)
    STOA_ON_CONTROL;
/** Detach. Requests that wait are forgotten. NULL is fine. */
STOA_EXPORT void stoa_bridge_close(StoaBridge *bridge) STOA_ON_CONTROL;
STOA_EXPORT void *stoa_bridge_data(const StoaBridge *bridge);
STOA_EXPORT StoaModule *stoa_bridge_module(const StoaBridge *bridge); /* whose it is */

/**
 * The answer to a request: its body, and our SDP with every candidate in it (NULL: none); or `error`, and then both are NULL.
 * All borrowed.
 */
typedef void StoaBridgeReply(StoaBridge *bridge, const json_t *body, const char *sdp,
                             const GError *error, void *data);

/**
 * Ask something: {"request": "join", …}. @offer  an SDP offer to go with it; NULL: none
 * @got  called once, unless the bridge is closed; NULL: nobody wants to know
 */
STOA_EXPORT void stoa_bridge_request(StoaBridge *bridge, json_t *body /* taken */,
                                     const char *offer, StoaBridgeReply *got, void *data)
    STOA_ON_CONTROL;

/**
 * Take a "trickle-ice-sdpfrag": candidates of the client's, or with new credentials a restart of ICE.
 *
 * @got  `sdp`: our own fragment after a restart; NULL when there is nothing to say
 */
STOA_EXPORT void stoa_bridge_ice(StoaBridge *bridge, const char *fragment, StoaBridgeReply *got,
                                 void *data) STOA_ON_CONTROL;
