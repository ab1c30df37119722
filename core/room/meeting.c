/* SPDX-License-Identifier: MIT */
/* One sitting of a room: how it begins, and how it ends. The end goes by steps: the modules' views are there, the modules say
 * their last, everybody goes, one transaction writes it down with the summaries. */
#include "config.h"

#define LOG_AREA "meeting"

#include "room/kept-room.h"
#include "room/room-private.h"
#include "room/summary.h"

void stoa_meeting_begin(StoaKeptRoom *room, StoaLedger *ledger)
{
    StoaRoomInfo *info = room->info;

    info->meeting = stoa_store_id();
    info->meeting_ms = stoa_store_now_ms();
    g_free(info->state);
    info->state = g_strdup("open");
    stoa_ledger_meeting(ledger, info->id, info->meeting, info->meeting_ms);
    stoa_room_core_set_meeting(room->core, info->meeting);
    log_info(room, "a meeting begins");
}

/* -- the end -------------------------------------------------------------------------------- */

typedef struct {
    StoaRooms *rooms;
    char *room, *state;
    bool cut;
    unsigned views; /* that are still to be opened, and one while they are asked for */
    char *meeting;  /* NULL: none ran */
    char *title, *host, *base_url;
    int64_t started_ms, ended_ms, erase_ms;
    int64_t readable_ms; /* until then guests may read with the token that they had */
    json_t *items;
    StoaRoomsDone *done;
    void *data;
} Ending;

static void ending_free(void *data)
{
    Ending *ending = data;

    g_free(ending->room);
    g_free(ending->state);
    g_free(ending->meeting);
    g_free(ending->title);
    g_free(ending->host);
    g_free(ending->base_url);
    json_decref(ending->items);
    g_free(ending);
}

/* Nobody comes back with a token of a room that ended. A guest has no address for a link to the history: for a while their token
 * reads it, like one that such a link gives. */
static bool end_tokens(StoaDb *db, const Ending *ending, GError **error)
{
    return stoa_db_exec(db, error,
                        "UPDATE participant_token SET kind = 'history', expires_at = ?2"
                        " WHERE kind = 'seat' AND participant_id IN (SELECT id FROM participant p"
                        " WHERE room_id = ?1 AND invitation_id IS NULL AND host_id IS NULL"
                        " AND email IS NULL AND erased_at IS NULL AND banned = 0 AND EXISTS"
                        " (SELECT 1 FROM attendance a WHERE a.participant_id = p.id))",
                        "si", ending->room, ending->readable_ms) &&
           stoa_db_exec(db, error,
                        "DELETE FROM participant_token WHERE kind = 'seat' AND participant_id IN"
                        " (SELECT id FROM participant WHERE room_id = ?1)",
                        "s", ending->room);
}

static bool write_end(StoaDb *db, void *data, GError **error)
{
    const Ending *ending = data;
    const StoaSummary summary = { .room = ending->room,
                                  .meeting = ending->meeting,
                                  .title = ending->title,
                                  .host = ending->host,
                                  .base_url = ending->base_url,
                                  .started_ms = ending->started_ms,
                                  .ended_ms = ending->ended_ms,
                                  .erase_ms = ending->erase_ms,
                                  .items = ending->items };

    if (!stoa_db_exec(db, error, "UPDATE room SET state = ?1 WHERE id = ?2", "ss", ending->state,
                      ending->room) ||
        !stoa_db_exec(db, error, "UPDATE participant SET hand_at = NULL WHERE room_id = ?1", "s",
                      ending->room) ||
        !stoa_db_exec(db, error, "DELETE FROM key_box WHERE room_id = ?1", "s", ending->room) ||
        !stoa_db_exec(db, error, "DELETE FROM bar WHERE meeting_id = ?1", "s", ending->meeting))
        return false;
    if (ending->cut && !end_tokens(db, ending, error))
        return false;
    if (!ending->meeting)
        return true;
    return stoa_db_exec(db, error,
                        "UPDATE attendance SET left_at = ?1"
                        " WHERE meeting_id = ?2 AND left_at IS NULL",
                        "is", ending->ended_ms, ending->meeting) &&
           stoa_db_exec(db, error,
                        "UPDATE meeting SET ended_at = ?1, seen_at = ?1, erase_at = ?2,"
                        " summarised = 1 WHERE id = ?3",
                        "iis", ending->ended_ms, ending->erase_ms, ending->meeting) &&
           stoa_summary_put(db, &summary, error);
}

