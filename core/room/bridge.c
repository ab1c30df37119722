/* SPDX-License-Identifier: MIT */
/* A module as the client of another: a handle whose outlet is a queue, worked off at the next turn. (stoa/bridge.h) */
#include "config.h"

#define LOG_AREA "bridge"

#include "room/bridge.h"

#include "base/loop.h"
#include "base/timer.h"
#include "room/request.h"
#include "room/room-private.h"
#include "room/rooms.h"

#include <inttypes.h>
#include <string.h>

static unsigned last_number; /* for the log */

enum { TOKEN_MS = 60 * 1000, GATHER_MS = 5000 };

/* Something to ask: waits until the bridge is attached. */
typedef struct {
    uint64_t number;
    json_t *body; /* NULL: `text` is a fragment */
    char *text;   /* an offer, or the fragment */
    StoaBridgeReply *got;
    void *data;
} Ask;

typedef enum { NOTE_REPLY, NOTE_EVENT, NOTE_UP, NOTE_DOWN, NOTE_ENDED } NoteKind;

/* Something to tell. */
typedef struct {
    NoteKind kind;
    uint64_t number; /* of a reply */
    json_t *body;
    char *sdp; /* or the reason of NOTE_DOWN */
    bool
        is_ours; /* the SDP is our answer, or our fragment: it waits until all candidates are in it */
    bool is_fragment;
    GError *error;
} Note;

struct StoaBridge {
    StoaModule *module; /* whose it is; NULL: closed */
    StoaBridgeSpec spec;
    char *target, *token;
    StoaHandle *handle; /* NULL: not attached (yet), or ended */
    unsigned refs;
    uint64_t last;
    GQueue asks;         /* of Ask: not yet asked */
    GQueue asked;        /* of Ask: not yet answered */
    GQueue notes;        /* of Note */
    StoaTimer *keeper;   /* moves the token's expiry on */
    StoaTimer *patience; /* with candidates that do not come */
    bool is_posted, has_ended;
};

static void ask_free(gpointer data)
{
    Ask *ask = data;

    json_decref(ask->body);
    g_free(ask->text);
    g_free(ask);
}

static void note_free(gpointer data)
{
    Note *note = data;

    json_decref(note->body);
    g_free(note->sdp);
    g_clear_error(&note->error);
    g_free(note);
}

void stoa_bridge_unref(void *data)
{
    StoaBridge *bridge = data;

    if (--bridge->refs > 0)
        return;
    g_free(bridge->target);
    g_free(bridge->token);
    g_free(bridge);
}

static StoaBridge *ref(StoaBridge *bridge)
{
    bridge->refs++;
    return bridge;
}

/* -- the queue of what is told ------------------------------------------------------------ */

static void turn(void *data);

static void post(StoaBridge *bridge)
{
    if (bridge->is_posted || !bridge->module)
        return;
    bridge->is_posted = true;
    stoa_control_post(turn, ref(bridge), stoa_bridge_unref);
}

static void push(StoaBridge *bridge, Note note)
{
    if (!bridge->module) {
        json_decref(note.body);
        g_free(note.sdp);
        g_clear_error(&note.error);
        return;
    }
    g_queue_push_tail(&bridge->notes, g_memdup2(&note, sizeof note));
    post(bridge);
}

/* The handle goes, and the plugin hears of it last. */
static void end(StoaBridge *bridge, const GError *error)
{
    if (bridge->has_ended)
        return;
    bridge->has_ended = true;
    stoa_timer_clear(&bridge->keeper);
    g_clear_pointer(&bridge->handle, stoa_handle_free);
    push(bridge, (Note){ .kind = NOTE_ENDED, .error = g_error_copy(error) });
}

/* -- the outlet --------------------------------------------------------------------------- */

static char *sdp_of(json_t *jsep)
{
    char *sdp = jsep ? g_strdup(json_string_value(json_object_get(jsep, "sdp"))) : NULL;

    json_decref(jsep);
    return sdp;
}

