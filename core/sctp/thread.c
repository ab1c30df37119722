/* SPDX-License-Identifier: MIT */
/* The data thread: takes messages, drives usrsctp and its timers, 10 ms at a time while there is an association. */
#include "sctp/thread.h"

#include <errno.h>
#include <poll.h>

#include <stoa/error.h>

#include "base/poison.h"

enum {
    TICK_MS = 10,
    FINISH_TRIES = 100,
    RTO_MIN_MS = 300, /* a class is on a call: one second without a word is long */
    RTO_INITIAL_MS = 500,
    RTO_MAX_MS = 5000,
    BLACKHOLE = 2, /* no ABORT in answer to packets of no association */
};

/* usrsctp has one state per process, and its callbacks carry no pointer of ours. */
static StoaSctpThread *the_thread;

/* -- what usrsctp calls -------------------------------------------------------------------- */

static int on_output(void *address, void *buf, size_t len, uint8_t tos G_GNUC_UNUSED,
                     uint8_t set_df G_GNUC_UNUSED)
{
    StoaSctp *sctp = the_thread ? g_hash_table_lookup(the_thread->associations, address) : NULL;

    if (sctp && sctp->callbacks.packet)
        sctp->callbacks.packet(sctp->user, buf, len);
    return 0;
}

static void start_usrsctp(void)
{
    usrsctp_init_nothreads(0, on_output, NULL);
    usrsctp_sysctl_set_sctp_blackhole(BLACKHOLE);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(STOA_SCTP_STREAMS);
    usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS);
    usrsctp_sysctl_set_sctp_rto_initial_default(RTO_INITIAL_MS);
    usrsctp_sysctl_set_sctp_rto_max_default(RTO_MAX_MS);
}

/* -- messages ------------------------------------------------------------------------------ */

static void do_open(StoaSctp *sctp)
{
    StoaSctpThread *thread = sctp->thread;

    sctp->id = ++thread->last_id;
    g_hash_table_insert(thread->associations, (void *)sctp->id, sctp);
    if (!stoa_sctp_socket_open(sctp) && sctp->callbacks.closed)
        sctp->callbacks.closed(sctp->user);
}

static void do_close(StoaSctp *sctp)
{
    stoa_sctp_socket_close(sctp);
    g_hash_table_remove(sctp->thread->associations, (void *)sctp->id); /* frees it */
}

/* On that channel; NULL: none could be opened. */
static void send_on(StoaSctp *sctp, const StoaSctpChannel *channel, const StoaSctpMessage *message)
{
    if (channel)
        stoa_sctp_channel_output(sctp, channel->stream, message->bytes, message->len,
                                 message->is_text);
    else
        atomic_fetch_sub(&sctp->queued, message->len + STOA_SCTP_COST);
}

static void do_send_label(StoaSctp *sctp, const StoaSctpMessage *message)
{
    const StoaSctpReliability reliable = { 0 };
    const StoaSctpChannel *channel;

    if (!message->has_label) {
        stoa_sctp_channel_output_any(sctp, message->bytes, message->len, message->is_text);
        return;
    }
    channel = stoa_sctp_channel_find_label(sctp, message->label);
    if (!channel)
        channel = stoa_sctp_channel_open(sctp, message->label, "", &reliable);
    send_on(sctp, channel, message);
}

static void do_relay(StoaSctp *sctp, const StoaSctpMessage *message)
{
    const StoaSctpChannel *channel =
        stoa_sctp_channel_find_like(sctp, message->label, message->protocol, &message->reliability);

    if (!channel)
        channel =
            stoa_sctp_channel_open(sctp, message->label, message->protocol, &message->reliability);
    send_on(sctp, channel, message);
}

static void do_close_label(StoaSctp *sctp, const char *label)
{
    const StoaSctpChannel *channel = stoa_sctp_channel_find_label(sctp, label);

    if (channel)
        stoa_sctp_channel_close(sctp, channel->stream, false);
}

static void dispatch(const StoaSctpMessage *message)
{
    StoaSctp *sctp = message->sctp;

    switch (message->verb) {
    case STOA_SCTP_DO_OPEN: do_open(sctp); return;
    case STOA_SCTP_DO_INPUT:
        atomic_fetch_sub(&sctp->waiting, 1);
        if (sctp->socket)
            usrsctp_conninput((void *)sctp->id, message->bytes, message->len, 0);
        break;
    case STOA_SCTP_DO_SEND:
        stoa_sctp_channel_output(sctp, message->stream, message->bytes, message->len,
                                 message->is_text);
        break;
    case STOA_SCTP_DO_SEND_LABEL: do_send_label(sctp, message); break;
    case STOA_SCTP_DO_RELAY: do_relay(sctp, message); break;
    case STOA_SCTP_DO_OPEN_CHANNEL:
        stoa_sctp_channel_open(sctp, message->label, message->protocol, &message->reliability);
        break;
    case STOA_SCTP_DO_ADD_CHANNEL:
        stoa_sctp_channel_add(sctp, message->stream, message->label, message->protocol,
                              &message->reliability);
        break;
    case STOA_SCTP_DO_CLOSE_CHANNEL: stoa_sctp_channel_close(sctp, message->stream, false); break;
    case STOA_SCTP_DO_CLOSE_LABEL: do_close_label(sctp, message->label); break;
    case STOA_SCTP_DO_CLOSE: do_close(sctp); return;
    }
    stoa_sctp_socket_serve(sctp);
}

