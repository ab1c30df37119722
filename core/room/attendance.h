/* SPDX-License-Identifier: MIT */
/* Who was in a meeting, and when: a gap of less than a minute is one stay. */
#pragma once

#include "store/store.h"

/* One stay. Strings owned; NULL where the person was erased. */
typedef struct {
    char *person, *name, *email, *role;
    int64_t joined_ms, left_ms; /* left_ms 0: still in */
} StoaStay;

/** The stays of a meeting, in the order of their beginnings: an array of StoaStay. NULL with `error`. Thread: store. */
GPtrArray *stoa_attendance_read(StoaDb *db, const char *meeting, GError **error);
