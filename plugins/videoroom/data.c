/* SPDX-License-Identifier: MIT */
/* Data channels: a publisher's messages go to its subscribers. Who reads too slowly loses some, is told, and it is counted. */
#include "videoroom.h"

enum { TELL_US = 1000000 /* between two words on what goes on being lost */ };

static bool is_relayed(StoaHandle *handle)
{
    g_autoptr(GPtrArray) tracks = vr_tracks(handle);

    for (guint i = 0; i < tracks->len; i++) {
        const VrTrack *mine = stoa_track_data(tracks->pdata[i]);
        if (stoa_track_info(tracks->pdata[i])->kind == STOA_DATA && mine)
            return !mine->held && !mine->moderated;
    }
    return false;
}

/* Where a subscriber gets the data of a feed; NULL: it does not. */
static StoaSink *sink_for(StoaHandle *handle, const char *feed)
{
    const VrHandle *state = stoa_handle_state(handle);
    g_autoptr(GPtrArray) sinks = vr_sinks(handle);

    for (guint i = 0; i < sinks->len; i++) {
        const VrSlot *slot = stoa_sink_data(sinks->pdata[i]);
        if (slot && !slot->held && vr_slot_has_source(sinks->pdata[i], feed))
            return state->paused ? NULL : sinks->pdata[i];
    }
    return NULL;
}

static void tell_lost(StoaSink *sink, VrSlot *slot, StoaRoom *room)
{
    json_t *body = vr_event(room);

    slot->n_lost_told = slot->n_lost;
    slot->lost_told_us = g_get_monotonic_time();
    json_object_set_new(body, "mid", json_string(stoa_sink_mid(sink)));
    json_object_set_new(body, "data_lost", json_integer(slot->n_lost));
    stoa_handle_send(slot->handle, body);
}

/* At once that it begins, then now and then how much it is, and the whole of it as soon as something gets through again. */
static void note(StoaSink *sink, StoaRoom *room, bool is_sent)
{
    VrSlot *slot = stoa_sink_data(sink);

    if (!is_sent && stoa_sink_ready(sink)) { /* before that nobody waits for it */
        slot->n_lost++;
        stoa_room_count(room, VR_DATA_LOST, 1);
    }
    if (slot->n_lost == slot->n_lost_told)
        return;
    if (is_sent || g_get_monotonic_time() - slot->lost_told_us >= TELL_US)
        tell_lost(sink, slot, room);
}

void vr_data_received(StoaHandle *handle, const char *label G_GNUC_UNUSED, const void *buf,
                      size_t len, bool text)
{
    StoaRoom *room = stoa_handle_room(handle);

    if (vr_kind(handle) != VR_PUBLISHER || !is_relayed(handle))
        return;
    const char *feed = stoa_participant_id(stoa_handle_participant(handle));
    g_autoptr(GPtrArray) handles = vr_handles(room);
    for (guint i = 0; i < handles->len; i++) {
        StoaHandle *to = handles->pdata[i];
        StoaSink *sink = vr_kind(to) == VR_SUBSCRIBER ? sink_for(to, feed) : NULL;
        if (sink)
            note(sink, room,
                 stoa_handle_relay_data(to, stoa_handle_channel(handle), buf, len, text));
    }
}
