/* SPDX-License-Identifier: MIT */
/* What the files of videoroom/ share: conf, and what hangs on rooms, seats, handles, tracks and sinks. */
#pragma once

#include <stoa/plugin.h>

#include <inttypes.h>

/* -- settings.c: what a room is set to ------------------------------------------------------------ */

/* Strings are owned where the struct is owned: by the core in VrConf, by the room in VrRoom. */
typedef struct {
    char *name;                       /* in conf: the room's number */
    char *description, *secret, *pin; /* NULL: none; an empty secret or pin still is one */
    char *audiocodec, *videocodec;    /* comma lists in order of preference */
    char *h264_profile, *vp9_profile; /* NULL: any */
    int64_t publishers;               /* at most at one time */
    int64_t bitrate;                  /* bits per second of a publisher's video; 0: no limit */
    int64_t fir_freq;                 /* seconds between keyframe requests; 0: none */
    int64_t audio_active_packets, audio_level_average;
    bool is_private, bitrate_cap, notify_joining, require_pvtid;
    bool opus_fec, opus_red, opus_dtx, audiolevel_ext, audiolevel_event, speaker_event;
    bool videoorient_ext, playoutdelay_ext, transport_wide_cc_ext;
} VrSettings;

/* conf/videoroom.conf */
typedef struct {
    char *admin_key;   /* NULL: anybody may create rooms */
    int64_t max_rooms; /* 0: no limit */
    VrSettings *rooms; /* of groups [room-NUMBER] */
    size_t n_rooms;
} VrConf;

extern const StoaOption
    vr_room_options[]; /* one row a setting: for conf, and for `create` and `edit` alike */

/** The defaults; clear with vr_settings_clear(). */
void vr_settings_init(VrSettings *settings);
/** A copy that owns its strings. */
void vr_settings_copy(VrSettings *to, const VrSettings *from);
void vr_settings_clear(VrSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VrSettings, vr_settings_clear)
/** Take every field of the request whose name is @prefix and a setting's: "" for `create`, "new_" for `edit`. */
void vr_settings_read(VrSettings *settings, const char *prefix, StoaRequest *req);
/** Bring codec lists into their plain form; false with "wrong_type" when a value does not fit. */
bool vr_settings_check(VrSettings *settings, GError **error);
/** Whether a codec is in a comma list. */
bool vr_codec_is_in(const char *list, const char *codec);

/* -- what hangs on the core's objects ---------------------------------------------------------------- */

typedef struct {
    VrSettings set;
    bool check_allowed;  /* only tokens in `allowed` may come in */
    bool destroyed;      /* everybody was told */
    GHashTable *allowed; /* set of tokens; never NULL */
    StoaRoomTimer *fir, *sweep;
} VrRoom;

/* A person who came in as a publisher. */
typedef struct {
    StoaHandle *handle;                    /* which took the seat; NULL: detached */
    uint32_t private_id;                   /* only its owner knows it */
    json_t *metadata;                      /* NULL: none */
    char *audiocodec, *videocodec;         /* the publisher's own choice; NULL: the room's lists */
    GPtrArray *gone;                       /* of VrGone: m-lines that were published once */
    int64_t bitrate;                       /* own wish; -1: the room's */
    int64_t active_packets, level_average; /* 0: the room's */
    bool told;       /* the others know of the person: they are told when it leaves */
    bool publishing; /* an offer was taken, the PeerConnection lives */
    bool up;         /* it is up: announced, and may be subscribed to */
    bool changed;    /* tracks came or went since it was announced */
    bool kicked;
} VrSeat;

/* An m-line of a publisher that carries nothing any more. */
typedef struct {
    char *mid;
    unsigned mindex;
    StoaKind kind;
} VrGone;

/* For how long players hold pictures back, in steps of 10 ms; -1: no such bound. */
typedef struct {
    int least, most;
} VrDelay;

enum { VR_MAX_DELAY = 4095, VR_DELAY_STEP_MS = 10 };

/* On a publisher's track. */
typedef struct {
    char *description;
    VrDelay delay;  /* for its subscribers */
    bool held;      /* by its sender: not relayed */
    bool moderated; /* muted by the room's owner */
    bool talking;
} VrTrack;

typedef enum { VR_NONE, VR_PUBLISHER, VR_SUBSCRIBER } VrKind;

