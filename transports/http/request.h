/* SPDX-License-Identifier: MIT */
#pragma once /* One request: head, body, the wait for the core, the answer. (Janus API, section 3) */

#include "connection.h"
#include "http.h"
#include "route.h"

typedef enum {
    HTTP_WAIT_NONE, /* does not wait (any more) for the core */
    HTTP_WAIT_CORE,
    HTTP_WAIT_ANSWERED, /* `answer` or `web_answer`; both NULL: no such session, or an upload is welcome */
    HTTP_WAIT_STOPPED,  /* the transport ends */
    HTTP_WAIT_ABANDONED /* the client hung up */
} HttpWait;

/* Lives from the head to libmicrohttpd's "completed". Touched by the connection's thread alone, but for `wait` and
 * `answer` while it is in Http.waiting: then the lock guards them. */
typedef struct HttpRequest {
    HttpListener *listener;
    HttpConnection *connection;
    struct MHD_Connection *mhd;
    HttpSetup *setup; /* a ref */
    HttpRoute route;
    const char *method; /* libmicrohttpd's */
    char *path;
    GByteArray *body;    /* at most the limit and one byte */
    uint64_t n_received; /* bytes of the body, kept or not */
    char *cors;          /* Access-Control-Allow-Origin, or NULL */
    uint64_t number;     /* 0: never waited */
    bool polls;
    HttpWait wait;
    char *answer;
    StoaWebCall *call; /* of a web request, until it was run */
    StoaWebAnswer *web_answer;
    bool foreign;          /* of a web request: a page of another origin */
    bool refused;          /* an upload: the rest of its body is read and thrown away */
    uint64_t n_excess;     /* bytes of that */
    uint64_t n_since_tick; /* bytes since the deadline was moved on */
} HttpRequest;

#define HTTP_MAX_DRAIN_BYTES \
    ((uint64_t)16 * 1024 * 1024) /* of a body past the limit, so that its sender reads why */

/** Whether more came than limits.message_bytes; whether the head announces so much that it is better not read at all. */
bool http_request_is_too_large(const HttpRequest *request);
bool http_request_is_announced_too_large(const HttpRequest *request);
/** Answer that it is, and close. */
enum MHD_Result http_request_refuse_length(HttpRequest *request);

/** For MHD_start_daemon(). Thread: libmicrohttpd's. */
enum MHD_Result http_request_handle(void *listener, struct MHD_Connection *mhd, const char *path,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_len, void **context);

/** For MHD_OPTION_NOTIFY_COMPLETED. Thread: libmicrohttpd's. */
void http_request_completed(void *listener, struct MHD_Connection *mhd, void **context,
                            enum MHD_RequestTerminationCode code);

/** Give a waiting request of the rooms API its answer (taken); NULL: the upload's body is welcome. Thread: control. */
void http_request_answer_web(Http *http, uint64_t number, StoaWebAnswer *answer);

/** A header of the request, or NULL. */
const char *http_request_header(const HttpRequest *request, const char *name);

/**
 * Suspend the request until the core answers.
 *
 * @polls  notice when the client hangs up meanwhile
 *
 * Returns its number for the core; 0 when the transport stops, and then nothing was suspended.
 * Thread: libmicrohttpd's, at the end of the request.
 */
uint64_t http_request_wait(HttpRequest *request, bool polls);

/** Give a waiting request its answer; NULL: no such session. Unknown ones are gone: nothing happens. Thread: control. */
void http_request_answer(Http *http, uint64_t number, char *answer /* taken */);

/** The client of a waiting request hung up. Thread: watch. */
void http_request_abandon(Http *http, uint64_t number);

/** Nothing waits from now on: those who do are told that the server stops. Thread: control. */
void http_request_stop_all(Http *http);
