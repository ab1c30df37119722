/* SPDX-License-Identifier: MIT */
/* Crowds before a door that is open to everybody: who waits is told to hosts at a bounded rate, the lobby has an end, and
 * a guest who never connected gives the place to somebody who was invited. */
#include "config.h"

#define LOG_AREA "room"

#include "room/capability.h"
#include "room/kept-room.h"
#include "room/room-private.h"

enum {
    TOLD_AT_ONCE = 20, /* so many that wait are told to hosts in each TOLD_MS */
    TOLD_MS = 100,
    PATIENCE_MS = 3000, /* a page connects sooner than that */
    CROWD = 20,         /* so many that have not connected yet do not look like a class */
};

/* -- who waits is told ---------------------------------------------------------------------- */

static void tell_next(void *data)
{
    StoaKeptRoom *room = data;

    room->lobby = NULL;
    room->n_told = 0;
    stoa_lobby_tell(room);
}

/* Who went before their turn came is told nobody. */
void stoa_lobby_tell(StoaKeptRoom *room)
{
    bool told = false;

    for (guint i = 0; i < room->order->len && room->n_told < TOLD_AT_ONCE; i++) {
        StoaMember *member = room->order->pdata[i];
        if (member->state != STOA_MEMBER_WAITING || member->told_waiting)
            continue;
        member->told_waiting = true;
        stoa_kept_room_tell_hosts(room, "participant_state", stoa_member_json(member));
        room->n_told++;
        told = true;
    }
    if (!room->lobby && (told || room->n_told >= TOLD_AT_ONCE))
        room->lobby = stoa_timer_after(TOLD_MS, tell_next, room);
}

/* -- places --------------------------------------------------------------------------------- */

static bool is_of(const StoaMember *member, bool lobby)
{
    if (lobby)
        return member->guest && member->state == STOA_MEMBER_WAITING;
    return member->state == STOA_MEMBER_IN || member->state == STOA_MEMBER_RECONNECTING;
}

static unsigned n_of(const StoaKeptRoom *room, bool lobby)
{
    unsigned n = 0;

    for (guint i = 0; i < room->order->len; i++)
        n += is_of(room->order->pdata[i], lobby);
    return n;
}

bool stoa_lobby_takes(const StoaKeptRoom *room, const StoaMember *member, GError **error)
{
    int64_t most = room->rooms->spec.conf->waiting_per_room;

    if (!member->guest || member->state == STOA_MEMBER_WAITING || n_of(room, true) < most)
        return true;
    return stoa_refuse(error, "room_full",
                       "too many wait in the lobby of this room (%" G_GINT64_FORMAT
                       "): try again in a minute",
                       most);
}

/* The first guest that has not connected: if patience is over, or there is a crowd of them. */
static StoaMember *who_gives_way(const StoaKeptRoom *room, bool lobby)
{
    int64_t late_ms = stoa_store_now_ms() - PATIENCE_MS;
    StoaMember *first = NULL;
    unsigned n = 0;

    for (guint i = 0; i < room->order->len && n < CROWD; i++) {
        StoaMember *member = room->order->pdata[i];
        if (!member->guest || member->connected || !is_of(member, lobby))
            continue;
        n++;
        if (!first || member->joined_ms < first->joined_ms)
            first = member;
    }
    return n >= CROWD || (first && first->joined_ms <= late_ms) ? first : NULL;
}

void stoa_lobby_make_place(StoaKeptRoom *room, const StoaMember *comer)
{
    bool lobby = stoa_kept_room_must_wait(room, comer);
    int64_t most = lobby ? room->rooms->spec.conf->waiting_per_room : stoa_kept_room_most(room);
    StoaMember *member;

    if (comer->state != STOA_MEMBER_LEFT || comer->guest != lobby || n_of(room, lobby) < most)
        return;
    member = who_gives_way(room, lobby);
    if (!member)
        return;
    log_debug(room, "full: a guest who has not connected gives way");
    stoa_member_give_up(member);
}
