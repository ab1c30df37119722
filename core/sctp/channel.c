/* SPDX-License-Identifier: MIT */
/* Channels of an association: labels, the opening handshake, what a message is. (RFC 8831, RFC 8832) */
#include "sctp/thread.h"

#include <string.h>

#include "base/poison.h"

enum { MAX_OUTGOING = 16384 };

/* -- the table ----------------------------------------------------------------------------- */

void stoa_sctp_channel_free(void *data)
{
    StoaSctpChannel *channel = data;

    g_free(channel->label);
    g_free(channel->protocol);
    g_free(channel);
}

StoaSctpChannel *stoa_sctp_channel_find(StoaSctp *sctp, uint16_t stream)
{
    return g_hash_table_lookup(sctp->channels, GUINT_TO_POINTER(stream));
}

/* Both sides may have opened one at the same moment: the peer's page listens on its own. */
StoaSctpChannel *stoa_sctp_channel_find_label(StoaSctp *sctp, const char *label)
{
    StoaSctpChannel *found = NULL;

    for (GList *l = sctp->channel_order.head; l; l = l->next) {
        StoaSctpChannel *channel = l->data;

        if (strcmp(channel->label, label) != 0)
            continue;
        if (channel->by_peer)
            return channel;
        if (!found)
            found = channel;
    }
    return found;
}

static StoaSctpReliability reliability_of(const StoaSctpChannel *channel)
{
    bool tries = channel->policy == STOA_DCEP_RETRANSMITS;
    bool time = channel->policy == STOA_DCEP_LIFETIME;
    uint16_t limit = (uint16_t)MIN(channel->limit, UINT16_MAX);

    return (StoaSctpReliability){ .unordered = channel->unordered,
                                  .has_max_retransmits = tries,
                                  .max_retransmits = tries ? limit : 0,
                                  .has_max_lifetime = time,
                                  .max_lifetime_ms = time ? limit : 0 };
}

static bool is_like(const StoaSctpChannel *channel, const char *protocol,
                    const StoaSctpReliability *wanted)
{
    const StoaSctpReliability has = reliability_of(channel);

    return strcmp(channel->protocol, protocol) == 0 && has.unordered == wanted->unordered &&
           has.has_max_retransmits == wanted->has_max_retransmits &&
           has.max_retransmits == wanted->max_retransmits &&
           has.has_max_lifetime == wanted->has_max_lifetime &&
           has.max_lifetime_ms == wanted->max_lifetime_ms;
}

StoaSctpChannel *stoa_sctp_channel_find_like(StoaSctp *sctp, const char *label,
                                             const char *protocol,
                                             const StoaSctpReliability *reliability)
{
    for (GList *l = sctp->channel_order.head; l; l = l->next) {
        StoaSctpChannel *channel = l->data;

        if (channel->by_peer && strcmp(channel->label, label) == 0)
            return channel;
    }
    for (GList *l = sctp->channel_order.head; l; l = l->next) {
        StoaSctpChannel *channel = l->data;

        if (strcmp(channel->label, label) == 0 && is_like(channel, protocol, reliability))
            return channel;
    }
    return NULL;
}

static void forget(StoaSctp *sctp, StoaSctpChannel *channel)
{
    g_queue_remove(&sctp->channel_order, channel);
    g_hash_table_remove(sctp->channels, GUINT_TO_POINTER(channel->stream));
}

/* Takes the texts. One channel of the same stream gives way. */
static StoaSctpChannel *add(StoaSctp *sctp, uint16_t stream, char *label, char *protocol)
{
    StoaSctpChannel *old = stoa_sctp_channel_find(sctp, stream);
    StoaSctpChannel *channel = g_new0(StoaSctpChannel, 1);

    if (old)
        forget(sctp, old);
    channel->stream = stream;
    channel->label = label;
    channel->protocol = protocol;
    g_hash_table_insert(sctp->channels, GUINT_TO_POINTER(stream), channel);
    g_queue_push_tail(&sctp->channel_order, channel);
    return channel;
}

static void tell_closed(StoaSctp *sctp, uint16_t stream, const char *label)
{
    if (sctp->callbacks.channel_closed)
        sctp->callbacks.channel_closed(sctp->user, stream, label);
}

static void tell_open(StoaSctp *sctp, const StoaSctpChannel *channel)
{
    if (sctp->callbacks.channel)
        sctp->callbacks.channel(sctp->user, channel->stream, channel->label, channel->protocol);
}

/* -- out ----------------------------------------------------------------------------------- */

static void queue_message(GQueue *queue, uint16_t stream, uint32_t ppid, const uint8_t *buf,
                          size_t len, size_t cost)
{
    StoaSctpOutgoing *out = g_malloc(sizeof(*out) + len);

    out->queued_us = g_get_monotonic_time();
    out->stream = stream;
    out->ppid = ppid;
    out->cost = cost;
    out->len = len;
    if (len > 0)
        memcpy(out->bytes, buf, len);
    g_queue_push_tail(queue, out);
}

