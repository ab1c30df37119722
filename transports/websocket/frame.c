/* SPDX-License-Identifier: MIT */
/* The head of one WebSocket frame. */
#include "frame.h"

#include <string.h>

#define MASKED   0x80
#define FINAL    0x80
#define RESERVED 0x70

static bool is_known(unsigned opcode)
{
    return opcode <= WS_OPCODE_BINARY || (opcode >= WS_OPCODE_CLOSE && opcode <= WS_OPCODE_PONG);
}

static uint64_t read_big_endian(const uint8_t *buf, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | buf[i];
    return value;
}

WsFrameResult ws_frame_read(const uint8_t *buf, size_t len, WsFrame *frame, size_t *head_len)
{
    unsigned opcode, short_len;
    size_t len_bytes;
    uint64_t payload_len;

    if (len < 2)
        return WS_FRAME_SHORT;
    opcode = buf[0] & 0x0f;
    short_len = buf[1] & 0x7f;
    if ((buf[0] & RESERVED) || !is_known(opcode) || !(buf[1] & MASKED))
        return WS_FRAME_INVALID;
    if (opcode >= WS_OPCODE_CLOSE && (!(buf[0] & FINAL) || short_len > WS_FRAME_MAX_CONTROL))
        return WS_FRAME_INVALID;
    len_bytes = short_len == 126 ? 2 : short_len == 127 ? 8 : 0;
    if (len < 2 + len_bytes + 4)
        return WS_FRAME_SHORT;
    payload_len = len_bytes ? read_big_endian(buf + 2, len_bytes) : short_len;
    if ((len_bytes == 2 && payload_len < 126) ||
        (len_bytes == 8 && (payload_len <= UINT16_MAX || payload_len > INT64_MAX)))
        return WS_FRAME_INVALID;
    frame->opcode = (WsOpcode)opcode;
    frame->is_final = (buf[0] & FINAL) != 0;
    frame->payload_len = payload_len;
    memcpy(frame->mask, buf + 2 + len_bytes, sizeof frame->mask);
    *head_len = 2 + len_bytes + 4;
    return WS_FRAME_READY;
}

size_t ws_frame_write(uint8_t out[10], WsOpcode opcode, size_t payload_len)
{
    size_t len_bytes = payload_len < 126 ? 0 : payload_len <= UINT16_MAX ? 2 : 8;

    out[0] = (uint8_t)(FINAL | opcode);
    out[1] = (uint8_t)(len_bytes == 0 ? payload_len : len_bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < len_bytes; i++)
        out[2 + i] = (uint8_t)((uint64_t)payload_len >> 8 * (len_bytes - 1 - i));
    return 2 + len_bytes;
}

bool ws_frame_is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}
