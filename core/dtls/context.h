/* SPDX-License-Identifier: MIT */
/* Inside dtls/ only: what context.c gives to link.c. The public part is in dtls/link.h. */
#pragma once

#include "dtls/link.h"

struct StoaDtlsContext {
    SSL_CTX *ctx;
    BIO_METHOD *bio_method;
};

/* Both ends of OpenSSL's BIO: the datagram that it may read, and where written ones go. */
typedef struct {
    const uint8_t *in;
    size_t in_len; /* 0: none waits */
    void (*output)(void *user, const uint8_t *buf, size_t len);
    void *user;
} StoaDtlsPipe;

/** A new SSL object on a pipe (borrowed: outlives it); NULL when out of memory. Free with SSL_free(). */
SSL *stoa_dtls_context_open(StoaDtlsContext *context, StoaDtlsPipe *pipe);
