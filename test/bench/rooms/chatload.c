/* SPDX-License-Identifier: MIT */
/* People who chat over WebSocket: one thread, no JSON library, so that what is measured is the server.
 *
 * chatload HOST PORT RATE SECONDS SENDERS < SEATS
 * SEATS: a line "ROOM TOKEN" for each person. The first SENDERS of them send RATE messages a second together, at moments that do
 * not wait for replies. Prints one line of JSON: times from the moment a message was due to its reply, how late the load itself
 * was, and whether each person heard each message of the room once, in one order. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    OUT_BYTES = 1 << 20,
    MAX_SEATS = 2000,
    MAX_ROOMS = 2000,
    DRAIN_S = 20
};

typedef enum { UPGRADING, CREATING, ATTACHING, READY } State;

typedef struct {
    char id[64];
    uint64_t n_sent;
} Room;

typedef struct {
    int fd;
    State state;
    char token[128];
    Room *room;
    uint64_t session, handle;
    char *in, *out;
    size_t in_len, out_len, in_cap;
    uint64_t first_seq, last_seq, n_heard;
} Seat;

static Seat seats[MAX_SEATS];
static Room rooms[MAX_ROOMS];
static int n_seats, n_rooms, n_ready, n_senders, poll_fd;
static uint64_t n_wanted, n_sent, n_replied, n_refused, n_disordered;
static int64_t *due_us, *wait_us, *late_us;
static int64_t start_us;
static double rate;
static char refusal[400];

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "chatload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* -- bytes ------------------------------------------------------------------------------------- */

static void flush_seat(Seat *seat)
{
    while (seat->out_len > 0) {
        ssize_t n = send(seat->fd, seat->out, seat->out_len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            die("send");
        memmove(seat->out, seat->out + n, seat->out_len - (size_t)n);
        seat->out_len -= (size_t)n;
    }
    struct epoll_event event = { EPOLLIN | (seat->out_len ? EPOLLOUT : 0), { .ptr = seat } };
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, seat->fd, &event) != 0)
        die("epoll_ctl");
}

static void put(Seat *seat, const void *buf, size_t len)
{
    if (seat->out_len + len > OUT_BYTES) {
        errno = ENOBUFS;
        die("the server does not read");
    }
    memcpy(seat->out + seat->out_len, buf, len);
    seat->out_len += len;
}

/* One text frame. The mask is zero: it must be there, and costs nothing then. */
static void send_text(Seat *seat, const char *text)
{
    size_t len = strlen(text), n = 0;
    uint8_t head[8] = { 0x81 };

    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
        n = 2;
    } else {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        n = 4;
    }
    put(seat, head, n + 4);
    put(seat, text, len);
    flush_seat(seat);
}

/* -- what the server says -------------------------------------------------------------------------- */

