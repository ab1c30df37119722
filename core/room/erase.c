/* SPDX-License-Identifier: MIT */
/* A person's erasure from a room's journal: every module says what stays of each of their records, and of those of others that
 * hold words of theirs. Rounds, until one finds nothing: while the records are read and written, people go on, and what they
 * record in that while may still be made of what is about to go. */
#include "config.h"

#define LOG_AREA "room"

#include "room/journal-private.h"
#include "room/room-private.h"

#include <string.h>

enum { PAGE = 100 };

/* The records here are copies from the store: what stays becomes their body. */
typedef struct {
    StoaRoomCore *core; /* looked up again by its id after each wait */
    char *room, *author;
    bool again;           /* not the first round */
    uint64_t after, upto; /* it looks at records with a number above the one and up to the other */
    GPtrArray *modules;   /* of char *: those that have any */
    guint at;             /* whose turn it is */
    GPtrArray *unasked;   /* of char *: those of them that are not loaded */
    GPtrArray *own;       /* of StoaRecord: what they made */
    GPtrArray *page;      /* of StoaRecord: of one module, by anybody */
    GPtrArray *changed;   /* of those: what is to be written */
    uint64_t read;        /* up to here the module's records were read */
    bool more, found;     /* there are more; this round has changed something */
    StoaRoomDone *done;
    void *data;
} Redaction;

static GPtrArray *records_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)stoa_record_free);
}

static void redaction_free(Redaction *it)
{
    g_free(it->room);
    g_free(it->author);
    g_ptr_array_unref(it->modules);
    g_ptr_array_unref(it->unasked);
    g_ptr_array_unref(it->own);
    g_ptr_array_unref(it->page);
    g_ptr_array_unref(it->changed);
    g_free(it);
}

static void end(Redaction *it, const GError *error)
{
    if (it->done)
        it->done(error, it->data);
    redaction_free(it);
}

/* True: it has ended. */
static bool has_failed(Redaction *it, const GError *why)
{
    g_autoptr(GError) error = NULL;

    if (!why && stoa_room_core_find(it->room) == it->core)
        return false;
    if (!why)
        stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the room was closed");
    end(it, why ? why : error);
    return true;
}

/* -- on the store thread ------------------------------------------------------------------ */

static bool read_modules(StoaDb *db, Redaction *it, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error, "SELECT DISTINCT module FROM record WHERE room_id = ?1 AND seq > ?2", "si",
        it->room, (int64_t)it->after);

    while (rows && stoa_rows_next(rows, &why))
        g_ptr_array_add(it->modules, g_strdup(stoa_rows_text(rows, 0)));
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !(error && *error);
}

static bool read_round(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;
    StoaJournalQuery query = {
        .room = it->room, .author = it->author, .after = it->after, .no_tombstones = true
    };

    it->upto = stoa_journal_last_seq(db, it->room, error);
    return !(error && *error) && read_modules(db, it, error) &&
           stoa_journal_select(db, &query, it->own, NULL, error);
}

static bool read_page(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;
    StoaJournalQuery query = { .room = it->room,
                               .module = it->modules->pdata[it->at],
                               .after = it->read,
                               .before = it->upto + 1,
                               .limit = PAGE,
                               .no_tombstones = true };

    return stoa_journal_select(db, &query, it->page, &it->more, error);
}

/* What was erased meanwhile stays erased. */
static bool write_all(StoaDb *db, const char *room, const GPtrArray *records, GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        const StoaRecord *record = records->pdata[i];
        if (!stoa_db_exec(db, error,
                          "UPDATE record SET body = ?3"
                          " WHERE room_id = ?1 AND seq = ?2 AND body IS NOT NULL",
                          "sij", room, (int64_t)record->seq, record->body))
            return false;
    }
    return true;
}

static bool write_changed(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;

    return write_all(db, it->room, it->changed, error);
}

/* A module that could not be asked is asked later, see web/sweep.c. */
static bool note_asked(StoaDb *db, const Redaction *it, GError **error)
{
    for (guint i = 0; i < it->modules->len; i++) {
        const char *module = it->modules->pdata[i];
        bool asked = !g_ptr_array_find_with_equal_func(it->unasked, module, g_str_equal, NULL);
        if (!stoa_db_exec(db, error,
                          asked ? "DELETE FROM redaction"
                                  " WHERE room_id = ?1 AND module = ?2 AND person = ?3"
                                : "INSERT INTO redaction(room_id, module, person)"
                                  " VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
                          "sss", it->room, module, it->author))
            return false;
    }
    return true;
}

/* Snapshots too, each time: one may have been saved while the records were written. */
static bool write_own(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;

    return write_all(db, it->room, it->own, error) && note_asked(db, it, error) &&
           stoa_db_exec(db, error, "DELETE FROM snapshot WHERE room_id = ?1", "s", it->room);
}

/* -- on control: what stays --------------------------------------------------------------- */

/* NULL: it is not loaded, or serves no rooms any more. */
static StoaModule *module_now(const Redaction *it)
{
    const char *name = it->modules->pdata[it->at];
    StoaModule *module =
        it->core->keep.module ? it->core->keep.module(it->core->keep.user, name) : NULL;

    return module && module->plugin.scope == STOA_SCOPE_ROOM ? module : NULL;
}

