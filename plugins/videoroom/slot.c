/* SPDX-License-Identifier: MIT */
/* The slots of a subscriber: one m-line each, and what it shows. (Janus API, 10.3: T) */
#include "videoroom.h"

#include <string.h>

/* -- what hangs on a sink --------------------------------------------------------------------------- */

static void source_free(gpointer data)
{
    VrSource *source = data;

    g_free(source->feed);
    g_free(source->mid);
    g_free(source);
}

static void slot_free(gpointer data)
{
    VrSlot *slot = data;

    g_free(slot->crossrefid);
    g_ptr_array_unref(slot->sources);
    g_free(slot);
}

VrSlot *vr_slot_new(StoaHandle *handle, StoaSink *sink)
{
    VrSlot *slot = g_new0(VrSlot, 1);

    slot->handle = handle;
    slot->sources = g_ptr_array_new_with_free_func(source_free);
    slot->substream = slot->temporal = -1;
    slot->delay = VR_NO_DELAY;
    slot->substream_target = slot->temporal_target = slot->spatial_target = VR_TOP_LAYER;
    stoa_sink_set_data(sink, slot, slot_free);
    return slot;
}

/* Who sends a track; NULL when the person has left already. */
static StoaParticipant *feed_of(const StoaTrack *track)
{
    return track ? stoa_handle_participant(stoa_track_handle(track)) : NULL;
}

static const VrSource *first_source(const VrSlot *slot)
{
    return slot->sources->len > 0 ? slot->sources->pdata[0] : NULL;
}

bool vr_slot_is_live(StoaSink *sink)
{
    const VrSlot *slot = stoa_sink_data(sink);

    if (!slot || !stoa_sink_active(sink))
        return false;
    return stoa_sink_kind(sink) == STOA_DATA ? slot->sources->len > 0
                                             : stoa_sink_track(sink) != NULL;
}

bool vr_slot_has_source(StoaSink *sink, const char *feed)
{
    const VrSlot *slot = stoa_sink_data(sink);

    for (guint i = 0; slot && i < slot->sources->len; i++) {
        if (g_str_equal(((const VrSource *)slot->sources->pdata[i])->feed, feed))
            return true;
    }
    return false;
}

void vr_slot_relay(StoaSink *sink)
{
    const VrSlot *slot = stoa_sink_data(sink);
    const VrHandle *state = slot ? stoa_handle_state(slot->handle) : NULL;

    if (!slot)
        return;
    stoa_sink_pause(sink, slot->held || state->paused);
    vr_slot_rank(sink);
}

/* By what its publisher says of the stream ("Screen of Ana"), or of all its streams. */
static bool is_screen(const StoaTrack *track)
{
    const VrTrack *theirs = stoa_track_data(track);
    StoaParticipant *who = feed_of(track);
    const VrSeat *seat = who ? stoa_participant_state(who) : NULL;

    return (theirs && theirs->description &&
            g_ascii_strncasecmp(theirs->description, "screen", strlen("screen")) == 0) ||
           (seat && json_is_true(json_object_get(seat->metadata, "screen")));
}

void vr_slot_rank(StoaSink *sink)
{
    enum { OTHERS, SPEAKER, SCREEN };
    const VrSlot *slot = stoa_sink_data(sink);
    StoaTrack *track = stoa_sink_track(sink);
    StoaRoom *room = slot ? stoa_handle_room(slot->handle) : NULL;
    StoaTrack *voice = room ? stoa_room_dominant(room) : NULL;

    if (!track || stoa_sink_kind(sink) != STOA_VIDEO)
        return;
    if (is_screen(track))
        stoa_sink_priority(sink, SCREEN);
    else
        stoa_sink_priority(sink, voice && feed_of(track) == feed_of(voice) ? SPEAKER : OTHERS);
}

void vr_slot_configure(StoaSink *sink, const json_t *item)
{
    VrSlot *slot = stoa_sink_data(sink);

    if (!slot)
        return;
    if (stoa_item_has(item, "send"))
        slot->held = !stoa_item_bool(item, "send");
    const VrLayers layers = vr_layers_of_item(item);
    vr_slot_limit(sink, &layers);
    vr_slot_delay(sink, NULL, item);
    vr_slot_relay(sink);
}

