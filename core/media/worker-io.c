/* SPDX-License-Identifier: MIT */
#include "media/worker-io.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "ice/stun.h"
#include "media/handshake.h"
#include "media/peer.h"
#include "rtp/header.h"
#include <stoa/error.h>

#include "base/poison.h"

enum { ROUNDS = 32 /* batches of one turn, so that timers are not starved */ };

static bool is_rtp(const uint8_t *buf, size_t len)
{
    return len >= STOA_RTP_HEADER_LEN && buf[0] >> 6 == 2 && !stoa_rtp_header_is_rtcp(buf, len);
}

/* -- opening ------------------------------------------------------------------------------- */

static bool watch(StoaWorker *w, int fd, uint64_t what, GError **error)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };

    if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "cannot watch a socket: %s", g_strerror(errno));
}

/* One socket and one listener of a family, on the same number. */
static bool open_pair(StoaWorker *w, const char *any, uint16_t port, GError **error)
{
    unsigned i = w->n_sockets;
    StoaAddress at;

    if (!stoa_address_parse(any, port, &at) ||
        !stoa_udp_open(&w->sockets[i], (uint8_t)i, &at, error))
        return false;
    at = w->sockets[i].bound;
    w->listeners[i] = stoa_tcp_listener_new(&at, NULL, error);
    if (!w->listeners[i]) {
        stoa_udp_close(&w->sockets[i]);
        return false;
    }
    w->n_sockets++;
    return true;
}

static void close_pair(StoaWorker *w)
{
    unsigned i = --w->n_sockets;

    stoa_udp_close(&w->sockets[i]);
    stoa_tcp_listener_free(g_steal_pointer(&w->listeners[i]));
}

/* With port 0 the kernel gives a UDP port; TCP on the same number may be taken: try again. */
static bool open_v4(StoaWorker *w, uint16_t port, GError **error)
{
    for (unsigned tries = 0; port == 0 && tries < 32; tries++)
        if (open_pair(w, "0.0.0.0", 0, NULL))
            return true;
    return open_pair(w, "0.0.0.0", port, error);
}

/* It was counted when it was queued. */
static void on_lost(void *user, StoaUdpLoss why, const uint8_t *buf, size_t len)
{
    StoaWorker *w = user;

    stoa_count(&w->counters, why == STOA_UDP_FULL ? STOA_DROP_FULL : STOA_DROP_REFUSED, 1);
    if (!is_rtp(buf, len))
        return;
    stoa_uncount(&w->counters, STOA_COUNT_OUT_PACKETS, 1);
    stoa_uncount(&w->counters, STOA_COUNT_OUT_BYTES, len);
}

bool stoa_worker_open_io(StoaWorker *w, const StoaWorkerSpec *spec, GError **error)
{
    w->receiver = stoa_udp_receiver_new();
    w->batch = stoa_udp_batch_new();
    stoa_udp_batch_on_lost(w->batch, on_lost, w);
    if (!watch(w, stoa_queue_fd(w->queue), STOA_IO_QUEUE, error))
        return false;
    if (!spec->lite)
        return true;
    if (!open_v4(w, spec->port, error))
        return false;
    open_pair(w, "::", stoa_worker_port(w), NULL); /* a host without IPv6 does without */
    for (unsigned i = 0; i < w->n_sockets; i++)
        if (!watch(w, w->sockets[i].fd, STOA_IO_UDP + i, error) ||
            !watch(w, stoa_tcp_listener_fd(w->listeners[i]), STOA_IO_LISTENER + i, error))
            return false;
    return true;
}

void stoa_worker_count_overflow(StoaWorker *w)
{
    for (unsigned i = 0; i < w->n_sockets; i++) {
        uint32_t n = stoa_udp_overflow(&w->sockets[i]);

        stoa_count(&w->counters, STOA_DROP_OVERFLOW, (uint32_t)(n - w->n_overflowed[i]));
        w->n_overflowed[i] = n;
    }
}

