/* SPDX-License-Identifier: MIT */
/* UDP in batches. All headers of recvmmsg and sendmmsg are made once; a call only fills in what differs. */
#include "net/udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stoa/error.h>

#include "base/poison.h"

enum {
    BUFFER_BYTES = 4 << 20, /* of the kernel, each way */
    FULL_WAIT_MS = 5,       /* how long a flush waits for a full socket in all */
    MAX_RUN = 32,           /* datagrams of a run; the kernel takes 64 */
    MAX_RUN_BYTES = 60000,
};

/* Room for one IP_PKTINFO or IPV6_PKTINFO, and the size of a run's datagrams. */
typedef union {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
} Control;

struct StoaUdpReceiver {
    StoaUdpDatagram grams[STOA_UDP_BATCH];
    struct mmsghdr headers[STOA_UDP_BATCH];
    struct iovec iovs[STOA_UDP_BATCH];
    struct sockaddr_in6 from[STOA_UDP_BATCH];
    Control controls[STOA_UDP_BATCH];
};

typedef struct {
    const StoaUdpSocket *socket;
    bool has_no_runs; /* the device does not take them: no more are made */
    unsigned n;
    unsigned first, n_run; /* slots of the last message: more can join while `run_len` is set */
    size_t run_len, run_bytes;
    struct mmsghdr headers[STOA_UDP_BATCH];
} Lane; /* what goes out by one socket */

struct StoaUdpBatch {
    unsigned n; /* slots committed */
    StoaUdpStats stats;
    StoaUdpLostFunc *on_lost; /* may be NULL */
    void *user;
    Lane lanes[STOA_UDP_SOCKETS];
    struct iovec iovs[STOA_UDP_BATCH];
    StoaAddress to[STOA_UDP_BATCH], local[STOA_UDP_BATCH]; /* by a message's first slot */
    Control controls[STOA_UDP_BATCH];
    uint8_t slots[STOA_UDP_BATCH][STOA_UDP_SLOT];
};

/* -- sockets ------------------------------------------------------------------------------- */

static void grow_buffer(int fd, int force, int plain)
{
    int bytes = BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static bool is_multi_homed(int family)
{
    g_autoptr(GArray) list = stoa_address_interfaces(NULL);
    unsigned n = 0;

    for (guint i = 0; list && i < list->len; i++) {
        const StoaAddress *address = &g_array_index(list, StoaAddress, i);

        n += address->sa.sa_family == family && !stoa_address_is_loopback(address);
    }
    return n > 1;
}

static bool can_segment(int fd)
{
    int size = 0;
    socklen_t len = sizeof(size);

    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) == 0;
}

static bool ask_for_local(int fd, int family)
{
    int on = 1;

    if (family == AF_INET)
        return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0;
}

static bool bind_socket(int fd, const StoaAddress *at, StoaAddress *bound)
{
    struct sockaddr_in6 real = { 0 };
    socklen_t len = sizeof(real);
    int on = 1;

    if (at->sa.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return false;
    if (bind(fd, &at->sa, stoa_address_len(at)) < 0)
        return false;
    if (getsockname(fd, (struct sockaddr *)&real, &len) < 0)
        return false;
    stoa_address_set(bound, (struct sockaddr *)&real);
    return true;
}

bool stoa_udp_open(StoaUdpSocket *socket_out, uint8_t index, const StoaAddress *at, GError **error)
{
    char text[STOA_ADDRESS_TEXT];
    StoaUdpSocket out = { .index = index };

    g_assert(index < STOA_UDP_SOCKETS);
    out.fd = socket(at->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out.fd < 0 || !bind_socket(out.fd, at, &out.bound)) {
        int reason = errno;

        stoa_udp_close(&out);
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE, "cannot open UDP at %s: %s",
                         stoa_address_format(at, text), g_strerror(reason));
    }
    grow_buffer(out.fd, SO_RCVBUFFORCE, SO_RCVBUF);
    grow_buffer(out.fd, SO_SNDBUFFORCE, SO_SNDBUF);
    out.segments = can_segment(out.fd);
    if (stoa_address_is_any(at) && is_multi_homed(at->sa.sa_family))
        out.tells_local = ask_for_local(out.fd, at->sa.sa_family);
    *socket_out = out;
    return true;
}

