/* SPDX-License-Identifier: MIT */
/* stoa/web.h: HTTP routes of a module (STOA_CAP_HTTP), served by the gateway's own HTTP transport: a table of rows, a handler
 * on the control loop, an answer now or later. TLS, limits, proxies and CORS (conf/http.conf) are the transport's. */
#pragma once

#include <stoa/abi.h>
#include <stoa/error.h>
#include <stoa/room.h>
#include <stoa/table.h>

#include <glib.h>
#include <jansson.h>
#include <stddef.h>

typedef struct StoaWebCall StoaWebCall; /* one HTTP request, until it is answered */

/**
 * Answer a request, or begin to. True: stoa_web_send() was called, or will be, exactly once. False with `error`: it is the
 * answer, as stoa_web_fail() would give it.
 */
typedef bool StoaRouteHandler(StoaWebCall *call, GError **error);

/* Rows end with one whose `method` is NULL. GET serves HEAD too; OPTIONS, 404, 405, 413 and 415 are answered by the core. */
typedef struct {
    const char *method; /* "POST" */
    /* "/m/NAME/…", which is the module's alone; or below a word of its own, "/whip/:room": [a-z0-9-], free for the first module
     * that takes it, behind the core's and the pages' own paths. A part ":room" takes 1 to 64 of [A-Za-z0-9_-]. */
    const char *path;
    StoaRouteHandler *handle;
    const char *accepts; /* the body's media type; others get 415. NULL: none is looked at */
    size_t body_max; /* bytes; more get 413. 0: as the transport allows (limits.message_bytes) */
    const char *help;
} StoaRoute;

STOA_EXPORT StoaModule *stoa_web_module(const StoaWebCall *call) STOA_ON_CONTROL;
/** A part of the path: stoa_web_arg(call, "room"). NULL: the route has none of that name. */
STOA_EXPORT const char *stoa_web_arg(const StoaWebCall *call, const char *name);
/** A parameter of the query string, unescaped; NULL: absent. */
STOA_EXPORT const char *stoa_web_query(const StoaWebCall *call, const char *name);
/** A header of the request, by its name in any case; NULL: absent. The first of several. */
STOA_EXPORT const char *stoa_web_header(const StoaWebCall *call, const char *name);
/** The token of "Authorization: Bearer"; NULL: none came, "": another scheme. */
STOA_EXPORT const char *stoa_web_bearer(const StoaWebCall *call);
/** The body as it came, with a zero behind it; "" when there was none. @len  may be NULL */
STOA_EXPORT const char *stoa_web_text(const StoaWebCall *call, size_t *len);
/** The client's address, behind trusted proxies the real one. Not for logs. */
STOA_EXPORT const char *stoa_web_address(const StoaWebCall *call);

/** The module's own pointer on a call; `free_data` runs with the call's end. */
STOA_EXPORT void stoa_web_set_data(StoaWebCall *call, void *data, GDestroyNotify free_data);
STOA_EXPORT void *stoa_web_data(const StoaWebCall *call);

/** Set the answer: JSON (taken; NULL: no body), or text of a type. Headers that were set before stay. */
STOA_EXPORT void stoa_web_set_reply(StoaWebCall *call, unsigned status, json_t *body /* taken */);
STOA_EXPORT void stoa_web_set_text(StoaWebCall *call, unsigned status, const char *type,
                                   const char *text);
/** Set a header of the answer; one of that name is replaced. */
STOA_EXPORT void stoa_web_set_header(StoaWebCall *call, const char *name, const char *value);
/** Set "Link" to the STUN and TURN servers of rooms.conf, with credentials for this client. (RFC 9725, 4.6) */
STOA_EXPORT void stoa_web_set_ice_links(StoaWebCall *call) STOA_ON_CONTROL;

/** The call is about to fail for a wrong token: it counts, and past rooms:limits.attempts_per_minute of one address the answer is 429. */
STOA_EXPORT void stoa_web_count_attempt(StoaWebCall *call);
/** Send what was set (nothing: 204). The call is gone. */
STOA_EXPORT void stoa_web_send(StoaWebCall *call) STOA_ON_CONTROL;
/**
 * Send an error (borrowed): the codes of stoa_fail() become 400 403 404 409 429 503 500; the reasons of stoa_refuse() are
 * "unauthenticated" 401, "not_acceptable" 406, "gone" 410, "precondition_failed" 412, "too_large" 413, "unsupported_type" 415,
 * "unprocessable" 422, "precondition_required" 428, any other 409. The call is gone.
 */
STOA_EXPORT void stoa_web_fail(StoaWebCall *call, const GError *error) STOA_ON_CONTROL;

/** A text nobody can guess, for URLs and tags: @n characters of [0-9A-Za-z], 5.95 bits each. Free with g_free(). Thread: any. */
STOA_EXPORT char *stoa_random_text(size_t n);
/** Whether two secrets are equal, in a time that tells only their lengths; NULL equals nothing. Thread: any. */
STOA_EXPORT bool stoa_secrets_equal(const char *a, const char *b);
