/* SPDX-License-Identifier: MIT */
/* Rooms: one identity in the core, one view for each module that serves it. */
#include "config.h"

#define LOG_AREA "room"

#include "base/id.h"
#include "room/check.h"
#include "room/journal-private.h"
#include "room/room-private.h"

#include <inttypes.h>
#include <string.h>

/* All rooms of the process, id → StoaRoomCore; empty tables are let go so that nothing outlives the last room. */
static GHashTable *cores;

StoaRoomCore *stoa_room_core_find(const char *id)
{
    return cores ? g_hash_table_lookup(cores, id) : NULL;
}

StoaRoomCore *stoa_room_core(const char *id, const char *title, bool text_id)
{
    StoaRoomCore *core = g_new0(StoaRoomCore, 1);

    if (!cores)
        cores = g_hash_table_new(g_str_hash, g_str_equal);
    core->id = g_strdup(id);
    core->title = g_strdup(title);
    core->text_id = text_id;
    core->views = g_ptr_array_new();
    core->loaders = g_ptr_array_new();
    core->rebuild_waiters = g_array_new(FALSE, FALSE, 2 * sizeof(void *));
    g_hash_table_insert(cores, core->id, core);
    return core;
}

void stoa_room_core_free(StoaRoomCore *core)
{
    g_clear_pointer(&core->journal, stoa_journal_detach);
    g_ptr_array_unref(core->loaders);
    g_array_unref(core->rebuild_waiters);
    g_hash_table_remove(cores, core->id);
    if (g_hash_table_size(cores) == 0)
        g_clear_pointer(&cores, g_hash_table_unref);
    g_ptr_array_unref(core->views);
    g_free(core->id);
    g_free(core->title);
    g_free(core);
}

struct StoaRoomTimer {
    StoaRoom *room;
    StoaTimer *timer;
    StoaRoomFunc *fn;
    void *data;
    GDestroyNotify free_data;
};

static void room_timer_free(gpointer p)
{
    StoaRoomTimer *timer = p;

    stoa_timer_cancel(timer->timer);
    if (timer->free_data)
        timer->free_data(timer->data);
    g_free(timer);
}

static StoaRoom *view_new(StoaModule *module)
{
    StoaRoom *room = g_new0(StoaRoom, 1);

    room->module = module;
    room->state = g_malloc0(MAX(module->plugin.room_size, 1));
    room->people = g_ptr_array_new();
    room->handles = g_ptr_array_new();
    room->timers = g_hash_table_new_full(NULL, NULL, room_timer_free, NULL);
    room->reads = g_ptr_array_new();
    return room;
}

StoaRoom *stoa_room_new_view(StoaModule *module, StoaRoomCore *core, bool own)
{
    StoaRoom *room = view_new(module);

    room->core = core;
    room->own = own;
    stoa_log_tag_set(&room->log, "module=%s room=%s", module->plugin.name, core->id);
    g_ptr_array_add(core->views, room);
    g_hash_table_insert(module->rooms, core->id, room);
    log_debug(room, "opened");
    return room;
}

StoaRoom *stoa_room_open_view(StoaModule *module, StoaRoomCore *core, bool own)
{
    StoaRoom *room = stoa_room_new_view(module, core, own);

    if (module->plugin.room_opened)
        module->plugin.room_opened(room);
    return room;
}

StoaRoom *stoa_room_of_one(StoaHandle *handle)
{
    StoaRoom *room = view_new(handle->module);

    stoa_log_tag_set(&room->log, "module=%s handle=%" PRIu64, handle->module->plugin.name,
                     handle->number);
    if (handle->module->plugin.room_opened)
        handle->module->plugin.room_opened(room);
    return room;
}

StoaRoom *stoa_module_room(StoaModule *module, const char *id)
{
    return id ? g_hash_table_lookup(module->rooms, id) : NULL;
}

void stoa_module_foreach_room(StoaModule *module, void (*fn)(StoaRoom *room, void *data),
                              void *data)
{
    g_autoptr(GList) now = g_hash_table_get_values(module->rooms);

    for (GList *at = now; at; at = at->next) {
        GHashTableIter iter;
        gpointer room;
        g_hash_table_iter_init(&iter, module->rooms);
        while (g_hash_table_iter_next(&iter, NULL, &room)) {
            if (room == at->data) {
                fn(room, data);
                break;
            }
        }
    }
}

