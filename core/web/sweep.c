/* SPDX-License-Identifier: MIT */
/* What runs out by itself. */
#include "config.h"

#define LOG_AREA "sweep"

#include "base/log.h"
#include "base/task.h"
#include "base/timer.h"
#include "room/rooms.h"
#include "web/erase.h"
#include "web/live.h"
#include "web/sweep.h"
#include "web/web-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TICK_MS = 1000,
    MAX_MEETINGS = 100,
    CLOCK_MS = 20, /* how far the file system's clock may be behind ours */
};
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

/* One for the gateway; a round holds it, so that it outlives the store's last jobs. */
struct StoaSweep {
    StoaWeb *web; /* NULL: it has ended */
    StoaTimer *timer;
    int64_t started_ms;
    int64_t next_ms; /* when the rest is looked at again */
    bool under_way;
    unsigned refs;
};

typedef struct {
    StoaSweep *sweep;
    bool full;         /* not only hosts who were removed and meetings that are due */
    GPtrArray *hosts;  /* who were removed */
    GPtrArray *rooms;  /* whose journals were changed */
    GPtrArray *files;  /* pairs of room and file */
    GPtrArray *guests; /* pairs of room and person: whose names went */
    GPtrArray *mails;  /* .eml files */
    GPtrArray *late;   /* triples of room, person and module: was not there to be asked of them */
    char *data_dir;
    bool first;
    int64_t started_ms; /* of the server */
    int64_t good_ms;    /* how long an invitation is, that names no time */
} Round;

static void sweep_unref(StoaSweep *sweep)
{
    if (--sweep->refs == 0)
        g_free(sweep);
}

static void round_free(void *data)
{
    Round *round = data;

    sweep_unref(round->sweep);
    g_ptr_array_unref(round->hosts);
    g_ptr_array_unref(round->rooms);
    g_ptr_array_unref(round->files);
    g_ptr_array_unref(round->guests);
    g_ptr_array_unref(round->mails);
    g_ptr_array_unref(round->late);
    g_free(round->data_dir);
    g_free(round);
}

/* -- on the store thread ----------------------------------------------------------------------- */

static bool read_texts(StoaRows *rows, int n_columns, GPtrArray *texts, GError **error)
{
    g_autoptr(GError) why = NULL;

    while (rows && stoa_rows_next(rows, &why))
        for (int i = 0; i < n_columns; i++)
            g_ptr_array_add(texts, g_strdup(stoa_rows_text(rows, i)));
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !(error && *error);
}

/* A meeting's guests go with it, if it is the only one that they were in: whoever is left of them joins anew. */
static bool erase_guests_of(StoaDb *db, Round *round, const char *meeting, GError **error)
{
    static const char theirs[] =
        "UPDATE participant SET name = NULL, email = NULL, erased_at = ?2"
        " WHERE id IN (SELECT participant_id FROM attendance WHERE meeting_id = ?1)"
        " AND name IS NOT NULL AND invitation_id IS NULL AND host_id IS NULL AND banned = 0"
        " AND NOT EXISTS (SELECT 1 FROM attendance a WHERE a.participant_id = participant.id"
        " AND a.meeting_id <> ?1) RETURNING room_id, id";
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, theirs, "si", meeting, stoa_store_now_ms());

    return read_texts(rows, 2, round->guests, error);
}

static bool erase_meeting(StoaDb *db, Round *round, const char *meeting, const char *room,
                          GError **error)
{
    g_autoptr(StoaRows) files = stoa_db_query(
        db, error, "SELECT room_id, id FROM file WHERE meeting_id = ?1", "s", meeting);

    if (!read_texts(files, 2, round->files, error))
        return false;
    g_clear_pointer(&files, stoa_rows_free);
    if (!g_ptr_array_find_with_equal_func(round->rooms, room, g_str_equal, NULL))
        g_ptr_array_add(round->rooms, g_strdup(room));
    return erase_guests_of(db, round, meeting, error) &&
           stoa_db_exec(db, error, "DELETE FROM file WHERE meeting_id = ?1", "s", meeting) &&
           stoa_journal_erase(db, room, meeting, error) &&
           stoa_db_exec(db, error, "DELETE FROM meeting WHERE id = ?1", "s", meeting);
}

/* With a retention of 0 once its summaries are mailed: none waits longer than the outbox's give_up_s. */
#define DUE                                                                                       \
    "FROM meeting WHERE ended_at IS NOT NULL AND erase_at <= ?1"                                  \
    " AND (erase_at > ended_at OR NOT EXISTS (SELECT 1 FROM mail WHERE mail.room_id ="            \
    " meeting.room_id AND mail.kind = 'summary' AND mail.created_at >= meeting.ended_at)) LIMIT " \
    "?2"

static bool any_is_due(StoaDb *db, int64_t now_ms, GError **error)
{
    return stoa_db_int(db, error, 0, "SELECT 1 " DUE, "ii", now_ms, (int64_t)1) > 0;
}

