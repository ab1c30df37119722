/* SPDX-License-Identifier: MIT */
/* What was done to rows, told to the rooms that are open; and rooms opened for what the web asks of them. Thread: control. */
#pragma once

#include "room/journal.h"
#include "web/web.h"

/** `done` once an open room is as its row. */
void stoa_live_changed(StoaWeb *web, const char *room, StoaRoomDone *done, void *data);
void stoa_live_deleted(StoaWeb *web, const char *room);
void stoa_live_removed(StoaWeb *web, const char *room, const char *person, const char *reason);
void stoa_live_erased(StoaWeb *web, const char *room, const char *person);
/** The rows of its journal were changed. */
void stoa_live_rebuild(StoaWeb *web, const char *room);
/** A module's view of a room, opened if need be. */
void stoa_live_view(StoaWeb *web, const char *room, const char *module, StoaViewReady *ready,
                    void *data);
/** Erase what a person wrote in a room. `done` once it is on disk. */
void stoa_live_redact(StoaWeb *web, const char *room, const char *person, StoaRoomDone *done,
                      void *data);
