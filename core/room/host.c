/* SPDX-License-Identifier: MIT */
/* Who may make rooms. */
#include "config.h"

#include "room/host.h"

#include <stoa/error.h>
#include <string.h>

#define DAY_MS \
    ((int64_t)24 * 60 * 60 * 1000) /* how long a link that is no good any more is known as such */

char *stoa_host_find(StoaDb *db, const char *email, GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT id FROM host WHERE email = ?1", "s", email);

    return rows && stoa_rows_next(rows, error) ? g_strdup(stoa_rows_text(rows, 0)) : NULL;
}

/* What is before the @, as a first name for somebody of whom only the address is known. */
static char *name_of(const char *email, const char *name)
{
    return name ? g_strdup(name) : g_strndup(email, strcspn(email, "@"));
}

char *stoa_host_add(StoaDb *db, const char *email, const char *name, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *known = stoa_host_find(db, email, &why);
    g_autofree char *called = name_of(email, name);

    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (known && (!name || stoa_db_exec(db, error, "UPDATE host SET name = ?2 WHERE id = ?1", "ss",
                                        known, name)))
        return g_steal_pointer(&known);
    if (known)
        return NULL;
    g_autofree char *id = stoa_store_id();
    if (!stoa_db_exec(db, error,
                      "INSERT INTO host (id, email, name, created_at) VALUES (?1, ?2, ?3, ?4)",
                      "sssi", id, email, called, stoa_store_now_ms()))
        return NULL;
    return g_steal_pointer(&id);
}

bool stoa_host_link(StoaDb *db, const char *host, int64_t expires_ms,
                    char token[STOA_TOKEN_LEN + 1], GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    stoa_token_new(token, hash);
    return stoa_db_exec(db, error, "DELETE FROM host_link WHERE expires_at < ?1", "i",
                        stoa_store_now_ms() - DAY_MS) &&
           stoa_db_exec(db, error,
                        "INSERT INTO host_link (token, host_id, expires_at) VALUES (?1, ?2, ?3)",
                        "bsi", hash, sizeof hash, host, expires_ms);
}

char *stoa_host_take_link(StoaDb *db, const char *token, int64_t now_ms, GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    g_autoptr(GError) why = NULL;

    stoa_token_hash(token, hash);
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT host_id, expires_at FROM host_link WHERE token = ?1", "b",
                      hash, sizeof hash);
    if (!rows)
        return NULL;
    if (!stoa_rows_next(rows, &why)) {
        if (why)
            g_propagate_error(error, g_steal_pointer(&why));
        else
            stoa_fail(error, STOA_ERROR_NOT_FOUND,
                      "there is no such sign-in link: ask for a new one");
        return NULL;
    }
    if (stoa_rows_int(rows, 1) <= now_ms) {
        stoa_refuse(error, "gone", "this sign-in link was used, or has expired: ask for a new one");
        return NULL;
    }
    g_autofree char *host = g_strdup(stoa_rows_text(rows, 0));
    if (!stoa_db_exec(db, error, "UPDATE host_link SET expires_at = ?2 WHERE token = ?1", "bi",
                      hash, sizeof hash, now_ms))
        return NULL;
    return g_steal_pointer(&host);
}
