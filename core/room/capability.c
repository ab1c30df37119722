/* SPDX-License-Identifier: MIT */
/* What each role may do. Modules say the same in their method tables: the table of
 * test/api/rooms-authorization.test.mjs holds both to it. */
#include "config.h"

#include "room/capability.h"

static const char *const roles[] = {
    [STOA_ROLE_PARTICIPANT] = "participant",
    [STOA_ROLE_COHOST] = "cohost",
    [STOA_ROLE_HOST] = "host",
};

static const struct {
    const char *name;
    StoaRole least;
} table[] = {
    /* one's own */
    { "hand", STOA_ROLE_PARTICIPANT },
    { "people", STOA_ROLE_PARTICIPANT },
    { "keys", STOA_ROLE_PARTICIPANT },
    { "send", STOA_ROLE_PARTICIPANT },
    { "delete", STOA_ROLE_PARTICIPANT }, /* a message of one's own; any: "delete_any" */
    { "history", STOA_ROLE_PARTICIPANT },
    { "typing", STOA_ROLE_PARTICIPANT },
    { "vote", STOA_ROLE_PARTICIPANT },
    { "add", STOA_ROLE_PARTICIPANT },
    { "update", STOA_ROLE_PARTICIPANT },
    { "sync", STOA_ROLE_PARTICIPANT },
    { "snapshot", STOA_ROLE_PARTICIPANT },
    { "presence", STOA_ROLE_PARTICIPANT },
    { "upload", STOA_ROLE_PARTICIPANT },
    /* the order of the class; never against the host */
    { "create", STOA_ROLE_COHOST },
    { "open", STOA_ROLE_COHOST },
    { "close", STOA_ROLE_COHOST },
    { "publish", STOA_ROLE_COHOST },
    { "delete_any", STOA_ROLE_COHOST },
    { "update_any", STOA_ROLE_COHOST },
    { "hands_down", STOA_ROLE_COHOST },
    { "admit", STOA_ROLE_COHOST },
    { "deny", STOA_ROLE_COHOST },
    { "remove", STOA_ROLE_COHOST },
    { "ban", STOA_ROLE_COHOST },
    { "mute", STOA_ROLE_COHOST },
    { "lock", STOA_ROLE_COHOST },
    /* the room itself */
    { "role", STOA_ROLE_HOST },
    { "end", STOA_ROLE_HOST },
    { "edit", STOA_ROLE_HOST },
    { "invite", STOA_ROLE_HOST },
    { "delete_room", STOA_ROLE_HOST },
};

const char *stoa_role_name(StoaRole role)
{
    return (size_t)role < G_N_ELEMENTS(roles) ? roles[role] : NULL;
}

StoaRole stoa_role_from_name(const char *name)
{
    for (size_t i = STOA_ROLE_PARTICIPANT; i < G_N_ELEMENTS(roles); i++) {
        if (g_strcmp0(roles[i], name) == 0)
            return (StoaRole)i;
    }
    return STOA_ROLE_ANYONE;
}

StoaRole stoa_capability_least(const char *what)
{
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(table[i].name, what))
            return table[i].least;
    }
    return STOA_ROLE_ANYONE;
}

bool stoa_capability_allows(StoaRole role, const char *what)
{
    StoaRole least = stoa_capability_least(what);

    return least != STOA_ROLE_ANYONE && role >= least;
}

const char *stoa_capability_name(size_t index)
{
    return index < G_N_ELEMENTS(table) ? table[index].name : NULL;
}
