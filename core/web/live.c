/* SPDX-License-Identifier: MIT */
/* The open rooms, as the web asks them. */
#include "config.h"

#include "room/rooms.h"
#include "web/live.h"
#include "web/web-private.h"

void stoa_live_changed(StoaWeb *web, const char *room, StoaRoomDone *done, void *data)
{
    if (web->spec.rooms)
        stoa_rooms_reload(web->spec.rooms, room, done, data);
    else
        done(NULL, data);
}

void stoa_live_deleted(StoaWeb *web, const char *room)
{
    if (web->spec.rooms)
        stoa_rooms_deleted(web->spec.rooms, room);
}

void stoa_live_removed(StoaWeb *web, const char *room, const char *person, const char *reason)
{
    if (web->spec.rooms)
        stoa_rooms_remove(web->spec.rooms, room, person, reason);
}

void stoa_live_erased(StoaWeb *web, const char *room, const char *person)
{
    if (web->spec.rooms)
        stoa_rooms_erased(web->spec.rooms, room, person);
}

void stoa_live_rebuild(StoaWeb *web G_GNUC_UNUSED, const char *room)
{
    StoaRoomCore *core = stoa_room_core_find(room);

    if (core && stoa_room_core_is_kept(core))
        stoa_room_core_rebuild(core, NULL, NULL);
}

static void no_rooms(GError **error)
{
    stoa_fail(error, STOA_ERROR_UNAVAILABLE, "this server has no rooms open now");
}

void stoa_live_view(StoaWeb *web, const char *room, const char *module, StoaViewReady *ready,
                    void *data)
{
    g_autoptr(GError) error = NULL;

    if (web->spec.rooms) {
        stoa_rooms_view(web->spec.rooms, room, module, ready, data);
        return;
    }
    no_rooms(&error);
    ready(NULL, error, data);
}

void stoa_live_redact(StoaWeb *web, const char *room, const char *person, StoaRoomDone *done,
                      void *data)
{
    g_autoptr(GError) error = NULL;

    if (web->spec.rooms) {
        stoa_rooms_redact(web->spec.rooms, room, person, done, data);
        return;
    }
    no_rooms(&error);
    done(error, data);
}