typedef struct {
    VrKind kind; /* see vr_kind() */
    /* of a subscriber: */
    bool autoupdate; /* offer anew when a feed changed */
    bool paused;     /* nothing is sent */
    bool due;        /* an offer is, as soon as the one before was answered */
    bool by_offer;   /* its own offer: its slots stay when a feed goes */
    char feed[65];   /* with by_offer: shows that one only; "": any */
    unsigned last_n; /* it sees so many of those who spoke last; 0: who it named */
    VrDelay
        delay; /* as it asked for all its pictures: those of `last_n` that come later have it, too */
} VrHandle;

/* Who sends on a subscriber's data channels. */
typedef struct {
    char *feed, *mid;
} VrSource;

/* On a subscriber's sink. */
typedef struct {
    StoaHandle *handle; /* the subscriber: it owns the sink */
    char *crossrefid;
    GPtrArray *sources; /* of VrSource; data only */
    VrDelay delay;      /* by the subscriber */
    bool held;          /* likewise */
    bool is_last_n;     /* shows who spoke last: see lastn.c */
    int substream,
        temporal;    /* relayed now; -1: not known. Of SVC `substream` is the spatial layer */
    bool too_narrow; /* nothing is relayed: the subscriber's line cannot carry it */
    unsigned n_lost, n_lost_told; /* messages of data that the subscriber was too slow for */
    int64_t lost_told_us;
    int substream_target, temporal_target, spatial_target; /* wished at most */
} VrSlot;

/* -- videoroom.c ------------------------------------------------------------------------------------- */

enum { VR_PUBLISHED, VR_SUBSCRIBED, VR_SWITCHED, VR_KICKED, VR_DATA_LOST };

/** The arrays hold borrowed pointers, good as long as nobody leaves: free with g_ptr_array_unref(). */
GPtrArray *vr_tracks(StoaHandle *handle);
GPtrArray *vr_sinks(StoaHandle *handle);
GPtrArray *vr_people(StoaRoom *room);
GPtrArray *vr_handles(StoaRoom *room);
/** What a handle is now; VR_NONE as soon as it is in no room. */
VrKind vr_kind(StoaHandle *handle);
/** The handle of a request, if it is of that kind; NULL with `error`: 424 before a join, 423 for the other kind. */
StoaHandle *vr_handle_of(StoaRequest *req, VrKind kind, GError **error);
/** Give a handle back: it is nothing, and its PeerConnection ends. */
void vr_handle_reset(StoaHandle *handle);

/* -- room.c --------------------------------------------------------------------------------------------- */

/** The room that the request names, or "no_such_room". */
StoaRoom *vr_find_room(StoaRequest *req, GError **error);
/** The same for those who know its secret. */
StoaRoom *vr_find_own_room(StoaRequest *req, GError **error);
/** Replace the settings of a room that lives. */
void vr_room_apply(StoaRoom *room, const VrSettings *settings);
/** Tell everybody, end their PeerConnections, close. */
void vr_room_destroy(StoaRoom *room);
/** Rooms of the conf. */
bool vr_conf_room_check(const void *item, GError **error);
void vr_conf_room_set(StoaRoom *room, const void *item);
void vr_room_opened(StoaRoom *room);
void vr_room_closed(StoaRoom *room);
StoaHandler vr_on_create, vr_on_edit, vr_on_destroy, vr_on_exists, vr_on_list;

/* -- people.c -------------------------------------------------------------------------------------------- */

StoaHandler vr_on_allowed, vr_on_kick, vr_on_moderate, vr_on_listparticipants, vr_on_listforwarders,
    vr_on_unsupported;
/** Note tokens of an array field as allowed. */
void vr_allow(StoaRoom *room, StoaRequest *req, const char *field);
/** Whether the person may come in: pin, then token or the private id of somebody inside. */
bool vr_may_enter(StoaRoom *room, StoaRequest *req, StoaParticipant *owner, GError **error);
/** Who has that private id; NULL: nobody. */
StoaParticipant *vr_owner_of(StoaRoom *room, int64_t private_id);

/* -- kept.c ---------------------------------------------------------------------------------------------- */

