/* SPDX-License-Identifier: MIT */
/* A quiz: somebody asks, the first to buzz may answer, the asker judges. Everything a plugin can have without media:
 * nested arguments, roles, options, metrics, refusals by number, a timer, events, and a state for who comes late. */
#include <stoa/plugin.h>

typedef struct {
    int64_t seconds; /* filled from buzzer.conf */
    char *wrong_answer;
} Conf;

typedef struct {
    json_t *
        questions; /* what is still to be asked; NULL: no quiz is on. The first is the present one */
    char *asker;   /* id of a participant; across callbacks one holds ids, not pointers */
    char *buzzed;  /* who may answer; NULL: nobody yet */
    StoaRoomTimer *bell;
} Room; /* zeroed when the room opens */

typedef struct {
    int64_t points;
    bool barred; /* answered this question wrongly */
} Seat;          /* zeroed when a person sits down */

enum { ASKED, BUZZED };
static const StoaMetric metrics[] = {
    [ASKED] = { "questions_total", "Questions asked" },
    [BUZZED] = { "buzzes_total", "Buzzes that came first" },
    STOA_END,
};

/* Names of refusals, and the numbers that clients see in `error_code`. */
static const StoaNumber numbers[] = {
    { "no_quiz", STOA_ERROR_CONFLICT, 460 },    { "too_late", STOA_ERROR_CONFLICT, 461 },
    { "not_yours", STOA_ERROR_FORBIDDEN, 462 }, { "quiz_is_on", STOA_ERROR_CONFLICT, 463 },
    { "barred", STOA_ERROR_FORBIDDEN, 464 },    STOA_END,
};

/* -- the quiz ------------------------------------------------------------------------------------------- */

static json_t *present_question(const Room *state)
{
    return json_array_get(state->questions, 0);
}

static void end_quiz(StoaRoom *room)
{
    Room *state = stoa_room_state(room);

    stoa_room_cancel(room, state->bell);
    state->bell = NULL;
    g_clear_pointer(&state->questions, json_decref);
    g_clear_pointer(&state->asker, g_free);
    g_clear_pointer(&state->buzzed, g_free);
}

static void unbar(StoaParticipant *who, void *unused G_GNUC_UNUSED)
{
    Seat *seat = stoa_participant_state(who);

    seat->barred = false;
}

static void on_bell(StoaRoom *room, void *data);

/* Show the question on top to everybody, or tell that there is none left. */
static void ask_next(StoaRoom *room)
{
    const Conf *conf = stoa_room_conf(room);
    Room *state = stoa_room_state(room);
    json_t *question = present_question(state);

    g_clear_pointer(&state->buzzed, g_free);
    stoa_room_foreach(room, unbar, NULL);
    stoa_room_cancel(room, state->bell);
    state->bell = NULL;
    if (!question) {
        end_quiz(room);
        stoa_room_broadcast(room, "over", NULL);
        return;
    }
    stoa_room_count(room, ASKED, 1);
    state->bell = stoa_room_after(room, (unsigned)conf->seconds * 1000, on_bell, NULL, NULL);
    stoa_room_broadcast(room, "question",
                        json_pack("{s:O, s:O*}", "text", json_object_get(question, "text"),
                                  "choices", json_object_get(question, "choices")));
}

static void drop_question(StoaRoom *room)
{
    Room *state = stoa_room_state(room);

    json_array_remove(state->questions, 0);
    ask_next(room);
}

/* Nobody knew. The timer is gone once it fires: forget it first. */
static void on_bell(StoaRoom *room, void *unused G_GNUC_UNUSED)
{
    Room *state = stoa_room_state(room);

    state->bell = NULL;
    stoa_room_broadcast(room, "time_is_up", NULL);
    drop_question(room);
}

/* -- requests: arguments were checked against the tables below before these run --------------------------- */

static bool on_ask(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    Room *state = stoa_room_state(room);
    const json_t *item;

    if (state->questions)
        return stoa_refuse(error, "quiz_is_on", "a quiz is on: wait for its end");
    state->questions = json_array();
    state->asker = g_strdup(stoa_participant_id(stoa_request_from(req)));
    for (size_t i = 0; (item = stoa_request_item(req, "questions", i)); i++)
        json_array_append_new(state->questions, json_deep_copy(item));
    stoa_request_reply(
        req, json_pack("{s:I}", "questions", (json_int_t)json_array_size(state->questions)));
    ask_next(room);
    return true;
}

static bool on_buzz(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    StoaParticipant *who = stoa_request_from(req);
    const Seat *seat = stoa_participant_state(who);
    Room *state = stoa_room_state(room);

    if (!state->questions)
        return stoa_refuse(error, "no_quiz", "no question is asked: wait for one");
    if (seat->barred)
        return stoa_refuse(error, "barred", "you had your chance: wait for the next question");
    if (state->buzzed)
        return stoa_refuse(error, "too_late", "somebody was faster");
    state->buzzed = g_strdup(stoa_participant_id(who));
    stoa_room_count(room, BUZZED, 1);
    stoa_room_broadcast(room, "buzzed",
                        json_pack("{s:o, s:s*}", "who", stoa_participant_id_json(who), "name",
                                  stoa_participant_name(who)));
    return true;
}

static int64_t points_of(const Room *state)
{
    const json_t *question = present_question(state);

    return stoa_item_has(question, "points") ? stoa_item_int(question, "points") : 1;
}

