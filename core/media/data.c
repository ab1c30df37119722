/* SPDX-License-Identifier: MIT */
/* Data channels: SCTP runs on the data thread, DTLS on the worker; packets go to and fro by queue, messages to control. */
#include <string.h>

#include "media/event.h"
#include "media/media-private.h"
#include "media/peer-private.h"

#include "base/poison.h"

/* What the data thread knows of a peer: ids and the worker, which outlives it. */
typedef struct {
    StoaWorker *worker;
    StoaPeerId peer;
} Link;

/* An SCTP packet to be sealed. */
typedef struct {
    StoaMessage message;
    StoaPeerId peer;
    size_t len;
    uint8_t buf[];
} Outgoing;

static void on_outgoing(StoaWorker *w, StoaMessage *message)
{
    g_autofree Outgoing *self = (Outgoing *)message;
    StoaPeer *peer = stoa_worker_peer(w, self->peer);

    if (peer && stoa_peer_is_ready(peer))
        stoa_dtls_link_send(peer->dtls, self->buf, self->len);
}

static void on_packet(void *user, const uint8_t *buf, size_t len)
{
    Link *link = user;
    Outgoing *self = g_malloc(sizeof(*self) + len);

    *self = (Outgoing){ { .run = on_outgoing }, link->peer, len };
    memcpy(self->buf, buf, len);
    stoa_worker_post(link->worker, &self->message);
}

static void on_channel(void *user, uint16_t stream G_GNUC_UNUSED, const char *label,
                       const char *protocol)
{
    Link *link = user;

    stoa_event_data_open(link->worker->media, link->peer, label, protocol);
}

static void on_message(void *user, uint16_t stream G_GNUC_UNUSED, const char *label,
                       const uint8_t *buf, size_t len, bool is_text)
{
    Link *link = user;

    stoa_event_data(link->worker->media, link->peer, label, buf, len, is_text);
}

static void on_gone(void *user)
{
    Link *link = user;

    stoa_media_unref(link->worker->media);
    g_free(link);
}

static const StoaSctpCallbacks callbacks = {
    .packet = on_packet,
    .channel = on_channel,
    .message = on_message,
    .gone = on_gone,
};

void stoa_peer_open_data(StoaPeer *peer)
{
    StoaMedia *media = peer->worker->media;
    StoaSctpOptions options = { .dtls_client = peer->dtls_client };
    Link *link = g_new(Link, 1);

    *link = (Link){ peer->worker, peer->id };
    stoa_media_ref(media);
    peer->sctp = stoa_sctp_open(media->sctp_thread, &options, &callbacks, link);
    if (peer->sctp)
        stoa_event_sctp(peer->worker, peer->id, peer->sctp);
    else
        on_gone(link);
}

void stoa_peer_close_data(StoaPeer *peer)
{
    if (peer->sctp)
        stoa_sctp_close(g_steal_pointer(&peer->sctp));
}
