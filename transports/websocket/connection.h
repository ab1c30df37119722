/* SPDX-License-Identifier: MIT */
#pragma once /* One client: its handshake, its messages, its goodbye. All on the service thread but for what is marked. */

#include "reader.h"
#include "server.h"

typedef enum {
    WS_STATE_HEAD, /* the TLS handshake, and the request that opens the WebSocket */
    WS_STATE_OPEN,
    WS_STATE_CLOSING, /* our Close is queued: theirs is awaited */
    WS_STATE_ENDING,  /* what is queued is sent, and then the connection is cut */
    WS_STATE_LINGER, /* all is sent, our side is shut: their end is awaited, so that they read it */
} WsState;

struct WsConnection {
    WsServer *server;
    struct lws *wsi; /* NULL until libwebsockets has it */
    int fd;
    GList link; /* in WsServer.connections */
    WsState state;
    char peer[64],
        address[64];  /* of the socket; of the client behind trusted proxies, "" until known */
    bool claimed;     /* the address is counted in the core */
    uint64_t client;  /* 0 until open */
    WsSetup *setup;   /* a ref */
    GByteArray *head; /* of the handshake, until it is complete */
    WsReader reader;
    int64_t deadline_us; /* 0: none */
    int64_t heard_us, pinged_us;

    GQueue out;          /* lock; WsOutput */
    size_t queued_bytes; /* lock */
    bool touched;        /* lock; in WsServer.touched */
    bool is_slow;        /* lock; did not read: cut it off */
    char *close_reason;  /* lock; control wants it closed */
    uint16_t close_code; /* lock; with that reason */
};

/** A connection that was accepted. @fd stays the caller's, who hands it to libwebsockets. */
WsConnection *ws_connection_new(WsServer *server, int fd, const struct sockaddr *peer,
                                int64_t now_us);

/** Forget it: the core is told, the address is released. */
void ws_connection_free(WsConnection *connection);

/** Bytes came. Returns false when the connection is to be cut. */
bool ws_connection_input(WsConnection *connection, const uint8_t *buf, size_t len);

/** The socket takes bytes. Returns false when the connection is to be cut. */
bool ws_connection_output(WsConnection *connection);

/** Control has left something: send it, or close. */
void ws_connection_touched(WsConnection *connection);

/** Look at deadlines, ping. */
void ws_connection_tick(WsConnection *connection, int64_t now_us);

/** Send a Close frame after what is queued. @reason is cut to fit */
void ws_connection_close(WsConnection *connection, uint16_t code, const char *reason);

/** Queue one text frame; the lock is held. Returns false when the client has not read for too long. Thread: any. */
bool ws_connection_queue_text(WsConnection *connection, const char *text, size_t len);
