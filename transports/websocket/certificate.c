/* SPDX-License-Identifier: MIT */
/* The server's TLS certificate. A handshake takes its own references, so that a reload never pulls it away. */
#include "certificate.h"

#include <openssl/err.h>

#include <stoa/error.h>

static GMutex lock;
static SSL_CTX *current; /* lock; never used for connections: it holds the chain and the key */

static void fail(GError **error, const char *key, const char *path)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    stoa_fail(error, STOA_ERROR_INVALID, "websocket.conf: %s: \"%s\" cannot be used: %s", key, path,
              reason ? reason : "it is no PEM file of the right kind");
}

/* NULL with `error` */
static SSL_CTX *read_pair(const char *certificate, const char *key, GError **error)
{
    SSL_CTX *loaded;

    if (!certificate || !*certificate || !key || !*key) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "websocket.conf: %s is empty: TLS needs both tls.certificate and tls.key",
                  key && *key ? "tls.certificate" : "tls.key");
        return NULL;
    }
    loaded = SSL_CTX_new(TLS_server_method());
    if (!loaded || SSL_CTX_use_certificate_chain_file(loaded, certificate) != 1) {
        SSL_CTX_free(loaded);
        fail(error, "tls.certificate", certificate);
        return NULL;
    }
    if (SSL_CTX_use_PrivateKey_file(loaded, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(loaded) != 1) {
        SSL_CTX_free(loaded);
        fail(error, "tls.key", key);
        return NULL;
    }
    return loaded;
}

bool ws_certificate_load(const char *certificate, const char *key, GError **error)
{
    SSL_CTX *loaded = read_pair(certificate, key, error);

    if (!loaded)
        return false;
    g_mutex_lock(&lock);
    SSL_CTX_free(current);
    current = loaded;
    g_mutex_unlock(&lock);
    return true;
}

bool ws_certificate_check(const char *certificate, const char *key, GError **error)
{
    SSL_CTX *loaded = read_pair(certificate, key, error);

    SSL_CTX_free(loaded);
    return loaded != NULL;
}

void ws_certificate_clear(void)
{
    g_mutex_lock(&lock);
    SSL_CTX_free(current);
    current = NULL;
    g_mutex_unlock(&lock);
}

/* Whatever the context was made with is taken off first: OpenSSL keeps one certificate for each kind of key. */
static int choose(SSL *ssl, void *unused G_GNUC_UNUSED)
{
    STACK_OF(X509) *chain = NULL;
    int done = 0;

    g_mutex_lock(&lock);
    SSL_certs_clear(ssl);
    if (current && SSL_CTX_get0_chain_certs(current, &chain) == 1)
        done = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(current),
                                    SSL_CTX_get0_privatekey(current), chain, 1);
    g_mutex_unlock(&lock);
    return done;
}

void ws_certificate_attach(SSL_CTX *tls)
{
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_cert_cb(tls, choose, NULL);
}
