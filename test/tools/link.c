/* SPDX-License-Identifier: MIT */
/* A UDP relay that behaves like a poor link: loss and delay, each way. (Rates are tc's.)
 *
 *   link SERVER_IP SERVER_PORT
 *
 * Prints its own port. Reads commands, a line each:
 *   up|down [loss=SHARE] [delay=MS]
 *   move        the server sees every client at another port, as after a NAT forgot them
 * Ends with its standard input. `up` is from the client to the server. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 16, MAX_WAITING = 8192, MAX_LEN = 2048 };

typedef struct {
    int64_t due_us;
    unsigned client;
    size_t len;
    uint8_t buf[MAX_LEN];
} Datagram;

typedef struct {
    double loss;
    int64_t delay_us;
    Datagram *waiting; /* a circle, in order */
    unsigned first, n;
} Way;

/* A client's address, and the socket by which the server knows it. */
typedef struct {
    struct sockaddr_in from;
    int fd;
} Client;

static Way up, down;
static Client clients[MAX_CLIENTS];
static unsigned n_clients;
static struct sockaddr_in server;
static int front;
static uint64_t state = 88172645463325252u;

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / (double)(UINT64_C(1) << 53);
}

/* Bound to the server's address, which is one of this machine: answers have to come from where the questions went. */
static int open_socket(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = server.sin_addr };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int size = 4 << 20;

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        perror("link");
        exit(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return fd;
}

static void enqueue(Way *way, unsigned client, const uint8_t *buf, size_t len, int64_t now)
{
    int64_t due = now + way->delay_us;
    Datagram *d;

    if (chance() < way->loss || way->n == MAX_WAITING)
        return;
    if (way->n > 0) {
        int64_t last = way->waiting[(way->first + way->n - 1) % MAX_WAITING].due_us;

        due = due < last ? last : due;
    }
    d = &way->waiting[(way->first + way->n++) % MAX_WAITING];
    d->due_us = due;
    d->client = client;
    d->len = len;
    memcpy(d->buf, buf, len);
}

static void deliver(Way *way, int64_t now)
{
    while (way->n > 0 && way->waiting[way->first].due_us <= now) {
        const Datagram *d = &way->waiting[way->first];
        const Client *c = &clients[d->client];

        if (way == &up)
            send(c->fd, d->buf, d->len, 0);
        else
            sendto(front, d->buf, d->len, 0, (const struct sockaddr *)&c->from, sizeof(c->from));
        way->first = (way->first + 1) % MAX_WAITING;
        way->n--;
    }
}

static int client_of(const struct sockaddr_in *from)
{
    for (unsigned i = 0; i < n_clients; i++)
        if (clients[i].from.sin_addr.s_addr == from->sin_addr.s_addr &&
            clients[i].from.sin_port == from->sin_port)
            return (int)i;
    if (n_clients == MAX_CLIENTS)
        return -1;
    clients[n_clients] = (Client){ *from, open_socket() };
    connect(clients[n_clients].fd, (const struct sockaddr *)&server, sizeof(server));
    return (int)n_clients++;
}

static void from_client(int64_t now)
{
    uint8_t buf[MAX_LEN];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len;

    while ((len = recvfrom(front, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len)) >= 0) {
        int client = client_of(&from);

        if (client >= 0)
            enqueue(&up, (unsigned)client, buf, (size_t)len, now);
    }
}

static void from_server(unsigned client, int64_t now)
{
    uint8_t buf[MAX_LEN];
    ssize_t len;

    while ((len = recv(clients[client].fd, buf, sizeof(buf), 0)) >= 0)
        enqueue(&down, client, buf, (size_t)len, now);
}

static void set(Way *way, char *words)
{
    char *rest = NULL;

    for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        char *value = strchr(word, '=');
        double x = value ? strtod(value + 1, NULL) : 0;

        if (strncmp(word, "loss=", 5) == 0)
            way->loss = x;
        else if (strncmp(word, "delay=", 6) == 0)
            way->delay_us = (int64_t)(x * 1000);
    }
}

/* What comes for the old ports is lost. */
static void move_clients(void)
{
    for (unsigned i = 0; i < n_clients; i++) {
        close(clients[i].fd);
        clients[i].fd = open_socket();
        connect(clients[i].fd, (const struct sockaddr *)&server, sizeof(server));
    }
}

/* False: the input ended. */
static bool command(void)
{
    static char line[512];

    if (!fgets(line, sizeof(line), stdin))
        return false;
    if (strncmp(line, "up ", 3) == 0) {
        set(&up, line + 3);
    } else if (strncmp(line, "down ", 5) == 0) {
        set(&down, line + 5);
    } else if (strncmp(line, "move", 4) == 0) {
        move_clients();
    }
    return true;
}

static struct timespec until_due(int64_t now)
{
    int64_t us = 1000000;

    if (up.n > 0 && up.waiting[up.first].due_us - now < us)
        us = up.waiting[up.first].due_us - now;
    if (down.n > 0 && down.waiting[down.first].due_us - now < us)
        us = down.waiting[down.first].due_us - now;
    us = us < 0 ? 0 : us;
    return (struct timespec){ us / 1000000, us % 1000000 * 1000 };
}

static bool turn(void)
{
    struct pollfd fds[MAX_CLIENTS + 2] = { { .fd = 0, .events = POLLIN },
                                           { .fd = front, .events = POLLIN } };
    unsigned n = n_clients;
    struct timespec wait = until_due(now_us());

    for (unsigned i = 0; i < n; i++)
        fds[i + 2] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
    if (ppoll(fds, n + 2, &wait, NULL) < 0 && errno != EINTR)
        return false;
    if (fds[0].revents && !command())
        return false;
    from_client(now_us());
    for (unsigned i = 0; i < n; i++)
        from_server(i, now_us());
    deliver(&up, now_us());
    deliver(&down, now_us());
    return true;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    socklen_t at_len = sizeof(at);

    if (argc != 3 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: link SERVER_IP SERVER_PORT\n");
        return 2;
    }
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    setvbuf(stdin, NULL, _IONBF, 0);
    up.waiting = calloc(MAX_WAITING, sizeof(Datagram));
    down.waiting = calloc(MAX_WAITING, sizeof(Datagram));
    front = open_socket();
    getsockname(front, (struct sockaddr *)&at, &at_len);
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    while (turn())
        ;
    return 0;
}
