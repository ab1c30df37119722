/* SPDX-License-Identifier: MIT */
/* One person of a kept room: in, waiting in the lobby, lost for a moment, or gone. */
#include "config.h"

#define LOG_AREA "member"

#include "room/capability.h"
#include "room/kept-room.h"
#include "room/room-private.h"

StoaMember *stoa_member_new(const char *id, const char *name, StoaRole role)
{
    StoaMember *member = g_new0(StoaMember, 1);

    member->id = g_strdup(id);
    member->name = g_strdup(name);
    member->role = role;
    member->handles = g_ptr_array_new();
    return member;
}

void stoa_member_free(StoaMember *member)
{
    if (!member)
        return;
    stoa_timer_clear(&member->grace);
    for (guint i = 0; i < member->handles->len; i++)
        ((StoaHandle *)member->handles->pdata[i])->member = NULL;
    g_ptr_array_unref(member->handles);
    g_free(member->id);
    g_free(member->name);
    g_free(member->home);
    g_free(member);
}

const char *stoa_member_state_name(const StoaMember *member)
{
    static const char *const names[] = {
        [STOA_MEMBER_LEFT] = "left",
        [STOA_MEMBER_WAITING] = "waiting",
        [STOA_MEMBER_IN] = "in",
        [STOA_MEMBER_RECONNECTING] = "reconnecting",
    };

    return names[member->state];
}

json_t *stoa_member_who(const StoaMember *member)
{
    return json_pack("{s:s, s:s?}", "id", member->id, "name", member->name);
}

static bool is_in(const StoaMember *member)
{
    return member->state == STOA_MEMBER_IN || member->state == STOA_MEMBER_RECONNECTING;
}

json_t *stoa_member_json(const StoaMember *member)
{
    json_t *body = stoa_member_who(member);

    json_object_set_new(body, "role", json_string(stoa_role_name(member->role)));
    json_object_set_new(body, "state", json_string(stoa_member_state_name(member)));
    json_object_set_new(body, "joined_at", stoa_store_time_json(member->joined_ms));
    bool hand = member->hand_ms > 0 && is_in(member);
    json_object_set_new(body, "hand", json_boolean(hand));
    if (hand)
        json_object_set_new(body, "hand_at", stoa_store_time_json(member->hand_ms));
    if (member->muted && is_in(member))
        json_object_set_new(body, "muted", json_true());
    return body;
}

static StoaSeatToken *token_of(const StoaMember *member)
{
    return stoa_seat_tokens_of(member->room->rooms->tokens, member->id);
}

/* -- telling ------------------------------------------------------------------------------ */

static bool is_room_handle(const StoaMember *member, const StoaHandle *handle)
{
    return handle->module == member->room->rooms->module;
}

static void tell_now(StoaHandle *handle, json_t *data)
{
    if (handle->outlet)
        handle->outlet->event(handle, NULL, json_incref(data), NULL);
}

/* On the handles of `room`; for who has none, on the first there is. Past everything that is held: what is said here is about
 * the connection, and nothing of the journal is in it. */
static void tell_handles(const StoaMember *member, const GPtrArray *handles, const char *event,
                         json_t *body)
{
    json_t *data = body ? body : json_object();
    bool told = false;

    json_object_set_new(data, "event", json_string(event));
    for (guint i = 0; i < handles->len; i++) {
        if (!is_room_handle(member, handles->pdata[i]))
            continue;
        tell_now(handles->pdata[i], data);
        told = true;
    }
    if (!told && handles->len > 0)
        tell_now(handles->pdata[0], data);
    json_decref(data);
}

void stoa_member_tell(StoaMember *member, const char *event, json_t *body)
{
    tell_handles(member, member->handles, event, body);
}

static void tell_state(StoaMember *member)
{
    if (member->state == STOA_MEMBER_WAITING)
        stoa_lobby_tell(member->room);
    else
        stoa_kept_room_tell(member->room, "participant_state", stoa_member_json(member));
}

