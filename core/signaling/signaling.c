/* SPDX-License-Identifier: MIT */
/* The whole of it: made, swept every second, told goodbye. */
#include "config.h"

#define LOG_AREA "signaling"

#include "base/clock.h"
#include "signaling/private.h"

#include <inttypes.h>

StoaSignaling *stoa_signaling_new(const StoaSignalingConf *conf, const StoaSignalingHost *host,
                                  void *user)
{
    StoaSignaling *signaling = g_new0(StoaSignaling, 1);

    signaling->conf = conf;
    signaling->host = host;
    signaling->user = user;
    signaling->clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, stoa_client_free);
    signaling->sessions =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, stoa_session_free);
    signaling->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    signaling->timeout_s = -1;
    signaling->accepting = true;
    signaling->started_us = stoa_clock_now_us();
    signaling->sweeper = stoa_timer_every(1000, stoa_session_sweep, signaling);
    stoa_auth_load(signaling);
    return signaling;
}

void stoa_signaling_free(StoaSignaling *signaling)
{
    if (!signaling)
        return;
    stoa_timer_clear(&signaling->sweeper);
    g_hash_table_unref(signaling->sessions);
    g_hash_table_unref(signaling->clients);
    g_hash_table_unref(signaling->tokens);
    g_free(signaling);
}

unsigned stoa_signaling_n_sessions(const StoaSignaling *signaling)
{
    return g_hash_table_size(signaling->sessions);
}

unsigned stoa_signaling_n_clients(const StoaSignaling *signaling)
{
    return g_hash_table_size(signaling->clients);
}

static void detach_all(StoaSession *session)
{
    g_autoptr(GList) handles = g_hash_table_get_values(session->handles);

    for (GList *at = handles; at; at = at->next)
        stoa_attachment_detach(at->data);
}

void stoa_signaling_say_goodbye(StoaSignaling *signaling)
{
    g_autoptr(GList) sessions = g_hash_table_get_values(signaling->sessions);
    g_autoptr(GList) clients = g_hash_table_get_values(signaling->clients);

    signaling->accepting = false;
    for (GList *at = sessions; at; at = at->next) {
        StoaSession *session = at->data;
        detach_all(session);
        stoa_session_event(session, json_pack("{s:s, s:I}", "janus", "timeout", "session_id",
                                              (json_int_t)session->id));
        stoa_session_end(session);
    }
    for (GList *at = clients; at; at = at->next) {
        StoaClient *client = at->data;
        if (client->info.events)
            client->outlet->close_client(client->id, "the server stops");
    }
}

void stoa_signaling_detach_module(StoaSignaling *signaling, StoaModule *module)
{
    g_autoptr(GList) sessions = g_hash_table_get_values(signaling->sessions);

    for (GList *at = sessions; at; at = at->next) {
        StoaSession *session = at->data;
        g_autoptr(GList) handles = g_hash_table_get_values(session->handles);
        for (GList *each = handles; each; each = each->next) {
            StoaAttachment *attachment = each->data;
            if (stoa_handle_module(attachment->handle) == module)
                stoa_attachment_detach(attachment);
        }
    }
}
