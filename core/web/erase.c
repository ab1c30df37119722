/* SPDX-License-Identifier: MIT */
/* Erasing rooms for good. */
#include "config.h"

#include "base/task.h"
#include "web/erase.h"
#include "web/live.h"
#include "web/schedule.h"
#include "web/web-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* -- rows -------------------------------------------------------------------------------------- */

bool stoa_erase_room_rows(StoaDb *db, const char *room, GPtrArray *files, GError **error)
{
    return stoa_schedule_cancel(db, room, NULL, error) &&
           stoa_mail_forget(db, NULL, room, files, error) &&
           stoa_db_exec(db, error, "DELETE FROM room WHERE id = ?1", "s", room);
}

bool stoa_erase_mark_host(StoaDb *db, const char *host, const char *email, GPtrArray *files,
                          GError **error)
{
    return stoa_db_exec(db, error, "DELETE FROM host_session WHERE host_id = ?1", "s", host) &&
           stoa_db_exec(db, error, "DELETE FROM host_link WHERE host_id = ?1", "s", host) &&
           stoa_db_exec(db, error, "UPDATE host SET email = 'removed:' || id WHERE id = ?1", "s",
                        host) &&
           stoa_mail_forget(db, email, NULL, files, error);
}

static bool read_ids(StoaRows *rows, GPtrArray *ids, GError **error)
{
    g_autoptr(GError) why = NULL;

    while (rows && stoa_rows_next(rows, &why))
        g_ptr_array_add(ids, g_strdup(stoa_rows_text(rows, 0)));
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !(error && *error);
}

static bool read_rooms_of(StoaDb *db, const char *host, GPtrArray *rooms, GError **error)
{
    g_autoptr(StoaRows) found =
        stoa_db_query(db, error, "SELECT id FROM room WHERE host_id = ?1", "s", host);

    return read_ids(found, rooms, error);
}

bool stoa_erase_host_rows(StoaDb *db, const char *host, GPtrArray *rooms, GPtrArray *files,
                          GError **error)
{
    if (!read_rooms_of(db, host, rooms, error))
        return false;
    for (guint i = 0; i < rooms->len; i++) {
        if (!stoa_erase_room_rows(db, rooms->pdata[i], files, error))
            return false;
    }
    return stoa_db_exec(db, error, "DELETE FROM host WHERE id = ?1", "s", host);
}

/* -- files ------------------------------------------------------------------------------------- */

void stoa_erase_room_files(const char *data_dir, const char *room)
{
    g_autofree char *folder = g_build_filename(data_dir, "files", room, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

/* -- one after the other ----------------------------------------------------------------------- */

typedef struct {
    StoaWeb *web;
    char **rooms;
    GPtrArray *mails;
    StoaStoreDone *done;
    void *data;
} Erasing;

static void erasing_free(void *data)
{
    Erasing *erasing = data;

    g_strfreev(erasing->rooms);
    g_ptr_array_unref(erasing->mails);
    g_free(erasing);
}

static void scrubbed(void *data, const GError *error)
{
    Erasing *erasing = data;

    erasing->done(erasing->data, error);
}

static void files_gone(void *data)
{
    Erasing *erasing = data;

    stoa_store_scrub(erasing->web->spec.store, scrubbed, erasing, erasing_free);
}

static void remove_files(void *data)
{
    Erasing *erasing = data;

    for (char **room = erasing->rooms; *room; room++)
        stoa_erase_room_files(erasing->web->spec.data_dir, *room);
    stoa_mail_unlink(erasing->web->spec.data_dir, erasing->mails);
}

static bool remove_rows(StoaDb *db, void *data, GError **error)
{
    Erasing *erasing = data;

    for (char **room = erasing->rooms; *room; room++)
        if (!stoa_erase_room_rows(db, *room, erasing->mails, error))
            return false;
    return true;
}

static void mails_settled(void *data)
{
    stoa_task_run(remove_files, files_gone, data, NULL);
}

static void rows_gone(void *data, const GError *error)
{
    Erasing *erasing = data;

    if (error) {
        erasing->done(erasing->data, error);
        erasing_free(erasing);
        return;
    }
    StoaMail *mail = erasing->web->spec.mail;
    stoa_mail_settle(mail, mails_settled, erasing);
    stoa_mail_wake(mail);
}

void stoa_erase_rooms(StoaWeb *web, const char *const *rooms, StoaStoreDone *done, void *data)
{
    const StoaWebSpec *spec = &web->spec;
    Erasing *erasing = g_new0(Erasing, 1);

    erasing->web = web;
    erasing->rooms = g_strdupv((char **)rooms);
    erasing->mails = g_ptr_array_new_with_free_func(g_free);
    erasing->done = done;
    erasing->data = data;
    for (char **room = erasing->rooms; *room; room++)
        stoa_live_deleted(web, *room);
    stoa_store_run(spec->store, remove_rows, rows_gone, erasing, NULL);
}

/* -- a host: first which rooms, then these, then the host -------------------------------------- */

typedef struct {
    StoaWeb *web;
    char *host;
    GPtrArray *rooms;
    StoaStoreDone *done;
    void *data;
} HostErasing;

static void host_erasing_free(void *data)
{
    HostErasing *erasing = data;

    g_ptr_array_unref(erasing->rooms);
    g_free(erasing->host);
    g_free(erasing);
}

static void host_gone(void *data, const GError *error)
{
    HostErasing *erasing = data;

    erasing->done(erasing->data, error);
}

static bool remove_host(StoaDb *db, void *data, GError **error)
{
    return stoa_db_exec(db, error, "DELETE FROM host WHERE id = ?1", "s",
                        ((HostErasing *)data)->host);
}

static void host_rooms_gone(void *data, const GError *error)
{
    HostErasing *erasing = data;

    if (!error) {
        stoa_store_run(erasing->web->spec.store, remove_host, host_gone, erasing,
                       host_erasing_free);
        return;
    }
    host_gone(erasing, error);
    host_erasing_free(erasing);
}

static bool find_rooms(StoaDb *db, void *data, GError **error)
{
    HostErasing *erasing = data;

    return read_rooms_of(db, erasing->host, erasing->rooms, error);
}

static void rooms_found(void *data, const GError *error)
{
    HostErasing *erasing = data;

    g_ptr_array_add(erasing->rooms, NULL);
    if (error)
        host_rooms_gone(erasing, error);
    else
        stoa_erase_rooms(erasing->web, (const char *const *)erasing->rooms->pdata, host_rooms_gone,
                         erasing);
}

void stoa_erase_host(StoaWeb *web, const char *host, StoaStoreDone *done, void *data)
{
    HostErasing *erasing = g_new0(HostErasing, 1);

    erasing->web = web;
    erasing->host = g_strdup(host);
    erasing->rooms = g_ptr_array_new_with_free_func(g_free);
    erasing->done = done;
    erasing->data = data;
    stoa_store_run(web->spec.store, find_rooms, rooms_found, erasing, NULL);
}
