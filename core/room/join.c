/* SPDX-License-Identifier: MIT */
/* Coming in, leaving, and what a host or cohost does to somebody. Each is decided here, written by one job, answered after it. */
#include "config.h"

#define LOG_AREA "room"

#include "room/capability.h"
#include "room/kept-room.h"

#include <string.h>

int64_t stoa_kept_room_most(const StoaKeptRoom *room)
{
    return room->info->max_people ? room->info->max_people
                                  : room->rooms->spec.conf->people_per_room;
}

bool stoa_kept_room_may_enter(const StoaKeptRoom *room, const StoaMember *member, GError **error)
{
    const StoaRoomInfo *info = room->info;
    int64_t most = stoa_kept_room_most(room);

    if (g_str_equal(info->state, "ended"))
        return stoa_refuse(error, "gone", "this room has ended");
    if (member->banned)
        return stoa_refuse(error, "gone", "this invitation is not valid any more");
    if (member->role == STOA_ROLE_HOST || member->state == STOA_MEMBER_IN ||
        member->state == STOA_MEMBER_RECONNECTING)
        return true;
    if (info->locked && !member->admitted)
        return stoa_refuse(error, "room_locked", "the host has locked this room");
    if (stoa_kept_room_must_wait(room, member) && !stoa_lobby_takes(room, member, error))
        return false;
    if (stoa_kept_room_n_in(room) >= most)
        return stoa_refuse(error, "room_full", "this room is full: %" G_GINT64_FORMAT " are in",
                           most);
    return true;
}

/* A guest who was banned is another guest by another name: who comes from the same home has to be let in. */
static bool is_barred(const StoaKeptRoom *room, const StoaMember *member)
{
    return member->home && g_hash_table_contains(room->barred, member->home);
}

bool stoa_kept_room_must_wait(const StoaKeptRoom *room, const StoaMember *member)
{
    return (room->info->lobby || is_barred(room, member)) && member->role < STOA_ROLE_COHOST &&
           !member->admitted;
}

/* -- coming in ------------------------------------------------------------------------------ */

typedef struct {
    StoaRooms *rooms;
    char *room, *id, *invitation, *host, *email, *name, *role, *home;
    char token[STOA_TOKEN_LEN + 1];
    bool is_new, proven;
    StoaJoinDone *done;
    void *data;
} Joining;

static void joining_free(void *data)
{
    Joining *joining = data;

    g_free(joining->room);
    g_free(joining->id);
    g_free(joining->invitation);
    g_free(joining->host);
    g_free(joining->email);
    g_free(joining->name);
    g_free(joining->role);
    g_free(joining->home);
    g_free(joining);
}

static StoaLedgerPerson person_of(const Joining *joining)
{
    return (StoaLedgerPerson){ .id = joining->id,
                               .room = joining->room,
                               .invitation = joining->invitation,
                               .host = joining->host,
                               .email = joining->email,
                               .name = joining->name,
                               .role = joining->role };
}

/* Nothing of it is on disk: the seat was never taken. */
static void undo_join(StoaMember *member)
{
    stoa_seat_tokens_drop(member->room->rooms->tokens, member->id);
    stoa_timer_clear(&member->grace);
    member->state = STOA_MEMBER_LEFT;
    stoa_kept_room_settle(member->room);
}

static void joined(void *data, const GError *error)
{
    Joining *joining = data;
    StoaKeptRoom *room = stoa_rooms_find(joining->rooms, joining->room);
    StoaMember *member = room ? stoa_kept_room_member(room, joining->id) : NULL;
    g_autoptr(GError) gone = NULL;

    if (room)
        room->busy--;
    if (member && error)
        undo_join(member);
    if (!member || error) {
        stoa_refuse(&gone, "gone", "this room has ended");
        joining->done(NULL, error ? error : gone, joining->data);
        return;
    }
    stoa_member_announce(member);
    const StoaJoined answer = { .token = joining->token,
                                .id = member->id,
                                .name = member->name,
                                .role = member->role,
                                .waiting = member->state == STOA_MEMBER_WAITING,
                                .room = room->info };
    joining->done(&answer, NULL, joining->data);
    stoa_kept_room_settle(room);
}

