/* SPDX-License-Identifier: MIT */
/* What the files of signaling/ know of each other's objects. Nobody else includes this. */
#pragma once

#include "base/log.h"
#include "base/timer.h"
#include "room/handle.h"
#include "room/request.h"
#include "signaling/signaling.h"
#include "signaling/wire-error.h"

typedef struct StoaSession StoaSession;
typedef struct StoaAttachment StoaAttachment;
typedef struct StoaClient StoaClient;

struct StoaSignaling {
    const StoaSignalingConf *conf;
    const StoaSignalingHost *host;
    void *user;
    GHashTable *clients;  /* id → StoaClient, owned */
    GHashTable *sessions; /* id → StoaSession, owned */
    GHashTable *tokens;   /* set of char *: those added by the admin API */
    StoaTimer *sweeper;   /* every second: timeouts */
    int64_t timeout_s;    /* -1: as in conf; else set by the admin API */
    bool accepting;
    int64_t started_us;
};

/* A connection, or for HTTP one of several of the same person. */
struct StoaClient {
    StoaLogTag log;
    uint64_t id;
    StoaClientInfo info;
    char *address;
    const StoaClientOutlet *outlet;
    GHashTable *sessions; /* set of StoaSession: those it owns */
    unsigned n_made;      /* sessions that it made and that live: over HTTP nobody owns them */
    double budget;        /* requests it may send now */
    int64_t budget_at_us;
    int64_t active_us; /* when it last sent a request, or had a session */
    unsigned misses;   /* unknown ids it asked for */
};

struct StoaSession {
    StoaLogTag log;
    StoaSignaling *signaling;
    uint64_t id;
    uint64_t maker;    /* the client that created it, perhaps gone */
    StoaClient *owner; /* NULL: polled over HTTP, or waiting to be claimed */
    bool orphan;       /* its connection is gone */
    int64_t active_us, created_us, orphan_us;
    GHashTable *handles; /* id → StoaAttachment, owned */
    GQueue events;       /* of json_t: what nobody took yet */
    struct {
        StoaClient *client; /* NULL: no poll waits */
        uint64_t request;
        unsigned maxev;
        StoaTimer *timer;
    } poll;
};

/* A handle as its session knows it. */
struct StoaAttachment {
    StoaSession *session;
    uint64_t id;
    StoaHandle *handle;
    char *package; /* the name it was asked for by: an alias is the client's name of the plugin */
    char *opaque_id;
    char *event_head; /* NULL: none was needed yet */
    int64_t created_us;
};

/* What `attach` asks for. */
typedef struct {
    StoaModule *module;
    const char *package, *opaque_id; /* as the client wrote them; the second may be NULL */
} StoaAttachWish;

/* One request on its way through the verbs. */
typedef struct {
    StoaSignaling *signaling;
    StoaClient *client;
    uint64_t request; /* the transport's number */
    json_t *message;  /* borrowed */
    const char *verb, *transaction;
    StoaSession *session;       /* NULL: none was named */
    StoaAttachment *attachment; /* NULL: none was named */
} StoaCall;

/* client.c */
StoaClient *stoa_client_find(StoaSignaling *signaling, uint64_t id);
void stoa_client_free(gpointer client);
bool stoa_client_has_room(const StoaClient *client, int64_t limit);
void stoa_client_sweep(StoaSignaling *signaling, int64_t now_us);
bool stoa_client_spend(StoaClient *client, const StoaSignalingConf *conf);
void stoa_client_answer(StoaClient *client, uint64_t request, json_t *answer /* taken */);

/* session.c */
StoaSession *stoa_session_new(StoaSignaling *signaling, uint64_t id, StoaClient *owner);
void stoa_session_free(gpointer session);
StoaSession *stoa_session_find(StoaSignaling *signaling, uint64_t id);
void stoa_session_touch(StoaSession *session);
void stoa_session_event(StoaSession *session, json_t *event /* taken */);
void stoa_session_own(StoaSession *session, StoaClient *owner);
void stoa_session_lost(StoaSession *session);
bool stoa_session_is_of(const StoaSession *session, const StoaClient *client);
void stoa_session_forget_poll(StoaSession *session);
void stoa_session_poll(StoaSession *session, StoaClient *client, uint64_t request, unsigned maxev);
void stoa_session_end(StoaSession *session);
void stoa_session_sweep(void *signaling);
int64_t stoa_session_timeout_s(const StoaSignaling *signaling);

/* attachment.c */
StoaAttachment *stoa_attachment_new(StoaSession *session, const StoaAttachWish *wish,
                                    StoaMember *member, GError **error);
void stoa_attachment_free(gpointer attachment);
void stoa_attachment_detach(StoaAttachment *attachment); /* with the event */

/* verb.c: answers of the session protocol */
void stoa_call_answer(StoaCall *call, json_t *answer /* taken */);
void stoa_call_success(StoaCall *call, json_t *fields /* taken, may be NULL */);
void stoa_call_fail(StoaCall *call, StoaWireError code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void stoa_call_miss(StoaCall *call, json_t *answer /* taken, may be NULL */);
bool stoa_call_string(StoaCall *call, const char *name, const char **value);
uint64_t stoa_call_id(const json_t *message, const char *name);
bool stoa_call_may_attach(StoaCall *call); /* false: answered */
/* As stoa_call_miss(), with an error: for who guesses ids and tokens. */
void stoa_call_fail_late(StoaCall *call, StoaWireError code, const char *reason);
/* The token of a request is wrong: 403, late if too many such came from that address. */
void stoa_call_fail_token(StoaCall *call, const char *reason);

/* message.c */
void stoa_verb_message(StoaCall *call);
void stoa_verb_trickle(StoaCall *call);

/* auth.c */
bool stoa_auth_allows(StoaSignaling *signaling, const json_t *message);
void stoa_auth_load(StoaSignaling *signaling);
void stoa_auth_add(StoaSignaling *signaling, const char *token);
bool stoa_auth_remove(StoaSignaling *signaling, const char *token);
json_t *stoa_auth_list(StoaSignaling *signaling);

bool stoa_auth_is_token(StoaSignaling *signaling, const char *token);

/* seat.c: handles with a participant token */
bool stoa_seat_is_token(StoaSignaling *signaling, const char *token);
bool stoa_seat_allows(StoaCall *call);
bool stoa_seat_allows_poll(StoaSignaling *signaling, StoaSession *session, const json_t *query);
bool stoa_seat_attach(StoaCall *call, const StoaAttachWish *wish); /* true: it answers */
void stoa_seat_session_lost(StoaSession *session, bool lost);
void stoa_seat_claimed(StoaSession *session, StoaClient *client);
void stoa_seat_end(StoaHandle *handle); /* the outlet's `end` */

/* info.c */
json_t *stoa_info(StoaSignaling *signaling, const char *transaction, bool admin);

/* admin.c */
void stoa_admin_run(StoaCall *call);
