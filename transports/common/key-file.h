/* SPDX-License-Identifier: MIT */
#pragma once /* The file of a private key, which is nobody else's business. */

#include <stoa/transport.h>

/**
 * Warn the operator when every user of the machine can read a key.
 *
 * @option  as an operator knows it: "http.conf: tls.key"
 * @path    NULL or empty: nothing happens
 * Thread: control.
 */
void stoa_key_file_warn(StoaTransportHost *host, const char *option, const char *path);

/** The same for `stoa -t`: false with `error`. */
bool stoa_key_file_check(const char *option, const char *path, GError **error);
