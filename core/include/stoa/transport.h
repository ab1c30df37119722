/* SPDX-License-Identifier: MIT */
/* stoa/transport.h: everything a transport module sees.
 *
 * A transport owns its sockets and threads. It turns bytes into JSON objects and hands them to the core; the core answers
 * by `deliver`. It never calls a plugin and knows nothing of sessions, but for the long poll, which names one. */
#pragma once

#include <stoa/abi.h>
#include <stoa/error.h>
#include <stoa/table.h>

#include <glib.h>
#include <jansson.h>

typedef struct StoaTransportHost StoaTransportHost; /* the core, as one transport sees it */

/* What the operator set in stoa.conf that transports need. Strings are owned by the core and live until the next
 * `settings_changed`. */
typedef struct {
    int64_t message_bytes;              /* limits.message_bytes; 0: no limit */
    int64_t connections_per_address;    /* limits.connections_per_address; 0: no limit */
    const char *const *trusted_proxies; /* addresses or networks (CIDR); NULL-terminated */
    const char *base_url;               /* public.base_url, NULL when not set */
    const char *html_dir;               /* folder of the bundled pages */
    const char *admin_address;          /* listener of the admin API */
    int64_t admin_port;                 /* 0: any free port; -1: no admin listener */
    const char
        *websocket_origin; /* for the pages' CSP: "ws://host:port", NULL when unknown; may change */
    const char *server_name;
} StoaTransportSettings;

/* What a web request begins with (the rooms API, all below /api/v1, and modules' routes). Borrowed during the call. */
typedef struct {
    const char *method;  /* "POST" */
    const char *path;    /* unescaped, without the query: "/api/v1/rooms" */
    const char *address; /* of the client, behind trusted proxies the real one */
    /* Pairs of name and value, then NULL: what the query string says (unescaped), and the headers. */
    const char *const *query, *const *headers;
    const char *origin;    /* as the client came: "https://host:port", no slash at the end */
    const char *websocket; /* where that client finds the WebSocket; NULL: nowhere */
    const char *base_path; /* of the signaling over HTTP: "/janus" */
} StoaWebHead;

/* What a web request is answered with. */
typedef struct {
    unsigned status;
    char **headers; /* pairs of name and value, NULL-terminated; NULL: none */
    char *body;     /* NULL: none, or a file */
    size_t body_len;
    int fd; /* a file opened for reading; -1: none */
    uint64_t file_at, file_len;
} StoaWebAnswer;

typedef struct StoaWebCall StoaWebCall; /* one web request on its way through the core */

/* What a connection is. */
typedef struct {
    const char *address; /* of the client, numeric, behind trusted proxies the real one */
    bool admin;          /* arrived on the admin listener or with the admin sub-protocol */
    bool events; /* a lasting connection: events of its sessions are delivered to it (WebSocket);
                            false: sessions are polled (HTTP) */
} StoaClientInfo;

