/* SPDX-License-Identifier: MIT */
/* Inside mail/ only: the outbox table. All on the store thread. */
#pragma once

#include "mail/mail.h"

/* One mail that waits. */
typedef struct {
    int64_t id, tries, created_ms;
    StoaMailKind kind;
    bool to_file; /* it was a file before, and is to be one again */
    char *recipient, *room_id;
    json_t *payload;
} StoaMailJob;

void stoa_mail_job_free(StoaMailJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMailJob, stoa_mail_job_free)

/** The mails that are due, at most `limit`, oldest first; appended to `jobs`. `*next_ms`: when the next is, 0: none waits. */
bool stoa_outbox_due(StoaDb *db, int64_t now_ms, int limit, GPtrArray *jobs, int64_t *next_ms,
                     GError **error);
/** Sent, or dropped: forget it. */
bool stoa_outbox_done(StoaDb *db, int64_t id, GError **error);
/** Not now. */
bool stoa_outbox_later(StoaDb *db, int64_t id, int64_t next_ms, GError **error);
/** It lies in data/mail/NAME. False also (with no error) when the mail was forgotten meanwhile: the file is to be removed. */
bool stoa_outbox_filed(StoaDb *db, const StoaMailJob *job, const char *name, GError **error);
