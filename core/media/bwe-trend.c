/* SPDX-License-Identifier: MIT */
#include "media/bwe-trend.h"

#include <math.h>

#include "base/poison.h"

#define GROUP_US    100000
#define SILENCE_US  2000000 /* after it nothing is compared with what was before */
#define MIN_GROUPS  3
#define N_OVER      2     /* groups in a row that prove an over-use */
#define URGENT_MS   250.0 /* this much more delay proves it at once */
#define BLOATED_MS  400.0 /* a queue that stays so long is no use to anybody who talks */
#define BASE_US     15000000
#define THRESHOLD   50.0 /* of the slope at the start: the path is overloaded by a twentieth */
#define MIN_THRESH  25.0
#define MAX_THRESH  600.0
#define THRESH_UP   0.10 /* how fast the threshold follows the slope, a group */
#define THRESH_DOWN 0.02
#define SPIKE       60.0 /* a slope this far over the threshold does not move it */
#define MOMENT_US   60000
#define FLOOD_US    200000 /* of queue at least */

void stoa_bwe_trend_init(StoaBweTrend *trend)
{
    *trend = (StoaBweTrend){ .threshold = THRESHOLD };
}

static unsigned n_points(const StoaBweTrend *trend)
{
    return trend->n_groups < STOA_BWE_TREND_GROUPS ? trend->n_groups : STOA_BWE_TREND_GROUPS;
}

static double newest_ms(const StoaBweTrend *trend)
{
    return trend->delay_ms[(trend->n_groups - 1) % STOA_BWE_TREND_GROUPS];
}

static double least_ms(const StoaBweTrend *trend)
{
    double least = HUGE_VAL;

    for (unsigned i = 0; i < n_points(trend); i++)
        if (trend->delay_ms[i] < least)
            least = trend->delay_ms[i];
    return least;
}

static double queue_ms(const StoaBweTrend *trend)
{
    return newest_ms(trend) - fmin(trend->base_ms[0], trend->base_ms[1]);
}

int64_t stoa_bwe_trend_queue_us(const StoaBweTrend *trend)
{
    if (trend->n_groups == 0)
        return 0;
    return (int64_t)(queue_ms(trend) * 1000);
}

int64_t stoa_bwe_trend_since_us(const StoaBweTrend *trend)
{
    return trend->is_flooded ? trend->moments[STOA_BWE_TREND_MOMENTS - 1].at_us : trend->group_us;
}

/* The line of least squares through the points, milliseconds a second. */
static double slope_of(const StoaBweTrend *trend)
{
    unsigned n = n_points(trend);
    double x_mean = 0, y_mean = 0, over = 0, under = 0;

    for (unsigned i = 0; i < n; i++) {
        x_mean += trend->at_ms[i] / n;
        y_mean += trend->delay_ms[i] / n;
    }
    for (unsigned i = 0; i < n; i++) {
        double x = trend->at_ms[i] - x_mean;

        over += x * (trend->delay_ms[i] - y_mean);
        under += x * x;
    }
    return under > 0 ? 1000 * over / under : 0;
}

/* Follows the slope slowly, so that a flow that competes by filling the queue does not starve us. (GCC, 5.4) */
static void adapt_threshold(StoaBweTrend *trend)
{
    double size = fabs(trend->slope);
    double k = size > trend->threshold ? THRESH_UP : THRESH_DOWN;

    if (size > trend->threshold + SPIKE)
        return;
    trend->threshold += k * (size - trend->threshold);
    trend->threshold = fmin(fmax(trend->threshold, MIN_THRESH), MAX_THRESH);
}

static bool is_overused(StoaBweTrend *trend, double slope_before)
{
    if (trend->slope > -trend->threshold && queue_ms(trend) > BLOATED_MS)
        return true;
    if (trend->slope <= trend->threshold) {
        trend->n_over = 0;
        return false;
    }
    if (trend->slope < slope_before)
        return false;
    return ++trend->n_over >= N_OVER || newest_ms(trend) - least_ms(trend) > URGENT_MS;
}

static void judge(StoaBweTrend *trend)
{
    double before = trend->slope;

    trend->slope = slope_of(trend);
    if (is_overused(trend, before))
        trend->usage = STOA_BWE_OVERUSE;
    else
        trend->usage = trend->slope < -trend->threshold ? STOA_BWE_UNDERUSE : STOA_BWE_NORMAL;
    adapt_threshold(trend);
}

