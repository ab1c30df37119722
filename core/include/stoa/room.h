/* SPDX-License-Identifier: MIT */
/* stoa/room.h: modules, rooms and people. */
#pragma once

#include <stoa/abi.h>
#include <stoa/error.h>
#include <stoa/table.h>

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct StoaHandle;                              /* media.h */
typedef struct StoaModule StoaModule;           /* this plugin, loaded */
typedef struct StoaRoom StoaRoom;               /* this plugin's view of one room */
typedef struct StoaParticipant StoaParticipant; /* this plugin's view of one person in it */

typedef enum {
    STOA_ROLE_ANYONE, /* joined or not */
    STOA_ROLE_PARTICIPANT,
    STOA_ROLE_COHOST,
    STOA_ROLE_HOST
} StoaRole;

/* -- the module --------------------------------------------------------------------------- */

/** The conf struct, filled from conf/NAME.conf; current values, also after a reload. */
STOA_EXPORT const void *stoa_module_conf(StoaModule *module) STOA_ON_CONTROL;
STOA_EXPORT void *stoa_module_state(StoaModule *module) STOA_ON_CONTROL;
/** Count: `metric` is an index into .metrics. */
STOA_EXPORT void stoa_module_count(StoaModule *module, unsigned metric, uint64_t n);
STOA_EXPORT void stoa_module_log(StoaModule *module, GLogLevelFlags level, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
/** The room of an id, if this plugin serves it; NULL: no such room. */
STOA_EXPORT StoaRoom *stoa_module_room(StoaModule *module, const char *id) STOA_ON_CONTROL;
STOA_EXPORT void stoa_module_foreach_room(StoaModule *module,
                                          void (*fn)(StoaRoom *room, void *data), void *data)
    STOA_ON_CONTROL;

/* What a new room is. Strings borrowed. */
typedef struct {
    const char *id; /* NULL: a random number */
    const char *title;
    bool text_id; /* the id is text on the wire, even when it looks like a number */
} StoaRoomSpec;

/** Make an ad-hoc room; `room_opened` is called. NULL with `error`: "room_exists", or not allowed by the operator. */
STOA_EXPORT StoaRoom *stoa_module_create_room(StoaModule *module, const StoaRoomSpec *spec,
                                              GError **error) STOA_ON_CONTROL;

/** Run `work` on a task thread, then `done` on the control loop, unless the module was unloaded meanwhile.
 * `data` is freed by `free_data` in any case. */
STOA_EXPORT void stoa_module_task(StoaModule *module, void (*work)(void *data),
                                  void (*done)(StoaModule *module, void *data),
                                  void *data /* taken */, GDestroyNotify free_data) STOA_ON_CONTROL;

/* -- rooms -------------------------------------------------------------------------------- */

STOA_EXPORT const char *stoa_room_id(const StoaRoom *room) STOA_ON_CONTROL;
/** The id as the wire shows it: a number, or a text. New reference. */
STOA_EXPORT json_t *stoa_room_id_json(const StoaRoom *room) STOA_ON_CONTROL;
/** Whether it is a room of the rooms API, whose people come in by token; else it was made by a request or the conf. */
STOA_EXPORT bool stoa_room_is_kept(const StoaRoom *room) STOA_ON_CONTROL;
STOA_EXPORT const char *stoa_room_title(const StoaRoom *room) STOA_ON_CONTROL;
STOA_EXPORT void stoa_room_set_title(StoaRoom *room, const char *title) STOA_ON_CONTROL;
STOA_EXPORT StoaModule *stoa_room_module(StoaRoom *room) STOA_ON_CONTROL;
/** Whether texts and files of this room are sealed in the browsers (e2ee "all"): then a STOA_TEXT is an object. */
STOA_EXPORT bool stoa_room_is_sealed(const StoaRoom *room) STOA_ON_CONTROL;
/** Whether audio and video of this room are sealed in the browsers (e2ee "media" or "all"). */
STOA_EXPORT bool stoa_room_seals_media(const StoaRoom *room) STOA_ON_CONTROL;
STOA_EXPORT const void *stoa_room_conf(StoaRoom *room) STOA_ON_CONTROL; /* the module's */
STOA_EXPORT void *stoa_room_state(StoaRoom *room) STOA_ON_CONTROL;
/** Close it: everybody leaves (`left`), then `room_closed`. Handles stay attached, without a room. */
STOA_EXPORT void stoa_room_close(StoaRoom *room) STOA_ON_CONTROL;
/** How many are in now. */
STOA_EXPORT unsigned stoa_room_n_participants(const StoaRoom *room) STOA_ON_CONTROL;
/** Who has that id; NULL. With STOA_CAP_HISTORY in a room that is kept also somebody who is not in now. */
STOA_EXPORT StoaParticipant *stoa_room_find(StoaRoom *room, const char *id) STOA_ON_CONTROL;
/** All participants in the order they came (as in stoa_room_find(): ask stoa_participant_present()); `fn` may make any of them leave. */
STOA_EXPORT void stoa_room_foreach(StoaRoom *room, void (*fn)(StoaParticipant *who, void *data),
                                   void *data) STOA_ON_CONTROL;
/** Every handle in the room, also those without a seat; `fn` may detach or move any of them. */
STOA_EXPORT void stoa_room_foreach_handle(StoaRoom *room,
                                          void (*fn)(struct StoaHandle *handle, void *data),
                                          void *data) STOA_ON_CONTROL;
/** Tell everybody in the room: data is {"event": EVENT, …}; with a vocabulary the body as it is and `event` NULL. */
STOA_EXPORT void stoa_room_broadcast(StoaRoom *room, const char *event, json_t *body /* taken */)
    STOA_ON_CONTROL;
/** The same without one of them. */
STOA_EXPORT void stoa_room_broadcast_except(StoaRoom *room, StoaParticipant *except,
                                            const char *event, json_t *body /* taken */)
    STOA_ON_CONTROL;

typedef struct StoaRoomTimer StoaRoomTimer;
typedef void StoaRoomFunc(StoaRoom *room, void *data);
/** Call `fn` once after `ms`, unless the room closes first. Returns a timer for stoa_room_cancel(), valid until `fn` ran. */
STOA_EXPORT StoaRoomTimer *stoa_room_after(StoaRoom *room, unsigned ms, StoaRoomFunc *fn,
                                           void *data, GDestroyNotify free_data) STOA_ON_CONTROL;
STOA_EXPORT void stoa_room_cancel(StoaRoom *room, StoaRoomTimer *timer) STOA_ON_CONTROL;
STOA_EXPORT void stoa_room_count(StoaRoom *room, unsigned metric, uint64_t n);
STOA_EXPORT void stoa_room_log(StoaRoom *room, GLogLevelFlags level, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/* -- people ------------------------------------------------------------------------------- */

/* Who takes a seat. Strings borrowed. */
typedef struct {
    const char *id;   /* NULL: a random number */
    const char *name; /* 1 to 64 characters, no control or bidi override characters; NULL: none */
    StoaRole role;    /* STOA_ROLE_ANYONE counts as PARTICIPANT */
    bool text_id;
} StoaSeat;

STOA_EXPORT void *stoa_participant_state(StoaParticipant *who) STOA_ON_CONTROL;
STOA_EXPORT StoaRoom *stoa_participant_room(StoaParticipant *who) STOA_ON_CONTROL;
STOA_EXPORT const char *stoa_participant_id(const StoaParticipant *who) STOA_ON_CONTROL;
STOA_EXPORT json_t *stoa_participant_id_json(const StoaParticipant *who) STOA_ON_CONTROL;
STOA_EXPORT const char *stoa_participant_name(const StoaParticipant *who) STOA_ON_CONTROL;
STOA_EXPORT bool stoa_participant_set_name(StoaParticipant *who, const char *name, GError **error)
    STOA_ON_CONTROL;
STOA_EXPORT StoaRole stoa_participant_role(const StoaParticipant *who) STOA_ON_CONTROL;
/** Whether a handle of that person is there now. */
STOA_EXPORT bool stoa_participant_present(const StoaParticipant *who) STOA_ON_CONTROL;
/** The handle that took the seat; NULL when it is gone. */
STOA_EXPORT struct StoaHandle *stoa_participant_handle(const StoaParticipant *who) STOA_ON_CONTROL;
/** Tell one person, on every handle that holds the seat. See stoa_room_broadcast(). */
STOA_EXPORT void stoa_participant_send(StoaParticipant *who, const char *event,
                                       json_t *body /* taken */) STOA_ON_CONTROL;
/** Make that person leave: `left` is called. */
STOA_EXPORT void stoa_participant_remove(StoaParticipant *who) STOA_ON_CONTROL;

/* -- time and rates ---------------------------------------------------------------------------------- */

/** Milliseconds since 1970, as records have them. Never for measuring. */
STOA_EXPORT int64_t stoa_now_ms(void);

/* How fast somebody may do something; zeroed it is fresh. Lives in a participant's or a room's state. */
typedef struct {
    int64_t free_at_us;
} StoaRate;

/**
 * Do it once more: at most `per_second` times in a second, all at once or spread; 0: no limit.
 *
 * False with `error` (LIMIT, which the wire calls slow_down): too fast.
 */
STOA_EXPORT bool stoa_rate_take(StoaRate *rate, int64_t per_second, GError **error) STOA_ON_CONTROL;
