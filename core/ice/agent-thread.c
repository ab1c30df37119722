/* SPDX-License-Identifier: MIT */
/* The thread of full ICE: one for all agents. */
#include "ice/agent-private.h"

#include <glib-unix.h>

#include <stoa/error.h>

#include "base/poison.h"

enum { CLOSE_WAIT_MS = 1000 /* for TURN to be told, at the end of the thread */ };

static void flush_all(StoaIceThread *thread)
{
    for (guint i = 0; i < thread->dirty->len; i++)
        stoa_nice_flush(g_ptr_array_index(thread->dirty, i));
    g_ptr_array_set_size(thread->dirty, 0);
}

static void dispatch(StoaIceThread *thread, StoaIceCommand *command)
{
    StoaIceAgent *agent = command->agent;

    switch (command->verb) {
    case STOA_ICE_DO_SEND: stoa_nice_send(agent, command); return;
    case STOA_ICE_DO_OPEN: stoa_nice_open(agent); break;
    case STOA_ICE_DO_REMOTE: stoa_nice_remote(agent, command->first, command->second); break;
    case STOA_ICE_DO_ROLE:
        g_object_set(agent->nice, "controlling-mode", (gboolean)command->flag, NULL);
        break;
    case STOA_ICE_DO_CANDIDATE: stoa_nice_candidate(agent, command->first); break;
    case STOA_ICE_DO_RESTART: stoa_nice_restart(agent, command->first, command->second); break;
    case STOA_ICE_DO_CLOSE: stoa_nice_close(agent); break;
    case STOA_ICE_DO_STOP: g_main_loop_quit(thread->loop); break;
    }
    stoa_ice_command_free(command);
}

static gboolean on_queue(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    StoaIceThread *thread = data;
    StoaQueueNode *node = stoa_queue_take(thread->queue);

    while (node) {
        StoaIceCommand *command = STOA_QUEUE_ENTRY(node, StoaIceCommand, node);

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
        stoa_nice_close(g_ptr_array_index(thread->agents, 0));
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

/* -- life --------------------------------------------------------------------------------- */

static bool check_address(const char *what, const char *text, GError **error)
{
    if (!text || stoa_nice_is_numeric(text))
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
    stoa_ice_command_post(thread, stoa_ice_command_new(NULL, STOA_ICE_DO_STOP, 0));
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
