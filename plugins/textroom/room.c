/* SPDX-License-Identifier: MIT */
/* The life of a room, who may manage it, and the requests that make, change, show and end rooms. */
#include "textroom.h"

#include <string.h>

/* -- who may ------------------------------------------------------------------------------------- */

StoaRoom *tr_seat(StoaRequest *req, StoaSeat *seat)
{
    StoaHandle *handle = stoa_request_handle(req);

    return handle ? stoa_handle_seat(handle, seat) : NULL;
}

static StoaRoom *find_by_number(StoaRequest *req, GError **error)
{
    if (!stoa_request_has(req, "room")) {
        stoa_refuse(error, "missing_element", "\"room\" is missing: the room's number");
        return NULL;
    }
    if (json_is_string(stoa_request_json(req, "room"))) {
        stoa_refuse(error, "wrong_type", "\"room\" must be an integer, not a string");
        return NULL;
    }
    const char *id = stoa_request_id(req, "room");
    StoaRoom *room = stoa_module_room(stoa_request_module(req), id);
    if (room && !stoa_room_is_kept(room))
        return room;
    stoa_refuse(error, "no_such_room", "there is no room %s", id);
    return NULL;
}

StoaRoom *tr_find_room(StoaRequest *req, GError **error)
{
    StoaSeat seat;
    StoaRoom *room = tr_seat(req, &seat);

    if (!room)
        return find_by_number(req, error);
    if (stoa_request_has(req, "room") &&
        strcmp(stoa_request_id(req, "room"), stoa_room_id(room)) != 0) {
        stoa_refuse(error, "unauthorized", "this handle belongs to another room");
        return NULL;
    }
    return room;
}

StoaRoom *tr_find_own_room(StoaRequest *req, GError **error)
{
    StoaRoom *room = tr_find_room(req, error);
    StoaSeat seat;

    if (!room || stoa_request_is_operators(req))
        return room;
    if (tr_seat(req, &seat)) {
        if (seat.role >= STOA_ROLE_COHOST)
            return room;
        stoa_refuse(error, "forbidden", "this is for hosts and cohosts");
        return NULL;
    }
    return stoa_request_knows(req, "secret", ((const TrRoom *)stoa_room_state(room))->set.secret,
                              error)
               ? room
               : NULL;
}

/* True with `error`: with a participant token this is done through the rooms API. */
static bool is_elsewhere(StoaRequest *req, GError **error)
{
    StoaSeat seat;

    if (!tr_seat(req, &seat))
        return false;
    stoa_refuse(error, "forbidden",
                "rooms of the rooms API are managed there: PATCH /api/v1/rooms");
    return true;
}

/* -- life ------------------------------------------------------------------------------------------ */

void tr_room_opened(StoaRoom *room)
{
    TrRoom *state = stoa_room_state(room);

    if (stoa_room_is_kept(room))
        state->set.description = g_strdup(stoa_room_title(room));
    state->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->members = g_ptr_array_new();
    g_queue_init(&state->history);
}

void tr_room_closed(StoaRoom *room)
{
    TrRoom *state = stoa_room_state(room);

    tr_broadcast(room, tr_body("destroyed", room));
    while (state->members->len > 0)
        tr_member_leave(state->members->pdata[0], NULL);
    g_clear_pointer(&state->members, g_ptr_array_unref);
    g_clear_pointer(&state->allowed, g_hash_table_unref);
    g_queue_clear_full(&state->history, g_free);
    tr_settings_clear(&state->set);
}

static void apply_settings(StoaRoom *room, const TrSettings *settings)
{
    TrRoom *state = stoa_room_state(room);
    TrSettings old = state->set;

    tr_settings_copy(&state->set, settings);
    tr_settings_clear(&old);
    if (!state->set.description)
        state->set.description = g_strdup_printf("Room %s", stoa_room_id(room));
    stoa_room_set_title(room, state->set.description);
}

void tr_conf_room_set(StoaRoom *room, const void *item)
{
    apply_settings(room, item);
}

static StoaRoom *open_room(StoaModule *module, const TrSettings *settings, const char *id,
                           GError **error)
{
    StoaRoomSpec spec = { .id = id, .title = settings->description };
    StoaRoom *room = stoa_module_create_room(module, &spec, error);

    if (room)
        apply_settings(room, settings);
    return room;
}

/* -- create, edit, destroy ------------------------------------------------------------------------------ */

/* Who asks that every message is posted somewhere counts on it: it is not silently left out. */
static bool asks_for_post(StoaRequest *req, const char *field, GError **error)
{
    const char *url = stoa_request_string(req, field);

    if (!url || !*url)
        return false;
    stoa_refuse(error, "unsupported",
                "this gateway posts no messages to other servers: leave \"%s\" out", field);
    return true;
}

/* -- one setting each, with the prefix of `edit` -- */

static void set_text(StoaRequest *req, const char *prefix, const char *name, char **text)
{
    g_autofree char *field = g_strconcat(prefix, name, NULL);

    if (!stoa_request_has(req, field))
        return;
    g_free(*text);
    *text = g_strdup(stoa_request_string(req, field));
}

static void read_settings(StoaRequest *req, const char *prefix, TrSettings *settings)
{
    g_autofree char *is_private = g_strconcat(prefix, "is_private", NULL);
    g_autofree char *history = g_strconcat(prefix, "history", NULL);

    set_text(req, prefix, "description", &settings->description);
    set_text(req, prefix, "secret", &settings->secret);
    set_text(req, prefix, "pin", &settings->pin);
    if (stoa_request_has(req, is_private))
        settings->is_private = stoa_request_bool(req, is_private);
    if (stoa_request_has(req, history))
        settings->history = stoa_request_int(req, history);
}

