/* SPDX-License-Identifier: MIT */
/* Handles of a person of a kept room: attached with a participant token once the room is open, used with that token only, ended
 * by the server. (rooms API, "Join"; SECURITY R2, R20) */
#include "config.h"

#define LOG_AREA "signaling"

#include "base/error.h"
#include "room/rooms.h"
#include "signaling/private.h"

static StoaRooms *rooms_of(const StoaSignaling *signaling)
{
    return signaling->host->rooms ? signaling->host->rooms(signaling->user) : NULL;
}

static const char *token_of(const json_t *message)
{
    return json_string_value(json_object_get(message, "token"));
}

bool stoa_seat_is_token(StoaSignaling *signaling, const char *token)
{
    StoaRooms *rooms = rooms_of(signaling);

    return rooms && stoa_rooms_token(rooms, token);
}

/* -- who may use what ------------------------------------------------------------------------- */

/* A session with handles of a person answers to that person's token; one without answers as ever. */
static bool may_use_session(StoaRooms *rooms, StoaSession *session, const char *token)
{
    bool is_bound = false;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, session->handles);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StoaHandle *handle = ((StoaAttachment *)value)->handle;
        if (!stoa_handle_has_member(handle))
            continue;
        if (stoa_rooms_may_use(rooms, handle, token))
            return true;
        is_bound = true;
    }
    return !is_bound;
}

bool stoa_seat_allows(StoaCall *call)
{
    StoaRooms *rooms = rooms_of(call->signaling);
    const char *token = token_of(call->message);

    if (!rooms)
        return true;
    if (call->attachment && stoa_handle_has_member(call->attachment->handle))
        return stoa_rooms_may_use(rooms, call->attachment->handle, token);
    bool is_somebody = token && stoa_rooms_token(rooms, token); /* any request keeps it alive */
    if (!call->session || (is_somebody && g_str_equal(call->verb, "attach")))
        return true;
    return may_use_session(rooms, call->session, token);
}

bool stoa_seat_allows_poll(StoaSignaling *signaling, StoaSession *session, const json_t *query)
{
    StoaRooms *rooms = rooms_of(signaling);

    return !rooms || may_use_session(rooms, session, token_of(query));
}

/* -- attach ------------------------------------------------------------------------------------ */

/* An attach that waits for its room. */
typedef struct {
    StoaSignaling *signaling;
    uint64_t client, request, session;
    char *package, *transaction, *opaque_id;
    json_t *message;
} Waiting;

static void waiting_free(Waiting *waiting)
{
    g_free(waiting->package);
    g_free(waiting->transaction);
    g_free(waiting->opaque_id);
    json_decref(waiting->message);
    g_free(waiting);
}

/* Whether a handle is on this connection. Over HTTP a person comes by many: they are all one. */
static bool is_on(StoaHandle *handle, void *data)
{
    const StoaClient *client = data;

    if (stoa_handle_is_bridge(handle)) /* nobody's connection: it goes on beside */
        return true;
    const StoaSession *session = ((StoaAttachment *)stoa_handle_user(handle))->session;

    return session->owner ? session->owner == client : !session->orphan && !client->info.events;
}

static void refuse(StoaCall *call, const GError *error)
{
    StoaWireError code = STOA_WIRE_ATTACH_REFUSED;

    if (g_strcmp0(stoa_error_reason(error), "unauthenticated") == 0 ||
        g_error_matches(error, STOA_ERROR, STOA_ERROR_FORBIDDEN))
        code = STOA_WIRE_UNAUTHORIZED;
    else if (g_error_matches(error, STOA_ERROR, STOA_ERROR_NOT_FOUND))
        code = STOA_WIRE_NO_PLUGIN;
    if (g_strcmp0(stoa_error_reason(error), "unauthenticated") == 0)
        stoa_call_fail_token(call, error->message);
    else if (code == STOA_WIRE_UNAUTHORIZED)
        stoa_call_fail_late(call, code, error->message);
    else
        stoa_call_fail(call, code, "%s", error->message);
}