/* `view` NULL: the module is not loaded, and nothing stays. */
static void redact_own(Redaction *it, StoaRoom *view)
{
    const char *module = it->modules->pdata[it->at];

    for (guint i = 0; i < it->own->len; i++) {
        StoaRecord *record = it->own->pdata[i];
        if (!g_str_equal(record->module, module))
            continue;
        json_t *old = record->body;
        record->body =
            view && view->module->plugin.redact ? view->module->plugin.redact(view, record) : NULL;
        json_decref(old);
        it->found = true;
    }
}

static void redact_page(Redaction *it, StoaRoom *view)
{
    for (guint i = 0; i < it->page->len; i++) {
        StoaRecord *record = it->page->pdata[i];
        it->read = record->seq;
        if (g_strcmp0(record->author, it->author) == 0)
            continue;
        json_t *old = record->body;
        record->body = view->module->plugin.redact_other(view, record, it->author);
        if (!record->body || !json_equal(record->body, old))
            g_ptr_array_add(it->changed, record);
        json_decref(old);
    }
    it->found |= it->changed->len > 0;
}

/* -- on control: one module after the other ----------------------------------------------- */

static void look_at_module(Redaction *it);

static void next_module(Redaction *it)
{
    it->at++;
    look_at_module(it);
}

/* It has gone meanwhile. */
static void skip_module(Redaction *it)
{
    g_ptr_array_add(it->unasked, g_strdup(it->modules->pdata[it->at]));
    next_module(it);
}

static void on_page(void *data, const GError *error);

static void ask_page(Redaction *it)
{
    g_ptr_array_set_size(it->page, 0);
    stoa_store_run(it->core->journal->store, read_page, on_page, it, NULL);
}

static void on_changed(void *data, const GError *error)
{
    Redaction *it = data;

    g_ptr_array_set_size(it->changed, 0);
    if (has_failed(it, error))
        return;
    if (it->more)
        ask_page(it);
    else
        next_module(it);
}

static void on_view_for_page(StoaRoom *view, const GError *error, void *data)
{
    Redaction *it = data;

    if (has_failed(it, error))
        return;
    redact_page(it, view);
    if (it->changed->len > 0)
        stoa_store_run(it->core->journal->store, write_changed, on_changed, it, NULL);
    else
        on_changed(it, NULL);
}

/* The view may have been closed while the page was read, and the module may have gone. */
static void on_page(void *data, const GError *error)
{
    Redaction *it = data;

    if (has_failed(it, error))
        return;
    StoaModule *module = module_now(it);
    if (module && module->plugin.redact_other)
        stoa_room_view_open(module, it->core, on_view_for_page, it);
    else
        skip_module(it);
}

static void on_view(StoaRoom *view, const GError *error, void *data)
{
    Redaction *it = data;

    if (has_failed(it, error))
        return;
    redact_own(it, view);
    it->read = it->after;
    if (view && view->module->plugin.redact_other)
        ask_page(it);
    else
        next_module(it);
}

/* -- on control: rounds ------------------------------------------------------------------- */

static void start_round(Redaction *it, uint64_t after);

static void on_rebuilt(const GError *error, void *data)
{
    Redaction *it = data;

    it->again = true;
    if (!has_failed(it, error))
        start_round(it, it->upto);
}

static void on_own(void *data, const GError *error)
{
    Redaction *it = data;

    if (has_failed(it, error))
        return;
    if (it->found || !it->again)
        stoa_room_core_rebuild(it->core, on_rebuilt, it);
    else
        end(it, NULL);
}

static void look_at_module(Redaction *it)
{
    if (it->at == it->modules->len) {
        stoa_store_run(it->core->journal->store, write_own, on_own, it, NULL);
        return;
    }
    StoaModule *module = module_now(it);
    if (module) {
        stoa_room_view_open(module, it->core, on_view, it);
        return;
    }
    g_ptr_array_add(it->unasked, g_strdup(it->modules->pdata[it->at]));
    on_view(NULL, NULL, it);
}

static void on_round(void *data, const GError *error)
{
    Redaction *it = data;

    if (!has_failed(it, error))
        look_at_module(it);
}

static void start_round(Redaction *it, uint64_t after)
{
    it->after = after;
    it->at = 0;
    it->found = false;
    g_ptr_array_set_size(it->modules, 0);
    g_ptr_array_set_size(it->unasked, 0);
    g_ptr_array_set_size(it->own, 0);
    stoa_store_run(it->core->journal->store, read_round, on_round, it, NULL);
}

void stoa_room_core_redact(StoaRoomCore *core, const char *author, StoaRoomDone *done, void *data)
{
    Redaction *it = g_new0(Redaction, 1);

    it->core = core;
    it->room = g_strdup(core->id);
    it->author = g_strdup(author);
    it->modules = g_ptr_array_new_with_free_func(g_free);
    it->unasked = g_ptr_array_new_with_free_func(g_free);
    it->own = records_new();
    it->page = records_new();
    it->changed = g_ptr_array_new();
    it->done = done;
    it->data = data;
    start_round(it, 0);
}
