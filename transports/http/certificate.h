/* SPDX-License-Identifier: MIT */
#pragma once /* The server's TLS certificate, which can be read anew while connections go on. */

#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

/**
 * Read a certificate chain and its key, and show them to handshakes from now on.
 *
 * @certificate, @key  paths of PEM files
 *
 * Returns false with `error` set, and then nothing changes: a file is missing, is no PEM, or they do not belong together.
 * Thread: control.
 */
bool http_certificate_load(const char *certificate, const char *key, GError **error);

/** Whether it could be loaded; nothing is shown. Thread: any. */
bool http_certificate_check(const char *certificate, const char *key, GError **error);

/** Forget all of them; no handshake may be under way. Thread: control. */
void http_certificate_clear(void);

/** For MHD_OPTION_HTTPS_CERT_CALLBACK: what a handshake shows. Thread: any. */
int http_certificate_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities,
                              int n_authorities, const gnutls_pk_algorithm_t *algorithms,
                              int n_algorithms, gnutls_pcert_st **chain, unsigned *n_chain,
                              gnutls_privkey_t *key);
