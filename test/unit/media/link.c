/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <glib.h>
#include <string.h>

enum {
    STEP_US = 1000,
    FEEDBACK_US = 80000,
    PAD = 300,
    PACKET = 1200,
    VOICE_US = 20000,
    VOICE = 160
};

static double chance(Link *link)
{
    link->seed = link->seed * 1664525u + 1013904223u;
    return (double)(link->seed >> 8) / (1 << 24);
}

static uint32_t as_allowed(const StoaBwe *bwe, void *data G_GNUC_UNUSED)
{
    uint32_t bps = stoa_bwe_estimate_bps(bwe);

    return MIN(bps ? bps : STOA_BWE_START_BPS, 3000000);
}

Link *link_new(uint32_t capacity_bps, int64_t delay_us)
{
    Link *link = g_new0(Link, 1);

    link->now_us = 1000000;
    link->capacity_bps = capacity_bps;
    link->delay_us = delay_us;
    link->max_queue_us = 1000000;
    link->seed = 7;
    link->items = g_new(LinkItem, LINK_FLIGHT);
    return link;
}

void link_free(Link *link)
{
    for (unsigned i = 0; i < link->n_flows; i++)
        stoa_bwe_clear(&link->flows[i].bwe);
    g_free(link->items);
    g_free(link);
}

Flow *link_flow(Link *link, uint32_t (*rate)(const StoaBwe *bwe, void *data), void *data)
{
    Flow *flow = &link->flows[link->n_flows++];

    flow->link = link;
    flow->rate = rate ? rate : as_allowed;
    flow->data = data;
    flow->seq = 65000;
    flow->next_frame_us = link->now_us;
    flow->next_feedback_us = link->now_us + FEEDBACK_US;
    stoa_bwe_init(&flow->bwe);
    stoa_bwe_want(&flow->bwe, 3000000);
    return flow;
}

/* False: the queue is full, or chance took it. A bucket: `busy_us` may lie behind by what is in it. */
static bool enqueue(Link *link, unsigned size, int64_t *at_us)
{
    int64_t saved_us = (int64_t)link->bucket * 8000000 / link->capacity_bps;
    int64_t from_us = MAX(link->busy_us, link->now_us - saved_us);

    if (from_us - link->now_us > link->max_queue_us)
        return false;
    link->busy_us = from_us + (int64_t)size * 8000000 / link->capacity_bps;
    *at_us = MAX(link->busy_us, link->now_us) + link->delay_us +
             (int64_t)(chance(link) * (double)link->jitter_us);
    return chance(link) >= link->loss;
}

/* Returns how long it stood in the queue, INT64_MAX: it was lost. */
static int64_t transmit(Flow *flow, unsigned size)
{
    Link *link = flow->link;
    int64_t at_us;

    stoa_bwe_sent(&flow->bwe, ++flow->seq, size, link->now_us);
    flow->bytes_sent += size;
    if (!enqueue(link, size, &at_us)) {
        flow->n_lost++;
        return INT64_MAX;
    }
    flow->max_queue_us = MAX(flow->max_queue_us, at_us - link->now_us - link->delay_us);
    g_assert(link->n_items < LINK_FLIGHT);
    link->items[link->n_items++] =
        (LinkItem){ .at_us = at_us, .flow = flow, .seq = flow->seq, .size = (uint16_t)size };
    return at_us - link->now_us - link->delay_us;
}

static void speak(Flow *flow)
{
    flow->next_voice_us += VOICE_US;
    flow->n_voices++;
    if (transmit(flow, VOICE) > LINK_VOICE_LATE_US)
        flow->n_voices_bad++;
}

static void send_frame(Flow *flow)
{
    uint64_t rate = flow->rate(&flow->bwe, flow->data);
    int64_t bytes = (int64_t)(rate * LINK_FRAME_US / 8000000);

    if (flow->key_every > 0 && flow->n_frames++ % flow->key_every == 0)
        bytes *= 10;
    flow->carry += bytes;
    for (; flow->carry >= PACKET / 4; flow->carry -= MIN(flow->carry, PACKET))
        transmit(flow, (unsigned)MIN(flow->carry, PACKET));
}

