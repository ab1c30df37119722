/* SPDX-License-Identifier: MIT */
/* multipart/form-data, read as it comes: the first part that has a file name is the file, the others are passed over.
 * Holds at most one part's head and a delimiter's length of bytes. (RFC 7578, RFC 2046 5.1) */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StoaMultipart StoaMultipart;

typedef struct {
    void (*name)(void *user, const char *file_name);       /* once, before the first byte; UTF-8 */
    bool (*data)(void *user, const void *buf, size_t len); /* false: no more is wanted */
    void *user;
} StoaMultipartOutlet;

/** Whether a Content-Type is of this kind. NULL is not. */
bool stoa_multipart_is(const char *content_type);

/** @content_type  the request's. NULL with `error`: it has no boundary of 1 to 70 characters. Thread: any. */
StoaMultipart *stoa_multipart_new(const char *content_type, const StoaMultipartOutlet *outlet,
                                  GError **error);
void stoa_multipart_free(StoaMultipart *multipart);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMultipart, stoa_multipart_free)

/** Read on. False with `error`: it is malformed; false without: the outlet wants no more. Fuzzed by: test/fuzz/fuzz_multipart.c */
bool stoa_multipart_feed(StoaMultipart *multipart, const void *buf, size_t len, GError **error);

/** Whether the file came as a whole; false with `error`: the body was cut short, or had no file. */
bool stoa_multipart_finish(const StoaMultipart *multipart, GError **error);
