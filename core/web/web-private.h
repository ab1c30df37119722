/* SPDX-License-Identifier: MIT */
/* What the files of web/ know of each other's objects. Nobody else includes this. */
#pragma once

#include "web/attempts.h"
#include "web/home.h"
#include "web/upload.h"
#include "web/web.h"

#include <stdatomic.h>

struct StoaWeb {
    StoaWebSpec spec;
    GPtrArray *tables; /* of const StoaWebRoute *, static; fixed once transports run */
    StoaAttempts *attempts;
    uint8_t home_key[STOA_HOME_KEY_LEN];
    StoaRoomsConf *conf; /* a snapshot: a reload makes a new one, and calls hold a ref of theirs */
    struct StoaSweep *sweep;
    GHashTable *mounts; /* "whip", "m/whip" → StoaModule; control writes, `lock` guards */
    GMutex lock;        /* transports ask whether a path is a module's on threads of their own */
    GPtrArray *held;    /* of StoaWebCall: those that modules are to answer */
};

/* Made on a transport's thread, run on control and on the store thread, by one at a time. */
struct StoaWebCall {
    StoaWeb *web;
    const StoaWebRoute *route;            /* NULL: no such path, or `allow` */
    char *allow;                          /* the path is there, but takes these methods */
    StoaRoomsConf *conf;                  /* a ref, from when it came to control on */
    char *base_url, *own_url, *residency; /* as they were then; NULL: not set */
    StoaWebOutlet *outlet;
    void *outlet_user;
    GDestroyNotify free_outlet_user;
    _Atomic(int) refs;
    uint64_t request;

    GHashTable *query, *headers, *args; /* text → text, owned */
    char *address, *origin, *websocket, *base_path, *signaling;
    char *token; /* the bearer's; NULL: none */
    json_t *body;
    char *method, *path; /* of a module's route; NULL: the rooms API's */
    char *text;          /* its body, a zero behind it */
    size_t text_len;
    StoaModule *module;
    const StoaRoute *row; /* once the module has it */
    GError *refusal;      /* found before it came to control */

    StoaWebCaller caller;
    bool in_store;   /* whose token it is has to be looked up there */
    bool attempt;    /* a wrong token: counts */
    unsigned wait_s; /* until it may be asked again; 0: not known */
    bool admitting, sent;

    StoaWebAnswer *answer;
    GPtrArray *answer_headers; /* pairs of char *, owned */
    void *data;
    GDestroyNotify free_data;
    StoaUpload *upload;             /* the route's, once admitted */
    int64_t file_bytes, room_bytes; /* limits of it */
};

/* call.c */
StoaWebCall *stoa_web_call_ref(StoaWebCall *call);
void stoa_web_call_unref(StoaWebCall *call);

/* web.c */
StoaRoomsConf *stoa_web_conf_ref(StoaRoomsConf *conf);
void stoa_web_conf_unref(StoaRoomsConf *conf);
void stoa_web_start(StoaWebCall *call);

/* route.c */
const StoaWebRoute *stoa_web_route_find(const GPtrArray *tables, const char *method,
                                        const char *path, GHashTable *args, char **allow);

/** Whether a path, "/whip/x", fits a pattern, "/whip/:room"; fills `args` then. */
bool stoa_web_route_fits(const char *pattern, const char *path, GHashTable *args);
/** Add a method to an Allow header. */
void stoa_web_route_note(GString *allow, const char *method);
/** Whether it is below /api/v1. */
bool stoa_web_route_is_api(const char *path);

/* module.c */
void stoa_web_module_start(StoaWebCall *call);
/** The call ends: its module does not hold it any more. */
void stoa_web_module_done(StoaWebCall *call);

/* auth.c */
bool stoa_web_identify(StoaWebCall *call, GError **error);
bool stoa_web_authorize(StoaDb *db, StoaWebCall *call, GError **error);
bool stoa_web_needs_store(const StoaWebCall *call);

/* reply.c */
void stoa_web_set_error(StoaWebCall *call, const GError *error);
