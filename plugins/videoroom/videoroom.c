/* SPDX-License-Identifier: MIT */
/* Rooms in which people publish streams and subscribe to those of others. (Janus API, section 10)
 *
 * Read first: videoroom.h. Publishers are the participants of a room; a subscriber is a handle that entered without a seat. */
#include "videoroom.h"

#include "params.h"

/* -- lists ------------------------------------------------------------------------------------------- */

static void add_track(StoaTrack *track, void *list)
{
    g_ptr_array_add(list, track);
}

static void add_sink(StoaSink *sink, void *list)
{
    g_ptr_array_add(list, sink);
}

static void add_person(StoaParticipant *who, void *list)
{
    g_ptr_array_add(list, who);
}

static void add_handle(StoaHandle *handle, void *list)
{
    g_ptr_array_add(list, handle);
}

GPtrArray *vr_tracks(StoaHandle *handle)
{
    GPtrArray *list = g_ptr_array_new();

    stoa_handle_foreach_track(handle, add_track, list);
    return list;
}

GPtrArray *vr_sinks(StoaHandle *handle)
{
    GPtrArray *list = g_ptr_array_new();

    stoa_handle_foreach_sink(handle, add_sink, list);
    return list;
}

GPtrArray *vr_people(StoaRoom *room)
{
    GPtrArray *list = g_ptr_array_new();

    stoa_room_foreach(room, add_person, list);
    return list;
}

GPtrArray *vr_handles(StoaRoom *room)
{
    GPtrArray *list = g_ptr_array_new();

    stoa_room_foreach_handle(room, add_handle, list);
    return list;
}

/* -- handles ------------------------------------------------------------------------------------------ */

VrKind vr_kind(StoaHandle *handle)
{
    const VrHandle *state = stoa_handle_state(handle);

    return stoa_handle_room(handle) ? state->kind : VR_NONE;
}

StoaHandle *vr_handle_of(StoaRequest *req, VrKind kind, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    VrKind is = vr_kind(handle);

    if (is == kind)
        return handle;
    if (is == VR_NONE)
        stoa_refuse(error, "not_joined", "join a room first");
    else
        stoa_refuse(error, "wrong_handle", "this request is for %s; this handle is a %s",
                    kind == VR_PUBLISHER ? "publishers" : "subscribers",
                    is == VR_PUBLISHER ? "publisher" : "subscriber");
    return NULL;
}

void vr_handle_reset(StoaHandle *handle)
{
    VrHandle *state = stoa_handle_state(handle);

    *state = (VrHandle){ 0 };
    if (stoa_handle_has_media(handle))
        stoa_handle_hangup(handle);
}

static void detached(StoaHandle *handle)
{
    if (vr_kind(handle) != VR_PUBLISHER)
        return;
    VrSeat *seat = stoa_participant_state(stoa_handle_participant(handle));
    seat->handle = NULL;
}

static void ask_keyframe(StoaSink *sink, void *data G_GNUC_UNUSED)
{
    StoaTrack *track = stoa_sink_track(sink);

    if (track)
        stoa_track_keyframe(track);
}

static void connected(StoaHandle *handle)
{
    StoaRoom *room = stoa_handle_room(handle);

    if (vr_kind(handle) == VR_SUBSCRIBER) {
        stoa_room_count(room, VR_SUBSCRIBED, 1);
        stoa_handle_foreach_sink(handle, ask_keyframe, NULL);
        return;
    }
    if (vr_kind(handle) == VR_PUBLISHER)
        vr_publisher_up(handle);
}

static void disconnected(StoaHandle *handle, const char *reason G_GNUC_UNUSED)
{
    VrHandle *state = stoa_handle_state(handle);

    if (vr_kind(handle) == VR_PUBLISHER)
        vr_publisher_down(handle);
    if (vr_kind(handle) == VR_SUBSCRIBER) {
        *state = (VrHandle){ 0 };
        stoa_handle_leave(handle);
    }
}

static json_t *info(StoaHandle *handle)
{
    static const char *const names[] = { "none", "publisher", "subscriber" };
    VrKind kind = vr_kind(handle);
    json_t *body = json_pack("{s:s}", "type", names[kind]);

    if (kind != VR_NONE)
        json_object_set_new(body, "room", stoa_room_id_json(stoa_handle_room(handle)));
    if (kind == VR_PUBLISHER) {
        json_t *person = vr_person_json(stoa_handle_participant(handle));
        json_object_update(body, person);
        json_decref(person);
        json_object_set_new(body, "streams", vr_streams_json(handle, true));
    }
    if (kind == VR_SUBSCRIBER)
        json_object_set_new(body, "streams", vr_slots_json(handle));
    return body;
}

