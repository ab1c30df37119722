/* SPDX-License-Identifier: MIT */
/* What others call of full ICE: each call becomes a command for the ICE thread. */
#include "ice/agent-private.h"

#include <string.h>

#include "base/poison.h"

enum { MAX_DATAGRAM = 65507 };

/* -- commands ------------------------------------------------------------------------------ */

StoaIceCommand *stoa_ice_command_new(StoaIceAgent *agent, StoaIceVerb verb, size_t len)
{
    StoaIceCommand *command = g_malloc(sizeof(*command) + len);

    *command = (StoaIceCommand){ .verb = verb, .agent = agent, .len = len };
    return command;
}

void stoa_ice_command_free(StoaIceCommand *command)
{
    g_free(command->first);
    g_free(command->second);
    g_free(command);
}

void stoa_ice_command_post(StoaIceThread *thread, StoaIceCommand *command)
{
    stoa_queue_push(thread->queue, &command->node);
}

/* -- an agent ------------------------------------------------------------------------------ */

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
    stoa_ice_command_post(thread, stoa_ice_command_new(agent, STOA_ICE_DO_OPEN, 0));
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

static void post_texts(StoaIceAgent *agent, StoaIceVerb verb, char *first, char *second)
{
    StoaIceCommand *command = stoa_ice_command_new(agent, verb, 0);

    command->first = first;
    command->second = second;
    stoa_ice_command_post(agent->thread, command);
}

void stoa_ice_agent_set_remote(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    post_texts(agent, STOA_ICE_DO_REMOTE, g_strdup(ufrag), g_strdup(pwd));
}

void stoa_ice_agent_set_controlling(StoaIceAgent *agent, bool controlling)
{
    StoaIceCommand *command = stoa_ice_command_new(agent, STOA_ICE_DO_ROLE, 0);

    command->flag = controlling;
    stoa_ice_command_post(agent->thread, command);
}

static char *as_attribute(const char *candidate)
{
    return g_strconcat(g_str_has_prefix(candidate, "a=") ? "" : "a=", candidate, NULL);
}

void stoa_ice_agent_add_candidate(StoaIceAgent *agent, const char *candidate)
{
    char *text = candidate ? as_attribute(candidate) : NULL;

    post_texts(agent, STOA_ICE_DO_CANDIDATE, text, NULL);
}

void stoa_ice_agent_restart(StoaIceAgent *agent, const char *ufrag, const char *pwd)
{
    post_texts(agent, STOA_ICE_DO_RESTART, g_strdup(ufrag), g_strdup(pwd));
}

bool stoa_ice_agent_send(StoaIceAgent *agent, const uint8_t *buf, size_t len)
{
    StoaIceCommand *command;

    if (len > MAX_DATAGRAM)
        return false;
    if (atomic_fetch_add(&agent->waiting, 1) >= STOA_ICE_SEND_QUEUE) {
        atomic_fetch_sub(&agent->waiting, 1);
        return false;
    }
    command = stoa_ice_command_new(agent, STOA_ICE_DO_SEND, len);
    memcpy(command->bytes, buf, len);
    stoa_ice_command_post(agent->thread, command);
    return true;
}

void stoa_ice_agent_close(StoaIceAgent *agent)
{
    stoa_ice_command_post(agent->thread, stoa_ice_command_new(agent, STOA_ICE_DO_CLOSE, 0));
}
