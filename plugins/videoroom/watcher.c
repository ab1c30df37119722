/* SPDX-License-Identifier: MIT */
/* Subscribers that make the offer: players that negotiate once and never again (WHEP). Their m-lines stay when a feed goes, and show
 * the next that fits. */
#include "videoroom.h"

#include <string.h>

/* What an offer is answered with. */
typedef struct {
    const GArray *wants; /* of VrWant, in the order in which they take m-lines */
    bool full[3];        /* by kind: no m-line is left */
    unsigned n_taken;
} Wiring;

static const char *first_codec(const GArray *wants, StoaKind kind, const StoaTrackInfo **info)
{
    for (guint i = 0; i < wants->len; i++) {
        *info = stoa_track_info(g_array_index(wants, VrWant, i).track);
        if ((*info)->kind == kind)
            return (*info)->codec;
    }
    *info = NULL;
    return NULL;
}

/* The answer takes the feed's codecs, whatever the player would like best. Of pictures that the feed does not have yet it takes
 * all that the room's publishers may send, of sound what they are asked for first. */
static StoaMediaRules rules_of(const VrSettings *set, const GArray *wants)
{
    const StoaTrackInfo *info;
    StoaMediaRules rules = { .send = true, .opus_red = true };

    rules.audio_codecs = first_codec(wants, STOA_AUDIO, &info);
    rules.video_codecs = first_codec(wants, STOA_VIDEO, &info);
    rules.h264_profile = info ? info->h264_profile : set->h264_profile;
    rules.vp9_profile = info ? info->vp9_profile : set->vp9_profile;
    if (!rules.audio_codecs)
        rules.audio_codecs = set->audiocodec;
    rules.every_video_codec = !rules.video_codecs;
    if (!rules.video_codecs)
        rules.video_codecs = set->videocodec;
    return rules;
}

/* What is left of the offer waits for whoever comes: the player negotiates once. */
static void reserve(StoaHandle *handle, Wiring *wiring)
{
    static const StoaKind kinds[] = { STOA_AUDIO, STOA_VIDEO };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        StoaSink *sink;
        while ((sink = stoa_handle_reserve(handle, kinds[i]))) {
            vr_slot_begin(handle, sink, NULL);
            wiring->n_taken++;
        }
    }
}

static void wire(StoaHandle *handle, void *data)
{
    Wiring *wiring = data;

    for (guint i = 0; i < wiring->wants->len; i++) {
        const VrWant *want = &g_array_index(wiring->wants, VrWant, i);
        StoaKind kind = stoa_track_info(want->track)->kind;
        StoaSink *sink = wiring->full[kind] ? NULL : stoa_track_send(want->track, handle, NULL);
        if (sink && stoa_sink_mid(sink)) {
            vr_slot_begin(handle, sink, want->item);
            wiring->n_taken++;
        } else if (sink) {
            wiring->full[kind] = true;
            stoa_sink_remove(sink);
        }
    }
    reserve(handle, wiring);
}

/* Audio and video of everybody, in the order they came. */
static void want_all(StoaRoom *room, GArray *wants)
{
    static const bool kinds[3] = { [STOA_AUDIO] = true, [STOA_VIDEO] = true };
    g_autoptr(GPtrArray) people = vr_people(room);

    for (guint i = 0; i < people->len; i++)
        vr_want_feed(room, stoa_participant_id(people->pdata[i]), kinds, NULL, wants, NULL);
}

static void drop_data(GArray *wants)
{
    for (guint i = wants->len; i-- > 0;) {
        if (stoa_track_info(g_array_index(wants, VrWant, i).track)->kind == STOA_DATA)
            g_array_remove_index(wants, i);
    }
}

/* The feed that all of it is of; NULL: of several, or of any. */
static const char *only_feed(StoaRequest *req)
{
    const char *feed = stoa_request_has(req, "feed") ? stoa_request_id(req, "feed") : NULL;
    const json_t *item;

    for (size_t i = 0; (item = stoa_request_item(req, "streams", i)); i++) {
        const char *other = stoa_item_id(req, item, "feed");
        if (feed && g_strcmp0(feed, other) != 0)
            return NULL;
        feed = other;
    }
    return feed;
}

static bool attach(StoaRequest *req, const GArray *wants, GError **error)
{
    const VrRoom *room = stoa_room_state(stoa_request_room(req));
    StoaMediaRules rules = rules_of(&room->set, wants);
    Wiring wiring = { .wants = wants };

    if (!stoa_request_wire_offer(req, &rules, wire, &wiring, error))
        return false;
    return wiring.n_taken > 0 ||
           stoa_refuse(error, "no_codec",
                       "the offer has no m-line for what is published here: it must take %s and %s",
                       rules.audio_codecs, rules.video_codecs);
}

bool vr_join_watcher(StoaRequest *req, StoaRoom *room, StoaParticipant *owner, GArray *wants,
                     GError **error)
{
    StoaHandle *handle = stoa_request_handle(req);
    VrHandle *state = stoa_handle_state(handle);

    if (wants->len == 0)
        want_all(room, wants);
    drop_data(wants);
    if (wants->len == 0)
        return stoa_refuse(error, "no_such_feed", "nobody publishes in this room now");
    const char *feed = only_feed(req);
    stoa_handle_enter(handle, room, owner);
    *state = (VrHandle){ .kind = VR_SUBSCRIBER, .by_offer = true, .delay = VR_NO_DELAY };
    g_strlcpy(state->feed, feed ? feed : "", sizeof state->feed);
    if (attach(req, wants, error))
        return true;
    stoa_handle_leave(handle);
    vr_handle_reset(handle);
    return false;
}

/* -- what comes after ------------------------------------------------------------------------------ */

static bool is_shown(const GPtrArray *sinks, const StoaTrack *track)
{
    for (guint i = 0; i < sinks->len; i++) {
        if (stoa_sink_track(sinks->pdata[i]) == track)
            return true;
    }
    return false;
}

static void offer_to(StoaHandle *handle, StoaTrack *track)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    if (is_shown(sinks, track))
        return;
    for (guint i = 0; i < sinks->len; i++) {
        StoaSink *sink = sinks->pdata[i];
        if (stoa_sink_active(sink) && !stoa_sink_track(sink) && vr_slot_show(sink, track))
            return;
    }
}

static void offer_all(StoaHandle *handle, StoaParticipant *who)
{
    const VrHandle *state = stoa_handle_state(handle);
    StoaHandle *theirs = stoa_participant_handle(who);

    if (!theirs || (*state->feed && strcmp(state->feed, stoa_participant_id(who)) != 0))
        return;
    g_autoptr(GPtrArray) tracks = vr_tracks(theirs);
    for (guint i = 0; i < tracks->len; i++)
        offer_to(handle, tracks->pdata[i]);
}

void vr_watchers_see(StoaRoom *room, StoaParticipant *who)
{
    g_autoptr(GPtrArray) handles = vr_handles(room);

    for (guint i = 0; i < handles->len; i++) {
        const VrHandle *state = stoa_handle_state(handles->pdata[i]);
        if (vr_kind(handles->pdata[i]) == VR_SUBSCRIBER && state->by_offer)
            offer_all(handles->pdata[i], who);
    }
}

void vr_watcher_fill(StoaHandle *handle)
{
    g_autoptr(GPtrArray) people = vr_people(stoa_handle_room(handle));

    for (guint i = 0; i < people->len; i++) {
        const VrSeat *seat = stoa_participant_state(people->pdata[i]);
        if (seat->up)
            offer_all(handle, people->pdata[i]);
    }
}
