/* SPDX-License-Identifier: MIT */
/* Reading records back: for a request, for a module, for who resumes. */
#include "config.h"

#define LOG_AREA "room"

#include "room/request-private.h"

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MOST = 1000,
    /* of one answer to `resume`: what a connection can take at once, whose queue has an end */
    RESUME_RECORDS = 20000,
    RESUME_BYTES = 3 * 1024 * 1024,
    ENVELOPE_BYTES = 200, /* around each event: session, handle, module */
};

/* One reading on its way. It belongs to the store's job; in memory to who asked. */
struct StoaRead {
    StoaRoom *room;   /* NULL: cancelled */
    StoaRequest *req; /* NULL: the module's own */
    StoaJournalQuery query;
    char *room_id, *module, *kind, *viewer; /* of the query */
    GPtrArray *records;
    bool more;
    StoaReadFunc *got;
    void (*room_got)(StoaRoom *room, const StoaRecord *const *records, size_t n, bool more,
                     void *data);
    void *data;
    GDestroyNotify free_data;
};

static StoaRead *read_new(StoaRoom *room, const StoaRecordQuery *query, const char *viewer)
{
    StoaRead *read = g_new0(StoaRead, 1);

    read->room = room;
    read->room_id = g_strdup(room->core->id);
    read->module = g_strdup(room->module->plugin.name);
    read->kind = g_strdup(query->kind);
    read->viewer = g_strdup(viewer);
    read->query = (StoaJournalQuery){
        .room = read->room_id,
        .module = read->module,
        .kind = read->kind,
        .viewer = read->viewer,
        .seq = query->seq,
        .after = query->after,
        .before = query->before,
        .limit = query->limit ? MIN(query->limit, LIMIT_MOST) : LIMIT_DEFAULT,
        .newest = query->newest,
        .no_tombstones = true,
    };
    read->records = g_ptr_array_new();
    g_ptr_array_add(room->reads, read);
    return read;
}

/* The module may be unloaded before the rows come back. */
static void let_go_of_data(StoaRead *read)
{
    GDestroyNotify fn = g_steal_pointer(&read->free_data);

    if (fn)
        fn(read->data);
}

static void read_free(gpointer data)
{
    StoaRead *read = data;

    if (read->room)
        g_ptr_array_remove(read->room->reads, read);
    let_go_of_data(read);
    g_ptr_array_unref(read->records);
    g_free(read->room_id);
    g_free(read->module);
    g_free(read->kind);
    g_free(read->viewer);
    g_free(read);
}

void stoa_read_cancel(StoaRead *read)
{
    if (read->room)
        g_ptr_array_remove(read->room->reads, read);
    read->room = NULL;
    read->req = NULL;
}

void stoa_read_cancel_all(StoaRoom *room, const GError *error)
{
    while (room->reads->len > 0) {
        StoaRead *read = room->reads->pdata[0];
        StoaRequest *req = read->req;
        stoa_read_cancel(read);
        let_go_of_data(read);
        if (req) {
            req->read = NULL;
            stoa_request_give_up(req, error);
        }
    }
}

static bool read_from_store(StoaDb *db, void *data, GError **error)
{
    StoaRead *read = data;

    g_ptr_array_set_free_func(read->records, (GDestroyNotify)stoa_record_free);
    return stoa_journal_select(db, &read->query, read->records, &read->more, error);
}

/* What it asked for is here. */
static void deliver(StoaRead *read, const GError *error)
{
    StoaRequest *req = read->req;
    const StoaRecord *const *records = (const StoaRecord *const *)read->records->pdata;
    StoaRoom *room = read->room;

    if (!room)
        return;
    stoa_read_cancel(read);
    if (!req) {
        stoa_journal_begin();
        if (!error)
            read->room_got(room, records, read->records->len, read->more, read->data);
        stoa_journal_end(true);
        return;
    }
    g_autoptr(GError) left = NULL;
    if (req->handle && req->handle->room != room)
        stoa_refuse(&left, "not_joined", "this handle left the room meanwhile");
    req->read = NULL;
    if (error || left)
        stoa_request_give_up(req, error ? error : left);
    else
        stoa_request_go_on(req, records, read->records->len, read->more, read->got);
}

static void on_read(void *data, const GError *error)
{
    deliver(data, error);
}

/* -- in memory ---------------------------------------------------------------------------- */

static bool fits(const StoaJournalQuery *query, const StoaRecord *record)
{
    return g_str_equal(record->module, query->module) &&
           (!query->kind || g_str_equal(record->kind, query->kind)) &&
           (!query->seq || record->seq == query->seq) && record->seq > query->after &&
           (!query->before || record->seq < query->before) &&
           (record->body || !query->no_tombstones) &&
           (!query->for_all || stoa_record_is_for(record, query->viewer));
}

