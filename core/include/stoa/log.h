/* SPDX-License-Identifier: MIT */
/* The log, for what has no room: a transport, or a plugin that starts. With a room at hand use stoa_room_log(). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stoa/table.h>

/* Numbered as Janus numbers its levels, so that its admin clients can set them: a line shows if its number is not above the level. */
typedef enum {
    STOA_LOG_ERROR = 2, /* an operator must act */
    STOA_LOG_WARN = 3,  /* something was lost */
    STOA_LOG_INFO = 4,  /* a life began or ended */
    STOA_LOG_DEBUG = 5, /* why */
} StoaLogLevel;

/**
 * Write one line to the log, if its level is shown. Never on the packet path.
 *
 * @area  the module's name: "http"
 * @ids   whom it is about, as `session=42 handle=7`; NULL or "": nobody
 *
 * No token, secret, message text or mail address; addresses and names through STOA_PII(). Thread: any.
 */
STOA_EXPORT void stoa_log_write(StoaLogLevel level, const char *area, const char *ids,
                                const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/** Whether a line of that level would be shown. Thread: any. */
STOA_EXPORT bool stoa_log_is_on(StoaLogLevel level);

/**
 * A name or an address, made fit for a log: addresses are cut to /24 and /48, all else is hidden,
 * unless the operator asked to see them (`log.debug_pii`).
 *
 * @text  "192.0.2.7", "192.0.2.7:5000", "[2001:db8::1]:5000" or a name; NULL is "-"
 *
 * Returns text that lives until the eighth next call on the same thread. Thread: any.
 */
STOA_EXPORT const char *stoa_log_pii(const char *text);

#define STOA_PII(text) stoa_log_pii(text)
