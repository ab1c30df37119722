/* SPDX-License-Identifier: MIT */
/* A room's history: meetings and attendance from the store, then one module after the other. A module shows records, presented
 * for the viewer, or an array that it makes of its state; what it shows is its own business. */
#include "config.h"

#include "room/attendance.h"
#include "room/module.h"
#include "room/record.h"
#include "room/room-info.h"
#include "web/history.h"
#include "web/live.h"
#include "web/web-private.h"

#include <string.h>

/* One reading. It goes from module to module, and each of its waits ends in step(). */
typedef struct {
    StoaWeb *web;
    char *room, *viewer, *meeting;
    uint64_t before;
    unsigned limit;
    json_t *meetings; /* array of objects */
    json_t *modules;  /* names */
    size_t at;        /* of modules */
    /* of the module at hand */
    char *module, *kind;
    GPtrArray *pages; /* one GPtrArray of StoaRecord a meeting */
    GArray *more;     /* bool a meeting */
    StoaHistoryDone *done;
    void *data;
} Reading;

static void reading_free(Reading *it)
{
    g_free(it->room);
    g_free(it->viewer);
    g_free(it->meeting);
    json_decref(it->meetings);
    json_decref(it->modules);
    g_free(it->module);
    g_free(it->kind);
    g_clear_pointer(&it->pages, g_ptr_array_unref);
    g_clear_pointer(&it->more, g_array_unref);
    g_free(it);
}

static void end(Reading *it, const GError *error)
{
    json_auto_t *history = error ? NULL : json_pack("{s:O}", "meetings", it->meetings);

    it->done(history, error, it->data);
    reading_free(it);
}

static const char *meeting_id(const Reading *it, size_t i)
{
    return json_string_value(json_object_get(json_array_get(it->meetings, i), "id"));
}

/* -- meetings ---------------------------------------------------------------------------------- */

static json_t *attendance_of(StoaDb *db, const char *meeting, GError **error)
{
    g_autoptr(GPtrArray) stays = stoa_attendance_read(db, meeting, error);
    json_t *list;

    if (!stays)
        return NULL;
    list = json_array();
    for (guint i = 0; i < stays->len; i++) {
        const StoaStay *stay = stays->pdata[i];
        json_array_append_new(list, json_pack("{s:s?, s:s?, s:o, s:o}", "name", stay->name, "role",
                                              stay->role, "joined_at",
                                              stoa_store_time_json(stay->joined_ms), "left_at",
                                              stoa_store_time_json(stay->left_ms)));
    }
    return list;
}

static bool read_meetings(StoaDb *db, Reading *it, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error,
                                             "SELECT id, started_at, ended_at FROM meeting WHERE "
                                             "room_id = ?1 AND (?2 IS NULL OR id = ?2)"
                                             " ORDER BY started_at, rowid",
                                             "ss", it->room, it->meeting);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why))
        json_array_append_new(it->meetings,
                              json_pack("{s:s, s:o, s:o, s:[], s:[], s:[], s:[]}", "id",
                                        stoa_rows_text(rows, 0), "started_at",
                                        stoa_store_time_json(stoa_rows_int(rows, 1)), "ended_at",
                                        stoa_store_time_json(stoa_rows_int(rows, 2)), "attendance",
                                        "chat", "polls", "workspace"));
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool read_room(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, it->room, error);

    if (!room || !read_meetings(db, it, error))
        return false;
    if (it->meeting && json_array_size(it->meetings) == 0)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such meeting");
    it->modules = json_incref(room->modules);
    for (size_t i = 0; i < json_array_size(it->meetings); i++) {
        json_t *list = attendance_of(db, meeting_id(it, i), error);
        if (!list)
            return false;
        json_object_set_new(json_array_get(it->meetings, i), "attendance", list);
    }
    return true;
}

/* -- records of one module ---------------------------------------------------------------------- */

static void free_records(gpointer records)
{
    g_ptr_array_unref(records);
}

static void free_record(gpointer record)
{
    stoa_record_free(record);
}

static bool select_page(StoaDb *db, Reading *it, const StoaJournalQuery *query, GError **error)
{
    GPtrArray *page = g_ptr_array_new_with_free_func(free_record);
    bool more = false;

    g_ptr_array_add(it->pages, page);
    if (!stoa_journal_select(db, query, page, &more, error))
        return false;
    g_array_append_val(it->more, more);
    return true;
}

static bool read_pages(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;
    StoaJournalQuery query = { .room = it->room,
                               .module = it->module,
                               .kind = it->kind,
                               .viewer = it->viewer,
                               .for_all = true,
                               .before = it->before,
                               .limit = it->limit,
                               .newest = true,
                               .no_tombstones = true };

    for (size_t i = 0; i < json_array_size(it->meetings); i++) {
        query.meeting = meeting_id(it, i);
        if (!select_page(db, it, &query, error))
            return false;
    }
    return true;
}

