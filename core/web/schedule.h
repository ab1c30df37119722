/* SPDX-License-Identifier: MIT */
/* What the calendars of those who were invited by mail are told. Within a transaction; stoa_mail_wake() after it. (RFC 5546) */
#pragma once

#include "room/invitation.h"
#include "room/room-info.h"

/**
 * What identifies an invitation's entry in a calendar, and its number: one more with each mail, so that it counts as the newer one.
 *
 * @payload  gets "uid" and "sequence"
 *
 * Thread: store.
 */
bool stoa_schedule_number(StoaDb *db, const char *invitation, json_t *payload, GError **error);

/** The class takes place at another time, or has none any more. Nobody is told of one that is over. Thread: store. */
bool stoa_schedule_move(StoaDb *db, const StoaRoomInfo *room, GError **error);

/**
 * The class is none any more for those who have it in a calendar and to whom it is still to come.
 *
 * @invitation  that one only, which is being revoked; NULL: all, the room is being erased
 *
 * Thread: store.
 */
bool stoa_schedule_cancel(StoaDb *db, const char *room, const char *invitation, GError **error);
