/* SPDX-License-Identifier: MIT */
/* A module's view of a kept room: made of its snapshot and the records after it, made anew after a write that failed or an
 * erasure, saved now and then. */
#include "config.h"

#define LOG_AREA "room"

#include "room/journal-private.h"
#include "room/room-private.h"

#include <string.h>

enum { RETRY_MS = 1000 };

/* The rows of one view: read on the store thread, then control's. */
typedef struct {
    char *room, *module;
    bool is_folded; /* the module has `apply`: else there is nothing to make */
    bool without_snapshot;
    json_t *snapshot; /* NULL: none */
    uint64_t last_seq;
    GPtrArray *records; /* of StoaRecord: after the snapshot, no tombstones */
} Rows;

typedef struct {
    StoaViewReady *ready;
    void *data;
} Waiter;

/* A view that is being made, or made anew. */
typedef struct {
    StoaRoomCore *core; /* NULL: the room was closed */
    StoaModule *module; /* held */
    Rows rows;
    GArray *waiters;  /* of Waiter */
    unsigned epoch;   /* of the core when the rows were asked for */
    StoaTimer *retry; /* the rows cannot be read just now; else they are on their way */
} Loader;

typedef struct {
    StoaRoomDone *done;
    void *data;
} RebuildWaiter;

static void start(Loader *loader);

static Loader *find_loader(StoaRoomCore *core, const StoaModule *module)
{
    for (guint i = 0; i < core->loaders->len; i++) {
        Loader *loader = core->loaders->pdata[i];
        if (loader->module == module)
            return loader;
    }
    return NULL;
}

static void loader_free(gpointer data)
{
    Loader *loader = data;

    g_free(loader->rows.room);
    g_free(loader->rows.module);
    json_decref(loader->rows.snapshot);
    g_clear_pointer(&loader->rows.records, g_ptr_array_unref);
    g_array_unref(loader->waiters);
    stoa_module_release(loader->module);
    g_free(loader);
}

static Loader *loader_new(StoaRoomCore *core, StoaModule *module)
{
    Loader *loader = g_new0(Loader, 1);

    loader->core = core;
    loader->module = module;
    loader->rows.room = g_strdup(core->id);
    loader->rows.module = g_strdup(module->plugin.name);
    loader->rows.is_folded = module->plugin.apply != NULL;
    loader->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    stoa_module_hold(module);
    g_ptr_array_add(core->loaders, loader);
    return loader;
}

/* `error` NULL: `view` is ready. */
static void tell_waiters(Loader *loader, StoaRoom *view, const GError *error)
{
    for (guint i = 0; i < loader->waiters->len; i++) {
        Waiter waiter = g_array_index(loader->waiters, Waiter, i);
        bool gone =
            !error && (!loader->core || view != stoa_room_core_view(loader->core, loader->module));
        g_autoptr(GError) closed = NULL;
        if (gone) /* one of those before closed it */
            stoa_fail(&closed, STOA_ERROR_UNAVAILABLE, "the room was closed");
        waiter.ready(gone || error ? NULL : view, gone ? closed : error, waiter.data);
    }
    g_array_set_size(loader->waiters, 0);
}

/* -- reading, on the store thread --------------------------------------------------------- */

static bool read_snapshot(StoaDb *db, Rows *rows, uint64_t *after, GError **error)
{
    g_autoptr(StoaRows) found = stoa_db_query(
        db, error, "SELECT seq, body FROM snapshot WHERE room_id = ?1 AND module = ?2", "ss",
        rows->room, rows->module);

    if (!found)
        return false;
    if (!rows->without_snapshot && stoa_rows_next(found, error)) {
        rows->snapshot = stoa_rows_json(found, 1);
        *after = rows->snapshot ? (uint64_t)stoa_rows_int(found, 0) : 0;
    }
    return !error || !*error;
}

