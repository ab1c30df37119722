/* SPDX-License-Identifier: MIT */
/* A handle is attached with a token: the way from there to a person in an open room. */
#include "config.h"

#include "room/kept-room.h"
#include "room/room-private.h"

typedef struct {
    StoaRooms *rooms;
    char *room, *person, *module;
    bool without_view; /* the module serves no rooms: each handle is one of its own */
    StoaSeatReady *ready;
    void *data;
} Claiming;

static void claiming_free(Claiming *claiming)
{
    g_free(claiming->room);
    g_free(claiming->person);
    g_free(claiming->module);
    g_free(claiming);
}

static void refuse(Claiming *claiming, const GError *error)
{
    claiming->ready(NULL, error, claiming->data);
    claiming_free(claiming);
}

/* Who gave the seat up and comes back with a token that still lives. */
static bool come_back(StoaMember *member, GError **error)
{
    StoaKeptRoom *room = member->room;

    if (member->state != STOA_MEMBER_LEFT)
        return true;
    if (!stoa_kept_room_may_enter(room, member, error))
        return false;
    if (stoa_kept_room_must_wait(room, member)) {
        stoa_member_wait(member);
    } else {
        StoaLedger *ledger = stoa_ledger_new();
        stoa_member_enter(member, ledger);
        stoa_ledger_run(ledger, room->rooms->spec.store, NULL, NULL, NULL);
    }
    stoa_member_announce(member);
    return true;
}

static bool has_module(const StoaKeptRoom *room, const char *module, GError **error)
{
    return g_str_equal(module, "room") || stoa_room_info_has_module(room->info, module) ||
           stoa_fail(error, STOA_ERROR_NOT_FOUND, "this room has no module \"%s\"", module);
}

static bool may_have(const StoaMember *member, const char *module, GError **error)
{
    return g_str_equal(module, "room") || member->state != STOA_MEMBER_WAITING ||
           stoa_fail(error, STOA_ERROR_FORBIDDEN,
                     "you wait in the lobby: only \"room\" can be attached until you are let in");
}

/* The person as of now: time may have passed. */
static StoaMember *claimant(const Claiming *claiming, GError **error)
{
    StoaKeptRoom *room = stoa_rooms_find(claiming->rooms, claiming->room);
    StoaMember *member = room ? stoa_kept_room_member(room, claiming->person) : NULL;

    if (!member || !stoa_seat_tokens_of(claiming->rooms->tokens, claiming->person)) {
        stoa_refuse(error, "unauthenticated", "this token is not valid any more: join again");
        return NULL;
    }
    if (!has_module(room, claiming->module, error) || !come_back(member, error) ||
        !may_have(member, claiming->module, error))
        return NULL;
    return member;
}

static void give(Claiming *claiming, StoaMember *member)
{
    claiming->ready(member, NULL, claiming->data);
    claiming_free(claiming);
}

static void view_is_open(StoaRoom *view, const GError *error, void *data)
{
    Claiming *claiming = data;
    g_autoptr(GError) why = NULL;
    StoaMember *member = view ? claimant(claiming, &why) : NULL;

    if (member)
        give(claiming, member);
    else
        refuse(claiming, error ? error : why);
}

static void room_is_open(StoaKeptRoom *room, const GError *error, void *data)
{
    Claiming *claiming = data;
    g_autoptr(GError) why = NULL;
    StoaMember *member = room ? claimant(claiming, &why) : NULL;

    if (!member)
        refuse(claiming, error ? error : why);
    else if (claiming->without_view)
        give(claiming, member);
    else
        stoa_rooms_view(claiming->rooms, claiming->room, claiming->module, view_is_open, claiming);
}

void stoa_rooms_claim(StoaRooms *rooms, const StoaSeatClaim *claim, StoaSeatReady *ready,
                      void *data)
{
    const StoaSeatToken *token = stoa_seat_tokens_use(rooms->tokens, claim->token);
    Claiming *claiming = g_new0(Claiming, 1);
    g_autoptr(GError) why = NULL;

    *claiming = (Claiming){ .rooms = rooms, .ready = ready, .data = data };
    if (!token) {
        stoa_refuse(&why, "unauthenticated", "the token is not valid, or no more: join again");
        refuse(claiming, why);
        return;
    }
    claiming->room = g_strdup(token->room);
    claiming->person = g_strdup(token->participant);
    claiming->module = g_strdup(stoa_module_plugin(claim->module)->name);
    claiming->without_view = stoa_module_plugin(claim->module)->scope == STOA_SCOPE_HANDLE;
    stoa_rooms_open(rooms, token->room, room_is_open, claiming);
}

bool stoa_rooms_may_use(StoaRooms *rooms, StoaHandle *handle, const char *text)
{
    const StoaSeatToken *token = stoa_seat_tokens_use(rooms->tokens, text);

    return token && handle->member && g_str_equal(token->participant, handle->member->id);
}

/* -- the SDK's side -------------------------------------------------------------------------- */

StoaRoom *stoa_handle_seat(StoaHandle *handle, StoaSeat *seat)
{
    const StoaMember *member = handle->member;

    if (!member || (member->state != STOA_MEMBER_IN && member->state != STOA_MEMBER_RECONNECTING))
        return NULL;
    *seat =
        (StoaSeat){ .id = member->id, .name = member->name, .role = member->role, .text_id = true };
    return stoa_room_core_view(member->room->core, handle->module);
}
