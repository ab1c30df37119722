/* SPDX-License-Identifier: MIT */
/* What people are told of each other: the P and S objects of the contract, and the events. (Janus API, 10.2) */
#include "videoroom.h"

#include <string.h>

const char *const vr_kinds[3] = {
    [STOA_AUDIO] = "audio", [STOA_VIDEO] = "video", [STOA_DATA] = "data"
};

json_t *vr_body(const char *what, const StoaRoom *room)
{
    return json_pack("{s:s, s:o}", "videoroom", what, "room", stoa_room_id_json(room));
}

json_t *vr_event(const StoaRoom *room)
{
    return vr_body("event", room);
}

/* -- objects ---------------------------------------------------------------------------------------- */

static void set_if(json_t *object, const char *name, bool on)
{
    if (on)
        json_object_set_new(object, name, json_true());
}

static void set_number_if(json_t *object, const char *name, int number)
{
    if (number > 0)
        json_object_set_new(object, name, json_integer(number));
}

static json_t *stream_json(StoaTrack *track, bool own)
{
    const StoaTrackInfo *info = stoa_track_info(track);
    const VrTrack *mine = stoa_track_data(track);
    json_t *item = json_pack("{s:s, s:i, s:s, s:s*, s:s*, s:s*, s:s*}", "type",
                             vr_kinds[info->kind], "mindex", (int)info->mindex, "mid", info->mid,
                             "codec", info->codec, "description", mine ? mine->description : NULL,
                             "h264_profile", info->h264_profile, "vp9_profile", info->vp9_profile);

    set_if(item, "moderated", mine && mine->moderated);
    set_if(item, "simulcast", info->simulcast);
    set_if(item, "svc", info->svc);
    set_if(item, "fec", info->opus_fec);
    if (mine && info->kind == STOA_AUDIO && info->audio_level_id > 0)
        json_object_set_new(item, "talking", json_boolean(mine->talking));
    if (own) {
        set_number_if(item, "audiolevel_ext_id", info->audio_level_id);
        set_number_if(item, "videoorient_ext_id", info->orientation_id);
        set_number_if(item, "playoutdelay_ext_id", info->playout_delay_id);
    }
    return item;
}

static json_t *gone_json(const VrGone *gone)
{
    return json_pack("{s:s, s:i, s:s, s:b}", "type", vr_kinds[gone->kind], "mindex",
                     (int)gone->mindex, "mid", gone->mid, "disabled", true);
}

json_t *vr_streams_json(StoaHandle *handle, bool own)
{
    const VrSeat *seat = stoa_participant_state(stoa_handle_participant(handle));
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);
    json_t *list = json_array();

    for (guint i = 0; i < tracks->len; i++)
        json_array_append_new(list, stream_json(tracks->pdata[i], own));
    for (guint i = 0; seat->gone && i < seat->gone->len; i++)
        json_array_append_new(list, gone_json(seat->gone->pdata[i]));
    return list;
}

const char *vr_codec(StoaHandle *handle, StoaKind kind)
{
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);

    for (guint i = 0; i < tracks->len; i++) {
        const StoaTrackInfo *info = stoa_track_info(tracks->pdata[i]);
        if (info->kind == kind)
            return info->codec;
    }
    return NULL;
}

bool vr_is_talking(StoaHandle *handle)
{
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);

    for (guint i = 0; i < tracks->len; i++) {
        const VrTrack *mine = stoa_track_data(tracks->pdata[i]);
        if (mine && mine->talking)
            return true;
    }
    return false;
}

static bool is_simulcast(StoaHandle *handle)
{
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);

    for (guint i = 0; i < tracks->len; i++) {
        if (stoa_track_info(tracks->pdata[i])->simulcast)
            return true;
    }
    return false;
}

json_t *vr_person_json(StoaParticipant *who)
{
    const VrSeat *seat = stoa_participant_state(who);

    return json_pack("{s:o, s:s*, s:O*}", "id", stoa_participant_id_json(who), "display",
                     stoa_participant_name(who), "metadata", seat->metadata);
}