static void take_messages(StoaSctpThread *thread)
{
    StoaQueueNode *node = stoa_queue_take(thread->queue);

    while (node) {
        StoaSctpMessage *message = STOA_QUEUE_ENTRY(node, StoaSctpMessage, node);

        node = node->next;
        dispatch(message);
        g_free(message);
    }
}

/* -- time ---------------------------------------------------------------------------------- */

static void serve_all(StoaSctpThread *thread)
{
    GHashTableIter iter;
    void *sctp;

    g_hash_table_iter_init(&iter, thread->associations);
    while (g_hash_table_iter_next(&iter, NULL, &sctp))
        stoa_sctp_socket_serve(sctp);
}

static void close_all(StoaSctpThread *thread)
{
    GHashTableIter iter;
    void *sctp;

    g_hash_table_iter_init(&iter, thread->associations);
    while (g_hash_table_iter_next(&iter, NULL, &sctp))
        stoa_sctp_socket_close(sctp);
}

/* Tell usrsctp how much time has passed since the last call. */
static void tick(StoaSctpThread *thread, int64_t *last_us)
{
    int64_t now_us = g_get_monotonic_time();
    int64_t elapsed_ms = (now_us - *last_us) / 1000;

    if (elapsed_ms < TICK_MS)
        return;
    *last_us += elapsed_ms * 1000;
    usrsctp_handle_timers((uint32_t)MIN(elapsed_ms, 1000));
    serve_all(thread);
}

static void finish_usrsctp(void)
{
    for (int i = 0; i < FINISH_TRIES && usrsctp_finish() != 0; i++) {
        usrsctp_handle_timers(TICK_MS);
        g_usleep(1000);
    }
}

static void *run(void *data)
{
    StoaSctpThread *thread = data;
    struct pollfd p = { .fd = stoa_queue_fd(thread->queue), .events = POLLIN };
    int64_t last_us = g_get_monotonic_time();

    while (!atomic_load(&thread->stop)) {
        bool idle = g_hash_table_size(thread->associations) == 0;

        poll(&p, 1, idle ? -1 : TICK_MS);
        if (idle)
            last_us = g_get_monotonic_time();
        take_messages(thread);
        tick(thread, &last_us);
    }
    take_messages(thread);
    close_all(thread);
    return NULL;
}

/* -- life ---------------------------------------------------------------------------------- */

/* The end of an association's life, whoever ended it: the table frees it by this. */
static void free_association(void *data)
{
    StoaSctp *sctp = data;

    stoa_sctp_socket_close(sctp);
    g_hash_table_unref(sctp->channels);
    g_queue_clear(&sctp->channel_order);
    g_queue_clear_full(&sctp->outgoing, g_free);
    g_queue_clear_full(&sctp->held, g_free);
    g_hash_table_unref(sctp->parts);
    g_array_unref(sctp->resets);
    if (sctp->callbacks.gone)
        sctp->callbacks.gone(sctp->user);
    g_free(sctp);
}

StoaSctpThread *stoa_sctp_thread_new(GError **error)
{
    StoaSctpThread *thread;
    StoaQueue *queue;

    if (the_thread) {
        stoa_fail(error, STOA_ERROR_CONFLICT, "the data thread runs already: one per process");
        return NULL;
    }
    queue = stoa_queue_new(error);
    if (!queue)
        return NULL;
    thread = g_new0(StoaSctpThread, 1);
    thread->queue = queue;
    thread->buf = g_malloc(STOA_SCTP_READ);
    thread->associations = g_hash_table_new_full(NULL, NULL, NULL, free_association);
    the_thread = thread;
    start_usrsctp();
    thread->thread = g_thread_new("data", run, thread);
    return thread;
}

void stoa_sctp_thread_free(StoaSctpThread *thread)
{
    if (!thread)
        return;
    atomic_store(&thread->stop, true);
    stoa_queue_wake(thread->queue);
    g_thread_join(thread->thread);
    g_hash_table_remove_all(thread->associations);
    finish_usrsctp();
    the_thread = NULL;
    g_hash_table_unref(thread->associations);
    stoa_queue_free(thread->queue);
    g_free(thread->buf);
    g_free(thread);
}
