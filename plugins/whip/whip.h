/* SPDX-License-Identifier: MIT */
/* What the files of whip/ share: conf, and a session, which is one resource of HTTP and one client of videoroom. */
#pragma once

#include <stoa/plugin.h>

/* conf/whip.conf */
typedef struct {
    char **publish_tokens, **watch_tokens; /* empty: anybody, as far as the room lets them in */
    int64_t sessions;                      /* at one time; 0: no limit */
} WhipConf;

typedef struct {
    GHashTable *sessions; /* id → WhipSession, owned */
} WhipModule;

enum { WHIP_PUBLISHED, WHIP_WATCHED, WHIP_RESTARTED, WHIP_REFUSED };

typedef struct WhipSession WhipSession;

/** Begin a session for a POST, which it answers. `body` is the request to videoroom, taken; `token` a participant's, or NULL. */
void whip_session_begin(StoaWebCall *call, json_t *body, const char *token, bool publishes);
/** The session of a path, if the caller may have it; NULL with `error`. */
WhipSession *whip_session_find(StoaWebCall *call, GError **error);
/** Take a fragment; answers the call. */
void whip_session_patch(WhipSession *session, StoaWebCall *call);
/** Whether an If-Match fits; false with `error`. (RFC 9725, 4.3.1) */
bool whip_session_matches(const WhipSession *session, const char *if_match, GError **error);
/** End it, and all calls that wait for it. */
void whip_session_end(WhipSession *session);
/** End the oldest of those whose client has had its answer for a while and does not connect. False: there is none. */
bool whip_session_oust(StoaModule *module);
/** For the hash table. */
void whip_session_free(gpointer session);

/* -- match.c: what fits what. Pure ------------------------------------------------------------- */

/** Whether an If-Match names the tag: `*`, or a list that has it. Weak tags never fit. (RFC 9110, 13.1.1) */
bool whip_match_tag(const char *if_match, const char *tag);
/** Whether an answer takes all that the offer means to send, and something at all. Lines that the client stopped or marked
 * inactive itself do not count. */
bool whip_match_takes_all(const char *offer, const char *answer);
