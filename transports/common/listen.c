/* SPDX-License-Identifier: MIT */
/* A listening TCP socket out of two keys of a conf file. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <stoa/error.h>

#define BACKLOG 511

bool stoa_listen_is_wildcard(const char *address)
{
    return !address || !*address || strcmp(address, "*") == 0 || strcmp(address, "0.0.0.0") == 0 ||
           strcmp(address, "::") == 0 || strcmp(address, "[::]") == 0;
}

bool stoa_listen_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcmp(address, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* "[::1]" is what people copy out of a URL: take the brackets off. */
static char *bare_address(const char *address)
{
    size_t len = strlen(address);

    if (len > 2 && address[0] == '[' && address[len - 1] == ']')
        return g_strndup(address + 1, len - 2);
    return g_strdup(address);
}

static int open_bound(const struct sockaddr *at, socklen_t at_len)
{
    int on = 1, off = 0;
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at, at_len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* One socket for both families; a machine without IPv6 gets an IPv4 one. */
static int open_wildcard(uint16_t port)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = open_bound((const struct sockaddr *)&v6, sizeof v6);

    if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
        return fd;
    return open_bound((const struct sockaddr *)&v4, sizeof v4);
}

/* Returns -1 with errno, or -2 when the name has no address. */
static int open_named(const char *address, uint16_t port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    g_autofree char *name = bare_address(address);
    char service[8];
    int fd = -2;

    g_snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(name, service, &hints, &found) != 0)
        return -2;
    for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = open_bound(at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    if (at.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&at)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&at)->sin_port);
}

int stoa_listen_open(const char *address, int64_t port, const char *key, uint16_t *real_port,
                     GError **error)
{
    bool wildcard = stoa_listen_is_wildcard(address);
    const char *shown = wildcard ? "every interface" : address;
    int fd;

    if (port < 0 || port > 65535) {
        stoa_fail(error, STOA_ERROR_INVALID, "%s: %" G_GINT64_FORMAT " is no port: 0 to 65535 fit",
                  key, port);
        return -1;
    }
    fd = wildcard ? open_wildcard((uint16_t)port) : open_named(address, (uint16_t)port);
    if (fd == -2) {
        int section = (int)(strlen(key) - strlen("port")); /* the key is SECTION.port */
        stoa_fail(error, STOA_ERROR_INVALID, "%.*saddress: \"%s\" is no address of this machine",
                  section, key, shown);
        return -1;
    }
    if (fd < 0 && errno == EADDRINUSE) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                  "%s: port %" G_GINT64_FORMAT " on %s is taken by another program: "
                  "choose another port, or 0 for any free one",
                  key, port, shown);
        return -1;
    }
    if (fd < 0) {
        stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                  "%s: cannot listen on %s, port %" G_GINT64_FORMAT ": %s", key, shown, port,
                  g_strerror(errno));
        return -1;
    }
    *real_port = bound_port(fd);
    return fd;
}

bool stoa_listen_check(const char *address, const char *key, GError **error)
{
    uint16_t port;
    int fd = stoa_listen_open(address, 0, key, &port, error);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

char *stoa_listen_origin(const char *scheme, const char *address, uint16_t port)
{
    g_autofree char *host = NULL;

    if (stoa_listen_is_wildcard(address))
        return g_strdup_printf("%s://127.0.0.1:%u", scheme, port);
    host = bare_address(address);
    return g_strdup_printf(strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u", scheme, host, port);
}

void stoa_listen_peer_text(const struct sockaddr *peer, char *out, size_t size)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    const char *text = NULL;

    if (peer && peer->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
    else if (peer && peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        text = inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, (socklen_t)size);
    else if (peer && peer->sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &v6->sin6_addr, out, (socklen_t)size);
    if (!text)
        g_strlcpy(out, "unknown", size);
}
