/* SPDX-License-Identifier: MIT */
/* Those who are in the room to be seen and heard. (Janus API, 10.2) */
#include "videoroom.h"

#include <string.h>
#include <sys/random.h>

enum { MAX_METADATA = 16384 };

/* -- tracks ------------------------------------------------------------------------------------------ */

static void track_data_free(gpointer data)
{
    VrTrack *mine = data;

    g_free(mine->description);
    g_free(mine);
}

static void gone_free(gpointer data)
{
    VrGone *gone = data;

    g_free(gone->mid);
    g_free(gone);
}

void vr_relay_or_not(StoaTrack *track)
{
    const VrTrack *mine = stoa_track_data(track);

    stoa_track_mute(track, mine->held || mine->moderated);
}

void vr_watch(StoaTrack *track)
{
    StoaParticipant *who = stoa_handle_participant(stoa_track_handle(track));

    if (stoa_track_info(track)->kind != STOA_AUDIO || !who)
        return;
    const VrSettings *set = &((const VrRoom *)stoa_room_state(stoa_participant_room(who)))->set;
    const VrSeat *seat = stoa_participant_state(who);
    int64_t packets = seat->active_packets ? seat->active_packets : set->audio_active_packets;
    int64_t level = seat->level_average ? seat->level_average : set->audio_level_average;

    stoa_track_watch_voice(track, true);
    stoa_track_watch_level(track, set->audiolevel_event ? (unsigned)packets : 0, (unsigned)level);
}

static VrSeat *seat_of(StoaHandle *handle)
{
    StoaParticipant *who = stoa_handle_participant(handle);

    return who && vr_kind(handle) == VR_PUBLISHER ? stoa_participant_state(who) : NULL;
}

static void forget_gone(VrSeat *seat, const char *mid)
{
    for (guint i = 0; seat->gone && i < seat->gone->len; i++) {
        const VrGone *gone = seat->gone->pdata[i];
        if (g_str_equal(gone->mid, mid)) {
            g_ptr_array_remove_index(seat->gone, i);
            return;
        }
    }
}

void vr_track_added(StoaHandle *handle, StoaTrack *track)
{
    VrSeat *seat = seat_of(handle);

    VrTrack *mine = g_new0(VrTrack, 1);
    mine->delay = VR_NO_DELAY;
    stoa_track_set_data(track, mine, track_data_free);
    if (!seat)
        return;
    seat->changed = true;
    forget_gone(seat, stoa_track_info(track)->mid);
    vr_watch(track);
}

void vr_track_removed(StoaHandle *handle, StoaTrack *track)
{
    const StoaTrackInfo *info = stoa_track_info(track);
    StoaRoom *room = stoa_handle_room(handle);
    VrSeat *seat = seat_of(handle);

    if (room)
        vr_sweep_later(room);
    if (!seat || !seat->publishing)
        return;
    VrGone *gone = g_new0(VrGone, 1);
    *gone = (VrGone){ g_strdup(info->mid), info->mindex, info->kind };
    if (!seat->gone)
        seat->gone = g_ptr_array_new_with_free_func(gone_free);
    forget_gone(seat, info->mid);
    g_ptr_array_add(seat->gone, gone);
    seat->changed = true;
}

/* -- bitrate ---------------------------------------------------------------------------------------- */

int64_t vr_bitrate_of(StoaParticipant *who)
{
    const VrSettings *set = &((const VrRoom *)stoa_room_state(stoa_participant_room(who)))->set;
    const VrSeat *seat = stoa_participant_state(who);

    if (seat->bitrate < 0)
        return set->bitrate;
    if (set->bitrate_cap && set->bitrate > 0)
        return seat->bitrate == 0 ? set->bitrate : MIN(seat->bitrate, set->bitrate);
    return seat->bitrate;
}

void vr_bitrate(StoaParticipant *who)
{
    const VrSeat *seat = stoa_participant_state(who);

    if (seat->handle && seat->publishing)
        stoa_handle_bitrate(seat->handle, (uint32_t)vr_bitrate_of(who));
}

/* -- configure ----------------------------------------------------------------------------------------- */

/* Everything that could be refused is looked at before anything changes. */
static bool check_codec(StoaRequest *req, const char *field, const char *list, GError **error)
{
    const char *codec = stoa_request_string(req, field);

    if (codec && !vr_codec_is_in(list, codec))
        return stoa_refuse(error, "wrong_type", "%s \"%.32s\" is not among this room's: %s", field,
                           codec, list);
    return true;
}