static bool erase_meetings(StoaDb *db, Round *round, int64_t now_ms, GError **error)
{
    g_autoptr(GPtrArray) due = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id, room_id " DUE, "ii", now_ms, (int64_t)MAX_MEETINGS);

    if (!read_texts(rows, 2, due, error))
        return false;
    g_clear_pointer(&rows, stoa_rows_free);
    for (guint i = 0; i + 1 < due->len; i += 2)
        if (!erase_meeting(db, round, due->pdata[i], due->pdata[i + 1], error))
            return false;
    return true;
}

/* Who was never invited and never in, for they waited or were turned away, stays as long as they can come in. Their rows stay, as of those
 * who erase themselves: a room that is open may know them. */
static bool erase_guests(StoaDb *db, Round *round, int64_t now_ms, GError **error)
{
    static const char lost[] =
        "UPDATE participant SET name = NULL, email = NULL, erased_at = ?1"
        " WHERE name IS NOT NULL AND invitation_id IS NULL AND host_id IS NULL AND banned = 0"
        " AND NOT EXISTS (SELECT 1 FROM attendance a WHERE a.participant_id = participant.id)"
        " AND NOT EXISTS (SELECT 1 FROM participant_token t"
        " WHERE t.participant_id = participant.id AND t.expires_at > ?1) RETURNING room_id, id";
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, lost, "i", now_ms);

    return read_texts(rows, 2, round->guests, error);
}

/* A crash between a file's row and its record leaves a row that no item knows. The records of each room are read once. */
static bool erase_lost_files(StoaDb *db, Round *round, GError **error)
{
    static const char lost[] =
        "WITH late AS (SELECT room_id, id FROM file WHERE created_at > ?1 AND created_at < ?2) "
        "SELECT room_id, id FROM late WHERE id NOT IN "
        "(SELECT json_extract(body, '$.file') FROM record WHERE module = 'workspace' AND kind = "
        "'added'"
        " AND room_id IN (SELECT room_id FROM late) AND json_extract(body, '$.file') IS NOT NULL)";
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, lost, "ii", round->started_ms - DAY_MS, round->started_ms);
    guint known = round->files->len;

    if (!read_texts(rows, 2, round->files, error))
        return false;
    g_clear_pointer(&rows, stoa_rows_free);
    for (guint i = known; i + 1 < round->files->len; i += 2)
        if (!stoa_db_exec(db, error, "DELETE FROM file WHERE id = ?1", "s",
                          round->files->pdata[i + 1]))
            return false;
    return true;
}

