/* SPDX-License-Identifier: MIT */
/* Coming in, leaving, who is here, and what is done to somebody. */
#include "config.h"

#include "room/capability.h"
#include "room/rooms.h"
#include "web/join.h"
#include "web/people.h"

bool stoa_web_seat(StoaRooms *rooms, const char *token, StoaWebCaller *caller)
{
    const StoaSeatToken *seat = stoa_rooms_token(rooms, token);

    if (!seat || !caller)
        return seat != NULL;
    caller->participant_id = g_strdup(seat->participant);
    caller->room_id = g_strdup(seat->room);
    caller->name = g_strdup(seat->name);
    caller->email = g_strdup(seat->email);
    caller->role = g_strdup(stoa_role_name(seat->role));
    caller->waiting = seat->waiting;
    caller->proven = seat->proven;
    return true;
}

/* The role with which somebody acts: who is host of the room, or has a key, is its host. */
static StoaRole role_of(const StoaWebCaller *caller)
{
    if (caller->kind & (STOA_WEB_HOST | STOA_WEB_KEY))
        return STOA_ROLE_HOST;
    return caller->kind == STOA_WEB_PARTICIPANT ? stoa_role_from_name(caller->role)
                                                : STOA_ROLE_ANYONE;
}

static bool may(StoaWebCall *call, const char *what)
{
    g_autoptr(GError) error = NULL;

    if (stoa_capability_allows(role_of(stoa_web_caller(call)), what))
        return true;
    stoa_fail(&error, STOA_ERROR_FORBIDDEN, "your role does not allow \"%s\"", what);
    stoa_web_fail(call, error);
    return false;
}

/* On the wire of this route a seat is taken or not; that its connection is lost for a moment is said beside it. */
static json_t *person_json(json_t *person)
{
    const char *state = json_string_value(json_object_get(person, "state"));

    if (g_strcmp0(state, "reconnecting") == 0) {
        json_object_set_new(person, "state", json_string("in"));
        json_object_set_new(person, "connected", json_false());
    }
    return person;
}

static void send_ok(StoaWebCall *call, unsigned status, json_t *body)
{
    stoa_web_set_reply(call, status, body);
    stoa_web_send(call);
}

/* -- leaving ------------------------------------------------------------------------------------ */

static void left(json_t *answer G_GNUC_UNUSED, const GError *error, void *data)
{
    if (error)
        stoa_web_fail(data, error);
    else
        send_ok(data, 204, NULL);
}

static void leave(StoaWebCall *call)
{
    const StoaWebCaller *caller = stoa_web_caller(call);

    stoa_rooms_leave(stoa_web_rooms(call), caller->room_id, caller->participant_id, left, call);
}

/* -- who is here -------------------------------------------------------------------------------- */

static const char last_meeting[] =
    "SELECT p.id, p.name, p.role, MAX(a.joined_at) FROM attendance a"
    " JOIN participant p ON p.id = a.participant_id WHERE a.meeting_id ="
    " (SELECT m.id FROM meeting m WHERE m.room_id = ?1 ORDER BY m.started_at DESC, m.id LIMIT 1)"
    " GROUP BY p.id ORDER BY MIN(a.joined_at)";

/* Of a room that is not open: who was in its last meeting. */
static bool list_store(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, last_meeting, "s", stoa_web_arg(call, "room"));

    if (!rows)
        return false;
    json_t *list = json_array();
    while (stoa_rows_next(rows, &why))
        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:s, s:s, s:o}", "id", stoa_rows_text(rows, 0), "name",
                            stoa_rows_text(rows, 1), "role", stoa_rows_text(rows, 2), "state",
                            "left", "joined_at", stoa_store_time_json(stoa_rows_int(rows, 3))));
    stoa_web_set_reply(call, 200, list);
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return !why;
}

