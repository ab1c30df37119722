/* SPDX-License-Identifier: MIT */
/* One client: its handshake, its messages, its goodbye.
 *
 * libwebsockets carries bytes and TLS; the framing is our own, because version 4.1 takes unmasked frames for good ones and
 * has no hook to refuse them (SECURITY R8). */
#include "connection.h"

#include <string.h>
#include <sys/socket.h>

#include "../common/listen.h"
#include "handshake.h"

#define GOODBYE_US (2 * G_USEC_PER_SEC) /* for the client's Close, or its end of the connection */
#define REFUSED_US (2 * G_USEC_PER_SEC)
#define MAX_REASON (WS_FRAME_MAX_CONTROL - 2)
#define JOIN_BYTES 4096 /* frames that wait together leave together, up to about so many bytes */

/* What is written at once. LWS_PRE bytes in front of `data` are libwebsockets' to write to. */
typedef struct {
    size_t len, size;
    uint8_t before[LWS_PRE];
    uint8_t data[];
} WsOutput;

/* -- output ------------------------------------------------------------------------------------ */

/* The lock is held, also below. */
static WsOutput *output_with_room(WsConnection *connection, size_t len)
{
    WsOutput *last = g_queue_peek_tail(&connection->out);

    if (last && last->size - last->len >= len)
        return last;
    size_t size = MAX(len, JOIN_BYTES);
    WsOutput *output = g_malloc(sizeof *output + size);
    output->len = 0;
    output->size = size;
    g_queue_push_tail(&connection->out, output);
    return output;
}

static void append(WsConnection *connection, WsOutput *output, const void *buf, size_t len)
{
    if (len)
        memcpy(output->data + output->len, buf, len);
    output->len += len;
    connection->queued_bytes += len;
}

static void queue_bytes(WsConnection *connection, const void *buf, size_t len)
{
    append(connection, output_with_room(connection, len), buf, len);
}

static void queue_frame(WsConnection *connection, WsOpcode opcode, const void *payload, size_t len)
{
    uint8_t head[10];
    size_t head_len = ws_frame_write(head, opcode, len);
    WsOutput *output = output_with_room(connection, head_len + len);

    append(connection, output, head, head_len);
    append(connection, output, payload, len);
}

static bool is_full(const WsConnection *connection)
{
    size_t limit = connection->setup->queue_bytes;

    return limit && connection->queued_bytes > limit;
}

bool ws_connection_queue_text(WsConnection *connection, const char *text, size_t len)
{
    if (connection->is_slow || is_full(connection))
        return false;
    queue_frame(connection, WS_OPCODE_TEXT, text, len);
    return true;
}

