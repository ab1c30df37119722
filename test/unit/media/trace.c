/* SPDX-License-Identifier: MIT */
/* Hours of one outlet in a second: limits, pauses, mutes, switches, silent encodings, loss and packets out of order, and a
 * decoder that must never notice. The clock is virtual; sealing, sending and the way upstream are the test's own. */
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "media/media-private.h"
#include "media/outlet.h"
#include "media/peer.h"
#include "media/relay.h"

enum { DD_ID = 5, STEP_US = 5000, FRAME_US = 30000, FIRST_PEER = 256 };

typedef struct {
    StoaWorker worker;
    StoaPeer peer;
    StoaOutlet *outlet;
    StoaOutlet *others[TRACE_PUBLISHERS]; /* not negotiated: the feeds stay */
    StoaFeed *feeds[TRACE_PUBLISHERS];
    TraceSender sender;
    GRand *dice;
    GArray *outs;     /* of TraceOut */
    GHashTable *ever; /* number -> what is under it */
    unsigned told_substream, told_temporal;
    bool counts_only; /* what is sealed is counted, not read */
    unsigned n_sealed;
} World;

static World *world; /* for what takes the place of functions of the engine */

/* -- instead of the engine's --------------------------------------------------------------- */

size_t __wrap_stoa_srtp_seal_rtp(StoaSrtpSeal *seal, uint8_t *packet, size_t header_len,
                                 size_t size, const StoaSrtpPayload *payload, uint32_t roc);
uint8_t *__wrap_stoa_peer_slot(StoaPeer *peer);
bool __wrap_stoa_peer_commit(StoaPeer *peer, size_t len);
void __wrap_stoa_relay_want_keyframe(StoaFeed *feed, unsigned encoding);
void __wrap_stoa_event_layer(StoaWorker *w, StoaPeerId peer, uint32_t sink, int substream,
                             int temporal);

size_t __wrap_stoa_srtp_seal_rtp(StoaSrtpSeal *seal G_GNUC_UNUSED, uint8_t *packet,
                                 size_t header_len, size_t size, const StoaSrtpPayload *payload,
                                 uint32_t roc)
{
    size_t len = header_len + payload->prefix_len + payload->len;
    uint64_t seq;
    TraceOut out;

    assert_true(len <= size);
    world->n_sealed++;
    if (world->counts_only)
        return len;
    memcpy(packet + header_len, payload->prefix, payload->prefix_len);
    memcpy(packet + header_len + payload->prefix_len, payload->data, payload->len);
    seq = (uint64_t)roc << 16 | (uint64_t)(packet[2] << 8 | packet[3]);
    trace_out_read(world->sender.shape, packet, len, seq, &out);
    assert_false(g_hash_table_contains(world->ever, &seq));
    g_hash_table_insert(world->ever, g_memdup2(&seq, sizeof(seq)), NULL);
    g_array_append_val(world->outs, out);
    return len;
}

uint8_t *__wrap_stoa_peer_slot(StoaPeer *peer G_GNUC_UNUSED)
{
    static uint8_t slot[STOA_UDP_SLOT];

    return slot;
}

bool __wrap_stoa_peer_commit(StoaPeer *peer G_GNUC_UNUSED, size_t len G_GNUC_UNUSED)
{
    return true;
}

void __wrap_stoa_relay_want_keyframe(StoaFeed *feed, unsigned encoding)
{
    trace_sender_ask(&world->sender, (unsigned)(feed->ref.peer / FIRST_PEER) - 1, encoding,
                     world->worker.now_us);
}

void __wrap_stoa_event_layer(StoaWorker *w G_GNUC_UNUSED, StoaPeerId peer G_GNUC_UNUSED,
                             uint32_t sink G_GNUC_UNUSED, int substream, int temporal)
{
    world->told_substream = (unsigned)substream;
    world->told_temporal = (unsigned)temporal;
}

/* -- the world ----------------------------------------------------------------------------- */

static guint ref_hash(gconstpointer key)
{
    return (guint)((const StoaTrackRef *)key)->peer;
}

static gboolean ref_equal(gconstpointer a, gconstpointer b)
{
    return ((const StoaTrackRef *)a)->peer == ((const StoaTrackRef *)b)->peer;
}

static void fire_nothing(StoaWheelTimer *timer G_GNUC_UNUSED, int64_t now_us G_GNUC_UNUSED)
{
}

static StoaTrackRef ref_of(unsigned publisher)
{
    return (StoaTrackRef){ FIRST_PEER * (publisher + 1), 1 };
}

