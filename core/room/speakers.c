/* SPDX-License-Identifier: MIT */
/* Who speaks in a room: fed by the voices of its watched tracks, told to the module. */
#include "config.h"

#include "base/clock.h"
#include "media/speaker.h"
#include "room/room-private.h"

void stoa_room_heard(StoaHandle *handle, StoaTrack *track, double loudness)
{
    StoaRoom *room = handle->room;
    StoaSpeakersChange change;

    if (!room || room->closing)
        return;
    if (!room->speakers)
        room->speakers = stoa_speakers_new();
    change = stoa_speakers_input(room->speakers, stoa_clock_now_us(), track, loudness);
    if (change != STOA_SPEAKERS_SAME && room->module->plugin.speaker)
        room->module->plugin.speaker(room, track, change & STOA_SPEAKERS_DOMINANT);
}

void stoa_room_forget_voice(StoaRoom *room, const StoaTrack *track)
{
    if (room && room->speakers)
        stoa_speakers_forget(room->speakers, track);
}

static void forget_voice(StoaTrack *track, void *room)
{
    stoa_room_forget_voice(room, track);
}

void stoa_room_forget_voices(StoaRoom *room, StoaHandle *handle)
{
    if (room->speakers)
        stoa_handle_foreach_track(handle, forget_voice, room);
}

StoaTrack *stoa_room_dominant(StoaRoom *room)
{
    return room->speakers ? (StoaTrack *)stoa_speakers_dominant(room->speakers) : NULL;
}

StoaTrack *stoa_room_speaker(StoaRoom *room, unsigned index)
{
    return room->speakers ? (StoaTrack *)stoa_speakers_recent(room->speakers, index) : NULL;
}
