/* SPDX-License-Identifier: MIT */
/* A media worker: one thread, one UDP socket and one TCP listener per family, its peers, one timer wheel.
 *
 * Nobody else touches what it owns; others post messages to it. One turn of its loop: messages, everything that waits at
 * the sockets, timers; then what is to go out leaves in few calls. (DESIGN sections 2 and 3) */
#pragma once

#include "base/log.h"
#include "base/queue.h"
#include "ice/lite.h"
#include "media/command.h"
#include "media/counters.h"
#include "media/packet.h"
#include "media/peer-state.h"
#include "media/wheel.h"
#include "net/tcp.h"
#include "net/udp.h"

typedef struct StoaWorker StoaWorker;
typedef struct StoaPeer StoaPeer;
typedef struct StoaFeed StoaFeed;
typedef struct StoaRelay StoaRelay;

enum {
    STOA_MAX_WORKERS = 64,
    STOA_FANOUT = 256, /* packets of one batch that wait to be forwarded */
    STOA_SCRATCH = 2048,
};

/* What is sent to a worker: embedded first in a struct of its own, freed by `run`. */
typedef struct StoaMessage StoaMessage;
struct StoaMessage {
    StoaQueueNode node;
    void (*run)(StoaWorker *w, StoaMessage *message); /* takes the message */
};

/* A packet that waits to be forwarded, in a list of its feed. */
typedef struct {
    StoaPacket *packet; /* a reference */
    uint16_t next;      /* index + 1 in `waiting`; 0: the last */
    uint8_t encoding;
} StoaWaiting;

struct StoaWorker {
    StoaLogTag log;
    unsigned index;
    StoaMedia *media;
    GThread *thread;
    StoaQueue *queue;
    int epoll_fd;
    bool stop;
    int64_t now_us; /* of this turn */
    StoaWheel wheel;
    StoaWheelTimer housekeeping;
    int64_t due_us,
        late_us; /* when the next timer was due; how late the latest one was, in this second */
    int64_t n_told[STOA_PEER_N_STATES]; /* peers by state, as the metrics have them */
    StoaCounters counters;

    StoaUdpSocket sockets[STOA_UDP_SOCKETS];
    StoaTcpListener *listeners[STOA_UDP_SOCKETS];
    unsigned n_sockets;
    GHashTable *connections; /* uint32_t id -> StoaTcpConnection */
    GQueue unproven;         /* ids of connections without a valid check, oldest first */
    GQueue broken;           /* ids of connections to be freed at the end of the turn */
    GQueue handshakes;       /* datagrams that wait: media/handshake.h */
    uint32_t next_connection;
    StoaUdpReceiver *receiver;
    StoaUdpBatch *batch;
    uint32_t n_overflowed[STOA_UDP_SOCKETS]; /* as it was when it was last asked for */
    StoaPacket *incoming[STOA_UDP_BATCH];
    StoaPool *pool;
    unsigned n_freed; /* packets, since memory was given back */
    int64_t freed_us; /* when it was, last */
    StoaIceHub *hub;
    StoaPeer *last_peer; /* who sent the datagram before, and from where */
    StoaIcePath last_path;

    GHashTable *peers;  /* StoaPeerId -> StoaPeer */
    GHashTable *feeds;  /* StoaTrackRef -> StoaFeed */
    uint64_t n_sources; /* ever made */
    StoaFeed *busy;     /* feeds with waiting packets */
    StoaFeed *noted;    /* feeds with something for stoa_worker_settle() */
    StoaWaiting waiting[STOA_FANOUT];
    unsigned n_waiting;
    StoaRelay *relay;
    uint8_t scratch[STOA_SCRATCH];   /* for RTCP */
    uint8_t outgoing[STOA_UDP_SLOT]; /* what does not leave with the UDP batch */
};

/* What a worker needs to open its sockets. */
typedef struct {
    StoaMedia *media;
    unsigned index;
    bool lite;     /* sockets and listeners are wanted */
    uint16_t port; /* 0: any */
    unsigned n_workers;
} StoaWorkerSpec;

/** Make a worker and open its sockets. NULL with `error`. Thread: control. */
StoaWorker *stoa_worker_new(const StoaWorkerSpec *spec, GError **error);

/** Start its thread. */
void stoa_worker_start(StoaWorker *w);

/** Ask it to end, and wait for it: its peers are gone afterwards. Thread: control. */
void stoa_worker_stop(StoaWorker *w);

/** Run what was posted after it stopped, so that nothing is left in its queue. Call it on every worker in turn. */
void stoa_worker_drain(StoaWorker *w);

/** Free the feeds that something still held on to, and their packets: before any worker is freed. */
void stoa_worker_drop_feeds(StoaWorker *w);

/** Free its memory, after all workers have stopped. NULL is fine. */
void stoa_worker_free(StoaWorker *w);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaWorker, stoa_worker_free)

/** The UDP and TCP port; 0 without sockets. */
uint16_t stoa_worker_port(const StoaWorker *w);

/** Send a message; it is taken. Thread: any. */
void stoa_worker_post(StoaWorker *w, StoaMessage *message);
/** Send a chain of messages with one wake-up, the oldest first. */
void stoa_worker_post_many(StoaWorker *w, StoaQueueNode *oldest);

/** Find a peer; NULL: gone. Thread: the worker's, as all below. */
StoaPeer *stoa_worker_peer(const StoaWorker *w, StoaPeerId id);

/** Find a connection; NULL: gone. */
StoaTcpConnection *stoa_worker_connection(const StoaWorker *w, uint32_t id);

/** A send was tried: mind whether the connection waits to be writable, or broke. It is freed later, not in the call. */
void stoa_worker_mind_connection(StoaWorker *w, StoaTcpConnection *connection, bool is_broken);

/** A datagram that is not STUN came for a peer: DTLS or SRTP. */
void stoa_worker_datagram(StoaWorker *w, StoaPeer *peer, uint8_t *buf, size_t len);

/** Any datagram but STUN that did not come in a packet of the pool: RTP is copied into one. */
void stoa_worker_foreign(StoaWorker *w, StoaPeer *peer, uint8_t *buf, size_t len);

/** Do what packets left to be done: not the packet path. Called between batches. (settle.c) */
void stoa_worker_settle(StoaWorker *w);
/** Of that only what feeds noted. */
void stoa_worker_settle_feeds(StoaWorker *w);

/** Forward all that waits. Called when the list is full and after each batch of datagrams. */
void stoa_worker_fan_out(StoaWorker *w);