typedef struct {
    uint32_t abi, struct_size; /* filled by STOA_TRANSPORT, and so is the size of a row */
    uint16_t option_size;
    const char *name, *version, *summary;
    const StoaOption *options;
    size_t conf_size;

    /* Start listening; say so with stoa_transport_listening(). `conf` is filled from conf/NAME.conf and stays valid until
     * `conf_changed` returns. Thread: control. */
    bool (*start)(StoaTransportHost *host, const void *conf, const StoaTransportSettings *settings,
                  GError **error);
    /* Close every socket, end the threads; no call into the core after it returns. Thread: control. */
    void (*stop)(void);
    /* The conf file or stoa.conf was read again (SIGHUP): certificates are read anew here. Thread: control. */
    bool (*conf_changed)(const void *conf, const StoaTransportSettings *settings, GError **error);

    /* A message for a client: the answer to `request`, or an event when `request` is 0. A poll on an unknown session is
     * answered with `message` NULL (HTTP 404). Must not block: queue it. Thread: control. */
    void (*deliver)(uint64_t client, uint64_t request, json_t *message /* taken */);
    /* Send what is queued, then close that connection. Thread: control. */
    void (*close_client)(uint64_t client, const char *reason);
    /* New connections are refused, the existing ones go on (SIGTERM begins). Optional. Thread: control. */
    void (*quiesce)(void);
    /* A web request's answer: to be freed with stoa_web_answer_free(). NULL: its body is welcome, after
     * stoa_web_call_admit(). Optional: a transport that serves no web requests has none. Thread: control. */
    void (*answer_web)(uint64_t request, StoaWebAnswer *answer /* taken */);
    /* What `stoa -t` looks at besides the values: the files that they name. Nothing is started and nothing kept; false with
     * every problem. Optional. Thread: control. */
    bool (*check)(const void *conf, GError **error);
    /* An event for a client, as text already: for a lasting connection, in its turn among what `deliver` gives. Borrowed.
     * Optional: without it all comes by `deliver`. Thread: control. */
    void (*deliver_text)(uint64_t client, const char *text, size_t len);
    /* New members go here, at the end, and only here. */
} StoaTransport;

#define STOA_TRANSPORT(...)                                                    \
    STOA_EXPORT const StoaTransport *stoa_transport(void);                     \
    const StoaTransport *stoa_transport(void)                                  \
    {                                                                          \
        static const StoaTransport self = { .abi = STOA_ABI,                   \
                                            .struct_size = sizeof self,        \
                                            .option_size = sizeof(StoaOption), \
                                            __VA_ARGS__ };                     \
        return &self;                                                          \
    }

/**
 * A client connected. Returns its id, never 0 and never used again. Thread: any.
 */
STOA_EXPORT uint64_t stoa_client_open(StoaTransportHost *host, const StoaClientInfo *info);

/**
 * A client is gone: its sessions end or wait to be reclaimed, unanswered requests are forgotten. Thread: any.
 */
STOA_EXPORT void stoa_client_closed(StoaTransportHost *host, uint64_t client);

/**
 * Read one message: a JSON object within the limits of size and depth.
 *
 * Returns the message, owned by the caller; or NULL, and then `*refusal` is the answer to send to the client as it is.
 * Thread: any.
 */
STOA_EXPORT json_t *stoa_client_parse(StoaTransportHost *host, const char *buf, size_t len,
                                      json_t **refusal);

/**
 * Hand a request to the core. Exactly one `deliver` with the same `request` follows, unless the client closes.
 * Order is kept for each client. The HTTP transport first sets session_id and handle_id from the path.
 *
 * @request  the transport's number for it, not 0
 * Thread: any.
 */
STOA_EXPORT void stoa_client_request(StoaTransportHost *host, uint64_t client, uint64_t request,
                                     json_t *message /* taken */);

/**
 * Wait for events of a session (HTTP long poll, Janus API section 3). One `deliver` follows: an event, an array of up to
 * `maxev` of them, a keepalive after 30 s, or NULL when there is no such session.
 *
 * @query  taken: object with what the query string said besides: token, apisecret; may be NULL
 * @maxev  1: one object; 2 and more: an array
 * Thread: any.
 */
STOA_EXPORT void stoa_client_poll(StoaTransportHost *host, uint64_t client, uint64_t request,
                                  uint64_t session, unsigned maxev, json_t *query /* taken */);

/*
 * Web requests: a call is opened at the request's head. Then either its body comes whole, as it is small, or it is an upload:
 *
 *     call = stoa_web_call_open(host, &head);
 *     if (stoa_web_call_is_upload(call)) {
 *         stoa_web_call_admit(call, request);            // answer_web(request, NULL): go on, or the answer
 *         while (…) stoa_web_call_write(call, buf, len); // false: no more of it is wanted
 *     }
 *     stoa_web_call_run(call, request, body, len);       // answer_web(request, answer); the call is the core's
 *
 * Until it was run a call is the transport's, and touched by one thread at a time. It is dropped when the client hangs up
 * before; when that happens later, its answer is for nobody.
 */

