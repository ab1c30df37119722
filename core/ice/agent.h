/* SPDX-License-Identifier: MIT */
/* Full ICE: one libnice agent per peer, all on one thread of their own. For a server behind a NAT, or one
 * that needs TURN itself (`ice = full`). Slower than ice/lite.h, which is the default. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

typedef struct StoaIceThread StoaIceThread; /* one per process */
typedef struct StoaIceAgent
    StoaIceAgent; /* one per peer; one stream, one component (BUNDLE, rtcp-mux) */

enum { STOA_ICE_SEND_QUEUE = 1024 }; /* datagrams of one agent that may wait for the ICE thread */

/* From conf; strings are copied. */
typedef struct {
    const char *const
        *addresses; /* numeric local addresses to gather on, NULL-ended; NULL: every interface */
    const char *const *
        mapped; /* numeric addresses that a 1:1 NAT has for ours: told in place of host candidates; NULL: none */
    uint16_t port_min, port_max; /* both 0: any */
    bool no_tcp;                 /* true: no ICE-TCP candidates */
    const char *stun_server;     /* numeric address, or NULL */
    uint16_t stun_port;
    const char *turn_server; /* numeric address, or NULL */
    uint16_t turn_port;
    const char *turn_user, *turn_password;
    const char *turn_transport; /* "udp" or "tcp"; NULL: udp */
} StoaIceConf;

typedef enum {
    STOA_ICE_STATE_CONNECTED = 1, /* a pair works; also said again after a loss */
    STOA_ICE_STATE_DISCONNECTED,  /* no pair works for the moment */
    STOA_ICE_STATE_FAILED, /* checks failed, or no consent for STOA_ICE_CONSENT_US: it is over */
} StoaIceState;

/* The pair that datagrams go by. */
typedef struct {
    StoaAddress remote;
    bool is_relayed; /* by our TURN server */
    bool is_tcp;
} StoaIcePair;

/* All called on the ICE thread; each may be NULL. They must not block. */
typedef struct {
    /* A local candidate, "candidate:…" without "a="; NULL: gathering is complete. */
    void (*candidate)(void *user, const char *candidate);
    void (*state)(void *user, StoaIceState state);
    /* Another pair is selected: the first one, or the client is on another network, or a direct way took the place of a
     * relay's. What is sent goes by it already. Borrowed. */
    void (*pair)(void *user, const StoaIcePair *pair);
    /* A datagram that is not STUN; borrowed. */
    void (*datagram)(void *user, const uint8_t *buf, size_t len);
    /* The agent is gone: the last call with this `user`. */
    void (*gone)(void *user);
} StoaIceCallbacks;

/** Start the ICE thread. Returns NULL with `error` if an address in `conf` is not numeric. */
StoaIceThread *stoa_ice_thread_new(const StoaIceConf *conf, GError **error);

/** Close all agents, wait for the thread, free it. */
void stoa_ice_thread_free(StoaIceThread *thread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaIceThread, stoa_ice_thread_free)

/**
 * A new agent. Gathering starts at once; candidates come by the callback.
 *
 * @controlling  true if the other side is ICE-lite, or if we made the offer
 * @callbacks    copied
 *
 * Returns an agent to be ended with stoa_ice_agent_close(). Its credentials are known at once.
 * Thread: any, as all below; nothing here blocks.
 */
StoaIceAgent *stoa_ice_agent_new(StoaIceThread *thread, bool controlling,
                                 const StoaIceCallbacks *callbacks, void *user);

const char *stoa_ice_agent_ufrag(const StoaIceAgent *agent); /* of the time it was made */
const char *stoa_ice_agent_pwd(const StoaIceAgent *agent);

/** Set or change the peer's credentials; checks start as soon as candidates are there. */
void stoa_ice_agent_set_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd);

/** The peer's role became known late (its SDP says ice-lite): take the controlling role. */
void stoa_ice_agent_set_controlling(StoaIceAgent *agent, bool controlling);

/** Add one of the peer's candidates, "candidate:…" or "a=candidate:…". Names (.local) are ignored; NULL: no more come. */
void stoa_ice_agent_add_candidate(StoaIceAgent *agent, const char *candidate);

/** ICE restart with new local credentials (see stoa_ice_credentials()). New candidates come by the callback. */
void stoa_ice_agent_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd);

/**
 * Queue one datagram for the selected pair. Datagrams of one burst cost one wake-up.
 *
 * Returns false (and drops it) if STOA_ICE_SEND_QUEUE wait already.   Thread: any.
 */
bool stoa_ice_agent_send(StoaIceAgent *agent, const uint8_t *buf, size_t len);

/** End it: `agent` is not to be used any more; callbacks may still come until `gone`. */
void stoa_ice_agent_close(StoaIceAgent *agent);