static void give_token(StoaMember *member, Joining *joining, StoaLedger *ledger)
{
    StoaSeatToken *token = g_new0(StoaSeatToken, 1);

    stoa_token_new(joining->token, token->hash);
    token->participant = g_strdup(member->id);
    token->room = g_strdup(joining->room);
    token->name = g_strdup(member->name);
    token->email = g_strdup(joining->email);
    token->role = member->role;
    token->waiting = member->state == STOA_MEMBER_WAITING;
    token->proven = joining->proven;
    stoa_seat_tokens_put(member->room->rooms->tokens, token);
    stoa_ledger_seat(ledger, member->id, token->hash, token->expires_ms, token->proven);
}

static void take_seat(StoaMember *member, Joining *joining)
{
    StoaKeptRoom *room = member->room;
    StoaLedger *ledger = stoa_ledger_new();
    StoaLedgerPerson person = person_of(joining);

    stoa_ledger_person(ledger, &person);
    give_token(member, joining, ledger);
    if (stoa_kept_room_must_wait(room, member))
        stoa_member_wait(member);
    else
        stoa_member_enter(member, ledger);
    if (is_barred(room, member) && room->info->meeting) /* known after a restart, too */
        stoa_ledger_bar(ledger, room->info->meeting, member->id, member->home);
    room->busy++;
    stoa_ledger_run(ledger, room->rooms->spec.store, joined, joining, joining_free);
}

static void refuse(Joining *joining, const GError *error)
{
    joining->done(NULL, error, joining->data);
    joining_free(joining);
}

static void join_room(StoaKeptRoom *room, const GError *error, void *data)
{
    Joining *joining = data;
    g_autoptr(GError) why = NULL;

    if (!room) {
        refuse(joining, error);
        return;
    }
    StoaLedgerPerson person = person_of(joining);
    StoaMember *member = stoa_kept_room_member(room, joining->id);
    joining->is_new = !member;
    g_autoptr(StoaMember) stranger =
        member ? NULL : stoa_member_new(person.id, person.name, stoa_role_from_name(person.role));
    if (stranger) {
        stranger->guest = !person.invitation && !person.host;
        stranger->home = g_strdup(joining->home);
    }
    stoa_lobby_make_place(room, member ? member : stranger);
    if (!stoa_kept_room_may_enter(room, member ? member : stranger, &why)) {
        refuse(joining, why);
        return;
    }
    if (!member)
        member = stoa_kept_room_add(room, &person);
    g_free(member->home);
    member->home = g_steal_pointer(&joining->home);
    stoa_member_end_handles(member, "replaced", NULL);
    take_seat(member, joining);
}

void stoa_rooms_join(StoaRooms *rooms, const StoaJoin *join, StoaJoinDone *done, void *data)
{
    Joining *joining = g_new0(Joining, 1);

    joining->rooms = rooms;
    joining->room = g_strdup(join->person.room);
    joining->id = g_strdup(join->person.id);
    joining->invitation = g_strdup(join->person.invitation);
    joining->host = g_strdup(join->person.host);
    joining->email = g_strdup(join->person.email);
    joining->name = g_strdup(join->person.name);
    joining->role = g_strdup(join->person.role);
    joining->home = g_strdup(join->home);
    joining->proven = join->proven;
    joining->done = done;
    joining->data = data;
    if (join->base_url) {
        g_free(rooms->base_url);
        rooms->base_url = g_strdup(join->base_url);
    }
    stoa_rooms_open(rooms, join->person.room, join_room, joining);
}

/* -- leaving, and what is done to somebody ------------------------------------------------------ */

typedef struct {
    StoaRooms *rooms;
    char *room, *person, *action;
    StoaRole role;
    StoaRoomsDone *done;
    void *data;
} Acting;

