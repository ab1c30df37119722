/* SPDX-License-Identifier: MIT */
#include "media/full.h"

#include <string.h>

#include "media/event.h"
#include "media/peer.h"

#include "base/poison.h"

/* What the ICE thread knows of a peer: ids and the worker, which outlives it. */
typedef struct {
    StoaMedia *media; /* a reference */
    StoaWorker *worker;
    StoaPeerId peer;
} Link;

typedef struct {
    StoaMessage message;
    StoaPeerId peer;
    size_t len;
    uint8_t buf[];
} Incoming;

typedef struct {
    StoaMessage message;
    StoaPeerId peer;
    StoaIceState state;
} News;

typedef struct {
    StoaMessage message;
    StoaPeerId peer;
    StoaIcePair pair;
} Selected;

static void on_candidate(void *user, const char *candidate)
{
    Link *link = user;

    stoa_event_candidate(link->media, link->peer, candidate);
}

static void on_news(StoaWorker *w, StoaMessage *message)
{
    g_autofree News *news = (News *)message;
    StoaPeer *peer = stoa_worker_peer(w, news->peer);

    if (!peer)
        return;
    if (news->state == STOA_ICE_STATE_CONNECTED)
        stoa_peer_step(peer, STOA_PEER_EV_PATH);
    else if (news->state == STOA_ICE_STATE_FAILED)
        stoa_peer_step(peer, STOA_PEER_EV_NO_PATH);
}

static void on_state(void *user, StoaIceState state)
{
    Link *link = user;
    News *news = g_new(News, 1);

    *news = (News){ { .run = on_news }, link->peer, state };
    stoa_worker_post(link->worker, &news->message);
}

static void on_selected(StoaWorker *w, StoaMessage *message)
{
    g_autofree Selected *self = (Selected *)message;
    StoaPeer *peer = stoa_worker_peer(w, self->peer);

    if (peer)
        stoa_peer_take_pair(peer, &self->pair);
}

static void on_pair(void *user, const StoaIcePair *pair)
{
    Link *link = user;
    Selected *self = g_new(Selected, 1);

    *self = (Selected){ { .run = on_selected }, link->peer, *pair };
    stoa_worker_post(link->worker, &self->message);
}

static void on_incoming(StoaWorker *w, StoaMessage *message)
{
    g_autofree Incoming *self = (Incoming *)message;
    StoaPeer *peer = stoa_worker_peer(w, self->peer);

    if (peer)
        stoa_worker_foreign(w, peer, self->buf, self->len);
}

static void on_datagram(void *user, const uint8_t *buf, size_t len)
{
    Link *link = user;
    Incoming *self = g_malloc(sizeof(*self) + len);

    *self = (Incoming){ { .run = on_incoming }, link->peer, len };
    memcpy(self->buf, buf, len);
    stoa_worker_post(link->worker, &self->message);
}

static void on_gone(void *user)
{
    Link *link = user;

    stoa_media_unref(link->media);
    g_free(link);
}

static const StoaIceCallbacks callbacks = { on_candidate, on_state, on_pair, on_datagram, on_gone };

StoaIceAgent *stoa_full_open(StoaMedia *media, StoaWorker *worker, StoaPeerId peer,
                             bool controlling)
{
    Link *link = g_new(Link, 1);
    StoaIceAgent *agent;

    *link = (Link){ stoa_media_ref(media), worker, peer };
    agent = stoa_ice_agent_new(media->ice_thread, controlling, &callbacks, link);
    if (!agent)
        on_gone(link);
    return agent;
}
