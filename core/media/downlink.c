/* SPDX-License-Identifier: MIT */
#include "media/downlink.h"

#include "media/cap.h"
#include "media/peer-private.h"
#include "media/share.h"

#include "base/poison.h"

enum {
    SHARE_US = 100000, /* between two allotments */
    FLOW_US = 1500000, /* an encoding that was silent for longer is not reckoned with */
    AGAIN_US = 200000,
    PAD_US = 10000,
    RISE_US = 1000000, /* between two changes for the better: a layer's switch takes a while */
    GRACE_US = 250000,
    JAM_US = 3000000,
    MAX_ROUND_US = 1000000,
    REMB_US = 10000000,   /* a word of the client holds so long */
    CURIOUS_BPS = 5000000 /* what nobody asks for now is looked for up to this */
};

/* -- life ---------------------------------------------------------------------------------- */

static void pad(StoaWheelTimer *timer, int64_t now_us);
static void again(StoaWheelTimer *timer, int64_t now_us);

static bool has_video(const StoaPeer *peer)
{
    for (unsigned i = 0; i < peer->n_outlets; i++)
        if (peer->outlets[i]->has_row && peer->outlets[i]->row.kind == STOA_VIDEO)
            return true;
    return false;
}

/* NULL: there is nothing to share. */
static StoaDownlink *downlink_of(StoaPeer *peer)
{
    StoaDownlink *downlink = peer->downlink;

    if (downlink || !has_video(peer))
        return downlink;
    downlink = g_new0(StoaDownlink, 1);
    downlink->peer = peer;
    downlink->pad.fire = pad;
    downlink->again.fire = again;
    stoa_bwe_init(&downlink->bwe);
    peer->downlink = downlink;
    return downlink;
}

void stoa_downlink_stop(StoaDownlink *downlink)
{
    if (!downlink)
        return;
    stoa_wheel_clear(&downlink->peer->worker->wheel, &downlink->pad);
    stoa_wheel_clear(&downlink->peer->worker->wheel, &downlink->again);
}

void stoa_downlink_free(StoaDownlink *downlink)
{
    if (!downlink)
        return;
    stoa_downlink_stop(downlink);
    stoa_bwe_clear(&downlink->bwe);
    g_free(downlink);
}

void stoa_downlink_moved(StoaDownlink *downlink)
{
    stoa_downlink_stop(downlink);
    stoa_bwe_clear(&downlink->bwe);
    stoa_bwe_init(&downlink->bwe);
    downlink->remb_bps = 0;
    downlink->remb_fell_us = 0;
    downlink->climb = (StoaClimb){ 0 };
    downlink->setback = (StoaSetback){ 0 };
}

uint32_t stoa_downlink_estimate_bps(const StoaDownlink *downlink)
{
    uint32_t bps;

    if (!downlink)
        return 0;
    bps = downlink->has_feedback ? stoa_bwe_estimate_bps(&downlink->bwe) : 0;
    if (downlink->remb_bps && (!bps || downlink->remb_bps < bps))
        bps = (uint32_t)MIN(downlink->remb_bps, STOA_BWE_MAX_BPS);
    return bps;
}

/* -- probes -------------------------------------------------------------------------------- */

static StoaOutlet *padding_outlet(const StoaDownlink *downlink)
{
    const StoaPeer *peer = downlink->peer;

    for (unsigned i = 0; i < peer->n_outlets; i++)
        if (stoa_outlet_can_pad(peer->outlets[i], downlink->has_feedback))
            return peer->outlets[i];
    return NULL;
}

static void pad(StoaWheelTimer *timer, int64_t now_us)
{
    StoaDownlink *downlink = STOA_WHEEL_OWNER(timer, StoaDownlink, pad);
    StoaPeer *peer = downlink->peer;
    StoaOutlet *outlet = stoa_peer_is_ready(peer) ? padding_outlet(downlink) : NULL;
    size_t due = downlink->has_feedback ? stoa_bwe_padding(&downlink->bwe, now_us)
                                        : stoa_climb_due(&downlink->climb, now_us);

    while (outlet && due > 0) {
        size_t len = stoa_outlet_pad(outlet) + STOA_WIRE_OVERHEAD;

        stoa_climb_sent(&downlink->climb, len);
        due -= MIN(due, len);
    }
    if (stoa_bwe_is_probing(&downlink->bwe) || (outlet && stoa_climb_is_running(&downlink->climb)))
        stoa_wheel_set(&peer->worker->wheel, timer, now_us + PAD_US);
}

