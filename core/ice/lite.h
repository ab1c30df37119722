/* SPDX-License-Identifier: MIT */
/* ICE-lite for all peers of a worker on one port: who is behind which path, and which path to send on.
 * Fed and drained: no socket, no clock, no thread. (RFC 8445 lite; consent: RFC 7675; SECURITY.md section 5)
 *
 * A worker has one StoaIceHub, a peer one StoaIceLite in it. For each datagram or frame:
 *     stoa_stun_is(buf, len)  ->  stoa_ice_hub_stun(): send the reply, look at the events
 *     anything else           ->  stoa_ice_hub_find(): NULL means drop it */
#pragma once

#include "net/address.h"

typedef struct StoaIceHub StoaIceHub;
typedef struct StoaIceLite StoaIceLite;

enum {
    STOA_ICE_UFRAG = 12,            /* characters: two tell the worker, ten are random */
    STOA_ICE_PWD = 24,              /* characters, random */
    STOA_ICE_PATHS = 8,             /* validated paths of one peer; the least recently used goes */
    STOA_ICE_CONSENT_US = 30000000, /* a path without a valid check for this long is gone */
};

typedef enum { STOA_ICE_NO_PATH, STOA_ICE_UDP, STOA_ICE_TCP } StoaIceKind;

/* How bytes travel between us and a peer. All of it tells paths apart; zero it before filling. */
typedef struct {
    StoaIceKind kind;
    uint32_t connection; /* TCP: the connection's id; UDP: 0 */
    StoaAddress remote;
    StoaAddress local; /* UDP on a host of several addresses: StoaUdpDatagram.local; else none */
    uint8_t socket;    /* UDP: index of the socket; not compared (the family tells) */
} StoaIcePath;

/* What a check or the passing of time changed; flags. */
typedef enum {
    STOA_ICE_CONNECTED = 1 << 0, /* the peer has a path: the first, or again after LOST */
    STOA_ICE_NEW_PATH = 1 << 1,  /* this path was not known before (DTLS may come over it now) */
    STOA_ICE_SELECTED = 1 << 2, /* stoa_ice_lite_selected() is another path, or NULL, from now on */
    STOA_ICE_RESTARTED = 1 << 3, /* the credentials of the restart are in use, the old ones gone */
    STOA_ICE_LOST = 1 << 4,      /* consent expired: no valid check for that long, and no path */
} StoaIceEvents;

typedef struct {
    StoaIceLite *lite;    /* whose path it is; NULL: nobody's, the sender is still a stranger */
    StoaIceEvents events; /* 0: nothing changed */
    size_t reply_len;     /* bytes of `reply` to send back on the same path; 0: send nothing */
    StoaIceLite *loser;   /* who had the path before and was silent on it: tick it now; or NULL */
} StoaIceCheck;

/** @worker  index 0 to 4095, readable from each ufrag. Thread: the worker's, as all below. */
StoaIceHub *stoa_ice_hub_new(unsigned worker);

/** Free the hub; its peers must have been freed before. */
void stoa_ice_hub_free(StoaIceHub *hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaIceHub, stoa_ice_hub_free)

/**
 * Judge one STUN message and prepare the reply.
 *
 * @path   where it came from; copied if the check is valid
 * @reply  STOA_STUN_REPLY bytes (ice/stun.h)
 * @check  always written
 *
 * Allocates only when a valid check shows a new path.   Source: RFC 8445, 7.3.
 */
void stoa_ice_hub_stun(StoaIceHub *hub, int64_t now_us, const uint8_t *buf, size_t len,
                       const StoaIcePath *path, uint8_t *reply, StoaIceCheck *check);

/** Who may send on this path? NULL: drop what came. Allocates nothing. */
StoaIceLite *stoa_ice_hub_find(const StoaIceHub *hub, const StoaIcePath *path);

/** Numbers for the metrics: STUN messages by verdict. */
typedef struct {
    uint64_t checks, refused, indications, ignored, taken; /* taken: path of a live peer, refused */
} StoaIceStats;
const StoaIceStats *stoa_ice_hub_stats(const StoaIceHub *hub);

/** The worker that made this ufrag (its first two characters), or -1. Thread: any. */
int stoa_ice_ufrag_worker(const char *ufrag, size_t len);

/**
 * Make random ICE credentials of the given worker.
 *
 * Thread: any.   Source: RFC 8445, 5.3 (ice-char).
 */
void stoa_ice_credentials(unsigned worker, char ufrag[STOA_ICE_UFRAG + 1],
                          char pwd[STOA_ICE_PWD + 1]);

/** A peer's ICE, with fresh credentials, registered in the hub. @owner  given back by _owner(). */
StoaIceLite *stoa_ice_lite_new(StoaIceHub *hub, void *owner);

/** Forget the peer, its credentials and its paths. */
void stoa_ice_lite_free(StoaIceLite *lite);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaIceLite, stoa_ice_lite_free)

/**
 * As stoa_ice_lite_new() with credentials made before by stoa_ice_credentials() for this worker
 * (so that an SDP can be written before the worker has heard of the peer).
 *
 * Returns NULL if the ufrag is taken or too short (RFC 8445: 4 and 22 characters) or too long (32, 64).
 */
StoaIceLite *stoa_ice_lite_new_with(StoaIceHub *hub, void *owner, const char *ufrag,
                                    const char *pwd);

void *stoa_ice_lite_owner(const StoaIceLite *lite);
const char *stoa_ice_lite_ufrag(const StoaIceLite *lite); /* the newest: what SDP says */
const char *stoa_ice_lite_pwd(const StoaIceLite *lite);

/**
 * ICE restart: new credentials. The old ones and their paths stay valid until the new are used.
 *
 * @ufrag, @pwd  made before by stoa_ice_credentials(); both NULL: made here
 *
 * Returns false if the ufrag is taken or of a bad length.
 */
bool stoa_ice_lite_restart(StoaIceLite *lite, const char *ufrag, const char *pwd);

/**
 * The path to send on: the last nominated, before that the first validated. When that one falls silent and another is
 * checked, it is the other. NULL: none yet, or its connection closed.
 */
const StoaIcePath *stoa_ice_lite_selected(const StoaIceLite *lite);

/** Has the peer nominated the selected path? */
bool stoa_ice_lite_is_nominated(const StoaIceLite *lite);

unsigned stoa_ice_lite_n_paths(const StoaIceLite *lite);

/** A TCP connection of the worker ended: its path goes. Finds the peer by itself; returns it and `events`. */
StoaIceLite *stoa_ice_hub_closed(StoaIceHub *hub, uint32_t connection, StoaIceEvents *events);

/** When stoa_ice_lite_tick() has something to do; INT64_MAX: never. */
int64_t stoa_ice_lite_deadline_us(const StoaIceLite *lite);

/** Let paths expire. Returns what changed (SELECTED, LOST). */
StoaIceEvents stoa_ice_lite_tick(StoaIceLite *lite, int64_t now_us);
