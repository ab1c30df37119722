/* SPDX-License-Identifier: MIT */
/* A job on its way: from control to the thread that does it, and back. Only the store's threads know of it. */
#pragma once

#include "base/queue.h"
#include "store/store.h"

typedef enum {
    STOA_JOB_RUN,
    STOA_JOB_ASK, /* only reads */
    STOA_JOB_SCRUB,
    STOA_JOB_STOP
} StoaJobKind;

typedef struct {
    StoaQueueNode node;
    StoaJobKind kind;
    bool is_writers; /* it went to the writing thread first */
    StoaStoreWork *work;
    StoaStoreDone *done;
    void *data;
    GDestroyNotify free_data;
    GError *error;
    int64_t given_us;
} StoaJob;