void stoa_member_announce(StoaMember *member)
{
    if (member->state == STOA_MEMBER_WAITING)
        tell_state(member);
    if (!is_in(member) || member->announced)
        return;
    member->announced = true;
    stoa_kept_room_tell(member->room, "participant_joined", stoa_member_json(member));
}

/* -- coming and going ---------------------------------------------------------------------- */

static bool is_connected(const StoaMember *member)
{
    for (guint i = 0; i < member->handles->len; i++) {
        const StoaHandle *handle = member->handles->pdata[i];
        if (!handle->lost)
            return true;
    }
    return false;
}

/* When the connection was lost; of who never had one, the last request. */
static int64_t last_seen_ms(const StoaMember *member)
{
    const StoaSeatToken *token = token_of(member);

    if (member->connected || !token)
        return member->lost_ms;
    return token->expires_ms - member->room->rooms->spec.conf->participant_s * 1000;
}

void stoa_member_give_up(StoaMember *member)
{
    StoaKeptRoom *room = member->room;
    StoaLedger *ledger = stoa_ledger_new();

    stoa_member_leave(member, ledger, last_seen_ms(member), "lost");
    stoa_ledger_run(ledger, room->rooms->spec.store, NULL, NULL, NULL);
    stoa_member_end_handles(member, NULL, NULL);
    stoa_kept_room_settle(room);
}

static void grace_is_over(void *data)
{
    StoaMember *member = data;

    member->grace = NULL;
    log_info(member->room, "somebody did not come back: the seat is free");
    stoa_member_give_up(member);
}

/* A seat is kept for a while without a connection: after POST /join, and when one was lost. */
static void arm_grace(StoaMember *member)
{
    stoa_timer_clear(&member->grace);
    if (member->state == STOA_MEMBER_LEFT || is_connected(member))
        return;
    member->lost_ms = stoa_store_now_ms();
    member->grace = stoa_timer_after((unsigned)member->room->rooms->spec.conf->reconnect_s * 1000,
                                     grace_is_over, member);
}

static void lower_hand(StoaMember *member, StoaLedger *ledger)
{
    if (member->hand_ms > 0)
        stoa_ledger_hand(ledger, member->id, 0);
    member->hand_ms = 0;
}

/* A hand outlives a restart of the server for who is back while their seat would have been kept. */
static void lower_old_hand(StoaMember *member, StoaLedger *ledger)
{
    const StoaRooms *rooms = member->room->rooms;

    if (stoa_store_now_ms() - rooms->started_ms > rooms->spec.conf->reconnect_s * 1000)
        lower_hand(member, ledger);
}

void stoa_member_enter(StoaMember *member, StoaLedger *ledger)
{
    StoaKeptRoom *room = member->room;
    StoaSeatToken *token = token_of(member);

    if (is_in(member))
        return;
    if (!room->info->meeting)
        stoa_meeting_begin(room, ledger);
    lower_old_hand(member, ledger);
    member->state = STOA_MEMBER_IN;
    member->admitted = member->attended = true;
    member->muted = false;
    member->connected = is_connected(member);
    member->joined_ms = stoa_store_now_ms();
    if (token)
        token->waiting = false;
    stoa_ledger_attend(ledger, room->info->meeting, member->id, member->joined_ms);
    arm_grace(member);
    stoa_kept_room_settle(room);
}

void stoa_member_wait(StoaMember *member)
{
    StoaSeatToken *token = token_of(member);

    member->state = STOA_MEMBER_WAITING;
    member->told_waiting = false;
    member->connected = is_connected(member);
    member->joined_ms = stoa_store_now_ms();
    if (token)
        token->waiting = true;
    arm_grace(member);
    stoa_kept_room_settle(member->room);
}

