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

enum { PIECE = 1000 }; /* records */

/* Of a meeting. */
typedef struct {
    size_t meeting;
    GPtrArray *records; /* of StoaRecord */
    bool more;
} Page;

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
    GArray *pages;       /* of Page: what was read last */
    bool in_pieces;      /* it shows its records */
    size_t next_meeting; /* to be read */
    uint64_t after;      /* records of it that were read */
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
    g_array_unref(it->pages);
    g_free(it);
}

static void end(Reading *it, const GError *error)
{
    json_t *history = error ? NULL : json_pack("{s:O}", "meetings", it->meetings);
    StoaHistoryDone *done = it->done;
    void *data = it->data;

    reading_free(it); /* nothing shares what is in the history */
    done(history, error, data);
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
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error,
                      "SELECT id, started_at, ended_at FROM meeting WHERE "
                      "room_id = ?1 AND (?2 IS NULL OR id = ?2) AND " STOA_HISTORY_SHOWS(
                          "meeting.id", "?3") " ORDER BY started_at, rowid",
                      "sss", it->room, it->meeting, it->viewer);
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

static bool is_among(const json_t *names, const char *wanted)
{
    const json_t *name;
    size_t i;

    json_array_foreach(names, i,
                       name) if (g_strcmp0(json_string_value(name), wanted) == 0) return true;
    return false;
}

/* A module that the room has no more may have left something. From name to name through the index, not through all records. */
static bool add_past_modules(StoaDb *db, Reading *it, GError **error)
{
    static const char all[] =
        "WITH RECURSIVE known(name) AS (SELECT MIN(module) FROM record WHERE room_id = ?1"
        " UNION ALL SELECT (SELECT MIN(module) FROM record WHERE room_id = ?1 AND module > name)"
        " FROM known WHERE name IS NOT NULL) SELECT name FROM known WHERE name IS NOT NULL";
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, all, "s", it->room);
    g_autoptr(GError) why = NULL;

    while (rows && stoa_rows_next(rows, &why)) {
        const char *name = stoa_rows_text(rows, 0);
        if (!g_str_equal(name, "room") && !is_among(it->modules, name))
            json_array_append_new(it->modules, json_string(name));
    }
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !(error && *error);
}

static bool read_room(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;
    g_autoptr(StoaRoomInfo) room = stoa_room_info_read(db, it->room, error);

    if (!room || !read_meetings(db, it, error))
        return false;
    if (it->meeting && json_array_size(it->meetings) == 0)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such meeting");
    it->modules = json_copy(room->modules);
    if (!add_past_modules(db, it, error))
        return false;
    for (size_t i = 0; i < json_array_size(it->meetings); i++) {
        json_t *list = attendance_of(db, meeting_id(it, i), error);
        if (!list)
            return false;
        json_object_set_new(json_array_get(it->meetings, i), "attendance", list);
    }
    return true;
}

/* -- records of one module ---------------------------------------------------------------------- */

static void free_record(gpointer record)
{
    stoa_record_free(record);
}

static void clear_page(gpointer page)
{
    g_ptr_array_unref(((Page *)page)->records);
}

static Page *add_page(Reading *it, size_t meeting)
{
    Page page = { meeting, g_ptr_array_new_with_free_func(free_record), false };

    g_array_append_val(it->pages, page);
    return &g_array_index(it->pages, Page, it->pages->len - 1);
}

static StoaJournalQuery query_of(const Reading *it)
{
    return (StoaJournalQuery){ .room = it->room,
                               .module = it->module,
                               .kind = it->kind,
                               .viewer = it->viewer,
                               .for_all = true,
                               .no_tombstones = true };
}

/* The newest of a meeting; or, when all is wanted, what follows what was read. */
static bool read_page(StoaDb *db, Reading *it, GError **error)
{
    Page *page = add_page(it, it->next_meeting);
    StoaJournalQuery query = query_of(it);

    query.meeting = meeting_id(it, it->next_meeting);
    query.after = it->after;
    query.before = it->before;
    query.newest = it->limit > 0;
    query.limit = it->limit > 0 ? it->limit : PIECE;
    if (!stoa_journal_select(db, &query, page->records, &page->more, error))
        return false;
    bool goes_on = page->more && it->limit == 0;
    const StoaRecord *last = goes_on ? page->records->pdata[page->records->len - 1] : NULL;
    it->after = last ? last->seq : 0;
    it->next_meeting += !goes_on;
    return true;
}

