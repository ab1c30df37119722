/* SPDX-License-Identifier: MIT */
/* What a zip says of itself, for who opens it years later without this server. */
#pragma once

/* A file that is in every zip. */
typedef struct {
    const char *name, *text;
} StoaExportPage;

/** How to read the rest, and a program that opens notes and boards; ends with a NULL name. Static. Thread: any. */
const StoaExportPage *stoa_export_guide(void);
