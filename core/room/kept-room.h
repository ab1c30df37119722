/* SPDX-License-Identifier: MIT */
/* One kept room while it is open; what rooms.c, kept-room.c, member.c, join.c, lobby.c, meeting.c and room-module.c share. */
#pragma once

#include "base/log.h"
#include "base/timer.h"
#include "room/ledger.h"
#include "room/rooms.h"

struct StoaRooms {
    StoaRoomsSpec spec;
    StoaSeatTokens *tokens;
    StoaModule *module;  /* "room" */
    GHashTable *open;    /* id → StoaKeptRoom, owned */
    GHashTable *opening; /* id → its Opening, owned: see rooms.c */
    StoaTimer *pulse;    /* says in the store that the meetings live */
    int64_t started_ms;
    char *base_url; /* as the last who came in saw the server; NULL: nobody did */
    bool closed;
};

struct StoaKeptRoom {
    StoaLogTag log;
    StoaRooms *rooms;
    StoaRoomCore *core;
    StoaRoomInfo *info;
    GHashTable *members; /* id → StoaMember, owned */
    GPtrArray *order;    /* the same, in the order they came */
    StoaTimer *linger;   /* the meeting ends when it fires */
    StoaTimer *idle;     /* the room is closed when it fires */
    StoaTimer *lobby;    /* hosts may be told of more that wait when it fires */
    unsigned n_told;     /* so many they were told of before it */
    unsigned busy;       /* jobs under way that come back to it */
    bool ending;         /* its meeting is */
    GHashTable *barred;  /* set of char *: homes of guests who were banned in this meeting */
};

typedef enum {
    STOA_MEMBER_LEFT,
    STOA_MEMBER_WAITING,
    STOA_MEMBER_IN,
    STOA_MEMBER_RECONNECTING, /* in, but the connection is lost */
} StoaMemberState;

struct StoaMember {
    StoaKeptRoom *room;
    char *id, *name; /* name NULL: erased */
    StoaRole role;
    StoaMemberState state;
    bool guest; /* by a public room's link: neither invited nor its host */
    bool banned;
    bool attended;     /* was in in this meeting */
    bool admitted;     /* and not put out since: the lobby and the lock are behind them */
    bool muted;        /* by somebody else, and silent since */
    bool announced;    /* the others know that they are in */
    bool told_waiting; /* the hosts know that they wait */
    bool connected;    /* had a connection in this stay */
    int64_t
        hand_ms; /* since when the hand is up; 0: down. Of who has not come back after a restart: it was */
    int64_t joined_ms, lost_ms; /* this stay; when the connection was lost */
    StoaTimer *grace;           /* the seat is given up when it fires */
    GPtrArray *handles;         /* of StoaHandle, borrowed: attached with their token */
    char *home; /* of a guest, while the meeting lasts; NULL: not known, or no guest */
};

/* -- kept-room.c ---------------------------------------------------------------------------- */

/* What opening reads, on the store thread. */
typedef struct {
    StoaRoomInfo *info;
    GPtrArray *members; /* of StoaMember without a room */
    GHashTable *barred; /* as the room has it */
    uint64_t last_seq;
} StoaRoomRows;

StoaRoomRows *stoa_room_rows_read(StoaDb *db, const char *room, GError **error);
void stoa_room_rows_free(StoaRoomRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaRoomRows, stoa_room_rows_free)

/** @rows  emptied */
StoaKeptRoom *stoa_kept_room_new(StoaRooms *rooms, StoaRoomRows *rows);
/** @save  as in stoa_room_core_close() */
void stoa_kept_room_free(StoaKeptRoom *room, bool save);

StoaMember *stoa_kept_room_member(StoaKeptRoom *room, const char *id);
StoaMember *stoa_kept_room_add(StoaKeptRoom *room, const StoaLedgerPerson *person);
/** How many seats are taken: in or reconnecting. */
unsigned stoa_kept_room_n_in(const StoaKeptRoom *room);
/** The meeting is over: where its guests came from is forgotten, and who was banned. (On disk: write_end() in meeting.c.) */
void stoa_kept_room_forget_homes(StoaKeptRoom *room);
/** Look whether the meeting may linger or the room be closed, and set the timers so. */
void stoa_kept_room_settle(StoaKeptRoom *room);
/** Tell everybody who is in, on their handles of `room`. @body  taken */
void stoa_kept_room_tell(StoaKeptRoom *room, const char *event, json_t *body);
/** The same but for one. */
void stoa_kept_room_tell_others(StoaKeptRoom *room, const StoaMember *but, const char *event,
                                json_t *body);