/** The room and the seat of a handle that was attached with a participant token; NULL: it was not. */
StoaRoom *vr_seat(StoaRequest *req, StoaSeat *seat);
/** That room, if the request names no other: "unauthorized". Only with a seat. */
StoaRoom *vr_own_seat(StoaRequest *req, GError **error);
/** Whether the ids of a request are of this world: numbers, texts only with a seat. "wrong_type" */
bool vr_ids_fit(StoaRequest *req, GError **error);
/** Whether the role of a seat allows it to manage others; true without a seat. */
bool vr_may_manage(StoaRequest *req, const char *what, GError **error);
/** True with `error`: with a seat this is done through the rooms API. */
bool vr_is_elsewhere(StoaRequest *req, GError **error);
void vr_muted(StoaRoom *room, StoaParticipant *who);

/* -- publisher.c ----------------------------------------------------------------------------------------- */

bool vr_join_publisher(StoaRequest *req, GError **error);
bool vr_configure_publisher(StoaRequest *req, GError **error);
StoaHandler vr_on_publish, vr_on_unpublish;
void vr_left(StoaRoom *room, StoaParticipant *who);
void vr_publisher_up(StoaHandle *handle);
void vr_publisher_down(StoaHandle *handle);
void vr_track_added(StoaHandle *handle, StoaTrack *track);
void vr_track_removed(StoaHandle *handle, StoaTrack *track);
/** Tell its client the bitrate that now holds. */
void vr_bitrate(StoaParticipant *who);
int64_t vr_bitrate_of(StoaParticipant *who);
/** Watch who talks, or stop, as the room is set. */
void vr_watch(StoaTrack *track);
void vr_relay_or_not(StoaTrack *track);

/* -- subscriber.c ---------------------------------------------------------------------------------------- */

bool vr_join_subscriber(StoaRequest *req, GError **error);
bool vr_configure_subscriber(StoaRequest *req, GError **error);
StoaHandler vr_on_update, vr_on_subscribe, vr_on_unsubscribe, vr_on_start, vr_on_pause,
    vr_on_switch;
/** At the next turn of the loop: free the slots whose feed went, and offer anew. */
void vr_sweep_later(StoaRoom *room);
void vr_data_received(StoaHandle *handle, const char *label, const void *buf, size_t len,
                      bool text);

/* -- watcher.c ------------------------------------------------------------------------------------------- */

/** Join with an offer of the subscriber's own. @wants  what was asked for; empty: anything */
bool vr_join_watcher(StoaRequest *req, StoaRoom *room, StoaParticipant *owner, GArray *wants,
                     GError **error);
/** Somebody publishes: those that came with an offer of their own see it where they see nothing. */
void vr_watchers_see(StoaRoom *room, StoaParticipant *who);
/** Somebody went: what shows nothing now shows who is there. */
void vr_watcher_fill(StoaHandle *handle);

/* -- slot.c ------------------------------------------------------------------------------------------------ */

/* One wanted stream: of which track, and the request's item with its details (NULL: none). */
typedef struct {
    StoaTrack *track;
    const json_t *item;
} VrWant;

/** What an item of `streams` asks for: a feed's stream, or all of them. Adds to `wants` (of VrWant) or fails, 428. */
bool vr_want(StoaRequest *req, StoaRoom *room, const json_t *item, GArray *wants, GError **error);
/** All streams of a feed whose kind the three switches allow. */
bool vr_want_feed(StoaRoom *room, const char *feed, const bool kinds[3], const json_t *item,
                  GArray *wants, GError **error);
/** The stream of a feed; NULL with `error`, 428. */
StoaTrack *vr_find_stream(StoaRoom *room, const char *feed, const char *mid, GError **error);
VrSlot *vr_slot_new(StoaHandle *handle, StoaSink *sink);
/** Free the m-line. */
void vr_slot_drop(StoaSink *sink);
/** Give every wanted stream that is not there yet a slot. */
bool vr_slots_add(StoaHandle *handle, const GArray *wants, GError **error);
/** Make a slot of a sink that has its m-line. @item  its details; NULL: none */
void vr_slot_begin(StoaHandle *handle, StoaSink *sink, const json_t *item);
/** Free what an item of `streams` names: feed, feed and mid, or sub_mid. */
void vr_slots_drop(StoaHandle *handle, const char *feed, const char *mid, const char *sub_mid);
/** Free the slots whose feed is gone. True: something changed. */
bool vr_slots_sweep(StoaHandle *handle);
/** Show a track in a slot instead of what it shows now. False: kind or codec do not fit. */
bool vr_slot_show(StoaSink *sink, StoaTrack *track);
/** Whether a slot is in use and shows something. */
bool vr_slot_is_live(StoaSink *sink);
/** Whether messages of a feed go to it. */
bool vr_slot_has_source(StoaSink *sink, const char *feed);
/** Send or hold, as the slot and its handle say. */
void vr_slot_relay(StoaSink *sink);
/** Say how important a picture is on a narrow line: a shared screen (is_screen()), who has the floor, the others. */
void vr_slot_rank(StoaSink *sink);
/** send and the layers of an item. */
void vr_slot_configure(StoaSink *sink, const json_t *item);
/** T of the contract, all of a handle. */
json_t *vr_slots_json(StoaHandle *handle);

