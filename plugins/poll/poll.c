/* SPDX-License-Identifier: MIT */
/* Polls: asked by hosts and cohosts, one vote a person, of anonymous ones only totals remain. (rooms API, poll; R22) */
#include "poll.h"

#include <inttypes.h>
#include <string.h>

enum { CREATED, VOTES };
static const StoaMetric metrics[] = {
    { "created_total", "Polls created" },
    { "votes_total", "Votes given, changes included" },
    { NULL },
};

/* The poll that a request names, as far as the asking person may know of it. */
static Poll *poll_of(StoaRequest *req, GError **error)
{
    const char *id = stoa_request_id(req, "id");
    Poll *poll = poll_find(stoa_request_room(req), stoa_record_id_seq(id));

    if (!poll || !poll_is_seen_by(poll, stoa_request_from(req))) {
        stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no poll %s", id);
        return NULL;
    }
    return poll;
}

static json_t *id_body(const Poll *poll)
{
    return json_pack("{s:o}", "id", stoa_record_id(poll->id));
}

/* -- asking ----------------------------------------------------------------------------------------- */

/* Indexes of options, each once; at least one. */
static bool check_indexes(const json_t *indexes, const char *name, size_t n_options, GError **error)
{
    uint64_t seen = 0;
    json_t *index;
    size_t i;

    json_array_foreach((json_t *)indexes, i, index)
    {
        json_int_t at = json_integer_value(index);
        if (at < 0 || (size_t)at >= n_options)
            return stoa_fail(error, STOA_ERROR_INVALID,
                             "\"%s[%zu]\" must be 0 to %zu: an option's place in the list", name, i,
                             n_options - 1);
        if (seen >> at & 1)
            return stoa_fail(error, STOA_ERROR_INVALID, "\"%s\" holds %lld twice", name,
                             (long long)at);
        seen |= UINT64_C(1) << at;
    }
    return true;
}

static size_t size_of(const json_t *question, const json_t *options)
{
    return json_dumpb(question, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) +
           json_dumpb(options, NULL, 0, JSON_COMPACT);
}

/* Everyone who comes in is sent all polls at once. */
static bool check_room_for_one(const PollConf *conf, const PollRoom *state, const json_t *question,
                               const json_t *options, GError **error)
{
    size_t size = size_of(question, options);

    if (state->polls->len >= conf->polls)
        return stoa_fail(error, STOA_ERROR_CONFLICT,
                         "a room has %" PRId64 " polls at most: remove one", conf->polls);
    for (guint i = 0; i < state->polls->len; i++) {
        const Poll *poll = state->polls->pdata[i];
        size += size_of(poll->question, poll->options);
    }
    return size <= (size_t)conf->text_bytes ||
           stoa_fail(error, STOA_ERROR_CONFLICT,
                     "the polls of this room would have %zu bytes of text, and have %" PRId64
                     " at most: remove some, or ask in fewer words",
                     size, conf->text_bytes);
}

static bool on_create(StoaRequest *req, GError **error)
{
    const PollConf *conf = stoa_module_conf(stoa_request_module(req));
    StoaRoom *room = stoa_request_room(req);
    const PollRoom *state = stoa_room_state(room);
    const json_t *options = stoa_request_json(req, "options");
    const json_t *correct = stoa_request_json(req, "correct");
    const char *show = stoa_request_string(req, "show_results");

    if (!check_room_for_one(conf, state, stoa_request_json(req, "question"), options, error) ||
        !check_indexes(correct, "correct", json_array_size(options), error))
        return false;
    json_t *body = json_pack(
        "{s:O, s:O, s:b, s:b, s:b, s:O*}", "question", stoa_request_json(req, "question"),
        "options", options, "multiple", stoa_request_bool(req, "multiple"), "anonymous",
        !stoa_request_has(req, "anonymous") || stoa_request_bool(req, "anonymous"), "live",
        g_strcmp0(show, "live") == 0, "correct", json_is_array(correct) ? correct : NULL);
    if (!stoa_request_record(req, "created", body, error))
        return false;
    stoa_request_reply(req, id_body(poll_find(room, stoa_request_seq(req))));
    stoa_room_count(room, CREATED, 1);
    return true;
}

/* The texts are in this record too: the question as it was asked, and whose words it is if it was prepared by another. */
static bool on_open(StoaRequest *req, GError **error)
{
    const char *me = stoa_participant_id(stoa_request_from(req));
    const Poll *poll = poll_of(req, error);

    if (!poll)
        return false;
    if (poll->state != POLL_DRAFT)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "this poll was opened already%s",
                         poll->state == POLL_CLOSED ? ": create another one" : "");
    json_t *body =
        json_pack("{s:o, s:O, s:O, s:b, s:b, s:b, s:O*, s:s*}", "id", stoa_record_id(poll->id),
                  "question", poll->question, "options", poll->options, "multiple", poll->multiple,
                  "anonymous", poll->anonymous, "live", poll->live, "correct", poll->correct, "by",
                  g_strcmp0(poll->author, me) == 0 ? NULL : poll->author);
    stoa_request_reply(req, id_body(poll));
    return stoa_request_record(req, "opened", body, error);
}

