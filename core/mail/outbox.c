/* SPDX-License-Identifier: MIT */
/* The outbox table: mails that wait, and the files that were written. */
#include "config.h"

#include "mail/outbox.h"

#include "mail/message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void stoa_mail_job_free(StoaMailJob *job)
{
    if (!job)
        return;
    g_free(job->recipient);
    g_free(job->room_id);
    json_decref(job->payload);
    g_free(job);
}

bool stoa_mail_put(StoaDb *db, StoaMailKind kind, const char *email, const char *room_id,
                   json_t *payload, GError **error)
{
    int64_t now = stoa_store_now_ms();
    bool ok =
        stoa_db_exec(db, error,
                     "INSERT INTO mail (recipient, room_id, kind, payload, next_try_at, created_at)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                     "sssji", email, room_id, stoa_mail_kind_name(kind), payload, now);

    json_decref(payload);
    return ok;
}

static StoaMailJob *read_job(const StoaRows *rows)
{
    StoaMailJob *job = g_new0(StoaMailJob, 1);

    job->id = stoa_rows_int(rows, 0);
    job->recipient = g_strdup(stoa_rows_text(rows, 1));
    job->room_id = g_strdup(stoa_rows_text(rows, 2));
    job->kind = stoa_mail_kind_of(stoa_rows_text(rows, 3));
    job->payload = stoa_rows_json(rows, 4);
    job->tries = stoa_rows_int(rows, 5);
    job->created_ms = stoa_rows_int(rows, 6);
    job->to_file = stoa_rows_int(rows, 7) != 0;
    return job;
}

bool stoa_outbox_due(StoaDb *db, int64_t now_ms, int limit, GPtrArray *jobs, int64_t *next_ms,
                     GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error,
                      "SELECT id, recipient, room_id, kind, payload, tries, created_at, file"
                      " FROM mail WHERE next_try_at <= ?1 ORDER BY next_try_at, id LIMIT ?2",
                      "ii", now_ms, (int64_t)limit);

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(jobs, read_job(rows));
    if (!why)
        *next_ms = stoa_db_int(
            db, &why, 0, "SELECT MIN(next_try_at) FROM mail WHERE next_try_at > ?1", "i", now_ms);
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

bool stoa_outbox_done(StoaDb *db, int64_t id, GError **error)
{
    return stoa_db_exec(db, error, "DELETE FROM mail WHERE id = ?1", "i", id);
}

bool stoa_outbox_later(StoaDb *db, int64_t id, int64_t next_ms, GError **error)
{
    return stoa_db_exec(db, error,
                        "UPDATE mail SET tries = tries + 1, next_try_at = ?2 WHERE id = ?1", "ii",
                        id, next_ms);
}

/* What a summary said, but for its links: of tokens nothing stays in the database. */
static json_t *without_links(const json_t *payload)
{
    json_t *copy = json_deep_copy(payload);
    json_t *item;
    size_t i;

    json_object_del(copy, "link");
    json_array_foreach(json_object_get(copy, "items"), i, item) json_object_del(item, "link");
    return copy;
}

bool stoa_outbox_filed(StoaDb *db, const StoaMailJob *job, const char *name, GError **error)
{
    if (!stoa_outbox_done(db, job->id, error) || stoa_db_changes(db) == 0)
        return false;
    json_t *payload = job->kind == STOA_MAIL_SUMMARY ? without_links(job->payload) : NULL;
    bool ok =
        stoa_db_exec(db, error,
                     "INSERT INTO mail_file (name, recipient, room_id, payload, written_at)"
                     " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO NOTHING",
                     "sssji", name, job->recipient, job->room_id, payload, stoa_store_now_ms());
    json_decref(payload);
    return ok;
}

/* -- erasure ------------------------------------------------------------------------------ */

static bool read_names(StoaRows *rows, GPtrArray *files, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(files, g_strdup(stoa_rows_text(rows, 0)));
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool forget_files(StoaDb *db, const char *email, const char *room_id, GPtrArray *files,
                         GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error,
                      "DELETE FROM mail_file WHERE (?1 IS NULL OR recipient = ?1)"
                      " AND (?2 IS NULL OR room_id = ?2) RETURNING name",
                      "ss", email, room_id);

    return read_names(rows, files, error);
}

bool stoa_mail_forget_old_summaries(StoaDb *db, GPtrArray *files, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "DELETE FROM mail_file WHERE payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM meeting m"
        " WHERE m.room_id = mail_file.room_id"
        " AND m.started_at = json_extract(mail_file.payload, '$.started_at')) RETURNING name",
        "");

    return read_names(rows, files, error);
}

/* When a file about a room is of no use any more: a class that it came before has taken place, or no time is named and it is no
 * good by now; and in any case not before the time that the room names. */
bool stoa_mail_forget_old_files(StoaDb *db, int64_t good_ms, GPtrArray *files, GError **error)
{
    static const char old[] =
        "DELETE FROM mail_file WHERE payload IS NULL AND name NOT LIKE '%-summary-%'"
        " AND ?1 >= COALESCE((SELECT r.retention_days * 86400000 + MAX("
        " COALESCE(r.starts_at + COALESCE(r.duration_min, 0) * 60000, 0),"
        " COALESCE((SELECT MAX(COALESCE(m.ended_at, ?1 + 1)) FROM meeting m WHERE m.room_id = r.id"
        " AND (m.ended_at IS NULL OR m.ended_at >= written_at)), written_at + ?2))"
        " FROM room r WHERE r.id = mail_file.room_id), written_at + ?2) RETURNING name";
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, old, "ii", stoa_store_now_ms(), good_ms);

    return read_names(rows, files, error);
}

