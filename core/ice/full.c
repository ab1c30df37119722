/* SPDX-License-Identifier: MIT */
/* Full ICE over libnice. An agent is made, used and let go on the ICE thread alone: libnice's callbacks and an
 * unref from elsewhere do not mix. All else is a queue that wakes that thread once a burst. */
#include "ice/agent.h"

#include <glib-unix.h>
#include <nice/agent.h>
#include <stdatomic.h>
#include <string.h>

#include <stoa/error.h>

#include "base/queue.h"
#include "ice/lite.h"

#include "base/poison.h"

enum {
    COMPONENT = 1,
    BURST = 64,          /* datagrams given to libnice in one call */
    MAX_CANDIDATES = 64, /* of the peer; more are ignored */
    MAX_DATAGRAM = 65507,
    BUFFER_BYTES = 1 << 20, /* of each socket, each way, as far as the system allows */
    CLOSE_WAIT_MS = 1000,   /* for TURN to be told, at the end of the thread */
    CONSENT_MS = STOA_ICE_CONSENT_US / 1000,
    NICE_CONSENT_MS = 10000, /* libnice takes it for lost, and sends no more, after this */
};

typedef enum {
    DO_OPEN,
    DO_REMOTE,
    DO_ROLE,
    DO_CANDIDATE,
    DO_RESTART,
    DO_SEND,
    DO_CLOSE,
    DO_STOP,
} Verb;

typedef struct {
    StoaQueueNode node;
    Verb verb;
    StoaIceAgent *agent;
    bool flag;
    char *first, *second;
    size_t len;
    uint8_t bytes[];
} Command;

struct StoaIceThread {
    GThread *thread;
    GMainContext *context;
    GMainLoop *loop;
    StoaQueue *queue;
    GPtrArray *agents; /* StoaIceAgent */
    GPtrArray *dirty;  /* those with something in `burst` */
    unsigned n_closing;
    StoaIceConf conf; /* its strings are copies */
    char **addresses, **mapped;
};

struct StoaIceAgent {
    StoaIceThread *thread;
    StoaIceCallbacks callbacks;
    void *user;
    char ufrag[STOA_ICE_UFRAG + 1], pwd[STOA_ICE_PWD + 1];
    atomic_uint waiting; /* datagrams posted, not yet with libnice */

    /* From here on the ICE thread's alone. */
    bool controlling;
    bool has_remote; /* credentials: before them candidates are kept in `early` */
    bool was_up;
    StoaIceState told;
    char *local[2], *remote[2]; /* ufrag and password in use */
    GSource *patience;          /* for so long a lost path may come back; NULL: none is lost */
    unsigned n_candidates;
    NiceAgent *nice;
    guint stream;
    GPtrArray *early;
    unsigned n_burst;
    Command *burst[BURST];
};

/* -- commands ------------------------------------------------------------------------------ */

static Command *command_new(StoaIceAgent *agent, Verb verb, size_t len)
{
    Command *command = g_malloc(sizeof(*command) + len);

    *command = (Command){ .verb = verb, .agent = agent, .len = len };
    return command;
}

static void command_free(Command *command)
{
    g_free(command->first);
    g_free(command->second);
    g_free(command);
}

static void post(StoaIceThread *thread, Command *command)
{
    stoa_queue_push(thread->queue, &command->node);
}

/* -- what libnice tells -------------------------------------------------------------------- */

static void on_datagram(NiceAgent *nice G_GNUC_UNUSED, guint stream G_GNUC_UNUSED,
                        guint component G_GNUC_UNUSED, guint len, gchar *buf, gpointer data)
{
    StoaIceAgent *agent = data;

    if (agent->callbacks.datagram)
        agent->callbacks.datagram(agent->user, (const uint8_t *)buf, len);
}

static const char *without_prefix(const char *candidate)
{
    return g_str_has_prefix(candidate, "a=") ? candidate + 2 : candidate;
}

static void tell(StoaIceAgent *agent, NiceCandidate *candidate)
{
    g_autofree char *text = nice_agent_generate_local_candidate_sdp(agent->nice, candidate);

    if (text)
        agent->callbacks.candidate(agent->user, without_prefix(text));
}

/* The same candidate as the NAT shows it: its port, another address. */
static void tell_mapped(StoaIceAgent *agent, const NiceCandidate *candidate, const char *address)
{
    NiceCandidate *copy = nice_candidate_copy(candidate);
    guint port = nice_address_get_port(&copy->addr);

    if (nice_address_set_from_string(&copy->addr, address) &&
        nice_address_ip_version(&copy->addr) == nice_address_ip_version(&candidate->addr)) {
        nice_address_set_port(&copy->addr, port);
        tell(agent, copy);
    }
    nice_candidate_free(copy);
}

