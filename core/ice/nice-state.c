/* SPDX-License-Identifier: MIT */
/* What libnice says of the path. It gives up after 10 s; we check anew, and give up when consent is over, as lite does. */
#include "ice/agent-private.h"

#include "base/poison.h"

enum { NICE_CONSENT_MS = 10000 /* libnice takes it for lost, and sends no more, after this */ };

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

void stoa_nice_stop_waiting(StoaIceAgent *agent)
{
    if (agent->patience)
        g_source_destroy(agent->patience);
    g_clear_pointer(&agent->patience, g_source_unref);
}

static void have_patience(StoaIceAgent *agent, guint ms, GSourceFunc then)
{
    stoa_nice_stop_waiting(agent);
    agent->patience = g_timeout_source_new(ms);
    g_source_set_callback(agent->patience, then, agent, NULL);
    g_source_attach(agent->patience, agent->thread->context);
}

static gboolean lose_patience(gpointer data)
{
    StoaIceAgent *agent = data;

    stoa_nice_stop_waiting(agent);
    tell_state(agent, STOA_ICE_STATE_FAILED);
    return G_SOURCE_REMOVE;
}

/* What it would take an ICE restart to mend, without one: the same credentials and candidates, checked anew. A client
 * that is back, or at another address, says so by a check, which takes it up again. */
static void check_anew(StoaIceAgent *agent)
{
    GSList *known =
        nice_agent_get_remote_candidates(agent->nice, agent->stream, STOA_NICE_COMPONENT);
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
        nice_agent_set_remote_candidates(agent->nice, agent->stream, STOA_NICE_COMPONENT, named);
    }
    g_slist_free(named);
    g_slist_free_full(known, free_candidate);
}

static gboolean on_loss(gpointer data)
{
    StoaIceAgent *agent = data;

    have_patience(agent, STOA_NICE_PATIENCE_MS - NICE_CONSENT_MS, lose_patience);
    if (agent->has_remote)
        check_anew(agent);
    return G_SOURCE_REMOVE;
}

/* A path that was there may come back for as long as consent may be missing. */
void stoa_nice_on_state(NiceAgent *nice G_GNUC_UNUSED, guint stream G_GNUC_UNUSED,
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
        stoa_nice_stop_waiting(agent);
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

void stoa_nice_await(StoaIceAgent *agent)
{
    have_patience(agent, STOA_NICE_PATIENCE_MS, lose_patience);
}

static bool is_same_pair(const StoaIcePair *a, const StoaIcePair *b)
{
    return a->is_relayed == b->is_relayed && a->is_tcp == b->is_tcp &&
           stoa_address_equal(&a->remote, &b->remote);
}

/* It may select a pair again, at a restart for one. */
void stoa_nice_on_pair(NiceAgent *nice G_GNUC_UNUSED, guint stream G_GNUC_UNUSED,
                       guint component G_GNUC_UNUSED, NiceCandidate *local, NiceCandidate *remote,
                       gpointer data)
{
    StoaIceAgent *agent = data;
    StoaIcePair now = { .is_relayed = local->type == NICE_CANDIDATE_TYPE_RELAYED,
                        .is_tcp = local->transport != NICE_CANDIDATE_TRANSPORT_UDP };

    stoa_address_set(&now.remote, &remote->addr.s.addr);
    if (stoa_address_is_set(&agent->pair.remote) && is_same_pair(&now, &agent->pair))
        return;
    agent->pair = now;
    if (agent->callbacks.pair)
        agent->callbacks.pair(agent->user, &now);
}
