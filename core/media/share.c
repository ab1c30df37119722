/* SPDX-License-Identifier: MIT */
#include "media/share.h"

#include "base/poison.h"

#define KEEP   0.80 /* a choice stands while this much of it fits: rates and estimates waver */
#define MARGIN 1.15 /* of what all would have, to rise */
#define PATIENCE \
    1.5 /* a track that cannot be smaller is hopeless above this much of what is left */
#define NO_MORE 256

static uint64_t rate_at(const StoaShareTrack *track, int step)
{
    return step >= 0 && step < track->n_steps ? track->steps[step].bps : 0;
}

static uint64_t sum_chosen(const StoaShareTrack *tracks, unsigned n)
{
    uint64_t bps = 0;

    for (unsigned i = 0; i < n; i++)
        bps += rate_at(&tracks[i], tracks[i].chosen);
    return bps;
}

static void choose_as_now(StoaShareTrack *tracks, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int top = tracks[i].n_steps - 1;

        tracks[i].chosen = tracks[i].now < top ? tracks[i].now : top;
    }
}

/* The highest priority below `limit`; -1: none. */
static int next_priority(const StoaShareTrack *tracks, unsigned n, int limit)
{
    int found = -1;

    for (unsigned i = 0; i < n; i++)
        if (tracks[i].priority < limit && tracks[i].priority > found)
            found = tracks[i].priority;
    return found;
}

/* Everyone's lowest step, as far as it goes. */
static void choose_lowest(StoaShareTrack *tracks, unsigned n, uint64_t budget)
{
    uint64_t sum = 0;

    for (int p = next_priority(tracks, n, NO_MORE); p >= 0; p = next_priority(tracks, n, p))
        for (unsigned i = 0; i < n; i++) {
            StoaShareTrack *track = &tracks[i];
            uint64_t bps = rate_at(track, 0);
            double need = track->is_patient ? (double)bps / PATIENCE : (double)bps;

            if (track->priority != p)
                continue;
            track->chosen = STOA_SHARE_PAUSED;
            if (track->n_steps == 0 || (double)sum + need > (double)budget)
                continue;
            track->chosen = 0;
            sum += bps;
        }
}

/* One step up for each track of a priority that it fits; false: for none. @paused  only those that have nothing */
static bool raise_once(StoaShareTrack *tracks, unsigned n, int priority, bool paused, double margin,
                       uint64_t budget)
{
    bool is_raised = false;
    uint64_t sum = sum_chosen(tracks, n);

    for (unsigned i = 0; i < n; i++) {
        StoaShareTrack *track = &tracks[i];
        uint64_t more;

        if (track->priority != priority || track->chosen + 1 >= track->n_steps ||
            (paused && track->chosen >= 0))
            continue;
        more = sum - rate_at(track, track->chosen) + rate_at(track, track->chosen + 1);
        if (margin * (double)more > (double)budget)
            continue;
        track->chosen++;
        sum = more;
        is_raised = true;
    }
    return is_raised;
}

static void raise_all(StoaShareTrack *tracks, unsigned n, double margin, uint64_t budget)
{
    for (int p = next_priority(tracks, n, NO_MORE); p >= 0; p = next_priority(tracks, n, p))
        raise_once(tracks, n, p, true, margin, budget);
    for (int p = next_priority(tracks, n, NO_MORE); p >= 0; p = next_priority(tracks, n, p))
        while (raise_once(tracks, n, p, false, margin, budget))
            ;
}

static void choose_anew(StoaShareTrack *tracks, unsigned n, double margin, uint64_t budget)
{
    choose_lowest(tracks, n, budget);
    raise_all(tracks, n, margin, budget);
}

/* Does a track want more while a less important one has more than its least? */
static bool is_upside_down(const StoaShareTrack *tracks, unsigned n)
{
    int poor = -1;

    for (unsigned i = 0; i < n; i++)
        if (tracks[i].chosen + 1 < tracks[i].n_steps && tracks[i].priority > poor)
            poor = tracks[i].priority;
    for (unsigned i = 0; i < n; i++)
        if (tracks[i].chosen > 0 && tracks[i].priority < poor)
            return true;
    return false;
}

/* The tracks that got more or less by a new choice; is the most important of them better off? */
static bool is_better(const StoaShareTrack *tracks, const int *before, unsigned n)
{
    int priority = -1;
    bool is_up = false;

    for (unsigned i = 0; i < n; i++) {
        if (tracks[i].chosen == before[i] || tracks[i].priority < priority)
            continue;
        is_up = tracks[i].chosen > before[i] && (tracks[i].priority > priority || is_up);
        priority = tracks[i].priority;
    }
    return is_up;
}

static void rebalance(StoaShareTrack *tracks, unsigned n, uint64_t budget)
{
    int before[STOA_SHARE_TRACKS];

    if (!is_upside_down(tracks, n))
        return;
    for (unsigned i = 0; i < n; i++)
        before[i] = tracks[i].chosen;
    choose_anew(tracks, n, MARGIN, budget);
    if (is_better(tracks, before, n))
        return;
    for (unsigned i = 0; i < n; i++)
        tracks[i].chosen = before[i];
}

uint32_t stoa_share(StoaShareTrack *tracks, unsigned n, uint32_t budget_bps, uint32_t rise_bps)
{
    uint64_t sum;

    if (n > STOA_SHARE_TRACKS)
        n = STOA_SHARE_TRACKS;
    choose_as_now(tracks, n);
    if (KEEP * (double)sum_chosen(tracks, n) > budget_bps) {
        choose_anew(tracks, n, 1, budget_bps);
    } else if (rise_bps > 0) {
        rebalance(tracks, n, rise_bps);
        raise_all(tracks, n, MARGIN, rise_bps);
    }
    sum = sum_chosen(tracks, n);
    return sum < budget_bps ? (uint32_t)(budget_bps - sum) : 0;
}