static bool read_rows(StoaDb *db, void *data, GError **error)
{
    Rows *rows = &((Loader *)data)->rows;
    g_autoptr(GError) why = NULL;
    StoaJournalQuery query = { .room = rows->room, .module = rows->module, .no_tombstones = true };

    g_clear_pointer(&rows->records, g_ptr_array_unref);
    rows->records = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_record_free);
    g_clear_pointer(&rows->snapshot, json_decref);
    rows->last_seq = stoa_journal_last_seq(db, rows->room, &why);
    if (!why && rows->is_folded && read_snapshot(db, rows, &query.after, &why))
        stoa_journal_select(db, &query, rows->records, NULL, &why);
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* -- making the state --------------------------------------------------------------------- */

static void replay_one(StoaRoom *view, const StoaRecord *record)
{
    StoaParticipant *author = record->author ? stoa_room_author(view, record->author) : NULL;

    if (view->module->plugin.apply)
        view->module->plugin.apply(view, author, record);
}

/* False: the snapshot is of another make. */
static bool replay(StoaRoom *view, const json_t *snapshot, const GPtrArray *records)
{
    const StoaPlugin *plugin = &view->module->plugin;

    if (snapshot && (!plugin->load || !plugin->load(view, snapshot)))
        return false;
    for (guint i = 0; i < records->len; i++) {
        const StoaRecord *record = records->pdata[i];
        if (record->body && g_str_equal(record->module, plugin->name))
            replay_one(view, record);
    }
    view->n_unsaved = records->len;
    return true;
}

static void call(StoaRoom *view, void (*hook)(StoaRoom *, StoaParticipant *), bool only_present)
{
    for (guint i = 0; hook && i < view->people->len; i++) {
        StoaParticipant *who = view->people->pdata[i];
        if (who->handle || !only_present)
            hook(view, who);
    }
}

/* Everybody leaves and the state goes, as when a room closes; nobody hears of it. */
static void empty(StoaRoom *view)
{
    const StoaPlugin *plugin = &view->module->plugin;

    call(view, plugin->left, true);
    call(view, plugin->forgotten, false);
    if (plugin->room_closed)
        plugin->room_closed(view);
    g_hash_table_remove_all(view->timers);
    memset(view->state, 0, MAX(plugin->room_size, 1));
    for (guint i = 0; i < view->people->len; i++)
        memset(((StoaParticipant *)view->people->pdata[i])->state, 0,
               MAX(plugin->participant_size, 1));
    if (plugin->room_opened)
        plugin->room_opened(view);
}

/* False: as replay(). The view is empty then. */
static bool make_anew(StoaRoom *view, const json_t *snapshot, const GPtrArray *records)
{
    view->muted = true;
    empty(view);
    bool ok = replay(view, snapshot, records);
    if (ok)
        call(view, view->module->plugin.joined, true);
    view->muted = false;
    return ok;
}

static bool has_history(const StoaRoom *view)
{
    return view->module->plugin.caps & STOA_CAP_HISTORY;
}

static bool is_folded(const StoaRoom *view)
{
    return has_history(view) && view->module->plugin.apply;
}

static void cancel_reads(StoaRoom *view)
{
    g_autoptr(GError) error = NULL;

    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the room is being restored: try again in a moment");
    stoa_read_cancel_all(view, error);
}

/* -- loading ------------------------------------------------------------------------------ */

/* The views are whole again: who asked for it is told. */
static void settle(StoaRoomCore *core)
{
    g_autoptr(GArray) waiters = core->rebuild_waiters;

    core->journal->broken = false;
    core->rebuild_waiters = g_array_new(FALSE, FALSE, sizeof(RebuildWaiter));
    for (guint i = 0; i < waiters->len; i++) {
        RebuildWaiter waiter = g_array_index(waiters, RebuildWaiter, i);
        if (waiter.done)
            waiter.done(NULL, waiter.data);
    }
}

/* Who is told may close the room: then loader->core is NULL, and the loader is on no list. */
static void finish(Loader *loader, StoaRoom *view, const GError *error)
{
    bool is_last = loader->core->loaders->len == 1 &&
                   (loader->core->journal->broken || loader->core->rebuild_waiters->len > 0);

    if (is_last)
        loader->core->journal->broken = false;
    if (view)
        view->stale = false;
    tell_waiters(loader, view, error);
    StoaRoomCore *core = loader->core;
    if (core)
        g_ptr_array_remove(core->loaders, loader);
    loader_free(loader);
    if (core && is_last)
        settle(core);
}

