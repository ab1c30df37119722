/* SPDX-License-Identifier: MIT */
/* A kept room's row. */
#include "config.h"

#include "room/room-info.h"

#include <stoa/error.h>

static const char one_room[] =
    "SELECT r.id, r.host_id, h.name, r.title, r.access, r.e2ee, r.modules, r.lobby, r.locked,"
    " r.starts_at, r.duration_min, r.max_people, r.region, r.residency, r.retention_days, r.state,"
    " r.created_at, m.id, m.started_at FROM room r JOIN host h ON h.id = r.host_id"
    " LEFT JOIN meeting m ON m.room_id = r.id AND m.ended_at IS NULL WHERE r.id = ?1";

StoaRoomInfo *stoa_room_info_read(StoaDb *db, const char *id, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, one_room, "s", id);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    if (!stoa_rows_next(rows, &why)) {
        if (why)
            g_propagate_error(error, g_steal_pointer(&why));
        else
            stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such room");
        return NULL;
    }
    StoaRoomInfo *info = g_new0(StoaRoomInfo, 1);
    info->id = g_strdup(stoa_rows_text(rows, 0));
    info->host_id = g_strdup(stoa_rows_text(rows, 1));
    info->host_name = g_strdup(stoa_rows_text(rows, 2));
    info->title = g_strdup(stoa_rows_text(rows, 3));
    info->access = g_strdup(stoa_rows_text(rows, 4));
    info->e2ee = g_strdup(stoa_rows_text(rows, 5));
    info->modules = stoa_rows_json(rows, 6);
    info->lobby = stoa_rows_int(rows, 7);
    info->locked = stoa_rows_int(rows, 8);
    info->starts_ms = stoa_rows_int(rows, 9);
    info->duration_min = stoa_rows_int(rows, 10);
    info->max_people = stoa_rows_int(rows, 11);
    info->region = g_strdup(stoa_rows_text(rows, 12));
    info->residency = g_strdup(stoa_rows_text(rows, 13));
    info->retention_days = stoa_rows_int(rows, 14);
    info->state = g_strdup(stoa_rows_text(rows, 15));
    info->created_ms = stoa_rows_int(rows, 16);
    info->meeting = g_strdup(stoa_rows_text(rows, 17));
    info->meeting_ms = stoa_rows_int(rows, 18);
    return info;
}

void stoa_room_info_free(StoaRoomInfo *info)
{
    if (!info)
        return;
    g_free(info->id);
    g_free(info->host_id);
    g_free(info->host_name);
    g_free(info->title);
    g_free(info->access);
    g_free(info->e2ee);
    json_decref(info->modules);
    g_free(info->region);
    g_free(info->residency);
    g_free(info->state);
    g_free(info->meeting);
    g_free(info);
}

bool stoa_room_info_has_module(const StoaRoomInfo *info, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(info->modules, i, one)
    {
        if (g_strcmp0(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

int64_t stoa_room_info_end_ms(const StoaRoomInfo *info)
{
    return info->starts_ms ? info->starts_ms + info->duration_min * 60000 : 0;
}

static void set_int(json_t *object, const char *name, int64_t value)
{
    if (value > 0)
        json_object_set_new(object, name, json_integer(value));
}

static void set_text(json_t *object, const char *name, const char *value)
{
    if (value)
        json_object_set_new(object, name, json_string(value));
}

json_t *stoa_room_info_json(const StoaRoomInfo *info)
{
    json_t *room = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:b, s:b, s:s, s:O, s:I, s:s, s:o}",
                             "id", info->id, "title", info->title, "host", "id", info->host_id,
                             "name", info->host_name, "access", info->access, "lobby", info->lobby,
                             "locked", info->locked, "e2ee", info->e2ee, "modules", info->modules,
                             "retention_days", (json_int_t)info->retention_days, "state",
                             info->state, "created_at", stoa_store_time_json(info->created_ms));

    if (info->starts_ms)
        json_object_set_new(room, "starts_at", stoa_store_time_json(info->starts_ms));
    set_int(room, "duration_min", info->duration_min);
    set_int(room, "max_people", info->max_people);
    set_text(room, "region", info->region);
    set_text(room, "residency", info->residency);
    set_text(room, "meeting", info->meeting);
    return room;
}