static void free_connection(StoaWorker *w, StoaTcpConnection *connection)
{
    g_hash_table_remove(w->connections, GUINT_TO_POINTER(stoa_tcp_connection_id(connection)));
    stoa_tcp_connection_free(connection);
}

void stoa_worker_close_io(StoaWorker *w)
{
    g_autoptr(GList) rest = g_hash_table_get_values(w->connections);

    for (GList *i = rest; i; i = i->next)
        free_connection(w, i->data);
    g_queue_clear(&w->unproven);
    g_queue_clear(&w->broken);
    while (w->n_sockets > 0)
        close_pair(w);
    for (unsigned i = 0; i < STOA_UDP_BATCH; i++)
        if (w->incoming[i])
            stoa_packet_unref(w->incoming[i], w->pool);
    stoa_udp_receiver_free(w->receiver);
    stoa_udp_batch_free(w->batch);
}

uint16_t stoa_worker_port(const StoaWorker *w)
{
    return w->n_sockets > 0 ? stoa_address_port(&w->sockets[0].bound) : 0;
}

/* -- who is it? ---------------------------------------------------------------------------- */

static bool is_same_path(const StoaIcePath *a, const StoaIcePath *b)
{
    return a->kind == b->kind && a->connection == b->connection &&
           stoa_address_equal(&a->remote, &b->remote) &&
           stoa_address_equal_ip(&a->local, &b->local);
}

/* Runs of datagrams come from the same peer. */
static StoaPeer *find_peer(StoaWorker *w, const StoaIcePath *path)
{
    StoaIceLite *lite;

    if (w->last_peer && is_same_path(path, &w->last_path))
        return w->last_peer;
    lite = stoa_ice_hub_find(w->hub, path);
    if (!lite)
        return NULL;
    w->last_peer = stoa_ice_lite_owner(lite);
    w->last_path = *path;
    return w->last_peer;
}

static void send_reply(StoaWorker *w, const StoaIcePath *path, StoaTcpConnection *connection,
                       const uint8_t *reply, size_t len)
{
    if (connection)
        stoa_worker_mind_connection(w, connection,
                                    stoa_tcp_connection_send(connection, w->now_us, reply, len) ==
                                        STOA_TCP_BROKEN);
    else
        stoa_udp_batch_add(w->batch, reply, len, &w->sockets[path->socket], &path->remote,
                           &path->local);
}

static void on_stun(StoaWorker *w, const StoaIcePath *path, StoaTcpConnection *connection,
                    const uint8_t *buf, size_t len)
{
    uint8_t reply[STOA_STUN_REPLY];
    StoaIceCheck check;

    stoa_ice_hub_stun(w->hub, w->now_us, buf, len, path, reply, &check);
    if (check.reply_len > 0)
        send_reply(w, path, connection, reply, check.reply_len);
    if (!check.lite)
        return;
    if (check.events)
        w->last_peer = NULL; /* paths may have changed hands */
    if (connection)
        stoa_tcp_connection_prove(connection);
    if (check.loser)
        stoa_peer_ice(stoa_ice_lite_owner(check.loser), stoa_ice_lite_tick(check.loser, w->now_us),
                      w->now_us);
    if (check.events)
        stoa_peer_ice(stoa_ice_lite_owner(check.lite), check.events, w->now_us);
}

void stoa_worker_datagram(StoaWorker *w, StoaPeer *peer, uint8_t *buf, size_t len)
{
    if (stoa_dtls_link_is(buf, len) && !stoa_peer_is_ready(peer))
        stoa_handshake_wait(w, peer, buf, len);
    else if (stoa_dtls_link_is(buf, len))
        stoa_peer_dtls(peer, buf, len);
    else if (stoa_rtp_header_is_rtcp(buf, len))
        stoa_peer_rtcp(peer, buf, len);
    else
        stoa_count(&w->counters, STOA_DROP_JUNK, 1);
}

/* -- UDP ----------------------------------------------------------------------------------- */

