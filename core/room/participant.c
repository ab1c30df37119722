/* SPDX-License-Identifier: MIT */
/* People in a room, as one module sees them; and how a handle takes its seat. */
#include "config.h"

#define LOG_AREA "room"

#include "base/id.h"
#include "room/check.h"
#include "room/journal-private.h"
#include "room/room-private.h"

#include <inttypes.h>

static char *free_id(StoaRoom *room)
{
    for (;;) {
        g_autofree char *id = g_strdup_printf("%" PRIu64, stoa_id_random53());
        if (!stoa_room_look_up(room, id))
            return g_steal_pointer(&id);
    }
}

static StoaParticipant *make(StoaRoom *room, const char *id, const char *name, StoaRole role)
{
    StoaParticipant *who = g_new0(StoaParticipant, 1);

    who->room = room;
    who->id = id ? g_strdup(id) : free_id(room);
    who->name = g_strdup(name);
    who->role = role == STOA_ROLE_ANYONE ? STOA_ROLE_PARTICIPANT : role;
    who->state = g_malloc0(MAX(room->module->plugin.participant_size, 1));
    g_ptr_array_add(room->people, who);
    return who;
}

/* Who was in an ad-hoc room before and is known for a record comes back as the same. */
StoaParticipant *stoa_participant_new(StoaRoom *room, StoaHandle *handle, const StoaSeat *seat,
                                      GError **error)
{
    if (seat->name && !stoa_check_name(seat->name, error))
        return NULL;
    StoaParticipant *who = seat->id ? stoa_room_look_up(room, seat->id) : NULL;
    if (who && who->handle) {
        stoa_refuse(error, "id_taken", "the id %s is taken in this room", seat->id);
        return NULL;
    }
    if (!who)
        who = make(room, seat->id, seat->name, seat->role);
    who->text_id = seat->text_id;
    who->handle = handle;
    return who;
}

void stoa_participant_free(StoaParticipant *who)
{
    StoaRoom *room = who->room;

    if (room->module->plugin.forgotten)
        room->module->plugin.forgotten(room, who);
    g_ptr_array_remove(room->people, who);
    g_free(who->id);
    g_free(who->name);
    g_free(who->state);
    g_free(who);
}

/* The last seat was given up. Where people are kept, theirs is the state of somebody who is out. */
static void step_out(StoaParticipant *who)
{
    StoaRoom *room = who->room;
    bool is_kept = stoa_room_keeps_people(room);

    if (is_kept)
        who->handle = NULL;
    else
        g_ptr_array_remove(room->people, who);
    if (room->module->plugin.left && !room->muted)
        room->module->plugin.left(room, who);
    if (!is_kept)
        stoa_participant_free(who);
}

static void give_up_seat(StoaHandle *handle)
{
    stoa_room_forget_voices(handle->room, handle);
    g_ptr_array_remove(handle->room->handles, handle);
    handle->room = NULL;
    handle->who = NULL;
    handle->is_seat = false;
}

void stoa_participant_remove(StoaParticipant *who)
{
    StoaRoom *room = who->room;
    bool was_in = who->handle != NULL;

    for (guint i = room->handles->len; i > 0; i--) {
        StoaHandle *handle = room->handles->pdata[i - 1];
        if (handle->who == who && handle->is_seat)
            give_up_seat(handle);
        else if (handle->who == who)
            handle->who = NULL;
    }
    if (was_in)
        step_out(who);
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
    const GPtrArray *handles = who->room->handles;

    for (guint i = 0; i < handles->len; i++) {
        StoaHandle *handle = handles->pdata[i];
        if (handle->is_seat && handle->who == who)
            stoa_handle_send(handle, json_incref(data));
    }
    json_decref(data);
}

/* -- who belongs to it -------------------------------------------------------------------- */

StoaParticipant *stoa_room_look_up(StoaRoom *room, const char *id)
{
    for (guint i = 0; i < room->people->len; i++) {
        StoaParticipant *who = room->people->pdata[i];
        if (g_str_equal(who->id, id))
            return who;
    }
    return NULL;
}

