/* SPDX-License-Identifier: MIT */
/* How a host signs in: a link by mail, which becomes a token. */
#include "config.h"

#include "base/clock.h"
#include "room/address.h"
#include "room/host.h"
#include "web/hosts.h"
#include "web/web-private.h"

enum { HOUR_S = 3600 };

/* -- POST /host/signin: whoever asks gets the same answer ---------------------------------------- */

static bool mail_link(StoaDb *db, StoaWebCall *call, const char *host, const char *email,
                      GError **error)
{
    const StoaRoomsConf *conf = stoa_web_conf(call);
    char token[STOA_TOKEN_LEN + 1];

    if (!stoa_host_link(db, host, stoa_store_now_ms() + conf->signin_s * 1000, token, error))
        return false;
    g_autofree char *link = g_strconcat(stoa_web_safe_url(call), "/host.html#s=", token, NULL);
    return stoa_mail_put(
        db, STOA_MAIL_SIGNIN, email, NULL,
        json_pack("{s:s, s:I}", "link", link, "minutes", (json_int_t)conf->signin_s / 60), error);
}

/* How many links a host was sent in the last hour, so that nobody fills their mailbox. */
static bool had_enough(StoaDb *db, const StoaRoomsConf *conf, const char *host, GError **error)
{
    int64_t since = stoa_store_now_ms() + (conf->signin_s - HOUR_S) * 1000;

    return conf->signin_per_hour > 0 &&
           stoa_db_int(db, error, 0,
                       "SELECT COUNT(*) FROM host_link WHERE host_id = ?1 AND expires_at > ?2",
                       "si", host, since) >= conf->signin_per_hour;
}

static bool signin(StoaDb *db, StoaWebCall *call, GError **error)
{
    g_autofree char *email =
        stoa_address_read(json_string_value(json_object_get(stoa_web_body(call), "email")), NULL);
    g_autoptr(GError) why = NULL;
    g_autofree char *host = email ? stoa_host_find(db, email, &why) : NULL;

    stoa_web_set_reply(call, 202, json_object());
    if (!why && host && !had_enough(db, stoa_web_conf(call), host, &why))
        mail_link(db, call, host, email, &why);
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static void signin_done(StoaWebCall *call)
{
    stoa_mail_wake(stoa_web_mail(call));
    unsigned wait_s =
        stoa_attempts_count(call->web->attempts, "mail", stoa_web_address(call),
                            stoa_web_conf(call)->signin_per_hour, HOUR_S, stoa_clock_now_us());
    if (wait_s) {
        g_autoptr(GError) error = NULL;
        g_autofree char *seconds = g_strdup_printf("%u", wait_s);
        stoa_refuse(&error, "slow_down",
                    "too many sign-in links were asked for from your address: wait %u s", wait_s);
        stoa_web_set_error(call, error);
        stoa_web_set_header(call, "Retry-After", seconds);
    }
    stoa_web_send(call);
}

/* -- POST and DELETE /host/session ------------------------------------------------------------- */

static bool describe_host(StoaDb *db, StoaWebCall *call, const char *host, const char *token,
                          GError **error)
{
    g_autoptr(StoaRows) rows =
        stoa_db_query(db, error, "SELECT email, name FROM host WHERE id = ?1", "s", host);

    if (!rows || !stoa_rows_next(rows, error))
        return false;
    stoa_web_set_reply(call, 201,
                       json_pack("{s:s, s:{s:s, s:s, s:s}}", "token", token, "host", "id", host,
                                 "email", stoa_rows_text(rows, 0), "name",
                                 stoa_rows_text(rows, 1)));
    return true;
}

static bool open_session(StoaDb *db, StoaWebCall *call, GError **error)
{
    int64_t now_ms = stoa_store_now_ms();
    char token[STOA_TOKEN_LEN + 1];
    uint8_t hash[STOA_TOKEN_HASH_LEN];
    g_autofree char *host = stoa_host_take_link(
        db, json_string_value(json_object_get(stoa_web_body(call), "token")), now_ms, error);

    if (!host) {
        stoa_web_count_attempt(call);
        return false;
    }
    stoa_token_new(token, hash);
    return stoa_db_exec(db, error, "DELETE FROM host_session WHERE expires_at <= ?1", "i",
                        now_ms) &&
           stoa_db_exec(db, error,
                        "INSERT INTO host_session (token, host_id, expires_at) VALUES (?1, ?2, ?3)",
                        "bsi", hash, sizeof hash, host,
                        now_ms + stoa_web_conf(call)->host_s * 1000) &&
           describe_host(db, call, host, token, error);
}

static bool close_session(StoaDb *db, StoaWebCall *call, GError **error)
{
    uint8_t hash[STOA_TOKEN_HASH_LEN];

    stoa_token_hash(call->token, hash);
    return stoa_db_exec(db, error, "DELETE FROM host_session WHERE token = ?1", "b", hash,
                        sizeof hash);
}

const StoaWebRoute *stoa_web_host_routes(void)
{
    static const StoaParam signin_params[] = {
        { "email", STOA_STRING, STOA_REQUIRED, 0, 1024, .help = "where the link is sent to" },
        { NULL },
    };
    static const StoaParam session_params[] = {
        { "token", STOA_STRING, STOA_REQUIRED, 0, 256, .help = "of the link" },
        { NULL },
    };
    static const StoaWebRoute routes[] = {
        { "POST", "/host/signin", STOA_WEB_ANYONE, signin_params, signin, signin_done,
          "mails a sign-in link, if that address is a host's" },
        { "POST", "/host/session", STOA_WEB_ANYONE, session_params, open_session,
          .help = "a token for a sign-in link" },
        { "DELETE", "/host/session", STOA_WEB_HOST, NULL, close_session, .help = "signs out" },
        { NULL },
    };

    return routes;
}
