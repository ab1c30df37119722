/* SPDX-License-Identifier: MIT */
/* What a meeting leaves behind: POST /history/session, GET /rooms/ID/history and its export. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_history_routes(void);

/* The whole of it, taken, or `error`. */
typedef void StoaHistoryDone(json_t *history, const GError *error, void *data);

/* What of it. Strings borrowed. */
typedef struct {
    const char *room;
    const char *viewer;  /* a participant; NULL: sees what is for everyone */
    const char *meeting; /* that one only; NULL: all */
    uint64_t before;     /* records before this number; 0: the newest */
    unsigned limit;      /* of records for a meeting and module; 0: all */
} StoaHistoryQuery;

/** Put a room's history together: its meetings, then what each module made of them. Thread: control. */
void stoa_history_read(StoaWeb *web, const StoaHistoryQuery *query, StoaHistoryDone *done,
                       void *data);
