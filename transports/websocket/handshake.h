/* SPDX-License-Identifier: MIT */
#pragma once /* The HTTP request that opens a WebSocket, and the answers to it. Pure, no I/O. (RFC 6455, 4.2) */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define WS_HANDSHAKE_MAX_BYTES 8192 /* of the request's head */

typedef enum {
    WS_PROTOCOL_NONE,
    WS_PROTOCOL_JANUS,
    WS_PROTOCOL_ADMIN,
} WsProtocol;

/* What matters of the request. Strings are NULL when the header is absent; of lists, all lines are joined. */
typedef struct {
    bool is_get, is_http_1_1, has_body;
    unsigned n_hosts, n_keys;
    char *host, *origin, *forwarded_for, *upgrade, *connection, *key, *version, *protocols;
} WsHandshake;

typedef enum { WS_HANDSHAKE_READY, WS_HANDSHAKE_SHORT, WS_HANDSHAKE_INVALID } WsHandshakeResult;

/**
 * Read the head of a request.
 *
 * @buf        borrowed, `len` bytes
 * @handshake  written on READY only; free with ws_handshake_clear()
 * @head_len   written on READY only: bytes up to and with the empty line
 *
 * INVALID: it is no HTTP/1 request, or its head is longer than WS_HANDSHAKE_MAX_BYTES.
 * Thread: any.   Fuzzed by: test/fuzz/fuzz_websocket.c
 */
WsHandshakeResult ws_handshake_read(const char *buf, size_t len, WsHandshake *handshake,
                                    size_t *head_len);
void ws_handshake_clear(WsHandshake *handshake);

/**
 * What is wrong with the request as an opening of a WebSocket; NULL when nothing is.
 *
 * @status  written with the HTTP status to refuse it with: 400, 405, 426
 */
const char *ws_handshake_complaint(const WsHandshake *handshake, unsigned *status);

/** The first sub-protocol of the client's list that we speak. */
WsProtocol ws_handshake_protocol(const WsHandshake *handshake);

/** The answer that opens the WebSocket; free with g_free(). */
char *ws_handshake_accept(const WsHandshake *handshake, WsProtocol protocol);

/** The answer that refuses it, with one line of text as its body; free with g_free(). */
char *ws_handshake_refuse(unsigned status, const char *why);