static json_t *publisher_json(StoaParticipant *who)
{
    const VrRoom *state = stoa_room_state(stoa_participant_room(who));
    StoaHandle *handle = stoa_participant_handle(who);
    const char *audio = vr_codec(handle, STOA_AUDIO), *video = vr_codec(handle, STOA_VIDEO);
    json_t *item = vr_person_json(who);

    if (audio)
        json_object_set_new(item, "audio_codec", json_string(audio));
    if (video)
        json_object_set_new(item, "video_codec", json_string(video));
    if (audio && state->set.audiolevel_event)
        json_object_set_new(item, "talking", json_boolean(vr_is_talking(handle)));
    set_if(item, "simulcast", is_simulcast(handle));
    json_object_set_new(item, "streams", vr_streams_json(handle, false));
    return item;
}

static bool is_up(StoaParticipant *who)
{
    const VrSeat *seat = stoa_participant_state(who);

    return seat->up && stoa_participant_handle(who);
}

json_t *vr_publishers_json(StoaRoom *room, StoaParticipant *except)
{
    g_autoptr(GPtrArray) people = vr_people(room);
    json_t *list = json_array();

    for (guint i = 0; i < people->len; i++) {
        if (people->pdata[i] != except && is_up(people->pdata[i]))
            json_array_append_new(list, publisher_json(people->pdata[i]));
    }
    return list;
}

json_t *vr_attendees_json(StoaRoom *room, StoaParticipant *except)
{
    g_autoptr(GPtrArray) people = vr_people(room);
    json_t *list = json_array();

    for (guint i = 0; i < people->len; i++) {
        if (people->pdata[i] != except && !is_up(people->pdata[i]))
            json_array_append_new(list, vr_person_json(people->pdata[i]));
    }
    return list;
}

/* -- events ---------------------------------------------------------------------------------------------- */

void vr_announce(StoaParticipant *who)
{
    StoaRoom *room = stoa_participant_room(who);
    VrSeat *seat = stoa_participant_state(who);
    json_t *body = vr_event(room);

    seat->changed = false;
    json_object_set_new(body, "publishers", json_pack("[o]", publisher_json(who)));
    stoa_room_broadcast_except(room, who, NULL, body);
    vr_watchers_see(room, who);
    vr_sweep_later(room); /* some want to see whoever there is */
}

void vr_tell_gone(StoaRoom *room, StoaParticipant *who, const char *word)
{
    json_t *body = vr_event(room);

    json_object_set_new(body, word, stoa_participant_id_json(who));
    if (stoa_participant_name(who) &&
        !g_str_equal(word, "kicked")) /* Janode would see a new name */
        json_object_set_new(body, "display", json_string(stoa_participant_name(who)));
    stoa_room_broadcast_except(room, who, NULL, body);
}

void vr_talking(StoaTrack *track, bool talking, double average_dbov)
{
    const StoaTrackInfo *info = stoa_track_info(track);
    StoaHandle *handle = stoa_track_handle(track);
    StoaRoom *room = stoa_handle_room(handle);
    VrTrack *mine = stoa_track_data(track);

    if (!room || !mine || vr_kind(handle) != VR_PUBLISHER)
        return;
    mine->talking = talking;
    json_t *body = vr_body(talking ? "talking" : "stopped-talking", room);
    json_object_set_new(body, "id", stoa_participant_id_json(stoa_handle_participant(handle)));
    json_object_set_new(body, "mindex", json_integer(info->mindex));
    json_object_set_new(body, "mid", json_string(info->mid));
    json_object_set_new(body, "audio-level-dBov-avg", json_real(average_dbov));
    stoa_room_broadcast(room, NULL, body);
}

void vr_slow_link(StoaHandle *handle, const char *mid G_GNUC_UNUSED, StoaKind kind G_GNUC_UNUSED,
                  bool uplink, unsigned lost G_GNUC_UNUSED)
{
    if (!uplink || vr_kind(handle) != VR_PUBLISHER)
        return;
    int64_t bitrate = vr_bitrate_of(stoa_handle_participant(handle));
    stoa_handle_send(handle, json_pack("{s:s, s:I}", "videoroom", "slow_link", "current-bitrate",
                                       (json_int_t)bitrate));
}
