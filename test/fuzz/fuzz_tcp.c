/* SPDX-License-Identifier: MIT */
/* Whatever comes over a TCP connection of ICE, in whatever pieces: the frames are those that a plain reading of the whole finds,
 * and one that is too long ends it. (RFC 4571) */
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static StoaTcpListener *listener;

typedef struct {
    const uint8_t *expected; /* what is left of the stream */
    size_t len;
    unsigned n;
} Reader;

/* Past empty frames. */
static void skip(Reader *reader)
{
    while (reader->len >= 2 && reader->expected[0] == 0 && reader->expected[1] == 0) {
        reader->expected += 2;
        reader->len -= 2;
    }
}

static bool on_frame(void *user, StoaTcpConnection *connection G_GNUC_UNUSED, uint8_t *buf,
                     size_t len)
{
    Reader *reader = user;

    skip(reader);
    g_assert(reader->len >= 2 + len && len > 0 && len <= STOA_TCP_FRAME);
    g_assert((size_t)(reader->expected[0] << 8 | reader->expected[1]) == len);
    g_assert(memcmp(reader->expected + 2, buf, len) == 0);
    memset(buf, 0xff, len); /* it is ours to write in */
    reader->expected += 2 + len;
    reader->len -= 2 + len;
    reader->n++;
    return true;
}

static void listen_once(void)
{
    StoaAddress at;

    stoa_address_parse("127.0.0.1", 0, &at);
    listener = stoa_tcp_listener_new(&at, NULL, NULL);
    g_assert(listener);
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct linger at_once = { 1, 0 }; /* else its port waits for a minute */
    StoaAddress to;

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    stoa_address_parse("127.0.0.1", stoa_tcp_listener_port(listener), &to);
    g_assert(connect(fd, &to.sa, stoa_address_len(&to)) == 0);
    return fd;
}

static bool is_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

/* The first byte says how long the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? 1 + (size_t)data[0] * 8 : 1;
    Reader reader = { .expected = data + 1, .len = size > 0 ? size - 1 : 0 };
    bool open = true;

    if (size < 2 || size > 20000)
        return 0;
    if (!listener)
        listen_once();
    int fd = dial();
    StoaTcpConnection *connection = stoa_tcp_listener_accept(listener, 1, 1000);
    g_assert(connection);
    for (size_t at = 1; open && at < size; at += piece) {
        size_t n = MIN(piece, size - at);
        g_assert(send(fd, data + at, n, MSG_NOSIGNAL) == (ssize_t)n);
        while (open && is_readable(stoa_tcp_connection_fd(connection)))
            open = stoa_tcp_connection_on_readable(connection, on_frame, &reader);
    }
    skip(&reader);
    size_t next = reader.len >= 2 ? (size_t)(reader.expected[0] << 8 | reader.expected[1]) : 0;
    g_assert(open == (next <= STOA_TCP_FRAME));
    g_assert(!open || reader.len < 2 || reader.len < 2 + next);
    stoa_tcp_connection_free(connection);
    close(fd);
    return 0;
}