static bool check_fields(StoaRequest *req, const VrRoom *state, GError **error)
{
    const json_t *metadata = stoa_request_json(req, "metadata");

    if (metadata && json_dumpb(metadata, NULL, 0, JSON_COMPACT) > MAX_METADATA)
        return stoa_refuse(error, "wrong_type", "\"metadata\" may have %d bytes", MAX_METADATA);
    return check_codec(req, "audiocodec", state->set.audiocodec, error) &&
           check_codec(req, "videocodec", state->set.videocodec, error) &&
           vr_delays_fit(req, NULL, error) && vr_delays_fit(req, "streams", error);
}

static void note_text(StoaRequest *req, const char *field, char **text)
{
    if (!stoa_request_has(req, field))
        return;
    g_free(*text);
    *text = g_strdup(stoa_request_string(req, field));
}

static void note_metadata(StoaRequest *req, VrSeat *seat)
{
    const json_t *metadata = stoa_request_json(req, "metadata");

    if (!metadata)
        return;
    json_decref(seat->metadata);
    seat->metadata = json_deep_copy(metadata);
}

static void note_wishes(StoaRequest *req, VrSeat *seat)
{
    if (stoa_request_has(req, "bitrate"))
        seat->bitrate = stoa_request_int(req, "bitrate");
    if (stoa_request_has(req, "audio_active_packets"))
        seat->active_packets = stoa_request_int(req, "audio_active_packets");
    if (stoa_request_has(req, "audio_level_average"))
        seat->level_average = stoa_request_int(req, "audio_level_average");
    note_text(req, "audiocodec", &seat->audiocodec);
    note_text(req, "videocodec", &seat->videocodec);
}

static bool change_name(StoaRequest *req, StoaParticipant *who, GError **error)
{
    const char *display = stoa_request_string(req, "display");
    bool names = stoa_request_has(req, "display") && !stoa_room_is_kept(stoa_participant_room(who));
    bool notes = stoa_request_has(req, "metadata");

    if (names && !stoa_participant_set_name(who, display && *display ? display : NULL, error))
        return false;
    note_metadata(req, stoa_participant_state(who));
    if (!names && !notes)
        return true;
    if (notes) /* it may say that this is a screen */
        vr_rank_all(stoa_participant_room(who));
    json_t *body = vr_event(stoa_participant_room(who));
    json_t *person = vr_person_json(who);
    json_object_update(body, person);
    json_decref(person);
    stoa_room_broadcast_except(stoa_participant_room(who), who, NULL, body);
    return true;
}

/* What the sender wishes of one track: all of a kind, or the item of its mid. */
static void configure_track(StoaRequest *req, StoaTrack *track)
{
    const StoaTrackInfo *info = stoa_track_info(track);
    VrTrack *mine = stoa_track_data(track);
    bool keyframe = stoa_request_bool(req, "keyframe");
    const json_t *item;

    if (stoa_request_has(req, vr_kinds[info->kind]))
        mine->held = !stoa_request_bool(req, vr_kinds[info->kind]);
    vr_track_delay(track, req, NULL);
    for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++) {
        if (g_strcmp0(stoa_item_string(item, "mid"), info->mid) != 0)
            continue;
        if (stoa_item_has(item, "send"))
            mine->held = !stoa_item_bool(item, "send");
        vr_track_delay(track, req, item);
        keyframe |= stoa_item_bool(item, "keyframe");
    }
    vr_relay_or_not(track);
    vr_watch(track);
    if (keyframe)
        stoa_track_keyframe(track);
}

static void describe_tracks(StoaRequest *req, StoaHandle *handle, VrSeat *seat)
{
    const json_t *item;
    bool is_news = false;

    for (size_t i = 0; (item = stoa_request_item(req, "descriptions", i)); i++) {
        const char *mid = stoa_item_string(item, "mid");
        const char *text = stoa_item_string(item, "description");
        StoaTrack *track = mid ? stoa_handle_track(handle, mid) : NULL;
        VrTrack *mine = track ? stoa_track_data(track) : NULL;
        if (!mine || g_strcmp0(mine->description, text) == 0)
            continue;
        g_free(mine->description);
        mine->description = g_strdup(text);
        is_news = seat->changed = true;
    }
    if (is_news)
        vr_rank_all(stoa_handle_room(handle));
}

/* Only those who are up: an offer alone costs its sender nothing, and must not keep others out. */
static bool has_place(StoaRoom *room, GError **error)
{
    const VrSettings *set = &((const VrRoom *)stoa_room_state(room))->set;
    g_autoptr(GPtrArray) people = vr_people(room);
    int64_t n = 0;

    for (guint i = 0; i < people->len; i++)
        n += ((const VrSeat *)stoa_participant_state(people->pdata[i]))->up;
    return n < set->publishers ||
           stoa_refuse(error, "publishers_full",
                       "the room has its %" PRId64 " publishers: one must stop first",
                       set->publishers);
}

