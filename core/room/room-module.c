/* SPDX-License-Identifier: MIT */
/* The built-in module "room": who is here, whose hand is up, keys from browser to browser. (rooms API, "Module requests") */
#include "config.h"

#include "room/kept-room.h"
#include "room/room-private.h"

enum { BOX_BYTES = 16384, BOXES_PER_PERSON = 500 };

static StoaMember *member_of(StoaRequest *req)
{
    return stoa_request_handle(req)->member;
}

/* -- hands, people ---------------------------------------------------------------------------- */

static bool on_hand(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    StoaMember *member = member_of(req);
    StoaLedger *ledger = stoa_ledger_new();

    stoa_member_set_hand(member, stoa_request_bool(req, "up"), ledger);
    stoa_ledger_run(ledger, member->room->rooms->spec.store, NULL, NULL, NULL);
    stoa_request_reply(req, json_pack("{s:b}", "up", member->hand_ms > 0));
    return true;
}

static bool on_hands_down(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    const StoaKeptRoom *room = member_of(req)->room;
    StoaLedger *ledger = stoa_ledger_new();

    for (guint i = 0; i < room->order->len; i++)
        stoa_member_set_hand(room->order->pdata[i], false, ledger);
    stoa_ledger_run(ledger, room->rooms->spec.store, NULL, NULL, NULL);
    return true;
}

static bool on_people(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_request_reply(req,
                       json_pack("{s:o}", "people", stoa_kept_room_people(member_of(req)->room)));
    return true;
}

/* -- keys ------------------------------------------------------------------------------------ */

/* What a person is sent, as it waits in the store. Strings owned. */
typedef struct {
    char *sender, *box;
    int64_t epoch, at_ms;
} Box;

typedef struct {
    StoaRooms *rooms;
    char *room, *person;
    Box one;        /* to keep */
    GPtrArray *all; /* of Box: to deliver */
    int64_t until_ms;
} Keys;

static void box_free(gpointer data)
{
    Box *box = data;

    g_free(box->sender);
    g_free(box->box);
    g_free(box);
}

static void keys_free(void *data)
{
    Keys *keys = data;

    g_free(keys->room);
    g_free(keys->person);
    g_free(keys->one.sender);
    g_free(keys->one.box);
    g_ptr_array_unref(keys->all);
    g_free(keys);
}

static Keys *keys_new(const StoaMember *member)
{
    Keys *keys = g_new0(Keys, 1);

    keys->rooms = member->room->rooms;
    keys->room = g_strdup(member->room->info->id);
    keys->person = g_strdup(member->id);
    keys->all = g_ptr_array_new_with_free_func(box_free);
    return keys;
}

static bool has_room_handle(const StoaMember *member)
{
    for (guint i = 0; i < member->handles->len; i++) {
        const StoaHandle *handle = member->handles->pdata[i];
        if (handle->module == member->room->rooms->module && !handle->lost && handle->who)
            return true;
    }
    return false;
}

static void send_key(StoaMember *to, const char *sender, int64_t epoch, const char *box,
                     int64_t at_ms)
{
    const StoaMember *from = stoa_kept_room_member(to->room, sender);

    stoa_member_tell(to, "key",
                     json_pack("{s:o, s:I, s:s, s:o}", "from",
                               from ? stoa_member_who(from) : json_pack("{s:s}", "id", sender),
                               "epoch", (json_int_t)epoch, "box", box, "at",
                               stoa_store_time_json(at_ms)));
}

static bool keep_box(StoaDb *db, void *data, GError **error)
{
    const Keys *keys = data;

    return stoa_db_exec(db, error,
                        "INSERT INTO key_box (room_id, recipient, sender, epoch, box, at)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (room_id, recipient, sender,"
                        " epoch) DO UPDATE SET box = excluded.box, at = excluded.at",
                        "sssisi", keys->room, keys->person, keys->one.sender, keys->one.epoch,
                        keys->one.box, keys->one.at_ms) &&
           stoa_db_exec(db, error,
                        "DELETE FROM key_box WHERE room_id = ?1 AND recipient = ?2 AND at <"
                        " (SELECT k.at FROM key_box k WHERE k.room_id = ?1 AND k.recipient = ?2"
                        "  ORDER BY k.at DESC LIMIT 1 OFFSET ?3)",
                        "ssi", keys->room, keys->person, (int64_t)BOXES_PER_PERSON);
}

static bool read_boxes(StoaDb *db, void *data, GError **error)
{
    Keys *keys = data;
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows = stoa_db_query(
        db, error,
        "SELECT sender, epoch, box, at FROM key_box WHERE room_id = ?1 AND recipient = ?2"
        " ORDER BY at, sender, epoch",
        "ss", keys->room, keys->person);

    while (rows && stoa_rows_next(rows, &why)) {
        Box *box = g_new0(Box, 1);
        box->sender = g_strdup(stoa_rows_text(rows, 0));
        box->epoch = stoa_rows_int(rows, 1);
        box->box = g_strdup(stoa_rows_text(rows, 2));
        box->at_ms = keys->until_ms = stoa_rows_int(rows, 3);
        g_ptr_array_add(keys->all, box);
    }
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return rows && !why;
}