/* -- what is wanted ------------------------------------------------------------------------------------ */

static StoaHandle *find_feed(StoaRoom *room, const char *feed, GError **error)
{
    StoaParticipant *who = feed ? stoa_room_find(room, feed) : NULL;
    const VrSeat *seat = who ? stoa_participant_state(who) : NULL;
    StoaHandle *handle = seat && seat->up ? stoa_participant_handle(who) : NULL;

    if (!handle)
        stoa_refuse(error, "no_such_feed", "nobody with the id %s publishes in this room",
                    feed ? feed : "(none)");
    return handle;
}

static void add_want(GArray *wants, StoaTrack *track, const json_t *item)
{
    VrWant want = { track, item };

    g_array_append_val(wants, want);
}

StoaTrack *vr_find_stream(StoaRoom *room, const char *feed, const char *mid, GError **error)
{
    StoaHandle *handle = find_feed(room, feed, error);
    StoaTrack *track = handle ? stoa_handle_track(handle, mid) : NULL;

    if (handle && !track)
        stoa_refuse(error, "no_such_feed", "%s publishes no stream with the mid %.64s", feed, mid);
    return track;
}

bool vr_want_feed(StoaRoom *room, const char *feed, const bool kinds[3], const json_t *item,
                  GArray *wants, GError **error)
{
    StoaHandle *handle = find_feed(room, feed, error);

    if (!handle)
        return false;
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);
    for (guint i = 0; i < tracks->len; i++) {
        if (kinds[stoa_track_info(tracks->pdata[i])->kind])
            add_want(wants, tracks->pdata[i], item);
    }
    return true;
}

bool vr_want(StoaRequest *req, StoaRoom *room, const json_t *item, GArray *wants, GError **error)
{
    static const bool all[3] = { true, true, true };
    const char *feed = stoa_item_id(req, item, "feed");

    if (!feed)
        return stoa_refuse(error, "missing_element", "a stream to subscribe to needs \"feed\"");
    if (!stoa_item_has(item, "mid"))
        return vr_want_feed(room, feed, all, item, wants, error);
    StoaTrack *track = vr_find_stream(room, feed, stoa_item_string(item, "mid"), error);
    if (!track)
        return false;
    add_want(wants, track, item);
    return true;
}

/* -- adding and taking away -------------------------------------------------------------------------------- */

static void add_source(VrSlot *slot, const StoaTrack *track)
{
    const char *feed = stoa_participant_id(feed_of(track));
    VrSource *source;

    for (guint i = 0; i < slot->sources->len; i++) {
        if (g_str_equal(((VrSource *)slot->sources->pdata[i])->feed, feed))
            return;
    }
    source = g_new(VrSource, 1);
    *source = (VrSource){ g_strdup(feed), g_strdup(stoa_track_info(track)->mid) };
    g_ptr_array_add(slot->sources, source);
}

/* One m-line carries the data of all feeds. */
static bool add_data(StoaHandle *handle, StoaTrack *track, GError **error)
{
    StoaSink *sink = stoa_track_send(track, handle, error);

    if (!sink)
        return false;
    VrSlot *slot = stoa_sink_data(sink);
    add_source(slot ? slot : vr_slot_new(handle, sink), track);
    return true;
}

static bool is_there(StoaHandle *handle, const StoaTrack *track, const char *crossrefid)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < sinks->len; i++) {
        const VrSlot *slot = stoa_sink_data(sinks->pdata[i]);
        if (slot && !slot->is_last_n && stoa_sink_active(sinks->pdata[i]) &&
            stoa_sink_track(sinks->pdata[i]) == track &&
            g_strcmp0(slot->crossrefid, crossrefid) == 0)
            return true;
    }
    return false;
}

