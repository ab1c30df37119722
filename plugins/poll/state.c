/* SPDX-License-Identifier: MIT */
/* The polls of a room, folded from its records. Kinds: created, opened, vote, closed, results, published, removed. */
#include "poll.h"

#include <inttypes.h>
#include <string.h>

static void vote_free(gpointer data)
{
    PollVote *vote = data;

    g_free(vote->who);
    g_free(vote);
}

static void poll_free(gpointer data)
{
    Poll *poll = data;

    json_decref(poll->question);
    json_decref(poll->options);
    json_decref(poll->correct);
    json_decref(poll->shown);
    g_free(poll->author);
    g_free(poll->meeting);
    g_free(poll->opened_at);
    g_free(poll->closed_at);
    g_ptr_array_unref(poll->votes);
    g_free(poll);
}

void poll_room_opened(StoaRoom *room)
{
    PollRoom *state = stoa_room_state(room);

    state->polls = g_ptr_array_new_with_free_func(poll_free);
}

void poll_room_closed(StoaRoom *room)
{
    PollRoom *state = stoa_room_state(room);

    g_clear_pointer(&state->polls, g_ptr_array_unref);
}

/* -- finding ---------------------------------------------------------------------------------------- */

Poll *poll_find(StoaRoom *room, uint64_t id)
{
    const PollRoom *state = stoa_room_state(room);

    for (guint i = 0; i < state->polls->len; i++) {
        Poll *poll = state->polls->pdata[i];
        if (poll->id == id)
            return poll;
    }
    return NULL;
}

size_t poll_n_options(const Poll *poll)
{
    return MIN(json_array_size(poll->options), (size_t)POLL_OPTIONS_MAX);
}

static bool find_vote(const Poll *poll, const char *who, guint *index)
{
    for (guint i = 0; who && i < poll->votes->len; i++) {
        const PollVote *vote = poll->votes->pdata[i];
        if (g_str_equal(vote->who, who)) {
            *index = i;
            return true;
        }
    }
    return false;
}

const PollVote *poll_vote_of(const Poll *poll, const char *who)
{
    guint index = 0;

    return find_vote(poll, who, &index) ? poll->votes->pdata[index] : NULL;
}

/* -- the records ------------------------------------------------------------------------------------ */

static bool flag_of(const json_t *body, const char *name)
{
    return json_is_true(json_object_get(body, name));
}

static Poll *poll_new(StoaRoom *room, uint64_t id, const json_t *body)
{
    PollRoom *state = stoa_room_state(room);
    Poll *poll = g_new0(Poll, 1);

    poll->id = id;
    poll->question = json_deep_copy(json_object_get(body, "question"));
    poll->options = json_deep_copy(json_object_get(body, "options"));
    poll->correct = json_deep_copy(json_object_get(body, "correct"));
    poll->multiple = flag_of(body, "multiple");
    poll->anonymous = flag_of(body, "anonymous");
    poll->live = flag_of(body, "live");
    poll->votes = g_ptr_array_new_with_free_func(vote_free);
    g_ptr_array_add(state->polls, poll);
    return poll;
}

/* Its texts come along, so that the poll outlives the meeting in which it was prepared. */
static void apply_opened(StoaRoom *room, uint64_t id, const StoaRecord *record)
{
    Poll *poll = poll_find(room, id);

    if (!poll) {
        const char *by = json_string_value(json_object_get(stoa_record_body(record), "by"));
        poll = poll_new(room, id, stoa_record_body(record));
        poll->author = g_strdup(by ? by : stoa_record_author(record));
    }
    poll->state = POLL_OPEN;
    poll->opened_seq = stoa_record_seq(record);
    g_free(poll->opened_at);
    poll->opened_at = g_strdup(stoa_record_at(record));
    g_free(poll->meeting);
    poll->meeting = g_strdup(stoa_record_meeting(record));
}

static void count(Poll *poll, const PollVote *vote, int by)
{
    for (size_t i = 0; i < POLL_OPTIONS_MAX; i++)
        poll->counts[i] += vote->choices >> i & 1 ? by : 0;
    poll->n_voters += by;
}

static void add_vote(Poll *poll, char *who, uint64_t seq, uint64_t choices)
{
    PollVote *vote = g_new(PollVote, 1);

    *vote = (PollVote){ who, seq, choices };
    g_ptr_array_add(poll->votes, vote);
    poll->last_vote = MAX(poll->last_vote, seq);
    count(poll, vote, 1);
}

static void apply_vote(Poll *poll, const StoaRecord *record)
{
    const json_t *choices = json_object_get(stoa_record_body(record), "choices");
    const char *author = stoa_record_author(record);
    uint64_t seq = stoa_record_seq(record), bits = 0;
    json_t *choice;
    guint index;
    size_t i;

    json_array_foreach(choices, i, choice)
    {
        json_int_t at = json_integer_value(choice);
        if (at >= 0 && at < POLL_OPTIONS_MAX)
            bits |= UINT64_C(1) << at;
    }
    if (find_vote(poll, author, &index)) {
        count(poll, poll->votes->pdata[index], -1);
        g_ptr_array_remove_index(poll->votes, index);
    }
    add_vote(poll, author ? g_strdup(author) : g_strdup_printf("%" PRIu64, seq), seq, bits);
}

