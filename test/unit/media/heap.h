/* SPDX-License-Identifier: MIT */
/* What lies on the heap, for tests that hold the gateway to its size. */
#pragma once

#include <glib.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

/** Bytes in use in this process, all threads. */
static inline size_t heap_used(void)
{
    return mallinfo2().uordblks;
}

/** Whether heap_used() can tell: under a sanitizer it cannot. */
static inline bool heap_is_known(void)
{
    enum { PROBE = 100000 };
    size_t before = heap_used();
    g_autofree char *probe = g_malloc(PROBE);

    probe[0] = 1;
    return heap_used() >= before + PROBE;
}