/* -- voting ----------------------------------------------------------------------------------------- */

static bool check_choices(const Poll *poll, const json_t *choices, GError **error)
{
    size_t n = json_array_size(choices);

    if (poll->state != POLL_OPEN)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "this poll is %s: votes are not taken",
                         poll->state == POLL_CLOSED ? "closed" : "not open yet");
    if (!poll->multiple && n != 1)
        return stoa_fail(error, STOA_ERROR_INVALID, "\"choices\" must hold one choice, not %zu", n);
    return check_indexes(choices, "choices", poll_n_options(poll), error);
}

/* What the person chose before is erased: of one person there is one vote. */
static bool on_vote(StoaRequest *req, GError **error)
{
    const json_t *choices = stoa_request_json(req, "choices");
    StoaRoom *room = stoa_request_room(req);
    const Poll *poll = poll_of(req, error);

    if (!poll || !check_choices(poll, choices, error))
        return false;
    const PollVote *before = poll_vote_of(poll, stoa_participant_id(stoa_request_from(req)));
    uint64_t seq = before ? before->seq : 0;
    json_t *id = stoa_record_id(poll->id);
    if (!stoa_request_record(req, "vote", json_pack("{s:O, s:O}", "id", id, "choices", choices),
                             error)) {
        json_decref(id);
        return false;
    }
    if (seq)
        stoa_room_erase(room, seq);
    stoa_request_reply(req, json_pack("{s:o, s:O}", "id", id, "choices", choices));
    stoa_room_count(room, VOTES, 1);
    return true;
}

/* -- closing ---------------------------------------------------------------------------------------- */

static bool record(StoaRequest *req, StoaRoom *room, const char *kind, json_t *body, GError **error)
{
    return req ? stoa_request_record(req, kind, body, error)
               : stoa_room_record(room, kind, body, error);
}

static json_t *totals(const Poll *poll)
{
    json_t *counts = json_array();

    for (size_t i = 0; i < poll_n_options(poll); i++)
        json_array_append_new(counts, json_integer(poll->counts[i]));
    return json_pack("{s:o, s:o, s:I}", "id", stoa_record_id(poll->id), "counts", counts, "voters",
                     (json_int_t)poll->n_voters);
}

static void erase_votes(StoaRoom *room, const GArray *seqs)
{
    for (guint i = 0; i < seqs->len; i++)
        stoa_room_erase(room, g_array_index(seqs, uint64_t, i));
}

static GArray *seqs_of_votes(const Poll *poll)
{
    GArray *seqs = g_array_new(FALSE, FALSE, sizeof(uint64_t));

    for (guint i = 0; i < poll->votes->len; i++) {
        const PollVote *vote = poll->votes->pdata[i];
        g_array_append_val(seqs, vote->seq);
    }
    return seqs;
}

/* Of an anonymous poll the totals are recorded and the votes erased, in one commit. */
static bool close_poll(StoaRequest *req, StoaRoom *room, const Poll *poll, GError **error)
{
    g_autoptr(GArray) seqs = seqs_of_votes(poll);
    bool anonymous = poll->anonymous;
    json_t *results = anonymous ? totals(poll) : id_body(poll);

    if (!record(req, room, "closed", id_body(poll), error)) {
        json_decref(results);
        return false;
    }
    if (!record(req, room, "results", results, error))
        return false;
    if (anonymous)
        erase_votes(room, seqs);
    return true;
}

static bool on_close(StoaRequest *req, GError **error)
{
    const Poll *poll = poll_of(req, error);

    if (!poll)
        return false;
    if (poll->state != POLL_OPEN)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "this poll is not open");
    stoa_request_reply(req, id_body(poll));
    return close_poll(req, stoa_request_room(req), poll, error);
}

static void meeting_ended(StoaRoom *room)
{
    const PollRoom *state = stoa_room_state(room);

    for (guint i = 0; i < state->polls->len; i++) {
        const Poll *poll = state->polls->pdata[i];
        g_autoptr(GError) error = NULL;
        if (poll->state == POLL_OPEN && !close_poll(NULL, room, poll, &error))
            stoa_room_log(room, G_LOG_LEVEL_WARNING, "a poll stays open: %s", error->message);
    }
}

/* -- showing and removing --------------------------------------------------------------------------- */