/* -- delay.c ------------------------------------------------------------------------------------------------ */

#define VR_NO_DELAY ((VrDelay){ -1, -1 })

/** Whether the delays of each item of an array field, or of the request itself (NULL), are in order: "wrong_type". */
bool vr_delays_fit(StoaRequest *req, const char *field, GError **error);
/** Take `min_delay` and `max_delay` of an item of `streams`, or of the whole request (NULL) for all pictures. */
void vr_track_delay(StoaTrack *track, StoaRequest *req, const json_t *item);
void vr_slot_delay(StoaSink *sink, StoaRequest *req, const json_t *item);
/** Keep what a subscriber asks for all its pictures, for those that it did not name; and give it to one of them. */
void vr_handle_delay(StoaHandle *handle, StoaRequest *req);
void vr_slot_inherit_delay(StoaSink *sink);

/* -- layers.c ----------------------------------------------------------------------------------------------- */

enum { VR_TOP_LAYER = 2 };

/* Which layers somebody asks for; -1 where nothing was said. */
typedef struct {
    int substream, temporal, spatial;
    int64_t fallback_us;
} VrLayers;

/** `substream`, `temporal` (`temporal_layer`), `spatial` (`spatial_layer`) and `fallback` of an item of `streams`, or of a request. */
VrLayers vr_layers_of_item(const json_t *item);
VrLayers vr_layers_of(StoaRequest *req);
void vr_slot_limit(StoaSink *sink, const VrLayers *layers);
void vr_layer_changed(StoaSink *sink, int substream, int temporal);
/** `simulcast` or `svc` of T, where the track has layers. */
void vr_layers_describe(json_t *item, const VrSlot *slot, const StoaTrackInfo *info);

/* -- lastn.c ------------------------------------------------------------------------------------------------ */

/** See so many of those who spoke last from now on; 0: what is seen now stays. An offer may be due. */
void vr_last_n_set(StoaHandle *handle, unsigned n);
/** Bring a subscriber with last_n up to date: swap, tell it; an offer may be due. */
void vr_last_n_update(StoaHandle *handle);
void vr_speaker(StoaRoom *room, StoaTrack *track, bool dominant);
/** What comes first on narrow lines changed. */
void vr_rank_all(StoaRoom *room);

/* -- notify.c ---------------------------------------------------------------------------------------------- */

extern const char *const vr_kinds[3]; /* by StoaKind: "audio" */

/** {"videoroom": "event", "room": …} */
json_t *vr_event(const StoaRoom *room);
/** {"videoroom": WHAT, "room": …} */
json_t *vr_body(const char *what, const StoaRoom *room);
/** S of the contract, all of a handle; `own`: for the sender itself. */
json_t *vr_streams_json(StoaHandle *handle, bool own);
/** P of the contract, of all that are up but one. */
json_t *vr_publishers_json(StoaRoom *room, StoaParticipant *except);
/** Those who are in without publishing, but one. */
json_t *vr_attendees_json(StoaRoom *room, StoaParticipant *except);
/** {id, display?, metadata?} */
json_t *vr_person_json(StoaParticipant *who);
/** The codec of the handle's first track of a kind; NULL: none. */
const char *vr_codec(StoaHandle *handle, StoaKind kind);
bool vr_is_talking(StoaHandle *handle);
/** Tell the others that a publisher is there, with its streams. */
void vr_announce(StoaParticipant *who);
/** Tell the others {WORD: id, display?}: unpublished, leaving, kicked (without the name). */
void vr_tell_gone(StoaRoom *room, StoaParticipant *who, const char *word);
void vr_talking(StoaTrack *track, bool talking, double average_dbov);
void vr_slow_link(StoaHandle *handle, const char *mid, StoaKind kind, bool uplink, unsigned lost);