static void allow(StoaRoom *room, const json_t *tokens)
{
    TrRoom *state = stoa_room_state(room);

    for (size_t i = 0; i < json_array_size(tokens); i++)
        g_hash_table_add(state->allowed, g_strdup(json_string_value(json_array_get(tokens, i))));
}

static void reply_done(StoaRequest *req, StoaRoom *room, const char *what)
{
    json_t *body = tr_body(what, room);

    json_object_set_new(body, "permanent", json_false());
    stoa_request_reply(req, body);
}

bool tr_on_create(StoaRequest *req, GError **error)
{
    const TrConf *conf = stoa_module_conf(stoa_request_module(req));
    TrSettings settings = { 0 };
    const char *id = NULL;

    if (is_elsewhere(req, error) ||
        !stoa_request_may_create(req, conf->admin_key, conf->max_rooms, error) ||
        asks_for_post(req, "post", error))
        return false;
    if (json_is_string(stoa_request_json(req, "room")))
        return stoa_refuse(error, "wrong_type", "\"room\" must be an integer, not a string");
    if (stoa_request_has(req, "room"))
        id = stoa_request_id(req, "room");
    read_settings(req, "", &settings);
    StoaRoom *room = open_room(stoa_request_module(req), &settings, id, error);
    tr_settings_clear(&settings);
    if (!room)
        return false;
    if (stoa_request_has(req, "allowed")) {
        ((TrRoom *)stoa_room_state(room))->check_allowed = true;
        allow(room, stoa_request_json(req, "allowed"));
    }
    reply_done(req, room, "created");
    return true;
}

bool tr_on_edit(StoaRequest *req, GError **error)
{
    StoaRoom *room = is_elsewhere(req, error) ? NULL : tr_find_own_room(req, error);
    TrSettings settings;

    if (!room || asks_for_post(req, "new_post", error))
        return false;
    tr_settings_copy(&settings, &((const TrRoom *)stoa_room_state(room))->set);
    read_settings(req, "new_", &settings);
    apply_settings(room, &settings);
    tr_settings_clear(&settings);
    reply_done(req, room, "edited");
    return true;
}

bool tr_on_destroy(StoaRequest *req, GError **error)
{
    StoaRoom *room = is_elsewhere(req, error) ? NULL : tr_find_own_room(req, error);

    if (!room)
        return false;
    reply_done(req, room, "destroyed");
    stoa_room_close(room);
    return true;
}

bool tr_on_allowed(StoaRequest *req, GError **error)
{
    StoaRoom *room = is_elsewhere(req, error) ? NULL : tr_find_own_room(req, error);
    const char *action = stoa_request_string(req, "action");
    const json_t *tokens = stoa_request_json(req, "allowed");
    GHashTableIter iter;
    gpointer token;

    if (!room)
        return false;
    TrRoom *state = stoa_room_state(room);
    bool removes = g_str_equal(action, "remove");
    if ((removes || g_str_equal(action, "add")) && !tokens)
        return stoa_refuse(error, "missing_element", "\"%s\" needs \"allowed\": the tokens",
                           action);
    json_t *body = tr_body("success", room);
    stoa_request_reply(req, body);
    if (g_str_equal(action, "disable")) {
        state->check_allowed = false;
        return true;
    }
    if (g_str_equal(action, "enable"))
        state->check_allowed = true;
    for (size_t i = 0; removes && i < json_array_size(tokens); i++)
        g_hash_table_remove(state->allowed, json_string_value(json_array_get(tokens, i)));
    if (!removes)
        allow(room, tokens);
    json_t *list = json_array();
    g_hash_table_iter_init(&iter, state->allowed);
    while (g_hash_table_iter_next(&iter, &token, NULL))
        json_array_append_new(list, json_string(token));
    json_object_set_new(body, "allowed", list);
    return true;
}

/* -- exists, list ----------------------------------------------------------------------------------------- */

bool tr_on_exists(StoaRequest *req, GError **error)
{
    g_autoptr(GError) why = NULL;
    StoaRoom *room = tr_find_room(req, &why);
    json_t *id = (json_t *)stoa_request_json(req, "room");

    if (!id || (json_is_string(id) && !room)) {
        if (room)
            return stoa_refuse(error, "missing_element", "\"room\" is missing: the room's number");
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    stoa_request_reply(req, json_pack("{s:s, s:O, s:b}", "textroom", "success", "room", id,
                                      "exists", room != NULL));
    return true;
}

typedef struct {
    json_t *list;
    bool all;
} Listing;

static void list_room(StoaRoom *room, void *data)
{
    const TrRoom *state = stoa_room_state(room);
    Listing *listing = data;

    if (stoa_room_is_kept(room) || (state->set.is_private && !listing->all))
        return;
    json_array_append_new(listing->list,
                          json_pack("{s:o, s:s, s:b, s:i, s:I}", "room", stoa_room_id_json(room),
                                    "description", state->set.description, "pin_required",
                                    state->set.pin != NULL, "num_participants",
                                    (int)state->members->len, "history",
                                    (json_int_t)state->set.history));
}

bool tr_on_list(StoaRequest *req, GError **error)
{
    const TrConf *conf = stoa_module_conf(stoa_request_module(req));
    Listing listing = { .all = stoa_request_is_operators(req) };

    if (stoa_request_has(req, "admin_key") && conf->admin_key) {
        if (!stoa_request_knows(req, "admin_key", conf->admin_key, error))
            return false;
        listing.all = true;
    }
    listing.list = json_array();
    stoa_module_foreach_room(stoa_request_module(req), list_room, &listing);
    stoa_request_reply(req, json_pack("{s:s, s:o}", "textroom", "success", "list", listing.list));
    return true;
}
