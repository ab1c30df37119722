/* SPDX-License-Identifier: MIT */
/* One libnice agent on the ICE thread. */
#include "ice/agent-private.h"

#include "base/poison.h"

enum { BUFFER_BYTES = 1 << 20 /* of each socket, each way, as far as the system allows */ };

/* -- what libnice tells -------------------------------------------------------------------- */

static void on_datagram(NiceAgent *nice G_GNUC_UNUSED, guint stream G_GNUC_UNUSED,
                        guint component G_GNUC_UNUSED, guint len, gchar *buf, gpointer data)
{
    StoaIceAgent *agent = data;

    if (agent->callbacks.datagram)
        agent->callbacks.datagram(agent->user, (const uint8_t *)buf, len);
}

static void on_candidate(NiceAgent *nice G_GNUC_UNUSED, NiceCandidate *candidate, gpointer data)
{
    stoa_nice_tell_candidate(data, candidate);
}

/* Bursts of video are larger than the system's default. */
static void grow_buffers(NiceAgent *nice, guint stream)
{
    GPtrArray *sockets = nice_agent_get_sockets(nice, stream, STOA_NICE_COMPONENT);

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

/* -- life ---------------------------------------------------------------------------------- */

void stoa_nice_set_credentials(char *pair[2], const char *ufrag, const char *pwd)
{
    g_free(pair[0]);
    g_free(pair[1]);
    pair[0] = g_strdup(ufrag);
    pair[1] = g_strdup(pwd);
}

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
        nice_agent_set_port_range(nice, agent->stream, STOA_NICE_COMPONENT, conf->port_min,
                                  conf->port_max);
    if (conf->turn_server)
        nice_agent_set_relay_info(nice, agent->stream, STOA_NICE_COMPONENT, conf->turn_server,
                                  conf->turn_port, conf->turn_user ? conf->turn_user : "",
                                  conf->turn_password ? conf->turn_password : "",
                                  relay_type(conf->turn_transport));
    nice_agent_set_local_credentials(nice, agent->stream, agent->ufrag, agent->pwd);
    stoa_nice_set_credentials(agent->local, agent->ufrag, agent->pwd);
}

void stoa_nice_open(StoaIceAgent *agent)
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
    g_signal_connect(agent->nice, "component-state-changed", G_CALLBACK(stoa_nice_on_state), agent);
    g_signal_connect(agent->nice, "new-selected-pair-full", G_CALLBACK(stoa_nice_on_pair), agent);
    nice_agent_attach_recv(agent->nice, agent->stream, STOA_NICE_COMPONENT, thread->context,
                           on_datagram, agent);
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
        stoa_ice_command_free(agent->burst[i]);
    agent->n_burst = 0;
}

void stoa_nice_close(StoaIceAgent *agent)
{
    StoaIceThread *thread = agent->thread;

    g_ptr_array_remove_fast(thread->agents, agent);
    g_ptr_array_remove_fast(thread->dirty, agent);
    g_signal_handlers_disconnect_by_data(agent->nice, agent);
    nice_agent_attach_recv(agent->nice, agent->stream, STOA_NICE_COMPONENT, thread->context, NULL,
                           NULL);
    nice_agent_remove_stream(agent->nice, agent->stream);
    thread->n_closing++;
    nice_agent_close_async(agent->nice, on_closed, thread);
    stoa_nice_stop_waiting(agent);
    stoa_nice_set_credentials(agent->local, NULL, NULL);
    stoa_nice_set_credentials(agent->remote, NULL, NULL);
    drop_burst(agent);
    g_ptr_array_unref(agent->early);
    if (agent->callbacks.gone)
        agent->callbacks.gone(agent->user);
    g_free(agent);
}

/* -- credentials --------------------------------------------------------------------------- */

void stoa_nice_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    if (!nice_agent_set_remote_credentials(agent->nice, agent->stream, ufrag, pwd))
        return;
    stoa_nice_set_credentials(agent->remote, ufrag, pwd);
    agent->has_remote = true;
    stoa_nice_take_early(agent);
}

void stoa_nice_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    GSList *local;

    if (!nice_agent_restart_stream(agent->nice, agent->stream))
        return;
    nice_agent_set_local_credentials(agent->nice, agent->stream, ufrag, pwd);
    stoa_nice_set_credentials(agent->local, ufrag, pwd);
    agent->has_remote = false;
    agent->n_candidates = 0;
    agent->told = 0;
    if (agent->was_up) /* libnice would wait for candidates for ever */
        stoa_nice_await(agent);
    local = nice_agent_get_local_candidates(agent->nice, agent->stream, STOA_NICE_COMPONENT);
    for (GSList *l = local; l; l = l->next)
        stoa_nice_tell_candidate(agent, l->data);
    g_slist_free_full(local, (GDestroyNotify)nice_candidate_free);
    on_gathered(agent->nice, agent->stream, agent);
}

/* -- sending ------------------------------------------------------------------------------- */

void stoa_nice_flush(StoaIceAgent *agent)
{
    NiceOutputMessage messages[STOA_NICE_BURST];
    GOutputVector vectors[STOA_NICE_BURST];

    for (unsigned i = 0; i < agent->n_burst; i++) {
        vectors[i] = (GOutputVector){ agent->burst[i]->bytes, agent->burst[i]->len };
        messages[i] = (NiceOutputMessage){ &vectors[i], 1 };
    }
    if (agent->n_burst > 0 && agent->nice) /* what does not go now is lost, as on any network */
        nice_agent_send_messages_nonblocking(agent->nice, agent->stream, STOA_NICE_COMPONENT,
                                             messages, agent->n_burst, NULL, NULL);
    drop_burst(agent);
}

void stoa_nice_send(StoaIceAgent *agent, StoaIceCommand *command)
{
    atomic_fetch_sub(&agent->waiting, 1);
    if (agent->n_burst == 0)
        g_ptr_array_add(agent->thread->dirty, agent);
    agent->burst[agent->n_burst++] = command;
    if (agent->n_burst < STOA_NICE_BURST)
        return;
    stoa_nice_flush(agent);
    g_ptr_array_remove_fast(agent->thread->dirty, agent);
}
