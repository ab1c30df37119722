/* SPDX-License-Identifier: MIT */
/* The kept rooms that are open: the registry, its start and its end. */
#include "config.h"

#define LOG_AREA "rooms"

#include "base/loop.h"
#include "room/kept-room.h"

enum { PULSE_MS = 20000 };

/* -- opening ------------------------------------------------------------------------------ */

typedef struct {
    StoaRoomReady *ready;
    void *data;
} Waiter;

/* A room that is being read. */
typedef struct {
    StoaRooms *rooms;
    char *id;
    StoaRoomRows *rows;
    GArray *waiters; /* of Waiter */
} Opening;

static void opening_free(void *data)
{
    Opening *opening = data;

    stoa_room_rows_free(opening->rows);
    g_array_unref(opening->waiters);
    g_free(opening->id);
    g_free(opening);
}

static bool read_rows(StoaDb *db, void *data, GError **error)
{
    Opening *opening = data;

    opening->rows = stoa_room_rows_read(db, opening->id, error);
    return opening->rows != NULL;
}

/* Each waiter once; what one does may close the room again. */
static void answer_all(Opening *opening, const GError *error)
{
    g_autoptr(GArray) waiters = g_steal_pointer(&opening->waiters);
    g_autoptr(GError) gone =
        g_error_new(STOA_ERROR, STOA_ERROR_UNAVAILABLE, "the server is about to stop");

    opening->waiters = g_array_new(false, false, sizeof(Waiter));
    for (guint i = 0; i < waiters->len; i++) {
        const Waiter *waiter = &g_array_index(waiters, Waiter, i);
        StoaKeptRoom *room = error ? NULL : stoa_rooms_find(opening->rooms, opening->id);
        waiter->ready(room, room ? NULL : error ? error : gone, waiter->data);
    }
}

static void opened(void *data, const GError *error)
{
    Opening *opening = data;
    StoaRooms *rooms = opening->rooms;

    g_hash_table_remove(rooms->opening, opening->id);
    if (!error && !rooms->closed) {
        StoaKeptRoom *room = stoa_kept_room_new(rooms, opening->rows);
        g_hash_table_insert(rooms->open, room->info->id, room);
        stoa_kept_room_settle(room);
    }
    answer_all(opening, error);
}

void stoa_rooms_open(StoaRooms *rooms, const char *id, StoaRoomReady *ready, void *data)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, id);
    Waiter waiter = { ready, data };

    if (room) {
        stoa_kept_room_settle(room);
        ready(room, NULL, data);
        return;
    }
    if (rooms->closed) {
        g_autoptr(GError) gone =
            g_error_new(STOA_ERROR, STOA_ERROR_UNAVAILABLE, "the server is about to stop");
        ready(NULL, gone, data);
        return;
    }
    Opening *opening = g_hash_table_lookup(rooms->opening, id);
    if (opening) {
        g_array_append_val(opening->waiters, waiter);
        return;
    }
    opening = g_new0(Opening, 1);
    opening->rooms = rooms;
    opening->id = g_strdup(id);
    opening->waiters = g_array_new(false, false, sizeof(Waiter));
    g_array_append_val(opening->waiters, waiter);
    g_hash_table_insert(rooms->opening, opening->id, opening);
    stoa_store_run(rooms->spec.store, read_rows, opened, opening, opening_free);
}

StoaKeptRoom *stoa_rooms_find(StoaRooms *rooms, const char *id)
{
    return g_hash_table_lookup(rooms->open, id);
}

typedef struct {
    char *module;
    StoaViewReady *ready;
    void *data;
} Viewing;

static void open_view(StoaKeptRoom *room, const GError *error, void *data)
{
    Viewing *viewing = data;
    g_autoptr(GError) why = NULL;
    StoaModule *module = NULL;

    if (room)
        module = g_str_equal(viewing->module, "room")
                     ? room->rooms->module
                     : room->rooms->spec.module(room->rooms->spec.user, viewing->module);
    if (module) {
        stoa_room_view_open(module, room->core, viewing->ready, viewing->data);
    } else {
        stoa_fail(&why, STOA_ERROR_NOT_FOUND, "there is no module \"%s\"", viewing->module);
        viewing->ready(NULL, error ? error : why, viewing->data);
    }
    g_free(viewing->module);
    g_free(viewing);
}

