/* SPDX-License-Identifier: MIT */
/* Participant tokens. */
#include "config.h"

#include "base/timer.h"
#include "room/capability.h"
#include "room/seat-token.h"

#include <string.h>

enum { SWEEP_MS = 1000, SAVE_MS = 60000 };

struct StoaSeatTokens {
    StoaStore *store;
    const StoaRoomsConf *conf;
    void (*expired)(const StoaSeatToken *token, void *user);
    void *user;
    GHashTable *by_hash;   /* hash → StoaSeatToken, owned */
    GHashTable *by_person; /* participant → the same */
    StoaTimer *sweeper;
};

/* The hash is random already: four of its bytes are as good as all. */
static guint token_hash(gconstpointer key)
{
    guint value;

    memcpy(&value, key, sizeof value);
    return value;
}

static gboolean token_equal(gconstpointer a, gconstpointer b)
{
    return stoa_token_equal(a, b);
}

void stoa_seat_token_free(StoaSeatToken *token)
{
    if (!token)
        return;
    g_free(token->participant);
    g_free(token->room);
    g_free(token->name);
    g_free(token->email);
    g_free(token);
}

static void remove_token(StoaSeatTokens *tokens, StoaSeatToken *token)
{
    g_hash_table_remove(tokens->by_person, token->participant);
    g_hash_table_remove(tokens->by_hash, token->hash);
}

static void sweep(void *data)
{
    StoaSeatTokens *tokens = data;
    int64_t now = stoa_store_now_ms();
    g_autoptr(GPtrArray) over = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, tokens->by_hash);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StoaSeatToken *token = value;
        if (token->expires_ms <= now)
            g_ptr_array_add(over, g_strdup(token->participant));
    }
    for (guint i = 0; i < over->len; i++) {
        const StoaSeatToken *token = g_hash_table_lookup(tokens->by_person, over->pdata[i]);
        if (token && tokens->expired)
            tokens->expired(token, tokens->user);
        stoa_seat_tokens_drop(tokens, over->pdata[i]);
    }
}

StoaSeatTokens *stoa_seat_tokens_new(StoaStore *store, const StoaRoomsConf *conf,
                                     void (*expired)(const StoaSeatToken *token, void *user),
                                     void *user)
{
    StoaSeatTokens *tokens = g_new0(StoaSeatTokens, 1);

    *tokens = (StoaSeatTokens){ .store = store, .conf = conf, .expired = expired, .user = user };
    tokens->by_hash =
        g_hash_table_new_full(token_hash, token_equal, NULL, (GDestroyNotify)stoa_seat_token_free);
    tokens->by_person = g_hash_table_new(g_str_hash, g_str_equal);
    tokens->sweeper = stoa_timer_every(SWEEP_MS, sweep, tokens);
    return tokens;
}

void stoa_seat_tokens_free(StoaSeatTokens *tokens)
{
    if (!tokens)
        return;
    stoa_timer_clear(&tokens->sweeper);
    g_hash_table_unref(tokens->by_person);
    g_hash_table_unref(tokens->by_hash);
    g_free(tokens);
}

/* -- the store ---------------------------------------------------------------------------- */

/* Who waited when the server stopped still does: who has not been let into the running meeting of a room with a lobby, or is a
 * guest from where somebody was banned. */
static const char all_seats[] =
    "SELECT t.token, t.expires_at, p.id, p.room_id, p.name, p.email, p.role,"
    " p.role = 'participant' AND NOT EXISTS (SELECT 1 FROM meeting m WHERE m.id = p.admitted_to"
    " AND m.ended_at IS NULL) AND (r.lobby = 1 OR EXISTS (SELECT 1 FROM bar b"
    " WHERE b.participant_id = p.id)), t.proven"
    " FROM participant_token t JOIN participant p ON p.id = t.participant_id"
    " JOIN room r ON r.id = p.room_id WHERE t.kind = 'seat'";