static void list_live(StoaWebCall *call)
{
    StoaKeptRoom *room = stoa_rooms_find(stoa_web_rooms(call), stoa_web_arg(call, "room"));
    json_t *list = room ? stoa_kept_room_people(room) : NULL;
    json_t *person;
    size_t i;

    json_array_foreach(list, i, person) person_json(person);
    if (list && (json_array_size(list) > 0 || stoa_kept_room_info(room)->meeting))
        stoa_web_set_reply(call, 200, list);
    else
        json_decref(list);
    stoa_web_send(call);
}

/* -- what is done to somebody ------------------------------------------------------------------- */

static void acted(json_t *answer, const GError *error, void *data)
{
    if (error)
        stoa_web_fail(data, error);
    else
        send_ok(data, 200, person_json(answer ? json_incref(answer) : json_object()));
}

static bool read_role(StoaWebCall *call, StoaAction *action)
{
    const char *name = json_string_value(json_object_get(stoa_web_body(call), "role"));
    g_autoptr(GError) error = NULL;

    action->role = stoa_role_from_name(name);
    if (!g_str_equal(action->action, "role") || action->role == STOA_ROLE_PARTICIPANT ||
        action->role == STOA_ROLE_COHOST)
        return true;
    stoa_fail(&error, STOA_ERROR_INVALID, "\"role\" must be \"cohost\" or \"participant\"");
    stoa_web_fail(call, error);
    return false;
}

static void act(StoaWebCall *call)
{
    StoaAction action = { .room = stoa_web_arg(call, "room"),
                          .person = stoa_web_arg(call, "participant"),
                          .action =
                              json_string_value(json_object_get(stoa_web_body(call), "action")) };

    if (may(call, action.action) && read_role(call, &action))
        stoa_rooms_act(stoa_web_rooms(call), &action, acted, call);
}

/* -- the end ------------------------------------------------------------------------------------ */

static void ended(json_t *answer, const GError *error, void *data)
{
    if (error)
        stoa_web_fail(data, error);
    else
        send_ok(data, 200, json_incref(answer));
}

static void end(StoaWebCall *call)
{
    if (may(call, "end"))
        stoa_rooms_end(stoa_web_rooms(call), stoa_web_arg(call, "room"), ended, call);
}

static const char *const actions[] = { "admit", "deny", "remove", "ban", "mute", "role", NULL };

static const StoaParam act_params[] = {
    { "action", STOA_ENUM, STOA_REQUIRED, .choices = actions, .help = "what is done" },
    { "role", STOA_STRING, 0, 1, 32, .help = "for \"role\": \"cohost\" or \"participant\"" },
    { NULL },
};

enum { PEOPLE = STOA_WEB_HOST | STOA_WEB_KEY | STOA_WEB_PARTICIPANT };

const StoaWebRoute *stoa_web_people_routes(void)
{
    static const StoaWebRoute routes[] = {
        { "POST", "/join", STOA_WEB_ANYONE | STOA_WEB_HOST, stoa_web_join_params,
          stoa_web_join_store, stoa_web_join_live, "come in by invitation, as host, or as a guest",
          .proof = "invitation" },
        { "POST", "/join/look", STOA_WEB_ANYONE | STOA_WEB_HOST, stoa_web_join_params,
          stoa_web_join_look, .help = "what one would come into: title, host, time",
          .proof = "invitation" },
        { "POST", "/leave", STOA_WEB_PARTICIPANT, .live = leave, .help = "give up your seat",
          .waiting = true },
        { "GET", "/rooms/:room/participants", PEOPLE, NULL, list_store, list_live,
          "who is in, who waits" },
        { "POST", "/rooms/:room/participants/:participant", PEOPLE, act_params, .live = act,
          .help = "admit, deny, remove, ban, mute somebody, or give a role" },
        { "POST", "/rooms/:room/end", PEOPLE, .live = end,
          .help = "end the meeting now: everyone is disconnected, the summary is mailed" },
        { NULL },
    };

    return routes;
}
