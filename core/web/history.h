/* SPDX-License-Identifier: MIT */
/* What a meeting leaves behind: POST /history/session, GET /rooms/ID/history and its export. */
#pragma once

#include "web/web.h"

/** Its routes. Static. */
const StoaWebRoute *stoa_web_history_routes(void);

/* SQL: whether a person (a parameter; NULL: not asked) may see of a meeting (a column). Who was banned or uninvited keeps what they
 * were part of: the links of their summaries lead there, and to nothing that came after. What goes on now is for the host and for who
 * came in, not for who is invited, waits, was put out or found the room locked. */
#define STOA_HISTORY_SHOWS(meeting, person)                                                      \
    "((NOT EXISTS (SELECT 1 FROM participant p LEFT JOIN invitation i ON i.id = p.invitation_id" \
    " WHERE p.id = " person " AND (p.banned <> 0 OR i.state = 'revoked'))"                       \
    " OR EXISTS (SELECT 1 FROM attendance a WHERE a.meeting_id = " meeting                       \
    " AND a.participant_id = " person ")) AND (" person " IS NULL"                               \
    " OR NOT EXISTS (SELECT 1 FROM meeting m WHERE m.id = " meeting " AND m.ended_at IS NULL)"   \
    " OR EXISTS (SELECT 1 FROM participant p WHERE p.id = " person                               \
    " AND (p.host_id IS NOT NULL OR p.admitted_to = " meeting "))))"

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