static bool is_listed(char **addresses, const NiceCandidate *candidate)
{
    char text[NICE_ADDRESS_STRING_LEN];

    nice_address_to_string(&candidate->addr, text);
    return addresses && g_strv_contains((const char *const *)addresses, text);
}

static bool is_link_local(const NiceCandidate *candidate)
{
    char text[NICE_ADDRESS_STRING_LEN];
    StoaAddress address;

    nice_address_to_string(&candidate->addr, text);
    return stoa_address_parse(text, 0, &address) && stoa_address_is_link_local(&address);
}

static void tell_candidate(StoaIceAgent *agent, NiceCandidate *candidate)
{
    const StoaIceThread *thread = agent->thread;

    if (!agent->callbacks.candidate || candidate->transport == NICE_CANDIDATE_TRANSPORT_TCP_ACTIVE)
        return; /* browsers do not listen: an active candidate reaches nobody */
    if (is_link_local(candidate))
        return; /* nothing without its interface, which the peer does not know */
    if (candidate->type != NICE_CANDIDATE_TYPE_HOST || !thread->mapped ||
        is_listed(thread->addresses, candidate)) {
        tell(agent, candidate);
        return;
    }
    for (char **address = thread->mapped; *address; address++)
        tell_mapped(agent, candidate, *address);
}

static void on_candidate(NiceAgent *nice G_GNUC_UNUSED, NiceCandidate *candidate, gpointer data)
{
    tell_candidate(data, candidate);
}

/* Bursts of video are larger than the system's default. */
static void grow_buffers(NiceAgent *nice, guint stream)
{
    GPtrArray *sockets = nice_agent_get_sockets(nice, stream, COMPONENT);

    for (guint i = 0; sockets && i < sockets->len; i++) {
        g_socket_set_option(sockets->pdata[i], SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES, NULL);
        g_socket_set_option(sockets->pdata[i], SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES, NULL);
    }
    if (sockets)
        g_ptr_array_unref(sockets);
}

static void on_gathered(NiceAgent *nice, guint stream, gpointer data)
{
    StoaIceAgent *agent = data;

    grow_buffers(nice, stream);
    if (agent->callbacks.candidate)
        agent->callbacks.candidate(agent->user, NULL);
}

static void free_candidate(gpointer candidate)
{
    nice_candidate_free(candidate);
}

static void tell_state(StoaIceAgent *agent, StoaIceState now)
{
    agent->told = now;
    if (agent->callbacks.state)
        agent->callbacks.state(agent->user, now);
}

static void clear_patience(StoaIceAgent *agent)
{
    if (agent->patience)
        g_source_destroy(agent->patience);
    g_clear_pointer(&agent->patience, g_source_unref);
}

static void have_patience(StoaIceAgent *agent, guint ms, GSourceFunc then)
{
    clear_patience(agent);
    agent->patience = g_timeout_source_new(ms);
    g_source_set_callback(agent->patience, then, agent, NULL);
    g_source_attach(agent->patience, agent->thread->context);
}

static gboolean lose_patience(gpointer data)
{
    StoaIceAgent *agent = data;

    clear_patience(agent);
    tell_state(agent, STOA_ICE_STATE_FAILED);
    return G_SOURCE_REMOVE;
}

static void set_credentials(char *pair[2], const char *ufrag, const char *pwd)
{
    g_free(pair[0]);
    g_free(pair[1]);
    pair[0] = g_strdup(ufrag);
    pair[1] = g_strdup(pwd);
}

/* What it would take an ICE restart to mend, without one: the same credentials and candidates, checked anew. A client
 * that is back, or at another address, says so by a check, which takes it up again. */
static void check_anew(StoaIceAgent *agent)
{
    GSList *known = nice_agent_get_remote_candidates(agent->nice, agent->stream, COMPONENT);
    GSList *named = NULL;

    for (GSList *l = known; l; l = l->next) {
        if (((NiceCandidate *)l->data)->type != NICE_CANDIDATE_TYPE_PEER_REFLEXIVE)
            named = g_slist_prepend(named, l->data);
    }
    if (nice_agent_restart_stream(agent->nice, agent->stream)) {
        nice_agent_set_local_credentials(agent->nice, agent->stream, agent->local[0],
                                         agent->local[1]);
        nice_agent_set_remote_credentials(agent->nice, agent->stream, agent->remote[0],
                                          agent->remote[1]);
        nice_agent_set_remote_candidates(agent->nice, agent->stream, COMPONENT, named);
    }
    g_slist_free(named);
    g_slist_free_full(known, free_candidate);
}

