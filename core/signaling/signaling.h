/* SPDX-License-Identifier: MIT */
/* The session protocol (Janus API): clients, sessions, handles, verbs; and the admin API on the same machinery.
 * Everything here runs on the control loop. Transports reach it through host/transport.c. */
#pragma once

#include "room/module.h"

#include <stoa/transport.h>

typedef struct StoaSignaling StoaSignaling;

/* What the operator set, read at each use. Owned by the host; values change on a reload. */
typedef struct {
    int64_t session_timeout_s; /* 0: sessions never time out */
    int64_t reclaim_s; /* how long a session waits for its claim; 0: it ends with its connection */
    char *api_secret;  /* NULL: none asked */
    bool token_auth;
    char **api_tokens;
    char *admin_secret;
    char *server_name;
    bool ice_lite;
    int64_t message_bytes, json_depth; /* limits; 0: none */
    int64_t sessions_per_connection, handles_per_session;
    int64_t requests_per_second, requests_burst;
    int64_t idle_s; /* of a lasting connection without a session */
    int64_t sdp_bytes, sdp_media;
} StoaSignalingConf;

/* What the host does for signaling. All called on control with the `user` of stoa_signaling_new(). */
typedef struct {
    StoaModule *(*find_module)(void *user,
                               const char *package); /* by package name, aliases too; NULL: none */
    json_t *(*list_modules)(
        void *user); /* {package: {name, author, description, version_string, version}} */
    json_t *(*list_transports)(void *user); /* the same */
    /* Admin verbs on modules: "list_modules" "enable_module" "disable_module" "reload_module" "reload_conf".
     * Returns what goes beside "success", NULL with `error`. */
    json_t *(*admin_module)(void *user, const char *verb, const char *module, GError **error);
    const char *(*data_dir)(void *user);
    /* The kept rooms, whose people attach with tokens; NULL, or returns NULL: there are none. */
    struct StoaRooms *(*rooms)(void *user);
    /* A wrong token came from an address: counted with those of the rooms API. True: there were too many. May be NULL. */
    bool (*wrong_token)(void *user, const char *address);
} StoaSignalingHost;

/* How a client is reached: the functions of its transport. */
typedef struct {
    void (*deliver)(uint64_t client, uint64_t request, json_t *message /* taken */);
    void (*close_client)(uint64_t client, const char *reason);
    void (*deliver_text)(uint64_t client, const char *text, size_t len); /* an event; may be NULL */
} StoaClientOutlet;

StoaSignaling *stoa_signaling_new(const StoaSignalingConf *conf, const StoaSignalingHost *host,
                                  void *user);
/** End all sessions; clients are told first by stoa_signaling_say_goodbye(). */
void stoa_signaling_free(StoaSignaling *signaling);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSignaling, stoa_signaling_free)

/** The server stops: every handle gets `detached`, every session `timeout`, every lasting connection is closed. */
void stoa_signaling_say_goodbye(StoaSignaling *signaling);

/** What comes from the transports, in order. See stoa/transport.h. */
void stoa_signaling_client_open(StoaSignaling *signaling, uint64_t client,
                                const StoaClientInfo *info, const StoaClientOutlet *outlet);
void stoa_signaling_client_closed(StoaSignaling *signaling, uint64_t client);
void stoa_signaling_request(StoaSignaling *signaling, uint64_t client, uint64_t request,
                            json_t *message /* taken */);
void stoa_signaling_poll(StoaSignaling *signaling, uint64_t client, uint64_t request,
                         uint64_t session, unsigned maxev, json_t *query /* taken */);

/** Parse a message within the limits; see stoa_client_parse(). Thread: any. */
json_t *stoa_signaling_parse(int64_t message_bytes, int64_t json_depth, const char *buf, size_t len,
                             json_t **refusal);

/** Detach every handle of a module; their clients get `detached`. */
void stoa_signaling_detach_module(StoaSignaling *signaling, StoaModule *module);

/** How many there are now. */
unsigned stoa_signaling_n_sessions(const StoaSignaling *signaling);
unsigned stoa_signaling_n_clients(const StoaSignaling *signaling);
