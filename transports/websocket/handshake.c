/* SPDX-License-Identifier: MIT */
/* The HTTP request that opens a WebSocket, and the answers to it. */
#include "handshake.h"

#include <string.h>

#define KEY_GUID   "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */
#define KEY_BYTES  16
#define JANUS_NAME "janus-protocol"
#define ADMIN_NAME "janus-admin-protocol"

void ws_handshake_clear(WsHandshake *handshake)
{
    g_free(handshake->host);
    g_free(handshake->origin);
    g_free(handshake->forwarded_for);
    g_free(handshake->upgrade);
    g_free(handshake->connection);
    g_free(handshake->key);
    g_free(handshake->version);
    g_free(handshake->protocols);
    *handshake = (WsHandshake){ 0 };
}

/* -- reading ----------------------------------------------------------------------------------- */

/* The characters of a header's name. (RFC 9110, 5.6.2) */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (const char *p = text; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            return false;
    return true;
}

static bool is_value(const char *text)
{
    for (const char *p = text; *p; p++)
        if (g_ascii_iscntrl(*p) && *p != '\t')
            return false;
    return true;
}

static void join(char **list, const char *value)
{
    char *joined = *list ? g_strconcat(*list, ", ", value, NULL) : g_strdup(value);

    g_free(*list);
    *list = joined;
}

static void take_header(WsHandshake *handshake, const char *name, const char *value)
{
    const struct {
        const char *name;
        char **list;
    } known[] = {
        { "Host", &handshake->host },
        { "Origin", &handshake->origin },
        { "X-Forwarded-For", &handshake->forwarded_for },
        { "Upgrade", &handshake->upgrade },
        { "Connection", &handshake->connection },
        { "Sec-WebSocket-Key", &handshake->key },
        { "Sec-WebSocket-Version", &handshake->version },
        { "Sec-WebSocket-Protocol", &handshake->protocols },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_ascii_strcasecmp(name, known[i].name) == 0)
            join(known[i].list, value);
    handshake->n_hosts += g_ascii_strcasecmp(name, "Host") == 0;
    handshake->n_keys += g_ascii_strcasecmp(name, "Sec-WebSocket-Key") == 0;
    if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0 ||
        (g_ascii_strcasecmp(name, "Content-Length") == 0 && strcmp(value, "0") != 0))
        handshake->has_body = true;
}

static bool read_header(WsHandshake *handshake, char *line)
{
    char *colon = strchr(line, ':');
    char *value;

    if (!colon)
        return false;
    *colon = '\0';
    value = g_strstrip(colon + 1);
    if (!is_token(line) || !is_value(value)) /* a folded line begins with a blank: no token */
        return false;
    take_header(handshake, line, value);
    return true;
}

static bool read_request_line(WsHandshake *handshake, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);

    if (g_strv_length(words) != 3 || !is_token(words[0]) || !words[1][0] || !is_value(words[1]) ||
        !g_str_has_prefix(words[2], "HTTP/1."))
        return false;
    handshake->is_get = strcmp(words[0], "GET") == 0;
    handshake->is_http_1_1 = strcmp(words[2], "HTTP/1.1") == 0;
    return true;
}

WsHandshakeResult ws_handshake_read(const char *buf, size_t len, WsHandshake *handshake,
                                    size_t *head_len)
{
    const char *end = g_strstr_len(buf, (gssize)len, "\r\n\r\n");
    WsHandshake found = { 0 };
    g_autofree char *head = NULL;
    g_auto(GStrv) lines = NULL;
    bool fits;

    if (memchr(buf, 0, end ? (size_t)(end - buf) : len) ||
        (!end && len >= WS_HANDSHAKE_MAX_BYTES) || (end && end - buf > WS_HANDSHAKE_MAX_BYTES))
        return WS_HANDSHAKE_INVALID;
    if (!end)
        return WS_HANDSHAKE_SHORT;
    head = g_strndup(buf, (gsize)(end - buf));
    lines = g_strsplit(head, "\r\n", -1);
    fits = lines[0] && read_request_line(&found, lines[0]);
    for (char **line = lines + 1; fits && *line; line++)
        fits = read_header(&found, *line);
    if (!fits) {
        ws_handshake_clear(&found);
        return WS_HANDSHAKE_INVALID;
    }
    *handshake = found;
    *head_len = (size_t)(end - buf) + 4;
    return WS_HANDSHAKE_READY;
}