bool stoa_room_keeps_people(const StoaRoom *room)
{
    return room->core && room->core->is_kept && (room->module->plugin.caps & STOA_CAP_HISTORY);
}

StoaParticipant *stoa_room_member(StoaRoom *room, const char *id)
{
    StoaParticipant *who = stoa_room_look_up(room, id);
    StoaMemberFace face;

    if (who || !room->core || !stoa_room_core_face(room->core, id, &face))
        return who;
    who = make(room, id, face.name, face.role);
    who->text_id = true;
    return who;
}

StoaParticipant *stoa_room_author(StoaRoom *room, const char *id)
{
    StoaParticipant *who = stoa_room_member(room, id);
    const StoaJournal *journal = stoa_room_journal_if_any(room);

    if (who)
        return who;
    return make(room, id,
                journal && journal->names ? g_hash_table_lookup(journal->names, id) : NULL,
                STOA_ROLE_PARTICIPANT);
}

/* -- seats -------------------------------------------------------------------------------- */

/* Only the person whose token the handle has, and as nobody else. */
static StoaParticipant *join_kept(StoaHandle *handle, StoaRoom *room, const StoaSeat *seat,
                                  GError **error)
{
    StoaSeat own;

    if (stoa_handle_seat(handle, &own) != room || g_strcmp0(own.id, seat->id) != 0) {
        stoa_refuse(error, "unauthorized", "one comes into this room by an invitation");
        return NULL;
    }
    const StoaParticipant *there = stoa_room_look_up(room, own.id);
    if (there && there->handle) {
        stoa_refuse(error, "id_taken", "you are in this room already, with another handle");
        return NULL;
    }
    return stoa_handle_sit(handle, room, own.id, error) ? handle->who : NULL;
}

StoaParticipant *stoa_handle_join(StoaHandle *handle, StoaRoom *room, const StoaSeat *seat,
                                  GError **error)
{
    if (handle->room) {
        stoa_refuse(error, "already_joined", "this handle is in a room already: leave it first");
        return NULL;
    }
    if (room->core && room->core->is_kept)
        return join_kept(handle, room, seat, error);
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

bool stoa_handle_sit(StoaHandle *handle, StoaRoom *view, const char *member, GError **error)
{
    if (handle->room)
        return stoa_refuse(error, "already_joined", "this handle is in a room already");
    StoaParticipant *who = stoa_room_member(view, member);
    if (!who)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "you do not belong to this room");
    bool is_first = !who->handle;
    handle->room = view;
    handle->who = who;
    handle->is_seat = true;
    g_ptr_array_add(view->handles, handle);
    if (is_first)
        who->handle = handle;
    if (is_first && view->module->plugin.joined && !view->muted)
        view->module->plugin.joined(view, who);
    return true;
}

void stoa_handle_enter(StoaHandle *handle, StoaRoom *room, StoaParticipant *who)
{
    g_return_if_fail(!handle->room);
    handle->room = room;
    handle->who = who;
    handle->is_seat = false;
    g_ptr_array_add(room->handles, handle);
}

static StoaHandle *other_seat(const StoaHandle *handle)
{
    const GPtrArray *handles = handle->room->handles;

    for (guint i = 0; i < handles->len; i++) {
        StoaHandle *other = handles->pdata[i];
        if (other != handle && other->is_seat && other->who == handle->who)
            return other;
    }
    return NULL;
}

void stoa_handle_leave(StoaHandle *handle)
{
    StoaRoom *room = handle->room;

    if (!room)
        return;
    StoaParticipant *who = handle->who;
    StoaHandle *other = handle->is_seat && who ? other_seat(handle) : NULL;
    if (handle->is_seat && who && !other) {
        stoa_participant_remove(who);
        return;
    }
    if (other && who->handle == handle)
        who->handle = other;
    give_up_seat(handle);
    stoa_room_close_if_empty(room);
}
