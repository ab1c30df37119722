/* SPDX-License-Identifier: MIT */
#pragma once /* A client's side of a WebSocket: bytes in, whole messages out. No I/O. (RFC 6455, 5) */

#include "frame.h"

#include <glib.h>

/* What a reader has to tell; the payloads are borrowed. */
typedef struct {
    void (*message)(void *user, const char *text, size_t len);
    /* The message grows past the limit: `len` is the limit and one byte. Its rest is skipped. */
    void (*too_long)(void *user, const char *text, size_t len);
    void (*ping)(void *user, const uint8_t *payload, size_t len);
    void (*closed)(void *user, uint16_t code); /* the client's Close; nothing is read after it */
} WsReaderEvents;

typedef struct {
    const WsReaderEvents *events;
    void *user;
    size_t limit; /* bytes of one message; 0: none */
    uint8_t head[WS_FRAME_MAX_HEAD];
    size_t head_len;
    WsFrame frame;  /* the one whose payload is being read */
    uint64_t left;  /* bytes of that payload to come */
    size_t mask_at; /* 0 to 3 */
    bool in_payload, in_message, discards, ended;
    bool skips;       /* the rest of this message: it was too long */
    size_t skipped;   /* bytes of it */
    GByteArray *text; /* the message so far */
    uint8_t control[WS_FRAME_MAX_CONTROL];
    size_t control_len;
} WsReader;

/** Make a reader. @events and @user are borrowed for its life; free with ws_reader_clear(). */
void ws_reader_init(WsReader *reader, const WsReaderEvents *events, void *user, size_t limit);
void ws_reader_clear(WsReader *reader);

/**
 * Feed bytes in any cut.
 *
 * Returns 0; or the code to close with: 1002 for a broken frame, and then the rest cannot be read at all; 1003 for a binary
 * message, 1007 for bad UTF-8, 1009 for a message far past the limit, and then messages are skipped from now on.
 */
uint16_t ws_reader_input(WsReader *reader, const uint8_t *buf, size_t len);

/** Another limit, from the next message on. */
void ws_reader_set_limit(WsReader *reader, size_t limit);

/** Skip messages and pings from now on: only the client's Close matters. */
void ws_reader_discard(WsReader *reader);
