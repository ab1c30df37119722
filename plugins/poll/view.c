/* SPDX-License-Identifier: MIT */
/* Polls as people see them: in events, in `list` and `state`, in the history. */
#include "poll.h"

#include <string.h>

static const char *const state_names[POLL_N_STATES] = { "draft", "open", "closed" };

static bool is_moderator(const StoaParticipant *viewer)
{
    return !viewer || stoa_participant_role(viewer) >= STOA_ROLE_COHOST;
}

bool poll_is_seen_by(const Poll *poll, StoaParticipant *viewer)
{
    return poll->state != POLL_DRAFT || is_moderator(viewer);
}

/* Nobody, host or not, knows how the vote stands before it is shown to all. */
static bool shows_results(const Poll *poll)
{
    return poll->state == POLL_CLOSED ||
           (poll->state == POLL_OPEN && (poll->live || poll->published));
}

static bool shows_correct(const Poll *poll, const StoaParticipant *viewer)
{
    return poll->correct && (poll->state == POLL_CLOSED || poll->published || is_moderator(viewer));
}

/* -- parts ------------------------------------------------------------------------------------------ */

static json_t *choices_json(uint64_t choices)
{
    json_t *list = json_array();

    for (int i = 0; i < POLL_OPTIONS_MAX; i++) {
        if (choices >> i & 1)
            json_array_append_new(list, json_integer(i));
    }
    return list;
}

static json_t *counts_json(const Poll *poll)
{
    json_t *counts = json_array();

    for (size_t i = 0; i < poll_n_options(poll); i++)
        json_array_append_new(counts, json_integer(poll->counts[i]));
    return counts;
}

static json_t *voters_json(StoaRoom *room, const Poll *poll)
{
    if (poll->anonymous)
        return json_integer(poll->n_voters);
    json_t *voters = json_array();
    for (guint i = 0; i < poll->votes->len; i++) {
        const PollVote *vote = poll->votes->pdata[i];
        json_array_append_new(voters, stoa_room_who(room, vote->who));
    }
    return voters;
}

/* Made once and shown to many: the voters of a large class are a long list. */
static void put_results(json_t *body, StoaRoom *room, Poll *poll)
{
    if (!poll->shown)
        poll->shown =
            json_pack("{s:o, s:o}", "counts", counts_json(poll), "voters", voters_json(room, poll));
    json_object_update(body, poll->shown);
}

static json_t *results_json(StoaRoom *room, Poll *poll, const StoaParticipant *viewer)
{
    json_t *body = json_pack("{s:s, s:o}", "event", "results", "id", stoa_record_id(poll->id));

    put_results(body, room, poll);
    if (shows_correct(poll, viewer))
        json_object_set(body, "correct", poll->correct);
    return body;
}

static json_t *poll_json(StoaRoom *room, Poll *poll, StoaParticipant *viewer)
{
    const PollVote *mine = viewer ? poll_vote_of(poll, stoa_participant_id(viewer)) : NULL;
    json_t *body = json_pack(
        "{s:o, s:O, s:O, s:b, s:b, s:s, s:s, s:o, s:s?, s:s?}", "id", stoa_record_id(poll->id),
        "question", poll->question, "options", poll->options, "multiple", poll->multiple,
        "anonymous", poll->anonymous, "show_results", poll->live ? "live" : "closed", "state",
        state_names[poll->state], "by", stoa_room_who(room, poll->author), "opened_at",
        poll->opened_at, "closed_at", poll->closed_at);

    if (shows_correct(poll, viewer))
        json_object_set(body, "correct", poll->correct);
    if (shows_results(poll))
        put_results(body, room, poll);
    else if (is_moderator(viewer))
        json_object_set_new(body, "voted", json_integer(poll->n_voters));
    if (mine)
        json_object_set_new(body, "mine", choices_json(mine->choices));
    return body;
}

json_t *poll_list(StoaRoom *room, StoaParticipant *viewer)
{
    const PollRoom *state = stoa_room_state(room);
    json_t *polls = json_array();

    for (guint i = 0; i < state->polls->len; i++) {
        Poll *poll = state->polls->pdata[i];
        if (poll_is_seen_by(poll, viewer))
            json_array_append_new(polls, poll_json(room, poll, viewer));
    }
    return json_pack("{s:o}", "polls", polls);
}

/* -- events ----------------------------------------------------------------------------------------- */

/* A vote shows where the results are live, only the newest of them, for they all say the same; else how many have voted. */
static json_t *present_vote(StoaRoom *room, Poll *poll, const StoaRecord *record,
                            const StoaParticipant *viewer)
{
    if (poll->state != POLL_OPEN || stoa_record_seq(record) != poll->last_vote)
        return NULL;
    if (shows_results(poll))
        return results_json(room, poll, viewer);
    if (!is_moderator(viewer))
        return NULL;
    return json_pack("{s:s, s:o, s:I}", "event", "progress", "id", stoa_record_id(poll->id),
                     "voted", (json_int_t)poll->n_voters);
}

