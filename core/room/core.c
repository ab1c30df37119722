/* SPDX-License-Identifier: MIT */
/* A room as the core keeps it: made of its rows, closed when nobody is in, its members known by their ids. */
#include "config.h"

#define LOG_AREA "room"

#include "room/journal-private.h"
#include "room/room-private.h"

StoaRoomCore *stoa_room_core_keep(const StoaRoomKeep *keep)
{
    g_return_val_if_fail(!stoa_room_core_find(keep->id), NULL);
    StoaRoomCore *core = stoa_room_core(keep->id, keep->title, true);

    core->is_kept = true;
    core->keep = *keep;
    core->keep.id = core->keep.title = NULL; /* were borrowed */
    core->journal = stoa_journal_new(core, keep->store, keep->last_seq);
    return core;
}

bool stoa_room_core_is_kept(const StoaRoomCore *core)
{
    return core->is_kept;
}

void *stoa_room_core_user(const StoaRoomCore *core)
{
    return core->keep.user;
}

const char *stoa_room_core_id(const StoaRoomCore *core)
{
    return core->id;
}

const char *stoa_room_core_title(const StoaRoomCore *core)
{
    return core->title;
}

void stoa_room_core_set_title(StoaRoomCore *core, const char *title)
{
    char *copy = g_strdup(title);

    g_free(core->title);
    core->title = copy;
}

void stoa_room_core_set_meeting(StoaRoomCore *core, const char *meeting)
{
    char *copy = g_strdup(meeting);

    g_free(core->journal->meeting);
    core->journal->meeting = copy;
}

void stoa_room_core_close(StoaRoomCore *core, bool save)
{
    core->closing = true;
    stoa_view_forget_loaders(core);
    while (core->views->len > 0) {
        StoaRoom *view = core->views->pdata[core->views->len - 1];
        if (save)
            stoa_view_save(view);
        stoa_room_close_view(view);
    }
    stoa_room_core_free(core);
}

/* -- members ------------------------------------------------------------------------------ */

bool stoa_room_core_face(StoaRoomCore *core, const char *member, StoaMemberFace *face)
{
    *face = (StoaMemberFace){ 0 };
    return core->is_kept && core->keep.member && core->keep.member(core->keep.user, member, face);
}

void stoa_room_core_member_changed(StoaRoomCore *core, const char *member)
{
    StoaMemberFace face;

    if (!stoa_room_core_face(core, member, &face))
        return;
    for (guint i = 0; i < core->views->len; i++) {
        StoaParticipant *who = stoa_room_look_up(core->views->pdata[i], member);
        if (!who)
            continue;
        char *name = g_strdup(face.name);
        g_free(who->name);
        who->name = name;
        who->role = face.role == STOA_ROLE_ANYONE ? STOA_ROLE_PARTICIPANT : face.role;
    }
}

static json_t *who_json(const char *id, const char *name)
{
    return json_pack("{s:s, s:s?}", "id", id, "name", name);
}

json_t *stoa_room_core_who(StoaRoomCore *core, const char *member)
{
    StoaMemberFace face;

    if (!member)
        return json_null();
    return who_json(member, stoa_room_core_face(core, member, &face) ? face.name : NULL);
}

/* In an ad-hoc room of those who are in, and of those who left something in the journal. */
json_t *stoa_room_who(StoaRoom *room, const char *participant)
{
    if (!participant)
        return json_null();
    if (room->core && room->core->is_kept)
        return stoa_room_core_who(room->core, participant);
    StoaJournal *journal = stoa_room_journal_if_any(room);
    const StoaParticipant *who = stoa_room_look_up(room, participant);
    const char *name = who       ? who->name
                       : journal ? g_hash_table_lookup(journal->names, participant)
                                 : NULL;
    return who_json(participant, name);
}
