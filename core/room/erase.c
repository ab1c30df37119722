/* SPDX-License-Identifier: MIT */
/* A person's erasure from a room's journal: every module says what stays of each of their records. */
#include "config.h"

#define LOG_AREA "room"

#include "room/journal-private.h"
#include "room/room-private.h"

#include <string.h>

typedef struct {
    StoaRoomCore *core; /* looked up again by its id after each wait */
    char *room, *author;
    GPtrArray *records; /* of StoaRecord: what they made, by number */
    GHashTable *views;  /* module → StoaRoom, or NULL: its records become tombstones */
    unsigned n_opening;
    GPtrArray *bodies; /* of json_t, or NULL: a tombstone; as `records` */
    StoaRoomDone *done;
    void *data;
} Redaction;

static void free_body(gpointer body)
{
    json_decref(body);
}

static void redaction_free(Redaction *it)
{
    g_free(it->room);
    g_free(it->author);
    g_ptr_array_unref(it->records);
    g_ptr_array_unref(it->bodies);
    g_hash_table_unref(it->views);
    g_free(it);
}

static void end(Redaction *it, const GError *error)
{
    if (it->done)
        it->done(error, it->data);
    redaction_free(it);
}

static bool room_is_gone(Redaction *it)
{
    g_autoptr(GError) error = NULL;

    if (stoa_room_core_find(it->room) == it->core)
        return false;
    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the room was closed");
    end(it, error);
    return true;
}

/* -- on the store thread ------------------------------------------------------------------ */

static bool read_records(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;
    StoaJournalQuery query = { .room = it->room, .author = it->author, .no_tombstones = true };

    return stoa_journal_select(db, &query, it->records, NULL, error);
}

static bool write_bodies(StoaDb *db, void *data, GError **error)
{
    Redaction *it = data;

    for (guint i = 0; i < it->records->len; i++) {
        const StoaRecord *record = it->records->pdata[i];
        if (!stoa_db_exec(db, error, "UPDATE record SET body = ?3 WHERE room_id = ?1 AND seq = ?2",
                          "sij", it->room, (int64_t)record->seq, it->bodies->pdata[i]))
            return false;
    }
    return stoa_db_exec(db, error, "DELETE FROM snapshot WHERE room_id = ?1", "s", it->room);
}

/* -- on control --------------------------------------------------------------------------- */

static void on_rebuilt(const GError *error, void *data)
{
    end(data, error);
}

static void on_redacted(void *data, const GError *error)
{
    Redaction *it = data;

    if (error)
        end(it, error);
    else if (!room_is_gone(it))
        stoa_room_core_rebuild(it->core, on_rebuilt, it);
}

static void redact_all(Redaction *it)
{
    for (guint i = 0; i < it->records->len; i++) {
        const StoaRecord *record = it->records->pdata[i];
        StoaRoom *view = g_hash_table_lookup(it->views, record->module);
        json_t *body =
            view && view->module->plugin.redact ? view->module->plugin.redact(view, record) : NULL;
        g_ptr_array_add(it->bodies, body);
    }
    stoa_store_run(it->core->journal->store, write_bodies, on_redacted, it, NULL);
}

typedef struct {
    Redaction *redaction;
    char *module;
} Opening;

/* A view that was ready may have been closed while others opened. */
static void look_again(Redaction *it)
{
    GHashTableIter iter;
    gpointer name, view;

    g_hash_table_iter_init(&iter, it->views);
    while (g_hash_table_iter_next(&iter, &name, &view)) {
        if (view && !g_ptr_array_find(it->core->views, view, NULL))
            g_hash_table_iter_replace(&iter, NULL);
    }
}

static void on_view(StoaRoom *view, const GError *error G_GNUC_UNUSED, void *data)
{
    Opening *opening = data;
    Redaction *it = opening->redaction;

    g_hash_table_replace(it->views, g_steal_pointer(&opening->module), view);
    g_free(opening);
    if (--it->n_opening > 0 || room_is_gone(it))
        return;
    look_again(it);
    redact_all(it);
}

static StoaModule *find_module(const Redaction *it, const char *name)
{
    return it->core->keep.module ? it->core->keep.module(it->core->keep.user, name) : NULL;
}

static void on_records(void *data, const GError *error)
{
    Redaction *it = data;

    if (error) {
        end(it, error);
        return;
    }
    if (room_is_gone(it))
        return;
    it->n_opening = 1; /* so that it does not end while they are asked for */
    for (guint i = 0; i < it->records->len; i++) {
        const StoaRecord *record = it->records->pdata[i];
        StoaModule *module = find_module(it, record->module);
        if (!module || g_hash_table_contains(it->views, record->module))
            continue;
        g_hash_table_insert(it->views, g_strdup(record->module), NULL);
        it->n_opening++;
        Opening *opening = g_new(Opening, 1);
        *opening = (Opening){ it, g_strdup(record->module) };
        stoa_room_view_open(module, it->core, on_view, opening);
    }
    if (--it->n_opening == 0)
        redact_all(it);
}

void stoa_room_core_redact(StoaRoomCore *core, const char *author, StoaRoomDone *done, void *data)
{
    Redaction *it = g_new0(Redaction, 1);

    it->core = core;
    it->room = g_strdup(core->id);
    it->author = g_strdup(author);
    it->records = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_record_free);
    it->bodies = g_ptr_array_new_with_free_func(free_body);
    it->views = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    it->done = done;
    it->data = data;
    stoa_store_run(core->journal->store, read_records, on_records, it, NULL);
}
