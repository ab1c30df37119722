/* SPDX-License-Identifier: MIT */
/* Errors: the one domain, and the reason that a refusal carries along. */
#include "base/error.h"

/* The look-up that G_DEFINE_EXTENDED_ERROR makes returns NULL for a foreign domain, which never comes here. */
#pragma GCC diagnostic ignored "-Wnull-dereference"

/* The private part of our GErrors. */
typedef struct {
    char *reason; /* NULL unless stoa_refuse() made it */
} StoaErrorPrivate;

static void stoa_error_private_init(StoaErrorPrivate *priv)
{
    priv->reason = NULL;
}

static void stoa_error_private_copy(const StoaErrorPrivate *from, StoaErrorPrivate *to)
{
    to->reason = g_strdup(from->reason);
}

static void stoa_error_private_clear(StoaErrorPrivate *priv)
{
    g_clear_pointer(&priv->reason, g_free);
}

G_DEFINE_EXTENDED_ERROR(StoaError, stoa_error)

bool stoa_fail(GError **error, StoaErrorCode code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (error)
        *error = g_error_new_valist(STOA_ERROR, (int)code, fmt, args);
    va_end(args);
    return false;
}

bool stoa_refuse(GError **error, const char *reason, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (error) {
        *error = g_error_new_valist(STOA_ERROR, STOA_ERROR_REFUSED, fmt, args);
        stoa_error_get_private(*error)->reason = g_strdup(reason);
    }
    va_end(args);
    return false;
}

const char *stoa_error_reason(const GError *error)
{
    if (!error || error->domain != STOA_ERROR)
        return NULL;
    return stoa_error_get_private(error)->reason;
}

const char *stoa_error_code_name(int code)
{
    static const char *const names[] = {
        [STOA_ERROR_INVALID] = "invalid",     [STOA_ERROR_FORBIDDEN] = "forbidden",
        [STOA_ERROR_NOT_FOUND] = "not_found", [STOA_ERROR_CONFLICT] = "conflict",
        [STOA_ERROR_LIMIT] = "limit",         [STOA_ERROR_UNAVAILABLE] = "unavailable",
        [STOA_ERROR_INTERNAL] = "internal",   [STOA_ERROR_REFUSED] = "refused",
    };

    return code >= 0 && (size_t)code < G_N_ELEMENTS(names) ? names[code] : "unknown";
}