/* A peer that opens channels and never reads must not fill our memory with answers. */
static bool queue_dcep(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len)
{
    if (sctp->outgoing.length >= MAX_OUTGOING)
        return false;
    queue_message(&sctp->outgoing, stream, STOA_PPID_DCEP, buf, len, 0);
    return true;
}

static void queue_data(GQueue *queue, uint16_t stream, const uint8_t *buf, size_t len, bool is_text)
{
    static const uint8_t zero = 0;
    size_t cost = len + STOA_SCTP_COST;

    if (len > 0)
        queue_message(queue, stream, is_text ? STOA_PPID_STRING : STOA_PPID_BINARY, buf, len, cost);
    else
        queue_message(queue, stream, is_text ? STOA_PPID_STRING_EMPTY : STOA_PPID_BINARY_EMPTY,
                      &zero, 1, cost);
}

void stoa_sctp_channel_output(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len,
                              bool is_text)
{
    if (sctp->closing[stream] && !stoa_sctp_channel_find(sctp, stream))
        atomic_fetch_sub(&sctp->queued, len + STOA_SCTP_COST); /* it was closed meanwhile */
    else
        queue_data(&sctp->outgoing, stream, buf, len, is_text);
}

void stoa_sctp_channel_output_any(StoaSctp *sctp, const uint8_t *buf, size_t len, bool is_text)
{
    const StoaSctpChannel *first = g_queue_peek_head(&sctp->channel_order);

    if (first)
        queue_data(&sctp->outgoing, first->stream, buf, len, is_text);
    else
        queue_data(&sctp->held, 0, buf, len, is_text);
}

/* There is a channel: what waited for any goes there. */
static void send_held(StoaSctp *sctp, const StoaSctpChannel *channel)
{
    StoaSctpOutgoing *out;

    while ((out = g_queue_pop_head(&sctp->held))) {
        out->stream = channel->stream;
        g_queue_push_tail(&sctp->outgoing, out);
    }
}

/* Streams of the DTLS client are even, of the server odd. (RFC 8832, 6) */
static bool free_stream(StoaSctp *sctp, uint16_t *stream)
{
    for (unsigned i = sctp->options.dtls_client ? 0 : 1; i < STOA_SCTP_STREAMS; i += 2) {
        if (!sctp->closing[i] && !stoa_sctp_channel_find(sctp, (uint16_t)i)) {
            *stream = (uint16_t)i;
            return true;
        }
    }
    return false;
}

static void set_reliability(StoaSctpChannel *channel, const StoaSctpReliability *reliability)
{
    channel->unordered = reliability->unordered;
    if (reliability->has_max_retransmits) {
        channel->policy = STOA_DCEP_RETRANSMITS;
        channel->limit = reliability->max_retransmits;
    } else if (reliability->has_max_lifetime) {
        channel->policy = STOA_DCEP_LIFETIME;
        channel->limit = reliability->max_lifetime_ms;
    }
}

StoaSctpChannel *stoa_sctp_channel_open(StoaSctp *sctp, const char *label, const char *protocol,
                                        const StoaSctpReliability *reliability)
{
    uint8_t buf[STOA_DCEP_HEADER + 2 * STOA_SCTP_LABEL];
    StoaDcepOpen open = { 0 };
    StoaSctpChannel *channel;
    uint16_t stream;

    if (sctp->outgoing.length >= MAX_OUTGOING || !free_stream(sctp, &stream)) {
        tell_closed(sctp, STOA_SCTP_STREAMS, label);
        return NULL;
    }
    channel = add(sctp, stream, g_strdup(label), g_strdup(protocol));
    set_reliability(channel, reliability);
    open.unordered = channel->unordered;
    open.policy = channel->policy;
    open.limit = channel->limit;
    open.label = channel->label;
    open.label_len = strlen(channel->label);
    open.protocol = channel->protocol;
    open.protocol_len = strlen(channel->protocol);
    queue_dcep(sctp, stream, buf, stoa_dcep_open_write(&open, buf, sizeof(buf)));
    send_held(sctp, channel);
    return channel;
}

void stoa_sctp_channel_add(StoaSctp *sctp, uint16_t stream, const char *label, const char *protocol,
                           const StoaSctpReliability *reliability)
{
    StoaSctpChannel *channel;

    if (stream >= STOA_SCTP_STREAMS || sctp->closing[stream]) {
        tell_closed(sctp, STOA_SCTP_STREAMS, label);
        return;
    }
    channel = add(sctp, stream, g_strdup(label), g_strdup(protocol));
    set_reliability(channel, reliability);
    channel->confirmed = channel->by_peer = true;
    send_held(sctp, channel);
    tell_open(sctp, channel);
}