static void kill_soon(WsConnection *connection)
{
    connection->deadline_us = 0;
    if (connection->wsi)
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void cut_slow(WsConnection *connection)
{
    stoa_transport_log(connection->server->host, G_LOG_LEVEL_WARNING,
                       "a client does not read what it is sent: disconnected "
                       "(websocket.conf: limits.queue_bytes)");
    kill_soon(connection);
}

/* Pongs and refusals count like what control sends: who asks for them and does not read them is cut off. */
static void send_frame(WsConnection *connection, WsOpcode opcode, const void *payload, size_t len)
{
    bool cut;

    g_mutex_lock(&connection->server->lock);
    cut = !connection->is_slow && is_full(connection);
    connection->is_slow |= cut;
    if (!connection->is_slow)
        queue_frame(connection, opcode, payload, len);
    g_mutex_unlock(&connection->server->lock);
    if (cut)
        cut_slow(connection);
    else
        lws_callback_on_writable(connection->wsi);
}

static void send_plain(WsConnection *connection, const char *text)
{
    g_mutex_lock(&connection->server->lock);
    queue_bytes(connection, text, strlen(text));
    g_mutex_unlock(&connection->server->lock);
    lws_callback_on_writable(connection->wsi);
}

static WsOutput *next_output(WsConnection *connection, bool *more)
{
    WsOutput *output;

    g_mutex_lock(&connection->server->lock);
    output = g_queue_pop_head(&connection->out);
    if (output)
        connection->queued_bytes -= output->len;
    *more = !g_queue_is_empty(&connection->out);
    g_mutex_unlock(&connection->server->lock);
    return output;
}

/* With bytes unread, closing a socket resets it, and the other side may lose what we sent last. */
static bool linger(WsConnection *connection)
{
    if (connection->state != WS_STATE_ENDING)
        return true;
    if (connection->server->secure || shutdown(connection->fd, SHUT_WR) != 0)
        return false;
    connection->state = WS_STATE_LINGER;
    return true;
}

/* libwebsockets calls when the socket takes bytes: it is not asked again before the first. What comes meanwhile calls anew. */
bool ws_connection_output(WsConnection *connection)
{
    WsOutput *output;
    bool more = false;

    while ((output = next_output(connection, &more))) {
        int n = lws_write(connection->wsi, output->data, output->len, LWS_WRITE_RAW);
        g_free(output);
        if (n < 0)
            return false;
        if (lws_partial_buffered(connection->wsi) ||
            (more && lws_send_pipe_choked(connection->wsi))) {
            lws_callback_on_writable(connection->wsi);
            return true;
        }
        if (!more)
            break;
    }
    return linger(connection);
}

/* -- goodbye ----------------------------------------------------------------------------------- */

static void end(WsConnection *connection)
{
    connection->state = WS_STATE_ENDING;
    connection->deadline_us = g_get_monotonic_time() + GOODBYE_US;
    lws_callback_on_writable(connection->wsi);
}

/* What fits into a control frame, not cut inside a character. */
static size_t fitting(const char *reason)
{
    size_t len = strlen(reason);

    if (len <= MAX_REASON)
        return len;
    for (len = MAX_REASON; len > 0 && ((uint8_t)reason[len] & 0xc0) == 0x80; len--)
        ;
    return len;
}

static void send_close(WsConnection *connection, uint16_t code, const char *reason)
{
    uint8_t payload[WS_FRAME_MAX_CONTROL] = { (uint8_t)(code >> 8), (uint8_t)code };
    size_t len = fitting(reason);

    memcpy(payload + 2, reason, len);
    send_frame(connection, WS_OPCODE_CLOSE, payload, 2 + len);
}

void ws_connection_close(WsConnection *connection, uint16_t code, const char *reason)
{
    if (connection->state == WS_STATE_HEAD)
        end(connection);
    if (connection->state != WS_STATE_OPEN)
        return;
    send_close(connection, code, reason);
    connection->state = WS_STATE_CLOSING;
    connection->deadline_us = g_get_monotonic_time() + GOODBYE_US;
    ws_reader_discard(&connection->reader);
}

/* -- messages ---------------------------------------------------------------------------------- */

static void send_json(WsConnection *connection, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text)
        send_frame(connection, WS_OPCODE_TEXT, text, strlen(text));
    free(text);
    json_decref(json);
}

static void on_message(void *user, const char *text, size_t len)
{
    WsConnection *connection = user;
    WsServer *server = connection->server;
    static uint64_t n_requests; /* the service thread's alone */
    json_t *refusal = NULL;
    json_t *message = stoa_client_parse(server->host, text, len, &refusal);

    if (!message) {
        send_json(connection, refusal);
        return;
    }
    stoa_client_request(server->host, connection->client, ++n_requests, message);
}

static void on_too_long(void *user, const char *text, size_t len)
{
    WsConnection *connection = user;
    json_t *refusal = NULL;
    json_t *message = stoa_client_parse(connection->server->host, text, len, &refusal);

    json_decref(message);
    send_json(connection, refusal);
}

static void on_ping(void *user, const uint8_t *payload, size_t len)
{
    send_frame(user, WS_OPCODE_PONG, payload, len);
}

static void on_closed(void *user, uint16_t code)
{
    WsConnection *connection = user;

    if (connection->state == WS_STATE_OPEN)
        send_close(connection, code == WS_CLOSE_NO_CODE ? WS_CLOSE_NORMAL : code, "");
    end(connection);
}

static const WsReaderEvents reader_events = {
    .message = on_message, .too_long = on_too_long, .ping = on_ping, .closed = on_closed
};

static const char *reason_of(uint16_t code)
{
    switch (code) {
    case WS_CLOSE_NOT_TEXT: return "send JSON in text frames";
    case WS_CLOSE_BAD_UTF8: return "the text is not UTF-8";
    case WS_CLOSE_TOO_LONG: return "the message is too long (limits.message_bytes)";
    default: return "this is not how WebSocket frames look";
    }
}