void stoa_member_leave(StoaMember *member, StoaLedger *ledger, int64_t left_ms, const char *reason)
{
    StoaKeptRoom *room = member->room;
    bool was_in = is_in(member), was_told = was_in || member->told_waiting;

    if (member->state == STOA_MEMBER_LEFT)
        return;
    stoa_timer_clear(&member->grace);
    member->state = STOA_MEMBER_LEFT;
    lower_hand(member, ledger);
    member->announced = false;
    member->told_waiting = false;
    if (was_in && room->info->meeting)
        stoa_ledger_depart(ledger, room->info->meeting, member->id, member->joined_ms,
                           MAX(left_ms, member->joined_ms));
    if (!was_told)
        return;
    json_t *body = stoa_member_json(member);
    if (reason)
        json_object_set_new(body, "reason", json_string(reason));
    if (was_in)
        stoa_kept_room_tell_others(room, member, "participant_left", body);
    else
        stoa_kept_room_tell_hosts(room, "participant_left", body);
}

const char *stoa_member_farewell(const StoaMember *member)
{
    return member->state == STOA_MEMBER_WAITING ? "denied" : "removed";
}

void stoa_member_shut_out(StoaMember *member, StoaLedger *ledger)
{
    member->admitted = false;
    stoa_ledger_shut_out(ledger, member->id);
}

void stoa_member_end_handles(StoaMember *member, const char *event, json_t *body)
{
    if (event)
        stoa_member_tell(member, event, body);
    while (member->handles->len > 0) {
        StoaHandle *handle = member->handles->pdata[member->handles->len - 1];
        if (handle->outlet && handle->outlet->end)
            handle->outlet->end(handle);
        if (member->handles->len > 0 &&
            member->handles->pdata[member->handles->len - 1] == handle) /* nobody to end it */
            stoa_member_forget(member, handle);
    }
}

void stoa_member_cut(StoaMember *member, const char *event, json_t *body)
{
    stoa_seat_tokens_drop(member->room->rooms->tokens, member->id);
    stoa_member_end_handles(member, event, body);
}

/* -- connections ---------------------------------------------------------------------------- */

static void connection_changed(StoaMember *member)
{
    bool connected = is_connected(member);

    if (member->state == STOA_MEMBER_LEFT)
        return;
    member->connected |= connected;
    if (connected)
        stoa_timer_clear(&member->grace);
    else if (!member->grace)
        arm_grace(member);
    if (connected && member->state == STOA_MEMBER_RECONNECTING)
        member->state = STOA_MEMBER_IN;
    else if (!connected && member->state == STOA_MEMBER_IN)
        member->state = STOA_MEMBER_RECONNECTING;
    else
        return;
    tell_state(member);
}

void stoa_handle_set_lost(StoaHandle *handle, bool lost)
{
    if (!handle->member || handle->lost == lost)
        return;
    handle->lost = lost;
    connection_changed(handle->member);
}

void stoa_member_forget(StoaMember *member, StoaHandle *handle)
{
    handle->member = NULL;
    if (g_ptr_array_remove(member->handles, handle))
        connection_changed(member);
}

static void send_room_state(StoaMember *member, StoaHandle *handle)
{
    stoa_handle_send_state(handle);
    if (is_room_handle(member, handle))
        stoa_room_module_deliver_keys(member);
}

/* Modules with a `join` of their own (videoroom) take the seat when they are asked to. */
static bool is_seated_by_core(const StoaHandle *handle)
{
    const StoaPlugin *plugin = &handle->module->plugin;

    for (const StoaMethod *row = plugin->methods; row && row->name; row++) {
        if (g_str_equal(row->name, "join"))
            return false;
    }
    return plugin->scope == STOA_SCOPE_ROOM && !plugin->vocabulary;
}

static void sit(StoaMember *member, StoaHandle *handle)
{
    g_autoptr(GError) error = NULL;
    StoaRoom *view = stoa_room_core_view(member->room->core, handle->module);

    if (handle->room || !view || !is_seated_by_core(handle))
        return;
    if (stoa_handle_sit(handle, view, member->id, &error))
        send_room_state(member, handle);
    else
        log_warn(handle, "the seat cannot be taken: %s", error->message);
}