static bool accept_offer(StoaRequest *req, StoaRoom *room, VrSeat *seat, GError **error)
{
    const VrSettings *set = &((const VrRoom *)stoa_room_state(room))->set;
    StoaMediaRules rules = {
        .receive = true,
        .data = true,
        .audio_codecs = seat->audiocodec ? seat->audiocodec : set->audiocodec,
        .video_codecs = seat->videocodec ? seat->videocodec : set->videocodec,
        .h264_profile = set->h264_profile,
        .vp9_profile = set->vp9_profile,
        .no_audio_level = !set->audiolevel_ext,
        .no_orientation = !set->videoorient_ext,
        .no_playout_delay = !set->playoutdelay_ext,
        .no_transport_cc = !set->transport_wide_cc_ext,
        .opus_fec = set->opus_fec,
        .opus_dtx = set->opus_dtx,
        /* who seals takes redundant audio for one frame: nobody else could take it apart again */
        .opus_red = set->opus_red && !stoa_room_seals_media(room),
    };

    if (!seat->publishing && !has_place(room, error))
        return false;
    if (!stoa_request_accept_offer(req, &rules, error))
        return false;
    seat->publishing = true;
    return true;
}

static bool check(StoaRequest *req, StoaRoom *room, GError **error)
{
    if (stoa_request_jsep(req) == STOA_JSEP_ANSWER)
        return stoa_refuse(error, "wrong_jsep", "a publisher sends an offer, not an answer");
    return check_fields(req, stoa_room_state(room), error);
}

/* All but checks and reply. */
static bool configure(StoaRequest *req, StoaHandle *handle, StoaParticipant *who, GError **error)
{
    VrSeat *seat = stoa_participant_state(who);
    StoaRoom *room = stoa_participant_room(who);

    note_wishes(req, seat);
    if (stoa_request_jsep(req) == STOA_JSEP_OFFER && !accept_offer(req, room, seat, error))
        return false;
    vr_bitrate(who);
    describe_tracks(req, handle, seat);
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);
    for (guint i = 0; i < tracks->len; i++)
        configure_track(req, tracks->pdata[i]);
    if (seat->up && seat->changed)
        vr_announce(who);
    return true;
}

static void add_media(StoaRequest *req, StoaHandle *handle, json_t *body)
{
    const char *audio = vr_codec(handle, STOA_AUDIO), *video = vr_codec(handle, STOA_VIDEO);

    if (stoa_request_jsep(req) != STOA_JSEP_OFFER)
        return;
    if (audio)
        json_object_set_new(body, "audio_codec", json_string(audio));
    if (video)
        json_object_set_new(body, "video_codec", json_string(video));
    json_object_set_new(body, "streams", vr_streams_json(handle, true));
}

bool vr_configure_publisher(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    StoaParticipant *who = stoa_handle_participant(handle);

    if (!check(req, stoa_handle_room(handle), error) || !change_name(req, who, error) ||
        !configure(req, handle, who, error))
        return false;
    json_t *body = vr_event(stoa_handle_room(handle));
    json_object_set_new(body, "configured", json_string("ok"));
    add_media(req, handle, body);
    stoa_request_reply(req, body);
    return true;
}

bool vr_on_publish(StoaRequest *req, GError **error)
{
    return vr_handle_of(req, VR_PUBLISHER, error) && vr_configure_publisher(req, error);
}

/* -- join -------------------------------------------------------------------------------------------------- */

static uint32_t new_private_id(StoaRoom *room)
{
    uint32_t id = 0;

    while (id == 0 || vr_owner_of(room, id)) {
        if (getrandom(&id, sizeof id, 0) != sizeof id)
            id = 0;
    }
    return id;
}

static StoaParticipant *take_seat(StoaRequest *req, StoaRoom *room, GError **error)
{
    const char *display = stoa_request_string(req, "display");
    StoaSeat seat = { .id = stoa_request_has(req, "id") ? stoa_request_id(req, "id") : NULL,
                      .name = display && *display ? display : NULL };
    if (stoa_room_is_kept(room)) /* who one is, the token says */
        vr_seat(req, &seat);
    uint32_t private_id = new_private_id(room);
    StoaHandle *handle = stoa_request_handle(req);
    StoaParticipant *who = stoa_handle_join(handle, room, &seat, error);

    if (!who)
        return NULL;
    VrSeat *state = stoa_participant_state(who);
    *state = (VrSeat){ .handle = handle, .private_id = private_id, .bitrate = -1 };
    note_metadata(req, state);
    ((VrHandle *)stoa_handle_state(handle))->kind = VR_PUBLISHER;
    return who;
}

