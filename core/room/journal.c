/* SPDX-License-Identifier: MIT */
/* The journal of one open room: numbers, batches, and what becomes of them. */
#include "config.h"

#define LOG_AREA "room"

#include "base/timer.h"
#include "room/journal-private.h"
#include "room/room-private.h"

#include <string.h>

enum { SCRUB_MS = 1000 }; /* one emptying of the WAL for all that is erased meanwhile */

/* Handlers that run now, and the journals that they wrote to. Control's. */
static struct {
    unsigned depth;
    GPtrArray *touched; /* of StoaJournal, a reference each */
} handler;

StoaJournal *stoa_journal_new(StoaRoomCore *core, StoaStore *store, uint64_t last_seq)
{
    StoaJournal *journal = g_new0(StoaJournal, 1);

    journal->refs = 1;
    journal->core = core;
    journal->store = store;
    journal->room = g_strdup(core->id);
    journal->last_seq = last_seq;
    journal->waiting = g_hash_table_new(NULL, NULL);
    if (!store) {
        journal->kept = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_record_free);
        journal->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    return journal;
}

StoaJournal *stoa_journal_ref(StoaJournal *journal)
{
    journal->refs++;
    return journal;
}

void stoa_journal_unref(StoaJournal *journal)
{
    if (--journal->refs > 0)
        return;
    g_hash_table_unref(journal->waiting);
    stoa_outbox_clear(&journal->outbox);
    g_clear_pointer(&journal->kept, g_ptr_array_unref);
    g_clear_pointer(&journal->names, g_hash_table_unref);
    g_free(journal->room);
    g_free(journal->meeting);
    g_free(journal);
}

void stoa_journal_detach(StoaJournal *journal)
{
    journal->core = NULL;
    if (journal->scrub_timer)
        stoa_store_scrub(journal->store, NULL, NULL, NULL);
    stoa_timer_clear(&journal->scrub_timer);
    stoa_journal_unref(journal);
}

uint64_t stoa_journal_wait(const StoaJournal *journal)
{
    if (journal->open)
        return journal->open->number;
    return journal->n_given > journal->n_done ? journal->n_given : 0;
}

bool stoa_journal_is_done(const StoaJournal *journal, uint64_t batch)
{
    return batch <= journal->n_done;
}

void stoa_journal_add_waiting(StoaJournal *journal, StoaOutbox *outbox)
{
    g_hash_table_add(journal->waiting, outbox);
}

void stoa_journal_remove_waiting(StoaJournal *journal, StoaOutbox *outbox)
{
    g_hash_table_remove(journal->waiting, outbox);
}

StoaJournal *stoa_room_journal_if_any(const StoaRoom *room)
{
    bool may = room->core && (room->module->plugin.caps & STOA_CAP_HISTORY);

    return may ? room->core->journal : NULL;
}

StoaJournal *stoa_room_journal(StoaRoom *room)
{
    bool may = room->core && (room->module->plugin.caps & STOA_CAP_HISTORY);

    if (may && !room->core->journal)
        room->core->journal = stoa_journal_new(room->core, NULL, 0);
    return may ? room->core->journal : NULL;
}

/* -- the fate of a batch ------------------------------------------------------------------ */

/* Letting one out may make another wait, or go. */
static void flush_waiting(StoaJournal *journal)
{
    g_autoptr(GList) now = g_hash_table_get_keys(journal->waiting);

    for (const GList *at = now; at; at = at->next) {
        StoaOutbox *outbox = at->data;
        if (!g_hash_table_contains(journal->waiting, outbox))
            continue;
        stoa_outbox_flush(outbox);
        if (!stoa_outbox_waits_for(outbox, journal))
            g_hash_table_remove(journal->waiting, outbox);
    }
}

static void fail_waiting(StoaJournal *journal, uint64_t batch, const GError *error)
{
    GHashTableIter iter;
    gpointer outbox;

    g_hash_table_iter_init(&iter, journal->waiting);
    while (g_hash_table_iter_next(&iter, &outbox, NULL))
        stoa_outbox_fail(outbox, journal, batch, error);
}

/* All views are made anew once everything that was given has come back. */
static void break_off(StoaJournal *journal, uint64_t batch, const GError *error)
{
    if (!journal->broken)
        log_warn(stoa_process, "room=%s records could not be kept: %s", journal->room,
                 error->message);
    journal->broken = true;
    fail_waiting(journal, batch, error);
}

