/* SPDX-License-Identifier: MIT */
/* Subscribers that want the people who spoke last: a few m-lines whose sources are swapped, and who has the floor. */
#include "videoroom.h"

/* -- who shall be seen ------------------------------------------------------------------------------- */

/* The first picture of somebody who publishes; NULL: there is none. */
static StoaTrack *camera_of(StoaParticipant *who)
{
    const VrSeat *seat = who ? stoa_participant_state(who) : NULL;
    StoaHandle *handle = seat && seat->up ? stoa_participant_handle(who) : NULL;
    g_autoptr(GPtrArray) tracks = handle ? vr_tracks(handle) : g_ptr_array_new();

    for (guint i = 0; i < tracks->len; i++) {
        if (stoa_track_info(tracks->pdata[i])->kind == STOA_VIDEO)
            return tracks->pdata[i];
    }
    return NULL;
}

static void add_camera(GPtrArray *list, guint most, StoaParticipant *who)
{
    StoaTrack *track = list->len < most ? camera_of(who) : NULL;

    if (track && !g_ptr_array_find(list, track, NULL))
        g_ptr_array_add(list, track);
}

/* Those who spoke last, then those who came first; never oneself. */
static GPtrArray *wanted(StoaHandle *handle)
{
    const VrHandle *state = stoa_handle_state(handle);
    StoaRoom *room = stoa_handle_room(handle);
    StoaParticipant *own = stoa_handle_participant(handle);
    g_autoptr(GPtrArray) people = vr_people(room);
    GPtrArray *list = g_ptr_array_new();
    StoaTrack *track;

    for (unsigned i = 0; (track = stoa_room_speaker(room, i)); i++) {
        StoaParticipant *who = stoa_handle_participant(stoa_track_handle(track));
        if (who != own)
            add_camera(list, state->last_n, who);
    }
    for (guint i = 0; i < people->len; i++) {
        if (people->pdata[i] != own)
            add_camera(list, state->last_n, people->pdata[i]);
    }
    return list;
}

/* -- where they are seen -------------------------------------------------------------------------------- */

static GPtrArray *slots_of(StoaHandle *handle)
{
    GPtrArray *sinks = vr_sinks(handle);

    for (guint i = sinks->len; i-- > 0;) {
        const VrSlot *slot = stoa_sink_data(sinks->pdata[i]);
        if (!slot || !slot->is_last_n || !stoa_sink_active(sinks->pdata[i]))
            g_ptr_array_remove_index(sinks, i);
    }
    return sinks;
}

static bool is_shown(const GPtrArray *slots, const StoaTrack *track)
{
    for (guint i = 0; i < slots->len; i++) {
        if (stoa_sink_track(slots->pdata[i]) == track)
            return true;
    }
    return false;
}

static bool is_free(StoaSink *sink, GPtrArray *tracks)
{
    StoaTrack *track = stoa_sink_track(sink);

    return !track || !g_ptr_array_find(tracks, track, NULL);
}

static void note(json_t *changes, StoaSink *sink)
{
    StoaTrack *track = stoa_sink_track(sink);
    StoaParticipant *who = stoa_handle_participant(stoa_track_handle(track));
    json_t *item = json_pack("{s:s*, s:o, s:s, s:s*}", "mid", stoa_sink_mid(sink), "feed_id",
                             stoa_participant_id_json(who), "feed_mid", stoa_track_info(track)->mid,
                             "feed_display", stoa_participant_name(who));

    json_array_append_new(changes, item);
}

/* In a free slot that takes its codec. False: there is none. */
static bool swap_in(const GPtrArray *slots, StoaTrack *track, GPtrArray *tracks, json_t *changes)
{
    for (guint i = 0; i < slots->len; i++) {
        StoaSink *sink = slots->pdata[i];
        if (!is_free(sink, tracks) || !vr_slot_show(sink, track))
            continue;
        note(changes, sink);
        stoa_room_count(stoa_handle_room(stoa_track_handle(track)), VR_SWITCHED, 1);
        return true;
    }
    return false;
}