void stoa_rooms_view(StoaRooms *rooms, const char *room, const char *module, StoaViewReady *ready,
                     void *data)
{
    Viewing *viewing = g_new(Viewing, 1);

    *viewing = (Viewing){ g_strdup(module), ready, data };
    stoa_rooms_open(rooms, room, open_view, viewing);
}

/* -- life --------------------------------------------------------------------------------- */

/* Nobody used the token for too long: that person is not there any more. */
static void token_expired(const StoaSeatToken *token, void *user)
{
    StoaRooms *rooms = user;
    StoaKeptRoom *room = stoa_rooms_find(rooms, token->room);
    StoaMember *member = room ? stoa_kept_room_member(room, token->participant) : NULL;

    if (!member)
        return;
    StoaLedger *ledger = stoa_ledger_new();
    const char *event = stoa_member_farewell(member);
    stoa_member_leave(member, ledger, stoa_store_now_ms(), "expired");
    stoa_ledger_unseat(ledger, member->id);
    stoa_ledger_run(ledger, rooms->spec.store, NULL, NULL, NULL);
    stoa_member_end_handles(member, event, json_pack("{s:s}", "reason", "expired"));
    stoa_kept_room_settle(room);
}

/* A meeting that the server did not survive ended for its people at the last pulse. */
static void pulse(void *data)
{
    StoaRooms *rooms = data;
    StoaLedger *ledger = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, rooms->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StoaKeptRoom *room = value;
        if (!room->info->meeting)
            continue;
        if (!ledger)
            ledger = stoa_ledger_new();
        stoa_ledger_seen(ledger, room->info->meeting, stoa_store_now_ms());
    }
    if (ledger)
        stoa_ledger_run(ledger, rooms->spec.store, NULL, NULL, NULL);
}

static void free_room(void *room)
{
    stoa_kept_room_free(room, true);
}

StoaRooms *stoa_rooms_new(const StoaRoomsSpec *spec)
{
    StoaRooms *rooms = g_new0(StoaRooms, 1);

    rooms->spec = *spec;
    rooms->started_ms = stoa_store_now_ms();
    rooms->tokens = stoa_seat_tokens_new(spec->store, spec->conf, token_expired, rooms);
    rooms->module = stoa_module_new(stoa_room_module_plugin(), spec->env, NULL, NULL);
    rooms->open = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_room);
    rooms->opening = g_hash_table_new(g_str_hash, g_str_equal);
    rooms->pulse = stoa_timer_every(PULSE_MS, pulse, rooms);
    return rooms;
}

/* What is found at the start. */
typedef struct {
    StoaRooms *rooms;
    GPtrArray *tokens, *open;
    bool done;
    GError *error;
} Start;

static bool read_start(StoaDb *db, void *data, GError **error)
{
    Start *start = data;
    g_autoptr(GError) why = NULL;

    start->tokens = stoa_seat_tokens_read(db, error);
    if (!start->tokens ||
        !stoa_db_exec(db, error,
                      "UPDATE attendance SET left_at = MAX(joined_at, (SELECT m.seen_at"
                      " FROM meeting m WHERE m.id = attendance.meeting_id)) WHERE left_at IS NULL",
                      ""))
        return false;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT room_id FROM meeting WHERE ended_at IS NULL", "");
    while (rows && stoa_rows_next(rows, &why))
        g_ptr_array_add(start->open, g_strdup(stoa_rows_text(rows, 0)));
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !why;
}

static void start_was_read(void *data, const GError *error)
{
    Start *start = data;

    start->done = true;
    if (error)
        start->error = g_error_copy(error);
}

static void goes_on(StoaKeptRoom *room, const GError *error, void *data G_GNUC_UNUSED)
{
    if (room)
        log_info(room, "its meeting goes on");
    else
        log_warn(stoa_process, "a meeting that ran cannot go on: %s", error->message);
}

bool stoa_rooms_start(StoaRooms *rooms, GError **error)
{
    Start start = { .rooms = rooms, .open = g_ptr_array_new_with_free_func(g_free) };

    stoa_store_run(rooms->spec.store, read_start, start_was_read, &start, NULL);
    while (!start.done)
        g_main_context_iteration(stoa_control_context(), true);
    if (start.error) {
        g_propagate_error(error, start.error);
        g_clear_pointer(&start.tokens, g_ptr_array_unref);
    } else {
        stoa_seat_tokens_adopt(rooms->tokens, start.tokens);
        for (guint i = 0; i < start.open->len; i++)
            stoa_rooms_open(rooms, start.open->pdata[i], goes_on, NULL);
    }
    g_ptr_array_unref(start.open);
    return !start.error;
}