static bool forget_boxes(StoaDb *db, void *data, GError **error)
{
    const Keys *keys = data;

    return stoa_db_exec(db, error,
                        "DELETE FROM key_box WHERE room_id = ?1 AND recipient = ?2 AND at <= ?3",
                        "ssi", keys->room, keys->person, keys->until_ms);
}

static void boxes_were_read(void *data, const GError *error)
{
    const Keys *keys = data;
    StoaKeptRoom *room = stoa_rooms_find(keys->rooms, keys->room);
    StoaMember *member = room ? stoa_kept_room_member(room, keys->person) : NULL;

    if (error || !member || !has_room_handle(member) || keys->all->len == 0)
        return;
    for (guint i = 0; i < keys->all->len; i++) {
        const Box *box = keys->all->pdata[i];
        send_key(member, box->sender, box->epoch, box->box, box->at_ms);
    }
    Keys *done = keys_new(member);
    done->until_ms = keys->until_ms;
    stoa_store_run(keys->rooms->spec.store, forget_boxes, NULL, done, keys_free);
}

void stoa_room_module_deliver_keys(StoaMember *member)
{
    stoa_store_run(member->room->rooms->spec.store, read_boxes, boxes_were_read, keys_new(member),
                   keys_free);
}

static bool on_keys(StoaRequest *req, GError **error)
{
    const StoaMember *from = member_of(req);
    StoaMember *to = stoa_kept_room_member(from->room, stoa_request_string(req, "to"));
    int64_t epoch = stoa_request_int(req, "epoch"), now = stoa_store_now_ms();
    const char *box = stoa_request_string(req, "box");

    if (!to)
        return stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is nobody of that id in this room");
    if (has_room_handle(to)) {
        send_key(to, from->id, epoch, box, now);
        return true;
    }
    if (to->state == STOA_MEMBER_LEFT)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "that person has left");
    Keys *keys = keys_new(to);
    keys->one = (Box){ g_strdup(from->id), g_strdup(box), epoch, now };
    stoa_store_run(from->room->rooms->spec.store, keep_box, NULL, keys, keys_free);
    return true;
}

/* -- the module ------------------------------------------------------------------------------- */

/* Without a token there is no room to speak of. */
static bool attached(StoaHandle *handle, GError **error)
{
    if (handle->member)
        return true;
    return stoa_fail(error, STOA_ERROR_FORBIDDEN,
                     "attach \"room\" with the token that POST /api/v1/join gave you");
}

static json_t *describe(StoaRoom *view, StoaParticipant *viewer)
{
    StoaKeptRoom *room = stoa_room_core_user(view->core);
    const StoaMember *you =
        room && viewer ? stoa_kept_room_member(room, stoa_participant_id(viewer)) : NULL;

    if (!room)
        return json_object();
    json_t *body = json_pack("{s:o, s:o}", "room", stoa_room_info_json(room->info), "people",
                             stoa_kept_room_people(room));
    if (you)
        json_object_set_new(body, "you", stoa_member_json(you));
    return body;
}

static const StoaParam hand_params[] = {
    { "up", STOA_BOOL, STOA_REQUIRED, .help = "true raises your hand, false lowers it" },
    { NULL },
};

static const StoaParam keys_params[] = {
    { "to", STOA_STRING, STOA_REQUIRED, 1, 64, .help = "the person it is for" },
    { "epoch", STOA_INT, STOA_REQUIRED, 0, INT64_C(1) << 53, .help = "the key's number" },
    { "box", STOA_STRING, STOA_REQUIRED, 1, BOX_BYTES, .help = "sealed for that person alone" },
    { NULL },
};

static const StoaMethod methods[] = {
    { "hand", on_hand, STOA_ROLE_PARTICIPANT, hand_params, "Raise or lower your own hand" },
    { "hands_down", on_hands_down, STOA_ROLE_COHOST, NULL, "Lower all hands" },
    { "people", on_people, STOA_ROLE_PARTICIPANT, NULL, "Who is in, who waits, who was here" },
    { "keys", on_keys, STOA_ROLE_PARTICIPANT, keys_params,
      "Pass a sealed key to somebody; it waits for who is not connected" },
    { NULL },
};

const StoaPlugin *stoa_room_module_plugin(void)
{
    static const StoaPlugin self = {
        STOA_PLUGIN_SIZES,          .name = "room",
        .version = PACKAGE_VERSION, .summary = "Who is here, hands, keys from browser to browser",
        .methods = methods,         .attached = attached,
        .describe = describe
    };

    return &self;
}