/* On an m-line of its own: with the next offer. */
static void add_slot(StoaHandle *handle, StoaTrack *track)
{
    StoaSink *sink = stoa_track_send(track, handle, NULL);

    if (!sink)
        return;
    vr_slot_new(handle, sink)->is_last_n = true;
    vr_slot_inherit_delay(sink);
    vr_slot_relay(sink);
}

/* One that shows nobody who is wanted, for its codec fits none of them; true: there was one. */
static bool drop_free(GPtrArray *slots, GPtrArray *tracks)
{
    for (guint i = 0; i < slots->len; i++) {
        if (!is_free(slots->pdata[i], tracks))
            continue;
        vr_slot_drop(slots->pdata[i]);
        g_ptr_array_remove_index(slots, i);
        return true;
    }
    return false;
}

void vr_last_n_update(StoaHandle *handle)
{
    const VrHandle *state = stoa_handle_state(handle);
    g_autoptr(GPtrArray) tracks = wanted(handle), slots = slots_of(handle);
    json_t *changes = json_array();

    while (slots->len > state->last_n && drop_free(slots, tracks))
        ;
    for (guint i = 0; i < tracks->len; i++) {
        StoaTrack *track = tracks->pdata[i];
        if (is_shown(slots, track) || swap_in(slots, track, tracks, changes))
            continue;
        if (slots->len < state->last_n || drop_free(slots, tracks)) {
            add_slot(handle, track);
            g_clear_pointer(&slots, g_ptr_array_unref);
            slots = slots_of(handle);
        }
    }
    if (json_array_size(changes) > 0) {
        json_t *body = vr_event(stoa_handle_room(handle));
        json_object_set(body, "last_n", changes);
        stoa_handle_send(handle, body);
    }
    json_decref(changes);
}

void vr_last_n_set(StoaHandle *handle, unsigned n)
{
    VrHandle *state = stoa_handle_state(handle);
    g_autoptr(GPtrArray) slots = slots_of(handle);

    state->last_n = n;
    for (guint i = 0; n == 0 && i < slots->len; i++) /* they stay as they are */
        ((VrSlot *)stoa_sink_data(slots->pdata[i]))->is_last_n = false;
    if (n > 0)
        vr_last_n_update(handle);
}

/* -- who speaks ---------------------------------------------------------------------------------------- */

static void tell_dominant(StoaRoom *room, StoaTrack *track)
{
    StoaParticipant *who = stoa_handle_participant(stoa_track_handle(track));
    const StoaTrackInfo *info = stoa_track_info(track);
    json_t *body = vr_body("dominant-speaker", room);

    json_object_set_new(body, "id", stoa_participant_id_json(who));
    json_object_set_new(body, "mindex", json_integer(info->mindex));
    json_object_set_new(body, "mid", json_string(info->mid));
    stoa_room_broadcast(room, NULL, body);
}

static void rank_all(StoaHandle *handle)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < sinks->len; i++)
        vr_slot_rank(sinks->pdata[i]);
}

void vr_rank_all(StoaRoom *room)
{
    g_autoptr(GPtrArray) handles = vr_handles(room);

    for (guint i = 0; i < handles->len; i++)
        if (vr_kind(handles->pdata[i]) == VR_SUBSCRIBER)
            rank_all(handles->pdata[i]);
}

void vr_speaker(StoaRoom *room, StoaTrack *track, bool dominant)
{
    const VrRoom *state = stoa_room_state(room);
    g_autoptr(GPtrArray) handles = vr_handles(room);

    if (vr_kind(stoa_track_handle(track)) != VR_PUBLISHER)
        return;
    if (dominant && state->set.speaker_event)
        tell_dominant(room, track);
    if (dominant)
        vr_rank_all(room);
    for (guint i = 0; i < handles->len; i++) {
        const VrHandle *theirs = stoa_handle_state(handles->pdata[i]);
        if (vr_kind(handles->pdata[i]) == VR_SUBSCRIBER && theirs->last_n > 0)
            vr_last_n_update(handles->pdata[i]);
        if (theirs->last_n > 0 && stoa_handle_needs_offer(handles->pdata[i]))
            vr_sweep_later(room); /* another codec: it takes another m-line */
    }
}