/* What could not be written did not happen: it is tried again when the room was empty for another while. */
static void take_back(StoaKeptRoom *room, const Ending *ending)
{
    if (!ending->meeting || room->info->meeting)
        return;
    room->info->meeting = g_strdup(ending->meeting);
    room->info->meeting_ms = ending->started_ms;
    g_free(room->info->state);
    room->info->state = g_strdup("open");
    stoa_room_core_set_meeting(room->core, room->info->meeting);
}

static void was_written(void *data, const GError *error)
{
    Ending *ending = data;
    StoaKeptRoom *room = stoa_rooms_find(ending->rooms, ending->room);
    json_t *answer = NULL;

    if (room) {
        room->busy--;
        room->ending = false;
        if (error)
            take_back(room, ending);
        else
            answer = stoa_room_info_json(room->info);
        stoa_kept_room_settle(room);
    }
    if (error)
        log_error(stoa_process, "the end of a meeting cannot be written: %s", error->message);
    else if (ending->rooms->spec.mail_waits)
        ending->rooms->spec.mail_waits(ending->rooms->spec.user);
    if (ending->done)
        ending->done(answer, error, ending->data);
    json_decref(answer);
}

static void everybody_goes(StoaKeptRoom *room, const Ending *ending)
{
    StoaLedger *ledger = stoa_ledger_new();

    for (guint i = 0; ending->cut && i < room->order->len; i++)
        stoa_member_cut(room->order->pdata[i], "room_ended", NULL);
    for (guint i = 0; i < room->order->len; i++) {
        StoaMember *member = room->order->pdata[i];
        if (ending->cut || member->state != STOA_MEMBER_WAITING)
            stoa_member_leave(member, ledger, ending->ended_ms, "ended");
        member->admitted = member->attended = false;
    }
    if (ending->cut)
        stoa_seat_tokens_drop_room(room->rooms->tokens, room->info->id);
    stoa_ledger_run(ledger, room->rooms->spec.store, NULL, NULL, NULL);
}

/* As the operator says; else as the last who came in saw us; else as we see ourselves. */
static const char *link_base(const StoaRooms *rooms)
{
    const StoaRoomsSpec *spec = &rooms->spec;
    const char *base = spec->base_url ? spec->base_url(spec->user) : NULL;

    if (!base)
        base = rooms->base_url;
    if (!base && spec->own_url)
        base = spec->own_url(spec->user);
    return base;
}

static void note(Ending *ending, const StoaRoomInfo *info)
{
    ending->meeting = g_strdup(info->meeting);
    ending->title = g_strdup(info->title);
    ending->host = g_strdup(info->host_name);
    ending->base_url = g_strdup(link_base(ending->rooms));
    ending->started_ms = info->meeting_ms;
    ending->ended_ms = stoa_store_now_ms();
    ending->readable_ms = ending->ended_ms + ending->rooms->spec.conf->participant_s * 1000;
    ending->erase_ms = ending->ended_ms + info->retention_days * 24 * 60 * 60 * 1000;
}

static StoaModule *module_of(const StoaRooms *rooms, const char *name)
{
    return name ? rooms->spec.module(rooms->spec.user, name) : NULL;
}

/* What the modules have to say: their last records, and what the summary shows of the workspace. One that the room has no more may
 * have left a poll open. */
