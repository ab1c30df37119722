/* SPDX-License-Identifier: MIT */
/* The server's DTLS certificate: what its fingerprint in SDP proves. (RFC 8122, RFC 8827) */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct StoaCertificate StoaCertificate; /* immutable once made: any thread may read it */

enum { STOA_FINGERPRINT_TEXT = 192 }; /* room for the fingerprint of the longest hash (sha-512) */

/** Make a fresh ECDSA P-256 key and a self-signed certificate of one year. NULL with `error` on failure. */
StoaCertificate *stoa_certificate_new(GError **error);

/**
 * Read a certificate and its key from PEM files. NULL with `error`: one is missing or unreadable, or they do not match.
 */
StoaCertificate *stoa_certificate_load(const char *certificate_path, const char *key_path,
                                       GError **error);
/** False with `error`: every user of this machine can read that file. (SECURITY R12) */
bool stoa_certificate_key_is_private(const char *key_path, GError **error);

void stoa_certificate_free(StoaCertificate *certificate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaCertificate, stoa_certificate_free)

/** "AB:CD:…" of SHA-256, for `a=fingerprint:sha-256 …`. */
const char *stoa_certificate_fingerprint(const StoaCertificate *certificate);

/** Use it in an SSL_CTX. Returns false if OpenSSL refuses. */
bool stoa_certificate_use(const StoaCertificate *certificate, SSL_CTX *ctx);

/**
 * Is this the certificate that SDP announced?
 *
 * @hash  "sha-256", "sha-384" or "sha-512", any case; others are never equal
 * @text  "AB:CD:…", any case
 *
 * Thread: any.   Source: RFC 8122, 5.
 */
bool stoa_certificate_matches(const X509 *x509, const char *hash, const char *text);

/** Would stoa_certificate_matches() understand this fingerprint (known hash, right number of pairs)? */
bool stoa_certificate_fingerprint_is_valid(const char *hash, const char *text);
