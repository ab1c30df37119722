/* SPDX-License-Identifier: MIT */
/* stoa/plugin.h: what a plugin is. With room.h and media.h beside it: everything a plugin sees.
 *
 * Every callback and every function runs on one thread, the control loop, but for packet taps. A plugin needs no lock.
 * Nothing here may block: slow work goes to stoa_module_task(). */
#pragma once

#include <stoa/abi.h>
#include <stoa/bridge.h>
#include <stoa/error.h>
#include <stoa/media.h>
#include <stoa/room.h>
#include <stoa/table.h>
#include <stoa/web.h>

#include <glib.h>
#include <jansson.h>

typedef struct StoaRequest StoaRequest; /* one call; lives until its handler returns */
typedef struct StoaRecord
    StoaRecord; /* one numbered line of a room's journal; borrowed during a call */
typedef struct StoaFile StoaFile; /* something that was uploaded to the room */

/* Carries out one request. True: replied (or an empty reply is sent for you). False with `error`: the caller is told. */
typedef bool StoaHandler(StoaRequest *req, GError **error);

typedef struct {
    const char *name; /* the wire's "request"; "": a message without one (echotest) */
    StoaHandler *handle;
    StoaRole role;           /* least role that may call it */
    const StoaParam *params; /* NULL: none are looked at */
    const char *help;
    bool
        sync; /* answered inside the transport's own reply (Janus's synchronous requests); else ack, then event */
} StoaMethod;

/* A refusal's name and the number an older vocabulary wants: { "no_such_room", STOA_ERROR_NOT_FOUND, 426 }.
 * The core's own refusals look for these names too: "no_message" "bad_json" "unknown_request" "missing_element" "wrong_type"
 * "forbidden" "not_joined" "wrong_jsep" "bad_sdp" "unknown" (the default of all). Rows end with a NULL reason. */
typedef struct {
    const char *reason;
    StoaErrorCode code;
    int number;
} StoaNumber;

typedef enum {
    STOA_CAP_HISTORY = 1 << 0, /* may record */
    STOA_CAP_MEDIA = 1 << 1,   /* takes offers, routes tracks */
    STOA_CAP_DATA = 1 << 2,    /* data channels */
    STOA_CAP_TAP = 1 << 3,     /* may read packets */
    STOA_CAP_HTTP = 1 << 4,    /* has `routes` */
} StoaCaps;

typedef enum {
    STOA_SCOPE_ROOM, /* people join rooms; `join` and `leave` are the core's unless `methods` has its own */
    STOA_SCOPE_HANDLE, /* every attached handle is a room of one (echotest, WHIP) */
} StoaScope;