static void modules_end(StoaKeptRoom *room, Ending *ending)
{
    const GPtrArray *views = room->core->views;

    for (guint i = 0; i < views->len; i++) {
        StoaRoom *view = views->pdata[i];
        const StoaPlugin *plugin = stoa_module_plugin(stoa_room_module(view));
        if (plugin->meeting_ended)
            plugin->meeting_ended(view);
        if (plugin->history && g_str_equal(plugin->name, "workspace") && !ending->items)
            ending->items = plugin->history(view, room->info->meeting, NULL);
    }
}

static void finish(StoaKeptRoom *room, Ending *ending)
{
    StoaRoomInfo *info = room->info;

    if (info->meeting)
        modules_end(room, ending);
    note(ending, info);
    everybody_goes(room, ending);
    g_clear_pointer(&info->meeting, g_free);
    g_free(info->state);
    info->state = g_strdup(ending->state);
    stoa_room_core_set_meeting(room->core, NULL);
    stoa_kept_room_forget_homes(room);
    stoa_timer_clear(&room->linger);
    if (ending->meeting)
        log_info(room, "the meeting ends");
    room->busy++;
    stoa_store_run(room->rooms->spec.store, write_end, was_written, ending, ending_free);
}

static void give_up(Ending *ending, const GError *error)
{
    if (ending->done)
        ending->done(NULL, error, ending->data);
    ending_free(ending);
}

static void views_are_there(Ending *ending)
{
    StoaKeptRoom *room = stoa_rooms_find(ending->rooms, ending->room);
    g_autoptr(GError) error = NULL;

    if (--ending->views > 0)
        return;
    if (!room) {
        stoa_fail(&error, STOA_ERROR_NOT_FOUND, "there is no such room");
        give_up(ending, error);
    } else if (!ending->cut && stoa_kept_room_n_in(room) > 0) { /* somebody came meanwhile */
        room->ending = false;
        stoa_kept_room_settle(room);
        ending_free(ending);
    } else {
        finish(room, ending);
    }
}

static void view_is_there(StoaRoom *view G_GNUC_UNUSED, const GError *error, void *data)
{
    Ending *ending = data;

    if (error)
        log_warn(stoa_process, "a module misses the end of its meeting: %s", error->message);
    views_are_there(ending);
}

void stoa_meeting_end(StoaKeptRoom *room, const char *state, bool cut, StoaRoomsDone *done,
                      void *data)
{
    Ending *ending = g_new0(Ending, 1);
    g_autoptr(GError) error = NULL;
    json_t *modules = json_incref(room->info->modules);
    const json_t *name;
    size_t i;

    *ending = (Ending){ .rooms = room->rooms, .cut = cut, .views = 1, .done = done, .data = data };
    ending->room = g_strdup(room->info->id);
    ending->state = g_strdup(state);
    if (room->ending) {
        stoa_fail(&error, STOA_ERROR_CONFLICT, "this meeting is just ending");
        give_up(ending, error);
        json_decref(modules);
        return;
    }
    room->ending = true;
    json_array_foreach(modules, i, name)
    {
        StoaModule *module = module_of(room->rooms, json_string_value(name));
        if (!module || !room->info->meeting)
            continue;
        ending->views++;
        stoa_room_view_open(module, room->core, view_is_there, ending);
    }
    json_decref(modules);
    views_are_there(ending);
}

static void end_opened(StoaKeptRoom *room, const GError *error, void *data)
{
    Ending *asked = data;

    if (room)
        stoa_meeting_end(room, "ended", true, asked->done, asked->data);
    else
        asked->done(NULL, error, asked->data);
    ending_free(asked);
}

void stoa_rooms_end(StoaRooms *rooms, const char *room, StoaRoomsDone *done, void *data)
{
    Ending *asked = g_new0(Ending, 1);

    asked->done = done;
    asked->data = data;
    stoa_rooms_open(rooms, room, end_opened, asked);
}