void stoa_udp_close(StoaUdpSocket *socket)
{
    if (socket->fd >= 0)
        close(socket->fd);
    socket->fd = -1;
}

uint32_t stoa_udp_overflow(const StoaUdpSocket *socket)
{
    uint32_t figures[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof(figures);

    if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, figures, &len) < 0)
        return 0;
    return figures[SK_MEMINFO_DROPS];
}

/* -- receiving ----------------------------------------------------------------------------- */

StoaUdpReceiver *stoa_udp_receiver_new(void)
{
    StoaUdpReceiver *receiver = g_new0(StoaUdpReceiver, 1);

    for (unsigned i = 0; i < STOA_UDP_BATCH; i++) {
        struct msghdr *header = &receiver->headers[i].msg_hdr;

        header->msg_iov = &receiver->iovs[i];
        header->msg_iovlen = 1;
        header->msg_name = &receiver->from[i];
    }
    return receiver;
}

void stoa_udp_receiver_free(StoaUdpReceiver *receiver)
{
    g_free(receiver);
}

StoaUdpDatagram *stoa_udp_receiver_datagrams(StoaUdpReceiver *receiver)
{
    return receiver->grams;
}

static void prepare(StoaUdpReceiver *receiver, const StoaUdpSocket *socket, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        struct msghdr *header = &receiver->headers[i].msg_hdr;

        receiver->iovs[i].iov_base = receiver->grams[i].buf;
        receiver->iovs[i].iov_len = receiver->grams[i].size;
        header->msg_namelen = sizeof(receiver->from[i]);
        header->msg_control = socket->tells_local ? &receiver->controls[i] : NULL;
        header->msg_controllen = socket->tells_local ? sizeof(receiver->controls[i]) : 0;
    }
}

static void read_local(struct msghdr *header, StoaAddress *local)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            local->v4.sin_family = AF_INET;
            local->v4.sin_addr = info.ipi_addr;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            local->v6.sin6_family = AF_INET6;
            local->v6.sin6_addr = info.ipi6_addr;
        }
    }
}

unsigned stoa_udp_receive(StoaUdpReceiver *receiver, const StoaUdpSocket *socket, unsigned max)
{
    int n;

    max = MIN(max, STOA_UDP_BATCH);
    prepare(receiver, socket, max);
    do
        n = recvmmsg(socket->fd, receiver->headers, max, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        StoaUdpDatagram *gram = &receiver->grams[i];
        struct msghdr *header = &receiver->headers[i].msg_hdr;

        gram->len = receiver->headers[i].msg_len;
        gram->cut = (header->msg_flags & MSG_TRUNC) != 0;
        stoa_address_set(&gram->from, header->msg_name);
        memset(&gram->local, 0, sizeof(gram->local));
        if (socket->tells_local)
            read_local(header, &gram->local);
    }
    return n > 0 ? (unsigned)n : 0;
}

/* -- sending ------------------------------------------------------------------------------- */

StoaUdpBatch *stoa_udp_batch_new(void)
{
    StoaUdpBatch *batch = g_new0(StoaUdpBatch, 1);

    for (unsigned i = 0; i < STOA_UDP_BATCH; i++)
        batch->iovs[i].iov_base = batch->slots[i];
    return batch;
}

void stoa_udp_batch_free(StoaUdpBatch *batch)
{
    g_free(batch);
}

void stoa_udp_batch_on_lost(StoaUdpBatch *batch, StoaUdpLostFunc *fn, void *user)
{
    batch->on_lost = fn;
    batch->user = user;
}

uint8_t *stoa_udp_batch_slot(StoaUdpBatch *batch)
{
    if (batch->n == STOA_UDP_BATCH)
        stoa_udp_batch_flush(batch);
    return batch->slots[batch->n];
}

