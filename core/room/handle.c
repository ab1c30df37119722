/* SPDX-License-Identifier: MIT */
/* One attachment of a client to a plugin: its life and its messages. The PeerConnection is in handle-media.c. */
#include "config.h"

#define LOG_AREA "handle"

#include "room/journal-private.h"
#include "room/kept-room.h"
#include "room/request-private.h"
#include "room/room-private.h"

static uint64_t last_number;

/* The room of one is closed like any other, by its owner. */
static void enter_room_of_one(StoaHandle *handle)
{
    StoaRoom *room = stoa_room_of_one(handle);
    StoaSeat seat = { .id = "1", .role = STOA_ROLE_HOST };

    room->own = true;
    stoa_handle_join(handle, room, &seat, NULL);
}

StoaHandle *stoa_handle_new_for(StoaModule *module, const StoaHandleOutlet *outlet, void *user,
                                const char *log_ids, StoaMember *member, GError **error)
{
    StoaHandle *handle = g_new0(StoaHandle, 1);

    handle->module = module;
    handle->number = ++last_number;
    handle->outlet = outlet;
    handle->user = user;
    handle->outbox.handle = handle;
    handle->requests = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_request_free);
    handle->state = g_malloc0(MAX(module->plugin.handle_size, 1));
    handle->member = member;
    stoa_log_tag_set(&handle->log, "%s", log_ids);
    g_ptr_array_add(module->handles, handle);
    if (module->plugin.scope == STOA_SCOPE_HANDLE)
        enter_room_of_one(handle);
    if (module->plugin.attached && !module->plugin.attached(handle, error)) {
        stoa_handle_free(handle);
        return NULL;
    }
    handle->attached = true;
    log_debug(handle, "attached to %s", module->plugin.name);
    return handle;
}

StoaHandle *stoa_handle_new(StoaModule *module, const StoaHandleOutlet *outlet, void *user,
                            const char *log_ids, GError **error)
{
    return stoa_handle_new_for(module, outlet, user, log_ids, NULL, error);
}

StoaMember *stoa_handle_member(const StoaHandle *handle)
{
    return handle->member;
}

bool stoa_handle_has_member(const StoaHandle *handle)
{
    return handle->member != NULL;
}

void stoa_handle_free(StoaHandle *handle)
{
    if (!handle)
        return;
    StoaRoom *room_of_one = handle->room && !handle->room->core ? handle->room : NULL;

    handle->outlet = NULL; /* what it says from here on reaches nobody */
    g_ptr_array_set_size(handle->requests, 0);
    stoa_outbox_clear(&handle->outbox);
    stoa_handle_end_media(handle, "Detached");
    stoa_handle_reap(handle);
    if (handle->attached && handle->module->plugin.detached)
        handle->module->plugin.detached(handle);
    stoa_handle_leave(handle);
    if (room_of_one)
        stoa_room_close(room_of_one);
    if (handle->member)
        stoa_member_forget(handle->member, handle);
    g_ptr_array_remove(handle->module->handles, handle);
    log_debug(handle, "detached from %s", handle->module->plugin.name);
    stoa_outbox_clear(&handle->outbox);
    g_ptr_array_unref(handle->requests);
    g_clear_pointer(&handle->candidates, g_ptr_array_unref);
    g_free(handle->state);
    g_free(handle);
}

void *stoa_handle_user(const StoaHandle *handle)
{
    return handle->user;
}

void *stoa_handle_state(StoaHandle *handle)
{
    return handle->state;
}

StoaModule *stoa_handle_module(StoaHandle *handle)
{
    return handle->module;
}

StoaRoom *stoa_handle_room(StoaHandle *handle)
{
    return handle->room;
}

StoaParticipant *stoa_handle_participant(StoaHandle *handle)
{
    return handle->who;
}

uint64_t stoa_handle_number(const StoaHandle *handle)
{
    return handle->number;
}

/* While a room's state is made anew it says nothing. */
static bool is_muted(const StoaHandle *handle)
{
    return !handle->outlet || (handle->room && handle->room->muted);
}

static StoaJournal *journal_of(const StoaHandle *handle)
{
    return handle->room ? stoa_room_journal_if_any(handle->room) : NULL;
}

void stoa_handle_send(StoaHandle *handle, json_t *body)
{
    if (is_muted(handle))
        json_decref(body);
    else
        stoa_outbox_push(&handle->outbox, journal_of(handle), (StoaOutput){ .data = body });
}

void stoa_handle_send_shared(StoaHandle *handle, StoaShared *shared)
{
    if (!is_muted(handle))
        stoa_outbox_push(&handle->outbox, journal_of(handle),
                         (StoaOutput){ .shared = stoa_shared_ref(shared) });
}

void stoa_handle_send_state(StoaHandle *handle)
{
    StoaModule *module = handle->module;

    if (!handle->room)
        return;
    stoa_handle_send(handle, stoa_reply_event(module, "state", stoa_reply_state(handle)));
}

bool stoa_handle_send_offer(StoaHandle *handle, json_t *(*body)(StoaHandle *handle), bool restart,
                            GError **error)
{
    StoaConnection *connection = stoa_handle_connection(handle);
    g_autofree char *sdp = stoa_connection_make_offer(connection, restart, error);

    if (!sdp || is_muted(handle))
        return sdp != NULL;
    stoa_outbox_push(&handle->outbox, journal_of(handle),
                     (StoaOutput){ .data = body(handle),
                                   .jsep = json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp) });
    return true;
}
