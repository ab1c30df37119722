/* SPDX-License-Identifier: MIT */
/* The rooms that are kept: opened when somebody needs them, with their people, tokens and meetings; closed when nobody does.
 * Read first; then kept-room.h (one room), member.c (one person), meeting.c (one sitting). Thread of everything: control. */
#pragma once

#include "room/handle.h"
#include "room/journal.h"
#include "room/ledger.h"
#include "room/room-info.h"
#include "room/rooms-conf.h"
#include "room/seat-token.h"

typedef struct StoaRooms StoaRooms;
typedef struct StoaKeptRoom StoaKeptRoom;

/* All borrowed, and outlive the rooms. */
typedef struct {
    StoaStore *store;
    const StoaRoomsConf *conf;
    const StoaRoomEnv *env;
    /* A loaded module by its name ("chat"); NULL: it is not loaded. */
    StoaModule *(*module)(void *user, const char *name);
    const char *(*base_url)(void *user); /* public.base_url; NULL: not set */
    const char *(*own_url)(void *user);  /* where the HTTP transport listens; NULL: nowhere */
    void (*mail_waits)(void *user);      /* something was put into the outbox; may be NULL */
    void *user;
} StoaRoomsSpec;

StoaRooms *stoa_rooms_new(const StoaRoomsSpec *spec);
/** Read the tokens and the meetings that ran when the server stopped; returns when they are there. */
bool stoa_rooms_start(StoaRooms *rooms, GError **error);
/** Write down who is in; close all rooms, open none any more. Their meetings go on after a restart. Who waits for a room hears that it
 * stops. Handles must be gone;
 * modules still be there. */
void stoa_rooms_close(StoaRooms *rooms);
/** After stoa_rooms_close(), and after the store: no job of a room waits any more. */
void stoa_rooms_free(StoaRooms *rooms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaRooms, stoa_rooms_free)

/** The built-in module "room". */
StoaModule *stoa_rooms_module(StoaRooms *rooms);
/** What it is made of, also without rooms. Static. */
const StoaPlugin *stoa_room_module_plugin(void);
unsigned stoa_rooms_n_open(const StoaRooms *rooms);

/** Who brings a participant token; its expiry moves on. NULL: nobody. */
const StoaSeatToken *stoa_rooms_token(StoaRooms *rooms, const char *text);

/* -- opening ------------------------------------------------------------------------------ */

/* `room` or `error`, borrowed. The room stays open for some seconds after. */
typedef void StoaRoomReady(StoaKeptRoom *room, const GError *error, void *data);

/** Have a room open. `ready` is called once, before this returns if it is open already. */
void stoa_rooms_open(StoaRooms *rooms, const char *room, StoaRoomReady *ready, void *data);
/** Have a module's view of a room, also of one that the room has no more: what it left is there. See stoa_room_view_open(). Not found:
 * no such room, or the module is not loaded. */
void stoa_rooms_view(StoaRooms *rooms, const char *room, const char *module, StoaViewReady *ready,
                     void *data);
/** The room if it is open; NULL. */
StoaKeptRoom *stoa_rooms_find(StoaRooms *rooms, const char *room);

/* -- people ------------------------------------------------------------------------------- */

/* Who wants to come in. Strings borrowed. */
typedef struct {
    StoaLedgerPerson person; /* made if there is none of that id */
    const char *base_url;    /* as that person sees the server */
    const char *home; /* of a guest: what tells the household they come from; NULL: not known */
    bool proven;      /* see StoaSeatToken */
} StoaJoin;

typedef struct {
    const char *token, *id, *name;
    StoaRole role;
    bool waiting;
    const StoaRoomInfo *room;
} StoaJoined;

/* `joined` or `error`, borrowed. Refusals: "gone", "room_full", "room_locked". */
typedef void StoaJoinDone(const StoaJoined *joined, const GError *error, void *data);

/** Somebody comes in, or into the lobby; takes their own seat over if they have one. Done when it is on disk. */
void stoa_rooms_join(StoaRooms *rooms, const StoaJoin *join, StoaJoinDone *done, void *data);

/* `answer` or `error`, borrowed; the answer may be NULL. */
typedef void StoaRoomsDone(json_t *answer, const GError *error, void *data);