/* -- what there is to share ---------------------------------------------------------------- */

/* What the tracks of a subscriber add up to. */
typedef struct {
    StoaOutlet *outlets[STOA_SHARE_TRACKS];
    StoaShareTrack tracks[STOA_SHARE_TRACKS];
    unsigned n;
    uint64_t audio_bps;
    uint64_t
        copies_bps; /* of it, in redundant audio that goes to this subscriber as such or could */
    uint64_t wished_bps;   /* of all that its owner asks for */
    uint64_t possible_bps; /* of all that there is */
} Demand;

static uint32_t flow_bps(const StoaFeed *feed, unsigned encoding, int64_t now_us)
{
    const StoaSource *source = feed->sources[encoding];

    return source && source->has_begun && now_us - source->last_us < FLOW_US ? source->flow.bps : 0;
}

static void add_step(StoaShareTrack *track, uint32_t bps, int substream, int temporal)
{
    if (bps > 0 && track->n_steps < STOA_SHARE_STEPS)
        track->steps[track->n_steps++] =
            (StoaShareStep){ bps, (int8_t)substream, (int8_t)temporal };
}

/* The least of a track can be thinned out further by its temporal layers. */
static void add_temporal_steps(StoaShareTrack *track, const StoaFlow *flow, unsigned sid,
                               int substream)
{
    for (unsigned tid = 0; stoa_flow_bps(flow, sid, tid) < stoa_flow_bps(flow, sid, STOA_FLOW_TIDS);
         tid++)
        add_step(track, stoa_flow_bps(flow, sid, tid), substream, (int)tid);
}

/* One encoding with spatial layers is asked for by them, as if they were encodings. */
static void add_spatial_steps(StoaShareTrack *track, const StoaFlow *flow)
{
    unsigned top = STOA_FLOW_SIDS - 1;

    while (top > 0 && stoa_flow_bps(flow, top - 1, STOA_FLOW_TIDS) == flow->bps)
        top--;
    add_temporal_steps(track, flow, 0, 0);
    for (unsigned sid = 0; sid <= top; sid++)
        add_step(track, stoa_flow_bps(flow, sid, STOA_FLOW_TIDS), (int)sid, -1);
}

static void add_encodings(StoaShareTrack *track, const StoaFeed *feed, int64_t now_us)
{
    for (int i = (int)feed->n_encodings - 1; i >= 0; i--) {
        uint32_t bps = flow_bps(feed, (unsigned)i, now_us);
        int substream = (int)feed->n_encodings - 1 - i;

        if (bps > 0 && track->n_steps == 0)
            add_temporal_steps(track, &feed->sources[i]->flow, STOA_FLOW_SIDS, substream);
        add_step(track, bps, substream, -1);
    }
}

/* Without a dependency descriptor AV1's are not known of every packet. */
static bool has_spatial_steps(const StoaFeed *feed)
{
    const StoaSource *source = feed->sources[0];

    return feed->n_encodings == 1 && stoa_codec_has_spatial(feed->codec) && source &&
           (source->has_dd || feed->codec != STOA_CODEC_AV1);
}

static void add_steps(StoaShareTrack *track, const StoaFeed *feed, int64_t now_us)
{
    if (!has_spatial_steps(feed))
        add_encodings(track, feed, now_us);
    else if (flow_bps(feed, 0, now_us) > 0)
        add_spatial_steps(track, &feed->sources[0]->flow);
    track->is_patient = track->n_steps == 1;
}

static bool is_within(const StoaShareStep *step, int substream, int temporal)
{
    return (substream < 0 || step->substream <= substream) &&
           (temporal < 0 || substream < 0 || step->substream < substream ||
            (step->temporal >= 0 && step->temporal <= temporal));
}

