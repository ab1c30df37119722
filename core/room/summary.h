/* SPDX-License-Identifier: MIT */
/* What a meeting leaves in the mail: one summary for each person with an address who was in. */
#pragma once

#include "store/store.h"

/* What the end of a meeting knows. Strings borrowed. */
typedef struct {
    const char *room, *meeting, *title, *host, *base_url;
    int64_t started_ms, ended_ms;
    int64_t erase_ms;    /* when its history goes; not after `ended_ms`: there are no links to it */
    const json_t *items; /* of the workspace, as in the history */
} StoaSummary;

/** Nothing in a summary about this room names that person any more, be it one that waits or a file; what is theirs is not listed.
 * After their name is gone from the rows. @files: see stoa_mail_edit_summaries(). Thread: store, in a transaction. */
bool stoa_summary_forget(StoaDb *db, const char *room, const char *person, GPtrArray *files,
                         GError **error);
/** Put the summaries into the outbox, each with a history link of its own. False with `error`. Thread: store, in a transaction. */
bool stoa_summary_put(StoaDb *db, const StoaSummary *summary, GError **error);