typedef struct {
    uint32_t abi,
        struct_size; /* filled by STOA_PLUGIN, and so are the sizes of the tables' rows, that rows too may grow */
    uint16_t param_size, method_size, option_size, group_size, metric_size, number_size;
    const char *name, *version, *summary;
    const char *
        vocabulary; /* NULL: replies are {"reply": REQUEST, …}, events {"event": NAME, …} (rooms API).
                               "videoroom": bodies go out as they are, errors as {"videoroom": "event", "error_code", "error"} */
    StoaScope scope;
    StoaCaps caps;

    const StoaMethod *methods;
    const StoaOption *options;
    const StoaGroup *groups;
    const StoaMetric *metrics;
    const StoaNumber *numbers;
    /* Sizes of the plugin's own structs; the core allocates them zeroed and frees them. */
    size_t conf_size, module_size, room_size, participant_size, handle_size;

    /* -- life of the module */
    bool (*start)(StoaModule *module, GError **error);
    void (*stop)(StoaModule *module); /* handles and rooms are gone already */
    bool (*conf_changed)(StoaModule *module,
                         GError **error); /* the conf struct holds the new values */

    /* -- rooms and people (STOA_SCOPE_ROOM; for STOA_SCOPE_HANDLE the room of each handle) */
    void (*room_opened)(StoaRoom *room);
    void (*room_closed)(StoaRoom *room); /* everybody has left; free what the room state owns */
    void (*joined)(StoaRoom *room, StoaParticipant *who);
    void (*left)(StoaRoom *room, StoaParticipant *who); /* see also `forgotten` */
    json_t *(*describe)(StoaRoom *room,
                        StoaParticipant *viewer); /* the state, for who comes late */
    /* The one place where lasting state changes: live, and again when the room's journal is replayed (restart, reload, a
     * failed write; then sending and counting are muted). `author` NULL: the server. Never sees an erased record. */
    void (*apply)(StoaRoom *room, StoaParticipant *author, const StoaRecord *record);
    /* The state as JSON, and back, so that a long room opens fast; without these the whole journal is replayed. */
    json_t *(*save)(StoaRoom *room);
    bool (*load)(StoaRoom *room, const json_t *snapshot);

    /* -- handles */
    bool (*attached)(StoaHandle *handle, GError **error); /* false: the attach is refused (461) */
    void (*detached)(
        StoaHandle *handle); /* free what the handle state owns; its seat is given up after this */
    json_t *(*info)(StoaHandle *handle); /* plugin_specific of the admin API's handle_info */

    /* -- media */
    void (*connected)(StoaHandle *handle); /* the PeerConnection is up */
    void (*disconnected)(StoaHandle *handle,
                         const char *reason); /* it is gone; the client's `hangup` follows */
    void (*track_added)(StoaHandle *handle, StoaTrack *track);
    void (*track_removed)(StoaHandle *handle, StoaTrack *track);
    void (*layer_changed)(StoaSink *sink, int substream,
                          int temporal); /* what is really relayed; both -1: nothing for now, the
                                            way is too narrow. Of a track with spatial layers (svc),
                                            `substream` is that layer */
    void (*talking)(StoaTrack *track, bool talking, double average_dbov);
    void (*slow_link)(StoaHandle *handle, const char *mid, StoaKind kind, bool uplink,
                      unsigned lost);
    void (*data_opened)(StoaHandle *handle, const char *label, const char *protocol);
    void (*data_received)(StoaHandle *handle, const char *label, const void *buf, size_t len,
                          bool text);

    /* -- lasting state (STOA_CAP_HISTORY), continued
     * A record as `viewer` sees it: the body of the event that goes out when it is on disk, when somebody resumes, and in the
     * history. Its "event" is the record's kind unless the body has one; "seq" is added. NULL: not for that person.
     * See also `present_alike`. NULL instead of a function: the record's own body with "from", to everyone, or to the two ends of one with a recipient.
     * Also asked for erased records (stoa_record_is_erased()). */
    json_t *(*present)(StoaRoom *room, const StoaRecord *record, StoaParticipant *viewer);
    /* What stays of a record when its author is erased: a new body; NULL: a tombstone, which is also the default. The
     * author's name is gone from everywhere in any case. */
    json_t *(*redact)(StoaRoom *room, const StoaRecord *record);
    /* The module's part of GET /rooms/ID/history: the member's name ("chat"; NULL: the module's name), and what is in it:
     * records of this kind, presented, in pages (NULL with `history` NULL: of all kinds) … */
    const char *history_name, *history_kind;
    /* … or an array made from the state, for one meeting; new reference. */
    json_t *(*history)(StoaRoom *room, const char *meeting, StoaParticipant *viewer);
    /* A person uploaded a file (POST /rooms/ID/files): record it, reply with the item. False: it is removed again. */
    bool (*file_added)(StoaRequest *req, const StoaFile *file, GError **error);
    /* A meeting ends: what is still going on in it ends too. May record. */
    void (*meeting_ended)(StoaRoom *room);
    /* A participant's state is about to be freed: free what it owns. In an ad-hoc room right after `left`; in a room that is
     * kept it lives as long as the room is open, over leaving and joining again. */
    void (*forgotten)(StoaRoom *room, StoaParticipant *who);
    /* A host or cohost silences somebody: stop relaying their audio until they switch it on again. */
    void (*muted)(StoaRoom *room, StoaParticipant *who);
    /* With `history` and `history_kind` both: what `history` made is filled in from all records of that kind, whatever their
     * meeting, in pages, oldest first. */
    void (*history_fill)(StoaRoom *room, json_t *array, const StoaRecord *const *records, size_t n);
    /* The page closed a data channel, or the connection's data channels ended without it. Not when the PeerConnection ends:
     * `disconnected` is. */
    void (*data_closed)(StoaHandle *handle, const char *label);
    /* With a vocabulary: what an error of a synchronous method is called instead of "event": "error". */
    const char *sync_error;
    /* Requests that come on data channels: stoa_handle_run() carries them out. */
    const StoaMethod *data_methods;
    /* HTTP routes, served as long as the module is loaded: see web.h. Calls that it holds when it goes are answered 503. */
    const StoaRoute *routes;
    size_t route_size; /* of a row; filled by STOA_PLUGIN */
    /* A watched track (stoa_track_watch_voice()) began to speak, or became the room's dominant speaker: a cough does not,
     * a second of speech does, silence changes nothing. */
    void (*speaker)(StoaRoom *room, StoaTrack *track, bool dominant);
    /* `present` looks at the record and never at the viewer: it is asked once for all who hear a record that is for everyone
     * (viewer NULL then), and what it says is written once. Say so where you can: in a large room that is most of the work. */
    bool present_alike;

    /* -- rooms of the conf: those that its groups of this prefix list ("room-"), each named by a number. The core looks at all before it
     *    touches any, opens them at start, and follows the file at each reload; one that a request made is left alone. */
    const char *conf_rooms;
    /* Whether an item is sound. Optional. */
    bool (*conf_room_check)(const void *item, GError **error);
    /* A room is to be as its item says: it was opened, or the item changed. */
    void (*conf_room_set)(StoaRoom *room, const void *item);
    /* It is gone from the file: close it. NULL: stoa_room_close(). */
    void (*conf_room_gone)(StoaRoom *room);
    /* `person` is erased, and this record is somebody else's (or the server's), but may hold words of theirs: a title that was
     * taken over, a question that another one asked. What stays of it: a new body; json_incref() of the one it has, where nothing of
     * theirs is in it; NULL: a tombstone. NULL instead of a function: what people record is all their own. */
    json_t *(*redact_other)(StoaRoom *room, const StoaRecord *record, const char *person);
    /* New members go here, at the end, and only here. */
} StoaPlugin;

