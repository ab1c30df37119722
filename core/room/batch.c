/* SPDX-License-Identifier: MIT */
/* Records that go to the disk together, and how they get there. */
#include "config.h"

#define LOG_AREA "room"

#include "base/task.h"
#include "room/journal-private.h"
#include "room/room-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void clear_erasure(gpointer data)
{
    g_free(((StoaErasure *)data)->module);
}

StoaBatch *stoa_batch_new(StoaJournal *journal)
{
    StoaBatch *batch = g_new0(StoaBatch, 1);

    batch->journal = stoa_journal_ref(journal);
    batch->number = journal->n_given + 1;
    batch->before_seq = journal->last_seq;
    batch->records = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_record_free);
    batch->erased = g_array_new(FALSE, FALSE, sizeof(StoaErasure));
    g_array_set_clear_func(batch->erased, clear_erasure);
    batch->files = g_ptr_array_new_with_free_func(g_free);
    return batch;
}

void stoa_batch_free(gpointer data)
{
    StoaBatch *batch = data;

    stoa_journal_unref(batch->journal);
    g_ptr_array_unref(batch->records);
    g_array_unref(batch->erased);
    g_ptr_array_unref(batch->files);
    g_free(batch->data_dir);
    g_free(batch);
}

/* -- on the store thread ------------------------------------------------------------------ */

static bool write_record(StoaDb *db, const char *room, const StoaRecord *record, GError **error)
{
    return stoa_db_exec(db, error,
                        "INSERT INTO record(room_id, seq, meeting_id, module, kind, author, "
                        "recipient, at, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                        "sisssssij", room, (int64_t)record->seq, record->meeting, record->module,
                        record->kind, record->author, record->to, record->at_ms, record->body);
}

/* A snapshot that may hold what is erased goes too. */
static bool write_erasure(StoaDb *db, const char *room, const StoaErasure *erasure, GError **error)
{
    return stoa_db_exec(db, error,
                        "UPDATE record SET body = NULL"
                        " WHERE room_id = ?1 AND seq = ?2 AND module = ?3",
                        "sis", room, (int64_t)erasure->seq, erasure->module) &&
           stoa_db_exec(db, error,
                        "DELETE FROM snapshot WHERE room_id = ?1 AND module = ?2 AND seq >= ?3",
                        "ssi", room, erasure->module, (int64_t)erasure->seq);
}

/* What was proposed after a batch that failed was proposed in a state that never was. */
static bool follows(StoaDb *db, const StoaBatch *batch, GError **error)
{
    g_autoptr(GError) why = NULL;
    uint64_t last = stoa_journal_last_seq(db, batch->journal->room, &why);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    return last == batch->before_seq ||
           stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                     "what came before this could not be kept: try again");
}

bool stoa_batch_write(StoaDb *db, void *data, GError **error)
{
    StoaBatch *batch = data;
    const char *room = batch->journal->room;

    if (batch->records->len > 0 && !follows(db, batch, error))
        return false;
    for (guint i = 0; i < batch->records->len; i++) {
        if (!write_record(db, room, batch->records->pdata[i], error))
            return false;
    }
    for (guint i = 0; i < batch->erased->len; i++) {
        if (!write_erasure(db, room, &g_array_index(batch->erased, StoaErasure, i), error))
            return false;
    }
    for (guint i = 0; i < batch->files->len; i++) {
        if (!stoa_db_exec(db, error, "DELETE FROM file WHERE room_id = ?1 AND id = ?2", "ss", room,
                          batch->files->pdata[i]))
            return false;
    }
    return true;
}

/* -- on control --------------------------------------------------------------------------- */

static void erase_kept(GPtrArray *kept, const StoaErasure *erasure)
{
    for (guint i = 0; i < kept->len; i++) {
        StoaRecord *record = kept->pdata[i];
        if (record->seq == erasure->seq && g_str_equal(record->module, erasure->module))
            g_clear_pointer(&record->body, json_decref);
    }
}

void stoa_batch_keep(StoaBatch *batch)
{
    GPtrArray *kept = batch->journal->kept;

    while (batch->records->len > 0)
        g_ptr_array_add(kept, g_ptr_array_steal_index(batch->records, 0));
    for (guint i = 0; i < batch->erased->len; i++)
        erase_kept(kept, &g_array_index(batch->erased, StoaErasure, i));
}

static void unlink_all(void *data)
{
    GPtrArray *paths = data;

    for (guint i = 0; i < paths->len; i++) {
        if (unlink(paths->pdata[i]) != 0 && errno != ENOENT)
            log_error(stoa_process, "a file that was removed is still there: %s",
                      g_strerror(errno));
    }
}

void stoa_batch_remove_files(StoaBatch *batch)
{
    if (batch->files->len == 0 || !batch->data_dir)
        return;
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < batch->files->len; i++)
        g_ptr_array_add(paths, g_build_filename(batch->data_dir, "files", batch->journal->room,
                                                batch->files->pdata[i], NULL));
    stoa_task_run(unlink_all, NULL, paths, (GDestroyNotify)g_ptr_array_unref);
}
