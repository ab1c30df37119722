/* SPDX-License-Identifier: MIT */
/* The public face of data channels: each call becomes a message to the data thread. */
#include "sctp/association.h"

#include <string.h>

#include "sctp/thread.h"

#include "base/poison.h"

enum {
    DEFAULT_QUEUE = 4 << 20,
    MAX_WAITING = 4096, /* packets that wait for the data thread */
    MAX_PACKET = 65535,
};

static StoaSctpMessage *message_new(StoaSctp *sctp, StoaSctpVerb verb, const uint8_t *buf,
                                    size_t len)
{
    StoaSctpMessage *message = g_malloc(sizeof(*message) + len);

    message->sctp = sctp;
    message->verb = verb;
    message->len = len;
    message->bytes = (uint8_t *)(message + 1);
    message->has_label = false;
    if (len > 0)
        memcpy(message->bytes, buf, len);
    return message;
}

static void post(StoaSctpMessage *message)
{
    stoa_queue_push(message->sctp->thread->queue, &message->node);
}

static void free_part(void *data)
{
    StoaSctpPart *part = data;

    g_byte_array_unref(part->bytes);
    g_free(part);
}

StoaSctp *stoa_sctp_open(StoaSctpThread *thread, const StoaSctpOptions *options,
                         const StoaSctpCallbacks *callbacks, void *user)
{
    StoaSctp *sctp = g_new0(StoaSctp, 1);

    sctp->thread = thread;
    sctp->options = *options;
    if (sctp->options.queue_bytes == 0)
        sctp->options.queue_bytes = DEFAULT_QUEUE;
    if (sctp->options.max_message == 0 || sctp->options.max_message > STOA_SCTP_MESSAGE)
        sctp->options.max_message = STOA_SCTP_MESSAGE;
    sctp->callbacks = *callbacks;
    sctp->user = user;
    sctp->channels = g_hash_table_new_full(NULL, NULL, NULL, stoa_sctp_channel_free);
    sctp->parts = g_hash_table_new_full(NULL, NULL, NULL, free_part);
    sctp->resets = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    post(message_new(sctp, STOA_SCTP_DO_OPEN, NULL, 0));
    return sctp;
}

bool stoa_sctp_input(StoaSctp *sctp, const uint8_t *buf, size_t len)
{
    if (len > MAX_PACKET)
        return false;
    if (atomic_fetch_add(&sctp->waiting, 1) >= MAX_WAITING) {
        atomic_fetch_sub(&sctp->waiting, 1);
        return false;
    }
    post(message_new(sctp, STOA_SCTP_DO_INPUT, buf, len));
    return true;
}

static void name_channel(StoaSctpMessage *message, const char *label, const char *protocol,
                         const StoaSctpReliability *reliability)
{
    g_strlcpy(message->label, label, sizeof(message->label));
    g_strlcpy(message->protocol, protocol ? protocol : "", sizeof(message->protocol));
    message->reliability = reliability ? *reliability : (StoaSctpReliability){ 0 };
}

static StoaSctpMessage *channel_message(StoaSctp *sctp, StoaSctpVerb verb, const char *label,
                                        const char *protocol,
                                        const StoaSctpReliability *reliability)
{
    StoaSctpMessage *message = message_new(sctp, verb, NULL, 0);

    name_channel(message, label, protocol, reliability);
    return message;
}

void stoa_sctp_open_channel(StoaSctp *sctp, const char *label, const char *protocol,
                            const StoaSctpReliability *reliability)
{
    post(channel_message(sctp, STOA_SCTP_DO_OPEN_CHANNEL, label, protocol, reliability));
}

void stoa_sctp_add_channel(StoaSctp *sctp, uint16_t stream, const char *label, const char *protocol,
                           const StoaSctpReliability *reliability)
{
    StoaSctpMessage *message =
        channel_message(sctp, STOA_SCTP_DO_ADD_CHANNEL, label, protocol, reliability);

    message->stream = stream;
    post(message);
}

/* Claim room in the queue for a message. */
static StoaSctpResult claim(StoaSctp *sctp, size_t len)
{
    size_t cost = len + STOA_SCTP_COST;

    if (atomic_load(&sctp->over))
        return STOA_SCTP_NOT_OPEN;
    if (len > sctp->options.max_message)
        return STOA_SCTP_TOO_LONG;
    if (atomic_fetch_add(&sctp->queued, cost) + cost > sctp->options.queue_bytes) {
        atomic_fetch_sub(&sctp->queued, cost);
        return STOA_SCTP_FULL;
    }
    return STOA_SCTP_QUEUED;
}

StoaSctpResult stoa_sctp_send(StoaSctp *sctp, uint16_t stream, const uint8_t *buf, size_t len,
                              bool is_text)
{
    StoaSctpResult result = stream < STOA_SCTP_STREAMS ? claim(sctp, len) : STOA_SCTP_NOT_OPEN;
    StoaSctpMessage *message;

    if (result != STOA_SCTP_QUEUED)
        return result;
    message = message_new(sctp, STOA_SCTP_DO_SEND, buf, len);
    message->stream = stream;
    message->is_text = is_text;
    post(message);
    return result;
}

StoaSctpResult stoa_sctp_send_label(StoaSctp *sctp, const char *label, const uint8_t *buf,
                                    size_t len, bool is_text)
{
    StoaSctpResult result = claim(sctp, len);
    StoaSctpMessage *message;

    if (result != STOA_SCTP_QUEUED)
        return result;
    message = message_new(sctp, STOA_SCTP_DO_SEND_LABEL, buf, len);
    message->is_text = is_text;
    message->has_label = label != NULL;
    if (label)
        g_strlcpy(message->label, label, sizeof(message->label));
    post(message);
    return result;
}

StoaSctpResult stoa_sctp_relay(StoaSctp *sctp, const char *label, const char *protocol,
                               const StoaSctpReliability *reliability, const uint8_t *buf,
                               size_t len, bool is_text)
{
    StoaSctpResult result = claim(sctp, len);
    StoaSctpMessage *message;

    if (result != STOA_SCTP_QUEUED)
        return result;
    message = message_new(sctp, STOA_SCTP_DO_RELAY, buf, len);
    message->is_text = is_text;
    name_channel(message, label, protocol, reliability);
    post(message);
    return result;
}

void stoa_sctp_close_channel(StoaSctp *sctp, uint16_t stream)
{
    StoaSctpMessage *message = message_new(sctp, STOA_SCTP_DO_CLOSE_CHANNEL, NULL, 0);

    message->stream = stream;
    post(message);
}

void stoa_sctp_close_label(StoaSctp *sctp, const char *label)
{
    post(channel_message(sctp, STOA_SCTP_DO_CLOSE_LABEL, label, NULL, NULL));
}

size_t stoa_sctp_queued(const StoaSctp *sctp)
{
    return atomic_load(&((StoaSctp *)(uintptr_t)sctp)->queued);
}

void stoa_sctp_close(StoaSctp *sctp)
{
    post(message_new(sctp, STOA_SCTP_DO_CLOSE, NULL, 0));
}
