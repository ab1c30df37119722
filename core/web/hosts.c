/* SPDX-License-Identifier: MIT */
/* How a host signs in: a link by mail, which becomes a token. */
#include "config.h"

#define LOG_AREA "web"

#include "base/clock.h"
#include "base/log.h"
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

/* One request, after its answer: what it costs to mail a host, nobody can measure. */
typedef struct {
    StoaWebCall *call; /* a ref */
    char *email;
} Signin;

static void signin_free(void *data)
{
    Signin *signin = data;

    stoa_web_call_unref(signin->call);
    g_free(signin->email);
    g_free(signin);
}

static bool write_link(StoaDb *db, void *data, GError **error)
{
    const Signin *signin = data;
    StoaWebCall *call = signin->call;
    g_autoptr(GError) why = NULL;
    g_autofree char *host = stoa_host_find(db, signin->email, &why);

    if (!why && host && !had_enough(db, stoa_web_conf(call), host, &why))
        mail_link(db, call, host, signin->email, &why);
    if (!why)
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static void link_written(void *data, const GError *error)
{
    const Signin *signin = data;

    if (error)
        log_error(stoa_process, "a sign-in link cannot be written: %s", error->message);
    else
        stoa_mail_wake(stoa_web_mail(signin->call));
}

static bool asks_too_often(const StoaWebCall *call)
{
    unsigned wait_s = stoa_attempts_count(call->web->attempts, "mail", stoa_web_address(call),
                                          stoa_web_conf(call)->signin_requests_per_hour, HOUR_S,
                                          stoa_clock_now_us());

    if (wait_s)
        log_info(stoa_process,
                 "an address asks for too many sign-in links: none is mailed for %u s "
                 "(rooms:limits.signin_requests_per_hour)",
                 wait_s);
    return wait_s > 0;
}

static void signin(StoaWebCall *call)
{
    StoaStore *store = stoa_web_store(call);
    char *email =
        stoa_address_read(json_string_value(json_object_get(stoa_web_body(call), "email")), NULL);
    Signin *signin = g_new(Signin, 1);

    *signin = (Signin){ stoa_web_call_ref(call), email };
    stoa_web_set_reply(call, 202, json_object());
    stoa_web_send(call);
    if (!asks_too_often(signin->call) && email && store)
        stoa_store_run(store, write_link, link_written, signin, signin_free);
    else
        signin_free(signin);
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
        { "POST", "/host/signin", STOA_WEB_ANYONE, signin_params, NULL, signin,
          "mails a sign-in link, if that address is a host's" },
        { "POST", "/host/session", STOA_WEB_ANYONE, session_params, open_session,
          .help = "a token for a sign-in link" },
        { "DELETE", "/host/session", STOA_WEB_HOST, NULL, close_session, .help = "signs out" },
        { NULL },
    };

    return routes;
}
