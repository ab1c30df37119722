/* SPDX-License-Identifier: MIT */
/* Those who are in a room, and what they say. Events go out before the reply of who caused them. */
#include "textroom.h"

#include <string.h>

enum {
    MAX_EVENT = 262144,
    MAX_HISTORY_BYTES = 2 << 20, /* who comes back with it is not slow at once */
    MAX_WAITING = 3 << 20, /* with more than this somebody is slow; there is room for the goodbye */
};

/* -- members ------------------------------------------------------------------------------------------ */

static TrRoom *state_of(StoaRoom *room)
{
    return stoa_room_state(room);
}

TrMember *tr_member(StoaRoom *room, const char *username)
{
    const GPtrArray *members = state_of(room)->members;

    for (guint i = 0; username && i < members->len; i++) {
        TrMember *member = members->pdata[i];
        if (g_str_equal(member->username, username))
            return member;
    }
    return NULL;
}

static TrMember *member_of(StoaRoom *room, const StoaHandle *handle)
{
    const GPtrArray *members = state_of(room)->members;

    for (guint i = 0; i < members->len; i++) {
        TrMember *member = members->pdata[i];
        if (member->handle == handle)
            return member;
    }
    return NULL;
}

static void sweep_later(StoaRoom *room);

/* Who cannot take an event gets no other either: it leaves, and is told so where the gap is. (A whisper to who leaves is lost.) */
static void send_to(TrMember *member, const char *text)
{
    if (!member->slow && stoa_handle_data_waiting(member->handle) + strlen(text) <= MAX_WAITING) {
        tr_send(member->handle, member->label, text);
        return;
    }
    stoa_module_count(stoa_handle_module(member->handle), TR_DROPPED, 1);
    member->slow = true;
    sweep_later(member->room);
}

static void send_to_all(StoaRoom *room, const char *text)
{
    const GPtrArray *members = state_of(room)->members;

    for (guint i = 0; i < members->len; i++)
        send_to(members->pdata[i], text);
}

void tr_broadcast(StoaRoom *room, json_t *event)
{
    g_autofree char *text = json_dumps(event, JSON_COMPACT);

    send_to_all(room, text);
    json_decref(event);
}

