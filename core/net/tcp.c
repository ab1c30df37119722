/* SPDX-License-Identifier: MIT */
/* ICE over TCP, passive side. A frame is two bytes of length and a datagram. (RFC 4571) */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <stoa/error.h>

#include "base/poison.h"

enum {
    HEADER = 2,
    DEFAULT_CONNECTIONS = 4096,
    DEFAULT_PER_ADDRESS = 64,
    DEFAULT_QUEUE = 256 << 10,
    FIRST_QUEUE = 8 << 10, /* the queue grows from here, on need */
    BACKLOG = 128,
    UNSENT =
        16
        << 10, /* what the kernel may hold beside what is in flight; the rest waits here, where it can be seen */
    STUCK_US = 300000,   /* a queue that has not run empty for so long is one of a slow receiver */
    READS_PER_CALL = 16, /* of READ_BYTES each */
    READ_BYTES = 4096,
};

struct StoaTcpListener {
    int fd;
    uint16_t port;
    unsigned n;
    StoaTcpLimits limits;
    GHashTable *per_address; /* StoaAddress (port 0) -> count */
};

struct StoaTcpConnection {
    int fd;
    uint32_t id;
    bool proven;
    int64_t silent_until_us;
    StoaAddress remote, local;
    StoaTcpListener *listener;

    size_t in_len; /* bytes of `in`: at most one unfinished frame and what came behind it */
    uint8_t in[HEADER + STOA_TCP_FRAME + READ_BYTES];

    uint8_t *queue; /* unsent bytes: [sent, filled) of `room` */
    size_t sent, filled, room;
    int64_t queued_us; /* since when there are any */
};

/* -- listener ------------------------------------------------------------------------------ */

static StoaHashKey table_key;

static void make_key(void)
{
    stoa_hash_key_init(&table_key);
}

static guint hash_ip(gconstpointer address)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_key); /* which ThreadSanitizer sees, unlike glib's */
    return (guint)stoa_address_hash(&table_key, address);
}

static gboolean equal_ip(gconstpointer a, gconstpointer b)
{
    return stoa_address_equal_ip(a, b);
}

static bool listen_at(int fd, const StoaAddress *at, uint16_t *port)
{
    struct sockaddr_in6 real = { 0 };
    socklen_t len = sizeof(real);
    StoaAddress bound;
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->sa.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return false;
    if (bind(fd, &at->sa, stoa_address_len(at)) < 0 || listen(fd, BACKLOG) < 0)
        return false;
    if (getsockname(fd, (struct sockaddr *)&real, &len) < 0)
        return false;
    stoa_address_set(&bound, (struct sockaddr *)&real);
    *port = stoa_address_port(&bound);
    return true;
}

static StoaTcpLimits with_defaults(const StoaTcpLimits *limits)
{
    StoaTcpLimits out = limits ? *limits : (StoaTcpLimits){ 0 };

    out.max_connections = out.max_connections ? out.max_connections : DEFAULT_CONNECTIONS;
    out.max_per_address = out.max_per_address ? out.max_per_address : DEFAULT_PER_ADDRESS;
    out.queue_bytes = out.queue_bytes ? out.queue_bytes : DEFAULT_QUEUE;
    return out;
}

StoaTcpListener *stoa_tcp_listener_new(const StoaAddress *at, const StoaTcpLimits *limits,
                                       GError **error)
{
    char text[STOA_ADDRESS_TEXT];
    uint16_t port = 0;
    int fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    StoaTcpListener *listener;

    if (fd < 0 || !listen_at(fd, at, &port)) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "cannot listen on TCP at %s: %s",
                  stoa_address_format(at, text), g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    listener = g_new0(StoaTcpListener, 1);
    listener->fd = fd;
    listener->port = port;
    listener->limits = with_defaults(limits);
    listener->per_address = g_hash_table_new_full(hash_ip, equal_ip, g_free, NULL);
    return listener;
}

void stoa_tcp_listener_free(StoaTcpListener *listener)
{
    if (!listener)
        return;
    g_assert(listener->n == 0);
    close(listener->fd);
    g_hash_table_unref(listener->per_address);
    g_free(listener);
}

int stoa_tcp_listener_fd(const StoaTcpListener *listener)
{
    return listener->fd;
}

uint16_t stoa_tcp_listener_port(const StoaTcpListener *listener)
{
    return listener->port;
}