static void on_event(StoaHandle *handle, const char *transaction, json_t *data, json_t *jsep)
{
    Note note = { .kind = transaction ? NOTE_REPLY : NOTE_EVENT, .body = data };

    note.number = transaction ? g_ascii_strtoull(transaction, NULL, 10) : 0;
    note.is_ours = jsep != NULL;
    note.sdp = sdp_of(jsep);
    push(stoa_handle_user(handle), note);
}

static void on_refused(StoaHandle *handle, const char *transaction, const GError *error)
{
    push(stoa_handle_user(handle), (Note){ .kind = NOTE_REPLY,
                                           .number = g_ascii_strtoull(transaction, NULL, 10),
                                           .error = g_error_copy(error) });
}

static void on_core_event(StoaHandle *handle, const char *name, json_t *fields)
{
    StoaBridge *bridge = stoa_handle_user(handle);

    if (g_str_equal(name, "webrtcup"))
        push(bridge, (Note){ .kind = NOTE_UP });
    else if (g_str_equal(name, "hangup"))
        push(bridge,
             (Note){ .kind = NOTE_DOWN,
                     .sdp = g_strdup(json_string_value(json_object_get(fields, "reason"))) });
    else if (g_str_equal(name, "trickle")) /* what waits for candidates may go now */
        post(bridge);
    json_decref(fields);
}

static void on_end(StoaHandle *handle)
{
    g_autoptr(GError) error = NULL;

    stoa_refuse(&error, "gone", "the server ended it");
    end(stoa_handle_user(handle), error);
}

static const StoaHandleOutlet outlet = { on_event, on_core_event, on_end, on_refused };

bool stoa_handle_is_bridge(const StoaHandle *handle)
{
    return handle->outlet == &outlet;
}

/* -- attaching ---------------------------------------------------------------------------- */

static void keep_token(void *data)
{
    StoaBridge *bridge = data;
    const StoaRoomEnv *env = bridge->module->env;

    stoa_rooms_token(env->rooms(env->user), bridge->token);
}

static bool attach(StoaBridge *bridge, StoaModule *target, StoaMember *member, GError **error)
{
    g_autofree char *ids =
        g_strdup_printf("bridge=%s:%u", bridge->module->plugin.name, ++last_number);

    bridge->handle = stoa_handle_new_for(target, &outlet, bridge, ids, member, error);
    if (!bridge->handle)
        return false;
    if (member)
        bridge->keeper = stoa_timer_every(TOKEN_MS, keep_token, bridge);
    post(bridge);
    return true;
}

static StoaModule *find_target(StoaBridge *bridge, GError **error)
{
    const StoaRoomEnv *env = bridge->module->env;
    StoaModule *target = env->module ? env->module(env->user, bridge->target) : NULL;

    if (!target)
        stoa_fail(error, STOA_ERROR_UNAVAILABLE, "the module \"%s\" is not loaded", bridge->target);
    return target;
}

static void seat_is_ready(StoaMember *member, const GError *error, void *data)
{
    StoaBridge *bridge = data;
    g_autoptr(GError) why = NULL;
    StoaModule *target = bridge->module && member ? find_target(bridge, &why) : NULL;

    if (target && attach(bridge, target, member, &why))
        stoa_member_seat(member, bridge->handle);
    else if (bridge->module)
        end(bridge, error ? error : why);
    stoa_bridge_unref(bridge);
}

static void open_bridge(void *data)
{
    StoaBridge *bridge = data;
    g_autoptr(GError) error = NULL;

    if (!bridge->module)
        return;
    const StoaRoomEnv *env = bridge->module->env;
    StoaModule *target = find_target(bridge, &error);
    if (target && bridge->token && env->rooms && env->rooms(env->user)) {
        const StoaSeatClaim claim = { .token = bridge->token, .module = target };
        stoa_rooms_claim(env->rooms(env->user), &claim, seat_is_ready, ref(bridge));
        return;
    }
    if (target && bridge->token)
        stoa_refuse(&error, "unauthenticated", "the token is not valid here");
    if (error || !attach(bridge, target, NULL, &error))
        end(bridge, error);
}