/* What a descriptor was built with. */
#define STOA_PLUGIN_SIZES                                                                \
    .abi = STOA_ABI, .struct_size = sizeof(StoaPlugin), .param_size = sizeof(StoaParam), \
    .method_size = sizeof(StoaMethod), .option_size = sizeof(StoaOption),                \
    .group_size = sizeof(StoaGroup), .metric_size = sizeof(StoaMetric),                  \
    .number_size = sizeof(StoaNumber), .route_size = sizeof(StoaRoute)

#define STOA_PLUGIN(...)                                                   \
    STOA_EXPORT const StoaPlugin *stoa_plugin(void);                       \
    const StoaPlugin *stoa_plugin(void)                                    \
    {                                                                      \
        static const StoaPlugin self = { STOA_PLUGIN_SIZES, __VA_ARGS__ }; \
        return &self;                                                      \
    }

/* -- requests: arguments were checked against the method's `params` before the handler runs ---------------------- */

STOA_EXPORT StoaModule *stoa_request_module(StoaRequest *req) STOA_ON_CONTROL;
/** The handle that asks; NULL for a request of the operator (admin API, `message_plugin`: synchronous methods only). */
STOA_EXPORT StoaHandle *stoa_request_handle(StoaRequest *req) STOA_ON_CONTROL;
/** The room its handle sits in; NULL before it joined. Never NULL in a method whose role is above ANYONE. */
STOA_EXPORT StoaRoom *stoa_request_room(StoaRequest *req) STOA_ON_CONTROL;
/** The person who asks; NULL before the handle joined, and for a handle that entered without a seat. */
STOA_EXPORT StoaParticipant *stoa_request_from(StoaRequest *req) STOA_ON_CONTROL;