static bool on_publish(StoaRequest *req, GError **error)
{
    const Poll *poll = poll_of(req, error);

    if (!poll)
        return false;
    if (poll->state == POLL_DRAFT)
        return stoa_fail(error, STOA_ERROR_CONFLICT, "this poll was not opened yet");
    stoa_request_reply(req, id_body(poll));
    return stoa_request_record(req, "published", id_body(poll), error);
}

/* Its texts and its votes go for good. */
static bool on_remove(StoaRequest *req, GError **error)
{
    StoaRoom *room = stoa_request_room(req);
    const Poll *poll = poll_of(req, error);

    if (!poll)
        return false;
    g_autoptr(GArray) seqs = seqs_of_votes(poll);
    g_array_append_val(seqs, poll->id);
    if (poll->opened_seq)
        g_array_append_val(seqs, poll->opened_seq);
    stoa_request_reply(req, id_body(poll));
    json_t *body = id_body(poll);
    if (poll->state == POLL_DRAFT)
        json_object_set_new(body, "draft", json_true());
    if (!stoa_request_record(req, "removed", body, error))
        return false;
    erase_votes(room, seqs);
    return true;
}

static bool on_list(StoaRequest *req, GError **error G_GNUC_UNUSED)
{
    stoa_request_reply(req, poll_list(stoa_request_room(req), stoa_request_from(req)));
    return true;
}

/* -- tables ----------------------------------------------------------------------------------------- */

static const char *const when[] = { "live", "closed", NULL };

static const StoaParam create_params[] = {
    { "question", STOA_TEXT, STOA_REQUIRED, 1, POLL_QUESTION_MAX, .help = "what is asked" },
    { "options", STOA_ARRAY, STOA_REQUIRED, 2, POLL_OPTIONS_MAX, .items = STOA_TEXT,
      .item_max = POLL_OPTION_MAX, .help = "what can be answered" },
    { "multiple", STOA_BOOL, STOA_NULLABLE, .help = "several options may be chosen; false" },
    { "anonymous", STOA_BOOL, STOA_NULLABLE,
      .help = "nobody learns who chose what, and it is forgotten at the close; true" },
    { "show_results", STOA_ENUM, STOA_NULLABLE, .choices = when,
      .help = "after each vote or once it is closed; closed" },
    { "correct", STOA_ARRAY, STOA_NULLABLE, 1, POLL_OPTIONS_MAX, .items = STOA_INT,
      .item_max = POLL_OPTIONS_MAX - 1, .help = "a quiz: places of the right answers, from 0" },
    { NULL },
};
static const StoaParam id_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the poll" },
    { NULL },
};
static const StoaParam vote_params[] = {
    { "id", STOA_ID, STOA_REQUIRED, .help = "the poll" },
    { "choices", STOA_ARRAY, STOA_REQUIRED, 1, POLL_OPTIONS_MAX, .items = STOA_INT,
      .item_max = POLL_OPTIONS_MAX - 1, .help = "places of the chosen options, from 0" },
    { NULL },
};
static const StoaMethod methods[] = {
    { "create", on_create, STOA_ROLE_COHOST, create_params, "Prepare a poll; nobody sees it yet" },
    { "open", on_open, STOA_ROLE_COHOST, id_params, "Ask it" },
    { "vote", on_vote, STOA_ROLE_PARTICIPANT, vote_params,
      "Choose, or choose anew while it is open" },
    { "close", on_close, STOA_ROLE_COHOST, id_params, "Take no more votes, show the results" },
    { "publish", on_publish, STOA_ROLE_COHOST, id_params, "Show the results now, and from now on" },
    { "remove", on_remove, STOA_ROLE_COHOST, id_params, "Erase it with its votes" },
    { "list", on_list, STOA_ROLE_PARTICIPANT, NULL, "The polls as you may see them" },
    { NULL },
};
static const StoaOption options[] = {
    { "limits.polls", STOA_INT, STOA_LIVE, offsetof(PollConf, polls), "200", 1, 10000,
      "Polls in one room" },
    { "limits.text_bytes", STOA_INT, STOA_LIVE, offsetof(PollConf, text_bytes), "524288", 1000,
      INT64_C(1) << 30,
      "Bytes of all questions and options in one room; everyone who comes in is sent them" },
    { NULL },
};

STOA_PLUGIN(.name = "poll", .version = "1.0", .summary = "Polls and quizzes, anonymous or named",
            .caps = STOA_CAP_HISTORY, .methods = methods, .options = options, .metrics = metrics,
            .conf_size = sizeof(PollConf), .room_size = sizeof(PollRoom),
            .room_opened = poll_room_opened, .room_closed = poll_room_closed, .apply = poll_apply,
            .save = poll_save, .load = poll_load, .describe = poll_list, .present = poll_present,
            .redact = poll_redact, .redact_other = poll_redact_other, .history_name = "polls",
            .history = poll_history, .meeting_ended = meeting_ended)
