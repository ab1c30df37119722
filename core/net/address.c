/* SPDX-License-Identifier: MIT */
/* Transport addresses. IPv4-mapped IPv6 is normalised at the border, so that one peer has one address. */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <stoa/error.h>

#include "base/id.h"

#include "base/poison.h"

void stoa_hash_key_init(StoaHashKey *key)
{
    stoa_id_bytes(key, sizeof(*key));
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline uint64_t read_le64(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return GUINT64_FROM_LE(x);
}

uint64_t stoa_hash(const StoaHashKey *key, const void *buf, size_t len)
{
    uint64_t v[4] = { key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
                      key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u };
    const uint8_t *p = buf;
    uint64_t last = (uint64_t)len << 56;
    size_t left = len;

    for (; left >= 8; p += 8, left -= 8) {
        uint64_t m = read_le64(p);

        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void set_v6(StoaAddress *address, const struct sockaddr_in6 *v6)
{
    if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = v6->sin6_port;
        address->v6.sin6_addr = v6->sin6_addr;
        address->v6.sin6_scope_id = v6->sin6_scope_id;
        return;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = v6->sin6_port;
    memcpy(&address->v4.sin_addr, &v6->sin6_addr.s6_addr[12], 4);
}

void stoa_address_set(StoaAddress *address, const struct sockaddr *sa)
{
    StoaAddress in = { 0 };

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)sa;

        in.v4.sin_family = AF_INET;
        in.v4.sin_port = v4->sin_port;
        in.v4.sin_addr = v4->sin_addr;
    } else if (sa->sa_family == AF_INET6) {
        set_v6(&in, (const void *)sa);
    }
    *address = in;
}

bool stoa_address_equal_ip(const StoaAddress *a, const StoaAddress *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    if (a->sa.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0 &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id;
    return true;
}

bool stoa_address_equal(const StoaAddress *a, const StoaAddress *b)
{
    return stoa_address_equal_ip(a, b) && stoa_address_port(a) == stoa_address_port(b);
}

uint64_t stoa_address_hash(const StoaHashKey *key, const StoaAddress *address)
{
    uint8_t text[24] = { 0 };

    if (address->sa.sa_family == AF_INET) {
        memcpy(text, &address->v4.sin_addr, 4);
        memcpy(text + 4, &address->v4.sin_port, 2);
        return stoa_hash(key, text, 6);
    }
    if (address->sa.sa_family != AF_INET6)
        return stoa_hash(key, text, 0);
    memcpy(text, &address->v6.sin6_addr, 16);
    memcpy(text + 16, &address->v6.sin6_port, 2);
    memcpy(text + 18, &address->v6.sin6_scope_id, 4);
    return stoa_hash(key, text, 22);
}

uint16_t stoa_address_port(const StoaAddress *address)
{
    if (address->sa.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->sa.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

void stoa_address_set_port(StoaAddress *address, uint16_t port)
{
    if (address->sa.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else if (address->sa.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
}

static bool parse_v6(const char *text, StoaAddress *address)
{
    char bare[INET6_ADDRSTRLEN];
    size_t len = strlen(text);
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(bare))
        return false;
    memcpy(bare, text, len);
    bare[len] = '\0';
    if (inet_pton(AF_INET6, bare, &v6.sin6_addr) != 1)
        return false;
    stoa_address_set(address, (const struct sockaddr *)&v6);
    return true;
}

bool stoa_address_parse(const char *text, uint16_t port, StoaAddress *address)
{
    StoaAddress out = { 0 };

    if (!text)
        return false;
    if (inet_pton(AF_INET, text, &out.v4.sin_addr) == 1)
        out.v4.sin_family = AF_INET;
    else if (!parse_v6(text, &out))
        return false;
    stoa_address_set_port(&out, port);
    *address = out;
    return true;
}

const char *stoa_address_format_ip(const StoaAddress *address, char text[STOA_ADDRESS_TEXT])
{
    const void *ip = address->sa.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
                                                      : (const void *)&address->v6.sin6_addr;

    if (!stoa_address_is_set(address) ||
        !inet_ntop(address->sa.sa_family, ip, text, STOA_ADDRESS_TEXT))
        g_strlcpy(text, "-", STOA_ADDRESS_TEXT);
    return text;
}

const char *stoa_address_format(const StoaAddress *address, char text[STOA_ADDRESS_TEXT])
{
    char ip[STOA_ADDRESS_TEXT];

    stoa_address_format_ip(address, ip);
    if (!stoa_address_is_set(address))
        g_strlcpy(text, "-", STOA_ADDRESS_TEXT);
    else
        g_snprintf(text, STOA_ADDRESS_TEXT, address->sa.sa_family == AF_INET ? "%s:%u" : "[%s]:%u",
                   ip, stoa_address_port(address));
    return text;
}

bool stoa_address_is_loopback(const StoaAddress *address)
{
    if (address->sa.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    return address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

bool stoa_address_is_any(const StoaAddress *address)
{
    if (address->sa.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

bool stoa_address_is_link_local(const StoaAddress *address)
{
    if (address->sa.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 16 == 0xa9fe;
    return address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
}

static bool has_ip(const GArray *list, const StoaAddress *address)
{
    for (guint i = 0; i < list->len; i++) {
        if (stoa_address_equal_ip(&g_array_index(list, StoaAddress, i), address))
            return true;
    }
    return false;
}

/* Add those of one kind: with `loopback` false the others. */
static void add_interfaces(GArray *list, const struct ifaddrs *first, bool loopback)
{
    for (const struct ifaddrs *i = first; i; i = i->ifa_next) {
        StoaAddress address;

        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
            continue;
        stoa_address_set(&address, i->ifa_addr);
        stoa_address_set_port(&address, 0);
        if (!stoa_address_is_set(&address) || stoa_address_is_loopback(&address) != loopback)
            continue;
        if (!stoa_address_is_link_local(&address) && !has_ip(list, &address))
            g_array_append_val(list, address);
    }
}

GArray *stoa_address_interfaces(GError **error)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(StoaAddress));
    struct ifaddrs *first = NULL;

    if (getifaddrs(&first) < 0) {
        g_array_unref(list);
        stoa_fail(error, STOA_ERROR_INTERNAL, "cannot list the network interfaces: %s",
                  g_strerror(errno));
        return NULL;
    }
    add_interfaces(list, first, false);
    add_interfaces(list, first, true);
    freeifaddrs(first);
    return list;
}