/* Of an anonymous poll these totals are all there is: the votes are erased with the same commit. */
static void apply_results(Poll *poll, const json_t *body)
{
    const json_t *counts = json_object_get(body, "counts");

    if (!poll->anonymous)
        return;
    g_ptr_array_set_size(poll->votes, 0);
    for (size_t i = 0; i < POLL_OPTIONS_MAX; i++)
        poll->counts[i] = json_integer_value(json_array_get(counts, i));
    poll->n_voters = json_integer_value(json_object_get(body, "voters"));
}

void poll_apply(StoaRoom *room, StoaParticipant *author G_GNUC_UNUSED, const StoaRecord *record)
{
    PollRoom *state = stoa_room_state(room);
    const json_t *body = stoa_record_body(record);
    const char *kind = stoa_record_kind(record);
    uint64_t id = stoa_record_id_seq(json_string_value(json_object_get(body, "id")));
    Poll *poll = poll_find(room, id);

    if (g_str_equal(kind, "created")) {
        poll = poll_new(room, stoa_record_seq(record), body);
        poll->author = g_strdup(stoa_record_author(record));
        return;
    }
    if (g_str_equal(kind, "opened")) {
        apply_opened(room, id, record);
        return;
    }
    if (!poll) /* its records were erased */
        return;
    g_clear_pointer(&poll->shown, json_decref);
    if (g_str_equal(kind, "vote")) {
        apply_vote(poll, record);
    } else if (g_str_equal(kind, "closed")) {
        poll->state = POLL_CLOSED;
        g_free(poll->closed_at);
        poll->closed_at = g_strdup(stoa_record_at(record));
    } else if (g_str_equal(kind, "results")) {
        apply_results(poll, body);
    } else if (g_str_equal(kind, "published")) {
        poll->published = true;
    } else if (g_str_equal(kind, "removed")) {
        g_ptr_array_remove(state->polls, poll);
    }
}

/* -- the snapshot ----------------------------------------------------------------------------------- */

static json_t *save_votes(const Poll *poll)
{
    json_t *votes = json_array();

    for (guint i = 0; i < poll->votes->len; i++) {
        const PollVote *vote = poll->votes->pdata[i];
        g_autofree char *bits = g_strdup_printf("%" PRIx64, vote->choices);
        json_array_append_new(votes,
                              json_pack("[s, I, s]", vote->who, (json_int_t)vote->seq, bits));
    }
    return votes;
}

static json_t *save_counts(const Poll *poll)
{
    json_t *counts = json_array();

    for (size_t i = 0; i < poll_n_options(poll); i++)
        json_array_append_new(counts, json_integer(poll->counts[i]));
    return counts;
}

static json_t *save_one(const Poll *poll)
{
    return json_pack(
        "{s:I, s:O, s:O, s:O*, s:b, s:b, s:b, s:b, s:i, s:s*, s:s*, s:s*, s:s*, s:I, s:o,"
        " s:o, s:I, s:I}",
        "id", (json_int_t)poll->id, "question", poll->question, "options", poll->options, "correct",
        poll->correct, "multiple", poll->multiple, "anonymous", poll->anonymous, "live", poll->live,
        "published", poll->published, "state", (int)poll->state, "author", poll->author, "meeting",
        poll->meeting, "opened_at", poll->opened_at, "closed_at", poll->closed_at, "opened_seq",
        (json_int_t)poll->opened_seq, "votes", save_votes(poll), "counts", save_counts(poll),
        "voters", (json_int_t)poll->n_voters, "last_vote", (json_int_t)poll->last_vote);
}

json_t *poll_save(StoaRoom *room)
{
    const PollRoom *state = stoa_room_state(room);
    json_t *polls = json_array();

    for (guint i = 0; i < state->polls->len; i++)
        json_array_append_new(polls, save_one(state->polls->pdata[i]));
    return json_pack("{s:i, s:o}", "version", 1, "polls", polls);
}

static char *text_of(const json_t *body, const char *name)
{
    return g_strdup(json_string_value(json_object_get(body, name)));
}

static void load_votes(Poll *poll, const json_t *one)
{
    const json_t *counts = json_object_get(one, "counts");
    json_t *vote;
    size_t i;

    json_array_foreach(json_object_get(one, "votes"), i, vote)
    {
        const char *bits = json_string_value(json_array_get(vote, 2));
        add_vote(poll, g_strdup(json_string_value(json_array_get(vote, 0))),
                 (uint64_t)json_integer_value(json_array_get(vote, 1)),
                 g_ascii_strtoull(bits ? bits : "0", NULL, 16));
    }
    for (i = 0; i < POLL_OPTIONS_MAX; i++)
        poll->counts[i] = json_integer_value(json_array_get(counts, i));
    poll->n_voters = json_integer_value(json_object_get(one, "voters"));
    poll->last_vote = (uint64_t)json_integer_value(json_object_get(one, "last_vote"));
}

bool poll_load(StoaRoom *room, const json_t *snapshot)
{
    json_t *one;
    size_t i;

    if (json_integer_value(json_object_get(snapshot, "version")) != 1)
        return false;
    json_array_foreach(json_object_get(snapshot, "polls"), i, one)
    {
        Poll *poll = poll_new(room, (uint64_t)json_integer_value(json_object_get(one, "id")), one);
        poll->published = flag_of(one, "published");
        poll->state = (PollState)json_integer_value(json_object_get(one, "state"));
        poll->author = text_of(one, "author");
        poll->meeting = text_of(one, "meeting");
        poll->opened_at = text_of(one, "opened_at");
        poll->closed_at = text_of(one, "closed_at");
        poll->opened_seq = (uint64_t)json_integer_value(json_object_get(one, "opened_seq"));
        load_votes(poll, one);
    }
    return true;
}
