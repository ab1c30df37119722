/* SPDX-License-Identifier: MIT */
/* Sessions: who owns them, how long they live, where their events go. (Janus API sections 1 to 4) */
#include "config.h"

#define LOG_AREA "session"

#include "base/clock.h"
#include "base/id.h"
#include "signaling/private.h"

#include <inttypes.h>

enum { POLL_MS = 30000, MAX_EVENTS = 10000 };

StoaSession *stoa_session_find(StoaSignaling *signaling, uint64_t id)
{
    return g_hash_table_lookup(signaling->sessions, &id);
}

StoaSession *stoa_session_new(StoaSignaling *signaling, uint64_t id, StoaClient *owner)
{
    StoaSession *session = g_new0(StoaSession, 1);

    while (id == 0 || stoa_session_find(signaling, id))
        id = stoa_id_random53();
    session->signaling = signaling;
    session->id = id;
    session->maker = owner->id;
    owner->n_made++;
    session->created_us = session->active_us = stoa_clock_now_us();
    session->handles =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, stoa_attachment_free);
    g_queue_init(&session->events);
    /* The id is a secret of its owner: the log shows what tells sessions apart, not what opens them. */
    stoa_log_tag_set(&session->log, "session=%04" PRIx64 "…", id >> 37);
    g_hash_table_insert(signaling->sessions, &session->id, session);
    stoa_session_own(session, owner);
    log_debug(session, "created");
    return session;
}

/* The hash table of sessions frees it: see stoa_session_end(). */
void stoa_session_free(gpointer data)
{
    StoaSession *session = data;
    StoaClient *maker = stoa_client_find(session->signaling, session->maker);

    if (maker)
        maker->n_made--;
    stoa_session_forget_poll(session);
    if (session->owner)
        g_hash_table_remove(session->owner->sessions, session);
    session->owner = NULL;
    g_hash_table_unref(session->handles);
    g_queue_clear_full(&session->events, (GDestroyNotify)json_decref);
    log_debug(session, "ended");
    g_free(session);
}

void stoa_session_end(StoaSession *session)
{
    uint64_t id = session->id;

    if (session->poll.client) { /* whoever waits for events of it hears that it is gone */
        StoaClient *client = session->poll.client;
        uint64_t request = session->poll.request;
        stoa_session_forget_poll(session);
        stoa_client_answer(client, request, NULL);
    }
    g_hash_table_remove(session->signaling->sessions, &id);
}

void stoa_session_touch(StoaSession *session)
{
    session->active_us = stoa_clock_now_us();
}

/* -- events ------------------------------------------------------------------------------- */

void stoa_session_forget_poll(StoaSession *session)
{
    stoa_timer_clear(&session->poll.timer);
    session->poll.client = NULL;
}

static json_t *take_events(StoaSession *session, unsigned maxev)
{
    if (maxev < 2)
        return g_queue_pop_head(&session->events);
    json_t *list = json_array();
    for (unsigned i = 0; i < maxev && !g_queue_is_empty(&session->events); i++)
        json_array_append_new(list, g_queue_pop_head(&session->events));
    return list;
}

static void answer_poll(StoaSession *session, json_t *answer)
{
    StoaClient *client = session->poll.client;
    uint64_t request = session->poll.request;

    stoa_session_forget_poll(session);
    stoa_session_touch(session);
    stoa_client_answer(client, request, answer);
}

static json_t *keepalive(unsigned maxev)
{
    return maxev < 2 ? json_pack("{s:s}", "janus", "keepalive")
                     : json_pack("[{s:s}]", "janus", "keepalive");
}

static void poll_is_over(void *data)
{
    StoaSession *session = data;

    session->poll.timer = NULL;
    answer_poll(session, keepalive(session->poll.maxev));
}

/* A second poll takes the place of the first, which is answered at once: a client that came back is not held up. */
void stoa_session_poll(StoaSession *session, StoaClient *client, uint64_t request, unsigned maxev)
{
    stoa_session_touch(session);
    if (session->poll.client)
        answer_poll(session, keepalive(session->poll.maxev));
    session->poll.client = client;
    session->poll.request = request;
    session->poll.maxev = maxev;
    if (!g_queue_is_empty(&session->events))
        answer_poll(session, take_events(session, maxev));
    else
        session->poll.timer = stoa_timer_after(POLL_MS, poll_is_over, session);
}

void stoa_session_event(StoaSession *session, json_t *event)
{
    if (session->owner) {
        stoa_client_answer(session->owner, 0, event);
        return;
    }
    if (g_queue_get_length(&session->events) >= MAX_EVENTS) {
        json_decref(g_queue_pop_head(&session->events));
        log_warn(session, "an event was dropped: %d wait and nobody polls", MAX_EVENTS);
    }
    g_queue_push_tail(&session->events, event);
    if (session->poll.client)
        answer_poll(session, take_events(session, session->poll.maxev));
}

/* -- ownership ---------------------------------------------------------------------------- */

/* A lasting connection owns the session and gets its events at once; over HTTP it belongs to who knows its id. */
void stoa_session_own(StoaSession *session, StoaClient *owner)
{
    if (session->owner)
        g_hash_table_remove(session->owner->sessions, session);
    if (session->poll.client && owner->info.events)
        answer_poll(session, keepalive(session->poll.maxev));
    session->owner = owner->info.events ? owner : NULL;
    session->orphan = false;
    stoa_session_touch(session);
    stoa_seat_session_lost(session, false);
    if (!session->owner)
        return;
    g_hash_table_add(owner->sessions, session);
    while (!g_queue_is_empty(&session->events))
        stoa_client_answer(owner, 0, g_queue_pop_head(&session->events));
}

bool stoa_session_is_of(const StoaSession *session, const StoaClient *client)
{
    if (session->orphan)
        return false;
    return session->owner ? session->owner == client : !client->info.events;
}

void stoa_session_lost(StoaSession *session)
{
    g_hash_table_remove(session->owner->sessions, session);
    session->owner = NULL;
    session->orphan = true;
    session->orphan_us = stoa_clock_now_us();
    if (session->signaling->conf->reclaim_s == 0)
        stoa_session_end(session);
    else
        stoa_seat_session_lost(session, true);
}

/* -- timeouts ----------------------------------------------------------------------------- */

int64_t stoa_session_timeout_s(const StoaSignaling *signaling)
{
    return signaling->timeout_s >= 0 ? signaling->timeout_s : signaling->conf->session_timeout_s;
}

static bool is_over(const StoaSession *session, int64_t now)
{
    const StoaSignaling *signaling = session->signaling;
    int64_t timeout_s = stoa_session_timeout_s(signaling);

    if (session->orphan)
        return now - session->orphan_us >= signaling->conf->reclaim_s * G_USEC_PER_SEC;
    return timeout_s > 0 && !session->poll.client &&
           now - session->active_us >= timeout_s * G_USEC_PER_SEC;
}

void stoa_session_sweep(void *data)
{
    StoaSignaling *signaling = data;
    int64_t now = stoa_clock_now_us();
    g_autoptr(GList) sessions = g_hash_table_get_values(signaling->sessions);

    stoa_client_sweep(signaling, now);
    for (GList *at = sessions; at; at = at->next) {
        StoaSession *session = at->data;
        if (!is_over(session, now))
            continue;
        log_info(session, session->orphan ? "nobody claimed it" : "timed out");
        stoa_session_event(session, json_pack("{s:s, s:I}", "janus", "timeout", "session_id",
                                              (json_int_t)session->id));
        stoa_session_end(session);
    }
}
