/* SPDX-License-Identifier: MIT */
/* A kept room's row: what it is and how its host wants it. */
#pragma once

#include "store/store.h"

/* Strings owned. Made once, never changed: a PATCH reads a new one. */
typedef struct {
    char *id, *host_id, *host_name, *title;
    char *access, *e2ee; /* "invited", "public"; "off", "media", "all" */
    json_t *modules;     /* array of names */
    bool lobby, locked;
    int64_t starts_ms, duration_min, max_people; /* 0: not set */
    char *region, *residency;                    /* NULL: not set */
    int64_t retention_days;
    char *state; /* "scheduled", "open", "ended" */
    int64_t created_ms;
    char *meeting;      /* the one that runs; NULL: none */
    int64_t meeting_ms; /* when it began */
} StoaRoomInfo;

/** Read a room's row within a job. NULL with `error`: STOA_ERROR_NOT_FOUND if there is none. Thread: store. */
StoaRoomInfo *stoa_room_info_read(StoaDb *db, const char *id, GError **error);
void stoa_room_info_free(StoaRoomInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaRoomInfo, stoa_room_info_free)

/** Whether a module is of the room ("chat"). */
bool stoa_room_info_has_module(const StoaRoomInfo *info, const char *name);
/** When its planned time is over; 0: it has none. */
int64_t stoa_room_info_end_ms(const StoaRoomInfo *info);
/** `room` of the rooms API. New reference. */
json_t *stoa_room_info_json(const StoaRoomInfo *info);
