/* SPDX-License-Identifier: MIT */
/* One kept room while it is open. */
#include "config.h"

#define LOG_AREA "room"

#include "room/capability.h"
#include "room/kept-room.h"

enum { IDLE_MS = 10000 };

/* -- rows --------------------------------------------------------------------------------- */

static const char all_members[] =
    "SELECT p.id, p.name, p.role, p.banned,"
    " (SELECT MAX(a.joined_at) FROM attendance a WHERE a.participant_id = p.id"
    "  AND a.meeting_id = ?2), p.hand_at,"
    " p.invitation_id IS NULL AND p.host_id IS NULL, p.admitted_to = ?2,"
    " (SELECT b.home FROM bar b WHERE b.participant_id = p.id AND b.meeting_id = ?2)"
    " FROM participant p WHERE p.room_id = ?1 ORDER BY p.created_at, p.id";

static GPtrArray *read_members(StoaDb *db, const StoaRoomInfo *info, GError **error)
{
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, all_members, "ss", info->id, info->meeting);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)stoa_member_free);
    while (stoa_rows_next(rows, &why)) {
        StoaMember *member = stoa_member_new(stoa_rows_text(rows, 0), stoa_rows_text(rows, 1),
                                             stoa_role_from_name(stoa_rows_text(rows, 2)));
        member->banned = stoa_rows_int(rows, 3);
        member->attended = !stoa_rows_is_null(rows, 4);
        member->joined_ms = stoa_rows_int(rows, 4);
        member->hand_ms = info->meeting ? stoa_rows_int(rows, 5) : 0;
        member->guest = stoa_rows_int(rows, 6);
        member->admitted = stoa_rows_int(rows, 7);
        member->home = g_strdup(stoa_rows_text(rows, 8));
        g_ptr_array_add(list, member);
    }
    if (!why)
        return list;
    g_propagate_error(error, g_steal_pointer(&why));
    g_ptr_array_unref(list);
    return NULL;
}

static GHashTable *read_barred(StoaDb *db, const char *meeting, GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT home FROM bar WHERE meeting_id = ?1", "s", meeting);
    g_autoptr(GHashTable) barred = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) why = NULL;

    if (!rows)
        return NULL;
    while (stoa_rows_next(rows, &why))
        g_hash_table_add(barred, g_strdup(stoa_rows_text(rows, 0)));
    if (!why)
        return g_steal_pointer(&barred);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

StoaRoomRows *stoa_room_rows_read(StoaDb *db, const char *room, GError **error)
{
    g_autoptr(StoaRoomRows) rows = g_new0(StoaRoomRows, 1);
    g_autoptr(GError) why = NULL;

    rows->info = stoa_room_info_read(db, room, error);
    if (!rows->info)
        return NULL;
    rows->members = read_members(db, rows->info, error);
    if (!rows->members)
        return NULL;
    rows->barred = read_barred(db, rows->info->meeting, error);
    if (!rows->barred)
        return NULL;
    rows->last_seq = stoa_journal_last_seq(db, room, &why);
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return g_steal_pointer(&rows);
}

void stoa_room_rows_free(StoaRoomRows *rows)
{
    if (!rows)
        return;
    stoa_room_info_free(rows->info);
    if (rows->members)
        g_ptr_array_unref(rows->members);
    if (rows->barred)
        g_hash_table_unref(rows->barred);
    g_free(rows);
}

/* -- what the journal asks ------------------------------------------------------------------ */

bool stoa_kept_room_face(StoaKeptRoom *room, const char *person, StoaMemberFace *face)
{
    const StoaMember *member = stoa_kept_room_member(room, person);

    if (member)
        *face = (StoaMemberFace){ .name = member->name, .role = member->role };
    return member != NULL;
}

static bool face_of(void *user, const char *id, StoaMemberFace *face)
{
    return stoa_kept_room_face(user, id, face);
}

static StoaModule *module_of(void *user, const char *name)
{
    const StoaRooms *rooms = ((StoaKeptRoom *)user)->rooms;

    if (g_str_equal(name, "room"))
        return rooms->module;
    return rooms->spec.module(rooms->spec.user, name);
}

/* -- life --------------------------------------------------------------------------------- */

static void insert(StoaKeptRoom *room, StoaMember *member)
{
    member->room = room;
    g_hash_table_insert(room->members, member->id, member);
    g_ptr_array_add(room->order, member);
}

StoaKeptRoom *stoa_kept_room_new(StoaRooms *rooms, StoaRoomRows *rows)
{
    StoaKeptRoom *room = g_new0(StoaKeptRoom, 1);
    const StoaRoomKeep keep = { .id = rows->info->id,
                                .title = rows->info->title,
                                .store = rooms->spec.store,
                                .last_seq = rows->last_seq,
                                .user = room,
                                .member = face_of,
                                .module = module_of };

    room->rooms = rooms;
    room->info = g_steal_pointer(&rows->info);
    room->members =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)stoa_member_free);
    room->barred = g_steal_pointer(&rows->barred);
    room->order = g_ptr_array_new();
    g_ptr_array_set_free_func(rows->members, NULL);
    for (guint i = 0; i < rows->members->len; i++)
        insert(room, rows->members->pdata[i]);
    g_ptr_array_set_size(rows->members, 0);
    stoa_log_tag_set(&room->log, "room=%s", room->info->id);
    room->core = stoa_room_core_keep(&keep);
    stoa_room_core_set_meeting(room->core, room->info->meeting);
    stoa_room_core_set_sealing(room->core, room->info->e2ee);
    log_debug(room, "opened: %u people", room->order->len);
    return room;
}

