/* SPDX-License-Identifier: MIT */
/* Rooms of text over data channels. (Janus API, section 11)
 *
 * Read first: textroom.h. Signaling only sets the channel up; people join, speak and leave on the channel. */
#include "textroom.h"

/* -- bodies --------------------------------------------------------------------------------------- */

json_t *tr_body(const char *what, const StoaRoom *room)
{
    return json_pack("{s:s, s:o}", "textroom", what, "room", stoa_room_id_json(room));
}

json_t *tr_dated(const char *what, const StoaRoom *room)
{
    json_t *body = tr_body(what, room);
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(stoa_now_ms() / 1000);
    g_autofree char *date = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%z");

    json_object_set_new(body, "date", json_string(date));
    return body;
}

/* -- the channel's set-up --------------------------------------------------------------------------- */

static void reply_ok(StoaRequest *req)
{
    stoa_request_reply(req, json_pack("{s:s, s:s}", "textroom", "event", "result", "ok"));
}

static bool on_setup(StoaRequest *req, GError **error)
{
    stoa_handle_want_data(stoa_request_handle(req));
    if (!stoa_request_offer(req, false, error))
        return false;
    reply_ok(req);
    return true;
}

static bool on_ack(StoaRequest *req, GError **error)
{
    if (!stoa_handle_has_media(stoa_request_handle(req)))
        return stoa_refuse(error, "no_connection", "there is no PeerConnection: ask for \"setup\"");
    if (stoa_request_jsep(req) != STOA_JSEP_NONE && !stoa_request_accept_answer(req, error))
        return false;
    reply_ok(req);
    return true;
}

static bool on_restart(StoaRequest *req, GError **error)
{
    if (!stoa_handle_has_media(stoa_request_handle(req)))
        return stoa_refuse(error, "no_connection", "there is no PeerConnection to restart");
    if (!stoa_request_offer(req, true, error))
        return false;
    reply_ok(req);
    return true;
}

/* -- handles ------------------------------------------------------------------------------------------ */

static void disconnected(StoaHandle *handle, const char *reason G_GNUC_UNUSED)
{
    tr_leave_all(handle);
}

static void detached(StoaHandle *handle)
{
    TrHandle *state = stoa_handle_state(handle);

    tr_leave_all(handle);
    g_clear_pointer(&state->members, g_ptr_array_unref);
}

/* Events go on to any channel that is left. */
static void data_closed(StoaHandle *handle, const char *label)
{
    const TrHandle *state = stoa_handle_state(handle);

    for (guint i = 0; state->members && i < state->members->len; i++) {
        TrMember *member = state->members->pdata[i];
        if (g_strcmp0(member->label, label) == 0)
            g_clear_pointer(&member->label, g_free);
    }
}

static json_t *info(StoaHandle *handle)
{
    const TrHandle *state = stoa_handle_state(handle);
    json_t *rooms = json_array();

    for (guint i = 0; state->members && i < state->members->len; i++) {
        const TrMember *member = state->members->pdata[i];
        json_array_append_new(rooms,
                              json_pack("{s:o, s:s}", "room", stoa_room_id_json(member->room),
                                        "username", member->username));
    }
    return json_pack("{s:o}", "rooms", rooms);
}

/* -- fields of the requests ------------------------------------------------------------------------------ */

/* clang-format off */
#define TEXT(name, most, text) { name, STOA_STRING, 0, 0, most, .help = text }
#define SECRET(name, text)     { name, STOA_STRING, STOA_SECRET, 0, 256, .help = text }
#define TOKENS(name) \
    { name, STOA_ARRAY, STOA_SECRET, .items = STOA_STRING, .help = "tokens of people who may come in" }
#define BOOL(name, text)       { name, STOA_BOOL, .help = text }
/* clang-format on */
#define ROOM                                                                              \
    {                                                                                     \
        "room", STOA_ID, .help = "the room's number; not needed with a participant token" \
    }
#define ROOM_SECRET SECRET("secret", "the room's secret, if it has one")
#define ADMIN_KEY   SECRET("admin_key", "the operator's key, if one is set")
#define PERMANENT   BOOL("permanent", "taken, but rooms are kept in conf/textroom.conf only")
#define WORDS                                                                               \
    {                                                                                       \
        "text", STOA_STRING, STOA_REQUIRED | STOA_ZEROES, 0, 262144, .help = "what is said" \
    }

