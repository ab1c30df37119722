/* SPDX-License-Identifier: MIT */
/* A history as a zip: how to read it (export-guide.h), history.json, and the files that its items name. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct StoaExport StoaExport;

/** Take the tickets out of the urls of files. @history  as stoa_history_read() gives it, changed. Thread: any. */
void stoa_export_settle(json_t *history);

/** Remember what is to be written. @history  settled; each file is given its "path" in the zip. Thread: any. */
StoaExport *stoa_export_new(const char *data_dir, const char *room, json_t *history);
void stoa_export_free(StoaExport *export);

/** Write it to a file of its own, below DATA/files/incoming. Blocks. Thread: any. */
bool stoa_export_write(StoaExport *export, GError **error);
/** Where it was written; NULL before. */
const char *stoa_export_path(const StoaExport *export);
