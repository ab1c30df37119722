/* SPDX-License-Identifier: MIT */
/* Erasing for good: rooms, meetings, people; their rows, files and written mails, and the bytes that deleted rows leave behind. */
#pragma once

#include "web/web.h"

/**
 * Erase rooms: everybody who is in is told; those who were mailed an invitation get a cancellation; then all of it goes.
 *
 * @rooms  NULL-terminated ids; copied
 * @done   called once nothing of them is on disk any more
 * Thread: control.
 */
void stoa_erase_rooms(StoaWeb *web, const char *const *rooms, StoaStoreDone *done, void *data);

/**
 * The rows' part of it, within a job: cancellations are put into the outbox, then the rooms go.
 *
 * @files  gets names for stoa_mail_unlink()
 */
bool stoa_erase_room_rows(StoaDb *db, const char *room, GPtrArray *files, GError **error);
/** The files' part: DATA/files/ROOM. Blocks. Thread: any. */
void stoa_erase_room_files(const char *data_dir, const char *room);

/** Within a job: a host is signed out and can not sign in again; the rest follows, by a gateway that runs or by the caller. */
bool stoa_erase_mark_host(StoaDb *db, const char *host, const char *email, GPtrArray *files,
                          GError **error);
/** Within a job: all rooms of a host (their ids are added to `rooms`), then the host. */
bool stoa_erase_host_rows(StoaDb *db, const char *host, GPtrArray *rooms, GPtrArray *files,
                          GError **error);

/** Erase a host who was marked, with the rooms. Thread: control. */
void stoa_erase_host(StoaWeb *web, const char *host, StoaStoreDone *done, void *data);