/* -- requests of both kinds of handle --------------------------------------------------------------------- */

static bool on_join(StoaRequest *req, GError **error)
{
    if (vr_kind(stoa_request_handle(req)) != VR_NONE)
        return stoa_refuse(error, "already_joined", "this handle is in a room already");
    if (g_str_equal(stoa_request_string(req, "ptype"), "publisher"))
        return vr_join_publisher(req, error);
    return vr_join_subscriber(req, error);
}

static bool on_configure(StoaRequest *req, GError **error)
{
    if (vr_kind(stoa_request_handle(req)) == VR_SUBSCRIBER)
        return vr_configure_subscriber(req, error);
    return vr_handle_of(req, VR_PUBLISHER, error) && vr_configure_publisher(req, error);
}

static bool got_stats(StoaRequest *req, const json_t *stats, GError **error G_GNUC_UNUSED)
{
    StoaRoom *room = stoa_request_room(req);
    json_t *body = room ? vr_body("stats", room) : json_pack("{s:s}", "videoroom", "stats");

    json_object_update(body, (json_t *)stats);
    stoa_request_reply(req, body);
    return true;
}

static bool on_stats(StoaRequest *req, GError **error)
{
    if (vr_kind(stoa_request_handle(req)) == VR_NONE)
        return stoa_refuse(error, "not_joined", "join a room first");
    stoa_request_stats(req, got_stats);
    return true;
}

/* Without ending its PeerConnection: the reply shall come before `hangup`. */
static void give_up_seat(StoaHandle *handle)
{
    VrHandle *state = stoa_handle_state(handle);

    if (state->kind == VR_PUBLISHER)
        ((VrSeat *)stoa_participant_state(stoa_handle_participant(handle)))->handle = NULL;
    *state = (VrHandle){ 0 };
    stoa_handle_leave(handle);
}

static bool on_leave(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    VrKind kind = vr_kind(handle);

    if (kind == VR_NONE)
        return stoa_refuse(error, "not_joined", "this handle is in no room");
    json_t *body = vr_event(stoa_handle_room(handle));
    json_object_set_new(body, kind == VR_SUBSCRIBER ? "left" : "leaving", json_string("ok"));
    stoa_request_reply(req, body);
    give_up_seat(handle);
    stoa_request_hangup(req);
    return true;
}

/* -- tables ---------------------------------------------------------------------------------------------- */

/* clang-format off */
#define SYNC(name, handler, params, help)  { name, handler, STOA_ROLE_ANYONE, params, help, true }
#define ASYNC(name, handler, params, help) { name, handler, STOA_ROLE_ANYONE, params, help, false }
/* clang-format on */

static const StoaMethod methods[] = {
    SYNC("create", vr_on_create, vr_create_params, "Make a room"),
    SYNC("edit", vr_on_edit, vr_edit_params, "Change a room"),
    SYNC("destroy", vr_on_destroy, vr_owner_params, "End a room for everybody"),
    SYNC("exists", vr_on_exists, vr_room_params, "Whether there is such a room"),
    SYNC("list", vr_on_list, vr_list_params, "All rooms that are not private"),
    SYNC("listparticipants", vr_on_listparticipants, vr_owner_params, "Who is in a room"),
    SYNC("allowed", vr_on_allowed, vr_allowed_params, "Whose tokens open the room"),
    SYNC("kick", vr_on_kick, vr_person_params, "Make somebody leave"),
    SYNC("moderate", vr_on_moderate, vr_moderate_params, "Mute somebody's stream for all"),
    SYNC("listforwarders", vr_on_listforwarders, vr_owner_params, "RTP forwarders: none yet"),
    SYNC("enable_recording", vr_on_unsupported, NULL, "Not supported yet"),
    SYNC("rtp_forward", vr_on_unsupported, NULL, "Not supported yet"),
    SYNC("stop_rtp_forward", vr_on_unsupported, NULL, "Not supported yet"),
    ASYNC("join", on_join, vr_join_params, "Come in, as a publisher or as a subscriber"),
    ASYNC("joinandconfigure", on_join, vr_join_params, "Come in and publish at once"),
    ASYNC("publish", vr_on_publish, vr_configure_params, "Start to publish: with an offer"),
    ASYNC("configure", on_configure, vr_configure_params, "Change what you send or get"),
    ASYNC("unpublish", vr_on_unpublish, NULL, "Stop to publish"),
    ASYNC("leave", on_leave, NULL, "Leave the room"),
    ASYNC("stats", on_stats, NULL, "What is measured of your own streams"),
    ASYNC("start", vr_on_start, NULL, "Start with your answer, or go on after a pause"),
    ASYNC("pause", vr_on_pause, NULL, "Get nothing until start"),
    ASYNC("subscribe", vr_on_subscribe, vr_subscribe_params, "Add streams"),
    ASYNC("unsubscribe", vr_on_unsubscribe, vr_unsubscribe_params, "Take streams away"),
    ASYNC("update", vr_on_update, vr_update_params, "Add and take away at once"),
    ASYNC("switch", vr_on_switch, vr_switch_params, "Show other streams in the same slots"),
    { NULL },
};