static void set_if(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static json_t *about(const char *what, const TrMember *member)
{
    json_t *event = tr_body(what, member->room);

    json_object_set_new(event, "username", json_string(member->username));
    return event;
}

static void member_free(TrMember *member)
{
    g_free(member->username);
    g_free(member->display);
    g_free(member->label);
    g_free(member);
}

void tr_member_leave(TrMember *member, const char *word)
{
    StoaRoom *room = member->room;
    StoaHandle *handle = member->handle;
    TrHandle *theirs = stoa_handle_state(handle);
    bool is_kicked = g_strcmp0(word, "kicked") == 0;

    if (is_kicked)
        tr_broadcast(room, about(word, member));
    g_ptr_array_remove(state_of(room)->members, member);
    g_ptr_array_remove(theirs->members, member);
    if (word && !is_kicked)
        tr_broadcast(room, about(word, member));
    member_free(member);
    if (stoa_handle_room(handle) == room)
        stoa_handle_leave(handle);
}

/* It reads this behind all that it was sent, and may join again: what it missed is in the history, if the room has one. */
static void let_go(TrMember *member)
{
    json_t *event = about("leave", member);

    json_object_set_new(event, "reason", json_string("too_slow"));
    g_autofree char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    tr_send(member->handle, member->label, text);
    stoa_module_count(stoa_handle_module(member->handle), TR_SLOW, 1);
    tr_member_leave(member, "leave");
}

/* One at a time: the last to leave may close the room. */
static void sweep(StoaRoom *room, void *data G_GNUC_UNUSED)
{
    TrRoom *state = state_of(room);
    TrMember *first = NULL;

    state->sweep = NULL;
    for (guint i = 0; i < state->members->len; i++) {
        TrMember *member = state->members->pdata[i];
        if (!member->slow)
            continue;
        if (first)
            sweep_later(room);
        else
            first = member;
    }
    if (first)
        let_go(first);
}

static void sweep_later(StoaRoom *room)
{
    TrRoom *state = state_of(room);

    if (!state->sweep)
        state->sweep = stoa_room_after(room, 0, sweep, NULL, NULL);
}

void tr_leave_all(StoaHandle *handle)
{
    TrHandle *state = stoa_handle_state(handle);

    while (state->members && state->members->len > 0)
        tr_member_leave(state->members->pdata[0], "leave");
}

/* With a participant token: the seat is gone, by whatever way. */
void tr_left(StoaRoom *room, StoaParticipant *who)
{
    TrMember *member = tr_member(room, stoa_participant_id(who));

    if (member)
        tr_member_leave(member, "leave");
}

/* -- join ------------------------------------------------------------------------------------------------ */

static bool may_enter(StoaRequest *req, StoaRoom *room, GError **error)
{
    const TrRoom *state = state_of(room);
    const char *token = stoa_request_string(req, "token");

    if (!stoa_request_knows(req, "pin", state->set.pin, error))
        return false;
    if (state->check_allowed && !(token && g_hash_table_contains(state->allowed, token)))
        return stoa_refuse(error, "unauthorized", "this room needs a token that it knows");
    return true;
}

static bool has_place(StoaRequest *req, StoaRoom *room, GError **error)
{
    const TrConf *conf = stoa_module_conf(stoa_request_module(req));
    guint n = state_of(room)->members->len;

    if (conf->max_members > 0 && n >= conf->max_members)
        return stoa_refuse(error, "room_full", "there are %u people in the room: it is full", n);
    return true;
}

static TrMember *add_member(StoaRequest *req, StoaRoom *room, const char *username,
                            const char *display)
{
    TrHandle *mine = stoa_handle_state(stoa_request_handle(req));
    TrMember *member = g_new0(TrMember, 1);

    member->room = room;
    member->handle = stoa_request_handle(req);
    member->username = g_strdup(username);
    member->display = display && *display ? g_strdup(display) : NULL;
    member->label = g_strdup(mine->label);
    g_ptr_array_add(state_of(room)->members, member);
    if (!mine->members)
        mine->members = g_ptr_array_new();
    g_ptr_array_add(mine->members, member);
    return member;
}

/* A room of the rooms API: who one is, the token says. */
static TrMember *sit_down(StoaRequest *req, StoaRoom *room, const StoaSeat *seat, GError **error)
{
    if (stoa_room_is_sealed(room)) {
        stoa_refuse(error, "unsupported",
                    "texts of this room are sealed in the browsers: use its chat");
        return NULL;
    }
    if (!stoa_handle_join(stoa_request_handle(req), room, seat, error))
        return NULL;
    return add_member(req, room, seat->id, seat->name);
}

static TrMember *come_in(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_room(req, error);
    const char *username = stoa_request_string(req, "username");
    StoaSeat seat;

    if (!room || !may_enter(req, room, error))
        return NULL;
    if (member_of(room, stoa_request_handle(req))) {
        stoa_refuse(error, "already_joined", "you are in this room already");
        return NULL;
    }
    if (!has_place(req, room, error))
        return NULL;
    if (tr_seat(req, &seat))
        return sit_down(req, room, &seat, error);
    if (!username) {
        stoa_refuse(error, "missing_element", "\"username\" is missing");
        return NULL;
    }
    if (tr_member(room, username)) {
        stoa_refuse(error, "username_taken", "somebody in the room has that username");
        return NULL;
    }
    return add_member(req, room, username, stoa_request_string(req, "display"));
}

static json_t *members_json(StoaRoom *room, const TrMember *except)
{
    const GPtrArray *members = state_of(room)->members;
    json_t *list = json_array();

    for (guint i = 0; i < members->len; i++) {
        const TrMember *member = members->pdata[i];
        if (member == except)
            continue;
        json_t *item = json_pack("{s:s}", "username", member->username);
        set_if(item, "display", member->display);
        json_array_append_new(list, item);
    }
    return list;
}

bool tr_on_join(StoaRequest *req, GError **error)
{
    TrMember *member = come_in(req, error);

    if (!member)
        return false;
    json_t *event = about("join", member);
    set_if(event, "display", member->display);
    tr_broadcast(member->room, event);
    if (!stoa_request_has(req, "history") || stoa_request_bool(req, "history")) {
        for (GList *l = state_of(member->room)->history.head; l; l = l->next)
            send_to(member, l->data);
    }
    json_t *body = tr_body("success", member->room);
    json_object_set_new(body, "username", json_string(member->username));
    json_object_set_new(body, "participants", members_json(member->room, member));
    stoa_request_reply(req, body);
    return true;
}

/* Of whom the request comes, in the room that it names. */
static TrMember *own_member(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_room(req, error);
    TrMember *member = room ? member_of(room, stoa_request_handle(req)) : NULL;

    if (room && !member)
        stoa_refuse(error, "not_joined", "you are not in room %s", stoa_room_id(room));
    return member;
}

bool tr_on_leave(StoaRequest *req, GError **error)
{
    TrMember *member = own_member(req, error);

    if (!member)
        return false;
    stoa_request_reply(req, tr_body("success", member->room));
    tr_member_leave(member, "leave");
    return true;
}

/* -- message ------------------------------------------------------------------------------------------------ */

static void remember(StoaRoom *room, char *text /* taken */)
{
    TrRoom *state = state_of(room);

    g_queue_push_tail(&state->history, text);
    state->history_bytes += strlen(text);
    while (state->history.length > (guint)state->set.history ||
           state->history_bytes > MAX_HISTORY_BYTES) {
        g_autofree char *oldest = g_queue_pop_head(&state->history);
        state->history_bytes -= strlen(oldest);
    }
}

static json_t *whisper(StoaRoom *room, const char *text, const json_t *names)
{
    json_t *sent = json_object();

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        TrMember *to = tr_member(room, name);

        if (to && !json_object_get(sent, name))
            send_to(to, text);
        json_object_set_new(sent, name, json_boolean(to != NULL));
    }
    return sent;
}

