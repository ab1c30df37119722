/* SPDX-License-Identifier: MIT */
/* WHIP and WHEP: publish into a room, and watch one, with a POST. (RFC 9725; draft-ietf-wish-whep-02)
 *
 * It has no media, rooms or people of its own: each session is a client of videoroom (stoa/bridge.h), so that pins, limits, moderation
 * and events of a room hold for it as for a browser. */
#include "whip.h"

#include <inttypes.h>
#include <string.h>

#define SDP        "application/sdp"
#define FRAGMENT   "application/trickle-ice-sdpfrag"
#define MAX_NUMBER ((INT64_C(1) << 53) - 1) /* JSON's integers end here */
enum { MAX_SDP = 64 * 1024, MAX_FRAGMENT = 16 * 1024 };

/* -- who may ----------------------------------------------------------------------------------- */

/* Every token is compared, so that the time does not tell which. */
static bool is_one_of(char *const *tokens, const char *token)
{
    bool found = false;

    for (; tokens && *tokens; tokens++)
        found |= stoa_secrets_equal(*tokens, token);
    return found;
}

static bool has_token(StoaWebCall *call, char *const *tokens, GError **error)
{
    const char *token = stoa_web_bearer(call);

    if (!tokens || !*tokens || is_one_of(tokens, token))
        return true;
    if (token)
        stoa_web_count_attempt(call);
    return stoa_refuse(error, "unauthenticated", "a token is needed: Authorization: Bearer TOKEN");
}

static bool has_place(StoaWebCall *call, GError **error)
{
    const WhipConf *conf = stoa_module_conf(stoa_web_module(call));
    const WhipModule *module = stoa_module_state(stoa_web_module(call));

    return conf->sessions == 0 || g_hash_table_size(module->sessions) < conf->sessions ||
           whip_session_oust(stoa_web_module(call)) ||
           stoa_fail(error, STOA_ERROR_UNAVAILABLE,
                     "there are %u sessions already: wait, or raise limits.sessions",
                     g_hash_table_size(module->sessions));
}

/* -- POST -------------------------------------------------------------------------------------- */

/* Rooms that were made by a request or the conf have numbers; those of the rooms API do not, and take their own people's tokens. */
static bool is_number(const char *id)
{
    return id[strspn(id, "0123456789")] == '\0';
}

static json_t *id_of(const char *id)
{
    return is_number(id) ? json_integer(g_ascii_strtoll(id, NULL, 10)) : json_string(id);
}

static bool check_number(const char *what, const char *id, GError **error)
{
    gint64 number = is_number(id) ? g_ascii_strtoll(id, NULL, 10) : 0; /* too long: the highest */

    return (number > 0 && number <= MAX_NUMBER) ||
           stoa_fail(error, STOA_ERROR_INVALID, "a %s is a number from 1 to %" PRId64, what,
                     MAX_NUMBER);
}

/* Of a room of the rooms API the feeds may be anything: they are known by their people's ids. */
static bool check_ids(StoaWebCall *call, bool publishes, GError **error)
{
    const char *room = stoa_web_arg(call, "room"), *feed = stoa_web_arg(call, "feed");

    if (!is_number(room))
        return true;
    if (!check_number("room here", room, error))
        return false;
    return !feed || !(publishes || is_number(feed)) || check_number("feed", feed, error);
}

static void set_text(json_t *body, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(body, name, json_string(text));
}

/* In a room with numbers the bearer is what the room itself may ask for: its pin, or one of its tokens. */
static json_t *join_body(StoaWebCall *call, bool publishes)
{
    const char *room = stoa_web_arg(call, "room"), *feed = stoa_web_arg(call, "feed");
    json_t *body = json_pack("{s:s, s:s, s:o}", "request", publishes ? "joinandconfigure" : "join",
                             "ptype", publishes ? "publisher" : "subscriber", "room", id_of(room));

    if (is_number(room)) {
        set_text(body, "pin", stoa_web_bearer(call));
        set_text(body, "token", stoa_web_bearer(call));
    }
    if (publishes)
        set_text(body, "display", stoa_web_query(call, "display"));
    if (feed && (is_number(room) || !publishes))
        json_object_set_new(body, publishes ? "id" : "feed", id_of(feed));
    return body;
}

static bool begin(StoaWebCall *call, bool publishes, GError **error)
{
    const WhipConf *conf = stoa_module_conf(stoa_web_module(call));
    bool is_adhoc = is_number(stoa_web_arg(call, "room"));
    const char *token = stoa_web_bearer(call);

    if (!check_ids(call, publishes, error) || !has_place(call, error))
        return false;
    if (is_adhoc && !has_token(call, publishes ? conf->publish_tokens : conf->watch_tokens, error))
        return false;
    if (!is_adhoc && (!token || !*token))
        return stoa_refuse(error, "unauthenticated",
                           "this room is for invited people: their token is needed");
    whip_session_begin(call, join_body(call, publishes), is_adhoc ? NULL : token, publishes);
    return true;
}