/* Count one connection of an address up or down. */
static void count(StoaTcpListener *listener, const StoaAddress *remote, int by)
{
    StoaAddress key = *remote;
    unsigned n;

    stoa_address_set_port(&key, 0);
    n = GPOINTER_TO_UINT(g_hash_table_lookup(listener->per_address, &key)) + (unsigned)by;
    listener->n += (unsigned)by;
    if (n == 0)
        g_hash_table_remove(listener->per_address, &key);
    else
        g_hash_table_replace(listener->per_address, g_memdup2(&key, sizeof(key)),
                             GUINT_TO_POINTER(n));
}

static bool is_over_limit(StoaTcpListener *listener, const StoaAddress *remote)
{
    StoaAddress key = *remote;

    stoa_address_set_port(&key, 0);
    return listener->n >= listener->limits.max_connections ||
           GPOINTER_TO_UINT(g_hash_table_lookup(listener->per_address, &key)) >=
               listener->limits.max_per_address;
}

static StoaTcpConnection *adopt(StoaTcpListener *listener, int fd, uint32_t id,
                                const StoaAddress *remote, int64_t now_us)
{
    StoaTcpConnection *connection = g_new0(StoaTcpConnection, 1);
    struct sockaddr_in6 local = { 0 };
    socklen_t len = sizeof(local);
    int on = 1, unsent = UNSENT;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    connection->fd = fd;
    connection->id = id;
    connection->listener = listener;
    connection->remote = *remote;
    connection->silent_until_us = now_us + STOA_TCP_SILENCE_US;
    if (getsockname(fd, (struct sockaddr *)&local, &len) == 0)
        stoa_address_set(&connection->local, (struct sockaddr *)&local);
    count(listener, remote, 1);
    return connection;
}

StoaTcpConnection *stoa_tcp_listener_accept(StoaTcpListener *listener, uint32_t id, int64_t now_us)
{
    g_assert(id != 0);
    for (;;) {
        struct sockaddr_in6 from = { 0 };
        socklen_t len = sizeof(from);
        StoaAddress remote;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return NULL;
        stoa_address_set(&remote, (struct sockaddr *)&from);
        if (!is_over_limit(listener, &remote))
            return adopt(listener, fd, id, &remote, now_us);
        close(fd);
    }
}

/* -- connection ---------------------------------------------------------------------------- */

void stoa_tcp_connection_free(StoaTcpConnection *connection)
{
    if (!connection)
        return;
    count(connection->listener, &connection->remote, -1);
    close(connection->fd);
    g_free(connection->queue);
    g_free(connection);
}

int stoa_tcp_connection_fd(const StoaTcpConnection *connection)
{
    return connection->fd;
}

uint32_t stoa_tcp_connection_id(const StoaTcpConnection *connection)
{
    return connection->id;
}

const StoaAddress *stoa_tcp_connection_remote(const StoaTcpConnection *connection)
{
    return &connection->remote;
}

const StoaAddress *stoa_tcp_connection_local(const StoaTcpConnection *connection)
{
    return &connection->local;
}

void stoa_tcp_connection_prove(StoaTcpConnection *connection)
{
    connection->proven = true;
}

bool stoa_tcp_connection_is_proven(const StoaTcpConnection *connection)
{
    return connection->proven;
}

int64_t stoa_tcp_connection_deadline_us(const StoaTcpConnection *connection)
{
    return connection->proven ? INT64_MAX : connection->silent_until_us;
}

/* Hand over the whole frames in `in`, keep the rest. False: a bad length, or the reader said no. */
static bool take_frames(StoaTcpConnection *connection, StoaTcpOnFrame on_frame, void *user)
{
    size_t at = 0;

    while (connection->in_len - at >= HEADER) {
        size_t len = (size_t)connection->in[at] << 8 | connection->in[at + 1];

        if (len > STOA_TCP_FRAME)
            return false;
        if (connection->in_len - at - HEADER < len)
            break;
        if (len > 0 && !on_frame(user, connection, connection->in + at + HEADER, len))
            return false;
        at += HEADER + len;
    }
    connection->in_len -= at;
    memmove(connection->in, connection->in + at, connection->in_len);
    return true;
}

