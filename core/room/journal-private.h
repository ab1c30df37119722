/* SPDX-License-Identifier: MIT */
/* The journal of one open room, as the files of room/ share it. Nobody else includes this. */
#pragma once

#include "room/journal.h"
#include "room/outbox.h"

/* Records and erasures that go to the disk together: those of one handler. */
typedef struct {
    StoaJournal *journal; /* a reference */
    uint64_t number;
    uint64_t before_seq; /* the last record before it */
    GPtrArray *records;  /* of StoaRecord, owned */
    GArray *erased;      /* of StoaErasure */
    GPtrArray *files;    /* of char *: ids to remove */
    char *data_dir;      /* of the files */
} StoaBatch;

typedef struct {
    uint64_t seq;
    char *module;
} StoaErasure;

struct StoaJournal {
    unsigned refs;      /* the room, each batch on its way, each output that waits */
    StoaRoomCore *core; /* NULL: the room was closed */
    StoaStore *store;   /* NULL: in memory */
    char *room, *meeting;
    uint64_t last_seq;        /* the last number that was given */
    uint64_t n_given, n_done; /* batches */
    StoaBatch *open;          /* what the running handler proposed; its number is n_given + 1 */
    bool broken;              /* a batch failed: the views are being made anew */
    GHashTable *waiting;      /* set of StoaOutbox: those that wait for a batch */
    StoaOutbox outbox;        /* of requests without a handle */
    GPtrArray *kept;          /* in memory: of StoaRecord, by number */
    GHashTable *names;        /* in memory: author → name */
    struct StoaTimer *scrub_timer;
};

/* journal.c */
StoaJournal *stoa_journal_new(StoaRoomCore *core, StoaStore *store, uint64_t last_seq);
StoaJournal *stoa_journal_ref(StoaJournal *journal);
void stoa_journal_unref(StoaJournal *journal);
/** The room goes: what waits still goes out. */
void stoa_journal_detach(StoaJournal *journal);
/** Which batch something said now must wait for; 0: none. */
uint64_t stoa_journal_wait(const StoaJournal *journal);
bool stoa_journal_is_done(const StoaJournal *journal, uint64_t batch);
void stoa_journal_add_waiting(StoaJournal *journal, StoaOutbox *outbox);
void stoa_journal_remove_waiting(StoaJournal *journal, StoaOutbox *outbox);

/** A handler begins and ends: what it proposed is one batch. @keep false: none of it happened. */
void stoa_journal_begin(void);
void stoa_journal_end(bool keep);

/** Propose a record of a module's view: see stoa_request_record_to(). body taken. NULL with `error`. Borrowed. */
const StoaRecord *stoa_journal_propose(StoaRoom *room, StoaParticipant *author, const char *kind,
                                       json_t *body, const char *to, GError **error);

/* batch.c */
StoaBatch *stoa_batch_new(StoaJournal *journal);
void stoa_batch_free(gpointer batch);
/** Its half on the store thread: a StoaStoreWork. */
bool stoa_batch_write(StoaDb *db, void *batch, GError **error);
/** In memory: take the records into the journal, erase what is to be erased. */
void stoa_batch_keep(StoaBatch *batch);
/** Remove the bytes of files whose rows are gone. */
void stoa_batch_remove_files(StoaBatch *batch);

/* view.c */
/** Make the history views of a room anew; then its journal is whole again. */
void stoa_view_rebuild_all(StoaRoomCore *core);
/** A view that closes or was written to: save its state if that is due. */
void stoa_view_save(StoaRoom *room);
/** The room goes: those who wait for a view get an error. */
void stoa_view_forget_loaders(StoaRoomCore *core);

/** Whether a module's view keeps its people while they are out. */
bool stoa_room_keeps_people(const StoaRoom *room);
/** The journal of a view that may record; NULL: it may not. Made for an ad-hoc room when first asked for. */
StoaJournal *stoa_room_journal(StoaRoom *room);
/** The same, but never made. */
StoaJournal *stoa_room_journal_if_any(const StoaRoom *room);

/* read.c */
typedef struct StoaRead StoaRead;
void stoa_read_cancel_all(StoaRoom *room, const GError *error);
