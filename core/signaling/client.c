/* SPDX-License-Identifier: MIT */
/* Connections: which sessions they own, and how much they may ask. (SECURITY R2, R5) */
#include "config.h"

#define LOG_AREA "client"

#include "base/clock.h"
#include "signaling/private.h"

#include <inttypes.h>

StoaClient *stoa_client_find(StoaSignaling *signaling, uint64_t id)
{
    return g_hash_table_lookup(signaling->clients, &id);
}

void stoa_client_free(gpointer data)
{
    StoaClient *client = data;

    g_hash_table_unref(client->sessions);
    g_free(client->address);
    g_free(client);
}

void stoa_signaling_client_open(StoaSignaling *signaling, uint64_t id, const StoaClientInfo *info,
                                const StoaClientOutlet *outlet)
{
    StoaClient *client = g_new0(StoaClient, 1);

    client->id = id;
    client->info = *info;
    client->address = g_strdup(info->address);
    client->info.address = client->address;
    client->outlet = outlet;
    client->sessions = g_hash_table_new(NULL, NULL);
    client->budget = (double)signaling->conf->requests_burst;
    client->budget_at_us = client->active_us = stoa_clock_now_us();
    stoa_log_tag_set(&client->log, "client=%" PRIu64, id);
    g_hash_table_replace(signaling->clients, &client->id, client);
    log_debug(client, "connected from %s", STOA_PII(client->address));
}

/* Polls of this connection that still wait belong to sessions that it does not own. */
static void forget_polls(StoaSignaling *signaling, StoaClient *client)
{
    GHashTableIter iter;
    gpointer session;

    if (client->info.events)
        return;
    g_hash_table_iter_init(&iter, signaling->sessions);
    while (g_hash_table_iter_next(&iter, NULL, &session)) {
        if (((StoaSession *)session)->poll.client == client)
            stoa_session_forget_poll(session);
    }
}

void stoa_signaling_client_closed(StoaSignaling *signaling, uint64_t id)
{
    StoaClient *client = stoa_client_find(signaling, id);

    if (!client)
        return;
    g_autoptr(GList) sessions = g_hash_table_get_keys(client->sessions);
    for (GList *at = sessions; at; at = at->next)
        stoa_session_lost(at->data);
    forget_polls(signaling, client);
    log_debug(client, "gone");
    g_hash_table_remove(signaling->clients, &id);
}

/* Over HTTP a connection owns nothing: what counts is what it made. (SECURITY R5) */
bool stoa_client_has_room(const StoaClient *client, int64_t limit)
{
    unsigned n = client->info.events ? g_hash_table_size(client->sessions) : client->n_made;

    return limit == 0 || n < limit;
}

/* A lasting connection without a session that asks nothing holds a place in vain. (SECURITY R6) */
static bool is_idle(const StoaClient *client, int64_t idle_s, int64_t now_us)
{
    return client->info.events && !client->info.admin && idle_s > 0 &&
           g_hash_table_size(client->sessions) == 0 &&
           now_us - client->active_us >= idle_s * G_USEC_PER_SEC;
}

void stoa_client_sweep(StoaSignaling *signaling, int64_t now_us)
{
    g_autoptr(GList) clients = g_hash_table_get_values(signaling->clients);

    for (GList *at = clients; at; at = at->next) {
        StoaClient *client = at->data;
        if (g_hash_table_size(client->sessions) > 0)
            client->active_us = now_us;
        else if (is_idle(client, signaling->conf->idle_s, now_us))
            client->outlet->close_client(client->id, "no session and no request for too long "
                                                     "(stoa.conf: limits.idle_s)");
    }
}

bool stoa_client_spend(StoaClient *client, const StoaSignalingConf *conf)
{
    int64_t now = stoa_clock_now_us();

    client->active_us = now;
    if (conf->requests_per_second == 0)
        return true;
    client->budget +=
        (double)(now - client->budget_at_us) * (double)conf->requests_per_second / 1e6;
    client->budget = MIN(client->budget, (double)conf->requests_burst);
    client->budget_at_us = now;
    if (client->budget < 1)
        return false;
    client->budget -= 1;
    return true;
}

void stoa_client_answer(StoaClient *client, uint64_t request, json_t *answer)
{
    client->outlet->deliver(client->id, request, answer);
}