static void world_begin(World *self, TraceShape shape, uint32_t seed)
{
    StoaSend row = { .sink = 1,
                     .kind = STOA_VIDEO,
                     .codec = trace_codec(shape),
                     .payload_type = 96,
                     .clock_hz = 90000,
                     .ssrc = 7 };
    StoaFeedAbout about = { STOA_VIDEO, row.codec, 90000, trace_n_encodings(shape), false };

    memset(self, 0, sizeof(*self));
    world = self;
    self->dice = g_rand_new_with_seed(seed);
    self->outs = g_array_new(FALSE, FALSE, sizeof(TraceOut));
    self->ever = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    trace_sender_init(&self->sender, shape, self->dice);
    self->worker.now_us = 1000000;
    self->worker.feeds = g_hash_table_new(ref_hash, ref_equal);
    self->worker.pool = stoa_pool_new(0, 20000);
    stoa_wheel_init(&self->worker.wheel, self->worker.now_us);
    self->peer.worker = &self->worker;
    self->peer.state = STOA_PEER_READY;
    self->peer.report.fire = fire_nothing;
    self->outlet = stoa_outlet_new(&self->peer, 1);
    if (trace_has_dd(shape))
        row.ext.id_of_kind[STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR] = DD_ID;
    stoa_outlet_set_row(self->outlet, &row);
    for (unsigned p = 0; p < TRACE_PUBLISHERS; p++) {
        self->feeds[p] = stoa_feed_get(&self->worker, ref_of(p));
        self->others[p] = stoa_outlet_new(&self->peer, 10 + p);
        stoa_outlet_route(self->others[p], ref_of(p));
        stoa_feed_set_mirror(self->feeds[p], &about);
    }
    stoa_outlet_route(self->outlet, ref_of(0));
}

static void world_end(World *self)
{
    stoa_outlet_free(self->outlet);
    stoa_wheel_clear(&self->worker.wheel, &self->peer.report);
    if (self->peer.retired)
        g_array_unref(self->peer.retired);
    for (unsigned p = 0; p < TRACE_PUBLISHERS; p++)
        stoa_outlet_free(self->others[p]);
    g_hash_table_unref(self->worker.feeds);
    stoa_pool_free(self->worker.pool);
    trace_sender_clear(&self->sender);
    g_array_unref(self->outs);
    g_hash_table_unref(self->ever);
    g_rand_free(self->dice);
}

/* As receive.c does, from the opened packet on. */
static void receive(World *self, const TracePacket *came)
{
    StoaRtpExtIds ids = { .kind_of_id[DD_ID] = STOA_RTP_EXT_DEPENDENCY_DESCRIPTOR };
    StoaFeed *feed = self->feeds[came->publisher];
    StoaSource *source;
    StoaPacket *packet;

    source = stoa_feed_source(feed, came->encoding);
    stoa_pool_refill(self->worker.pool, 0, 4);
    packet = stoa_packet_new(self->worker.pool, false);
    assert_non_null(packet);
    memcpy(packet->data, came->buf, came->len);
    packet->len = (uint16_t)came->len;
    packet->arrived_us = self->worker.now_us;
    assert_true(stoa_rtp_header_read(packet->data, packet->len, &packet->header));
    stoa_rtp_extension_read(packet->data, &packet->header, &ids, &packet->exts);
    stoa_rtp_payload_info(feed->codec, packet->data + packet->header.payload_at,
                          packet->header.payload_len,
                          trace_has_dd(self->sender.shape) ? &came->dd : NULL, &packet->info);
    if (stoa_source_index(source, packet->header.seq, came->is_rtx, &packet->index) &&
        stoa_source_file(source, packet, self->worker.pool))
        stoa_feed_push(feed, source, packet);
    stoa_packet_unref(packet, self->worker.pool);
}

static void deliver(World *self)
{
    GArray *line = self->sender.line;
    guint kept = 0;

    for (guint i = 0; i < line->len; i++) {
        TracePacket packet = g_array_index(line, TracePacket, i);

        if (packet.due_us <= self->worker.now_us)
            receive(self, &packet);
        else
            g_array_index(line, TracePacket, kept++) = packet;
    }
    g_array_set_size(line, kept);
}

static void run(World *self, int64_t us)
{
    for (int64_t end_us = self->worker.now_us + us; self->worker.now_us < end_us;) {
        self->worker.now_us += STEP_US;
        if (self->worker.now_us % FRAME_US < STEP_US)
            trace_sender_send(&self->sender, self->worker.now_us);
        deliver(self);
        stoa_worker_fan_out(&self->worker);
        stoa_worker_settle_feeds(&self->worker);
        stoa_wheel_advance(&self->worker.wheel, self->worker.now_us);
    }
}

