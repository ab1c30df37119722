/* SPDX-License-Identifier: MIT */
/* What the life of a room writes into the store: lines that are collected, then written by one job. */
#pragma once

#include "store/store.h"
#include "store/token.h"

typedef struct StoaLedger StoaLedger;

StoaLedger *stoa_ledger_new(void);
void stoa_ledger_free(StoaLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaLedger, stoa_ledger_free)

/** Write all of it in one transaction. @ledger  taken. @done  may be NULL. @data  as in stoa_store_run(). */
void stoa_ledger_run(StoaLedger *ledger, StoaStore *store, StoaStoreDone *done, void *data,
                     GDestroyNotify free_data);

/* A person of a room, as the store has one. Strings borrowed. */
typedef struct {
    const char *id, *room, *invitation, *host, *email, *name,
        *role; /* all but id, room, role may be NULL */
} StoaLedgerPerson;

/** A person is of the room: made, or left as it is. Their invitation is accepted. */
void stoa_ledger_person(StoaLedger *ledger, const StoaLedgerPerson *person);
/** A person's seat token, in place of the one before. @proven  see StoaSeatToken. */
void stoa_ledger_seat(StoaLedger *ledger, const char *person,
                      const uint8_t hash[STOA_TOKEN_HASH_LEN], int64_t expires_ms, bool proven);
void stoa_ledger_unseat(StoaLedger *ledger, const char *person);
void stoa_ledger_unseat_room(StoaLedger *ledger, const char *room);
void stoa_ledger_meeting(StoaLedger *ledger, const char *room, const char *meeting, int64_t at_ms);
/** Somebody came in: lobby and lock are behind them for this meeting. */
void stoa_ledger_attend(StoaLedger *ledger, const char *meeting, const char *person, int64_t at_ms);
/** They are before them again. */
void stoa_ledger_shut_out(StoaLedger *ledger, const char *person);
/** The stay that began at `joined_ms` is over. */
void stoa_ledger_depart(StoaLedger *ledger, const char *meeting, const char *person,
                        int64_t joined_ms, int64_t left_ms);
/** Everybody who is in leaves. */
void stoa_ledger_depart_all(StoaLedger *ledger, const char *meeting, int64_t at_ms);
/** The server is up with this meeting. */
void stoa_ledger_seen(StoaLedger *ledger, const char *meeting, int64_t at_ms);
/** Since when a person's hand is up; 0: it is down. */
void stoa_ledger_hand(StoaLedger *ledger, const char *person, int64_t since_ms);
void stoa_ledger_state(StoaLedger *ledger, const char *room, const char *state);
void stoa_ledger_ban(StoaLedger *ledger, const char *person);
/** Whoever comes from where that person came from is asked to wait, while the meeting lasts. */
void stoa_ledger_bar(StoaLedger *ledger, const char *meeting, const char *person, const char *home);
/** A person's role, and that of their invitation. */
void stoa_ledger_role(StoaLedger *ledger, const char *person, const char *role);