static bool read_frames(WsConnection *connection, const uint8_t *buf, size_t len)
{
    g_autoptr(WsSetup) newest = ws_server_setup(connection->server);
    uint16_t code;

    ws_reader_set_limit(&connection->reader, newest->message_bytes);
    code = ws_reader_input(&connection->reader, buf, len);
    if (code && connection->state == WS_STATE_OPEN)
        ws_connection_close(connection, code, reason_of(code));
    if (connection->reader.ended && connection->state == WS_STATE_CLOSING)
        end(connection); /* nothing more can be read */
    return true;
}

/* -- handshake --------------------------------------------------------------------------------- */

static void release_address(WsConnection *connection)
{
    if (connection->claimed)
        stoa_transport_release_address(connection->server->host, connection->address);
    connection->claimed = false;
}

static bool claim_address(WsConnection *connection, const char *forwarded_for)
{
    StoaTransportHost *host = connection->server->host;
    char address[sizeof connection->address];

    stoa_transport_client_address(host, connection->peer, forwarded_for, address, sizeof address);
    if (connection->claimed && strcmp(address, connection->address) == 0)
        return true;
    release_address(connection);
    g_strlcpy(connection->address, address, sizeof connection->address);
    connection->claimed = stoa_transport_claim_address(host, address);
    return connection->claimed;
}

/* The operator's protocol is for this machine, and not for what a proxy brings here from elsewhere. */
static bool may_administer(const WsConnection *connection, const WsHandshake *handshake)
{
    return stoa_listen_is_loopback(connection->peer) &&
           stoa_listen_is_loopback(connection->address) && !handshake->forwarded_for;
}

static const char *complaint_of(WsConnection *connection, const WsHandshake *handshake,
                                unsigned *status)
{
    const char *why = ws_handshake_complaint(handshake, status);
    bool is_admin = ws_handshake_protocol(handshake) == WS_PROTOCOL_ADMIN;
    static char *const own_only[] = { NULL };

    if (why)
        return why;
    *status = 403;
    if (is_admin && !may_administer(connection, handshake))
        return "the admin protocol is for connections from this machine";
    if (!stoa_transport_origin_allowed(connection->server->host,
                                       is_admin ? own_only : connection->setup->allow_origins,
                                       handshake->origin, handshake->host))
        return "pages of this origin may not use the server: "
               "add it to listen.allow_origins in websocket.conf";
    return NULL;
}

static void refuse(WsConnection *connection, unsigned status, const char *why)
{
    g_autofree char *answer = ws_handshake_refuse(status, why);

    send_plain(connection, answer);
    end(connection);
}

static void open_client(WsConnection *connection, const WsHandshake *handshake)
{
    WsServer *server = connection->server;
    WsProtocol protocol = ws_handshake_protocol(handshake);
    StoaClientInfo info = { .address = connection->address,
                            .admin = protocol == WS_PROTOCOL_ADMIN,
                            .events = true };
    g_autofree char *answer = ws_handshake_accept(handshake, protocol);

    send_plain(connection, answer);
    connection->state = WS_STATE_OPEN;
    connection->deadline_us = 0;
    connection->client = stoa_client_open(server->host, &info);
    ws_reader_init(&connection->reader, &reader_events, connection,
                   connection->setup->message_bytes);
    g_mutex_lock(&server->lock);
    g_hash_table_insert(server->clients, &connection->client, connection);
    g_mutex_unlock(&server->lock);
}

static void answer_handshake(WsConnection *connection, const WsHandshake *handshake)
{
    unsigned status = 400;
    const char *why;

    if (!claim_address(connection, handshake->forwarded_for)) {
        refuse(connection, 429,
               "too many connections from your address: close some "
               "(limits.connections_per_address)");
        return;
    }
    why = complaint_of(connection, handshake, &status);
    if (why)
        refuse(connection, status, why);
    else
        open_client(connection, handshake);
}