static bool on_publish(StoaWebCall *call, GError **error)
{
    return begin(call, true, error);
}

static bool on_watch(StoaWebCall *call, GError **error)
{
    return begin(call, false, error);
}

/* -- the session ------------------------------------------------------------------------------- */

static bool on_patch(StoaWebCall *call, GError **error)
{
    WhipSession *session = whip_session_find(call, error);

    if (!session || !whip_session_matches(session, stoa_web_header(call, "If-Match"), error))
        return false;
    whip_session_patch(session, call);
    return true;
}

static bool on_delete(StoaWebCall *call, GError **error)
{
    WhipSession *session = whip_session_find(call, error);

    if (!session)
        return false;
    whip_session_end(session);
    stoa_web_set_reply(call, 200, NULL);
    stoa_web_send(call);
    return true;
}

/* There is nothing to be seen. (RFC 9725, 4.1) */
static bool on_get(StoaWebCall *call, GError **error)
{
    if (stoa_web_arg(call, "session") && !whip_session_find(call, error))
        return false;
    stoa_web_send(call);
    return true;
}

/* -- life -------------------------------------------------------------------------------------- */

static bool start(StoaModule *module, GError **error G_GNUC_UNUSED)
{
    WhipModule *state = stoa_module_state(module);

    state->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, whip_session_free);
    return true;
}

static void stop(StoaModule *module)
{
    WhipModule *state = stoa_module_state(module);

    g_hash_table_unref(state->sessions);
}

/* -- tables ------------------------------------------------------------------------------------ */

static const StoaRoute routes[] = {
    { "POST", "/whip/:room", on_publish, SDP, MAX_SDP, "Publish into a room" },
    { "POST", "/whip/:room/:feed", on_publish, SDP, MAX_SDP, "Publish under an id of your choice" },
    { "POST", "/whep/:room", on_watch, SDP, MAX_SDP, "Watch whoever publishes in a room" },
    { "POST", "/whep/:room/:feed", on_watch, SDP, MAX_SDP, "Watch one publisher" },
    { "GET", "/whip/:room", on_get, NULL, 0, "204: there is nothing to see" },
    { "GET", "/whip/:room/:feed", on_get, NULL, 0, "The same" },
    { "GET", "/whep/:room", on_get, NULL, 0, "The same" },
    { "GET", "/whep/:room/:feed", on_get, NULL, 0, "The same" },
    { "PATCH", "/m/whip/:session", on_patch, FRAGMENT, MAX_FRAGMENT,
      "Candidates, or an ICE restart" },
    { "DELETE", "/m/whip/:session", on_delete, NULL, 0, "End a session" },
    { "GET", "/m/whip/:session", on_get, NULL, 0, "204 while the session lives" },
    STOA_END,
};

static const StoaOption options[] = {
    { "publish.tokens", STOA_LIST, STOA_SECRET | STOA_LIVE, offsetof(WhipConf, publish_tokens), "",
      .help = "Who brings one of these may publish into rooms that have numbers; empty: anybody "
              "whom the room lets in" },
    { "watch.tokens", STOA_LIST, STOA_SECRET | STOA_LIVE, offsetof(WhipConf, watch_tokens), "",
      .help = "The same for watching" },
    { "limits.sessions", STOA_INT, STOA_LIVE, offsetof(WhipConf, sessions), "1000", 0, 1000000,
      "Sessions at one time; 0: no limit" },
    { NULL },
};

static const StoaMetric metrics[] = {
    [WHIP_PUBLISHED] = { "published_total", "WHIP sessions that were made" },
    [WHIP_WATCHED] = { "watched_total", "WHEP sessions that were made" },
    [WHIP_RESTARTED] = { "restarted_total", "ICE restarts of sessions" },
    [WHIP_REFUSED] = { "refused_total", "Offers that were refused" },
    { NULL },
};

STOA_PLUGIN(.name = "whip", .version = "1.0",
            .summary = "Publish into rooms by WHIP, watch them by WHEP", .caps = STOA_CAP_HTTP,
            .scope = STOA_SCOPE_HANDLE, .routes = routes, .options = options, .metrics = metrics,
            .conf_size = sizeof(WhipConf), .module_size = sizeof(WhipModule), .start = start,
            .stop = stop)
