/* SPDX-License-Identifier: MIT */
/* UDP in batches: one non-blocking socket, many datagrams per system call, no allocation after the start. */
#pragma once

#include "net/address.h"

enum {
    STOA_UDP_BATCH = 64,  /* datagrams per receive and per send call */
    STOA_UDP_SLOT = 1600, /* bytes of one outgoing datagram's buffer */
    STOA_UDP_SOCKETS = 2, /* sockets that can share one send batch: IPv4 and IPv6 */
};

/* One bound socket. Filled by stoa_udp_open(), plain data after that. */
typedef struct {
    int fd;        /* -1: closed */
    uint8_t index; /* 0 or 1: the caller's number for it, in a batch and in a path */
    bool
        tells_local; /* wildcard on a host of several addresses: datagrams say where they came in */
    bool segments;   /* the kernel takes a run of datagrams to one address as one */
    StoaAddress bound; /* the port is the real one, also when 0 was asked */
} StoaUdpSocket;

/* One incoming datagram. The caller sets `buf` and `size` before, reads the rest after. */
typedef struct {
    uint8_t *buf; /* borrowed */
    size_t size;  /* bytes of room; a longer datagram is cut, has `cut` set, and is best dropped */
    size_t len;
    bool cut;
    StoaAddress from;
    StoaAddress
        local; /* the address it was sent to (port 0), only where `tells_local`; else none */
} StoaUdpDatagram;

typedef struct StoaUdpReceiver StoaUdpReceiver; /* one per worker: prepared headers of recvmmsg */
typedef struct StoaUdpBatch StoaUdpBatch;       /* one per worker: 64 outgoing datagrams */

/* Why a datagram did not leave. */
typedef enum {
    STOA_UDP_FULL,    /* the socket's buffer stayed full */
    STOA_UDP_REFUSED, /* the kernel said no to this one (bad or unreachable destination) */
} StoaUdpLoss;

/* Told of each datagram that did not leave, within a flush: nothing may be queued from there. `buf` is borrowed. */
typedef void StoaUdpLostFunc(void *user, StoaUdpLoss why, const uint8_t *buf, size_t len);

/* What became of outgoing datagrams, since the start. */
typedef struct {
    uint64_t sent;
    uint64_t refused; /* STOA_UDP_REFUSED */
    uint64_t full;    /* STOA_UDP_FULL */
    uint64_t calls;   /* of sendmmsg */
    uint64_t runs;    /* of datagrams that the kernel took as one */
    uint64_t split;   /* runs that it refused as one: their datagrams went one by one */
} StoaUdpStats;

/**
 * Open and bind a non-blocking socket with big buffers.
 *
 * @socket  written on success only; `index` is kept with it
 * @at      address and port (0: any free one). An IPv6 socket is bound to IPv6 alone
 *
 * Returns false with `error` naming address and reason.   Thread: any.
 */
bool stoa_udp_open(StoaUdpSocket *socket, uint8_t index, const StoaAddress *at, GError **error);

/** Close it; harmless on a closed one (fd -1). */
void stoa_udp_close(StoaUdpSocket *socket);

/**
 * How many datagrams came and found the socket's buffer full, since it was opened; wraps around. The kernel counts them
 * (SO_MEMINFO, Linux 4.12): asking now and then costs the packets nothing. 0 where it cannot be asked. Thread: any.
 */
uint32_t stoa_udp_overflow(const StoaUdpSocket *socket);

StoaUdpReceiver *stoa_udp_receiver_new(void);
void stoa_udp_receiver_free(StoaUdpReceiver *receiver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaUdpReceiver, stoa_udp_receiver_free)

/** The STOA_UDP_BATCH datagrams of the receiver. The caller keeps `buf` and `size` of each set. */
StoaUdpDatagram *stoa_udp_receiver_datagrams(StoaUdpReceiver *receiver);

/**
 * Take what waits at a socket, up to `max` datagrams (at most STOA_UDP_BATCH) in one recvmmsg.
 *
 * Returns how many of the receiver's datagrams were filled, from index 0; 0 when none waits.
 * Errors of single datagrams (ICMP) are passed over.   Thread: the socket's worker; allocates nothing.
 */
unsigned stoa_udp_receive(StoaUdpReceiver *receiver, const StoaUdpSocket *socket, unsigned max);

StoaUdpBatch *stoa_udp_batch_new(void);
void stoa_udp_batch_free(StoaUdpBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaUdpBatch, stoa_udp_batch_free)

/** Name who is told of what did not leave; NULL: nobody. */
void stoa_udp_batch_on_lost(StoaUdpBatch *batch, StoaUdpLostFunc *fn, void *user);

/**
 * A buffer of STOA_UDP_SLOT bytes to write the next datagram into; a full batch is flushed first.
 * Valid until the next call on the batch. Without a commit the same buffer comes again.
 */
uint8_t *stoa_udp_batch_slot(StoaUdpBatch *batch);

/**
 * Queue the slot's first `len` bytes. What goes to one address one after the other, and is as long as what went before,
 * is handed to the kernel as one piece (UDP_SEGMENT), which it cuts up as late as it can: half the price.
 *
 * @socket  must live until the flush; at most two different `index`es
 * @to      copied
 * @local   the address to send from (port ignored), or NULL / "no address": the kernel chooses
 *
 * Thread: the socket's worker; allocates nothing.
 */
void stoa_udp_batch_commit(StoaUdpBatch *batch, size_t len, const StoaUdpSocket *socket,
                           const StoaAddress *to, const StoaAddress *local);

/** Copy a ready datagram (at most STOA_UDP_SLOT bytes, else false) into a slot and commit it. */
bool stoa_udp_batch_add(StoaUdpBatch *batch, const uint8_t *buf, size_t len,
                        const StoaUdpSocket *socket, const StoaAddress *to,
                        const StoaAddress *local);

/**
 * Send all that is queued. A datagram that the kernel refuses is skipped and counted; a full
 * socket is waited for shortly (5 ms at most), then the rest is dropped and counted.
 *
 * Thread: the socket's worker; allocates nothing.
 */
void stoa_udp_batch_flush(StoaUdpBatch *batch);

/** How many datagrams wait for the flush. */
unsigned stoa_udp_batch_count(const StoaUdpBatch *batch);

const StoaUdpStats *stoa_udp_batch_stats(const StoaUdpBatch *batch);
