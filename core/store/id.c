/* SPDX-License-Identifier: MIT */
/* Ids and times as the tables have them. */
#include "config.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/store.h"

char *stoa_store_id(void)
{
    return stoa_id_text(g_malloc(21), 20);
}

int64_t stoa_store_now_ms(void)
{
    return stoa_clock_wall_us() / 1000;
}

char *stoa_store_time(int64_t ms)
{
    char text[STOA_CLOCK_TEXT_SIZE];

    return ms ? g_strdup(stoa_clock_text(ms * 1000, text)) : NULL;
}

json_t *stoa_store_time_json(int64_t ms)
{
    char text[STOA_CLOCK_TEXT_SIZE];

    return ms ? json_string(stoa_clock_text(ms * 1000, text)) : json_null();
}