#define SETTINGS(p)                                                                                \
    TEXT(p "description", 1024, "what the room is called"),                                        \
        BOOL(p "is_private", "whether list leaves it out"),                                        \
        SECRET(p "secret", "a secret for its management"), SECRET(p "pin", "a secret to come in"), \
        { p "history", STOA_INT, 0, 0, 10000, .help = "messages that a newcomer is shown" },       \
        TEXT(p "post", 1024, "anything but an empty text is refused: nothing is posted")

static const StoaParam no_params[] = { { NULL } };
static const StoaParam room_params[] = { ROOM, { NULL } };
static const StoaParam owner_params[] = { ROOM, ROOM_SECRET, PERMANENT, { NULL } };
static const StoaParam list_params[] = { ADMIN_KEY, { NULL } };
static const StoaParam create_params[] = {
    { "room", STOA_ID, .help = "its number; random if absent" },
    SETTINGS(""),
    TOKENS("allowed"),
    ADMIN_KEY,
    PERMANENT,
    { NULL },
};
static const StoaParam edit_params[] = {
    ROOM, ROOM_SECRET, SETTINGS("new_"), PERMANENT, { NULL },
};

static const char *const actions[] = { "enable", "disable", "add", "remove", NULL };
static const StoaParam allowed_params[] = {
    ROOM,
    ROOM_SECRET,
    { "action", STOA_ENUM, STOA_REQUIRED, .choices = actions, .help = "what to do" },
    TOKENS("allowed"),
    { NULL },
};

static const StoaParam announcement_params[] = { ROOM, ROOM_SECRET, WORDS, { NULL } };
static const StoaParam kick_params[] = {
    ROOM,
    ROOM_SECRET,
    { "username", STOA_STRING, STOA_REQUIRED, 1, 256, .help = "who goes" },
    { NULL },
};

static const StoaParam join_params[] = {
    ROOM,
    { "username", STOA_STRING, 0, 1, 256,
      .help = "unique in the room; with a participant token the participant's id" },
    TEXT("display", 256, "the name that others see"),
    SECRET("pin", "the room's pin, if it has one"),
    SECRET("token", "a token that the room knows"),
    BOOL("history", "false: no earlier messages"),
    { NULL },
};
static const StoaParam message_params[] = {
    ROOM,
    WORDS,
    { "to", STOA_STRING, 0, 1, 256, .help = "for that username only" },
    { "tos", STOA_ARRAY, .items = STOA_STRING, .help = "for these usernames only" },
    BOOL("ack", "false: no success reply"),
    { NULL },
};

/* -- tables ------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define SYNC(name, handler, params, help)  { name, handler, STOA_ROLE_ANYONE, params, help, true }
#define ASYNC(name, handler, params, help) { name, handler, STOA_ROLE_ANYONE, params, help, false }
/* clang-format on */
#define MANAGEMENT                                                                             \
    SYNC("list", tr_on_list, list_params, "All rooms that are not private"),                   \
        SYNC("create", tr_on_create, create_params, "Make a room"),                            \
        SYNC("edit", tr_on_edit, edit_params, "Change a room"),                                \
        SYNC("exists", tr_on_exists, room_params, "Whether there is such a room"),             \
        SYNC("destroy", tr_on_destroy, owner_params, "End a room for everybody"),              \
        SYNC("listparticipants", tr_on_listparticipants, owner_params, "Who is in a room"),    \
        SYNC("allowed", tr_on_allowed, allowed_params, "Whose tokens open the room"),          \
        SYNC("announcement", tr_on_announcement, announcement_params, "Tell all in the room"), \
        SYNC("kick", tr_on_kick, kick_params, "Make somebody leave")

static const StoaMethod methods[] = {
    ASYNC("setup", on_setup, no_params, "Get an offer of a data channel"),
    ASYNC("ack", on_ack, no_params, "Take your answer"),
    ASYNC("restart", on_restart, no_params, "Get an offer with new ICE credentials"),
    MANAGEMENT,
    { NULL },
};