static void write_local(struct msghdr *header, Control *control, const StoaAddress *local)
{
    struct cmsghdr *c;

    memset(control, 0, sizeof(*control));
    header->msg_control = control;
    header->msg_controllen = sizeof(*control);
    c = CMSG_FIRSTHDR(header);
    if (local->sa.sa_family == AF_INET) {
        struct in_pktinfo info = { .ipi_spec_dst = local->v4.sin_addr };

        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        header->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = { .ipi6_addr = local->v6.sin6_addr };

        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        header->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

/* -- runs: equally long datagrams, the last one may be shorter --------------------------------- */

static bool joins(const StoaUdpBatch *batch, const Lane *lane, unsigned slot, size_t len,
                  const StoaAddress *to, const StoaAddress *local)
{
    static const StoaAddress none;

    return len <= lane->run_len && slot == lane->first + lane->n_run && lane->n_run < MAX_RUN &&
           lane->run_bytes + len <= MAX_RUN_BYTES &&
           stoa_address_equal(to, &batch->to[lane->first]) &&
           stoa_address_equal_ip(local ? local : &none, &batch->local[lane->first]);
}

static void write_run_len(struct msghdr *header, Control *control, uint16_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)(control->space + header->msg_controllen);

    header->msg_control = control;
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(len));
    memcpy(CMSG_DATA(c), &len, sizeof(len));
    header->msg_controllen += CMSG_SPACE(sizeof(len));
}

static void lengthen(StoaUdpBatch *batch, Lane *lane, size_t len)
{
    struct msghdr *header = &lane->headers[lane->n - 1].msg_hdr;

    if (++lane->n_run == 2)
        write_run_len(header, &batch->controls[lane->first], (uint16_t)lane->run_len);
    header->msg_iovlen = lane->n_run;
    lane->run_bytes += len;
    if (len < lane->run_len)
        lane->run_len = 0; /* a shorter one ends it */
}

/* EIO: the device behind the socket cannot checksum the pieces, and never will. Whatever else refuses a run is of this one
 * alone, such as a path with a small MTU. */
static bool is_for_good(int error)
{
    return error == EIO;
}

static void lose(StoaUdpBatch *batch, StoaUdpLoss why, const struct iovec *iovs, size_t n)
{
    if (why == STOA_UDP_FULL)
        batch->stats.full += n;
    else
        batch->stats.refused += n;
    for (size_t i = 0; batch->on_lost && i < n; i++)
        batch->on_lost(batch->user, why, iovs[i].iov_base, iovs[i].iov_len);
}

static bool is_full(int error)
{
    return error == EAGAIN || error == ENOBUFS;
}

/* The kernel does not take this run as one: its datagrams go one by one. */
static void send_split(StoaUdpBatch *batch, Lane *lane, unsigned at)
{
    struct msghdr one = lane->headers[at].msg_hdr;
    struct iovec *iovs = one.msg_iov;
    size_t n = one.msg_iovlen;

    batch->stats.split++;
    one.msg_iovlen = 1;
    one.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
    if (one.msg_controllen == 0)
        one.msg_control = NULL;
    for (size_t i = 0; i < n; i++) {
        one.msg_iov = &iovs[i];
        batch->stats.calls++;
        if (sendmsg(lane->socket->fd, &one, MSG_DONTWAIT) >= 0)
            batch->stats.sent++;
        else
            lose(batch, is_full(errno) ? STOA_UDP_FULL : STOA_UDP_REFUSED, &iovs[i], 1);
    }
}

static void count_sent(StoaUdpBatch *batch, const Lane *lane, unsigned at, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        size_t len = lane->headers[at + i].msg_hdr.msg_iovlen;

        batch->stats.sent += len;
        batch->stats.runs += len > 1;
    }
}