static StoaRoom *open_loaded(Loader *loader)
{
    StoaRoom *view = stoa_room_new_view(loader->module, loader->core, true);

    view->muted = true;
    if (view->module->plugin.room_opened)
        view->module->plugin.room_opened(view);
    bool ok = replay(view, loader->rows.snapshot, loader->rows.records);
    view->muted = false;
    if (ok)
        return view;
    stoa_room_close_view(view);
    return NULL;
}

static void try_again(void *data)
{
    Loader *loader = data;

    loader->retry = NULL;
    start(loader);
}

/* The rows are here. They are asked for again when they were changed meanwhile, or when the snapshot does not fit. */
static void on_rows(void *data, const GError *error)
{
    Loader *loader = data;

    if (!loader->core) {
        loader_free(loader);
        return;
    }
    StoaJournal *journal = loader->core->journal;
    if (error)
        log_error(loader->module, "room=%s its records cannot be read: %s", loader->core->id,
                  error->message);
    bool is_late = loader->epoch != loader->core->epoch;
    StoaRoom *view = stoa_room_core_view(loader->core, loader->module);
    if (error && (journal->broken || (view && view->stale))) { /* it cannot go on as it is */
        loader->retry = stoa_timer_after(RETRY_MS, try_again, loader);
        return;
    }
    if (error) {
        finish(loader, NULL, error);
        return;
    }
    if (journal->broken)
        journal->last_seq = loader->rows.last_seq;
    if (is_late)
        view = NULL;
    if (view) /* what was asked of the state that goes */
        cancel_reads(view);
    if (view && !make_anew(view, loader->rows.snapshot, loader->rows.records))
        view = NULL;
    else if (!view && !is_late)
        view = open_loaded(loader);
    if (view) {
        finish(loader, view, NULL);
        return;
    }
    loader->rows.without_snapshot |= !is_late;
    start(loader);
}

static void start(Loader *loader)
{
    loader->epoch = loader->core->epoch;
    stoa_store_ask(loader->core->journal->store, read_rows, on_rows, loader, NULL);
}

/* -- what others call --------------------------------------------------------------------- */

StoaRoom *stoa_room_core_view(StoaRoomCore *core, StoaModule *module)
{
    for (guint i = 0; i < core->views->len; i++) {
        StoaRoom *view = core->views->pdata[i];
        if (view->module == module && !view->closing)
            return view;
    }
    return NULL;
}

void stoa_room_view_open(StoaModule *module, StoaRoomCore *core, StoaViewReady *ready, void *data)
{
    StoaRoom *view = stoa_room_core_view(core, module);
    Loader *loader = find_loader(core, module);
    Waiter waiter = { ready, data };
    g_autoptr(GError) error = NULL;

    if (module->plugin.scope != STOA_SCOPE_ROOM) {
        stoa_fail(&error, STOA_ERROR_INVALID, "%s serves no rooms", module->plugin.name);
        ready(NULL, error, data);
        return;
    }
    if (!view && (!core->is_kept || !(module->plugin.caps & STOA_CAP_HISTORY)))
        view = stoa_room_open_view(module, core, core->is_kept);
    if (view && !loader) {
        ready(view, NULL, data);
        return;
    }
    bool is_new = !loader;
    if (is_new)
        loader = loader_new(core, module);
    g_array_append_val(loader->waiters, waiter);
    if (is_new)
        start(loader);
}

void stoa_view_forget_loaders(StoaRoomCore *core)
{
    g_autoptr(GError) error = NULL;

    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the room was closed");
    while (core->loaders->len > 0) {
        Loader *loader = g_ptr_array_steal_index(core->loaders, 0);
        loader->core = NULL;
        tell_waiters(loader, NULL, error);
        if (loader->retry) {
            stoa_timer_clear(&loader->retry);
            loader_free(loader);
        }
    }
    for (guint i = 0; i < core->rebuild_waiters->len; i++) {
        RebuildWaiter waiter = g_array_index(core->rebuild_waiters, RebuildWaiter, i);
        if (waiter.done)
            waiter.done(error, waiter.data);
    }
    g_array_set_size(core->rebuild_waiters, 0);
}