/* When it was written last; INT64_MAX: it is gone. */
static int64_t written_ms(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return INT64_MAX;
    return (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
}

/* One folder of files: what has no row and is older than this server is left over from a crash between the two. */
static bool find_strays_of(StoaDb *db, Round *round, const char *room, GError **error)
{
    g_autofree char *folder = g_build_filename(round->data_dir, "files", room, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GError) why = NULL;
    const char *name;

    while (dir && (name = g_dir_read_name(dir)) && !why) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (written_ms(path) >= round->started_ms - CLOCK_MS)
            continue;
        if (stoa_db_int(db, &why, 1, "SELECT COUNT(*) FROM file WHERE id = ?1 AND room_id = ?2",
                        "ss", name, room) > 0)
            continue;
        g_ptr_array_add(round->files, g_strdup(room));
        g_ptr_array_add(round->files, g_strdup(name));
    }
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool find_strays(StoaDb *db, Round *round, GError **error)
{
    g_autofree char *folder = g_build_filename(round->data_dir, "files", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *room;

    while (dir && (room = g_dir_read_name(dir)))
        if (!g_str_equal(room, "incoming") && !find_strays_of(db, round, room, error))
            return false;
    return true;
}

static bool find_late(StoaDb *db, Round *round, GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT room_id, person, module FROM redaction", "");

    return read_texts(rows, 3, round->late, error);
}

static bool work(StoaDb *db, void *data, GError **error)
{
    Round *round = data;
    int64_t now_ms = stoa_store_now_ms();
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id FROM host WHERE email LIKE 'removed:%'", "");

    if (!read_texts(rows, 1, round->hosts, error))
        return false;
    g_clear_pointer(&rows, stoa_rows_free);
    if (!round->full && !any_is_due(db, now_ms, error))
        return !(error && *error);
    if (!stoa_mail_forget_old_files(db, round->good_ms, round->mails, error) ||
        !erase_meetings(db, round, now_ms, error) ||
        !stoa_mail_forget_old_summaries(db, round->mails, error))
        return false;
    if (!round->full)
        return true;
    return erase_guests(db, round, now_ms, error) && find_late(db, round, error) &&
           (!round->first ||
            (erase_lost_files(db, round, error) && find_strays(db, round, error))) &&
           stoa_db_exec(db, error, "DELETE FROM host_session WHERE expires_at <= ?1", "i",
                        now_ms) &&
           stoa_db_exec(db, error,
                        "DELETE FROM participant_token WHERE kind = 'history' AND expires_at <= ?1",
                        "i", now_ms);
}

/* -- files ------------------------------------------------------------------------------------- */

static void remove_files(void *data)
{
    Round *round = data;

    for (guint i = 0; i + 1 < round->files->len; i += 2) {
        g_autofree char *path =
            stoa_upload_path(round->data_dir, round->files->pdata[i], round->files->pdata[i + 1]);
        g_unlink(path);
    }
    stoa_mail_unlink(round->data_dir, round->mails);
}

/* -- on control -------------------------------------------------------------------------------- */

static void host_gone(void *data G_GNUC_UNUSED, const GError *error)
{
    if (error)
        log_error(stoa_process, "a host who was removed is still there: %s", error->message);
}

static void asked_at_last(const GError *error, void *data)
{
    if (error)
        log_info(stoa_process, "what is left of somebody who was erased stays for now: %s",
                 error->message);
    else
        stoa_store_scrub(data, NULL, NULL, NULL);
}

/* A module that was not loaded when somebody was erased is by now. */
static void ask_late(StoaWeb *web, const Round *round)
{
    StoaRooms *rooms = web->spec.rooms;

    for (guint i = 0; rooms && i + 2 < round->late->len; i += 3) {
        if (stoa_rooms_has_module(rooms, round->late->pdata[i + 2]))
            stoa_rooms_redact(rooms, round->late->pdata[i], round->late->pdata[i + 1],
                              asked_at_last, web->spec.store);
    }
}

static void take_apart(StoaWeb *web, const Round *round)
{
    const StoaWebSpec *spec = &web->spec;

    for (guint i = 0; i < round->hosts->len; i++)
        stoa_erase_host(web, round->hosts->pdata[i], host_gone, NULL);
    for (guint i = 0; i < round->rooms->len; i++)
        stoa_live_rebuild(web, round->rooms->pdata[i]);
    for (guint i = 0; i + 1 < round->guests->len; i += 2)
        stoa_live_removed(web, round->guests->pdata[i], round->guests->pdata[i + 1], "erased");
    if (round->rooms->len > 0)
        log_info(stoa_process, "the histories of %u rooms ran out and were erased",
                 round->rooms->len);
    ask_late(web, round);
    if (round->rooms->len > 0 || round->guests->len > 0 || round->mails->len > 0)
        stoa_store_scrub(spec->store, NULL, NULL, NULL);
}

static void files_gone(void *data)
{
    Round *round = data;
    StoaSweep *sweep = round->sweep;

    sweep->under_way = false;
    if (sweep->web)
        take_apart(sweep->web, round);
}

static void done(void *data, const GError *error)
{
    Round *round = data;

    if (error)
        log_error(stoa_process, "what has run out could not be erased: %s", error->message);
    stoa_task_run(remove_files, files_gone, round, round_free);
}

static void tick(void *data)
{
    StoaSweep *sweep = data;
    int64_t now_ms = stoa_store_now_ms();
    Round *round;

    if (sweep->under_way)
        return;
    round = g_new0(Round, 1);
    round->sweep = sweep;
    sweep->refs++;
    sweep->under_way = true;
    round->started_ms = sweep->started_ms;
    round->good_ms = sweep->web->conf->invitation_days * DAY_MS;
    round->first = sweep->next_ms == 0;
    round->full = now_ms >= sweep->next_ms;
    if (round->full)
        sweep->next_ms = now_ms + sweep->web->conf->retention_sweep_s * 1000;
    round->hosts = g_ptr_array_new_with_free_func(g_free);
    round->rooms = g_ptr_array_new_with_free_func(g_free);
    round->files = g_ptr_array_new_with_free_func(g_free);
    round->guests = g_ptr_array_new_with_free_func(g_free);
    round->mails = g_ptr_array_new_with_free_func(g_free);
    round->late = g_ptr_array_new_with_free_func(g_free);
    round->data_dir = g_strdup(sweep->web->spec.data_dir);
    stoa_store_run(sweep->web->spec.store, work, done, round, NULL);
}

StoaSweep *stoa_sweep_new(StoaWeb *web)
{
    StoaSweep *sweep = g_new0(StoaSweep, 1);

    sweep->web = web;
    sweep->refs = 1;
    sweep->started_ms = stoa_store_now_ms();
    stoa_upload_sweep(web->spec.data_dir);
    sweep->timer = stoa_timer_every(TICK_MS, tick, sweep);
    return sweep;
}

void stoa_sweep_free(StoaSweep *sweep)
{
    if (!sweep)
        return;
    stoa_timer_clear(&sweep->timer);
    sweep->web = NULL;
    sweep_unref(sweep);
}
