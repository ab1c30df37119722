/* SPDX-License-Identifier: MIT */
/* What a request may by the secrets that it brings: requests without tokens, as of Janus's clients. */
#include "config.h"

#include "room/request-private.h"

#include <inttypes.h>
#include <string.h>

/* Takes as long as `given` is long, wherever they differ. */
static bool is_same(const char *secret, const char *given)
{
    size_t n = strlen(secret), n_given = strlen(given);
    volatile unsigned char differs = n != n_given;

    for (size_t i = 0; i < n_given; i++)
        differs |= (unsigned char)(secret[i % (n + 1)] ^ given[i]);
    return !differs;
}

bool stoa_request_knows(StoaRequest *req, const char *field, const char *secret, GError **error)
{
    if (!secret)
        return true;
    if (!stoa_request_has(req, field))
        return stoa_refuse(error, "missing_element", "this needs \"%s\"", field);
    return is_same(secret, stoa_request_string(req, field)) ||
           stoa_refuse(error, "unauthorized", "the %s is wrong", field);
}

bool stoa_request_is_operators(StoaRequest *req)
{
    return !req->handle;
}

static void count_room(StoaRoom *room, void *data)
{
    *(int64_t *)data += !stoa_room_is_kept(room);
}

bool stoa_request_may_create(StoaRequest *req, const char *admin_key, int64_t max_rooms,
                             GError **error)
{
    int64_t n = 0;

    if (!stoa_request_is_operators(req) && !stoa_request_knows(req, "admin_key", admin_key, error))
        return false;
    stoa_module_foreach_room(req->module, count_room, &n);
    return max_rooms <= 0 || n < max_rooms ||
           stoa_refuse(error, "too_many_rooms",
                       "there are %" PRId64 " rooms already: destroy one, or raise max_rooms", n);
}
