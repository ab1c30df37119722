/* SPDX-License-Identifier: MIT */
/* What the files of room/ know of each other's objects. Nobody else includes this. */
#pragma once

#include "base/log.h"
#include "base/metric.h"
#include "base/timer.h"
#include "media/connection.h"
#include "media/speaker.h"
#include "room/handle.h"
#include "room/journal.h"
#include "room/module.h"
#include "room/outbox.h"

/* A room as the core knows it: one identity, one view for each module that serves it. */
struct StoaRoomCore {
    char *id, *title;
    bool text_id;
    bool sealed; /* what people write comes sealed: StoaParam rows of STOA_TEXT */
    bool media_sealed;
    GPtrArray *views; /* of StoaRoom, borrowed */
    StoaModule *
        creator; /* whose stoa_room_close() ends it for all; NULL: nobody's, it goes with its last view */
    bool closing;
    bool is_kept;         /* has rows in the store */
    StoaRoomKeep keep;    /* of a kept room; its strings are NULL */
    StoaJournal *journal; /* NULL: nothing was recorded yet in an ad-hoc room */
    GPtrArray *loaders;   /* of views that are being made */
    GArray *rebuild_waiters;
    unsigned epoch; /* counts the times that its rows were changed by others */
};

enum { STOA_SNAPSHOT_EVERY = 200 }; /* records of a view */

struct StoaModule {
    StoaLogTag log;
    StoaPlugin plugin; /* a copy; what an older build did not know of is zero */
    const StoaPlugin *original;
    char *package;
    const StoaRoomEnv *env;
    StoaConfValues *conf;
    void *state;
    GHashTable *rooms;  /* id → StoaRoom, owned */
    GPtrArray *handles; /* of StoaHandle, borrowed */
    StoaHandle *asking; /* whose request is carried out; NULL: nobody's, or the operator's */
    StoaMetricCell **cells;
    GPtrArray *tables;  /* rows that were copied to today's size */
    GPtrArray *bridges; /* of StoaBridge, owned: those it opened */
    unsigned busy;
    bool started;
};

struct StoaRoom {
    StoaLogTag log;
    StoaModule *module;
    StoaRoomCore *core; /* NULL: the room of one handle */
    void *state;
    GPtrArray *people;  /* of StoaParticipant, owned, in the order they came */
    GPtrArray *handles; /* of StoaHandle, borrowed: who is in */
    GHashTable *timers; /* set of StoaRoomTimer, owned */
    bool own;           /* made by the plugin: stays when empty */
    bool from_conf;     /* one that the module's conf lists */
    bool closing;
    bool muted;         /* its state is being made from records: it says and counts nothing */
    bool applying;      /* `apply` runs */
    bool stale;         /* rows that its state was made of were changed: it is being made anew */
    unsigned n_unsaved; /* records since its snapshot */
    GPtrArray *reads;   /* of StoaRead, borrowed: on their way */
    StoaSpeakers *speakers; /* by track; NULL: nobody has spoken */
};

struct StoaParticipant {
    StoaRoom *room;
    char *id, *name;
    bool text_id;
    StoaRole role;
    StoaHandle *handle; /* which took the seat; NULL: not in now */
    void *state;
};

struct StoaHandle {
    StoaLogTag log;
    StoaModule *module;
    uint64_t number;
    const StoaHandleOutlet *outlet;
    void *user;
    void *state;
    StoaRoom *room;
    StoaParticipant *who;
    bool is_seat;              /* took `who`'s seat itself */
    struct StoaMember *member; /* whose token it was attached with; NULL: nobody's */
    bool lost;                 /* its connection is; only with a member */
    StoaConnection *connection;
    StoaConnection *dying; /* went down by itself; freed at the next turn */
    StoaTimer *reaper;
    GPtrArray *candidates;          /* of char *, came before the description; "" is the end */
    uint32_t bitrate;               /* asked before there was a PeerConnection */
    bool attached;                  /* the plugin took it */
    const StoaDataChannel *channel; /* that the message came on that the plugin is being given */
    StoaOutbox outbox;
    GPtrArray *requests; /* of StoaRequest, owned: they wait for what they read back */
};

/* room.c */
StoaRoom *stoa_room_open_view(StoaModule *module, StoaRoomCore *core, bool own);
StoaRoomCore *stoa_room_core(const char *id, const char *title, bool text_id);
void stoa_room_close_if_empty(StoaRoom *room);
StoaRoom *stoa_room_of_one(StoaHandle *handle);
/** A view that nobody was told of yet: `room_opened` is the caller's. */
StoaRoom *stoa_room_new_view(StoaModule *module, StoaRoomCore *core, bool own);
/** Close one view; its core stays. */
void stoa_room_close_view(StoaRoom *room);
void stoa_room_core_free(StoaRoomCore *core);

/* core.c */
bool stoa_room_core_face(StoaRoomCore *core, const char *member, StoaMemberFace *face);

bool stoa_room_id_is_reserved(const char *id); /* of a kept room */

/* participant.c */
StoaParticipant *stoa_participant_new(StoaRoom *room, StoaHandle *handle, const StoaSeat *seat,
                                      GError **error);
/** What the view has of an id, present or not; NULL. */
StoaParticipant *stoa_room_look_up(StoaRoom *room, const char *id);
/** The author of a record, made if need be, also when nobody knows of that id any more. */
StoaParticipant *stoa_room_author(StoaRoom *room, const char *id);
void stoa_participant_free(StoaParticipant *who);

/* handle-media.c */
StoaConnection *stoa_handle_connection(StoaHandle *handle);
void stoa_handle_reap(StoaHandle *handle);
/** As of stoa_handle_send(), what others hear too. */
void stoa_handle_send_shared(StoaHandle *handle, StoaShared *shared);

/* reply.c */
json_t *stoa_reply_event(StoaModule *module, const char *event, json_t *body);
json_t *stoa_reply_state(StoaHandle *handle);
json_t *stoa_reply_ok(StoaModule *module, const char *request, json_t *body);
json_t *stoa_reply_error(StoaModule *module, const GError *error);

/* -- speakers.c: who has the floor ---------------------------------------------------------- */

/** Voice was heard on a track of a handle. */
void stoa_room_heard(StoaHandle *handle, StoaTrack *track, double loudness);
void stoa_room_forget_voice(StoaRoom *room, const StoaTrack *track);
/** The handle leaves. */
void stoa_room_forget_voices(StoaRoom *room, StoaHandle *handle);
