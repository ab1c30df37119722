/* SPDX-License-Identifier: MIT */
/* Participant tokens: who carries one is that person in that room. Kept by their hashes in memory, and in the store so that
 * they survive a restart. A person has one at a time. (rooms API, "Join"; SECURITY R17) */
#pragma once

#include "room/rooms-conf.h"
#include "store/store.h"
#include "store/token.h"

#include <stoa/plugin.h>

/* One token. Strings are owned by it; it is gone at the next turn unless looked up again. */
typedef struct {
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    char *participant, *room;
    char *name, *email; /* NULL: none */
    StoaRole role;
    bool waiting;                 /* in the lobby: HTTP answers nothing but /leave */
    bool proven;                  /* the address is theirs: see StoaWebCaller */
    int64_t expires_ms, saved_ms; /* now, and as the store has it */
} StoaSeatToken;

typedef struct StoaSeatTokens StoaSeatTokens;

/** @expired  told of a token that nobody used for too long, before it goes */
StoaSeatTokens *stoa_seat_tokens_new(StoaStore *store, const StoaRoomsConf *conf,
                                     void (*expired)(const StoaSeatToken *token, void *user),
                                     void *user);
void stoa_seat_tokens_free(StoaSeatTokens *tokens);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaSeatTokens, stoa_seat_tokens_free)

/** Within a job at the start: forget what has expired, read the rest into an array of StoaSeatToken. NULL with `error`. */
GPtrArray *stoa_seat_tokens_read(StoaDb *db, GError **error);
/** Take such an array (taken). */
void stoa_seat_tokens_adopt(StoaSeatTokens *tokens, GPtrArray *list);

/**
 * Give somebody a token in place of the one they had.
 *
 * @token  taken; expires_ms and saved_ms are set here. Writing it to the store is the caller's job.
 */
void stoa_seat_tokens_put(StoaSeatTokens *tokens, StoaSeatToken *token);
void stoa_seat_token_free(StoaSeatToken *token);

/** Who brings this token; its expiry moves on. NULL: nobody, or no more. */
StoaSeatToken *stoa_seat_tokens_use(StoaSeatTokens *tokens, const char *text);
/** The token that a person has now; NULL: none. */
StoaSeatToken *stoa_seat_tokens_of(StoaSeatTokens *tokens, const char *participant);
/** The token of a person is dead at once. Deleting its row is the caller's job. */
void stoa_seat_tokens_drop(StoaSeatTokens *tokens, const char *participant);
/** The tokens of everybody of a room are dead. */
void stoa_seat_tokens_drop_room(StoaSeatTokens *tokens, const char *room);