static bool on_judge(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    const Conf *conf = stoa_room_conf(room);
    Room *state = stoa_room_state(room);
    bool right = stoa_request_bool(req, "right");

    if (!state->questions || !state->buzzed)
        return stoa_refuse(error, "no_quiz", "nobody has answered: wait for a buzz");
    if (g_strcmp0(state->asker, stoa_participant_id(stoa_request_from(req))) != 0)
        return stoa_refuse(error, "not_yours", "only who asks may judge");
    StoaParticipant *who = stoa_room_find(room, state->buzzed);
    Seat *seat = who ? stoa_participant_state(who) : NULL; /* that person may have left */
    if (seat && right)
        seat->points += points_of(state);
    if (seat && !right)
        seat->barred = g_str_equal(conf->wrong_answer, "bar");
    stoa_room_broadcast(room, "judged", json_pack("{s:b}", "right", right));
    if (right)
        drop_question(room);
    else
        g_clear_pointer(&state->buzzed, g_free);
    return true;
}

static bool on_stop(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    const Room *state = stoa_room_state(room);

    if (!state->questions)
        return stoa_refuse(error, "no_quiz", "no quiz is on");
    end_quiz(room);
    stoa_room_broadcast(room, "over", NULL);
    return true;
}

/* -- people and rooms --------------------------------------------------------------------------------------- */

static void left(StoaRoom *room, StoaParticipant *who)
{
    Room *state = stoa_room_state(room);

    if (state->asker && g_str_equal(state->asker, stoa_participant_id(who))) {
        end_quiz(room);
        stoa_room_broadcast(room, "over", NULL);
    }
    if (state->buzzed && g_str_equal(state->buzzed, stoa_participant_id(who)))
        g_clear_pointer(&state->buzzed, g_free);
}

/* What who comes late gets with the reply to `join`, and anybody by `state`. */
static json_t *describe(StoaRoom *room, StoaParticipant *viewer)
{
    const Room *state = stoa_room_state(room);
    const Seat *seat = stoa_participant_state(viewer);

    return json_pack("{s:b, s:O*, s:s*, s:I}", "on", state->questions != NULL, "text",
                     json_object_get(present_question(state), "text"), "buzzed", state->buzzed,
                     "points", (json_int_t)seat->points);
}

/* -- what the core is told ------------------------------------------------------------------------------------ */

static const StoaParam hint_params[] = {
    { .name = "text",
      .type = STOA_STRING,
      .flags = STOA_REQUIRED,
      .min = 1,
      .max = 200,
      .help = "what the hint says" },
    { .name = "costs", .type = STOA_INT, .min = 0, .max = 10, .help = "points that it costs" },
    STOA_END,
};
static const StoaParam question_params[] = {
    { .name = "text",
      .type = STOA_STRING,
      .flags = STOA_REQUIRED,
      .min = 1,
      .max = 500,
      .help = "the question" },
    { .name = "points", .type = STOA_INT, .min = 1, .max = 100, .help = "for the right answer; 1" },
    { .name = "choices",
      .type = STOA_ARRAY,
      .items = STOA_STRING,
      .min = 2,
      .max = 10,
      .help = "answers to choose from" },
    { .name = "hints",
      .type = STOA_ARRAY,
      .fields = hint_params,
      .max = 5,
      .help = "shown by the asker's page, one after the other" },
    STOA_END,
};
static const StoaParam ask_params[] = {
    { .name = "questions",
      .type = STOA_ARRAY,
      .flags = STOA_REQUIRED,
      .fields = question_params,
      .min = 1,
      .max = 100,
      .help = "asked one after the other" },
    STOA_END,
};
static const StoaParam judge_params[] = {
    { .name = "right",
      .type = STOA_BOOL,
      .flags = STOA_REQUIRED,
      .help = "whether the answer was right" },
    STOA_END,
};

static const StoaMethod methods[] = {
    { .name = "ask",
      .handle = on_ask,
      .role = STOA_ROLE_PARTICIPANT,
      .params = ask_params,
      .help = "Begin a quiz: you ask, and you judge." },
    { .name = "buzz",
      .handle = on_buzz,
      .role = STOA_ROLE_PARTICIPANT,
      .help = "Say that you know the answer: the first one counts." },
    { .name = "judge",
      .handle = on_judge,
      .role = STOA_ROLE_PARTICIPANT,
      .params = judge_params,
      .help = "Say whether the answer of who buzzed was right." },
    { .name = "stop", .handle = on_stop, .role = STOA_ROLE_COHOST, .help = "End a quiz." },
    STOA_END,
};

static const char *const after_wrong[] = { "bar", "again", NULL };
static const StoaOption options[] = {
    { .key = "seconds",
      .type = STOA_INT,
      .flags = STOA_LIVE,
      .offset = offsetof(Conf, seconds),
      .fallback = "30",
      .min = 1,
      .max = 600,
      .help = "time for a question" },
    { .key = "wrong_answer",
      .type = STOA_ENUM,
      .flags = STOA_LIVE,
      .offset = offsetof(Conf, wrong_answer),
      .fallback = "bar",
      .choices = after_wrong,
      .help = "after a wrong answer that person waits for the next question, or may buzz again" },
    STOA_END,
};

STOA_PLUGIN(.name = "buzzer", .version = "1.0", .summary = "A quiz: the first to buzz may answer",
            .methods = methods, .options = options, .metrics = metrics, .numbers = numbers,
            .conf_size = sizeof(Conf), .room_size = sizeof(Room), .participant_size = sizeof(Seat),
            .room_closed = end_quiz, .left = left, .describe = describe)