/* -- judging ----------------------------------------------------------------------------------- */

static bool lists(const char *list, const char *word)
{
    g_auto(GStrv) items = g_strsplit(list ? list : "", ",", -1);

    for (char **item = items; *item; item++)
        if (g_ascii_strcasecmp(g_strstrip(*item), word) == 0)
            return true;
    return false;
}

static bool is_key(const WsHandshake *handshake)
{
    g_autofree guchar *bytes = NULL;
    gsize len = 0;

    if (handshake->n_keys != 1 || strlen(handshake->key) != 24)
        return false;
    bytes = g_base64_decode(handshake->key, &len);
    return len == KEY_BYTES;
}

const char *ws_handshake_complaint(const WsHandshake *handshake, unsigned *status)
{
    *status = 405;
    if (!handshake->is_get)
        return "this port speaks WebSocket: open it with GET";
    *status = 426;
    if (!lists(handshake->upgrade, "websocket") || !lists(handshake->connection, "upgrade"))
        return "this port speaks WebSocket: connect to it with ws:// and the "
               "sub-protocol " JANUS_NAME;
    if (g_strcmp0(handshake->version, "13") != 0)
        return "this server speaks version 13 of WebSocket";
    *status = 400;
    if (!handshake->is_http_1_1 || handshake->n_hosts != 1 || handshake->has_body)
        return "the request must be HTTP/1.1, with one Host header and no body";
    if (!is_key(handshake))
        return "Sec-WebSocket-Key must be 16 bytes in base64";
    if (ws_handshake_protocol(handshake) == WS_PROTOCOL_NONE)
        return "Sec-WebSocket-Protocol must offer " JANUS_NAME;
    return NULL;
}

WsProtocol ws_handshake_protocol(const WsHandshake *handshake)
{
    g_auto(GStrv) items = g_strsplit(handshake->protocols ? handshake->protocols : "", ",", -1);

    for (char **item = items; *item; item++) {
        const char *name = g_strstrip(*item);

        if (strcmp(name, JANUS_NAME) == 0)
            return WS_PROTOCOL_JANUS;
        if (strcmp(name, ADMIN_NAME) == 0)
            return WS_PROTOCOL_ADMIN;
    }
    return WS_PROTOCOL_NONE;
}

/* -- answering --------------------------------------------------------------------------------- */

static char *accept_key(const char *key)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[20];
    gsize len = sizeof digest;

    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_update(sum, (const guchar *)KEY_GUID, -1);
    g_checksum_get_digest(sum, digest, &len);
    return g_base64_encode(digest, len);
}

char *ws_handshake_accept(const WsHandshake *handshake, WsProtocol protocol)
{
    g_autofree char *accept = accept_key(handshake->key);

    return g_strdup_printf("HTTP/1.1 101 Switching Protocols\r\n"
                           "Upgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: %s\r\n"
                           "Sec-WebSocket-Protocol: %s\r\n"
                           "\r\n",
                           accept, protocol == WS_PROTOCOL_ADMIN ? ADMIN_NAME : JANUS_NAME);
}

static const char *phrase_of(unsigned status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    default: return "Service Unavailable";
    }
}

char *ws_handshake_refuse(unsigned status, const char *why)
{
    return g_strdup_printf("HTTP/1.1 %u %s\r\n"
                           "%s"
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "X-Content-Type-Options: nosniff\r\n"
                           "Content-Length: %zu\r\n"
                           "Connection: %sclose\r\n"
                           "\r\n"
                           "%s\n",
                           status, phrase_of(status),
                           status == 426   ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                           : status == 405 ? "Allow: GET\r\n"
                                           : "",
                           strlen(why) + 1, status == 426 ? "Upgrade, " : "", why);
}
