/* SPDX-License-Identifier: MIT */
/* What a host wants a room to be: read from a body, checked, and written as its row. */
#pragma once

#include "room/room-info.h"
#include "room/rooms-conf.h"

#include <stoa/table.h>

/* What the checks need to know. Borrowed. */
typedef struct {
    const StoaRoomsConf *conf;
    const char *residency;                              /* of this server; NULL: none */
    bool (*module_known)(void *user, const char *name); /* NULL: any */
    void *user;
} StoaDraftRules;

/** The members of the body of POST and of PATCH /rooms. Static. */
const StoaParam *stoa_draft_post_params(void);
const StoaParam *stoa_draft_patch_params(void);

/** A room as it is when nothing is said. Its id, host and times are the caller's to set. */
StoaRoomInfo *stoa_draft_new(const StoaRoomsConf *conf);

/** Put what a checked body says over it. False with `error`, which names the member; `room` may have changed in part. */
bool stoa_draft_apply(StoaRoomInfo *room, const json_t *body, const StoaDraftRules *rules,
                      GError **error);

/** Write the row: a new one, or all that PATCH may change. Thread: store. */
bool stoa_draft_insert(StoaDb *db, const StoaRoomInfo *room, GError **error);
bool stoa_draft_update(StoaDb *db, const StoaRoomInfo *room, GError **error);