static gboolean on_loss(gpointer data)
{
    StoaIceAgent *agent = data;

    have_patience(agent, CONSENT_MS - NICE_CONSENT_MS, lose_patience);
    if (agent->has_remote)
        check_anew(agent);
    return G_SOURCE_REMOVE;
}

/* A path that was there may come back for as long as consent may be missing. */
static void on_state(NiceAgent *nice G_GNUC_UNUSED, guint stream G_GNUC_UNUSED,
                     guint component G_GNUC_UNUSED, guint state, gpointer data)
{
    static const StoaIceState states[NICE_COMPONENT_STATE_LAST] = {
        [NICE_COMPONENT_STATE_DISCONNECTED] = STOA_ICE_STATE_DISCONNECTED,
        [NICE_COMPONENT_STATE_CONNECTED] = STOA_ICE_STATE_CONNECTED,
        [NICE_COMPONENT_STATE_READY] = STOA_ICE_STATE_CONNECTED,
        [NICE_COMPONENT_STATE_FAILED] = STOA_ICE_STATE_FAILED,
    };
    StoaIceAgent *agent = data;
    StoaIceState now = state < NICE_COMPONENT_STATE_LAST ? states[state] : 0;

    if (now == STOA_ICE_STATE_CONNECTED) {
        clear_patience(agent);
        agent->was_up = true;
    }
    if (now == STOA_ICE_STATE_FAILED && agent->was_up) {
        if (!agent->patience)
            have_patience(agent, 0, on_loss); /* not within libnice's own call */
        return;
    }
    if (!now || now == agent->told || (now == STOA_ICE_STATE_DISCONNECTED && !agent->told))
        return; /* gathering and connecting are nobody's news */
    tell_state(agent, now);
}

/* -- life of an agent ---------------------------------------------------------------------- */

/* What is mapped may be behind any interface. */
static void add_addresses(const StoaIceThread *thread, NiceAgent *nice)
{
    if (thread->mapped)
        return;
    for (char **text = thread->addresses; text && *text; text++) {
        NiceAddress address;

        nice_address_init(&address);
        if (nice_address_set_from_string(&address, *text))
            nice_agent_add_local_address(nice, &address);
    }
}

static NiceRelayType relay_type(const char *transport)
{
    return g_strcmp0(transport, "tcp") == 0 ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP;
}

static void set_up(const StoaIceConf *conf, StoaIceAgent *agent)
{
    NiceAgent *nice = agent->nice;

    g_object_set(nice, "upnp", FALSE, "controlling-mode", (gboolean)agent->controlling, "ice-udp",
                 TRUE, "ice-tcp", (gboolean)!conf->no_tcp, NULL);
    if (conf->stun_server)
        g_object_set(nice, "stun-server", conf->stun_server, "stun-server-port",
                     (guint)conf->stun_port, NULL);
    add_addresses(agent->thread, nice);
    agent->stream = nice_agent_add_stream(nice, 1);
    if (conf->port_max > 0)
        nice_agent_set_port_range(nice, agent->stream, COMPONENT, conf->port_min, conf->port_max);
    if (conf->turn_server)
        nice_agent_set_relay_info(nice, agent->stream, COMPONENT, conf->turn_server,
                                  conf->turn_port, conf->turn_user ? conf->turn_user : "",
                                  conf->turn_password ? conf->turn_password : "",
                                  relay_type(conf->turn_transport));
    nice_agent_set_local_credentials(nice, agent->stream, agent->ufrag, agent->pwd);
    set_credentials(agent->local, agent->ufrag, agent->pwd);
}

static void do_open(StoaIceAgent *agent)
{
    StoaIceThread *thread = agent->thread;

    agent->nice =
        nice_agent_new_full(thread->context, NICE_COMPATIBILITY_RFC5245,
                            NICE_AGENT_OPTION_REGULAR_NOMINATION | NICE_AGENT_OPTION_ICE_TRICKLE |
                                NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    g_ptr_array_add(thread->agents, agent);
    set_up(&thread->conf, agent);
    g_signal_connect(agent->nice, "new-candidate-full", G_CALLBACK(on_candidate), agent);
    g_signal_connect(agent->nice, "candidate-gathering-done", G_CALLBACK(on_gathered), agent);
    g_signal_connect(agent->nice, "component-state-changed", G_CALLBACK(on_state), agent);
    nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, thread->context, on_datagram,
                           agent);
    if (!nice_agent_gather_candidates(agent->nice, agent->stream))
        on_gathered(agent->nice, agent->stream, agent);
}