/* The highest step within a limit; at least the first. */
static int step_within(const StoaShareTrack *track, int substream, int temporal)
{
    int found = 0;

    for (int i = 0; i < track->n_steps; i++)
        if (is_within(&track->steps[i], substream, temporal))
            found = i;
    return found;
}

/* What its owner wants at most. */
static int wished_step(const StoaOutlet *outlet, const StoaShareTrack *track)
{
    int substream = outlet->max_substream, spatial = outlet->max_spatial;

    if (outlet->feed->n_encodings == 1 && spatial >= 0 && (substream < 0 || spatial < substream))
        substream = spatial;
    return step_within(track, substream, outlet->max_temporal);
}

static int present_step(const StoaOutlet *outlet, const StoaShareTrack *track)
{
    if (outlet->allowed_substream == STOA_PAUSED)
        return STOA_SHARE_PAUSED;
    return step_within(track, outlet->allowed_substream, outlet->allowed_temporal);
}

/* An encoding that is cheap for a moment (a busy sender, a still picture) has no lasting place on a narrow way. */
static void expect_peaks(StoaShareTrack *track, const StoaFeed *feed)
{
    for (int i = 1; i < track->n_steps && feed->n_encodings > 1; i++) {
        StoaShareStep *step = &track->steps[i];
        const StoaSource *source = feed->sources[feed->n_encodings - 1 - (unsigned)step->substream];

        if (step->temporal < 0 && i != track->now)
            step->bps = MAX(step->bps, source->flow.peak_bps / 4 * 3);
    }
}

static void add_video(Demand *demand, StoaOutlet *outlet, int64_t now_us)
{
    StoaShareTrack *track = &demand->tracks[demand->n];
    int wished;

    if (demand->n == STOA_SHARE_TRACKS)
        return;
    *track = (StoaShareTrack){ .priority = outlet->priority };
    add_steps(track, outlet->feed, now_us);
    if (track->n_steps == 0)
        return;
    track->now = present_step(outlet, track);
    expect_peaks(track, outlet->feed);
    wished = wished_step(outlet, track);
    demand->wished_bps += track->steps[wished].bps;
    demand->possible_bps += track->steps[track->n_steps - 1].bps;
    track->n_steps = (uint8_t)(wished + 1);
    demand->outlets[demand->n++] = outlet;
}

/* What is new in redundant audio is half of it, about. */
static void add_voice(Demand *demand, const StoaOutlet *outlet, int64_t now_us)
{
    uint32_t bps = flow_bps(outlet->feed, 0, now_us);
    uint32_t copies_bps = bps > 0 && outlet->feed->sources[0]->is_red ? bps / 2 : 0;

    demand->audio_bps += bps - (outlet->row.red_payload_type ? 0 : copies_bps);
    demand->copies_bps += outlet->row.red_payload_type ? copies_bps : 0;
}

static void gather(Demand *demand, const StoaPeer *peer, int64_t now_us)
{
    demand->n = 0;
    demand->audio_bps = demand->copies_bps = demand->wished_bps = demand->possible_bps = 0;
    for (unsigned i = 0; i < peer->n_outlets; i++) {
        StoaOutlet *outlet = peer->outlets[i];

        if (!stoa_outlet_is_wanted(outlet))
            continue;
        if (outlet->row.kind == STOA_VIDEO)
            add_video(demand, outlet, now_us);
        else
            add_voice(demand, outlet, now_us);
    }
}

/* More than is wished: a wish can be granted at once only if the way is known. A single track may grow, too. */
static uint32_t wanted_bps(const Demand *demand)
{
    uint64_t wished = demand->audio_bps + demand->wished_bps + demand->wished_bps / 2;
    uint64_t possible = demand->audio_bps + demand->possible_bps + demand->possible_bps / 4;

    return (uint32_t)MIN(MAX(wished, MIN(possible, CURIOUS_BPS)), STOA_BWE_MAX_BPS);
}

/* At which the share would grant all wishes. */
static uint64_t enough_bps(const Demand *demand)
{
    return demand->audio_bps + demand->audio_bps / 4 + demand->wished_bps * 5 / 4;
}

/* -- sharing ------------------------------------------------------------------------------- */