static const StoaOption options[] = {
    { "admin_key", STOA_STRING, STOA_LIVE | STOA_SECRET, offsetof(VrConf, admin_key), "", 0, 0,
      "Needed to create rooms and to list private ones; empty: anybody may create" },
    { "max_rooms", STOA_INT, STOA_LIVE, offsetof(VrConf, max_rooms), "10000", 0, INT32_MAX,
      "Rooms at one time; 0: no limit" },
    { NULL },
};

static const StoaGroup groups[] = {
    { "room-", vr_room_options, sizeof(VrSettings), offsetof(VrConf, rooms),
      offsetof(VrConf, n_rooms), "A room that is always there, by its number" },
    { NULL },
};

static const StoaMetric metrics[] = {
    [VR_PUBLISHED] = { "published_total", "Publishers that came up" },
    [VR_SUBSCRIBED] = { "subscribed_total", "Subscribers that came up" },
    [VR_SWITCHED] = { "switched_total", "Streams that were switched in place" },
    [VR_KICKED] = { "kicked_total", "People who were kicked" },
    [VR_DATA_LOST] = { "data_lost_total", "Data messages that a subscriber was too slow for" },
    { NULL },
};

/* Janus API, 10.5. The first row of a code serves its nameless failures. */
static const StoaNumber numbers[] = {
    { "wrong_type", STOA_ERROR_INVALID, 430 },      { "no_message", STOA_ERROR_INVALID, 421 },
    { "bad_json", STOA_ERROR_INVALID, 422 },        { "missing_element", STOA_ERROR_INVALID, 429 },
    { "unknown_request", STOA_ERROR_INVALID, 423 }, { "wrong_handle", STOA_ERROR_INVALID, 423 },
    { "unsupported", STOA_ERROR_INVALID, 423 },     { "bad_sdp", STOA_ERROR_INVALID, 437 },
    { "no_codec", STOA_ERROR_INVALID, 437 },        { "wrong_jsep", STOA_ERROR_CONFLICT, 431 },
    { "wrong_state", STOA_ERROR_CONFLICT, 431 },    { "not_joined", STOA_ERROR_CONFLICT, 424 },
    { "already_joined", STOA_ERROR_CONFLICT, 425 }, { "no_such_feed", STOA_ERROR_NOT_FOUND, 428 },
    { "no_such_room", STOA_ERROR_NOT_FOUND, 426 },  { "room_exists", STOA_ERROR_CONFLICT, 427 },
    { "too_many_rooms", STOA_ERROR_LIMIT, 499 },    { "publishers_full", STOA_ERROR_LIMIT, 432 },
    { "unauthorized", STOA_ERROR_FORBIDDEN, 433 },  { "forbidden", STOA_ERROR_FORBIDDEN, 433 },
    { "not_published", STOA_ERROR_CONFLICT, 435 },  { "id_taken", STOA_ERROR_CONFLICT, 436 },
    { "unknown", STOA_ERROR_INTERNAL, 499 },        { NULL },
};

STOA_PLUGIN(.name = "videoroom", .version = "1.0",
            .summary = "Rooms in which people publish and subscribe to streams",
            .vocabulary = "videoroom", .scope = STOA_SCOPE_ROOM,
            .caps = STOA_CAP_MEDIA | STOA_CAP_DATA, .methods = methods, .options = options,
            .groups = groups, .metrics = metrics, .numbers = numbers, .conf_size = sizeof(VrConf),
            .room_size = sizeof(VrRoom), .participant_size = sizeof(VrSeat),
            .handle_size = sizeof(VrHandle), .conf_rooms = "room-",
            .conf_room_check = vr_conf_room_check, .conf_room_set = vr_conf_room_set,
            .conf_room_gone = vr_room_destroy, .room_opened = vr_room_opened,
            .room_closed = vr_room_closed, .left = vr_left, .detached = detached, .info = info,
            .connected = connected, .disconnected = disconnected, .track_added = vr_track_added,
            .track_removed = vr_track_removed, .layer_changed = vr_layer_changed, .muted = vr_muted,
            .talking = vr_talking, .speaker = vr_speaker, .slow_link = vr_slow_link,
            .data_received = vr_data_received)