/** Whether the field is there (and not null where it is NULLABLE). */
STOA_EXPORT bool stoa_request_has(StoaRequest *req, const char *name) STOA_ON_CONTROL;
/** The value of a field; false, 0, NULL when it is absent. Strings and JSON are borrowed until the handler returns. */
STOA_EXPORT bool stoa_request_bool(StoaRequest *req, const char *name) STOA_ON_CONTROL;
STOA_EXPORT int64_t stoa_request_int(StoaRequest *req, const char *name) STOA_ON_CONTROL;
STOA_EXPORT const char *stoa_request_string(StoaRequest *req, const char *name) STOA_ON_CONTROL;
/** An id as text: 1234 and "1234" alike give "1234". */
STOA_EXPORT const char *stoa_request_id(StoaRequest *req, const char *name) STOA_ON_CONTROL;
/** An object, array or any value, already checked against `fields`; for tables within tables. */
STOA_EXPORT const json_t *stoa_request_json(StoaRequest *req, const char *name) STOA_ON_CONTROL;

/** Whether it is the operator's (the admin API's `message_plugin`), and no client's. */
STOA_EXPORT bool stoa_request_is_operators(StoaRequest *req) STOA_ON_CONTROL;
/** Whether it brings a secret in a text of that name; compared in a time that tells nothing of it. `secret` NULL: none is needed.
 * False with the reason "missing_element" or "unauthorized". */
STOA_EXPORT bool stoa_request_knows(StoaRequest *req, const char *field, const char *secret,
                                    GError **error) STOA_ON_CONTROL;
/** Whether it may make a room that is not kept: it knows "admin_key" or is the operator's, and there are less than `max_rooms`
 * (0: any number) of this module. False with the reason "too_many_rooms", or as of stoa_request_knows(). */
STOA_EXPORT bool stoa_request_may_create(StoaRequest *req, const char *admin_key, int64_t max_rooms,
                                         GError **error) STOA_ON_CONTROL;

/**
 * Go through an array of objects. Each item is read with the stoa_item_* functions.
 *
 *     for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++)
 */
STOA_EXPORT const json_t *stoa_request_item(StoaRequest *req, const char *name, size_t index)
    STOA_ON_CONTROL;
STOA_EXPORT bool stoa_item_has(const json_t *item, const char *name);
STOA_EXPORT bool stoa_item_bool(const json_t *item, const char *name);
STOA_EXPORT int64_t stoa_item_int(const json_t *item, const char *name);
STOA_EXPORT const char *stoa_item_string(const json_t *item, const char *name);
/** An id of an item as text; lives until the handler returns. */
STOA_EXPORT const char *stoa_item_id(StoaRequest *req, const json_t *item, const char *name);

/** Reply; at most once. Without a call the reply is empty. */
STOA_EXPORT void stoa_request_reply(StoaRequest *req, json_t *body /* taken */) STOA_ON_CONTROL;

/* -- offers and answers of a request -------------------------------------------------------------------------- */

typedef enum { STOA_JSEP_NONE, STOA_JSEP_OFFER, STOA_JSEP_ANSWER } StoaJsep;

/** What came with the request. */
STOA_EXPORT StoaJsep stoa_request_jsep(StoaRequest *req) STOA_ON_CONTROL;
/**
 * Take the offer that came with the request: `track_added` is called for each new track, and the answer goes out with the
 * reply. False with `error` ("bad_sdp", "wrong_jsep") and nothing changed.
 */
STOA_EXPORT bool stoa_request_accept_offer(StoaRequest *req, const StoaMediaRules *rules,
                                           GError **error) STOA_ON_CONTROL;
