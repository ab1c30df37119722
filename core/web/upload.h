/* SPDX-License-Identifier: MIT */
/* A file on its way to the disk: written piece by piece beside its place, and there as a whole or not at all. (SECURITY R24)
 *
 * DATA/files/incoming/ID while it comes, DATA/files/ROOM/ID once it is whole. What lies in incoming/ at a start is left over
 * from a crash. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct StoaUpload StoaUpload;

/* What is coming. Borrowed. */
typedef struct {
    const char *data_dir;
    const char
        *content_type;     /* the request's: "multipart/form-data; boundary=x", or anything; NULL */
    const char *file_name; /* X-Filename, percent-encoded UTF-8; NULL */
    int64_t max_bytes;     /* of the file */
    bool
        sealed; /* a room whose files are encrypted in the browsers: the name is passed on as it is */
} StoaUploadSpec;

/** Make its file. NULL with `error`: the disk does not take it, or the Content-Type names no boundary. Thread: any; blocks. */
StoaUpload *stoa_upload_new(const StoaUploadSpec *spec, GError **error);
/** Remove what was not kept. NULL is fine. Thread: any; blocks. */
void stoa_upload_free(StoaUpload *upload);

/** Take a piece of the body. False: enough, stoa_upload_finish() says why. Thread: one at a time; blocks. */
bool stoa_upload_write(StoaUpload *upload, const void *buf, size_t len);
/** The body has ended. False with `error`: "too_large", "disk_full", or it is cut short. */
bool stoa_upload_finish(StoaUpload *upload, GError **error);
/** Bring its bytes to the disk and look at what they are. False with `error`. Thread: any; blocks. */
bool stoa_upload_settle(StoaUpload *upload, GError **error);
/** Put it into its place, after stoa_upload_settle(). Until stoa_upload_commit() it still goes with `upload`. */
bool stoa_upload_keep(StoaUpload *upload, const char *room, GError **error);
/** It is there for good: its row is on disk. */
void stoa_upload_commit(StoaUpload *upload);

const char *stoa_upload_id(const StoaUpload *upload);
/** The name that it came with, made safe; "file" when there was none. */
const char *stoa_upload_name(const StoaUpload *upload);
/** By content: "image/png"; "application/octet-stream" when it is like nothing known. */
const char *stoa_upload_type(const StoaUpload *upload);
int64_t stoa_upload_size(const StoaUpload *upload);

/** Room on the disk that no file takes: what the store leaves (its `limits.min_free_bytes`), and some that it still takes then. Before
 * anybody uploads. Thread: control. */
void stoa_upload_set_reserve(int64_t min_free_bytes);
/** Whether the disk takes so many bytes more and still has room for what the store has to write. Thread: any. */
bool stoa_upload_fits_disk(const char *data_dir, int64_t n_bytes);
/** Remove everything in incoming/. At the start. */
void stoa_upload_sweep(const char *data_dir);
/** DATA/files/ROOM/ID; free with g_free(). */
char *stoa_upload_path(const char *data_dir, const char *room, const char *id);