static bool read_head(WsConnection *connection, const uint8_t *buf, size_t len)
{
    g_autoptr(GByteArray) head = NULL;
    WsHandshake handshake;
    size_t head_len;

    if (!connection->head)
        connection->head = g_byte_array_new();
    g_byte_array_append(connection->head, buf, (guint)len);
    switch (ws_handshake_read((const char *)connection->head->data, connection->head->len,
                              &handshake, &head_len)) {
    case WS_HANDSHAKE_SHORT: return true;
    case WS_HANDSHAKE_INVALID: refuse(connection, 400, "this is no HTTP request"); return true;
    case WS_HANDSHAKE_READY: break;
    }
    head = g_steal_pointer(&connection->head);
    answer_handshake(connection, &handshake);
    ws_handshake_clear(&handshake);
    if (connection->state != WS_STATE_OPEN || head->len == head_len)
        return true;
    return read_frames(connection, head->data + head_len, head->len - head_len);
}

/* -- life -------------------------------------------------------------------------------------- */

/* A proxy's own address is not counted: its clients' are, as soon as their requests name them. */
static bool is_proxy(StoaTransportHost *host, const char *peer)
{
    char seen[64];

    stoa_transport_client_address(host, peer, "192.0.2.1", seen, sizeof seen);
    return strcmp(seen, peer) != 0;
}

WsConnection *ws_connection_new(WsServer *server, int fd, const struct sockaddr *peer,
                                int64_t now_us)
{
    WsConnection *connection = g_new0(WsConnection, 1);

    connection->server = server;
    connection->fd = fd;
    connection->setup = ws_server_setup(server);
    connection->link.data = connection;
    g_queue_init(&connection->out);
    stoa_listen_peer_text(peer, connection->peer, sizeof connection->peer);
    connection->deadline_us = now_us + connection->setup->handshake_us;
    connection->heard_us = connection->pinged_us = now_us;
    if (!is_proxy(server->host, connection->peer) && !claim_address(connection, NULL))
        connection->deadline_us = now_us + REFUSED_US;
    g_queue_push_tail_link(&server->connections, &connection->link);
    return connection;
}

void ws_connection_free(WsConnection *connection)
{
    WsServer *server = connection->server;

    g_mutex_lock(&server->lock);
    if (connection->client)
        g_hash_table_remove(server->clients, &connection->client);
    if (connection->touched)
        g_ptr_array_remove_fast(server->touched, connection);
    g_mutex_unlock(&server->lock);
    g_queue_unlink(&server->connections, &connection->link);
    if (connection->client)
        stoa_client_closed(server->host, connection->client);
    release_address(connection);
    if (connection->head)
        g_byte_array_unref(connection->head);
    ws_reader_clear(&connection->reader);
    g_queue_clear_full(&connection->out, g_free);
    ws_setup_unref(connection->setup);
    g_free(connection->close_reason);
    g_free(connection);
}

bool ws_connection_input(WsConnection *connection, const uint8_t *buf, size_t len)
{
    connection->heard_us = g_get_monotonic_time();
    switch (connection->state) {
    case WS_STATE_HEAD: return read_head(connection, buf, len);
    case WS_STATE_OPEN:
    case WS_STATE_CLOSING: return read_frames(connection, buf, len);
    case WS_STATE_ENDING:
    case WS_STATE_LINGER: break;
    }
    return true;
}

void ws_connection_touched(WsConnection *connection)
{
    g_autofree char *reason = NULL;
    uint16_t code;
    bool is_slow;

    g_mutex_lock(&connection->server->lock);
    is_slow = connection->is_slow;
    code = connection->close_code;
    reason = g_steal_pointer(&connection->close_reason);
    g_mutex_unlock(&connection->server->lock);
    if (is_slow) {
        cut_slow(connection);
        return;
    }
    if (reason)
        ws_connection_close(connection, code, reason);
    lws_callback_on_writable(connection->wsi);
}

void ws_connection_tick(WsConnection *connection, int64_t now_us)
{
    const WsSetup *setup = connection->setup;

    if (connection->deadline_us && connection->deadline_us <= now_us)
        kill_soon(connection);
    if (connection->state != WS_STATE_OPEN)
        return;
    if (setup->idle_us && connection->heard_us + setup->idle_us <= now_us) {
        kill_soon(connection);
        return;
    }
    if (setup->ping_us &&
        MAX(connection->heard_us, connection->pinged_us) + setup->ping_us <= now_us) {
        connection->pinged_us = now_us;
        send_frame(connection, WS_OPCODE_PING, "", 0);
    }
}
