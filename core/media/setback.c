/* SPDX-License-Identifier: MIT */
#include "media/setback.h"

#include <glib.h>

#include "base/poison.h"

#define WIDER 2.5 /* an estimate that is so many times what the jam carried: another way */

enum {
    FIRST_WAIT_US = 4000000,
    LAST_WAIT_US = 16000000,
    BLAME_US = 8000000,   /* a jam so soon after a rise is its fault */
    FORGET_US = 60000000, /* without a jam */
    SAME_US = 1500000,    /* cuts in a row are of one jam */
};

void stoa_setback_note(StoaSetback *setback, int64_t risen_us, uint32_t at_bps, int64_t now_us)
{
    bool is_blamed = risen_us > setback->jammed_us && now_us - risen_us < BLAME_US;
    bool is_same = setback->jammed_us && now_us - setback->jammed_us < SAME_US;

    setback->wait_before_us = setback->wait_us;
    if (!setback->jammed_us || now_us - setback->jammed_us > FORGET_US)
        setback->wait_us = FIRST_WAIT_US;
    else if (is_blamed && !is_same)
        setback->wait_us = MIN(2 * setback->wait_us, LAST_WAIT_US);
    setback->at_bps = at_bps;
    setback->jammed_us = now_us;
    setback->until_us = now_us + setback->wait_us;
}

void stoa_setback_revoke(StoaSetback *setback)
{
    setback->until_us = 0;
    setback->wait_us = setback->wait_before_us;
}

bool stoa_setback_is_repeated(const StoaSetback *setback)
{
    return setback->wait_us > FIRST_WAIT_US;
}

bool stoa_setback_holds(const StoaSetback *setback, uint32_t estimate_bps, int64_t now_us)
{
    return now_us < setback->until_us && estimate_bps < WIDER * setback->at_bps;
}
