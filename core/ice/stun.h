/* SPDX-License-Identifier: MIT */
/* Answers to STUN connectivity checks: bytes in, verdict and response out. No socket, no clock of its own.
 * (RFC 8489, RFC 8445 section 7.3; what may be answered: SECURITY.md section 5) */
#pragma once

#include "net/address.h"

typedef struct StoaStun StoaStun; /* one per worker: 13 KB of libnice's StunAgent */

enum { STOA_STUN_REPLY = 1024 }; /* bytes of room that stoa_stun_input() wants for a reply */

typedef enum {
    STOA_STUN_IGNORED,    /* not for us, broken, or over the rate of errors: no reply */
    STOA_STUN_CHECK,      /* a check with valid integrity: send the reply, the address is proven */
    STOA_STUN_INDICATION, /* a Binding indication: a keep-alive, proves nothing, no reply */
    STOA_STUN_REFUSED,    /* an error response is ready; the address is not proven */
} StoaStunVerdict;

typedef struct {
    void *owner;        /* CHECK: what the look-up gave; REFUSED (role conflict): too; else NULL */
    uint32_t priority;  /* CHECK: of the PRIORITY attribute, 0 without */
    bool use_candidate; /* CHECK: the peer nominates this path */
    const char *ufrag;  /* CHECK: our part of USERNAME, inside `buf`, not terminated */
    size_t ufrag_len;
    size_t reply_len; /* bytes in `reply`; 0: send nothing */
} StoaStunResult;

/**
 * Who owns this local ufrag, and with which password?
 *
 * @ufrag     `len` bytes, not terminated, from a stranger
 * @password  to be set, with its length; borrowed until stoa_stun_input() returns
 *
 * Returns the owner (any pointer but NULL), or NULL if there is none.
 */
typedef void *(*StoaStunLookup)(void *user, const char *ufrag, size_t len, const char **password,
                                size_t *password_len);

StoaStun *stoa_stun_new(StoaStunLookup lookup, void *user);
void stoa_stun_free(StoaStun *stun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaStun, stoa_stun_free)

/** Could these bytes be STUN (first two bits zero, magic cookie)? Allocates nothing. */
bool stoa_stun_is(const uint8_t *buf, size_t len);

/**
 * Judge one STUN message and prepare what is to be sent back.
 *
 * Without valid MESSAGE-INTEGRITY there is either no reply or, at most ten times a second, an
 * error response that is not longer than the request.
 *
 * @buf     borrowed, `len` bytes
 * @from    becomes the mapped address of the response
 * @reply   STOA_STUN_REPLY bytes
 * @result  always written
 *
 * Thread: the worker's; allocates nothing.   Source: RFC 8445, 7.3; RFC 8489, 9.1.   Fuzzed by: test/fuzz/stun.c
 */
StoaStunVerdict stoa_stun_input(StoaStun *stun, int64_t now_us, const uint8_t *buf, size_t len,
                                const StoaAddress *from, uint8_t *reply, StoaStunResult *result);
