/* SPDX-License-Identifier: MIT */
/* A transport address: IPv4 or IPv6 with its port. Compared, hashed with a key, parsed, written. */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the kernel takes it: `sa.sa_family` is AF_INET, AF_INET6, or 0 for "no address" (all zero).
 * An IPv4-mapped IPv6 address never stays one: stoa_address_set() makes it plain IPv4. */
typedef union {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} StoaAddress;

enum { STOA_ADDRESS_TEXT = 64 }; /* room for "[IPv6%scope]:port" and its end */

/* A secret for stoa_address_hash(), so that strangers cannot choose collisions. */
typedef struct {
    uint64_t k0, k1;
} StoaHashKey;

/** Fill a key from the system's CSPRNG. Thread: any. */
void stoa_hash_key_init(StoaHashKey *key);

/**
 * Hash bytes with a secret key (SipHash-2-4).
 *
 * Thread: any; allocates nothing.   Source: Aumasson, Bernstein: SipHash, 2012.
 */
uint64_t stoa_hash(const StoaHashKey *key, const void *buf, size_t len);

/** Take over a kernel address of any length; unknown families give "no address". Thread: any. */
void stoa_address_set(StoaAddress *address, const struct sockaddr *sa);

/** Is there an address at all? */
static inline bool stoa_address_is_set(const StoaAddress *address)
{
    return address->sa.sa_family != 0;
}

/** What the kernel wants beside a pointer to `sa`: bytes in use, 0 for "no address". */
static inline socklen_t stoa_address_len(const StoaAddress *address)
{
    if (address->sa.sa_family == AF_INET)
        return sizeof(address->v4);
    return address->sa.sa_family == AF_INET6 ? sizeof(address->v6) : 0;
}

/** Same family, address and port (and zone, for link-local IPv6)? Thread: any; allocates nothing. */
bool stoa_address_equal(const StoaAddress *a, const StoaAddress *b);

/** As stoa_address_equal(), ports aside. */
bool stoa_address_equal_ip(const StoaAddress *a, const StoaAddress *b);

/** Hash of family, address and port under a secret key. Thread: any; allocates nothing. */
uint64_t stoa_address_hash(const StoaHashKey *key, const StoaAddress *address);

/** The port in host order; 0 when there is no address. */
uint16_t stoa_address_port(const StoaAddress *address);

/** Change the port (host order). */
void stoa_address_set_port(StoaAddress *address, uint16_t port);

/**
 * Read a numeric address, "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; no names are resolved.
 *
 * @address  written on success only, with `port` (host order)
 *
 * Thread: any; allocates nothing.
 */
bool stoa_address_parse(const char *text, uint16_t port, StoaAddress *address);

/**
 * Write the numeric address without port, as a candidate line wants it.
 *
 * @text  at least STOA_ADDRESS_TEXT bytes
 *
 * Returns `text`; "-" for "no address". Thread: any; allocates nothing.
 */
const char *stoa_address_format_ip(const StoaAddress *address, char text[STOA_ADDRESS_TEXT]);

/** As stoa_address_format_ip(), with the port: "192.0.2.1:5000", "[2001:db8::1]:5000". */
const char *stoa_address_format(const StoaAddress *address, char text[STOA_ADDRESS_TEXT]);

bool stoa_address_is_loopback(const StoaAddress *address);   /* 127.0.0.0/8, ::1 */
bool stoa_address_is_any(const StoaAddress *address);        /* 0.0.0.0, :: */
bool stoa_address_is_link_local(const StoaAddress *address); /* 169.254.0.0/16, fe80::/10 */

/**
 * The addresses of this host that candidates can name: global ones first, loopback last,
 * link-local and interfaces that are down left out, each once, ports 0.
 *
 * Returns an array of StoaAddress that the caller owns; NULL with `error` when the kernel says no.
 * Thread: any, not the packet path.   Source: getifaddrs(3).
 */
GArray *stoa_address_interfaces(GError **error);