static void on_datagram(StoaWorker *w, const StoaUdpSocket *socket, const StoaUdpDatagram *gram,
                        StoaPacket *packet)
{
    StoaIcePath path = { .kind = STOA_ICE_UDP, .socket = socket->index };
    StoaPeer *peer;

    path.remote = gram->from;
    path.local = gram->local;
    if (gram->cut || gram->len == 0) {
        stoa_count(&w->counters, STOA_DROP_JUNK, 1);
        return;
    }
    if (stoa_stun_is(gram->buf, gram->len)) {
        on_stun(w, &path, NULL, gram->buf, gram->len);
        return;
    }
    peer = find_peer(w, &path);
    if (!peer) {
        stoa_count(&w->counters, STOA_DROP_STRANGER, 1);
        return;
    }
    if (is_rtp(gram->buf, gram->len)) {
        packet->data = packet->room;
        packet->len = (uint16_t)gram->len;
        stoa_peer_rtp(peer, packet);
    } else {
        stoa_worker_datagram(w, peer, gram->buf, gram->len);
    }
}

/* Packets that a ring keeps are replaced. Returns how many datagrams can be received. */
static unsigned prepare(StoaWorker *w)
{
    StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(w->receiver);
    unsigned n = 0;

    for (unsigned i = 0; i < STOA_UDP_BATCH; i++) {
        StoaPacket **packet = &w->incoming[i];

        if (*packet && atomic_load_explicit(&(*packet)->refs, memory_order_acquire) > 1)
            stoa_packet_unref(g_steal_pointer(packet), w->pool);
        if (!*packet)
            *packet = stoa_packet_new(w->pool, true);
        if (!*packet)
            break;
        grams[i].buf = (*packet)->room;
        grams[i].size = STOA_PACKET_LARGE;
        n++;
    }
    return n;
}

static void on_udp(StoaWorker *w, const StoaUdpSocket *socket)
{
    unsigned n, max, rounds = 0;

    do {
        const StoaUdpDatagram *grams = stoa_udp_receiver_datagrams(w->receiver);

        stoa_worker_settle(w);
        max = prepare(w);
        n = stoa_udp_receive(w->receiver, socket, max);
        for (unsigned i = 0; i < n; i++)
            on_datagram(w, socket, &grams[i], w->incoming[i]);
        stoa_worker_fan_out(w);
        if (n == max)
            stoa_udp_batch_flush(w->batch); /* more waits: what is ready need not */
    } while (n == max && n > 0 && ++rounds < ROUNDS);
}

/* -- TCP ----------------------------------------------------------------------------------- */

StoaTcpConnection *stoa_worker_connection(const StoaWorker *w, uint32_t id)
{
    return g_hash_table_lookup(w->connections, GUINT_TO_POINTER(id));
}

static void accept_all(StoaWorker *w, StoaTcpListener *listener)
{
    StoaTcpConnection *connection;

    for (;;) {
        do
            w->next_connection++;
        while (w->next_connection == 0 || stoa_worker_connection(w, w->next_connection));
        connection = stoa_tcp_listener_accept(listener, w->next_connection, w->now_us);
        if (!connection)
            return;
        g_hash_table_insert(w->connections, GUINT_TO_POINTER(w->next_connection), connection);
        g_queue_push_tail(&w->unproven, GUINT_TO_POINTER(w->next_connection));
        if (!watch(w, stoa_tcp_connection_fd(connection), STOA_IO_CONNECTION | w->next_connection,
                   NULL))
            free_connection(w, connection);
    }
}

static void drop_connection(StoaWorker *w, StoaTcpConnection *connection)
{
    StoaIceEvents events = 0;
    StoaIceLite *lite = stoa_ice_hub_closed(w->hub, stoa_tcp_connection_id(connection), &events);

    w->last_peer = NULL;
    free_connection(w, connection);
    if (lite)
        stoa_peer_ice(stoa_ice_lite_owner(lite), events, w->now_us);
}