static void say_who_left(StoaRooms *rooms)
{
    StoaLedger *ledger = stoa_ledger_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, rooms->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StoaKeptRoom *room = value;
        if (!room->info->meeting)
            continue;
        stoa_ledger_depart_all(ledger, room->info->meeting, stoa_store_now_ms());
        stoa_ledger_seen(ledger, room->info->meeting, stoa_store_now_ms());
    }
    stoa_ledger_run(ledger, rooms->spec.store, NULL, NULL, NULL);
}

void stoa_rooms_close(StoaRooms *rooms)
{
    if (!rooms || rooms->closed)
        return;
    rooms->closed = true;
    stoa_timer_clear(&rooms->pulse);
    g_autoptr(GList) opening = g_hash_table_get_values(rooms->opening);
    for (GList *at = opening; at; at = at->next)
        answer_all(at->data, NULL);
    say_who_left(rooms);
    g_hash_table_remove_all(rooms->open);
    g_clear_pointer(&rooms->module, stoa_module_free);
}

void stoa_rooms_free(StoaRooms *rooms)
{
    if (!rooms)
        return;
    g_hash_table_unref(rooms->opening);
    g_hash_table_unref(rooms->open);
    stoa_seat_tokens_free(rooms->tokens);
    g_free(rooms->base_url);
    g_free(rooms);
}

StoaModule *stoa_rooms_module(StoaRooms *rooms)
{
    return rooms->module;
}

unsigned stoa_rooms_n_open(const StoaRooms *rooms)
{
    return g_hash_table_size(rooms->open);
}

const StoaSeatToken *stoa_rooms_token(StoaRooms *rooms, const char *text)
{
    return stoa_seat_tokens_use(rooms->tokens, text);
}

/* -- what happened to the rows -------------------------------------------------------------- */

typedef struct {
    StoaRooms *rooms;
    char *id;
    StoaRoomInfo *info;
    StoaRoomDone *done;
    void *data;
} Reload;

static void reload_free(void *data)
{
    Reload *reload = data;

    stoa_room_info_free(reload->info);
    g_free(reload->id);
    g_free(reload);
}

static bool read_info(StoaDb *db, void *data, GError **error)
{
    Reload *reload = data;

    reload->info = stoa_room_info_read(db, reload->id, error);
    return reload->info != NULL;
}

/* What there is of a room but for what other events tell. */
static json_t *settings_of(const StoaRoomInfo *info)
{
    json_t *settings = stoa_room_info_json(info);

    json_object_del(settings, "state");
    json_object_del(settings, "meeting");
    json_object_del(settings, "locked");
    return settings;
}

static void tell_changes(StoaKeptRoom *room, const StoaRoomInfo *was)
{
    json_t *before = settings_of(was), *now = settings_of(room->info);

    if (was->locked != room->info->locked)
        stoa_kept_room_tell(room, "locked", json_pack("{s:b}", "locked", room->info->locked));
    if (!json_equal(before, now))
        stoa_kept_room_tell(room, "room_changed",
                            json_pack("{s:o}", "room", stoa_room_info_json(room->info)));
    if (!json_equal(was->modules, room->info->modules)) {
        for (guint i = 0; i < room->order->len; i++)
            stoa_member_drop_modules(room->order->pdata[i]);
    }
    json_decref(before);
    json_decref(now);
}

static void take_over(StoaKeptRoom *room, StoaRoomInfo *info)
{
    StoaRoomInfo *was = room->info;

    g_hash_table_steal(room->rooms->open, was->id);
    room->info = info;
    g_hash_table_insert(room->rooms->open, info->id, room);
    /* the meeting is control's: a job that begins or ends it may be under way */
    g_free(info->meeting);
    info->meeting = g_steal_pointer(&was->meeting);
    info->meeting_ms = was->meeting_ms;
    if (info->meeting && !g_str_equal(info->state, "ended")) {
        g_free(info->state);
        info->state = g_strdup("open");
    }
    stoa_room_core_set_title(room->core, info->title);
    stoa_room_core_set_sealing(room->core, info->e2ee);
    tell_changes(room, was);
    if (was->lobby && !info->lobby)
        stoa_kept_room_admit_all(room);
    stoa_room_info_free(was);
    stoa_kept_room_settle(room);
}