static void settle(StoaJournal *journal)
{
    stoa_journal_ref(journal);
    flush_waiting(journal);
    if (journal->broken && journal->core && journal->n_done == journal->n_given && !journal->open)
        stoa_view_rebuild_all(journal->core);
    stoa_journal_unref(journal);
}

static void scrub_now(void *data)
{
    StoaJournal *journal = data;

    journal->scrub_timer = NULL;
    stoa_store_scrub(journal->store, NULL, NULL, NULL);
}

static void scrub_soon(StoaJournal *journal)
{
    if (!journal->core)
        stoa_store_scrub(journal->store, NULL, NULL, NULL);
    else if (!journal->scrub_timer)
        journal->scrub_timer = stoa_timer_after(SCRUB_MS, scrub_now, journal);
}

static void on_written(void *data, const GError *error)
{
    StoaBatch *batch = data;
    StoaJournal *journal = batch->journal;

    if (error) {
        break_off(journal, batch->number, error);
    } else {
        stoa_batch_remove_files(batch);
        if (batch->erased->len > 0)
            scrub_soon(journal);
    }
    journal->n_done = batch->number;
    settle(journal);
}

static void give(StoaJournal *journal)
{
    StoaBatch *batch = g_steal_pointer(&journal->open);

    journal->n_given = batch->number;
    if (journal->store) {
        stoa_store_run(journal->store, stoa_batch_write, on_written, batch, stoa_batch_free);
        return;
    }
    stoa_batch_keep(batch);
    stoa_batch_remove_files(batch);
    journal->n_done = batch->number;
    settle(journal);
    stoa_batch_free(batch);
}

/* What a handler proposed before it failed never happened. */
static void abandon(StoaJournal *journal)
{
    StoaBatch *batch = g_steal_pointer(&journal->open);
    g_autoptr(GError) error = NULL;

    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the request failed half-way: nothing was kept");
    journal->last_seq = batch->before_seq;
    if (batch->records->len > 0)
        break_off(journal, batch->number, error);
    else
        fail_waiting(journal, batch->number, error);
    stoa_batch_free(batch);
    settle(journal);
}

/* -- handlers ----------------------------------------------------------------------------- */

void stoa_journal_begin(void)
{
    if (handler.depth++ == 0)
        handler.touched = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_journal_unref);
}

static void finish(StoaJournal *journal, bool keep)
{
    if (!journal->open)
        return;
    if (keep)
        give(journal);
    else
        abandon(journal);
}

/* Snapshots that are due show what the handler just did, so they come after it. */
static void save_views(StoaJournal *journal)
{
    for (guint i = 0; journal->core && !journal->broken && i < journal->core->views->len; i++) {
        StoaRoom *view = journal->core->views->pdata[i];
        if (view->n_unsaved >= STOA_SNAPSHOT_EVERY)
            stoa_view_save(view);
    }
}

void stoa_journal_end(bool keep)
{
    if (--handler.depth > 0)
        return;
    g_autoptr(GPtrArray) touched = g_steal_pointer(&handler.touched);
    for (guint i = 0; i < touched->len; i++) {
        finish(touched->pdata[i], keep);
        save_views(touched->pdata[i]);
    }
}

/* The batch that is being collected; outside of a handler one for the caller alone. */
static StoaBatch *open_batch(StoaJournal *journal)
{
    if (!journal->open) {
        journal->open = stoa_batch_new(journal);
        g_ptr_array_add(handler.touched, stoa_journal_ref(journal));
    }
    return journal->open;
}

/* -- proposing ---------------------------------------------------------------------------- */

static bool may_record(StoaRoom *room, const char *kind, const json_t *body, GError **error)
{
    StoaJournal *journal = stoa_room_journal(room);

    if (!journal)
        return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                         "%s keeps no records: it needs "
                         "STOA_CAP_HISTORY and rooms",
                         room->module->plugin.name);
    if (room->muted || room->applying)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "`apply` cannot propose records");
    if (journal->broken || room->stale)
        return stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                         "the room is being restored: try again in a moment");
    if (!kind || !*kind || strspn(kind, "abcdefghijklmnopqrstuvwxyz_") != strlen(kind))
        return stoa_fail(error, STOA_ERROR_INVALID, "a record's kind is made of [a-z_]");
    if (!json_is_object(body))
        return stoa_fail(error, STOA_ERROR_INVALID, "a record's body is an object");
    return true;
}