static void on_closed(GObject *nice, GAsyncResult *result G_GNUC_UNUSED, gpointer data)
{
    StoaIceThread *thread = data;

    thread->n_closing--;
    g_object_unref(nice);
}

static void drop_burst(StoaIceAgent *agent)
{
    for (unsigned i = 0; i < agent->n_burst; i++)
        command_free(agent->burst[i]);
    agent->n_burst = 0;
}

/* No callback comes after this; libnice says goodbye to TURN in its own time. */
static void do_close(StoaIceAgent *agent)
{
    StoaIceThread *thread = agent->thread;

    g_ptr_array_remove_fast(thread->agents, agent);
    g_ptr_array_remove_fast(thread->dirty, agent);
    g_signal_handlers_disconnect_by_data(agent->nice, agent);
    nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, thread->context, NULL, NULL);
    nice_agent_remove_stream(agent->nice, agent->stream);
    thread->n_closing++;
    nice_agent_close_async(agent->nice, on_closed, thread);
    clear_patience(agent);
    set_credentials(agent->local, NULL, NULL);
    set_credentials(agent->remote, NULL, NULL);
    drop_burst(agent);
    g_ptr_array_unref(agent->early);
    if (agent->callbacks.gone)
        agent->callbacks.gone(agent->user);
    g_free(agent);
}

/* -- the peer ------------------------------------------------------------------------------ */

static bool is_numeric(const char *text)
{
    StoaAddress address;

    return stoa_address_parse(text, 0, &address);
}

/* Names (mDNS) are not resolved: their owner's checks show us its address. */
static bool has_numeric_address(const char *candidate)
{
    g_auto(GStrv) parts = g_strsplit(candidate, " ", 7);

    return g_strv_length(parts) >= 6 && is_numeric(parts[4]);
}

static void add_candidate(StoaIceAgent *agent, const char *text)
{
    NiceCandidate *candidate;
    GSList list = { 0 };

    if (!has_numeric_address(text) || agent->n_candidates >= MAX_CANDIDATES)
        return;
    candidate = nice_agent_parse_remote_candidate_sdp(agent->nice, agent->stream, text);
    if (!candidate)
        return;
    list.data = candidate;
    if (candidate->component_id == COMPONENT &&
        nice_agent_set_remote_candidates(agent->nice, agent->stream, COMPONENT, &list) > 0)
        agent->n_candidates++;
    nice_candidate_free(candidate);
}

/* `text` NULL: the peer has no more. */
static void do_candidate(StoaIceAgent *agent, const char *text)
{
    if (!text)
        nice_agent_peer_candidate_gathering_done(agent->nice, agent->stream);
    else if (agent->has_remote)
        add_candidate(agent, text);
    else if (agent->early->len < MAX_CANDIDATES)
        g_ptr_array_add(agent->early, g_strdup(text));
}

static void do_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    if (!nice_agent_set_remote_credentials(agent->nice, agent->stream, ufrag, pwd))
        return;
    set_credentials(agent->remote, ufrag, pwd);
    agent->has_remote = true;
    for (guint i = 0; i < agent->early->len; i++)
        add_candidate(agent, g_ptr_array_index(agent->early, i));
    g_ptr_array_set_size(agent->early, 0);
}

static void do_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    GSList *local;

    if (!nice_agent_restart_stream(agent->nice, agent->stream))
        return;
    nice_agent_set_local_credentials(agent->nice, agent->stream, ufrag, pwd);
    set_credentials(agent->local, ufrag, pwd);
    agent->has_remote = false;
    agent->n_candidates = 0;
    agent->told = 0;
    if (agent->was_up) /* libnice would wait for candidates for ever */
        have_patience(agent, CONSENT_MS, lose_patience);
    local = nice_agent_get_local_candidates(agent->nice, agent->stream, COMPONENT);
    for (GSList *l = local; l; l = l->next)
        tell_candidate(agent, l->data);
    g_slist_free_full(local, free_candidate);
    on_gathered(agent->nice, agent->stream, agent);
}

/* -- sending ------------------------------------------------------------------------------- */