/* -- asking ------------------------------------------------------------------------------- */

static void ask_ice(StoaBridge *bridge, const Ask *ask)
{
    Note note = { .kind = NOTE_REPLY, .number = ask->number, .is_ours = true, .is_fragment = true };
    StoaConnection *connection = bridge->handle->connection;

    if (!connection)
        stoa_refuse(&note.error, "gone", "there is no PeerConnection");
    else
        stoa_connection_take_fragment(connection, ask->text, &note.sdp, &note.error);
    push(bridge, note);
}

static void ask_now(StoaBridge *bridge, const Ask *ask)
{
    g_autofree char *transaction = g_strdup_printf("%" PRIu64, ask->number);
    StoaMessage message = { .transaction = transaction,
                            .body = ask->body,
                            .jsep = ask->text ? STOA_JSEP_OFFER : STOA_JSEP_NONE,
                            .sdp = ask->text };
    GError *why = NULL;

    if (!ask->body) {
        ask_ice(bridge, ask);
        return;
    }
    json_t *data = stoa_request_run_or_fail(bridge->handle->module, bridge->handle, &message, &why);
    if (!data)
        return;
    if (why)
        g_clear_pointer(&data, json_decref);
    push(bridge, (Note){ .kind = NOTE_REPLY, .number = ask->number, .body = data, .error = why });
}

static void ask_all(StoaBridge *bridge)
{
    Ask *ask;

    while (bridge->handle && (ask = g_queue_pop_head(&bridge->asks))) {
        g_queue_push_tail(&bridge->asked, ask);
        ask_now(bridge, ask);
    }
}

/* -- telling ------------------------------------------------------------------------------ */

static Ask *take_asked(StoaBridge *bridge, uint64_t number)
{
    for (GList *at = bridge->asked.head; at; at = at->next) {
        Ask *ask = at->data;
        if (ask->number == number) {
            g_queue_delete_link(&bridge->asked, at);
            return ask;
        }
    }
    return NULL;
}

static void tell_reply(StoaBridge *bridge, const Note *note)
{
    Ask *ask = take_asked(bridge, note->number);

    if (ask && ask->got)
        ask->got(bridge, note->error ? NULL : note->body, note->error ? NULL : note->sdp,
                 note->error, ask->data);
    if (ask)
        ask_free(ask);
}

/* Nobody is left without an answer. */
static void fail_all(StoaBridge *bridge, const GError *error)
{
    GQueue *const queues[] = { &bridge->asked, &bridge->asks };
    Ask *ask;

    for (size_t i = 0; i < G_N_ELEMENTS(queues); i++) {
        while (bridge->module && (ask = g_queue_pop_head(queues[i]))) {
            if (ask->got)
                ask->got(bridge, NULL, NULL, error, ask->data);
            ask_free(ask);
        }
    }
}

static void tell(StoaBridge *bridge, const Note *note)
{
    const StoaBridgeSpec *spec = &bridge->spec;

    switch (note->kind) {
    case NOTE_REPLY: tell_reply(bridge, note); break;
    case NOTE_EVENT:
        if (spec->event)
            spec->event(bridge, note->body, note->sdp);
        break;
    case NOTE_UP:
        if (spec->connected)
            spec->connected(bridge);
        break;
    case NOTE_DOWN:
        if (spec->disconnected)
            spec->disconnected(bridge, note->sdp ? note->sdp : "");
        break;
    case NOTE_ENDED:
        fail_all(bridge, note->error);
        if (bridge->module && spec->ended)
            spec->ended(bridge, note->error);
        stoa_bridge_close(bridge);
        break;
    }
}

static void lose_patience(void *data)
{
    StoaBridge *bridge = data;
    Note *note = g_queue_peek_head(&bridge->notes);

    bridge->patience = NULL;
    if (note)
        note->is_ours = false;
    post(bridge);
}