static void attach(StoaCall *call, const Waiting *waiting, StoaMember *member)
{
    StoaSignaling *signaling = call->signaling;
    StoaModule *module = signaling->host->find_module(signaling->user, waiting->package);
    g_autoptr(GError) error = NULL;

    if (!module) {
        stoa_call_fail(call, STOA_WIRE_NO_PLUGIN, "there is no plugin \"%s\" here",
                       waiting->package);
        return;
    }
    if (!stoa_call_may_attach(call))
        return;
    stoa_member_take_over(member, is_on, call->client);
    if (stoa_module_plugin(module)->scope == STOA_SCOPE_HANDLE)
        member = NULL; /* nobody else is in such a room: who it is does not matter there */
    const StoaAttachWish wish = { module, waiting->package, waiting->opaque_id };
    StoaAttachment *attachment = stoa_attachment_new(call->session, &wish, member, &error);
    if (!attachment) {
        refuse(call, error);
        return;
    }
    stoa_call_success(call, json_pack("{s:{s:I}}", "data", "id", (json_int_t)attachment->id));
    if (member)
        stoa_member_seat(member, attachment->handle);
}

static void seat_is_ready(StoaMember *member, const GError *error, void *data)
{
    Waiting *waiting = data;
    StoaSignaling *signaling = waiting->signaling;
    StoaCall call = { .signaling = signaling,
                      .client = stoa_client_find(signaling, waiting->client),
                      .request = waiting->request,
                      .message = waiting->message,
                      .verb = "attach",
                      .transaction = waiting->transaction,
                      .session = stoa_session_find(signaling, waiting->session) };

    if (!call.client) {
        waiting_free(waiting);
        return;
    }
    if (!member)
        refuse(&call, error);
    else if (!call.session || !stoa_session_is_of(call.session, call.client))
        stoa_call_fail(&call, STOA_WIRE_NO_SESSION, "there is no such session");
    else
        attach(&call, waiting, member);
    waiting_free(waiting);
}

bool stoa_seat_attach(StoaCall *call, const StoaAttachWish *wish)
{
    StoaRooms *rooms = rooms_of(call->signaling);
    const char *token = token_of(call->message);

    if (!rooms || !token || stoa_auth_is_token(call->signaling, token))
        return false;
    /* a module without rooms is anybody's, but a person of a room has what the room has */
    if (stoa_module_plugin(wish->module)->scope == STOA_SCOPE_HANDLE &&
        !stoa_rooms_token(rooms, token))
        return false;
    Waiting *waiting = g_new0(Waiting, 1);
    const StoaSeatClaim claim = { .token = token, .module = wish->module };
    *waiting = (Waiting){ .signaling = call->signaling,
                          .client = call->client->id,
                          .request = call->request,
                          .session = call->session->id,
                          .package = g_strdup(wish->package),
                          .transaction = g_strdup(call->transaction),
                          .opaque_id = g_strdup(wish->opaque_id),
                          .message = json_incref(call->message) };
    stoa_rooms_claim(rooms, &claim, seat_is_ready, waiting);
    return true;
}

/* -- connections that come and go -------------------------------------------------------------- */

void stoa_seat_session_lost(StoaSession *session, bool lost)
{
    g_autoptr(GList) handles = g_hash_table_get_values(session->handles);

    for (GList *at = handles; at; at = at->next)
        stoa_handle_set_lost(((StoaAttachment *)at->data)->handle, lost);
}

/* Who claims a session goes on there: what the person still has elsewhere is replaced. */
void stoa_seat_claimed(StoaSession *session, StoaClient *client)
{
    g_autoptr(GList) handles = g_hash_table_get_values(session->handles);

    for (GList *at = handles; at; at = at->next) {
        StoaMember *member = stoa_handle_member(((StoaAttachment *)at->data)->handle);
        if (member)
            stoa_member_take_over(member, is_on, client);
    }
}

/* What is left without a handle has nothing more to say, but for what a poll has still to fetch. */
void stoa_seat_end(StoaHandle *handle)
{
    StoaAttachment *attachment = stoa_handle_user(handle);
    StoaSession *session = attachment->session;
    StoaClient *owner = session->owner;

    stoa_attachment_detach(attachment);
    if (g_hash_table_size(session->handles) > 0 || (!owner && !session->orphan))
        return;
    stoa_session_event(session, json_pack("{s:s, s:I}", "janus", "timeout", "session_id",
                                          (json_int_t)session->id));
    stoa_session_end(session);
    if (owner && g_hash_table_size(owner->sessions) == 0)
        owner->outlet->close_client(owner->id, "your seat is taken or given up");
}