/** Tell hosts and cohosts. @body  taken */
void stoa_kept_room_tell_hosts(StoaKeptRoom *room, const char *event, json_t *body);

/* -- member.c ------------------------------------------------------------------------------- */

StoaMember *stoa_member_new(const char *id, const char *name, StoaRole role);
void stoa_member_free(StoaMember *member);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaMember, stoa_member_free)
/** "in", "waiting", "left", "reconnecting" */
const char *stoa_member_state_name(const StoaMember *member);
/** As the wire shows a person. New reference. */
json_t *stoa_member_json(const StoaMember *member);
/** {"id", "name"}. New reference. */
json_t *stoa_member_who(const StoaMember *member);

/** In from now on: the meeting begins if none runs. */
void stoa_member_enter(StoaMember *member, StoaLedger *ledger);
/** Into the lobby. */
void stoa_member_wait(StoaMember *member);
/** Tell the others that the person is in, or waits. */
void stoa_member_announce(StoaMember *member);
/** Out: the seat is free, the token stays. The others are told. Nothing for who is out. */
void stoa_member_leave(StoaMember *member, StoaLedger *ledger, int64_t left_ms, const char *reason);
/** What who is put out now is told: "removed", or "denied" of who waits. */
const char *stoa_member_farewell(const StoaMember *member);
/** Lobby and lock are before the person again, as before a newcomer. */
void stoa_member_shut_out(StoaMember *member, StoaLedger *ledger);
/** The person's token is dead, and so are the handles: told `event` first. @body  taken */
void stoa_member_cut(StoaMember *member, const char *event, json_t *body);
/** End the handles, told `event` first. @body  taken */
void stoa_member_end_handles(StoaMember *member, const char *event, json_t *body);
/** End the handles of modules that are not of the room any more; the rest goes on. */
void stoa_member_drop_modules(StoaMember *member);
/** Who has no connection loses the seat; the token stays, for when there is a place again. */
void stoa_member_give_up(StoaMember *member);
/** Say something to the person alone, at once. @body  taken */
void stoa_member_tell(StoaMember *member, const char *event, json_t *body);
void stoa_member_set_hand(StoaMember *member, bool up, StoaLedger *ledger);
void stoa_member_set_role(StoaMember *member, StoaRole role);
/** Their audio stops, and they are told to be muted until it goes on, which they may do themselves. */
void stoa_member_mute(StoaMember *member);
void stoa_member_unmuted(StoaMember *member);
/** A handle of theirs goes: from stoa_handle_free(). */
void stoa_member_forget(StoaMember *member, StoaHandle *handle);
/** The person was let in from the lobby: the handles that waited take their seats. */
void stoa_member_admitted(StoaMember *member);

/* -- join.c --------------------------------------------------------------------------------- */

/** Whether a person may take a seat now: "gone", "room_locked", "room_full". */
bool stoa_kept_room_may_enter(const StoaKeptRoom *room, const StoaMember *member, GError **error);
/** The lobby was closed: who waits there is let in, as far as there are seats. */
void stoa_kept_room_admit_all(StoaKeptRoom *room);
/** Whether a person must wait in the lobby. */
bool stoa_kept_room_must_wait(const StoaKeptRoom *room, const StoaMember *member);
/** How many the room takes. */
int64_t stoa_kept_room_most(const StoaKeptRoom *room);

/* -- lobby.c -------------------------------------------------------------------------------- */

/** Tell hosts who waits: some now, the rest later. */
void stoa_lobby_tell(StoaKeptRoom *room);
/** Whether the lobby has a place: "room_full". */
bool stoa_lobby_takes(const StoaKeptRoom *room, const StoaMember *member, GError **error);
/** Before stoa_kept_room_may_enter() of who just comes: if it is full, a guest who never connected gives way to who was invited. */
void stoa_lobby_make_place(StoaKeptRoom *room, const StoaMember *comer);

/* -- meeting.c ------------------------------------------------------------------------------ */

void stoa_meeting_begin(StoaKeptRoom *room, StoaLedger *ledger);
/**
 * End the meeting, if one runs; the room is `state` then. Summaries are put into the outbox. `done` may be NULL.
 * @cut  also those in the lobby go, and tokens die
 */
void stoa_meeting_end(StoaKeptRoom *room, const char *state, bool cut, StoaRoomsDone *done,
                      void *data);

/* -- room-module.c -------------------------------------------------------------------------- */

/** Hand over the sealed keys that wait for a person. */
void stoa_room_module_deliver_keys(StoaMember *member);
