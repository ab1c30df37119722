/* SPDX-License-Identifier: MIT */
/* What the files of textroom/ share: conf, rooms, members. */
#pragma once

#include <stoa/plugin.h>

#include <inttypes.h>

/* What a room is set to. Strings are owned where the struct is owned: by the core in TrConf, by the room in TrRoom. */
typedef struct {
    char *name;                       /* in conf: the room's number */
    char *description, *secret, *pin; /* NULL: none; an empty secret or pin still is one */
    int64_t history;                  /* messages that a newcomer is shown */
    bool is_private;
} TrSettings;

/* conf/textroom.conf */
typedef struct {
    char *admin_key;     /* NULL: anybody may create rooms */
    int64_t max_rooms;   /* 0: no limit */
    int64_t max_members; /* of one room; 0: no limit */
    TrSettings *rooms;   /* of groups [room-NUMBER] */
    size_t n_rooms;
} TrConf;

typedef struct {
    TrSettings set;
    bool check_allowed;  /* only tokens in `allowed` may come in */
    GHashTable *allowed; /* set of tokens; never NULL */
    GPtrArray *members;  /* of TrMember, in the order they came */
    GQueue history;      /* of char *: public messages as they went out, oldest first */
    size_t history_bytes;
    StoaRoomTimer *sweep; /* of members who are slow */
} TrRoom;

/* Somebody in a room. A handle may be in several, unless it has a participant token. */
typedef struct {
    StoaRoom *room;
    StoaHandle *handle;
    char *username, *display; /* display NULL: none */
    char *label;              /* of the channel that it came in by: events go there; NULL: any */
    bool slow;                /* it misses an event by now: it is about to leave */
} TrMember;

typedef struct {
    GPtrArray *members; /* of TrMember, borrowed; NULL: none yet */
    const char *label;  /* of the request that is being carried out */
} TrHandle;

enum { TR_MESSAGES, TR_DROPPED, TR_KICKED, TR_SLOW };

/* -- textroom.c ------------------------------------------------------------------------------------------- */

/** {"textroom": WHAT, "room": …} */
json_t *tr_body(const char *what, const StoaRoom *room);
/** The same with the time of now. */
json_t *tr_dated(const char *what, const StoaRoom *room);

/* -- settings.c -------------------------------------------------------------------------------------------- */

void tr_settings_copy(TrSettings *to, const TrSettings *from);
void tr_settings_clear(TrSettings *settings);
extern const StoaOption tr_room_options[];

/* -- room.c -------------------------------------------------------------------------------------------------- */

/** The room that the request names, or "no_such_room". With a participant token: that room. */
StoaRoom *tr_find_room(StoaRequest *req, GError **error);
/** The same for those who know its secret; in a room of the rooms API for cohosts. */
StoaRoom *tr_find_own_room(StoaRequest *req, GError **error);
/** The room and the seat of a handle with a participant token; NULL: it has none. */
StoaRoom *tr_seat(StoaRequest *req, StoaSeat *seat);
/** A room is to be as the conf has it. */
void tr_conf_room_set(StoaRoom *room, const void *item);
void tr_room_opened(StoaRoom *room);
void tr_room_closed(StoaRoom *room);
StoaHandler tr_on_create, tr_on_edit, tr_on_destroy, tr_on_exists, tr_on_list, tr_on_allowed;

/* -- people.c ------------------------------------------------------------------------------------------------- */

TrMember *tr_member(StoaRoom *room, const char *username);
/** Send an event to all members. */
void tr_broadcast(StoaRoom *room, json_t *event /* taken */);
/** A member goes; the others are told by that word: "leave", "kicked" (then it is told too), NULL: nobody is told. */
void tr_member_leave(TrMember *member, const char *word);
/** The handle leaves all its rooms. */
void tr_leave_all(StoaHandle *handle);
void tr_left(StoaRoom *room, StoaParticipant *who);
StoaHandler tr_on_join, tr_on_leave, tr_on_message, tr_on_announcement, tr_on_kick,
    tr_on_listparticipants;

/* -- channel.c ------------------------------------------------------------------------------------------------- */

void tr_data_received(StoaHandle *handle, const char *label, const void *buf, size_t len,
                      bool text);
/** Send a text on a channel; what a slow reader cannot take is dropped and counted. (Events: see send_to() in people.c.) */
void tr_send(StoaHandle *handle, const char *label, const char *text);