static bool allow(StoaOutlet *outlet, int substream, int temporal, int64_t now_us)
{
    if (outlet->allowed_substream == substream && outlet->allowed_temporal == temporal)
        return false;
    outlet->allowed_substream = (int8_t)substream;
    outlet->allowed_temporal = (int8_t)temporal;
    stoa_outlet_choose(outlet, now_us);
    return true;
}

/* Until the keyframe of the lower encoding is there the present one would fill the queue even more: stop it, if it is
 * much too large. */
static void stop_excess(StoaOutlet *outlet, const StoaShareStep *step, int64_t now_us)
{
    const StoaFeed *feed = outlet->feed;

    if (outlet->is_relaying && outlet->encoding < (int)feed->n_encodings - 1 - step->substream &&
        feed->n_encodings > 1 &&
        flow_bps(feed, (unsigned)outlet->encoding, now_us) > step->bps + step->bps / 2)
        stoa_outlet_end(outlet);
}

/* A picture stands still until a keyframe, once it was stopped: not for an estimate that is taken back in a moment. */
static bool is_given_up(StoaOutlet *outlet, int64_t now_us)
{
    if (!outlet->is_relaying)
        return true;
    if (!outlet->doomed_us)
        outlet->doomed_us = now_us;
    return now_us - outlet->doomed_us >= GRACE_US;
}

static bool hold(StoaOutlet *outlet, int64_t now_us)
{
    bool is_held;

    if (!is_given_up(outlet, now_us))
        return false;
    is_held = allow(outlet, STOA_PAUSED, -1, now_us);
    if (!outlet->is_halted)
        stoa_outlet_tell_narrow(outlet);
    return is_held;
}

static bool apply(const StoaShareTrack *track, StoaOutlet *outlet, int64_t now_us)
{
    const StoaShareStep *step = &track->steps[MAX(track->chosen, 0)];

    if (track->chosen < 0)
        return hold(outlet, now_us);
    outlet->doomed_us = 0;
    if (track->chosen < track->now)
        stop_excess(outlet, step, now_us);
    return allow(outlet, step->substream, step->temporal, now_us);
}

/* What it may relay is another matter. */
static void halt(StoaOutlet *outlet, bool is_draining, int64_t now_us)
{
    if (outlet->is_halted == is_draining)
        return;
    outlet->is_halted = is_draining;
    stoa_outlet_choose(outlet, now_us);
}

static void free_all(StoaPeer *peer, int64_t now_us)
{
    for (unsigned i = 0; i < peer->n_outlets; i++) {
        halt(peer->outlets[i], false, now_us);
        peer->outlets[i]->usable_bps = STOA_OUTLET_ANY_BPS;
        allow(peer->outlets[i], -1, -1, now_us);
    }
}

static void set_usable(StoaOutlet *outlet, uint32_t bps)
{
    StoaPeer *sender = outlet->feed ? outlet->feed->peer : NULL;

    if (sender && stoa_cap_fell(outlet->usable_bps, bps))
        stoa_peer_hurry_remb(sender);
    outlet->usable_bps = bps;
}

/* What a track's sender needs to send no more of: with several encodings those below are on top of it. */
static void note_usable(StoaOutlet *outlet, const StoaShareTrack *track, uint32_t left_bps,
                        bool is_enough)
{
    uint64_t bps = (uint64_t)left_bps + (track->chosen >= 0 ? track->steps[track->chosen].bps : 0);

    if (outlet->feed->n_encodings > 1)
        bps += bps * 3 / 5;
    set_usable(outlet, is_enough ? STOA_OUTLET_ANY_BPS : (uint32_t)MIN(bps, UINT32_MAX - 1));
}

/* Copies are against losses by chance: where voices with them would take half of the way, they would only make a jam. */
static void thin_voices(StoaDownlink *downlink, Demand *demand, uint32_t estimate_bps)
{
    const StoaPeer *peer = downlink->peer;
    uint64_t limit_bps = downlink->is_thin ? estimate_bps / 3 : estimate_bps / 2;

    downlink->is_thin = estimate_bps > 0 && demand->audio_bps > limit_bps;
    for (unsigned i = 0; i < peer->n_outlets; i++)
        if (peer->outlets[i]->row.kind == STOA_AUDIO)
            stoa_outlet_thin(peer->outlets[i], downlink->is_thin);
    if (downlink->is_thin)
        demand->audio_bps -= demand->copies_bps;
}