void stoa_kept_room_free(StoaKeptRoom *room, bool save)
{
    stoa_timer_clear(&room->linger);
    stoa_timer_clear(&room->idle);
    stoa_timer_clear(&room->lobby);
    for (guint i = 0; i < room->order->len; i++)
        stoa_member_end_handles(room->order->pdata[i], NULL, NULL);
    stoa_room_core_close(room->core, save);
    log_debug(room, "closed");
    g_ptr_array_unref(room->order);
    g_hash_table_unref(room->members);
    g_hash_table_unref(room->barred);
    stoa_room_info_free(room->info);
    g_free(room);
}

void stoa_kept_room_forget_homes(StoaKeptRoom *room)
{
    g_hash_table_remove_all(room->barred);
    for (guint i = 0; i < room->order->len; i++)
        g_clear_pointer(&((StoaMember *)room->order->pdata[i])->home, g_free);
}

StoaMember *stoa_kept_room_member(StoaKeptRoom *room, const char *id)
{
    return id ? g_hash_table_lookup(room->members, id) : NULL;
}

StoaMember *stoa_kept_room_add(StoaKeptRoom *room, const StoaLedgerPerson *person)
{
    StoaMember *member =
        stoa_member_new(person->id, person->name, stoa_role_from_name(person->role));

    member->guest = !person->invitation && !person->host;
    insert(room, member);
    return member;
}

StoaRoomCore *stoa_kept_room_core(StoaKeptRoom *room)
{
    return room->core;
}

const StoaRoomInfo *stoa_kept_room_info(const StoaKeptRoom *room)
{
    return room->info;
}

unsigned stoa_kept_room_n_in(const StoaKeptRoom *room)
{
    unsigned n = 0;

    for (guint i = 0; i < room->order->len; i++) {
        const StoaMember *member = room->order->pdata[i];
        n += member->state == STOA_MEMBER_IN || member->state == STOA_MEMBER_RECONNECTING;
    }
    return n;
}

json_t *stoa_kept_room_people(StoaKeptRoom *room)
{
    json_t *list = json_array();

    for (guint i = 0; i < room->order->len; i++) {
        const StoaMember *member = room->order->pdata[i];
        if (member->state != STOA_MEMBER_LEFT || member->attended)
            json_array_append_new(list, stoa_member_json(member));
    }
    return list;
}

/* -- telling ------------------------------------------------------------------------------ */

void stoa_kept_room_tell(StoaKeptRoom *room, const char *event, json_t *body)
{
    StoaRoom *view = stoa_room_core_view(room->core, room->rooms->module);

    if (view)
        stoa_room_broadcast(view, event, body);
    else
        json_decref(body);
}

void stoa_kept_room_tell_others(StoaKeptRoom *room, const StoaMember *but, const char *event,
                                json_t *body)
{
    StoaRoom *view = stoa_room_core_view(room->core, room->rooms->module);

    if (view)
        stoa_room_broadcast_except(view, stoa_room_find(view, but->id), event, body);
    else
        json_decref(body);
}

void stoa_kept_room_tell_hosts(StoaKeptRoom *room, const char *event, json_t *body)
{
    StoaRoom *view = stoa_room_core_view(room->core, room->rooms->module);

    for (guint i = 0; view && i < room->order->len; i++) {
        const StoaMember *member = room->order->pdata[i];
        if (member->role < STOA_ROLE_COHOST || member->handles->len == 0)
            continue;
        StoaParticipant *who = stoa_room_find(view, member->id);
        if (who && stoa_participant_present(who))
            stoa_participant_send(who, event, json_deep_copy(body));
    }
    json_decref(body);
}

/* -- nobody there --------------------------------------------------------------------------- */

static void close_idle(void *data)
{
    StoaKeptRoom *room = data;

    room->idle = NULL;
    g_hash_table_remove(room->rooms->open, room->info->id);
}

static void end_meeting(void *data);

/* Not before its planned time is over: the next lesson's first pupil may be early. */
static void arm_linger(StoaKeptRoom *room)
{
    int64_t wait_ms = room->rooms->spec.conf->linger_s * 1000;
    int64_t planned_ms = stoa_room_info_end_ms(room->info) - stoa_store_now_ms();

    stoa_timer_clear(&room->linger);
    room->linger =
        stoa_timer_after((unsigned)MIN(MAX(wait_ms, planned_ms), INT32_MAX), end_meeting, room);
}

static void end_meeting(void *data)
{
    StoaKeptRoom *room = data;

    room->linger = NULL;
    if (stoa_room_info_end_ms(room->info) > stoa_store_now_ms())
        arm_linger(room);
    else
        stoa_meeting_end(room, "scheduled", false, NULL, NULL);
}

static bool is_needed(const StoaKeptRoom *room)
{
    for (guint i = 0; i < room->order->len; i++) {
        const StoaMember *member = room->order->pdata[i];
        if (member->state != STOA_MEMBER_LEFT || member->handles->len > 0)
            return true;
    }
    return room->info->meeting != NULL || room->busy > 0;
}

void stoa_kept_room_settle(StoaKeptRoom *room)
{
    bool is_empty = stoa_kept_room_n_in(room) == 0;

    if (!room->info->meeting || !is_empty)
        stoa_timer_clear(&room->linger);
    else if (!room->linger)
        arm_linger(room);
    stoa_timer_clear(&room->idle);
    if (!is_needed(room))
        room->idle = stoa_timer_after(IDLE_MS, close_idle, room);
}