static StoaRecord *make_record(StoaRoom *room, const StoaJournal *journal,
                               const StoaParticipant *author, const char *kind)
{
    StoaRecord *record = g_new0(StoaRecord, 1);

    record->seq = journal->last_seq + 1;
    record->module = g_strdup(room->module->plugin.name);
    record->kind = g_strdup(kind);
    record->author = author ? g_strdup(author->id) : NULL;
    record->meeting = g_strdup(journal->meeting);
    record->at_ms = stoa_store_now_ms();
    stoa_clock_text(record->at_ms * 1000, record->at);
    return record;
}

static void apply(StoaRoom *room, StoaParticipant *author, const StoaRecord *record)
{
    room->applying = true;
    if (room->module->plugin.apply)
        room->module->plugin.apply(room, author, record);
    room->applying = false;
    room->n_unsaved++;
}

/* A record is also the event that the room sees: everyone that which is for them. */
static void tell(StoaRoom *room, StoaJournal *journal, const StoaRecord *record)
{
    const StoaPlugin *plugin = &room->module->plugin;
    bool is_alike = !record->to && (!plugin->present || plugin->present_alike);
    json_t *body = is_alike ? stoa_record_present(room, record, NULL) : NULL;
    g_autoptr(StoaShared) shared = body ? stoa_shared_new(body) : NULL;

    for (guint i = 0; i < room->handles->len; i++) {
        StoaHandle *handle = room->handles->pdata[i];
        StoaOutput output = { .seq = record->seq };
        if (!handle->is_seat)
            continue;
        if (shared)
            output.shared = stoa_shared_ref(shared);
        else if (!is_alike)
            output.data = stoa_record_present(room, record, handle->who);
        if (output.shared || output.data)
            stoa_outbox_push(&handle->outbox, journal, output);
    }
}

const StoaRecord *stoa_journal_propose(StoaRoom *room, StoaParticipant *author, const char *kind,
                                       json_t *body, const char *to, GError **error)
{
    if (!may_record(room, kind, body, error)) {
        json_decref(body);
        return NULL;
    }
    if (to && !stoa_room_member(room, to)) {
        json_decref(body);
        stoa_fail(error, STOA_ERROR_NOT_FOUND, "nobody here has the id %.64s", to);
        return NULL;
    }
    StoaJournal *journal = stoa_room_journal(room);
    stoa_journal_begin();
    StoaRecord *record = make_record(room, journal, author, kind);
    record->body = body;
    record->to = g_strdup(to);
    g_ptr_array_add(open_batch(journal)->records, record);
    journal->last_seq = record->seq;
    if (journal->names && author)
        g_hash_table_replace(journal->names, g_strdup(author->id), g_strdup(author->name));
    apply(room, author, record);
    tell(room, journal, record);
    bool is_handler = handler.depth > 1;
    stoa_journal_end(true);
    return is_handler ? record : NULL;
}

/* -- the SDK's side ----------------------------------------------------------------------- */

bool stoa_room_record(StoaRoom *room, const char *kind, json_t *body, GError **error)
{
    g_autoptr(GError) why = NULL;

    stoa_journal_propose(room, NULL, kind, body, NULL, &why);
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return !why;
}

void stoa_room_erase(StoaRoom *room, uint64_t seq)
{
    StoaJournal *journal = stoa_room_journal(room);
    StoaErasure erasure = { .seq = seq };

    if (!journal || journal->broken || room->muted)
        return;
    stoa_journal_begin();
    erasure.module = g_strdup(room->module->plugin.name);
    g_array_append_val(open_batch(journal)->erased, erasure);
    room->n_unsaved++; /* its snapshot goes: write another at the end */
    stoa_journal_end(true);
}

/* It becomes a part of a path. */
static bool is_plain_id(const char *id)
{
    return id && *id && strspn(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == strlen(id);
}

void stoa_room_remove_file(StoaRoom *room, const char *file)
{
    StoaJournal *journal = stoa_room_journal(room);

    if (!journal || journal->broken || room->muted || !is_plain_id(file))
        return;
    stoa_journal_begin();
    StoaBatch *batch = open_batch(journal);
    g_ptr_array_add(batch->files, g_strdup(file));
    if (!batch->data_dir)
        batch->data_dir = g_strdup(room->module->env->data_dir);
    stoa_journal_end(true);
}