/** What is done while an offer is answered: stoa_track_send() to that handle takes m-lines of the offer. A sink that found none has no
 * mid: give it back (stoa_sink_remove). */
typedef void StoaWireFunc(StoaHandle *handle, void *data);
/** The same with tracks of others to be sent on the client's m-lines (`rules.send`): `wire` is called after `track_added`, before the answer is made. */
STOA_EXPORT bool stoa_request_wire_offer(StoaRequest *req, const StoaMediaRules *rules,
                                         StoaWireFunc *wire, void *data, GError **error)
    STOA_ON_CONTROL;
/** The second half of a handler that asked for figures. `stats`: {"rtt_ms"?, "estimate"?, "streams": […]}, borrowed; without streams when
 * there is no PeerConnection. See docs/modules/videoroom.md, `stats`. */
typedef bool StoaStatsFunc(StoaRequest *req, const json_t *stats, GError **error);
/** Measure the PeerConnection of the asking handle, where it lives. The handler returns true after it; `got` is called later and replies. Not in a synchronous method. */
STOA_EXPORT void stoa_request_stats(StoaRequest *req, StoaStatsFunc *got) STOA_ON_CONTROL;
/** Take the answer that came with the request, to the offer that we made. */
STOA_EXPORT bool stoa_request_accept_answer(StoaRequest *req, GError **error) STOA_ON_CONTROL;
/** Send an offer of the handle's sinks along with the reply. @restart: with new ICE credentials. */
STOA_EXPORT bool stoa_request_offer(StoaRequest *req, bool restart, GError **error) STOA_ON_CONTROL;

/** Make the handle's next offer contain data channels, also when it has no track. */
STOA_EXPORT void stoa_handle_want_data(StoaHandle *handle) STOA_ON_CONTROL;

/**
 * Carry out a request that came on a data channel: the row of `data_methods` with that name, its fields checked, its handler run
 * at once. Such handlers neither take nor make offers, and record nothing.
 *
 * @body  an object, borrowed
 *
 * Returns the reply, a new reference, empty if there was none; NULL with `error`: see stoa_module_number().
 */
STOA_EXPORT json_t *stoa_handle_run(StoaHandle *handle, const char *name, const json_t *body,
                                    GError **error) STOA_ON_CONTROL;
/** The number that the module's `numbers` have for an error. */
STOA_EXPORT int stoa_module_number(StoaModule *module, const GError *error) STOA_ON_CONTROL;

/** End the handle's PeerConnection as soon as the reply is out: the client gets `hangup` after it, not before. */
STOA_EXPORT void stoa_request_hangup(StoaRequest *req) STOA_ON_CONTROL;

/* -- handles -------------------------------------------------------------------------------------------------- */

STOA_EXPORT void *stoa_handle_state(StoaHandle *handle) STOA_ON_CONTROL;
STOA_EXPORT StoaModule *stoa_handle_module(StoaHandle *handle) STOA_ON_CONTROL;
STOA_EXPORT StoaRoom *stoa_handle_room(StoaHandle *handle) STOA_ON_CONTROL;
STOA_EXPORT StoaParticipant *stoa_handle_participant(StoaHandle *handle) STOA_ON_CONTROL;
/** A number that tells handles apart in logs and tables; not the secret id of the wire. */
STOA_EXPORT uint64_t stoa_handle_number(const StoaHandle *handle) STOA_ON_CONTROL;

/**
 * The room and the seat that a participant token gives this handle, for modules with a `join` of their own: `stoa_handle_join`
 * takes them as they are. NULL: it was attached without one.
 */
STOA_EXPORT StoaRoom *stoa_handle_seat(StoaHandle *handle, StoaSeat *seat) STOA_ON_CONTROL;
/** Take a seat: `joined` is called. See StoaSeat in room.h. NULL with `error`: the id is taken ("id_taken"), the room full. */
STOA_EXPORT StoaParticipant *stoa_handle_join(StoaHandle *handle, StoaRoom *room,
                                              const StoaSeat *seat, GError **error) STOA_ON_CONTROL;