/* Up to where somebody may get more; 0: nobody. Soon after a jam that is for what was just asked for, and for what stands
 * still: the most important, and others that did not try in vain yet. */
static uint32_t rise_bps(const StoaDownlink *downlink, uint32_t estimate_bps, int64_t now_us)
{
    if (!downlink->is_asked && now_us - downlink->changed_us < RISE_US)
        return 0;
    if (!stoa_setback_holds(&downlink->setback, estimate_bps, now_us))
        return estimate_bps;
    if (downlink->is_asked || downlink->is_first_held ||
        (downlink->is_holding && !stoa_setback_is_repeated(&downlink->setback)))
        return MIN(estimate_bps, downlink->setback.at_bps);
    return 0;
}

static void share(StoaDownlink *downlink, Demand *demand, uint32_t estimate_bps, int64_t now_us)
{
    uint64_t reserved = demand->audio_bps + demand->audio_bps / 8;
    uint32_t budget = estimate_bps > reserved ? (uint32_t)(estimate_bps - reserved) : 0;
    uint32_t rise = rise_bps(downlink, estimate_bps, now_us);
    uint32_t left =
        stoa_share(demand->tracks, demand->n, budget, rise > reserved ? rise - reserved : 0);
    bool is_narrow = downlink->bwe.n_lowered > 0 || downlink->remb_bps;
    uint8_t most = 0;
    bool is_enough = !is_narrow || estimate_bps >= demand->audio_bps + demand->wished_bps * 5 / 4;

    for (unsigned i = 0; i < demand->n; i++)
        most = MAX(most, demand->tracks[i].priority);
    downlink->is_asked = downlink->is_holding = downlink->is_first_held = false;
    for (unsigned i = 0; i < demand->n; i++) {
        const StoaShareTrack *track = &demand->tracks[i];

        downlink->is_holding |= track->chosen < 0 || downlink->is_draining;
        downlink->is_first_held |= track->chosen < 0 && track->priority == most;
        note_usable(demand->outlets[i], track, left, is_enough);
        halt(demand->outlets[i], downlink->is_draining, now_us);
        if (!apply(track, demand->outlets[i], now_us))
            continue;
        downlink->changed_us = now_us;
        if (track->chosen > track->now)
            downlink->raised_us = now_us;
    }
}

static void probe(StoaDownlink *downlink, int64_t now_us)
{
    if (downlink->has_feedback && padding_outlet(downlink) &&
        stoa_bwe_may_probe(&downlink->bwe, now_us))
        pad(&downlink->pad, now_us);
}

static void climb(StoaDownlink *downlink, const Demand *demand, int64_t now_us)
{
    uint64_t sending = demand->audio_bps;
    bool has_all = true;

    for (unsigned i = 0; i < demand->n; i++) {
        const StoaShareTrack *track = &demand->tracks[i];

        has_all &= track->chosen == track->n_steps - 1;
        sending += track->chosen >= 0 ? track->steps[track->chosen].bps : 0;
    }
    stoa_climb_tend(&downlink->climb, downlink->has_feedback ? 0 : downlink->remb_bps, sending,
                    has_all ? 0 : enough_bps(demand), now_us);
    if (stoa_climb_is_running(&downlink->climb) && !stoa_wheel_is_set(&downlink->pad))
        pad(&downlink->pad, now_us);
}

static void allot(StoaDownlink *downlink, int64_t now_us)
{
    uint32_t estimate_bps = stoa_downlink_estimate_bps(downlink);
    Demand demand;

    downlink->is_draining = stoa_bwe_is_draining(&downlink->bwe, downlink->peer->rtt_us, now_us);
    downlink->shared_us = now_us;
    gather(&demand, downlink->peer, now_us);
    thin_voices(downlink, &demand, estimate_bps);
    stoa_bwe_want(&downlink->bwe, wanted_bps(&demand));
    if (estimate_bps) {
        share(downlink, &demand, estimate_bps, now_us);
    } else {
        downlink->is_holding = false;
        free_all(downlink->peer, now_us);
    }
    probe(downlink, now_us);
    climb(downlink, &demand, now_us);
    if (downlink->is_holding)
        stoa_wheel_set(&downlink->peer->worker->wheel, &downlink->again, now_us + AGAIN_US);
}

