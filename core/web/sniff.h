/* SPDX-License-Identifier: MIT */
/* What a file is, told by its first bytes and never by its name. Pure. (SECURITY R24; in the manner of the WHATWG's MIME sniffing) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_SNIFF_UNKNOWN "application/octet-stream"
enum { STOA_SNIFF_BYTES = 4096 }; /* of a file's head are enough */

/** The type of a file that begins with `head`. Static; never NULL. Thread: any. Fuzzed by: test/fuzz/fuzz_multipart.c */
const char *stoa_sniff(const uint8_t *head, size_t len);

/** Whether a type is in a list of "image/png" and "image/" with a star. @list  NULL-terminated */
bool stoa_sniff_is_allowed(const char *type, char *const *list);

/** Whether a browser would carry it out if it were shown: it is sent as something without meaning. */
bool stoa_sniff_is_active(const char *type);
