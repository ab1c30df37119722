/* SPDX-License-Identifier: MIT */
/* What losses say of the rate: GCC's second controller (draft-ietf-rmcat-gcc-02, 6), for queues too short to show. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All zero is a good start. */
typedef struct {
    int64_t since_us; /* packets sent before are not counted */
    int64_t begun_us; /* the first one that was; 0: none */
    unsigned n_received, n_lost;
    double latest; /* share of the last count */
    double loss;   /* smoothed */
} StoaBweLoss;

/** What became of one packet, each once; a loss that proves wrong is taken back with stoa_bwe_loss_revoke(). */
void stoa_bwe_loss_input(StoaBweLoss *loss, int64_t sent_us, bool received);
void stoa_bwe_loss_revoke(StoaBweLoss *loss);

/** Whether enough is known for a verdict; `loss` is new then, and counting begins anew. */
bool stoa_bwe_loss_ended(StoaBweLoss *loss, int64_t now_us);

/** The rate was lowered: what was sent before does not count any more. */
void stoa_bwe_loss_restart(StoaBweLoss *loss, int64_t now_us);
