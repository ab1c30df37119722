/* SPDX-License-Identifier: MIT */
/* A body that many hear. */
#include "config.h"

#include "room/shared.h"

#include <stdlib.h>
#include <string.h>

struct StoaShared {
    unsigned refs;
    json_t *body;
    char *text; /* jansson's; NULL: nobody needed it yet */
    size_t len;
};

StoaShared *stoa_shared_new(json_t *body)
{
    StoaShared *shared = g_new0(StoaShared, 1);

    shared->refs = 1;
    shared->body = body;
    return shared;
}

StoaShared *stoa_shared_ref(StoaShared *shared)
{
    shared->refs++;
    return shared;
}

void stoa_shared_unref(StoaShared *shared)
{
    if (!shared || --shared->refs > 0)
        return;
    json_decref(shared->body);
    free(shared->text);
    g_free(shared);
}

json_t *stoa_shared_body(const StoaShared *shared)
{
    return shared->body;
}

const char *stoa_shared_text(StoaShared *shared, size_t *len)
{
    if (!shared->text) {
        shared->text = json_dumps(shared->body, JSON_COMPACT);
        shared->len = shared->text ? strlen(shared->text) : 0;
    }
    *len = shared->len;
    return shared->text;
}