/* Neither who else asks nor the control loop waits for more than a piece of a long history. */
static bool read_piece(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;

    g_array_set_size(it->pages, 0);
    for (guint n = 0; n < PIECE && it->next_meeting < json_array_size(it->meetings);) {
        if (!read_page(db, it, error))
            return false;
        n += g_array_index(it->pages, Page, it->pages->len - 1).records->len;
    }
    return true;
}

/* The ids of the meetings of which this viewer sees nothing, as a set. */
static GHashTable *hidden_meetings(StoaDb *db, const Reading *it, GError **error)
{
    g_autoptr(GHashTable) hidden = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT id FROM meeting WHERE room_id = ?1 AND NOT " STOA_HISTORY_SHOWS("meeting.id", "?2"),
        "ss", it->room, it->viewer);

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why))
        g_hash_table_add(hidden, g_strdup(stoa_rows_text(rows, 0)));
    if (!why)
        return g_steal_pointer(&hidden);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* For history_fill: all records of the kind, of whatever meeting that the viewer sees. A note of one goes on in the next. */
static bool read_all(StoaDb *db, void *data, GError **error)
{
    Reading *it = data;
    const StoaJournalQuery query = query_of(it);
    g_autoptr(GHashTable) hidden = hidden_meetings(db, it, error);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_record);
    GPtrArray *shown = add_page(it, 0)->records;

    if (!hidden || !stoa_journal_select(db, &query, all, NULL, error))
        return false;
    for (guint i = 0; i < all->len; i++) {
        const StoaRecord *record = all->pdata[i];
        if (!record->meeting || !g_hash_table_contains(hidden, record->meeting))
            g_ptr_array_add(shown, g_steal_pointer(&all->pdata[i]));
    }
    return true;
}

/* -- what a module shows ------------------------------------------------------------------------ */

static const char *member_of(const StoaPlugin *plugin)
{
    return plugin->history_name ? plugin->history_name : plugin->name;
}

static void show_page(Reading *it, const Page *page, StoaRoom *view, StoaParticipant *viewer)
{
    const char *name = member_of(stoa_module_plugin(stoa_room_module(view)));
    json_t *meeting = json_array_get(it->meetings, page->meeting);
    json_t *list = json_object_get(meeting, name);

    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(meeting, name, list);
    }
    for (guint i = 0; i < page->records->len; i++) {
        json_t *event = stoa_record_present(view, page->records->pdata[i], viewer);
        if (!event)
            continue;
        json_object_del(event, "event");
        json_array_append_new(list, event);
    }
    if (page->more && it->limit > 0)
        json_object_set_new(meeting, "more", json_true());
}

static void show_pages(Reading *it, StoaRoom *view, StoaParticipant *viewer)
{
    for (guint i = 0; i < it->pages->len; i++)
        show_page(it, &g_array_index(it->pages, Page, i), view, viewer);
}

static void show_state(Reading *it, StoaRoom *view, StoaParticipant *viewer)
{
    const StoaPlugin *plugin = stoa_module_plugin(stoa_room_module(view));
    const GPtrArray *all = it->pages->len > 0 ? g_array_index(it->pages, Page, 0).records : NULL;

    for (size_t i = 0; i < json_array_size(it->meetings); i++) {
        json_t *list = plugin->history(view, meeting_id(it, i), viewer);
        if (list && plugin->history_fill && all)
            plugin->history_fill(view, list, (const StoaRecord *const *)all->pdata, all->len);
        json_object_set_new(json_array_get(it->meetings, i), member_of(plugin),
                            list ? list : json_array());
    }
}

static void next_module(Reading *it);
static void pages_read(void *data, const GError *error);

static void go_on(Reading *it)
{
    if (it->in_pieces && it->next_meeting < json_array_size(it->meetings))
        stoa_store_ask(it->web->spec.store, read_piece, pages_read, it, NULL);
    else
        next_module(it);
}

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
        show_pages(it, view, viewer);
    go_on(it);
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
    g_array_set_size(it->pages, 0);
    it->module = g_strdup(name);
    it->kind = g_strdup(plugin->history_kind);
    it->in_pieces = !plugin->history;
    it->next_meeting = 0;
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
            stoa_store_ask(spec->store, read_piece, pages_read, it, NULL);
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
    it->pages = g_array_new(FALSE, FALSE, sizeof(Page));
    g_array_set_clear_func(it->pages, clear_page);
    it->done = done;
    it->data = data;
    stoa_store_ask(web->spec.store, read_room, room_read, it, NULL);
}