void vr_slot_begin(StoaHandle *handle, StoaSink *sink, const json_t *item)
{
    VrSlot *slot = vr_slot_new(handle, sink);

    if (!item) {
        vr_slot_relay(sink);
        return;
    }
    slot->crossrefid = g_strdup(stoa_item_string(item, "crossrefid"));
    vr_slot_configure(sink, item);
}

static bool add_slot(StoaHandle *handle, const VrWant *want, GError **error)
{
    const char *crossrefid = want->item ? stoa_item_string(want->item, "crossrefid") : NULL;

    if (stoa_track_info(want->track)->kind == STOA_DATA)
        return add_data(handle, want->track, error);
    if (is_there(handle, want->track, crossrefid))
        return true;
    StoaSink *sink = stoa_track_send(want->track, handle, error);
    if (!sink)
        return false;
    vr_slot_begin(handle, sink, want->item);
    return true;
}

bool vr_slots_add(StoaHandle *handle, const GArray *wants, GError **error)
{
    for (guint i = 0; i < wants->len; i++) {
        if (!add_slot(handle, &g_array_index(wants, VrWant, i), error))
            return false;
    }
    return true;
}

void vr_slot_drop(StoaSink *sink)
{
    stoa_sink_remove(sink);
    stoa_sink_set_data(sink, NULL, NULL);
}

static void drop_source(StoaSink *sink, const char *feed)
{
    VrSlot *slot = stoa_sink_data(sink);

    for (guint i = 0; i < slot->sources->len; i++) {
        if (g_str_equal(((VrSource *)slot->sources->pdata[i])->feed, feed)) {
            g_ptr_array_remove_index(slot->sources, i);
            break;
        }
    }
    if (slot->sources->len == 0)
        vr_slot_drop(sink);
}

static bool shows(StoaSink *sink, const char *feed, const char *mid)
{
    const StoaTrack *track = stoa_sink_track(sink);
    const StoaParticipant *who = feed_of(track);

    return who && g_str_equal(stoa_participant_id(who), feed) &&
           (!mid || g_str_equal(stoa_track_info(track)->mid, mid));
}

static bool has_data_of(StoaSink *sink, const char *feed, const char *mid)
{
    const VrSlot *slot = stoa_sink_data(sink);

    for (guint i = 0; i < slot->sources->len; i++) {
        const VrSource *source = slot->sources->pdata[i];
        if (g_str_equal(source->feed, feed))
            return !mid || g_str_equal(source->mid, mid);
    }
    return false;
}

void vr_slots_drop(StoaHandle *handle, const char *feed, const char *mid, const char *sub_mid)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < sinks->len; i++) {
        StoaSink *sink = sinks->pdata[i];
        if (!stoa_sink_data(sink) || !stoa_sink_active(sink))
            continue;
        if (sub_mid && g_strcmp0(stoa_sink_mid(sink), sub_mid) != 0)
            continue;
        if (!feed)
            vr_slot_drop(sink);
        else if (stoa_sink_kind(sink) == STOA_DATA && has_data_of(sink, feed, mid))
            drop_source(sink, feed);
        else if (stoa_sink_kind(sink) != STOA_DATA && shows(sink, feed, mid))
            vr_slot_drop(sink);
    }
}

static bool is_source_alive(StoaRoom *room, const VrSource *source)
{
    StoaHandle *handle = find_feed(room, source->feed, NULL);

    return handle && stoa_handle_track(handle, source->mid);
}

static bool sweep_sources(StoaRoom *room, VrSlot *slot)
{
    bool changed = false;

    for (guint i = slot->sources->len; i-- > 0;) {
        if (!is_source_alive(room, slot->sources->pdata[i])) {
            g_ptr_array_remove_index(slot->sources, i);
            changed = true;
        }
    }
    return changed;
}

bool vr_slots_sweep(StoaHandle *handle)
{
    StoaRoom *room = stoa_handle_room(handle);
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);
    bool changed = false;

    for (guint i = 0; i < sinks->len; i++) {
        VrSlot *slot = stoa_sink_data(sinks->pdata[i]);
        if (!slot || slot->is_last_n || !stoa_sink_active(sinks->pdata[i]))
            continue;
        changed |= sweep_sources(room, slot);
        if (!vr_slot_is_live(sinks->pdata[i])) {
            vr_slot_drop(sinks->pdata[i]);
            changed = true;
        }
    }
    return changed;
}

