/* SPDX-License-Identifier: MIT */
/* What a handle says, in order: each thing goes out once the batch of records that it may show is on disk. */
#pragma once

#include "room/request.h"
#include "room/shared.h"

typedef struct StoaJournal StoaJournal;

typedef enum {
    STOA_OUTPUT_EVENT,
    STOA_OUTPUT_REPLY,
    STOA_OUTPUT_PLACE, /* nothing passes it until it is filled: what is read back comes before what happens now */
} StoaOutputKind;

typedef struct {
    StoaOutputKind kind;
    StoaJournal *journal; /* set by the outbox: what it waits for; NULL: nothing */
    uint64_t batch;
    uint64_t seq;      /* of the record that an event presents; 0: of none */
    char *transaction; /* of a reply */
    json_t *data, *jsep;
    StoaShared *shared; /* of an event that many hear: instead of `data` */
    bool hangup;        /* end the PeerConnection after it */
    /* A reply to a request without a handle: instead of `transaction`. */
    StoaFileDone *done;
    void *done_data;
    GError *error; /* of a reply: what `data` says, for those who want it as it is */
} StoaOutput;

/* Part of a handle, and of a journal for requests without one. All zero: empty. */
typedef struct {
    StoaHandle *handle; /* NULL: the journal's */
    GQueue outputs;     /* of StoaOutput, owned */
} StoaOutbox;

/**
 * Say something, now or when its turn has come.
 *
 * @journal  of the room that it is about; NULL: it waits only for what was said before
 * @output   copied; what it owns is taken
 */
void stoa_outbox_push(StoaOutbox *outbox, StoaJournal *journal, StoaOutput output);

/** Whether something in it waits for a batch of that journal. */
bool stoa_outbox_waits_for(const StoaOutbox *outbox, const StoaJournal *journal);

/** Let out what waits for nothing any more. */
void stoa_outbox_flush(StoaOutbox *outbox);

/** A batch failed: events that wait for it or a later one are forgotten, replies become errors. Flushes nothing. */
void stoa_outbox_fail(StoaOutbox *outbox, const StoaJournal *journal, uint64_t batch,
                      const GError *error);

/** Forget events that present records after `seq`: they are about to be read back. */
void stoa_outbox_forget_after(StoaOutbox *outbox, uint64_t seq);

/** Keep a place, to be filled by the pointer, which lives as long as the outbox. */
StoaOutput *stoa_outbox_keep_place(StoaOutbox *outbox);
/** Say events (of StoaOutput, emptied) before it. */
void stoa_outbox_say_before(StoaOutbox *outbox, const StoaOutput *place, GArray *outputs);
/** Fill it, as of stoa_outbox_push(). */
void stoa_outbox_fill_place(StoaOutbox *outbox, StoaOutput *place, StoaJournal *journal,
                            StoaOutput output);

/** Forget everything: the handle goes. */
void stoa_outbox_clear(StoaOutbox *outbox);