/* The client cannot be told of candidates later on: all of ours are in what we say. (RFC 9725, 4.3.2) */
static bool is_complete(StoaBridge *bridge, Note *note)
{
    StoaConnection *connection = bridge->handle ? bridge->handle->connection : NULL;

    if (!note->is_ours || !note->sdp || note->kind != NOTE_REPLY || !connection)
        return true;
    if (!stoa_connection_is_gathering(connection)) {
        if (!bridge->patience)
            return true;
        stoa_timer_clear(&bridge->patience);
        g_free(note->sdp);
        note->sdp = stoa_connection_describe(connection, note->is_fragment);
        return true;
    }
    if (!bridge->patience)
        bridge->patience = stoa_timer_after(GATHER_MS, lose_patience, bridge);
    return false;
}

static void turn(void *data)
{
    StoaBridge *bridge = data;
    Note *note;

    bridge->is_posted = false;
    if (bridge->module)
        ask_all(bridge);
    while (bridge->module && (note = g_queue_peek_head(&bridge->notes)) &&
           is_complete(bridge, note)) {
        g_queue_pop_head(&bridge->notes);
        tell(bridge, note);
        note_free(note);
    }
}

/* -- the SDK's side ----------------------------------------------------------------------- */

StoaBridge *stoa_bridge_open(StoaModule *module, const StoaBridgeSpec *spec)
{
    StoaBridge *bridge = g_new0(StoaBridge, 1);

    memcpy(&bridge->spec, spec, MIN(spec->struct_size, sizeof bridge->spec));
    bridge->module = module;
    bridge->target = g_strdup(spec->module);
    bridge->token = g_strdup(spec->token);
    bridge->refs = 1;
    g_ptr_array_add(module->bridges, bridge);
    stoa_control_post(open_bridge, ref(bridge), stoa_bridge_unref);
    return bridge;
}

/* Nothing is called any more; the memory stays for as long as somebody may name it. */
static void shut(StoaBridge *bridge)
{
    bridge->module = NULL;
    bridge->has_ended = true;
    stoa_timer_clear(&bridge->keeper);
    stoa_timer_clear(&bridge->patience);
    g_clear_pointer(&bridge->handle, stoa_handle_free);
    g_queue_clear_full(&bridge->asks, ask_free);
    g_queue_clear_full(&bridge->asked, ask_free);
    g_queue_clear_full(&bridge->notes, note_free);
}

void stoa_bridge_close(StoaBridge *bridge)
{
    StoaModule *module = bridge ? bridge->module : NULL;

    if (!module)
        return;
    shut(bridge);
    g_ptr_array_remove_fast(module->bridges, bridge);
}

void *stoa_bridge_data(const StoaBridge *bridge)
{
    return bridge->spec.data;
}

StoaModule *stoa_bridge_module(const StoaBridge *bridge)
{
    return bridge->module;
}

static void ask(StoaBridge *bridge, Ask what)
{
    if (!bridge->module) {
        json_decref(what.body);
        g_free(what.text);
        return;
    }
    what.number = ++bridge->last;
    g_queue_push_tail(&bridge->asks, g_memdup2(&what, sizeof what));
    post(bridge);
}

void stoa_bridge_request(StoaBridge *bridge, json_t *body, const char *offer, StoaBridgeReply *got,
                         void *data)
{
    ask(bridge, (Ask){ .body = body, .text = g_strdup(offer), .got = got, .data = data });
}

void stoa_bridge_ice(StoaBridge *bridge, const char *fragment, StoaBridgeReply *got, void *data)
{
    ask(bridge, (Ask){ .text = g_strdup(fragment), .got = got, .data = data });
}

/* -- the host's side ---------------------------------------------------------------------- */

static void end_if_bridge(StoaHandle *handle, void *error)
{
    if (stoa_handle_is_bridge(handle))
        end(stoa_handle_user(handle), error);
}

void stoa_bridge_drain(StoaModule *module)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < module->bridges->len; i++)
        shut(module->bridges->pdata[i]); /* its `stop` may still close them */
    stoa_fail(&error, STOA_ERROR_UNAVAILABLE, "the module \"%s\" was switched off",
              module->plugin.name);
    stoa_module_foreach_handle(module, end_if_bridge, error);
}
