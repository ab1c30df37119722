/* SPDX-License-Identifier: MIT */
/* A client's side of a WebSocket: bytes in, whole messages out. */
#include "reader.h"

#include <string.h>

#define KEEP_BYTES 1024 /* of a message's memory, for the next one: what has no SDP in it */
#define SKIP_BYTES (16 * 1024 * 1024) /* past the limit, before the connection goes too */

void ws_reader_init(WsReader *reader, const WsReaderEvents *events, void *user, size_t limit)
{
    *reader = (WsReader){ .events = events, .user = user, .limit = limit };
}

static void drop_text(WsReader *reader)
{
    if (reader->text)
        g_byte_array_unref(reader->text);
    reader->text = NULL;
}

void ws_reader_clear(WsReader *reader)
{
    drop_text(reader);
}

void ws_reader_set_limit(WsReader *reader, size_t limit)
{
    if (!reader->in_message)
        reader->limit = limit;
}

void ws_reader_discard(WsReader *reader)
{
    reader->discards = true;
    drop_text(reader);
}

/* glib takes a NUL for an end, but in UTF-8 it is a character like others. */
static bool is_utf8(const uint8_t *text, size_t len)
{
    while (len > 0) {
        const uint8_t *nul = memchr(text, 0, len);
        size_t part = nul ? (size_t)(nul - text) : len;

        if (!g_utf8_validate_len((const char *)text, part, NULL))
            return false;
        if (!nul)
            return true;
        text += part + 1;
        len -= part + 1;
    }
    return true;
}

static void unmask(WsReader *reader, uint8_t *out, const uint8_t *in, size_t len)
{
    const uint8_t *mask = reader->frame.mask;

    for (size_t i = 0; i < len; i++)
        out[i] = in[i] ^ mask[(reader->mask_at + i) & 3];
    reader->mask_at = (reader->mask_at + len) & 3;
}

/* -- frames ------------------------------------------------------------------------------------ */

/* What may follow what. (RFC 6455, 5.4) */
static uint16_t check_order(WsReader *reader)
{
    switch (reader->frame.opcode) {
    case WS_OPCODE_CONTINUATION: return reader->in_message ? 0 : WS_CLOSE_PROTOCOL;
    case WS_OPCODE_TEXT:
    case WS_OPCODE_BINARY:
        if (reader->in_message)
            return WS_CLOSE_PROTOCOL;
        reader->in_message = true;
        return reader->frame.opcode == WS_OPCODE_BINARY && !reader->discards ? WS_CLOSE_NOT_TEXT
                                                                             : 0;
    default: return 0;
    }
}

static uint16_t read_head(WsReader *reader, const uint8_t **buf, size_t *len)
{
    size_t used, had = reader->head_len;
    size_t n = MIN(*len, sizeof reader->head - had);
    WsFrameResult result;

    memcpy(reader->head + had, *buf, n);
    result = ws_frame_read(reader->head, had + n, &reader->frame, &used);
    if (result == WS_FRAME_INVALID)
        return WS_CLOSE_PROTOCOL;
    if (result == WS_FRAME_SHORT) {
        reader->head_len += n;
        *buf += n;
        *len -= n;
        return 0;
    }
    *buf += used - had;
    *len -= used - had;
    reader->head_len = reader->mask_at = reader->control_len = 0;
    reader->in_payload = true;
    reader->left = reader->frame.payload_len;
    return check_order(reader);
}

/* The sender is told once, and what else it has to say is heard. */
static uint16_t skip_text(WsReader *reader, size_t len)
{
    reader->skipped += len;
    return reader->skipped > SKIP_BYTES ? WS_CLOSE_TOO_LONG : 0;
}

static uint16_t keep_text(WsReader *reader, const uint8_t *buf, size_t len)
{
    size_t room = reader->limit ? reader->limit + 1 - (reader->text ? reader->text->len : 0) : len;
    size_t n = MIN(len, room), had;

    if (reader->discards)
        return 0;
    if (reader->skips)
        return skip_text(reader, len);
    if (!reader->text)
        reader->text = g_byte_array_new();
    had = reader->text->len;
    if (n > G_MAXUINT / 2 - had) /* no limit was set, but glib has one */
        return WS_CLOSE_TOO_LONG;
    g_byte_array_set_size(reader->text, (guint)(had + n));
    unmask(reader, reader->text->data + had, buf, n);
    if (!reader->limit || reader->text->len <= reader->limit)
        return 0;
    reader->events->too_long(reader->user, (const char *)reader->text->data, reader->text->len);
    drop_text(reader);
    reader->skips = true;
    return skip_text(reader, len - n);
}

static uint16_t finish_message(WsReader *reader)
{
    static const uint8_t nothing[1];
    const uint8_t *text = reader->text ? reader->text->data : nothing;
    size_t len = reader->text ? reader->text->len : 0;
    bool skipped = reader->skips;

    reader->in_message = reader->skips = false;
    reader->skipped = 0;
    if (reader->discards || skipped)
        return 0;
    if (!is_utf8(text, len))
        return WS_CLOSE_BAD_UTF8;
    reader->events->message(reader->user, (const char *)text, len);
    if (len > KEEP_BYTES)
        drop_text(reader);
    else if (reader->text)
        g_byte_array_set_size(reader->text, 0);
    return 0;
}

static uint16_t finish_close(WsReader *reader)
{
    uint16_t code = WS_CLOSE_NO_CODE;

    if (reader->control_len == 1)
        return WS_CLOSE_PROTOCOL;
    if (reader->control_len >= 2) {
        code = (uint16_t)(reader->control[0] << 8 | reader->control[1]);
        if (!ws_frame_is_close_code(code))
            return WS_CLOSE_PROTOCOL;
        if (!is_utf8(reader->control + 2, reader->control_len - 2))
            return WS_CLOSE_BAD_UTF8;
    }
    reader->ended = true;
    reader->events->closed(reader->user, code);
    return 0;
}

static uint16_t finish_frame(WsReader *reader)
{
    reader->in_payload = false;
    switch (reader->frame.opcode) {
    case WS_OPCODE_CLOSE: return finish_close(reader);
    case WS_OPCODE_PING:
        if (!reader->discards)
            reader->events->ping(reader->user, reader->control, reader->control_len);
        return 0;
    case WS_OPCODE_PONG: return 0;
    default: return reader->frame.is_final ? finish_message(reader) : 0;
    }
}

static uint16_t read_payload(WsReader *reader, const uint8_t **buf, size_t *len)
{
    size_t n = (size_t)MIN((uint64_t)*len, reader->left);
    uint16_t code = 0;

    if (reader->frame.opcode >= WS_OPCODE_CLOSE) {
        unmask(reader, reader->control + reader->control_len, *buf, n);
        reader->control_len += n;
    } else if (n) {
        code = keep_text(reader, *buf, n);
    }
    reader->left -= n;
    *buf += n;
    *len -= n;
    if (code || reader->left)
        return code;
    return finish_frame(reader);
}

uint16_t ws_reader_input(WsReader *reader, const uint8_t *buf, size_t len)
{
    uint16_t code = 0, first = 0;

    while (!reader->ended && (len > 0 || (reader->in_payload && !reader->left))) {
        code =
            reader->in_payload ? read_payload(reader, &buf, &len) : read_head(reader, &buf, &len);
        if (code == WS_CLOSE_PROTOCOL) {
            reader->ended = true;
            drop_text(reader);
            return first ? first : code;
        }
        if (code) { /* the frames are sound: go on to look for the Close */
            first = first ? first : code;
            ws_reader_discard(reader);
        }
    }
    return first;
}