static json_t *addressees(StoaRequest *req)
{
    json_t *to = (json_t *)stoa_request_json(req, "to"),
           *tos = (json_t *)stoa_request_json(req, "tos");

    if (to)
        return json_pack("[O]", to);
    return tos ? json_incref(tos) : NULL;
}

static json_t *message_event(StoaRequest *req, const TrMember *from, bool is_whisper)
{
    json_t *event = tr_dated("message", from->room);

    json_object_set_new(event, "from", json_string(from->username));
    set_if(event, "display", from->display);
    if (is_whisper)
        json_object_set_new(event, "whisper", json_true());
    if (stoa_request_has(req, "to"))
        json_object_set(event, "to", (json_t *)stoa_request_json(req, "to"));
    json_object_set(event, "text", (json_t *)stoa_request_json(req, "text"));
    return event;
}

bool tr_on_message(StoaRequest *req, GError **error)
{
    TrMember *from = own_member(req, error);

    if (!from)
        return false;
    json_t *names = addressees(req);
    json_t *event = message_event(req, from, names != NULL);
    g_autofree char *text = json_dumps(event, JSON_COMPACT);
    json_t *body = tr_body("success", from->room);
    json_decref(event);
    stoa_request_reply(req, body);
    bool fits = strlen(text) <= MAX_EVENT;
    if (!fits)
        stoa_refuse(error, "wrong_type", "the text is too long: with its escapes %zu bytes",
                    strlen(text));
    else if (names)
        json_object_set_new(body, "sent", whisper(from->room, text, names));
    else {
        send_to_all(from->room, text);
        remember(from->room, g_steal_pointer(&text));
    }
    json_decref(names);
    if (fits)
        stoa_room_count(from->room, TR_MESSAGES, 1);
    return fits;
}

/* -- what a room's owner does ---------------------------------------------------------------------------------- */

bool tr_on_announcement(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_own_room(req, error);

    if (!room)
        return false;
    json_t *event = tr_dated("announcement", room);
    json_object_set(event, "text", (json_t *)stoa_request_json(req, "text"));
    g_autofree char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    if (strlen(text) > MAX_EVENT)
        return stoa_refuse(error, "wrong_type", "the text is too long: with its escapes %zu bytes",
                           strlen(text));
    send_to_all(room, text);
    stoa_request_reply(req, json_pack("{s:s}", "textroom", "success"));
    return true;
}

bool tr_on_kick(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_own_room(req, error);
    const char *username = stoa_request_string(req, "username");
    TrMember *member = room ? tr_member(room, username) : NULL;

    if (!room)
        return false;
    if (!member)
        return stoa_refuse(error, "no_such_user", "nobody in the room has the username %.64s",
                           username);
    const StoaParticipant *who = stoa_handle_participant(member->handle);
    if (stoa_room_is_kept(room) && who && stoa_participant_role(who) == STOA_ROLE_HOST)
        return stoa_refuse(error, "forbidden", "nobody does that to the room's host");
    stoa_room_count(room, TR_KICKED, 1);
    tr_member_leave(member, "kicked");
    stoa_request_reply(req, json_pack("{s:s}", "textroom", "success"));
    return true;
}

bool tr_on_listparticipants(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_room(req, error);

    if (!room)
        return false;
    if (stoa_request_has(req, "secret") &&
        !stoa_request_knows(req, "secret", state_of(room)->set.secret, error))
        return false;
    json_t *body = tr_body("success", room);
    json_object_set_new(body, "participants", members_json(room, NULL));
    stoa_request_reply(req, body);
    return true;
}
