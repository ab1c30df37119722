/* SPDX-License-Identifier: MIT */
#include "media/plea.h"

#include "media/source.h"

#include "base/poison.h"

enum {
    MAX_WAIT_US = 3000000,
    CALM_US = 10000000, /* who has not asked for so long is not a nuisance */
};

static bool is_answered(const StoaPlea *plea, int64_t keyframe_us)
{
    return keyframe_us > 0 && keyframe_us >= plea->passed_us;
}

static bool is_early(const StoaPlea *plea, int64_t now_us)
{
    return plea->passed_us > 0 && now_us - plea->passed_us < plea->wait_us;
}

static bool pass(StoaPlea *plea, int64_t now_us)
{
    if (now_us - plea->passed_us > CALM_US)
        plea->wait_us = 0;
    plea->wait_us = CLAMP(2 * plea->wait_us, STOA_KEYFRAME_US, MAX_WAIT_US);
    plea->passed_us = now_us;
    plea->waiting_us = 0;
    return true;
}

bool stoa_plea_input(StoaPlea *plea, int64_t keyframe_us, int64_t now_us)
{
    if (plea->passed_us > 0 && !is_answered(plea, keyframe_us))
        return true;
    if (!is_early(plea, now_us))
        return pass(plea, now_us);
    plea->waiting_us = now_us;
    return false;
}

bool stoa_plea_fir(StoaPlea *plea, uint8_t seq, int64_t keyframe_us)
{
    bool is_same = plea->has_fir && plea->fir_seq == seq;

    plea->has_fir = true;
    plea->fir_seq = seq;
    return !is_same || !is_answered(plea, keyframe_us);
}

bool stoa_plea_is_due(StoaPlea *plea, int64_t keyframe_us, int64_t now_us)
{
    if (!plea->waiting_us)
        return false;
    if (keyframe_us >= plea->waiting_us)
        plea->waiting_us = 0;
    return plea->waiting_us > 0 && !is_early(plea, now_us) && pass(plea, now_us);
}
