/* SPDX-License-Identifier: MIT */
/* Data channels: SCTP runs on the data thread, DTLS on the worker; packets go to and fro by queue, messages to control. */
#include <string.h>

#include "media/event.h"
#include "media/media-private.h"
#include "media/peer-private.h"

#include "base/poison.h"

/* Bytes of messages, and of news of channels, that may wait for control: a peer that sends faster than its module takes is held back. */
enum { MAX_UNREAD = 1 << 20, COST = 256 };

/* What the data thread knows of a peer: ids and the worker, which outlives it. */
typedef struct {
    StoaWorker *worker;
    StoaPeerId peer;
    atomic_int refs;      /* the association's, and each message's on its way to control */
    atomic_size_t unread; /* bytes of those */
} Link;

/* A message on its way to control, or news of a channel, which has no bytes. */
typedef struct {
    Link *link;
    size_t cost;
    uint8_t buf[];
} Incoming;

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

static void on_gone(void *user)
{
    Link *link = user;

    if (atomic_fetch_sub(&link->refs, 1) > 1)
        return;
    stoa_media_unref(link->worker->media);
    g_free(link);
}

static void incoming_free(void *data)
{
    Incoming *incoming = data;

    atomic_fetch_sub(&incoming->link->unread, incoming->cost);
    on_gone(incoming->link);
    g_free(incoming);
}

/* What control has not heard yet counts, whatever it is. */
static GBytes *take(Link *link, const uint8_t *buf, size_t len)
{
    Incoming *incoming = g_malloc(sizeof(*incoming) + len);

    incoming->link = link;
    incoming->cost = len + COST;
    if (len > 0)
        memcpy(incoming->buf, buf, len);
    atomic_fetch_add(&link->refs, 1);
    atomic_fetch_add(&link->unread, incoming->cost);
    return g_bytes_new_with_free_func(incoming->buf, len, incoming_free, incoming);
}

static void on_channel(void *user, uint16_t stream G_GNUC_UNUSED, const char *label,
                       const char *protocol)
{
    Link *link = user;

    stoa_event_data_open(link->worker->media, link->peer, label, protocol, take(link, NULL, 0));
}

static void on_channel_closed(void *user, uint16_t stream G_GNUC_UNUSED, const char *label)
{
    Link *link = user;

    stoa_event_data_closed(link->worker->media, link->peer, label, take(link, NULL, 0));
}

static void on_message(void *user, const StoaSctpOrigin *from, const uint8_t *buf, size_t len,
                       bool is_text)
{
    Link *link = user;
    const StoaDataChannel channel = { .label = from->label,
                                      .protocol = from->protocol,
                                      .unordered = from->reliability.unordered,
                                      .limit_retransmits = from->reliability.has_max_retransmits,
                                      .max_retransmits = from->reliability.max_retransmits,
                                      .max_life_ms = from->reliability.has_max_lifetime
                                                         ? MAX(1, from->reliability.max_lifetime_ms)
                                                         : 0 };

    stoa_event_data(link->worker->media, link->peer, &channel, take(link, buf, len), is_text);
}

static bool is_ready(void *user)
{
    Link *link = user;

    return atomic_load(&link->unread) < MAX_UNREAD;
}

static const StoaSctpCallbacks callbacks = {
    .packet = on_packet,
    .channel = on_channel,
    .message = on_message,
    .channel_closed = on_channel_closed,
    .gone = on_gone,
    .is_ready = is_ready,
};

void stoa_peer_open_data(StoaPeer *peer)
{
    StoaMedia *media = peer->worker->media;
    StoaSctpOptions options = { .remote_port = peer->sctp_port,
                                .dtls_client = peer->dtls_client,
                                .max_message = peer->max_message };
    Link *link = g_new0(Link, 1);

    link->worker = peer->worker;
    link->peer = peer->id;
    link->refs = 1;
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
