/* SPDX-License-Identifier: MIT */
/* One session: a resource with an unguessable name, behind it a client of videoroom. It ends when either of them does. */
#include "whip.h"

#include <string.h>

#define SDP      "application/sdp"
#define FRAGMENT "application/trickle-ice-sdpfrag"
enum { ID_LEN = 32, TAG_LEN = 12 };
enum {
    PATIENCE_MS = 3000
}; /* so long after its answer a client keeps its place without a connection, where places are few */

struct WhipSession {
    StoaModule *module;
    StoaBridge *bridge;
    char *id, *tag; /* the tag names the ICE session: a restart makes a new one */
    char *bearer;   /* who made it had this token; NULL: none */
    bool publishes, up;
    int64_t made_ms;
    char *offer;      /* while it is not answered */
    GPtrArray *calls; /* of StoaWebCall: those it is to answer */
};

/* -- refusals ---------------------------------------------------------------------------------- */

/* What videoroom and the core say → what HTTP says. */
static const struct {
    const char *reason, *web;
} reasons[] = {
    { "unauthorized", "unauthenticated" },    { "missing_element", "unauthenticated" },
    { "unauthenticated", "unauthenticated" }, { "no_such_room", "not_found" },
    { "wrong_type", "invalid_request" },      { "gone", "not_found" },
    { "publishers_full", "unavailable" },     { "bad_sdp", "invalid_request" },
    { "no_codec", "not_acceptable" },         { "no_such_feed", "not_live" },
};

static void fail(StoaWebCall *call, const GError *error)
{
    const char *reason = stoa_error_reason(error);
    g_autoptr(GError) translated = NULL;

    for (size_t i = 0; reason && i < G_N_ELEMENTS(reasons); i++) {
        if (strcmp(reasons[i].reason, reason) == 0)
            stoa_refuse(&translated, reasons[i].web, "%s", error->message);
        if (translated)
            break;
    }
    reason = stoa_error_reason(translated);
    if (g_strcmp0(reason, "unauthenticated") == 0 && stoa_web_bearer(call))
        stoa_web_count_attempt(call);
    if (g_strcmp0(reason, "not_live") == 0) /* nobody publishes yet (WHEP, 4.2) */
        stoa_web_set_header(call, "Retry-After", "5");
    stoa_web_fail(call, translated ? translated : error);
}

/* -- life -------------------------------------------------------------------------------------- */

static GHashTable *sessions_of(StoaModule *module)
{
    return ((WhipModule *)stoa_module_state(module))->sessions;
}

/* Who waits for it is told. (When the module goes, the core does that.) */
static void fail_calls(WhipSession *session)
{
    g_autoptr(GError) error = NULL;

    stoa_fail(&error, STOA_ERROR_NOT_FOUND, "the session has ended");
    while (session->calls->len > 0)
        stoa_web_fail(g_ptr_array_steal_index(session->calls, session->calls->len - 1), error);
}

void whip_session_end(WhipSession *session)
{
    fail_calls(session);
    g_hash_table_remove(sessions_of(session->module), session->id);
}

void whip_session_free(gpointer data)
{
    WhipSession *session = data;

    stoa_bridge_close(session->bridge);
    g_ptr_array_unref(session->calls);
    g_free(session->id);
    g_free(session->tag);
    g_free(session->bearer);
    g_free(session->offer);
    g_free(session);
}

static void on_ended(StoaBridge *bridge, const GError *error G_GNUC_UNUSED)
{
    WhipSession *session = stoa_bridge_data(bridge);

    session->bridge = NULL;
    whip_session_end(session);
}

static void on_connected(StoaBridge *bridge)
{
    ((WhipSession *)stoa_bridge_data(bridge))->up = true;
}

/* The client's PeerConnection is gone: so is the session. (RFC 9725, 4.4) */
static void on_disconnected(StoaBridge *bridge, const char *reason G_GNUC_UNUSED)
{
    WhipSession *session = stoa_bridge_data(bridge);

    if (session->tag) /* else it was refused: the answer that says why is on its way */
        whip_session_end(session);
}

bool whip_session_oust(StoaModule *module)
{
    int64_t before_ms = stoa_now_ms() - PATIENCE_MS;
    WhipSession *oldest = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, sessions_of(module));
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        WhipSession *session = value;
        if (!session->up && session->tag && session->made_ms <= before_ms &&
            (!oldest || session->made_ms < oldest->made_ms))
            oldest = session;
    }
    if (oldest)
        whip_session_end(oldest);
    return oldest != NULL;
}

/* -- POST -------------------------------------------------------------------------------------- */

static void set_tag(WhipSession *session, StoaWebCall *call)
{
    g_autofree char *random = stoa_random_text(TAG_LEN);

    g_free(session->tag);
    session->tag = g_strdup_printf("\"%s\"", random);
    stoa_web_set_header(call, "ETag", session->tag);
}

