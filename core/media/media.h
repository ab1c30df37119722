/* SPDX-License-Identifier: MIT */
/* The media engine as control code sees it: workers, certificate, ports. (DESIGN section 2 and 3) */
#pragma once

#include <stoa/abi.h>

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StoaMedia StoaMedia;

typedef enum { STOA_ICE_LITE, STOA_ICE_FULL } StoaIceMode;

/* Borrowed by stoa_media_new(), which copies what it keeps. */
typedef struct {
    uint16_t port;    /* the first UDP and TCP port, one per worker; 0: any free ones */
    unsigned workers; /* 0: one per core */
    const char *const
        *addresses; /* what candidates say; NULL or empty: every interface, loopback last */
    StoaIceMode ice;
    const char *certificate, *key; /* PEM files; NULL: a fresh ECDSA P-256 certificate */
    unsigned
        room_peers_per_worker; /* people of a room share a worker up to this many; 0: no limit */
    const char *stun_server;   /* "host:port", full ICE only; NULL: none */
    const char *turn_server, *turn_user, *turn_password; /* full ICE only; NULL: none */
    const char *turn_transport;  /* "udp" or "tcp", full ICE only; NULL: udp */
    unsigned full_ports;         /* full ICE only: agents take ports from `port` on; 0: any */
    unsigned media_timeout_ms;   /* no packet for so long: `receiving` false; default 1000 */
    unsigned slowlink_threshold; /* packets lost in a second; 0: off */
} StoaMediaConf;

/**
 * Open the sockets and start the workers.
 *
 * Returns NULL with `error` (a port in use, a certificate that cannot be read: named with the key of stoa.conf).
 * Thread: control.
 */
StoaMedia *stoa_media_new(const StoaMediaConf *conf, GError **error);

/** Close all peers, stop the threads. Connections must be freed before. Thread: control. */
void stoa_media_free(StoaMedia *media);

/** The ports of calls: `first` to `last`, UDP and TCP alike; 0: any, in full mode without `full_ports`. Thread: control. */
void stoa_media_ports(const StoaMedia *media, uint16_t *first, uint16_t *last);

/** How many workers run. Thread: control. */
unsigned stoa_media_n_workers(const StoaMedia *media);

/** Read the certificate files again: for connections made from now on. Thread: control. */
bool stoa_media_reload_certificate(StoaMedia *media, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMedia, stoa_media_free)
