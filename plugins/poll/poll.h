/* SPDX-License-Identifier: MIT */
/* A poll: a question with options, who chose what while that must be known, and how many for good. */
#pragma once

#include <stoa/plugin.h>

enum { POLL_QUESTION_MAX = 1000, POLL_OPTION_MAX = 500, POLL_OPTIONS_MAX = 64 };

typedef struct {
    int64_t polls, text_bytes; /* in one room */
} PollConf;

typedef enum { POLL_DRAFT, POLL_OPEN, POLL_CLOSED, POLL_N_STATES } PollState;

/* One person's choice. */
typedef struct {
    char *who;        /* a participant's id; of an erased one the vote's own number */
    uint64_t seq;     /* of its record */
    uint64_t choices; /* one bit for each option */
} PollVote;

typedef struct {
    uint64_t id;                /* the number of its first record */
    json_t *question, *options; /* texts, or sealed texts */
    json_t *correct;            /* indexes of the right answers; NULL: it is no quiz */
    bool multiple, anonymous, live;
    bool published; /* results are shown though it is not closed */
    PollState state;
    char *author, *meeting;      /* who made it; in which meeting it was opened */
    char *opened_at, *closed_at; /* RFC 3339; NULL: not yet */
    uint64_t opened_seq;         /* the record that opened it, which holds its texts once more */
    GPtrArray *
        votes; /* of PollVote, in the order of their records; empty once an anonymous poll is closed */
    uint64_t last_vote; /* number of the newest of them */
    int64_t counts[POLL_OPTIONS_MAX];
    int64_t n_voters;
    json_t *shown; /* counts and voters as people see them; NULL: something happened since */
} Poll;

typedef struct {
    GPtrArray *polls; /* of Poll, oldest first */
} PollRoom;

/* state.c: the fold over the records, and its snapshot */
void poll_room_opened(StoaRoom *room);
void poll_room_closed(StoaRoom *room);
void poll_apply(StoaRoom *room, StoaParticipant *author, const StoaRecord *record);
json_t *poll_save(StoaRoom *room);
bool poll_load(StoaRoom *room, const json_t *snapshot);

/** NULL: there is none of that id. */
Poll *poll_find(StoaRoom *room, uint64_t id);
/** The number in an id of the wire; 0: it is none of ours. */
/** What a person chose; NULL: nothing yet, or it is not known any more. */
const PollVote *poll_vote_of(const Poll *poll, const char *who);
size_t poll_n_options(const Poll *poll);

/* view.c: what people see; `viewer` NULL: the operator, who sees what a host sees */
json_t *poll_list(StoaRoom *room, StoaParticipant *viewer);
json_t *poll_present(StoaRoom *room, const StoaRecord *record, StoaParticipant *viewer);
json_t *poll_redact(StoaRoom *room, const StoaRecord *record);
json_t *poll_redact_other(StoaRoom *room, const StoaRecord *record, const char *person);
json_t *poll_history(StoaRoom *room, const char *meeting, StoaParticipant *viewer);
/** Whether a poll is there for that person at all. */
bool poll_is_seen_by(const Poll *poll, StoaParticipant *viewer);
