/* SPDX-License-Identifier: MIT */
/* People in a room, as one module sees them; and how a handle takes its seat. */
#include "config.h"

#define LOG_AREA "room"

#include "base/id.h"
#include "room/check.h"
#include "room/room-private.h"

#include <inttypes.h>

static char *free_id(StoaRoom *room)
{
    for (;;) {
        g_autofree char *id = g_strdup_printf("%" PRIu64, stoa_id_random53());
        if (!stoa_room_find(room, id))
            return g_steal_pointer(&id);
    }
}

StoaParticipant *stoa_participant_new(StoaRoom *room, StoaHandle *handle, const StoaSeat *seat,
                                      GError **error)
{
    if (seat->name && !stoa_check_name(seat->name, error))
        return NULL;
    if (seat->id && stoa_room_find(room, seat->id)) {
        stoa_refuse(error, "id_taken", "the id %s is taken in this room", seat->id);
        return NULL;
    }
    StoaParticipant *who = g_new0(StoaParticipant, 1);
    who->room = room;
    who->id = seat->id ? g_strdup(seat->id) : free_id(room);
    who->text_id = seat->text_id;
    who->name = g_strdup(seat->name);
    who->role = seat->role == STOA_ROLE_ANYONE ? STOA_ROLE_PARTICIPANT : seat->role;
    who->handle = handle;
    who->state = g_malloc0(MAX(room->module->plugin.participant_size, 1));
    g_ptr_array_add(room->people, who);
    return who;
}

static void participant_free(StoaParticipant *who)
{
    g_free(who->id);
    g_free(who->name);
    g_free(who->state);
    g_free(who);
}

void stoa_participant_remove(StoaParticipant *who)
{
    StoaRoom *room = who->room;

    for (guint i = 0; i < room->handles->len; i++) {
        StoaHandle *handle = room->handles->pdata[i];
        if (handle->who == who) {
            handle->who = NULL;
            handle->is_seat = false;
        }
    }
    if (who->handle) {
        g_ptr_array_remove(room->handles, who->handle);
        who->handle->room = NULL;
    }
    g_ptr_array_remove(room->people, who);
    if (room->module->plugin.left)
        room->module->plugin.left(room, who);
    participant_free(who);
    stoa_room_close_if_empty(room);
}

void *stoa_participant_state(StoaParticipant *who)
{
    return who->state;
}

StoaRoom *stoa_participant_room(StoaParticipant *who)
{
    return who->room;
}

const char *stoa_participant_id(const StoaParticipant *who)
{
    return who->id;
}

const char *stoa_participant_name(const StoaParticipant *who)
{
    return who->name;
}

bool stoa_participant_set_name(StoaParticipant *who, const char *name, GError **error)
{
    if (name && !stoa_check_name(name, error))
        return false;
    g_free(who->name);
    who->name = g_strdup(name);
    return true;
}

StoaRole stoa_participant_role(const StoaParticipant *who)
{
    return who->role;
}

bool stoa_participant_present(const StoaParticipant *who)
{
    return who->handle != NULL;
}

StoaHandle *stoa_participant_handle(const StoaParticipant *who)
{
    return who->handle;
}

void stoa_participant_send(StoaParticipant *who, const char *event, json_t *body)
{
    json_t *data = stoa_reply_event(who->room->module, event, body);

    if (who->handle)
        stoa_handle_send(who->handle, data);
    else
        json_decref(data);
}

/* -- seats -------------------------------------------------------------------------------- */

StoaParticipant *stoa_handle_join(StoaHandle *handle, StoaRoom *room, const StoaSeat *seat,
                                  GError **error)
{
    if (handle->room) {
        stoa_refuse(error, "already_joined", "this handle is in a room already: leave it first");
        return NULL;
    }
    StoaParticipant *who = stoa_participant_new(room, handle, seat, error);
    if (!who)
        return NULL;
    handle->room = room;
    handle->who = who;
    handle->is_seat = true;
    g_ptr_array_add(room->handles, handle);
    if (room->module->plugin.joined)
        room->module->plugin.joined(room, who);
    return who;
}

void stoa_handle_enter(StoaHandle *handle, StoaRoom *room, StoaParticipant *who)
{
    g_return_if_fail(!handle->room);
    handle->room = room;
    handle->who = who;
    handle->is_seat = false;
    g_ptr_array_add(room->handles, handle);
}

void stoa_handle_leave(StoaHandle *handle)
{
    StoaRoom *room = handle->room;

    if (!room)
        return;
    if (handle->is_seat && handle->who) {
        stoa_participant_remove(handle->who);
        return;
    }
    handle->room = NULL;
    handle->who = NULL;
    g_ptr_array_remove(room->handles, handle);
    stoa_room_close_if_empty(room);
}
