/* SPDX-License-Identifier: MIT */
/* The server's TLS certificate. GnuTLS borrows what the callback gives it for as long as the handshake lasts, and does not
 * say when that is: so an old certificate is kept for a while before it is freed. */
#include "certificate.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include <stoa/error.h>

#define MAX_CHAIN 16
#define KEEP_US   (120 * G_USEC_PER_SEC) /* far longer than a handshake may last */

typedef struct Certificate {
    gnutls_pcert_st chain[MAX_CHAIN];
    unsigned n_chain;
    gnutls_privkey_t key;
    int64_t retired_us;
    struct Certificate *older;
} Certificate;

static Certificate *current; /* atomic; `older` is touched by control only */

static void certificate_free(Certificate *cert)
{
    for (unsigned i = 0; i < cert->n_chain; i++)
        gnutls_pcert_deinit(&cert->chain[i]);
    if (cert->key)
        gnutls_privkey_deinit(cert->key);
    g_free(cert);
}

static bool fail(GError **error, const char *key, const char *path, int code)
{
    return stoa_fail(error, STOA_ERROR_INVALID, "http.conf: %s: \"%s\" cannot be used: %s", key,
                     path, gnutls_strerror(code));
}

static bool read_pem(const char *key, const char *path, gnutls_datum_t *out, GError **error)
{
    g_autoptr(GError) reason = NULL;
    char *text = NULL;
    size_t len = 0;

    if (!path || !*path)
        return stoa_fail(error, STOA_ERROR_INVALID,
                         "http.conf: %s is empty: TLS needs both tls.certificate and tls.key", key);
    if (!g_file_get_contents(path, &text, &len, &reason))
        return stoa_fail(error, STOA_ERROR_INVALID, "http.conf: %s: %s", key, reason->message);
    out->data = (unsigned char *)text;
    out->size = (unsigned)len;
    return true;
}

/* The pair is loaded a first time only to let GnuTLS compare them. */
static int compare(const gnutls_datum_t *chain, const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t both;
    int code = gnutls_certificate_allocate_credentials(&both);

    if (code < 0)
        return code;
    code = gnutls_certificate_set_x509_key_mem(both, chain, key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(both);
    return code;
}

static int import_pair(Certificate *cert, const gnutls_datum_t *chain, const gnutls_datum_t *key)
{
    unsigned n_chain = MAX_CHAIN;
    int code =
        gnutls_pcert_list_import_x509_raw(cert->chain, &n_chain, chain, GNUTLS_X509_FMT_PEM, 0);

    if (code < 0)
        return code;
    cert->n_chain = n_chain;
    code = gnutls_privkey_init(&cert->key);
    if (code < 0)
        return code;
    return gnutls_privkey_import_x509_raw(cert->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
}

static void drop_retired(Certificate *cert, int64_t now_us)
{
    while (cert->older && cert->older->retired_us + KEEP_US > now_us)
        cert = cert->older;
    while (cert->older) {
        Certificate *old = cert->older;

        cert->older = old->older;
        certificate_free(old);
    }
}

static void show(Certificate *cert)
{
    Certificate *old = g_atomic_pointer_get(&current);
    int64_t now_us = g_get_monotonic_time();

    cert->older = old;
    if (old)
        old->retired_us = now_us;
    g_atomic_pointer_set(&current, cert);
    drop_retired(cert, now_us);
}

/* NULL with `error` */
static Certificate *read_pair(const char *certificate, const char *key, GError **error)
{
    gnutls_datum_t chain_pem = { NULL, 0 }, key_pem = { NULL, 0 };
    Certificate *cert = NULL;
    int code;

    if (!read_pem("tls.certificate", certificate, &chain_pem, error) ||
        !read_pem("tls.key", key, &key_pem, error))
        goto out;
    code = compare(&chain_pem, &key_pem);
    if (code < 0) {
        fail(error, "tls.certificate and tls.key", certificate, code);
        goto out;
    }
    cert = g_new0(Certificate, 1);
    code = import_pair(cert, &chain_pem, &key_pem);
    if (code < 0) {
        fail(error, "tls.certificate", certificate, code);
        g_clear_pointer(&cert, certificate_free);
    }
out:
    g_free(chain_pem.data);
    if (key_pem.data)
        gnutls_memset(key_pem.data, 0, key_pem.size);
    g_free(key_pem.data);
    return cert;
}

bool http_certificate_load(const char *certificate, const char *key, GError **error)
{
    Certificate *cert = read_pair(certificate, key, error);

    if (cert)
        show(cert);
    return cert != NULL;
}

bool http_certificate_check(const char *certificate, const char *key, GError **error)
{
    Certificate *cert = read_pair(certificate, key, error);

    if (!cert)
        return false;
    certificate_free(cert);
    return true;
}

void http_certificate_clear(void)
{
    Certificate *cert = g_atomic_pointer_get(&current);

    g_atomic_pointer_set(&current, NULL);
    while (cert) {
        Certificate *older = cert->older;

        certificate_free(cert);
        cert = older;
    }
}

int http_certificate_retrieve(gnutls_session_t session G_GNUC_UNUSED,
                              const gnutls_datum_t *authorities G_GNUC_UNUSED,
                              int n_authorities G_GNUC_UNUSED,
                              const gnutls_pk_algorithm_t *algorithms G_GNUC_UNUSED,
                              int n_algorithms G_GNUC_UNUSED, gnutls_pcert_st **chain,
                              unsigned *n_chain, gnutls_privkey_t *key)
{
    Certificate *cert = g_atomic_pointer_get(&current);

    if (!cert)
        return -1;
    *chain = cert->chain;
    *n_chain = cert->n_chain;
    *key = cert->key;
    return 0;
}
