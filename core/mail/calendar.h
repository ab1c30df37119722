/* SPDX-License-Identifier: MIT */
/* Calendar parts of mails. (RFC 5545, RFC 5546) */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* Which of the methods of RFC 5546. */
typedef enum { STOA_CALENDAR_REQUEST, STOA_CALENDAR_CANCEL } StoaCalendarMethod;

/**
 * Make an .ics of a payload: uid, sequence, title, starts_at, duration_min, link, host.
 *
 * A class without a time is a VTODO, as an event must have one. A cancellation says no more than the UID and whose it is, and is of
 * the kind that was asked for: `is_task` in its payload tells a VTODO.
 *
 * @organizer  the sender's address
 * @attendee   the recipient's; NULL: left out
 * @now_ms     DTSTAMP
 *
 * Returns new text with CRLF, free with g_free(). Thread: any.
 */
char *stoa_calendar_text(StoaCalendarMethod method, const json_t *payload, const char *organizer,
                         const char *attendee, int64_t now_ms);