/** Whether a path is a module's, and to be handled as a web request, unless it is one of the transport's own or a page. Thread: any. */
STOA_EXPORT bool stoa_web_path_is_served(StoaTransportHost *host, const char *path);
/** Begin; never NULL. Thread: any. */
STOA_EXPORT StoaWebCall *stoa_web_call_open(StoaTransportHost *host, const StoaWebHead *head);
/** Whether its body is for a file: ask before it is read. Thread: any. */
STOA_EXPORT bool stoa_web_call_is_upload(const StoaWebCall *call);
/** Ask whether the body is welcome: one answer_web() follows, unless the transport stops. If that is an answer, drop the call. Thread: any. */
STOA_EXPORT void stoa_web_call_admit(StoaWebCall *call, uint64_t request);
/** A piece of an upload's body. Blocks for the disk. False: it is refused, do not read on but run the call. Thread: any, one at a time. */
STOA_EXPORT bool stoa_web_call_write(StoaWebCall *call, const void *buf, size_t len);
/** The request is whole. @call is taken. @body borrowed; of an upload NULL. Thread: any. */
STOA_EXPORT void stoa_web_call_run(StoaWebCall *call, uint64_t request, const char *body,
                                   size_t len);
/** The client is gone, nothing stays of it. @call is taken; NULL is fine. Thread: any. */
STOA_EXPORT void stoa_web_call_drop(StoaWebCall *call);
STOA_EXPORT void stoa_web_answer_free(StoaWebAnswer *answer);

/**
 * Say where this transport listens, for the ready line and /healthz.
 *
 * @role    "http", "websocket" or "admin"
 * @origin  "http://127.0.0.1:8088", no trailing slash
 * Thread: control (from `start` or `conf_changed`).
 */
STOA_EXPORT void stoa_transport_listening(StoaTransportHost *host, const char *role,
                                          const char *origin);

/** The counters of the whole process, Prometheus text; free with g_free(). Thread: any. */
STOA_EXPORT char *stoa_transport_metrics(StoaTransportHost *host);

/** Whether the control loop answers: true while its last turn is younger than 2 s. Thread: any. */
STOA_EXPORT bool stoa_transport_healthy(StoaTransportHost *host);

/**
 * The address of the client: `peer` itself, or, when `peer` is a trusted proxy, the last untrusted one of
 * `forwarded_for` (the X-Forwarded-For header, NULL when absent). Writes at most `size` bytes. Thread: any.
 */
STOA_EXPORT void stoa_transport_client_address(StoaTransportHost *host, const char *peer,
                                               const char *forwarded_for, char *out, size_t size);

/**
 * Count one connection of an address against limits.connections_per_address. False: refuse it.
 * Pair every true with stoa_transport_release_address(). Thread: any.
 */
STOA_EXPORT bool stoa_transport_claim_address(StoaTransportHost *host, const char *address);
STOA_EXPORT void stoa_transport_release_address(StoaTransportHost *host, const char *address);

/**
 * Whether a browser page of `origin` may use the API: it is in `allow_origins`, or that list is empty and the origin is the
 * server's own: public.base_url, one of the listeners' origins, or, without a base_url, the host of the request's Host header
 * (or the same host on another of our ports). `origin` NULL: not a browser, allowed. Thread: any.
 */
STOA_EXPORT bool stoa_transport_origin_allowed(StoaTransportHost *host, char *const *allow_origins,
                                               const char *origin, const char *host_header);

/** A line in the log with the transport's name. Thread: any. */
STOA_EXPORT void stoa_transport_log(StoaTransportHost *host, GLogLevelFlags level, const char *fmt,
                                    ...) G_GNUC_PRINTF(3, 4);
