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
    return job;
}

bool stoa_outbox_due(StoaDb *db, int64_t now_ms, int limit, GPtrArray *jobs, int64_t *next_ms,
                     GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error,
                      "SELECT id, recipient, room_id, kind, payload, tries, created_at FROM mail"
                      " WHERE next_try_at <= ?1 ORDER BY next_try_at, id LIMIT ?2",
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

bool stoa_outbox_filed(StoaDb *db, const StoaMailJob *job, const char *name, GError **error)
{
    if (!stoa_outbox_done(db, job->id, error) || stoa_db_changes(db) == 0)
        return false;
    return stoa_db_exec(db, error,
                        "INSERT INTO mail_file (name, recipient, room_id) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT (name) DO NOTHING",
                        "sss", name, job->recipient, job->room_id);
}

/* -- erasure ------------------------------------------------------------------------------ */

static bool forget_files(StoaDb *db, const char *email, const char *room_id, GPtrArray *files,
                         GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error,
                      "DELETE FROM mail_file WHERE (?1 IS NULL OR recipient = ?1)"
                      " AND (?2 IS NULL OR room_id = ?2) RETURNING name",
                      "ss", email, room_id);

    if (!rows)
        return false;
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(files, g_strdup(stoa_rows_text(rows, 0)));
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
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
