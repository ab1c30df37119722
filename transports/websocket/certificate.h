/* SPDX-License-Identifier: MIT */
#pragma once /* The server's TLS certificate, which can be read anew while connections go on. */

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>

/**
 * Read a certificate chain and its key, and show them to handshakes from now on.
 *
 * @certificate, @key  paths of PEM files
 *
 * Returns false with `error` set, and then nothing changes. Thread: control.
 */
bool ws_certificate_load(const char *certificate, const char *key, GError **error);

/** Whether it could be loaded; nothing is shown. Thread: any. */
bool ws_certificate_check(const char *certificate, const char *key, GError **error);

/** Forget it. Thread: control, the service thread being gone. */
void ws_certificate_clear(void);

/** Make a server's context ask for the certificate at each handshake, TLS 1.2 at least. Thread: any. */
void ws_certificate_attach(SSL_CTX *tls);