static void answer_created(WhipSession *session, StoaWebCall *call, const char *sdp)
{
    g_autofree char *location = g_strconcat("/m/whip/", session->id, NULL);

    stoa_web_set_text(call, 201, SDP, sdp);
    stoa_web_set_header(call, "Location", location);
    stoa_web_set_header(call, "Accept-Patch", FRAGMENT);
    set_tag(session, call);
    stoa_web_set_ice_links(call);
    stoa_web_send(call);
}

static void on_joined(StoaBridge *bridge, const json_t *body G_GNUC_UNUSED, const char *sdp,
                      const GError *error, void *data)
{
    WhipSession *session = stoa_bridge_data(bridge);
    StoaWebCall *call = data;
    g_autoptr(GError) unfit = NULL;

    g_ptr_array_remove_fast(session->calls, call);
    /* who sends video to a room that takes none of it is told so, instead of being seen by nobody (RFC 9725, 4.4.3) */
    if (!error && !sdp)
        stoa_fail(&unfit, STOA_ERROR_INTERNAL, "an offer was not answered");
    else if (!error && session->publishes && !whip_match_takes_all(session->offer, sdp))
        stoa_refuse(&unfit, "not_acceptable",
                    "each m-line has to send something that the room takes: kinds and codecs");
    g_clear_pointer(&session->offer, g_free);
    if (!error && !unfit) {
        stoa_module_count(session->module, session->publishes ? WHIP_PUBLISHED : WHIP_WATCHED, 1);
        answer_created(session, call, sdp);
        return;
    }
    stoa_module_count(session->module, WHIP_REFUSED, 1);
    fail(call, error ? error : unfit);
    whip_session_end(session);
}

void whip_session_begin(StoaWebCall *call, json_t *body, const char *token, bool publishes)
{
    StoaModule *module = stoa_web_module(call);
    WhipSession *session = g_new0(WhipSession, 1);
    const StoaBridgeSpec spec = { .struct_size = sizeof spec,
                                  .module = "videoroom",
                                  .token = token,
                                  .data = session,
                                  .connected = on_connected,
                                  .disconnected = on_disconnected,
                                  .ended = on_ended };

    session->module = module;
    session->id = stoa_random_text(ID_LEN);
    session->bearer = g_strdup(stoa_web_bearer(call));
    session->publishes = publishes;
    session->made_ms = stoa_now_ms();
    session->offer = publishes ? g_strdup(stoa_web_text(call, NULL)) : NULL;
    session->calls = g_ptr_array_new();
    session->bridge = stoa_bridge_open(module, &spec);
    g_hash_table_insert(sessions_of(module), session->id, session);
    g_ptr_array_add(session->calls, call);
    stoa_bridge_request(session->bridge, body, stoa_web_text(call, NULL), on_joined, call);
}

/* -- PATCH, DELETE ----------------------------------------------------------------------------- */

WhipSession *whip_session_find(StoaWebCall *call, GError **error)
{
    WhipSession *session =
        g_hash_table_lookup(sessions_of(stoa_web_module(call)), stoa_web_arg(call, "session"));
    const char *token = stoa_web_bearer(call);

    if (!session || !session->tag) { /* one that is not answered yet is nobody's */
        stoa_fail(error, STOA_ERROR_NOT_FOUND, "there is no such session");
        return NULL;
    }
    if (!session->bearer || stoa_secrets_equal(session->bearer, token))
        return session;
    if (token)
        stoa_web_count_attempt(call);
    stoa_refuse(error, "unauthenticated", "this session needs the token that it was made with");
    return NULL;
}

bool whip_session_matches(const WhipSession *session, const char *if_match, GError **error)
{
    if (!if_match)
        return stoa_refuse(error, "precondition_required",
                           "say which ICE session you mean: If-Match with the ETag, or *");
    if (whip_match_tag(if_match, session->tag))
        return true;
    return stoa_refuse(error, "precondition_failed",
                       "ICE was restarted since: this is another session");
}

static void on_ice(StoaBridge *bridge, const json_t *body G_GNUC_UNUSED, const char *sdp,
                   const GError *error, void *data)
{
    WhipSession *session = stoa_bridge_data(bridge);
    StoaWebCall *call = data;

    g_ptr_array_remove_fast(session->calls, call);
    if (error) {
        fail(call, error);
        return;
    }
    if (sdp) {
        stoa_module_count(session->module, WHIP_RESTARTED, 1);
        stoa_web_set_text(call, 200, FRAGMENT, sdp);
        set_tag(session, call);
    }
    stoa_web_send(call);
}

void whip_session_patch(WhipSession *session, StoaWebCall *call)
{
    g_ptr_array_add(session->calls, call);
    stoa_bridge_ice(session->bridge, stoa_web_text(call, NULL), on_ice, call);
}