void stoa_member_seat(StoaMember *member, StoaHandle *handle)
{
    handle->member = member;
    g_ptr_array_add(member->handles, handle);
    connection_changed(member);
    if (is_in(member))
        sit(member, handle);
}

void stoa_member_admitted(StoaMember *member)
{
    stoa_member_tell(member, "admitted", NULL);
    for (guint i = 0; i < member->handles->len; i++)
        sit(member, member->handles->pdata[i]);
    connection_changed(member);
}

void stoa_member_take_over(StoaMember *member, bool (*same)(StoaHandle *handle, void *data),
                           void *data)
{
    g_autoptr(GPtrArray) now = g_ptr_array_copy(member->handles, NULL, NULL);
    g_autoptr(GPtrArray) others = g_ptr_array_new();

    for (guint i = 0; i < now->len; i++) {
        if (!same(now->pdata[i], data))
            g_ptr_array_add(others, now->pdata[i]);
    }
    if (others->len == 0)
        return;
    tell_handles(member, others, "replaced", NULL);
    for (guint i = 0; i < others->len; i++) {
        StoaHandle *handle = others->pdata[i];
        if (g_ptr_array_find(member->handles, handle, NULL) && handle->outlet &&
            handle->outlet->end)
            handle->outlet->end(handle);
    }
}

void stoa_member_drop_modules(StoaMember *member)
{
    g_autoptr(GPtrArray) now = g_ptr_array_copy(member->handles, NULL, NULL);

    for (guint i = 0; i < now->len; i++) {
        StoaHandle *handle = now->pdata[i];
        if (!g_ptr_array_find(member->handles, handle, NULL) || is_room_handle(member, handle) ||
            stoa_room_info_has_module(member->room->info, handle->module->plugin.name) ||
            !handle->outlet)
            continue;
        if (handle->outlet->detach)
            handle->outlet->detach(handle);
        else if (handle->outlet->end)
            handle->outlet->end(handle);
    }
}

/* -- what one does to a person --------------------------------------------------------------- */

/* Pages sort by it: of two in one moment the second comes later. */
static int64_t next_hand_ms(const StoaKeptRoom *room)
{
    int64_t next = stoa_store_now_ms();

    for (guint i = 0; i < room->order->len; i++)
        next = MAX(next, ((const StoaMember *)room->order->pdata[i])->hand_ms + 1);
    return next;
}

void stoa_member_set_hand(StoaMember *member, bool up, StoaLedger *ledger)
{
    if (up == (member->hand_ms > 0))
        return;
    member->hand_ms = up ? next_hand_ms(member->room) : 0;
    stoa_ledger_hand(ledger, member->id, member->hand_ms);
    json_t *body = stoa_member_who(member);
    json_object_set_new(body, "up", json_boolean(up));
    if (up)
        json_object_set_new(body, "at", stoa_store_time_json(member->hand_ms));
    stoa_kept_room_tell(member->room, "hand", body);
}

void stoa_member_set_role(StoaMember *member, StoaRole role)
{
    StoaSeatToken *token = token_of(member);

    member->role = role;
    if (token)
        token->role = role;
    stoa_room_core_member_changed(member->room->core, member->id);
    json_t *body = stoa_member_who(member);
    json_object_set_new(body, "role", json_string(stoa_role_name(role)));
    stoa_kept_room_tell(member->room, "role", body);
}

void stoa_member_mute(StoaMember *member)
{
    member->muted = true;
    for (guint i = 0; i < member->handles->len; i++) {
        StoaHandle *handle = member->handles->pdata[i];
        if (handle->who && handle->who->handle == handle && handle->module->plugin.muted)
            handle->module->plugin.muted(handle->room, handle->who);
    }
    tell_state(member);
}

void stoa_member_unmuted(StoaMember *member)
{
    if (!member->muted)
        return;
    member->muted = false;
    tell_state(member);
}
