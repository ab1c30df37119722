/* SPDX-License-Identifier: MIT */
#pragma once /* The head of one WebSocket frame, as a server reads and writes it. Pure, no I/O. (RFC 6455, 5.2) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    WS_OPCODE_CONTINUATION = 0,
    WS_OPCODE_TEXT = 1,
    WS_OPCODE_BINARY = 2,
    WS_OPCODE_CLOSE = 8,
    WS_OPCODE_PING = 9,
    WS_OPCODE_PONG = 10,
} WsOpcode;

/* Close codes. (RFC 6455, 7.4.1) */
enum {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_NOT_TEXT = 1003,
    WS_CLOSE_NO_CODE = 1005, /* never on the wire */
    WS_CLOSE_BAD_UTF8 = 1007,
    WS_CLOSE_TOO_LONG = 1009,
};

#define WS_FRAME_MAX_HEAD    14 /* what a client may send */
#define WS_FRAME_MAX_CONTROL 125

typedef struct {
    WsOpcode opcode;
    bool is_final;
    uint8_t mask[4];
    uint64_t payload_len;
} WsFrame;

typedef enum { WS_FRAME_READY, WS_FRAME_SHORT, WS_FRAME_INVALID } WsFrameResult;

/**
 * Read the head of a client's frame.
 *
 * @buf       borrowed, `len` bytes
 * @frame     written on READY only
 * @head_len  written on READY only: bytes of the head
 *
 * Returns SHORT when more bytes are needed; INVALID when the frame is unmasked, uses reserved bits or opcodes, is a
 * fragmented or long control frame, or writes its length in more bytes than it takes.
 * Thread: any; allocates nothing.   Fuzzed by: test/fuzz/fuzz_websocket.c
 */
WsFrameResult ws_frame_read(const uint8_t *buf, size_t len, WsFrame *frame, size_t *head_len);

/** Write the head of a server's frame, unmasked and unfragmented. Returns its length, 2 to 10 bytes. */
size_t ws_frame_write(uint8_t out[10], WsOpcode opcode, size_t payload_len);

/** Whether a client may put `code` into a Close frame. (RFC 6455, 7.4.2) */
bool ws_frame_is_close_code(uint16_t code);