static void flush_burst(StoaIceAgent *agent)
{
    NiceOutputMessage messages[BURST];
    GOutputVector vectors[BURST];

    for (unsigned i = 0; i < agent->n_burst; i++) {
        vectors[i] = (GOutputVector){ agent->burst[i]->bytes, agent->burst[i]->len };
        messages[i] = (NiceOutputMessage){ &vectors[i], 1 };
    }
    if (agent->n_burst > 0 && agent->nice) /* what does not go now is lost, as on any network */
        nice_agent_send_messages_nonblocking(agent->nice, agent->stream, COMPONENT, messages,
                                             agent->n_burst, NULL, NULL);
    drop_burst(agent);
}

/* Takes the command. */
static void do_send(StoaIceAgent *agent, Command *command)
{
    atomic_fetch_sub(&agent->waiting, 1);
    if (agent->n_burst == 0)
        g_ptr_array_add(agent->thread->dirty, agent);
    agent->burst[agent->n_burst++] = command;
    if (agent->n_burst < BURST)
        return;
    flush_burst(agent);
    g_ptr_array_remove_fast(agent->thread->dirty, agent);
}

static void flush_all(StoaIceThread *thread)
{
    for (guint i = 0; i < thread->dirty->len; i++)
        flush_burst(g_ptr_array_index(thread->dirty, i));
    g_ptr_array_set_size(thread->dirty, 0);
}

/* -- the thread ---------------------------------------------------------------------------- */

static void dispatch(StoaIceThread *thread, Command *command)
{
    StoaIceAgent *agent = command->agent;

    switch (command->verb) {
    case DO_SEND: do_send(agent, command); return;
    case DO_OPEN: do_open(agent); break;
    case DO_REMOTE: do_remote(agent, command->first, command->second); break;
    case DO_ROLE:
        g_object_set(agent->nice, "controlling-mode", (gboolean)command->flag, NULL);
        break;
    case DO_CANDIDATE: do_candidate(agent, command->first); break;
    case DO_RESTART: do_restart(agent, command->first, command->second); break;
    case DO_CLOSE: do_close(agent); break;
    case DO_STOP: g_main_loop_quit(thread->loop); break;
    }
    command_free(command);
}

static gboolean on_queue(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    StoaIceThread *thread = data;
    StoaQueueNode *node = stoa_queue_take(thread->queue);

    while (node) {
        Command *command = STOA_QUEUE_ENTRY(node, Command, node);

        node = node->next;
        dispatch(thread, command);
    }
    flush_all(thread);
    return G_SOURCE_CONTINUE;
}

static void close_all(StoaIceThread *thread)
{
    int64_t until_us = g_get_monotonic_time() + CLOSE_WAIT_MS * 1000;

    while (thread->agents->len > 0)
        do_close(g_ptr_array_index(thread->agents, 0));
    while (thread->n_closing > 0 && g_get_monotonic_time() < until_us) {
        if (!g_main_context_iteration(thread->context, FALSE))
            g_usleep(1000);
    }
}

static void *run(void *data)
{
    StoaIceThread *thread = data;
    GSource *source = g_unix_fd_source_new(stoa_queue_fd(thread->queue), G_IO_IN);

    g_main_context_push_thread_default(thread->context);
    g_source_set_callback(source, G_SOURCE_FUNC(on_queue), thread, NULL);
    g_source_attach(source, thread->context);
    g_main_loop_run(thread->loop);
    close_all(thread);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_context_pop_thread_default(thread->context);
    return NULL;
}

static bool check_address(const char *what, const char *text, GError **error)
{
    if (!text || is_numeric(text))
        return true;
    return stoa_fail(error, STOA_ERROR_INVALID, "%s \"%s\" is not a numeric address", what, text);
}

static bool check_conf(const StoaIceConf *conf, GError **error)
{
    for (const char *const *text = conf->addresses; text && *text; text++) {
        if (!check_address("the ICE address", *text, error))
            return false;
    }
    for (const char *const *text = conf->mapped; text && *text; text++) {
        if (!check_address("the mapped address", *text, error))
            return false;
    }
    if (conf->port_min > conf->port_max)
        return stoa_fail(error, STOA_ERROR_INVALID, "the ICE ports %u to %u are no range",
                         conf->port_min, conf->port_max);
    return check_address("the STUN server", conf->stun_server, error) &&
           check_address("the TURN server", conf->turn_server, error);
}

