/* SPDX-License-Identifier: MIT */
/* The engine's own side on the control loop: which peers there are, and on which worker. */
#pragma once

#include "base/timer.h"
#include "dtls/link.h"
#include "ice/agent.h"
#include "media/command.h"
#include "media/worker.h"
#include "sctp/association.h"

/* A peer as control knows it. The worker's StoaPeer is another thing, on another thread. */
typedef struct {
    StoaPeerId id;
    StoaWorker *worker;
    uint64_t room;
    const StoaPeerEvents *events;
    void *user;
    StoaPeerLocal local;
    char *ufrag, *pwd;
    char *fingerprint;   /* a reference: most peers share it */
    StoaIceAgent *agent; /* full ICE; the worker ends it */
    StoaSctp *sctp;      /* NULL: no data channel; the worker ends it */
} StoaPeerRecord;

struct StoaMedia {
    gatomicrefcount refs; /* events on their way hold one */
    bool is_closed;
    StoaIceMode ice;
    uint16_t full_first, full_last; /* full ICE: the ports of its calls; 0: any */
    unsigned n_workers;
    unsigned room_peers_per_worker;
    unsigned media_timeout_ms, slowlink_threshold; /* workers read them; never change */
    StoaWorker *workers[STOA_MAX_WORKERS];
    unsigned loads[STOA_MAX_WORKERS]; /* peers */
    char **addresses;
    GPtrArray *candidates[STOA_MAX_WORKERS]; /* place.h; NULL: nobody asked yet */
    char *certificate_path, *key_path;
    GPtrArray *certificates, *contexts; /* the newest last; old ones serve the links made of them */
    StoaIceThread *ice_thread;          /* full ICE only */
    StoaSctpThread *sctp_thread;
    GHashTable *peers; /* StoaPeerId -> StoaPeerRecord */
    GHashTable *rooms; /* uint64_t -> unsigned[n_workers], peers of the room on each worker */
    uint64_t n_opened;
    StoaTimer *quiet; /* NULL: nothing came or went lately */
    unsigned n_changes, n_seen;
};

enum { STOA_PEER_ID_WORKER_BITS = 8 };

static inline unsigned stoa_peer_id_worker(StoaPeerId id)
{
    return (unsigned)(id & ((1u << STOA_PEER_ID_WORKER_BITS) - 1));
}

/** The record of a peer; NULL: closed. Thread: control. */
StoaPeerRecord *stoa_media_peer(StoaMedia *media, StoaPeerId id);

/** A peer came or went, or much was freed: when it is quiet again, memory that is not used is given back to the system. */
void stoa_media_stir(StoaMedia *media);

StoaMedia *stoa_media_ref(StoaMedia *media);
void stoa_media_unref(StoaMedia *media);