static char *free_id(void)
{
    for (;;) {
        g_autofree char *id = g_strdup_printf("%" PRIu64, stoa_id_random53());
        if (!stoa_room_core_find(id))
            return g_steal_pointer(&id);
    }
}

StoaRoom *stoa_module_create_room(StoaModule *module, const StoaRoomSpec *spec, GError **error)
{
    g_autofree char *id = spec->id ? g_strdup(spec->id) : free_id();
    StoaRoomCore *core = stoa_room_core_find(id);

    if (stoa_room_id_is_reserved(id)) {
        stoa_fail(error, STOA_ERROR_INVALID,
                  "rooms with such an id are made by POST /api/v1/rooms: choose another");
        return NULL;
    }
    if (module->asking && !module->env->adhoc) {
        stoa_refuse(error, "forbidden",
                    "rooms are not made by requests here: ask the operator (stoa:rooms.adhoc)");
        return NULL;
    }
    if (g_hash_table_contains(module->rooms, id) || (core && core->is_kept)) {
        stoa_refuse(error, "room_exists", "room %s exists already", id);
        return NULL;
    }
    if (!core)
        core = stoa_room_core(id, spec->title, spec->text_id);
    if (!core->creator) /* else another module made it: it is the same room, and lives as long as any of the two wants */
        core->creator = module;
    return stoa_room_open_view(module, core, true);
}

static void cancel_reads(StoaRoom *room)
{
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, "not_joined", "the room was closed");
    stoa_read_cancel_all(room, error);
}

void stoa_room_close_view(StoaRoom *room)
{
    StoaModule *module = room->module;

    room->closing = true;
    cancel_reads(room);
    while (room->handles->len > 0)
        stoa_handle_leave(room->handles->pdata[room->handles->len - 1]);
    while (room->people->len > 0)
        stoa_participant_free(room->people->pdata[room->people->len - 1]);
    if (module->plugin.room_closed)
        module->plugin.room_closed(room);
    log_debug(room, "closed");
    if (room->core) {
        g_ptr_array_remove(room->core->views, room);
        g_hash_table_remove(module->rooms, room->core->id);
    }
    stoa_speakers_free(room->speakers);
    g_hash_table_unref(room->timers);
    g_ptr_array_unref(room->people);
    g_ptr_array_unref(room->handles);
    g_ptr_array_unref(room->reads);
    g_free(room->state);
    g_free(room);
}

/* Another module that made this room too. */
static StoaRoom *other_owner(const StoaRoom *room)
{
    for (guint i = 0; i < room->core->views->len; i++) {
        StoaRoom *view = room->core->views->pdata[i];

        if (view != room && view->own && !view->closing)
            return view;
    }
    return NULL;
}

void stoa_room_close(StoaRoom *room)
{
    StoaRoomCore *core = room->core;
    bool all = core && core->creator == room->module;
    StoaRoom *heir = all ? other_owner(room) : NULL;

    if (room->closing)
        return;
    stoa_view_save(room);
    stoa_room_close_view(room);
    if (!core || core->closing)
        return;
    if (heir) {
        core->creator = heir->module;
        return;
    }
    core->closing = true;
    while (all && core->views->len > 0)
        stoa_room_close_view(core->views->pdata[0]);
    core->closing = false;
    if (core->views->len == 0 && !core->is_kept)
        stoa_room_core_free(core);
}

void stoa_room_close_if_empty(StoaRoom *room)
{
    if (!room->own && !room->closing && room->handles->len == 0 &&
        stoa_room_n_participants(room) == 0)
        stoa_room_close(room);
}

bool stoa_room_is_kept(const StoaRoom *room)
{
    return room->core && room->core->is_kept;
}

/* As stoa_store_id() makes them, whether there is such a room or not. */
bool stoa_room_id_is_reserved(const char *id)
{
    size_t n = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return n == 20 && id[n] == '\0';
}

const char *stoa_room_id(const StoaRoom *room)
{
    return room->core ? room->core->id : "";
}

/* A number on the wire unless it was made as a text, or does not fit. */
static json_t *id_json(const char *id, bool text_id)
{
    gint64 number = 0;

    if (!text_id && g_ascii_string_to_signed(id, 10, 1, ((gint64)1 << 53) - 1, &number, NULL))
        return json_integer(number);
    return json_string(id);
}