bool vr_slot_show(StoaSink *sink, StoaTrack *track)
{
    VrSlot *slot = stoa_sink_data(sink);

    if (!slot || stoa_sink_kind(sink) != stoa_track_info(track)->kind ||
        !stoa_sink_switch(sink, track, NULL))
        return false;
    slot->substream = slot->temporal = -1;
    if (stoa_sink_kind(sink) == STOA_DATA) {
        g_ptr_array_set_size(slot->sources, 0);
        add_source(slot, track);
    }
    vr_slot_rank(sink);
    stoa_track_keyframe(track);
    return true;
}

/* -- what is told ---------------------------------------------------------------------------------------------- */

static void describe_feed(json_t *item, StoaParticipant *who, const char *mid, StoaTrack *track)
{
    const VrTrack *theirs = track ? stoa_track_data(track) : NULL;

    if (who) {
        json_object_set_new(item, "feed_id", stoa_participant_id_json(who));
        if (stoa_participant_name(who))
            json_object_set_new(item, "feed_display", json_string(stoa_participant_name(who)));
    }
    json_object_set_new(item, "feed_mid", json_string(mid));
    if (theirs && theirs->description)
        json_object_set_new(item, "feed_description", json_string(theirs->description));
}

static void describe_track(json_t *item, const VrSlot *slot, StoaTrack *track)
{
    const StoaTrackInfo *info = stoa_track_info(track);

    describe_feed(item, feed_of(track), info->mid, track);
    if (info->codec)
        json_object_set_new(item, "codec", json_string(info->codec));
    vr_layers_describe(item, slot, info);
}

static void describe_sources(json_t *item, StoaRoom *room, const VrSlot *slot)
{
    const VrSource *source = first_source(slot);
    StoaParticipant *who = source ? stoa_room_find(room, source->feed) : NULL;
    StoaHandle *handle = who ? stoa_participant_handle(who) : NULL;

    if (!source)
        return;
    json_object_set_new(item, "sources", json_integer(slot->sources->len));
    describe_feed(item, who, source->mid, handle ? stoa_handle_track(handle, source->mid) : NULL);
}

static json_t *slot_json(StoaRoom *room, StoaSink *sink)
{
    const VrSlot *slot = stoa_sink_data(sink);
    bool live = vr_slot_is_live(sink) || (slot && slot->is_last_n && stoa_sink_active(sink));
    json_t *item = json_pack("{s:s, s:b, s:s*}", "type", vr_kinds[stoa_sink_kind(sink)], "active",
                             live, "mid", stoa_sink_mid(sink));

    if (stoa_sink_mid(sink))
        json_object_set_new(item, "mindex", json_integer(stoa_sink_mindex(sink)));
    json_object_set_new(item, "ready", json_boolean(live && stoa_sink_ready(sink)));
    json_object_set_new(item, "send", json_boolean(!live || !slot->held));
    if (!live)
        return item;
    if (slot->is_last_n)
        json_object_set_new(item, "last_n", json_true());
    if (slot->crossrefid)
        json_object_set_new(item, "crossrefid", json_string(slot->crossrefid));
    if (slot->n_lost > 0)
        json_object_set_new(item, "data_lost", json_integer(slot->n_lost));
    if (stoa_sink_kind(sink) == STOA_DATA)
        describe_sources(item, room, slot);
    else if (stoa_sink_track(sink))
        describe_track(item, slot, stoa_sink_track(sink));
    return item;
}

json_t *vr_slots_json(StoaHandle *handle)
{
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);
    json_t *list = json_array();

    for (guint i = 0; i < sinks->len; i++)
        json_array_append_new(list, slot_json(stoa_handle_room(handle), sinks->pdata[i]));
    return list;
}