static void read_from_memory(StoaRead *read, const GPtrArray *kept)
{
    const StoaJournalQuery *query = &read->query;
    GPtrArray *all = read->records;

    for (guint i = 0; i < kept->len; i++) {
        if (fits(query, kept->pdata[i]))
            g_ptr_array_add(all, kept->pdata[i]);
    }
    read->more = query->limit && all->len > query->limit;
    if (!read->more)
        return;
    guint n_over = all->len - query->limit;
    g_ptr_array_remove_range(all, query->newest ? 0 : query->limit, n_over);
}

bool stoa_read_run_in_memory(StoaRequest *req)
{
    StoaRead *read = req->read;

    if (!read || !read->room)
        return false;
    const StoaJournal *journal = stoa_room_journal_if_any(read->room);
    if (!journal || journal->store)
        return false;
    read_from_memory(read, journal->kept);
    deliver(read, NULL);
    read_free(read);
    return true;
}

/* -- resuming ----------------------------------------------------------------------------- */

/* Each as an ordinary event, in the place that was kept for the reply; with `more` of it, the reply's number is that of the last. */
static bool resume_got(StoaRequest *req, const StoaRecord *const *records, size_t n, bool more,
                       GError **error G_GNUC_UNUSED)
{
    StoaHandle *handle = req->handle;
    GArray *outputs = g_array_new(FALSE, FALSE, sizeof(StoaOutput));
    uint64_t seq = *(const uint64_t *)stoa_request_data(req);
    size_t bytes = 0, i = 0;

    for (; i < n && bytes < RESUME_BYTES; i++) {
        StoaOutput output = { .seq = records[i]->seq };
        output.data = stoa_record_present(handle->room, records[i], handle->who);
        if (!output.data)
            continue;
        bytes += json_dumpb(output.data, NULL, 0, JSON_COMPACT) + ENVELOPE_BYTES;
        g_array_append_val(outputs, output);
    }
    more |= i < n;
    if (more)
        seq = records[i - 1]->seq;
    stoa_outbox_say_before(&handle->outbox, req->place, outputs);
    g_array_unref(outputs);
    stoa_request_reply(req, more ? json_pack("{s:I, s:b}", "seq", (json_int_t)seq, "more", true)
                                 : json_pack("{s:I}", "seq", (json_int_t)seq));
    return true;
}

bool stoa_read_on_resume(StoaRequest *req, GError **error)
{
    StoaRoom *room = req->handle->room;
    StoaJournal *journal = stoa_room_journal(room);
    StoaRecordQuery all = { .limit = LIMIT_MOST };
    int64_t after = stoa_request_int(req, "after");

    if (after < 0)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"after\" is the number of a record");
    if (!journal) { /* it keeps nothing: `state` has told all */
        stoa_request_reply(req, json_pack("{s:i}", "seq", 0));
        return true;
    }
    all.after = (uint64_t)after;
    all.before = journal->last_seq + 1;
    stoa_request_set_data(req, g_memdup2(&journal->last_seq, sizeof journal->last_seq), g_free);
    stoa_outbox_forget_after(&req->handle->outbox, all.after);
    stoa_request_read(req, &all, resume_got);
    req->read->query.limit = RESUME_RECORDS;
    req->read->query.bytes = RESUME_BYTES;
    req->read->query.no_tombstones = false;
    return true;
}

/* -- the SDK's side ----------------------------------------------------------------------- */

static void start(StoaRead *read)
{
    StoaJournal *journal = stoa_room_journal(read->room);

    if (!journal || !journal->store)
        return;
    uint64_t end = journal->last_seq + 1; /* what is proposed from now on comes as events */
    read->query.before = read->query.before ? MIN(read->query.before, end) : end;
    stoa_store_ask(journal->store, read_from_store, on_read, read, read_free);
}

void stoa_request_read(StoaRequest *req, const StoaRecordQuery *query, StoaReadFunc *got)
{
    StoaRoom *room = stoa_request_room(req);
    StoaParticipant *who = stoa_request_from(req);

    g_return_if_fail(room && stoa_room_journal(room) && !req->is_sync && !req->read);
    req->read = read_new(room, query, who ? who->id : NULL);
    req->read->query.for_all = true;
    req->read->req = req;
    req->read->got = got;
}

void stoa_read_start(StoaRequest *req)
{
    start(req->read);
}

void stoa_room_read(StoaRoom *room, const StoaRecordQuery *query,
                    void (*got)(StoaRoom *room, const StoaRecord *const *records, size_t n,
                                bool more, void *data),
                    void *data, GDestroyNotify free_data)
{
    StoaJournal *journal = stoa_room_journal(room);

    if (!journal) {
        if (free_data)
            free_data(data);
        return;
    }
    StoaRead *read = read_new(room, query, NULL);
    read->room_got = got;
    read->data = data;
    read->free_data = free_data;
    if (journal->store) {
        start(read);
        return;
    }
    read_from_memory(read, journal->kept);
    deliver(read, NULL);
    read_free(read);
}