bool stoa_tcp_connection_on_readable(StoaTcpConnection *connection, StoaTcpOnFrame on_frame,
                                     void *user)
{
    for (unsigned i = 0; i < READS_PER_CALL; i++) {
        size_t room = sizeof(connection->in) - connection->in_len;
        ssize_t n = recv(connection->fd, connection->in + connection->in_len, room, MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        connection->in_len += (size_t)n;
        if (!take_frames(connection, on_frame, user))
            return false;
        if ((size_t)n < room)
            return true;
    }
    return true;
}

/* A burst may have grown it: who is idle holds little. */
static void empty_queue(StoaTcpConnection *connection)
{
    connection->sent = connection->filled = 0;
    if (connection->room <= FIRST_QUEUE)
        return;
    g_clear_pointer(&connection->queue, g_free);
    connection->room = 0;
}

bool stoa_tcp_connection_on_writable(StoaTcpConnection *connection)
{
    while (connection->sent < connection->filled) {
        ssize_t n = send(connection->fd, connection->queue + connection->sent,
                         connection->filled - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        connection->sent += (size_t)n;
    }
    empty_queue(connection);
    return true;
}

bool stoa_tcp_connection_wants_writable(const StoaTcpConnection *connection)
{
    return connection->sent < connection->filled;
}

size_t stoa_tcp_connection_queued(const StoaTcpConnection *connection)
{
    return connection->filled - connection->sent;
}

bool stoa_tcp_connection_is_congested(const StoaTcpConnection *connection, int64_t now_us)
{
    size_t queued = stoa_tcp_connection_queued(connection);

    if (queued > connection->listener->limits.queue_bytes / 2)
        return true;
    return queued > 0 && now_us - connection->queued_us >= STUCK_US;
}

/* Make room for `len` more bytes behind what waits. */
static void make_room(StoaTcpConnection *connection, size_t len)
{
    size_t waiting = connection->filled - connection->sent;
    size_t room = connection->room ? connection->room : FIRST_QUEUE;

    if (connection->room - connection->filled >= len)
        return;
    if (waiting > 0)
        memmove(connection->queue, connection->queue + connection->sent, waiting);
    connection->sent = 0;
    connection->filled = waiting;
    while (room < waiting + len)
        room *= 2;
    if (room != connection->room)
        connection->queue = g_realloc(connection->queue, room);
    connection->room = room;
}

static void append(StoaTcpConnection *connection, const uint8_t *buf, size_t len)
{
    memcpy(connection->queue + connection->filled, buf, len);
    connection->filled += len;
}

/* Queue a frame from its byte `from` on (the kernel has those before). */
static void queue_rest(StoaTcpConnection *connection, const uint8_t header[HEADER],
                       const uint8_t *buf, size_t len, size_t from)
{
    make_room(connection, HEADER + len - from);
    if (from < HEADER) {
        append(connection, header + from, HEADER - from);
        from = HEADER;
    }
    append(connection, buf + from - HEADER, HEADER + len - from);
}

/* The bytes that the kernel took, 0 if it is full, -1 if the connection is over. */
static ssize_t send_now(StoaTcpConnection *connection, const uint8_t header[HEADER],
                        const uint8_t *buf, size_t len)
{
    struct iovec parts[2] = { { (void *)(uintptr_t)header, HEADER },
                              { (void *)(uintptr_t)buf, len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n;

    do
        n = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

static bool is_full(const StoaTcpConnection *connection, size_t len)
{
    return stoa_tcp_connection_queued(connection) + len > connection->listener->limits.queue_bytes;
}

StoaTcpResult stoa_tcp_connection_send(StoaTcpConnection *connection, int64_t now_us,
                                       const uint8_t *buf, size_t len)
{
    const uint8_t header[HEADER] = { (uint8_t)(len >> 8), (uint8_t)len };
    ssize_t n = 0;

    if (len == 0 || len > STOA_TCP_FRAME)
        return STOA_TCP_DROPPED;
    if (!stoa_tcp_connection_wants_writable(connection)) {
        n = send_now(connection, header, buf, len);
        if (n < 0)
            return STOA_TCP_BROKEN;
        if ((size_t)n == HEADER + len)
            return STOA_TCP_SENT;
    }
    if (n == 0 && is_full(connection, HEADER + len))
        return STOA_TCP_DROPPED;
    if (!stoa_tcp_connection_wants_writable(connection))
        connection->queued_us = now_us;
    queue_rest(connection, header, buf, len, (size_t)n);
    return STOA_TCP_SENT;
}