/** Be in a room without being seen in it (a subscriber); `who`: on behalf of that participant, or NULL. */
STOA_EXPORT void stoa_handle_enter(StoaHandle *handle, StoaRoom *room, StoaParticipant *who)
    STOA_ON_CONTROL;
/** Leave: `left` is called when it was the participant's last seat-holding handle. Nothing when not in a room. */
STOA_EXPORT void stoa_handle_leave(StoaHandle *handle) STOA_ON_CONTROL;

/** The track of the room's dominant speaker; NULL: nobody has spoken yet, or who did has left. */
STOA_EXPORT StoaTrack *stoa_room_dominant(StoaRoom *room) STOA_ON_CONTROL;
/** The track that began to speak most recently (0), the one before (1), and so on; NULL: there are no more. */
STOA_EXPORT StoaTrack *stoa_room_speaker(StoaRoom *room, unsigned index) STOA_ON_CONTROL;

/** Send an event to one handle: the body as it is. */
STOA_EXPORT void stoa_handle_send(StoaHandle *handle, json_t *body /* taken */) STOA_ON_CONTROL;
/**
 * Send an event with an offer of the handle's sinks.
 *
 * @body     makes the event's body, after the offer was made: every sink has its mid by then
 * @restart  with new ICE credentials
 *
 * False with `error` and nothing sent: an offer waits for its answer, or there is nothing to offer.
 */
STOA_EXPORT bool stoa_handle_send_offer(StoaHandle *handle, json_t *(*body)(StoaHandle *handle),
                                        bool restart, GError **error) STOA_ON_CONTROL;
/** Whether the sinks changed since the last offer. */
STOA_EXPORT bool stoa_handle_needs_offer(const StoaHandle *handle) STOA_ON_CONTROL;

/* -- records: lasting state (STOA_CAP_HISTORY) ---------------------------------------------------------------- */

/**
 * Propose a record: `apply` is called at once, the reply and every event of the room are held until it is on disk, and then it
 * is also the event that the room sees (`present`). If it cannot be written, the state is made anew from the journal and the
 * caller gets an error.
 *
 * @kind  "message"; [a-z_], what `apply` and `present` tell records apart by
 * @body  taken; an object
 * @to    the only other person who may see it, by id; NULL: everyone
 *
 * False with `error`: the module may not record, or the room's journal cannot be written now. In a room that is not kept
 * (ad hoc) records live as long as the room. The reply gets "seq", the number of the last one.
 */
STOA_EXPORT bool stoa_request_record(StoaRequest *req, const char *kind, json_t *body,
                                     GError **error) STOA_ON_CONTROL;
STOA_EXPORT bool stoa_request_record_to(StoaRequest *req, const char *kind, json_t *body,
                                        const char *to, GError **error) STOA_ON_CONTROL;
/** The number that the last proposed record got; 0: none was. */
STOA_EXPORT uint64_t stoa_request_seq(StoaRequest *req) STOA_ON_CONTROL;
/** When that was: RFC 3339 UTC text, borrowed; NULL: none was. */
STOA_EXPORT const char *stoa_request_at(StoaRequest *req) STOA_ON_CONTROL;
/** A record of the server's own (a timer closes a poll); `author` in `apply` is NULL. */
STOA_EXPORT bool stoa_room_record(StoaRoom *room, const char *kind, json_t *body /* taken */,
                                  GError **error) STOA_ON_CONTROL;
/** Erase a record of this module for good: a numbered tombstone without content stays. With the next commit. Nothing happens
 * to one that is not there. What `apply` made of it is the plugin's to undo, by a record of its own. */
STOA_EXPORT void stoa_room_erase(StoaRoom *room, uint64_t seq) STOA_ON_CONTROL;