void stoa_worker_mind_connection(StoaWorker *w, StoaTcpConnection *connection, bool is_broken)
{
    uint32_t id = stoa_tcp_connection_id(connection);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOA_IO_CONNECTION | id };

    if (is_broken) {
        g_queue_push_tail(&w->broken, GUINT_TO_POINTER(id));
        return;
    }
    if (stoa_tcp_connection_wants_writable(connection))
        event.events |= EPOLLOUT;
    epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, stoa_tcp_connection_fd(connection), &event);
}

void stoa_worker_sweep_connections(StoaWorker *w)
{
    while (!g_queue_is_empty(&w->broken)) {
        uint32_t id = GPOINTER_TO_UINT(g_queue_pop_head(&w->broken));
        StoaTcpConnection *connection = stoa_worker_connection(w, id);

        if (connection)
            drop_connection(w, connection);
    }
}

void stoa_worker_expire_connections(StoaWorker *w, int64_t now_us)
{
    while (!g_queue_is_empty(&w->unproven)) {
        uint32_t id = GPOINTER_TO_UINT(g_queue_peek_head(&w->unproven));
        StoaTcpConnection *connection = stoa_worker_connection(w, id);

        if (connection && !stoa_tcp_connection_is_proven(connection)) {
            if (stoa_tcp_connection_deadline_us(connection) > now_us)
                return;
            drop_connection(w, connection);
        }
        g_queue_pop_head(&w->unproven);
    }
}

static void rtp_from_copy(StoaWorker *w, StoaPeer *peer, const uint8_t *buf, size_t len)
{
    StoaPacket *packet;

    stoa_worker_settle(w); /* any number may come in one turn, and no batch ends in between */
    packet = len <= STOA_PACKET_LARGE ? stoa_packet_new(w->pool, true) : NULL;
    if (!packet) {
        stoa_count(&w->counters, STOA_DROP_POOL, 1);
        return;
    }
    memcpy(packet->data, buf, len);
    packet->len = (uint16_t)len;
    stoa_peer_rtp(peer, packet);
    stoa_packet_unref(packet, w->pool);
}

void stoa_worker_foreign(StoaWorker *w, StoaPeer *peer, uint8_t *buf, size_t len)
{
    if (is_rtp(buf, len))
        rtp_from_copy(w, peer, buf, len);
    else
        stoa_worker_datagram(w, peer, buf, len);
}

static bool on_frame(void *user, StoaTcpConnection *connection, uint8_t *buf, size_t len)
{
    StoaWorker *w = user;
    StoaIcePath path = { .kind = STOA_ICE_TCP, .connection = stoa_tcp_connection_id(connection) };
    StoaPeer *peer;

    path.remote = *stoa_tcp_connection_remote(connection);
    if (stoa_stun_is(buf, len)) {
        on_stun(w, &path, connection, buf, len);
        return true;
    }
    peer = find_peer(w, &path);
    if (peer)
        stoa_worker_foreign(w, peer, buf, len);
    else
        stoa_count(&w->counters, STOA_DROP_STRANGER, 1);
    return peer != NULL;
}

static void on_connection(StoaWorker *w, uint32_t id, uint32_t events)
{
    StoaTcpConnection *connection = stoa_worker_connection(w, id);
    bool lives = true;

    if (!connection)
        return;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        lives = stoa_tcp_connection_on_readable(connection, on_frame, w);
    if (lives && events & EPOLLOUT)
        lives = stoa_tcp_connection_on_writable(connection);
    if (lives)
        stoa_worker_mind_connection(w, connection, false);
    else
        drop_connection(w, connection);
}

void stoa_worker_on_io(StoaWorker *w, uint64_t what, uint32_t events)
{
    if (what & STOA_IO_CONNECTION)
        on_connection(w, (uint32_t)what, events);
    else if (what >= STOA_IO_LISTENER)
        accept_all(w, w->listeners[what - STOA_IO_LISTENER]);
    else
        on_udp(w, &w->sockets[what - STOA_IO_UDP]);
}