static void acting_free(void *data)
{
    Acting *acting = data;

    g_free(acting->room);
    g_free(acting->person);
    g_free(acting->action);
    g_free(acting);
}

static void admitted(StoaMember *member, bool written)
{
    if (member->state != STOA_MEMBER_IN && member->state != STOA_MEMBER_RECONNECTING)
        return;
    if (written) {
        stoa_member_admitted(member);
        stoa_member_announce(member);
    } else {
        member->admitted = false;
        stoa_member_wait(member);
    }
}

static void acted(void *data, const GError *error)
{
    Acting *acting = data;
    StoaKeptRoom *room = stoa_rooms_find(acting->rooms, acting->room);
    StoaMember *member = room ? stoa_kept_room_member(room, acting->person) : NULL;

    if (room)
        room->busy--;
    if (member && g_str_equal(acting->action, "admit"))
        admitted(member, error == NULL);
    if (room)
        stoa_kept_room_settle(room);
    json_t *answer = member && !error ? stoa_member_json(member) : NULL;
    if (answer && g_str_equal(acting->action, "mute"))
        json_object_set_new(answer, "muted", json_true());
    acting->done(answer, error, acting->data);
    json_decref(answer);
}

static bool is_here(const StoaMember *member, GError **error)
{
    if (member->state != STOA_MEMBER_LEFT)
        return true;
    return stoa_fail(error, STOA_ERROR_CONFLICT, "that person is not here now");
}

static bool is_waiting(const StoaMember *member, GError **error)
{
    if (member->state == STOA_MEMBER_WAITING)
        return true;
    return stoa_fail(error, STOA_ERROR_CONFLICT, "that person is not waiting in the lobby");
}

static bool admit(StoaMember *member, const Acting *acting G_GNUC_UNUSED, StoaLedger *ledger,
                  GError **error)
{
    if (!is_waiting(member, error))
        return false;
    member->admitted = true; /* past the lock */
    if (!stoa_kept_room_may_enter(member->room, member, error)) {
        member->admitted = false;
        return false;
    }
    stoa_member_enter(member, ledger);
    return true;
}

static void put_out(StoaMember *member, StoaLedger *ledger, const char *reason)
{
    const char *event = stoa_member_farewell(member);

    stoa_member_shut_out(member, ledger);
    stoa_ledger_unseat(ledger, member->id);
    stoa_member_leave(member, ledger, stoa_store_now_ms(), reason);
    stoa_member_cut(member, event, json_pack("{s:s}", "reason", reason));
}

static bool deny(StoaMember *member, const Acting *acting G_GNUC_UNUSED, StoaLedger *ledger,
                 GError **error)
{
    if (!is_waiting(member, error))
        return false;
    put_out(member, ledger, "denied");
    return true;
}

static bool put_out_now(StoaMember *member, const Acting *acting G_GNUC_UNUSED, StoaLedger *ledger,
                        GError **error)
{
    if (!is_here(member, error))
        return false;
    put_out(member, ledger, "removed");
    return true;
}

static bool ban(StoaMember *member, const Acting *acting G_GNUC_UNUSED, StoaLedger *ledger,
                GError **error G_GNUC_UNUSED)
{
    member->banned = true;
    stoa_ledger_ban(ledger, member->id);
    if (member->home) {
        const char *meeting = member->room->info->meeting;
        g_hash_table_add(member->room->barred, g_strdup(member->home));
        if (meeting)
            stoa_ledger_bar(ledger, meeting, member->id, member->home);
    }
    put_out(member, ledger, "banned");
    return true;
}

static bool mute(StoaMember *member, const Acting *acting G_GNUC_UNUSED,
                 StoaLedger *ledger G_GNUC_UNUSED, GError **error)
{
    if (!is_here(member, error))
        return false;
    stoa_member_mute(member);
    return true;
}

