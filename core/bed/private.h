/* SPDX-License-Identifier: MIT */
/* What the files of bed/ know of each other, and what our own tests of plugins look at. */
#pragma once

#include "bed/client.h"
#include "bed/fake-worker.h"
#include "host/object.h"
#include "room/bridge.h"
#include "room/request.h"
#include "room/room-private.h"
#include "store/store.h"

#include <stoa/bed.h>

typedef struct BedHttp BedHttp;

struct StoaBed {
    StoaObject *object; /* NULL: the plugin is linked in */
    const StoaPlugin *plugin;
    StoaRoomEnv env;
    StoaModule *module;
    char *conf;
    GPtrArray *people; /* of StoaBedPerson, also those who detached */
    GArray *counts;    /* int64_t: where the metrics stood when the bed began */
    StoaStore *store;  /* of a plugin with records; NULL: its room is ad hoc */
    GHashTable *members;
    struct BedHttp *http; /* NULL: nothing was called yet */
};

struct StoaBedPerson {
    StoaBed *bed;
    char *name;
    StoaHandle *handle; /* NULL: detached */
    char *member;       /* the id in a room that is kept; NULL: never was in it */
    BedClient client;
    GQueue *inbox; /* of json_t: what came by itself, core events as {"core": NAME, …} */
    json_t *reply; /* to the last request */
    json_t *jsep;  /* that came with the last answer, or since */
    char *offer;   /* the last that came at all */
};

#define BED_ROOM_ID "1"

/** Fail the test that runs, at the place it noted. */
void bed_fail(const char *fmt, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/** JSON in single quotes; new reference. */
json_t *bed_json(const char *text);
/** Whether `value` has all of `wanted`; null in `wanted`: absent. Arrays have the same length. */
bool bed_fits(const json_t *value, const json_t *wanted);
void bed_check(const json_t *value, const char *wanted, const char *what);

/** Run a body, with or without a description; the answer, borrowed. @body: taken */
const json_t *bed_ask(StoaBedPerson *who, json_t *body, StoaJsep type, const char *sdp);
void bed_person_free(gpointer who);
/** Go on with the events that are due now. */
void bed_settle(void);

/** The module goes and comes again, with the conf that it had. No handle may be there. */
void bed_start_again(StoaBed *bed);
void bed_attach_again(StoaBedPerson *who);

/** http.c: the module goes. */
void bed_http_stop(StoaBed *bed);

/** kept.c: the room of a plugin with records. */
void bed_kept_start(StoaBed *bed);
void bed_kept_stop(StoaBed *bed);
StoaRoom *bed_kept_room(StoaBed *bed);
bool bed_kept_join(StoaBedPerson *who, StoaRole role, GError **error);

/** The peer of somebody who has a PeerConnection; NULL: none. */
FakePeer *bed_peer_or_none(const StoaBedPerson *who);
FakePeer *bed_peer_of(const StoaBedPerson *who);
/** A row of what is sent to somebody. */
const StoaSend *bed_send_of(const StoaBedPerson *who, unsigned index);
/** A request along with an offer of these lines. */
void bed_offer_lines(StoaBedPerson *who, const char *body, const ClientLine *lines,
                     const char *wanted);
