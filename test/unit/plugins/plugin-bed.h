/* SPDX-License-Identifier: MIT */
#pragma once
/* What our own tests of plugins see beyond <stoa/bed.h>: the fake worker, and offers line by line. */
#include "bed/private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How many lines of a text are `line`. */
static inline unsigned count_lines(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    unsigned n = 0;

    for (char **at = lines; *at; at++)
        n += g_str_equal(*at, line);
    return n;
}

/* conf/NAME.conf of this tree has every key with its default. */
static inline void check_sample(const char *name)
{
    g_autoptr(StoaBed) bed = stoa_bed_new(name, "");
    const char *top = g_getenv("STOA_SRCDIR");
    g_autofree char *path = g_strdup_printf("%s/conf/%s.conf", top ? top : ".", name);

    stoa_bed_sample(bed, path);
}
