/* SPDX-License-Identifier: MIT */
/* What a room is set to. */
#include "textroom.h"

enum { MAX_HISTORY = 10000 };

/* clang-format off */
#define SECRET(member, help) \
    { #member, STOA_STRING, STOA_LIVE | STOA_SECRET, offsetof(TrSettings, member), "", 0, 0, help }
/* clang-format on */

const StoaOption tr_room_options[] = {
    { "description", STOA_STRING, STOA_LIVE, offsetof(TrSettings, description), "", 0, 0,
      "What the room is called; empty: Room NUMBER" },
    { "is_private", STOA_BOOL, STOA_LIVE, offsetof(TrSettings, is_private), "false", 0, 0,
      "Whether list leaves it out" },
    SECRET(secret, "Needed to edit it, kick and announce; empty: anybody may"),
    SECRET(pin, "Needed to come in; empty: anybody may"),
    { "history", STOA_INT, STOA_LIVE, offsetof(TrSettings, history), "0", 0, MAX_HISTORY,
      "Public messages that are kept in memory and shown to who comes in" },
    { NULL },
};

void tr_settings_copy(TrSettings *to, const TrSettings *from)
{
    *to = *from;
    to->name = g_strdup(from->name);
    to->description = g_strdup(from->description);
    to->secret = g_strdup(from->secret);
    to->pin = g_strdup(from->pin);
}

void tr_settings_clear(TrSettings *settings)
{
    g_clear_pointer(&settings->name, g_free);
    g_clear_pointer(&settings->description, g_free);
    g_clear_pointer(&settings->secret, g_free);
    g_clear_pointer(&settings->pin, g_free);
}