static bool give_role(StoaMember *member, const Acting *acting, StoaLedger *ledger,
                      GError **error G_GNUC_UNUSED)
{
    stoa_ledger_role(ledger, member->id, stoa_role_name(acting->role));
    stoa_member_set_role(member, acting->role);
    return true;
}

static const struct {
    const char *name;
    bool (*act)(StoaMember *member, const Acting *acting, StoaLedger *ledger, GError **error);
} actions[] = {
    { "admit", admit }, { "deny", deny }, { "remove", put_out_now },
    { "ban", ban },     { "mute", mute }, { "role", give_role },
};

static bool carry_out(StoaMember *member, const Acting *acting, StoaLedger *ledger, GError **error)
{
    if (member->role == STOA_ROLE_HOST && !g_str_equal(acting->action, "admit"))
        return stoa_fail(error, STOA_ERROR_FORBIDDEN, "nobody does that to the room's host");
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (g_str_equal(actions[i].name, acting->action))
            return actions[i].act(member, acting, ledger, error);
    }
    return stoa_fail(error, STOA_ERROR_INVALID, "there is no action \"%.32s\"", acting->action);
}

static void act(StoaKeptRoom *room, const GError *error, void *data)
{
    Acting *acting = data;
    StoaMember *member = room ? stoa_kept_room_member(room, acting->person) : NULL;
    g_autoptr(StoaLedger) ledger = stoa_ledger_new();
    g_autoptr(GError) why = error ? g_error_copy(error) : NULL;

    if (room && !member)
        stoa_fail(&why, STOA_ERROR_NOT_FOUND, "there is nobody of that id in this room");
    if (!member || !carry_out(member, acting, ledger, &why)) {
        acting->done(NULL, why, acting->data);
        acting_free(acting);
        return;
    }
    room->busy++;
    stoa_ledger_run(g_steal_pointer(&ledger), room->rooms->spec.store, acted, acting, acting_free);
}

void stoa_rooms_act(StoaRooms *rooms, const StoaAction *action, StoaRoomsDone *done, void *data)
{
    Acting *acting = g_new0(Acting, 1);

    acting->rooms = rooms;
    acting->room = g_strdup(action->room);
    acting->person = g_strdup(action->person);
    acting->action = g_strdup(action->action);
    acting->role = action->role;
    acting->done = done;
    acting->data = data;
    stoa_rooms_open(rooms, action->room, act, acting);
}

void stoa_rooms_leave(StoaRooms *rooms, const char *id, const char *person, StoaRoomsDone *done,
                      void *data)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, id);
    StoaMember *member = room ? stoa_kept_room_member(room, person) : NULL;
    StoaLedger *ledger = stoa_ledger_new();
    Acting *acting = g_new0(Acting, 1);

    acting->rooms = rooms;
    acting->room = g_strdup(id);
    acting->person = g_strdup(person);
    acting->action = g_strdup("leave");
    acting->done = done;
    acting->data = data;
    if (room)
        room->busy++;
    stoa_ledger_unseat(ledger, person);
    stoa_seat_tokens_drop(rooms->tokens, person);
    if (member) {
        stoa_member_leave(member, ledger, stoa_store_now_ms(), NULL);
        stoa_member_end_handles(member, NULL, NULL);
        stoa_kept_room_settle(room);
    }
    stoa_ledger_run(ledger, rooms->spec.store, acted, acting, acting_free);
}

static void was_admitted(json_t *answer G_GNUC_UNUSED, const GError *error,
                         void *data G_GNUC_UNUSED)
{
    if (error)
        log_info(stoa_process, "somebody still waits in a lobby that was closed: %s",
                 error->message);
}

void stoa_kept_room_admit_all(StoaKeptRoom *room)
{
    for (guint i = 0; i < room->order->len; i++) {
        const StoaMember *member = room->order->pdata[i];
        const StoaAction admission = { .room = room->info->id,
                                       .person = member->id,
                                       .action = "admit" };
        if (member->state == STOA_MEMBER_WAITING)
            stoa_rooms_act(room->rooms, &admission, was_admitted, NULL);
    }
}