/* Which records to read back; zero: no condition. */
typedef struct {
    const char *kind;
    uint64_t seq;           /* that one only */
    uint64_t after, before; /* numbers, both exclusive */
    unsigned limit;         /* at most so many, 1 to 1000; 0: 100 */
    bool newest;            /* of more than `limit` take the newest; either way oldest come first */
} StoaRecordQuery;

/* The second half of a handler: as a StoaHandler. `records` and what is in them are borrowed. */
typedef bool StoaReadFunc(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                          GError **error);

/**
 * Read records of this module back, those that the asking person may see, without erased ones. The handler returns true after
 * it; `got` is called later and replies, or reads on. Neither if the handle is gone meanwhile. Not in a synchronous method.
 */
STOA_EXPORT void stoa_request_read(StoaRequest *req, const StoaRecordQuery *query,
                                   StoaReadFunc *got) STOA_ON_CONTROL;
/** The same without a request: all records of the module, whoever may see them. Not called if the room closes first. */
STOA_EXPORT void stoa_room_read(StoaRoom *room, const StoaRecordQuery *query,
                                void (*got)(StoaRoom *room, const StoaRecord *const *records,
                                            size_t n, bool more, void *data),
                                void *data, GDestroyNotify free_data) STOA_ON_CONTROL;
/** Keep a pointer from the handler for `got`; freed with the request. */
STOA_EXPORT void stoa_request_set_data(StoaRequest *req, void *data, GDestroyNotify free_data)
    STOA_ON_CONTROL;
STOA_EXPORT void *stoa_request_data(StoaRequest *req) STOA_ON_CONTROL;

STOA_EXPORT uint64_t stoa_record_seq(const StoaRecord *record);
/** A record's number as the id of what it made, as text: clients count up to 2^53 only. New reference. */
STOA_EXPORT json_t *stoa_record_id(uint64_t seq);
/** The number in such an id; 0: it is none. NULL is fine. */
STOA_EXPORT uint64_t stoa_record_id_seq(const char *id);
STOA_EXPORT const char *stoa_record_kind(const StoaRecord *record);
/** NULL: erased. Borrowed. */
STOA_EXPORT const json_t *stoa_record_body(const StoaRecord *record);
STOA_EXPORT bool stoa_record_is_erased(const StoaRecord *record);
/** Milliseconds since 1970, and the same as RFC 3339 UTC text (borrowed). */
STOA_EXPORT int64_t stoa_record_at_ms(const StoaRecord *record);
STOA_EXPORT const char *stoa_record_at(const StoaRecord *record);
/** Ids of participants; NULL: the server; NULL: everyone. */
STOA_EXPORT const char *stoa_record_author(const StoaRecord *record);
STOA_EXPORT const char *stoa_record_to(const StoaRecord *record);
/** The meeting it was made in; NULL: outside of one. */
STOA_EXPORT const char *stoa_record_meeting(const StoaRecord *record);
/** {"id", "name"} of a participant of the room, by id, present or not: for `present`. New reference; null: the server. */
STOA_EXPORT json_t *stoa_room_who(StoaRoom *room, const char *participant) STOA_ON_CONTROL;

/* -- files (with `file_added`) -------------------------------------------------------------------------------- */
STOA_EXPORT const char *stoa_file_id(const StoaFile *file);
STOA_EXPORT const char *stoa_file_name(const StoaFile *file); /* as it was uploaded, made safe */
STOA_EXPORT const char *stoa_file_type(const StoaFile *file); /* by content: "application/pdf" */
STOA_EXPORT int64_t stoa_file_size(const StoaFile *file);     /* bytes */
/** Where it can be fetched for ten minutes: what `url` of an item says. Free with g_free(). */
STOA_EXPORT char *stoa_room_file_url(StoaRoom *room, const char *file) STOA_ON_CONTROL;
/** Remove its bytes and its row with the next commit. */
STOA_EXPORT void stoa_room_remove_file(StoaRoom *room, const char *file) STOA_ON_CONTROL;
