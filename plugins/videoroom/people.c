/* SPDX-License-Identifier: MIT */
/* Who may come in, and what a room's owner does with those inside. (Janus API, 10.1) */
#include "videoroom.h"

#include <string.h>

/* -- coming in ------------------------------------------------------------------------------------ */

StoaParticipant *vr_owner_of(StoaRoom *room, int64_t private_id)
{
    g_autoptr(GPtrArray) people = vr_people(room);

    for (guint i = 0; i < people->len; i++) {
        const VrSeat *seat = stoa_participant_state(people->pdata[i]);
        if (private_id != 0 && seat->private_id == private_id)
            return people->pdata[i];
    }
    return NULL;
}

static bool has_token(const VrRoom *state, StoaRequest *req)
{
    return stoa_request_has(req, "token") &&
           g_hash_table_contains(state->allowed, stoa_request_string(req, "token"));
}

bool vr_may_enter(StoaRoom *room, StoaRequest *req, StoaParticipant *owner, GError **error)
{
    const VrRoom *state = stoa_room_state(room);

    if (!stoa_request_knows(req, "pin", state->set.pin, error))
        return false;
    if (state->check_allowed && !owner && !has_token(state, req))
        return stoa_refuse(error, "unauthorized", "this room needs a token that it knows");
    return true;
}

void vr_allow(StoaRoom *room, StoaRequest *req, const char *field)
{
    VrRoom *state = stoa_room_state(room);
    const json_t *tokens = stoa_request_json(req, field);

    for (size_t i = 0; i < json_array_size(tokens); i++)
        g_hash_table_add(state->allowed, g_strdup(json_string_value(json_array_get(tokens, i))));
}

static void disallow(VrRoom *state, const json_t *tokens)
{
    for (size_t i = 0; i < json_array_size(tokens); i++)
        g_hash_table_remove(state->allowed, json_string_value(json_array_get(tokens, i)));
}

static json_t *allowed_json(const VrRoom *state)
{
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer token;

    g_hash_table_iter_init(&iter, state->allowed);
    while (g_hash_table_iter_next(&iter, &token, NULL))
        json_array_append_new(list, json_string(token));
    return list;
}

bool vr_on_allowed(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_is_elsewhere(req, error) ? NULL : vr_find_own_room(req, error);
    const char *action = stoa_request_string(req, "action");
    bool changes_list = g_str_equal(action, "add") || g_str_equal(action, "remove");

    if (!room)
        return false;
    if (changes_list && !stoa_request_has(req, "allowed"))
        return stoa_refuse(error, "missing_element", "\"%s\" needs \"allowed\": the tokens",
                           action);
    VrRoom *state = stoa_room_state(room);
    json_t *body = vr_body("success", room);
    if (g_str_equal(action, "disable")) {
        state->check_allowed = false;
        stoa_request_reply(req, body);
        return true;
    }
    if (g_str_equal(action, "enable"))
        state->check_allowed = true;
    if (g_str_equal(action, "remove"))
        disallow(state, stoa_request_json(req, "allowed"));
    else
        vr_allow(room, req, "allowed");
    json_object_set_new(body, "allowed", allowed_json(state));
    stoa_request_reply(req, body);
    return true;
}

/* -- moderation -------------------------------------------------------------------------------------- */

static StoaParticipant *find_person(StoaRequest *req, StoaRoom *room, GError **error)
{
    const char *id = stoa_request_id(req, "id");
    StoaParticipant *who = id ? stoa_room_find(room, id) : NULL;

    if (!who)
        stoa_refuse(error, "no_such_feed", "there is nobody with the id %s in room %s", id,
                    stoa_room_id(room));
    return who;
}

/* Handles that came in on behalf of somebody who must go. */
static void end_if_owned(StoaHandle *handle, void *data)
{
    if (vr_kind(handle) != VR_SUBSCRIBER || stoa_handle_participant(handle) != data)
        return;
    stoa_handle_leave(handle);
    vr_handle_reset(handle);
}