static void tell_joining(StoaRoom *room, StoaParticipant *who)
{
    const VrRoom *state = stoa_room_state(room);
    VrSeat *seat = stoa_participant_state(who);

    seat->told = true;
    if (!state->set.notify_joining)
        return;
    json_t *body = vr_event(room);
    json_object_set_new(body, "joining", vr_person_json(who));
    stoa_room_broadcast_except(room, who, NULL, body);
}

static json_t *joined_json(StoaRoom *room, StoaParticipant *who)
{
    const VrRoom *state = stoa_room_state(room);
    const VrSeat *seat = stoa_participant_state(who);
    json_t *body = vr_body("joined", room);

    json_object_set_new(body, "description", json_string(state->set.description));
    json_object_set_new(body, "id", stoa_participant_id_json(who));
    json_object_set_new(body, "private_id", json_integer(seat->private_id));
    json_object_set_new(body, "publishers", vr_publishers_json(room, who));
    if (state->set.notify_joining)
        json_object_set_new(body, "attendees", vr_attendees_json(room, who));
    return body;
}

bool vr_join_publisher(StoaRequest *req, GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    StoaRoom *room = vr_find_room(req, error);

    if (!room || !vr_may_enter(room, req, NULL, error) || !check(req, room, error))
        return false;
    StoaParticipant *who = take_seat(req, room, error);
    if (!who)
        return false;
    if (!configure(req, handle, who, error)) {
        stoa_handle_leave(handle); /* nobody was told yet */
        return false;
    }
    tell_joining(room, who);
    json_t *body = joined_json(room, who);
    add_media(req, handle, body);
    stoa_request_reply(req, body);
    return true;
}

/* -- up, and the end -------------------------------------------------------------------------------------------------- */

/* Somebody else may have taken the last place since the offer. */
void vr_publisher_up(StoaHandle *handle)
{
    StoaParticipant *who = stoa_handle_participant(handle);
    StoaRoom *room = stoa_handle_room(handle);
    VrSeat *seat = stoa_participant_state(who);
    g_autoptr(GError) error = NULL;

    if (!has_place(room, &error)) {
        json_t *body = vr_event(room);
        json_object_set_new(body, "error_code",
                            json_integer(stoa_module_number(stoa_handle_module(handle), error)));
        json_object_set_new(body, "error", json_string(error->message));
        stoa_handle_send(handle, body);
        stoa_handle_hangup(handle);
        return;
    }
    seat->up = true;
    stoa_room_count(room, VR_PUBLISHED, 1);
    vr_announce(who);
}

void vr_publisher_down(StoaHandle *handle)
{
    StoaParticipant *who = stoa_handle_participant(handle);
    StoaRoom *room = stoa_handle_room(handle);
    VrSeat *seat = stoa_participant_state(who);
    bool was_up = seat->up;

    seat->publishing = seat->up = seat->changed = false;
    g_clear_pointer(&seat->gone, g_ptr_array_unref);
    if (was_up)
        vr_tell_gone(room, who, "unpublished");
    vr_sweep_later(room);
}

bool vr_on_unpublish(StoaRequest *req, GError **error)
{
    StoaHandle *handle = vr_handle_of(req, VR_PUBLISHER, error);

    if (!handle)
        return false;
    const VrSeat *seat = stoa_participant_state(stoa_handle_participant(handle));
    if (!seat->up)
        return stoa_refuse(error, "not_published", "you publish nothing");
    json_t *body = vr_event(stoa_handle_room(handle));
    json_object_set_new(body, "unpublished", json_string("ok"));
    stoa_request_reply(req, body);
    stoa_request_hangup(req);
    return true;
}

void vr_left(StoaRoom *room, StoaParticipant *who)
{
    const VrRoom *state = stoa_room_state(room);
    VrSeat *seat = stoa_participant_state(who);

    if (seat->handle)
        vr_handle_reset(seat->handle);
    if (seat->told && !state->destroyed)
        vr_tell_gone(room, who, seat->kicked ? "kicked" : "leaving");
    vr_sweep_later(room);
    json_decref(seat->metadata);
    g_free(seat->audiocodec);
    g_free(seat->videocodec);
    g_clear_pointer(&seat->gone, g_ptr_array_unref);
}
