/* SPDX-License-Identifier: MIT */
/* Rooms of the rooms API: who attached with a token is that person in that room. Room, id, name and role are the core's; what
 * is managed elsewhere cannot be changed here. */
#include "videoroom.h"

#include <string.h>

StoaRoom *vr_seat(StoaRequest *req, StoaSeat *seat)
{
    StoaHandle *handle = stoa_request_handle(req);

    return handle ? stoa_handle_seat(handle, seat) : NULL;
}

static bool id_fits(const json_t *item, const char *name, GError **error)
{
    if (!json_is_string(json_object_get(item, name)))
        return true;
    return stoa_refuse(error, "wrong_type", "\"%s\" must be an integer, not a string", name);
}

bool vr_ids_fit(StoaRequest *req, GError **error)
{
    static const char *const names[] = { "room", "id", "feed" };
    static const char *const lists[] = { "streams", "subscribe", "unsubscribe" };
    StoaSeat seat;
    const json_t *item;

    if (vr_seat(req, &seat))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (json_is_string(stoa_request_json(req, names[i])))
            return stoa_refuse(error, "wrong_type", "\"%s\" must be an integer, not a string",
                               names[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (size_t j = 0; (item = stoa_request_item(req, lists[i], j)); j++) {
            if (!id_fits(item, "feed", error))
                return false;
        }
    }
    return true;
}

StoaRoom *vr_own_seat(StoaRequest *req, GError **error)
{
    StoaSeat seat;
    StoaRoom *room = vr_seat(req, &seat);
    const char *named = stoa_request_has(req, "room") ? stoa_request_id(req, "room") : NULL;

    if (named && strcmp(named, stoa_room_id(room)) != 0) {
        stoa_refuse(error, "unauthorized", "this handle belongs to another room");
        return NULL;
    }
    return room;
}

bool vr_may_manage(StoaRequest *req, const char *what, GError **error)
{
    StoaSeat seat;

    if (!vr_seat(req, &seat))
        return true;
    if (seat.role < STOA_ROLE_COHOST)
        return stoa_refuse(error, "forbidden", "your role does not allow \"%s\"", what);
    return true;
}

bool vr_is_elsewhere(StoaRequest *req, GError **error)
{
    StoaSeat seat;

    if (!vr_seat(req, &seat))
        return false;
    stoa_refuse(error, "forbidden",
                "rooms of the rooms API are managed there: PATCH /api/v1/rooms");
    return true;
}

static void hold_audio(StoaTrack *track, void *data)
{
    VrTrack *mine = stoa_track_data(track);
    StoaParticipant *who = data;

    if (!mine || stoa_track_info(track)->kind != STOA_AUDIO || mine->held)
        return;
    mine->held = true;
    vr_relay_or_not(track);
    json_t *body = vr_event(stoa_participant_room(who));
    json_object_set_new(body, "id", stoa_participant_id_json(who));
    json_object_set_new(body, "mid", json_string(stoa_track_info(track)->mid));
    json_object_set_new(body, "moderation", json_string("muted"));
    stoa_room_broadcast(stoa_participant_room(who), NULL, body);
}

/* As if the publisher had switched its audio off: `configure` switches it on again. */
void vr_muted(StoaRoom *room G_GNUC_UNUSED, StoaParticipant *who)
{
    StoaHandle *handle = stoa_participant_handle(who);

    if (handle && vr_kind(handle) == VR_PUBLISHER)
        stoa_handle_foreach_track(handle, hold_audio, who);
}
