/* SPDX-License-Identifier: MIT */
/* One attachment of a client to a plugin: its life and its messages. The PeerConnection is in handle-media.c. */
#include "config.h"

#define LOG_AREA "handle"

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

StoaHandle *stoa_handle_new(StoaModule *module, const StoaHandleOutlet *outlet, void *user,
                            const char *log_ids, GError **error)
{
    StoaHandle *handle = g_new0(StoaHandle, 1);

    handle->module = module;
    handle->number = ++last_number;
    handle->outlet = outlet;
    handle->user = user;
    handle->state = g_malloc0(MAX(module->plugin.handle_size, 1));
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

void stoa_handle_free(StoaHandle *handle)
{
    if (!handle)
        return;
    StoaRoom *room_of_one = handle->room && !handle->room->core ? handle->room : NULL;

    handle->outlet = NULL; /* what it says from here on reaches nobody */
    stoa_handle_end_media(handle, "Detached");
    stoa_handle_reap(handle);
    if (handle->attached && handle->module->plugin.detached)
        handle->module->plugin.detached(handle);
    stoa_handle_leave(handle);
    if (room_of_one)
        stoa_room_close(room_of_one);
    g_ptr_array_remove(handle->module->handles, handle);
    log_debug(handle, "detached from %s", handle->module->plugin.name);
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

void stoa_handle_send(StoaHandle *handle, json_t *body)
{
    if (handle->outlet)
        handle->outlet->event(handle, NULL, body, NULL);
    else
        json_decref(body);
}

bool stoa_handle_send_offer(StoaHandle *handle, json_t *(*body)(StoaHandle *handle), bool restart,
                            GError **error)
{
    StoaConnection *connection = stoa_handle_connection(handle);
    g_autofree char *sdp = stoa_connection_make_offer(connection, restart, error);

    if (!sdp || !handle->outlet)
        return sdp != NULL;
    handle->outlet->event(handle, NULL, body(handle),
                          json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp));
    return true;
}