static void reloaded(void *data, const GError *error)
{
    Reload *reload = data;
    StoaKeptRoom *room = error ? NULL : stoa_rooms_find(reload->rooms, reload->id);

    if (room)
        take_over(room, g_steal_pointer(&reload->info));
    if (reload->done)
        reload->done(error, reload->data);
}

void stoa_rooms_reload(StoaRooms *rooms, const char *id, StoaRoomDone *done, void *data)
{
    Reload *reload = g_new0(Reload, 1);

    reload->rooms = rooms;
    reload->id = g_strdup(id);
    reload->done = done;
    reload->data = data;
    stoa_store_run(rooms->spec.store, read_info, reloaded, reload, reload_free);
}

void stoa_rooms_deleted(StoaRooms *rooms, const char *id)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, id);

    stoa_seat_tokens_drop_room(rooms->tokens, id);
    if (!room)
        return;
    for (guint i = 0; i < room->order->len; i++)
        stoa_member_end_handles(room->order->pdata[i], "room_ended",
                                json_pack("{s:s}", "reason", "deleted"));
    g_hash_table_steal(rooms->open, id);
    stoa_kept_room_free(room, false);
}

void stoa_rooms_remove(StoaRooms *rooms, const char *id, const char *person, const char *reason)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, id);
    StoaMember *member = room ? stoa_kept_room_member(room, person) : NULL;
    StoaLedger *ledger = stoa_ledger_new();
    const char *event = member ? stoa_member_farewell(member) : NULL;

    stoa_ledger_unseat(ledger, person);
    stoa_ledger_shut_out(ledger, person);
    if (member) {
        member->admitted = false;
        stoa_member_leave(member, ledger, stoa_store_now_ms(), reason);
    }
    stoa_ledger_run(ledger, rooms->spec.store, NULL, NULL, NULL);
    if (!member) {
        stoa_seat_tokens_drop(rooms->tokens, person);
        return;
    }
    if (g_str_equal(reason, "erased")) {
        g_clear_pointer(&member->name, g_free);
        stoa_room_core_member_changed(room->core, person);
    }
    stoa_member_cut(member, event, json_pack("{s:s}", "reason", reason));
    stoa_kept_room_settle(room);
}

void stoa_rooms_erased(StoaRooms *rooms, const char *room, const char *person)
{
    StoaKeptRoom *open = stoa_rooms_find(rooms, room);
    StoaMember *member = open ? stoa_kept_room_member(open, person) : NULL;

    if (member && member->name) { /* the room was opened for it */
        g_clear_pointer(&member->name, g_free);
        stoa_room_core_member_changed(open->core, person);
    }
    if (open)
        stoa_kept_room_tell(open, "erased", json_pack("{s:s}", "id", person));
}

typedef struct {
    StoaRooms *rooms;
    char *room, *person;
    StoaRoomDone *done;
    void *data;
} Redaction;

static void redacted(const GError *error, void *data)
{
    Redaction *redaction = data;
    StoaKeptRoom *room = stoa_rooms_find(redaction->rooms, redaction->room);

    if (room) {
        room->busy--;
        stoa_kept_room_settle(room);
    }
    redaction->done(error, redaction->data);
    g_free(redaction->room);
    g_free(redaction->person);
    g_free(redaction);
}

/* It stays open for as long as that takes. */
static void redact(StoaKeptRoom *room, const GError *error, void *data)
{
    Redaction *redaction = data;

    if (!room) {
        redaction->done(error, redaction->data);
        g_free(redaction->room);
        g_free(redaction->person);
        g_free(redaction);
        return;
    }
    room->busy++;
    stoa_room_core_redact(room->core, redaction->person, redacted, redaction);
}

void stoa_rooms_redact(StoaRooms *rooms, const char *room, const char *person, StoaRoomDone *done,
                       void *data)
{
    Redaction *redaction = g_new(Redaction, 1);

    *redaction = (Redaction){ rooms, g_strdup(room), g_strdup(person), done, data };
    stoa_rooms_open(rooms, room, redact, redaction);
}

bool stoa_rooms_has_module(StoaRooms *rooms, const char *name)
{
    return rooms->spec.module(rooms->spec.user, name) != NULL;
}

void stoa_rooms_rebuild(StoaRooms *rooms, const char *id)
{
    StoaKeptRoom *room = stoa_rooms_find(rooms, id);

    if (room)
        stoa_room_core_rebuild(room->core, NULL, NULL);
}
