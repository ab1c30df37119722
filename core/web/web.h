/* SPDX-License-Identifier: MIT */
/* The rooms API over HTTP: a table of routes, each a half on the store thread and a half on control.
 * Transports hand requests over through stoa/transport.h and know nothing of what they mean. */
#pragma once

#include "mail/mail.h"
#include "room/module.h"
#include "room/rooms-conf.h"
#include "store/store.h"

#include <stoa/table.h>
#include <stoa/transport.h>
#include <stoa/web.h>

typedef struct StoaWeb
    StoaWeb; /* all of it; control owns it. StoaWebCall, one request on its way: transport.h */

/* Who asks. Bits, for StoaWebRoute.who. */
typedef enum {
    STOA_WEB_ANYONE = 1 << 0,      /* no token needed */
    STOA_WEB_HOST = 1 << 1,        /* a host after sign-in */
    STOA_WEB_KEY = 1 << 2,         /* an API key: host in every room */
    STOA_WEB_PARTICIPANT = 1 << 3, /* a participant token: its room only */
    STOA_WEB_HISTORY = 1 << 4, /* a history token: reads that room's history and files, and /me */
} StoaWebWho;

/* Strings are owned by the call. */
typedef struct {
    StoaWebWho kind;
    char *host_id;                  /* HOST */
    char *participant_id, *room_id; /* PARTICIPANT, HISTORY */
    char *email, *name;             /* HOST, PARTICIPANT, HISTORY; NULL: none is known */
    char *role;                     /* PARTICIPANT: "host", "cohost", "participant" */
    bool waiting;                   /* PARTICIPANT: in the lobby */
    bool
        proven; /* the address is theirs: they signed in with it, came by a mail of ours to it, or an integrator vouches for them */
} StoaWebCaller;

typedef struct {
    const char *method;      /* "POST" */
    const char *path;        /* below /api/v1: "/rooms/:room/invitations/:invitation" */
    unsigned who;            /* of StoaWebWho */
    const StoaParam *params; /* members of the JSON body; NULL: none is looked at */
    /* On the store thread, in a transaction; may set the reply. False with `error`: undone, and the error is the answer. NULL: no such half. */
    bool (*store)(StoaDb *db, StoaWebCall *call, GError **error);
    /* On control, once that is on disk; must reply, now or later. NULL: what the store half set is sent. */
    void (*live)(StoaWebCall *call);
    const char *help;
    bool upload;  /* the body is streamed to a file: upload.h */
    bool waiting; /* also for those who wait in the lobby */
    const char
        *proof; /* a member of the body that says who it is: a token beside it is not looked at */
} StoaWebRoute;

/* What the web needs of the gateway. All borrowed, all but `conf`'s values fixed. */
typedef struct {
    StoaStore *store;
    StoaMail *mail;          /* NULL: nothing is sent */
    struct StoaRooms *rooms; /* those that are open: room/rooms.h */
    const StoaRoomsConf *conf;
    const char *data_dir;
    const char *(*base_url)(void *user); /* public.base_url; NULL: not set */
    const char *(*own_url)(void *user);  /* where the HTTP transport listens */
    int64_t (*json_depth)(void *user);   /* limits.json_depth; 0: no limit */
    /* Who carries a participant token, in memory: fills `caller` and moves the expiry on. False: nobody. Control. */
    bool (*seat)(void *user, const char *token, StoaWebCaller *caller);
    /* Whether a module of that name can be loaded. Any thread. */
    bool (*module_known)(void *user, const char *name);
    /* server.residency; NULL: not set. */
    const char *(*residency)(void *user);
    /* limits.file_bytes and limits.room_bytes of the module that takes files ("workspace"); false: it is not loaded. Control. */
    bool (*file_limits)(void *user, int64_t *file_bytes, int64_t *room_bytes);
    /* A loaded module by its name ("chat"); NULL: it is not loaded. Control. May be NULL. */
    StoaModule *(*module)(void *user, const char *name);
    void *user;
} StoaWebSpec;

/** Make it; nothing is served before stoa_web_add_routes(). Copies `spec`. Thread: control. */
StoaWeb *stoa_web_new(const StoaWebSpec *spec);
/** Free it: transports have stopped, and no job of a call waits in the store any more. NULL is fine. */
void stoa_web_free(StoaWeb *web);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaWeb, stoa_web_free)
/** A module is loaded: its routes are served. Words that others have are left out, with a line in the log. */
void stoa_web_add_module(StoaWeb *web, StoaModule *module);
/** It goes: no route of it is served any more, what it holds is answered. */
void stoa_web_remove_module(StoaWeb *web, StoaModule *module);
/** Whether a path, not below /api/v1, is a module's. Thread: any. */
bool stoa_web_serves(StoaWeb *web, const char *path);
/** Serve a table: static, ended by a row whose `method` is NULL. Before transports start. */
void stoa_web_add_routes(StoaWeb *web, const StoaWebRoute *routes);
/** `conf` holds other values now. */
void stoa_web_conf_changed(StoaWeb *web);
/** A wrong token came another way than by a call. True: there were too many from that address. */
bool stoa_web_wrong_token(StoaWeb *web, const char *address);
/** After a reload: StoaMail may have been made or lost. */
void stoa_web_set_mail(StoaWeb *web, StoaMail *mail);

/* How a call's answers go back: to be called on control, as in stoa/transport.h. */
typedef void StoaWebOutlet(void *user, uint64_t request, StoaWebAnswer *answer);
/** The core's side of stoa_web_call_open(). @user  freed by `free_user` with the call. Thread: any. */
StoaWebCall *stoa_web_call_new(StoaWeb *web, const StoaWebHead *head, StoaWebOutlet *outlet,
                               void *user, GDestroyNotify free_user);

/* What the two halves of a route ask and set besides: stoa/web.h, on either thread but for stoa_web_send() and stoa_web_fail(). Of the
 * headers, those that the routes want were kept. Refusals beyond those of modules: "room_full", "room_locked" 409, "disk_full" 507. */

const StoaWebCaller *stoa_web_caller(const StoaWebCall *call);
/** The body, checked against `params`; an empty object when there was none. Borrowed. */
const json_t *stoa_web_body(const StoaWebCall *call);
/** The open rooms. Control. */
struct StoaRooms *stoa_web_rooms(const StoaWebCall *call);
/** The store, the outbox (NULL: none) and rooms.conf as it was when the call began: for both halves. */
StoaStore *stoa_web_store(const StoaWebCall *call);
StoaMail *stoa_web_mail(const StoaWebCall *call);
const StoaRoomsConf *stoa_web_conf(const StoaWebCall *call);
const char *stoa_web_data_dir(const StoaWebCall *call);
/** BASE of every link: public.base_url, else as the client came ("https://host:port"). No slash at the end. */
const char *stoa_web_base_url(const StoaWebCall *call);
/** The same for a link that goes to somebody else than the caller, who may be anybody: what the client calls us is believed only
 * if it is a name of this machine. */
const char *stoa_web_safe_url(const StoaWebCall *call);
/** Where this client finds signaling: the WebSocket ("ws://host:port"; NULL: nowhere), and over HTTP ("http://host:port/janus"). */
const char *stoa_web_websocket_url(const StoaWebCall *call);
const char *stoa_web_signaling_url(StoaWebCall *call);

/** Answer with a file or a part of it: path, type, name for Content-Disposition: attachment; ranges are served. Either thread. */
void stoa_web_set_file(StoaWebCall *call, const char *path, const char *type, const char *name);
/** `user` of the StoaWebSpec, for the route tables. */
void *stoa_web_user(const StoaWebCall *call);