void stoa_udp_batch_commit(StoaUdpBatch *batch, size_t len, const StoaUdpSocket *socket,
                           const StoaAddress *to, const StoaAddress *local)
{
    Lane *lane = &batch->lanes[socket->index];
    unsigned slot = batch->n++;
    struct msghdr *header;

    g_assert(slot < STOA_UDP_BATCH && len <= STOA_UDP_SLOT);
    batch->iovs[slot].iov_len = len;
    if (lane->run_len && joins(batch, lane, slot, len, to, local)) {
        lengthen(batch, lane, len);
        return;
    }
    if (lane->socket != socket)
        lane->has_no_runs = false;
    lane->socket = socket;
    lane->first = slot;
    lane->n_run = 1;
    lane->run_len = socket->segments && !lane->has_no_runs ? len : 0;
    lane->run_bytes = len;
    batch->to[slot] = *to;
    batch->local[slot] = local ? *local : (StoaAddress){ 0 };
    header = &lane->headers[lane->n++].msg_hdr;
    header->msg_name = &batch->to[slot];
    header->msg_namelen = stoa_address_len(to);
    header->msg_iov = &batch->iovs[slot];
    header->msg_iovlen = 1;
    header->msg_control = NULL;
    header->msg_controllen = 0;
    if (local && stoa_address_is_set(local))
        write_local(header, &batch->controls[slot], local);
}

bool stoa_udp_batch_add(StoaUdpBatch *batch, const uint8_t *buf, size_t len,
                        const StoaUdpSocket *socket, const StoaAddress *to,
                        const StoaAddress *local)
{
    if (len > STOA_UDP_SLOT)
        return false;
    memcpy(stoa_udp_batch_slot(batch), buf, len);
    stoa_udp_batch_commit(batch, len, socket, to, local);
    return true;
}

/* Wait a moment for room. Takes what it waited off `budget_ms`; false: give up. */
static bool wait_for_room(int fd, int *budget_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    if (*budget_ms <= 0)
        return false;
    *budget_ms -= 1;
    return poll(&p, 1, 1) >= 0 || errno == EINTR;
}

static bool is_run(const Lane *lane, unsigned at)
{
    return lane->headers[at].msg_hdr.msg_iovlen > 1;
}

static void flush_lane(StoaUdpBatch *batch, Lane *lane)
{
    int budget_ms = FULL_WAIT_MS;
    unsigned at = 0;

    while (at < lane->n) {
        int n;

        if (lane->has_no_runs && is_run(lane, at)) { /* made before that was known */
            send_split(batch, lane, at++);
            continue;
        }
        n = sendmmsg(lane->socket->fd, lane->headers + at, lane->n - at, MSG_DONTWAIT);
        batch->stats.calls++;
        if (n > 0) {
            count_sent(batch, lane, at, (unsigned)n);
            at += (unsigned)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && is_full(errno)) {
            if (wait_for_room(lane->socket->fd, &budget_ms))
                continue;
            for (; at < lane->n; at++)
                lose(batch, STOA_UDP_FULL, lane->headers[at].msg_hdr.msg_iov,
                     lane->headers[at].msg_hdr.msg_iovlen);
        } else if (n < 0 && is_run(lane, at)) {
            lane->has_no_runs = is_for_good(errno);
            send_split(batch, lane, at++);
        } else { /* this one is refused: the rest still goes */
            lose(batch, STOA_UDP_REFUSED, lane->headers[at].msg_hdr.msg_iov, 1);
            at++;
        }
    }
    lane->n = 0;
    lane->run_len = 0;
}

void stoa_udp_batch_flush(StoaUdpBatch *batch)
{
    for (unsigned i = 0; i < STOA_UDP_SOCKETS; i++) {
        if (batch->lanes[i].n > 0)
            flush_lane(batch, &batch->lanes[i]);
    }
    batch->n = 0;
}

unsigned stoa_udp_batch_count(const StoaUdpBatch *batch)
{
    return batch->n;
}

const StoaUdpStats *stoa_udp_batch_stats(const StoaUdpBatch *batch)
{
    return &batch->stats;
}