/* In memory it is all here. */
static void rebuild_in_memory(StoaRoomCore *core)
{
    for (guint i = 0; i < core->views->len; i++) {
        if (has_history(core->views->pdata[i]))
            make_anew(core->views->pdata[i], NULL, core->journal->kept);
    }
    settle(core);
}

void stoa_view_rebuild_all(StoaRoomCore *core)
{
    core->epoch++;
    for (guint i = 0; i < core->views->len; i++)
        cancel_reads(core->views->pdata[i]);
    if (!core->journal->store) {
        rebuild_in_memory(core);
        return;
    }
    for (guint i = 0; i < core->views->len; i++) {
        StoaRoom *view = core->views->pdata[i];
        if (has_history(view) && !find_loader(core, view->module))
            start(loader_new(core, view->module));
    }
    if (core->loaders->len == 0)
        settle(core);
}

/* The journal is whole, only some of its rows are others: modules whose state is not made of them do not notice. */
static void rebuild_folded(StoaRoomCore *core)
{
    core->epoch++;
    for (guint i = 0; i < core->views->len; i++) {
        StoaRoom *view = core->views->pdata[i];
        if (!is_folded(view) || view->closing)
            continue;
        view->stale = true;
        if (!find_loader(core, view->module))
            start(loader_new(core, view->module));
    }
    if (core->loaders->len == 0)
        settle(core);
}

void stoa_room_core_rebuild(StoaRoomCore *core, StoaRoomDone *done, void *data)
{
    RebuildWaiter waiter = { done, data };
    StoaJournal *journal = core->journal;

    if (!journal) {
        if (done)
            done(NULL, data);
        return;
    }
    g_array_append_val(core->rebuild_waiters, waiter);
    if (journal->store && !journal->broken && !journal->open) {
        rebuild_folded(core);
        return;
    }
    journal->broken = true;
    if (journal->n_done == journal->n_given && !journal->open)
        stoa_view_rebuild_all(core);
}

/* -- snapshots ---------------------------------------------------------------------------- */

typedef struct {
    char *room, *module;
    uint64_t seq;
    json_t *body;
} Snapshot;

static void snapshot_free(gpointer data)
{
    Snapshot *snapshot = data;

    g_free(snapshot->room);
    g_free(snapshot->module);
    json_decref(snapshot->body);
    g_free(snapshot);
}

/* One that shows what was never written must not be kept. */
static bool write_snapshot(StoaDb *db, void *data, GError **error)
{
    Snapshot *snapshot = data;
    g_autoptr(GError) why = NULL;
    uint64_t last = stoa_journal_last_seq(db, snapshot->room, &why);

    if (!why && last < snapshot->seq)
        return true;
    if (!why && stoa_db_exec(db, &why,
                             "INSERT INTO snapshot(room_id, module, seq, body)"
                             " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(room_id, module)"
                             " DO UPDATE SET seq = excluded.seq, body = excluded.body",
                             "ssij", snapshot->room, snapshot->module, (int64_t)snapshot->seq,
                             snapshot->body))
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

void stoa_view_save(StoaRoom *view)
{
    StoaJournal *journal = stoa_room_journal_if_any(view);
    const StoaPlugin *plugin = &view->module->plugin;

    if (!journal || !journal->store || !plugin->save || !plugin->load || view->n_unsaved == 0 ||
        journal->broken || view->stale)
        return;
    json_t *body = plugin->save(view);
    if (!body)
        return;
    Snapshot *snapshot = g_new(Snapshot, 1);
    *snapshot =
        (Snapshot){ g_strdup(journal->room), g_strdup(plugin->name), journal->last_seq, body };
    view->n_unsaved = 0;
    stoa_store_run(journal->store, write_snapshot, NULL, snapshot, snapshot_free);
}
