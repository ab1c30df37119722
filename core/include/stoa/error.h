/* SPDX-License-Identifier: MIT */
/* Errors: GError in one domain. `false` or NULL means that `error` is set; success leaves it alone. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stoa/table.h>

#define STOA_ERROR (stoa_error_quark())

typedef enum {
    STOA_ERROR_INVALID,   /* the request is malformed or a value is out of range */
    STOA_ERROR_FORBIDDEN, /* the caller's role does not allow it */
    STOA_ERROR_NOT_FOUND,
    STOA_ERROR_CONFLICT, /* right request, wrong moment */
    STOA_ERROR_LIMIT,    /* a configured limit was reached */
    STOA_ERROR_UNAVAILABLE,
    STOA_ERROR_INTERNAL,
    STOA_ERROR_REFUSED, /* a reason of the module's own vocabulary: see stoa_refuse() */
} StoaErrorCode;

STOA_EXPORT GQuark stoa_error_quark(void);

/**
 * Fail in one line: `return stoa_fail(error, STOA_ERROR_LIMIT, "room \"%s\" is full: …", id);`
 *
 * @error  written if not NULL
 * @code   what kind of failure; the core maps it to the wire's number
 * @fmt    names the thing, the value and the way out; it goes to a stranger, so no token, path or mail address
 *
 * Always returns false (which is also NULL). Thread: any.
 */
STOA_EXPORT bool stoa_fail(GError **error, StoaErrorCode code, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/**
 * Fail with a reason from the module's `numbers` table, for modules that speak an older vocabulary.
 *
 * @reason  the row's name: "no_such_room"; copied
 *
 * The code is STOA_ERROR_REFUSED until the core has looked the reason up. Always returns false. Thread: any.
 */
STOA_EXPORT bool stoa_refuse(GError **error, const char *reason, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/** The reason that was given to stoa_refuse(), also by the core ("no_such_room"); NULL: there is none. Borrowed from the error. */
STOA_EXPORT const char *stoa_error_reason(const GError *error);
