/* SPDX-License-Identifier: MIT */
/* What a class shares: files, links, notes and boards. Notes and boards are CRDT documents that only the pages understand: their
 * updates are in the journal, here is only what must be known to hand them on. */
#pragma once

#include <stoa/plugin.h>

enum {
    ITEM_TITLE_MAX = 300,
    ITEM_URL_MAX = 2000,
    ITEM_TEXT_MAX = 10000,
    UPDATE_BYTES_MAX = 700000, /* what a request of 1 MB can hold as base64 */
};

typedef struct {
    int64_t file_bytes, room_bytes; /* of uploads: the core's route asks for them too */
    int64_t items, text_bytes;      /* in one room */
    int64_t update_bytes, snapshot_bytes, item_bytes, presence_bytes;
    int64_t updates_per_second, presence_per_second; /* a person; 0: no limit */
    int64_t snapshot_updates, snapshot_log_bytes;    /* after so many one is wanted */
    int64_t keep_days;                               /* what a snapshot replaced */
} WorkspaceConf;

typedef struct {
    uint64_t id;                /* the number of its first record */
    char *kind;                 /* "file" "link" "note" "board" */
    json_t *title, *url, *text; /* texts, or sealed texts; NULL: none */
    json_t *by; /* {"title": ID, …}: those of them that others wrote than `author`; NULL: none */
    char *file, *type; /* a file's id and what it is */
    int64_t size;      /* bytes of a file */
    char *author, *at, *updated_at, *meeting;
    GPtrArray *writers;       /* of char *: who wrote in a document; "": somebody, not known who */
    uint64_t edited;          /* the record that changed it last; 0: none */
    uint64_t last_sync;       /* the newest update; 0: none */
    uint64_t snapshot, upto;  /* the newest snapshot's record, and what it replaces; 0: none */
    int64_t n_updates, bytes; /* since then */
    int64_t wanted_at;        /* n_updates when a snapshot was last asked for; of the moment */
} Item;

/* Updates that are no longer needed: after a while they are erased. */
typedef struct {
    uint64_t item;   /* which need not be there any more */
    uint64_t upto;   /* updates up to this number … */
    uint64_t before; /* … and snapshots before this one */
    int64_t due_ms;
} Sweep;

typedef struct {
    GPtrArray *items; /* of Item, oldest first */
    GArray *sweeps;   /* of Sweep */
    bool is_sweeping; /* a timer or a reading is under way */
} Workspace;

typedef struct {
    StoaRate updates, presences;
} WorkspaceSeat;

/* state.c: the fold over the records, and its snapshot */
void workspace_room_opened(StoaRoom *room);
void workspace_room_closed(StoaRoom *room);
void workspace_apply(StoaRoom *room, StoaParticipant *author, const StoaRecord *record);
json_t *workspace_save(StoaRoom *room);
bool workspace_load(StoaRoom *room, const json_t *snapshot);
Item *workspace_find(StoaRoom *room, uint64_t id);
/** Whether it is a document that is edited together. */
bool workspace_is_document(const Item *item);
json_t *workspace_writers_json(const Item *item);

/* view.c: what people see */
json_t *workspace_item_json(StoaRoom *room, const Item *item);
/** With an empty "updates" where it is a document, for workspace_fill(). */
json_t *workspace_document_json(StoaRoom *room, const Item *item);
json_t *workspace_describe(StoaRoom *room, StoaParticipant *viewer);
json_t *workspace_present(StoaRoom *room, const StoaRecord *record, StoaParticipant *viewer);
json_t *workspace_history(StoaRoom *room, const char *meeting, StoaParticipant *viewer);

/* redact.c: what stays when a person is erased */
json_t *workspace_redact(StoaRoom *room, const StoaRecord *record);
json_t *workspace_redact_other(StoaRoom *room, const StoaRecord *record, const char *person);

/* document.c: updates, snapshots, presence, and the list that late joiners ask for */
bool workspace_on_list(StoaRequest *req, GError **error);
bool workspace_on_sync(StoaRequest *req, GError **error);
bool workspace_on_snapshot(StoaRequest *req, GError **error);
bool workspace_on_presence(StoaRequest *req, GError **error);
/** Put the updates of documents where they belong. */
void workspace_fill(StoaRoom *room, json_t *items, const StoaRecord *const *records, size_t n);
/** The item that a request names; NULL with `error`: there is none. */
Item *workspace_item_of(StoaRequest *req, GError **error);

/* sweep.c: erases what is due */
void workspace_sweep_soon(StoaRoom *room);