bool stoa_mail_forget(StoaDb *db, const char *email, const char *room_id, GPtrArray *files,
                      GError **error)
{
    g_return_val_if_fail(email || room_id, false);
    return stoa_db_exec(db, error,
                        "DELETE FROM mail WHERE (?1 IS NULL OR recipient = ?1)"
                        " AND (?2 IS NULL OR (room_id = ?2 AND kind <> 'cancelled'))",
                        "ss", email, room_id) &&
           forget_files(db, email, room_id, files, error);
}

/* -- editing ------------------------------------------------------------------------------ */

/* A summary that waits, or is a file. Strings owned. */
typedef struct {
    int64_t id, tries, next_ms, created_ms;
    char *file, *recipient;
    json_t *payload;
    bool to_file;
} Summary;

static void summary_free(gpointer data)
{
    Summary *summary = data;

    g_free(summary->file);
    g_free(summary->recipient);
    json_decref(summary->payload);
    g_free(summary);
}

static Summary *read_summary(const StoaRows *rows)
{
    Summary *summary = g_new0(Summary, 1);

    summary->file = g_strdup(stoa_rows_text(rows, 0));
    summary->recipient = g_strdup(stoa_rows_text(rows, 1));
    summary->payload = stoa_rows_is_null(rows, 2) ? NULL : stoa_rows_json(rows, 2);
    summary->id = stoa_rows_int(rows, 3);
    summary->tries = stoa_rows_int(rows, 4);
    summary->next_ms = stoa_rows_int(rows, 5);
    summary->created_ms = stoa_rows_int(rows, 6);
    summary->to_file = summary->file || stoa_rows_int(rows, 7);
    return summary;
}

/* A file that an older version wrote has no payload, but its kind in its name. */
static const char all_summaries[] =
    "SELECT NULL, recipient, payload, id, tries, next_try_at, created_at, file FROM mail"
    " WHERE room_id = ?1 AND kind = 'summary'"
    " UNION ALL SELECT name, recipient, payload, 0, 0, 0, 0, 1 FROM mail_file"
    " WHERE room_id = ?1 AND (payload IS NOT NULL OR name LIKE '%-summary-%')";

static GPtrArray *read_summaries(StoaDb *db, const char *room_id, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, all_summaries, "s", room_id);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(summary_free);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(found, read_summary(rows));
    if (!why)
        return g_steal_pointer(&found);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static bool remove_summary(StoaDb *db, const Summary *summary, GPtrArray *files, GError **error)
{
    if (!summary->file)
        return stoa_outbox_done(db, summary->id, error);
    g_ptr_array_add(files, g_strdup(summary->file));
    return stoa_db_exec(db, error, "DELETE FROM mail_file WHERE name = ?1", "s", summary->file);
}

/* Under a new number: one that is under way with the old one is nobody's any more when it is done. */
static bool put_again(StoaDb *db, const Summary *summary, const char *room_id, GError **error)
{
    int64_t now = stoa_store_now_ms();

    return stoa_db_exec(db, error,
                        "INSERT INTO mail (recipient, room_id, kind, payload, next_try_at, tries,"
                        " created_at, file) VALUES (?1, ?2, 'summary', ?3, ?4, ?5, ?6, ?7)",
                        "ssjiiii", summary->recipient, room_id, summary->payload,
                        summary->file ? now : summary->next_ms, summary->tries,
                        summary->file ? now : summary->created_ms, (int64_t)summary->to_file);
}

bool stoa_mail_edit_summaries(StoaDb *db, const char *room_id, StoaMailEdit *edit, void *data,
                              GPtrArray *files, GError **error)
{
    g_autoptr(GPtrArray) all = read_summaries(db, room_id, error);

    for (guint i = 0; all && i < all->len; i++) {
        Summary *summary = all->pdata[i];
        bool changed = !summary->payload;
        if (summary->payload &&
            !edit(db, summary->payload, summary->file != NULL, &changed, data, error))
            return false;
        if (!changed)
            continue;
        if (!remove_summary(db, summary, files, error) ||
            (summary->payload && !put_again(db, summary, room_id, error)))
            return false;
    }
    return all != NULL;
}

/* Its bytes are overwritten first: what was said is not to be found on the disk's free blocks by an undelete. */
static void shred(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        g_autofree char *zeros = g_malloc0(4096);
        for (off_t at = 0; at < st.st_size; at += 4096) {
            if (pwrite(fd, zeros, (size_t)MIN((off_t)4096, st.st_size - at), at) < 0)
                break;
        }
        fdatasync(fd);
    }
    if (fd >= 0)
        close(fd);
    unlink(path);
}

void stoa_mail_unlink(const char *data_dir, GPtrArray *files)
{
    for (guint i = 0; i < files->len; i++) {
        g_autofree char *path = g_build_filename(data_dir, "mail", files->pdata[i], NULL);
        shred(path);
    }
}
