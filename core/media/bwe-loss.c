/* SPDX-License-Identifier: MIT */
#include "media/bwe-loss.h"

#include "base/poison.h"

#define WINDOW_US  500000
#define WINDOW_N   50 /* packets at least: of fewer, chance says too much */
#define MANY       20 /* so many losses need no longer look */
#define SLOW_US    3000000
#define SMOOTHNESS 0.5

void stoa_bwe_loss_input(StoaBweLoss *loss, int64_t sent_us, bool received)
{
    if (sent_us < loss->since_us)
        return;
    if (!loss->begun_us)
        loss->begun_us = sent_us;
    if (received)
        loss->n_received++;
    else
        loss->n_lost++;
}

void stoa_bwe_loss_revoke(StoaBweLoss *loss)
{
    if (loss->n_lost == 0)
        return;
    loss->n_lost--;
    loss->n_received++;
}

bool stoa_bwe_loss_ended(StoaBweLoss *loss, int64_t now_us)
{
    unsigned n = loss->n_received + loss->n_lost;
    int64_t us = now_us - loss->begun_us;

    if (n == 0 || (loss->n_lost < MANY && us < SLOW_US && (us < WINDOW_US || n < WINDOW_N)))
        return false;
    loss->latest = (double)loss->n_lost / n;
    loss->loss += SMOOTHNESS * (loss->latest - loss->loss);
    loss->n_received = loss->n_lost = 0;
    loss->begun_us = 0;
    return true;
}

void stoa_bwe_loss_restart(StoaBweLoss *loss, int64_t now_us)
{
    *loss = (StoaBweLoss){ .since_us = now_us };
}
