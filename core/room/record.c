/* SPDX-License-Identifier: MIT */
/* One numbered line of a room's journal: what it says, who may see it, how it is read from the store. */
#include "config.h"

#include "room/record.h"
#include "room/room-private.h"

#include <inttypes.h>
#include <string.h>

void stoa_record_free(StoaRecord *record)
{
    if (!record)
        return;
    g_free(record->module);
    g_free(record->kind);
    g_free(record->author);
    g_free(record->to);
    g_free(record->meeting);
    json_decref(record->body);
    g_free(record);
}

bool stoa_record_is_for(const StoaRecord *record, const char *who)
{
    return !record->to || (who && (g_str_equal(record->to, who) ||
                                   (record->author && g_str_equal(record->author, who))));
}

/* The record's own body, with who made it. */
static json_t *present_plainly(StoaRoom *view, const StoaRecord *record)
{
    if (!record->body)
        return NULL;
    json_t *body = json_copy(record->body);
    json_object_set_new(body, "from", stoa_room_who(view, record->author));
    return body;
}

json_t *stoa_record_present(StoaRoom *view, const StoaRecord *record, StoaParticipant *viewer)
{
    const StoaPlugin *plugin = &view->module->plugin;

    if (!stoa_record_is_for(record, viewer ? viewer->id : NULL))
        return NULL;
    json_t *body =
        plugin->present ? plugin->present(view, record, viewer) : present_plainly(view, record);
    if (!body || plugin->vocabulary)
        return body;
    if (!json_object_get(body, "event"))
        json_object_set_new(body, "event", json_string(record->kind));
    json_object_set_new(body, "seq", json_integer((json_int_t)record->seq));
    return body;
}

/* -- in the store ------------------------------------------------------------------------- */

/* Every parameter is bound; the last is always named, so those before it may be left out. */
static char *write_select(const StoaJournalQuery *query)
{
    GString *sql = g_string_new("SELECT seq, module, kind, author, recipient, meeting_id, at, body"
                                " FROM record WHERE room_id = ?1 AND seq > ?2 AND seq < ?3");

    if (query->module)
        g_string_append(sql, " AND module = ?4");
    if (query->kind)
        g_string_append(sql, " AND kind = ?5");
    if (query->meeting)
        g_string_append(sql, " AND meeting_id = ?6");
    if (query->author)
        g_string_append(sql, " AND author = ?7");
    if (query->for_all)
        g_string_append(sql, " AND (recipient IS NULL OR recipient = ?8 OR author = ?8)");
    if (query->no_tombstones)
        g_string_append(sql, " AND body IS NOT NULL");
    g_string_append_printf(sql, " ORDER BY seq %s LIMIT ?9", query->newest ? "DESC" : "ASC");
    return g_string_free(sql, FALSE);
}

static StoaRecord *read_row(const StoaRows *rows)
{
    StoaRecord *record = g_new0(StoaRecord, 1);

    record->seq = (uint64_t)stoa_rows_int(rows, 0);
    record->module = g_strdup(stoa_rows_text(rows, 1));
    record->kind = g_strdup(stoa_rows_text(rows, 2));
    record->author = g_strdup(stoa_rows_text(rows, 3));
    record->to = g_strdup(stoa_rows_text(rows, 4));
    record->meeting = g_strdup(stoa_rows_text(rows, 5));
    record->at_ms = stoa_rows_int(rows, 6);
    record->body = stoa_rows_json(rows, 7);
    stoa_clock_text(record->at_ms * 1000, record->at);
    return record;
}

static void reverse(GPtrArray *array, guint from)
{
    for (guint i = from, j = array->len; i + 1 < j; i++) {
        gpointer swap = array->pdata[i];
        array->pdata[i] = array->pdata[--j];
        array->pdata[j] = swap;
    }
}

bool stoa_journal_select(StoaDb *db, const StoaJournalQuery *query, GPtrArray *records, bool *more,
                         GError **error)
{
    g_autofree char *sql = write_select(query);
    int64_t after = query->seq ? (int64_t)query->seq - 1 : (int64_t)query->after;
    int64_t before = query->seq      ? (int64_t)query->seq + 1
                     : query->before ? (int64_t)MIN(query->before, (uint64_t)INT64_MAX)
                                     : INT64_MAX;
    int64_t limit = query->limit ? (int64_t)query->limit + 1 : -1;
    g_autoptr(GError) why = NULL;
    guint from = records->len;
    size_t bytes = 0;
    bool is_cut = false;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, sql, "siisssssi", query->room, after, before, query->module,
                      query->kind, query->meeting, query->author, query->viewer, limit);

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why)) {
        is_cut =
            (query->limit && records->len - from == query->limit) || /* one more was asked for */
            (query->bytes && bytes >= query->bytes);
        if (is_cut)
            break;
        bytes += stoa_rows_is_null(rows, 7) ? 0 : strlen(stoa_rows_text(rows, 7));
        g_ptr_array_add(records, read_row(rows));
    }
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (more)
        *more = is_cut;
    if (query->newest)
        reverse(records, from);
    return true;
}

uint64_t stoa_journal_last_seq(StoaDb *db, const char *room, GError **error)
{
    return (uint64_t)stoa_db_int(db, error, 0, "SELECT max(seq) FROM record WHERE room_id = ?1",
                                 "s", room);
}

bool stoa_journal_erase(StoaDb *db, const char *room, const char *meeting, GError **error)
{
    g_autoptr(GError) why = NULL;
    int64_t last = (int64_t)stoa_journal_last_seq(db, room, &why);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    return stoa_db_exec(db, error,
                        "DELETE FROM record WHERE room_id = ?1 AND seq < ?2"
                        " AND (?3 IS NULL OR meeting_id = ?3)",
                        "sis", room, last, meeting) &&
           stoa_db_exec(db, error,
                        "UPDATE record SET body = NULL, author = NULL, recipient = NULL,"
                        " meeting_id = NULL WHERE room_id = ?1 AND seq = ?2"
                        " AND (?3 IS NULL OR meeting_id = ?3)",
                        "sis", room, last, meeting) &&
           stoa_db_exec(db, error, "DELETE FROM snapshot WHERE room_id = ?1", "s", room);
}

/* -- the SDK's side ----------------------------------------------------------------------- */

uint64_t stoa_record_seq(const StoaRecord *record)
{
    return record->seq;
}

json_t *stoa_record_id(uint64_t seq)
{
    char text[24];

    g_snprintf(text, sizeof text, "%" PRIu64, seq);
    return json_string(text);
}

uint64_t stoa_record_id_seq(const char *id)
{
    guint64 seq = 0;

    return id && g_ascii_string_to_unsigned(id, 10, 1, INT64_MAX, &seq, NULL) ? seq : 0;
}

const char *stoa_record_kind(const StoaRecord *record)
{
    return record->kind;
}

const json_t *stoa_record_body(const StoaRecord *record)
{
    return record->body;
}

bool stoa_record_is_erased(const StoaRecord *record)
{
    return !record->body;
}

int64_t stoa_record_at_ms(const StoaRecord *record)
{
    return record->at_ms;
}

const char *stoa_record_at(const StoaRecord *record)
{
    return record->at;
}

const char *stoa_record_author(const StoaRecord *record)
{
    return record->author;
}

const char *stoa_record_to(const StoaRecord *record)
{
    return record->to;
}

const char *stoa_record_meeting(const StoaRecord *record)
{
    return record->meeting;
}