/* -- what happens -------------------------------------------------------------------------- */

static int pick(World *self, int n)
{
    return g_rand_int_range(self->dice, 0, n);
}

/* What is on its way arrives: a mute and another track are at once, whatever picture there is in the middle of. */
static void finish_pictures(World *self)
{
    while (self->sender.pace_us > 0 && self->sender.line->len > 0) {
        self->worker.now_us += 1000;
        deliver(self);
        stoa_worker_fan_out(&self->worker);
    }
}

static void mute(World *self, bool muted)
{
    finish_pictures(self);
    self->sender.is_muted = muted;
    stoa_feed_mute(self->feeds[0], muted);
}

static void allow(World *self, int substream, int temporal)
{
    self->outlet->allowed_substream = (int8_t)substream;
    self->outlet->allowed_temporal = (int8_t)temporal;
    stoa_outlet_choose(self->outlet, self->worker.now_us);
}

static void happen(World *self)
{
    StoaOutlet *outlet = self->outlet;

    switch (pick(self, 10)) {
    case 0:
    case 1:
    case 2: stoa_outlet_limit(outlet, pick(self, 3), pick(self, 3)); break;
    case 3: stoa_outlet_limit_spatial(outlet, pick(self, 3)); break;
    case 4:
    case 5: stoa_outlet_pause(outlet, !outlet->is_paused); break;
    case 6: mute(self, !self->sender.is_muted); break;
    case 7:
        mute(self, false);
        stoa_outlet_route(outlet, ref_of((unsigned)pick(self, TRACE_PUBLISHERS)));
        break;
    case 8: allow(self, MAX(pick(self, 9) - 6, STOA_PAUSED), pick(self, 4) - 1); break;
    default:
        self->sender.silent_until_us[pick(self, TRACE_PUBLISHERS)][pick(self, 2)] =
            self->worker.now_us + pick(self, 1500) * 1000;
    }
    if (outlet->is_paused && pick(self, 2) == 0)
        stoa_outlet_pause(outlet, false);
}

/* What is wanted last is what comes, once nothing happens any more. */
static void settle(World *self)
{
    const StoaOutlet *outlet = self->outlet;
    bool is_svc = trace_n_encodings(self->sender.shape) == 1;
    unsigned substream = (unsigned)pick(self, 3), temporal = (unsigned)pick(self, 3);
    unsigned top_tid = 0, top_sid = 0;
    guint from;

    self->sender.loss = self->sender.delay = 0;
    memset(self->sender.silent_until_us, 0, sizeof(self->sender.silent_until_us));
    mute(self, false);
    stoa_outlet_pause(self->outlet, false);
    allow(self, -1, -1);
    stoa_outlet_limit_spatial(self->outlet, 2);
    stoa_outlet_limit(self->outlet, (int)substream, (int)temporal);
    run(self, 2500000);
    assert_true(outlet->is_relaying && !outlet->is_waiting);
    from = self->outs->len;
    run(self, 500000);
    assert_true(self->outs->len > from);
    for (guint i = from; i < self->outs->len; i++) {
        const TraceTag *tag = &g_array_index(self->outs, TraceOut, i).tag;

        top_tid = MAX(top_tid, tag->tid);
        top_sid = MAX(top_sid, tag->frame.sid);
        if (!is_svc)
            assert_int_equal(tag->frame.encoding, 2 - substream);
    }
    assert_int_equal(top_tid, temporal);
    assert_int_equal(top_sid, is_svc ? substream : 0);
    assert_int_equal(self->told_temporal, temporal);
    assert_int_equal(self->told_substream, substream);
}

typedef struct {
    double loss, delay;
    int64_t pace_us;
} Line;

static void live(TraceShape shape, uint32_t seed, const Line *line)
{
    World self;

    world_begin(&self, shape, seed);
    self.sender.pace_us = line->pace_us;
    for (unsigned round = 0; round < 3; round++) {
        self.sender.loss = line->loss;
        self.sender.delay = line->delay;
        for (unsigned i = 0; i < 40; i++) {
            happen(&self);
            run(&self, pick(&self, pick(&self, 4) == 0 ? 2000 : 300) * 1000);
        }
        settle(&self);
    }
    trace_decode(shape, self.outs, self.sender.hurt, self.sender.n_hurt);
    world_end(&self);
}

static void live_often(Line line)
{
    for (TraceShape shape = 0; shape < TRACE_N_SHAPES; shape++)
        for (uint32_t seed = 1; seed <= 12; seed++)
            live(shape, seed, &line);
}

