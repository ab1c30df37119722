/* SPDX-License-Identifier: MIT */
/* Files of a room: brought by its participants, fetched by who may see its history. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_file_routes(void);

/** Where a file can be fetched with a ticket. @base_url  NULL: as a path alone. Free with g_free(). Thread: any. */
char *stoa_web_file_url(const char *base_url, const char *room, const char *file, int64_t ticket_s);

/* The same for modules (StoaRoomEnv.file_url), who know of no request: as a path, or with public.base_url. */
void stoa_web_file_url_configure(const char *base_url, int64_t ticket_s);
char *stoa_web_file_url_of(const char *room, const char *file);