StoaIceThread *stoa_ice_thread_new(const StoaIceConf *conf, GError **error)
{
    StoaIceThread *thread;
    StoaQueue *queue;

    if (!check_conf(conf, error))
        return NULL;
    queue = stoa_queue_new(error);
    if (!queue)
        return NULL;
    thread = g_new0(StoaIceThread, 1);
    thread->queue = queue;
    thread->conf = *conf;
    thread->addresses = g_strdupv((char **)(uintptr_t)conf->addresses);
    thread->mapped =
        conf->mapped && conf->mapped[0] ? g_strdupv((char **)(uintptr_t)conf->mapped) : NULL;
    thread->conf.stun_server = g_strdup(conf->stun_server);
    thread->conf.turn_server = g_strdup(conf->turn_server);
    thread->conf.turn_user = g_strdup(conf->turn_user);
    thread->conf.turn_password = g_strdup(conf->turn_password);
    thread->conf.turn_transport = g_strdup(conf->turn_transport);
    thread->agents = g_ptr_array_new();
    thread->dirty = g_ptr_array_new();
    thread->context = g_main_context_new();
    thread->loop = g_main_loop_new(thread->context, FALSE);
    thread->thread = g_thread_new("ice", run, thread);
    return thread;
}

void stoa_ice_thread_free(StoaIceThread *thread)
{
    if (!thread)
        return;
    post(thread, command_new(NULL, DO_STOP, 0));
    g_thread_join(thread->thread);
    g_main_loop_unref(thread->loop);
    g_main_context_unref(thread->context);
    stoa_queue_free(thread->queue);
    g_ptr_array_unref(thread->agents);
    g_ptr_array_unref(thread->dirty);
    g_strfreev(thread->addresses);
    g_strfreev(thread->mapped);
    g_free((char *)(uintptr_t)thread->conf.stun_server);
    g_free((char *)(uintptr_t)thread->conf.turn_server);
    g_free((char *)(uintptr_t)thread->conf.turn_user);
    g_free((char *)(uintptr_t)thread->conf.turn_password);
    g_free((char *)(uintptr_t)thread->conf.turn_transport);
    g_free(thread);
}

/* -- what others call ---------------------------------------------------------------------- */

StoaIceAgent *stoa_ice_agent_new(StoaIceThread *thread, bool controlling,
                                 const StoaIceCallbacks *callbacks, void *user)
{
    StoaIceAgent *agent = g_new0(StoaIceAgent, 1);

    agent->thread = thread;
    agent->controlling = controlling;
    agent->callbacks = *callbacks;
    agent->user = user;
    agent->early = g_ptr_array_new_with_free_func(g_free);
    stoa_ice_credentials(0, agent->ufrag, agent->pwd);
    post(thread, command_new(agent, DO_OPEN, 0));
    return agent;
}

const char *stoa_ice_agent_ufrag(const StoaIceAgent *agent)
{
    return agent->ufrag;
}

const char *stoa_ice_agent_pwd(const StoaIceAgent *agent)
{
    return agent->pwd;
}

static void post_texts(StoaIceAgent *agent, Verb verb, char *first, char *second)
{
    Command *command = command_new(agent, verb, 0);

    command->first = first;
    command->second = second;
    post(agent->thread, command);
}

void stoa_ice_agent_set_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    post_texts(agent, DO_REMOTE, g_strdup(ufrag), g_strdup(pwd));
}

void stoa_ice_agent_set_controlling(StoaIceAgent *agent, bool controlling)
{
    Command *command = command_new(agent, DO_ROLE, 0);

    command->flag = controlling;
    post(agent->thread, command);
}

void stoa_ice_agent_add_candidate(StoaIceAgent *agent, const char *candidate)
{
    char *text = candidate ? g_strconcat("a=", without_prefix(candidate), NULL) : NULL;

    post_texts(agent, DO_CANDIDATE, text, NULL);
}

void stoa_ice_agent_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    post_texts(agent, DO_RESTART, g_strdup(ufrag), g_strdup(pwd));
}

bool stoa_ice_agent_send(StoaIceAgent *agent, const uint8_t *buf, size_t len)
{
    Command *command;

    if (len > MAX_DATAGRAM)
        return false;
    if (atomic_fetch_add(&agent->waiting, 1) >= STOA_ICE_SEND_QUEUE) {
        atomic_fetch_sub(&agent->waiting, 1);
        return false;
    }
    command = command_new(agent, DO_SEND, len);
    memcpy(command->bytes, buf, len);
    post(agent->thread, command);
    return true;
}

void stoa_ice_agent_close(StoaIceAgent *agent)
{
    post(agent->thread, command_new(agent, DO_CLOSE, 0));
}