static void note_base(StoaBweTrend *trend, double delay_ms)
{
    if (trend->n_groups == 1) {
        trend->base_ms[0] = trend->base_ms[1] = delay_ms;
        trend->base_us = trend->group_us;
    } else if (trend->group_us - trend->base_us > BASE_US) {
        trend->base_ms[1] = trend->base_ms[0];
        trend->base_ms[0] = delay_ms;
        trend->base_us = trend->group_us;
    }
    trend->base_ms[0] = fmin(trend->base_ms[0], delay_ms);
}

static void end_group(StoaBweTrend *trend)
{
    unsigned i;

    if (trend->n_groups == 0)
        trend->origin_us = trend->group_min_us;
    i = trend->n_groups++ % STOA_BWE_TREND_GROUPS;
    if (trend->n_groups == 2 * STOA_BWE_TREND_GROUPS)
        trend->n_groups = STOA_BWE_TREND_GROUPS; /* the same place in the circle */
    trend->at_ms[i] = (double)trend->group_us / 1000;
    trend->delay_ms[i] = (double)(trend->group_min_us - trend->origin_us) / 1000;
    note_base(trend, trend->delay_ms[i]);
    if (n_points(trend) >= MIN_GROUPS)
        judge(trend);
}

/* -- floods -------------------------------------------------------------------------------- */

static void note_moment(StoaBweTrend *trend, int64_t sent_us, int64_t delay_us)
{
    if (trend->moments[0].at_us && sent_us - trend->moments[0].at_us < MOMENT_US) {
        if (delay_us < trend->moments[0].min_us)
            trend->moments[0].min_us = delay_us;
        return;
    }
    for (unsigned i = STOA_BWE_TREND_MOMENTS - 1; i > 0; i--)
        trend->moments[i] = trend->moments[i - 1];
    trend->moments[0].at_us = sent_us;
    trend->moments[0].min_us = delay_us;
}

/* Each moment waits longer than the one before, and all in all by more than the time that passed. */
static bool is_rising(const StoaBweTrend *trend)
{
    for (unsigned i = 1; i < STOA_BWE_TREND_MOMENTS; i++)
        if (!trend->moments[i].at_us || trend->moments[i].min_us >= trend->moments[i - 1].min_us)
            return false;
    return trend->moments[0].min_us - trend->moments[STOA_BWE_TREND_MOMENTS - 1].min_us >
           trend->moments[0].at_us - trend->moments[STOA_BWE_TREND_MOMENTS - 1].at_us;
}

int64_t stoa_bwe_trend_latest_us(const StoaBweTrend *trend)
{
    double base_ms = fmin(trend->base_ms[0], trend->base_ms[1]);

    if (trend->n_groups == 0)
        return 0;
    return trend->moments[0].min_us - trend->origin_us - (int64_t)(base_ms * 1000);
}

static void judge_flood(StoaBweTrend *trend)
{
    trend->is_flooded = is_rising(trend) && stoa_bwe_trend_latest_us(trend) > FLOOD_US;
}

/* -- packets ------------------------------------------------------------------------------- */

static void begin_group(StoaBweTrend *trend, int64_t sent_us, int64_t delay_us)
{
    trend->has_group = true;
    trend->group_us = trend->last_sent_us = sent_us;
    trend->group_min_us = delay_us;
}

bool stoa_bwe_trend_input(StoaBweTrend *trend, int64_t sent_us, int64_t arrival_us)
{
    int64_t delay_us = arrival_us - sent_us;

    if (trend->has_group && sent_us - trend->last_sent_us > SILENCE_US) {
        double threshold = trend->threshold;

        stoa_bwe_trend_init(trend);
        trend->threshold = threshold;
    }
    if (!trend->has_group) {
        begin_group(trend, sent_us, delay_us);
        return false;
    }
    note_moment(trend, sent_us, delay_us);
    judge_flood(trend);
    if (sent_us - trend->group_us < GROUP_US) {
        if (delay_us < trend->group_min_us)
            trend->group_min_us = delay_us;
        if (sent_us > trend->last_sent_us)
            trend->last_sent_us = sent_us;
        return false;
    }
    end_group(trend);
    begin_group(trend, sent_us, delay_us);
    return true;
}
