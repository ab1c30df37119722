/* SPDX-License-Identifier: MIT */
/* What every plugin of STOA_SCOPE_ROOM can be asked without saying so: join, leave, state, resume. */
#include "config.h"

#include "base/error.h"
#include "room/request-private.h"

/* The room of an id: this module's view, a new view of a room that others made, or a new ad-hoc one. */
static StoaRoom *find_or_open(StoaModule *module, const char *id, bool text_id, GError **error)
{
    StoaRoom *room = stoa_module_room(module, id);
    StoaRoomCore *core = stoa_room_core_find(id);

    if (room && !room->core->is_kept)
        return room;
    /* into a kept room one comes by its token */
    if (core ? core->is_kept : !module->env->adhoc || stoa_room_id_is_reserved(id)) {
        stoa_refuse(error, "no_such_room", "there is no room %s", id);
        return NULL;
    }
    if (!core)
        core = stoa_room_core(id, NULL, text_id);
    return stoa_room_open_view(module, core, false);
}

static bool on_join(StoaRequest *req, GError **error)
{
    bool text_id = json_is_string(stoa_request_json(req, "room"));
    const char *id = stoa_request_id(req, "room");
    StoaSeat seat = { .name = stoa_request_string(req, "display") };

    if (req->handle->room)
        return stoa_refuse(error, "already_joined", "this handle is in a room already");
    if (!stoa_module_room(req->module, id)) /* who opens an ad-hoc room is its host */
        seat.role = STOA_ROLE_HOST;
    StoaRoom *room = find_or_open(req->module, id, text_id, error);
    if (!room)
        return false;
    StoaParticipant *who = stoa_handle_join(req->handle, room, &seat, error);
    if (!who) {
        stoa_room_close_if_empty(room);
        return false;
    }
    json_t *body = json_pack("{s:o, s:o}", "room", stoa_room_id_json(room), "id",
                             stoa_participant_id_json(who));
    if (req->module->plugin.describe)
        json_object_set_new(body, "state", stoa_reply_state(req->handle));
    stoa_request_reply(req, body);
    return true;
}

bool stoa_request_on_leave(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_handle_leave(req->handle);
    return true;
}

static bool on_state(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_request_reply(req, stoa_reply_state(req->handle));
    return true;
}

/* -- the table ---------------------------------------------------------------------------- */

static const StoaParam join_params[] = {
    { "room", STOA_ID, STOA_REQUIRED, .help = "which room" },
    { "display", STOA_STRING, 0, 0, 256, .help = "your name, 1 to 64 characters" },
    { NULL },
};
static const StoaParam resume_params[] = {
    { "after", STOA_INT, STOA_REQUIRED, .help = "the number of the last record that you have" },
    { NULL },
};
static const StoaMethod builtin[] = {
    { "join", on_join, STOA_ROLE_ANYONE, join_params,
      "Take a seat in a room; a handle that was attached with a participant's token has one" },
    { "leave", stoa_request_on_leave, STOA_ROLE_PARTICIPANT, NULL, "Give up your seat" },
    { "state", on_state, STOA_ROLE_PARTICIPANT, NULL, "The state as you may see it" },
    { "resume", stoa_read_on_resume, STOA_ROLE_PARTICIPANT, resume_params,
      "The events after a number, in order, then the reply" },
    { NULL },
};
enum { N_OF_SEATS = 2 }; /* of these are about taking a seat and giving it up */

const StoaMethod *stoa_request_builtin(const StoaPlugin *plugin)
{
    if (plugin->scope != STOA_SCOPE_ROOM || plugin->vocabulary)
        return NULL;
    bool is_seated =
        g_str_equal(plugin->name, "room"); /* it is attached with a token, or not at all */
    return is_seated ? builtin + N_OF_SEATS : builtin;
}
