/* SPDX-License-Identifier: MIT */
/* One numbered line of a room's journal, and how such lines are read from and written to the store. */
#pragma once

#include "base/clock.h"
#include "room/module.h"
#include "store/store.h"

typedef struct StoaRoomCore StoaRoomCore; /* room/journal.h */

/* Made once, then never changed. Strings owned. */
struct StoaRecord {
    uint64_t seq;
    char *module, *kind;
    char *author, *to; /* participants; NULL: the server; NULL: everyone */
    char *meeting;     /* NULL: made outside of one */
    int64_t at_ms;
    json_t *body; /* NULL: erased */
    char at[STOA_CLOCK_TEXT_SIZE];
};

void stoa_record_free(StoaRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaRecord, stoa_record_free)

/** Whether a person may see it. @who  NULL: a stranger, who sees what has no recipient. */
bool stoa_record_is_for(const StoaRecord *record, const char *who);

/**
 * The event that a person sees of a record: {"event", "seq", …}; NULL: not for that person. New reference.
 *
 * @viewer  NULL: sees what is for everyone
 * Thread: control.
 */
json_t *stoa_record_present(StoaRoom *view, const StoaRecord *record, StoaParticipant *viewer);

/* -- in the store: within a job ------------------------------------------------------------ */

/* Which records; zero: no condition. Strings borrowed. */
typedef struct {
    const char *room;          /* always */
    const char *module, *kind; /* kind only with module */
    const char *meeting;
    const char *author;
    const char *
        viewer; /* only what that person may see; NULL with `for_all`: only what everyone may see */
    bool for_all;                /* apply `viewer` */
    uint64_t seq, after, before; /* that one; numbers, both exclusive */
    unsigned limit;              /* 0: all */
    size_t bytes;                /* of bodies: no more once there are so many; 0: all */
    bool newest; /* of more than `limit` take the newest; either way oldest come first */
    bool no_tombstones;
} StoaJournalQuery;

/** Read records, oldest first. @records  gets StoaRecord, owned by its free function. @more  may be NULL. Thread: store. */
bool stoa_journal_select(StoaDb *db, const StoaJournalQuery *query, GPtrArray *records, bool *more,
                         GError **error);

/** The number of a room's last record; 0: it has none. Thread: store. */
uint64_t stoa_journal_last_seq(StoaDb *db, const char *room, GError **error);

/**
 * Remove the records of one meeting (NULL: of all, and outside of any) and the room's snapshots. The newest record stays as a
 * tombstone, for the numbering goes on. After the commit: stoa_room_core_rebuild() if the room is open. Thread: store.
 */
bool stoa_journal_erase(StoaDb *db, const char *room, const char *meeting, GError **error);