/* Held video brings no feedback that could set it free. */
static void again(StoaWheelTimer *timer, int64_t now_us)
{
    StoaDownlink *downlink = STOA_WHEEL_OWNER(timer, StoaDownlink, again);

    if (!stoa_peer_is_ready(downlink->peer))
        return;
    stoa_bwe_tend(&downlink->bwe, now_us);
    allot(downlink, now_us);
}

static void allot_in_time(StoaDownlink *downlink, int64_t now_us)
{
    if (now_us - downlink->shared_us >= SHARE_US - STOA_WHEEL_SLOT_US)
        allot(downlink, now_us);
}

/* What one may relay depends on what its neighbours do. */
void stoa_downlink_changed(StoaPeer *peer)
{
    if (!peer->downlink)
        return;
    peer->downlink->is_asked = true; /* somebody waits: at once */
    allot(peer->downlink, peer->worker->now_us);
}

bool stoa_downlink_may_resend(const StoaDownlink *downlink)
{
    uint32_t estimate_bps = stoa_downlink_estimate_bps(downlink);

    return !estimate_bps || !downlink->has_feedback ||
           stoa_bwe_offered_bps(&downlink->bwe) < estimate_bps + estimate_bps / 5;
}

bool stoa_downlink_is_jammed(const StoaDownlink *downlink, int64_t now_us)
{
    int64_t jammed_us = downlink ? MAX(downlink->bwe.lowered_us, downlink->remb_fell_us) : 0;

    return jammed_us && now_us - jammed_us < JAM_US;
}

int64_t stoa_downlink_round_us(const StoaPeer *peer)
{
    int64_t us = peer->rtt_us;

    if (peer->downlink)
        us += stoa_bwe_trend_queue_us(&peer->downlink->bwe.trend);
    return MIN(us, MAX_ROUND_US);
}

/* -- what comes ---------------------------------------------------------------------------- */

void stoa_downlink_feedback(StoaPeer *peer, const StoaRtcpFeedback *feedback)
{
    StoaDownlink *downlink = downlink_of(peer);
    int64_t now_us = peer->worker->now_us;
    unsigned n_lowered = downlink ? downlink->bwe.n_lowered : 0;

    if (!downlink || !stoa_bwe_feedback(&downlink->bwe, feedback, peer->rtt_us, now_us))
        return;
    downlink->has_feedback = true;
    if (downlink->bwe.n_lowered > n_lowered)
        stoa_setback_note(&downlink->setback, downlink->raised_us,
                          MAX(downlink->bwe.estimate_bps, downlink->bwe.capacity_bps), now_us);
    else if (downlink->bwe.n_lowered < n_lowered)
        stoa_setback_revoke(&downlink->setback);
    if (downlink->bwe.n_lowered != n_lowered)
        allot(downlink, now_us);
    else
        allot_in_time(downlink, now_us);
}

void stoa_downlink_remb(StoaPeer *peer, uint64_t bps)
{
    StoaDownlink *downlink = downlink_of(peer);
    int64_t now_us = peer->worker->now_us;

    if (!downlink)
        return;
    bps = MAX(bps, STOA_BWE_MIN_BPS);
    if (bps < downlink->remb_bps / 4 * 3)
        downlink->remb_fell_us = now_us;
    downlink->remb_bps = bps;
    downlink->remb_us = now_us;
    allot_in_time(downlink, now_us);
}

void stoa_downlink_tend(StoaDownlink *downlink, int64_t now_us)
{
    if (downlink->remb_bps && now_us - downlink->remb_us > REMB_US)
        downlink->remb_bps = 0;
    stoa_bwe_tend(&downlink->bwe, now_us);
    allot_in_time(downlink, now_us);
}