static void send_padding(Flow *flow)
{
    Link *link = flow->link;
    size_t due;

    if (stoa_bwe_may_probe(&flow->bwe, link->now_us))
        flow->next_pad_us = link->now_us;
    if (!stoa_bwe_is_probing(&flow->bwe) || link->now_us < flow->next_pad_us)
        return;
    flow->next_pad_us += 10000;
    due = stoa_bwe_padding(&flow->bwe, link->now_us);
    for (; due > 0; due -= MIN(due, PAD))
        transmit(flow, PAD);
}

static void send_feedback(Flow *flow)
{
    Link *link = flow->link;
    LinkItem item = { .flow = flow, .at_us = link->now_us + link->delay_us };

    for (;;) {
        item.feedback_len = (unsigned)stoa_twcc_recorder_output(
            &flow->recorder, 1, 2, item.feedback, sizeof(item.feedback));
        if (item.feedback_len == 0)
            return;
        g_assert(link->n_items < LINK_FLIGHT);
        link->items[link->n_items++] = item;
    }
}

static void arrive(Link *link, const LinkItem *item)
{
    StoaRtcpFeedback feedback;
    StoaRtcpPacket packet;
    StoaRtcpIter iter;

    if (item->feedback_len == 0) {
        stoa_twcc_recorder_input(&item->flow->recorder, item->seq, link->now_us + 777777777);
        item->flow->bytes_arrived += item->size;
        return;
    }
    stoa_rtcp_iter_init(&iter, item->feedback, item->feedback_len);
    g_assert(stoa_rtcp_iter_next(&iter, &packet) && stoa_rtcp_feedback_read(&packet, &feedback));
    g_assert(stoa_bwe_feedback(&item->flow->bwe, &feedback, 2 * link->delay_us, link->now_us));
}

static int by_time(const void *a, const void *b)
{
    const LinkItem *x = a, *y = b;

    return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static void deliver(Link *link)
{
    static LinkItem due[LINK_FLIGHT];
    unsigned n = 0;

    for (unsigned i = 0; i < link->n_items;) {
        if (link->items[i].at_us > link->now_us) {
            i++;
            continue;
        }
        due[n++] = link->items[i];
        link->items[i] = link->items[--link->n_items];
    }
    qsort(due, n, sizeof(due[0]), by_time);
    for (unsigned i = 0; i < n; i++)
        arrive(link, &due[i]);
}

static void step_flow(Flow *flow)
{
    Link *link = flow->link;

    if (flow->next_voice_us && link->now_us >= flow->next_voice_us)
        speak(flow);
    if (link->now_us >= flow->next_frame_us) {
        flow->next_frame_us += LINK_FRAME_US;
        send_frame(flow);
    }
    send_padding(flow);
    if (link->now_us >= flow->next_feedback_us) {
        flow->next_feedback_us += FEEDBACK_US;
        send_feedback(flow);
    }
    if (link->now_us % 1000000 == 0)
        stoa_bwe_tend(&flow->bwe, link->now_us);
}

void link_run(Link *link, unsigned ms)
{
    for (; ms > 0; ms--) {
        int64_t at_us;

        link->now_us += STEP_US;
        if (link->cross_bps && link->now_us % 10000 == 0)
            enqueue(link, link->cross_bps / 800, &at_us);
        for (unsigned i = 0; i < link->n_flows; i++)
            step_flow(&link->flows[i]);
        deliver(link);
    }
}

uint32_t link_throughput(Link *link, Flow *flow, unsigned ms)
{
    uint64_t before = flow->bytes_arrived;

    link_run(link, ms);
    return (uint32_t)((flow->bytes_arrived - before) * 8000 / ms);
}
