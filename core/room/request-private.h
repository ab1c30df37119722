/* SPDX-License-Identifier: MIT */
/* One request on its way: while its handler runs, and while it waits for what it reads back. Nobody else includes this. */
#pragma once

#include "room/journal-private.h"
#include "room/request.h"
#include "room/room-private.h"

struct StoaRequest {
    StoaModule *module;
    StoaHandle *handle;   /* NULL: the operator's, or a file's */
    StoaRoom *room;       /* a file's */
    StoaParticipant *who; /* a file's */
    const StoaMethod *method;
    const StoaMessage *message; /* borrowed while the handler runs, then `kept` */
    StoaMessage kept;           /* a copy, owned, once it waits */
    bool is_sync;
    json_t *reply;    /* owned */
    json_t *jsep;     /* owned: what goes out */
    GPtrArray *texts; /* ids written out; freed with the request */
    bool hangup;      /* once the reply is out */
    uint64_t seq;     /* of the last record that it proposed; 0: none */
    char at[STOA_CLOCK_TEXT_SIZE];
    StoaRead *read;              /* what it waits for; NULL: nothing */
    StoaOutput *place;           /* kept for its reply while it reads */
    struct StoaMeasure *measure; /* figures that it waits for; NULL: none */
    void *data;                  /* the handler's, for `got` */
    GDestroyNotify free_data;
    StoaFileDone *file_done; /* a file's */
    void *file_data;
};

/** Go on with a request that waited: `got` runs as a handler. */
void stoa_request_go_on(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                        StoaReadFunc *got);
/** End it with an error. */
void stoa_request_give_up(StoaRequest *req, const GError *error);
void stoa_request_free(StoaRequest *req);

/* request-builtin.c */
/** `leave`: it may be asked while the room is being restored. */
bool stoa_request_on_leave(StoaRequest *req, GError **error);

/* stats.c */
typedef struct StoaMeasure StoaMeasure;
/** Ask the worker for what the handler wants to know. */
void stoa_measure_start(StoaRequest *req);
/** The request goes, or has what it wanted. */
void stoa_measure_forget(StoaMeasure *measure);
/** Go on with a request that was measured. */
void stoa_request_measured(StoaRequest *req, const json_t *stats, StoaStatsFunc *got);

/* read.c */
/** `resume {after}`, of every plugin that speaks the rooms API. */
bool stoa_read_on_resume(StoaRequest *req, GError **error);
/** Forget what a request waits for: it goes. */
void stoa_read_cancel(StoaRead *read);
/** Ask the store for what the handler wants to read. */
void stoa_read_start(StoaRequest *req);
/** In memory: have what the handler asked for. False: it waits for the store, or for nothing. */
bool stoa_read_run_in_memory(StoaRequest *req);
