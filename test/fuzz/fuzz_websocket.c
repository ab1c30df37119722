/* SPDX-License-Identifier: MIT */
/* A client of the WebSocket transport that sends anything: first the handshake, then frames. */
#include <stdint.h>
#include <stdlib.h>

#include "../../transports/websocket/handshake.h"
#include "../../transports/websocket/reader.h"

#define LIMIT 4096

static void on_text(void *user, const char *text, size_t len)
{
    size_t *n_bytes = user;

    if (len > LIMIT + 1)
        abort();
    for (size_t i = 0; i < len; i++)
        *n_bytes += (uint8_t)text[i];
}

static void on_ping(void *user, const uint8_t *payload, size_t len)
{
    on_text(user, (const char *)payload, len);
}

static void on_closed(void *user G_GNUC_UNUSED, uint16_t code)
{
    if (code < 1000)
        abort();
}

static const WsReaderEvents events = { on_text, on_text, on_ping, on_closed };

static void open_and_judge(const char *buf, size_t len)
{
    WsHandshake handshake;
    size_t head_len;
    unsigned status;

    if (ws_handshake_read(buf, len, &handshake, &head_len) != WS_HANDSHAKE_READY)
        return;
    if (!ws_handshake_complaint(&handshake, &status))
        g_free(ws_handshake_accept(&handshake, ws_handshake_protocol(&handshake)));
    ws_handshake_clear(&handshake);
}

/* The first byte is the size of the pieces that the rest is fed in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t n_bytes = 0, step;
    WsReader reader;

    open_and_judge((const char *)data, len);
    if (len < 2)
        return 0;
    step = data[0] ? data[0] : len;
    ws_reader_init(&reader, &events, &n_bytes, LIMIT);
    for (size_t at = 1; at < len; at += step)
        ws_reader_input(&reader, data + at, MIN(step, len - at));
    ws_reader_clear(&reader);
    return 0;
}
