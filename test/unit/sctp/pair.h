/* SPDX-License-Identifier: MIT */
#pragma once
/* Two associations that talk over the data thread; their packets can be lost, and an end can stop to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "sctp/association.h"

enum { WAIT_S = 8 };

typedef struct {
    StoaSctp *sctp;
    StoaSctp *other;      /* where packets go; NULL: lost */
    pthread_mutex_t lock; /* not GMutex: ThreadSanitizer cannot see that */
    pthread_cond_t changed;
    unsigned lose_every, n_packets; /* every so many packets one is lost; 0: none */
    size_t longest_packet;
    unsigned n_connected, n_closed, n_gone, n_channels, n_channels_closed, n_messages;
    uint16_t stream;
    char label[300], protocol[300];
    char from_label[300], closed_label[300];
    StoaSctpReliability reliability; /* of the last message's channel */
    GArray *numbers; /* NULL: not kept. The first four bytes of each message, as they came */
    GByteArray *last;
    bool last_is_text;
    size_t n_bytes;
    atomic_bool is_busy; /* reads nothing */
} End;

typedef struct {
    StoaSctpThread *thread;
    End a, b;
} Pair;

static void on_packet(void *user, const uint8_t *buf, size_t len)
{
    End *end = user;

    pthread_mutex_lock(&end->lock); /* after cut() nothing may go to the other any more */
    end->longest_packet = MAX(end->longest_packet, len);
    end->n_packets++;
    if (end->other && !(end->lose_every && end->n_packets % end->lose_every == 0))
        stoa_sctp_input(end->other, buf, len);
    pthread_mutex_unlock(&end->lock);
}

#define NOTE(end, what)                       \
    do {                                      \
        pthread_mutex_lock(&(end)->lock);     \
        what;                                 \
        pthread_cond_signal(&(end)->changed); \
        pthread_mutex_unlock(&(end)->lock);   \
    } while (0)

static void on_connected(void *user)
{
    End *end = user;

    NOTE(end, end->n_connected++);
}

static void on_channel(void *user, uint16_t stream, const char *label, const char *protocol)
{
    End *end = user;

    NOTE(end,
         (end->n_channels++, end->stream = stream, g_strlcpy(end->label, label, sizeof(end->label)),
          g_strlcpy(end->protocol, protocol, sizeof(end->protocol))));
}

static void on_message(void *user, const StoaSctpOrigin *from, const uint8_t *buf, size_t len,
                       bool is_text)
{
    End *end = user;

    pthread_mutex_lock(&end->lock);
    end->n_messages++;
    end->stream = from->stream;
    end->reliability = from->reliability;
    end->n_bytes += len;
    end->last_is_text = is_text;
    g_strlcpy(end->from_label, from->label, sizeof(end->from_label));
    g_strlcpy(end->protocol, from->protocol, sizeof(end->protocol));
    if (end->numbers && len >= sizeof(uint32_t)) {
        uint32_t number;
        memcpy(&number, buf, sizeof number);
        g_array_append_val(end->numbers, number);
    }
    g_byte_array_set_size(end->last, 0);
    g_byte_array_append(end->last, buf, (guint)len);
    pthread_cond_signal(&end->changed);
    pthread_mutex_unlock(&end->lock);
}

static void on_channel_closed(void *user, uint16_t stream G_GNUC_UNUSED, const char *label)
{
    End *end = user;

    NOTE(end, (end->n_channels_closed++,
               g_strlcpy(end->closed_label, label, sizeof(end->closed_label))));
}

static void on_closed(void *user)
{
    End *end = user;

    NOTE(end, end->n_closed++);
}

static void on_gone(void *user)
{
    End *end = user;

    NOTE(end, end->n_gone++);
}

static bool on_is_ready(void *user)
{
    return !atomic_load(&((End *)user)->is_busy);
}

static const StoaSctpCallbacks callbacks = { on_packet,  on_connected,      on_channel,
                                             on_message, on_channel_closed, on_closed,
                                             on_gone,    on_is_ready };

/* Wait until a counter has reached a number. */
static inline bool reaches(End *end, const unsigned *counter, unsigned n)
{
    struct timespec until;
    bool ok = true;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&end->lock);
    while (*counter < n && ok)
        ok = pthread_cond_timedwait(&end->changed, &end->lock, &until) == 0;
    ok = *counter >= n;
    pthread_mutex_unlock(&end->lock);
    return ok;
}

static int set_up(void **state)
{
    Pair *pair = g_new0(Pair, 1);

    pair->thread = stoa_sctp_thread_new(NULL);
    pair->a.last = g_byte_array_new();
    pair->b.last = g_byte_array_new();
    *state = pair;
    return pair->thread ? 0 : -1;
}

static inline void set_loss(End *end, unsigned every)
{
    pthread_mutex_lock(&end->lock);
    end->lose_every = every;
    pthread_mutex_unlock(&end->lock);
}

static inline void set_other(End *end, StoaSctp *other)
{
    pthread_mutex_lock(&end->lock);
    end->other = other;
    pthread_mutex_unlock(&end->lock);
}

static void connect_both(Pair *pair)
{
    const StoaSctpOptions client = { .dtls_client = true, .queue_bytes = 1 << 20 }, server = { 0 };

    pair->a.sctp = stoa_sctp_open(pair->thread, &client, &callbacks, &pair->a);
    pair->b.sctp = stoa_sctp_open(pair->thread, &server, &callbacks, &pair->b);
    set_other(&pair->a, pair->b.sctp);
    set_other(&pair->b, pair->a.sctp);
    assert_true(reaches(&pair->a, &pair->a.n_connected, 1));
    assert_true(reaches(&pair->b, &pair->b.n_connected, 1));
}

/* Cut the wire before the ends go: packets to a closed association are a mistake of the caller. */
static void cut(Pair *pair)
{
    if (!pair->a.sctp)
        return;
    set_other(&pair->a, NULL);
    set_other(&pair->b, NULL);
    stoa_sctp_close(pair->a.sctp);
    stoa_sctp_close(pair->b.sctp);
    assert_true(reaches(&pair->a, &pair->a.n_gone, 1));
    assert_true(reaches(&pair->b, &pair->b.n_gone, 1));
}

static int tear_down(void **state)
{
    Pair *pair = *state;

    cut(pair);
    stoa_sctp_thread_free(pair->thread);
    g_byte_array_unref(pair->a.last);
    g_byte_array_unref(pair->b.last);
    g_free(pair);
    return 0;
}

static inline void send_text(StoaSctp *sctp, const char *label, const char *text)
{
    assert_int_equal(stoa_sctp_send_label(sctp, label, (const uint8_t *)text, strlen(text), true),
                     STOA_SCTP_QUEUED);
}
