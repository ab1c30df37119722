/* SPDX-License-Identifier: MIT */
/* The session protocol's errors. */
#include "config.h"

#include "signaling/wire-error.h"

json_t *stoa_wire_error(StoaWireError code, uint64_t session, const char *transaction,
                        const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    /* A name cut to length may end inside a character: JSON takes none such. */
    g_autofree char *reason = g_utf8_make_valid(text, -1);
    json_t *answer = json_pack("{s:s}", "janus", "error");
    if (session)
        json_object_set_new(answer, "session_id", json_integer((json_int_t)session));
    if (transaction)
        json_object_set_new(answer, "transaction", json_string(transaction));
    json_object_set_new(answer, "error",
                        json_pack("{s:i, s:s}", "code", (int)code, "reason", reason));
    return answer;
}