bool vr_on_kick(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_find_own_room(req, error);
    StoaParticipant *who = room ? find_person(req, room, error) : NULL;

    if (!who)
        return false;
    if (stoa_room_is_kept(room) && stoa_participant_role(who) == STOA_ROLE_HOST)
        return stoa_refuse(error, "forbidden", "nobody does that to the room's host");
    VrSeat *seat = stoa_participant_state(who);
    json_t *goodbye = vr_event(room);
    json_object_set_new(goodbye, "leaving", json_string("ok"));
    json_object_set_new(goodbye, "reason", json_string("kicked"));
    stoa_participant_send(who, NULL, goodbye);
    seat->kicked = true;
    stoa_room_count(room, VR_KICKED, 1);
    stoa_room_foreach_handle(room, end_if_owned, who);
    stoa_participant_remove(who);
    stoa_request_reply(req, json_pack("{s:s}", "videoroom", "success"));
    return true;
}

bool vr_on_moderate(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_find_own_room(req, error);
    StoaParticipant *who = room ? find_person(req, room, error) : NULL;
    const char *mid = stoa_request_string(req, "mid");
    bool mute = stoa_request_bool(req, "mute");

    if (!who)
        return false;
    if (stoa_room_is_kept(room) && stoa_participant_role(who) == STOA_ROLE_HOST)
        return stoa_refuse(error, "forbidden", "nobody does that to the room's host");
    StoaHandle *handle = stoa_participant_handle(who);
    StoaTrack *track = handle ? stoa_handle_track(handle, mid) : NULL;
    if (!track)
        return stoa_refuse(error, "no_such_feed", "%s publishes no stream with the mid %.64s",
                           stoa_participant_id(who), mid);
    VrTrack *mine = stoa_track_data(track);
    if (mine->moderated != mute) {
        json_t *body = vr_event(room);
        mine->moderated = mute;
        vr_relay_or_not(track);
        json_object_set_new(body, "id", stoa_participant_id_json(who));
        json_object_set_new(body, "mid", json_string(mid));
        json_object_set_new(body, "moderation", json_string(mute ? "muted" : "unmuted"));
        stoa_room_broadcast(room, NULL, body);
    }
    stoa_request_reply(req, json_pack("{s:s}", "videoroom", "success"));
    return true;
}

/* -- lists --------------------------------------------------------------------------------------------- */

static json_t *participant_json(StoaParticipant *who, bool with_talking)
{
    const VrSeat *seat = stoa_participant_state(who);
    StoaHandle *handle = stoa_participant_handle(who);
    json_t *item = vr_person_json(who);

    json_object_set_new(item, "publisher", json_boolean(seat->up));
    if (with_talking && seat->up && handle)
        json_object_set_new(item, "talking", json_boolean(vr_is_talking(handle)));
    return item;
}

bool vr_on_listparticipants(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_find_room(req, error);

    if (!room)
        return false;
    const VrRoom *state = stoa_room_state(room);
    if (stoa_request_has(req, "secret") &&
        !stoa_request_knows(req, "secret", state->set.secret, error))
        return false;
    g_autoptr(GPtrArray) people = vr_people(room);
    json_t *list = json_array();
    for (guint i = 0; i < people->len; i++)
        json_array_append_new(list,
                              participant_json(people->pdata[i], state->set.audiolevel_event));
    json_t *body = vr_body("participants", room);
    json_object_set_new(body, "participants", list);
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_listforwarders(StoaRequest *req, GError **error)
{
    StoaRoom *room = vr_find_own_room(req, error);

    if (!room)
        return false;
    json_t *body = vr_body("forwarders", room);
    json_object_set_new(body, "publishers", json_array());
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_unsupported(StoaRequest *req G_GNUC_UNUSED, GError **error)
{
    return stoa_refuse(
        error, "unsupported",
        "this gateway neither records nor forwards RTP yet: see docs/modules/videoroom.md");
}