/* For history_fill: all records of the kind, of whatever meeting. */
static bool read_all(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;
    const StoaJournalQuery query = { .room = it->room,
                                     .module = it->module,
                                     .kind = it->kind,
                                     .viewer = it->viewer,
                                     .for_all = true,
                                     .no_tombstones = true };

    return select_page(db, it, &query, error);
}

/* -- what a module shows ------------------------------------------------------------------------ */

static const char *member_of(const StoaPlugin *plugin)
{
    return plugin->history_name ? plugin->history_name : plugin->name;
}

static void show_records(Reading *it, StoaRoom *view, StoaParticipant *viewer)
{
    const char *name = member_of(stoa_module_plugin(stoa_room_module(view)));

    for (guint i = 0; i < it->pages->len; i++) {
        const GPtrArray *page = it->pages->pdata[i];
        json_t *meeting = json_array_get(it->meetings, i), *list = json_array();
        for (guint k = 0; k < page->len; k++) {
            json_t *event = stoa_record_present(view, page->pdata[k], viewer);
            if (!event)
                continue;
            json_object_del(event, "event");
            json_array_append_new(list, event);
        }
        json_object_set_new(meeting, name, list);
        if (g_array_index(it->more, bool, i))
            json_object_set_new(meeting, "more", json_true());
    }
}

static void show_state(Reading *it, StoaRoom *view, StoaParticipant *viewer)
{
    const StoaPlugin *plugin = stoa_module_plugin(stoa_room_module(view));
    const GPtrArray *all = it->pages->len > 0 ? it->pages->pdata[0] : NULL;

    for (size_t i = 0; i < json_array_size(it->meetings); i++) {
        json_t *list = plugin->history(view, meeting_id(it, i), viewer);
        if (list && plugin->history_fill && all)
            plugin->history_fill(view, list, (const StoaRecord *const *)all->pdata, all->len);
        json_object_set_new(json_array_get(it->meetings, i), member_of(plugin),
                            list ? list : json_array());
    }
}

static void next_module(Reading *it);

static void view_ready(StoaRoom *view, const GError *error, void *data)
{
    Reading *it = data;
    StoaParticipant *viewer;

    if (error && !g_error_matches(error, STOA_ERROR, STOA_ERROR_NOT_FOUND)) {
        end(it, error);
        return;
    }
    viewer = view && it->viewer ? stoa_room_member(view, it->viewer) : NULL;
    if (view && stoa_module_plugin(stoa_room_module(view))->history)
        show_state(it, view, viewer);
    else if (view)
        show_records(it, view, viewer);
    next_module(it);
}

static void open_view(Reading *it)
{
    stoa_live_view(it->web, it->room, it->module, view_ready, it);
}

static void pages_read(void *data, const GError *error)
{
    if (error)
        end(data, error);
    else
        open_view(data);
}

static void begin_module(Reading *it, const char *name, const StoaPlugin *plugin)
{
    g_free(it->module);
    g_free(it->kind);
    g_clear_pointer(&it->pages, g_ptr_array_unref);
    g_clear_pointer(&it->more, g_array_unref);
    it->module = g_strdup(name);
    it->kind = g_strdup(plugin->history_kind);
    it->pages = g_ptr_array_new_with_free_func(free_records);
    it->more = g_array_new(FALSE, TRUE, sizeof(bool));
}

/* Modules that keep nothing, or are not loaded now, show nothing. */
static void next_module(Reading *it)
{
    const StoaWebSpec *spec = &it->web->spec;

    while (it->at < json_array_size(it->modules)) {
        const char *name = json_string_value(json_array_get(it->modules, it->at++));
        StoaModule *module = spec->module ? spec->module(spec->user, name) : NULL;
        const StoaPlugin *plugin = module ? stoa_module_plugin(module) : NULL;
        if (!plugin || !(plugin->caps & STOA_CAP_HISTORY))
            continue;
        begin_module(it, name, plugin);
        if (plugin->history && plugin->history_fill && plugin->history_kind)
            stoa_store_ask(spec->store, read_all, pages_read, it, NULL);
        else if (plugin->history)
            open_view(it);
        else
            stoa_store_ask(spec->store, read_pages, pages_read, it, NULL);
        return;
    }
    end(it, NULL);
}

static void room_read(void *data, const GError *error)
{
    if (error)
        end(data, error);
    else
        next_module(data);
}

void stoa_history_read(StoaWeb *web, const StoaHistoryQuery *query, StoaHistoryDone *done,
                       void *data)
{
    Reading *it = g_new0(Reading, 1);

    it->web = web;
    it->room = g_strdup(query->room);
    it->viewer = g_strdup(query->viewer);
    it->meeting = g_strdup(query->meeting);
    it->before = query->before;
    it->limit = query->limit;
    it->meetings = json_array();
    it->done = done;
    it->data = data;
    stoa_store_ask(web->spec.store, read_room, room_read, it, NULL);
}
