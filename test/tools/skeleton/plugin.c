/* SPDX-License-Identifier: MIT */
/* plugins/@NAME@: people of a room greet each other. Make it yours. (docs/plugin-guide.md) */
#include <stoa/plugin.h>

typedef struct {
    char *greeting; /* filled from conf/@NAME@.conf */
} Conf;

typedef struct {
    int64_t greetings; /* zero when the room opens */
} Room;

static bool on_greet(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    StoaRoom *room = stoa_request_room(req);
    const Conf *conf = stoa_room_conf(room);
    Room *state = stoa_room_state(room);

    state->greetings++;
    stoa_room_broadcast(room, "greeting",
                        json_pack("{s:s, s:s*}", "text", conf->greeting, "from",
                                  stoa_participant_name(stoa_request_from(req))));
    stoa_request_reply(req, json_pack("{s:I}", "greetings", (json_int_t)state->greetings));
    return true;
}

static json_t *describe(StoaRoom *room, StoaParticipant *viewer G_GNUC_UNUSED)
{
    const Room *state = stoa_room_state(room);

    return json_pack("{s:I}", "greetings", (json_int_t)state->greetings);
}

static const StoaMethod methods[] = {
    { "greet", on_greet, STOA_ROLE_PARTICIPANT, NULL, "Greet everybody in the room" },
    { NULL },
};
static const StoaOption options[] = {
    { "greeting", STOA_STRING, STOA_LIVE, offsetof(Conf, greeting), "hello",
      .help = "what everybody hears" },
    { NULL },
};

STOA_PLUGIN(.name = "@NAME@", .version = "0.1", .summary = "People of a room greet each other",
            .methods = methods, .options = options, .conf_size = sizeof(Conf),
            .room_size = sizeof(Room), .describe = describe)