json_t *stoa_room_id_json(const StoaRoom *room)
{
    return room->core ? id_json(room->core->id, room->core->text_id) : json_null();
}

json_t *stoa_participant_id_json(const StoaParticipant *who)
{
    return id_json(who->id, who->text_id);
}

const char *stoa_room_title(const StoaRoom *room)
{
    return room->core ? room->core->title : NULL;
}

void stoa_room_set_title(StoaRoom *room, const char *title)
{
    if (!room->core)
        return;
    g_free(room->core->title);
    room->core->title = g_strdup(title);
}

void stoa_room_core_set_sealing(StoaRoomCore *core, const char *e2ee)
{
    core->sealed = g_str_equal(e2ee, "all");
    core->media_sealed = !g_str_equal(e2ee, "off");
}

bool stoa_room_is_sealed(const StoaRoom *room)
{
    return room && room->core && room->core->sealed;
}

bool stoa_room_seals_media(const StoaRoom *room)
{
    return room && room->core && room->core->media_sealed;
}

StoaModule *stoa_room_module(StoaRoom *room)
{
    return room->module;
}

const void *stoa_room_conf(StoaRoom *room)
{
    return stoa_module_conf(room->module);
}

void *stoa_room_state(StoaRoom *room)
{
    return room->state;
}

unsigned stoa_room_n_participants(const StoaRoom *room)
{
    unsigned n = 0;

    for (guint i = 0; i < room->people->len; i++)
        n += ((StoaParticipant *)room->people->pdata[i])->handle != NULL;
    return n;
}

StoaParticipant *stoa_room_find(StoaRoom *room, const char *id)
{
    return stoa_room_keeps_people(room) ? stoa_room_member(room, id) : stoa_room_look_up(room, id);
}

void stoa_room_foreach(StoaRoom *room, void (*fn)(StoaParticipant *who, void *data), void *data)
{
    g_autoptr(GPtrArray) now = g_ptr_array_copy(room->people, NULL, NULL);

    for (guint i = 0; i < now->len; i++) {
        if (g_ptr_array_find(room->people, now->pdata[i], NULL))
            fn(now->pdata[i], data);
    }
}

void stoa_room_foreach_handle(StoaRoom *room, void (*fn)(StoaHandle *handle, void *data),
                              void *data)
{
    g_autoptr(GPtrArray) now = g_ptr_array_copy(room->handles, NULL, NULL);

    for (guint i = 0; i < now->len; i++) {
        if (g_ptr_array_find(room->handles, now->pdata[i], NULL))
            fn(now->pdata[i], data);
    }
}

void stoa_room_broadcast_except(StoaRoom *room, StoaParticipant *except, const char *event,
                                json_t *body)
{
    g_autoptr(StoaShared) shared = stoa_shared_new(stoa_reply_event(room->module, event, body));

    for (guint i = 0; i < room->handles->len; i++) {
        StoaHandle *handle = room->handles->pdata[i];
        if (handle->is_seat && handle->who != except)
            stoa_handle_send_shared(handle, shared);
    }
}

void stoa_room_broadcast(StoaRoom *room, const char *event, json_t *body)
{
    stoa_room_broadcast_except(room, NULL, event, body);
}

static void room_timer_fire(void *data)
{
    StoaRoomTimer *timer = data;

    timer->timer = NULL;
    g_hash_table_steal(timer->room->timers, timer);
    timer->fn(timer->room, timer->data);
    room_timer_free(timer);
}

StoaRoomTimer *stoa_room_after(StoaRoom *room, unsigned ms, StoaRoomFunc *fn, void *data,
                               GDestroyNotify free_data)
{
    StoaRoomTimer *timer = g_new0(StoaRoomTimer, 1);

    *timer = (StoaRoomTimer){ room, NULL, fn, data, free_data };
    timer->timer = stoa_timer_after(ms, room_timer_fire, timer);
    g_hash_table_add(room->timers, timer);
    return timer;
}

void stoa_room_cancel(StoaRoom *room, StoaRoomTimer *timer)
{
    if (timer)
        g_hash_table_remove(room->timers, timer);
}

void stoa_room_count(StoaRoom *room, unsigned metric, uint64_t n)
{
    if (!room->muted)
        stoa_module_count(room->module, metric, n);
}
