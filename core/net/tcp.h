/* SPDX-License-Identifier: MIT */
/* ICE over TCP, the passive side: a listener, and connections that carry framed datagrams. (RFC 6544, RFC 4571) */
#pragma once

#include "net/address.h"

typedef struct StoaTcpListener StoaTcpListener;
typedef struct StoaTcpConnection StoaTcpConnection;

enum {
    STOA_TCP_FRAME = 2000, /* the longest frame taken or sent; a longer one ends the connection */
    STOA_TCP_SILENCE_US =
        10000000, /* a connection without a valid STUN check is closed after this */
};

typedef struct {
    unsigned max_connections; /* of this listener; 0: 4096 */
    unsigned max_per_address; /* connections of one remote address; 0: 64 */
    size_t queue_bytes;       /* unsent bytes a connection may hold; 0: 256 KiB */
} StoaTcpLimits;

typedef enum {
    STOA_TCP_SENT,    /* with the kernel, or in the queue behind an unfinished frame */
    STOA_TCP_DROPPED, /* the queue is full: this frame is lost, the stream is whole */
    STOA_TCP_BROKEN,  /* the connection is over: free it */
} StoaTcpResult;

/**
 * A whole frame came in.
 *
 * @buf  borrowed, writable (SRTP opens in place), `len` bytes
 *
 * Returns false to have the connection closed. Must not free it.
 */
typedef bool (*StoaTcpOnFrame)(void *user, StoaTcpConnection *connection, uint8_t *buf, size_t len);

/**
 * Listen on an address and port (0: any free one), non-blocking.
 *
 * @limits  copied; NULL: the defaults
 *
 * Returns NULL with `error` naming address and reason.   Thread: the worker's, as all below.
 */
StoaTcpListener *stoa_tcp_listener_new(const StoaAddress *at, const StoaTcpLimits *limits,
                                       GError **error);

/** Close the listener; its connections must have been freed before. */
void stoa_tcp_listener_free(StoaTcpListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaTcpListener, stoa_tcp_listener_free)

int stoa_tcp_listener_fd(const StoaTcpListener *listener);
uint16_t stoa_tcp_listener_port(const StoaTcpListener *listener);

/**
 * Accept one waiting connection; those over a limit are closed at once and passed over.
 * Call it until it returns NULL when the listener's fd is readable.
 *
 * @id  the caller's number for it, never 0, unique among living connections of the worker
 *
 * Returns a connection that the caller owns. Its fd is non-blocking with TCP_NODELAY.
 */
StoaTcpConnection *stoa_tcp_listener_accept(StoaTcpListener *listener, uint32_t id, int64_t now_us);

/** Close it; a half-sent frame is cut. */
void stoa_tcp_connection_free(StoaTcpConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaTcpConnection, stoa_tcp_connection_free)

int stoa_tcp_connection_fd(const StoaTcpConnection *connection);
uint32_t stoa_tcp_connection_id(const StoaTcpConnection *connection);
const StoaAddress *stoa_tcp_connection_remote(const StoaTcpConnection *connection);
const StoaAddress *stoa_tcp_connection_local(const StoaTcpConnection *connection);

/** A valid STUN check came over it: the silence limit no longer holds. */
void stoa_tcp_connection_prove(StoaTcpConnection *connection);
bool stoa_tcp_connection_is_proven(const StoaTcpConnection *connection);

/** When an unproven connection is to be freed; INT64_MAX once proven. */
int64_t stoa_tcp_connection_deadline_us(const StoaTcpConnection *connection);

/**
 * Read what waits (at most 64 KiB per call: fairness) and hand over each whole frame.
 *
 * Returns false when the connection is over (closed by the peer, a bad length, or `on_frame` said so):
 * the caller then frees it.   Allocates nothing.
 */
bool stoa_tcp_connection_on_readable(StoaTcpConnection *connection, StoaTcpOnFrame on_frame,
                                     void *user);

/** Send more of the queue. Returns false when the connection is over: the caller then frees it. */
bool stoa_tcp_connection_on_writable(StoaTcpConnection *connection);

/** Does the caller need EPOLLOUT? True while a queue waits. Ask after each send and on_writable. */
bool stoa_tcp_connection_wants_writable(const StoaTcpConnection *connection);

/**
 * Send one datagram as a frame: at once if nothing waits, else behind the queue. What the kernel
 * takes only in part is finished later; a frame that finds the queue full is dropped whole.
 *
 * @buf  borrowed, `len` bytes, at most STOA_TCP_FRAME
 */
StoaTcpResult stoa_tcp_connection_send(StoaTcpConnection *connection, int64_t now_us,
                                       const uint8_t *buf, size_t len);

/** Bytes that wait in the queue. */
size_t stoa_tcp_connection_queued(const StoaTcpConnection *connection);

/**
 * Does the receiver take less than it is sent? The queue is half full, or has not run empty for a while: what can be
 * left out (video) is to be left out, or all else comes late.
 */
bool stoa_tcp_connection_is_congested(const StoaTcpConnection *connection, int64_t now_us);