/* In line behind what was queued for the stream. */
static void queue_reset(StoaSctp *sctp, uint16_t stream)
{
    if (sctp->closing[stream] & STOA_SCTP_OURS)
        return;
    sctp->closing[stream] |= STOA_SCTP_OURS;
    queue_message(&sctp->outgoing, stream, STOA_SCTP_RESET, NULL, 0, 0);
}

void stoa_sctp_channel_close(StoaSctp *sctp, uint16_t stream, bool by_peer)
{
    StoaSctpChannel *channel = stoa_sctp_channel_find(sctp, stream);

    if (stream < STOA_SCTP_STREAMS && by_peer)
        sctp->closing[stream] &= (uint8_t)~STOA_SCTP_THEIRS;
    if (!channel)
        return;
    if (by_peer)
        tell_closed(sctp, stream, channel->label);
    else
        sctp->closing[stream] |= STOA_SCTP_THEIRS;
    forget(sctp, channel);
    queue_reset(sctp, stream);
}

void stoa_sctp_channel_close_all(StoaSctp *sctp)
{
    StoaSctpChannel *channel;

    while ((channel = g_queue_peek_head(&sctp->channel_order))) {
        tell_closed(sctp, channel->stream, channel->label);
        forget(sctp, channel);
    }
}

/* -- in ------------------------------------------------------------------------------------ */

/* Text of a stranger: cut at a NUL, made valid UTF-8, so that JSON can carry it. */
static char *clean_text(const char *text, size_t len)
{
    size_t n = strnlen(text, len);

    return g_utf8_make_valid(text, (gssize)n);
}

static void on_open(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len)
{
    static const uint8_t ack = STOA_DCEP_ACK;
    const StoaSctpChannel *old = stoa_sctp_channel_find(sctp, stream);
    StoaDcepOpen open;
    StoaSctpChannel *channel;

    if (old && old->opened) { /* twice on one stream: neither is to be trusted (RFC 8832, 6) */
        stoa_sctp_channel_close(sctp, stream, true);
        return;
    }
    if (!stoa_dcep_open_read(buf, len, &open) || open.label_len > STOA_SCTP_LABEL ||
        open.protocol_len > STOA_SCTP_LABEL)
        return;
    channel = add(sctp, stream, clean_text(open.label, open.label_len),
                  clean_text(open.protocol, open.protocol_len));
    channel->unordered = open.unordered;
    channel->policy = open.policy;
    channel->limit = open.limit;
    channel->confirmed = channel->by_peer = channel->opened = true;
    queue_dcep(sctp, stream, &ack, 1);
    send_held(sctp, channel);
    tell_open(sctp, channel);
}

static void on_dcep(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len)
{
    StoaSctpChannel *channel = stoa_sctp_channel_find(sctp, stream);

    if (len > 0 && buf[0] == STOA_DCEP_OPEN)
        on_open(sctp, stream, buf, len);
    if (len > 0 && buf[0] == STOA_DCEP_ACK && channel && !channel->confirmed) {
        channel->confirmed = true;
        tell_open(sctp, channel);
    }
}

/* A stream that speaks without an opening: negotiated by the pages. Its answers go back there by the label "". */
static StoaSctpChannel *add_negotiated(StoaSctp *sctp, uint16_t stream)
{
    StoaSctpChannel *channel = add(sctp, stream, g_strdup(""), g_strdup(""));

    channel->confirmed = channel->by_peer = true;
    send_held(sctp, channel);
    return channel;
}

void stoa_sctp_channel_input(StoaSctp *sctp, uint16_t stream, uint32_t ppid, const uint8_t *buf,
                             size_t len)
{
    StoaSctpChannel *channel = stoa_sctp_channel_find(sctp, stream);
    bool is_text =
        ppid == STOA_PPID_STRING || ppid == STOA_PPID_STRING_PART || ppid == STOA_PPID_STRING_EMPTY;

    if (stream >= STOA_SCTP_STREAMS || sctp->closing[stream] & STOA_SCTP_THEIRS)
        return; /* sent before the peer knew that we closed the channel */
    if (ppid == STOA_PPID_DCEP) {
        on_dcep(sctp, stream, buf, len);
        return;
    }
    if (ppid == STOA_PPID_STRING_EMPTY || ppid == STOA_PPID_BINARY_EMPTY)
        len = 0;
    if (!channel)
        channel = add_negotiated(sctp, stream);
    if (sctp->callbacks.message) {
        const StoaSctpOrigin from = { stream, channel->label, channel->protocol,
                                      reliability_of(channel) };
        sctp->callbacks.message(sctp->user, &from, buf, len, is_text);
    }
}