static StoaSeatToken *read_token(const StoaRows *rows)
{
    StoaSeatToken *token = g_new0(StoaSeatToken, 1);
    size_t len;
    const void *hash = stoa_rows_blob(rows, 0, &len);

    if (hash && len == sizeof token->hash)
        memcpy(token->hash, hash, len);
    token->expires_ms = token->saved_ms = stoa_rows_int(rows, 1);
    token->participant = g_strdup(stoa_rows_text(rows, 2));
    token->room = g_strdup(stoa_rows_text(rows, 3));
    token->name = g_strdup(stoa_rows_text(rows, 4));
    token->email = g_strdup(stoa_rows_text(rows, 5));
    token->role = stoa_role_from_name(stoa_rows_text(rows, 6));
    token->waiting = stoa_rows_int(rows, 7);
    token->proven = stoa_rows_int(rows, 8);
    return token;
}

GPtrArray *stoa_seat_tokens_read(StoaDb *db, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (!stoa_db_exec(db, error,
                      "DELETE FROM participant_token WHERE kind = 'seat' AND expires_at <= ?1", "i",
                      stoa_store_now_ms()))
        return NULL;
    g_autoptr(StoaRows) rows = stoa_db_query(db, error, all_seats, "");
    if (!rows)
        return NULL;
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)stoa_seat_token_free);
    while (stoa_rows_next(rows, &why))
        g_ptr_array_add(list, read_token(rows));
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return g_steal_pointer(&list);
}

static void insert(StoaSeatTokens *tokens, StoaSeatToken *token)
{
    stoa_seat_tokens_drop(tokens, token->participant);
    g_hash_table_insert(tokens->by_hash, token->hash, token);
    g_hash_table_insert(tokens->by_person, token->participant, token);
}

void stoa_seat_tokens_adopt(StoaSeatTokens *tokens, GPtrArray *list)
{
    g_ptr_array_set_free_func(list, NULL);
    for (guint i = 0; i < list->len; i++)
        insert(tokens, list->pdata[i]);
    g_ptr_array_unref(list);
}

typedef struct {
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    int64_t expires_ms;
} Expiry;

static bool save_expiry(StoaDb *db, void *data, GError **error)
{
    const Expiry *expiry = data;

    return stoa_db_exec(db, error, "UPDATE participant_token SET expires_at = ?1 WHERE token = ?2",
                        "ib", expiry->expires_ms, expiry->hash, sizeof expiry->hash);
}

/* In memory at each request; in the store now and then, so that a restart finds it alive. */
static void move_on(StoaSeatTokens *tokens, StoaSeatToken *token)
{
    int64_t life_ms = tokens->conf->participant_s * 1000;

    token->expires_ms = stoa_store_now_ms() + life_ms;
    if (token->expires_ms - token->saved_ms < MIN(SAVE_MS, life_ms / 4))
        return;
    Expiry *expiry = g_new(Expiry, 1);
    memcpy(expiry->hash, token->hash, sizeof expiry->hash);
    expiry->expires_ms = token->saved_ms = token->expires_ms;
    stoa_store_run(tokens->store, save_expiry, NULL, expiry, g_free);
}

/* -- in memory ---------------------------------------------------------------------------- */

void stoa_seat_tokens_put(StoaSeatTokens *tokens, StoaSeatToken *token)
{
    token->expires_ms = token->saved_ms = stoa_store_now_ms() + tokens->conf->participant_s * 1000;
    insert(tokens, token);
}

StoaSeatToken *stoa_seat_tokens_use(StoaSeatTokens *tokens, const char *text)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    if (!stoa_token_hash(text, hash))
        return NULL;
    StoaSeatToken *token = g_hash_table_lookup(tokens->by_hash, hash);
    if (!token || token->expires_ms <= stoa_store_now_ms())
        return NULL;
    move_on(tokens, token);
    return token;
}

StoaSeatToken *stoa_seat_tokens_of(StoaSeatTokens *tokens, const char *participant)
{
    return g_hash_table_lookup(tokens->by_person, participant);
}

void stoa_seat_tokens_drop(StoaSeatTokens *tokens, const char *participant)
{
    StoaSeatToken *token = g_hash_table_lookup(tokens->by_person, participant);

    if (token)
        remove_token(tokens, token);
}

void stoa_seat_tokens_drop_room(StoaSeatTokens *tokens, const char *room)
{
    g_autoptr(GList) all = g_hash_table_get_values(tokens->by_hash);

    for (GList *at = all; at; at = at->next) {
        StoaSeatToken *token = at->data;
        if (g_str_equal(token->room, room))
            remove_token(tokens, token);
    }
}
