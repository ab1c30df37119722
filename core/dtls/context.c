/* SPDX-License-Identifier: MIT */
/* What all links share: OpenSSL's settings, and a BIO that keeps datagrams apart. */
#include "dtls/context.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <string.h>

#include <stoa/error.h>

#include "base/poison.h"

enum {
    SEND_MAX = 2048
}; /* bytes of a record: OpenSSL's write buffer is as large, half-open or not */

/* AES-128-GCM first: the fastest. All are AEADs that records.c knows. */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256";
static const char profiles[] = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

/* One datagram in per read, one out per write: OpenSSL's own memory BIO would glue them together. */
static int bio_read(BIO *bio, char *buf, int len)
{
    StoaDtlsPipe *pipe = BIO_get_data(bio);
    size_t n = MIN((size_t)len, pipe->in_len);

    BIO_clear_retry_flags(bio);
    if (pipe->in_len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buf, pipe->in, n);
    pipe->in_len = 0;
    return (int)n;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    StoaDtlsPipe *pipe = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (len > 0)
        pipe->output(pipe->user, (const uint8_t *)buf, (size_t)len);
    return len;
}

static long bio_ctrl(BIO *bio G_GNUC_UNUSED, int cmd, long num, void *ptr G_GNUC_UNUSED)
{
    switch (cmd) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return STOA_DTLS_MTU;
    case BIO_CTRL_DGRAM_SET_MTU: return num;
    default: return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *make_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stoa datagrams");

    if (method) {
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_ctrl);
        BIO_meth_set_create(method, bio_create);
    }
    return method;
}

/* Any certificate may come: link.c compares its fingerprint before keys are exported. */
static int accept_certificate(int ok G_GNUC_UNUSED, X509_STORE_CTX *store G_GNUC_UNUSED)
{
    return 1;
}

static bool set_up(SSL_CTX *ctx, const StoaCertificate *certificate)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_certificate);
    SSL_CTX_set_verify_depth(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    return SSL_CTX_set_max_send_fragment(ctx, SEND_MAX) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set_tlsext_use_srtp(ctx, profiles) == 0 &&
           stoa_certificate_use(certificate, ctx);
}

StoaDtlsContext *stoa_dtls_context_new(const StoaCertificate *certificate, GError **error)
{
    StoaDtlsContext *context = g_new0(StoaDtlsContext, 1);

    context->ctx = SSL_CTX_new(DTLS_method());
    context->bio_method = make_bio_method();
    if (context->ctx && context->bio_method && set_up(context->ctx, certificate))
        return context;
    stoa_fail(error, STOA_ERROR_INTERNAL, "cannot prepare DTLS: %s",
              ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    stoa_dtls_context_free(context);
    return NULL;
}

void stoa_dtls_context_free(StoaDtlsContext *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    BIO_meth_free(context->bio_method);
    g_free(context);
}

SSL *stoa_dtls_context_open(StoaDtlsContext *context, StoaDtlsPipe *pipe)
{
    SSL *ssl = SSL_new(context->ctx);
    BIO *bio = BIO_new(context->bio_method);

    if (!ssl || !bio) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, pipe);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, STOA_DTLS_MTU);
    return ssl;
}