static json_t *present_closed(const Poll *poll, const StoaRecord *record)
{
    json_t *body = json_pack("{s:o, s:s}", "id", stoa_record_id(poll->id), "closed_at",
                             stoa_record_at(record));

    if (poll->correct)
        json_object_set(body, "correct", poll->correct);
    return body;
}

static json_t *present_removed(const json_t *body, const StoaParticipant *viewer)
{
    if (json_is_true(json_object_get(body, "draft")) && !is_moderator(viewer))
        return NULL;
    return json_pack("{s:O}", "id", json_object_get(body, "id"));
}

json_t *poll_present(StoaRoom *room, const StoaRecord *record, StoaParticipant *viewer)
{
    const json_t *body = stoa_record_body(record);
    const char *kind = stoa_record_kind(record);
    bool created = g_str_equal(kind, "created");
    Poll *poll = poll_find(
        room, created ? stoa_record_seq(record)
                      : stoa_record_id_seq(json_string_value(json_object_get(body, "id"))));

    if (!body)
        return NULL;
    if (g_str_equal(kind, "removed"))
        return present_removed(body, viewer);
    if (!poll) /* removed meanwhile */
        return NULL;
    if (created)
        return is_moderator(viewer) ? poll_json(room, poll, viewer) : NULL;
    if (g_str_equal(kind, "opened"))
        return poll_json(room, poll, viewer);
    if (g_str_equal(kind, "closed"))
        return present_closed(poll, record);
    if (g_str_equal(kind, "vote"))
        return present_vote(room, poll, record, viewer);
    return shows_results(poll) ? results_json(room, poll, viewer) : NULL;
}

/* -- what stays ------------------------------------------------------------------------------------- */

static json_t *erased_options(const json_t *options)
{
    json_t *erased = json_array();

    for (size_t i = 0; i < json_array_size(options); i++)
        json_array_append_new(erased, json_string("erased"));
    return erased;
}

/* Who wrote the words in a record: of one that opens a poll it may be another than its author. */
static const char *writer_of(const StoaRecord *record)
{
    const char *by = json_string_value(json_object_get(stoa_record_body(record), "by"));

    return by ? by : stoa_record_author(record);
}

json_t *poll_redact_other(StoaRoom *room G_GNUC_UNUSED, const StoaRecord *record,
                          const char *person)
{
    json_t *body = json_deep_copy(stoa_record_body(record));

    if (json_object_get(body, "question") && g_strcmp0(writer_of(record), person) == 0) {
        json_object_set_new(body, "question", json_string("erased"));
        json_object_set_new(body, "options", erased_options(json_object_get(body, "options")));
    }
    return body;
}

/* Votes lose the name, which is the core's, and count on; what the person wrote goes. */
json_t *poll_redact(StoaRoom *room, const StoaRecord *record)
{
    return poll_redact_other(room, record, stoa_record_author(record));
}

static json_t *history_options(const Poll *poll)
{
    json_t *options = json_array();

    for (size_t i = 0; i < poll_n_options(poll); i++)
        json_array_append_new(options,
                              json_pack("{s:O, s:I}", "text", json_array_get(poll->options, i),
                                        "votes", (json_int_t)poll->counts[i]));
    return options;
}

static json_t *history_votes(StoaRoom *room, const Poll *poll)
{
    json_t *votes = json_array();

    for (guint i = 0; i < poll->votes->len; i++) {
        const PollVote *vote = poll->votes->pdata[i];
        json_t *who = stoa_room_who(room, vote->who);
        json_array_append_new(votes, json_pack("{s:O, s:o}", "name", json_object_get(who, "name"),
                                               "choices", choices_json(vote->choices)));
        json_decref(who);
    }
    return votes;
}

static json_t *history_poll(StoaRoom *room, const Poll *poll)
{
    json_t *body =
        json_pack("{s:o, s:O, s:o, s:b, s:b, s:s?, s:O*}", "id", stoa_record_id(poll->id),
                  "question", poll->question, "options", history_options(poll), "anonymous",
                  poll->anonymous, "multiple", poll->multiple, "closed_at", poll->closed_at,
                  "correct", poll->state == POLL_CLOSED ? poll->correct : NULL);

    if (!poll->anonymous)
        json_object_set_new(body, "votes", history_votes(room, poll));
    return body;
}

json_t *poll_history(StoaRoom *room, const char *meeting, StoaParticipant *viewer G_GNUC_UNUSED)
{
    const PollRoom *state = stoa_room_state(room);
    json_t *polls = json_array();

    for (guint i = 0; i < state->polls->len; i++) {
        const Poll *poll = state->polls->pdata[i];
        if (shows_results(poll) && g_strcmp0(poll->meeting, meeting) == 0)
            json_array_append_new(polls, history_poll(room, poll));
    }
    return polls;
}