static void a_decoder_notices_nothing(void **unused G_GNUC_UNUSED)
{
    live_often((Line){ 0 });
}

static void packets_out_of_order_harm_only_themselves(void **unused G_GNUC_UNUSED)
{
    live_often((Line){ .delay = 0.05 });
}

static void loss_harms_only_what_was_lost(void **unused G_GNUC_UNUSED)
{
    live_often((Line){ .loss = 0.04, .delay = 0.02 });
}

/* Packets of a picture come one by one: limits, pauses and the allocator's word fall in its middle, and it stays whole. */
static void a_change_within_a_picture_tears_none(void **unused G_GNUC_UNUSED)
{
    live_often((Line){ .pace_us = 6000 });
}

/* A key picture may begin with a layer that is wanted since its middle: not if its end was marked without. */
static void a_layer_that_comes_to_be_wanted_waits_for_the_next_picture(void **unused G_GNUC_UNUSED)
{
    World self;

    world_begin(&self, TRACE_VP9_KEY, 1);
    self.sender.pace_us = 6000;
    for (unsigned i = 0; i < 200; i++) {
        stoa_outlet_limit_spatial(self.outlet, 0);
        run(&self, 200000);
        trace_sender_ask(&self.sender, 0, 0, self.worker.now_us);
        run(&self, 40000 + pick(&self, 12) * STEP_US);
        stoa_outlet_limit_spatial(self.outlet, 2);
        run(&self, 100000);
    }
    trace_decode(TRACE_VP9_KEY, self.outs, self.sender.hurt, 0);
    world_end(&self);
}

/* The rest of a picture still comes then. */
static void who_hears_that_nothing_fits_hears_nothing_else_until_it_does(
    void **unused G_GNUC_UNUSED)
{
    World self;

    world_begin(&self, TRACE_VP8, 1);
    self.sender.pace_us = 6000;
    run(&self, 1000000);
    for (unsigned i = 0; i < 1000 && !self.outlet->is_mid_picture; i++)
        run(&self, STEP_US);
    allow(&self, STOA_PAUSED, -1);
    assert_true(self.outlet->is_ending);
    stoa_outlet_tell_narrow(self.outlet);
    stoa_outlet_tell(self.outlet);
    assert_int_equal(self.told_substream, (unsigned)-1);
    run(&self, 300000);
    assert_false(self.outlet->is_relaying);
    assert_int_equal(self.told_substream, (unsigned)-1);
    trace_decode(TRACE_VP8, self.outs, self.sender.hurt, 0);
    world_end(&self);
}

/* Refused, as too many were asked for, it may be asked for again at once: it was not sent. */
static void a_repeat_that_was_refused_is_not_taken_for_sent(void **unused G_GNUC_UNUSED)
{
    World self;
    StoaOutlet *outlet;
    StoaSend row;
    uint16_t seq;

    world_begin(&self, 0, 1);
    outlet = self.outlet;
    row = outlet->row;
    row.nack = true;
    stoa_outlet_set_row(outlet, &row);
    run(&self, 1000000);
    assert_true(self.outs->len > 0);
    seq = (uint16_t)g_array_index(self.outs, TraceOut, self.outs->len - 1).seq;
    self.counts_only = true;
    self.n_sealed = 0;
    outlet->resend_budget = 0;
    stoa_outlet_resend(outlet, &seq, 1, self.worker.now_us);
    assert_int_equal(self.n_sealed, 0);
    outlet->resend_budget = 5;
    stoa_outlet_resend(outlet, &seq, 1, self.worker.now_us);
    assert_int_equal(self.n_sealed, 1);
    stoa_outlet_resend(outlet, &seq, 1, self.worker.now_us + 9000); /* on its way */
    assert_int_equal(self.n_sealed, 1);
    stoa_outlet_resend(outlet, &seq, 1, self.worker.now_us + 11000);
    assert_int_equal(self.n_sealed, 2);
    assert_int_equal(outlet->n_resent, 2);
    assert_int_equal(outlet->n_nacked, 4);
    assert_int_equal(outlet->resend_budget, 3);
    world_end(&self);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decoder_notices_nothing),
        cmocka_unit_test(packets_out_of_order_harm_only_themselves),
        cmocka_unit_test(loss_harms_only_what_was_lost),
        cmocka_unit_test(a_change_within_a_picture_tears_none),
        cmocka_unit_test(a_layer_that_comes_to_be_wanted_waits_for_the_next_picture),
        cmocka_unit_test(who_hears_that_nothing_fits_hears_nothing_else_until_it_does),
        cmocka_unit_test(a_repeat_that_was_refused_is_not_taken_for_sent),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