static const StoaMethod data_methods[] = {
    SYNC("join", tr_on_join, join_params, "Come in"),
    SYNC("leave", tr_on_leave, room_params, "Leave the room"),
    SYNC("message", tr_on_message, message_params, "Say something to all, or to some"),
    MANAGEMENT,
    { NULL },
};

static const StoaOption options[] = {
    { "admin_key", STOA_STRING, STOA_LIVE | STOA_SECRET, offsetof(TrConf, admin_key), "", 0, 0,
      "Needed to create rooms and to list private ones; empty: anybody may create" },
    { "max_rooms", STOA_INT, STOA_LIVE, offsetof(TrConf, max_rooms), "10000", 0, INT32_MAX,
      "Rooms at one time; 0: no limit" },
    { "max_members", STOA_INT, STOA_LIVE, offsetof(TrConf, max_members), "1000", 0, INT32_MAX,
      "People in one room at one time; 0: no limit" },
    { NULL },
};

static const StoaGroup groups[] = {
    { "room-", tr_room_options, sizeof(TrSettings), offsetof(TrConf, rooms),
      offsetof(TrConf, n_rooms), "A room that is always there, by its number" },
    { NULL },
};

static const StoaMetric metrics[] = {
    [TR_MESSAGES] = { "messages_total", "Messages that were said" },
    [TR_DROPPED] = { "dropped_total", "Texts that a slow reader could not take" },
    [TR_KICKED] = { "kicked_total", "People who were kicked" },
    [TR_SLOW] = { "slow_total", "People who left because their line was too slow" },
    { NULL },
};

/* Janus API, section 11. The first row of a code serves its nameless failures. */
static const StoaNumber numbers[] = {
    { "wrong_type", STOA_ERROR_INVALID, 414 },
    { "no_message", STOA_ERROR_INVALID, 411 },
    { "bad_json", STOA_ERROR_INVALID, 412 },
    { "missing_element", STOA_ERROR_INVALID, 413 },
    { "unknown_request", STOA_ERROR_INVALID, 415 },
    { "wrong_state", STOA_ERROR_CONFLICT, 416 },
    { "bad_sdp", STOA_ERROR_INVALID, 416 },
    { "wrong_jsep", STOA_ERROR_CONFLICT, 416 },
    { "no_connection", STOA_ERROR_CONFLICT, 416 },
    { "no_such_room", STOA_ERROR_NOT_FOUND, 417 },
    { "room_exists", STOA_ERROR_CONFLICT, 418 },
    { "unauthorized", STOA_ERROR_FORBIDDEN, 419 },
    { "forbidden", STOA_ERROR_FORBIDDEN, 419 },
    { "username_taken", STOA_ERROR_CONFLICT, 420 },
    { "id_taken", STOA_ERROR_CONFLICT, 420 },
    { "already_joined", STOA_ERROR_CONFLICT, 421 },
    { "not_joined", STOA_ERROR_CONFLICT, 422 },
    { "no_such_user", STOA_ERROR_NOT_FOUND, 423 },
    { "too_many_rooms", STOA_ERROR_LIMIT, 499 },
    { "room_full", STOA_ERROR_LIMIT, 499 },
    { "unsupported", STOA_ERROR_INVALID, 499 },
    { "unknown", STOA_ERROR_INTERNAL, 499 },
    { NULL },
};

STOA_PLUGIN(.name = "textroom", .version = "1.0", .summary = "Rooms of text over data channels",
            .vocabulary = "textroom", .sync_error = "error", .scope = STOA_SCOPE_ROOM,
            .caps = STOA_CAP_MEDIA | STOA_CAP_DATA, .methods = methods,
            .data_methods = data_methods, .options = options, .groups = groups, .metrics = metrics,
            .numbers = numbers, .conf_size = sizeof(TrConf), .room_size = sizeof(TrRoom),
            .handle_size = sizeof(TrHandle), .conf_rooms = "room-",
            .conf_room_set = tr_conf_room_set, .room_opened = tr_room_opened,
            .room_closed = tr_room_closed, .left = tr_left, .detached = detached,
            .disconnected = disconnected, .info = info, .data_received = tr_data_received,
            .data_closed = data_closed)
