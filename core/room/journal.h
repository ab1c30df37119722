/* SPDX-License-Identifier: MIT */
/* What a room keeps. A kept room has rows in the store; an ad-hoc room keeps its records in memory, as long as it lives.
 * Records are numbered through all modules of a room, applied at once, and everything that the room says waits for the commit.
 *
 *     core = stoa_room_core_keep(&keep);                 // its rows were read: members, meeting, last number
 *     stoa_room_view_open(module, core, ready, data);    // a module's state, replayed from its records
 *     stoa_handle_sit(handle, view, "member id", &error) // in `ready`: a person takes the seat
 *     stoa_handle_send_state(handle);                    // after the attach was answered
 *     stoa_room_core_close(core, true);                  // nobody is in any more
 */
#pragma once

#include "room/record.h"

/* A member as the modules' views see one. */
typedef struct {
    const char *name; /* borrowed during the call; NULL: erased */
    StoaRole role;
} StoaMemberFace;

/* A kept room, and how the journal asks who and what belongs to it. Strings are copied. */
typedef struct {
    const char *id, *title;
    StoaStore *store;  /* borrowed: outlives the room */
    uint64_t last_seq; /* stoa_journal_last_seq() */
    void *user;        /* for the functions below: stoa_room_core_user() */
    /* Who a member is, present or not; false: there is none of that id. */
    bool (*member)(void *user, const char *id, StoaMemberFace *face);
    /* A loaded module by its name ("chat"); NULL: it is not loaded. */
    StoaModule *(*module)(void *user, const char *name);
} StoaRoomKeep;

/** Open a kept room: no view yet. There must be none of that id: stoa_room_core_find(). Thread of everything here: control. */
StoaRoomCore *stoa_room_core_keep(const StoaRoomKeep *keep);

/** The open room of an id, kept or ad hoc; NULL. */
StoaRoomCore *stoa_room_core_find(const char *id);
bool stoa_room_core_is_kept(const StoaRoomCore *core);
/** `user` of its StoaRoomKeep; NULL for an ad-hoc room. */
void *stoa_room_core_user(const StoaRoomCore *core);
const char *stoa_room_core_id(const StoaRoomCore *core);
const char *stoa_room_core_title(const StoaRoomCore *core);
void stoa_room_core_set_title(StoaRoomCore *core, const char *title);
/** What is sealed in the browsers: "off" (as when a room opens), "media", "all". */
void stoa_room_core_set_sealing(StoaRoomCore *core, const char *e2ee);

/** Records from here on belong to that meeting; NULL: to none. */
void stoa_room_core_set_meeting(StoaRoomCore *core, const char *meeting);
/** A member's name or role is another one now: the views take it over. */
void stoa_room_core_member_changed(StoaRoomCore *core, const char *member);

/**
 * Close a kept room: handles leave (they stay attached, without a room), views close, what waits for a commit still goes out.
 *
 * @save  write snapshots of its views; false: its rows are about to be deleted
 *
 * Waiting stoa_room_view_open() calls get an error. `core` is gone when this returns.
 */
void stoa_room_core_close(StoaRoomCore *core, bool save);

/* `view` or `error`, borrowed. */
typedef void StoaViewReady(StoaRoom *view, const GError *error, void *data);

/**
 * Have a module's view of a kept room: the one that is open, or one made of its snapshot and records.
 *
 * `ready` is called once; before this returns if the view is open already. The module stays loaded until then.
 */
void stoa_room_view_open(StoaModule *module, StoaRoomCore *core, StoaViewReady *ready, void *data);

/** The view that is open now; NULL. */
StoaRoom *stoa_room_core_view(StoaRoomCore *core, StoaModule *module);

/**
 * A person takes a seat by a handle: `joined` is called unless another handle of theirs sits in this view already.
 * False with `error`: no such member, or the handle sits elsewhere. Given up by stoa_handle_leave() or with the handle; `left`
 * is called with the last one.
 */
bool stoa_handle_sit(StoaHandle *handle, StoaRoom *view, const char *member, GError **error);

/** Send the handle the event `state`: what `describe` says, and `seq`. Waits for the commit of what it shows. */
void stoa_handle_send_state(StoaHandle *handle);

/** What a view knows of a member, made if need be; NULL: there is none of that id. */
StoaParticipant *stoa_room_member(StoaRoom *view, const char *member);

/* -- erasing ------------------------------------------------------------------------------ */

typedef void StoaRoomDone(const GError *error, void *data);

/**
 * Redact all records of one author: what the modules' `redact` leaves of them, else tombstones; and those of others that hold
 * words of theirs, as `redact_other` says; drop the snapshots; make the views anew. `done` is called once that is on disk. (The
 * participant's row is the caller's, the scrub too.)
 */
void stoa_room_core_redact(StoaRoomCore *core, const char *author, StoaRoomDone *done, void *data);

/** Make views anew from the store: rows of the journal were changed by a job (retention). Modules without `apply` go on meanwhile,
 * those with it refuse requests until then. `done` may be NULL. */
void stoa_room_core_rebuild(StoaRoomCore *core, StoaRoomDone *done, void *data);

/** A member's face for the wire: {"id", "name"}; json_null() for NULL. New reference. */
json_t *stoa_room_core_who(StoaRoomCore *core, const char *member);
