/* SPDX-License-Identifier: MIT */
/* Which candidates of ours are told to the peer, and which of the peer's are taken. */
#include "ice/agent-private.h"

#include "base/poison.h"

/* -- ours ---------------------------------------------------------------------------------- */

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

void stoa_nice_tell_candidate(StoaIceAgent *agent, NiceCandidate *candidate)
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

/* -- the peer's ---------------------------------------------------------------------------- */

bool stoa_nice_is_numeric(const char *text)
{
    StoaAddress address;

    return stoa_address_parse(text, 0, &address);
}

/* Names (mDNS) are not resolved: their owner's checks show us its address. */
static bool has_numeric_address(const char *candidate)
{
    g_auto(GStrv) parts = g_strsplit(candidate, " ", 7);

    return g_strv_length(parts) >= 6 && stoa_nice_is_numeric(parts[4]);
}

static void add_candidate(StoaIceAgent *agent, const char *text)
{
    NiceCandidate *candidate;
    GSList list = { 0 };

    if (!has_numeric_address(text) || agent->n_candidates >= STOA_NICE_MAX_CANDIDATES)
        return;
    candidate = nice_agent_parse_remote_candidate_sdp(agent->nice, agent->stream, text);
    if (!candidate)
        return;
    list.data = candidate;
    if (candidate->component_id == STOA_NICE_COMPONENT &&
        nice_agent_set_remote_candidates(agent->nice, agent->stream, STOA_NICE_COMPONENT, &list) >
            0)
        agent->n_candidates++;
    nice_candidate_free(candidate);
}

void stoa_nice_candidate(StoaIceAgent *agent, const char *text)
{
    if (!text)
        nice_agent_peer_candidate_gathering_done(agent->nice, agent->stream);
    else if (agent->has_remote)
        add_candidate(agent, text);
    else if (agent->early->len < STOA_NICE_MAX_CANDIDATES)
        g_ptr_array_add(agent->early, g_strdup(text));
}

void stoa_nice_take_early(StoaIceAgent *agent)
{
    for (guint i = 0; i < agent->early->len; i++)
        add_candidate(agent, g_ptr_array_index(agent->early, i));
    g_ptr_array_set_size(agent->early, 0);
}
