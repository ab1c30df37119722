/* SPDX-License-Identifier: MIT */
/* Who has a hand up, and whose turn it is: a module that keeps lasting state, written from docs/plugin-guide.md alone. */
#include <stoa/plugin.h>

typedef struct {
    int64_t max_raised; /* filled from conf/hands.conf */
} HandsConf;
typedef struct {
    int64_t raised, turns; /* zeroed when the room opens */
} HandsRoom;
typedef struct {
    int64_t turn; /* zeroed at a person's first join; 0: the hand is down */
} HandsSeat;

enum { HANDS_MOVED };
static const StoaMetric metrics[] = {
    { .name = "moved_total", .help = "Hands raised or lowered" },
    STOA_END,
};

static bool on_raise(StoaRequest *req, GError **error)
{
    const HandsConf *conf = stoa_room_conf(stoa_request_room(req));
    const HandsRoom *room = stoa_room_state(stoa_request_room(req));
    const HandsSeat *seat = stoa_participant_state(stoa_request_from(req));
    bool up = stoa_request_bool(req, "up");

    if (up == (seat->turn > 0))
        return stoa_fail(error, STOA_ERROR_CONFLICT, "your hand is already %s", up ? "up" : "down");
    if (up && room->raised >= conf->max_raised)
        return stoa_fail(error, STOA_ERROR_LIMIT, "too many hands are up: wait for one to go down");
    return stoa_request_record(req, "hand", json_pack("{s:b}", "up", up), error);
}

/* The one place where lasting state changes: live, and again when history is replayed. */
static void apply(StoaRoom *room, StoaParticipant *author, const StoaRecord *record)
{
    HandsRoom *state = stoa_room_state(room);
    HandsSeat *seat = stoa_participant_state(author);
    bool up = json_is_true(json_object_get(stoa_record_body(record), "up"));

    seat->turn = up ? ++state->turns : 0;
    state->raised += up ? 1 : -1;
    stoa_room_count(room, HANDS_MOVED, 1);
}

static json_t *describe(StoaRoom *room, StoaParticipant *viewer)
{
    const HandsRoom *state = stoa_room_state(room);
    const HandsSeat *seat = stoa_participant_state(viewer);

    return json_pack("{s:I, s:b}", "raised", (json_int_t)state->raised, "mine", seat->turn > 0);
}

/* -- so that a long room opens fast ------------------------------------------------------- */

static void save_seat(StoaParticipant *who, void *data)
{
    const HandsSeat *seat = stoa_participant_state(who);

    if (seat->turn > 0)
        json_object_set_new(data, stoa_participant_id(who), json_integer((json_int_t)seat->turn));
}

static json_t *save(StoaRoom *room)
{
    const HandsRoom *state = stoa_room_state(room);
    json_t *seats = json_object();

    stoa_room_foreach(room, save_seat, seats);
    return json_pack("{s:I, s:o}", "turns", (json_int_t)state->turns, "seats", seats);
}

static bool load(StoaRoom *room, const json_t *snapshot)
{
    HandsRoom *state = stoa_room_state(room);
    const char *id;
    json_t *turn;

    state->turns = json_integer_value(json_object_get(snapshot, "turns"));
    json_object_foreach(json_object_get(snapshot, "seats"), id, turn)
    {
        StoaParticipant *who = stoa_room_find(room, id);
        if (!who)
            continue;
        HandsSeat *seat = stoa_participant_state(who);
        seat->turn = json_integer_value(turn);
        state->raised++;
    }
    return true;
}

static const StoaParam raise_params[] = {
    { .name = "up",
      .type = STOA_BOOL,
      .flags = STOA_REQUIRED,
      .help = "true raises your hand, false lowers it" },
    STOA_END,
};
static const StoaMethod methods[] = {
    { .name = "raise",
      .handle = on_raise,
      .role = STOA_ROLE_PARTICIPANT,
      .params = raise_params,
      .help = "Raise or lower your own hand" },
    STOA_END,
};
static const StoaOption options[] = {
    { .key = "max_raised",
      .type = STOA_INT,
      .flags = STOA_LIVE,
      .offset = offsetof(HandsConf, max_raised),
      .fallback = "50",
      .min = 1,
      .max = 1000,
      .help = "Hands up at one time" },
    STOA_END,
};

STOA_PLUGIN(.name = "hands", .version = "1.0", .summary = "Raise a hand, wait your turn",
            .caps = STOA_CAP_HISTORY, .methods = methods, .options = options, .metrics = metrics,
            .conf_size = sizeof(HandsConf), .room_size = sizeof(HandsRoom),
            .participant_size = sizeof(HandsSeat), .apply = apply, .describe = describe,
            .save = save, .load = load)