/** Somebody leaves; their token is dead. */
void stoa_rooms_leave(StoaRooms *rooms, const char *room, const char *person, StoaRoomsDone *done,
                      void *data);

/* What is done to somebody. Strings borrowed. */
typedef struct {
    const char *room, *person;
    const char *action; /* "admit", "deny", "remove", "ban", "mute", "role" */
    StoaRole role;      /* for "role" */
} StoaAction;

/** Do it; the answer is the person as in stoa_rooms_people(). Whether the caller may is the caller's to check. */
void stoa_rooms_act(StoaRooms *rooms, const StoaAction *action, StoaRoomsDone *done, void *data);

/** Who is in, who waits, who was here in this meeting: an array. New reference. */
json_t *stoa_kept_room_people(StoaKeptRoom *room);
/** Who a person of an open room is; false: there is none of that id. */
bool stoa_kept_room_face(StoaKeptRoom *room, const char *person, StoaMemberFace *face);
StoaRoomCore *stoa_kept_room_core(StoaKeptRoom *room);
const StoaRoomInfo *stoa_kept_room_info(const StoaKeptRoom *room);

/* -- what happened to the rows ------------------------------------------------------------- */

/** End the meeting now, and the room with it: everybody is told and disconnected, summaries go out. The answer is the room. */
void stoa_rooms_end(StoaRooms *rooms, const char *room, StoaRoomsDone *done, void *data);
/** A room's row was changed: take it over, tell `locked`, `room_changed`. @done  may be NULL */
void stoa_rooms_reload(StoaRooms *rooms, const char *room, StoaRoomDone *done, void *data);
/** A room's rows are gone: everybody is told and disconnected. */
void stoa_rooms_deleted(StoaRooms *rooms, const char *room);
/** Somebody is put out: an invitation was revoked, a person erased. @reason  "revoked", "erased": for the event `removed` */
void stoa_rooms_remove(StoaRooms *rooms, const char *room, const char *person, const char *reason);
/** Nothing is left of what a person wrote in a room: whoever is in it hears `erased {id}`. */
void stoa_rooms_erased(StoaRooms *rooms, const char *room, const char *person);

/** Redact what a person recorded in a room: stoa_room_core_redact() of the room, opened for it. */
void stoa_rooms_redact(StoaRooms *rooms, const char *room, const char *person, StoaRoomDone *done,
                       void *data);
/** Whether a module of that name is loaded now. */
bool stoa_rooms_has_module(StoaRooms *rooms, const char *name);
/** Records of a room were changed by a job: stoa_room_core_rebuild(), if it is open. */
void stoa_rooms_rebuild(StoaRooms *rooms, const char *room);

/* -- handles with a token ------------------------------------------------------------------ */

/* What signaling asks for when a handle is attached with a token. */
typedef struct {
    const char *token;
    StoaModule *module;
} StoaSeatClaim;

/* The member may now have a handle of that module made for it by stoa_handle_new_for(), within the call; or `error`, borrowed. */
typedef void StoaSeatReady(StoaMember *member, const GError *error, void *data);

/**
 * Make everything ready for a handle: the room is open, the module's view too, the person is in or waits.
 * Refused: a dead token, a module that is not of the room, anything but `room` for who waits.
 */
void stoa_rooms_claim(StoaRooms *rooms, const StoaSeatClaim *claim, StoaSeatReady *ready,
                      void *data);

/** A handle was attached and answered: it takes its seat, and hears the state. */
void stoa_member_seat(StoaMember *member, StoaHandle *handle);
/** The handles of a person are on this connection from now on: those on others are told `replaced` and ended.
 * @same  whether a handle is on it */
void stoa_member_take_over(StoaMember *member, bool (*same)(StoaHandle *handle, void *data),
                           void *data);
/** Whether a text is the token of the person that a handle was attached for; its expiry moves on. */
bool stoa_rooms_may_use(StoaRooms *rooms, StoaHandle *handle, const char *token);
/** The connection of a handle was lost, or found again (claimed). Nothing for a handle without a person. */
void stoa_handle_set_lost(StoaHandle *handle, bool lost);
