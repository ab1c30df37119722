/* SPDX-License-Identifier: MIT */
/* One peer's DTLS: handshake, fingerprint check, SRTP keys, application data (SCTP), goodbye.
 * Fed and drained: the worker owns the socket. DTLS 1.2, ECDHE. (RFC 6347, RFC 5764, RFC 8827) */
#pragma once

#include "dtls/certificate.h"

#include <stdint.h>

typedef struct StoaDtlsContext
    StoaDtlsContext;                      /* one per process; any thread makes links from it */
typedef struct StoaDtlsLink StoaDtlsLink; /* one per peer; its worker's */

enum {
    STOA_DTLS_MTU = 1200,              /* bytes of UDP payload per datagram */
    STOA_DTLS_HANDSHAKE_US = 15000000, /* from the first record to the keys, at most */
    STOA_DTLS_ATTEMPTS = 4, /* handshakes that may break at once; after that one every 250 ms */
};

typedef enum {
    STOA_DTLS_SERVER, /* we said setup:passive: preferred */
    STOA_DTLS_CLIENT, /* the peer insisted on setup:passive */
} StoaDtlsRole;

typedef enum {
    STOA_DTLS_NEW,       /* nothing came yet */
    STOA_DTLS_HANDSHAKE, /* records are exchanged, or the peer's fingerprint is not known yet */
    STOA_DTLS_CONNECTED, /* the peer is who SDP said: keys and data flow */
    STOA_DTLS_CLOSED, /* close_notify came (hangup "DTLS alert"), or stoa_dtls_link_close() was called */
    STOA_DTLS_FAILED, /* wrong fingerprint, or out of time: stoa_dtls_link_failure() */
} StoaDtlsState;

/* Called from inside the functions below; must not free the link. */
typedef struct {
    /* Send these bytes as one datagram to the selected path; borrowed. */
    void (*output)(void *user, const uint8_t *buf, size_t len);
    /* One record of application data (an SCTP packet); borrowed. NULL: dropped. */
    void (*data)(void *user, const uint8_t *buf, size_t len);
} StoaDtlsCallbacks;

typedef enum {
    STOA_DTLS_PROFILE_NONE = 0,
    STOA_DTLS_AES128_CM_SHA1_80 = 0x0001, /* as on the wire: RFC 5764, 4.1.2 */
    STOA_DTLS_AEAD_AES_128_GCM = 0x0007,  /* RFC 7714, 14.2 */
} StoaDtlsProfile;

/* SRTP master keys and salts, sorted by who seals with them. Wipe it after use. */
typedef struct {
    StoaDtlsProfile profile;
    size_t salt_len;                         /* 14 for AES-CM, 12 for GCM */
    uint8_t local_key[16], local_salt[14];   /* what we send */
    uint8_t remote_key[16], remote_salt[14]; /* what the peer sends */
} StoaDtlsKeys;

/** Prepare OpenSSL with our certificate (borrowed: outlives the context). Thread: any. */
StoaDtlsContext *stoa_dtls_context_new(const StoaCertificate *certificate, GError **error);
void stoa_dtls_context_free(StoaDtlsContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaDtlsContext, stoa_dtls_context_free)

/** A link; OpenSSL's memory is taken at the first record and let go when it is CONNECTED. @callbacks  copied. */
StoaDtlsLink *stoa_dtls_link_new(StoaDtlsContext *context, StoaDtlsRole role,
                                 const StoaDtlsCallbacks *callbacks, void *user);

/** Free it without a word to the peer (see stoa_dtls_link_close()). */
void stoa_dtls_link_free(StoaDtlsLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaDtlsLink, stoa_dtls_link_free)

/**
 * Tell what SDP announced. Without it a handshake never becomes CONNECTED; it may come late.
 *
 * Returns the state, which may have become CONNECTED or FAILED by it.
 */
StoaDtlsState stoa_dtls_link_expect(StoaDtlsLink *link, const char *hash, const char *fingerprint);

/** As a client: send the first flight, once a path is there. As a server: nothing. */
StoaDtlsState stoa_dtls_link_start(StoaDtlsLink *link, int64_t now_us);

/** Could these bytes be a DTLS record (first byte 20 to 63)? (RFC 7983) */
bool stoa_dtls_link_is(const uint8_t *buf, size_t len);

/**
 * Take one datagram of DTLS records, from a path that ICE validated.
 *
 * Junk and broken handshakes cost an attempt, not the link.
 *
 * @buf  borrowed, `len` bytes
 *
 * Returns the state after it.   Thread: the worker's.
 */
StoaDtlsState stoa_dtls_link_input(StoaDtlsLink *link, int64_t now_us, const uint8_t *buf,
                                   size_t len);

StoaDtlsState stoa_dtls_link_state(const StoaDtlsLink *link);

/** When stoa_dtls_link_tick() has something to do; INT64_MAX: never. */
int64_t stoa_dtls_link_deadline_us(const StoaDtlsLink *link, int64_t now_us);

/** Repeat a lost flight, or give up after STOA_DTLS_HANDSHAKE_US. Returns the state. */
StoaDtlsState stoa_dtls_link_tick(StoaDtlsLink *link, int64_t now_us);

/**
 * Hand over the SRTP keys of a CONNECTED link; false in any other state, the second time, or if the peer took no profile.
 *
 * Source: RFC 5764, 4.2.
 */
bool stoa_dtls_link_keys(StoaDtlsLink *link, StoaDtlsKeys *keys);

/** Seal and output one record of application data; false when not CONNECTED. */
bool stoa_dtls_link_send(StoaDtlsLink *link, const uint8_t *buf, size_t len);

/** Send close_notify (if there is a handshake to end) and become CLOSED. */
void stoa_dtls_link_close(StoaDtlsLink *link);

/** Why it FAILED, in words for the hangup event and the log; NULL otherwise. Static. */
const char *stoa_dtls_link_failure(const StoaDtlsLink *link);