static uint64_t number_after(const char *text, size_t len, const char *key)
{
    const char *at = memmem(text, len, key, strlen(key));

    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static bool has(const char *text, size_t len, const char *part)
{
    return memmem(text, len, part, strlen(part)) != NULL;
}

static void heard(Seat *seat, uint64_t seq)
{
    if (!seat->first_seq)
        seat->first_seq = seq;
    else if (seq != seat->last_seq + 1)
        n_disordered++;
    seat->last_seq = seq;
    seat->n_heard++;
}

static void replied(const char *text, size_t len, uint64_t index)
{
    if (!has(text, len, "\"reply\":\"send\"") && n_refused++ == 0)
        snprintf(refusal, sizeof refusal, "%.*s", (int)len, text);
    wait_us[n_replied++] = now_us() - due_us[index];
}

static void next_step(Seat *seat, const char *text, size_t len)
{
    char message[512];
    uint64_t id = number_after(text, len, "\"id\":");

    if (!id) {
        fprintf(stderr, "chatload: %.*s\n", (int)len, text);
        exit(1);
    }
    if (seat->state == CREATING) {
        seat->session = id;
        seat->state = ATTACHING;
        snprintf(
            message, sizeof message,
            "{\"janus\":\"attach\",\"transaction\":\"a\",\"token\":\"%s\",\"session_id\":%" PRIu64
            ",\"plugin\":\"stoa.plugin.chat\"}",
            seat->token, id);
        send_text(seat, message);
        return;
    }
    seat->handle = id;
    seat->state = READY;
    n_ready++;
}

static void take_text(Seat *seat, const char *text, size_t len)
{
    const char *transaction = memmem(text, len, "\"transaction\":\"m", 16);

    if (seat->state != READY) {
        if (has(text, len, "\"janus\":\"success\"") || has(text, len, "\"janus\":\"error\""))
            next_step(seat, text, len);
    } else if (has(text, len, "\"janus\":\"ack\"")) {
        return;
    } else if (transaction) {
        replied(text, len, strtoull(transaction + 16, NULL, 10));
    } else if (has(text, len, "\"event\":\"message\"")) {
        heard(seat, number_after(text, len, "\"seq\":"));
    }
}

static void take_head(Seat *seat)
{
    char *end = memmem(seat->in, seat->in_len, "\r\n\r\n", 4);
    char message[300];

    if (!end)
        return;
    if (memcmp(seat->in, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "chatload: %.80s\n", seat->in);
        exit(1);
    }
    size_t used = (size_t)(end + 4 - seat->in);
    memmove(seat->in, seat->in + used, seat->in_len - used);
    seat->in_len -= used;
    seat->state = CREATING;
    snprintf(message, sizeof message,
             "{\"janus\":\"create\",\"transaction\":\"c\",\"token\":\"%s\"}", seat->token);
    send_text(seat, message);
}

/* Bytes of the frame at `buf`, 0: not all of it is here. A ping is not answered: the load is over before that matters. */
static size_t take_frame(Seat *seat, const uint8_t *buf, size_t len)
{
    size_t head = 2, n = len < 2 ? 0 : buf[1] & 0x7f;

    if (len < 2 || (n == 126 && len < 4) || (n == 127 && len < 10))
        return 0;
    if (n == 126) {
        n = (size_t)buf[2] << 8 | buf[3];
        head = 4;
    } else if (n == 127) {
        n = 0;
        for (int i = 2; i < 10; i++)
            n = n << 8 | buf[i];
        head = 10;
    }
    if (len < head + n)
        return 0;
    if ((buf[0] & 0x0f) == 1)
        take_text(seat, (const char *)buf + head, n);
    return head + n;
}

static void take_input(Seat *seat)
{
    size_t at = 0, n;

    if (seat->state == UPGRADING)
        take_head(seat);
    while (seat->state != UPGRADING &&
           (n = take_frame(seat, (uint8_t *)seat->in + at, seat->in_len - at)) > 0)
        at += n;
    memmove(seat->in, seat->in + at, seat->in_len - at);
    seat->in_len -= at;
}

static void read_seat(Seat *seat)
{
    if (seat->in_cap - seat->in_len < READ_BYTES / 2) {
        seat->in_cap += READ_BYTES;
        seat->in = realloc(seat->in, seat->in_cap);
    }
    ssize_t n = recv(seat->fd, seat->in + seat->in_len, seat->in_cap - seat->in_len, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the connection went");
    seat->in_len += (size_t)n;
    take_input(seat);
}

/* -- load ------------------------------------------------------------------------------------------ */

static void send_due(void)
{
    char message[512];
    int64_t now = now_us();

    while (n_sent < n_wanted) {
        int64_t due = start_us + (int64_t)((double)n_sent * 1e6 / rate);
        Seat *seat = &seats[n_sent % (uint64_t)n_senders];
        if (due > now)
            return;
        due_us[n_sent] = due;
        late_us[n_sent] = now - due;
        snprintf(
            message, sizeof message,
            "{\"janus\":\"message\",\"transaction\":\"m%" PRIu64 "\",\"token\":\"%s\","
            "\"session_id\":%" PRIu64 ",\"handle_id\":%" PRIu64 ",\"body\":{\"request\":\"send\","
            "\"text\":\"%" PRIu64 ": has everybody found the second exercise on page twelve?\"}}",
            n_sent, seat->token, seat->session, seat->handle, n_sent);
        send_text(seat, message);
        seat->room->n_sent++;
        n_sent++;
    }
}

static void turn(int timer)
{
    struct epoll_event events[256];
    int n = epoll_wait(poll_fd, events, 256, 1000);
    uint64_t ticks;

    for (int i = 0; i < n; i++) {
        Seat *seat = events[i].data.ptr;
        if (!seat) {
            if (read(timer, &ticks, sizeof ticks) > 0 && start_us)
                send_due();
            continue;
        }
        if (events[i].events & EPOLLOUT)
            flush_seat(seat);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            read_seat(seat);
        if (start_us)
            send_due();
    }
}

static bool all_heard(void)
{
    for (int i = 0; i < n_seats; i++) {
        if (seats[i].n_heard < seats[i].room->n_sent)
            return false;
    }
    return true;
}

/* -- set-up ---------------------------------------------------------------------------------------- */

static Room *room_of(const char *id)
{
    for (int i = 0; i < n_rooms; i++) {
        if (strcmp(rooms[i].id, id) == 0)
            return &rooms[i];
    }
    snprintf(rooms[n_rooms].id, sizeof rooms->id, "%s", id);
    return &rooms[n_rooms++];
}

static void open_seat(Seat *seat, const char *host, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct epoll_event event = { EPOLLIN, { .ptr = seat } };
    char head[400];
    int on = 1;

    inet_pton(AF_INET, host, &address.sin_addr);
    seat->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (seat->fd < 0 || connect(seat->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(seat->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(seat->fd, F_SETFL, O_NONBLOCK);
    seat->out = malloc(OUT_BYTES);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, seat->fd, &event) != 0)
        die("epoll_ctl");
    snprintf(head, sizeof head,
             "GET / HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: Y2hhdGxvYWQtY2hhdGxvYQ==\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: janus-protocol\r\n\r\n",
             host, port);
    put(seat, head, strlen(head));
    flush_seat(seat);
}

static void read_seats(const char *host, int port, int timer)
{
    char room[64], token[128];

    while (n_seats < MAX_SEATS && scanf("%63s %127s", room, token) == 2) {
        Seat *seat = &seats[n_seats++];
        snprintf(seat->token, sizeof seat->token, "%s", token);
        seat->room = room_of(room);
        open_seat(seat, host, port);
        for (int64_t until = now_us() + 30000000; n_ready < n_seats && now_us() < until;)
            turn(timer);
    }
}

/* -- the report ------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double quantile_ms(const int64_t *sorted, uint64_t n, double part)
{
    return n ? (double)sorted[(uint64_t)((double)(n - 1) * part)] / 1000 : 0;
}

static bool report(double seconds)
{
    uint64_t n_heard = 0, n_short = 0;

    for (int i = 0; i < n_seats; i++) {
        n_heard += seats[i].n_heard;
        n_short += seats[i].n_heard != seats[i].room->n_sent;
    }
    qsort(wait_us, n_replied, sizeof *wait_us, by_size);
    qsort(late_us, n_sent, sizeof *late_us, by_size);
    printf("{\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"heard\":%" PRIu64 ",\"incomplete\":%" PRIu64 ",\"disordered\":%" PRIu64
           ",\"rate\":%.0f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"most\":%.1f"
           ",\"late_p99\":%.1f,\"late_most\":%.1f}\n",
           n_sent, n_replied - n_refused, n_refused, n_heard, n_short, n_disordered,
           (double)n_replied / seconds, quantile_ms(wait_us, n_replied, 0.5),
           quantile_ms(wait_us, n_replied, 0.9), quantile_ms(wait_us, n_replied, 0.99),
           quantile_ms(wait_us, n_replied, 0.999), quantile_ms(wait_us, n_replied, 1),
           quantile_ms(late_us, n_sent, 0.99), quantile_ms(late_us, n_sent, 1));
    if (n_refused)
        fprintf(stderr, "chatload: refused: %s\n", refusal);
    return !n_refused && !n_short && !n_disordered && n_replied == n_wanted;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: chatload HOST PORT RATE SECONDS SENDERS < SEATS\n");
        return 2;
    }
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec every = { { 0, 1000000 }, { 0, 1000000 } };
    struct epoll_event tick = { EPOLLIN, { .ptr = NULL } };

    rate = strtod(argv[3], NULL);
    n_wanted = (uint64_t)(rate * strtod(argv[4], NULL));
    n_senders = (int)strtol(argv[5], NULL, 10);
    due_us = calloc(n_wanted, sizeof *due_us);
    wait_us = calloc(n_wanted, sizeof *wait_us);
    late_us = calloc(n_wanted, sizeof *late_us);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    read_seats(argv[1], (int)strtol(argv[2], NULL, 10), timer);
    if (n_ready < n_seats || n_seats < n_senders || n_senders < 1) {
        fprintf(stderr, "chatload: %d of %d seats are ready\n", n_ready, n_seats);
        return 1;
    }
    timerfd_settime(timer, 0, &every, NULL);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &tick);
    start_us = now_us();
    int64_t until =
        start_us + (int64_t)((double)n_wanted * 1e6 / rate) + DRAIN_S * INT64_C(1000000);
    while (n_replied < n_wanted && now_us() < until)
        turn(timer);
    double seconds = (double)(now_us() - start_us) / 1e6;
    while (!all_heard() && now_us() < until)
        turn(timer);
    return report(seconds) ? 0 : 1;
}
